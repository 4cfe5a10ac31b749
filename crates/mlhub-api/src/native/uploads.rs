//! Uploads that resume, and content that is there already.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::{Extension, Json};
use mlhub_app::{ArtifactPlace, UploadBegun};
use mlhub_core::blob::UploadState;
use mlhub_core::{Caller, Error, UploadId, limits};
use mlhub_protocol::rest;
use serde::Deserialize;

use super::{run_id, view};
use crate::ApiState;
use crate::extract::{ApiJson, ApiPath, ApiQuery, StreamBody};
use crate::problem::ApiResult;

/// Where an upload stands, for those who only ask for headers.
const OFFSET_HEADER: HeaderName = HeaderName::from_static("mlhub-upload-offset");

type Answer = (HeaderMap, Json<rest::UploadView>);

fn answer(state: &UploadState) -> Answer {
    let record = &state.record;
    let view = rest::UploadView {
        id: Some(record.id.to_string()),
        present: false,
        size_bytes: record.size_bytes,
        offset: state.offset,
        part_max_bytes: limits::UPLOAD_PART_MAX_BYTES as u64,
        expires_at: Some(
            state
                .touched_at
                .0
                .saturating_add(limits::UPLOAD_IDLE_MAX_MS),
        ),
    };
    let headers = HeaderMap::from_iter([(OFFSET_HEADER, HeaderValue::from(state.offset))]);
    (headers, Json(view))
}

fn upload_id(text: &str) -> Result<UploadId, Error> {
    text.parse()
}

/// Begins an upload, finds an unfinished one, or says that the content is here.
#[utoipa::path(post, path = "/api/v1/uploads", tag = "uploads", request_body = rest::UploadBegin, responses((status = 200, body = rest::UploadView), (status = 413, body = rest::Problem), (status = 507, body = rest::Problem)))]
pub(crate) async fn begin(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::UploadBegin>,
) -> ApiResult<Answer> {
    let size_bytes = body.size_bytes;
    match state
        .hub
        .upload_begin(&caller, size_bytes, body.hash)
        .await?
    {
        UploadBegun::Wanted(state) => Ok(answer(&state)),
        UploadBegun::Present => {
            let view = rest::UploadView {
                id: None,
                present: true,
                size_bytes,
                offset: size_bytes,
                part_max_bytes: limits::UPLOAD_PART_MAX_BYTES as u64,
                expires_at: None,
            };
            Ok((HeaderMap::new(), Json(view)))
        }
    }
}

/// Where an upload stands.
#[utoipa::path(get, path = "/api/v1/uploads/{id}", tag = "uploads", params(("id" = String, Path, description = "The upload's id")), responses((status = 200, body = rest::UploadView), (status = 404, body = rest::Problem)))]
pub(crate) async fn get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(id): ApiPath<String>,
) -> ApiResult<Answer> {
    let found = state.hub.upload_get(&caller, &upload_id(&id)?).await?;
    Ok(answer(&found))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartParams {
    offset: u64,
    hash: Option<String>,
}

/// Sends a part. With `hash` (BLAKE3 of the part) it counts whole or not at
/// all; without, what arrived before a cut counts.
#[utoipa::path(patch, path = "/api/v1/uploads/{id}", tag = "uploads", params(("id" = String, Path, description = "The upload's id"), ("offset" = u64, Query, description = "Where the part starts: the upload's offset"), ("hash" = Option<String>, Query, description = "BLAKE3 of the part, hex")), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = rest::UploadView), (status = 409, body = rest::Problem), (status = 507, body = rest::Problem)))]
pub(crate) async fn part(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(id): ApiPath<String>,
    ApiQuery(params): ApiQuery<PartParams>,
    mut body: StreamBody,
) -> ApiResult<Answer> {
    let id = upload_id(&id)?;
    let mut part = state.hub.upload_part(&caller, &id, params.offset).await?;
    loop {
        match body.next().await {
            Ok(Some(bytes)) => part.write(bytes).await?,
            Ok(None) => break,
            Err(error) if params.hash.is_none() => {
                part.keep(None).await?;
                return Err(error);
            }
            Err(error) => return Err(error),
        }
    }
    part.keep(params.hash.as_deref()).await?;
    let found = state.hub.upload_get(&caller, &id).await?;
    Ok(answer(&found))
}

/// Gives an upload up and its space back.
#[utoipa::path(delete, path = "/api/v1/uploads/{id}", tag = "uploads", params(("id" = String, Path, description = "The upload's id")), responses((status = 204), (status = 404, body = rest::Problem), (status = 409, body = rest::Problem)))]
pub(crate) async fn remove(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(id): ApiPath<String>,
) -> ApiResult<StatusCode> {
    state.hub.upload_remove(&caller, &upload_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Checks a whole upload and makes it an artifact of a run.
#[utoipa::path(post, path = "/api/v1/uploads/{id}/commit", tag = "uploads", params(("id" = String, Path, description = "The upload's id")), request_body = rest::UploadCommit, responses((status = 200, body = rest::UploadCommitted), (status = 202, body = rest::UploadCommitted, description = "Still being stored: commit again"), (status = 400, body = rest::Problem), (status = 409, body = rest::Problem)))]
pub(crate) async fn commit(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(id): ApiPath<String>,
    ApiJson(body): ApiJson<rest::UploadCommit>,
) -> ApiResult<(StatusCode, Json<rest::UploadCommitted>)> {
    let place = ArtifactPlace {
        run: run_id(&body.run)?,
        attempt: body.attempt,
        path: body.path.parse()?,
        kind: body.kind.unwrap_or_else(|| view::ARTIFACT_KIND.to_owned()),
    };
    let id = upload_id(&id)?;
    let (status, artifact) = match state
        .hub
        .upload_commit(&caller, &id, place, body.hash)
        .await?
    {
        mlhub_app::UploadCommit::Storing => (StatusCode::ACCEPTED, None),
        mlhub_app::UploadCommit::Stored(artifact) => (StatusCode::OK, Some(artifact)),
    };
    let artifact = artifact.map(view::artifact);
    Ok((status, Json(rest::UploadCommitted { artifact })))
}

/// Which contents are here and need not be sent.
#[utoipa::path(post, path = "/api/v1/blobs/present", tag = "uploads", request_body = rest::BlobsQuery, responses((status = 200, body = rest::BlobsPresent)))]
pub(crate) async fn present(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::BlobsQuery>,
) -> ApiResult<Json<rest::BlobsPresent>> {
    let hashes = state.hub.blobs_present(&caller, body.hashes).await?;
    Ok(Json(rest::BlobsPresent { hashes }))
}
