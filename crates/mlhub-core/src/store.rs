//! The storage traits: one small trait per aggregate.
//!
//! Each method is one transaction; no transaction handle escapes. When a method
//! returns `Ok`, what it wrote is on disk. One contract suite in `mlhub-store`
//! runs on every backend. Paging is by keyset: a row is neither skipped nor
//! repeated while others arrive.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::artifact_version::ArtifactVersionStore;
pub use crate::blob::{BlobEntry, BlobInfo, BlobStore, BlobWriter, UploadStore};
use crate::dataset::{Dataset, DatasetPreview, DatasetSplit, DatasetVersion};
use crate::deletion::DeletionStore;
use crate::document::DocumentStore;
use crate::error::Result;
use crate::evaluation::{AdapterVersion, EvaluatedMetric, EvaluationRecord, StoredDefinition};
use crate::id::{EvaluationId, Name, RunId};
use crate::logged_model::LoggedModelStore;
use crate::metric::{
    AttemptPoints, MetricSummary, Reduction, SeriesKey, SeriesPoints, SeriesView, SeriesWindow,
};
use crate::path::ArtifactPath;
use crate::portable::{PortableItem, PortableScope};
use crate::ports::Timestamp;
use crate::registry::RegistryStore;
use crate::run::{
    Artifact, ArtifactUse, Attempt, AttemptChange, Experiment, ExperimentChange, NewExperiment,
    NewRun, Project, Run, RunRecord,
};
use crate::trace::TraceStore;

/// Projects and experiments.
#[async_trait]
pub trait ProjectStore: Send + Sync {
    /// Makes the project if it does not exist; returns it either way.
    async fn project_ensure(&self, name: &Name, now: Timestamp) -> Result<Project>;
    /// Finds a project.
    async fn project_get(&self, name: &Name) -> Result<Option<Project>>;
    /// All projects, last active first.
    async fn project_list(&self) -> Result<Vec<Project>>;
    /// Changes the description; false when there is no such project.
    async fn project_describe(&self, name: &Name, description: &str) -> Result<bool>;
    /// Experiments of a project, or of all, newest first; deleted ones among them.
    async fn experiment_list(&self, project: Option<&Name>) -> Result<Vec<Experiment>>;
    /// Makes an experiment. `Conflict` when there is one of that name, deleted or not.
    async fn experiment_create(&self, experiment: &NewExperiment) -> Result<Experiment>;
    /// An experiment by its number.
    async fn experiment_get(&self, number: i64) -> Result<Option<Experiment>>;
    /// An experiment by its name.
    async fn experiment_named(&self, project: &Name, name: &Name) -> Result<Option<Experiment>>;
    /// Changes an experiment; its runs follow a new name. Returns it as it is then.
    /// `NotFound`; `Conflict` when another has the name.
    async fn experiment_change(
        &self,
        number: i64,
        change: &ExperimentChange,
        now: Timestamp,
    ) -> Result<Experiment>;
}

