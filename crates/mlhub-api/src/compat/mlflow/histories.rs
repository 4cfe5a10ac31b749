//! Histories of metrics: of one run in pages, of several at once.

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_core::metric::Point;
use mlhub_core::{Caller, RunId, limits};
use serde_json::{Value, json};

use super::error::{Answer, Refusal};
use super::fields::{Fields, missing, number};
use super::runs::by_run_id;
use crate::ApiState;

/// Runs in one answer.
const RUNS_MAX: usize = 100;
/// Points in one answer about several runs.
const BULK_POINTS_MAX: u64 = 25_000;
/// Points of each run in an answer that leaves some out.
const REDUCED_POINTS_MAX: i64 = 2_500;

fn view(key: &str, point: Point) -> Value {
    json!({
        "key": key,
        "value": number(point.value),
        "timestamp": point.time.0,
        "step": point.step,
    })
}

fn view_of_run(run: &RunId, key: &str, point: Point) -> Value {
    let mut view = view(key, point);
    view["run_id"] = run.as_str().into();
    view
}

/// An answer with points; without any the list is left out, as MLflow does.
fn told(metrics: Vec<Value>) -> Value {
    match metrics.is_empty() {
        true => json!({}),
        false => json!({"metrics": metrics}),
    }
}

/// Where a page of a history goes on.
fn place(token: &str) -> Answer<u64> {
    let place = token.strip_prefix("at:").and_then(|at| at.parse().ok());
    place.ok_or_else(|| Refusal::invalid("Invalid page token"))
}

pub(super) async fn history(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let run = by_run_id(&state, &caller, fields.run_id()?).await?;
    let key = fields.required("metric_key")?;
    let limit = match fields.int("max_results")? {
        None => None,
        Some(limit) if limit > 0 => Some(limit as u64),
        Some(limit) => {
            return Err(Refusal::invalid(format!(
                "Invalid value {limit} for parameter 'max_results' supplied. It must be a \
                 positive integer."
            )));
        }
    };
    let token = fields.text("page_token")?.filter(|token| !token.is_empty());
    let mut at = token.map_or(Ok(0), place)?;
    let end = limit.map_or(u64::MAX, |limit| at.saturating_add(limit));
    let mut metrics = Vec::new();
    loop {
        let (points, total) = run_points(&state, &caller, &run.id, key, at, end).await?;
        at += points.len() as u64;
        let none = points.is_empty();
        metrics.extend(points.into_iter().map(|point| view(key, point)));
        if none || at >= end || at >= total {
            let mut answer = told(metrics);
            if at < total {
                answer["next_page_token"] = format!("at:{at}").into();
            }
            return Ok(Json(answer));
        }
    }
}

async fn run_points(
    state: &ApiState,
    caller: &Caller,
    run: &RunId,
    key: &str,
    from: u64,
    to: u64,
) -> Answer<(Vec<Point>, u64)> {
    let limit = usize::try_from(to - from).unwrap_or(usize::MAX);
    let limit = limit.min(limits::SERIES_POINTS_MAX);
    Ok(state.hub.run_points(caller, run, key, from, limit).await?)
}

/// The runs of a request about several; one that is not there has no points.
fn runs(ids: &[&str], too_many: &str) -> Answer<Vec<RunId>> {
    if ids.len() > RUNS_MAX {
        return Err(Refusal::invalid(format!(
            "{too_many} {RUNS_MAX} run_ids. Received {} run_ids.",
            ids.len()
        )));
    }
    Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
}

/// Whole histories of several runs, run by run, until there are too many points.
pub(super) async fn bulk(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let ids = fields.texts("run_id")?;
    if ids.is_empty() {
        return Err(Refusal::invalid(
            "GetMetricHistoryBulk request must specify at least one run_id.",
        ));
    }
    let too_many = "GetMetricHistoryBulk request cannot specify more than";
    let mut runs = runs(&ids, too_many)?;
    let key = fields.text("metric_key")?.ok_or_else(|| {
        Refusal::invalid("GetMetricHistoryBulk request must specify a metric_key.")
    })?;
    let most = match fields.int("max_results")? {
        None => BULK_POINTS_MAX,
        Some(most) => BULK_POINTS_MAX.min(u64::try_from(most).unwrap_or(0)),
    };
    runs.sort();
    runs.dedup();
    let mut metrics = Vec::new();
    for run in &runs {
        let left = most - metrics.len() as u64;
        if left == 0 {
            break;
        }
        let (mut points, _) = run_points(&state, &caller, run, key, 0, left).await?;
        points.sort_by(|a, b| {
            let place = |point: &Point| (point.time, point.step);
            let values = || a.value.total_cmp(&b.value);
            place(a).cmp(&place(b)).then_with(values)
        });
        metrics.extend(points.into_iter().map(|point| view_of_run(run, key, point)));
    }
    Ok(Json(told(metrics)))
}

/// Histories of several runs between two steps, of each so many points that a chart shows
/// its course.
pub(super) async fn bulk_interval(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let ids = fields.texts("run_ids")?;
    if ids.is_empty() {
        return Err(missing("run_ids"));
    }
    let too_many = "GetMetricHistoryBulkInterval request must specify at most";
    let runs = runs(&ids, too_many)?;
    let key = fields.required("metric_key")?;
    let most = fields.int("max_results")?.unwrap_or(REDUCED_POINTS_MAX);
    if !(1..=REDUCED_POINTS_MAX).contains(&most) {
        return Err(Refusal::invalid(format!(
            "max_results must be between 1 and {REDUCED_POINTS_MAX}."
        )));
    }
    let steps = match (fields.int("start_step")?, fields.int("end_step")?) {
        (None, None) => None,
        (Some(from), Some(to)) if from <= to => Some((from, to)),
        (Some(from), Some(to)) => {
            return Err(Refusal::invalid(format!(
                "end_step must be greater than start_step. Found start_step={from} and \
                 end_step={to}."
            )));
        }
        _ => {
            return Err(Refusal::invalid(
                "If either start step or end step are specified, both must be specified.",
            ));
        }
    };
    let most = usize::try_from(most).unwrap_or(1);
    let reading = state
        .hub
        .run_points_reduced(&caller, &runs, key, steps, most);
    let mut metrics = Vec::new();
    for (run, points) in runs.iter().zip(reading.await?) {
        metrics.extend(points.into_iter().map(|point| view_of_run(run, key, point)));
    }
    Ok(Json(told(metrics)))
}
