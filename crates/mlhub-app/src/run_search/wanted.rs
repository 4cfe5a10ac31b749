//! What a request for runs means: its parameters and texts as conditions and
//! orders of the query language, or the place of the mistake in them.

use mlhub_core::{Error, ErrorKind, GroupId, Name, Result, limits};
use mlhub_query::{
    Attribute, Expr, Kind, Literal, Operand, OrderKey, Predicate, QueryError, Test, parse,
    parse_operand, parse_order,
};
use serde_json::json;

use super::{RunFilter, RunListRequest};
use crate::validate;

pub(super) fn checked_limit(limit: Option<usize>) -> Result<usize> {
    match limit.unwrap_or(limits::PAGE_DEFAULT_ROWS) {
        limit @ 1..=limits::PAGE_MAX_ROWS => Ok(limit),
        _ => Err(Error::invalid(format!(
            "`limit` must be 1 to {}",
            limits::PAGE_MAX_ROWS
        ))),
    }
}

/// The error of a mistake in `text`, which the client sent as `field`.
pub(super) fn refusal(field: &str, text: &str, error: &QueryError) -> Error {
    let hint = error
        .hint
        .as_ref()
        .map(|hint| format!("; {hint}"))
        .unwrap_or_default();
    if error.late {
        let message = format!("{}{hint}", error.message);
        return Error::new(ErrorKind::Unavailable, message);
    }
    let (position, length) = error.position(text);
    Error::invalid(format!("`{field}`: {}{hint}", error.message)).with_details(json!({
        "field": field,
        "message": error.message,
        "hint": error.hint,
        "position": position,
        "length": length,
        "pointer": error.pointer(text),
    }))
}

pub(super) fn parsed(query: &str) -> Result<mlhub_query::Query> {
    parse(query).map_err(|error| refusal("query", query, &error))
}

pub(super) fn operands(field: &str, texts: &[String]) -> Result<Vec<Operand>> {
    texts
        .iter()
        .map(|text| parse_operand(text).map_err(|error| refusal(field, text, &error)))
        .collect()
}

/// An operand whose values are numbers, or texts that may be numbers.
pub(crate) fn numeric(field: &str, text: &str) -> Result<Operand> {
    let operand = parse_operand(text).map_err(|error| refusal(field, text, &error))?;
    match operand.kind() {
        Kind::Number | Kind::Label | Kind::Duration => Ok(operand),
        Kind::Text | Kind::Moment => Err(Error::invalid(format!(
            "`{field}`: {operand} is not a number; name a metric such as metrics.acc"
        ))),
    }
}

pub(super) fn equal(attribute: Attribute, text: &str) -> Expr {
    Expr::equal(
        Operand::Attribute(attribute),
        Literal::Text(text.to_owned()),
    )
}

/// The condition that the parameters of a list stand for.
pub(super) fn list_filter(request: &RunFilter, query: Option<Expr>) -> Result<Option<Expr>> {
    let fixed = [
        (
            Attribute::Project,
            request.project.as_ref().map(Name::as_str),
        ),
        (
            Attribute::Experiment,
            request.experiment.as_ref().map(Name::as_str),
        ),
        (
            Attribute::Group,
            request.group.as_ref().map(GroupId::as_str),
        ),
        (Attribute::Adapter, request.adapter.as_deref()),
    ];
    let mut parts: Vec<Expr> = fixed
        .into_iter()
        .filter_map(|(attribute, text)| Some(equal(attribute, text?)))
        .collect();
    if !request.states.is_empty() {
        let states = request.states.iter();
        parts.push(Expr::Test(Predicate {
            operand: Operand::Attribute(Attribute::State),
            test: Test::In {
                negated: false,
                values: states
                    .map(|state| Literal::Text(state.to_string()))
                    .collect(),
            },
        }));
    }
    if let Some(text) = request.text.as_deref().filter(|text| !text.is_empty()) {
        validate::key("text to find", text)?;
        parts.push(Expr::Anywhere(text.to_owned()));
    }
    parts.extend(query);
    Ok(Expr::all(parts))
}

/// The order that the parameters of a list stand for.
pub(super) fn list_order(request: &RunListRequest) -> Result<Vec<OrderKey>> {
    let descending = match request.order.as_deref() {
        None | Some("desc") => true,
        Some("asc") => false,
        Some(text) if request.sort.is_none() => {
            return parse_order(text).map_err(|error| refusal("order", text, &error));
        }
        Some(_) => {
            return Err(Error::invalid(
                "`order` beside `sort` must be asc or desc; a whole order stands in `order` alone",
            ));
        }
    };
    let sort = request.sort.as_deref().unwrap_or("created");
    let operand = match sort.split_once(':') {
        Some(("metric", name)) => Operand::metric(checked_key("metric", name)?),
        Some(("param", name)) => Operand::Param(checked_key("param", name)?),
        Some(("evaluated", name)) => {
            let (split, name) = name.split_once('/').ok_or_else(|| {
                Error::invalid("`sort` by an evaluated metric is written evaluated:SPLIT/NAME")
            })?;
            Operand::Evaluated {
                split: checked_key("split", split)?,
                name: checked_key("metric", name)?,
            }
        }
        _ => parse_operand(sort).map_err(|error| refusal("sort", sort, &error))?,
    };
    Ok(vec![OrderKey {
        operand,
        descending,
        as_text: false,
    }])
}

fn checked_key(what: &'static str, name: &str) -> Result<String> {
    validate::key(what, name)?;
    Ok(name.to_owned())
}
