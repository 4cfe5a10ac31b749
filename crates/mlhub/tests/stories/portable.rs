//! Taking things along with real processes: backups of a busy hub, projects
//! between databases, kills in between.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mlhub_protocol::Number;
use mlhub_protocol::rest::{AttemptStart, EventBatch, PointView};
use serde_json::json;

use crate::postgres;
use crate::support::{Served, World, wait};

/// Who sends at the same time.
const WRITERS: usize = 8;

fn batch(step: u64) -> EventBatch {
    EventBatch {
        writer: "w".to_owned(),
        start: step,
        end: step + 1,
        points: vec![PointView {
            name: "loss".to_owned(),
            step: step.cast_signed(),
            time_ms: 1,
            value: Number(step as f64),
        }],
        params: Default::default(),
        tags: Default::default(),
        records: Vec::new(),
    }
}

/// Makes running runs `writer-N` that nobody minds, each with an artifact.
fn writers(hub: &Served) -> Vec<String> {
    let ids: Vec<String> = (0..WRITERS)
        .map(|index| format!("writer-{index}"))
        .collect();
    let runs: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
    let request = json!({
        "project": "p", "experiment": "e", "snapshot": {"version": 1}, "runs": runs,
    });
    let request = serde_json::from_value(request).expect("a request");
    hub.client.runs_create(&request).expect("made");
    for id in &ids {
        let start = AttemptStart { started_at: 5 };
        hub.client.attempt_start(id, 1, &start).expect("started");
    }
    ids
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[test]
fn a_backup_of_a_busy_hub_is_a_prefix_of_what_was_acknowledged() {
    let world = World::new();
    let hub = world.serve(&[]);
    let ids = writers(&hub);
    let acknowledged: Vec<AtomicU64> = ids.iter().map(|_| AtomicU64::new(0)).collect();
    let stop = AtomicBool::new(false);
    let (backup, restored) = (world.path().join("backup"), world.path().join("restored"));
    let before = std::thread::scope(|scope| {
        for (id, count) in ids.iter().zip(&acknowledged) {
            let (client, stop) = (&hub.client, &stop);
            scope.spawn(move || {
                for step in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    client.attempt_events(id, 1, &batch(step)).expect("stored");
                    count.store(step + 1, Ordering::SeqCst);
                }
            });
        }
        wait("some points of each", || {
            let all = acknowledged
                .iter()
                .all(|count| count.load(Ordering::SeqCst) > 20);
            all.then_some(())
        });
        let load = |count: &AtomicU64| count.load(Ordering::SeqCst);
        let before: Vec<u64> = acknowledged.iter().map(load).collect();
        let said = world.mlhub(&["backup", text(&backup)]);
        stop.store(true, Ordering::Relaxed);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        before
    });
    hub.kill();
    world.ok(&["backup", "verify", text(&backup)]);
    world.ok(&["restore", text(&backup), "--data-dir", text(&restored)]);
    let mut command = world.command(&["serve", "--port", "0"]);
    command.env("MLHUB_DATA_DIR", &restored);
    let hub = Served::start(command, &restored, None);
    for (index, id) in ids.iter().enumerate() {
        let series = hub.series(id, "loss");
        let sent = acknowledged[index].load(Ordering::SeqCst);
        let offsets = hub.client.attempt_offsets(id, 1).expect("offsets");
        let stored = hub.client.metric_list(id).expect("metrics").metrics[0].count;
        assert_eq!(series.total, stored);
        // All that was acknowledged before, nothing twice, nothing out of thin air.
        assert!(
            (before[index]..=sent + 1).contains(&stored),
            "{id}: {stored}"
        );
        assert_eq!(offsets.events["w"], stored);
    }
}

