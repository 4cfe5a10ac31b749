//! Hiding, removing for good, the ledger, rules.

use mlhub_core::deletion::{
    ArtifactRemoval, BestDirection, DeletionAction, DeletionScope, KeepBest, NewDeletion,
    RetentionRule,
};
use mlhub_core::run::Artifact;
use mlhub_core::{ErrorKind, RunState, Timestamp, UserId};

use super::TestStore;
use super::make::{batch, change, id, name, point, run};

async fn ended(store: &TestStore, names: &[&str]) {
    let runs: Vec<_> = names.iter().map(|name| run(name)).collect();
    store.run_create(&runs).await.expect("made");
    for run in names {
        let change = change(run, 1, RunState::Queued, RunState::Stopped);
        assert!(store.attempt_change(&change).await.expect("ended"));
    }
}

fn me() -> UserId {
    UserId("me".to_owned())
}

fn deletion(run: &str, action: DeletionAction) -> NewDeletion {
    NewDeletion {
        action,
        run: id(run),
        cause: "request".to_owned(),
        actor: me(),
        file_count: 2,
        file_bytes: 20,
        now: Timestamp(50),
    }
}

async fn artifact(store: &TestStore, run: &str, path: &str, hash: &str, size_bytes: u64) {
    let artifact = Artifact {
        run: id(run),
        path: path.parse().expect("a path"),
        hash: hash.to_owned(),
        size_bytes,
        kind: "artifact".to_owned(),
        attempt: 1,
        created_at: Timestamp(1),
    };
    store.artifact_put(&artifact).await.expect("put");
}

