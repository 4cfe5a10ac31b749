//! Whole histories as files: streamed, so that memory stays flat.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use mlhub_app::{History, HistoryRequest};
use mlhub_core::metric::SeriesWindow;
use mlhub_core::{Caller, Error, Result};
use mlhub_protocol::rest::{self, TableFormat};
use serde::Deserialize;

use super::series::axis;
use super::table::TableWriter;
use crate::ApiState;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::problem::ApiResult;

/// Every point of series of several runs, as a table.
#[utoipa::path(post, path = "/api/v1/series/history", tag = "series", request_body = rest::HistoryQuery, responses((status = 200, description = "Rows of run, metric, attempt, step, time, value: JSON lines, CSV, Parquet or an Arrow IPC stream; a broken connection means that rows are missing", content_type = "application/x-ndjson", body = String), (status = 400, body = rest::Problem)))]
pub(crate) async fn history(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<rest::HistoryQuery>,
) -> ApiResult<Response> {
    let format = body.format.or_else(|| accepted(&headers));
    let request = HistoryRequest {
        runs: body.runs,
        metrics: body.metrics,
        patterns: body.patterns,
        window: SeriesWindow {
            axis: axis(body.axis),
            from: body.from,
            to: body.to,
            attempt: None,
        },
        superseded: body.superseded,
    };
    let history = state.hub.history_open(&caller, request).await?;
    Ok(answer_with(history, format.unwrap_or_default())?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryParams {
    metric: Option<String>,
    format: Option<TableFormat>,
    attempt: Option<u32>,
    #[serde(default)]
    superseded: bool,
}

/// Every point of a run, as a table.
#[utoipa::path(get, path = "/api/v1/runs/{run}/metrics/history", tag = "series", params(("run" = String, Path, description = "Id or unique prefix"), ("metric" = Option<String>, Query, description = "A pattern: `*` is any text, `?` any one character; all metrics when absent"), ("format" = Option<TableFormat>, Query, description = "By the Accept header when absent"), ("attempt" = Option<u32>, Query, description = "Only this attempt, with what later ones superseded"), ("superseded" = Option<bool>, Query, description = "Also what later attempts superseded")), responses((status = 200, description = "As POST /series/history", content_type = "application/x-ndjson", body = String), (status = 404, body = rest::Problem)))]
pub(crate) async fn run_history(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    ApiPath(run): ApiPath<String>,
    ApiQuery(params): ApiQuery<HistoryParams>,
) -> ApiResult<Response> {
    let request = HistoryRequest {
        runs: vec![run],
        metrics: Vec::new(),
        patterns: params.metric.into_iter().collect(),
        window: SeriesWindow {
            attempt: params.attempt,
            ..SeriesWindow::default()
        },
        superseded: params.superseded,
    };
    let format = params.format.or_else(|| accepted(&headers));
    let history = state.hub.history_open(&caller, request).await?;
    Ok(answer_with(history, format.unwrap_or_default())?)
}

/// The first format that the Accept header names.
pub(super) fn accepted(headers: &HeaderMap) -> Option<TableFormat> {
    let wanted = headers.get(header::ACCEPT)?.to_str().ok()?;
    wanted.split(',').find_map(
        |entry| match entry.split(';').next().unwrap_or_default().trim() {
            "application/x-ndjson" | "application/json" => Some(TableFormat::Json),
            "text/csv" => Some(TableFormat::Csv),
            "application/vnd.apache.parquet" => Some(TableFormat::Parquet),
            "application/vnd.apache.arrow.stream" => Some(TableFormat::Arrow),
            _ => None,
        },
    )
}

struct Pieces {
    history: History,
    writer: TableWriter,
    ended: bool,
}

/// The history as an answer that is written as it is read. A failure on the
/// way breaks the connection off: a table that ends well is whole.
fn answer_with(history: History, format: TableFormat) -> Result<Response> {
    let writer = TableWriter::new(format)
        .map_err(|error| Error::internal("start a table of points", error))?;
    let pieces = Pieces {
        history,
        writer,
        ended: false,
    };
    let pieces = futures::stream::try_unfold(pieces, |mut pieces| async move {
        while !pieces.ended {
            let batch = pieces
                .history
                .next()
                .await
                .inspect_err(|error| tracing::error!(%error, "an export of points broke off"))
                .map_err(std::io::Error::other)?;
            // Writing a batch takes milliseconds of work, too long for this thread.
            let written = tokio::task::spawn_blocking(move || {
                let bytes = match batch {
                    Some(batch) => pieces.writer.rows(
                        batch.run.as_str(),
                        &batch.metric,
                        batch.attempt,
                        &batch.points,
                    ),
                    None => {
                        pieces.ended = true;
                        pieces.writer.finish()
                    }
                };
                (bytes, pieces)
            });
            let (bytes, after) = written.await.map_err(std::io::Error::other)?;
            pieces = after;
            let bytes = bytes.map_err(std::io::Error::other)?;
            if !bytes.is_empty() {
                return Ok(Some((Bytes::from(bytes), pieces)));
            }
        }
        Ok::<_, std::io::Error>(None)
    });
    let mut response = Body::from_stream(pieces).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(format.content_type()),
    );
    Ok(response)
}

/// Series that were read as an Arrow IPC stream.
pub(super) fn arrow(series: Vec<mlhub_app::Series>) -> ApiResult<Response> {
    let failed = |error| Error::internal("write an Arrow stream", error);
    let mut writer = TableWriter::new(TableFormat::Arrow).map_err(failed)?;
    let mut body = Vec::new();
    for series in series {
        let mut points = series.view.points.as_slice();
        for span in &series.view.attempts {
            let (now, later) = points.split_at(span.count.min(points.len()));
            let run = series.run.as_str();
            let rows = writer.rows(run, &series.metric, span.attempt, now);
            body.extend(rows.map_err(failed)?);
            points = later;
        }
    }
    body.extend(writer.finish().map_err(failed)?);
    let content_type = HeaderValue::from_static(TableFormat::Arrow.content_type());
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}

/// Whether the first type that the client accepts is that of packed series.
fn asks_packed(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.trim().starts_with(rest::PACKED_SERIES))
}

/// Series that were read, in the form the client accepts.
pub(super) fn answer(headers: &HeaderMap, series: Vec<mlhub_app::Series>) -> ApiResult<Response> {
    if asks_packed(headers) {
        let content_type = HeaderValue::from_static(rest::PACKED_SERIES);
        let body = super::packed::packed(&series)?;
        return Ok(([(header::CONTENT_TYPE, content_type)], body).into_response());
    }
    match accepted(headers) {
        Some(TableFormat::Arrow) => arrow(series),
        _ => Ok(Json(rest::SeriesReply {
            series: series.into_iter().map(super::view::series).collect(),
        })
        .into_response()),
    }
}
