//! Kendall's tau-b in O(n log n) per resample: pairs are counted with a Fenwick tree
//! over the levels of one column while the other is walked in ascending order (as in
//! W. R. Knight, JASA 61, 1966, with a tree in the place of the merge sort).
//!
//! All counts are integers, so the value does not depend on any order of summation.

use super::Scratch;
use crate::ranking::Ranking;
use crate::weights::RowWeights;

/// The level of each row: how many different smaller values there are.
pub(super) fn levels(ranking: &Ranking, rows: usize) -> Vec<u32> {
    let mut levels = vec![0; rows];
    let mut level = 0;
    for (row, ends_group) in ranking.iter() {
        levels[row] = level;
        level += u32::from(ends_group);
    }
    levels
}

/// Tau-b of unweighted rows; NaN when all pairs are tied in one of the columns.
pub(super) fn tau_b<W: RowWeights>(
    by_true: &Ranking,
    pred_levels: &[u32],
    weights: &W,
    scratch: &mut Scratch,
) -> f64 {
    let Scratch { tree, at_level, .. } = scratch;
    for buffer in [&mut *tree, &mut *at_level] {
        buffer.clear();
        buffer.resize(pred_levels.len() + 1, 0);
    }
    let (mut seen, mut concordant, mut discordant) = (0_u64, 0_u64, 0_u64);
    let (mut group_rows, mut true_ties) = (0_u64, 0_u64);
    let mut group: Vec<(usize, u32)> = Vec::new();
    for (row, ends_group) in by_true.iter() {
        let count = weights.count(row);
        if count > 0 {
            let level = pred_levels[row] as usize;
            let below = sum_below(tree, level);
            concordant += u64::from(count) * below;
            discordant += u64::from(count) * (seen - below - u64::from(at_level[level]));
            group_rows += u64::from(count);
            group.push((level, count));
        }
        if ends_group {
            for (level, count) in group.drain(..) {
                add(tree, level, count);
                at_level[level] += count;
            }
            seen += group_rows;
            true_ties += pairs(std::mem::take(&mut group_rows));
        }
    }
    let pred_ties: u64 = at_level.iter().map(|count| pairs(u64::from(*count))).sum();
    let (of_true, of_pred) = (pairs(seen) - true_ties, pairs(seen) - pred_ties);
    if of_true == 0 || of_pred == 0 {
        return f64::NAN;
    }
    let surplus = concordant as f64 - discordant as f64;
    (surplus / (of_true as f64).sqrt() / (of_pred as f64).sqrt()).clamp(-1.0, 1.0)
}

fn pairs(rows: u64) -> u64 {
    rows * rows.saturating_sub(1) / 2
}

/// Sum of the counts of all levels below one.
fn sum_below(tree: &[u32], level: usize) -> u64 {
    let mut sum = 0;
    let mut node = level;
    while node > 0 {
        sum += u64::from(tree[node]);
        node &= node - 1;
    }
    sum
}

fn add(tree: &mut [u32], level: usize, count: u32) {
    let mut node = level + 1;
    while let Some(sum) = tree.get_mut(node) {
        *sum += count;
        node += node & node.wrapping_neg();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::Order;
    use crate::weights::{Counted, Unit};
    use proptest::prelude::*;

    /// Tau-b from all pairs, one by one.
    fn plain(rows: &[(i32, i32)]) -> f64 {
        let (mut surplus, mut of_true, mut of_pred) = (0, 0, 0);
        for (place, a) in rows.iter().enumerate() {
            for b in &rows[place + 1..] {
                let (left, right) = ((a.0 - b.0).signum(), (a.1 - b.1).signum());
                surplus += left * right;
                of_true += left.abs();
                of_pred += right.abs();
            }
        }
        f64::from(surplus) / f64::from(of_true).sqrt() / f64::from(of_pred).sqrt()
    }

    fn found(rows: &[(i32, i32)], weights: &impl RowWeights) -> f64 {
        let ranked = |value: &(dyn Fn(usize) -> i32 + Sync)| {
            Ranking::new(rows.len(), Order::Ascending, |row| f64::from(value(row)))
        };
        let levels = levels(&ranked(&|row| rows[row].1), rows.len());
        let by_true = ranked(&|row| rows[row].0);
        tau_b(&by_true, &levels, weights, &mut Scratch::default())
    }

    fn same(left: f64, right: f64) -> bool {
        (left - right).abs() <= 1e-14 || (left.is_nan() && right.is_nan())
    }

    proptest! {
        #[test]
        fn pairs_are_counted(rows in proptest::collection::vec((0..9_i32, 0..9_i32), 1..50)) {
            prop_assert!(same(found(&rows, &Unit), plain(&rows)));
        }

        #[test]
        fn a_row_counts_as_often_as_it_is_drawn(
            rows in proptest::collection::vec((0..5_i32, 0..5_i32, 0_u32..4), 1..30),
        ) {
            let counts: Vec<u8> = rows.iter().map(|row| row.2 as u8).collect();
            let copied: Vec<_> = rows
                .iter()
                .flat_map(|row| std::iter::repeat_n((row.0, row.1), row.2 as usize))
                .collect();
            let rows: Vec<_> = rows.iter().map(|row| (row.0, row.1)).collect();
            prop_assert!(same(found(&rows, &Counted(&counts)), plain(&copied)));
        }
    }
}
