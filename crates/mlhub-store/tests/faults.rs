//! Faults of processes and disks, on SQLite and the blob folder.
//!
//! Tests marked `ignore` are bodies: another test runs each of them in a process
//! of its own, to be killed or to mount its own small disk in a private mount
//! namespace. They do nothing useful when run alone.

#[path = "faults/damage.rs"]
mod damage;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bytes::Bytes;
use mlhub_core::blob::{UploadRecord, UploadStore};
use mlhub_core::metric::{Point, SeriesPoints};
use mlhub_core::run::NewRun;
use mlhub_core::store::{
    BlobStore, IngestBatch, IngestOutcome, LogOutcome, LogStore, ProjectStore, RunStore,
    SeriesStore,
};
use mlhub_core::{ErrorKind, RunId, Timestamp, UserId};
use mlhub_store::{DataDir, FolderBlobStore, SqliteStore};

/// Tells a body where to work.
const FOLDER_VARIABLE: &str = "MLHUB_FAULT_FOLDER";
/// Kills of the ingesting process.
const KILLS: usize = 100;
/// Batches acknowledged between kills.
const ACKS_PER_LIFE: usize = 6;
/// Stream bytes a batch stands for.
const BATCH_BYTES: u64 = 10;

fn run_id() -> RunId {
    "aaaa".parse().expect("an id")
}