/// Runs and their attempts.
#[async_trait]
pub trait RunStore: Send + Sync {
    /// Makes runs with their first attempt, params and tags, all or none; makes
    /// project and experiment as needed. A run id that exists is a conflict.
    async fn run_create(&self, runs: &[NewRun]) -> Result<Vec<Run>>;
    /// Finds a run.
    async fn run_get(&self, id: &RunId) -> Result<Option<Run>>;
    /// Runs whose id starts with `prefix`, at most `limit`.
    async fn run_find(&self, prefix: &str, limit: usize) -> Result<Vec<Run>>;
    /// Runs in the order of creation after `after_seq` (0 for the first), deleted
    /// ones included, at most `limit`.
    async fn run_scan(&self, after_seq: i64, limit: usize) -> Result<Vec<Run>>;
    /// The runs there are among `ids`, deleted ones included, in the order of creation.
    async fn runs_get(&self, ids: &[RunId]) -> Result<Vec<Run>>;
    /// Runs that have not ended, or are lost, on `host` (any host when absent).
    async fn run_unsettled(&self, host: Option<&str>) -> Result<Vec<Run>>;
    /// The snapshot the run was made with.
    async fn run_snapshot(&self, id: &RunId) -> Result<Option<serde_json::Value>>;
    /// Changes name and notes, when given.
    async fn run_rename(&self, id: &RunId, name: Option<&Name>, notes: Option<&str>) -> Result<()>;
    /// Notes that somebody asked the run to stop. Returns whether it was news.
    async fn run_stop_request(&self, id: &RunId) -> Result<bool>;
    /// Adds an attempt in state `Queued` and makes it the run's newest; clears
    /// the stop request, start, end, exit and failure of the run. Points of
    /// earlier attempts beyond `resumed_from_step` leave the summaries.
    async fn attempt_create(
        &self,
        run: &RunId,
        host: Option<&str>,
        resumed_from_step: Option<i64>,
        now: Timestamp,
    ) -> Result<Attempt>;
    /// The attempts of a run, oldest first.
    async fn attempt_list(&self, run: &RunId) -> Result<Vec<Attempt>>;
    /// Applies a change if the attempt is still in its `from` state, to the run as
    /// well when it is the newest attempt. Returns false when the state differed.
    async fn attempt_change(&self, change: &AttemptChange) -> Result<bool>;
    /// Notes that the attempt's supervisor was heard of.
    async fn attempt_heartbeat(&self, run: &RunId, number: u32, now: Timestamp) -> Result<()>;
    /// Params of the runs, by run.
    async fn params(&self, runs: &[RunId]) -> Result<BTreeMap<RunId, BTreeMap<String, String>>>;
    /// Tags of the runs, by run.
    async fn tags(&self, runs: &[RunId]) -> Result<BTreeMap<RunId, BTreeMap<String, String>>>;
    /// Sets tags (`Some`) and removes tags (`None`).
    async fn tags_set(&self, run: &RunId, tags: &BTreeMap<String, Option<String>>) -> Result<()>;
    /// Removes a run and all that hangs on it. Blobs it alone used are listed
    /// in the result, by hash, for the caller to remove.
    async fn run_delete(&self, id: &RunId) -> Result<Vec<String>>;
}

/// A batch of events of one writer of one attempt, covering the bytes
/// `start..end` of that writer's stream.
#[derive(Debug, Clone, PartialEq)]
pub struct IngestBatch {
    /// The run.
    pub run: RunId,
    /// The attempt.
    pub attempt: u32,
    /// The writer's name: one per event file.
    pub writer: String,
    /// First byte covered.
    pub start: u64,
    /// One past the last byte covered.
    pub end: u64,
    /// Metric points by series. A name comes once.
    pub series: Vec<SeriesPoints>,
    /// Params; a param that exists with another value keeps the first value and
    /// is reported in [`IngestOutcome::Stored`].
    pub params: Vec<(String, String)>,
    /// Tags; the last value stays.
    pub tags: Vec<(String, String)>,
    /// Other records.
    pub records: Vec<RunRecord>,
}

