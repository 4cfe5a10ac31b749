//! Making, finding, changing and removing runs.

use std::collections::BTreeMap;

use mlhub_core::run::{Artifact, NewRun};
use mlhub_core::store::LogOutcome;
use mlhub_core::{ErrorKind, RunState, Timestamp, limits};
use serde_json::json;

use super::TestStore;
use super::make::{batch, change, id, map, name, point, run};

/// A run with everything a run can have.
fn full_run() -> NewRun {
    let mut new = run("run-1_A");
    new.name = name("näme \u{1f600}");
    new.adapter = Some("sklearn".to_owned());
    new.adapter_version = Some("1.0".to_owned());
    new.seed = Some(i64::MIN);
    new.group = Some("grp1".parse().expect("an id"));
    new.dataset = Some("iris@1".to_owned());
    new.notes = "# Notes\n".to_owned();
    new.params = map(&[("lr", "0.1"), ("e\u{301}", "2"), ("\u{e9}", "3")]);
    new.tags = map(&[("t", "")]);
    new.snapshot = json!({"z": [1.5, null, "\u{0}\u{7}"], "big": u64::MAX, "tiny": 5e-324});
    new.host = Some("box".to_owned());
    new
}

pub(crate) async fn a_run_comes_back_as_it_was_made(store: TestStore) {
    let new = full_run();
    let made = store
        .run_create(std::slice::from_ref(&new))
        .await
        .expect("made");
    let got = store.run_get(&new.id).await.expect("get").expect("there");
    assert_eq!(made, std::slice::from_ref(&got));
    assert_eq!(
        (
            &got.name,
            &got.adapter,
            &got.adapter_version,
            got.seed,
            &got.group,
            &got.dataset
        ),
        (
            &new.name,
            &new.adapter,
            &new.adapter_version,
            new.seed,
            &new.group,
            &new.dataset
        )
    );
    assert_eq!(
        (&got.project, &got.experiment, &got.owner, &got.notes),
        (&new.project, &new.experiment, &new.owner, &new.notes)
    );
    assert_eq!(
        (got.state, got.attempt, got.created_at),
        (RunState::Queued, 1, new.created_at)
    );
    assert_eq!(
        (got.started_at, got.ended_at, got.exit, got.stop_requested),
        (None, None, None, false)
    );
    assert!(got.failure.is_none());
    assert_eq!(
        store.run_snapshot(&new.id).await.expect("snapshot"),
        Some(new.snapshot.clone())
    );
    let ids = [new.id.clone(), id("none")];
    assert_eq!(
        store.params(&ids).await.expect("params"),
        BTreeMap::from([(new.id.clone(), new.params.clone())])
    );
    assert_eq!(
        store.tags(&ids).await.expect("tags"),
        BTreeMap::from([(new.id.clone(), new.tags.clone())])
    );
    let attempts = store.attempt_list(&new.id).await.expect("attempts");
    assert_eq!(attempts.len(), 1);
    assert_eq!(
        (attempts[0].number, attempts[0].host.as_deref()),
        (1, Some("box"))
    );
    assert_eq!(store.run_get(&id("none")).await.expect("get"), None);
    assert_eq!(store.run_snapshot(&id("none")).await.expect("get"), None);
}

pub(crate) async fn runs_are_made_all_or_none(store: TestStore) {
    let made = store
        .run_create(&[run("aaaa"), run("bbbb")])
        .await
        .expect("made");
    assert!(made[0].seq < made[1].seq);
    assert_eq!(made[1].id, id("bbbb"));
    let error = store
        .run_create(&[run("cccc"), run("bbbb")])
        .await
        .expect_err("exists");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(store.run_get(&id("cccc")).await.expect("get"), None);
    let error = store
        .run_create(&[run("dddd"), run("dddd")])
        .await
        .expect_err("twice");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(store.run_create(&[]).await.expect("nothing"), []);
    // Many at once: every one is made, none shares its place in the order.
    let create = |index: usize| {
        let store = store.clone();
        async move { store.run_create(&[run(&format!("para{index}"))]).await }
    };
    let made = futures::future::join_all((0..8).map(create)).await;
    let mut seqs: Vec<i64> = made
        .into_iter()
        .map(|runs| runs.expect("made")[0].seq)
        .collect();
    seqs.sort_unstable();
    seqs.dedup();
    assert_eq!(seqs.len(), 8);
}

