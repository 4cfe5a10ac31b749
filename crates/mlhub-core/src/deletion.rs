//! Deleting: what is to go, what it frees, the ledger, and rules by which it
//! happens by itself.
//!
//! A deleted run is hidden and kept; a purged one is gone. What is removed for
//! good goes through an intent in the ledger, so that a hub killed half way
//! ends it at its next start. Who may delete what is not decided here.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::caller::UserId;
use crate::error::{Error, Result};
use crate::id::{Name, RunId};
use crate::path::ArtifactPath;
use crate::ports::Timestamp;
use crate::run::Run;

/// What is done to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletionAction {
    /// Hidden, and kept until it is restored or purged.
    Delete,
    /// Shown again.
    Restore,
    /// Removed for good, with everything that hangs on it.
    Purge,
    /// Its artifacts are removed for good; the rest stays.
    DropArtifacts,
    /// Its captured output is removed for good; the rest stays.
    DropLogs,
}

impl DeletionAction {
    /// The action's name on every face.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Purge => "purge",
            Self::DropArtifacts => "drop_artifacts",
            Self::DropLogs => "drop_logs",
        }
    }

    /// Whether nothing can bring back what it removes.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Purge | Self::DropArtifacts | Self::DropLogs)
    }
}

impl std::str::FromStr for DeletionAction {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [
            Self::Delete,
            Self::Restore,
            Self::Purge,
            Self::DropArtifacts,
            Self::DropLogs,
        ]
        .into_iter()
        .find(|action| action.as_str() == text)
        .ok_or_else(|| {
            Error::invalid(format!(
                "`{text}` is no deletion: delete, restore, purge, drop_artifacts or drop_logs is expected"
            ))
        })
    }
}

/// What a deletion frees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionSize {
    /// Rows of the database.
    pub row_count: u64,
    /// Bytes of their contents; indexes and page overhead are not counted.
    pub row_bytes: u64,
    /// Contents of artifacts that nothing else uses.
    pub blob_count: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Files of run directories.
    pub file_count: u64,
    /// Their bytes.
    pub file_bytes: u64,
}

impl DeletionSize {
    /// All bytes together.
    pub fn bytes(&self) -> u64 {
        self.row_bytes + self.blob_bytes + self.file_bytes
    }
}

impl std::ops::AddAssign for DeletionSize {
    fn add_assign(&mut self, other: Self) {
        self.row_count += other.row_count;
        self.row_bytes += other.row_bytes;
        self.blob_count += other.blob_count;
        self.blob_bytes += other.blob_bytes;
        self.file_count += other.file_count;
        self.file_bytes += other.file_bytes;
    }
}

/// What begins a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeletion {
    /// What is done.
    pub action: DeletionAction,
    /// To which run.
    pub run: RunId,
    /// Why: `request`, or `retention NAME`.
    pub cause: String,
    /// Who asked for it.
    pub actor: UserId,
    /// Files beside the database that will go.
    pub file_count: u64,
    /// Their bytes.
    pub file_bytes: u64,
    /// When it begins.
    pub now: Timestamp,
}

/// Artifacts of a run that are to be removed for good, the run itself staying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactRemoval {
    /// The run.
    pub run: RunId,
    /// The artifact, or the folder with all below it; all of the run's when absent.
    pub path: Option<ArtifactPath>,
    /// Whether files of logged models go, too; else they stay, wherever they are.
    pub of_models: bool,
    /// Who asked for it.
    pub actor: UserId,
    /// When.
    pub now: Timestamp,
}

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletionRecord {
    /// Its place in the ledger, ascending.
    pub seq: i64,
    /// What was done.
    pub action: DeletionAction,
    /// Why: `request`, `request PATH` where only these artifacts went, or `retention NAME`.
    pub cause: String,
    /// Who asked for it.
    pub actor: UserId,
    /// The run's project.
    pub project: Name,
    /// The run's experiment.
    pub experiment: Name,
    /// The run.
    pub run: RunId,
    /// The run's name.
    pub run_name: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was done; absent while it is under way.
    pub ended_at: Option<Timestamp>,
    /// What it frees.
    pub size: DeletionSize,
}

