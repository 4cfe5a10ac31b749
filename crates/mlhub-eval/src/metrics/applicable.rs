//! Which metrics the predictions allow, and the reason for each they do not.
//!
//! A metric that does not apply is skipped, never an error of the evaluation.

mod columns;

use super::{
    Kind, ProbabilityMetric, RankMetric, RegressionMetric, SegmentationMetric, TextMetric,
    segmentation,
};
use crate::definition::Task;
use crate::predictions::{NAMED_IN_ERRORS, Predictions, Targets};

/// How far a row of probabilities may be from summing to one.
const PROBABILITY_SUM_TOLERANCE: f64 = 1e-6;

/// Most classes for the pairwise AUROC, whose memory grows with their square.
const MAX_PAIRWISE_LABELS: usize = 2048;

/// Most rows for Kendall's tau, whose every resample costs what sorting does.
const MAX_KENDALL_ROWS: usize = 1 << 17;

/// What is known about the predictions before anything is computed.
pub(crate) struct Facts {
    /// Whether the scores are probabilities, or why not.
    pub(crate) probabilities: Result<(), String>,
    /// Whether predicted classes are given or follow from the scores, or why not.
    pub(crate) predicted: Result<(), String>,
    /// Whether the second class is the positive one.
    pub(crate) is_binary: bool,
    /// Score from which on a row counts as an anomaly, when given.
    pub(crate) threshold: Option<f64>,
    weighted: bool,
    has_scores: bool,
    labels: usize,
    rows: usize,
    /// Why segments cannot be compared, where there are only classes of pixels.
    no_segments: Option<String>,
    /// Whether `ln(1 + y)` is defined for all values, or where not.
    logarithms: Result<(), String>,
    /// Metrics whose own columns are missing or too large, each with the reason.
    columns: Vec<(Kind, String)>,
}

impl Facts {
    pub(crate) fn of(predictions: &Predictions) -> Self {
        Self::with_threshold(predictions, None)
    }

    /// `threshold` must be of an anomaly task.
    pub(crate) fn with_threshold(predictions: &Predictions, threshold: Option<f64>) -> Self {
        let mut seen = Seen::default();
        seen.add(predictions);
        Self::of_seen(&seen, predictions, threshold)
    }

    /// Of all rows that were seen, which have the columns of `predictions`; what looks at the rows
    /// of a task's own columns looks at these predictions alone.
    pub(crate) fn of_seen(seen: &Seen, predictions: &Predictions, threshold: Option<f64>) -> Self {
        let probabilities = seen.probabilities(predictions);
        let has_top_class =
            predictions.score_columns() > 1 && predictions.task() != Task::Multilabel;
        let predicted = if predictions.y_pred().is_some() || has_top_class || threshold.is_some() {
            Ok(())
        } else if predictions.task() == Task::Anomaly {
            Err(
                "there is no y_pred to use, and no threshold for y_score: give one that was \
                 found on another split"
                    .to_owned(),
            )
        } else {
            probabilities.clone().map_err(|reason| {
                format!("there is no y_pred to use, and no threshold for y_score: {reason}")
            })
        };
        Self {
            probabilities,
            predicted,
            is_binary: matches!(predictions.task(), Task::Binary | Task::Anomaly),
            threshold,
            weighted: predictions.weight().is_some(),
            has_scores: predictions.score_columns() > 0,
            labels: predictions.labels().len(),
            rows: seen.rows,
            no_segments: segmentation::no_segments(predictions),
            logarithms: seen.logarithms(),
            columns: columns::obstacles(predictions),
        }
    }

