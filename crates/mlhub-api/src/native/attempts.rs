//! What supervisors report.

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_app::{AttemptStanding, FinishReport, PredictionsShipped};
use mlhub_core::run::{ExitStatus, Failure, FailureClass, RunRecord};
use mlhub_core::store::{IngestBatch, IngestOutcome, LogOutcome};
use mlhub_core::{Caller, Error, Result, RunState, Timestamp};
use mlhub_protocol::batch::ColumnBatch;
use mlhub_protocol::rest;
use serde::Deserialize;

use super::{run_id, view};
use crate::ApiState;
use crate::extract::{ApiJson, ApiPath, ApiQuery, EventsBody, RawBody};
use crate::problem::ApiResult;

fn reply(standing: AttemptStanding) -> Json<rest::AttemptReply> {
    Json(rest::AttemptReply {
        state: standing.state.as_str().to_owned(),
        stop_requested: standing.stop_requested,
    })
}

fn misaligned(expected: u64) -> Error {
    Error::conflict(format!(
        "the stream is stored up to byte {expected}; send from there"
    ))
    .with_details(serde_json::json!({"expected": expected}))
}

/// Queues another attempt of an ended run.
#[utoipa::path(post, path = "/api/v1/runs/{run}/attempts", tag = "attempts", params(("run" = String, Path, description = "Id or unique prefix")), request_body = rest::AttemptCreate, responses((status = 200, body = rest::AttemptView), (status = 409, body = rest::Problem)))]
pub(crate) async fn create(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
    ApiJson(body): ApiJson<rest::AttemptCreate>,
) -> ApiResult<Json<rest::AttemptView>> {
    let (_, attempt) = state
        .hub
        .attempt_create(&caller, &run, body.host.as_deref(), body.resumed_from_step)
        .await?;
    Ok(Json(view::attempt(attempt)))
}

/// What the hub has of an attempt.
#[utoipa::path(get, path = "/api/v1/runs/{run}/attempts/{number}/offsets", tag = "attempts", params(("run" = String, Path, description = "Id"), ("number" = u32, Path, description = "From 1")), responses((status = 200, body = rest::Offsets), (status = 404, body = rest::Problem)))]
pub(crate) async fn offsets(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((run, number)): ApiPath<(String, u32)>,
) -> ApiResult<Json<rest::Offsets>> {
    let stored = state
        .hub
        .attempt_offsets(&caller, &run_id(&run)?, number)
        .await?;
    Ok(Json(rest::Offsets {
        events: stored.events,
        logs: stored.logs,
        artifacts: stored.artifacts,
    }))
}

/// The program started.
#[utoipa::path(post, path = "/api/v1/runs/{run}/attempts/{number}/start", tag = "attempts", params(("run" = String, Path, description = "Id"), ("number" = u32, Path, description = "From 1")), request_body = rest::AttemptStart, responses((status = 200, body = rest::AttemptReply), (status = 404, body = rest::Problem)))]
pub(crate) async fn start(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((run, number)): ApiPath<(String, u32)>,
    ApiJson(body): ApiJson<rest::AttemptStart>,
) -> ApiResult<Json<rest::AttemptReply>> {
    let standing = state
        .hub
        .attempt_start(&caller, &run_id(&run)?, number, Timestamp(body.started_at))
        .await?;
    Ok(reply(standing))
}

/// The supervisor is alive.
#[utoipa::path(post, path = "/api/v1/runs/{run}/attempts/{number}/heartbeat", tag = "attempts", params(("run" = String, Path, description = "Id"), ("number" = u32, Path, description = "From 1")), request_body = rest::Heartbeat, responses((status = 200, body = rest::AttemptReply), (status = 404, body = rest::Problem)))]
pub(crate) async fn heartbeat(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((run, number)): ApiPath<(String, u32)>,
    ApiJson(_body): ApiJson<rest::Heartbeat>,
) -> ApiResult<Json<rest::AttemptReply>> {
    Ok(reply(
        state
            .hub
            .attempt_heartbeat(&caller, &run_id(&run)?, number)
            .await?,
    ))
}

fn batch(run: &str, number: u32, body: ColumnBatch) -> Result<IngestBatch> {
    let head = body.head;
    Ok(IngestBatch {
        run: run_id(run)?,
        attempt: number,
        writer: head.writer,
        start: head.start,
        end: head.end,
        series: body.series,
        params: head.params.into_iter().collect(),
        tags: head.tags.into_iter().collect(),
        records: head
            .records
            .into_iter()
            .map(|record| RunRecord {
                kind: record.kind,
                time: Timestamp(record.time_ms),
                body: record.body,
            })
            .collect(),
    })
}

