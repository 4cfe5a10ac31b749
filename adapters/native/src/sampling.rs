//! Seeded draws. Each is keyed by (seed, purpose, step), so that a resumed run
//! draws at step 40 what an uninterrupted one would have.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What a draw is for; keeps the streams of one seed apart.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Rows = 1,
    Columns = 2,
    Shuffle = 3,
    Validation = 4,
}

/// The generator for one purpose at one step.
pub(crate) fn generator(seed: i64, purpose: Purpose, step: u64) -> ChaCha8Rng {
    let mut key = [0_u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
    key[16..24].copy_from_slice(&step.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// A uniform integer below `bound` (Lemire's multiply, rejecting the bias).
fn below(rng: &mut ChaCha8Rng, bound: u64) -> u64 {
    let threshold = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(bound);
        #[expect(clippy::cast_possible_truncation, reason = "the low half is wanted")]
        let low = product as u64;
        if low >= threshold {
            return (product >> 64) as u64;
        }
    }
}

/// `0..count` in a random order (Fisher and Yates).
#[expect(
    clippy::cast_possible_truncation,
    reason = "values are below `count`, a usize"
)]
pub(crate) fn shuffled(rng: &mut ChaCha8Rng, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        let other = below(rng, last as u64 + 1) as usize;
        order.swap(last, other);
    }
    order
}

/// A random `fraction` of `0..count` in ascending order, at least one.
pub(crate) fn sample(rng: &mut ChaCha8Rng, count: usize, fraction: f64) -> Vec<usize> {
    let mut chosen = shuffled(rng, count);
    chosen.truncate(part(count, fraction).max(1));
    chosen.sort_unstable();
    chosen
}

/// How many `fraction` of `count` are, rounded.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a fraction in [0, 1] of a count of rows in memory"
)]
pub(crate) fn part(count: usize, fraction: f64) -> usize {
    ((count as f64 * fraction).round() as usize).min(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_by_key_and_differ_between_keys() {
        let draw = |seed, purpose, step| shuffled(&mut generator(seed, purpose, step), 50);
        assert_eq!(draw(7, Purpose::Rows, 3), draw(7, Purpose::Rows, 3));
        assert_ne!(draw(7, Purpose::Rows, 3), draw(7, Purpose::Rows, 4));
        assert_ne!(draw(7, Purpose::Rows, 3), draw(7, Purpose::Columns, 3));
        assert_ne!(draw(7, Purpose::Rows, 3), draw(-7, Purpose::Rows, 3));
    }

    #[test]
    fn a_shuffle_is_a_permutation_and_a_sample_is_ascending() {
        let mut order = shuffled(&mut generator(1, Purpose::Shuffle, 0), 101);
        order.sort_unstable();
        assert_eq!(order, (0..101).collect::<Vec<_>>());
        let half = sample(&mut generator(1, Purpose::Rows, 0), 100, 0.5);
        assert_eq!(half.len(), 50);
        assert!(half.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(
            sample(&mut generator(1, Purpose::Rows, 0), 3, 0.01).len(),
            1
        );
    }
}
