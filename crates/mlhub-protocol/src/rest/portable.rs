//! What is said of whole projects that come and go.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a project or archive holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PortableCounts {
    /// Runs.
    pub runs: u64,
    /// Metric points, superseded ones included.
    pub points: u64,
    /// Bytes of captured output.
    pub log_bytes: u64,
    /// Artifacts.
    pub artifacts: u64,
}

/// The content hash of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectHash {
    /// The project.
    pub project: String,
    /// BLAKE3, hex; the same for the same content on every hub, under any name.
    pub content_hash: String,
    /// What was hashed.
    pub counts: PortableCounts,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// The project it went to.
    pub project: String,
    /// The content hash of the archive; the project's when it holds nothing else.
    pub content_hash: String,
    /// What the archive holds.
    pub counts: PortableCounts,
    /// Runs that were stored.
    pub runs_imported: u64,
    /// Runs that were there already, bit for bit.
    pub runs_present: u64,
    /// Blobs that were stored.
    pub blobs_imported: u64,
}
