//! Everything in bulk: out of one database, into another, bit for bit.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mlhub_core::dataset::{DatasetSplit, DatasetVersion};
use mlhub_core::document::DocumentKind;
use mlhub_core::evaluation::{
    AdapterVersion, EvaluatedMetric, EvaluationRecord, EvaluationState, StoredDefinition,
};
use mlhub_core::portable::{POINTS_PER_ITEM, PortableItem, PortableLine, PortableScope};
use mlhub_core::run::{Artifact, ArtifactUse, RunRecord};
use mlhub_core::store::{PortableSink, PortableSource, PortableStore, RunStore, Store};
use mlhub_core::{Error, ErrorKind, Result, RunState, Timestamp, UserId};
use mlhub_store::SqliteStore;
use serde_json::json;

use super::make::{batch, change, id, map, name, point, run};
use super::{TestStore, documents};

#[derive(Default)]
struct Items(Mutex<Vec<PortableItem>>);

#[async_trait]
impl PortableSink for Items {
    async fn put(&self, item: PortableItem) -> Result<()> {
        self.0.lock().expect("lock").push(item);
        Ok(())
    }
}

pub(crate) struct Given(pub(crate) Vec<PortableItem>, pub(crate) Option<usize>);

impl PortableSource for Given {
    fn items(&self) -> Result<Box<dyn Iterator<Item = Result<PortableItem>> + Send + '_>> {
        let broken = self.1;
        let items = self.0.iter().cloned().enumerate();
        Ok(Box::new(items.map(move |(index, item)| {
            match broken == Some(index) {
                true => Err(Error::invalid("the source breaks off")),
                false => Ok(item),
            }
        })))
    }
}

pub(crate) async fn read(store: &dyn Store, scope: &PortableScope) -> Vec<PortableItem> {
    let items = Arc::new(Items::default());
    store
        .portable_read(scope, items.clone())
        .await
        .expect("read");
    items.0.lock().expect("lock").clone()
}

/// Equal for equal bits; NaN is not equal to itself.
pub(crate) fn bits(items: &[PortableItem]) -> Vec<String> {
    let show = |item: &PortableItem| match item {
        PortableItem::Points(points) => {
            let values = points.points.iter();
            let values = values.map(|p| (p.step, p.time.0, p.value.to_bits()));
            let values: Vec<_> = values.collect();
            format!("{} {} {values:?}", points.name, points.attempt)
        }
        item => format!("{item:?}"),
    };
    items.iter().map(show).collect()
}

async fn shared(store: &dyn Store) {
    for fingerprint in ["f1", "f2", "f3"] {
        let version = DatasetVersion {
            dataset: name("iris"),
            version: 0,
            fingerprint: fingerprint.to_owned(),
            format: "csv".to_owned(),
            source: "/data/iris.csv".to_owned(),
            rows: Some(150),
            size_bytes: 4000,
            inspection: json!({"mean": 0.1f64 + 0.2, "large": u64::MAX, "nested": [1.5e300]}),
            owner: UserId("me".to_owned()),
            created_at: Timestamp(7),
        };
        store.dataset_put(&version, "flowers").await.expect("put");
    }
    let split = DatasetSplit {
        dataset: name("iris"),
        version: 2,
        hash: "split-hash".to_owned(),
        spec: json!({"test": 0.2}),
        parts: json!({"test": {"rows": 30}}),
        created_at: Timestamp(8),
    };
    store.split_put(&split).await.expect("split");
    let adapter = AdapterVersion {
        name: "native".to_owned(),
        version: "1.0".to_owned(),
        manifest: json!({"name": "native"}),
        created_at: Timestamp(9),
    };
    store.adapter_put(&adapter).await.expect("adapter");
    let definition = StoredDefinition {
        id: "accuracy@1".to_owned(),
        hash: "h".to_owned(),
        body: json!({"formula": "x"}),
    };
    store
        .definitions_put(&[definition])
        .await
        .expect("definition");
}

