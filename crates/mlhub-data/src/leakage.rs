//! The leakage guard: rows that occur in more than one part of a split, by exact row hash.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Result, display};

use crate::format::Format;
use crate::limits::LEAKED_ROWS_LISTED_MAX;
use crate::row_hashes::RowHashes;
use crate::rows::{Cell, ColumnHead, Row, RowHasher, RowSink};

/// The part that is trained on: what it shares with another is what leaks into that one.
const TRAINED_ON: &str = "train";

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
    /// Their ids, where rows have names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first_ids_in_b: Vec<String>,
}

/// All pairs of parts that share rows; empty when none do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct LeakageReport {
    /// Pairs, in order of part names, the part that is trained on before all others.
    pub pairs: Vec<LeakagePair>,
}

impl LeakageReport {
    /// Whether no two parts share a row.
    pub fn is_clean(&self) -> bool {
        self.pairs.is_empty()
    }
}

/// Hashes of the rows without one column, such as the one that names them: the same example
/// under two names is still the same. `None` for formats that have no columns to leave out.
///
/// # Errors
/// The file cannot be read.
pub fn content_hashes(path: &Path, format: Format, without: &str) -> Result<Option<RowHashes>> {
    if !matches!(format, Format::Csv | Format::Jsonl | Format::Parquet) {
        return Ok(None);
    }
    let mut content = Content {
        without,
        place: None,
        hasher: RowHasher::new(),
        hashes: RowHashes::default(),
    };
    crate::rows::read(path, &display(path), format, &mut content)?;
    Ok(Some(content.hashes))
}

struct Content<'a> {
    without: &'a str,
    place: Option<usize>,
    hasher: RowHasher,
    hashes: RowHashes,
}

impl RowSink for Content<'_> {
    fn columns(&mut self, columns: &[ColumnHead]) -> Result<()> {
        self.place = columns.iter().position(|head| head.name == self.without);
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<()> {
        let cells = row.cells.iter().enumerate();
        let kept: Vec<Cell<'_>> = cells
            .filter(|(place, _)| Some(*place) != self.place)
            .map(|(_, cell)| *cell)
            .collect();
        self.hashes.push(self.hasher.cells(&kept));
        Ok(())
    }
}

/// Finds rows that occur in more than one part, by the hashes that are handed in: of whole rows
/// all columns must be equal, of [`content_hashes`] all but one.
pub fn leakage(parts: &BTreeMap<String, RowHashes>) -> LeakageReport {
    let mut pairs = Vec::new();
    let mut ordered: Vec<(&String, &RowHashes)> = parts.iter().collect();
    ordered.sort_by_key(|(name, _)| name.as_str() != TRAINED_ON);
    for (position, (a, rows_a)) in ordered.iter().copied().enumerate() {
        let in_a: HashSet<u64> = rows_a.as_slice().iter().copied().collect();
        for (b, rows_b) in ordered.iter().copied().skip(position + 1) {
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
                    first_ids_in_b: Vec::new(),
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
                a: "train".into(),
                b: "test".into(),
                shared_rows: 2,
                first_rows_in_b: vec![1, 2],
                first_ids_in_b: vec![],
            }]
        );
        assert!(!report.is_clean());
        assert!(leakage(&BTreeMap::new()).is_clean());
    }

    #[test]
    fn the_same_example_under_two_names_is_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let part = |name: &str, rows: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("name,x,y\n{rows}")).expect("written");
            let hashes = content_hashes(&path, Format::Csv, "name").expect("read");
            hashes.expect("a table")
        };
        let parts = BTreeMap::from([
            ("train".to_owned(), part("train.csv", "a,1,2\nb,3,4\n")),
            ("test".to_owned(), part("test.csv", "c,5,6\nd,3,4\n")),
        ]);
        let report = leakage(&parts);
        assert_eq!(report.pairs.len(), 1);
        assert_eq!(report.pairs[0].first_rows_in_b, [1]);
        let file = folder.path().join("x.npz");
        assert_eq!(content_hashes(&file, Format::Npz, "name").ok(), Some(None));
    }
}
