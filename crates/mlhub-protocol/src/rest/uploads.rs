//! Uploads that resume, content that is there already, inputs of runs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ArtifactView;

/// Begins an upload, or goes on with the caller's unfinished one of the same content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadBegin {
    /// Bytes the content has.
    pub size_bytes: u64,
    /// BLAKE3 of the content, hex; without it the upload cannot be found again
    /// after its id was lost, and the commit must name it.
    #[serde(default)]
    pub hash: Option<String>,
}

/// An upload, or the news that none is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadView {
    /// Its id; absent when the content is here already.
    pub id: Option<String>,
    /// Whether the content is here already: bind it by `POST /runs/{run}/artifacts`.
    pub present: bool,
    /// Bytes the content has.
    pub size_bytes: u64,
    /// Bytes that arrived and are on disk: send from here.
    pub offset: u64,
    /// Bytes one part may have.
    pub part_max_bytes: u64,
    /// When the upload is given up unless bytes arrive, milliseconds since the epoch.
    pub expires_at: Option<i64>,
}

/// Makes a whole upload an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadCommit {
    /// The run's id.
    pub run: String,
    /// The attempt that wrote it, from 1.
    pub attempt: u32,
    /// Its key in the run.
    pub path: String,
    /// artifact, predictions, model, ...; `artifact` when absent.
    #[serde(default)]
    pub kind: Option<String>,
    /// BLAKE3 of the content, hex; needed when none was announced.
    #[serde(default)]
    pub hash: Option<String>,
}

/// How far a commit is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UploadCommitted {
    /// The artifact; absent while its content is still being stored: commit again.
    pub artifact: Option<ArtifactView>,
}

/// Makes content that is here already an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArtifactBind {
    /// The attempt that wrote it, from 1.
    pub attempt: u32,
    /// Its key in the run.
    pub path: String,
    /// artifact, predictions, model, ...; `artifact` when absent.
    #[serde(default)]
    pub kind: Option<String>,
    /// BLAKE3 of the content, hex.
    pub hash: String,
    /// Bytes of the content.
    pub size_bytes: u64,
}

/// Asks which contents are here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlobsQuery {
    /// BLAKE3 of each, hex; 10,000 at most.
    pub hashes: Vec<String>,
}

/// Which contents are here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlobsPresent {
    /// Those of the asked hashes whose content is stored, in the order asked.
    pub hashes: Vec<String>,
}

/// An artifact and the run it is of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactFound {
    /// The run's id.
    pub run: String,
    /// The artifact.
    pub artifact: ArtifactView,
}

/// Artifacts that were looked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactsFound {
    /// Newest first.
    pub artifacts: Vec<ArtifactFound>,
}

/// Notes that a run uses an artifact of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InputAdd {
    /// The run that made the artifact: id or unique prefix.
    pub source_run: String,
    /// The artifact's path in that run.
    pub path: String,
    /// What the using run calls it; its path when absent. The same name again
    /// replaces the note.
    #[serde(default)]
    pub name: Option<String>,
}

/// An artifact a run used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InputView {
    /// The run that used it.
    pub run: String,
    /// What that run calls it.
    pub name: String,
    /// The run that made it; it may be gone.
    pub source_run: Option<String>,
    /// Its path in the run that made it.
    pub source_path: Option<String>,
    /// BLAKE3, hex.
    pub hash: String,
    /// Bytes.
    pub size_bytes: u64,
    /// When its use was noted, milliseconds since the epoch.
    pub used_at: i64,
}

/// Artifacts used, or uses of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InputList {
    /// Inputs of a run by name; uses of an artifact newest first.
    pub inputs: Vec<InputView>,
}
