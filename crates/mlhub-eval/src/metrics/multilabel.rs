//! Metrics of rows that have any number of labels.
//!
//! Three kinds: a value per row, averaged over rows (worked out once, so that every
//! resample only sums); counts per label, as those of classes in `label`; and the order
//! of scores, of each label or of all cells of the matrix together, as in `rank`.

mod samples;

use std::borrow::Cow;

use rayon::prelude::*;

use self::samples::{OfPredicted, OfScores};
use super::label::LabelCounts;
use super::rank::{OneVsRest, walk};
use super::{Average, Facts, Kind, MultilabelMetric};
use crate::predictions::{Predictions, Targets};
use crate::ranking::{Order, Ranking};
use crate::sum::{mean, sum_rows};
use crate::weights::RowWeights;

/// A score above this predicts the label, where there is no `y_pred`.
const THRESHOLD: f64 = 0.5;

/// What is true and how it was scored, one entry per row (or per cell).
struct Ranked {
    /// 1 where the label is true, else 0.
    truth: Vec<u32>,
    by_score: Ranking,
}

impl Ranked {
    fn walk<W: RowWeights>(&self, weights: &W) -> OneVsRest {
        walk(&self.by_score, &self.truth, 1, weights, None)
    }
}

/// The rows of a multilabel task.
pub(crate) struct LabelSets<'a> {
    labels: usize,
    y_true: &'a [Vec<u32>],
    /// Empty where nothing is predicted.
    y_pred: Cow<'a, [Vec<u32>]>,
    of_predicted: Vec<OfPredicted>,
    of_scores: Vec<OfScores>,
    /// One per label; none without scores.
    by_label: Vec<Ranked>,
    /// All cells of the matrix, row after row.
    cells: Option<Ranked>,
}

impl<'a> LabelSets<'a> {
    /// Runs on the current thread pool. `None` unless the rows have sets of labels.
    pub(super) fn of(predictions: &'a Predictions, facts: &Facts) -> Option<Self> {
        let Targets::LabelSets(y_true) = predictions.y_true() else {
            return None;
        };
        let labels = predictions.labels().len();
        let scores = predictions.y_score();
        let y_pred = match (predictions.y_pred(), scores) {
            (Some(Targets::LabelSets(sets)), _) => Cow::Borrowed(sets.as_slice()),
            (None, Some(scores)) if facts.predicted.is_ok() => {
                Cow::Owned(scores.chunks_exact(labels).map(above_threshold).collect())
            }
            _ => Cow::Borrowed(&[][..]),
        };
        let pairs = y_true.par_iter().zip(y_pred.par_iter());
        let of_predicted = pairs
            .map(|(truth, predicted)| OfPredicted::new(truth, predicted, labels))
            .collect();
        let scored = scores.unwrap_or_default().par_chunks_exact(labels);
        let of_scores = scored
            .zip(y_true)
            .map(|(scores, truth)| OfScores::new(scores, truth))
            .collect();
        Some(Self {
            labels,
            y_true,
            of_predicted,
            of_scores,
            by_label: scores.map_or_else(Vec::new, |scores| by_label(y_true, scores, labels)),
            cells: scores.map(|scores| cells(y_true, scores, labels)),
            y_pred,
        })
    }

    /// Counts per label; `None` where nothing is predicted.
    pub(crate) fn counts<W: RowWeights>(&self, weights: &W) -> Option<LabelCounts> {
        (!self.y_pred.is_empty())
            .then(|| LabelCounts::collect_sets(self.labels, self.y_true, &self.y_pred, weights))
    }

    /// Area under the ROC curve of a label; `None` without scores, NaN where undefined.
    pub(crate) fn auroc<W: RowWeights>(&self, label: usize, weights: &W) -> Option<f64> {
        let ranked = self.by_label.get(label)?;
        Some(ranked.walk(weights).auroc)
    }
}

fn above_threshold(scores: &[f64]) -> Vec<u32> {
    let labels = (0..).zip(scores);
    labels
        .filter(|(_, score)| **score > THRESHOLD)
        .map(|(label, _)| label)
        .collect()
}

fn by_label(y_true: &[Vec<u32>], scores: &[f64], labels: usize) -> Vec<Ranked> {
    let rows = y_true.len();
    (0..labels)
        .into_par_iter()
        .map(|label| {
            let has = |set: &Vec<u32>| set.binary_search(&(label as u32)).is_ok();
            let score = |row: usize| scores[row * labels + label];
            Ranked {
                truth: y_true.iter().map(|set| u32::from(has(set))).collect(),
                by_score: Ranking::new(rows, Order::Descending, score),
            }
        })
        .collect()
}

fn cells(y_true: &[Vec<u32>], scores: &[f64], labels: usize) -> Ranked {
    let mut truth = vec![0; scores.len()];
    for (row, set) in truth.chunks_exact_mut(labels).zip(y_true) {
        for label in set {
            row[*label as usize] = 1;
        }
    }
    Ranked {
        truth,
        by_score: Ranking::new(scores.len(), Order::Descending, |cell| scores[cell]),
    }
}