/// Stores events of one writer, exactly once.
#[utoipa::path(post, path = "/api/v1/runs/{run}/attempts/{number}/events", tag = "attempts", params(("run" = String, Path, description = "Id"), ("number" = u32, Path, description = "From 1")), request_body(content((rest::EventBatch = "application/json"), (Vec<u8> = "application/vnd.mlhub.events+v1")), description = "JSON, in which bare NaN and Infinity are read too, or the binary form of the same"), responses((status = 200, body = rest::EventBatchReply), (status = 409, description = "`details.expected` is the byte to send from", body = rest::Problem)))]
pub(crate) async fn events(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((run, number)): ApiPath<(String, u32)>,
    EventsBody(body): EventsBody,
) -> ApiResult<Json<rest::EventBatchReply>> {
    match state
        .hub
        .attempt_events(&caller, batch(&run, number, body)?)
        .await?
    {
        IngestOutcome::Stored { params_kept } => Ok(Json(rest::EventBatchReply {
            duplicate: false,
            params_kept,
        })),
        IngestOutcome::Duplicate => Ok(Json(rest::EventBatchReply {
            duplicate: true,
            params_kept: Vec::new(),
        })),
        IngestOutcome::Misaligned { expected } => Err(misaligned(expected).into()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogParams {
    offset: u64,
    skip: Option<bool>,
}

/// Appends captured output that starts at `offset`. With `skip`, what is between
/// the stored end and `offset` is left out instead; the first 32 MiB must be there.
#[utoipa::path(post, path = "/api/v1/runs/{run}/attempts/{number}/logs/{stream}", tag = "attempts", params(("run" = String, Path, description = "Id"), ("number" = u32, Path, description = "From 1"), ("stream" = String, Path, description = "stdout or stderr"), ("offset" = u64, Query, description = "Byte the piece starts at"), ("skip" = Option<bool>, Query, description = "Leave out what is before it; without a body")), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = rest::LogReply), (status = 409, description = "`details.expected` is the byte to send from", body = rest::Problem)))]
pub(crate) async fn log(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((run, number, stream)): ApiPath<(String, u32, String)>,
    ApiQuery(params): ApiQuery<LogParams>,
    RawBody(bytes): RawBody,
) -> ApiResult<Json<rest::LogReply>> {
    let (run, offset) = (run_id(&run)?, params.offset);
    let hub = &state.hub;
    let outcome = match params.skip {
        Some(true) => {
            hub.attempt_log_skip(&caller, &run, number, &stream, offset)
                .await?
        }
        _ => {
            hub.attempt_log(&caller, &run, number, &stream, offset, &bytes)
                .await?
        }
    };
    match outcome {
        LogOutcome::Stored(size) => Ok(Json(rest::LogReply { size })),
        LogOutcome::Misaligned(expected) => Err(misaligned(expected).into()),
    }
}

fn failure_of(view: rest::FailureView) -> Result<Failure> {
    let class: FailureClass = serde_json::from_value(serde_json::Value::String(view.class))
        .map_err(|_| Error::invalid("`failure.class` is not a known class"))?;
    Ok(Failure {
        class,
        message: view.message,
        evidence: view.evidence,
    })
}

/// The program ended and all it left is shipped.
#[utoipa::path(post, path = "/api/v1/runs/{run}/attempts/{number}/finish", tag = "attempts", params(("run" = String, Path, description = "Id"), ("number" = u32, Path, description = "From 1")), request_body = rest::AttemptFinish, responses((status = 200, body = rest::AttemptReply), (status = 409, body = rest::Problem)))]
pub(crate) async fn finish(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((run, number)): ApiPath<(String, u32)>,
    ApiJson(body): ApiJson<rest::AttemptFinish>,
) -> ApiResult<Json<rest::AttemptReply>> {
    let mut predictions = std::collections::BTreeMap::new();
    for (split, shipped) in body.predictions {
        predictions.insert(
            split,
            PredictionsShipped {
                path: shipped.path.parse()?,
                task: shipped.task,
            },
        );
    }
    let report = FinishReport {
        state: RunState::parse(&body.state)?,
        ended_at: Timestamp(body.ended_at),
        exit: body.exit.map(|exit| ExitStatus {
            code: exit.code,
            signal: exit.signal,
        }),
        failure: body.failure.map(failure_of).transpose()?,
        predictions,
    };
    Ok(reply(
        state
            .hub
            .attempt_finish(&caller, &run_id(&run)?, number, report)
            .await?,
    ))
}
