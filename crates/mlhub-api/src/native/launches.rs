//! Experiments started on the hub's machine.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use mlhub_core::Caller;
use mlhub_protocol::rest;

use super::to_the_end;
use crate::ApiState;
use crate::extract::{ApiJson, ApiPath};
use crate::problem::ApiResult;

/// Checks an experiment; starts it unless it is a dry run or has mistakes.
#[utoipa::path(post, path = "/api/v1/launches", tag = "launches", request_body = rest::LaunchRequest, responses((status = 200, body = rest::LaunchReply, description = "Checked; nothing was started"), (status = 202, body = rest::LaunchReply, description = "Something starts"), (status = 400, body = rest::Problem), (status = 413, body = rest::Problem), (status = 501, body = rest::Problem), (status = 503, body = rest::Problem, description = "Too many are being prepared"), (status = 507, body = rest::Problem, description = "The disk is full; nothing was started")))]
pub(crate) async fn launch(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::LaunchRequest>,
) -> ApiResult<(StatusCode, Json<rest::LaunchReply>)> {
    let reply = to_the_end(async move { state.hub.launch(&caller, &body).await }).await?;
    let status = match reply.launch {
        Some(_) => StatusCode::ACCEPTED,
        None => StatusCode::OK,
    };
    Ok((status, Json(reply)))
}

/// The newest launches, and what may be launched.
#[utoipa::path(get, path = "/api/v1/launches", tag = "launches", responses((status = 200, body = rest::LaunchList)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> ApiResult<Json<rest::LaunchList>> {
    Ok(Json(state.hub.launch_list(&caller)?))
}

/// One launch: how far it is, what its preparation said, its runs.
#[utoipa::path(get, path = "/api/v1/launches/{id}", tag = "launches", params(("id" = String, Path)), responses((status = 200, body = rest::LaunchView), (status = 404, body = rest::Problem)))]
pub(crate) async fn get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(id): ApiPath<String>,
) -> ApiResult<Json<rest::LaunchView>> {
    Ok(Json(state.hub.launch_get(&caller, &id)?))
}

/// Ends the preparation of a launch; runs that are made go on.
#[utoipa::path(post, path = "/api/v1/launches/{id}/stop", tag = "launches", params(("id" = String, Path)), responses((status = 200, body = rest::LaunchView), (status = 404, body = rest::Problem)))]
pub(crate) async fn stop(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(id): ApiPath<String>,
) -> ApiResult<Json<rest::LaunchView>> {
    Ok(Json(state.hub.launch_stop(&caller, &id).await?))
}
