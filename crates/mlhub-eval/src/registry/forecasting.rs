//! Definitions for forecasting.
//!
//! Text only; the arithmetic is in `metrics::{regression, forecast}`.

use super::Row;
use crate::definition::{Direction, Task};
use crate::metrics::{ForecastMetric, Kind, RegressionMetric};

const NO_WEIGHT: &str = "undefined: the rows have no weight";

/// A loss from 0 in the unit of the target: smaller is better.
fn loss_row(kind: Kind, name: &'static str, formula: &'static str, source: &'static str) -> Row {
    Row {
        kind,
        name,
        tasks: &[Task::Forecasting],
        params: &[],
        direction: Direction::Minimize,
        range: (Some(0.0), None),
        unit: Some("y"),
        formula,
        source,
        undefined: NO_WEIGHT,
    }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = error_rows();
    rows.extend(relative_rows());
    rows.extend(quantile_rows());
    rows.extend(interval_rows());
    rows
}

fn error_rows() -> Vec<Row> {
    vec![
        loss_row(
            Kind::Regression(RegressionMetric::Mae),
            "forecast_mae",
            "sum_i w_i |y_true_i - y_pred_i| / sum_i w_i over all rows of all series.",
            "utilsforecast mae",
        ),
        loss_row(
            Kind::Regression(RegressionMetric::Rmse),
            "forecast_rmse",
            "sqrt(sum_i w_i (y_true_i - y_pred_i)^2 / sum_i w_i) over all rows of all series.",
            "utilsforecast rmse",
        ),
        Row {
            direction: Direction::None,
            range: (None, None),
            ..loss_row(
                Kind::Forecast(ForecastMetric::Bias),
                "forecast_bias",
                "sum_i w_i (y_pred_i - y_true_i) / sum_i w_i: above 0 when forecasts are too high.",
                "utilsforecast bias",
            )
        },
    ]
}

fn relative_rows() -> Vec<Row> {
    vec![
        Row {
            unit: None,
            undefined: "undefined: all true values are 0",
            ..loss_row(
                Kind::Forecast(ForecastMetric::Wape),
                "wape",
                "sum_i w_i |y_true_i - y_pred_i| / sum_i w_i |y_true_i| over all rows of all \
                 series. NaN when all true values are 0.",
                "Kolassa and Schuetz, Advantages of the MAD/mean ratio over the MAPE, 2007; \
                 utilsforecast wape",
            )
        },
        Row {
            unit: None,
            range: (Some(0.0), Some(2.0)),
            ..loss_row(
                Kind::Regression(RegressionMetric::Smape),
                "forecast_smape",
                "sum_i w_i s_i / sum_i w_i, s = |y_true - y_pred| / ((|y_true| + |y_pred|) / 2), 0 \
                 where both are 0. utilsforecast divides by the sum and gives half of it.",
                "Makridakis, Accuracy measures: theoretical and practical concerns, 1993; \
                 utilsforecast smape",
            )
        },
        Row {
            unit: None,
            undefined: "undefined: no series has a `scale` above 0",
            ..loss_row(
                Kind::Forecast(ForecastMetric::Mase),
                "mase",
                "Mean over series (`group`; without it all rows are one series) of (weighted mean \
                 absolute error of the series / its `scale`), scale = mean absolute error of the \
                 naive or seasonal naive forecast over the series' training part. Series of scale \
                 0 or without weight are left out; NaN when none is left. In a resample of rows a \
                 series counts in the share of its rows that are drawn, in one of whole groups as \
                 often as it is drawn.",
                "Hyndman and Koehler, Another look at measures of forecast accuracy, 2006; \
                 utilsforecast mase",
            )
        },
    ]
}

fn quantile_rows() -> Vec<Row> {
    vec![
        loss_row(
            Kind::Forecast(ForecastMetric::MeanPinball),
            "mean_pinball",
            "sum_i w_i p_i / sum_i w_i, p = mean over the quantile columns y_pred_qL of L (y_true - \
             q) where y_true >= q, else (L - 1) (y_true - q), q the value in that column.",
            "Koenker and Bassett, Regression quantiles, 1978; utilsforecast mqloss",
        ),
        loss_row(
            Kind::Forecast(ForecastMetric::Crps),
            "crps",
            "2 mean_pinball: the continuous ranked probability score, its integral over levels \
             replaced by the mean over the quantile columns. Near it for many levels at even \
             distances; values of other levels do not compare.",
            "Gneiting and Raftery, Strictly proper scoring rules, 2007; Laio and Tamea 2007",
        ),
    ]
}

/// The rule of the metrics of an interval.
macro_rules! of_interval {
    ($formula:expr) => {
        concat!(
            $formula,
            " The interval is from l to u, the values of the two quantile columns y_pred_qL and \
             y_pred_q(1 - L) of the smallest L that has both; nominal = 1 - 2 L."
        )
    };
}

fn interval_rows() -> Vec<Row> {
    vec![
        Row {
            direction: Direction::None,
            range: (Some(0.0), Some(1.0)),
            unit: None,
            ..loss_row(
                Kind::Forecast(ForecastMetric::IntervalCoverage),
                "interval_coverage",
                of_interval!(
                    "sum_i w_i [l_i <= y_true_i <= u_i] / sum_i w_i, which should be nominal."
                ),
                "utilsforecast coverage",
            )
        },
        Row {
            range: (Some(0.0), Some(1.0)),
            unit: None,
            ..loss_row(
                Kind::Forecast(ForecastMetric::CoverageGap),
                "coverage_gap",
                of_interval!("|interval_coverage - nominal|."),
                "utilsforecast coverage, against its level",
            )
        },
        Row {
            direction: Direction::None,
            range: (None, None),
            ..loss_row(
                Kind::Forecast(ForecastMetric::IntervalWidth),
                "interval_width",
                of_interval!(
                    "sum_i w_i (u_i - l_i) / sum_i w_i: of intervals that cover alike the \
                     narrower ones say more. Below 0 where quantiles cross, which are taken as \
                     they are."
                ),
                "Gneiting and Raftery, Strictly proper scoring rules, 2007, 6.2",
            )
        },
        Row {
            range: (None, None),
            ..loss_row(
                Kind::Forecast(ForecastMetric::IntervalScore),
                "interval_score",
                of_interval!(
                    "sum_i w_i s_i / sum_i w_i, s = (u - l) + (1 / L) (l - y_true) where y_true < \
                     l, else + (1 / L) (y_true - u) where y_true > u. At least 0 unless quantiles \
                     cross."
                ),
                "Winkler, A decision-theoretic approach to interval estimation, 1972; \
                 utilsforecast winkler_score",
            )
        },
    ]
}
