//! Versions of artifacts, their aliases, and dataset versions that go.

use std::sync::Arc;

use mlhub_core::artifact_version::{
    ArtifactVersion, ArtifactVersionStore, NewAlias, VersionChoice,
};
use mlhub_core::deletion::DeletionAction;
use mlhub_core::portable::{PortableItem, PortableLine, PortableScope};
use mlhub_core::store::{RunStore, Store};
use mlhub_core::{ErrorKind, RunState, Timestamp, UserId};
use mlhub_store::PostgresStore;

use super::TestStore;
use super::make::{change, id, name, run};
use super::portable::{Given, bits, read, sqlite};
use super::records::{artifact, version};

async fn find(store: &dyn Store, choice: &str) -> Option<ArtifactVersion> {
    let path = "m".parse().expect("a path");
    let choice: VersionChoice = choice.parse().expect("a choice");
    let project = name("p");
    let found = store.artifact_version_find(&project, &path, &choice);
    found.await.expect("find")
}

async fn number(store: &dyn Store, choice: &str) -> Option<u32> {
    find(store, choice).await.map(|version| version.version)
}

fn alias(version: u32, alias: &str) -> NewAlias {
    NewAlias {
        project: name("p"),
        name: "m".parse().expect("a path"),
        version,
        alias: alias.parse().expect("an alias"),
        actor: UserId("ann".to_owned()),
        now: Timestamp(90),
    }
}

async fn put(store: &dyn Store, run: &str, hash: &str) -> Option<String> {
    let artifact = artifact(run, "m", hash);
    store.artifact_put(&artifact).await.expect("put")
}

async fn with_runs(store: &dyn Store, ids: &[&str]) {
    let runs: Vec<_> = ids.iter().map(|id| run(id)).collect();
    store.run_create(&runs).await.expect("runs");
}

pub(crate) async fn hide(store: &dyn Store, run: &str) {
    let start = change(run, 1, RunState::Queued, RunState::Running);
    assert!(store.attempt_change(&start).await.expect("start"));
    let end = change(run, 1, RunState::Running, RunState::Finished);
    assert!(store.attempt_change(&end).await.expect("end"));
    let actor = UserId("ann".to_owned());
    let runs = [id(run)];
    let hidden = store.run_hide(&runs, DeletionAction::Delete, "test", &actor, Timestamp(80));
    assert_eq!(hidden.await.expect("hide").len(), 1);
}

pub(crate) async fn numbers_are_handed_out_once_in_the_order_of_arrival(store: TestStore) {
    with_runs(&*store, &["aaaa", "bbbb"]).await;
    assert_eq!(number(&*store, "latest").await, None);
    assert_eq!(put(&*store, "aaaa", "1").await, None);
    // The same content is no version, whoever records it.
    assert_eq!(put(&*store, "aaaa", "1").await, None);
    assert_eq!(put(&*store, "bbbb", "1").await, None);
    assert_eq!(number(&*store, "latest").await, Some(0));
    assert_eq!(put(&*store, "bbbb", "2").await, Some("1".repeat(64)));
    assert_eq!(put(&*store, "bbbb", "1").await, Some("2".repeat(64)));
    let path = "m".parse().expect("a path");
    let project = name("p");
    let list = store.artifact_version_list(&project, &path, None, 10);
    let list = list.await.expect("list");
    let told: Vec<_> = list
        .iter()
        .map(|one| {
            (
                one.version,
                one.run.as_str(),
                one.hash.as_str(),
                one.available,
            )
        })
        .collect();
    let hashes = ["1".repeat(64), "2".repeat(64)];
    assert_eq!(
        told,
        [
            (2, "bbbb", hashes[0].as_str(), true),
            (1, "bbbb", hashes[1].as_str(), false),
            (0, "aaaa", hashes[0].as_str(), true),
        ]
    );
    assert_eq!(
        list.iter().map(|one| one.latest).collect::<Vec<_>>(),
        [true, false, false]
    );
    let page = store.artifact_version_list(&project, &path, Some(2), 1);
    assert_eq!(page.await.expect("page")[0].version, 1);
    // A hidden run hides its content, and a removed one takes it, but no number.
    hide(&*store, "bbbb").await;
    assert_eq!(put(&*store, "aaaa", "3").await, Some("1".repeat(64)));
    assert_eq!(number(&*store, "latest").await, Some(3));
    assert_eq!(
        find(&*store, "v2").await.map(|one| one.available),
        Some(false)
    );
    store.run_delete(&id("bbbb")).await.expect("removed");
    store.run_delete(&id("aaaa")).await.expect("removed");
    assert_eq!(number(&*store, "latest").await, None);
    with_runs(&*store, &["cccc"]).await;
    put(&*store, "cccc", "1").await;
    assert_eq!(number(&*store, "latest").await, Some(4));
    assert_eq!(number(&*store, "v0").await, Some(0));
}

