//! Captured output, byte for byte.

use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use mlhub_app::LogRange;
use mlhub_core::{Caller, limits};
use mlhub_protocol::rest;
use serde::Deserialize;

use crate::ApiState;
use crate::extract::{ApiPath, ApiQuery};
use crate::problem::ApiResult;

/// Captured streams of a run.
#[utoipa::path(get, path = "/api/v1/runs/{run}/logs", tag = "logs", params(("run" = String, Path, description = "Id or unique prefix")), responses((status = 200, body = rest::LogList)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
) -> ApiResult<Json<rest::LogList>> {
    let logs = state.hub.log_list(&caller, &run).await?;
    Ok(Json(rest::LogList {
        logs: logs
            .into_iter()
            .map(|(attempt, stream, size)| rest::LogView {
                attempt,
                stream,
                size,
            })
            .collect(),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadParams {
    attempt: Option<u32>,
    offset: Option<u64>,
    limit: Option<usize>,
    tail: Option<usize>,
}

/// Bytes of a stream. `mlhub-log-offset` and `mlhub-log-size` tell where they
/// stand, `mlhub-log-next` where the next ones begin: a marker stands for output
/// that was left out of a flood. `tail` reads that many bytes from the end.
#[utoipa::path(get, path = "/api/v1/runs/{run}/logs/{stream}", tag = "logs", params(("run" = String, Path, description = "Id or unique prefix"), ("stream" = String, Path, description = "stdout or stderr"), ("attempt" = Option<u32>, Query, description = "The newest when absent"), ("offset" = Option<u64>, Query, description = "First byte"), ("limit" = Option<usize>, Query, description = "Bytes at most"), ("tail" = Option<usize>, Query, description = "Bytes from the end, instead of offset and limit")), responses((status = 200, description = "The bytes", content_type = "application/octet-stream"), (status = 404, body = rest::Problem)))]
pub(crate) async fn read(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((run, stream)): ApiPath<(String, String)>,
    ApiQuery(params): ApiQuery<ReadParams>,
) -> ApiResult<Response> {
    let range = LogRange {
        attempt: params.attempt,
        offset: params.offset.unwrap_or(0),
        tail: params.tail.is_some(),
        limit: params
            .tail
            .or(params.limit)
            .unwrap_or(limits::LOG_READ_MAX_BYTES),
    };
    let log = state.hub.log_read(&caller, &run, &stream, range).await?;
    Ok((
        [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/octet-stream"),
            ),
            (
                HeaderName::from_static("mlhub-log-offset"),
                HeaderValue::from(log.offset),
            ),
            (
                HeaderName::from_static("mlhub-log-size"),
                HeaderValue::from(log.size),
            ),
            (
                HeaderName::from_static("mlhub-log-next"),
                HeaderValue::from(log.next),
            ),
        ],
        log.bytes,
    )
        .into_response())
}
