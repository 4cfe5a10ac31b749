//! The hub under test and short ways to use it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use mlhub_app::{
    AdapterCatalog, AdapterDescription, AttemptStanding, FinishReport, Hub, PredictionsShipped,
    RunCreation, RunDraft,
};
use mlhub_core::metric::{Point, SeriesPoints};
use mlhub_core::store::IngestBatch;
use mlhub_core::{Caller, Clock, Entropy, Result, RunId, RunState, Timestamp};
use mlhub_protocol::rest::{EvaluationPlan, ExpectedSplit, Snapshot};
use mlhub_store::{FolderBlobStore, SqliteStore};

/// Moves one millisecond each time it is read.
struct TickingClock(AtomicI64);

impl Clock for TickingClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

struct CountingEntropy(AtomicU64);

impl Entropy for CountingEntropy {
    fn bytes(&self) -> [u8; 16] {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        let hash = blake3::hash(&count.to_le_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_bytes()[..16]);
        bytes
    }
}

struct NoAdapters;

impl AdapterCatalog for NoAdapters {
    fn describe(&self) -> Vec<AdapterDescription> {
        Vec::new()
    }
}

pub(crate) struct TestHub {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) blobs: FolderBlobStore,
    pub(crate) hub: Arc<Hub>,
    pub(crate) caller: Caller,
    clock: Arc<TickingClock>,
    starts: u64,
}

impl TestHub {
    pub(crate) fn new() -> Self {
        Self::over(tempfile::tempdir().unwrap(), 0)
    }

    fn over(folder: tempfile::TempDir, starts: u64) -> Self {
        let day = 86_400_000 * starts.cast_signed();
        Self::over_at(folder, starts, 1_700_000_000_000 + day)
    }

    fn over_at(folder: tempfile::TempDir, starts: u64, time_ms: i64) -> Self {
        let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
        let blobs = FolderBlobStore::open(folder.path().join("blobs")).unwrap();
        let clock = Arc::new(TickingClock(AtomicI64::new(time_ms)));
        let hub = Arc::new(Hub::new(
            store.clone(),
            Arc::new(blobs.clone()),
            clock.clone(),
            Arc::new(CountingEntropy(AtomicU64::new(starts << 32))),
            Arc::new(NoAdapters),
        ));
        Self {
            folder,
            store,
            blobs,
            hub,
            caller: Caller::local("ann"),
            clock,
            starts,
        }
    }

    /// Another hub over the same open store, which has seen nothing yet.
    pub(crate) fn another(&self) -> Hub {
        Hub::new(
            self.store.clone(),
            Arc::new(FolderBlobStore::open(self.folder.path().join("blobs")).unwrap()),
            Arc::new(TickingClock(AtomicI64::new(1_700_000_000_000))),
            Arc::new(CountingEntropy(AtomicU64::new(7 << 32))),
            Arc::new(NoAdapters),
        )
    }

    /// A new hub over the same folder, as after a restart.
    pub(crate) fn restarted(self) -> Self {
        let Self {
            folder,
            store,
            hub,
            starts,
            ..
        } = self;
        drop((store, hub));
        Self::over(folder, starts + 1)
    }

    /// A new hub over the same folder, as after a restart at a later time.
    pub(crate) fn at(self, time_ms: i64) -> Self {
        let Self {
            folder,
            store,
            hub,
            starts,
            ..
        } = self;
        drop((store, hub));
        Self::over_at(folder, starts + 1, time_ms)
    }

    /// Moves the hub's clock to another time.
    pub(crate) fn jump(&self, time_ms: i64) {
        self.clock.0.store(time_ms, Ordering::Relaxed);
    }

    /// Makes queued runs in one seed group.
    pub(crate) async fn runs(&self, ids: &[&str], snapshot: Snapshot) -> Vec<RunId> {
        let creation = creation(ids, snapshot);
        let rows = self.hub.run_create(&self.caller, creation).await.unwrap();
        rows.into_iter().map(|row| row.run.id).collect()
    }

    pub(crate) async fn run(&self, id: &str) -> RunId {
        self.runs(&[id], Snapshot::default()).await.remove(0)
    }

    /// Makes a run whose first attempt is running.
    pub(crate) async fn running(&self, id: &str, snapshot: Snapshot) -> RunId {
        let run = self.runs(&[id], snapshot).await.remove(0);
        self.start(&run, 1).await.unwrap();
        run
    }

