//! Datasets that runs read.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_app::{ClientLog, INPUT_KIND, RunInputTest};
use mlhub_core::logged_model::LoggedModelRole;
use mlhub_core::run::RunRecord;
use mlhub_core::{Caller, limits};
use serde_json::{Map, Value, json};

use super::batch::check_count;
use super::error::{Answer, Refusal};
use super::experiments::some;
use super::fields::{Fields, missing, wrong_type};
use super::filter::{Clause, How, Operand};
use super::logging::log;
use super::run_query::{self, Place, View};
use super::runs::{INPUTS_MAX, by_run_id};
use super::{logged_models, nothing, view};
use crate::ApiState;

/// Bytes of the schema and of the profile of a dataset that are kept together.
const DESCRIPTION_MAX_BYTES: usize = limits::RECORD_MAX_BYTES - 8 * 1024;
/// Experiments whose datasets are asked for at once.
const EXPERIMENTS_MAX: usize = 20;
/// Datasets in one answer.
const SUMMARIES_MAX: usize = 1000;

/// A dataset that a run read, as it is kept.
fn input(index: usize, message: &Map<String, Value>) -> Answer<Value> {
    let path = format!("datasets[{index}].dataset");
    let dataset = message.get("dataset").filter(|value| !value.is_null());
    let dataset = dataset.ok_or_else(|| missing(&path))?;
    let fields = dataset.as_object();
    let fields = Fields(fields.ok_or_else(|| wrong_type(&path, dataset))?.clone());
    let mut kept = Map::new();
    for (name, max) in [
        ("name", 500),
        ("digest", 36),
        ("source_type", 36),
        ("source", 65_535),
        ("schema", 1_048_575),
        ("profile", 16_777_215),
    ] {
        let value = match name {
            "name" | "digest" => Some(fields.required(name)?),
            _ => fields.text(name)?,
        };
        let Some(value) = value else { continue };
        if value.len() > max {
            return Err(Refusal::invalid(format!(
                "{path}.{name} exceeds the maximum length of {max} characters"
            )));
        }
        kept.insert(name.to_owned(), value.into());
    }
    // What describes the data at length goes first where there is too much of it.
    for name in ["profile", "schema", "source"] {
        if Value::from(kept.clone()).to_string().len() > DESCRIPTION_MAX_BYTES {
            kept.remove(name);
        }
    }
    let tags = Fields(message.clone()).pairs("tags")?;
    let mut view = json!({"dataset": kept});
    if !tags.is_empty() {
        let pair = |(key, value)| json!({"key": key, "value": value});
        view["tags"] = tags.into_iter().map(pair).collect();
    }
    Ok(view)
}

pub(super) async fn log_inputs(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let id = fields.run_id()?;
    let run = by_run_id(&state, &caller, id).await?;
    let there = state
        .hub
        .run_records(&caller, &run.id, INPUT_KIND, INPUTS_MAX)
        .await?;
    let identity = |body: &Value| {
        let of = |name: &str| {
            body["dataset"][name]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        (of("name"), of("digest"))
    };
    let mut known: BTreeSet<_> = there.iter().map(|record| identity(&record.body)).collect();
    let mut records = Vec::new();
    for (index, message) in fields.list("datasets")?.into_iter().enumerate() {
        let body = input(index, message)?;
        if known.insert(identity(&body)) {
            records.push(RunRecord {
                kind: INPUT_KIND.to_owned(),
                time: state.hub.now(),
                body,
            });
        }
    }
    check_count("datasets", INPUTS_MAX, known.len())?;
    let entry = ClientLog {
        records,
        ..ClientLog::default()
    };
    log(&state, &caller, id, entry).await?;
    logged_models::note(&state, &caller, &run, LoggedModelRole::Input, &fields).await?;
    nothing()
}

/// A comparison of `datasets.*` as a test; how clauses go together is the hub's matter.
pub(super) fn test(clause: &Clause) -> Answer<RunInputTest> {
    let plain = matches!(
        clause.how,
        How::Equal | How::NotEqual | How::Like | How::Ilike | How::In | How::NotIn
    );
    if !plain {
        return Err(Refusal::invalid(format!(
            "Invalid comparator '{}' not one of '!=', '=', 'LIKE', 'ILIKE', 'IN', 'NOT IN' for a \
             dataset",
            clause.how.symbol().to_uppercase()
        )));
    }
    if let Operand::Number(number) = clause.value {
        return Err(Refusal::invalid(format!(
            "Expected a quoted string value for dataset attributes. Got value {number}"
        )));
    }
    let (how, value) = (clause.how, clause.value.clone());
    match clause.key.to_lowercase().as_str() {
        "name" => Ok(Box::new(move |input| how.texts(&input.name, &value))),
        "digest" => Ok(Box::new(move |input| how.texts(&input.digest, &value))),
        "context" => Ok(Box::new(move |input| {
            let context = input.context.as_deref();
            context.is_some_and(|context| how.texts(context, &value))
        })),
        _ => Err(Refusal::invalid(format!(
            "Invalid dataset attribute key '{}' specified. Valid keys are 'name', 'digest', \
             'context'",
            clause.key
        ))),
    }
}

/// What the runs of some experiments read.
pub(super) async fn search(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let ids = fields.texts("experiment_ids")?;
    if ids.is_empty() {
        return Err(Refusal::invalid(
            "SearchDatasets request must specify at least one experiment_id.",
        ));
    }
    if ids.len() > EXPERIMENTS_MAX {
        return Err(Refusal::invalid(format!(
            "SearchDatasets request cannot specify more than {EXPERIMENTS_MAX} experiment_ids. \
             Received {} experiment_ids.",
            ids.len()
        )));
    }
    let mut summaries = Vec::new();
    for experiment in some(&state, &caller, &ids).await? {
        let place = Place::of(&experiment);
        let query = run_query::wanted(&[place], "", View::All)?.query;
        let runs = state.hub.run_ids_matching(&query, None, None).await?;
        for input in state.hub.inputs_of_runs(&caller, &runs).await? {
            let mut summary = json!({
                "experiment_id": view::experiment_id(&experiment),
                "name": input.name,
                "digest": input.digest,
            });
            if let Some(context) = input.context {
                summary["context"] = context.into();
            }
            summaries.push(summary);
        }
    }
    summaries.truncate(SUMMARIES_MAX);
    Ok(Json(match summaries.is_empty() {
        true => json!({}),
        false => json!({"dataset_summaries": summaries}),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_descriptions_of_data_go_and_its_identity_stays() {
        let long = "x".repeat(60_000);
        let message =
            json!({"dataset": {"name": "n", "digest": "d", "schema": long, "profile": long}});
        let kept = input(0, message.as_object().expect("an object")).expect("kept");
        assert_eq!(kept["dataset"]["name"], "n");
        assert_eq!(kept["dataset"]["profile"], Value::Null);
        assert!(kept.to_string().len() <= limits::RECORD_MAX_BYTES);
        let nameless = json!({"dataset": {"digest": "d"}});
        assert!(input(0, nameless.as_object().expect("an object")).is_err());
    }
}
