//! Pairs of runs tested row by row, leaderboards, gates, and shared rows that are accepted.

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_app::{
    AgainstFirst, Board, BoardEntry, LeaderboardRequest, PairRequest, PairedMetric, RunRow,
};
use mlhub_core::run::Run;
use mlhub_core::{Caller, Error, Name, RunId};
use mlhub_protocol::{Number, rest};
use serde::Deserialize;

use super::{to_the_end, view};
use crate::ApiState;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::problem::ApiResult;

/// Tests two runs row by row, over the predictions that both stored for the same split.
#[utoipa::path(post, path = "/api/v1/pairs", tag = "evaluations", request_body = rest::PairRequest, responses((status = 200, body = rest::PairView), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem), (status = 409, description = "Evaluated by different versions of one metric; `details.definitions` holds both", body = rest::Problem)))]
pub(crate) async fn pair_test(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::PairRequest>,
) -> ApiResult<Json<rest::PairView>> {
    let method = body
        .method
        .map(|name| serde_json::from_value(serde_json::Value::String(name)))
        .transpose()
        .map_err(|_| {
            Error::invalid("`method` is mcnemar, delong, permutation, wilcoxon or bootstrap")
        })?;
    let request = PairRequest {
        a: body.a,
        b: body.b,
        split: body.split,
        metrics: body.metrics,
        method,
        samples: body.samples,
        seed: body.seed,
    };
    let hub = state.hub.clone();
    let pair = to_the_end(async move { hub.run_pair(&caller, &request).await }).await?;
    Ok(Json(rest::PairView {
        a: reference(&pair.a),
        b: reference(&pair.b),
        tests: pair.tests.into_iter().map(test).collect(),
        warnings: pair.warnings,
    }))
}

