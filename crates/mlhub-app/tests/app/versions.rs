//! Versions of artifacts: numbers, aliases, what stays when runs go.

use std::collections::BTreeSet;

use mlhub_core::artifact_version::{ArtifactVersion, VersionChoice};
use mlhub_core::deletion::DeletionAction;
use mlhub_core::{ErrorKind, Result, RunId, RunState};

use crate::deletion::{blobs, request};
use crate::hub::TestHub;

async fn resolve(hub: &TestHub, version: &str) -> Result<ArtifactVersion> {
    let (project, name) = ("p".parse().unwrap(), "model".parse().unwrap());
    let choice: VersionChoice = version.parse().unwrap();
    hub.hub
        .version_resolve(&hub.caller, &project, &name, &choice)
        .await
}

async fn number(hub: &TestHub, version: &str) -> u32 {
    resolve(hub, version).await.unwrap().version
}

async fn alias(hub: &TestHub, version: &str, alias: &str) -> Result<ArtifactVersion> {
    let (project, name) = ("p".parse().unwrap(), "model".parse().unwrap());
    let choice = version.parse().unwrap();
    let alias = alias.parse().unwrap();
    hub.hub
        .alias_set(&hub.caller, &project, &name, &choice, alias)
        .await
}

async fn unalias(hub: &TestHub, alias: &str) -> Result<()> {
    let (project, name) = ("p".parse().unwrap(), "model".parse().unwrap());
    let alias = alias.parse().unwrap();
    hub.hub
        .alias_remove(&hub.caller, &project, &name, &alias)
        .await
}

async fn content(hub: &TestHub, version: &str) -> Result<Vec<u8>> {
    let (project, name) = ("p".parse().unwrap(), "model".parse().unwrap());
    let choice = version.parse().unwrap();
    let mut open = hub
        .hub
        .version_open(&hub.caller, &project, &name, &choice, None)
        .await?;
    let mut bytes = Vec::new();
    while let Some(piece) = open.reader.next().await? {
        bytes.extend(piece);
    }
    Ok(bytes)
}

/// An ended run that recorded the contents as `model`, one after the other.
async fn recorded(hub: &TestHub, id: &str, contents: &[&str]) -> RunId {
    let run = hub.running(id, Default::default()).await;
    for content in contents {
        hub.upload(&run, "model", content.as_bytes(), "model").await;
    }
    hub.end(&run, 1, RunState::Finished).await.unwrap();
    run
}

async fn purge(hub: &TestHub, run: &str) {
    let purge = request(DeletionAction::Purge, &[run]);
    let done = hub.hub.deletion_run(&hub.caller, &purge).await.unwrap();
    assert_eq!(done.done, 1);
}

#[tokio::test]
async fn new_content_is_the_next_version_and_the_same_is_none() {
    let hub = TestHub::new();
    recorded(&hub, "run-one", &["a", "a"]).await;
    recorded(&hub, "run-two", &["a"]).await;
    assert_eq!(number(&hub, "latest").await, 0);
    recorded(&hub, "run-three", &["b"]).await;
    recorded(&hub, "run-four", &["a"]).await;
    assert_eq!(number(&hub, "latest").await, 2);
    assert_eq!(content(&hub, "v1").await.unwrap(), b"b");
    assert_eq!(content(&hub, "latest").await.unwrap(), b"a");
    let missing = resolve(&hub, "v3").await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(missing.public_message().contains("p/model:v3"), "{missing}");
}

