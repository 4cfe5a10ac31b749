//! Deleting runs, the ledger, retention rules, the doctor.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use mlhub_app::{DeletionReport, DoctorFinding, RetentionDraft};
use mlhub_core::deletion::{DeletionRecord, DeletionSize, KeepBest, RetentionRule};
use mlhub_core::{Caller, Error, Name, limits};
use mlhub_protocol::rest;
use serde::Deserialize;

use super::to_the_end;
use crate::ApiState;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::problem::ApiResult;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LedgerParams {
    before: Option<i64>,
    limit: Option<usize>,
}

/// The ledger of deletions, newest first.
#[utoipa::path(get, path = "/api/v1/deletions", tag = "deletions", params(("before" = Option<i64>, Query, description = "`next_before` of the previous page"), ("limit" = Option<usize>, Query, description = "Lines at most, 1 to 1000")), responses((status = 200, body = rest::DeletionLedger), (status = 400, body = rest::Problem)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiQuery(params): ApiQuery<LedgerParams>,
) -> ApiResult<Json<rest::DeletionLedger>> {
    let limit = params.limit.unwrap_or(limits::PAGE_DEFAULT_ROWS);
    let records = state
        .hub
        .deletion_list(&caller, params.before, limit)
        .await?;
    let next_before = (records.len() == limit)
        .then(|| records.last().map(|record| record.seq))
        .flatten();
    Ok(Json(rest::DeletionLedger {
        deletions: records.into_iter().map(line).collect(),
        next_before,
    }))
}

/// Deletes, restores or removes runs for good. Runs that have not ended are
/// refused in the report. A whole project or all deleted runs need an admin.
#[utoipa::path(post, path = "/api/v1/deletions", tag = "deletions", request_body = rest::DeletionRequest, responses((status = 200, body = rest::DeletionReport), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem), (status = 507, body = rest::Problem)))]
pub(crate) async fn run(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::DeletionRequest>,
) -> ApiResult<Json<rest::DeletionReport>> {
    let request = mlhub_app::DeletionRequest {
        action: body.action.parse()?,
        runs: body.runs,
        project: body.project.map(Name::try_from).transpose()?,
        query: body.query,
        all_deleted: body.all_deleted,
        dry_run: body.dry_run,
    };
    let hub = Arc::clone(&state.hub);
    let done = to_the_end(async move { hub.deletion_run(&caller, &request).await }).await?;
    Ok(Json(report(done)))
}

/// Retention rules by name.
#[utoipa::path(get, path = "/api/v1/retention", tag = "retention", responses((status = 200, body = rest::RetentionList)))]
pub(crate) async fn retention_list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> ApiResult<Json<rest::RetentionList>> {
    let rules = state.hub.retention_list(&caller).await?;
    let rules = rules.into_iter().map(rule).collect();
    Ok(Json(rest::RetentionList { rules }))
}

/// Applies retention rules now, or says what they would do.
#[utoipa::path(post, path = "/api/v1/retention", tag = "retention", request_body = rest::RetentionApply, responses((status = 200, body = rest::RetentionReport), (status = 404, body = rest::Problem)))]
pub(crate) async fn retention_apply(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::RetentionApply>,
) -> ApiResult<Json<rest::RetentionReport>> {
    let name = body.name.map(Name::try_from).transpose()?;
    let hub = Arc::clone(&state.hub);
    let applying = async move {
        hub.retention_apply(&caller, name.as_ref(), body.dry_run)
            .await
    };
    let done = to_the_end(applying).await?;
    let rules = done
        .into_iter()
        .map(|(applied, done)| rest::RetentionOutcome {
            rule: rule(applied),
            report: report(done),
        })
        .collect();
    Ok(Json(rest::RetentionReport { rules }))
}

