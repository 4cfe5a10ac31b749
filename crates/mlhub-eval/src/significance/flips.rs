//! Two differences of every metric: over resamples of the rows, and with sides swapped at
//! random.
//!
//! Each draw treats both sides alike: a resample holds the same rows of both, a swap
//! exchanges the two predictions of a row. Draw `i` depends on the seed and `i` alone.

use rand_chacha::rand_core::RngCore;
use rayon::prelude::*;

use crate::draws::{Domain, Drawing, generator};
use crate::metrics::{Kind, Prepared, Scratch, compute};
use crate::sum::sum_rows;
use crate::weights::{Counted, CountedGiven, Multiplicity};

const SIGNS: &Domain = b"mlhub-eval permutation 1";

/// Differences other than 0 up to which all patterns of signs are looked at.
pub const MAX_ALL_FLIPS: u32 = 16;

/// Differences of a metric between both sides of each resample; NaN where undefined.
pub(super) fn resampled_differences(
    (a, b): (&Prepared<'_>, &Prepared<'_>),
    kind: Kind,
    weights: Option<&[f64]>,
    drawing: &Drawing,
    (samples, seed): (u32, u64),
) -> Vec<f64> {
    (0..samples)
        .into_par_iter()
        .map_init(Buffers::default, |buffers, sample| {
            let Buffers {
                counts,
                of_groups,
                scratch,
            } = buffers;
            counts.resize(a.units, 0);
            drawing.draw(seed, sample, counts, of_groups);
            counted(a, kind, counts, weights, scratch) - counted(b, kind, counts, weights, scratch)
        })
        .collect()
}

/// Differences of a metric after each unit's sides changed or not, by the throw of a coin.
///
/// `table` holds the rows of both sides, first those of the first; so it is sorted once.
pub(super) fn swapped_differences(
    table: &Prepared<'_>,
    kind: Kind,
    weights: Option<&[f64]>,
    drawing: &Drawing,
    (samples, seed): (u32, u64),
) -> Vec<f64> {
    let rows = table.units / 2;
    (0..samples)
        .into_par_iter()
        .map_init(Buffers::default, |buffers, sample| {
            let Buffers {
                counts,
                of_groups,
                scratch,
            } = buffers;
            throw(seed, sample, drawing.units(), of_groups);
            counts.resize(2 * rows, 0);
            let (first, second) = counts.split_at_mut(rows);
            for (row, (first, second)) in first.iter_mut().zip(second).enumerate() {
                let unit = match drawing {
                    Drawing::Groups(groups) => groups.of_row[row] as usize,
                    Drawing::Units(_) | Drawing::Classes(_) => row,
                };
                (*first, *second) = (1 - of_groups[unit], of_groups[unit]);
            }
            let a = counted(table, kind, counts, weights, scratch);
            counts.iter_mut().for_each(|count| *count = 1 - *count);
            a - counted(table, kind, counts, weights, scratch)
        })
        .collect()
}

#[derive(Default)]
struct Buffers {
    counts: Vec<Multiplicity>,
    of_groups: Vec<Multiplicity>,
    scratch: Scratch,
}

fn counted(
    prepared: &Prepared<'_>,
    kind: Kind,
    counts: &[Multiplicity],
    weights: Option<&[f64]>,
    scratch: &mut Scratch,
) -> f64 {
    let values = match weights {
        None => compute(prepared, &[kind], &Counted(counts), scratch),
        Some(weights) => compute(
            prepared,
            &[kind],
            &CountedGiven { counts, weights },
            scratch,
        ),
    };
    values[0]
}

/// A coin, 0 or 1, for each unit.
fn throw(seed: u64, sample: u32, units: usize, coins: &mut Vec<Multiplicity>) {
    let mut generator = generator(SIGNS, seed, sample);
    coins.clear();
    while coins.len() < units {
        let bits = generator.next_u32();
        let wanted = (units - coins.len()).min(32);
        coins.extend((0..wanted).map(|place| u8::from((bits >> place) & 1 == 1)));
    }
}

/// What signs at random say of the sum of differences.
pub(super) struct Flipped {
    /// Two-sided probability of a sum at least as far from 0.
    pub(super) p_value: f64,
    /// Patterns drawn; `None` when all were looked at.
    pub(super) samples: Option<u32>,
}

/// The sum of differences against the sums with signs at random; some difference must not
/// be 0.
pub(super) fn flipped(differences: &[f64], (samples, seed): (u32, u64)) -> Flipped {
    let moving: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    let units = moving.len();
    // Equal sums may differ in their last bits by the order of their terms.
    let rounding = 1e-14 * sum_rows(units, |unit| moving[unit].abs());
    let observed = signed_sum(&moving, |_| false).abs() - rounding;
    if units <= MAX_ALL_FLIPS as usize {
        let patterns = 1_u32 << units;
        let beyond = (0..patterns)
            .filter(|pattern| {
                signed_sum(&moving, |unit| (pattern >> unit) & 1 == 1).abs() >= observed
            })
            .count();
        return Flipped {
            p_value: beyond as f64 / f64::from(patterns),
            samples: None,
        };
    }
    let beyond = (0..samples)
        .into_par_iter()
        .map_init(Vec::new, |coins, sample| {
            throw(seed, sample, units, coins);
            signed_sum(&moving, |unit| coins[unit] == 1).abs() >= observed
        })
        .filter(|is_beyond| *is_beyond)
        .count();
    Flipped {
        p_value: share_beyond(beyond, samples as usize),
        samples: Some(samples),
    }
}

fn signed_sum(values: &[f64], is_flipped: impl Fn(usize) -> bool) -> f64 {
    sum_rows(values.len(), |unit| {
        if is_flipped(unit) {
            -values[unit]
        } else {
            values[unit]
        }
    })
}

/// `(1 + beyond) / (1 + draws)`: what was observed is one of the draws, so that no
/// probability is 0 (Phipson and Smyth, 2010).
pub(super) fn share_beyond(beyond: usize, draws: usize) -> f64 {
    (1 + beyond) as f64 / (1 + draws) as f64
}
