//! Logged models: folders, labels, metrics, uses, and what becomes of them with their run.

use std::sync::Arc;

use mlhub_core::logged_model::{
    LoggedModel, LoggedModelChange, LoggedModelMetric, LoggedModelQuery, LoggedModelRole,
    LoggedModelUse, NewLoggedModel,
};
use mlhub_core::portable::PortableScope;
use mlhub_core::registry::ModelStatus;
use mlhub_core::store::Store;
use mlhub_core::{ErrorKind, LoggedModelId, Timestamp};

use super::TestStore;
use super::make::{id, map, name, run};
use super::portable::{Given, bits, read, sqlite};
use super::records::artifact;

fn model_id(text: &str) -> LoggedModelId {
    text.parse().expect("an id")
}

fn new(model: &str, run: &str, now: i64) -> NewLoggedModel {
    NewLoggedModel {
        id: model_id(model),
        run: id(run),
        wish: "logged-models/net".parse().expect("a path"),
        source_run: Some(run.to_owned()),
        name: "net".to_owned(),
        model_type: None,
        params: map(&[("p", "1")]),
        tags: map(&[("t", "1")]),
        now: Timestamp(now),
    }
}

async fn made(store: &dyn Store, model: &str, run: &str, now: i64) {
    let new = new(model, run, now);
    store.logged_model_create(&new).await.expect("made");
}

async fn get(store: &dyn Store, model: &str) -> Option<LoggedModel> {
    let found = store.logged_model_get(&model_id(model)).await;
    found.expect("read")
}

async fn with_runs(store: &dyn Store, ids: &[&str]) {
    let runs: Vec<_> = ids.iter().map(|id| run(id)).collect();
    store.run_create(&runs).await.expect("runs");
}

fn metric(run: &str, value: f64, time: i64, step: i64) -> LoggedModelMetric {
    LoggedModelMetric {
        name: "acc".to_owned(),
        run: id(run),
        dataset_name: Some("d".to_owned()),
        dataset_digest: None,
        step,
        time: Timestamp(time),
        value,
    }
}

fn used(role: LoggedModelRole, model: &str, step: i64) -> LoggedModelUse {
    LoggedModelUse {
        role,
        model: model_id(model),
        step,
    }
}

pub(crate) async fn a_logged_model_is_made_found_and_changed(store: TestStore) {
    with_runs(&*store, &["aaaa"]).await;
    // Somebody's own artifacts are in the folder already.
    let own = artifact("aaaa", "logged-models/net/x", "1");
    store.artifact_put(&own).await.expect("an artifact");
    made(&*store, "m-aaaa", "aaaa", 5).await;
    made(&*store, "m-bbbb", "aaaa", 6).await;
    let first = get(&*store, "m-aaaa").await.expect("there");
    assert_eq!(first.folder.as_str(), "logged-models/net-2");
    assert_eq!(first.status, ModelStatus::Pending);
    assert_eq!((first.project, first.experiment), (name("p"), name("e")));
    assert_eq!(
        (first.params, first.tags),
        (map(&[("p", "1")]), map(&[("t", "1")]))
    );
    let second = get(&*store, "m-bbbb").await.expect("there");
    assert_eq!(second.folder.as_str(), "logged-models/net-3");
    assert_eq!(get(&*store, "m-cccc").await, None);
    let again = store.logged_model_create(&new("m-aaaa", "aaaa", 7)).await;
    assert_eq!(again.expect_err("taken").kind(), ErrorKind::Conflict);
    let nowhere = store.logged_model_create(&new("m-cccc", "zzzz", 7)).await;
    assert_eq!(nowhere.expect_err("no run").kind(), ErrorKind::NotFound);

    let change = LoggedModelChange {
        status: Some(ModelStatus::Ready),
        params: map(&[("q", "2"), ("p", "1")]),
        tags: [
            ("t".to_owned(), None),
            ("u".to_owned(), Some("2".to_owned())),
        ]
        .into(),
        deleted: false,
    };
    let of = model_id("m-aaaa");
    let changed = store.logged_model_change(&of, &change, Timestamp(9)).await;
    changed.expect("changed");
    let seen = get(&*store, "m-aaaa").await.expect("there");
    assert_eq!(seen.status, ModelStatus::Ready);
    assert_eq!(seen.params, map(&[("p", "1"), ("q", "2")]));
    assert_eq!(seen.tags, map(&[("u", "2")]));
    assert_eq!(seen.updated_at, Timestamp(9));
    let other = LoggedModelChange {
        params: map(&[("p", "3")]),
        tags: [("u".to_owned(), None)].into(),
        ..LoggedModelChange::default()
    };
    let other = store.logged_model_change(&of, &other, Timestamp(10)).await;
    assert_eq!(
        other.expect_err("another value").kind(),
        ErrorKind::Conflict
    );
    // All of it or nothing.
    assert_eq!(get(&*store, "m-aaaa").await, Some(seen));
    let none = LoggedModelChange::default();
    let gone = model_id("m-cccc");
    let none = store.logged_model_change(&gone, &none, Timestamp(10));
    assert_eq!(
        none.await.expect_err("no model").kind(),
        ErrorKind::NotFound
    );
}

