//! Metric series and records.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Json};
use mlhub_app::SeriesRequest;
use mlhub_core::metric::{Axis, Reduction, SeriesWindow};
use mlhub_core::{Caller, Error, Result, limits};
use mlhub_protocol::rest;
use serde::Deserialize;

use super::{history, view};
use crate::ApiState;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::problem::ApiResult;

/// Points per series when the client does not say.
const DEFAULT_POINTS: usize = 2000;

/// Series of a run, without points.
#[utoipa::path(get, path = "/api/v1/runs/{run}/metrics", tag = "series", params(("run" = String, Path, description = "Id or unique prefix")), responses((status = 200, body = rest::MetricList)))]
pub(crate) async fn metrics(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
) -> ApiResult<Json<rest::MetricList>> {
    let metrics = state.hub.metric_list(&caller, &run).await?;
    Ok(Json(rest::MetricList {
        metrics: metrics
            .into_iter()
            .map(|(summary, display)| view::metric(summary, display))
            .collect(),
    }))
}

/// Series of several runs, reduced to a budget that keeps every spike.
#[utoipa::path(post, path = "/api/v1/series/query", tag = "series", request_body = rest::SeriesQuery, responses((status = 200, description = "JSON; with `Accept: application/vnd.apache.arrow.stream` the points as an Arrow IPC stream; with `Accept: application/vnd.mlhub.series+v1` packed numbers, of which the schema shows the head: a 32-bit length, that many bytes of the head, then of each series its steps, times and values as 64-bit floats, all little-endian", content((rest::SeriesReply = "application/json"), (rest::PackedHeader = "application/vnd.mlhub.series+v1"))), (status = 400, body = rest::Problem), (status = 413, description = "More points than one answer holds", body = rest::Problem)))]
pub(crate) async fn query(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<rest::SeriesQuery>,
) -> ApiResult<Response> {
    let request = request(body)?;
    let series = state.hub.series_read(&caller, &request).await?;
    history::answer(&headers, series)
}

fn request(body: rest::SeriesQuery) -> Result<SeriesRequest> {
    let steps_given = body.from_step.is_some() || body.to_step.is_some();
    let others_given = body.from.is_some() || body.to.is_some();
    if steps_given && (others_given || body.axis != rest::SeriesAxis::Step) {
        return Err(Error::invalid(
            "`from_step` and `to_step` are for the step axis alone; use `axis` with `from` and `to`",
        ));
    }
    let max_points = body.max_points.map(|points| points as usize);
    let default = max_points.unwrap_or(DEFAULT_POINTS);
    Ok(SeriesRequest {
        runs: body.runs,
        metrics: body.metrics,
        patterns: body.patterns,
        window: SeriesWindow {
            axis: axis(body.axis),
            from: body.from.or(body.from_step),
            to: body.to.or(body.to_step),
            attempt: body.attempt,
        },
        reduction: match body.reduction {
            rest::SeriesReduction::Envelope => Reduction::Envelope {
                max_points: default,
            },
            rest::SeriesReduction::Lttb => Reduction::Lttb {
                max_points: default,
            },
            rest::SeriesReduction::None => Reduction::Page {
                skip: 0,
                limit: max_points.unwrap_or(limits::SERIES_POINTS_MAX),
            },
        },
    })
}

pub(super) fn axis(axis: rest::SeriesAxis) -> Axis {
    match axis {
        rest::SeriesAxis::Step => Axis::Step,
        rest::SeriesAxis::Relative => Axis::Relative,
        rest::SeriesAxis::Wall => Axis::Wall,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordParams {
    kind: Option<String>,
    limit: Option<usize>,
}

/// Entry facts, checkpoints, warnings and other records of a run.
#[utoipa::path(get, path = "/api/v1/runs/{run}/records", tag = "series", params(("run" = String, Path, description = "Id or unique prefix"), ("kind" = Option<String>, Query, description = "Only this kind"), ("limit" = Option<usize>, Query, description = "Newest records at most")), responses((status = 200, body = rest::RecordList)))]
pub(crate) async fn records(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
    ApiQuery(params): ApiQuery<RecordParams>,
) -> ApiResult<Json<rest::RecordList>> {
    let limit = params.limit.unwrap_or(limits::PAGE_DEFAULT_ROWS);
    let records = state
        .hub
        .record_list(&caller, &run, params.kind.as_deref(), limit)
        .await?;
    Ok(Json(rest::RecordList {
        records: records
            .into_iter()
            .map(|(attempt, record)| rest::RecordView {
                attempt,
                kind: record.kind,
                time_ms: record.time.0,
                body: record.body,
            })
            .collect(),
    }))
}
