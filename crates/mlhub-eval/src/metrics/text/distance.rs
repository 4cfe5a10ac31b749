//! Edit distance and longest common subsequence, 64 places of one sequence at a time.
//!
//! Bit-parallel: time grows with `n m / 64`, memory with `n`. Tests compare both with the
//! textbook tables.

use std::collections::HashMap;
use std::hash::Hash;

const WORD_BITS: usize = u64::BITS as usize;

/// For each item of a sequence, the bits of the places it is at.
struct Places<'a, T> {
    bits: HashMap<&'a T, Vec<u64>>,
    none: Vec<u64>,
}

impl<'a, T: Eq + Hash> Places<'a, T> {
    fn of(items: &'a [T]) -> Self {
        let words = items.len().div_ceil(WORD_BITS);
        let mut bits: HashMap<&T, Vec<u64>> = HashMap::new();
        for (place, item) in items.iter().enumerate() {
            let own = bits.entry(item).or_insert_with(|| vec![0; words]);
            own[place / WORD_BITS] |= 1 << (place % WORD_BITS);
        }
        Self {
            bits,
            none: vec![0; words],
        }
    }

    fn get(&self, item: &T) -> &[u64] {
        self.bits.get(item).unwrap_or(&self.none)
    }
}

/// Without the items that both begin and end with.
fn differing<'a, T: Eq>(mut a: &'a [T], mut b: &'a [T]) -> (&'a [T], &'a [T], usize) {
    let head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    (a, b) = (&a[head..], &b[head..]);
    let tail = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    (&a[..a.len() - tail], &b[..b.len() - tail], head + tail)
}

/// Insertions, deletions and substitutions that turn one into the other (Myers 1999, in the form
/// of Hyyro 2003).
pub(super) fn levenshtein<T: Eq + Hash>(a: &[T], b: &[T]) -> usize {
    let (a, b, _) = differing(a, b);
    if a.is_empty() {
        return b.len();
    }
    let places = Places::of(a);
    let words = places.none.len();
    let last_bit = (a.len() - 1) % WORD_BITS;
    // Vertical differences of the table's column: where it goes up, and where down.
    let (mut up, mut down) = (vec![u64::MAX; words], vec![0_u64; words]);
    let mut distance = a.len();
    for item in b {
        let own = places.get(item);
        // The topmost row of the table goes up by one with each column.
        let (mut carry_up, mut carry_down) = (1_u64, 0_u64);
        for word in 0..words {
            let (vertical_up, vertical_down) = (up[word], down[word]);
            let x_vertical = own[word] | vertical_down;
            let equal = own[word] | carry_down;
            let x_horizontal =
                (((equal & vertical_up).wrapping_add(vertical_up)) ^ vertical_up) | equal;
            let mut rises = vertical_down | !(x_horizontal | vertical_up);
            let mut falls = vertical_up & x_horizontal;
            if word + 1 == words {
                distance += ((rises >> last_bit) & 1) as usize;
                distance -= ((falls >> last_bit) & 1) as usize;
            }
            let (next_up, next_down) = (rises >> (WORD_BITS - 1), falls >> (WORD_BITS - 1));
            rises = (rises << 1) | carry_up;
            falls = (falls << 1) | carry_down;
            up[word] = falls | !(x_vertical | rises);
            down[word] = rises & x_vertical;
            (carry_up, carry_down) = (next_up, next_down);
        }
    }
    distance
}

/// Length of the longest common subsequence (Hyyro 2004).
pub(super) fn common_subsequence<T: Eq + Hash>(a: &[T], b: &[T]) -> usize {
    let (a, b, same) = differing(a, b);
    if a.is_empty() || b.is_empty() {
        return same;
    }
    let places = Places::of(a);
    let mut row = vec![u64::MAX; places.none.len()];
    for item in b {
        let mut carry = false;
        for (word, own) in row.iter_mut().zip(places.get(item)) {
            let shared = *word & own;
            let (sum, over) = word.overflowing_add(shared);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            carry = over || over_again;
            *word = sum | (*word - shared);
        }
    }
    let zeros = |word: &u64, bits: usize| {
        let counted = if bits == WORD_BITS {
            u64::MAX
        } else {
            (1 << bits) - 1
        };
        (!word & counted).count_ones() as usize
    };
    let found: usize = row
        .iter()
        .enumerate()
        .map(|(index, word)| zeros(word, (a.len() - index * WORD_BITS).min(WORD_BITS)))
        .sum();
    same + found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The textbook tables: (edit distance, longest common subsequence).
    fn tables(a: &[u8], b: &[u8]) -> (usize, usize) {
        let mut edits: Vec<usize> = (0..=b.len()).collect();
        let mut common = vec![0; b.len() + 1];
        for (row, left) in a.iter().enumerate() {
            let mut before = (std::mem::replace(&mut edits[0], row + 1), 0);
            for (column, right) in b.iter().enumerate() {
                let above = (edits[column + 1], common[column + 1]);
                let same = usize::from(left == right);
                edits[column + 1] = (before.0 + 1 - same)
                    .min(above.0 + 1)
                    .min(edits[column] + 1);
                common[column + 1] = if same == 1 {
                    before.1 + 1
                } else {
                    above.1.max(common[column])
                };
                before = above;
            }
        }
        (edits[b.len()], common[b.len()])
    }

    proptest! {
        #[test]
        fn bits_say_what_the_tables_say(
            a in proptest::collection::vec(0_u8..4, 0..200),
            b in proptest::collection::vec(0_u8..4, 0..200),
        ) {
            prop_assert_eq!((levenshtein(&a, &b), common_subsequence(&a, &b)), tables(&a, &b));
        }

        #[test]
        fn a_changed_copy_is_as_far_as_the_tables_say(
            a in proptest::collection::vec(0_u8..20, 60..300),
            changes in proptest::collection::vec((0_usize..300, 0_u8..20, 0_u8..3), 0..8),
        ) {
            let mut b = a.clone();
            for (place, item, kind) in changes {
                let place = place % b.len().max(1);
                match kind {
                    0 => b.insert(place, item),
                    1 if b.len() > place => { b.remove(place); }
                    _ => if let Some(own) = b.get_mut(place) { *own = item },
                }
            }
            prop_assert_eq!((levenshtein(&a, &b), common_subsequence(&a, &b)), tables(&a, &b));
        }
    }

    #[test]
    fn known_distances() {
        let of = |a: &str, b: &str| levenshtein(a.as_bytes(), b.as_bytes());
        assert_eq!(
            (of("kitten", "sitting"), of("", "abc"), of("abc", "")),
            (3, 3, 3)
        );
        assert_eq!(common_subsequence(b"the cat sat", b"the mat sat"), 10);
    }
}
