//! Captured output, byte for byte.

use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use mlhub_app::{LogRange, LogSearch};
use mlhub_core::{Caller, limits};
use mlhub_protocol::rest;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::ApiState;
use crate::extract::{ApiPath, ApiQuery};
use crate::problem::ApiResult;

/// Matches of a search when the client does not say.
const MATCHES_DEFAULT: usize = 200;

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

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchParams {
    /// The newest when absent.
    attempt: Option<u32>,
    /// What to find, on one line, 1 to 256 bytes; letters of either case.
    text: String,
    /// The first byte to look at; `next` of the answer before.
    from: Option<u64>,
    /// Matches at most, 1 to 1000; 200 when absent.
    limit: Option<usize>,
}

/// Where a text stands in a stream. One request looks at a bounded part; `next` says
/// where to go on.
#[utoipa::path(get, path = "/api/v1/runs/{run}/logs/{stream}/search", tag = "logs", params(("run" = String, Path, description = "Id or unique prefix"), ("stream" = String, Path, description = "stdout or stderr"), SearchParams), responses((status = 200, body = rest::LogSearchReply), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem)))]
pub(crate) async fn search(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((run, stream)): ApiPath<(String, String)>,
    ApiQuery(params): ApiQuery<SearchParams>,
) -> ApiResult<Json<rest::LogSearchReply>> {
    let wanted = LogSearch {
        attempt: params.attempt,
        text: params.text,
        from: params.from.unwrap_or(0),
        limit: params.limit.unwrap_or(MATCHES_DEFAULT),
    };
    let found = state
        .hub
        .log_search(&caller, &run, &stream, &wanted)
        .await?;
    let matches = found.matches.into_iter().map(|hit| rest::LogMatchView {
        offset: hit.offset,
        line_start: hit.line_start,
        line_length: hit.line_length,
    });
    Ok(Json(rest::LogSearchReply {
        matches: matches.collect(),
        next: found.next,
        size: found.size,
    }))
}
