//! The ids of rows: that none is there twice, and that all that are expected are there.
//!
//! With all ids at hand an error names the first offenders. [`IdCheck`] finds out with a few
//! bytes per row whether there is any offence, and names none.

use std::collections::HashMap;

use super::check::{join, shown_id};
use super::{ExpectedIds, MAX_ROWS, NAMED_IN_ERRORS, PredictionsError};

pub(super) fn check_unique(ids: &[String]) -> Result<(), PredictionsError> {
    // Of ids in ascending order, as row numbers are, none is there twice; that takes no memory.
    let ascends = |pair: &[String]| (pair[0].len(), &pair[0]) < (pair[1].len(), &pair[1]);
    if ids.windows(2).all(ascends) {
        return Ok(());
    }
    let mut first_rows: HashMap<&str, usize> = HashMap::with_capacity(ids.len());
    let mut repeats: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut repeated_in_order = Vec::new();
    for (row, id) in ids.iter().enumerate() {
        let first = *first_rows.entry(id).or_insert(row);
        if first != row {
            let rows = repeats.entry(id).or_insert_with(|| {
                repeated_in_order.push(id.as_str());
                vec![first]
            });
            if rows.len() < NAMED_IN_ERRORS {
                rows.push(row);
            }
        }
    }
    if repeated_in_order.is_empty() {
        return Ok(());
    }
    let examples: Vec<String> = repeated_in_order
        .iter()
        .take(NAMED_IN_ERRORS)
        .map(|id| format!("`{}` in rows {}", shown_id(id), join(&repeats[id])))
        .collect();
    Err(PredictionsError::DuplicateIds {
        count: repeated_in_order.len(),
        examples: examples.join("; "),
    })
}

/// Ids that must be there and are not, and the reverse.
pub(super) fn check_cover(
    ids: &[String],
    expected: ExpectedIds<'_>,
) -> Result<(), PredictionsError> {
    let mut missing = Named::default();
    let mut unexpected = Named::default();
    match expected {
        ExpectedIds::RowCount(count) => {
            cover_row_numbers(ids, count, &mut missing, &mut unexpected)
        }
        ExpectedIds::Ids(wanted) => {
            let mut found: HashMap<&str, bool> =
                wanted.iter().map(|id| (id.as_str(), false)).collect();
            for id in ids {
                match found.get_mut(id.as_str()) {
                    Some(seen) => *seen = true,
                    None => unexpected.note(|| shown_id(id)),
                }
            }
            for id in wanted {
                // Set to true once named, so that an id wanted twice counts once.
                if !std::mem::replace(found.entry(id).or_default(), true) {
                    missing.note(|| shown_id(id));
                }
            }
        }
    }
    if missing.count == 0 && unexpected.count == 0 {
        return Ok(());
    }
    Err(PredictionsError::Coverage {
        missing_count: missing.count,
        missing: missing.listed(),
        unexpected_count: unexpected.count,
        unexpected: unexpected.listed(),
    })
}

fn cover_row_numbers(ids: &[String], count: u64, missing: &mut Named, unexpected: &mut Named) {
    // Sized by what was sent, not by the number asked for.
    let mut numbers = Vec::with_capacity(ids.len());
    for id in ids {
        match row_number(id) {
            Some(number) if number < count => numbers.push(number),
            _ => unexpected.note(|| shown_id(id)),
        }
    }
    numbers.sort_unstable();
    let mut next = 0;
    for number in numbers {
        note_gap(next..number, missing);
        next = number + 1;
    }
    note_gap(next..count, missing);
}

fn note_gap(gap: std::ops::Range<u64>, missing: &mut Named) {
    missing.count += gap.end - gap.start;
    let room = NAMED_IN_ERRORS - missing.names.len();
    missing
        .names
        .extend(gap.take(room).map(|id| id.to_string()));
}

/// A row number in its one decimal form: no sign, no leading zero.
fn row_number(id: &str) -> Option<u64> {
    let canonical = id == "0" || !id.starts_with(['0', '+']);
    canonical.then(|| id.parse().ok()).flatten()
}

/// Ids that break a rule: how many, and the first few.
#[derive(Default)]
struct Named {
    count: u64,
    names: Vec<String>,
}

impl Named {
    fn note(&mut self, name: impl FnOnce() -> String) {
        self.count += 1;
        if self.names.len() < NAMED_IN_ERRORS {
            self.names.push(name());
        }
    }

    fn listed(&self) -> String {
        if self.names.is_empty() {
            return String::new();
        }
        let more = if self.count > self.names.len() as u64 {
            ", ..."
        } else {
            ""
        };
        format!(" ({}{more})", self.names.join(", "))
    }
}

