//! Traces: heads, spans, tags, and what becomes of them.
//!
//! `spans` takes them, which `otlp` reads (over `wire`) and `document` tells of; `view`
//! translates; `assessments`, `search` (over `filter`), `files` and `version_2` are further routes.

pub(super) mod assessments;
mod document;
pub(super) mod files;
mod filter;
mod otlp;
pub(super) mod search;
pub(super) mod spans;
pub(super) mod version_2;
mod view;
mod wire;

use std::collections::BTreeMap;

use axum::body::Body as AnswerBody;
use axum::extract::State;
use axum::http::header;
use axum::response::Response;
use axum::{Extension, Json};
use mlhub_core::run::Experiment;
use mlhub_core::trace::{Trace, TraceDeletion, TraceSpan};
use mlhub_core::{Caller, RunId, Timestamp, TraceId};
use serde_json::{Map, Value, json};

use super::error::{Answer, Refusal};
use super::experiments::{by_id, to_change};
use super::fields::{Fields, Rest, missing, wrong_type};
use super::nothing;
use super::runs::no_run;
use crate::ApiState;
use view::{no_trace, not_found, trace_id};

/// Tags that say where a trace is kept, which nobody sets.
const FIXED_TAGS: [&str; 5] = [
    view::LOCATION,
    view::SPANS,
    "mlflow.trace.archiveLocation",
    "mlflow.trace.archivalFailure",
    "mlflow.user",
];
/// The metadata with the number of a trace's spans.
const SIZES: &str = "mlflow.trace.sizeStats";
/// Traces that one request links to a run.
const LINKS_MAX: usize = 100;

/// The experiments of traces, by their numbers.
pub(super) struct Experiments(BTreeMap<i64, Experiment>);

impl Experiments {
    /// Those of some traces.
    pub(super) async fn of(state: &ApiState, caller: &Caller, traces: &[Trace]) -> Answer<Self> {
        let mut found = BTreeMap::new();
        for trace in traces {
            if let std::collections::btree_map::Entry::Vacant(place) = found.entry(trace.experiment)
            {
                place.insert(state.hub.experiment_get(caller, trace.experiment).await?);
            }
        }
        Ok(Self(found))
    }

    /// The one of a trace.
    pub(super) fn get(&self, trace: &Trace) -> Answer<&Experiment> {
        let found = self.0.get(&trace.experiment);
        found.ok_or_else(|| no_trace(trace.id.as_str()))
    }
}

/// A trace of an id.
pub(super) async fn by_trace_id(state: &ApiState, caller: &Caller, id: &str) -> Answer<Trace> {
    let id = trace_id(id)?;
    let found = state.hub.trace_get(caller, &id).await;
    found.map_err(not_found(&id))
}

async fn info(state: &ApiState, caller: &Caller, trace: &Trace) -> Answer<Value> {
    let experiments = Experiments::of(state, caller, std::slice::from_ref(trace)).await?;
    Ok(view::info(trace, experiments.get(trace)?))
}

fn object<'f>(fields: &'f Fields, name: &str) -> Answer<&'f Map<String, Value>> {
    match fields.0.get(name) {
        None | Some(Value::Null) => Err(missing(name)),
        Some(Value::Object(of)) => Ok(of),
        Some(other) => Err(wrong_type(name, other)),
    }
}

pub(super) async fn start(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let of = Fields(object(&fields, "trace")?.clone());
    let head = object(&of, "trace_info")?;
    let fresh = || state.hub.assessment_id_new();
    let (mut trace, experiment) = view::read(head, state.hub.now(), &fresh)?;
    let experiment = to_change(&state, &caller, &experiment).await?;
    trace.experiment = experiment.number;
    let stored = state.hub.trace_put(&caller, &trace).await?;
    let info = view::info(&stored, &experiment);
    Ok(Json(json!({"trace": {"trace_info": info}})))
}

pub(super) async fn get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest(id): Rest,
) -> Answer<Json<Value>> {
    let trace = by_trace_id(&state, &caller, &id).await?;
    let info = info(&state, &caller, &trace).await?;
    Ok(Json(json!({"trace": {"trace_info": info}})))
}

/// How many spans the head of a trace announces.
fn announced(trace: &Trace) -> usize {
    let sizes = trace.metadata.get(SIZES);
    let sizes = sizes.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let count = sizes.and_then(|sizes| sizes["num_spans"].as_u64());
    count
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(0)
}

/// A trace with its spans: their documents are put into the answer as they are stored.
fn whole(info: &Value, spans: &[TraceSpan]) -> String {
    let mut text = format!("{{\"trace_info\":{info}");
    if !spans.is_empty() {
        text.push_str(",\"spans\":[");
        for (index, span) in spans.iter().enumerate() {
            text.push_str(if index == 0 { "" } else { "," });
            text.push_str(&span.content);
        }
        text.push(']');
    }
    text.push('}');
    text
}

fn json_answer(text: String) -> Answer<Response> {
    Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .body(AnswerBody::from(text))
        .map_err(|error| mlhub_core::Error::internal("answer with a trace", error).into())
}