/// A run with everything a run can have, resumed once.
async fn whole_run(store: &dyn Store) {
    let mut new = run("whole-run");
    new.adapter = Some("native".to_owned());
    new.adapter_version = Some("1.0".to_owned());
    new.seed = Some(-3);
    new.group = Some("group-1".parse().expect("group"));
    new.dataset = Some("iris@2".to_owned());
    new.notes = "Notes \u{1f680}\nof two lines".to_owned();
    new.params = map(&[("lr", "0.1"), ("caf\u{e9}", ""), ("cafe\u{301}", "x")]);
    new.tags = map(&[("stage", "final")]);
    new.snapshot = json!({"version": 1, "third": 0.3333333333333333, "text": "a\u{0}b"});
    store.run_create(&[new]).await.expect("create");
    let start = change("whole-run", 1, RunState::Queued, RunState::Running);
    assert!(store.attempt_change(&start).await.expect("start"));
    let values = [
        f64::NAN,
        -0.0,
        f64::INFINITY,
        f64::from_bits(1),
        f64::from_bits(0x7ff8_dead_beef_0001),
    ];
    let steps = (0..POINTS_PER_ITEM as i64 + 3).map(|step| point(step / 2 * 3, step as f64));
    let mut points: Vec<_> = steps.collect();
    points.extend(values.map(|value| point(i64::MIN, value)));
    let mut first = batch("whole-run", 0, 10, "loss", &points);
    first.records = (0..3)
        .map(|index| RunRecord {
            kind: "checkpoint".to_owned(),
            time: Timestamp(index),
            body: json!({"step": index, "value": 0.1 * index as f64}),
        })
        .collect();
    store.ingest(first.clone()).await.expect("ingest");
    let second = batch("whole-run", 10, 20, "accuracy/\u{fc}", &[point(1, 0.5)]);
    store.ingest(second.clone()).await.expect("ingest");
    let end = change("whole-run", 1, RunState::Running, RunState::Failed);
    assert!(store.attempt_change(&end).await.expect("end"));
    let whole = id("whole-run");
    let resumed = store.attempt_create(&whole, Some("host"), Some(100), Timestamp(50));
    assert_eq!(resumed.await.expect("resume").number, 2);
    let mut later = batch("whole-run", 0, 5, "loss", &[point(101, 9.0)]);
    later.attempt = 2;
    store.ingest(later.clone()).await.expect("ingest");
    let text: Vec<u8> = (0..600_000u32).map(|byte| (byte % 251) as u8).collect();
    for (attempt, piece) in [(1, &text[..]), (2, &text[..7])] {
        let logged = store.log_append(&whole, attempt, "stdout", 0, piece);
        logged.await.expect("log");
    }
    outputs(store).await;
}

async fn outputs(store: &dyn Store) {
    let artifact = Artifact {
        run: id("whole-run"),
        path: "predictions/test.csv".parse().expect("path"),
        hash: "a".repeat(64),
        size_bytes: 12,
        kind: "predictions".to_owned(),
        attempt: 1,
        created_at: Timestamp(60),
    };
    store.artifact_put(&artifact).await.expect("artifact");
    let used = ArtifactUse {
        run: id("whole-run"),
        name: "model".to_owned(),
        source_run: Some(id("gone-run")),
        source_path: None,
        hash: "b".repeat(64),
        size_bytes: 1,
        used_at: Timestamp(61),
    };
    store.artifact_use_put(&used).await.expect("use");
    let mut evaluation = EvaluationRecord {
        id: "eval-1".parse().expect("id"),
        run: id("whole-run"),
        split: "test".to_owned(),
        predictions: artifact.path.clone(),
        predictions_hash: artifact.hash.clone(),
        request: json!({"task": "binary"}),
        state: EvaluationState::Pending,
        message: None,
        result: None,
        curves: None,
        created_at: Timestamp(62),
        ended_at: None,
    };
    store.evaluation_put(&evaluation).await.expect("put");
    evaluation.state = EvaluationState::Done;
    evaluation.result = Some(json!({"accuracy": 0.30000000000000004}));
    evaluation.curves = Some(json!({"roc": [[0.0, 1.0]]}));
    evaluation.ended_at = Some(Timestamp(63));
    let metric = EvaluatedMetric {
        run: id("whole-run"),
        split: "test".to_owned(),
        name: "accuracy".to_owned(),
        definition: "accuracy@1".to_owned(),
        value: f64::NAN,
        low: Some(-0.0),
        high: None,
    };
    assert!(
        store
            .evaluation_end(&evaluation, &[metric])
            .await
            .expect("end")
    );
}

