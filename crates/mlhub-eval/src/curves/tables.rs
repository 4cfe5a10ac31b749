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

/// A confusion matrix as its rows come, in as many parts as one likes.
pub(crate) struct ConfusionTally {
    size: usize,
    counts: Vec<u64>,
    /// Weights of the cells; none for rows without any.
    sums: Vec<CompensatedSum>,
}

impl ConfusionTally {
    pub(crate) fn new(size: usize, is_weighted: bool) -> Self {
        let weighted = if is_weighted { size * size } else { 0 };
        Self {
            size,
            counts: vec![0; size * size],
            sums: vec![CompensatedSum::default(); weighted],
        }
    }

    pub(crate) fn add(&mut self, prepared: &Prepared<'_>, weights: Option<&[f64]>) {
        for (row, (y_true, y_pred)) in prepared.y_true.iter().zip(&*prepared.y_pred).enumerate() {
            let cell = *y_true as usize * self.size + *y_pred as usize;
            self.counts[cell] += 1;
            if let Some(weights) = weights {
                self.sums[cell].add(weights[row]);
            }
        }
    }

    /// `labels` must be as many as the matrix has rows.
    pub(crate) fn matrix(&self, labels: &[String]) -> ConfusionMatrix {
        let of_row = |row: &[CompensatedSum]| row.iter().map(|sum| sum.value()).collect();
        let counts = self.counts.chunks_exact(self.size).map(<[u64]>::to_vec);
        ConfusionMatrix {
            labels: labels.to_vec(),
            counts: counts.collect(),
            weights: (!self.sums.is_empty())
                .then(|| self.sums.chunks_exact(self.size).map(of_row).collect()),
        }
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

/// Tables of a regression as its rows come; all of them come twice, since the bins lie between
/// the lowest and the highest value.
pub(crate) struct ValueTally {
    values: Range,
    residuals: Range,
    grid: Vec<u64>,
    histogram: Vec<u64>,
}

impl Default for ValueTally {
    fn default() -> Self {
        Self {
            values: Range::default(),
            residuals: Range::default(),
            grid: vec![0; DENSITY_BINS * DENSITY_BINS],
            histogram: vec![0; RESIDUAL_BINS],
        }
    }
}

impl ValueTally {
    pub(crate) fn add(&mut self, columns: &Regression<'_>) {
        let values = columns.y_true.iter().chain(columns.y_pred);
        values.for_each(|value| self.values.add(*value));
        residuals(columns).for_each(|value| self.residuals.add(value));
    }

    pub(crate) fn add_again(&mut self, columns: &Regression<'_>) {
        let (values, histogram) = self.axes();
        for (y_true, y_pred) in columns.y_true.iter().zip(columns.y_pred) {
            self.grid[values.bin(*y_true) * DENSITY_BINS + values.bin(*y_pred)] += 1;
        }
        for residual in residuals(columns) {
            self.histogram[histogram.bin(residual)] += 1;
        }
    }

    fn axes(&self) -> (Axis, Axis) {
        let values = Axis::over(&self.values, DENSITY_BINS);
        (values, Axis::over(&self.residuals, RESIDUAL_BINS))
    }

    pub(crate) fn tables(self) -> (DensityGrid, Histogram) {
        let (values, residuals) = self.axes();
        let grid = DensityGrid {
            low: values.low,
            high: values.high,
            bins: DENSITY_BINS as u32,
            counts: self.grid,
        };
        let histogram = Histogram {
            low: residuals.low,
            high: residuals.high,
            counts: self.histogram,
        };
        (grid, histogram)
    }
}

fn residuals<'a>(columns: &'a Regression<'_>) -> impl Iterator<Item = f64> + 'a {
    let pairs = columns.y_true.iter().zip(columns.y_pred);
    // Values at opposite ends of the float range leave it when subtracted.
    pairs.map(|(y_true, y_pred)| (y_true - y_pred).clamp(-f64::MAX, f64::MAX))
}

/// The lowest and the highest of values.
struct Range {
    low: f64,
    high: f64,
}

impl Default for Range {
    fn default() -> Self {
        Self {
            low: f64::INFINITY,
            high: f64::NEG_INFINITY,
        }
    }
}

impl Range {
    fn add(&mut self, value: f64) {
        self.low = self.low.min(value);
        self.high = self.high.max(value);
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
    fn over(&Range { low, high }: &Range, bins: usize) -> Self {
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
