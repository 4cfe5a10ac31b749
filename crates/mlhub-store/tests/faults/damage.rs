//! One flipped bit: the store opens, that item alone is told, the rest serves.

use std::path::Path;

use mlhub_core::deletion::{DamagedPoints, DeletionStore};
use mlhub_core::metric::{Reduction, SeriesKey, SeriesPoints, SeriesWindow};
use mlhub_core::portable::{PortableItem, PortableScope};
use mlhub_core::run::AttemptChange;
use mlhub_core::store::{
    IngestBatch, IngestOutcome, PortableSink, PortableStore, RunStore, SeriesStore,
};
use mlhub_core::{ErrorKind, RunState, Timestamp};
use mlhub_store::SqliteStore;

use super::{new_run, run_id};

fn raw(folder: &Path) -> rusqlite::Connection {
    let raw = rusqlite::Connection::open(SqliteStore::file_in(folder)).expect("open");
    let patient = std::time::Duration::from_secs(30);
    raw.busy_timeout(patient).expect("timeout");
    raw
}

/// Points `range` of a series; no two values are alike.
fn points(range: std::ops::Range<i64>) -> Vec<mlhub_core::metric::Point> {
    range
        .map(|step| mlhub_core::metric::Point {
            step,
            time: Timestamp(step),
            value: (step as f64 * 0.7).sin(),
        })
        .collect()
}

/// Batch `number` of the stream: the same steps for the series `a` and `b`, with
/// other values, so that no bytes of one are those of the other.
fn batch(number: u64, range: std::ops::Range<i64>) -> IngestBatch {
    let series = |name: &str| {
        let mut points = points(range.clone());
        for point in &mut points {
            point.value *= f64::from(name.as_bytes()[0]);
        }
        SeriesPoints {
            name: name.to_owned(),
            points,
        }
    };
    IngestBatch {
        run: run_id(),
        attempt: 1,
        writer: "w".to_owned(),
        start: number,
        end: number + 1,
        series: vec![series("a"), series("b")],
        params: Vec::new(),
        tags: Vec::new(),
        records: Vec::new(),
    }
}

async fn ingest(store: &SqliteStore, number: u64, range: std::ops::Range<i64>) {
    let outcome = store.ingest(batch(number, range)).await.expect("ingest");
    assert!(
        matches!(outcome, IngestOutcome::Stored { .. }),
        "{outcome:?}"
    );
}

async fn steps(store: &SqliteStore, name: &str) -> mlhub_core::Result<Vec<i64>> {
    let parts = store.points(&run_id(), name).await?;
    let points = parts.iter().flat_map(|part| &part.points);
    Ok(points.map(|point| point.step).collect())
}

/// A chart of a series over its last steps.
async fn chart(store: &SqliteStore, name: &str, from: i64) -> mlhub_core::Result<u64> {
    let key = SeriesKey {
        run: run_id(),
        name: name.to_owned(),
        origin: Timestamp(0),
    };
    let window = SeriesWindow {
        from: Some(from),
        ..SeriesWindow::default()
    };
    let reduction = Reduction::Envelope { max_points: 40 };
    let views = store.series_read(&[key], window, reduction).await?;
    Ok(views[0].total)
}

async fn damaged(store: &SqliteStore) -> Vec<DamagedPoints> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let checked = store.points_check(after).await.expect("checked");
        found.extend(checked.damaged);
        match checked.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

/// Flips one bit in the middle of a column of bytes.
fn flip(raw: &rusqlite::Connection, table: &str, column: &str, id: i64) {
    let key = if table == "ingest_log" { "seq" } else { "id" };
    let sql = format!("SELECT {column} FROM {table} WHERE {key} = ?1");
    let mut bytes: Vec<u8> = raw.query_row(&sql, [id], |row| row.get(0)).expect("a row");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    let sql = format!("UPDATE {table} SET {column} = ?1 WHERE {key} = ?2");
    let changed = raw.execute(&sql, rusqlite::params![bytes, id]);
    assert_eq!(changed.expect("flipped"), 1);
}

/// The chunk of a series that starts at a point.
fn chunk(raw: &rusqlite::Connection, name: &str, start: i64) -> i64 {
    let sql = "SELECT c.id FROM chunk c JOIN label l ON l.id = c.label \
               WHERE l.name = ?1 AND c.start_index = ?2";
    let found = raw.query_row(sql, rusqlite::params![name, start], |row| row.get(0));
    found.expect("a chunk")
}

