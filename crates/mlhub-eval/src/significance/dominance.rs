//! Almost stochastic order: whether the values of one sample are greater than those of
//! another at nearly every quantile.
//!
//! E. del Barrio, J. Cuesta-Albertos, C. Matran (2018); R. Dror, S. Shlomov, R. Reichart,
//! Deep Dominance, ACL 2019. The violation ratio is the share of the squared distance
//! between the quantile functions where the first is below the second: 0 when it is above
//! everywhere, 1 when nowhere. Here it is the exact integral of the two step functions;
//! the package `deepsig` sums it on a grid.

use rayon::prelude::*;

use super::seeds::NoTest;
use crate::draws::{Domain, below, generator};
use crate::normal;
use crate::sum::CompensatedSum;

/// Fewest values of each sample. Of fewer, resamples hardly vary: the bound would call
/// any two separate samples ordered.
pub const MIN_DOMINANCE_VALUES: usize = 5;

/// Most values of each sample.
pub const MAX_DOMINANCE_VALUES: usize = 1 << 20;

const RESAMPLES: &Domain = b"mlhub-eval dominance v1\0";

/// What almost stochastic order says of two samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dominance {
    /// Violation ratio of the samples.
    pub violation_ratio: f64,
    /// Its upper confidence bound, from 0 to 1: below 0.5 the first is almost
    /// stochastically greater; Dror et al. ask for 0.2 or less in practice.
    pub min_epsilon: f64,
    /// Standard deviation of the ratio over resamples of both samples.
    pub deviation: f64,
}

/// Bounds the violation ratio of `a` over `b`, greater being better; `samples` resamples
/// from `seed`, the bound at one-sided `confidence`. Runs on the current thread pool.
///
/// # Errors
/// [`NoTest::TooFew`] for a sample of fewer than [`MIN_DOMINANCE_VALUES`],
/// [`NoTest::NoSpread`] when each sample holds one value only or both the same values,
/// [`NoTest::NotFinite`] for such a value, or more than [`MAX_DOMINANCE_VALUES`].
pub fn almost_stochastic_order(
    a: &[f64],
    b: &[f64],
    confidence: f64,
    (samples, seed): (u32, u64),
) -> Result<Dominance, NoTest> {
    if a.iter().chain(b).any(|value| !value.is_finite())
        || a.len().max(b.len()) > MAX_DOMINANCE_VALUES
    {
        return Err(NoTest::NotFinite);
    }
    if a.len().min(b.len()) < MIN_DOMINANCE_VALUES || samples == 0 {
        return Err(NoTest::TooFew);
    }
    let (a, b) = (ascending(a), ascending(b));
    let is_constant = |values: &[f64]| values[0] == values[values.len() - 1];
    if is_constant(&a) && is_constant(&b) {
        return Err(NoTest::NoSpread);
    }
    let violation_ratio = violation_ratio(&a, &b).ok_or(NoTest::NoSpread)?;
    let ratios: Vec<f64> = (0..samples)
        .into_par_iter()
        .map(|sample| {
            let mut generator = generator(RESAMPLES, seed, sample);
            let mut drawn = |values: &[f64]| -> Vec<f64> {
                let count = u32::try_from(values.len()).expect("at most MAX_DOMINANCE_VALUES");
                let chosen = (0..count).map(|_| values[below(&mut generator, count) as usize]);
                ascending(&chosen.collect::<Vec<_>>())
            };
            let (a, b) = (drawn(&a), drawn(&b));
            // Neither is above the other where they are the same.
            self::violation_ratio(&a, &b).unwrap_or(0.5)
        })
        .collect();
    let deviation = deviation(&ratios);
    let bound = violation_ratio + normal::quantile(confidence) * deviation;
    Ok(Dominance {
        violation_ratio,
        min_epsilon: bound.clamp(0.0, 1.0),
        deviation,
    })
}

fn ascending(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// `None` when the quantile functions of the ascending samples are the same.
fn violation_ratio(a: &[f64], b: &[f64]) -> Option<f64> {
    let (mut violated, mut all) = (CompensatedSum::default(), CompensatedSum::default());
    // Places on the axis of probability in parts of 1 / (a.len() b.len()).
    let (mut i, mut j, mut place) = (0_usize, 0_usize, 0_usize);
    while i < a.len() && j < b.len() {
        let (end_a, end_b) = ((i + 1) * b.len(), (j + 1) * a.len());
        let end = end_a.min(end_b);
        let apart = b[j] - a[i];
        let part = apart * apart * (end - place) as f64;
        all.add(part);
        if apart > 0.0 {
            violated.add(part);
        }
        place = end;
        i += usize::from(end == end_a);
        j += usize::from(end == end_b);
    }
    let all = all.value();
    (all > 0.0).then(|| violated.value() / all)
}

/// Standard deviation (n) in a fixed order.
fn deviation(values: &[f64]) -> f64 {
    let mean = crate::sum::mean(values.iter().copied());
    crate::sum::mean(values.iter().map(|value| (value - mean) * (value - mean))).sqrt()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ratios_by_hand() {
        assert_eq!(violation_ratio(&[2.0, 3.0], &[0.0, 1.0]), Some(0.0));
        assert_eq!(violation_ratio(&[0.0, 1.0], &[2.0, 3.0]), Some(1.0));
        // Below by 1 over one half, above by 2 over the other: 1 / (1 + 4).
        assert_eq!(violation_ratio(&[0.0, 5.0], &[1.0, 3.0]), Some(0.2));
        // Thirds against halves: 0-1/3 and 1/3-1/2 below by 1, the rest above by 1.
        assert_eq!(
            violation_ratio(&[0.0, 0.0, 2.0], &[1.0, 1.0]),
            Some(2.0 / 3.0)
        );
        assert_eq!(violation_ratio(&[1.0, 1.0], &[1.0, 1.0, 1.0]), None);
    }

    #[test]
    fn what_cannot_be_ordered_says_why() {
        let order =
            |a: &[f64], b: &[f64]| almost_stochastic_order(a, b, 0.95, (100, 1)).map(|_| ());
        assert_eq!(order(&[1.0], &[2.0]), Err(NoTest::TooFew));
        assert_eq!(order(&[0.9; 5], &[0.8; 5]), Err(NoTest::NoSpread));
        let same = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(order(&same, &same), Err(NoTest::NoSpread));
        assert_eq!(order(&[f64::NAN; 5], &same), Err(NoTest::NotFinite));
    }

    proptest! {
        #[test]
        fn sides_share_the_distance(
            a in prop::collection::vec(-5_i8..5, 1..12),
            b in prop::collection::vec(-5_i8..5, 1..12),
        ) {
            let sorted = |values: Vec<i8>| ascending(&values.into_iter().map(f64::from).collect::<Vec<_>>());
            let (a, b) = (sorted(a), sorted(b));
            match (violation_ratio(&a, &b), violation_ratio(&b, &a)) {
                (Some(one), Some(other)) => prop_assert!((one + other - 1.0).abs() < 1e-12),
                (one, other) => prop_assert_eq!(one, other),
            }
        }
    }
}
