//! Traces as clients before MLflow 3 have them: begun, ended, found; their spans are a file.

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_core::run::Experiment;
use mlhub_core::trace::{Trace, TraceState};
use mlhub_core::{Caller, Timestamp};
use serde_json::{Value, json};

use super::search::Search;
use super::view::{self, SOURCE_RUN};
use super::{Experiments, by_trace_id};
use crate::ApiState;
use crate::compat::mlflow::error::Answer;
use crate::compat::mlflow::experiments::to_change;
use crate::compat::mlflow::fields::{Fields, Rest, missing};
use crate::compat::mlflow::view as words;

fn view_of(trace: &Trace, experiment: &Experiment) -> Value {
    let mut view = json!({
        "request_id": trace.id,
        "experiment_id": words::experiment_id(experiment),
        "timestamp_ms": trace.requested_at.0,
        "status": view::status_name(trace.state),
        "request_metadata": words::pairs(&trace.metadata),
        "tags": words::pairs(&view::tags(trace, experiment)),
    });
    if let Some(ms) = trace.duration_ms {
        view["execution_time_ms"] = ms.into();
    }
    view
}

fn labels(fields: &Fields, name: &str) -> Answer<Vec<(String, String)>> {
    let pairs = fields.pairs(name)?.into_iter();
    Ok(pairs
        .map(|(key, value)| (key, view::storable(&value)))
        .collect())
}

pub(in crate::compat::mlflow) async fn start(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let experiment = fields.required("experiment_id")?;
    let time = fields
        .int("timestamp_ms")?
        .ok_or_else(|| missing("timestamp_ms"))?;
    let metadata: std::collections::BTreeMap<_, _> =
        labels(&fields, "request_metadata")?.into_iter().collect();
    let experiment = to_change(&state, &caller, experiment).await?;
    let trace = Trace {
        id: state.hub.trace_id_new()?,
        experiment: experiment.number,
        run: metadata.get(SOURCE_RUN).cloned(),
        client_request: None,
        requested_at: Timestamp(time),
        duration_ms: None,
        state: TraceState::InProgress,
        request_preview: None,
        response_preview: None,
        tags: labels(&fields, "tags")?.into_iter().collect(),
        metadata,
        assessments: Vec::new(),
        headed: true,
    };
    let stored = state.hub.trace_put(&caller, &trace).await?;
    Ok(Json(json!({"trace_info": view_of(&stored, &experiment)})))
}

pub(in crate::compat::mlflow) async fn end(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest(id): Rest,
    fields: Fields,
) -> Answer<Json<Value>> {
    let mut trace = by_trace_id(&state, &caller, &id).await?;
    let time = fields
        .int("timestamp_ms")?
        .ok_or_else(|| missing("timestamp_ms"))?;
    trace.duration_ms = Some(time.saturating_sub(trace.requested_at.0));
    trace.state = view::state("status", fields.0.get("status"))?;
    trace.metadata.extend(labels(&fields, "request_metadata")?);
    trace.tags.extend(labels(&fields, "tags")?);
    trace.tags.remove(view::LOCATION);
    let stored = state.hub.trace_put(&caller, &trace).await?;
    answer(&state, &caller, &stored).await
}

pub(in crate::compat::mlflow) async fn get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest(id): Rest,
) -> Answer<Json<Value>> {
    let trace = by_trace_id(&state, &caller, &id).await?;
    answer(&state, &caller, &trace).await
}

async fn answer(state: &ApiState, caller: &Caller, trace: &Trace) -> Answer<Json<Value>> {
    let experiments = Experiments::of(state, caller, std::slice::from_ref(trace)).await?;
    let view = view_of(trace, experiments.get(trace)?);
    Ok(Json(json!({"trace_info": view})))
}

pub(in crate::compat::mlflow) async fn search(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let ids = fields.texts("experiment_ids")?;
    if ids.is_empty() {
        return Err(missing("experiment_ids"));
    }
    let search = Search::read(&state, &caller, &fields, &ids).await?;
    let found = search.run(&state, &caller).await?;
    let experiments = Experiments::of(&state, &caller, &found.traces).await?;
    let mut views = Vec::with_capacity(found.traces.len());
    for trace in &found.traces {
        views.push(view_of(trace, experiments.get(trace)?));
    }
    let mut answer = json!({});
    if !views.is_empty() {
        answer["traces"] = views.into();
    }
    if let Some(token) = found.token {
        answer["next_page_token"] = token.into();
    }
    Ok(Json(answer))
}
