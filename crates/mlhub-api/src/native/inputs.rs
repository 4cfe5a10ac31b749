//! Artifacts found by content or place, and which runs used them.

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_app::ArtifactSearch;
use mlhub_core::{ArtifactPath, Caller, Name};
use mlhub_protocol::rest;
use serde::Deserialize;

use super::{run_id, view};
use crate::ApiState;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::problem::ApiResult;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindParams {
    hash: Option<String>,
    project: Option<Name>,
    run: Option<String>,
    path: Option<ArtifactPath>,
    limit: Option<usize>,
}

/// Artifacts by content, project, run (id or name) and path, newest first.
#[utoipa::path(get, path = "/api/v1/artifacts", tag = "inputs", params(("hash" = Option<String>, Query, description = "BLAKE3, hex"), ("project" = Option<String>, Query, description = "Only runs of this project"), ("run" = Option<String>, Query, description = "Only runs with this id or this name"), ("path" = Option<String>, Query, description = "The artifact's path"), ("limit" = Option<usize>, Query, description = "1 to 1000; 100 when absent")), responses((status = 200, body = rest::ArtifactsFound)))]
pub(crate) async fn find(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiQuery(params): ApiQuery<FindParams>,
) -> ApiResult<Json<rest::ArtifactsFound>> {
    let search = ArtifactSearch {
        hash: params.hash,
        project: params.project,
        run: params.run,
        path: params.path,
        limit: params.limit,
    };
    let found = state.hub.artifact_find(&caller, search).await?;
    let artifacts = found.into_iter().map(|artifact| rest::ArtifactFound {
        run: artifact.run.to_string(),
        artifact: view::artifact(artifact),
    });
    Ok(Json(rest::ArtifactsFound {
        artifacts: artifacts.collect(),
    }))
}

/// What a run used.
#[utoipa::path(get, path = "/api/v1/runs/{run}/inputs", tag = "inputs", params(("run" = String, Path, description = "Id or unique prefix")), responses((status = 200, body = rest::InputList), (status = 404, body = rest::Problem)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
) -> ApiResult<Json<rest::InputList>> {
    let inputs = state.hub.input_list(&caller, &run).await?;
    Ok(Json(rest::InputList {
        inputs: inputs.into_iter().map(view::input).collect(),
    }))
}

/// Notes that a run uses an artifact of another.
#[utoipa::path(post, path = "/api/v1/runs/{run}/inputs", tag = "inputs", params(("run" = String, Path, description = "Id")), request_body = rest::InputAdd, responses((status = 200, body = rest::InputView), (status = 404, body = rest::Problem)))]
pub(crate) async fn add(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
    ApiJson(body): ApiJson<rest::InputAdd>,
) -> ApiResult<Json<rest::InputView>> {
    let (run, path) = (run_id(&run)?, body.path.parse()?);
    let hub = &state.hub;
    let used = hub.input_add(&caller, &run, &body.source_run, &path, body.name);
    Ok(Json(view::input(used.await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UsersParams {
    path: ArtifactPath,
}

/// Who used the content of an artifact.
#[utoipa::path(get, path = "/api/v1/runs/{run}/artifacts/users", tag = "inputs", params(("run" = String, Path, description = "Id or unique prefix"), ("path" = String, Query, description = "The artifact's path")), responses((status = 200, body = rest::InputList), (status = 404, body = rest::Problem)))]
pub(crate) async fn users(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
    ApiQuery(params): ApiQuery<UsersParams>,
) -> ApiResult<Json<rest::InputList>> {
    let users = state
        .hub
        .artifact_users(&caller, &run, &params.path)
        .await?;
    Ok(Json(rest::InputList {
        inputs: users.into_iter().map(view::input).collect(),
    }))
}
