//! How much each row counts: once, by a given weight, by its multiplicity in a
//! bootstrap resample, or by both. Kernels are written once against
//! [`RowWeights`] and compiled for each.
//!
//! A resample is never copied out: it is the original columns seen through
//! multiplicities.

use crate::sum::sum_rows;

/// How often a resample holds a row. That n draws of n rows take one of them `k` times or more
/// has a probability of at most n / k!: of a byte's 256, and [`crate::MAX_ROWS`] rows, below
/// 1e-490. A byte keeps the multiplicities of a million rows in a core's own cache.
pub(crate) type Multiplicity = u8;

/// Weight and multiplicity of each row.
pub(crate) trait RowWeights: Sync {
    /// True when all weights are integers, so that plain sums are exact.
    const EXACT: bool;

    /// How often the row is in the sample; 0 means it is not there at all,
    /// which differs from being there with weight zero.
    fn count(&self, row: usize) -> u32;

    /// The row's total weight: its count times its own weight.
    fn weight(&self, row: usize) -> f64;

    /// The weights of the first `rows` rows together.
    fn total(&self, rows: usize) -> f64 {
        sum_rows(rows, |row| self.weight(row))
    }
}

/// Every row once, weight one.
pub(crate) struct Unit;

impl RowWeights for Unit {
    const EXACT: bool = true;

    fn count(&self, _row: usize) -> u32 {
        1
    }

    fn weight(&self, _row: usize) -> f64 {
        1.0
    }
}

/// Every row once, with the weights of the predictions file.
pub(crate) struct Given<'a>(pub(crate) &'a [f64]);

impl RowWeights for Given<'_> {
    const EXACT: bool = false;

    fn count(&self, _row: usize) -> u32 {
        1
    }

    fn weight(&self, row: usize) -> f64 {
        self.0[row]
    }
}

/// A resample of unweighted rows.
pub(crate) struct Counted<'a>(pub(crate) &'a [Multiplicity]);

impl RowWeights for Counted<'_> {
    const EXACT: bool = true;

    fn count(&self, row: usize) -> u32 {
        u32::from(self.0[row])
    }

    fn weight(&self, row: usize) -> f64 {
        f64::from(self.0[row])
    }

    fn total(&self, rows: usize) -> f64 {
        // Sums of integers are exact in any order.
        let counts = self.0[..rows].iter();
        counts.map(|count| u64::from(*count)).sum::<u64>() as f64
    }
}

/// A resample of weighted rows.
pub(crate) struct CountedGiven<'a> {
    pub(crate) counts: &'a [Multiplicity],
    pub(crate) weights: &'a [f64],
}

impl RowWeights for CountedGiven<'_> {
    const EXACT: bool = false;

    fn count(&self, row: usize) -> u32 {
        u32::from(self.counts[row])
    }

    fn weight(&self, row: usize) -> f64 {
        f64::from(self.counts[row]) * self.weights[row]
    }
}