#[test]
fn a_second_backup_brings_only_what_is_new() {
    let world = World::with_iris();
    world.write(
        "trees.yaml",
        "project: flowers\nname: trees\nadapter: native\ndataset: {path: iris.csv, target: species, split: {seed: 3, fractions: {train: 0.7, test: 0.3}}}\nseeds: [1]\n",
    );
    world.ok(&["run", "trees.yaml", "--smoke"]);
    let backup = world.path().join("backup");
    let first = world.json(&["backup", text(&backup)]);
    let blobs = first["manifest"]["blobs"].as_u64().expect("a count");
    assert!(blobs > 0, "{first}");
    assert_eq!(first["blobs_copied"], blobs);
    let second = world.json(&["backup", text(&backup)]);
    assert_eq!(second["blobs_copied"], 0);
    assert_eq!(second["manifest"]["blobs"], blobs);
    let foreign = world.path().join("foreign");
    std::fs::create_dir(&foreign).expect("folder");
    std::fs::write(foreign.join("thesis.tex"), "mine").expect("file");
    let said = world.mlhub(&["backup", text(&foreign)]);
    assert_eq!(said.code, Some(8));
    assert!(said.stderr.contains("not empty"), "{}", said.stderr);
    // One flipped byte is named, and nothing is restored from it.
    let list = std::fs::read_dir(&backup).expect("list");
    let records = list
        .map(|entry| entry.expect("entry").path())
        .find(|path| path.extension().is_some_and(|ending| ending == "sqlite"))
        .expect("records");
    let mut bytes = std::fs::read(&records).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&records, bytes).expect("write");
    let said = world.mlhub(&["backup", "verify", text(&backup)]);
    assert_eq!(said.code, Some(1));
    assert!(said.stdout.contains("damaged"), "{}", said.stdout);
    let restored = world.path().join("restored");
    let said = world.mlhub(&["restore", text(&backup), "--data-dir", text(&restored)]);
    assert_eq!(said.code, Some(8), "{}", said.stderr);
    assert!(!restored.exists());
}

#[test]
fn a_project_moves_between_sqlite_and_postgresql_and_back() {
    let server = postgres::Server::start();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (url, other) =
        runtime.block_on(async { (server.database().await, server.database().await) });
    let here = World::with_iris();
    here.write(
        "trees.yaml",
        "project: flowers\nname: trees\nadapter: native\ndataset: {path: iris.csv, target: species, split: {seed: 3, fractions: {train: 0.7, test: 0.3}}}\nseeds: [1, 2]\n",
    );
    here.ok(&["run", "trees.yaml", "--smoke"]);
    let hash = |world: &World| {
        let said = world.json(&["project", "hash", "flowers"]);
        said["content_hash"].as_str().expect("a hash").to_owned()
    };
    let wanted = hash(&here);
    let file = here.path().join("flowers.mlhub");
    here.ok(&["export", "flowers", text(&file)]);
    let there = World::new();
    let hub = there.serve(&["--postgres", &url]);
    assert_eq!(hub.client.info().expect("info").store, "postgresql");
    for (imported, present) in [(2, 0), (0, 2)] {
        let report = there.json(&["import", text(&file)]);
        assert_eq!(report["runs_imported"], imported);
        assert_eq!(report["runs_present"], present);
    }
    assert_eq!(hash(&there), wanted);
    let again = there.path().join("again.mlhub");
    there.ok(&["export", "flowers", text(&again)]);
    let back = World::new();
    back.ok(&["import", text(&again)]);
    assert_eq!(hash(&back), wanted);
    // A backup of PostgreSQL goes into SQLite, and one of SQLite into PostgreSQL.
    let backup = there.path().join("backup");
    there.ok(&["backup", text(&backup)]);
    let restored = World::new();
    restored.ok(&["restore", text(&backup)]);
    assert_eq!(hash(&restored), wanted);
    let backup = here.path().join("backup");
    here.ok(&["backup", text(&backup)]);
    let last = World::new();
    last.ok(&["restore", text(&backup), "--postgres", &other]);
    let _hub = last.serve(&["--postgres", &other]);
    assert_eq!(hash(&last), wanted);
}

#[test]
fn a_killed_restore_leaves_nothing_under_the_name() {
    let world = World::new();
    let hub = world.serve(&[]);
    let ids = writers(&hub);
    for step in 0..50 {
        hub.client
            .attempt_events(&ids[0], 1, &batch(step))
            .expect("stored");
    }
    let backup = world.path().join("backup");
    world.ok(&["backup", text(&backup)]);
    let restored = world.path().join("restored");
    let mut whole = 0;
    // Killed at the first sign of work, and ever later, until one gets through.
    for delay in 0.. {
        let mut command = world.command(&["restore", text(&backup)]);
        command.env("MLHUB_DATA_DIR", &restored);
        let mut child = command.spawn().expect("starts");
        let looks = std::cell::Cell::new(0u32);
        let finished = wait("a moment to kill at", || {
            looks.set(looks.get() + 1);
            let status = child.try_wait().expect("wait");
            let due = looks.get() > delay * 2;
            (status.is_some() || due).then_some(status)
        });
        drop(child.kill());
        child.wait().expect("wait");
        if restored.exists() {
            whole += 1;
            break;
        }
        assert!(finished.is_none_or(|status| !status.success()));
    }
    assert_eq!(whole, 1);
    let mut command = world.command(&["serve", "--port", "0"]);
    command.env("MLHUB_DATA_DIR", &restored);
    let hub = Served::start(command, &restored, None);
    assert_eq!(hub.series(&ids[0], "loss").total, 50);
}
