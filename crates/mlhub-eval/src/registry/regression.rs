//! Definitions for regression.
//!
//! Text only; the arithmetic is in `metrics::regression`. Unit `y` stands for
//! the unit of the target.

use super::Row;
use crate::definition::{Direction, Task};
use crate::metrics::{Kind, RegressionMetric};

const TASKS: &[Task] = &[Task::Regression];
const NO_WEIGHT: &str = "undefined: the rows have no weight";

/// An error: smaller is better, from 0 up.
fn error_row(
    metric: RegressionMetric,
    name: &'static str,
    unit: Option<&'static str>,
    formula: &'static str,
    source: &'static str,
) -> Row {
    Row {
        kind: Kind::Regression(metric),
        name,
        tasks: TASKS,
        params: &[],
        direction: Direction::Minimize,
        range: (Some(0.0), None),
        unit,
        formula,
        source,
        undefined: NO_WEIGHT,
    }
}

/// A score: larger is better, at most 1.
fn score_row(
    metric: RegressionMetric,
    name: &'static str,
    lowest: Option<f64>,
    formula: &'static str,
    source: &'static str,
    undefined: &'static str,
) -> Row {
    Row {
        direction: Direction::Maximize,
        range: (lowest, Some(1.0)),
        undefined,
        ..error_row(metric, name, None, formula, source)
    }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = error_rows();
    rows.extend(score_rows());
    rows.extend(more_error_rows());
    rows.push(kendall_row());
    rows
}

fn more_error_rows() -> Vec<Row> {
    let pinball = |percent, name, params| Row {
        params,
        ..error_row(
            RegressionMetric::Pinball(percent),
            name,
            Some("y"),
            "sum_i w_i max(q r_i, (q - 1) r_i) / sum_i w_i, r = y_true - y_pred, y_pred taken as \
             the predicted quantile q.",
            "Koenker and Bassett, Regression quantiles, 1978; scikit-learn mean_pinball_loss",
        )
    };
    vec![
        error_row(
            RegressionMetric::Rmsle,
            "rmsle",
            None,
            "sqrt(sum_i w_i (ln(1 + y_true_i) - ln(1 + y_pred_i))^2 / sum_i w_i). Only where all \
             values are above -1.",
            "scikit-learn root_mean_squared_log_error",
        ),
        Row {
            range: (Some(0.0), Some(2.0)),
            ..error_row(
                RegressionMetric::Smape,
                "smape",
                None,
                "sum_i w_i 2 |y_true_i - y_pred_i| / (|y_true_i| + |y_pred_i|) / sum_i w_i; 0 where \
                 both are 0. A ratio from 0 to 2, not in percent.",
                "Makridakis, Accuracy measures: theoretical and practical concerns, 1993",
            )
        },
        pinball(10, "pinball_0_1", &[("q", 0.1)]),
        pinball(50, "pinball_0_5", &[("q", 0.5)]),
        pinball(90, "pinball_0_9", &[("q", 0.9)]),
        Row {
            params: &[("delta", 1.0)],
            ..error_row(
                RegressionMetric::Huber,
                "huber",
                None,
                "sum_i w_i h(|y_true_i - y_pred_i|) / sum_i w_i, h(e) = e^2 / 2 up to delta, beyond \
                 it delta (e - delta / 2); delta = 1 in the unit of y.",
                "Huber, Robust estimation of a location parameter, 1964; SciPy special.huber",
            )
        },
    ]
}

fn kendall_row() -> Row {
    score_row(
        RegressionMetric::Kendall,
        "kendall_tau_b",
        Some(-1.0),
        "(C - D) / sqrt((n0 - n1) (n0 - n2)), C and D the concordant and discordant pairs of rows, \
         n0 all pairs, n1 and n2 those tied in y_true and in y_pred. NaN when either is constant \
         or for fewer than two rows. Not defined for weighted rows; up to 131072 rows.",
        "Kendall, The treatment of ties in ranking problems, 1945; SciPy stats.kendalltau",
        "undefined: y_true or y_pred is constant, or there are fewer than two rows",
    )
}

fn error_rows() -> Vec<Row> {
    vec![
        error_row(
            RegressionMetric::Mae,
            "mae",
            Some("y"),
            "sum_i w_i |y_true_i - y_pred_i| / sum_i w_i.",
            "scikit-learn mean_absolute_error",
        ),
        error_row(
            RegressionMetric::Mse,
            "mse",
            Some("y^2"),
            "sum_i w_i (y_true_i - y_pred_i)^2 / sum_i w_i.",
            "scikit-learn mean_squared_error",
        ),
        error_row(
            RegressionMetric::Rmse,
            "rmse",
            Some("y"),
            "sqrt(mse).",
            "scikit-learn root_mean_squared_error",
        ),
        Row {
            params: &[("epsilon", f64::EPSILON)],
            ..error_row(
                RegressionMetric::Mape,
                "mape",
                None,
                "sum_i w_i |y_true_i - y_pred_i| / max(|y_true_i|, epsilon) / sum_i w_i, epsilon = \
                 2^-52; a ratio, not in percent. Very large where y_true is 0.",
                "scikit-learn mean_absolute_percentage_error",
            )
        },
        error_row(
            RegressionMetric::MedianAbsoluteError,
            "median_absolute_error",
            Some("y"),
            "Weighted median of |y_true_i - y_pred_i|: the smallest value at which the cumulated \
             weight reaches half of the total, averaged with the next value of positive weight \
             when it is exactly half (within 2^-52 of the total).",
            "scikit-learn median_absolute_error",
        ),
        error_row(
            RegressionMetric::MaxError,
            "max_error",
            Some("y"),
            "max_i |y_true_i - y_pred_i|. Not defined for weighted rows.",
            "scikit-learn max_error",
        ),
    ]
}

fn score_rows() -> Vec<Row> {
    vec![
        score_row(
            RegressionMetric::R2,
            "r2",
            None,
            "1 - sum_i w_i (y_true_i - y_pred_i)^2 / sum_i w_i (y_true_i - mean)^2, mean the \
             weighted mean of y_true. When y_true is constant: 1 if the predictions are perfect, \
             else 0. NaN for fewer than two rows.",
            "scikit-learn r2_score, force_finite=True",
            "undefined: fewer than two rows",
        ),
        score_row(
            RegressionMetric::ExplainedVariance,
            "explained_variance",
            None,
            "1 - Var(y_true - y_pred) / Var(y_true), weighted population variances. When y_true is \
             constant: 1 if the residuals are constant too, else 0.",
            "scikit-learn explained_variance_score, force_finite=True",
            NO_WEIGHT,
        ),
        score_row(
            RegressionMetric::Pearson,
            "pearson",
            Some(-1.0),
            "sum_i (t_i - mean t)(p_i - mean p) / sqrt(sum_i (t_i - mean t)^2 sum_i (p_i - mean \
             p)^2), t = y_true, p = y_pred, kept within [-1, 1]. NaN when either is constant or \
             for fewer than two rows. Not defined for weighted rows.",
            "Pearson 1895; SciPy stats.pearsonr",
            "undefined: y_true or y_pred is constant, or there are fewer than two rows",
        ),
        score_row(
            RegressionMetric::Spearman,
            "spearman",
            Some(-1.0),
            "pearson of the ranks, ties taking their mean rank. NaN when either is constant or for \
             fewer than two rows. Not defined for weighted rows.",
            "Spearman 1904; SciPy stats.spearmanr",
            "undefined: y_true or y_pred is constant, or there are fewer than two rows",
        ),
    ]
}
