//! The columns as the kernels want them: predicted classes, orders of scores,
//! losses per row. Computed once per evaluation, only as far as asked for.

use std::borrow::Cow;

use rayon::prelude::*;

use super::applicable::Facts;
use super::probability::ProbabilityRows;
use super::{
    Detections, Kind, LabelSets, Partitions, ProbabilityMetric, Queries, RegressionMetric,
    Segmentations, Texts, kendall,
};
use crate::definition::Task;
use crate::predictions::{Predictions, Targets};
use crate::ranking::{Order, Ranking};

/// What to prepare.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Needs {
    pub(crate) predicted: bool,
    /// Score columns to rank, from the first; for binary any number above 0
    /// ranks the positive class.
    pub(crate) ranked_classes: usize,
    pub(crate) loss: bool,
    pub(crate) brier: bool,
    pub(crate) calibration: bool,
    pub(crate) true_places: bool,
    pub(crate) absolute_error: bool,
    pub(crate) value_ranks: bool,
    pub(crate) pred_levels: bool,
    pub(crate) log_error: bool,
}

impl Needs {
    pub(crate) fn of(kinds: &[Kind], labels: usize) -> Self {
        let has = |kind| kinds.contains(&kind);
        let has_rank = kinds.iter().any(|kind| matches!(kind, Kind::Rank(_)));
        Self {
            predicted: kinds.iter().any(|kind| matches!(kind, Kind::Label(_))),
            ranked_classes: if has_rank { labels } else { 0 },
            loss: has(Kind::Probability(ProbabilityMetric::LogLoss)),
            brier: has(Kind::Probability(ProbabilityMetric::Brier)),
            calibration: has(Kind::Probability(ProbabilityMetric::Ece)),
            true_places: kinds
                .iter()
                .any(|kind| matches!(kind, Kind::Probability(ProbabilityMetric::TopAccuracy(_)))),
            absolute_error: has(Kind::Regression(RegressionMetric::MedianAbsoluteError)),
            value_ranks: has(Kind::Regression(RegressionMetric::Spearman))
                || has(Kind::Regression(RegressionMetric::Kendall)),
            pred_levels: has(Kind::Regression(RegressionMetric::Kendall)),
            log_error: has(Kind::Regression(RegressionMetric::Rmsle)),
        }
    }
}

/// Scores with the binary one-column form made like the others.
#[derive(Clone, Copy)]
pub(crate) struct Scores<'a> {
    pub(crate) values: &'a [f64],
    pub(crate) columns: usize,
}

impl Scores<'_> {
    /// Score of a class; for one column, the other class has its complement.
    pub(crate) fn score(&self, row: usize, class: usize) -> f64 {
        match (self.columns, class) {
            (1, 0) => 1.0 - self.values[row],
            (1, _) => self.values[row],
            _ => self.values[row * self.columns + class],
        }
    }

    /// The class with the highest score, the first on ties. For one column:
    /// positive above one half.
    pub(crate) fn top_class(&self, row: usize) -> usize {
        if self.columns == 1 {
            return usize::from(self.values[row] > 0.5);
        }
        let values = &self.values[row * self.columns..(row + 1) * self.columns];
        let mut top = 0;
        for (class, value) in values.iter().enumerate() {
            if *value > values[top] {
                top = class;
            }
        }
        top
    }
}

/// True and predicted values of a regression, with the orders asked for.
pub(crate) struct Regression<'a> {
    pub(crate) y_true: &'a [f64],
    pub(crate) y_pred: &'a [f64],
    pub(super) by_absolute_error: Option<Ranking>,
    pub(super) by_true: Option<Ranking>,
    pub(super) by_pred: Option<Ranking>,
    /// Level of each predicted value; empty when not asked for.
    pub(super) pred_levels: Vec<u32>,
    /// Squared difference of `ln(1 + y)` per row; empty when not asked for.
    pub(super) squared_log_error: Vec<f64>,
}

/// Prepared columns.
pub(crate) struct Prepared<'a> {
    pub(crate) rows: usize,
    /// What is weighted and drawn: rows, or the queries of a ranking.
    pub(crate) units: usize,
    /// Number of classes; 0 where there are none.
    pub(crate) labels: usize,
    /// True class per row; empty for regression.
    pub(crate) y_true: &'a [u32],
    /// Predicted class per row; empty when not asked for.
    pub(crate) y_pred: Cow<'a, [u32]>,
    /// Rows by descending score, one ranking per class of `ranked`.
    pub(crate) rankings: Vec<Ranking>,
    /// The class of each ranking.
    pub(crate) ranked: Vec<usize>,
    /// Whether each row is truly of the class, in the order of the ranking: a walk then
    /// reads it in sequence.
    pub(crate) ranked_positive: Vec<Vec<bool>>,
    pub(crate) scores: Option<Scores<'a>>,
    pub(crate) probability: ProbabilityRows,
    pub(crate) regression: Option<Regression<'a>>,
    pub(crate) queries: Option<Queries>,
    pub(crate) texts: Option<Texts>,
    pub(crate) label_sets: Option<LabelSets<'a>>,
    pub(crate) partitions: Option<Partitions>,
    pub(crate) detections: Option<Detections>,
    pub(crate) segmentations: Option<Segmentations>,
}