impl IngestBatch {
    /// Metric points of all series.
    pub fn point_count(&self) -> usize {
        self.series.iter().map(|series| series.points.len()).sum()
    }
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IngestOutcome {
    /// It is on disk.
    Stored {
        /// Params that kept their earlier, different value.
        params_kept: Vec<String>,
    },
    /// It was on disk already: `end` is at or before the stored offset.
    Duplicate,
    /// `start` is not the stored offset: send from there.
    Misaligned {
        /// The stored offset.
        expected: u64,
    },
}

/// Metric series and the event streams that feed them.
#[async_trait]
pub trait SeriesStore: Send + Sync {
    /// Stores a batch exactly once, all or nothing.
    async fn ingest(&self, batch: IngestBatch) -> Result<IngestOutcome>;
    /// Stored offsets of an attempt, by writer.
    async fn offsets(&self, run: &RunId, attempt: u32) -> Result<BTreeMap<String, u64>>;
    /// Summaries of the visible history of the runs; only names in `names` when given.
    async fn summaries(
        &self,
        runs: &[RunId],
        names: Option<&[String]>,
    ) -> Result<Vec<MetricSummary>>;
    /// All points of one series, by attempt, superseded ones included.
    async fn points(&self, run: &RunId, name: &str) -> Result<Vec<AttemptPoints>>;
    /// Reads a window of each series at one moment, reduced; the answers stand in
    /// the order of `keys`. A series that is not there has no points.
    async fn series_read(
        &self,
        keys: &[SeriesKey],
        window: SeriesWindow,
        reduction: Reduction,
    ) -> Result<Vec<SeriesView>>;
    /// Brings all points into their compressed, final form. Changes no answer;
    /// the store does the same by itself, later.
    async fn series_seal(&self) -> Result<()>;
    /// Records of a run of one kind (or all), oldest first, at most `limit` newest ones.
    async fn records(
        &self,
        run: &RunId,
        kind: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(u32, RunRecord)>>;
    /// All records of one kind of some runs; those of a run oldest first. The caller
    /// bounds how many runs it asks for at once.
    async fn records_of(&self, runs: &[RunId], kind: &str) -> Result<Vec<(RunId, RunRecord)>>;
}

/// What became of a piece of log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogOutcome {
    /// Stored; the stream now ends at this offset.
    Stored(u64),
    /// The piece does not start at or before the stored end: send from there.
    Misaligned(u64),
}

/// Captured output, byte for byte. Of a stream longer than
/// `limits::LOG_HEAD_BYTES` and `limits::LOG_TAIL_BYTES` together, the first and
/// the last part are kept.
#[async_trait]
pub trait LogStore: Send + Sync {
    /// Appends bytes that start at `offset`; bytes already stored are skipped.
    async fn log_append(
        &self,
        run: &RunId,
        attempt: u32,
        stream: &str,
        offset: u64,
        bytes: &[u8],
    ) -> Result<LogOutcome>;
    /// Leaves out what is between the stored end, which must be at or past
    /// `limits::LOG_HEAD_BYTES`, and `to`: the stream goes on there. Of what is
    /// stored only the head stays. Going back is no error and does nothing.
    async fn log_skip(
        &self,
        run: &RunId,
        attempt: u32,
        stream: &str,
        to: u64,
    ) -> Result<LogOutcome>;
    /// Bytes left out of an attempt's streams: from, before.
    async fn log_gaps(&self, run: &RunId, attempt: u32) -> Result<BTreeMap<String, (u64, u64)>>;
    /// Lengths of the streams of an attempt, what was left out included.
    async fn log_sizes(&self, run: &RunId, attempt: u32) -> Result<BTreeMap<String, u64>>;
    /// Bytes from `offset`, at most `limit`; none in a gap, and none across one.
    async fn log_read(
        &self,
        run: &RunId,
        attempt: u32,
        stream: &str,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<u8>>;
}

/// Artifacts as records; their content is in a [`BlobStore`].
#[async_trait]
pub trait ArtifactStore: Send + Sync {
    /// Stores or replaces the record at its path, and numbers it as the next version
    /// of its path in the project, unless the newest has the same content. Returns
    /// the hash of another content that was at the path. `Conflict` when a later
    /// attempt recorded another content there.
    async fn artifact_put(&self, artifact: &Artifact) -> Result<Option<String>>;
    /// Finds one.
    async fn artifact_get(&self, run: &RunId, path: &ArtifactPath) -> Result<Option<Artifact>>;
    /// All of a run, by path.
    async fn artifact_list(&self, run: &RunId) -> Result<Vec<Artifact>>;
    /// Artifacts that match, newest first, at most `limit`.
    async fn artifact_find(&self, query: &ArtifactQuery, limit: usize) -> Result<Vec<Artifact>>;
    /// Notes that a run used an artifact; the same name again replaces the note.
    async fn artifact_use_put(&self, used: &ArtifactUse) -> Result<()>;
    /// What a run used, by name.
    async fn artifact_use_list(&self, run: &RunId) -> Result<Vec<ArtifactUse>>;
    /// Who used this content, newest first, at most `limit`.
    async fn artifact_users(&self, hash: &str, limit: usize) -> Result<Vec<ArtifactUse>>;
}

/// Which artifacts are looked for; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArtifactQuery {
    /// Only this content.
    pub hash: Option<String>,
    /// Only runs of this project.
    pub project: Option<Name>,
    /// Only runs with this id or this name.
    pub run: Option<String>,
    /// Only this path.
    pub path: Option<ArtifactPath>,
}

/// Datasets, versions and splits, as records.
#[async_trait]
pub trait DatasetStore: Send + Sync {
    /// Registers a version; the same fingerprint returns the version it has.
    /// `version.version` is ignored. The description replaces the stored one when not empty.
    async fn dataset_put(
        &self,
        version: &DatasetVersion,
        description: &str,
    ) -> Result<DatasetVersion>;
    /// All datasets by name.
    async fn dataset_list(&self) -> Result<Vec<Dataset>>;
    /// A version, or the newest.
    async fn dataset_get(
        &self,
        name: &Name,
        version: Option<u32>,
    ) -> Result<Option<DatasetVersion>>;
    /// All versions of a dataset, newest first.
    async fn dataset_versions(&self, name: &Name) -> Result<Vec<DatasetVersion>>;
    /// Removes a version with its splits, and the dataset with its last version.
    /// `NotFound`; `Conflict` naming runs that refer to it, deleted ones included.
    async fn dataset_version_remove(&self, name: &Name, version: u32) -> Result<()>;
    /// Stores the preview of a version, in place of the one it has. `NotFound` when
    /// the version is not there.
    async fn dataset_preview_put(
        &self,
        name: &Name,
        version: u32,
        preview: &DatasetPreview,
    ) -> Result<()>;
    /// The preview of a version, when it has one.
    async fn dataset_preview_get(
        &self,
        name: &Name,
        version: u32,
    ) -> Result<Option<DatasetPreview>>;
    /// Removes the preview of a version; false when it has none.
    async fn dataset_preview_remove(&self, name: &Name, version: u32) -> Result<bool>;
    /// Stores a split; the same hash is stored once.
    async fn split_put(&self, split: &DatasetSplit) -> Result<()>;
    /// Records that the shared rows of one part of a split are accepted, in place of what was
    /// recorded before; `None` when there is no such split.
    async fn split_accept(
        &self,
        name: &Name,
        version: u32,
        hash: &str,
        part: &str,
        acceptance: &serde_json::Value,
    ) -> Result<Option<DatasetSplit>>;
    /// Splits of a version.
    async fn split_list(&self, name: &Name, version: u32) -> Result<Vec<DatasetSplit>>;
}

/// Evaluations and metric definitions.
#[async_trait]
pub trait EvaluationStore: Send + Sync {
    /// Stores a new evaluation in state `Pending`, replacing an earlier one of
    /// the same run and split.
    async fn evaluation_put(&self, evaluation: &EvaluationRecord) -> Result<()>;
    /// Pending evaluations, oldest first.
    async fn evaluation_pending(&self, limit: usize) -> Result<Vec<EvaluationRecord>>;
    /// Stores the end of a pending evaluation (state, message, result, curves,
    /// ended_at from `evaluation`) and its numbers, in one transaction. Returns
    /// false when it was not pending any more.
    async fn evaluation_end(
        &self,
        evaluation: &EvaluationRecord,
        metrics: &[EvaluatedMetric],
    ) -> Result<bool>;
    /// One evaluation with everything.
    async fn evaluation_get(&self, id: &EvaluationId) -> Result<Option<EvaluationRecord>>;
    /// Evaluations of the runs, without curves.
    async fn evaluation_list(&self, runs: &[RunId]) -> Result<Vec<EvaluationRecord>>;
    /// Evaluated numbers of the runs.
    async fn evaluated_metrics(&self, runs: &[RunId]) -> Result<Vec<EvaluatedMetric>>;
    /// Runs with a number of this definition, the newest first, at most `limit`.
    async fn evaluated_by(&self, definition: &str, limit: usize) -> Result<Vec<RunId>>;
    /// Stores definitions, all or none; a conflict when an id exists with another hash.
    async fn definitions_put(&self, definitions: &[StoredDefinition]) -> Result<()>;
    /// All stored definitions.
    async fn definition_list(&self) -> Result<Vec<StoredDefinition>>;
}

/// Adapter versions the hub has seen.
#[async_trait]
pub trait AdapterStore: Send + Sync {
    /// Stores a version seen for the first time; the first content stays.
    async fn adapter_put(&self, adapter: &AdapterVersion) -> Result<()>;
    /// All versions seen, by name, then newest first.
    async fn adapter_list(&self) -> Result<Vec<AdapterVersion>>;
}

/// Receives what a [`PortableStore`] reads.
#[async_trait]
pub trait PortableSink: Send + Sync {
    /// Takes the next item; an error ends the reading with it.
    async fn put(&self, item: PortableItem) -> Result<()>;
}

/// Items to be stored, readable from the start as often as a transaction has to
/// be tried. Reading may block for as long as a local file does.
pub trait PortableSource: Send + Sync {
    /// Starts from the first item.
    fn items(&self) -> Result<Box<dyn Iterator<Item = Result<PortableItem>> + Send + '_>>;
}

/// Hex digits of a blob's hash.
pub const BLOB_HASH_DIGITS: usize = 64;

/// A copy of a database as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseCopy {
    /// The version of its schema.
    pub schema_version: i64,
    /// Projects in it.
    pub projects: u64,
    /// Runs in it.
    pub runs: u64,
    /// The blobs its records name, by hash, each once.
    pub blobs: Vec<BlobInfo>,
}