pub(crate) async fn runs_are_found_by_prefix(store: TestStore) {
    for text in ["ab_1", "abx1", "ab-1", "abcd", "Ab12", "zzzz"] {
        store.run_create(&[run(text)]).await.expect("made");
    }
    let find = async |prefix: &str, limit| {
        let runs = store.run_find(prefix, limit).await.expect("find");
        runs.into_iter()
            .map(|run| run.id.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(find("ab", 9).await, ["ab-1", "ab_1", "abcd", "abx1"]);
    assert_eq!(find("ab_", 9).await, ["ab_1"]);
    assert_eq!(find("ab", 2).await, ["ab-1", "ab_1"]);
    assert_eq!(find("abcd", 9).await, ["abcd"]);
    assert_eq!(find("", 99).await.len(), 6);
    for unusable in ["%", "a%", "'", "\0", "é", "abcdx"] {
        assert_eq!(
            find(unusable, 9).await,
            Vec::<String>::new(),
            "{unusable:?}"
        );
    }
}

pub(crate) async fn renaming_and_stop_requests(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let a = id("aaaa");
    store
        .run_rename(&a, Some(&name("new")), None)
        .await
        .expect("rename");
    store
        .run_rename(&a, None, Some("notes"))
        .await
        .expect("notes");
    let got = store.run_get(&a).await.expect("get").expect("there");
    assert_eq!((got.name.as_str(), got.notes.as_str()), ("new", "notes"));
    assert!(store.run_stop_request(&a).await.expect("stop"));
    assert!(!store.run_stop_request(&a).await.expect("stop again"));
    assert!(
        store
            .run_get(&a)
            .await
            .expect("get")
            .expect("there")
            .stop_requested
    );
    let long = "x".repeat(limits::NOTES_MAX_BYTES + 1);
    let error = store
        .run_rename(&a, None, Some(&long))
        .await
        .expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

pub(crate) async fn tags_are_set_and_removed(store: TestStore) {
    let mut new = run("aaaa");
    new.tags = map(&[("a", "1"), ("b", "2")]);
    store.run_create(&[new]).await.expect("made");
    let tags = BTreeMap::from([
        ("a".to_owned(), None),
        ("b".to_owned(), Some("3".to_owned())),
        ("c".to_owned(), Some("4".to_owned())),
        ("never".to_owned(), None),
    ]);
    store.tags_set(&id("aaaa"), &tags).await.expect("set");
    store.tags_set(&id("aaaa"), &tags).await.expect("set again");
    let stored = store.tags(&[id("aaaa")]).await.expect("tags");
    assert_eq!(stored[&id("aaaa")], map(&[("b", "3"), ("c", "4")]));
}

pub(crate) async fn removing_a_run_takes_all_of_it_and_names_its_blobs(store: TestStore) {
    store
        .run_create(&[run("aaaa"), run("bbbb")])
        .await
        .expect("made");
    for (run, path, hash) in [
        ("aaaa", "x", "own"),
        ("aaaa", "y", "own"),
        ("aaaa", "z", "shared"),
        ("bbbb", "x", "shared"),
    ] {
        let artifact = Artifact {
            run: id(run),
            path: path.parse().expect("a path"),
            hash: hash.to_owned(),
            size_bytes: 1,
            kind: "artifact".to_owned(),
            attempt: 1,
            created_at: Timestamp(1),
        };
        store.artifact_put(&artifact).await.expect("put");
    }
    store
        .ingest(batch("aaaa", 0, 10, "loss", &[point(1, 1.0)]))
        .await
        .expect("ingest");
    let a = id("aaaa");
    let log = store
        .log_append(&a, 1, "stdout", 0, b"x")
        .await
        .expect("log");
    assert_eq!(log, LogOutcome::Stored(1));
    store
        .evaluation_put(&super::evaluations::evaluation("eval-a", "aaaa", "test"))
        .await
        .expect("evaluation");

    assert_eq!(store.run_delete(&a).await.expect("delete"), ["own"]);
    assert_eq!(store.run_get(&a).await.expect("get"), None);
    assert_eq!(store.attempt_list(&a).await.expect("list"), []);
    assert_eq!(store.points(&a, "loss").await.expect("points"), []);
    assert_eq!(store.artifact_list(&a).await.expect("list"), []);
    assert_eq!(store.evaluation_pending(9).await.expect("list"), []);
    assert_eq!(
        store.log_sizes(&a, 1).await.expect("sizes"),
        BTreeMap::new()
    );
    let error = store.run_delete(&a).await.expect_err("gone");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    // The id is free again and brings nothing back.
    store.run_create(&[run("aaaa")]).await.expect("made again");
    assert_eq!(store.summaries(&[a], None).await.expect("summaries"), []);
    assert_eq!(
        store.run_delete(&id("bbbb")).await.expect("delete"),
        ["shared"]
    );
}

pub(crate) async fn what_cannot_be_stored_is_refused(store: TestStore) {
    let mut new = run("aaaa");
    new.params = map(&[("a\0", "1")]);
    let refuse = async |new: &NewRun| {
        store
            .run_create(std::slice::from_ref(new))
            .await
            .expect_err("refused")
            .kind()
    };
    assert_eq!(refuse(&new).await, ErrorKind::Invalid);
    new.params = map(&[("a", "\0")]);
    assert_eq!(refuse(&new).await, ErrorKind::Invalid);
    new.params = map(&[("", "1")]);
    assert_eq!(refuse(&new).await, ErrorKind::Invalid);
    new.params = BTreeMap::from([("k".repeat(limits::KEY_MAX_BYTES + 1), String::new())]);
    assert_eq!(refuse(&new).await, ErrorKind::TooLarge);
    new.params = BTreeMap::from([("k".to_owned(), "v".repeat(limits::VALUE_MAX_BYTES + 1))]);
    assert_eq!(refuse(&new).await, ErrorKind::TooLarge);
    new.params = BTreeMap::new();
    new.notes = "a\0".to_owned();
    assert_eq!(refuse(&new).await, ErrorKind::Invalid);
    new.notes = String::new();
    new.snapshot = json!("x".repeat(limits::SNAPSHOT_MAX_BYTES));
    assert_eq!(refuse(&new).await, ErrorKind::TooLarge);
    assert_eq!(store.project_list().await.expect("list"), []);

    // The longest that may be stored is stored.
    let mut new = run("bbbb");
    let key: String = (0..limits::KEY_MAX_BYTES)
        .map(|i| char::from(b'!' + (i * 7919 % 90) as u8))
        .collect();
    new.params = BTreeMap::from([(key, "v".repeat(limits::VALUE_MAX_BYTES))]);
    store
        .run_create(std::slice::from_ref(&new))
        .await
        .expect("made");
    assert_eq!(
        store.params(&[id("bbbb")]).await.expect("params")[&id("bbbb")],
        new.params
    );
}

pub(crate) async fn runs_are_scanned_and_read_in_the_order_of_creation(store: TestStore) {
    let ids: Vec<String> = (0..700)
        .map(|i| format!("run-{:03}", i * 37 % 700))
        .collect();
    for slab in ids.chunks(100) {
        let new: Vec<NewRun> = slab.iter().map(|id| run(id)).collect();
        store.run_create(&new).await.expect("made");
    }
    let (mut after, mut scanned) = (0, Vec::new());
    loop {
        let page = store.run_scan(after, 64).await.expect("scan");
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 64);
        after = last.seq;
        scanned.extend(page);
    }
    let found: Vec<&str> = scanned.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(found, ids);
    let mut wanted: Vec<_> = ids.iter().rev().map(|text| id(text)).collect();
    wanted.extend([id("none"), id("run-000")]);
    assert_eq!(store.runs_get(&wanted).await.expect("read"), scanned);
    assert_eq!(store.runs_get(&[]).await.expect("read"), []);
}

pub(crate) async fn names_are_compared_byte_by_byte(store: TestStore) {
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
    let mut runs = [run("aaaa"), run("bbbb")];
    runs[0].project = name(composed);
    runs[1].project = name(decomposed);
    runs[0].params = map(&[
        (composed, "1"),
        (decomposed, "2"),
        ("Key", "3"),
        ("key", "4"),
    ]);
    store.run_create(&runs).await.expect("made");
    assert_eq!(store.project_list().await.expect("list").len(), 2);
    assert_eq!(
        store.params(&[id("aaaa")]).await.expect("params")[&id("aaaa")],
        runs[0].params
    );
    let got = store.runs_get(&[id("bbbb")]).await.expect("read");
    assert_eq!(got[0].project, name(decomposed));
    store
        .ingest(batch("aaaa", 0, 1, composed, &[point(0, 1.0)]))
        .await
        .expect("ingest");
    assert_eq!(
        store.points(&id("aaaa"), decomposed).await.expect("points"),
        []
    );
    assert_eq!(
        store
            .points(&id("aaaa"), composed)
            .await
            .expect("points")
            .len(),
        1
    );
}

pub(crate) async fn what_does_not_exist_is_not_found(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let (none, here) = (id("none"), id("aaaa"));
    let kinds = [
        store.run_rename(&none, None, None).await.map(drop),
        store.run_stop_request(&none).await.map(drop),
        store.run_delete(&none).await.map(drop),
        store
            .attempt_create(&none, None, None, Timestamp(1))
            .await
            .map(drop),
        store
            .attempt_change(&change("none", 1, RunState::Queued, RunState::Running))
            .await
            .map(drop),
        store
            .attempt_change(&change("aaaa", 2, RunState::Queued, RunState::Running))
            .await
            .map(drop),
        store.attempt_heartbeat(&here, 2, Timestamp(1)).await,
        store.tags_set(&none, &BTreeMap::new()).await,
        store.ingest(batch("none", 0, 1, "m", &[])).await.map(drop),
        store
            .ingest(mlhub_core::store::IngestBatch {
                attempt: 2,
                ..batch("aaaa", 0, 1, "m", &[])
            })
            .await
            .map(drop),
        store
            .log_append(&none, 1, "stdout", 0, b"x")
            .await
            .map(drop),
        store
            .log_append(&here, 2, "stdout", 0, b"x")
            .await
            .map(drop),
        store
            .evaluation_put(&super::evaluations::evaluation("eval-n", "none", "test"))
            .await,
    ];
    for (index, result) in kinds.into_iter().enumerate() {
        assert_eq!(
            result.expect_err("missing").kind(),
            ErrorKind::NotFound,
            "call {index}"
        );
    }
}
