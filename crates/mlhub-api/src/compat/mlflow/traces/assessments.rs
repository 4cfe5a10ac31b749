//! Assessments of traces, one by one.

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_core::trace::Assessment;
use mlhub_core::{AssessmentId, Caller, Error, ErrorKind, TraceId};
use serde_json::{Value, json};

use super::view::{self, no_trace, trace_id};
use super::{by_trace_id, object};
use crate::ApiState;
use crate::compat::mlflow::error::{Answer, Refusal};
use crate::compat::mlflow::fields::{Fields, Rest};
use crate::compat::mlflow::nothing;

fn no_assessment(trace: &TraceId, id: &str) -> Refusal {
    let id: String = id.chars().take(200).collect();
    Refusal::missing(format!(
        "Assessment with ID '{id}' not found for trace '{trace}'"
    ))
}

fn answer(trace: &TraceId, assessment: &Assessment) -> Answer<Json<Value>> {
    let view = view::assessment_view(trace, assessment);
    Ok(Json(json!({"assessment": view})))
}

pub(in crate::compat::mlflow) async fn create(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest(id): Rest,
    fields: Fields,
) -> Answer<Json<Value>> {
    let given = object(&fields, "assessment")?;
    let trace = trace_id(&id)?;
    let fresh = || state.hub.assessment_id_new();
    let assessment = view::assessment(given, state.hub.now(), &fresh)?;
    let added = state.hub.assessment_add(&caller, &trace, &assessment).await;
    match added {
        Ok(()) => answer(&trace, &assessment),
        Err(error) => Err(missing(
            &state,
            &caller,
            &trace,
            assessment.overrides.as_ref(),
            error,
        )
        .await),
    }
}

/// Whether the trace is missing, or an assessment of it.
async fn missing(
    state: &ApiState,
    caller: &Caller,
    trace: &TraceId,
    assessment: Option<&AssessmentId>,
    error: Error,
) -> Refusal {
    if error.kind() != ErrorKind::NotFound {
        return error.into();
    }
    match (state.hub.trace_get(caller, trace).await, assessment) {
        (Ok(_), Some(id)) => no_assessment(trace, id.as_str()),
        _ => no_trace(trace.as_str()),
    }
}

pub(in crate::compat::mlflow) async fn get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest((id, assessment)): Rest<(String, String)>,
) -> Answer<Json<Value>> {
    let trace = by_trace_id(&state, &caller, &id).await?;
    let mut all = trace.assessments.iter();
    let found = all.find(|one| one.id.as_str() == assessment);
    let found = found.ok_or_else(|| no_assessment(&trace.id, &assessment))?;
    answer(&trace.id, found)
}

pub(in crate::compat::mlflow) async fn change(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest((id, assessment)): Rest<(String, String)>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let change = view::assessment_change(&fields)?;
    let trace = trace_id(&id)?;
    let Ok(of) = assessment.parse::<AssessmentId>() else {
        return Err(no_assessment(&trace, &assessment));
    };
    let changed = state
        .hub
        .assessment_change(&caller, &trace, &of, &change)
        .await;
    match changed {
        Ok(changed) => answer(&trace, &changed),
        Err(error) => Err(missing(&state, &caller, &trace, Some(&of), error).await),
    }
}

pub(in crate::compat::mlflow) async fn delete(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest((id, assessment)): Rest<(String, String)>,
) -> Answer<Json<Value>> {
    let trace = by_trace_id(&state, &caller, &id).await?;
    if let Ok(of) = assessment.parse() {
        let removed = state.hub.assessment_remove(&caller, &trace.id, &of).await;
        removed.map_err(view::not_found(&trace.id))?;
    }
    nothing()
}
