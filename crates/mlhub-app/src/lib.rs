//! The use cases of the hub: the only place with rules.
//!
//! Every call takes the [`Caller`]; every face (native API, compatible APIs,
//! command line) calls the same functions, so they cannot disagree. This crate
//! knows no HTTP and no SQL, opens no path a client named, and starts no
//! process. Background work (evaluation) is driven by [`Hub::evaluate_pending`].

mod adapters;
mod artifact_removal;
mod artifacts;
mod attempts;
mod attribution;
mod blob_reader;
mod client_deletion;
mod client_histories;
mod client_runs;
mod compare;
mod cursor;
mod custom_metrics;
mod datasets;
mod deletion;
mod deletion_request;
mod doctor;
mod documents;
mod evaluation;
mod experiments;
mod folders;
mod gate;
mod glob;
mod history;
mod inputs;
mod kept;
mod launches;
mod leaderboard;
mod leakage;
mod live;
mod log_search;
mod logged_models;
mod logs;
mod model_export;
mod models;
mod outdated;
mod paired;
pub mod portable;
mod predictions;
mod receipt;
mod registry;
mod reproduction;
mod retention;
mod run_index;
mod run_inputs;
mod run_search;
mod runs;
mod series;
mod significance;
mod slices;
mod traces;
mod uploads;
mod validate;
mod versions;

use std::path::PathBuf;
use std::sync::Arc;

use mlhub_core::deletion::{HubDisk, NoDisk};
use mlhub_core::store::{BlobStore, Store};
use mlhub_core::{Clock, Entropy, limits};

pub use adapters::{AdapterCatalog, AdapterDescription};
pub use artifacts::{ArtifactContent, ArtifactUpload};
pub use attempts::{AttemptStanding, FinishReport, PredictionsShipped, StoredOffsets};
pub use attribution::{
    Attribution, Cause, PackageChange, PartDifference, RunPart, code_folder, data_paths,
    package_changes, part_differences,
};
pub use blob_reader::BlobReader;
pub use client_deletion::RAN_WHEN_DELETED_TAG;
pub use client_runs::{ClientChange, ClientLog};
pub use compare::{
    Comparison, ConfigDifference, GroupStatistics, MetricComparison, SeedStatistics,
};
pub use custom_metrics::{CustomMetrics, CustomValue, KnownDefinition, NoCustomMetrics};
pub use datasets::DatasetOverview;
pub use deletion_request::{DeletionItem, DeletionReport, DeletionRequest};
pub use doctor::{DoctorFinding, DoctorKind, DoctorReport};
pub use documents::DocumentDraft;
pub use evaluation::{EvaluationWork, direction_of};
pub use history::{History, HistoryBatch, HistoryRequest};
pub use inputs::ArtifactSearch;
pub use launches::{ExperimentLauncher, LaunchReview, NoLauncher};
pub use leaderboard::{AgainstFirst, Board, BoardEntry, Leaderboard, LeaderboardRequest};
pub use live::{LiveEvent, LiveFeed, LiveSubscription, RunChange};
pub use log_search::{LogMatch, LogMatches, LogSearch};
pub use logged_models::{LOGGED_MODEL_TAG, LoggedModelDraft};
pub use logs::{LogBytes, LogRange};
pub use mlhub_query::{Statistics as RunStatistics, Value as RunValue};
pub use mlhub_series::Agreement;
pub use model_export::{ExportedModel, ExportedModelFile, ModelExport};
pub use models::{ModelAnswer, ModelAnswered, ModelFile, ModelServer, NoModelServer, ServedModel};
pub use outdated::{Outdated, OutdatedMetric};
pub use paired::{Pair, PairRequest, PairedMetric};
pub use receipt::{Receipt, receipt};
pub use registry::{ModelDraft, ModelLineage, ModelStanding, ModelVersionDraft, Promotion};
pub use reproduction::{
    REPRODUCES_TAG, ReproducedMetric, Reproduction, ReproductionVerdict, Reproductions,
    TOLERANCE_DEFAULT,
};
pub use retention::RetentionDraft;
pub use run_inputs::{INPUT_CONTEXT_TAG, INPUT_KIND, RunInput, RunInputTest, RunsOnly};
pub use run_search::{
    RunField, RunFields, RunFilter, RunFound, RunGroupFound, RunListRequest, RunRowPage,
    RunSearchHint, RunSearchRequest, RunsFound,
};
pub use runs::{RunCreation, RunDraft, RunOverview, RunRow};
pub use series::{MetricDisplay, Series, SeriesRequest};
pub use significance::{MetricTest, Verdict};
pub use slices::{SliceMetric, StoredSlice};
pub use uploads::{ArtifactPlace, UploadBegun, UploadCommit};
pub use versions::{VersionContent, VersionPage};