/// A store with the series `a` and `b` of 9000 points in sealed chunks.
async fn sealed(folder: &Path) {
    let store = SqliteStore::open(folder).expect("open");
    store.run_create(&[new_run("aaaa")]).await.expect("made");
    ingest(&store, 0, 0..9000).await;
    store.series_seal().await.expect("seal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_in_a_chunk_is_told_and_the_rest_serves() {
    let folder = tempfile::tempdir().expect("temp folder");
    sealed(folder.path()).await;
    let raw = raw(folder.path());
    let first = chunk(&raw, "a", 0);
    for (table, column) in [
        ("chunk_body", "body"),
        ("chunk_rollup", "body"),
        ("chunk", "stats"),
    ] {
        flip(&raw, table, column, first);
        let store = SqliteStore::open(folder.path()).expect("it opens");
        let whole: Vec<i64> = (0..9000).collect();
        assert_eq!(steps(&store, "b").await.expect("served"), whole);
        assert_eq!(chart(&store, "b", 0).await.expect("served"), 9000);
        let found = damaged(&store).await;
        assert_eq!(found.len(), 1, "{table}: {found:?}");
        assert!(found[0].place.contains("metric a of run aaaa"), "{found:?}");
        assert!(found[0].place.contains("from point 0 on"), "{found:?}");
        match table {
            "chunk_body" => {
                let error = steps(&store, "a").await.expect_err("damaged");
                assert_eq!(error.kind(), ErrorKind::Internal);
                // What does not need the chunk is served.
                assert_eq!(chart(&store, "a", 8500).await.expect("served"), 500);
            }
            // Never drawn wrong: the chart is refused, the points are whole.
            "chunk" => {
                let error = chart(&store, "a", 0).await.expect_err("damaged");
                assert_eq!(error.kind(), ErrorKind::Internal);
                assert_eq!(steps(&store, "a").await.expect("served"), whole);
            }
            _ => assert_eq!(steps(&store, "a").await.expect("served"), whole),
        }
        ingest_more(&store).await;
        drop(store);
        flip(&raw, table, column, first);
        let store = SqliteStore::open(folder.path()).expect("open");
        assert_eq!(damaged(&store).await, []);
    }
}

/// Another series takes points whatever is damaged.
async fn ingest_more(store: &SqliteStore) {
    let offsets = store.offsets(&run_id(), 1).await.expect("offsets");
    let at = offsets.get("other").copied().unwrap_or(0);
    let mut events = batch(at, 0..3);
    events.writer = "other".to_owned();
    events.series.truncate(1);
    events.series[0].name = "c".to_owned();
    let outcome = store.ingest(events.clone()).await.expect("ingest");
    assert!(
        matches!(outcome, IngestOutcome::Stored { .. }),
        "{outcome:?}"
    );
}

/// The short chunk at the end of a series is read again when the series goes on:
/// damaged, it costs its own points and nothing else, at a start and between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_series_goes_on_behind_its_damaged_end() {
    let folder = tempfile::tempdir().expect("temp folder");
    let store = SqliteStore::open(folder.path()).expect("open");
    store.run_create(&[new_run("aaaa")]).await.expect("made");
    ingest(&store, 0, 0..300).await;
    store.series_seal().await.expect("seal");
    // In the log, not in a chunk: the next start reads the short chunk again.
    ingest(&store, 1, 300..310).await;
    drop(store);
    let raw = raw(folder.path());
    let end = chunk(&raw, "a", 256);
    flip(&raw, "chunk_body", "body", end);
    for (round, from) in [310, 700, 705, 1400].into_iter().enumerate() {
        let store = SqliteStore::open(folder.path()).expect("it opens");
        let to = [700, 705, 1400, 5000][round];
        ingest(&store, round as u64 + 2, from..to).await;
        let whole: Vec<i64> = (0..to).collect();
        assert_eq!(steps(&store, "b").await.expect("served"), whole);
        assert!(steps(&store, "a").await.is_err(), "round {round}");
        assert_eq!(
            chart(&store, "a", 300).await.expect("served"),
            (to - 300).cast_unsigned()
        );
        if round != 0 {
            store.series_seal().await.expect("seal");
        }
        let summaries = store.summaries(&[run_id()], None).await.expect("summaries");
        let counts: Vec<u64> = summaries.iter().map(|summary| summary.count).collect();
        assert_eq!(counts, [to.cast_unsigned(), to.cast_unsigned()]);
        let found = damaged(&store).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].place.contains("from point 256 on"), "{found:?}");
    }
    // A resume reads chunks as well.
    let store = SqliteStore::open(folder.path()).expect("open");
    let lost = AttemptChange {
        run: run_id(),
        number: 1,
        from: RunState::Queued,
        to: RunState::Lost,
        started_at: None,
        ended_at: None,
        exit: None,
        failure: None,
    };
    assert!(store.attempt_change(&lost).await.expect("lost"));
    let resumed = store
        .attempt_create(&run_id(), None, Some(270), Timestamp(0))
        .await;
    resumed.expect("resumed");
    let summaries = store.summaries(&[run_id()], None).await.expect("summaries");
    assert_eq!(summaries[1].count, 271);
    drop(store);
    // Nothing was written over: with the bit back, all of it is there.
    flip(&raw, "chunk_body", "body", end);
    let store = SqliteStore::open(folder.path()).expect("open");
    assert_eq!(
        steps(&store, "a").await.expect("whole"),
        (0..5000).collect::<Vec<_>>()
    );
    assert_eq!(damaged(&store).await, []);
}

