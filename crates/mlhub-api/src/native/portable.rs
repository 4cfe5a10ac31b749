//! Whole projects and hubs, in and out, as streams.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use mlhub_app::portable::{PortableCounts, PortableStream};
use mlhub_core::{Caller, Name};
use mlhub_protocol::rest;
use serde::Deserialize;

use crate::ApiState;
use crate::extract::{ApiPath, ApiQuery, RawBody, StreamBody};
use crate::problem::ApiResult;

fn stream(stream: PortableStream) -> Response {
    let pieces = futures::stream::unfold(stream, |mut stream| async move {
        let next = stream.next().await?;
        Some((next.map_err(std::io::Error::other), stream))
    });
    let mut response = Body::from_stream(pieces).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    response
}

fn counts(counts: PortableCounts) -> rest::PortableCounts {
    rest::PortableCounts {
        runs: counts.runs,
        points: counts.points,
        log_bytes: counts.log_bytes,
        artifacts: counts.artifacts,
    }
}

/// The content hash of a project: the same content has the same hash on every hub.
#[utoipa::path(get, path = "/api/v1/projects/{name}/hash", tag = "projects", params(("name" = String, Path, description = "The project")), responses((status = 200, body = rest::ProjectHash), (status = 404, body = rest::Problem), (status = 503, description = "Too many whole projects are being read", body = rest::Problem)))]
pub(crate) async fn hash(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(name): ApiPath<Name>,
) -> ApiResult<Json<rest::ProjectHash>> {
    let hash = state.hub.project_hash(&caller, &name).await?;
    Ok(Json(rest::ProjectHash {
        project: name.into(),
        content_hash: hash.content_hash,
        counts: counts(hash.counts),
    }))
}

/// A project as an archive with its blobs. Whole only when its `end.json` came.
#[utoipa::path(get, path = "/api/v1/projects/{name}/export", tag = "projects", params(("name" = String, Path, description = "The project")), responses((status = 200, description = "The archive", content_type = "application/octet-stream"), (status = 404, body = rest::Problem), (status = 503, description = "Too many whole projects are being read", body = rest::Problem)))]
pub(crate) async fn export(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(name): ApiPath<Name>,
) -> ApiResult<Response> {
    Ok(stream(state.hub.project_export(&caller, &name).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportParams {
    project: Option<Name>,
}

/// Imports an archive of a project, after checking all of it. Twice is once.
#[utoipa::path(post, path = "/api/v1/import", tag = "projects", params(("project" = Option<String>, Query, description = "What to call the project here")), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = rest::ImportReport), (status = 400, body = rest::Problem), (status = 409, description = "Something exists with another content", body = rest::Problem), (status = 503, description = "Too many of its kind are under way", body = rest::Problem)))]
pub(crate) async fn import(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiQuery(params): ApiQuery<ImportParams>,
    mut body: StreamBody,
) -> ApiResult<Json<rest::ImportReport>> {
    let mut intake = state.hub.import_start(&caller, params.project).await?;
    while let Some(bytes) = body.next().await? {
        if !intake.push(bytes).await {
            break;
        }
    }
    let report = intake.finish().await?;
    Ok(Json(rest::ImportReport {
        project: report.project.into(),
        content_hash: report.content_hash,
        counts: counts(report.counts),
        runs_imported: report.runs_imported,
        runs_present: report.runs_present,
        blobs_imported: report.blobs_imported,
    }))
}

/// The whole hub as it is now. The body lists blobs that the receiver has, one
/// hash a line; they are left out.
#[utoipa::path(post, path = "/api/v1/backup", tag = "hub", request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, description = "The backup", content_type = "application/octet-stream"), (status = 413, body = rest::Problem), (status = 503, description = "Too many of its kind are under way", body = rest::Problem)))]
pub(crate) async fn backup(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    RawBody(known): RawBody,
) -> ApiResult<Response> {
    let known: BTreeSet<String> = known
        .split(|byte| *byte == b'\n')
        .filter_map(|line| std::str::from_utf8(line).ok())
        .filter(|hash| mlhub_core::portable::hash(hash).is_ok())
        .map(str::to_owned)
        .collect();
    Ok(stream(state.hub.backup(&caller, known).await?))
}