impl<'a> Prepared<'a> {
    /// Sorting runs on the current thread pool.
    pub(crate) fn new(predictions: &'a Predictions, facts: &Facts, needs: Needs) -> Self {
        let rows = predictions.rows();
        let is_clustering = predictions.task() == Task::Clustering;
        let is_of_images = matches!(predictions.task(), Task::Detection | Task::Segmentation);
        // A cluster is no class, even where both have the same name; an image has many.
        let labels = if is_clustering || is_of_images {
            0
        } else {
            predictions.labels().len()
        };
        let is_ranking = predictions.task() == Task::Ranking;
        // The scores of a ranking are compared within queries only; those of several labels
        // per row have a place of their own.
        let scores = predictions
            .y_score()
            .filter(|_| !is_ranking && predictions.task() != Task::Multilabel)
            .map(|values| Scores {
                values,
                columns: predictions.score_columns(),
            });
        let y_true: &[u32] = match predictions.y_true() {
            Targets::Classes(classes) => classes,
            _ => &[],
        };
        let y_pred = match (predictions.y_pred(), scores) {
            (Some(Targets::Classes(classes)), _) => Cow::Borrowed(classes.as_slice()),
            (None, Some(scores)) if needs.predicted && facts.predicted.is_ok() => {
                Cow::Owned((0..rows).map(|row| scores.top_class(row) as u32).collect())
            }
            _ => Cow::Borrowed(&[][..]),
        };
        let ranked = match scores {
            None => vec![],
            Some(_) if facts.is_binary => {
                if needs.ranked_classes > 0 {
                    vec![1]
                } else {
                    vec![]
                }
            }
            Some(_) => (0..needs.ranked_classes.min(labels)).collect(),
        };
        let rankings = match scores {
            Some(scores) => ranked
                .par_iter()
                .map(|class| Ranking::new(rows, Order::Descending, |row| scores.score(row, *class)))
                .collect(),
            None => vec![],
        };
        let ranked_positive = rankings
            .iter()
            .zip(&ranked)
            .map(|(ranking, class): (&Ranking, &usize)| {
                let rows = ranking.iter();
                rows.map(|(row, _)| y_true[row] as usize == *class)
                    .collect()
            })
            .collect();
        let probability = match scores {
            Some(scores) => ProbabilityRows::new(scores, y_true, labels, facts, needs),
            None => ProbabilityRows::default(),
        };
        let queries = is_ranking.then(|| Queries::of(predictions)).flatten();
        Self {
            rows,
            units: queries.as_ref().map_or(rows, Queries::len),
            labels,
            y_true,
            y_pred,
            rankings,
            ranked,
            ranked_positive,
            scores,
            probability,
            regression: regression(predictions, needs),
            queries,
            texts: Texts::of(predictions),
            label_sets: LabelSets::of(predictions, facts),
            partitions: is_clustering.then(|| Partitions::of(predictions)).flatten(),
            detections: Detections::of(predictions),
            segmentations: Segmentations::of(predictions),
        }
    }
}

fn regression(predictions: &Predictions, needs: Needs) -> Option<Regression<'_>> {
    let (Targets::Values(y_true), Some(Targets::Values(y_pred))) =
        (predictions.y_true(), predictions.y_pred())
    else {
        return None;
    };
    let rows = y_true.len();
    let ascending =
        |value: &(dyn Fn(usize) -> f64 + Sync)| Ranking::new(rows, Order::Ascending, value);
    let by_pred = needs.value_ranks.then(|| ascending(&|row| y_pred[row]));
    let pred_levels = match &by_pred {
        Some(by_pred) if needs.pred_levels => kendall::levels(by_pred, rows),
        _ => vec![],
    };
    let squared_log_error = if needs.log_error {
        let pairs = y_true.iter().zip(y_pred);
        pairs
            .map(|(y_true, y_pred)| {
                // The portable logarithm: the platform's differs between machines.
                let difference = libm::log1p(*y_true) - libm::log1p(*y_pred);
                difference * difference
            })
            .collect()
    } else {
        vec![]
    };
    Some(Regression {
        y_true,
        y_pred,
        by_absolute_error: needs
            .absolute_error
            .then(|| ascending(&|row| (y_true[row] - y_pred[row]).abs())),
        by_true: needs.value_ranks.then(|| ascending(&|row| y_true[row])),
        by_pred,
        pred_levels,
        squared_log_error,
    })
}