struct Nowhere;

#[async_trait::async_trait]
impl PortableSink for Nowhere {
    async fn put(&self, _item: PortableItem) -> mlhub_core::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_in_the_log_is_told_before_and_after_a_restart() {
    let folder = tempfile::tempdir().expect("temp folder");
    let store = SqliteStore::open(folder.path()).expect("open");
    store.run_create(&[new_run("aaaa")]).await.expect("made");
    for number in 0..4 {
        let from = number as i64 * 10;
        ingest(&store, number, from..from + 10).await;
    }
    let raw = raw(folder.path());
    let sql = "SELECT min(seq) + 1 FROM ingest_log";
    let row: i64 = raw.query_row(sql, [], |row| row.get(0)).expect("a row");
    flip(&raw, "ingest_log", "body", row);
    let place = format!("row {row} of the ingest log");
    let found = damaged(&store).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].place, place);
    // An export reads the log too; it says what is wrong and leaves it alone.
    let scope = PortableScope::Hub;
    let error = store
        .portable_read(&scope, std::sync::Arc::new(Nowhere))
        .await;
    let error = error.expect_err("damaged");
    assert!(error.public_message().contains(&place), "{error}");
    drop(store);
    let store = SqliteStore::open(folder.path()).expect("it opens");
    let kept: Vec<i64> = (0..10).chain(20..40).collect();
    for name in ["a", "b"] {
        assert_eq!(steps(&store, name).await.expect("served"), kept);
    }
    let found = damaged(&store).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].place, place);
    assert!(found[0].message.contains("set aside"), "{found:?}");
    store
        .portable_read(&scope, std::sync::Arc::new(Nowhere))
        .await
        .expect("the rest");
}

/// Any bit of the pages that hold the points of a chunk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_in_a_page_of_points_is_told_and_the_rest_serves() {
    let folder = tempfile::tempdir().expect("temp folder");
    sealed(folder.path()).await;
    let file = SqliteStore::file_in(folder.path());
    let raw = raw(folder.path());
    let first = chunk(&raw, "a", 0);
    let sql = "SELECT body FROM chunk_body WHERE id = ?1";
    let body: Vec<u8> = raw
        .query_row(sql, [first], |row| row.get(0))
        .expect("a body");
    // Pages that were given back may still hold a copy of it.
    raw.execute_batch("VACUUM").expect("vacuum");
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    raw.query_row(checkpoint, [], |_| Ok(()))
        .expect("checkpoint");
    let sql = "PRAGMA page_size";
    let page: i64 = raw.query_row(sql, [], |row| row.get(0)).expect("size");
    let page = usize::try_from(page).expect("small");
    drop(raw);
    let whole = std::fs::read(&file).expect("read");
    // The middle of the body lies in a page of its own, which begins with the
    // number of the next one.
    let piece = &body[body.len() / 2..][..64];
    let at = whole
        .windows(piece.len())
        .position(|window| window == piece);
    let at = at.expect("the body is in the file");
    let start = at - at % page;
    let all: Vec<i64> = (0..9000).collect();
    for (place, bit) in [
        (start, 0),
        (start + 3, 0),
        (start + 3, 5),
        (at, 3),
        (start + page - 1, 7),
    ] {
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << bit;
        // A copy each: nobody else has it open.
        let copy = tempfile::tempdir().expect("temp folder");
        std::fs::write(SqliteStore::file_in(copy.path()), bytes).expect("write");
        let store = SqliteStore::open(copy.path()).expect("it opens");
        assert!(steps(&store, "a").await.is_err(), "byte {place}, bit {bit}");
        assert_eq!(steps(&store, "b").await.expect("served"), all);
        assert_eq!(chart(&store, "b", 0).await.expect("served"), 9000);
        let found = damaged(&store).await;
        assert_eq!(found.len(), 1, "byte {place}, bit {bit}: {found:?}");
        assert!(found[0].place.contains("metric a of run aaaa"), "{found:?}");
    }
}
