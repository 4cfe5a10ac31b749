//! Comparing runs.

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_app::MetricTest;
use mlhub_core::Caller;
use mlhub_protocol::{Number, rest};

use super::view;
use crate::ApiState;
use crate::extract::ApiJson;
use crate::problem::ApiResult;

/// What differs in the configs of runs, and how their metrics stand.
#[utoipa::path(post, path = "/api/v1/compare", tag = "runs", request_body = rest::CompareRequest, responses((status = 200, body = rest::Comparison), (status = 409, description = "Evaluated by different versions of one metric; `details.definitions` holds both", body = rest::Problem)))]
pub(crate) async fn compare(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::CompareRequest>,
) -> ApiResult<Json<rest::Comparison>> {
    let comparison = state.hub.run_compare(&caller, &body.runs).await?;
    Ok(Json(rest::Comparison {
        runs: comparison.rows.into_iter().map(view::run).collect(),
        config: comparison
            .config
            .into_iter()
            .map(|row| rest::ConfigRow {
                path: row.path,
                values: row
                    .values
                    .into_iter()
                    .map(Option::unwrap_or_default)
                    .collect(),
            })
            .collect(),
        metrics: comparison
            .metrics
            .into_iter()
            .map(view::metric_row)
            .collect(),
        groups: comparison.groups.into_iter().map(view::group).collect(),
        tests: comparison.tests.into_iter().map(test).collect(),
        warnings: comparison.warnings,
    }))
}

fn test(test: MetricTest) -> rest::MetricTestView {
    rest::MetricTestView {
        metric: test.metric,
        definition: test.definition,
        a: test.a,
        b: test.b,
        n_a: test.n_a,
        n_b: test.n_b,
        difference: Number(test.difference),
        interval: test.interval.map(view::interval),
        effect: test.effect.map(|value| rest::EffectView {
            name: "hedges_g".to_owned(),
            value: Number(value),
        }),
        p_value: test.p_value.map(Number),
        p_adjusted: test.p_adjusted.map(Number),
        order: test.order.map(|(a, b)| rest::StochasticOrderView {
            a_over_b: Number(a),
            b_over_a: Number(b),
        }),
        method: "welch_t".to_owned(),
        verdict: test.verdict.as_str().to_owned(),
        reason: test.reason,
    }
}