pub(super) async fn get_whole(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Response> {
    let id = fields.required("trace_id")?;
    let trace = match by_trace_id(&state, &caller, id).await {
        Err(refusal) if refusal.is_missing() => {
            let id: String = id.chars().take(200).collect();
            return Err(Refusal::missing(format!(
                "Trace with ID {id} is not found."
            )));
        }
        found => found?,
    };
    let partial = matches!(fields.0.get("allow_partial"), Some(Value::Bool(true)))
        || fields
            .text("allow_partial")
            .is_ok_and(|text| text == Some("true"));
    let spans = state
        .hub
        .trace_spans(&caller, std::slice::from_ref(&trace.id))
        .await?;
    let spans = spans.into_values().next().unwrap_or_default();
    if !partial && (spans.is_empty() || spans.len() < announced(&trace)) {
        return Err(Refusal::missing(format!(
            "Trace with ID {id} is not fully exported yet, please try again later."
        )));
    }
    let info = info(&state, &caller, &trace).await?;
    json_answer(format!("{{\"trace\":{}}}", whole(&info, &spans)))
}

/// The ids that a request names; those that no trace can have are left out.
fn asked(fields: &Fields, name: &str) -> Answer<Vec<TraceId>> {
    let ids = fields.texts(name)?;
    if ids.is_empty() {
        return Err(missing(name));
    }
    Ok(ids.into_iter().filter_map(|id| id.parse().ok()).collect())
}

pub(super) async fn get_many(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Response> {
    let ids = asked(&fields, "trace_ids")?;
    let traces = state.hub.traces_get(&caller, &ids).await?;
    let experiments = Experiments::of(&state, &caller, &traces).await?;
    let mut spans = state.hub.trace_spans(&caller, &ids).await?;
    let mut texts = Vec::with_capacity(traces.len());
    for trace in &traces {
        // What has not arrived in whole is left out.
        let spans = spans.remove(&trace.id).unwrap_or_default();
        if !spans.is_empty() && spans.len() >= announced(trace) {
            texts.push(whole(&view::info(trace, experiments.get(trace)?), &spans));
        }
    }
    match texts.is_empty() {
        true => json_answer("{}".to_owned()),
        false => json_answer(format!("{{\"traces\":[{}]}}", texts.join(","))),
    }
}

pub(super) async fn get_many_infos(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let ids = asked(&fields, "trace_ids")?;
    let traces = state.hub.traces_get(&caller, &ids).await?;
    let experiments = Experiments::of(&state, &caller, &traces).await?;
    let mut infos = Vec::with_capacity(traces.len());
    for trace in &traces {
        infos.push(view::info(trace, experiments.get(trace)?));
    }
    match infos.is_empty() {
        true => nothing(),
        false => Ok(Json(json!({"trace_infos": infos}))),
    }
}

/// Refuses tags that nobody sets.
fn tag_key<'f>(fields: &'f Fields, act: &str) -> Answer<&'f str> {
    let key = fields.required("key")?;
    match FIXED_TAGS.contains(&key) && !(act == "deleted" && key.ends_with("archivalFailure")) {
        false => Ok(key),
        true => Err(Refusal::invalid(format!(
            "Tag '{key}' is immutable and cannot be {act} on a trace."
        ))),
    }
}

pub(super) async fn set_tag(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest(id): Rest,
    fields: Fields,
) -> Answer<Json<Value>> {
    let id = trace_id(&id)?;
    let key = tag_key(&fields, "set")?;
    let value = view::storable(fields.text("value")?.unwrap_or_default());
    let tags = [(key.to_owned(), Some(value))].into();
    let changed = state.hub.trace_tags(&caller, &id, &tags).await;
    changed.map_err(not_found(&id))?;
    nothing()
}

pub(super) async fn delete_tag(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest(id): Rest,
    fields: Fields,
) -> Answer<Json<Value>> {
    let key = tag_key(&fields, "deleted")?;
    let trace = by_trace_id(&state, &caller, &id).await?;
    if !trace.tags.contains_key(key) {
        return Err(Refusal::missing(format!(
            "No trace tag with key '{key}' for trace with ID '{id}'"
        )));
    }
    let tags = [(key.to_owned(), None)].into();
    let changed = state.hub.trace_tags(&caller, &trace.id, &tags).await;
    changed.map_err(not_found(&trace.id))?;
    nothing()
}

pub(super) async fn link(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let given = fields.texts("trace_ids")?.len();
    let ids = asked(&fields, "trace_ids")?;
    let run = fields.required("run_id")?;
    if given > LINKS_MAX {
        return Err(Refusal::invalid(format!(
            "Cannot link more than {LINKS_MAX} traces to a run in a single request. Provided \
             {given} traces."
        )));
    }
    let run: RunId = run.parse().map_err(|_| no_run(run))?;
    state.hub.trace_link(&caller, &run, &ids).await?;
    nothing()
}

pub(super) async fn delete(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let experiment = fields.required("experiment_id")?;
    let until = fields.int("max_timestamp_millis")?;
    let max = fields.int("max_traces")?;
    let ids = fields.texts("request_ids")?;
    let refused = |why: &str| Err(Refusal::invalid(why));
    let which = match (until, ids.is_empty()) {
        (None, true) => {
            return refused("Either `max_timestamp_millis` or `trace_ids` must be specified.");
        }
        (Some(_), false) => {
            return refused("Only one of `max_timestamp_millis` and `trace_ids` can be specified.");
        }
        (None, false) if max.is_some() => {
            return refused("`max_traces` can't be specified if `trace_ids` is specified.");
        }
        (None, false) => {
            let ids = ids.into_iter().filter_map(|id| id.parse().ok());
            TraceDeletion::Ids(ids.collect())
        }
        (Some(time), true) => {
            if let Some(max) = max.filter(|max| *max <= 0) {
                return Err(Refusal::invalid(format!(
                    "`max_traces` must be a positive integer, received {max}."
                )));
            }
            TraceDeletion::Until {
                time: Timestamp(time),
                max,
            }
        }
    };
    let experiment = match by_id(&state, &caller, experiment).await {
        Ok(experiment) => experiment,
        Err(refusal) if refusal.is_missing() => return Ok(Json(json!({"traces_deleted": 0}))),
        Err(refusal) => return Err(refusal),
    };
    let deleted = state
        .hub
        .trace_delete(&caller, experiment.number, &which)
        .await?;
    Ok(Json(json!({"traces_deleted": deleted})))
}