#[tokio::test]
async fn numbers_outlive_their_runs_and_latest_is_what_is_there() {
    let hub = TestHub::new();
    recorded(&hub, "run-one", &["a"]).await;
    recorded(&hub, "run-two", &["b"]).await;
    hub.hub.run_delete(&hub.caller, "run-two").await.unwrap();
    assert_eq!(number(&hub, "latest").await, 0);
    let gone = content(&hub, "v1").await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    assert!(gone.public_message().contains("run-two"), "{gone}");
    assert_eq!(
        alias(&hub, "v1", "prod").await.unwrap_err().kind(),
        ErrorKind::Conflict
    );
    purge(&hub, "run-two").await;
    purge(&hub, "run-one").await;
    assert_eq!(
        resolve(&hub, "latest").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(blobs(&hub).len(), 0);
    recorded(&hub, "run-three", &["c"]).await;
    assert_eq!(number(&hub, "latest").await, 2);
}

#[tokio::test]
async fn an_alias_keeps_its_content_until_it_is_moved_or_removed() {
    let hub = TestHub::new();
    let run = hub.running("run-one", Default::default()).await;
    hub.upload(&run, "model", b"a", "model").await;
    let set = alias(&hub, "latest", "prod").await.unwrap();
    assert_eq!((set.version, set.aliases[0].actor.0.as_str()), (0, "ann"));
    // The same run replaces it, and then goes.
    hub.upload(&run, "model", b"b", "model").await;
    assert_eq!(content(&hub, "prod").await.unwrap(), b"a");
    hub.end(&run, 1, RunState::Finished).await.unwrap();
    let mut dry = request(DeletionAction::Purge, &["run-one"]);
    dry.dry_run = true;
    let planned = hub.hub.deletion_run(&hub.caller, &dry).await.unwrap();
    assert_eq!(planned.total.blob_count, 1);
    purge(&hub, "run-one").await;
    assert_eq!(content(&hub, "prod").await.unwrap(), b"a");
    assert_eq!(number(&hub, "latest").await, 0);
    let doctor = hub.hub.doctor(&hub.caller, true, true).await.unwrap();
    assert_eq!(doctor.findings, []);
    // Moved away, nothing keeps it any more.
    recorded(&hub, "run-two", &["c"]).await;
    assert_eq!(blobs(&hub).len(), 2);
    assert_eq!(alias(&hub, "v2", "prod").await.unwrap().version, 2);
    assert_eq!(blobs(&hub).len(), 1);
    assert_eq!(
        content(&hub, "v0").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    purge(&hub, "run-two").await;
    assert_eq!(content(&hub, "prod").await.unwrap(), b"c");
    unalias(&hub, "prod").await.unwrap();
    assert_eq!(blobs(&hub).len(), 0);
    assert_eq!(
        unalias(&hub, "prod").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

/// Records a folder of files with its list; returns the name of the list.
async fn folder(hub: &TestHub, run: &RunId, files: &[(&str, &str)]) -> String {
    let mut listed = Vec::new();
    for (path, content) in files {
        let name = format!("model/{path}");
        hub.upload(run, &name, content.as_bytes(), "model").await;
        let hash = blake3::hash(content.as_bytes()).to_hex().to_string();
        listed.push(serde_json::json!({"path": path, "size_bytes": content.len(), "hash": hash}));
    }
    let list = serde_json::json!({"version": 1, "name": "model", "files": listed}).to_string();
    let name = "model/.mlhub-artifact.json".to_owned();
    hub.upload(run, &name, list.as_bytes(), "model").await;
    name
}

#[tokio::test]
async fn an_alias_of_a_folder_keeps_its_files_until_it_is_moved_or_removed() {
    let hub = TestHub::new();
    let project = "p".parse().unwrap();
    let keep = async |list: &str| {
        let (name, latest) = (list.parse().unwrap(), VersionChoice::Latest);
        let prod = "prod".parse().unwrap();
        hub.hub
            .alias_set(&hub.caller, &project, &name, &latest, prod)
            .await
            .unwrap();
    };
    let read = async |name: &str, version: &str| -> Result<Vec<u8>> {
        let (name, choice) = (name.parse().unwrap(), version.parse().unwrap());
        let opened = hub
            .hub
            .version_open(&hub.caller, &project, &name, &choice, None);
        let mut open = opened.await?;
        let piece = open.reader.next().await?;
        Ok(piece.unwrap_or_default().to_vec())
    };
    let first = hub.running("run-one", Default::default()).await;
    let list = folder(
        &hub,
        &first,
        &[("weights", "one"), ("deep/vocabulary", "v")],
    )
    .await;
    keep(&list).await;
    hub.end(&first, 1, RunState::Finished).await.unwrap();
    purge(&hub, "run-one").await;
    assert_eq!(blobs(&hub).len(), 3);
    assert_eq!(read("model/weights", "prod").await.unwrap(), b"one");
    let hash = blake3::hash(b"v").to_hex();
    let content = format!("blake3:{hash}");
    assert_eq!(read("model/deep/vocabulary", &content).await.unwrap(), b"v");
    let doctor = hub.hub.doctor(&hub.caller, true, true).await.unwrap();
    assert_eq!(doctor.findings, []);
    // Moved, it keeps the files of the other folder, one of which is the same.
    let second = hub.running("run-two", Default::default()).await;
    folder(
        &hub,
        &second,
        &[("weights", "two"), ("deep/vocabulary", "v")],
    )
    .await;
    keep(&list).await;
    hub.end(&second, 1, RunState::Finished).await.unwrap();
    purge(&hub, "run-two").await;
    assert_eq!(blobs(&hub).len(), 3);
    assert_eq!(read("model/weights", "prod").await.unwrap(), b"two");
    assert_eq!(
        read("model/weights", "v0").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    // Taken away, nothing is kept.
    let (name, prod) = (list.parse().unwrap(), "prod".parse().unwrap());
    hub.hub
        .alias_remove(&hub.caller, &project, &name, &prod)
        .await
        .unwrap();
    assert_eq!(blobs(&hub).len(), 0);
}

#[tokio::test]
async fn a_purged_project_takes_what_its_aliases_kept() {
    let hub = TestHub::new();
    recorded(&hub, "run-one", &["a"]).await;
    alias(&hub, "v0", "prod").await.unwrap();
    let mut whole = request(DeletionAction::Purge, &[]);
    whole.project = Some("p".parse().unwrap());
    hub.hub.deletion_run(&hub.caller, &whole).await.unwrap();
    assert_eq!(blobs(&hub).len(), 0);
    recorded(&hub, "run-two", &["b"]).await;
    assert_eq!(number(&hub, "latest").await, 0);
}

#[tokio::test]
async fn pages_of_versions_go_on_while_others_arrive() {
    let hub = TestHub::new();
    recorded(&hub, "run-one", &["a", "b", "c"]).await;
    let (project, name) = ("p".parse().unwrap(), "model".parse().unwrap());
    let page = async |before| {
        let page = hub
            .hub
            .version_list(&hub.caller, &project, &name, before, Some(2));
        let page = page.await.unwrap();
        let numbers: Vec<u32> = page.versions.iter().map(|one| one.version).collect();
        (numbers, page.next_before)
    };
    let (first, next) = page(None).await;
    assert_eq!(first, [2, 1]);
    recorded(&hub, "run-two", &["d"]).await;
    assert_eq!(page(next).await, (vec![0], None));
    assert_eq!(page(None).await.0, [3, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_carry_versions_aliases_and_what_they_keep() {
    let source = TestHub::new();
    recorded(&source, "run-one", &["a"]).await;
    alias(&source, "v0", "prod").await.unwrap();
    recorded(&source, "run-two", &["b", "a", "c"]).await;
    purge(&source, "run-one").await;
    let project = "p".parse().unwrap();
    let hash = source.hub.project_hash(&source.caller, &project).await;
    let hash = hash.unwrap().content_hash;
    let bytes = crate::portable::export(&source).await;
    let target = TestHub::new();
    for _ in 0..2 {
        let report = crate::portable::import(&target, &bytes, None)
            .await
            .unwrap();
        assert_eq!(report.content_hash, hash);
        let there = target.hub.project_hash(&target.caller, &project).await;
        assert_eq!(there.unwrap().content_hash, hash);
    }
    assert_eq!(content(&target, "prod").await.unwrap(), b"a");
    let prod = resolve(&target, "prod").await.unwrap();
    assert_eq!((prod.version, prod.run.as_str()), (0, "run-one"));
    assert_eq!(
        prod.aliases,
        resolve(&source, "prod").await.unwrap().aliases
    );
    assert_eq!(number(&target, "latest").await, 3);
    // An alias is part of what a project is.
    alias(&target, "v3", "staging").await.unwrap();
    let there = target.hub.project_hash(&target.caller, &project).await;
    assert_ne!(there.unwrap().content_hash, hash);
    // A backup has what only an alias keeps.
    let mut stream = source
        .hub
        .backup(&source.caller, BTreeSet::new())
        .await
        .unwrap();
    let mut backup = Vec::new();
    while let Some(piece) = stream.next().await {
        backup.extend(piece.unwrap());
    }
    let names = crate::portable::entries(&backup);
    let kept = format!("blobs/{}", blake3::hash(b"a").to_hex());
    assert!(names.iter().any(|(name, _)| *name == kept));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_joins_a_project_that_has_other_versions() {
    let source = TestHub::new();
    recorded(&source, "run-one", &["a", "b"]).await;
    alias(&source, "v1", "prod").await.unwrap();
    let bytes = crate::portable::export(&source).await;
    let target = TestHub::new();
    recorded(&target, "run-two", &["x"]).await;
    for _ in 0..2 {
        crate::portable::import(&target, &bytes, None)
            .await
            .unwrap();
        assert_eq!(content(&target, "v0").await.unwrap(), b"x");
        assert_eq!(number(&target, "prod").await, 2);
        assert_eq!(content(&target, "v2").await.unwrap(), b"b");
        assert_eq!(number(&target, "latest").await, 2);
    }
}
