//! Regression metrics over two columns and row weights.
//!
//! Means and sums of squares take two passes (mean first), as the references do;
//! a constant column is recognised by comparison, not by a variance of zero.

use super::prepared::Regression;
use super::{RegressionMetric, Scratch, kendall};
use crate::ranking::Ranking;
use crate::sum::{CompensatedSum, sum_rows};
use crate::weights::RowWeights;

/// Denominator floor of the percentage error (2^-52).
const PERCENTAGE_EPSILON: f64 = f64::EPSILON;

/// Where Huber's loss turns from square to straight.
const HUBER_DELTA: f64 = 1.0;

/// How near to half of the total weight counts as half, relative to the total.
const HALF_TOLERANCE: f64 = f64::EPSILON;

pub(super) fn value<W: RowWeights>(
    columns: &Regression<'_>,
    metric: RegressionMetric,
    weights: &W,
    total: f64,
    scratch: &mut Scratch,
) -> f64 {
    let (y_true, y_pred) = (columns.y_true, columns.y_pred);
    let rows = y_true.len();
    let residual = |row: usize| y_true[row] - y_pred[row];
    match metric {
        RegressionMetric::Mae => weighted_mean(rows, weights, total, |row| residual(row).abs()),
        RegressionMetric::Mse => weighted_mean(rows, weights, total, |row| square(residual(row))),
        RegressionMetric::Rmse => {
            weighted_mean(rows, weights, total, |row| square(residual(row))).sqrt()
        }
        RegressionMetric::Mape => weighted_mean(rows, weights, total, |row| {
            residual(row).abs() / y_true[row].abs().max(PERCENTAGE_EPSILON)
        }),
        RegressionMetric::MaxError => (0..rows)
            .filter(|row| weights.count(*row) > 0)
            .map(|row| residual(row).abs())
            .fold(0.0, f64::max),
        RegressionMetric::MedianAbsoluteError => columns
            .by_absolute_error
            .as_ref()
            .map_or(f64::NAN, |ranking| {
                weighted_median(ranking, |row| residual(row).abs(), weights, total)
            }),
        RegressionMetric::R2 if rows < 2 => f64::NAN,
        RegressionMetric::R2 => {
            let numerator = weighted_mean(rows, weights, total, |row| square(residual(row)));
            let denominator = variance(|row| y_true[row], rows, weights, total);
            explained(numerator, denominator)
        }
        RegressionMetric::ExplainedVariance => {
            let numerator = variance(residual, rows, weights, total);
            let denominator = variance(|row| y_true[row], rows, weights, total);
            explained(numerator, denominator)
        }
        RegressionMetric::Rmsle => {
            let errors = &columns.squared_log_error;
            weighted_mean(errors.len(), weights, total, |row| errors[row]).sqrt()
        }
        RegressionMetric::Smape => weighted_mean(rows, weights, total, |row| {
            let size = f64::midpoint(y_true[row].abs(), y_pred[row].abs());
            if size > 0.0 {
                residual(row).abs() / size
            } else {
                0.0
            }
        }),
        RegressionMetric::Pinball(percent) => {
            let quantile = f64::from(percent) / 100.0;
            weighted_mean(rows, weights, total, |row| pinball(residual(row), quantile))
        }
        RegressionMetric::Huber => {
            weighted_mean(rows, weights, total, |row| huber(residual(row).abs()))
        }
        RegressionMetric::Kendall => columns.by_true.as_ref().map_or(f64::NAN, |by_true| {
            kendall::tau_b(by_true, &columns.pred_levels, weights, scratch)
        }),
        RegressionMetric::Pearson => pearson(y_true, y_pred, weights, total),
        RegressionMetric::Spearman => {
            let (Some(by_true), Some(by_pred)) = (&columns.by_true, &columns.by_pred) else {
                return f64::NAN;
            };
            mean_ranks(by_true, rows, weights, &mut scratch.rank_true);
            mean_ranks(by_pred, rows, weights, &mut scratch.rank_pred);
            pearson(&scratch.rank_true, &scratch.rank_pred, weights, total)
        }
    }
}

/// The numbers that the metric is the mean of; `None` when it is none.
pub(super) fn row_values(columns: &Regression<'_>, metric: RegressionMetric) -> Option<Vec<f64>> {
    let (y_true, y_pred) = (columns.y_true, columns.y_pred);
    let of_rows = |term: &dyn Fn(f64, f64) -> f64| {
        let rows = y_true.iter().zip(y_pred);
        Some(
            rows.map(|(truth, predicted)| term(*truth, *predicted))
                .collect(),
        )
    };
    match metric {
        RegressionMetric::Mae => of_rows(&|truth, predicted| (truth - predicted).abs()),
        RegressionMetric::Mse => of_rows(&|truth, predicted| square(truth - predicted)),
        RegressionMetric::Mape => of_rows(&|truth, predicted| {
            (truth - predicted).abs() / truth.abs().max(PERCENTAGE_EPSILON)
        }),
        RegressionMetric::Pinball(percent) => {
            let quantile = f64::from(percent) / 100.0;
            of_rows(&|truth, predicted| pinball(truth - predicted, quantile))
        }
        RegressionMetric::Huber => of_rows(&|truth, predicted| huber((truth - predicted).abs())),
        _ => None,
    }
}