fn test(of: PairedMetric) -> rest::PairedTestView {
    let test = of.test.as_ref();
    let effect = test.and_then(|test| test.effect.clone());
    let interval = test.and_then(|test| test.interval.as_ref());
    rest::PairedTestView {
        split: of.split,
        metric: of.metric,
        definition: of.definition,
        direction: view::direction(of.direction),
        value_a: test.map(|test| Number(test.value_a)),
        value_b: test.map(|test| Number(test.value_b)),
        difference: test.map(|test| Number(test.difference)),
        interval: interval.map(|of| view::interval((of.low, of.high))),
        p_value: test.map(|test| Number(test.p_value)),
        p_adjusted: of.p_adjusted.map(Number),
        method: test.map(|test| test.method.as_str().to_owned()),
        detail: test.map(|test| test.detail.clone()),
        effect: effect.map(|effect| rest::EffectView {
            name: effect.measure,
            value: Number(effect.value),
        }),
        unit: test.map(|test| test.unit.clone()),
        units: test.map(|test| test.units),
        samples: test.map(|test| test.samples),
        verdict: of.verdict.as_str().to_owned(),
        reason: of.reason,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeaderboardQuery {
    metric: String,
    project: Option<String>,
    query: Option<String>,
    limit: Option<usize>,
}

/// Verified results of a metric in order, one board per dataset version and split.
#[utoipa::path(get, path = "/api/v1/leaderboard", tag = "evaluations", params(("metric" = String, Query, description = "SPLIT/NAME, or a name for the split `test`"), ("project" = Option<String>, Query, description = "Only this project"), ("query" = Option<String>, Query, description = "Only runs that meet this condition"), ("limit" = Option<usize>, Query, description = "Entries per board, at most 200")), responses((status = 200, body = rest::Leaderboard), (status = 400, body = rest::Problem), (status = 409, description = "Evaluated by different versions of the metric; `details.definitions` holds both", body = rest::Problem)))]
pub(crate) async fn leaderboard(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiQuery(asked): ApiQuery<LeaderboardQuery>,
) -> ApiResult<Json<rest::Leaderboard>> {
    let request = LeaderboardRequest {
        metric: asked.metric,
        project: asked.project.map(Name::try_from).transpose()?,
        query: asked.query,
        limit: asked.limit,
    };
    let found = state.hub.leaderboard(&caller, &request).await?;
    let left_out = found.left_out.into_iter();
    Ok(Json(rest::Leaderboard {
        metric: found.metric,
        split: found.split,
        definition: found.definition,
        direction: view::direction(found.direction),
        boards: found.boards.into_iter().map(board).collect(),
        left_out: left_out
            .map(|(row, value, reason)| rest::LeftOut {
                run: reference(&row.run),
                value: Number(value),
                reason,
            })
            .collect(),
        left_out_total: found.left_out_total,
    }))
}

fn board(of: Board) -> rest::Board {
    rest::Board {
        dataset: of.dataset,
        split_fingerprint: of.split_fingerprint,
        entries: of.entries.into_iter().filter_map(entry).collect(),
        total: of.total,
        accepted_leakage: of.accepted_leakage,
    }
}

fn entry(of: BoardEntry) -> Option<rest::BoardEntry> {
    let first: &RunRow = of.runs.first()?;
    let (against, p, reason) = match of.against_first {
        None => (None, None, None),
        Some(AgainstFirst::Behind(p)) => (Some("behind"), Some(p), None),
        Some(AgainstFirst::NoDifference(p)) => (Some("no_difference"), Some(p), None),
        Some(AgainstFirst::NoVerdict(why)) => (Some("no_verdict"), None, Some(why)),
    };
    Some(rest::BoardEntry {
        rank: of.rank,
        group: first.run.group.as_ref().map(ToString::to_string),
        experiment: first.run.experiment.to_string(),
        adapter: first.run.adapter.clone(),
        runs: of.runs.iter().map(|row| reference(&row.run)).collect(),
        statistics: view::seeds(of.statistics),
        run_interval: of.run_interval.map(view::interval),
        against_first: against.map(str::to_owned),
        p_adjusted: p.map(Number),
        reason,
        reproduced: of.reproduced,
    })
}

/// Holds runs against the rules of a gate.
#[utoipa::path(post, path = "/api/v1/gate", tag = "evaluations", request_body = rest::GateRequest, responses((status = 200, description = "Whether it passed is in the body", body = rest::GateReport), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem)))]
pub(crate) async fn gate_check(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::GateRequest>,
) -> ApiResult<Json<rest::GateReport>> {
    let hub = state.hub.clone();
    let report = to_the_end(async move { hub.gate(&caller, &body).await }).await?;
    Ok(Json(report))
}

/// Accepts that an evaluated split holds rows that are in another one, by name and reason.
#[utoipa::path(post, path = "/api/v1/datasets/{name}/versions/{version}/splits/{hash}/acceptances", tag = "datasets", params(("name" = String, Path, description = "The dataset's name"), ("version" = u32, Path, description = "The version's number"), ("hash" = String, Path, description = "The split's hash")), request_body = rest::LeakageAccept, responses((status = 200, body = rest::SplitView), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem)))]
pub(crate) async fn leakage_accept(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath((name, version, hash)): ApiPath<(String, u32, String)>,
    ApiJson(body): ApiJson<rest::LeakageAccept>,
) -> ApiResult<Json<rest::SplitView>> {
    let name = Name::try_from(name)?;
    let accepting =
        state
            .hub
            .leakage_accept(&caller, &name, version, &hash, &body.split, &body.reason);
    Ok(Json(view::split(accepting.await?)))
}

/// Finds numbers of metric definitions that a newer version has replaced, and evaluates their
/// runs again.
#[utoipa::path(post, path = "/api/v1/metric-definitions/outdated", tag = "evaluations", request_body = rest::OutdatedRequest, responses((status = 200, body = rest::OutdatedReport)))]
pub(crate) async fn outdated_metrics(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::OutdatedRequest>,
) -> ApiResult<Json<rest::OutdatedReport>> {
    let hub = state.hub.clone();
    let found =
        to_the_end(async move { hub.outdated_metrics(&caller, body.dry_run).await }).await?;
    let ids = |runs: Vec<RunId>| runs.into_iter().map(Into::into).collect();
    Ok(Json(rest::OutdatedReport {
        metrics: found
            .metrics
            .into_iter()
            .map(|of| rest::OutdatedMetricView {
                definition: of.definition,
                newest: of.newest,
                runs: ids(of.runs),
                pinned: ids(of.pinned),
            })
            .collect(),
        queued: ids(found.queued),
        refused: found
            .refused
            .into_iter()
            .map(|(run, reason)| rest::RefusedRun {
                run: run.into(),
                reason,
            })
            .collect(),
        more: found.more,
    }))
}

fn reference(run: &Run) -> rest::RunReference {
    rest::RunReference {
        id: run.id.to_string(),
        name: run.name.to_string(),
    }
}