/// Whether ids, which come one after another, are the expected ones and each there once. It holds
/// none of them: one bit per row where row numbers are expected, else 16 bytes per row (and 16 per
/// expected id) of their BLAKE3 hash.
#[derive(Debug)]
pub struct IdCheck {
    seen: SeenIds,
    /// Hashes that must be there, sorted, each once.
    expected: Option<Vec<u128>>,
    is_sound: bool,
}

#[derive(Debug)]
enum SeenIds {
    /// A bit per row number below the count.
    Numbers {
        count: u64,
        found: u64,
        bits: Vec<u64>,
    },
    Hashes(Vec<u128>),
}

impl IdCheck {
    /// No id has come yet; without `expected`, they only must differ.
    #[must_use]
    pub fn new(expected: Option<ExpectedIds<'_>>) -> Self {
        let (seen, expected) = match expected {
            Some(ExpectedIds::RowCount(count)) => {
                let (found, bits) = (0, Vec::new());
                (SeenIds::Numbers { count, found, bits }, None)
            }
            Some(ExpectedIds::Ids(ids)) => {
                let mut hashes: Vec<u128> = ids.iter().map(|id| hash(id)).collect();
                hashes.sort_unstable();
                hashes.dedup();
                (SeenIds::Hashes(Vec::new()), Some(hashes))
            }
            None => (SeenIds::Hashes(Vec::new()), None),
        };
        Self {
            seen,
            expected,
            is_sound: true,
        }
    }

    /// Takes the id of the next row.
    pub fn push(&mut self, id: &str) {
        match &mut self.seen {
            SeenIds::Hashes(hashes) => hashes.push(hash(id)),
            SeenIds::Numbers { count, found, bits } => {
                let limit = (*count).min(MAX_ROWS as u64);
                let Some(number) = row_number(id).filter(|number| *number < limit) else {
                    self.is_sound = false;
                    return;
                };
                let (place, bit) = ((number / 64) as usize, 1 << (number % 64));
                if place >= bits.len() {
                    bits.resize(place + 1, 0);
                }
                self.is_sound &= bits[place] & bit == 0;
                bits[place] |= bit;
                *found += 1;
            }
        }
    }

    /// Whether all is well, once every id has come. If not, [`Predictions::new`] and
    /// [`Predictions::check_ids_cover`] tell what is wrong.
    ///
    /// [`Predictions::new`]: super::Predictions::new
    /// [`Predictions::check_ids_cover`]: super::Predictions::check_ids_cover
    #[must_use]
    pub fn finish(self) -> bool {
        let is_complete = match self.seen {
            SeenIds::Numbers { count, found, .. } => found == count,
            SeenIds::Hashes(mut hashes) => {
                hashes.sort_unstable();
                let differ = hashes.windows(2).all(|pair| pair[0] != pair[1]);
                differ && self.expected.is_none_or(|expected| expected == hashes)
            }
        };
        self.is_sound && is_complete
    }
}

/// 128 bits of a cryptographic hash: two ids of one hash are not met by chance.
fn hash(id: &str) -> u128 {
    let digest = blake3::hash(id.as_bytes());
    let (start, _) = digest.as_bytes().split_at(16);
    start
        .iter()
        .fold(0, |hash, byte| hash << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_sound(ids: &[String], expected: Option<ExpectedIds<'_>>) -> bool {
        let mut check = IdCheck::new(expected);
        ids.iter().for_each(|id| check.push(id));
        check.finish()
    }

    proptest! {
        /// Few distinct ids, so that some are there twice and some are missing.
        #[test]
        fn soundness_is_that_of_the_checks_with_all_ids(
            ids in proptest::collection::vec("[0-9]|0[0-3]|a", 1..6),
            wanted in proptest::collection::vec("[0-9]|a", 0..6),
            count in 0_u64..8,
        ) {
            let unique = check_unique(&ids).is_ok();
            prop_assert_eq!(is_sound(&ids, None), unique);
            for expected in [ExpectedIds::Ids(&wanted), ExpectedIds::RowCount(count)] {
                let whole = unique && check_cover(&ids, expected).is_ok();
                prop_assert_eq!(is_sound(&ids, Some(expected)), whole, "{:?}", expected);
            }
        }
    }

    #[test]
    fn row_numbers_in_any_order_are_sound() {
        let ids: Vec<String> = (0..1000).rev().map(|row| row.to_string()).collect();
        assert!(is_sound(&ids, Some(ExpectedIds::RowCount(1000))));
        assert!(is_sound(&ids, Some(ExpectedIds::Ids(&ids))));
        assert!(!is_sound(&ids, Some(ExpectedIds::RowCount(1001))));
        assert!(!is_sound(&ids, Some(ExpectedIds::RowCount(999))));
        assert!(!is_sound(
            &["7".to_owned()],
            Some(ExpectedIds::RowCount(u64::MAX))
        ));
    }
}
