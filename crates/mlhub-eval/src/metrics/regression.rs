//! Regression metrics over two columns and row weights.
//!
//! Means and sums of squares take two passes (mean first), as the references do;
//! a constant column is recognised by comparison, not by a variance of zero.

use super::prepared::Regression;
use super::{RegressionMetric, Scratch, kendall};
use crate::ranking::Ranking;
use crate::sum::{CompensatedSum, RowSum, sum_rows};
use crate::weights::RowWeights;

/// Denominator floor of the percentage error (2^-52).
const PERCENTAGE_EPSILON: f64 = f64::EPSILON;

/// Where Huber's loss turns from square to straight.
const HUBER_DELTA: f64 = 1.0;

/// How near to half of the total weight counts as half, relative to the total.
const HALF_TOLERANCE: f64 = f64::EPSILON;

/// Sums of one metric over rows, which may come in parts; of a metric that `takes_two`, all rows
/// come a second time after the first.
pub(super) struct RegressionFold {
    metric: RegressionMetric,
    rows: usize,
    /// Of the terms that the metric is the mean of.
    sum: RowSum,
    greatest: f64,
    truth: Spread,
    residual: Spread,
}

impl RegressionFold {
    /// `None` of a metric that is of the order of rows or of both columns together.
    pub(super) fn of(metric: RegressionMetric) -> Option<Self> {
        let needs_rows = matches!(
            metric,
            RegressionMetric::MedianAbsoluteError
                | RegressionMetric::Pearson
                | RegressionMetric::Spearman
                | RegressionMetric::Kendall
        );
        (!needs_rows).then(|| Self {
            metric,
            rows: 0,
            sum: RowSum::default(),
            greatest: 0.0,
            truth: Spread::default(),
            residual: Spread::default(),
        })
    }

    pub(super) fn takes_two(&self) -> bool {
        matches!(
            self.metric,
            RegressionMetric::R2 | RegressionMetric::ExplainedVariance
        )
    }

    pub(super) fn add<W: RowWeights>(&mut self, columns: &Regression<'_>, weights: &W) {
        let (y_true, y_pred) = (columns.y_true, columns.y_pred);
        let rows = y_true.len();
        let residual = |row: usize| y_true[row] - y_pred[row];
        self.rows += rows;
        let sum = &mut self.sum;
        match self.metric {
            RegressionMetric::Mae => add_terms(sum, rows, weights, |row| residual(row).abs()),
            RegressionMetric::Mse | RegressionMetric::Rmse => {
                add_terms(sum, rows, weights, |row| square(residual(row)));
            }
            RegressionMetric::Mape => add_terms(sum, rows, weights, |row| {
                residual(row).abs() / y_true[row].abs().max(PERCENTAGE_EPSILON)
            }),
            RegressionMetric::MaxError => {
                self.greatest = (0..rows)
                    .filter(|row| weights.count(*row) > 0)
                    .map(|row| residual(row).abs())
                    .fold(self.greatest, f64::max);
            }
            RegressionMetric::R2 => {
                add_terms(sum, rows, weights, |row| square(residual(row)));
                self.truth.add(|row| y_true[row], rows, weights);
            }
            RegressionMetric::ExplainedVariance => {
                self.residual.add(residual, rows, weights);
                self.truth.add(|row| y_true[row], rows, weights);
            }
            RegressionMetric::Rmsle => {
                let errors = &columns.squared_log_error;
                add_terms(sum, errors.len(), weights, |row| errors[row]);
            }
            RegressionMetric::Smape => add_terms(sum, rows, weights, |row| {
                let size = f64::midpoint(y_true[row].abs(), y_pred[row].abs());
                if size > 0.0 {
                    residual(row).abs() / size
                } else {
                    0.0
                }
            }),
            RegressionMetric::Pinball(percent) => {
                let quantile = f64::from(percent) / 100.0;
                add_terms(sum, rows, weights, |row| pinball(residual(row), quantile));
            }
            RegressionMetric::Huber => {
                add_terms(sum, rows, weights, |row| huber(residual(row).abs()));
            }
            RegressionMetric::MedianAbsoluteError
            | RegressionMetric::Pearson
            | RegressionMetric::Spearman
            | RegressionMetric::Kendall => {}
        }
    }

