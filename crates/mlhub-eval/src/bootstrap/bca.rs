//! Bias-corrected and accelerated intervals (B. Efron, Better bootstrap confidence
//! intervals, JASA 82, 1987): the percentiles are moved by how far the value lies from the
//! median of its resamples, and by how its spread changes with it.
//!
//! The latter, the acceleration, comes from leaving out rows (groups, queries) one by one;
//! of many, block by block. Of several classes drawn apart it is that of several samples,
//! as in SciPy.

use rayon::prelude::*;

use super::percentile;
use crate::draws::Drawing;
use crate::metrics::{Kind, Prepared, Scratch, compute};
use crate::normal;
use crate::sum::CompensatedSum;
use crate::weights::{Counted, CountedGiven};

/// Rows, groups or queries up to which each is left out by itself. Of more, so many blocks
/// are left out: every thousandth of them in turn.
pub const MAX_JACKKNIFE: usize = 1000;

/// Values of each kind without each block of a sample, for each independent sample.
pub(super) type LeftOut = Vec<Vec<Vec<f64>>>;

/// The metrics with each row, group, query or block of these left out.
pub(super) fn left_out(
    prepared: &Prepared<'_>,
    kinds: &[Kind],
    weights: Option<&[f64]>,
    drawing: &Drawing,
) -> LeftOut {
    let samples = match drawing {
        Drawing::Units(units) => vec![blocks(*units, *units, |unit| vec![unit])],
        Drawing::Groups(groups) => {
            let mut rows = vec![Vec::new(); groups.count];
            for (row, group) in groups.of_row.iter().enumerate() {
                rows[*group as usize].push(row);
            }
            vec![blocks(groups.count, groups.count, |group| {
                rows[group].clone()
            })]
        }
        Drawing::Classes(classes) => {
            let all = drawing.units();
            // A class of one row never varies.
            let vary = classes.iter().filter(|rows| rows.len() > 1);
            vary.map(|rows| blocks(rows.len(), all, |place| vec![rows[place] as usize]))
                .collect()
        }
    };
    samples
        .into_iter()
        .map(|blocks| without_each(prepared, kinds, weights, blocks))
        .collect()
}

/// Rows of each block of `units` units, of which there are `all` in all samples.
fn blocks(units: usize, all: usize, rows: impl Fn(usize) -> Vec<usize>) -> Vec<Vec<usize>> {
    let count = if all <= MAX_JACKKNIFE {
        units
    } else {
        (units * MAX_JACKKNIFE / all).clamp(units.min(2), units)
    };
    let mut blocks = vec![Vec::new(); count];
    for unit in 0..units {
        blocks[unit % count].extend(rows(unit));
    }
    blocks
}

fn without_each(
    prepared: &Prepared<'_>,
    kinds: &[Kind],
    weights: Option<&[f64]>,
    blocks: Vec<Vec<usize>>,
) -> Vec<Vec<f64>> {
    blocks
        .into_par_iter()
        .map_init(
            || (vec![1_u8; prepared.units], Scratch::default()),
            |(counts, scratch), block| {
                block.iter().for_each(|row| counts[*row] = 0);
                let values = match weights {
                    None => compute(prepared, kinds, &Counted(counts), scratch),
                    Some(weights) => {
                        compute(prepared, kinds, &CountedGiven { counts, weights }, scratch)
                    }
                };
                block.iter().for_each(|row| counts[*row] = 1);
                values
            },
        )
        .collect()
}

/// The acceleration from the values of a metric without each block of each sample; 0 when
/// none of them matters, NaN when one is not finite.
pub(super) fn acceleration(samples: &[Vec<f64>]) -> f64 {
    let (mut cubes, mut squares) = (CompensatedSum::default(), CompensatedSum::default());
    for values in samples {
        let n = values.len() as f64;
        let centre = mean(values);
        for value in values {
            // The influence of one of n, over n.
            let influence = (n - 1.0) / n * (centre - value);
            squares.add(influence * influence);
            cubes.add(influence * influence * influence);
        }
    }
    let (cubes, squares) = (cubes.value(), squares.value());
    if squares == 0.0 {
        return 0.0;
    }
    cubes / (6.0 * squares * squares.sqrt())
}

