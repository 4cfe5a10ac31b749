//! Metric series and records.

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_app::SeriesRequest;
use mlhub_core::metric::{Reduction, SeriesWindow};
use mlhub_core::{Caller, limits};
use mlhub_protocol::rest;
use serde::Deserialize;

use super::view;
use crate::ApiState;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::problem::ApiResult;

/// Points per series when the client does not say.
const DEFAULT_POINTS: u32 = 2000;

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
#[utoipa::path(post, path = "/api/v1/series/query", tag = "series", request_body = rest::SeriesQuery, responses((status = 200, body = rest::SeriesReply), (status = 400, body = rest::Problem)))]
pub(crate) async fn query(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::SeriesQuery>,
) -> ApiResult<Json<rest::SeriesReply>> {
    let request = SeriesRequest {
        runs: body.runs,
        metrics: body.metrics,
        patterns: Vec::new(),
        window: SeriesWindow {
            from: body.from_step,
            to: body.to_step,
            ..SeriesWindow::default()
        },
        reduction: Reduction::Envelope {
            max_points: body.max_points.unwrap_or(DEFAULT_POINTS) as usize,
        },
    };
    let series = state.hub.series_read(&caller, &request).await?;
    Ok(Json(rest::SeriesReply {
        series: series.into_iter().map(view::series).collect(),
    }))
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