pub(crate) async fn of_many_writers_each_content_is_one_version(store: TestStore) {
    let ids: Vec<String> = (0..16).map(|number| format!("run-{number:02}")).collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    with_runs(&*store, &names).await;
    let puts = ids.iter().enumerate().map(|(index, run)| {
        let store = Arc::clone(&store);
        let hash = format!("{index:x}");
        async move { put(&*store, run, &hash).await }
    });
    futures::future::join_all(puts).await;
    let path = "m".parse().expect("a path");
    let project = name("p");
    let list = store.artifact_version_list(&project, &path, None, 100);
    let numbers: Vec<u32> = list
        .await
        .expect("list")
        .iter()
        .map(|one| one.version)
        .collect();
    assert_eq!(numbers, (0..16).rev().collect::<Vec<_>>());
}

pub(crate) async fn an_alias_moves_and_keeps_its_content(store: TestStore) {
    with_runs(&*store, &["aaaa"]).await;
    put(&*store, "aaaa", "1").await;
    assert_eq!(
        store
            .artifact_alias_set(&alias(0, "prod"))
            .await
            .expect("set"),
        None
    );
    put(&*store, "aaaa", "2").await;
    let kept = find(&*store, "prod").await.expect("kept");
    assert!(kept.available && !kept.latest);
    assert_eq!(kept.aliases[0].actor.0, "ann");
    assert_eq!(kept.aliases[0].set_at, Timestamp(90));
    let hashes = ["1".repeat(64), "2".repeat(64), "3".repeat(64)];
    let unused = async || store.blobs_unused(&hashes).await.expect("unused");
    assert_eq!(unused().await, hashes[2..]);
    assert_eq!(
        store.artifact_alias_blobs(&name("p")).await.expect("blobs"),
        hashes[..1]
    );
    store.run_delete(&id("aaaa")).await.expect("removed");
    assert_eq!(unused().await, hashes[1..]);
    assert_eq!(number(&*store, "latest").await, Some(0));
    let gone = store
        .artifact_alias_set(&alias(1, "next"))
        .await
        .expect_err("gone");
    assert_eq!(gone.kind(), ErrorKind::Conflict);
    let none = store
        .artifact_alias_set(&alias(2, "next"))
        .await
        .expect_err("none");
    assert_eq!(none.kind(), ErrorKind::NotFound);
    with_runs(&*store, &["bbbb"]).await;
    put(&*store, "bbbb", "3").await;
    let moved = store
        .artifact_alias_set(&alias(2, "prod"))
        .await
        .expect("moved");
    assert_eq!(moved, Some(hashes[0].clone()));
    assert_eq!(number(&*store, "prod").await, Some(2));
    assert_eq!(unused().await, hashes[..2]);
    let path = "m".parse().expect("a path");
    let prod = "prod".parse().expect("an alias");
    let project = name("p");
    let removed = store.artifact_alias_remove(&project, &path, &prod);
    assert_eq!(removed.await.expect("removed"), Some(hashes[2].clone()));
    let removed = store.artifact_alias_remove(&project, &path, &prod);
    assert_eq!(removed.await.expect("nothing"), None);
}

fn versions_in(items: &[PortableItem]) -> usize {
    let is =
        |item: &&PortableItem| matches!(item, PortableItem::Line(PortableLine::ArtifactVersion(_)));
    items.iter().filter(is).count()
}

pub(crate) async fn versions_move_into_any_database(store: TestStore) {
    let (_folder, source) = sqlite();
    with_runs(&source, &["aaaa", "bbbb"]).await;
    // The same content twice at one moment, by one run, with another in between.
    for hash in ["1", "2", "1"] {
        put(&source, "aaaa", hash).await;
    }
    source
        .artifact_alias_set(&alias(1, "x"))
        .await
        .expect_err("its content is gone");
    source
        .artifact_alias_set(&alias(0, "prod"))
        .await
        .expect("set");
    put(&source, "bbbb", "3").await;
    source.run_delete(&id("aaaa")).await.expect("removed");
    let items = read(&source, &PortableScope::Hub).await;
    assert_eq!(versions_in(&items), 4);
    // Twice is once: all but the run, which would be refused.
    let head = items
        .iter()
        .take_while(|item| !matches!(item, PortableItem::Line(PortableLine::Run(_))));
    let head: Vec<PortableItem> = head.cloned().collect();
    assert_eq!(versions_in(&head), 4);
    for given in [items.clone(), head] {
        let given = Arc::new(Given(given, None));
        store.portable_write(given).await.expect("write");
        let there = read(&*store, &PortableScope::Hub).await;
        assert_eq!(bits(&there), bits(&items));
    }
    assert_eq!(number(&*store, "prod").await, Some(0));
    put(&*store, "bbbb", "4").await;
    assert_eq!(number(&*store, "latest").await, Some(4));
}