fn weighted_mean<W: RowWeights>(
    rows: usize,
    weights: &W,
    total: f64,
    term: impl Fn(usize) -> f64,
) -> f64 {
    sum_rows(rows, |row| weights.weight(row) * term(row)) / total
}

fn square(value: f64) -> f64 {
    value * value
}

/// The loss whose mean the quantile of the truth makes smallest.
pub(super) fn pinball(residual: f64, quantile: f64) -> f64 {
    if residual >= 0.0 {
        quantile * residual
    } else {
        (quantile - 1.0) * residual
    }
}

/// Huber's loss of an absolute error.
fn huber(error: f64) -> f64 {
    if error <= HUBER_DELTA {
        0.5 * square(error)
    } else {
        HUBER_DELTA * (error - 0.5 * HUBER_DELTA)
    }
}

/// `1 - numerator / denominator`, finite where the denominator is zero.
fn explained(numerator: f64, denominator: f64) -> f64 {
    if denominator != 0.0 {
        1.0 - numerator / denominator
    } else if numerator == 0.0 {
        1.0
    } else {
        0.0
    }
}

/// Weighted population variance; exactly 0 for a constant column.
fn variance<W: RowWeights>(
    value: impl Fn(usize) -> f64,
    rows: usize,
    weights: &W,
    total: f64,
) -> f64 {
    if is_constant(&value, rows, weights) {
        return 0.0;
    }
    let mean = weighted_mean(rows, weights, total, &value);
    weighted_mean(rows, weights, total, |row| square(value(row) - mean))
}

/// Whether all rows of positive weight hold the same value.
fn is_constant<W: RowWeights>(value: impl Fn(usize) -> f64, rows: usize, weights: &W) -> bool {
    let mut present = (0..rows).filter(|row| weights.weight(*row) > 0.0);
    match present.next() {
        Some(first) => {
            let first = value(first);
            present.all(|row| value(row) == first)
        }
        None => true,
    }
}

fn pearson<W: RowWeights>(left: &[f64], right: &[f64], weights: &W, total: f64) -> f64 {
    let rows = left.len();
    if is_constant(|row| left[row], rows, weights) || is_constant(|row| right[row], rows, weights) {
        return f64::NAN;
    }
    let left_mean = weighted_mean(rows, weights, total, |row| left[row]);
    let right_mean = weighted_mean(rows, weights, total, |row| right[row]);
    let products = |first: &[f64], first_mean: f64, second: &[f64], second_mean: f64| {
        sum_rows(rows, |row| {
            weights.weight(row) * ((first[row] - first_mean) * (second[row] - second_mean))
        })
    };
    let covariance = products(left, left_mean, right, right_mean);
    let left_norm = products(left, left_mean, left, left_mean).sqrt();
    let right_norm = products(right, right_mean, right, right_mean).sqrt();
    (covariance / left_norm / right_norm).clamp(-1.0, 1.0)
}

/// The definition's weighted median of values walked in ascending order.
fn weighted_median<W: RowWeights>(
    ranking: &Ranking,
    value: impl Fn(usize) -> f64,
    weights: &W,
    total: f64,
) -> f64 {
    let half = 0.5 * total;
    let mut cumulated = CompensatedSum::default();
    let mut lower = f64::NAN;
    let mut at_half = false;
    for (row, _) in ranking.iter() {
        let weight = weights.weight(row);
        if weight == 0.0 {
            continue;
        }
        if at_half {
            return f64::midpoint(lower, value(row));
        }
        cumulated.add(weight);
        lower = value(row);
        let above_half = cumulated.value() - half;
        if above_half > HALF_TOLERANCE * total {
            return lower;
        }
        at_half = above_half >= -HALF_TOLERANCE * total;
    }
    lower
}

/// Rank of each row among the rows of the sample, from 1, ties their mean rank.
/// Rows that are not in the sample keep a rank that carries no weight.
fn mean_ranks<W: RowWeights>(ranking: &Ranking, rows: usize, weights: &W, ranks: &mut Vec<f64>) {
    ranks.clear();
    ranks.resize(rows, 0.0);
    let mut below = 0.0;
    let mut group_weight = 0.0;
    let mut group: Vec<usize> = Vec::new();
    for (row, ends_group) in ranking.iter() {
        group_weight += weights.weight(row);
        group.push(row);
        if ends_group {
            let rank = below + 0.5 * (group_weight + 1.0);
            for row in group.drain(..) {
                ranks[row] = rank;
            }
            below += group_weight;
            group_weight = 0.0;
        }
    }
}