pub(crate) async fn logged_models_are_listed_newest_first(store: TestStore) {
    with_runs(&*store, &["aaaa", "bbbb"]).await;
    for (model, run, now) in [
        ("m-aaaa", "aaaa", 5),
        ("m-cccc", "bbbb", 7),
        ("m-bbbb", "aaaa", 7),
    ] {
        made(&*store, model, run, now).await;
    }
    let list = async |query: LoggedModelQuery| {
        let found = store.logged_model_list(&query).await.expect("list");
        let ids = found.into_iter().map(|model| model.id.to_string());
        ids.collect::<Vec<String>>()
    };
    let all = LoggedModelQuery {
        limit: 10,
        ..LoggedModelQuery::default()
    };
    assert_eq!(list(all.clone()).await, ["m-bbbb", "m-cccc", "m-aaaa"]);
    let behind = LoggedModelQuery {
        after: Some((Timestamp(7), model_id("m-bbbb"))),
        ..all.clone()
    };
    assert_eq!(list(behind).await, ["m-cccc", "m-aaaa"]);
    let of_run = LoggedModelQuery {
        run: Some(id("aaaa")),
        ..all.clone()
    };
    assert_eq!(list(of_run).await, ["m-bbbb", "m-aaaa"]);
    let of = |experiment: &str| LoggedModelQuery {
        experiments: Some(vec![(name("p"), name(experiment))]),
        name: Some("net".to_owned()),
        ..all.clone()
    };
    assert_eq!(list(of("e")).await.len(), 3);
    assert_eq!(list(of("other")).await.len(), 0);
    let delete = LoggedModelChange {
        deleted: true,
        ..LoggedModelChange::default()
    };
    let gone = model_id("m-cccc");
    let deleted = store
        .logged_model_change(&gone, &delete, Timestamp(8))
        .await;
    deleted.expect("deleted");
    assert_eq!(list(all.clone()).await, ["m-bbbb", "m-aaaa"]);
    let with_deleted = LoggedModelQuery {
        deleted: true,
        ..all
    };
    assert_eq!(list(with_deleted).await.len(), 3);
}

pub(crate) async fn of_metrics_of_models_the_latest_stays(store: TestStore) {
    with_runs(&*store, &["aaaa", "bbbb"]).await;
    made(&*store, "m-aaaa", "aaaa", 5).await;
    let of = model_id("m-aaaa");
    let put = async |metrics: &[LoggedModelMetric]| {
        let metrics: Vec<_> = metrics
            .iter()
            .map(|one| (of.clone(), one.clone()))
            .collect();
        store.logged_model_metrics(&metrics).await
    };
    put(&[metric("aaaa", 0.1, 5, 1), metric("aaaa", 0.2, 5, 2)])
        .await
        .expect("stored");
    put(&[metric("aaaa", 0.3, 4, 9), metric("bbbb", f64::NAN, 1, 1)])
        .await
        .expect("stored");
    let seen = get(&*store, "m-aaaa").await.expect("there").metrics;
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0], metric("aaaa", 0.2, 5, 2));
    assert!(seen[1].value.is_nan() && seen[1].run == id("bbbb"));
    let lost = [
        (of.clone(), metric("aaaa", 0.9, 9, 9)),
        (model_id("m-zzzz"), metric("aaaa", 0.9, 9, 9)),
    ];
    let lost = store.logged_model_metrics(&lost).await;
    assert_eq!(lost.expect_err("no model").kind(), ErrorKind::NotFound);
    let seen = get(&*store, "m-aaaa").await.expect("there").metrics;
    assert_eq!(seen[0].value.to_bits(), 0.2f64.to_bits());
}

pub(crate) async fn models_go_with_the_run_of_their_files_and_move_with_it(store: TestStore) {
    with_runs(&*store, &["aaaa", "bbbb"]).await;
    made(&*store, "m-aaaa", "aaaa", 5).await;
    let of = model_id("m-aaaa");
    let stored = store
        .logged_model_metrics(&[(of.clone(), metric("bbbb", 0.5, 1, 1))])
        .await;
    stored.expect("stored");
    let reads = [used(LoggedModelRole::Input, "m-aaaa", 0)];
    let makes = [
        used(LoggedModelRole::Output, "m-aaaa", -1),
        used(LoggedModelRole::Output, "m-aaaa", 7),
        used(LoggedModelRole::Output, "m-aaab", 2),
    ];
    for _ in 0..2 {
        let noted = store.logged_model_use_add(&id("bbbb"), &reads).await;
        noted.expect("noted");
        let noted = store.logged_model_use_add(&id("aaaa"), &makes).await;
        noted.expect("noted");
    }
    let none = store.logged_model_use_add(&id("zzzz"), &reads).await;
    assert_eq!(none.expect_err("no run").kind(), ErrorKind::NotFound);
    let uses = store.logged_model_uses(&[id("aaaa"), id("bbbb")]).await;
    let uses = uses.expect("uses");
    assert_eq!(uses[&id("aaaa")], makes);
    assert_eq!(uses[&id("bbbb")], reads);

    let items = read(&*store, &PortableScope::Hub).await;
    let (_folder, target) = sqlite();
    let given = Arc::new(Given(items.clone(), None));
    mlhub_core::store::PortableStore::portable_write(&target, given)
        .await
        .expect("written");
    let there = read(&target, &PortableScope::Hub).await;
    assert_eq!(bits(&there), bits(&items));
    assert_eq!(get(&target, "m-aaaa").await, get(&*store, "m-aaaa").await);

    store.run_delete(&id("aaaa")).await.expect("removed");
    assert_eq!(get(&*store, "m-aaaa").await, None);
    let uses = store.logged_model_uses(&[id("aaaa"), id("bbbb")]).await;
    let uses = uses.expect("uses");
    assert_eq!(uses.get(&id("aaaa")), None);
    // The other run still tells what it read.
    assert_eq!(uses[&id("bbbb")], reads);
}