/// An archive of before there were versions, and a database of then.
pub(crate) async fn artifacts_of_an_older_postgres_schema_become_versions(url: &str) {
    let store = PostgresStore::connect(url).await.expect("connect");
    let store: TestStore = Arc::new(store);
    with_runs(&*store, &["aaaa", "bbbb", "cccc"]).await;
    for (run, hash) in [("aaaa", "1"), ("bbbb", "1"), ("cccc", "2")] {
        put(&*store, run, hash).await;
    }
    let items = read(&*store, &PortableScope::Hub).await;
    drop(store);
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("connect");
    tokio::spawn(connection);
    let back = "DROP TABLE registry_alias; DROP TABLE registry_version_tag; \
                DROP TABLE registry_version; DROP TABLE registry_protection; \
                DROP TABLE registry_model_tag; DROP TABLE registry_model; \
                DROP TABLE registry_event; DROP TABLE document; DROP TABLE dataset_preview; \
                DELETE FROM counter WHERE name IN ('document', 'registry'); \
                DROP TABLE artifact_alias; DROP TABLE artifact_version; DROP TABLE artifact_name; \
                DROP TABLE trace_file; DROP TABLE trace_span; DROP TABLE trace_assessment; \
                DROP TABLE trace_link; DROP TABLE trace_label; DROP TABLE trace; \
                DROP TABLE logged_model_use; DROP TABLE logged_model_metric; \
                DROP TABLE logged_model_label; DROP TABLE logged_model; \
                DROP TABLE experiment_tag; DROP INDEX experiment_by_seq; \
                ALTER TABLE experiment DROP COLUMN changed_at, DROP COLUMN deleted_at, \
                DROP COLUMN location; \
                DELETE FROM refinery_schema_history WHERE version >= 5";
    client.batch_execute(back).await.expect("the older schema");
    let store = PostgresStore::connect(url).await.expect("migrated");
    assert_eq!(bits(&read(&store, &PortableScope::Hub).await), bits(&items));
    put(&store, "aaaa", "3").await;
    assert_eq!(number(&store, "latest").await, Some(2));
    let (_folder, target) = sqlite();
    let older = items
        .iter()
        .filter(|item| !matches!(item, PortableItem::Line(PortableLine::ArtifactVersion(_))));
    let older = Given(older.cloned().collect(), None);
    mlhub_core::store::PortableStore::portable_write(&target, Arc::new(older))
        .await
        .expect("an older archive");
    assert_eq!(
        bits(&read(&target, &PortableScope::Hub).await),
        bits(&items)
    );
}

pub(crate) async fn a_dataset_version_goes_when_nothing_reads_it(store: TestStore) {
    for fingerprint in ["f1", "f2"] {
        let version = version("iris", fingerprint);
        store.dataset_put(&version, "flowers").await.expect("put");
    }
    let mut reading = run("aaaa");
    reading.dataset = Some("iris@2".to_owned());
    store.run_create(&[reading]).await.expect("run");
    let remove = async |version| store.dataset_version_remove(&name("iris"), version).await;
    hide(&*store, "aaaa").await;
    let used = remove(2).await.expect_err("a run reads it, though deleted");
    assert_eq!(used.kind(), ErrorKind::Conflict);
    assert!(used.public_message().contains("aaaa"), "{used}");
    remove(1).await.expect("removed");
    assert_eq!(
        remove(1).await.expect_err("gone").kind(),
        ErrorKind::NotFound
    );
    let left = store.dataset_versions(&name("iris")).await.expect("list");
    assert_eq!(left.len(), 1);
    // The number of one that is gone is not given again while the dataset lives.
    let third = store
        .dataset_put(&version("iris", "f1"), "")
        .await
        .expect("put");
    assert_eq!(third.version, 3);
    store.run_delete(&id("aaaa")).await.expect("removed");
    for number in [2, 3] {
        remove(number).await.expect("removed");
    }
    assert_eq!(store.dataset_list().await.expect("list"), []);
}