/// The mean; exactly the value itself when all are the same.
fn mean(values: &[f64]) -> f64 {
    match values.split_first() {
        Some((first, rest)) if rest.iter().all(|value| value == first) => *first,
        _ => crate::sum::mean(values.iter().copied()),
    }
}

/// The ends for the values of resamples, ascending and without NaN.
///
/// # Errors
/// Why there is no such interval.
pub(super) fn ends(
    value: f64,
    sorted: &[f64],
    acceleration: f64,
    confidence: f64,
) -> Result<(f64, f64), &'static str> {
    if sorted.iter().all(|other| *other == value) {
        return Ok((value, value));
    }
    if !acceleration.is_finite() {
        return Err("the metric is undefined without some of the rows");
    }
    let below = sorted.partition_point(|other| *other < value);
    let up_to = sorted.partition_point(|other| *other <= value);
    let bias = normal::quantile((below + up_to) as f64 / (2 * sorted.len()) as f64);
    if !bias.is_finite() {
        return Err("the value lies beyond all of its resamples");
    }
    let tail = normal::quantile(0.5 * (1.0 - confidence));
    let end = |z: f64| {
        let shifted = bias + z;
        let scale = 1.0 - acceleration * shifted;
        (scale > 0.0).then(|| percentile(sorted, normal::cdf(bias + shifted / scale)))
    };
    end(tail)
        .zip(end(-tail))
        .ok_or("the metric is too skewed over the rows")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symmetric_distribution_keeps_its_percentiles() {
        let sorted: Vec<f64> = (0..=100).map(f64::from).collect();
        let (low, high) = ends(50.0, &sorted, 0.0, 0.9).unwrap();
        assert!(
            (low - 5.0).abs() < 1e-9 && (high - 95.0).abs() < 1e-9,
            "{low} {high}"
        );
    }

    #[test]
    fn what_allows_no_interval_says_why() {
        let sorted = [1.0, 2.0, 3.0];
        assert_eq!(
            ends(0.5, &sorted, 0.0, 0.9),
            Err("the value lies beyond all of its resamples")
        );
        assert_eq!(
            ends(2.0, &sorted, f64::NAN, 0.9),
            Err("the metric is undefined without some of the rows")
        );
        assert_eq!(
            ends(2.0, &sorted, 0.7, 0.9),
            Err("the metric is too skewed over the rows")
        );
        assert_eq!(ends(4.0, &[4.0; 5], f64::NAN, 0.9), Ok((4.0, 4.0)));
    }

    #[test]
    fn acceleration_is_a_sixth_of_the_skewness_of_influences() {
        // Leaving out x of a mean moves it by (mean - x) / (n - 1).
        let data = [1.0, 2.0, 2.0, 7.0];
        let without: Vec<f64> = (data.iter()).map(|x| (12.0 - x) / 3.0).collect();
        let deviations = data.map(|x| x - 3.0);
        let cubes: f64 = deviations.iter().map(|d| d.powi(3)).sum();
        let squares: f64 = deviations.iter().map(|d| d.powi(2)).sum();
        let expected = cubes / (6.0 * squares.powf(1.5));
        assert!((acceleration(&[without]) - expected).abs() < 1e-15);
        assert_eq!(acceleration(&[vec![0.1; 3]]), 0.0);
        assert!(acceleration(&[vec![0.1, f64::NAN]]).is_nan());
    }

    #[test]
    fn blocks_hold_every_unit_once() {
        for (units, all) in [(5, 5), (1000, 1000), (1001, 1001), (2500, 2503), (2, 9000)] {
            let blocks = blocks(units, all, |unit| vec![unit]);
            assert!(blocks.len() <= MAX_JACKKNIFE && blocks.iter().all(|block| !block.is_empty()));
            let mut held = blocks.concat();
            held.sort_unstable();
            assert_eq!(held, (0..units).collect::<Vec<_>>());
            assert_eq!(blocks.len() == units, all <= MAX_JACKKNIFE || units == 2);
        }
    }
}
