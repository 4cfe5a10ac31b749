//! Errors of single system calls of the writer's thread: each sync, and each write
//! of the write-ahead log, fails once it is its turn.
//!
//! The kernel refuses the calls by a filter that the thread puts on itself and that
//! ends with it. It cannot cut a write short; the last write torn is a test of
//! `tests/faults.rs`.

use std::collections::BTreeMap;
use std::path::Path;

use mlhub_core::metric::{Point, SeriesPoints};
use mlhub_core::run::NewRun;
use mlhub_core::store::{IngestBatch, IngestOutcome, RunStore, SeriesStore};
use mlhub_core::{Error, ErrorKind, RunId, Timestamp, UserId};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};
use tokio::sync::oneshot;

use super::{Job, SqliteStore};

/// Commits before which a sync fails.
const COMMITS: u64 = 6;
/// Writes of the log that fail, one after the other: a header and a page for each
/// page of the next commits.
const WRITES: u64 = 24;
/// Bytes of a page of the log, and of the header before it.
const PAGE_BYTES: u64 = 4096;
const PAGE_HEADER_BYTES: u64 = 24;
/// The argument of a write that says where.
const PLACE_ARGUMENT: u8 = 3;
/// Batches sent after a fault.
const SENT_AFTER: u64 = 12;

fn run_id() -> RunId {
    "aaaa".parse().expect("an id")
}

async fn store_with_run(folder: &Path) -> SqliteStore {
    let store = SqliteStore::open(folder).expect("open");
    let run = NewRun {
        id: run_id(),
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
        params: BTreeMap::new(),
        tags: BTreeMap::new(),
        snapshot: serde_json::json!({}),
        host: None,
        created_at: Timestamp(0),
    };
    store.run_create(&[run]).await.expect("made");
    store
}

/// Batch `number`: a point and a param.
async fn send(store: &SqliteStore, number: u64) -> Result<IngestOutcome, Error> {
    let point = Point {
        step: number.cast_signed(),
        time: Timestamp(0),
        value: number as f64,
    };
    let batch = IngestBatch {
        run: run_id(),
        attempt: 1,
        writer: "w".to_owned(),
        start: number,
        end: number + 1,
        series: vec![SeriesPoints {
            name: "loss".to_owned(),
            points: vec![point],
        }],
        params: vec![(format!("p{number}"), "x".repeat(600))],
        tags: Vec::new(),
        records: Vec::new(),
    };
    store.ingest(batch.clone()).await
}

/// Refuses system calls of the writer's thread, those with a place in the file only
/// at that place.
async fn refuse(store: &SqliteStore, calls: Vec<(i64, Option<u64>)>) {
    let (done, refusing) = oneshot::channel();
    let job: Job = Box::new(move |_connection| {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
        for (call, place) in calls {
            let rules = rules.entry(call).or_default();
            if let Some(place) = place {
                let (bits, equal) = (SeccompCmpArgLen::Qword, SeccompCmpOp::Eq);
                let condition = SeccompCondition::new(PLACE_ARGUMENT, bits, equal, place);
                let rule = SeccompRule::new(vec![condition.expect("a condition")]);
                rules.push(rule.expect("a rule"));
            }
        }
        let filter = SeccompFilter::new(
            rules,
            SeccompAction::Allow,
            SeccompAction::Errno(libc::EIO.cast_unsigned()),
            std::env::consts::ARCH.try_into().expect("a known machine"),
        );
        let program: BpfProgram = filter.expect("a filter").try_into().expect("a program");
        seccompiler::apply_filter(&program).expect("the kernel filters system calls");
        done.send(()).expect("awaited");
    });
    store.backend.writer.send(job).await.expect("the writer");
    refusing.await.expect("refused from now on");
}

/// Sends batches from `first` on, each as long as the hub takes it; returns how many
/// are acknowledged in all, and the kinds of errors.
async fn send_on(store: &SqliteStore, first: u64) -> (u64, Vec<ErrorKind>) {
    let mut acknowledged = first;
    let mut errors = Vec::new();
    for _ in 0..SENT_AFTER {
        match send(store, acknowledged).await {
            Ok(IngestOutcome::Stored { .. } | IngestOutcome::Duplicate) => acknowledged += 1,
            Ok(outcome) => panic!("{outcome:?}"),
            Err(error) => errors.push(error.kind()),
        }
    }
    (acknowledged, errors)
}

async fn steps(store: &SqliteStore) -> Vec<i64> {
    let parts = store.points(&run_id(), "loss").await.expect("reads go on");
    let points = parts.iter().flat_map(|part| &part.points);
    points.map(|point| point.step).collect()
}

/// After a restart all that was acknowledged is there once, perhaps with the batch
/// after it, and more is taken.
async fn check_after_restart(folder: &Path, acknowledged: u64) {
    let store = SqliteStore::open(folder).expect("open");
    let stored = steps(&store).await;
    let count = stored.len() as u64;
    assert!(
        count == acknowledged || count == acknowledged + 1,
        "{count} stored, {acknowledged} acknowledged"
    );
    assert_eq!(stored, (0..count.cast_signed()).collect::<Vec<_>>());
    let params = store.params(&[run_id()]).await.expect("params");
    let params = params.get(&run_id()).map_or(0, BTreeMap::len);
    assert_eq!(params as u64, count);
    let outcome = send(&store, count).await.expect("stored");
    assert!(
        matches!(outcome, IngestOutcome::Stored { .. }),
        "{outcome:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_sync_fails_nothing_acknowledged_is_lost() {
    for commits in 0..COMMITS {
        let folder = tempfile::tempdir().expect("temp folder");
        let store = store_with_run(folder.path()).await;
        for number in 0..commits {
            send(&store, number).await.expect("stored");
        }
        let syncs = [libc::SYS_fsync, libc::SYS_fdatasync];
        refuse(&store, syncs.map(|call| (call, None)).to_vec()).await;
        let (acknowledged, errors) = send_on(&store, commits).await;
        assert_eq!(
            acknowledged, commits,
            "nothing is acknowledged without a sync"
        );
        // The first to meet it tells of the disk; after it nobody tries again.
        assert!(
            errors[1..].iter().all(|kind| *kind == ErrorKind::ReadOnly),
            "{errors:?}"
        );
        assert_eq!(steps(&store).await.len() as u64, commits);
        drop(store);
        check_after_restart(folder.path(), acknowledged).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_write_fails_nothing_acknowledged_is_lost() {
    for write in 0..WRITES {
        let folder = tempfile::tempdir().expect("temp folder");
        let store = store_with_run(folder.path()).await;
        for number in 0..2 {
            send(&store, number).await.expect("stored");
        }
        let log = folder.path().join("hub.sqlite-wal");
        let end = std::fs::metadata(log).expect("the log").len();
        let page = write / 2 * (PAGE_HEADER_BYTES + PAGE_BYTES);
        let place = end + page + write % 2 * PAGE_HEADER_BYTES;
        refuse(&store, vec![(libc::SYS_pwrite64, Some(place))]).await;
        let (acknowledged, errors) = send_on(&store, 2).await;
        assert!(
            !errors.is_empty(),
            "write {write} at {place} was never made"
        );
        assert!(
            errors.iter().all(|kind| *kind == ErrorKind::Internal),
            "{errors:?}"
        );
        assert_eq!(steps(&store).await.len() as u64, acknowledged);
        drop(store);
        check_after_restart(folder.path(), acknowledged).await;
    }
}