async fn filled(store: &dyn Store) {
    shared(store).await;
    whole_run(store).await;
    let mut early = run("early-run");
    early.created_at = Timestamp(1);
    store.run_create(&[early]).await.expect("create");
    let mut other = run("other-run");
    other.project = name("q");
    store.run_create(&[other]).await.expect("create");
    let iris = name("iris");
    let preview = documents::preview(2);
    let stored = store.dataset_preview_put(&iris, 1, &preview).await;
    stored.expect("preview");
    for (id, project) in [
        ("report-b", Some("p")),
        ("report-a", Some("p")),
        ("of-hub", None),
    ] {
        let report = documents::document(id, DocumentKind::Report, project, 70);
        store.document_put(&report).await.expect("document");
    }
}

pub(crate) fn sqlite() -> (tempfile::TempDir, SqliteStore) {
    let folder = tempfile::tempdir().expect("temp folder");
    let store = SqliteStore::open(folder.path()).expect("open");
    (folder, store)
}

pub(crate) async fn everything_moves_out_of_and_into_any_database(store: TestStore) {
    // Out of a SQLite database of its own, into the store, and out of that into another.
    let (_a, source) = sqlite();
    filled(&source).await;
    let items = read(&source, &PortableScope::Hub).await;
    assert!(items.len() > 30, "{}", items.len());
    let given = Arc::new(Given(items.clone(), None));
    store.portable_write(given).await.expect("write");
    let there = read(&*store, &PortableScope::Hub).await;
    assert_eq!(bits(&there), bits(&items));
    let (_b, target) = sqlite();
    let given = Arc::new(Given(there, None));
    target.portable_write(given).await.expect("write");
    let back = read(&target, &PortableScope::Hub).await;
    assert_eq!(bits(&back), bits(&items));
    // What the other traits say is the same as well.
    let ids = [id("whole-run"), id("early-run"), id("other-run")];
    for id in &ids {
        let (mut a, mut b) = (
            source.run_get(id).await.expect("run").expect("there"),
            store.run_get(id).await.expect("run").expect("there"),
        );
        (a.seq, b.seq) = (0, 0);
        assert_eq!(a, b);
    }
    let summaries = |store: TestStore| async move {
        let found = store.summaries(&[id("whole-run")], None).await;
        format!("{:?}", found.expect("summaries"))
    };
    assert_eq!(
        summaries(Arc::new(source.clone())).await,
        summaries(store.clone()).await
    );
    let offsets = store.offsets(&ids[0], 1).await.expect("offsets");
    assert_eq!(offsets["rank-0"], 20);
    let read = store.log_read(&ids[0], 1, "stdout", 599_990, 100).await;
    assert_eq!(read.expect("log").len(), 10);
    // It goes on as if it had always been here.
    let next = batch("whole-run", 20, 21, "loss", &[point(0, 1.0)]);
    store.ingest(next.clone()).await.expect("ingest");
    store.run_create(&[run("new-run")]).await.expect("create");
    project_scope(&*store).await;
}