/// The hub: everything the use cases work with.
pub struct Hub {
    store: Arc<dyn Store>,
    blobs: Arc<dyn BlobStore>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    catalog: Arc<dyn AdapterCatalog>,
    /// Runs the programs of trained models.
    models: Arc<dyn ModelServer>,
    /// Starts experiments.
    launcher: Arc<dyn ExperimentLauncher>,
    /// Runs the programs of metrics that adapters define.
    custom_metrics: Arc<dyn CustomMetrics>,
    live: Arc<LiveFeed>,
    run_index: run_index::RunIndex,
    evaluation_wanted: tokio::sync::Notify,
    /// Read by uploads while they record a blob, written by deletes while they
    /// remove blobs: a blob that is just being recorded is not removed.
    blobs_in_use: Arc<tokio::sync::RwLock<()>>,
    checked: Arc<blob_reader::Checked>,
    commits: Arc<uploads::Commits>,
    /// Whether exports, backups and imports need blobs to stay.
    blobs_kept: kept::Kept,
    /// Bounds exports, imports, backups and content hashes.
    portable_reads: Arc<tokio::sync::Semaphore>,
    /// How many of them exports and content hashes may take.
    portable_exports: Arc<tokio::sync::Semaphore>,
    /// For temporary files.
    scratch: PathBuf,
    /// What is beside the store on the hub's machine.
    disk: Arc<dyn HubDisk>,
    /// Held while runs are removed for good: one after the other.
    deleting: tokio::sync::Mutex<()>,
    /// Held while two runs are tested row by row, which takes all the time there is.
    pairing: tokio::sync::Mutex<()>,
    /// Held while a leaderboard is put together, which reads a lot.
    ranking: tokio::sync::Mutex<()>,
    /// What is remembered of runs that their clients drive.
    clients: client_runs::Clients,
}

impl Hub {
    /// Puts a hub together from its parts.
    pub fn new(
        store: Arc<dyn Store>,
        blobs: Arc<dyn BlobStore>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        catalog: Arc<dyn AdapterCatalog>,
    ) -> Self {
        Self {
            store,
            blobs,
            live: Arc::new(LiveFeed::starting_at(clock.now())),
            run_index: run_index::RunIndex::default(),
            clock,
            entropy,
            catalog,
            models: Arc::new(NoModelServer),
            launcher: Arc::new(NoLauncher),
            custom_metrics: Arc::new(NoCustomMetrics),
            evaluation_wanted: tokio::sync::Notify::new(),
            blobs_in_use: Arc::default(),
            checked: Arc::default(),
            commits: Arc::default(),
            blobs_kept: kept::Kept::default(),
            portable_reads: Arc::new(tokio::sync::Semaphore::new(limits::PORTABLE_AT_ONCE_MAX)),
            portable_exports: Arc::new(tokio::sync::Semaphore::new(limits::EXPORTS_AT_ONCE_MAX)),
            scratch: std::env::temp_dir(),
            disk: Arc::new(NoDisk),
            deleting: tokio::sync::Mutex::new(()),
            pairing: tokio::sync::Mutex::new(()),
            ranking: tokio::sync::Mutex::new(()),
            clients: client_runs::Clients::default(),
        }
    }

    /// Puts temporary files (archives under way) into this existing folder
    /// instead of the system's own.
    #[must_use]
    pub fn with_scratch(mut self, folder: PathBuf) -> Self {
        self.scratch = folder;
        self
    }

    /// Gives the hub the files it owns beside the store.
    #[must_use]
    pub fn with_disk(mut self, disk: Arc<dyn HubDisk>) -> Self {
        self.disk = disk;
        self
    }

    /// Gives the hub what runs the programs of trained models.
    #[must_use]
    pub fn with_models(mut self, models: Arc<dyn ModelServer>) -> Self {
        self.models = models;
        self
    }

    /// Gives the hub what starts experiments.
    #[must_use]
    pub fn with_launcher(mut self, launcher: Arc<dyn ExperimentLauncher>) -> Self {
        self.launcher = launcher;
        self
    }

    /// Gives the hub what computes the metrics that adapters define.
    #[must_use]
    pub fn with_custom_metrics(mut self, metrics: Arc<dyn CustomMetrics>) -> Self {
        self.custom_metrics = metrics;
        self
    }

    /// What changes while one watches.
    pub fn live(&self) -> &LiveFeed {
        &self.live
    }
}
