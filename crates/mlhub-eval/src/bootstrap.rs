//! Bootstrap intervals: drawing rows (of a ranking: whole queries) with replacement, or
//! whole groups, or rows within each true class.
//!
//! What is drawn is in `draws`, corrected percentiles are in `bca`. Percentiles follow the linear rule (type 7 of Hyndman and Fan, NumPy's
//! default). Comparisons between runs are not done here.

mod bca;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::curves::bands::{self, MAX_BAND_SAMPLES};
use crate::draws::Drawing;
use crate::metrics::{Kind, Prepared, Scratch, compute};
use crate::weights::{Counted, CountedGiven, RowWeights};

/// Resamples when nothing else is asked for.
pub const DEFAULT_SAMPLES: u32 = 1000;

/// Most resamples.
pub const MAX_SAMPLES: u32 = 100_000;

/// The default interval method's name in results.
pub const METHOD_PERCENTILE: &str = "percentile bootstrap";

/// The name of the corrected method in results.
pub const METHOD_BCA: &str = "BCa bootstrap";

pub use bca::MAX_JACKKNIFE;

/// Which percentiles of the resamples are the ends of an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IntervalMethod {
    /// Those of the tails.
    #[default]
    Percentile,
    /// Those of the tails, corrected for bias and acceleration (Efron 1987).
    Bca,
}

/// What resamples are drawn from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resampling {
    /// Rows, each by itself; of a ranking, queries.
    #[default]
    Rows,
    /// Rows within each true class, so that every resample has as many of each.
    Stratified,
    /// Groups by the `group` column, each with all its rows.
    Grouped,
}

impl Resampling {
    /// The name used in options and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Stratified => "stratified",
            Self::Grouped => "grouped",
        }
    }
}

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
    /// Which percentiles are taken.
    #[serde(skip_serializing_if = "is_default")]
    pub method: IntervalMethod,
    /// What is drawn.
    #[serde(skip_serializing_if = "is_default")]
    pub resampling: Resampling,
}

/// Defaults are not written, so that what was written before these options is the same.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Bootstrap {
    /// Its method's name in results.
    fn method_name(&self) -> String {
        let method = match self.method {
            IntervalMethod::Percentile => METHOD_PERCENTILE,
            IntervalMethod::Bca => METHOD_BCA,
        };
        match self.resampling {
            Resampling::Rows => method.to_owned(),
            Resampling::Stratified => format!("{method}, within classes"),
            Resampling::Grouped => format!("{method}, whole groups"),
        }
    }
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self {
            samples: DEFAULT_SAMPLES,
            seed: 0,
            confidence: 0.95,
            method: IntervalMethod::default(),
            resampling: Resampling::default(),
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
    /// [`METHOD_PERCENTILE`] or [`METHOD_BCA`], and what was drawn unless it was rows.
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
    /// Why there is no interval, when it is not for that.
    pub(crate) obstacle: Option<&'static str>,
}

/// What resamples of a set of predictions are made from.
pub(crate) struct Resamples<'a, 'p> {
    pub(crate) prepared: &'a Prepared<'p>,
    pub(crate) kinds: &'a [Kind],
    pub(crate) weights: Option<&'a [f64]>,
    pub(crate) drawing: &'a Drawing,
    pub(crate) options: Bootstrap,
}

/// Intervals of the kinds around their values, in order, and the curves of the first resamples
/// when `banded`; runs on the current thread pool.
pub(crate) fn resample(
    from: &Resamples<'_, '_>,
    values: &[f64],
    banded: bool,
) -> (Vec<Resampled>, Vec<Vec<f64>>) {
    let Resamples {
        prepared,
        kinds,
        weights,
        drawing,
        options,
    } = *from;
    let (resamples, readings): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (0..options.samples)
        .into_par_iter()
        .map_init(
            || (vec![0_u8; prepared.units], vec![], Scratch::default()),
            |(counts, of_groups, scratch), sample| {
                drawing.draw(options.seed, sample, counts, of_groups);
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
    let left_out = match options.method {
        IntervalMethod::Percentile => None,
        IntervalMethod::Bca => Some(bca::left_out(prepared, kinds, weights, drawing)),
    };
    let intervals = (0..kinds.len())
        .map(|metric| {
            if let Some(obstacle) = kinds[metric].no_interval() {
                return Resampled {
                    interval: None,
                    undefined: 0,
                    obstacle: Some(obstacle),
                };
            }
            let acceleration = left_out.as_ref().map(|samples| {
                let of_metric = |sample: &Vec<Vec<f64>>| -> Vec<f64> {
                    sample.iter().map(|values| values[metric]).collect()
                };
                bca::acceleration(&samples.iter().map(of_metric).collect::<Vec<_>>())
            });
            let of_metric = resamples.iter().map(|sample| sample[metric]);
            interval(of_metric, options, values[metric], acceleration)
        })
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

/// The interval around `value`; corrected when there is an acceleration.
fn interval(
    resamples: impl Iterator<Item = f64>,
    options: Bootstrap,
    value: f64,
    acceleration: Option<f64>,
) -> Resampled {
    let mut defined: Vec<f64> = resamples.filter(|value| !value.is_nan()).collect();
    defined.sort_unstable_by(f64::total_cmp);
    let count = u32::try_from(defined.len()).expect("at most MAX_SAMPLES");
    let undefined = options.samples - count;
    if count <= undefined {
        return Resampled {
            interval: None,
            undefined,
            obstacle: None,
        };
    }
    let tail = 0.5 * (1.0 - options.confidence);
    let ends = match acceleration {
        None => Ok((percentile(&defined, tail), percentile(&defined, 1.0 - tail))),
        Some(acceleration) => bca::ends(value, &defined, acceleration, options.confidence),
    };
    Resampled {
        interval: ends.ok().map(|(low, high)| Interval {
            low,
            high,
            confidence: options.confidence,
            method: options.method_name(),
            samples: options.samples,
            seed: options.seed,
        }),
        undefined,
        obstacle: ends.err(),
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
        let of = |values: [f64; 4]| interval(values.into_iter(), options, 1.5, None);
        let half = of([f64::NAN, f64::NAN, 1.0, 2.0]);
        assert!(half.interval.is_none() && half.undefined == 2);
        let most = of([f64::NAN, 3.0, 1.0, 2.0]);
        assert!(most.interval.is_some() && most.undefined == 1);
    }
}
