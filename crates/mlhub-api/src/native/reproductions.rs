//! Runs that were started to reproduce others, and whether they did.

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_app::{Agreement, Attribution, Cause, ReproducedMetric, Reproduction, RunPart};
use mlhub_core::Caller;
use mlhub_core::run::Run;
use mlhub_protocol::{Number, rest};
use serde::Deserialize;

use crate::ApiState;
use crate::extract::{ApiPath, ApiQuery};
use crate::problem::ApiResult;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tolerance {
    tolerance: Option<f64>,
}

/// What a run reproduces and what reproduces it, with a verdict per metric, worked out now.
#[utoipa::path(get, path = "/api/v1/runs/{run}/reproductions", tag = "runs", params(("run" = String, Path, description = "Id or unique prefix"), ("tolerance" = Option<f64>, Query, description = "The largest relative difference that counts as the same result, from 0 to 1; 1e-6 when absent")), responses((status = 200, body = rest::ReproductionList), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem)))]
pub(crate) async fn reproductions(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
    ApiQuery(asked): ApiQuery<Tolerance>,
) -> ApiResult<Json<rest::ReproductionList>> {
    let found = state
        .hub
        .reproduction_list(&caller, &run, asked.tolerance)
        .await?;
    Ok(Json(rest::ReproductionList {
        reproduces: found.reproduces.map(view),
        reproductions: found.reproductions.into_iter().map(view).collect(),
    }))
}

fn view(of: Reproduction) -> rest::ReproductionView {
    rest::ReproductionView {
        original: head(&of.original),
        run: head(&of.run),
        verdict: of.verdict.as_str().to_owned(),
        tolerance: Number(of.tolerance),
        differences: of.differences,
        metrics: of.metrics.into_iter().map(metric).collect(),
        left_out: of.left_out,
        same_predictions: of.same_predictions,
        attribution: attribution(of.attribution),
    }
}

fn attribution(of: Attribution) -> rest::AttributionView {
    let differences = of.differences.into_iter();
    rest::AttributionView {
        cause: of.cause.map(Cause::as_str).map(str::to_owned),
        confirmed: of.is_confirmed,
        suspects: of
            .suspects
            .into_iter()
            .map(RunPart::as_str)
            .map(str::to_owned)
            .collect(),
        differences: differences
            .map(|one| rest::PartDifferenceView {
                part: one.part.as_str().to_owned(),
                name: one.name,
                was: one.was,
                is: one.is,
            })
            .collect(),
        message: of.message,
    }
}

fn head(run: &Run) -> rest::ReproducedRun {
    rest::ReproducedRun {
        id: run.id.to_string(),
        name: run.name.to_string(),
        state: run.state.as_str().to_owned(),
        created_at: run.created_at.0,
    }
}

fn metric(of: ReproducedMetric) -> rest::ReproducedMetricView {
    let logged = of.definition.is_none();
    let (agreement, step, original, reproduced, largest) = match of.agreement {
        Agreement::Identical => ("identical", None, None, None, None),
        Agreement::Within { step, largest } => {
            ("within_tolerance", Some(step), None, None, Some(largest))
        }
        Agreement::Diverged {
            step,
            first,
            second,
        } => ("diverged", Some(step), first, second, None),
    };
    rest::ReproducedMetricView {
        name: of.name,
        definition: of.definition,
        agreement: agreement.to_owned(),
        step: step.filter(|_| logged),
        original: original.map(Number),
        reproduced: reproduced.map(Number),
        largest_difference: largest.map(Number),
        message: of.message,
    }
}
