//! Metrics that are means of a number per row: log loss, Brier score, top-k
//! hits, and the binned calibration error.
//!
//! The numbers per row do not depend on weights, so they are computed once.

use rayon::prelude::*;

use super::ProbabilityMetric;
use super::applicable::Facts;
use super::prepared::{Needs, Scores};
use crate::sum::{CompensatedSum, RowSum};
use crate::weights::RowWeights;

/// Equal-width bins of the expected calibration error.
pub(crate) const ECE_BINS: usize = 15;

/// Probabilities are kept this far from 0 and 1 under the logarithm (2^-52).
const LOG_CLIP: f64 = f64::EPSILON;

/// Values per row; empty where not asked for or not applicable.
#[derive(Default)]
pub(crate) struct ProbabilityRows {
    loss: Vec<f64>,
    brier: Vec<f64>,
    /// Probability whose calibration is measured: of the positive class in a
    /// binary task, of the top class otherwise.
    pub(crate) confidence: Vec<f64>,
    /// Whether the event of that probability happened.
    pub(crate) happened: Vec<bool>,
    /// Classes that rank above the true one.
    above_true: Vec<u32>,
}

impl ProbabilityRows {
    pub(super) fn new(
        scores: Scores<'_>,
        y_true: &[u32],
        labels: usize,
        facts: &Facts,
        needs: Needs,
    ) -> Self {
        let mut rows = Self::default();
        let by_row = || y_true.iter().map(|class| *class as usize).enumerate();
        let rows_in_parallel = || y_true.par_iter().map(|class| *class as usize).enumerate();
        if facts.probabilities.is_ok() {
            if needs.loss {
                rows.loss = rows_in_parallel()
                    .map(|(row, class)| log_loss(scores.score(row, class)))
                    .collect();
            }
            if needs.brier {
                rows.brier = rows_in_parallel()
                    .map(|(row, class)| brier(scores, row, class, labels))
                    .collect();
            }
            if needs.calibration {
                (rows.confidence, rows.happened) = by_row()
                    .map(|(row, class)| {
                        if facts.is_binary {
                            return (scores.score(row, 1), class == 1);
                        }
                        let top = scores.top_class(row);
                        (scores.score(row, top), class == top)
                    })
                    .unzip();
            }
        }
        if needs.true_places {
            rows.above_true = by_row()
                .map(|(row, class)| above_true(scores, row, class))
                .collect();
        }
        rows
    }
}

fn log_loss(probability: f64) -> f64 {
    // The portable logarithm: the platform's differs between machines.
    -libm::log(probability.clamp(LOG_CLIP, 1.0 - LOG_CLIP))
}

fn brier(scores: Scores<'_>, row: usize, class: usize, labels: usize) -> f64 {
    let difference = |other: usize| {
        let happened = if other == class { 1.0 } else { 0.0 };
        let difference = happened - scores.score(row, other);
        difference * difference
    };
    let mut sum = 0.0;
    for other in 0..labels {
        sum += difference(other);
    }
    if labels == 2 { 0.5 * sum } else { sum }
}

/// How many classes rank above the true one; among equal scores the higher index
/// ranks first.
fn above_true(scores: Scores<'_>, row: usize, class: usize) -> u32 {
    let values = &scores.values[row * scores.columns..(row + 1) * scores.columns];
    let own = values[class];
    let above = values
        .iter()
        .enumerate()
        .filter(|(other, value)| **value > own || (**value == own && *other > class))
        .count();
    u32::try_from(above).expect("classes are bounded by MAX_LABELS")
}

/// The bin of a probability: `min(floor(p bins), bins - 1)`.
pub(crate) fn bin_of(probability: f64, bins: usize) -> usize {
    // A float to integer cast truncates and saturates; probabilities are not negative.
    ((probability * bins as f64) as usize).min(bins - 1)
}

/// Sums of one metric over rows, which may come in parts.
pub(super) struct ProbabilityFold {
    metric: ProbabilityMetric,
    sum: RowSum,
    /// Per bin, of the calibration error.
    gaps: [CompensatedSum; ECE_BINS],
}

impl ProbabilityFold {
    pub(super) fn new(metric: ProbabilityMetric) -> Self {
        Self {
            metric,
            sum: RowSum::default(),
            gaps: [CompensatedSum::default(); ECE_BINS],
        }
    }

    pub(super) fn add<W: RowWeights>(&mut self, rows: &ProbabilityRows, weights: &W) {
        let mut mean = |values: &[f64]| {
            let term = |row: usize| weights.weight(row) * values[row];
            self.sum.extend(values.len(), term);
        };
        match self.metric {
            ProbabilityMetric::LogLoss => mean(&rows.loss),
            ProbabilityMetric::Brier => mean(&rows.brier),
            ProbabilityMetric::Ece => add_gaps(&mut self.gaps, rows, weights),
            ProbabilityMetric::TopAccuracy(places) => {
                let hit = |row: usize| {
                    if (rows.above_true[row] as usize) < places {
                        weights.weight(row)
                    } else {
                        0.0
                    }
                };
                self.sum.extend(rows.above_true.len(), hit);
            }
        }
    }

    pub(super) fn value(&self, total: f64) -> f64 {
        if self.metric != ProbabilityMetric::Ece {
            return self.sum.value() / total;
        }
        let mut sum = CompensatedSum::default();
        for gap in self.gaps {
            sum.add(gap.value().abs());
        }
        sum.value() / total
    }
}

pub(super) fn value<W: RowWeights>(
    rows: &ProbabilityRows,
    metric: ProbabilityMetric,
    weights: &W,
    total: f64,
) -> f64 {
    let mut fold = ProbabilityFold::new(metric);
    fold.add(rows, weights);
    fold.value(total)
}

/// The numbers that the metric is the mean of; `None` when it is none.
pub(super) fn row_values(rows: &ProbabilityRows, metric: ProbabilityMetric) -> Option<Vec<f64>> {
    match metric {
        ProbabilityMetric::LogLoss => Some(rows.loss.clone()),
        ProbabilityMetric::Brier => Some(rows.brier.clone()),
        ProbabilityMetric::TopAccuracy(places) => {
            let hit = |above: &u32| if (*above as usize) < places { 1.0 } else { 0.0 };
            Some(rows.above_true.iter().map(hit).collect())
        }
        ProbabilityMetric::Ece => None,
    }
}

fn add_gaps<W: RowWeights>(
    gaps: &mut [CompensatedSum; ECE_BINS],
    rows: &ProbabilityRows,
    weights: &W,
) {
    for (row, (confidence, happened)) in rows.confidence.iter().zip(&rows.happened).enumerate() {
        let happened = if *happened { 1.0 } else { 0.0 };
        gaps[bin_of(*confidence, ECE_BINS)].add(weights.weight(row) * (happened - confidence));
    }
}