    /// Why the metric cannot be computed; `None` when it can. The task is not
    /// looked at: the definition names its tasks.
    pub(crate) fn obstacle(&self, kind: Kind) -> Option<String> {
        let unweighted_only = matches!(
            kind,
            Kind::Rank(RankMetric::AurocOvoMacro | RankMetric::AurocOvoWeighted)
                | Kind::Regression(
                    RegressionMetric::MaxError
                        | RegressionMetric::Pearson
                        | RegressionMetric::Spearman
                        | RegressionMetric::Kendall
                )
                | Kind::Query(_)
                | Kind::Clustering(_)
                | Kind::Detection(_)
                | Kind::Text(TextMetric::Bleu | TextMetric::Chrf)
        );
        if unweighted_only && self.weighted {
            return Some(
                "not defined for weighted rows, and a `weight` column is given".to_owned(),
            );
        }
        if let Some((_, reason)) = self.columns.iter().find(|(of, _)| *of == kind) {
            return Some(reason.clone());
        }
        match kind {
            kind if kind.is_of_predicted() => self.predicted.clone().err(),
            Kind::Rank(_)
            | Kind::Multilabel(_)
            | Kind::Probability(ProbabilityMetric::TopAccuracy(_))
                if !self.has_scores =>
            {
                Some("there is no `y_score` column".to_owned())
            }
            Kind::Rank(RankMetric::AurocOvoMacro | RankMetric::AurocOvoWeighted)
                if self.labels > MAX_PAIRWISE_LABELS =>
            {
                Some(format!(
                    "{} classes are more than the {MAX_PAIRWISE_LABELS} it is computed for",
                    self.labels
                ))
            }
            Kind::Probability(ProbabilityMetric::TopAccuracy(places)) => (self.labels <= places)
                .then(|| {
                    format!(
                        "always 1 for {} classes; it needs more than {places}",
                        self.labels
                    )
                }),
            Kind::Regression(RegressionMetric::Rmsle) => self.logarithms.clone().err(),
            Kind::Regression(RegressionMetric::Kendall) => {
                (self.rows > MAX_KENDALL_ROWS).then(|| {
                    format!(
                        "{} rows are more than the {MAX_KENDALL_ROWS} it is computed for",
                        self.rows
                    )
                })
            }
            Kind::Segmentation(SegmentationMetric::Quality(..)) => self.no_segments.clone(),
            Kind::Probability(_) => self.probabilities.clone().err(),
            Kind::Label(_)
            | Kind::Rank(_)
            | Kind::Regression(_)
            | Kind::Query(_)
            | Kind::Text(_)
            | Kind::Multilabel(_)
            | Kind::Clustering(_)
            | Kind::Forecast(_)
            | Kind::Survival(_)
            | Kind::Detection(_)
            | Kind::Segmentation(_) => None,
        }
    }
}

/// What is known of the values of rows, which may come in parts.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) rows: usize,
    /// Rows with a score outside [0, 1], and those whose scores are no distribution.
    outside: Rows,
    unnormalised: Rows,
    /// Rows with a value of at most -1.
    no_logarithm: Rows,
}

impl Seen {
    pub(crate) fn add(&mut self, predictions: &Predictions) {
        if predictions.task() != Task::Anomaly {
            self.add_scores(predictions);
        }
        if let (Targets::Values(y_true), Some(Targets::Values(y_pred))) =
            (predictions.y_true(), predictions.y_pred())
        {
            for (row, (y_true, y_pred)) in y_true.iter().zip(y_pred).enumerate() {
                if *y_true <= -1.0 || *y_pred <= -1.0 {
                    self.no_logarithm.note(self.rows + row);
                }
            }
        }
        self.rows += predictions.rows();
    }

    fn add_scores(&mut self, predictions: &Predictions) {
        let Some(scores) = predictions.y_score() else {
            return;
        };
        let columns = predictions.score_columns();
        // Of one row with any number of labels, each has a probability of its own.
        let is_distribution = columns > 1 && predictions.task() != Task::Multilabel;
        for (row, values) in scores.chunks_exact(columns).enumerate() {
            if !values.iter().all(|value| (0.0..=1.0).contains(value)) {
                self.outside.note(self.rows + row);
            } else if is_distribution {
                let sum: f64 = values.iter().sum();
                if (sum - 1.0).abs() > PROBABILITY_SUM_TOLERANCE {
                    self.unnormalised.note(self.rows + row);
                }
            }
        }
    }

    /// Whether `y_score` holds probabilities, or what is wrong and in which rows.
    fn probabilities(&self, predictions: &Predictions) -> Result<(), String> {
        if predictions.y_score().is_none() {
            return Err("there is no `y_score` column".to_owned());
        }
        if predictions.task() == Task::Anomaly {
            return Err("the scores of anomalies are no probabilities".to_owned());
        }
        let (outside, unnormalised) = (&self.outside, &self.unnormalised);
        if outside.count > 0 {
            return Err(format!(
                "needs probabilities, and `y_score` is outside [0, 1] in {outside}"
            ));
        }
        if unnormalised.count > 0 {
            return Err(format!(
                "needs probabilities, and `y_score` does not sum to 1 (within \
                 {PROBABILITY_SUM_TOLERANCE:e}) in {unnormalised}"
            ));
        }
        Ok(())
    }

    /// Whether all true and predicted values are above -1, or in which rows not.
    fn logarithms(&self) -> Result<(), String> {
        let outside = &self.no_logarithm;
        if outside.count > 0 {
            return Err(format!(
                "needs values above -1, and `y_true` or `y_pred` is not in {outside}"
            ));
        }
        Ok(())
    }
}

/// Row numbers for a reason: how many, and the first.
#[derive(Default)]
struct Rows {
    count: usize,
    first: Vec<String>,
}

impl Rows {
    fn note(&mut self, row: usize) {
        self.count += 1;
        if self.first.len() < NAMED_IN_ERRORS {
            self.first.push(row.to_string());
        }
    }
}

impl std::fmt::Display for Rows {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{} rows; first (from 0): {}",
            self.count,
            self.first.join(", ")
        )
    }
}
