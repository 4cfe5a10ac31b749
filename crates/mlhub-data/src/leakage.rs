//! The leakage guard: rows that occur in more than one part of a split, by exact row hash.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::limits::LEAKED_ROWS_LISTED_MAX;
use crate::row_hashes::RowHashes;

/// Rows shared between two parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct LeakagePair {
    /// One part.
    pub a: String,
    /// The other part.
    pub b: String,
    /// Rows of `b` that also occur in `a`.
    pub shared_rows: u64,
    /// Positions in `b`, from 0, of the first of them.
    pub first_rows_in_b: Vec<u64>,
}

/// All pairs of parts that share rows; empty when none do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct LeakageReport {
    /// Pairs, in order of part names.
    pub pairs: Vec<LeakagePair>,
}

impl LeakageReport {
    /// Whether no two parts share a row.
    pub fn is_clean(&self) -> bool {
        self.pairs.is_empty()
    }
}

/// Finds rows that occur in more than one part. Only exact duplicates count: all columns equal,
/// ids included.
pub fn leakage(parts: &BTreeMap<String, RowHashes>) -> LeakageReport {
    let mut pairs = Vec::new();
    for (position, (a, rows_a)) in parts.iter().enumerate() {
        let in_a: HashSet<u64> = rows_a.as_slice().iter().copied().collect();
        for (b, rows_b) in parts.iter().skip(position + 1) {
            let rows = rows_b.as_slice().iter().enumerate();
            let shared = rows
                .filter(|(_, hash)| in_a.contains(hash))
                .map(|(row, _)| row as u64);
            let shared_rows = shared.clone().count() as u64;
            if shared_rows > 0 {
                let first_rows_in_b = shared.take(LEAKED_ROWS_LISTED_MAX).collect();
                pairs.push(LeakagePair {
                    a: a.clone(),
                    b: b.clone(),
                    shared_rows,
                    first_rows_in_b,
                });
            }
        }
    }
    LeakageReport { pairs }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_rows_are_counted_per_pair() {
        let parts = BTreeMap::from([
            ("train".to_owned(), RowHashes::from_iter([1, 2, 3, 3])),
            ("test".to_owned(), RowHashes::from_iter([9, 3, 1])),
            ("validation".to_owned(), RowHashes::from_iter([7])),
        ]);
        let report = leakage(&parts);
        assert_eq!(
            report.pairs,
            [LeakagePair {
                a: "test".into(),
                b: "train".into(),
                shared_rows: 3,
                first_rows_in_b: vec![0, 2, 3]
            }]
        );
        assert!(!report.is_clean());
        assert!(leakage(&BTreeMap::new()).is_clean());
    }
}
