//! Artifacts of runs: bytes in, bytes out. How bytes are sent is in `content`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Json};
use mlhub_app::ArtifactPlace;
use mlhub_core::{ArtifactPath, Caller, Error};
use mlhub_protocol::rest;
use serde::Deserialize;

use super::content::Asked;
use super::{run_id, view};
use crate::ApiState;
use crate::extract::{ApiJson, ApiPath, ApiQuery, StreamBody};
use crate::problem::ApiResult;

/// Stored outputs of a run.
#[utoipa::path(get, path = "/api/v1/runs/{run}/artifacts", tag = "artifacts", params(("run" = String, Path, description = "Id or unique prefix")), responses((status = 200, body = rest::ArtifactList)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
) -> ApiResult<Json<rest::ArtifactList>> {
    let artifacts = state.hub.artifact_list(&caller, &run).await?;
    Ok(Json(rest::ArtifactList {
        artifacts: artifacts.into_iter().map(view::artifact).collect(),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PathParam {
    path: String,
}

/// The content of an artifact, as an attachment; one range of it when asked for.
///
/// The content is compared with its hash while it is sent. When it differs the
/// answer is an error, or, once bytes are on their way, a connection that breaks
/// before the end.
#[utoipa::path(get, path = "/api/v1/runs/{run}/artifacts/content", tag = "artifacts", params(("run" = String, Path, description = "Id or unique prefix"), ("path" = String, Query, description = "The artifact's path"), ("Range" = Option<String>, Header, description = "bytes=FIRST-LAST"), ("If-None-Match" = Option<String>, Header, description = "The hash in quotes"), ("If-Range" = Option<String>, Header, description = "The hash in quotes")), responses((status = 200, description = "The bytes", content_type = "application/octet-stream"), (status = 206, description = "The range", content_type = "application/octet-stream"), (status = 304, description = "The content is the one named by If-None-Match"), (status = 404, body = rest::Problem), (status = 416, body = rest::Problem)))]
pub(crate) async fn download(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
    ApiQuery(param): ApiQuery<PathParam>,
    asked: HeaderMap,
) -> ApiResult<Response> {
    let path: ArtifactPath = param.path.parse()?;
    let artifact = state.hub.artifact_get(&caller, &run, &path).await?;
    let asked = Asked::of(&asked, &artifact.hash, artifact.size_bytes);
    let Some(part) = asked.part() else {
        return Ok(asked.refusal(path.file_name()));
    };
    let content = state.hub.artifact_open(&caller, &run, &path, part).await?;
    if content.artifact.hash != artifact.hash {
        return Err(Error::conflict("the artifact was replaced just now; ask again").into());
    }
    asked.answer(content.reader, path.file_name()).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadParams {
    path: String,
    attempt: u32,
    kind: Option<String>,
    hash: Option<String>,
}

/// Stores an artifact; with `hash` (BLAKE3, hex) the content is checked first.
#[utoipa::path(put, path = "/api/v1/runs/{run}/artifacts/content", tag = "artifacts", params(("run" = String, Path, description = "Id"), ("path" = String, Query, description = "The artifact's path"), ("attempt" = u32, Query, description = "From 1"), ("kind" = Option<String>, Query, description = "artifact, predictions, model, ..."), ("hash" = Option<String>, Query, description = "Expected BLAKE3, hex")), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = rest::ArtifactView), (status = 400, body = rest::Problem)))]
pub(crate) async fn upload(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
    ApiQuery(params): ApiQuery<UploadParams>,
    mut body: StreamBody,
) -> ApiResult<Json<rest::ArtifactView>> {
    let path: ArtifactPath = params.path.parse()?;
    let kind = params.kind.as_deref().unwrap_or(view::ARTIFACT_KIND);
    let mut upload = state
        .hub
        .artifact_upload(
            &caller,
            &run_id(&run)?,
            params.attempt,
            path,
            kind,
            params.hash,
        )
        .await?;
    while let Some(bytes) = body.next().await? {
        upload.write(bytes).await?;
    }
    Ok(Json(view::artifact(upload.finish().await?)))
}

/// Makes content that is here already an artifact.
#[utoipa::path(post, path = "/api/v1/runs/{run}/artifacts", tag = "artifacts", params(("run" = String, Path, description = "Id")), request_body = rest::ArtifactBind, responses((status = 200, body = rest::ArtifactView), (status = 404, body = rest::Problem, description = "No such run or no such content: upload it")))]
pub(crate) async fn bind(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
    ApiJson(body): ApiJson<rest::ArtifactBind>,
) -> ApiResult<Json<rest::ArtifactView>> {
    let place = ArtifactPlace {
        run: run_id(&run)?,
        attempt: body.attempt,
        path: body.path.parse()?,
        kind: body.kind.unwrap_or_else(|| view::ARTIFACT_KIND.to_owned()),
    };
    let bound = state
        .hub
        .artifact_bind(&caller, place, &body.hash, body.size_bytes);
    Ok(Json(view::artifact(bound.await?)))
}
