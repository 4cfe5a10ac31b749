//! Random numbers from a seed: what a resample draws, and which pairs change sides.
//!
//! Resample `i` is stream `i` of a counter-based generator: a function of the seed, of
//! what is drawn from and of `i` alone, whichever thread draws it. A resample is held as a
//! multiplicity per row (of a ranking: per query), so no column is copied.

use std::collections::HashMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::metrics::Prepared;
use crate::weights::Multiplicity;

/// Sets the streams of one purpose apart from any other use of a seed.
pub(crate) type Domain = [u8; 24];

const ROWS: &Domain = b"mlhub-eval bootstrap v1\0";
const WITHIN_CLASSES: &Domain = b"mlhub-eval stratified v1";

/// Stream `stream` of a purpose.
pub(crate) fn generator(domain: &Domain, seed: u64, stream: u32) -> ChaCha8Rng {
    let mut key = [0_u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..].copy_from_slice(domain);
    let mut generator = ChaCha8Rng::from_seed(key);
    generator.set_stream(u64::from(stream));
    generator
}

/// Draws `counts.len()` rows with replacement into multiplicities.
pub(crate) fn draw(seed: u64, sample: u32, counts: &mut [Multiplicity]) {
    let mut generator = generator(ROWS, seed, sample);
    counts.fill(0);
    let rows = u32::try_from(counts.len()).expect("rows are bounded by MAX_ROWS");
    let mut tally = Tally::of(counts);
    each_below(&mut generator, rows, rows, |row| tally.add(row as usize));
    tally.check();
}

/// Counts what is drawn; one check at the end sees whether a count ever ran over.
struct Tally<'a> {
    counts: &'a mut [Multiplicity],
    ran_over: bool,
}

impl<'a> Tally<'a> {
    fn of(counts: &'a mut [Multiplicity]) -> Self {
        Self {
            counts,
            ran_over: false,
        }
    }

    fn add(&mut self, row: usize) {
        let count = self.counts[row].wrapping_add(1);
        self.ran_over |= count == 0;
        self.counts[row] = count;
    }

    fn check(self) {
        assert!(
            !self.ran_over,
            "a row was drawn 256 times, see Multiplicity"
        );
    }
}

/// Random words that are asked of the generator at once.
const BUFFER_WORDS: usize = 256;
const WORD_BYTES: usize = size_of::<u32>();

/// So many uniform numbers below `bound`: those that [`below`] gives one after another, and
/// the generator is left as by these calls.
fn each_below(generator: &mut ChaCha8Rng, bound: u32, count: u32, mut found: impl FnMut(u32)) {
    let mut buffer = [0_u8; BUFFER_WORDS * WORD_BYTES];
    let first_unbiased = bound.wrapping_neg() % bound.max(1);
    let mut left = count as usize;
    while left > 0 {
        // Never more than are needed at least, so that no word is left over.
        let words = &mut buffer[..left.min(BUFFER_WORDS) * WORD_BYTES];
        generator.fill_bytes(words);
        for word in words.chunks_exact(WORD_BYTES) {
            let word = word.try_into().map_or(0, u32::from_le_bytes);
            let product = u64::from(word) * u64::from(bound);
            if product as u32 >= first_unbiased {
                found((product >> 32) as u32);
                left -= 1;
            }
        }
    }
}

/// A uniform number below `bound`, without bias (Lemire, Fast random integer
/// generation in an interval, 2019).
pub(crate) fn below(generator: &mut ChaCha8Rng, bound: u32) -> u32 {
    loop {
        let product = u64::from(generator.next_u32()) * u64::from(bound);
        let low = product as u32;
        if low >= bound || low >= bound.wrapping_neg() % bound {
            return (product >> 32) as u32;
        }
    }
}

/// Rows by the group they are of, groups in order of first appearance.
#[derive(Clone, Debug)]
pub(crate) struct Groups {
    pub(crate) of_row: Vec<u32>,
    pub(crate) count: usize,
}

impl Groups {
    pub(crate) fn of(names: &[String]) -> Self {
        let mut places: HashMap<&str, u32> = HashMap::new();
        let of_row = names
            .iter()
            .map(|name| {
                let next = u32::try_from(places.len()).expect("rows are bounded by MAX_ROWS");
                *places.entry(name).or_insert(next)
            })
            .collect();
        Self {
            of_row,
            count: places.len(),
        }
    }
}

/// What resamples are drawn from.
#[derive(Clone, Debug)]
pub(crate) enum Drawing {
    /// So many rows, or queries of a ranking, each by itself.
    Units(usize),
    /// Groups, each with all its rows.
    Groups(Groups),
    /// Rows within each true class: the rows of each.
    Classes(Vec<Vec<u32>>),
}

impl Drawing {
    /// Rows within each class of a classification.
    pub(crate) fn within_classes(prepared: &Prepared<'_>) -> Self {
        let mut rows = vec![Vec::new(); prepared.labels];
        for (row, class) in (0_u32..).zip(prepared.y_true) {
            rows[*class as usize].push(row);
        }
        rows.retain(|rows| !rows.is_empty());
        Self::Classes(rows)
    }