/// The best runs of each experiment, by a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepBest {
    /// How many.
    pub count: u32,
    /// By what, as the query language names it: `metrics.acc`, `eval.test.accuracy`.
    pub by: String,
    /// What is better.
    pub direction: BestDirection,
}

/// What is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BestDirection {
    /// More.
    Maximize,
    /// Less.
    Minimize,
}

impl BestDirection {
    /// Its name on every face.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Maximize => "maximize",
            Self::Minimize => "minimize",
        }
    }
}

impl std::str::FromStr for BestDirection {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Maximize, Self::Minimize]
            .into_iter()
            .find(|direction| direction.as_str() == text)
            .ok_or_else(|| {
                Error::invalid(format!(
                    "`{text}` is no direction: maximize or minimize is expected"
                ))
            })
    }
}

/// A rule by which the hub deletes by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionRule {
    /// Its name, unique in the hub.
    pub name: Name,
    /// Which runs, in the query language; empty for all.
    pub query: String,
    /// What is done to them.
    pub action: DeletionAction,
    /// Only runs that ended, or for a purge were deleted, at least so long ago.
    pub after_ms: Option<i64>,
    /// The newest runs of each experiment that are left alone.
    pub keep_last: u32,
    /// The best runs of each experiment that are left alone too.
    pub keep_best: Option<KeepBest>,
    /// Who set it.
    pub actor: UserId,
    /// When it was set.
    pub created_at: Timestamp,
    /// When it was last applied.
    pub applied_at: Option<Timestamp>,
}

/// Which runs a deletion may look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeletionScope {
    /// Only this project.
    pub project: Option<Name>,
    /// Only hidden runs, or only shown ones.
    pub deleted: Option<bool>,
}

/// Deletions, their ledger, and retention rules. Each method is one transaction.
#[async_trait]
pub trait DeletionStore: Send + Sync {
    /// Hides the runs (`Delete`) or shows them again (`Restore`), each with a
    /// line in the ledger; those that are so already, or have not ended, are
    /// left alone. Returns the ones that changed.
    async fn run_hide(
        &self,
        runs: &[RunId],
        action: DeletionAction,
        cause: &str,
        actor: &UserId,
        now: Timestamp,
    ) -> Result<Vec<RunId>>;
    /// Ended runs in the scope with a greater `seq`, in that order.
    async fn deletion_candidates(
        &self,
        scope: &DeletionScope,
        after_seq: i64,
        limit: usize,
    ) -> Result<Vec<Run>>;
    /// What removing would free, files left out.
    async fn deletion_measure(&self, run: &RunId, action: DeletionAction) -> Result<DeletionSize>;
    /// Writes the intent to remove for good, with its measure and the blobs it
    /// may free; hides the run if it is a purge. A deletion of the same kind
    /// that is under way is returned instead. `Conflict` unless the run ended.
    async fn deletion_begin(&self, deletion: &NewDeletion) -> Result<DeletionRecord>;
    /// Removes a bounded part of the rows; false when none is left but, for a
    /// purge, those that `run_delete` removes.
    async fn deletion_step(&self, seq: i64) -> Result<bool>;
    /// Blobs of a deletion that nothing uses any more.
    async fn deletion_blobs(&self, seq: i64) -> Result<Vec<String>>;
    /// Removes artifacts, with a line in the ledger if there are any. Returns the
    /// contents that lost a use. `NotFound` for the run; `Conflict` when a version
    /// of a registered model needs one of them, and nothing is removed.
    async fn artifacts_remove(&self, removal: &ArtifactRemoval) -> Result<Vec<String>>;
    /// Marks a deletion done.
    async fn deletion_end(&self, seq: i64, now: Timestamp) -> Result<()>;
    /// Deletions under way, oldest first.
    async fn deletion_open(&self) -> Result<Vec<DeletionRecord>>;
    /// The ledger, newest first, lines with a smaller `seq` than `before`.
    async fn deletion_list(&self, before: Option<i64>, limit: usize)
    -> Result<Vec<DeletionRecord>>;
    /// Removes a project and its experiments; false, and nothing changes, while
    /// a run is in it.
    async fn project_remove(&self, name: &Name) -> Result<bool>;
    /// Those of the hashes that no artifact and no waiting evaluation uses.
    async fn blobs_unused(&self, hashes: &[String]) -> Result<Vec<String>>;
    /// Artifacts in the order of run and path: run, path, hash, size; those
    /// after the given run and path, at most `limit`.
    async fn blobs_used(&self, after: Option<(i64, String)>, limit: usize) -> Result<Vec<BlobUse>>;
    /// What the database says of its own integrity; empty when all is well.
    async fn integrity_check(&self) -> Result<Vec<String>>;
    /// Examines a bounded part of the stored points, those behind a place; from
    /// the beginning, also the rows of the ingest log. One damaged part hides no
    /// other.
    async fn points_check(&self, after: Option<PointsPlace>) -> Result<PointsChecked>;
    /// Sets a rule; one of the same name is replaced.
    async fn retention_put(&self, rule: &RetentionRule) -> Result<()>;
    /// All rules by name.
    async fn retention_list(&self) -> Result<Vec<RetentionRule>>;
    /// Removes a rule; false when there is none.
    async fn retention_remove(&self, name: &Name) -> Result<bool>;
    /// Notes that a rule was applied.
    async fn retention_applied(&self, name: &Name, now: Timestamp) -> Result<()>;
}

