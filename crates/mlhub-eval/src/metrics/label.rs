//! Metrics over predicted classes, from three numbers per class: the weight that
//! is truly of the class, that is predicted to be, and that is both.
//!
//! The full confusion matrix is not needed, so cost does not grow with the square
//! of the number of classes; `curves` builds it for display.

use super::{Average, LabelMetric, Prepared};
use crate::sum::{CompensatedSum, mean};
use crate::weights::RowWeights;

/// Index of the positive class of a binary task.
const POSITIVE: usize = 1;
/// Index of the negative class of a binary task.
const NEGATIVE: usize = 0;

/// Weight per class.
pub(super) struct LabelCounts {
    both: Vec<f64>,
    truly: Vec<f64>,
    predicted: Vec<f64>,
    /// Whether a row of the sample has the class in either column, whatever its weight.
    occurs: Vec<bool>,
    total: f64,
    correct: f64,
    wrong: f64,
}

impl LabelCounts {
    pub(super) fn collect<W: RowWeights>(prepared: &Prepared<'_>, weights: &W) -> Self {
        let labels = prepared.labels;
        let mut both = vec![CompensatedSum::default(); labels];
        let mut truly = both.clone();
        let mut predicted = both.clone();
        let mut wrong = CompensatedSum::default();
        let mut occurs = vec![false; labels];
        for (row, (y_true, y_pred)) in prepared.y_true.iter().zip(&*prepared.y_pred).enumerate() {
            if weights.count(row) == 0 {
                continue;
            }
            let (y_true, y_pred) = (*y_true as usize, *y_pred as usize);
            let weight = weights.weight(row);
            add::<W>(&mut truly[y_true], weight);
            add::<W>(&mut predicted[y_pred], weight);
            if y_true == y_pred {
                add::<W>(&mut both[y_true], weight);
            } else {
                add::<W>(&mut wrong, weight);
            }
            occurs[y_true] = true;
            occurs[y_pred] = true;
        }
        let values = |sums: Vec<CompensatedSum>| -> Vec<f64> {
            sums.into_iter().map(CompensatedSum::value).collect()
        };
        let (both, truly, predicted) = (values(both), values(truly), values(predicted));
        Self {
            total: sum(truly.iter().copied()),
            correct: sum(both.iter().copied()),
            wrong: wrong.value(),
            both,
            truly,
            predicted,
            occurs,
        }
    }

    pub(super) fn value(&self, metric: LabelMetric) -> f64 {
        match metric {
            LabelMetric::Accuracy => self.correct / self.total,
            LabelMetric::BalancedAccuracy => mean(
                self.both
                    .iter()
                    .zip(&self.truly)
                    .filter(|(_, truly)| **truly > 0.0)
                    .map(|(both, truly)| both / truly),
            ),
            LabelMetric::Precision(average) => {
                self.averaged(average, |both, _, predicted| ratio_or_zero(both, predicted))
            }
            LabelMetric::Recall(average) => {
                self.averaged(average, |both, truly, _| ratio_or_zero(both, truly))
            }
            LabelMetric::F1(average) => self.averaged(average, |both, truly, predicted| {
                ratio_or_zero(2.0 * both, truly + predicted)
            }),
            LabelMetric::Specificity => ratio_or_zero(self.both[NEGATIVE], self.truly[NEGATIVE]),
            LabelMetric::Mcc => self.mcc(),
            LabelMetric::CohenKappa => self.cohen_kappa(),
        }
    }

    /// Averages a ratio of (both, truly, predicted) over classes.
    fn averaged(&self, average: Average, ratio: impl Fn(f64, f64, f64) -> f64) -> f64 {
        let of_class =
            |class: usize| ratio(self.both[class], self.truly[class], self.predicted[class]);
        match average {
            Average::Positive => of_class(POSITIVE),
            Average::Macro => mean(
                (0..self.both.len())
                    .filter(|class| self.occurs[*class])
                    .map(of_class),
            ),
            Average::Micro => ratio(
                self.correct,
                self.total,
                sum(self.predicted.iter().copied()),
            ),
            Average::Weighted => {
                let weighted = (0..self.both.len())
                    .filter(|class| self.truly[*class] > 0.0)
                    .map(|class| self.truly[class] * of_class(class));
                sum(weighted) / self.total
            }
        }
    }

    fn mcc(&self) -> f64 {
        let chance = sum(self.truly.iter().zip(&self.predicted).map(|(a, b)| a * b));
        let covariance = self.correct * self.total - chance;
        let product = products_with_others(&self.truly, &self.truly)
            * products_with_others(&self.predicted, &self.predicted);
        if product == 0.0 {
            return 0.0;
        }
        covariance / product.sqrt()
    }

    fn cohen_kappa(&self) -> f64 {
        let expected = products_with_others(&self.truly, &self.predicted) / self.total;
        if expected == 0.0 {
            return f64::NAN;
        }
        1.0 - self.wrong / expected
    }
}

/// The sum over k of `left[k] * sum of right[j], j != k`, which is `sum(left) *
/// sum(right) - dot(left, right)` without the cancellation: exactly 0 when both
/// hold one and the same class only, never below 0.
fn products_with_others(left: &[f64], right: &[f64]) -> f64 {
    let mut after: Vec<f64> = Vec::with_capacity(right.len());
    let mut running = CompensatedSum::default();
    for value in right.iter().rev() {
        after.push(running.value());
        running.add(*value);
    }
    let mut before = CompensatedSum::default();
    let mut total = CompensatedSum::default();
    for ((left, right), after) in left.iter().zip(right).zip(after.into_iter().rev()) {
        total.add(left * (before.value() + after));
        before.add(*right);
    }
    total.value()
}

fn add<W: RowWeights>(sum: &mut CompensatedSum, weight: f64) {
    if W::EXACT {
        sum.add_exact(weight);
    } else {
        sum.add(weight);
    }
}

fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut sum = CompensatedSum::default();
    for value in values {
        sum.add(value);
    }
    sum.value()
}

fn ratio_or_zero(numerator: f64, denominator: f64) -> f64 {
    if denominator > 0.0 {
        numerator / denominator
    } else {
        0.0
    }
}