/// Cells of the matrix with the weights of their rows.
struct PerCell<'a, W> {
    rows: &'a W,
    labels: usize,
}

impl<W: RowWeights> RowWeights for PerCell<'_, W> {
    const EXACT: bool = W::EXACT;

    fn count(&self, cell: usize) -> u32 {
        self.rows.count(cell / self.labels)
    }

    fn weight(&self, cell: usize) -> f64 {
        self.rows.weight(cell / self.labels)
    }
}

/// What several metrics share, for one set of weights.
pub(super) struct Collected {
    counts: Option<LabelCounts>,
    of_labels: Vec<OneVsRest>,
    of_cells: Option<OneVsRest>,
}

impl Collected {
    pub(super) fn new<W: RowWeights>(sets: &LabelSets<'_>, kinds: &[Kind], weights: &W) -> Self {
        use MultilabelMetric as M;
        let asks = |of: &dyn Fn(M) -> bool| {
            let mut kinds = kinds.iter();
            kinds.any(|kind| matches!(kind, Kind::Multilabel(metric) if of(*metric)))
        };
        let has_counts = asks(&|metric| metric.average().is_some());
        let has_labels = asks(&|metric| matches!(metric, M::AurocMacro | M::AveragePrecisionMacro));
        let has_cells = asks(&|metric| matches!(metric, M::AurocMicro | M::AveragePrecisionMicro));
        let walks = sets.by_label.iter().map(|ranked| ranked.walk(weights));
        let per_cell = PerCell {
            rows: weights,
            labels: sets.labels,
        };
        let cells = sets.cells.as_ref().filter(|_| has_cells);
        Self {
            counts: if has_counts {
                sets.counts(weights)
            } else {
                None
            },
            of_labels: if has_labels { walks.collect() } else { vec![] },
            of_cells: cells.map(|ranked| ranked.walk(&per_cell)),
        }
    }

    pub(super) fn value<W: RowWeights>(
        &self,
        sets: &LabelSets<'_>,
        metric: MultilabelMetric,
        weights: &W,
        total: f64,
    ) -> f64 {
        use MultilabelMetric as M;
        let predicted = |term: &dyn Fn(&OfPredicted) -> f64| {
            let rows = &sets.of_predicted;
            sum_rows(rows.len(), |row| weights.weight(row) * term(&rows[row])) / total
        };
        let scored = |term: &dyn Fn(&OfScores) -> f64| {
            let rows = &sets.of_scores;
            sum_rows(rows.len(), |row| weights.weight(row) * term(&rows[row])) / total
        };
        let counted =
            |value: &dyn Fn(&LabelCounts) -> f64| self.counts.as_ref().map_or(f64::NAN, value);
        let of_labels = || self.of_labels.iter();
        let of_cells =
            |value: &dyn Fn(&OneVsRest) -> f64| self.of_cells.as_ref().map_or(f64::NAN, value);
        match metric {
            M::SubsetAccuracy => predicted(&|row| row.equal),
            M::HammingLoss => predicted(&|row| row.hamming_loss),
            M::JaccardSamples => predicted(&|row| row.jaccard),
            M::PrecisionSamples => predicted(&|row| row.precision),
            M::RecallSamples => predicted(&|row| row.recall),
            M::F1Samples => predicted(&|row| row.f1),
            M::Precision(average) => counted(&|counts| counts.precision(average)),
            M::Recall(average) => counted(&|counts| counts.recall(average)),
            M::F1(average) => counted(&|counts| counts.f1(average)),
            M::Jaccard(average) => counted(&|counts| counts.jaccard(average)),
            M::RankingAveragePrecision => scored(&|row| row.average_precision),
            M::CoverageError => scored(&|row| row.coverage),
            M::RankingLoss => scored(&|row| row.ranking_loss),
            M::AurocMacro => {
                let aurocs = of_labels().map(|label| label.auroc);
                mean(aurocs.filter(|auroc| !auroc.is_nan()))
            }
            M::AveragePrecisionMacro => mean(of_labels().map(|label| label.average_precision)),
            M::AurocMicro => of_cells(&|cells| cells.auroc),
            M::AveragePrecisionMicro => of_cells(&|cells| cells.average_precision),
        }
    }
}

impl MultilabelMetric {
    /// How it averages counts per label, when it does.
    fn average(self) -> Option<Average> {
        match self {
            Self::Precision(average)
            | Self::Recall(average)
            | Self::F1(average)
            | Self::Jaccard(average) => Some(average),
            _ => None,
        }
    }

    /// Whether it looks at scores, and not at predicted labels.
    pub(super) fn is_of_scores(self) -> bool {
        matches!(
            self,
            Self::RankingAveragePrecision
                | Self::CoverageError
                | Self::RankingLoss
                | Self::AurocMacro
                | Self::AurocMicro
                | Self::AveragePrecisionMacro
                | Self::AveragePrecisionMicro
        )
    }
}