/// A place among the stored points, in the order they are examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PointsPlace {
    /// The run's place in creation order.
    pub run_seq: i64,
    /// The number of the metric's name.
    pub label: i64,
    /// The attempt.
    pub attempt: u32,
    /// Index of a point in the attempt's series.
    pub index: u64,
}

/// Stored points that are not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedPoints {
    /// Where.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

/// What an examination of stored points found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PointsChecked {
    /// Series whose first stretch was among the examined.
    pub series: u64,
    /// What is damaged.
    pub damaged: Vec<DamagedPoints>,
    /// Where to go on; none at the end.
    pub next: Option<PointsPlace>,
}

/// An artifact that uses a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobUse {
    /// The run's place in creation order.
    pub run_seq: i64,
    /// The run.
    pub run: RunId,
    /// The artifact's path.
    pub path: String,
    /// BLAKE3 of its content, hex.
    pub hash: String,
    /// Its size.
    pub size_bytes: u64,
}

/// Files of a run beside the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FilesSize {
    /// Regular files and links.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What the hub owns on its machine's disk beside the store. Its calls block.
pub trait HubDisk: Send + Sync {
    /// Measures the run's directory; nothing when it has none here. `Conflict`
    /// while a program runs in it.
    fn run_measure(&self, run: &RunId) -> Result<FilesSize>;
    /// Removes the run's directory without following a link out of it.
    /// `Conflict` while a program runs in it.
    fn run_remove(&self, run: &RunId) -> Result<FilesSize>;
    /// Names of all that lies where run directories are.
    fn run_names(&self) -> Result<Vec<String>>;
    /// Moves what lies at a name among the run directories to `lost+found`;
    /// returns where it is now.
    fn run_set_aside(&self, name: &str) -> Result<String>;
    /// Gives up space held back for deletions on a full disk; false when there
    /// was none.
    fn room_release(&self) -> bool;
    /// Holds space back again, if there is enough.
    fn room_reserve(&self);
}

/// A hub without files of its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDisk;

impl HubDisk for NoDisk {
    fn run_measure(&self, _run: &RunId) -> Result<FilesSize> {
        Ok(FilesSize::default())
    }

    fn run_remove(&self, _run: &RunId) -> Result<FilesSize> {
        Ok(FilesSize::default())
    }

    fn run_names(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn run_set_aside(&self, name: &str) -> Result<String> {
        Err(Error::not_found("run directory", name))
    }

    fn room_release(&self) -> bool {
        false
    }

    fn room_reserve(&self) {}
}
