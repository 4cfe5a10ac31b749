//! Datasets and their versions, as records; the data itself stays where it is.

use crate::caller::UserId;
use crate::error::{Error, Result};
use crate::id::Name;
use crate::limits;
use crate::ports::Timestamp;

/// A registered dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Its name, unique in the hub.
    pub name: Name,
    /// Free text: what it is, source, licence.
    pub description: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// The newest version's number.
    pub latest_version: u32,
}

/// One content of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetVersion {
    /// The dataset.
    pub dataset: Name,
    /// Its number, from 1; the same fingerprint is the same version.
    pub version: u32,
    /// The content fingerprint.
    pub fingerprint: String,
    /// The format's name.
    pub format: String,
    /// Where it was registered from: inert text, never opened by the hub.
    pub source: String,
    /// Rows, for tabular formats.
    pub rows: Option<u64>,
    /// Size of all files.
    pub size_bytes: u64,
    /// Columns, files and statistics, as `mlhub-data` describes them.
    pub inspection: serde_json::Value,
    /// Who registered it.
    pub owner: UserId,
    /// When.
    pub created_at: Timestamp,
}

/// A stored split of a dataset version.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetSplit {
    /// The dataset.
    pub dataset: Name,
    /// The version.
    pub version: u32,
    /// Hash of the plan: which row is in which part.
    pub hash: String,
    /// The specification it was made from.
    pub spec: serde_json::Value,
    /// Part names with row counts and file fingerprints, and the leakage report.
    pub parts: serde_json::Value,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// A few rows of a dataset version, which somebody chose to show.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetPreview {
    /// Names of the columns shown.
    pub columns: Vec<String>,
    /// The first rows: numbers, texts, booleans or nulls, one per column.
    pub rows: Vec<Vec<serde_json::Value>>,
    /// Who chose to show them.
    pub actor: UserId,
    /// When.
    pub created_at: Timestamp,
}

impl DatasetPreview {
    /// Refuses what passes a limit or is no table of plain values.
    ///
    /// # Errors
    /// `Invalid` naming the field; it repeats no value.
    pub fn check(&self) -> Result<()> {
        let bound = |what: &str, found: usize, max: usize| match found {
            found if found <= max => Ok(()),
            _ => Err(Error::invalid(format!(
                "{what} of a preview: {found} are more than the {max} that are kept"
            ))),
        };
        bound("`rows`", self.rows.len(), limits::PREVIEW_ROWS_MAX)?;
        bound("`columns`", self.columns.len(), limits::PREVIEW_COLUMNS_MAX)?;
        let short = |text: &str| text.chars().count() <= limits::PREVIEW_CELL_MAX_CHARS;
        if self.columns.is_empty() || !self.columns.iter().all(|name| short(name)) {
            return Err(Error::invalid(format!(
                "`columns` of a preview: at least one name is needed, of at most {} characters each",
                limits::PREVIEW_CELL_MAX_CHARS
            )));
        }
        for (number, row) in self.rows.iter().enumerate() {
            if row.len() != self.columns.len() {
                return Err(Error::invalid(format!(
                    "`rows[{number}]` of a preview has {} values for {} columns",
                    row.len(),
                    self.columns.len()
                )));
            }
            let plain = |cell: &serde_json::Value| match cell {
                serde_json::Value::String(text) => short(text),
                serde_json::Value::Array(_) | serde_json::Value::Object(_) => false,
                _ => true,
            };
            if let Some(column) = row.iter().position(|cell| !plain(cell)) {
                return Err(Error::invalid(format!(
                    "`rows[{number}][{column}]` of a preview must be a number, a boolean, null or a \
                     text of at most {} characters",
                    limits::PREVIEW_CELL_MAX_CHARS
                )));
            }
        }
        Ok(())
    }
}
