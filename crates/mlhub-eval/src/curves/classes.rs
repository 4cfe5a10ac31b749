//! One line per class: how well it is told from the rest.

use serde::{Deserialize, Serialize};

use super::RocCurve;
use crate::metrics::{LabelCounts, Prepared};
use crate::weights::RowWeights;

/// One class against the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Class or label name.
    pub label: String,
    /// Weight of the rows that are truly of the class; their number for unweighted rows.
    pub support: f64,
    /// Weight of the rows that are predicted to be of the class.
    pub predicted: f64,
    /// Share of the predicted ones that are truly of the class; 0 for none.
    pub precision: f64,
    /// Share of the true ones that are predicted; 0 for none.
    pub recall: f64,
    /// Harmonic mean of precision and recall; 0 when both are.
    pub f1: f64,
    /// Share of the rows not of the class that are not predicted to be; 0 for none.
    pub specificity: f64,
    /// Area under the ROC curve, of a class that has one (of several labels per row: that
    /// has scores, rows with it and rows without it).
    pub auroc: Option<f64>,
}

/// One entry per label, in order.
pub(super) fn scores<W: RowWeights>(
    prepared: &Prepared<'_>,
    labels: &[String],
    curves: &[RocCurve],
    weights: &W,
) -> Vec<ClassScores> {
    let counts = match &prepared.label_sets {
        Some(sets) => sets.counts(weights),
        None => Some(LabelCounts::collect(prepared, weights)),
    };
    let auroc = |class: usize| match &prepared.label_sets {
        Some(sets) => sets.auroc(class, weights).filter(|auroc| !auroc.is_nan()),
        None => {
            let curve = curves.iter().find(|curve| curve.label == labels[class]);
            curve.map(|curve| curve.auroc)
        }
    };
    counts.map_or_else(Vec::new, |counts| of_counts(&counts, labels, auroc))
}

/// One entry per label, in order, with the area that it has.
pub(crate) fn of_counts(
    counts: &LabelCounts,
    labels: &[String],
    auroc: impl Fn(usize) -> Option<f64>,
) -> Vec<ClassScores> {
    let scores = labels.iter().enumerate().map(|(class, label)| {
        let own = counts.of_class(class);
        ClassScores {
            label: label.clone(),
            support: own.truly,
            predicted: own.predicted,
            precision: own.precision(),
            recall: own.recall(),
            f1: own.f1(),
            specificity: own.specificity(),
            auroc: auroc(class),
        }
    });
    scores.collect()
}