    pub(crate) async fn start(&self, run: &RunId, number: u32) -> Result<AttemptStanding> {
        self.hub
            .attempt_start(&self.caller, run, number, Timestamp(5))
            .await
    }

    pub(crate) async fn end(
        &self,
        run: &RunId,
        number: u32,
        state: RunState,
    ) -> Result<AttemptStanding> {
        let report = report(state, BTreeMap::new());
        self.hub
            .attempt_finish(&self.caller, run, number, report)
            .await
    }

    pub(crate) async fn state(&self, run: &RunId) -> RunState {
        let row = self.hub.run_row(&self.caller, run).await.unwrap();
        row.run.state
    }

    pub(crate) async fn upload(&self, run: &RunId, path: &str, content: &[u8], kind: &str) {
        let mut upload = self
            .hub
            .artifact_upload(&self.caller, run, 1, path.parse().unwrap(), kind, None)
            .await
            .unwrap();
        upload.write(content.to_vec().into()).await.unwrap();
        upload.finish().await.unwrap();
    }

    /// Uploads predictions for the split `test` and finishes the run.
    pub(crate) async fn predict(&self, run: &RunId, path: &str, content: &[u8]) {
        let split = ("test".to_owned(), path.to_owned());
        self.predict_all(run, &[split], content).await;
    }

    /// Uploads the same predictions for several splits, each at its path, and finishes the run.
    pub(crate) async fn predict_all(
        &self,
        run: &RunId,
        splits: &[(String, String)],
        content: &[u8],
    ) {
        let mut all = BTreeMap::new();
        for (split, path) in splits {
            self.upload(run, path, content, "predictions").await;
            let shipped = PredictionsShipped {
                path: path.parse().unwrap(),
                task: None,
            };
            all.insert(split.clone(), shipped);
        }
        let report = report(RunState::Finished, all);
        self.hub
            .attempt_finish(&self.caller, run, 1, report)
            .await
            .unwrap();
    }

    /// Logs values of one metric, one step each, from `from` on.
    pub(crate) async fn log(&self, run: &RunId, attempt: u32, from: i64, values: &[f64]) {
        let points = values
            .iter()
            .zip(from..)
            .map(|(value, step)| Point {
                step,
                time: Timestamp(step),
                value: *value,
            })
            .collect();
        let points = vec![SeriesPoints {
            name: "loss".to_owned(),
            points,
        }];
        let batch = batch(run, attempt, points);
        self.hub.attempt_events(&self.caller, batch).await.unwrap();
    }
}

pub(crate) fn batch(run: &RunId, attempt: u32, series: Vec<SeriesPoints>) -> IngestBatch {
    IngestBatch {
        run: run.clone(),
        attempt,
        writer: "w".to_owned(),
        start: 0,
        end: 1,
        series,
        params: Vec::new(),
        tags: Vec::new(),
        records: Vec::new(),
    }
}

pub(crate) fn report(
    state: RunState,
    predictions: BTreeMap<String, PredictionsShipped>,
) -> FinishReport {
    FinishReport {
        state,
        ended_at: Timestamp(9),
        exit: None,
        failure: None,
        predictions,
    }
}

pub(crate) fn creation(ids: &[&str], snapshot: Snapshot) -> RunCreation {
    RunCreation {
        project: "p".parse().unwrap(),
        experiment: "e".parse().unwrap(),
        adapter: None,
        adapter_version: None,
        dataset: None,
        notes: String::new(),
        params: BTreeMap::new(),
        tags: BTreeMap::new(),
        snapshot,
        host: None,
        group: None,
        runs: ids
            .iter()
            .zip(0..)
            .map(|(id, seed)| RunDraft {
                id: Some(id.parse().unwrap()),
                name: None,
                seed: Some(seed),
            })
            .collect(),
    }
}

/// A plan for the split `test` with the ids `a` to `d`.
pub(crate) fn plan(task: Option<&str>) -> Snapshot {
    let ids = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    let split = ExpectedSplit {
        rows: 4,
        ids: Some(ids),
        fingerprint: Some("split-1".to_owned()),
        ..ExpectedSplit::default()
    };
    Snapshot {
        evaluation: Some(EvaluationPlan {
            task: task.map(str::to_owned),
            splits: [("test".to_owned(), split)].into(),
            bootstrap_samples: 50,
            bootstrap_seed: 7,
            ..EvaluationPlan::default()
        }),
        ..Snapshot::default()
    }
}