async fn project_scope(store: &dyn Store) {
    let items = read(store, &PortableScope::Project(name("q"))).await;
    let lines = bits(&items);
    assert!(lines.iter().any(|line| line.contains("other-run")));
    assert!(!lines.iter().any(|line| line.contains("whole-run")));
    assert!(!items.iter().any(PortableItem::is_shared), "{lines:?}");
    let items = read(store, &PortableScope::Project(name("p"))).await;
    let versions = items.iter().filter(|item| {
        matches!(item, PortableItem::Line(PortableLine::DatasetVersion(version)) if version.version == 2)
    });
    assert_eq!(versions.count(), 1);
    // Neither what belongs to the whole hub nor rows of a dataset leave with a project.
    assert_eq!(items.iter().filter(|item| item.is_shared()).count(), 5);
    let lines = bits(&items);
    let count = |word: &str| lines.iter().filter(|line| line.contains(word)).count();
    assert_eq!(
        ["report-a", "report-b", "of-hub", "Preview"].map(count),
        [1, 1, 0, 0]
    );
    let missing = PortableScope::Project(name("none"));
    let error = store.portable_read(&missing, Arc::new(Items::default()));
    assert_eq!(error.await.expect_err("none").kind(), ErrorKind::NotFound);
}

pub(crate) async fn what_exists_is_refused_and_nothing_is_stored(store: TestStore) {
    let (_folder, source) = sqlite();
    filled(&source).await;
    let items = read(&source, &PortableScope::Project(name("p"))).await;
    store.run_create(&[run("whole-run")]).await.expect("create");
    let before = read(&*store, &PortableScope::Hub).await;
    let given = Arc::new(Given(items.clone(), None));
    let error = store.portable_write(given).await.expect_err("exists");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.public_message().contains("whole-run"), "{error}");
    assert_eq!(
        bits(&read(&*store, &PortableScope::Hub).await),
        bits(&before)
    );
    // The same number of a dataset, another content.
    let mut other = items.clone();
    for item in &mut other {
        if let PortableItem::Line(PortableLine::DatasetVersion(version)) = item {
            version.fingerprint = "another".to_owned();
        }
    }
    let shared = |items: Vec<PortableItem>| {
        let shared = items.into_iter().filter(PortableItem::is_shared);
        Arc::new(Given(shared.collect(), None))
    };
    store
        .portable_write(shared(items.clone()))
        .await
        .expect("write");
    store
        .portable_write(shared(items))
        .await
        .expect("twice is once");
    let error = store
        .portable_write(shared(other))
        .await
        .expect_err("differs");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.public_message().contains("iris@2"), "{error}");
}

pub(crate) async fn a_source_that_breaks_off_stores_nothing(store: TestStore) {
    let (_folder, source) = sqlite();
    filled(&source).await;
    let items = read(&source, &PortableScope::Hub).await;
    let empty = read(&*store, &PortableScope::Hub).await;
    for broken in (0..items.len()).step_by(3) {
        let given = Arc::new(Given(items.clone(), Some(broken)));
        let error = store.portable_write(given).await.expect_err("broken");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(read(&*store, &PortableScope::Hub).await, empty);
    }
    let hashes = ["a".repeat(64), "c".repeat(64)];
    assert_eq!(store.blobs_unused(&hashes).await.expect("unused"), hashes);
    let given = Arc::new(Given(items, None));
    store.portable_write(given).await.expect("write");
    let unused = store.blobs_unused(&hashes).await.expect("unused");
    assert_eq!(unused, hashes[1..]);
}

pub(crate) async fn a_copy_of_the_database_is_a_prefix_of_its_history(store: TestStore) {
    filled(&*store).await;
    let folder = tempfile::tempdir().expect("temp folder");
    let path = SqliteStore::file_in(folder.path());
    let Some(copy) = store.database_copy(&path).await.expect("copy") else {
        assert!(!path.exists());
        return;
    };
    let before = read(&*store, &PortableScope::Hub).await;
    store.run_create(&[run("later-run")]).await.expect("create");
    assert_eq!((copy.projects, copy.runs), (2, 3));
    let hashes: Vec<_> = copy.blobs.iter().map(|blob| blob.hash.as_str()).collect();
    assert_eq!(hashes, ["a".repeat(64)]);
    let copied = SqliteStore::open(folder.path()).expect("open the copy");
    assert_eq!(
        bits(&read(&copied, &PortableScope::Hub).await),
        bits(&before)
    );
}
