//! Curves and tables for display: confusion matrix, ROC, precision-recall,
//! reliability, predicted against true values, residuals.
//!
//! All are bounded in size whatever the number of rows, and hold counts and
//! thresholds only: no row of the data can be read back from a table, and curves
//! are thinned to [`MAX_CURVE_POINTS`]. Plotting is the caller's.

pub(crate) mod bands;
pub(crate) mod classes;
mod ranked;
pub(crate) mod tables;
#[cfg(test)]
pub(crate) mod tests;
mod thin;

use serde::{Deserialize, Serialize};

pub use bands::{CurveBand, MAX_BAND_CELLS, MAX_BAND_CURVES, MAX_BAND_SAMPLES, METHOD_VERTICAL};
pub use classes::ClassScores;
pub use tables::{ConfusionMatrix, DensityGrid, Histogram, ReliabilityBin, ReliabilityCurve};

use self::bands::BandSamples;
use self::tables::{ConfusionTally, ValueTally};
use crate::metrics::{ECE_BINS, Facts, Needs, Prepared};
use crate::predictions::Predictions;
use crate::weights::{Given, Unit};

/// Most points of a curve; thinning keeps its ends and shape.
pub const MAX_CURVE_POINTS: usize = 512;

/// Most classes that get curves of their own: the first ones.
pub const MAX_CURVE_LABELS: usize = 50;

/// Most classes of a confusion matrix and of values per class; there are none for more.
pub const MAX_CONFUSION_LABELS: usize = 256;

/// Bins of a reliability curve, those of the `ece` metric.
pub const RELIABILITY_BINS: usize = ECE_BINS;

/// Bins per side of the predicted-true grid.
pub const DENSITY_BINS: usize = 48;

/// Bins of the residual histogram.
pub const RESIDUAL_BINS: usize = 60;

/// Everything drawable about an evaluation; what does not apply is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// Classification: true against predicted classes.
    pub confusion: Option<ConfusionMatrix>,
    /// Classification: each class against the rest; results of older releases have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub per_class: Vec<ClassScores>,
    /// One for the positive class, or one per class against the rest.
    pub roc: Vec<RocCurve>,
    /// One for the positive class, or one per class against the rest.
    pub precision_recall: Vec<PrecisionRecallCurve>,
    /// Of the positive class, or of the top class of a multiclass task.
    pub calibration: Option<ReliabilityCurve>,
    /// Regression: how many rows have which true and predicted value.
    pub predicted_true: Option<DensityGrid>,
    /// Regression: distribution of `y_true - y_pred`.
    pub residuals: Option<Histogram>,
}

/// Receiver operating characteristic from the highest threshold to the lowest;
/// the lists are of equal length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RocCurve {
    /// The class taken as positive.
    pub label: String,
    /// Area under the full curve.
    #[serde(with = "crate::non_finite")]
    pub auroc: f64,
    /// False positive rate, ascending from 0 to 1.
    pub false_positive_rate: Vec<f64>,
    /// True positive rate, ascending from 0 to 1.
    pub true_positive_rate: Vec<f64>,
    /// Score from which on rows count as positive; the first is infinite.
    #[serde(with = "crate::non_finite::list")]
    pub thresholds: Vec<f64>,
    /// Its range over the resamples; results of older releases have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<CurveBand>,
    /// Why there is no band.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_band: Option<String>,
}

/// Precision against recall from the highest threshold to the lowest; the lists
/// are of equal length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecallCurve {
    /// The class taken as positive.
    pub label: String,
    /// Average precision over the full curve.
    #[serde(with = "crate::non_finite")]
    pub average_precision: f64,
    /// Recall, ascending from 0 to 1.
    pub recall: Vec<f64>,
    /// Precision; 1 at recall 0, by convention.
    pub precision: Vec<f64>,
    /// Score from which on rows count as positive; the first is infinite.
    #[serde(with = "crate::non_finite::list")]
    pub thresholds: Vec<f64>,
    /// Its range over the resamples; results of older releases have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<CurveBand>,
    /// Why there is no band.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_band: Option<String>,
}

/// What the curves need beyond what the metrics need.
pub(crate) fn add_needs(needs: &mut Needs, predictions: &Predictions) {
    let labels = predictions.labels().len();
    needs.predicted = true;
    needs.calibration = true;
    needs.ranked_classes = needs.ranked_classes.max(labels.min(MAX_CURVE_LABELS));
}

/// All curves the predictions allow.
pub(crate) fn curves(
    prepared: &Prepared<'_>,
    facts: &Facts,
    predictions: &Predictions,
    bands: &BandSamples,
) -> Curves {
    let weights = predictions.weight();
    let (roc, precision_recall) = ranked::curves(prepared, predictions, bands);
    let has_classes =
        (1..=MAX_CONFUSION_LABELS).contains(&prepared.labels) && facts.predicted.is_ok();
    let per_class = if has_classes {
        match weights {
            None => classes::scores(prepared, predictions.labels(), &roc, &Unit),
            Some(weights) => classes::scores(prepared, predictions.labels(), &roc, &Given(weights)),
        }
    } else {
        vec![]
    };
    let has_confusion = has_classes && prepared.label_sets.is_none();
    let (predicted_true, residuals) = prepared
        .regression
        .as_ref()
        .map(|columns| {
            let mut tally = ValueTally::default();
            tally.add(columns);
            tally.add_again(columns);
            tally.tables()
        })
        .unzip();
    Curves {
        per_class,
        confusion: has_confusion.then(|| {
            let mut tally = ConfusionTally::new(prepared.labels, weights.is_some());
            tally.add(prepared, weights);
            tally.matrix(predictions.labels())
        }),
        roc,
        precision_recall,
        calibration: (!prepared.probability.confidence.is_empty()).then(|| {
            let label = facts.is_binary.then(|| predictions.labels()[1].clone());
            tables::reliability(&prepared.probability, label, weights)
        }),
        predicted_true,
        residuals,
    }
}