    /// All rows were there, of this weight; those of a metric that takes two come again.
    pub(super) fn end_first(&mut self, total: f64) {
        self.truth.end_first(total);
        self.residual.end_first(total);
    }

    pub(super) fn add_again<W: RowWeights>(&mut self, columns: &Regression<'_>, weights: &W) {
        let (y_true, y_pred) = (columns.y_true, columns.y_pred);
        let rows = y_true.len();
        if self.takes_two() {
            self.truth.add_again(|row| y_true[row], rows, weights);
        }
        if self.metric == RegressionMetric::ExplainedVariance {
            let residual = |row: usize| y_true[row] - y_pred[row];
            self.residual.add_again(residual, rows, weights);
        }
    }

    pub(super) fn value(&self, total: f64) -> f64 {
        let mean = self.sum.value() / total;
        match self.metric {
            RegressionMetric::MaxError => self.greatest,
            RegressionMetric::Rmse | RegressionMetric::Rmsle => mean.sqrt(),
            RegressionMetric::R2 if self.rows < 2 => f64::NAN,
            RegressionMetric::R2 => explained(mean, self.truth.variance(total)),
            RegressionMetric::ExplainedVariance => {
                explained(self.residual.variance(total), self.truth.variance(total))
            }
            _ => mean,
        }
    }
}

/// Weighted population variance of a column in two passes, mean first; exactly 0 for a constant
/// column.
#[derive(Default)]
struct Spread {
    /// Of the first row of positive weight.
    first: Option<f64>,
    /// Whether another row of positive weight holds another value.
    varies: bool,
    sum: RowSum,
    mean: f64,
    squares: RowSum,
}

impl Spread {
    fn add<W: RowWeights>(&mut self, value: impl Fn(usize) -> f64, rows: usize, weights: &W) {
        let mut row = 0;
        while !self.varies && row < rows {
            if weights.weight(row) > 0.0 {
                self.varies = value(row) != *self.first.get_or_insert_with(|| value(row));
            }
            row += 1;
        }
        add_terms(&mut self.sum, rows, weights, value);
    }

    fn end_first(&mut self, total: f64) {
        self.mean = self.sum.value() / total;
    }

    fn add_again<W: RowWeights>(&mut self, value: impl Fn(usize) -> f64, rows: usize, weights: &W) {
        if self.varies {
            let mean = self.mean;
            let term = |row: usize| square(value(row) - mean);
            add_terms(&mut self.squares, rows, weights, term);
        }
    }

    fn variance(&self, total: f64) -> f64 {
        if self.varies {
            self.squares.value() / total
        } else {
            0.0
        }
    }
}

pub(super) fn value<W: RowWeights>(
    columns: &Regression<'_>,
    metric: RegressionMetric,
    weights: &W,
    total: f64,
    scratch: &mut Scratch,
) -> f64 {
    let (y_true, y_pred) = (columns.y_true, columns.y_pred);
    let rows = y_true.len();
    if let Some(mut fold) = RegressionFold::of(metric) {
        fold.add(columns, weights);
        if fold.takes_two() {
            fold.end_first(total);
            fold.add_again(columns, weights);
        }
        return fold.value(total);
    }
    match metric {
        RegressionMetric::MedianAbsoluteError => {
            let error = |row: usize| (y_true[row] - y_pred[row]).abs();
            let ranking = columns.by_absolute_error.as_ref();
            ranking.map_or(f64::NAN, |of| weighted_median(of, error, weights, total))
        }
        RegressionMetric::Kendall => columns.by_true.as_ref().map_or(f64::NAN, |by_true| {
            kendall::tau_b(by_true, &columns.pred_levels, weights, scratch)
        }),
        RegressionMetric::Spearman => {
            let (Some(by_true), Some(by_pred)) = (&columns.by_true, &columns.by_pred) else {
                return f64::NAN;
            };
            mean_ranks(by_true, rows, weights, &mut scratch.rank_true);
            mean_ranks(by_pred, rows, weights, &mut scratch.rank_pred);
            pearson(&scratch.rank_true, &scratch.rank_pred, weights, total)
        }
        _ => pearson(y_true, y_pred, weights, total),
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

fn add_terms<W: RowWeights>(
    sum: &mut RowSum,
    rows: usize,
    weights: &W,
    term: impl Fn(usize) -> f64,
) {
    sum.extend(rows, |row| weights.weight(row) * term(row));
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