    /// How many things are drawn, each independent of the others.
    pub(crate) fn units(&self) -> usize {
        match self {
            Self::Units(units) => *units,
            Self::Groups(groups) => groups.count,
            Self::Classes(classes) => classes.iter().map(Vec::len).sum(),
        }
    }

    /// Draws resample `sample` into the multiplicity of each row; `of_groups` is a buffer.
    pub(crate) fn draw(
        &self,
        seed: u64,
        sample: u32,
        counts: &mut [Multiplicity],
        of_groups: &mut Vec<Multiplicity>,
    ) {
        match self {
            Self::Units(_) => draw(seed, sample, counts),
            Self::Groups(groups) => {
                of_groups.resize(groups.count, 0);
                draw(seed, sample, of_groups);
                for (count, group) in counts.iter_mut().zip(&groups.of_row) {
                    *count = of_groups[*group as usize];
                }
            }
            Self::Classes(classes) => {
                let mut generator = generator(WITHIN_CLASSES, seed, sample);
                counts.fill(0);
                let mut tally = Tally::of(counts);
                for rows in classes {
                    let size = u32::try_from(rows.len()).expect("rows are bounded by MAX_ROWS");
                    each_below(&mut generator, size, size, |place| {
                        tally.add(rows[place as usize] as usize);
                    });
                }
                tally.check();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::rand_core::RngCore;

    #[test]
    fn draws_are_frozen() {
        let mut counts = [0; 10];
        draw(42, 0, &mut counts);
        assert_eq!(counts, [0, 0, 1, 2, 1, 2, 1, 1, 1, 1]);
        draw(42, 1, &mut counts);
        assert_eq!(counts, [2, 1, 1, 2, 1, 1, 1, 0, 0, 1]);
        draw(43, 0, &mut counts);
        assert_eq!(counts, [1, 0, 1, 1, 1, 0, 2, 1, 3, 0]);
    }

    #[test]
    fn draws_are_uniform() {
        let mut totals = [0_u64; 7];
        for sample in 0..10_000 {
            let mut counts = [0; 7];
            draw(7, sample, &mut counts);
            for (total, count) in totals.iter_mut().zip(counts) {
                *total += u64::from(count);
            }
        }
        // 10,000 expected each, standard deviation 93.
        for total in totals {
            assert!(total.abs_diff(10_000) < 500, "{totals:?}");
        }
    }

    #[test]
    fn groups_are_numbered_as_they_appear() {
        let names = ["b", "a", "b", "c"].map(str::to_owned);
        let groups = Groups::of(&names);
        assert_eq!((groups.of_row, groups.count), (vec![0, 1, 0, 2], 3));
    }

    /// The last of the bounds rejects half of the words.
    #[test]
    fn draws_at_once_are_those_one_by_one() {
        for bound in [1, 2, 7, 256, 1000, (1 << 20) + 1, 3 << 30, (1 << 31) + 1] {
            let (mut one, mut other) = (generator(ROWS, 5, 6), generator(ROWS, 5, 6));
            each_below(&mut one, bound, 1000, |found| {
                assert_eq!(found, below(&mut other, bound))
            });
            assert_eq!(one.next_u32(), other.next_u32(), "{bound}");
        }
    }

    #[test]
    #[should_panic(expected = "drawn 256 times")]
    fn a_count_that_runs_over_is_seen() {
        let mut counts = [255, 0];
        let mut tally = Tally::of(&mut counts);
        (0..2).for_each(|row| tally.add(row));
        tally.check();
    }

    proptest! {
        #[test]
        fn draws_keep_the_number_of_rows(seed: u64, sample: u32, rows in 1_usize..300) {
            let mut counts = vec![9; rows];
            draw(seed, sample, &mut counts);
            prop_assert_eq!(counts.iter().map(|count| usize::from(*count)).sum::<usize>(), rows);
        }

        #[test]
        fn groups_are_drawn_whole_and_classes_keep_their_sizes(
            seed: u64, sample: u32, of_row in prop::collection::vec(0_u32..6, 1..60),
        ) {
            let names: Vec<String> = of_row.iter().map(u32::to_string).collect();
            let groups = Groups::of(&names);
            let (count, of_row) = (groups.count, groups.of_row.clone());
            let mut counts = vec![9; of_row.len()];
            Drawing::Groups(groups).draw(seed, sample, &mut counts, &mut vec![]);
            let mut of_groups = vec![0; count];
            draw(seed, sample, &mut of_groups);
            prop_assert!(counts.iter().zip(&of_row).all(|(n, group)| *n == of_groups[*group as usize]));

            let rows_of = |class| (0_u32..).zip(&of_row).filter(move |row| *row.1 == class).map(|row| row.0);
            let classes: Vec<Vec<u32>> = (0..count as u32).map(|class| rows_of(class).collect()).collect();
            Drawing::Classes(classes.clone()).draw(seed, sample, &mut counts, &mut vec![]);
            for rows in classes {
                let drawn: usize = rows.iter().map(|row| usize::from(counts[*row as usize])).sum();
                prop_assert_eq!(drawn, rows.len());
            }
        }
    }
}
