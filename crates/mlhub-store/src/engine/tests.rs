//! The engine's bounds, made small: what happens when they are reached.
//!
//! A backend that holds commits back stands for a slow disk, so that nothing here
//! waits for a time to pass but the one refusal that is due after a time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use mlhub_core::metric::{Point, SeriesPoints};
use mlhub_core::run::NewRun;
use mlhub_core::store::{DatabaseCopy, IngestBatch, IngestOutcome, RunStore};
use mlhub_core::{ErrorKind, Result, RunId, Timestamp, UserId};
use tokio::sync::Semaphore;

use super::Engine;
use super::bounds::Tuning;
use crate::sql::{Access, Backend, Tx};
use crate::sqlite::{SqliteBackend, SqliteStore};

/// Longer than anything here takes that does not hang.
const LONG: Duration = Duration::from_secs(120);

/// A database whose commits of events wait for a permit each.
#[derive(Debug)]
struct Gated {
    inner: SqliteBackend,
    gate: Semaphore,
}

impl Backend for Gated {
    async fn own(&self, in_doubt: bool) -> Result<bool> {
        self.inner.own(in_doubt).await
    }

    async fn run<I, T, W>(
        &self,
        access: Access,
        operation: &'static str,
        input: I,
        work: W,
    ) -> Result<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        W: for<'t> Fn(&'t mut (dyn Tx + 't), &'t I) -> BoxFuture<'t, Result<T>>
            + Send
            + Sync
            + 'static,
    {
        if operation == "store events" {
            self.gate.acquire().await.expect("never closed").forget();
        }
        self.inner.run(access, operation, input, work).await
    }

    async fn copy_to(&self, path: &Path) -> Result<Option<DatabaseCopy>> {
        self.inner.copy_to(path).await
    }
}

fn run(id: &str) -> NewRun {
    NewRun {
        id: id.parse().expect("an id"),
        project: "p".parse().expect("a name"),
        experiment: "e".parse().expect("a name"),
        name: "n".parse().expect("a name"),
        adapter: None,
        adapter_version: None,
        seed: None,
        group: None,
        dataset: None,
        owner: UserId("me".to_owned()),
        notes: String::new(),
        params: std::collections::BTreeMap::new(),
        tags: std::collections::BTreeMap::new(),
        snapshot: serde_json::json!({}),
        host: None,
        created_at: Timestamp(0),
    }
}

fn id(text: &str) -> RunId {
    text.parse().expect("an id")
}

fn points(range: std::ops::Range<i64>) -> Vec<Point> {
    range
        .map(|step| Point {
            step,
            time: Timestamp(step),
            value: (step as f64).sin(),
        })
        .collect()
}

/// Batch `number` of a run's stream, with the same points for each series.
fn batch(run: &str, number: u64, names: &[String], points: &[Point]) -> IngestBatch {
    let series = names.iter().map(|name| SeriesPoints {
        name: name.clone(),
        points: points.to_vec(),
    });
    IngestBatch {
        run: id(run),
        attempt: 1,
        writer: "w".to_owned(),
        start: number,
        end: number + 1,
        series: series.collect(),
        params: Vec::new(),
        tags: Vec::new(),
        records: Vec::new(),
    }
}

fn loss() -> Vec<String> {
    vec!["loss".to_owned()]
}

/// An engine over a database with the runs `aaaa` and `bbbb`.
async fn engine(folder: &Path, tuning: Tuning, permits: usize) -> Arc<Engine<Gated>> {
    let store = SqliteStore::open(folder).expect("open");
    let runs = [run("aaaa"), run("bbbb")];
    store.run_create(&runs).await.expect("made");
    drop(store);
    let inner = SqliteBackend::open(&SqliteStore::file_in(folder)).expect("open");
    let gate = Semaphore::new(permits);
    let backend = Arc::new(Gated { inner, gate });
    let opened = Engine::open_tuned(backend, tuning).await;
    Arc::new(opened.expect("the engine"))
}

/// Rows of the log and their bytes.
async fn log(engine: &Engine<Gated>) -> (i64, i64) {
    let sql = "SELECT count(*), coalesce(sum(octet_length(body)), 0) FROM ingest_log";
    let read = engine
        .inner
        .backend
        .run(Access::Read, "look", (), move |tx, ()| {
            Box::pin(async move {
                let mut row = tx.query(sql, &[]).await?.remove(0);
                Ok((row.i64()?, row.i64()?))
            })
        });
    read.await.expect("the log")
}

async fn steps(engine: &Engine<Gated>, run: &str, name: &str) -> Vec<i64> {
    let parts = engine.points(&id(run), name).await.expect("points");
    let points = parts.iter().flat_map(|part| &part.points);
    points.map(|point| point.step).collect()
}

async fn seal_what_is_due(engine: &Engine<Gated>) {
    while engine.inner.seal_some(false).await.expect("seal") {}
    engine.flush().await.expect("flush");
}

