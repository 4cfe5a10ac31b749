//! Artifacts: bytes in, bytes out, never rendered in the hub's origin.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use mlhub_core::{ArtifactPath, Caller};
use mlhub_protocol::rest;
use serde::Deserialize;

use super::{run_id, view};
use crate::ApiState;
use crate::extract::{ApiPath, ApiQuery, StreamBody};
use crate::problem::ApiResult;

/// Bytes sent at once.
const PIECE_BYTES: usize = 256 * 1024;
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

/// The content of an artifact, as an attachment.
#[utoipa::path(get, path = "/api/v1/runs/{run}/artifacts/content", tag = "artifacts", params(("run" = String, Path, description = "Id or unique prefix"), ("path" = String, Query, description = "The artifact's path")), responses((status = 200, description = "The bytes", content_type = "application/octet-stream"), (status = 404, body = rest::Problem)))]
pub(crate) async fn download(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
    ApiQuery(param): ApiQuery<PathParam>,
) -> ApiResult<Response> {
    let path: ArtifactPath = param.path.parse()?;
    let content = state.hub.artifact_open(&caller, &run, &path).await?;
    let size = content.artifact.size_bytes;
    let hash = content.artifact.hash.clone();
    let hub = state.hub.clone();
    let pieces =
        futures::stream::try_unfold((hub, content, 0u64), |(hub, content, offset)| async move {
            let bytes = hub
                .artifact_read(&content, offset, PIECE_BYTES)
                .await
                .map_err(std::io::Error::other)?;
            let next = offset + bytes.len() as u64;
            Ok::<_, std::io::Error>((!bytes.is_empty()).then_some((bytes, (hub, content, next))))
        });
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(CONTENT_POLICY),
    );
    headers.insert(header::CONTENT_DISPOSITION, disposition(path.file_name()));
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{hash}\"")) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
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
    let kind = params.kind.as_deref().unwrap_or("artifact");
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
