//! Datasets and their versions, as records; the data itself stays where it is.

use crate::caller::UserId;
use crate::id::Name;
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