/// One batch waits for the disk and fills the queue.
async fn full_queue(engine: &Arc<Engine<Gated>>) -> tokio::task::JoinHandle<Result<IngestOutcome>> {
    let sender = Arc::clone(engine);
    let first = batch("aaaa", 0, &loss(), &points(0..10));
    let waiting = tokio::spawn(async move { sender.ingest(first.clone()).await });
    while engine.room.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    waiting
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_after_a_bounded_wait_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("temp folder");
    let tuning = Tuning {
        queue_points: 10,
        queue_wait: Duration::from_millis(20),
        ..Tuning::default()
    };
    let engine = engine(folder.path(), tuning, 0).await;
    let waiting = full_queue(&engine).await;
    let second = batch("bbbb", 0, &loss(), &points(0..3));
    let error = engine.ingest(second.clone()).await.expect_err("no place");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error.public_message().contains("Send them again"),
        "{error}"
    );
    engine.inner.backend.gate.add_permits(2);
    let stored = |outcome| matches!(outcome, Ok(IngestOutcome::Stored { .. }));
    assert!(stored(waiting.await.expect("no panic")));
    assert_eq!(steps(&engine, "bbbb", "loss").await, [0i64; 0], "refused");
    assert!(stored(engine.ingest(second.clone()).await));
    assert_eq!(
        steps(&engine, "aaaa", "loss").await,
        (0..10).collect::<Vec<i64>>()
    );
    assert_eq!(steps(&engine, "bbbb", "loss").await, [0, 1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_waited_for() {
    let folder = tempfile::tempdir().expect("temp folder");
    let tuning = Tuning {
        queue_points: 10,
        queue_wait: LONG,
        ..Tuning::default()
    };
    let engine = engine(folder.path(), tuning, 0).await;
    let waiting = full_queue(&engine).await;
    // More than the whole queue holds still gets through, alone.
    let large = batch("bbbb", 0, &loss(), &points(0..40));
    let opened = async { engine.inner.backend.gate.add_permits(2) };
    let (outcome, ()) = futures::future::join(engine.ingest(large.clone()), opened).await;
    assert!(matches!(outcome, Ok(IngestOutcome::Stored { .. })));
    assert!(matches!(
        waiting.await.expect("no panic"),
        Ok(IngestOutcome::Stored { .. })
    ));
    assert_eq!(steps(&engine, "bbbb", "loss").await.len(), 40);
}

#[test]
fn texts_take_their_share_of_the_queue() {
    let mut events = batch("aaaa", 0, &loss(), &points(0..10));
    let share = |events: &IngestBatch| {
        super::prepare::prepare(events.clone())
            .expect("good")
            .queue_share()
    };
    assert_eq!(share(&events), 10);
    events.tags = vec![("t".to_owned(), "x".repeat(64_000))];
    assert!(share(&events) > 1000);
    events.series.clear();
    events.tags.clear();
    assert_eq!(share(&events), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_series_leave_the_log() {
    for (idle, left) in [(LONG, 1), (Duration::ZERO, 0)] {
        let folder = tempfile::tempdir().expect("temp folder");
        let tuning = Tuning {
            idle,
            ..Tuning::default()
        };
        let engine = engine(folder.path(), tuning, 9).await;
        let events = batch("aaaa", 0, &loss(), &points(0..3));
        engine.ingest(events.clone()).await.expect("ingest");
        seal_what_is_due(&engine).await;
        assert_eq!(log(&engine).await.0, left, "idle after {idle:?}");
        assert_eq!(steps(&engine, "aaaa", "loss").await, [0, 1, 2]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_log_is_sealed_from_its_oldest_row_on() {
    const BATCHES: u64 = 400;
    let folder = tempfile::tempdir().expect("temp folder");
    let tuning = Tuning {
        log_bytes: 16 * 1024,
        ..Tuning::default()
    };
    let engine = engine(folder.path(), tuning, usize::MAX >> 3).await;
    // One point of a series that nobody writes to again, in the oldest row.
    let lone = batch("aaaa", 0, &loss(), &points(0..1));
    engine.ingest(lone.clone()).await.expect("ingest");
    for number in 0..BATCHES {
        // Each row has a series of its own, and none is ever full.
        let from = number as i64 * 10;
        let name = vec![format!("m{}", number % 40)];
        let events = batch("bbbb", number, &name, &points(from..from + 10));
        engine.ingest(events.clone()).await.expect("ingest");
    }
    seal_what_is_due(&engine).await;
    let (_, bytes) = log(&engine).await;
    assert!(bytes <= 16 * 1024, "{bytes} bytes are left");
    let oldest = engine.inner.memory().trimmable();
    assert!(oldest >= 1, "the oldest row is pinned");
    assert_eq!(steps(&engine, "aaaa", "loss").await, [0]);
    for series in 0..40 {
        let expected: Vec<i64> = (0..BATCHES as i64)
            .filter(|number| number % 40 == series)
            .flat_map(|number| number * 10..number * 10 + 10)
            .collect();
        assert_eq!(
            steps(&engine, "bbbb", &format!("m{series}")).await,
            expected
        );
    }
}

/// Each series keeps the points of its short chunk in memory for the next one;
/// of many series that alone is more than may be there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn short_ends_of_many_series_do_not_stop_ingest() {
    const BATCHES: u64 = 12;
    let folder = tempfile::tempdir().expect("temp folder");
    let tuning = Tuning {
        tail_points_seal: 1000,
        tail_points: 2000,
        ..Tuning::default()
    };
    let engine = engine(folder.path(), tuning, usize::MAX >> 3).await;
    let names: Vec<String> = (0..100).map(|series| format!("m{series}")).collect();
    for number in 0..BATCHES {
        let from = number as i64 * 50;
        let events = batch("aaaa", number, &names, &points(from..from + 50));
        let stored = tokio::time::timeout(LONG, engine.ingest(events.clone())).await;
        stored.expect("ingest goes on").expect("ingest");
    }
    let expected: Vec<i64> = (0..BATCHES as i64 * 50).collect();
    for name in &names {
        assert_eq!(steps(&engine, "aaaa", name).await, expected, "{name}");
    }
    engine.seal_everything().await.expect("seal");
    engine.inner.seal_some(false).await.expect("cool");
    assert!(!engine.inner.memory().memory_is_full());
    for name in &names {
        assert_eq!(steps(&engine, "aaaa", name).await, expected, "{name}");
    }
}