/// Sets a retention rule; one of the same name is replaced.
#[utoipa::path(put, path = "/api/v1/retention/{name}", tag = "retention", params(("name" = String, Path, description = "The rule's name")), request_body = rest::RetentionSet, responses((status = 200, body = rest::RetentionRule), (status = 400, body = rest::Problem)))]
pub(crate) async fn retention_set(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(name): ApiPath<String>,
    ApiJson(body): ApiJson<rest::RetentionSet>,
) -> ApiResult<Json<rest::RetentionRule>> {
    let draft = RetentionDraft {
        name: name.try_into()?,
        query: body.query,
        action: body.action.parse()?,
        after_ms: body.after_ms,
        keep_last: body.keep_last,
        keep_best: body.keep_best.map(keep_best).transpose()?,
    };
    Ok(Json(rule(state.hub.retention_set(&caller, draft).await?)))
}

/// Removes a retention rule.
#[utoipa::path(delete, path = "/api/v1/retention/{name}", tag = "retention", params(("name" = String, Path, description = "The rule's name")), responses((status = 204, description = "Gone"), (status = 404, body = rest::Problem)))]
pub(crate) async fn retention_remove(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(name): ApiPath<String>,
) -> ApiResult<StatusCode> {
    let name = name.try_into()?;
    state.hub.retention_remove(&caller, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Examines what the hub stores, and mends what can be mended safely.
#[utoipa::path(post, path = "/api/v1/doctor", tag = "hub", request_body = rest::DoctorRequest, responses((status = 200, body = rest::DoctorReport)))]
pub(crate) async fn doctor(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::DoctorRequest>,
) -> ApiResult<Json<rest::DoctorReport>> {
    let report = state.hub.doctor(&caller, body.repair, body.deep).await?;
    Ok(Json(rest::DoctorReport {
        findings: report.findings.into_iter().map(finding).collect(),
        total: report.total,
        repaired: report.repaired,
        artifacts: report.artifacts,
        blobs: report.blobs,
        series: report.series,
        directories: report.directories,
    }))
}

fn finding(finding: DoctorFinding) -> rest::DoctorFinding {
    rest::DoctorFinding {
        kind: finding.kind.as_str().to_owned(),
        place: finding.place,
        message: finding.message,
        repaired: finding.repaired,
    }
}

fn keep_best(best: rest::KeepBest) -> Result<KeepBest, Error> {
    Ok(KeepBest {
        count: best.count,
        direction: best.direction.parse()?,
        by: best.by,
    })
}

fn size(size: DeletionSize) -> rest::DeletionSize {
    rest::DeletionSize {
        row_count: size.row_count,
        row_bytes: size.row_bytes,
        blob_count: size.blob_count,
        blob_bytes: size.blob_bytes,
        file_count: size.file_count,
        file_bytes: size.file_bytes,
    }
}

fn report(report: DeletionReport) -> rest::DeletionReport {
    rest::DeletionReport {
        action: report.action.as_str().to_owned(),
        dry_run: report.dry_run,
        done: report.done,
        refused: report.refused,
        runs: report
            .items
            .into_iter()
            .map(|item| rest::DeletionItem {
                run: item.run.id.into(),
                name: item.run.name.into(),
                project: item.run.project.into(),
                experiment: item.run.experiment.into(),
                size: size(item.size),
                reason: item.reason,
                refused: item.refused,
            })
            .collect(),
        total: size(report.total),
    }
}

fn line(record: DeletionRecord) -> rest::DeletionLine {
    rest::DeletionLine {
        seq: record.seq,
        action: record.action.as_str().to_owned(),
        cause: record.cause,
        actor: record.actor.0,
        run: record.run.into(),
        name: record.run_name,
        project: record.project.into(),
        experiment: record.experiment.into(),
        started_at: record.started_at.0,
        ended_at: record.ended_at.map(|time| time.0),
        size: size(record.size),
    }
}

fn rule(rule: RetentionRule) -> rest::RetentionRule {
    rest::RetentionRule {
        name: rule.name.into(),
        query: rule.query,
        action: rule.action.as_str().to_owned(),
        after_ms: rule.after_ms,
        keep_last: rule.keep_last,
        keep_best: rule.keep_best.map(|best| rest::KeepBest {
            count: best.count,
            by: best.by,
            direction: best.direction.as_str().to_owned(),
        }),
        actor: rule.actor.0,
        created_at: rule.created_at.0,
        applied_at: rule.applied_at.map(|time| time.0),
    }
}