pub(crate) async fn a_hidden_run_is_in_no_list_and_comes_back(store: TestStore) {
    ended(&store, &["aaaa", "bbbb"]).await;
    store.run_create(&[run("cccc")]).await.expect("queued");
    let all = [id("aaaa"), id("cccc")];
    let hide = async |action, now| {
        store
            .run_hide(&all, action, "request", &me(), Timestamp(now))
            .await
            .expect("hide")
    };
    // A run that has not ended stays.
    assert_eq!(hide(DeletionAction::Delete, 7).await, [id("aaaa")]);
    assert_eq!(hide(DeletionAction::Delete, 8).await, []);
    let found = store
        .run_get(&id("aaaa"))
        .await
        .expect("get")
        .expect("kept");
    assert_eq!(found.deleted_at, Some(Timestamp(7)));
    // Lists leave it out by its time; the scan that feeds them does not.
    let scanned = store.run_scan(i64::MIN, 10).await.expect("scan");
    let hidden = scanned.iter().filter(|run| run.deleted_at.is_some());
    let hidden: Vec<_> = hidden.map(|run| run.id.as_str()).collect();
    assert_eq!((scanned.len(), hidden), (3, vec!["aaaa"]));
    assert_eq!(store.project_list().await.expect("list")[0].run_count, 2);
    let scope = |deleted| DeletionScope {
        project: Some(name("p")),
        deleted,
    };
    let candidates = async |deleted, after| {
        let found = store.deletion_candidates(&scope(deleted), after, 10).await;
        let found = found.expect("list").into_iter();
        found.map(|run| run.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(candidates(Some(true), 0).await, ["aaaa"]);
    assert_eq!(candidates(Some(false), 0).await, ["bbbb"]);
    assert_eq!(candidates(None, 0).await, ["aaaa", "bbbb"]);
    assert_eq!(candidates(None, found.seq).await, ["bbbb"]);
    assert_eq!(hide(DeletionAction::Restore, 9).await, [id("aaaa")]);
    let found = store
        .run_get(&id("aaaa"))
        .await
        .expect("get")
        .expect("kept");
    assert_eq!(found.deleted_at, None);
    let ledger = store.deletion_list(None, 10).await.expect("ledger");
    let ledger: Vec<_> = ledger
        .iter()
        .map(|line| (line.action, line.run.as_str(), line.ended_at))
        .collect();
    assert_eq!(
        ledger,
        [
            (DeletionAction::Restore, "aaaa", Some(Timestamp(9))),
            (DeletionAction::Delete, "aaaa", Some(Timestamp(7))),
        ]
    );
}

pub(crate) async fn a_purge_is_measured_begun_once_and_ended(store: TestStore) {
    ended(&store, &["aaaa", "bbbb"]).await;
    store.run_create(&[run("cccc")]).await.expect("queued");
    artifact(&store, "aaaa", "x", "own", 100).await;
    artifact(&store, "aaaa", "y", "own", 100).await;
    artifact(&store, "aaaa", "z", "shared", 1000).await;
    artifact(&store, "bbbb", "z", "shared", 1000).await;
    let bytes = async || {
        let measured = store
            .deletion_measure(&id("aaaa"), DeletionAction::Purge)
            .await;
        measured.expect("measure").row_bytes
    };
    let before = bytes().await;
    store
        .ingest(batch("aaaa", 0, 10, "loss", &[point(1, 1.0)]))
        .await
        .expect("ingest");
    assert!(bytes().await > before, "points in the log count");
    // More pieces than one step removes.
    for offset in 0..150 {
        let run = id("aaaa");
        let log = store.log_append(&run, 1, "stdout", offset, b"x").await;
        log.expect("log");
    }
    let purge = deletion("aaaa", DeletionAction::Purge);
    let a = id("aaaa");
    let measured = store.deletion_measure(&a, DeletionAction::Purge).await;
    let measured = measured.expect("measure");
    assert_eq!((measured.blob_count, measured.blob_bytes), (1, 100));
    assert!(
        measured.row_count > 150 && measured.row_bytes > 150,
        "{measured:?}"
    );
    let begun = store.deletion_begin(&purge).await.expect("begin");
    assert_eq!(begun.size.row_bytes, measured.row_bytes);
    assert_eq!((begun.size.file_count, begun.size.file_bytes), (2, 20));
    assert_eq!(store.deletion_begin(&purge).await.expect("again"), begun);
    let open = store.deletion_open().await.expect("open");
    assert_eq!(open, std::slice::from_ref(&begun));
    let hidden = store
        .run_get(&id("aaaa"))
        .await
        .expect("get")
        .expect("there");
    assert_eq!(hidden.deleted_at, Some(Timestamp(50)));
    let mut steps = 0;
    while store.deletion_step(begun.seq).await.expect("step") {
        steps += 1;
    }
    assert_eq!(steps, 2);
    // Used until the rows of the run are gone.
    assert_eq!(
        store.deletion_blobs(begun.seq).await.expect("blobs").len(),
        0
    );
    store.run_delete(&id("aaaa")).await.expect("rows");
    assert!(!store.deletion_step(begun.seq).await.expect("nothing left"));
    assert_eq!(
        store.deletion_blobs(begun.seq).await.expect("blobs"),
        ["own"]
    );
    store
        .deletion_end(begun.seq, Timestamp(60))
        .await
        .expect("end");
    store
        .deletion_end(begun.seq, Timestamp(99))
        .await
        .expect("once");
    assert_eq!(store.deletion_open().await.expect("open"), []);
    let ledger = store.deletion_list(None, 10).await.expect("ledger");
    assert_eq!(ledger.len(), 1);
    assert_eq!(ledger[0].ended_at, Some(Timestamp(60)));
    assert_eq!(
        store
            .deletion_list(Some(ledger[0].seq), 9)
            .await
            .expect("page"),
        []
    );
    let active = deletion("cccc", DeletionAction::Purge);
    let error = store.deletion_begin(&active).await.expect_err("queued");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let error = store.deletion_begin(&purge).await.expect_err("gone");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(!store.project_remove(&name("p")).await.expect("in use"));
    assert_eq!(
        store.integrity_check().await.expect("check"),
        Vec::<String>::new()
    );
}

pub(crate) async fn dropping_a_part_leaves_the_rest(store: TestStore) {
    ended(&store, &["aaaa"]).await;
    artifact(&store, "aaaa", "x", "own", 100).await;
    let a = id("aaaa");
    store
        .log_append(&a, 1, "stdout", 0, b"hello")
        .await
        .expect("log");
    for action in [DeletionAction::DropLogs, DeletionAction::DropArtifacts] {
        let begun = store.deletion_begin(&deletion("aaaa", action)).await;
        let begun = begun.expect("begin");
        assert!(!store.deletion_step(begun.seq).await.expect("step"));
        let blobs = store.deletion_blobs(begun.seq).await.expect("blobs");
        assert_eq!(
            blobs.len(),
            usize::from(action == DeletionAction::DropArtifacts)
        );
        store
            .deletion_end(begun.seq, Timestamp(60))
            .await
            .expect("end");
        let size = store.deletion_measure(&a, action).await.expect("measure");
        assert_eq!(size.row_count, 0, "{action:?}");
    }
    assert_eq!(store.artifact_list(&a).await.expect("list"), []);
    // The stream keeps its length, so late output goes on where it was.
    assert_eq!(store.log_sizes(&a, 1).await.expect("sizes")["stdout"], 5);
    assert!(
        store
            .log_read(&a, 1, "stdout", 0, 9)
            .await
            .expect("read")
            .is_empty()
    );
    assert_eq!(
        store
            .run_get(&a)
            .await
            .expect("get")
            .expect("kept")
            .deleted_at,
        None
    );
    store.run_delete(&a).await.expect("rows");
    assert!(store.project_remove(&name("p")).await.expect("empty"));
    assert!(!store.project_remove(&name("p")).await.expect("gone"));
    assert_eq!(store.project_list().await.expect("list"), []);
}

pub(crate) async fn blobs_are_known_by_their_users(store: TestStore) {
    ended(&store, &["aaaa", "bbbb"]).await;
    for (run, path, hash) in [
        ("aaaa", "x", "h1"),
        ("aaaa", "y", "h2"),
        ("bbbb", "x", "h1"),
    ] {
        artifact(&store, run, path, hash, 3).await;
    }
    store
        .evaluation_put(&super::evaluations::evaluation("eval-a", "aaaa", "test"))
        .await
        .expect("evaluation");
    let waiting = &store.evaluation_pending(1).await.expect("pending")[0];
    let hashes = ["h0", "h1", "h2", &waiting.predictions_hash].map(str::to_owned);
    assert_eq!(store.blobs_unused(&hashes).await.expect("unused"), ["h0"]);
    let mut seen = Vec::new();
    let mut after = None;
    while let [used] = store.blobs_used(after, 1).await.expect("used").as_slice() {
        seen.push(format!("{}/{}={}", used.run, used.path, used.hash));
        after = Some((used.run_seq, used.path.clone()));
    }
    assert_eq!(seen, ["aaaa/x=h1", "aaaa/y=h2", "bbbb/x=h1"]);
}

pub(crate) async fn single_artifacts_go_and_the_ledger_tells(store: TestStore) {
    store
        .run_create(&[run("aaaa"), run("bbbb")])
        .await
        .expect("made");
    for (run, path, hash, size) in [
        ("aaaa", "m", "h1", 3),
        ("aaaa", "m/x", "h1", 3),
        ("aaaa", "m/y", "h2", 5),
        ("aaaa", "m-2", "h3", 7),
        ("bbbb", "z", "h2", 5),
    ] {
        artifact(&store, run, path, hash, size).await;
    }
    let removal = |run: &str, path: Option<&str>| ArtifactRemoval {
        run: id(run),
        path: path.map(|path| path.parse().expect("a path")),
        of_models: false,
        actor: me(),
        now: Timestamp(70),
    };
    let paths = async |run: &str| -> Vec<String> {
        let found = store.artifact_list(&id(run)).await.expect("list");
        found.into_iter().map(|one| one.path.to_string()).collect()
    };
    // The folder with the file of its name, and nothing that begins alike.
    let lost = store.artifacts_remove(&removal("aaaa", Some("m"))).await;
    assert_eq!(lost.expect("removed"), ["h1", "h2"]);
    assert_eq!(paths("aaaa").await, ["m-2"]);
    assert_eq!(paths("bbbb").await, ["z"]);
    let ledger = store.deletion_list(None, 10).await.expect("ledger");
    let [line] = ledger.as_slice() else {
        panic!("one line: {ledger:?}")
    };
    assert_eq!(
        (line.action, line.cause.as_str(), line.ended_at),
        (
            DeletionAction::DropArtifacts,
            "request m",
            Some(Timestamp(70))
        )
    );
    // What another run has too is not freed.
    assert_eq!(
        (
            line.size.row_count,
            line.size.blob_count,
            line.size.blob_bytes
        ),
        (3, 1, 3)
    );
    assert!(store.deletion_open().await.expect("open").is_empty());
    // What is not there leaves no line.
    for path in ["m", "m-2/x", "nothing"] {
        let lost = store.artifacts_remove(&removal("aaaa", Some(path))).await;
        assert_eq!(lost.expect("nothing"), Vec::<String>::new(), "{path}");
    }
    assert_eq!(
        store.deletion_list(None, 10).await.expect("ledger").len(),
        1
    );
    let lost = store.artifacts_remove(&removal("aaaa", None)).await;
    assert_eq!(lost.expect("all"), ["h3"]);
    assert!(paths("aaaa").await.is_empty());
    let missing = store.artifacts_remove(&removal("cccc", None)).await;
    assert_eq!(missing.expect_err("no run").kind(), ErrorKind::NotFound);
}

pub(crate) async fn rules_are_replaced_by_name(store: TestStore) {
    let rule = |text: &str, keep_last| RetentionRule {
        name: name(text),
        query: "params.lr > 1".to_owned(),
        action: DeletionAction::DropLogs,
        after_ms: Some(5),
        keep_last,
        keep_best: (keep_last > 1).then(|| KeepBest {
            count: keep_last,
            by: "metrics.acc".to_owned(),
            direction: BestDirection::Minimize,
        }),
        actor: me(),
        created_at: Timestamp(1),
        applied_at: None,
    };
    for rule in [rule("b", 1), rule("a", 2), rule("b", 3)] {
        store.retention_put(&rule).await.expect("put");
    }
    store
        .retention_applied(&name("a"), Timestamp(9))
        .await
        .expect("note");
    let mut applied = rule("a", 2);
    applied.applied_at = Some(Timestamp(9));
    assert_eq!(
        store.retention_list().await.expect("list"),
        [applied, rule("b", 3)]
    );
    assert!(store.retention_remove(&name("a")).await.expect("remove"));
    assert!(!store.retention_remove(&name("a")).await.expect("gone"));
    assert_eq!(store.retention_list().await.expect("list").len(), 1);
}
