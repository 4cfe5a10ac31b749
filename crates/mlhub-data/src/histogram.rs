//! Histograms of numeric columns in one pass and bounded memory.
//!
//! Bins are of equal width, a power of two, and lie on multiples of it. When a value falls outside
//! of the range that [`BINS_MAX`] bins cover, pairs of bins are joined until it fits. Which bins
//! come out follows from the smallest and the largest value alone, and every count is exact, so
//! neither the order of the rows nor the file's format matters.

use serde::{Deserialize, Serialize};

/// Most bins. A column of many values gets more than half as many.
pub(crate) const BINS_MAX: usize = 32;

/// Bins are never narrower than two to this power, so that dividing by the width stays finite.
const EXPONENT_MIN: i32 = -1000;

/// How many finite values lie in each of equal-width bins. Bin `i` holds the values from
/// `start + i * width` on and below the next bin's start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Histogram {
    /// Lower edge of the first bin; the value itself when all values are equal.
    pub start: f64,
    /// Width of a bin, a power of two, at least 1 where all values are whole; 0 when all values
    /// are equal.
    pub width: f64,
    /// Values in each bin; the first and the last bin hold at least one.
    pub counts: Vec<u64>,
}

/// Counts finite values into bins.
#[derive(Default)]
pub(crate) struct Binning {
    bins: Option<Bins>,
    has_fraction: bool,
}

enum Bins {
    /// Only this value so far.
    One {
        value: f64,
        count: u64,
    },
    Many(Grid),
}

/// `counts[i]` is of the values `v` with `floor(v / 2^exponent) == first + i`.
struct Grid {
    exponent: i32,
    /// `2^-exponent`.
    scale: f64,
    first: i64,
    counts: Vec<u64>,
}

impl Binning {
    /// `value` must be finite.
    pub(crate) fn add(&mut self, value: f64) {
        self.has_fraction |= value != value.trunc();
        match &mut self.bins {
            None => self.bins = Some(Bins::One { value, count: 1 }),
            Some(Bins::One { value: one, count }) if *one == value => *count += 1,
            Some(Bins::One { value: one, count }) => {
                let mut grid = Grid::over(*one, value);
                grid.count(*one, *count);
                grid.count(value, 1);
                self.bins = Some(Bins::Many(grid));
            }
            Some(Bins::Many(grid)) => grid.count(value, 1),
        }
    }

    /// `None` without values.
    pub(crate) fn finish(self) -> Option<Histogram> {
        Some(match self.bins? {
            Bins::One { value, count } => Histogram {
                start: value,
                width: 0.0,
                counts: vec![count],
            },
            Bins::Many(mut grid) => {
                while grid.exponent < 0 && !self.has_fraction {
                    grid.join_pairs();
                }
                Histogram {
                    // The edge below the smallest float is no number.
                    start: (grid.first as f64 / grid.scale).max(-f64::MAX),
                    width: grid.scale.recip(),
                    counts: grid.counts,
                }
            }
        })
    }
}

impl Grid {
    /// The finest empty grid that covers two different values.
    fn over(a: f64, b: f64) -> Self {
        let (low, high) = (a.min(b), a.max(b));
        // Halved, because the difference of two finite numbers may not be one.
        let range = 0.5 * high - 0.5 * low;
        let too_fine = if range > 0.0 {
            range.log2() as i32 - BINS_MAX.ilog2() as i32 - 2
        } else {
            EXPONENT_MIN
        };
        let mut grid = Self::empty(too_fine.max(EXPONENT_MIN));
        while grid.index(high) - grid.index(low) >= BINS_MAX as i64 {
            grid = Self::empty(grid.exponent + 1);
        }
        grid.first = grid.index(low);
        grid
    }

    fn empty(exponent: i32) -> Self {
        Self {
            exponent,
            scale: 2.0_f64.powi(-exponent),
            first: 0,
            counts: Vec::new(),
        }
    }

    /// Exact: the scale is a power of two.
    fn index(&self, value: f64) -> i64 {
        (value * self.scale).floor() as i64
    }

