//! Artifacts: bytes in, bytes out, never rendered in the hub's origin.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures::StreamExt;
use mlhub_app::{ArtifactContent, ArtifactPlace};
use mlhub_core::{ArtifactPath, Caller, Error};
use mlhub_protocol::rest;
use serde::Deserialize;

use super::range::{self, Range};
use super::{run_id, view};
use crate::ApiState;
use crate::extract::{ApiJson, ApiPath, ApiQuery, StreamBody};
use crate::problem::ApiResult;

/// User content may do nothing, should a browser ever render it.
const CONTENT_POLICY: &str = "sandbox; default-src 'none'";

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
    let tag = format!("\"{}\"", artifact.hash);
    if names_tag(&asked, &header::IF_NONE_MATCH, &tag) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        describe(response.headers_mut(), path.file_name(), &tag);
        return Ok(response);
    }
    let size = artifact.size_bytes;
    let fresh = !asked.contains_key(header::IF_RANGE) || names_tag(&asked, &header::IF_RANGE, &tag);
    let range = match asked.get(header::RANGE).filter(|_| fresh) {
        Some(range) => range::parse(range, size),
        None => Range::Whole,
    };
    let (status, part) = match range {
        Range::Whole => (StatusCode::OK, None),
        Range::Part(start, end) => (StatusCode::PARTIAL_CONTENT, Some((start, end))),
        Range::Outside => return Ok(range::refuse(size)),
    };
    let content = state.hub.artifact_open(&caller, &run, &path, part).await?;
    if content.artifact.hash != artifact.hash {
        return Err(Error::conflict("the artifact was replaced just now; ask again").into());
    }
    let mut response = send(status, content).await?;
    let headers = response.headers_mut();
    describe(headers, path.file_name(), &tag);
    let (start, end) = part.unwrap_or((0, size));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(end - start));
    if part.is_some() {
        let last = end.saturating_sub(1);
        if let Ok(value) = HeaderValue::from_str(&format!("bytes {start}-{last}/{size}")) {
            headers.insert(header::CONTENT_RANGE, value);
        }
    }
    Ok(response)
}

/// Sends a content. The first piece is read before the status is sent, so that
/// what is missing or small and damaged is an error and not a broken connection.
async fn send(status: StatusCode, content: ArtifactContent) -> ApiResult<Response> {
    let mut reader = content.reader;
    let first = reader.next().await?;
    let rest = futures::stream::try_unfold(reader, |mut reader| async move {
        match reader.next().await {
            Ok(piece) => Ok(piece.map(|piece| (piece, reader))),
            Err(error) => {
                tracing::error!(message = error.public_message(), "a download is broken off");
                Err(std::io::Error::other("the content is damaged"))
            }
        }
    });
    let pieces = futures::stream::iter(first.map(Ok::<_, std::io::Error>)).chain(rest);
    Ok((status, Body::from_stream(pieces)).into_response())
}

fn names_tag(asked: &HeaderMap, name: &HeaderName, tag: &str) -> bool {
    let given = asked.get(name).and_then(|value| value.to_str().ok());
    given.is_some_and(|given| given.split(',').any(|one| one.trim() == tag))
}

fn describe(headers: &mut HeaderMap, name: &str, tag: &str) {
    let fixed = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::ACCEPT_RANGES, "bytes"),
    ];
    for (header, value) in fixed {
        headers.insert(header, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_DISPOSITION, disposition(name));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
}

/// An attachment under the artifact's own name, percent-encoded.
fn disposition(name: &str) -> HeaderValue {
    let encoded: String = name
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{encoded}"))
        .unwrap_or_else(|_| HeaderValue::from_static("attachment"))
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