/// Everything in bulk, independent of row numbers and storage layout.
#[async_trait]
pub trait PortableStore: Send + Sync {
    /// Hands every item of `scope` to `sink`, in the order of
    /// [`crate::portable`], from one snapshot of the database. `NotFound` for a
    /// project or run that does not exist.
    async fn portable_read(&self, scope: &PortableScope, sink: Arc<dyn PortableSink>)
    -> Result<()>;
    /// Stores the items in one transaction, all or none. Shared items, projects,
    /// experiments and documents that exist stay as they are; a shared item that exists
    /// with another identity, a run or an evaluation that exists is a `Conflict`
    /// naming it. Runs go to the project of the last project line.
    async fn portable_write(&self, source: Arc<dyn PortableSource>) -> Result<()>;
    /// Copies the database into a new file at `path` (of the hub's own, never a
    /// client's) as it was at one moment, while it goes on being written. `None`
    /// when it is not a file.
    async fn database_copy(&self, path: &std::path::Path) -> Result<Option<DatabaseCopy>>;
}

/// Everything a hub needs to remember.
pub trait Store:
    ProjectStore
    + RunStore
    + SeriesStore
    + LogStore
    + ArtifactStore
    + ArtifactVersionStore
    + DatasetStore
    + EvaluationStore
    + AdapterStore
    + PortableStore
    + DeletionStore
    + DocumentStore
    + RegistryStore
    + LoggedModelStore
    + TraceStore
{
}

impl<T> Store for T where
    T: ProjectStore
        + RunStore
        + SeriesStore
        + LogStore
        + ArtifactStore
        + ArtifactVersionStore
        + DatasetStore
        + EvaluationStore
        + AdapterStore
        + PortableStore
        + DeletionStore
        + DocumentStore
        + RegistryStore
        + LoggedModelStore
        + TraceStore
{
}
