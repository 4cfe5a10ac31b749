//! Row orders: sorting a column once, so that every resample can walk it.
//!
//! Sorting is a stable radix sort on an order-preserving integer image of the
//! floats, hence ties keep row order and the result is the same everywhere.

/// Marks the last row of a group of equal values in a [`Ranking`] entry. Row
/// numbers stay below it: `MAX_ROWS` is 2^31 - 1.
const GROUP_END: u32 = 1 << 31;

/// Rows in the order of a column, with the ends of groups of equal values.
pub(crate) struct Ranking {
    entries: Vec<u32>,
}

/// Which end of a column comes first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

impl Ranking {
    /// Sorts `rows` values; `value` must not return NaN.
    pub(crate) fn new(rows: usize, order: Order, value: impl Fn(usize) -> f64) -> Self {
        let mut keyed: Vec<(u64, u32)> = (0..rows)
            .map(|row| {
                let key = sort_key(value(row));
                let key = if order == Order::Descending {
                    !key
                } else {
                    key
                };
                (
                    key,
                    u32::try_from(row).expect("rows are bounded by MAX_ROWS"),
                )
            })
            .collect();
        radix_sort(&mut keyed);
        let entries = (0..rows)
            .map(|place| {
                let (key, row) = keyed[place];
                let is_end = place + 1 == rows || keyed[place + 1].0 != key;
                if is_end { row | GROUP_END } else { row }
            })
            .collect();
        Self { entries }
    }

    /// Rows in order, each with whether it ends its group of equal values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, bool)> + '_ {
        self.entries
            .iter()
            .map(|entry| ((entry & !GROUP_END) as usize, entry & GROUP_END != 0))
    }
}

/// An integer that orders as the float does; -0 and 0 are equal.
fn sort_key(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | (1 << 63)
    }
}

/// Below this the comparison sort is faster.
const RADIX_MIN_ROWS: usize = 2048;
const DIGIT_BITS: u32 = 11;
const DIGITS: u32 = 6;
const BUCKETS: usize = 1 << DIGIT_BITS;

/// Stable sort by key; rows arrive in ascending order, so equal keys stay in it.
fn radix_sort(keyed: &mut Vec<(u64, u32)>) {
    if keyed.len() < RADIX_MIN_ROWS {
        keyed.sort_unstable();
        return;
    }
    let mut spare = vec![(0_u64, 0_u32); keyed.len()];
    for digit in 0..DIGITS {
        let bucket = |key: u64| (key >> (digit * DIGIT_BITS)) as usize & (BUCKETS - 1);
        let mut starts = vec![0_usize; BUCKETS];
        for (key, _) in keyed.iter() {
            starts[bucket(*key)] += 1;
        }
        if starts.contains(&keyed.len()) {
            continue;
        }
        let mut next = 0;
        for start in &mut starts {
            next += std::mem::replace(start, next);
        }
        for item in keyed.iter() {
            let place = &mut starts[bucket(item.0)];
            spare[*place] = *item;
            *place += 1;
        }
        std::mem::swap(keyed, &mut spare);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(values: &[f64], order: Order) {
        let ranking = Ranking::new(values.len(), order, |row| values[row]);
        let mut expected: Vec<usize> = (0..values.len()).collect();
        expected.sort_by(|a, b| {
            let by_value = values[*a].partial_cmp(&values[*b]).unwrap();
            let by_value = match order {
                Order::Ascending => by_value,
                Order::Descending => by_value.reverse(),
            };
            by_value.then(a.cmp(b))
        });
        let found: Vec<_> = ranking.iter().collect();
        for (place, (row, is_end)) in found.iter().enumerate() {
            assert_eq!(*row, expected[place]);
            let last = place + 1 == values.len();
            assert_eq!(*is_end, last || values[*row] != values[expected[place + 1]]);
        }
    }

    proptest! {
        #[test]
        fn small_columns(values in proptest::collection::vec(prop_oneof![
            Just(0.0), Just(-0.0), Just(1.0), -1e300..1e300_f64, -1.0..1.0_f64,
        ], 0..60)) {
            check(&values, Order::Ascending);
            check(&values, Order::Descending);
        }
    }

    #[test]
    fn large_columns_take_the_radix_path() {
        let mut state = 1_u64;
        let values: Vec<f64> = (0..RADIX_MIN_ROWS * 2)
            .map(|row| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let value = (state >> 20) as f64 - 8e12;
                if row % 3 == 0 {
                    (value / 1e12).round()
                } else {
                    value * 1e-3
                }
            })
            .collect();
        check(&values, Order::Ascending);
        check(&values, Order::Descending);
    }
}
