//! The columns as the kernels want them: predicted classes, orders of scores,
//! losses per row. Computed once per evaluation, only as far as asked for.

use std::borrow::Cow;

use rayon::prelude::*;

use super::applicable::Facts;
use super::probability::ProbabilityRows;
use super::{
    ClusteringMetric, Detections, Forecast, Kind, LabelSets, Partitions, ProbabilityMetric,
    Queries, RegressionMetric, Segmentations, Survival, SurvivalMetric, Texts, kendall,
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
    pub(crate) silhouette: bool,
    pub(crate) risk_levels: bool,
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
            risk_levels: has(Kind::Survival(SurvivalMetric::Concordance))
                || has(Kind::Survival(SurvivalMetric::ConcordanceIpcw)),
            silhouette: has(Kind::Clustering(ClusteringMetric::Silhouette)),
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
    pub(crate) forecast: Option<Forecast<'a>>,
    pub(crate) survival: Option<Survival<'a>>,
    pub(crate) detections: Option<Detections>,
    pub(crate) segmentations: Option<Segmentations>,
}

impl<'a> Prepared<'a> {
    /// Sorting runs on the current thread pool.
    pub(crate) fn new(predictions: &'a Predictions, facts: &Facts, needs: Needs) -> Self {
        let (rows, task) = (predictions.rows(), predictions.task());
        // A cluster is no class, even where both have the same name; an image has many.
        let labels = match task {
            Task::Clustering | Task::Detection | Task::Segmentation => 0,
            _ => predictions.labels().len(),
        };
        let scores = scores(predictions);
        let y_true: &[u32] = match predictions.y_true() {
            Targets::Classes(classes) => classes,
            _ => &[],
        };
        let ranked = match scores {
            None => vec![],
            Some(_) if facts.is_binary => vec![1; needs.ranked_classes.min(1)],
            Some(_) => (0..needs.ranked_classes.min(labels)).collect(),
        };
        let rankings: Vec<Ranking> = match scores {
            Some(scores) => ranked
                .par_iter()
                .map(|class| Ranking::new(rows, Order::Descending, |row| scores.score(row, *class)))
                .collect(),
            None => vec![],
        };
        let ranked_positive = rankings.iter().zip(&ranked).map(|(ranking, class)| {
            let rows = ranking.par_rows();
            rows.map(|row| y_true[row] as usize == *class).collect()
        });
        let probability = match scores {
            Some(scores) => ProbabilityRows::new(scores, y_true, labels, facts, needs),
            None => ProbabilityRows::default(),
        };
        // What only one task has.
        let of = |only: Task| (task == only).then_some(predictions);
        let queries = of(Task::Ranking).and_then(Queries::of);
        Self {
            rows,
            units: queries.as_ref().map_or(rows, Queries::len),
            labels,
            y_true,
            y_pred: predicted(predictions, scores, facts, needs),
            ranked_positive: ranked_positive.collect(),
            rankings,
            ranked,
            scores,
            probability,
            regression: regression(predictions, needs).filter(|_| task != Task::Survival),
            queries,
            texts: Texts::of(predictions),
            label_sets: LabelSets::of(predictions, facts),
            partitions: of(Task::Clustering).and_then(|of| Partitions::of(of, needs.silhouette)),
            forecast: of(Task::Forecasting).and_then(Forecast::of),
            survival: of(Task::Survival).and_then(|of| Survival::of(of, needs.risk_levels)),
            detections: Detections::of(predictions),
            segmentations: Segmentations::of(predictions),
        }
    }
}

/// Scores of classes. Those of a ranking are compared within queries only; those of several labels
/// per row and risks have a place of their own.
fn scores(predictions: &Predictions) -> Option<Scores<'_>> {
    let is_of_classes = !matches!(
        predictions.task(),
        Task::Ranking | Task::Multilabel | Task::Survival
    );
    let values = predictions.y_score().filter(|_| is_of_classes)?;
    Some(Scores {
        values,
        columns: predictions.score_columns(),
    })
}

/// Classes by a threshold, as they are given, or by the highest scores; empty when there are none
/// or they are not asked for.
fn predicted<'a>(
    predictions: &'a Predictions,
    scores: Option<Scores<'_>>,
    facts: &Facts,
    needs: Needs,
) -> Cow<'a, [u32]> {
    match (predictions.y_pred(), scores, facts.threshold) {
        (_, Some(scores), Some(threshold)) => {
            let scores = scores.values.iter();
            Cow::Owned(scores.map(|score| u32::from(*score >= threshold)).collect())
        }
        (Some(Targets::Classes(classes)), ..) => Cow::Borrowed(classes.as_slice()),
        (None, Some(scores), _) if needs.predicted && facts.predicted.is_ok() => {
            let rows = 0..predictions.rows();
            Cow::Owned(rows.map(|row| scores.top_class(row) as u32).collect())
        }
        _ => Cow::Borrowed(&[]),
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
