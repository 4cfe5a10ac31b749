//! Comparing a dataset on disk with what was inspected earlier, and naming what changed.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::files::{FileEntry, fingerprint};
use crate::format::Format;
use crate::inspect::{Inspection, inspect, list_files};
use crate::limits::{CHANGED_ROWS_LISTED_MAX, EXAMPLES_MAX};
use crate::row_hashes::RowHashes;

/// What a dataset version should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Expected {
    /// How it is stored.
    pub format: Format,
    /// Its fingerprint.
    pub fingerprint: String,
    /// Its files.
    pub files: Vec<FileEntry>,
    /// Its row hashes, to name changed rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_hashes: Option<RowHashes>,
}

impl From<&Inspection> for Expected {
    fn from(inspection: &Inspection) -> Self {
        Self {
            format: inspection.format,
            fingerprint: inspection.fingerprint.clone(),
            files: inspection.files.clone(),
            row_hashes: (!inspection.row_hashes.is_empty()).then(|| inspection.row_hashes.clone()),
        }
    }
}

/// How a dataset differs from what was expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[error("{}", self.describe())]
pub struct Changed {
    /// Fingerprint that was expected.
    pub expected_fingerprint: String,
    /// Fingerprint of what is on disk.
    pub found_fingerprint: String,
    /// Files that were not there before.
    pub added: Vec<String>,
    /// Files that are gone.
    pub removed: Vec<String>,
    /// Files whose content is different.
    pub changed: Vec<String>,
    /// Changed rows, where row hashes were given and the file can still be read.
    pub rows: Option<RowChanges>,
    /// Why rows could not be compared: what is on disk is no longer valid.
    pub invalid: Option<String>,
}

/// How the rows differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct RowChanges {
    /// Rows expected.
    pub rows_before: u64,
    /// Rows found.
    pub rows_now: u64,
    /// Rows found that were not expected (as many times as they occur).
    pub rows_added: u64,
    /// Rows expected that were not found.
    pub rows_removed: u64,
    /// Positions, from 0, whose row differs from the expected row there.
    pub changed: u64,
    /// The first of these positions.
    pub first_changed: Vec<u64>,
}

/// Why a dataset could not be confirmed to be as expected.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It differs.
    #[error(transparent)]
    Changed(#[from] Box<Changed>),
    /// It could not be read.
    #[error(transparent)]
    Unreadable(#[from] DataError),
}

/// Checks that a dataset is what `expected` says. Equal bytes are confirmed by hashing alone;
/// only a difference makes it read the rows.
///
/// # Errors
/// [`VerifyError::Changed`] names files and rows that differ; [`VerifyError::Unreadable`] when
/// the path cannot be read.
pub fn verify(path: &Path, expected: &Expected) -> Result<(), VerifyError> {
    let single_file = !expected.format.is_folder();
    let files = list_files(path, expected.format)?;
    let found_fingerprint = fingerprint(&files, single_file);
    if found_fingerprint == expected.fingerprint {
        return Ok(());
    }
    let (added, removed, changed) = compare_files(&expected.files, &files, single_file);
    let mut report = Changed {
        expected_fingerprint: expected.fingerprint.clone(),
        found_fingerprint,
        added,
        removed,
        changed,
        rows: None,
        invalid: None,
    };
    if let Some(before) = &expected.row_hashes {
        match inspect(path, Some(expected.format), &mut |_| {}) {
            Ok(now) => report.rows = Some(compare_rows(before, &now.row_hashes)),
            Err(error) => report.invalid = Some(error.to_string()),
        }
    }
    Err(Box::new(report).into())
}

type Names = Vec<String>;

fn compare_files(
    before: &[FileEntry],
    now: &[FileEntry],
    single_file: bool,
) -> (Names, Names, Names) {
    if single_file {
        return (
            Vec::new(),
            Vec::new(),
            now.iter().map(|file| file.path.clone()).collect(),
        );
    }
    let index = |files: &[FileEntry]| -> BTreeMap<String, (u64, String)> {
        files
            .iter()
            .map(|file| (file.path.clone(), (file.size_bytes, file.hash.clone())))
            .collect()
    };
    let (before, now) = (index(before), index(now));
    let added = now
        .keys()
        .filter(|path| !before.contains_key(*path))
        .cloned()
        .collect();
    let removed = before
        .keys()
        .filter(|path| !now.contains_key(*path))
        .cloned()
        .collect();
    let changed = now
        .iter()
        .filter(|(path, content)| before.get(*path).is_some_and(|old| old != *content))
        .map(|(path, _)| path.clone())
        .collect();
    (added, removed, changed)
}

fn compare_rows(before: &RowHashes, now: &RowHashes) -> RowChanges {
    let (before, now) = (before.as_slice(), now.as_slice());
    let mut balance: HashMap<u64, i64> = HashMap::new();
    before
        .iter()
        .for_each(|hash| *balance.entry(*hash).or_default() -= 1);
    now.iter()
        .for_each(|hash| *balance.entry(*hash).or_default() += 1);
    let added: i64 = balance.values().filter(|count| **count > 0).sum();
    let removed: i64 = balance
        .values()
        .filter(|count| **count < 0)
        .map(|count| -count)
        .sum();
    let longest = before.len().max(now.len());
    let differs = (0..longest).filter(|&row| before.get(row) != now.get(row));
    RowChanges {
        rows_before: before.len() as u64,
        rows_now: now.len() as u64,
        rows_added: added.unsigned_abs(),
        rows_removed: removed.unsigned_abs(),
        changed: differs.clone().count() as u64,
        first_changed: differs
            .take(CHANGED_ROWS_LISTED_MAX)
            .map(|row| row as u64)
            .collect(),
    }
}

impl Changed {
    fn describe(&self) -> String {
        let mut parts = Vec::new();
        for (verb, names) in [
            ("changed", &self.changed),
            ("added", &self.added),
            ("removed", &self.removed),
        ] {
            if !names.is_empty() {
                let mut listed: Names = names
                    .iter()
                    .take(EXAMPLES_MAX)
                    .map(|name| format!("`{name}`"))
                    .collect();
                if names.len() > EXAMPLES_MAX {
                    listed.push(format!("and {} more", names.len() - EXAMPLES_MAX));
                }
                parts.push(format!("{verb} {}", listed.join(", ")));
            }
        }
        if let Some(rows) = &self.rows {
            parts.push(rows.to_string());
        }
        if let Some(problem) = &self.invalid {
            parts.push(format!("and what is on disk is no longer valid: {problem}"));
        }
        if parts.is_empty() {
            parts.push("the list of files expected is not complete".to_owned());
        }
        format!(
            "the dataset changed since it was registered: {} (fingerprint {}, expected {}); restore it, or register it again as a new version",
            parts.join("; "),
            self.found_fingerprint,
            self.expected_fingerprint
        )
    }
}

impl fmt::Display for RowChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changed == 0 {
            return write!(f, "all {} rows hold the same values", self.rows_now);
        }
        let first: Names = self
            .first_changed
            .iter()
            .take(EXAMPLES_MAX)
            .map(u64::to_string)
            .collect();
        write!(
            f,
            "{} row(s) differ, first {} (counted from 0)",
            self.changed,
            first.join(", ")
        )?;
        write!(f, ", {} new, {} gone", self.rows_added, self.rows_removed)?;
        if self.rows_before != self.rows_now {
            write!(
                f,
                ", {} rows where {} were expected",
                self.rows_now, self.rows_before
            )?;
        }
        Ok(())
    }
}
