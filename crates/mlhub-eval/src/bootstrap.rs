//! Percentile bootstrap: intervals by drawing rows (of a ranking: whole queries) with
//! replacement.
//!
//! Resample `i` is a function of the seed, the number of rows and `i` alone, and
//! is held as a multiplicity per row, so threads share nothing and no column is
//! copied. Percentiles follow the linear rule (type 7 of Hyndman and Fan, NumPy's
//! default). Comparisons between runs are not done here.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::curves::bands::{self, MAX_BAND_SAMPLES};
use crate::draws::draw;
use crate::metrics::{Kind, Prepared, Scratch, compute};
use crate::weights::{Counted, CountedGiven, RowWeights};

/// Resamples when nothing else is asked for.
pub const DEFAULT_SAMPLES: u32 = 1000;

/// Most resamples.
pub const MAX_SAMPLES: u32 = 100_000;

/// The interval method's name in results.
pub const METHOD_PERCENTILE: &str = "percentile bootstrap";

/// How to make intervals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bootstrap {
    /// Resamples, 1 to [`MAX_SAMPLES`].
    pub samples: u32,
    /// Seed of all resamples.
    pub seed: u64,
    /// Probability mass of the interval, between 0 and 1 exclusive.
    pub confidence: f64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self {
            samples: DEFAULT_SAMPLES,
            seed: 0,
            confidence: 0.95,
        }
    }
}

/// An interval and how it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    #[serde(with = "crate::non_finite")]
    pub low: f64,
    /// Upper end.
    #[serde(with = "crate::non_finite")]
    pub high: f64,
    /// Probability mass.
    pub confidence: f64,
    /// [`METHOD_PERCENTILE`].
    pub method: String,
    /// Resamples drawn.
    pub samples: u32,
    /// Seed they were drawn from.
    pub seed: u64,
}

/// The interval of one metric over the resamples.
pub(crate) struct Resampled {
    /// `None` when the metric is undefined in more than half of the resamples.
    pub(crate) interval: Option<Interval>,
    /// Resamples in which the metric is undefined; they are left out.
    pub(crate) undefined: u32,
}

/// Intervals of the kinds, in order, and the curves of the first resamples when `banded`; runs on
/// the current thread pool.
pub(crate) fn resample(
    prepared: &Prepared<'_>,
    kinds: &[Kind],
    weights: Option<&[f64]>,
    options: Bootstrap,
    banded: bool,
) -> (Vec<Resampled>, Vec<Vec<f64>>) {
    let (values, readings): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (0..options.samples)
        .into_par_iter()
        .map_init(
            || (vec![0_u32; prepared.units], Scratch::default()),
            |(counts, scratch), sample| {
                draw(options.seed, sample, counts);
                let banded = banded && sample < MAX_BAND_SAMPLES;
                match weights {
                    None => one(prepared, kinds, &Counted(counts), scratch, banded),
                    Some(weights) => {
                        let weights = CountedGiven { counts, weights };
                        one(prepared, kinds, &weights, scratch, banded)
                    }
                }
            },
        )
        .unzip();
    let intervals = (0..kinds.len())
        .map(|metric| interval(values.iter().map(|sample| sample[metric]), options))
        .collect();
    let curves = readings.into_iter().take(MAX_BAND_SAMPLES as usize);
    (intervals, if banded { curves.collect() } else { vec![] })
}

/// The metrics of one resample, and its curves when `banded`.
fn one<W: RowWeights>(
    prepared: &Prepared<'_>,
    kinds: &[Kind],
    weights: &W,
    scratch: &mut Scratch,
    banded: bool,
) -> (Vec<f64>, Vec<f64>) {
    let values = compute(prepared, kinds, weights, scratch);
    let readings = if banded {
        bands::read(prepared, weights)
    } else {
        vec![]
    };
    (values, readings)
}

fn interval(values: impl Iterator<Item = f64>, options: Bootstrap) -> Resampled {
    let mut defined: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    defined.sort_unstable_by(f64::total_cmp);
    let count = u32::try_from(defined.len()).expect("at most MAX_SAMPLES");
    let undefined = options.samples - count;
    let tail = 0.5 * (1.0 - options.confidence);
    let interval = (count > undefined).then(|| Interval {
        low: percentile(&defined, tail),
        high: percentile(&defined, 1.0 - tail),
        confidence: options.confidence,
        method: METHOD_PERCENTILE.to_owned(),
        samples: options.samples,
        seed: options.seed,
    });
    Resampled {
        interval,
        undefined,
    }
}

/// Linear percentile of sorted, non-empty values.
pub(crate) fn percentile(sorted: &[f64], fraction: f64) -> f64 {
    let place = (sorted.len() - 1) as f64 * fraction;
    let below = place as usize;
    let low = sorted[below];
    let high = sorted[(below + 1).min(sorted.len() - 1)];
    if low == high {
        return low; // also keeps equal infinities from becoming NaN
    }
    low + (high - low) * (place - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_numpys() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(percentile(&sorted, 0.0), 1.0);
        assert_eq!(percentile(&sorted, 1.0), 8.0);
        assert_eq!(percentile(&sorted, 0.5), 3.0);
        assert_eq!(percentile(&sorted, 0.1), 1.3);
    }

    #[test]
    fn mostly_undefined_gives_no_interval() {
        let options = Bootstrap {
            samples: 4,
            ..Bootstrap::default()
        };
        let of = |values: [f64; 4]| interval(values.into_iter(), options);
        let half = of([f64::NAN, f64::NAN, 1.0, 2.0]);
        assert!(half.interval.is_none() && half.undefined == 2);
        let most = of([f64::NAN, 3.0, 1.0, 2.0]);
        assert!(most.interval.is_some() && most.undefined == 1);
    }
}
