//! What a split is: its specification and its plan. Working it out is [`crate::split_plan`]'s,
//! writing it [`crate::materialise`]'s.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{DataError, Result};
use crate::limits::PARTS_MAX;

/// How a dataset is to be split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SplitSpec {
    /// The parts are files of their own.
    Files {
        /// Path of each part, relative to the dataset's folder (or the folder its file is in).
        files: BTreeMap<String, String>,
    },
    /// Rows stay in the order of the file, and the parts follow each other.
    Ordered {
        /// Fraction of the rows for each part; they sum to 1.
        fractions: BTreeMap<String, f64>,
        /// The parts from the first rows to the last; each of `fractions` once.
        order: Vec<String>,
    },
    /// Rows are dealt out at random.
    Fractions {
        /// Seed of the shuffle.
        seed: u64,
        /// Fraction of the rows for each part; they sum to 1.
        fractions: BTreeMap<String, f64>,
        /// Class column whose distribution every part keeps.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stratify: Option<String>,
        /// Column whose rows with the same value stay in one part.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
    },
}

/// Which rows, or which file, make each part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct SplitPlan {
    /// Row positions (from 0, ascending) of each part; empty when the parts are files.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, Vec<u64>>,
    /// Relative path of each part that is a file of its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// Rows of each part.
    pub counts: BTreeMap<String, u64>,
    /// Hash of the plan: `v1:` and 64 hexadecimal digits.
    pub hash: String,
}

/// Frozen: a change of the construction is a new version.
const PLAN_CONTEXT: &str = "mlhub-data split plan v1";

impl SplitPlan {
    pub(crate) fn of_rows(parts: BTreeMap<String, Vec<u64>>) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(PLAN_CONTEXT);
        hasher.update(b"rows");
        for (name, rows) in &parts {
            text(&mut hasher, name);
            hasher.update(&(rows.len() as u64).to_le_bytes());
            rows.iter().for_each(|row| {
                hasher.update(&row.to_le_bytes());
            });
        }
        let counts = parts
            .iter()
            .map(|(name, rows)| (name.clone(), rows.len() as u64))
            .collect();
        let hash = format!("v1:{}", hasher.finalize().to_hex());
        Self {
            parts,
            files: BTreeMap::new(),
            counts,
            hash,
        }
    }

    /// A plan of files: each with its relative path, fingerprint and number of rows.
    pub(crate) fn of_files(files: BTreeMap<String, (String, String, u64)>) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(PLAN_CONTEXT);
        hasher.update(b"files");
        for (name, (path, fingerprint, _)) in &files {
            text(&mut hasher, name);
            text(&mut hasher, path);
            text(&mut hasher, fingerprint);
        }
        let counts = files
            .iter()
            .map(|(name, (.., rows))| (name.clone(), *rows))
            .collect();
        let hash = format!("v1:{}", hasher.finalize().to_hex());
        let files = files
            .into_iter()
            .map(|(name, (path, ..))| (name, path))
            .collect();
        Self {
            parts: BTreeMap::new(),
            files,
            counts,
            hash,
        }
    }
}

fn text(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
}

/// Part names become file names: letters, digits, `-` and `_`, at most 64.
pub(crate) fn check_part_names<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> Result<()> {
    const NAME_BYTES_MAX: usize = 64;
    if names.len() == 0 || names.len() > PARTS_MAX {
        return Err(DataError::split(format!(
            "{} parts; name 1 to {PARTS_MAX}",
            names.len()
        )));
    }
    for name in names {
        let fits = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(fits) {
            return Err(DataError::split(format!(
                "part name `{}` must be 1 to {NAME_BYTES_MAX} of the characters a-z A-Z 0-9 - _",
                name.escape_default()
            )));
        }
    }
    Ok(())
}