    fn count(&mut self, value: f64, count: u64) {
        let index = loop {
            let index = self.index(value);
            let last = self.first + self.counts.len() as i64 - 1;
            if index.max(last) - index.min(self.first) < BINS_MAX as i64 {
                break index;
            }
            self.join_pairs();
        };
        if index < self.first {
            let missing = (self.first - index) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = index;
        }
        let place = (index - self.first) as usize;
        if place >= self.counts.len() {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] += count;
    }

    fn join_pairs(&mut self) {
        let first = self.first.div_euclid(2);
        let mut joined = Vec::with_capacity(BINS_MAX);
        for (index, count) in (self.first..).zip(&self.counts) {
            let place = (index.div_euclid(2) - first) as usize;
            joined.resize(joined.len().max(place + 1), 0);
            joined[place] += count;
        }
        *self = Self {
            first,
            counts: joined,
            ..Self::empty(self.exponent + 1)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn binned(values: &[f64]) -> Histogram {
        let mut binning = Binning::default();
        values.iter().for_each(|value| binning.add(*value));
        binning.finish().expect("values")
    }

    #[test]
    fn whole_values_get_a_bin_each() {
        let digits: Vec<f64> = (0..30).map(|row| f64::from(row % 10)).collect();
        let histogram = binned(&digits);
        assert_eq!((histogram.start, histogram.width), (0.0, 1.0));
        assert_eq!(histogram.counts, [3; 10]);
        assert_eq!(binned(&[-1.0, 1.0, 1.0]).counts, [1, 0, 2]);
    }

    #[test]
    fn equal_values_are_one_bin_without_width() {
        let histogram = binned(&[0.1, 0.1]);
        assert_eq!((histogram.start, histogram.width), (0.1, 0.0));
        assert_eq!(histogram.counts, [2]);
        assert!(Binning::default().finish().is_none());
    }

    #[test]
    fn fractions_get_fine_bins() {
        let values: Vec<f64> = (0..1000).map(|row| f64::from(row) / 1000.0).collect();
        let histogram = binned(&values);
        assert_eq!((histogram.start, histogram.width), (0.0, 1.0 / 32.0));
        assert_eq!(histogram.counts.len(), 32);
        assert_eq!(histogram.counts[0], 32, "0.000 to 0.031");
    }

    #[test]
    fn the_ends_of_the_float_range_are_binned() {
        for values in [
            [f64::MAX, -f64::MAX],
            [5e-324, 0.0],
            [-5e-324, 5e-324],
            [1e300, 1e300 * (1.0 + f64::EPSILON)],
            [-0.0, f64::MIN_POSITIVE],
        ] {
            let histogram = binned(&values);
            assert_eq!(histogram.counts.iter().sum::<u64>(), 2, "{values:?}");
            assert!(
                histogram.start.is_finite() && histogram.width.is_finite(),
                "{values:?}"
            );
        }
    }

    /// Bins by definition: the finest width, then every value by itself.
    fn by_definition(values: &[f64]) -> (i32, Vec<u64>) {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let whole = values.iter().all(|value| value.fract() == 0.0);
        let index = |value: f64, exponent: i32| (value / 2.0_f64.powi(exponent)).floor();
        let exponent = (if whole { 0 } else { -200 }..1100)
            .find(|e| index(high, *e) - index(low, *e) < BINS_MAX as f64)
            .expect("some width fits");
        let first = index(low, exponent);
        let mut counts = vec![0; (index(high, exponent) - first) as usize + 1];
        for value in values {
            counts[(index(*value, exponent) - first) as usize] += 1;
        }
        (exponent, counts)
    }

    proptest! {
        #[test]
        fn one_pass_makes_the_bins_of_the_definition(
            mut values in prop::collection::vec(
                prop_oneof![-1e9..1e9f64, -1.0..1.0f64, (-50..50i32).prop_map(f64::from)], 2..200),
            seed: u64,
        ) {
            prop_assume!(values.iter().any(|value| *value != values[0]));
            let histogram = binned(&values);
            let (exponent, counts) = by_definition(&values);
            prop_assert_eq!(histogram.width, 2.0_f64.powi(exponent));
            prop_assert_eq!(&histogram.counts, &counts);
            prop_assert!(histogram.counts[0] > 0 && *histogram.counts.last().unwrap() > 0);
            let middle = seed as usize % values.len();
            values.rotate_left(middle);
            prop_assert_eq!(binned(&values), histogram, "in another order");
        }
    }
}
