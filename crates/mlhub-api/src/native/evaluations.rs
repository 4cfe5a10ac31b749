//! Evaluations.

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_core::Caller;
use mlhub_protocol::rest;

use super::view;
use crate::ApiState;
use crate::extract::ApiPath;
use crate::problem::ApiResult;

/// Evaluations of a run, without curves.
#[utoipa::path(get, path = "/api/v1/runs/{run}/evaluations", tag = "evaluations", params(("run" = String, Path, description = "Id or unique prefix")), responses((status = 200, body = rest::EvaluationList)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
) -> ApiResult<Json<rest::EvaluationList>> {
    let records = state.hub.evaluation_list(&caller, &run).await?;
    let evaluations = records
        .into_iter()
        .map(|(record, receipt)| view::evaluation(record, receipt))
        .collect::<Result<_, _>>()?;
    Ok(Json(rest::EvaluationList { evaluations }))
}

/// Evaluates the stored predictions again.
#[utoipa::path(post, path = "/api/v1/runs/{run}/evaluations", tag = "evaluations", params(("run" = String, Path, description = "Id or unique prefix")), responses((status = 200, body = rest::EvaluationList), (status = 409, body = rest::Problem)))]
pub(crate) async fn repeat(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
) -> ApiResult<Json<rest::EvaluationList>> {
    let records = state.hub.evaluation_repeat(&caller, &run).await?;
    let evaluations = records
        .into_iter()
        .map(|(record, receipt)| view::evaluation(record, receipt))
        .collect::<Result<_, _>>()?;
    Ok(Json(rest::EvaluationList { evaluations }))
}

/// An evaluation with its curves.
#[utoipa::path(get, path = "/api/v1/evaluations/{id}", tag = "evaluations", params(("id" = String, Path, description = "The evaluation's id")), responses((status = 200, body = rest::EvaluationDetail), (status = 404, body = rest::Problem)))]
pub(crate) async fn get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(id): ApiPath<String>,
) -> ApiResult<Json<rest::EvaluationDetail>> {
    let (mut record, receipt) = state.hub.evaluation_get(&caller, &id.parse()?).await?;
    let curves = record.curves.take();
    Ok(Json(rest::EvaluationDetail {
        evaluation: view::evaluation(record, receipt)?,
        curves,
    }))
}
