//! Counted tables: confusion matrix, reliability bins, predicted-true grid and
//! residual histogram.

use serde::{Deserialize, Serialize};

use super::{DENSITY_BINS, RELIABILITY_BINS, RESIDUAL_BINS};
use crate::metrics::{Prepared, ProbabilityRows, Regression, bin_of};
use crate::sum::CompensatedSum;

/// Rows by true and predicted class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfusionMatrix {
    /// Class names, in the order of rows and columns.
    pub labels: Vec<String>,
    /// `counts[t][p]`: rows of true class t predicted as p.
    pub counts: Vec<Vec<u64>>,
    /// The same as weights, when the rows have any.
    pub weights: Option<Vec<Vec<f64>>>,
}

/// How often what was predicted with some probability happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityCurve {
    /// The class whose probability is binned; `None` when it is that of the top
    /// class of each row.
    pub label: Option<String>,
    /// Equal-width bins over [0, 1], empty ones included.
    pub bins: Vec<ReliabilityBin>,
}

/// One bin of a [`ReliabilityCurve`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Lower edge, included.
    pub low: f64,
    /// Upper edge, excluded but for the last bin.
    pub high: f64,
    /// Rows.
    pub count: u64,
    /// Their weight; the count for unweighted rows.
    pub weight: f64,
    /// Weighted mean probability; `None` for an empty bin.
    pub mean_predicted: Option<f64>,
    /// Weighted fraction in which the event happened; `None` for an empty bin.
    pub fraction_positive: Option<f64>,
}

/// Rows by true and predicted value on a square grid, both axes alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DensityGrid {
    /// Lowest value on both axes.
    pub low: f64,
    /// Highest value on both axes.
    pub high: f64,
    /// Bins per axis, of equal width.
    pub bins: u32,
    /// Rows of each cell, `counts[true_bin * bins + predicted_bin]`.
    pub counts: Vec<u64>,
}

/// Rows by value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Lowest value.
    pub low: f64,
    /// Highest value.
    pub high: f64,
    /// Rows of each equal-width bin.
    pub counts: Vec<u64>,
}

pub(super) fn confusion(
    prepared: &Prepared<'_>,
    labels: &[String],
    weights: Option<&[f64]>,
) -> ConfusionMatrix {
    let size = labels.len();
    let mut counts = vec![0_u64; size * size];
    let mut sums = vec![CompensatedSum::default(); if weights.is_some() { size * size } else { 0 }];
    for (row, (y_true, y_pred)) in prepared.y_true.iter().zip(&*prepared.y_pred).enumerate() {
        let cell = *y_true as usize * size + *y_pred as usize;
        counts[cell] += 1;
        if let Some(weights) = weights {
            sums[cell].add(weights[row]);
        }
    }
    ConfusionMatrix {
        labels: labels.to_vec(),
        counts: counts.chunks_exact(size).map(<[u64]>::to_vec).collect(),
        weights: weights.is_some().then(|| {
            sums.chunks_exact(size)
                .map(|row| row.iter().map(|sum| sum.value()).collect())
                .collect()
        }),
    }
}

pub(super) fn reliability(
    rows: &ProbabilityRows,
    label: Option<String>,
    weights: Option<&[f64]>,
) -> ReliabilityCurve {
    #[derive(Clone, Copy, Default)]
    struct Bin {
        count: u64,
        weight: CompensatedSum,
        predicted: CompensatedSum,
        happened: CompensatedSum,
    }
    let mut bins = [Bin::default(); RELIABILITY_BINS];
    for (row, (confidence, happened)) in rows.confidence.iter().zip(&rows.happened).enumerate() {
        let weight = weights.map_or(1.0, |weights| weights[row]);
        let bin = &mut bins[bin_of(*confidence, RELIABILITY_BINS)];
        bin.count += 1;
        bin.weight.add(weight);
        bin.predicted.add(weight * confidence);
        if *happened {
            bin.happened.add(weight);
        }
    }
    let edge = |index: usize| index as f64 / RELIABILITY_BINS as f64;
    let bins = bins.iter().enumerate().map(|(index, bin)| {
        let weight = bin.weight.value();
        let share = |sum: CompensatedSum| (weight > 0.0).then(|| sum.value() / weight);
        ReliabilityBin {
            low: edge(index),
            high: edge(index + 1),
            count: bin.count,
            weight,
            mean_predicted: share(bin.predicted),
            fraction_positive: share(bin.happened),
        }
    });
    ReliabilityCurve {
        label,
        bins: bins.collect(),
    }
}

pub(super) fn density(columns: &Regression<'_>) -> DensityGrid {
    let axis = Axis::over(
        columns.y_true.iter().chain(columns.y_pred).copied(),
        DENSITY_BINS,
    );
    let mut counts = vec![0; DENSITY_BINS * DENSITY_BINS];
    for (y_true, y_pred) in columns.y_true.iter().zip(columns.y_pred) {
        counts[axis.bin(*y_true) * DENSITY_BINS + axis.bin(*y_pred)] += 1;
    }
    DensityGrid {
        low: axis.low,
        high: axis.high,
        bins: DENSITY_BINS as u32,
        counts,
    }
}

pub(super) fn residuals(columns: &Regression<'_>) -> Histogram {
    let residuals = || {
        let pairs = columns.y_true.iter().zip(columns.y_pred);
        // Values at opposite ends of the float range leave it when subtracted.
        pairs.map(|(y_true, y_pred)| (y_true - y_pred).clamp(-f64::MAX, f64::MAX))
    };
    let axis = Axis::over(residuals(), RESIDUAL_BINS);
    let mut counts = vec![0; RESIDUAL_BINS];
    for residual in residuals() {
        counts[axis.bin(residual)] += 1;
    }
    Histogram {
        low: axis.low,
        high: axis.high,
        counts,
    }
}

/// Equal-width bins from the lowest to the highest value.
struct Axis {
    low: f64,
    high: f64,
    bins: usize,
}

impl Axis {
    /// A single value gets an axis of width 1 (or wider, where 1 is too little to
    /// tell apart from the value) around it.
    fn over(values: impl Iterator<Item = f64>, bins: usize) -> Self {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if low < high {
            return Self { low, high, bins };
        }
        let margin = (low.abs() * 1e-3).max(0.5);
        Self {
            low: (low - margin).max(-f64::MAX),
            high: (low + margin).min(f64::MAX),
            bins,
        }
    }

    fn bin(&self, value: f64) -> usize {
        // Halved, because the whole range may exceed the largest float.
        let width = 0.5 * self.high - 0.5 * self.low;
        let share = (0.5 * value - 0.5 * self.low) / width;
        bin_of(share.clamp(0.0, 1.0), self.bins)
    }
}