fn new_run(id: &str) -> NewRun {
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

/// Batch `index` of the stream: one point at step `index` in each of two series.
fn batch(index: u64, points: usize) -> IngestBatch {
    let point = Point {
        step: index.cast_signed(),
        time: Timestamp(0),
        value: index as f64,
    };
    let series = |name: &str| SeriesPoints {
        name: name.to_owned(),
        points: vec![point; points],
    };
    IngestBatch {
        run: run_id(),
        attempt: 1,
        writer: "w".to_owned(),
        start: index * BATCH_BYTES,
        end: (index + 1) * BATCH_BYTES,
        series: vec![series("a"), series("b")],
        params: vec![(format!("p{index}"), "1".to_owned())],
        tags: Vec::new(),
        records: Vec::new(),
    }
}

/// Batches of the stream that are stored.
async fn stored_batches(store: &SqliteStore) -> u64 {
    let offsets = store.offsets(&run_id(), 1).await.expect("offsets");
    offsets.get("w").copied().unwrap_or(0) / BATCH_BYTES
}

/// Checks that exactly the first `count` batches are stored, each once.
async fn check_stored(store: &SqliteStore, count: u64, points: u64) {
    for name in ["a", "b"] {
        let parts = store.points(&run_id(), name).await.expect("points");
        let steps: Vec<i64> = parts
            .iter()
            .flat_map(|part| &part.points)
            .map(|point| point.step)
            .collect();
        let expected = (0..count).flat_map(|index| (0..points).map(move |_| index.cast_signed()));
        assert_eq!(steps, expected.collect::<Vec<_>>());
    }
    let params = store.params(&[run_id()]).await.expect("params");
    assert_eq!(
        params
            .get(&run_id())
            .map_or(0, std::collections::BTreeMap::len) as u64,
        count
    );
}

/// The command that runs a body of this file.
fn body(name: &str, folder: &Path) -> Vec<std::ffi::OsString> {
    let program = std::env::current_exe().expect("this program");
    let mut command: Vec<std::ffi::OsString> = vec![program.into()];
    command.extend(["--ignored", "--exact", "--nocapture", name].map(Into::into));
    command.splice(
        0..0,
        [
            "env".into(),
            format!("{FOLDER_VARIABLE}={}", folder.display()).into(),
        ],
    );
    command
}

fn body_folder() -> PathBuf {
    std::env::var_os(FOLDER_VARIABLE)
        .expect("run by another test")
        .into()
}

#[tokio::test]
async fn killed_at_any_moment_every_acknowledged_batch_is_there_once() {
    let folder = tempfile::tempdir().expect("temp folder");
    let mut acked = 0u64;
    for _ in 0..KILLS {
        let command = body("ingest_until_killed", folder.path());
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let mut seen = 0;
        let mut read = |line: Option<std::io::Result<String>>| {
            let line = line?.ok()?;
            if let Some(index) = line.strip_prefix("ack ") {
                acked = index.parse::<u64>().expect("a number") + 1;
                seen += 1;
            }
            Some(seen)
        };
        while read(lines.next()).expect("the child died early") < ACKS_PER_LIFE {}
        child.kill().expect("kill");
        child.wait().expect("wait");
        // Acknowledgements that were on their way count as well.
        while read(lines.next()).is_some() {}

        let data = DataDir::open(folder.path()).expect("the lock died with its holder");
        let store = SqliteStore::open(data.path()).expect("open");
        let stored = stored_batches(&store).await;
        assert!(
            stored == acked || stored == acked + 1,
            "{stored} stored, {acked} acknowledged"
        );
        check_stored(&store, stored, 1).await;
        let log = store.log_sizes(&run_id(), 1).await.expect("sizes")["out"];
        assert!(
            log >= acked && log <= stored,
            "{log} bytes of log, {acked} acknowledged"
        );
    }
    assert!(acked >= (KILLS * ACKS_PER_LIFE) as u64);
}

#[tokio::test]
#[ignore = "a body: run by killed_at_any_moment_every_acknowledged_batch_is_there_once"]
async fn ingest_until_killed() {
    let data = DataDir::open(body_folder()).expect("own");
    let store = SqliteStore::open(data.path()).expect("open");
    if store.run_get(&run_id()).await.expect("get").is_none() {
        store.run_create(&[new_run("aaaa")]).await.expect("made");
    }
    for index in stored_batches(&store).await.. {
        // Some die while they seal, or just after.
        if index % 16 == 9 {
            store.series_seal().await.expect("seal");
        }
        let outcome = store.ingest(batch(index, 1)).await.expect("ingest");
        assert!(matches!(outcome, IngestOutcome::Stored { .. }));
        let size = store.log_sizes(&run_id(), 1).await.expect("sizes");
        let size = size.get("out").copied().unwrap_or(0);
        let lines = vec![b'x'; usize::try_from(index + 1 - size).expect("small")];
        let outcome = store
            .log_append(&run_id(), 1, "out", size, &lines)
            .await
            .expect("log");
        assert_eq!(outcome, LogOutcome::Stored(index + 1));
        eprintln!("ack {index}");
    }
}

/// Runs a body as root of a private mount namespace.
fn in_private_mounts(name: &str) {
    let folder = tempfile::tempdir().expect("temp folder");
    let mut unshare = Command::new("unshare");
    unshare.arg("--mount");
    if !rustix::process::geteuid().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    let output = unshare
        .args(body(name, folder.path()))
        .output()
        .expect("util-linux is installed");
    assert!(
        output.status.success(),
        "{name} failed (it needs a mount namespace, by root or by unprivileged user namespaces):\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn mount(folder: &Path, options: &str) {
    let status = Command::new("mount")
        .args(["-t", "tmpfs", "-o", options, "tmpfs"])
        .arg(folder)
        .status()
        .expect("mount");
    assert!(status.success(), "mount -o {options}");
}

#[test]
fn a_full_disk_refuses_keeps_what_was_stored_and_recovers() {
    in_private_mounts("fill_the_disk");
}

#[tokio::test]
#[ignore = "a body: run by a_full_disk_refuses_keeps_what_was_stored_and_recovers"]
async fn fill_the_disk() {
    const POINTS: usize = 500;
    let folder = body_folder();
    // The ballast is as large as a part and the pages of an empty database: when it is gone,
    // closing can copy them out of a write-ahead log that keeps its size.
    mount(&folder, "size=8m");
    std::fs::write(folder.join("ballast"), vec![1; 3 << 20]).expect("ballast");
    let data = DataDir::open(&folder).expect("own");
    let store = SqliteStore::open(data.path()).expect("open");
    let blobs = FolderBlobStore::open(data.blobs()).expect("blobs");
    store.run_create(&[new_run("aaaa")]).await.expect("made");
    let content = vec![9; 1 << 20];
    let hash = blake3::hash(&content).to_hex().to_string();
    let upload = UploadRecord {
        id: "upload-1".parse().expect("an id"),
        owner: UserId("ann".to_owned()),
        size_bytes: content.len() as u64,
        hash: Some(hash.clone()),
        created_at: Timestamp(1),
    };
    blobs.upload_create(&upload).await.expect("there is room");
    let mut stored = 0;
    let error = loop {
        match store.ingest(batch(stored, POINTS)).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(stored > 0);
    assert_eq!(
        error.kind(),
        ErrorKind::StorageFull,
        "{error}: {:?}",
        std::error::Error::source(&error)
    );
    assert!(error.public_message().contains("hub.sqlite"), "{error}");
    check_stored(&store, stored, POINTS as u64).await;

    let mut writer = blobs.create().await.expect("writer");
    let error = loop {
        if let Err(error) = writer.write(Bytes::from_static(&[7; 1 << 16])).await {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    drop(writer);
    let left = std::fs::read_dir(data.blobs().join("tmp"))
        .expect("list")
        .count();
    assert_eq!(left, 0);

    let send = async || -> mlhub_core::Result<u64> {
        let mut part = blobs.upload_part(&upload.id, 0).await?;
        part.write(Bytes::from(content.clone())).await?;
        part.keep(None).await
    };
    let error = send().await.expect_err("no room for the part");
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    let state = blobs.upload_get(&upload.id).await.expect("get");
    assert_eq!(state.expect("still there").offset, 0);

    std::fs::remove_file(folder.join("ballast")).expect("free some space");
    assert_eq!(send().await.expect("room again"), upload.size_bytes);
    blobs.upload_store(&upload.id, &hash).await.expect("stored");
    store
        .ingest(batch(stored, POINTS))
        .await
        .expect("there is room again");
    drop(store);
    let store = SqliteStore::open(data.path()).expect("open again");
    check_stored(&store, stored + 1, POINTS as u64).await;
    let raw = rusqlite::Connection::open(folder.join("hub.sqlite")).expect("open");
    let verdict: String = raw
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("check");
    assert_eq!(verdict, "ok");
}

#[test]
fn a_read_only_disk_is_refused_by_name() {
    in_private_mounts("open_on_a_read_only_disk");
}

#[tokio::test]
#[ignore = "a body: run by a_read_only_disk_is_refused_by_name"]
async fn open_on_a_read_only_disk() {
    let folder = body_folder();
    mount(&folder, "size=8m");
    let path = folder.join("data");
    let data = DataDir::open(&path).expect("own");
    let store = SqliteStore::open(&path).expect("open");
    let blobs = FolderBlobStore::open(data.blobs()).expect("blobs");
    store.run_create(&[new_run("aaaa")]).await.expect("made");
    drop(data);
    std::fs::create_dir(folder.join("other")).expect("folder");
    // A read-only bind mount: the writer's files stay open on the disk below it.
    let read_only = folder.join("other");
    let bind = |arguments: &[&str]| {
        let status = Command::new("mount")
            .args(arguments)
            .arg(&path)
            .arg(&read_only)
            .status();
        assert!(status.expect("mount").success(), "{arguments:?}");
    };
    bind(&["--bind"]);
    bind(&["-o", "remount,ro,bind"]);
    let named = |error: mlhub_core::Error| {
        assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
        assert!(
            error
                .public_message()
                .contains(&read_only.display().to_string()),
            "{error}"
        );
    };
    named(DataDir::open(&read_only).expect_err("refused"));
    named(SqliteStore::open(&read_only).expect_err("refused"));
    let blobs_there = FolderBlobStore::open(read_only.join("blobs"));
    let error = match blobs_there {
        Ok(store) => store.create().await.map(drop).expect_err("refused"),
        Err(error) => error,
    };
    named(error);
    drop(blobs);
}

#[tokio::test]
async fn a_damaged_file_is_reported_by_name() {
    let folder = tempfile::tempdir().expect("temp folder");
    let file = folder.path().join("hub.sqlite");
    let store = SqliteStore::open(folder.path()).expect("open");
    store.run_create(&[new_run("aaaa")]).await.expect("made");
    for index in 0..50 {
        store.ingest(batch(index, 100)).await.expect("ingest");
    }
    store.series_seal().await.expect("seal");
    drop(store);
    let raw = rusqlite::Connection::open(&file).expect("open");
    raw.busy_timeout(std::time::Duration::from_secs(30))
        .expect("timeout");
    let page: i64 = raw
        .query_row("PRAGMA page_size", [], |row| row.get(0))
        .expect("page size");
    let sql = "SELECT rootpage FROM sqlite_master WHERE name = 'chunk_body'";
    let root: i64 = raw.query_row(sql, [], |row| row.get(0)).expect("root page");
    raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .expect("checkpoint");
    drop(raw);
    let mut bytes = std::fs::read(&file).expect("read");
    let start = usize::try_from((root - 1) * page).expect("small");
    bytes[start..start + 64].fill(0xa5);
    std::fs::write(&file, bytes).expect("write");

    let store = SqliteStore::open(folder.path()).expect("the rest is readable");
    assert_eq!(store.project_list().await.expect("list").len(), 1);
    let error = store.points(&run_id(), "a").await.expect_err("damaged");
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(
        error.public_message().contains(&file.display().to_string()),
        "{error}"
    );
    assert!(error.public_message().contains("damaged"), "{error}");
    drop(store);

    std::fs::write(&file, vec![b'x'; 8192]).expect("write");
    let error = SqliteStore::open(folder.path()).expect_err("not a database");
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.public_message().contains("hub.sqlite"), "{error}");
}

/// A row of the ingest log with a wrong checksum is set aside; the rest serves,
/// and goes on serving after further restarts.
#[tokio::test]
async fn a_torn_row_of_the_log_is_refused_and_the_rest_serves() {
    let folder = tempfile::tempdir().expect("temp folder");
    let store = SqliteStore::open(folder.path()).expect("open");
    store.run_create(&[new_run("aaaa")]).await.expect("made");
    for index in 0..20 {
        store.ingest(batch(index, 3)).await.expect("ingest");
    }
    drop(store);
    let raw = rusqlite::Connection::open(folder.path().join("hub.sqlite")).expect("open");
    raw.busy_timeout(std::time::Duration::from_secs(30))
        .expect("timeout");
    let torn: i64 = raw
        .query_row("SELECT max(seq) FROM ingest_log", [], |row| row.get(0))
        .expect("a row");
    // The last row ends early, and one in the middle has a flipped byte.
    let tear = "UPDATE ingest_log SET body = substr(body, 1, length(body) - 5) WHERE seq = ?1";
    assert_eq!(raw.execute(tear, [torn]).expect("torn"), 1);
    let body: Vec<u8> = raw
        .query_row(
            "SELECT body FROM ingest_log WHERE seq = ?1",
            [torn - 5],
            |row| row.get(0),
        )
        .expect("a row");
    let mut flipped = body;
    flipped[20] ^= 4;
    raw.execute(
        "UPDATE ingest_log SET body = ?1 WHERE seq = ?2",
        rusqlite::params![flipped, torn - 5],
    )
    .expect("flipped");
    for round in 0..3 {
        let store = SqliteStore::open(folder.path()).expect("the rest is readable");
        for name in ["a", "b"] {
            let parts = store.points(&run_id(), name).await.expect("points");
            let steps: Vec<i64> = parts[0].points.iter().map(|point| point.step).collect();
            let kept = (0..19i64).filter(|step| *step != 14);
            let expected: Vec<i64> = kept.flat_map(|step| [step; 3]).collect();
            assert_eq!(steps, expected, "round {round}");
        }
        let summaries = store.summaries(&[run_id()], None).await.expect("summaries");
        assert_eq!(summaries[0].count, 54);
        // The sender of the torn row still has it.
        let expected = 19 * BATCH_BYTES;
        let outcome = store.ingest(batch(20, 3)).await.expect("an answer");
        assert_eq!(outcome, IngestOutcome::Misaligned { expected });
        if round == 1 {
            store.series_seal().await.expect("seal");
        }
    }
    let aside: i64 = raw
        .query_row("SELECT count(*) FROM ingest_log_damaged", [], |row| {
            row.get(0)
        })
        .expect("count");
    assert_eq!(aside, 2);
}

#[tokio::test]
async fn a_newer_database_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().expect("temp folder");
    let file = folder.path().join("hub.sqlite");
    drop(SqliteStore::open(folder.path()).expect("open"));
    let raw = rusqlite::Connection::open(&file).expect("open");
    raw.busy_timeout(std::time::Duration::from_secs(30))
        .expect("timeout");
    raw.execute_batch(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
         SELECT 99, 'future', applied_on, checksum FROM refinery_schema_history WHERE version = 1; \
         PRAGMA wal_checkpoint(TRUNCATE);",
    )
    .expect("a newer version");
    drop(raw);
    let before = std::fs::read(&file).expect("read");
    let error = SqliteStore::open(folder.path()).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.public_message().contains("version 99"), "{error}");
    assert!(
        error.public_message().contains(&file.display().to_string()),
        "{error}"
    );
    assert_eq!(std::fs::read(&file).expect("read"), before);
}
