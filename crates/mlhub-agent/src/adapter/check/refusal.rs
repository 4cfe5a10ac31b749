//! The promise that bad params are refused by the name of their field: by the
//! schema, and by the program when something bypasses the hub.

use mlhub_protocol::adapter::exit_code;
use serde_json::{Map, Value, json};

use super::program::Bench;
use super::{Verdict, not_applicable, passed};
use crate::adapter::manifest::Adapter;
use crate::adapter::schema;

/// A param nobody has.
const UNKNOWN: &str = "mlhub_check_unknown_param";
/// A text no number reads as.
const WRONG_TEXT: &str = "mlhub-check-wrong-type";

/// Unknown params and wrong types break the schema.
pub(super) fn by_schema(adapter: &Adapter) -> Verdict {
    let good = adapter.smoke_params();
    let mut checked = Vec::new();
    if adapter
        .schema
        .get("additionalProperties")
        .is_none_or(|additional| additional == &json!(false))
    {
        let mut params = good.clone();
        params.insert(UNKNOWN.to_owned(), json!(1));
        match schema::check_params(&adapter.schema, &params) {
            Err((field, _)) if field == UNKNOWN => checked.push("an unknown param".to_owned()),
            _ => return Err("an unknown param is not refused; close the schema with \"additionalProperties\": false".to_owned()),
        }
    }
    if let Some((name, wrong)) = wrong_param(adapter) {
        let params = with(&good, &name, wrong);
        match schema::check_params(&adapter.schema, &params) {
            Err((field, _)) if field == name => checked.push(format!("a wrong type of `{name}`")),
            Err((field, _)) => {
                return Err(format!(
                    "a wrong type of `{name}` is refused in the name of `{field}`"
                ));
            }
            Ok(()) => {
                return Err(format!(
                    "a wrong type of `{name}` is not refused; give it a \"type\""
                ));
            }
        }
    }
    if checked.is_empty() {
        return not_applicable("the schema has no param with a type and allows any further one");
    }
    passed(format!("refused by name: {}", checked.join(", ")))
}

/// A wrong value in `run.json` makes the program exit with the config code and an error event that names the field.
pub(super) fn by_program(bench: &mut Bench<'_>) -> Verdict {
    if bench.adapter.is_declarative() {
        return not_applicable("a declarative adapter has no code that reads run.json");
    }
    let Some((name, wrong)) = wrong_param(bench.adapter) else {
        return not_applicable("the schema has no param with a type");
    };
    let mut job = bench.smoke_job();
    job.params = with(&job.params, &name, wrong);
    let outcome = bench.run("refused", &job, None)?;
    if outcome.exit.code != Some(exit_code::CONFIG) {
        return Err(format!(
            "a wrong type of `{name}` in run.json must end with exit code {}: {}",
            exit_code::CONFIG,
            outcome.end()
        ));
    }
    let Some(error) = outcome.events.iter().find_map(|event| event.error.as_ref()) else {
        return Err(format!(
            "exit code {} without an error event; write {{\"error\": {{\"field\": \"{name}\", \"message\": \"...\"}}}} first",
            exit_code::CONFIG
        ));
    };
    let names = error
        .field
        .as_deref()
        .is_some_and(|field| field == name || field == format!("params.{name}"));
    if !names {
        return Err(format!(
            "the error event names the field `{}` instead of `{name}`",
            error.field.as_deref().unwrap_or("")
        ));
    }
    passed(format!(
        "a wrong type of `{name}` ends with exit code {} and an error event that names it",
        exit_code::CONFIG
    ))
}

fn with(params: &Map<String, Value>, name: &str, value: Value) -> Map<String, Value> {
    let mut params = params.clone();
    params.insert(name.to_owned(), value);
    params
}

/// A param with a plain type and a value of another: numbers that the smoke params set come first.
fn wrong_param(adapter: &Adapter) -> Option<(String, Value)> {
    let properties = adapter.schema.get("properties")?.as_object()?;
    let smoke = &adapter.manifest.smoke;
    let set = |name: &str| smoke.params.contains_key(name) || smoke.check_params.contains_key(name);
    let typed = |names: &[&str], only_smoke: bool| {
        let fits = |(name, property): &(&String, &Value)| {
            names
                .iter()
                .any(|wanted| property.get("type") == Some(&json!(wanted)))
                && (!only_smoke || set(name))
        };
        properties.iter().find(fits).map(|(name, _)| name.clone())
    };
    let numbers = ["integer", "number"];
    if let Some(name) = typed(&numbers, true)
        .or_else(|| typed(&numbers, false))
        .or_else(|| typed(&["boolean"], false))
    {
        return Some((name, json!(WRONG_TEXT)));
    }
    typed(&["string", "array", "object"], true)
        .or_else(|| typed(&["string", "array", "object"], false))
        .map(|name| (name, json!(12_345)))
}
