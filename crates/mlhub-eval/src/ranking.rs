//! Row orders: sorting a column once, so that every resample can walk it.
//!
//! Sorting is by an order-preserving integer image of the floats and then by row, hence ties
//! keep row order and the result is the same everywhere, on any number of threads.

use rayon::prelude::*;

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
    pub(crate) fn new(rows: usize, order: Order, value: impl Fn(usize) -> f64 + Sync) -> Self {
        let keyed_row = |row: usize| {
            let key = sort_key(value(row));
            let key = if order == Order::Descending {
                !key
            } else {
                key
            };
            let row = u32::try_from(row).expect("rows are bounded by MAX_ROWS");
            (key, row)
        };
        let rows = (0..rows).into_par_iter().with_min_len(MIN_PARALLEL_ROWS);
        let mut keyed: Vec<Keyed> = rows.clone().map(keyed_row).collect();
        sort(&mut keyed);
        let entry = |place: usize| {
            let (key, row) = keyed[place];
            let is_end = keyed.get(place + 1).is_none_or(|next| next.0 != key);
            if is_end { row | GROUP_END } else { row }
        };
        let entries = rows.map(entry).collect();
        Self { entries }
    }

    /// Rows in order, in parallel.
    pub(crate) fn par_rows(&self) -> impl IndexedParallelIterator<Item = usize> + '_ {
        let entries = self.entries.par_iter().with_min_len(MIN_PARALLEL_ROWS);
        entries.map(|entry| (entry & !GROUP_END) as usize)
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

/// A key and its row.
type Keyed = (u64, u32);

/// Up to so many rows the comparison sort is faster.
const MAX_COMPARED_ROWS: usize = 32;
/// Most bits of the key by which rows are dealt out at once, and their number of buckets.
const MAX_BUCKET_BITS: u32 = 11;
const MAX_BUCKETS: usize = 1 << MAX_BUCKET_BITS;
/// Fewest rows for which another thread is asked.
const MIN_PARALLEL_ROWS: usize = 1 << 14;

/// Sorts by key, then row, on the current thread pool. No two rows are the same, so there is one
/// such order, whatever the threads do.
fn sort(keyed: &mut [Keyed]) {
    if keyed.len() <= MAX_COMPARED_ROWS {
        keyed.sort_unstable();
        return;
    }
    let mut spare = vec![(0, 0); keyed.len()];
    sort_between(keyed, &mut spare, false);
}

/// Sorts what is in `from`; afterwards it is in `other` when `into_other`, else in `from`.
///
/// Rows are dealt into buckets by their leading bits beyond those that all keys share, as many
/// buckets as rows, so that one or two rounds leave a handful of rows in each; keys that crowd
/// get further rounds of their own.
fn sort_between(from: &mut [Keyed], other: &mut [Keyed], into_other: bool) {
    if from.len() <= MAX_COMPARED_ROWS {
        from.sort_unstable();
        if into_other {
            other.copy_from_slice(from);
        }
        return;
    }
    let (mut least, mut greatest) = (u64::MAX, 0);
    for (key, _) in from.iter() {
        least = least.min(*key);
        greatest = greatest.max(*key);
    }
    if least == greatest {
        // Dealing keeps the order of rows, in which they arrive.
        if into_other {
            other.copy_from_slice(from);
        }
        return;
    }
    let bits = from.len().ilog2().min(MAX_BUCKET_BITS);
    let shift = (64 - (greatest - least).leading_zeros()).saturating_sub(bits);
    let mut ends = [0_u32; MAX_BUCKETS];
    let ends = &mut ends[..=((greatest - least) >> shift) as usize];
    deal(from, other, ends, |key| ((key - least) >> shift) as usize);
    if from.len() < MIN_PARALLEL_ROWS {
        for (dealt, spare) in buckets(other, from, ends) {
            sort_between(dealt, spare, !into_other);
        }
        return;
    }
    let buckets: Vec<_> = buckets(other, from, ends).collect();
    buckets
        .into_par_iter()
        .for_each(|(dealt, spare)| sort_between(dealt, spare, !into_other));
}

/// Copies rows to where their bucket is, in the order in which they come, and sets where each
/// bucket ends; `ends` must be 0.
fn deal(from: &[Keyed], to: &mut [Keyed], ends: &mut [u32], bucket: impl Fn(u64) -> usize) {
    for (key, _) in from {
        ends[bucket(*key)] += 1;
    }
    let mut next = 0;
    for place in ends.iter_mut() {
        next += std::mem::replace(place, next);
    }
    for item in from {
        let place = &mut ends[bucket(item.0)];
        to[*place as usize] = *item;
        *place += 1;
    }
}

/// The rows of each bucket that has any, with the same places of the other slice.
fn buckets<'a>(
    mut dealt: &'a mut [Keyed],
    mut spare: &'a mut [Keyed],
    ends: &'a [u32],
) -> impl Iterator<Item = (&'a mut [Keyed], &'a mut [Keyed])> {
    let mut start = 0;
    let all = ends.iter().map(move |end| {
        let rows = (*end - start) as usize;
        start = *end;
        let (bucket, rest) = std::mem::take(&mut dealt).split_at_mut(rows);
        let (same, others) = std::mem::take(&mut spare).split_at_mut(rows);
        (dealt, spare) = (rest, others);
        (bucket, same)
    });
    all.filter(|bucket| !bucket.0.is_empty())
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

    /// More than one thread takes, so that several rounds of buckets are dealt.
    const LARGE_ROWS: usize = 3 * MIN_PARALLEL_ROWS;

    #[test]
    fn large_columns_are_dealt_out() {
        let mut state = 1_u64;
        let values: Vec<f64> = (0..LARGE_ROWS)
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

    /// Half of the values within 1e-300 of each other, and one far away.
    #[test]
    fn values_that_crowd_are_ordered() {
        let values: Vec<f64> = (0..LARGE_ROWS)
            .map(|row| match row % 4 {
                0 | 1 => 1e-303 * (row * 7919 % 977) as f64,
                2 => 0.5,
                _ if row == 7 => 1e300,
                _ => 1.0 / (1 + row * 31 % 1009) as f64,
            })
            .collect();
        check(&values, Order::Ascending);
        check(&values, Order::Descending);
    }
}
