//! Registered models: versions, aliases, what protects them, and the trail.

use std::collections::BTreeMap;
use std::sync::Arc;

use mlhub_core::deletion::{DeletionAction, NewDeletion};
use mlhub_core::portable::{PortableItem, PortableLine, PortableScope};
use mlhub_core::registry::{
    GatePassed, ModelChoice, ModelName, ModelPlace, ModelQuery, ModelStage, ModelStatus,
    ModelVersion, ModelVersionQuery, NewModelVersion, RegisteredModel, RegistryAct, RegistryChange,
};
use mlhub_core::store::Store;
use mlhub_core::{ErrorKind, Result, RunState, Timestamp, UserId, limits};
use serde_json::{Value, json};

use super::TestStore;
use super::make::{change as attempt, id, map, run};
use super::portable::{Given, bits, read, sqlite};

pub(crate) fn model_name(text: &str) -> ModelName {
    text.parse().expect("a model's name")
}

async fn change_at(
    store: &dyn Store,
    model: &str,
    act: RegistryAct,
    now_ms: i64,
) -> Result<Option<u32>> {
    let change = RegistryChange {
        model: model_name(model),
        act,
        actor: UserId("ann".to_owned()),
        now: Timestamp(now_ms),
    };
    store.registry_change(&change).await
}

pub(crate) async fn change(
    store: &dyn Store,
    model: &str,
    act: RegistryAct,
) -> Result<Option<u32>> {
    change_at(store, model, act, 50).await
}

pub(crate) fn create(id: &str) -> RegistryAct {
    RegistryAct::Create {
        id: id.parse().expect("an id"),
        description: String::new(),
        tags: BTreeMap::new(),
    }
}

pub(crate) fn version(run: Option<&str>) -> NewModelVersion {
    NewModelVersion {
        run: run.map(id),
        source: "s3://bucket/model".to_owned(),
        place: run.map(|run| ModelPlace {
            run: id(run),
            path: Some("model/best.pt".parse().expect("a path")),
        }),
        ..NewModelVersion::default()
    }
}

pub(crate) async fn add(
    store: &dyn Store,
    model: &str,
    new: NewModelVersion,
) -> Result<Option<u32>> {
    change(store, model, RegistryAct::VersionAdd(Box::new(new))).await
}

pub(crate) fn alias(text: &str, version: u32, gate: Option<GatePassed>) -> RegistryAct {
    RegistryAct::AliasSet {
        alias: text.parse().expect("an alias"),
        version,
        gate,
    }
}

async fn get(store: &dyn Store, model: &str) -> Option<RegisteredModel> {
    store
        .registry_model_get(&model_name(model))
        .await
        .expect("get")
}

async fn find(store: &dyn Store, model: &str, choice: &str) -> Option<ModelVersion> {
    let choice: ModelChoice = choice.parse().expect("a choice");
    let model = model_name(model);
    let found = store.registry_version_get(&model, &choice);
    found.await.expect("find")
}

/// The trail of a name, oldest first.
async fn trail(store: &dyn Store, model: &str) -> Vec<(String, Option<u32>, Value)> {
    let name = model_name(model);
    let events = store.registry_events(Some(&name), None, 1000).await;
    let events = events.expect("events").into_iter().rev();
    events
        .map(|event| (event.action, event.version, event.detail))
        .collect()
}

async fn actions(store: &dyn Store, model: &str) -> Vec<String> {
    let events = trail(store, model).await.into_iter();
    events.map(|(action, ..)| action).collect()
}

async fn ended_run(store: &dyn Store, run_id: &str) {
    store.run_create(&[run(run_id)]).await.expect("run");
    for (from, to) in [
        (RunState::Queued, RunState::Running),
        (RunState::Running, RunState::Finished),
    ] {
        let moved = store.attempt_change(&attempt(run_id, 1, from, to)).await;
        assert!(moved.expect("change"));
    }
}

pub(crate) async fn a_model_lives_and_its_trail_outlives_it(store: TestStore) {
    let store = &*store;
    let made = RegistryAct::Create {
        id: "model-one".parse().expect("an id"),
        description: "Digits".to_owned(),
        tags: map(&[("team", "vision"), ("\u{e9}", "")]),
    };
    assert_eq!(change(store, "digits", made).await.expect("made"), None);
    let taken = change(store, "digits", create("model-two")).await;
    let taken = taken.expect_err("taken");
    assert_eq!(taken.kind(), ErrorKind::Conflict);
    assert!(taken.public_message().contains("`digits`"), "{taken}");
    let found = get(store, "digits").await.expect("there");
    assert_eq!(found.tags, map(&[("team", "vision"), ("\u{e9}", "")]));
    assert_eq!((found.versions, found.latest), (0, None));
    let text = |text: &str| RegistryAct::Describe {
        version: None,
        text: text.to_owned(),
    };
    for act in [
        text("Digits"),
        text("Digits, all of them"),
        RegistryAct::Tags {
            version: None,
            tags: [
                ("team".to_owned(), Some("vision".to_owned())),
                ("\u{e9}".to_owned(), None),
                ("new".to_owned(), Some("1".to_owned())),
            ]
            .into(),
        },
        RegistryAct::Rename {
            to: model_name("numbers"),
        },
    ] {
        change_at(store, "digits", act, 60).await.expect("changed");
    }
    assert_eq!(get(store, "digits").await, None);
    let found = get(store, "numbers").await.expect("renamed");
    assert_eq!(found.description, "Digits, all of them");
    assert_eq!(found.tags, map(&[("team", "vision"), ("new", "1")]));
    assert_eq!(
        (found.created_at, found.updated_at),
        (Timestamp(50), Timestamp(60))
    );
    change(store, "digits", create("model-two"))
        .await
        .expect("free");
    let to = RegistryAct::Rename {
        to: model_name("digits"),
    };
    let refused = change(store, "numbers", to).await.expect_err("taken");
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    change(store, "numbers", RegistryAct::Delete)
        .await
        .expect("deleted");
    assert_eq!(get(store, "numbers").await, None);
    let gone = change(store, "numbers", RegistryAct::Delete).await;
    assert_eq!(gone.expect_err("gone").kind(), ErrorKind::NotFound);
    let told = ["created", "described", "tagged", "renamed", "deleted"];
    assert_eq!(actions(store, "numbers").await, told);
    let all = trail(store, "numbers").await;
    assert_eq!(all[2].2["tags"]["\u{e9}"], json!({"from": "", "to": null}));
    assert_eq!(
        all[2].2["tags"].as_object().map(serde_json::Map::len),
        Some(2)
    );
    assert_eq!(all[3].2, json!({"from": "digits", "to": "numbers"}));
    // The name that another model has now also tells of the one that had it.
    assert_eq!(actions(store, "digits").await.len(), 6);
    let whole = store.registry_events(None, None, 1000).await.expect("all");
    assert_eq!(whole.len(), 6);
    let page = store.registry_events(None, Some(whole[1].seq), 2).await;
    assert_eq!(page.expect("page"), whole[2..4]);
    assert!(whole.iter().all(|event| event.actor.0 == "ann"));
}

pub(crate) async fn numbers_of_versions_are_never_given_twice(store: TestStore) {
    let store = &*store;
    ended_run(store, "aaaa").await;
    change(store, "m", create("model-one")).await.expect("made");
    let mut whole = version(Some("aaaa"));
    whole.logged_model = Some("m-123".to_owned());
    whole.description = "first".to_owned();
    whole.tags = map(&[("a", "1")]);
    whole.status = ModelStatus::Pending;
    assert_eq!(add(store, "m", whole.clone()).await.expect("one"), Some(1));
    let first = find(store, "m", "1").await.expect("there");
    assert_eq!(first.run, Some(id("aaaa")));
    assert_eq!((first.source, first.place), (whole.source, whole.place));
    assert_eq!(first.logged_model.as_deref(), Some("m-123"));
    assert_eq!((first.tags, first.stage), (whole.tags, ModelStage::None));
    assert_eq!(first.created_by, UserId("ann".to_owned()));
    for number in [2, 3] {
        let added = add(store, "m", version(None)).await.expect("more");
        assert_eq!(added, Some(number));
    }
    for name in ["x", "y"] {
        let set = change(store, "m", alias(name, 3, None)).await;
        assert_eq!(set.expect("set"), Some(3));
    }
    assert_eq!(
        find(store, "m", "latest").await.map(|of| of.version),
        Some(3)
    );
    let third = find(store, "m", "x").await.expect("by alias");
    let names: Vec<_> = third.aliases.iter().map(|of| of.as_str()).collect();
    assert_eq!((third.version, names), (3, vec!["x", "y"]));
    let gone = RegistryAct::VersionDelete { version: 3 };
    change(store, "m", gone.clone()).await.expect("deleted");
    let again = change(store, "m", gone).await.expect_err("gone");
    assert_eq!(again.kind(), ErrorKind::NotFound);
    assert!(again.public_message().contains("m/3"), "{again}");
    let model = get(store, "m").await.expect("there");
    assert!(model.aliases.is_empty());
    assert_eq!((model.versions, model.latest), (2, Some(2)));
    assert_eq!(add(store, "m", version(None)).await.expect("next"), Some(4));
    let status = RegistryAct::Status {
        version: 1,
        status: ModelStatus::Failed,
        message: Some("no bytes".to_owned()),
    };
    change_at(store, "m", status, 70).await.expect("failed");
    let first = find(store, "m", "v1").await.expect("there");
    assert_eq!(first.status, ModelStatus::Failed);
    assert_eq!(first.status_message.as_deref(), Some("no bytes"));
    assert_eq!(first.updated_at, Timestamp(70));
    for (new, kind) in [
        (version(Some("nobody")), ErrorKind::NotFound),
        (
            NewModelVersion {
                source: String::new(),
                ..version(None)
            },
            ErrorKind::Invalid,
        ),
        (
            NewModelVersion {
                source: "a\u{0}".to_owned(),
                ..version(None)
            },
            ErrorKind::Invalid,
        ),
        (
            NewModelVersion {
                tags: map(&[("", "")]),
                ..version(None)
            },
            ErrorKind::Invalid,
        ),
        (
            NewModelVersion {
                description: "x".repeat(limits::NOTES_MAX_BYTES + 1),
                ..version(None)
            },
            ErrorKind::TooLarge,
        ),
    ] {
        let error = add(store, "m", new).await.expect_err("refused");
        assert_eq!(error.kind(), kind, "{error}");
    }
    let nowhere = add(store, "none", version(None))
        .await
        .expect_err("no model");
    assert_eq!(nowhere.kind(), ErrorKind::NotFound);
    assert_eq!(add(store, "m", version(None)).await.expect("next"), Some(5));
}

pub(crate) async fn of_many_registrations_each_gets_a_number(store: TestStore) {
    change(&*store, "m", create("model-one"))
        .await
        .expect("made");
    let adders = (0..16).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let added = add(&*store, "m", version(None)).await.expect("added");
            let added = added.expect("a number");
            let set = change(&*store, "m", alias("newest", added, None)).await;
            set.expect("set");
            let name = format!("model-{}", number % 4);
            let id = format!("made-{number}");
            let made = change(&*store, &name, create(&id)).await;
            (added, made.is_ok())
        })
    });
    let outcomes = futures::future::join_all(adders).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(|one| one.expect("ran")).collect();
    let mut numbers: Vec<u32> = outcomes.iter().map(|(number, _)| *number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=16).collect::<Vec<_>>());
    assert_eq!(outcomes.iter().filter(|(_, made)| *made).count(), 4);
    // Every move of the alias starts where the one before it ended.
    let mut holder = Value::Null;
    let mut moves = 0;
    for (action, _, detail) in trail(&*store, "m").await {
        if action == "alias_set" {
            assert_eq!(detail["from"], holder);
            holder = detail["to"].clone();
            moves += 1;
        }
    }
    assert_eq!(moves, 16);
    let model = get(&*store, "m").await.expect("there");
    assert_eq!(json!(model.aliases.values().next()), holder);
}

pub(crate) async fn what_is_protected_needs_its_gate(store: TestStore) {
    let store = &*store;
    change(store, "m", create("model-one")).await.expect("made");
    for _ in 0..3 {
        add(store, "m", version(None)).await.expect("added");
    }
    change(store, "m", alias("champion", 1, None))
        .await
        .expect("free");
    let rules = json!({"threshold": [{"metric": "test/accuracy", "min": 0.1 + 0.2}]});
    for target in ["champion", "stage:production"] {
        let protect = RegistryAct::Protect {
            target: target.parse().expect("a target"),
            rules: rules.clone(),
        };
        change(store, "m", protect).await.expect("protected");
    }
    let stage = |version, gate| RegistryAct::StageSet {
        version,
        stage: ModelStage::Production,
        archive_others: false,
        gate,
    };
    let gate = |protection: Option<&Value>, holder| {
        Some(GatePassed {
            protection: protection.cloned(),
            holder,
            verdict: json!({"passed": true}),
        })
    };
    let other = json!({"size": {"max_bytes": 1}});
    let model = get(store, "m").await.expect("there");
    assert_eq!(model.protections.values().next(), Some(&rules));
    for (act, part) in [
        (alias("champion", 2, None), "protected"),
        (alias("champion", 2, gate(None, Some(1))), "protected"),
        (
            alias("champion", 2, gate(Some(&other), Some(1))),
            "protected",
        ),
        (alias("champion", 2, gate(Some(&rules), None)), "meanwhile"),
        (
            alias("champion", 2, gate(Some(&rules), Some(3))),
            "meanwhile",
        ),
        (stage(2, None), "`stage:production`"),
    ] {
        let error = change(store, "m", act).await.expect_err(part);
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.public_message().contains(part), "{error}");
    }
    let passed = alias("champion", 2, gate(Some(&rules), Some(1)));
    change(store, "m", passed).await.expect("passed");
    change(store, "m", stage(2, gate(Some(&rules), None)))
        .await
        .expect("passed");
    let both = RegistryAct::StageSet {
        version: 3,
        stage: ModelStage::Production,
        archive_others: true,
        gate: gate(Some(&rules), Some(2)),
    };
    change(store, "m", both).await.expect("passed");
    let second = find(store, "m", "2").await.expect("there");
    assert_eq!(second.stage, ModelStage::Archived);
    let refuse = RegistryAct::Refuse {
        version: 3,
        target: "champion".parse().expect("a target"),
        verdict: json!({"passed": false}),
    };
    change(store, "m", refuse).await.expect("told");
    let free = RegistryAct::Unprotect {
        target: "champion".parse().expect("a target"),
    };
    change(store, "m", free.clone()).await.expect("free");
    let none = change(store, "m", free).await.expect_err("none");
    assert_eq!(none.kind(), ErrorKind::NotFound);
    change(store, "m", alias("champion", 3, None))
        .await
        .expect("free");
    change(store, "m", alias("champion", 3, None))
        .await
        .expect("it has it");
    let remove = RegistryAct::AliasRemove {
        alias: "champion".parse().expect("an alias"),
    };
    change(store, "m", remove.clone()).await.expect("removed");
    let none = change(store, "m", remove).await.expect_err("none");
    assert!(none.public_message().contains("m@champion"), "{none}");
    let told = trail(store, "m").await;
    let set: Vec<_> = told.iter().filter(|of| of.0 == "alias_set").collect();
    assert_eq!(set.len(), 3);
    let expected = json!({"alias": "champion", "from": 1, "to": 2, "gate": {"passed": true}});
    assert_eq!(set[1].2, expected);
    let staged: Vec<_> = told.iter().filter(|of| of.0 == "stage_set").collect();
    assert_eq!(staged[1].2["archived"], json!([2]));
    assert_eq!(
        told.iter().filter(|of| of.0 == "promotion_refused").count(),
        1
    );
}

pub(crate) async fn a_run_stays_while_a_version_names_it(store: TestStore) {
    let store = &*store;
    for run in ["aaaa", "bbbb"] {
        ended_run(store, run).await;
    }
    change(store, "m", create("model-one")).await.expect("made");
    let mut only_run = version(Some("aaaa"));
    only_run.place = None;
    add(store, "m", only_run).await.expect("added");
    add(store, "m", version(Some("bbbb"))).await.expect("added");
    let begin = async |run: &str, action| {
        let new = NewDeletion {
            action,
            run: id(run),
            cause: "request".to_owned(),
            actor: UserId("ann".to_owned()),
            file_count: 0,
            file_bytes: 0,
            now: Timestamp(90),
        };
        store.deletion_begin(&new).await.map(drop)
    };
    for (run, action, number) in [
        ("aaaa", DeletionAction::Purge, 1),
        ("bbbb", DeletionAction::Purge, 2),
        ("bbbb", DeletionAction::DropArtifacts, 2),
    ] {
        let error = begin(run, action).await.expect_err("in use");
        assert_eq!(error.kind(), ErrorKind::Conflict);
        let named = format!("`m` version {number}");
        assert!(error.public_message().contains(&named), "{error}");
        let measured = store.deletion_measure(&id(run), action).await;
        assert_eq!(measured.expect_err("in use").kind(), ErrorKind::Conflict);
    }
    begin("aaaa", DeletionAction::DropArtifacts)
        .await
        .expect("not its files");
    let gone = RegistryAct::VersionDelete { version: 2 };
    change(store, "m", gone).await.expect("deleted");
    begin("bbbb", DeletionAction::Purge).await.expect("free");
    let late = add(store, "m", version(Some("bbbb")))
        .await
        .expect_err("going");
    assert_eq!(late.kind(), ErrorKind::Conflict);
    assert!(late.public_message().contains("deleted"), "{late}");
}

pub(crate) async fn models_and_versions_are_listed_page_by_page(store: TestStore) {
    let store = &*store;
    ended_run(store, "aaaa").await;
    for (at, name) in ["b", "a_1", "a%2", "c", "a"].into_iter().enumerate() {
        let id = format!("model-{at}");
        change(store, name, create(&id)).await.expect("made");
        for number in 0..3 {
            let run = (number == 1).then_some("aaaa");
            add(store, name, version(run)).await.expect("added");
        }
        let tags = RegistryAct::Tags {
            version: Some(2),
            tags: [("of".to_owned(), Some(name.to_owned()))].into(),
        };
        change(store, name, tags).await.expect("tagged");
        change(store, name, alias("best", 2, None))
            .await
            .expect("set");
    }
    let names = async |prefix: Option<&str>, after: Option<&str>, limit| -> Vec<String> {
        let query = ModelQuery {
            prefix: prefix.map(str::to_owned),
            after: after.map(model_name),
            limit,
            ..ModelQuery::default()
        };
        let models = store.registry_model_list(&query).await.expect("list");
        assert!(models.iter().all(|of| of.aliases.len() == 1));
        models.into_iter().map(|of| of.name.into()).collect()
    };
    assert_eq!(names(None, None, 10).await, ["a", "a%2", "a_1", "b", "c"]);
    assert_eq!(names(None, Some("a%2"), 2).await, ["a_1", "b"]);
    assert_eq!(names(Some("a"), Some("a"), 10).await, ["a%2", "a_1"]);
    assert_eq!(names(Some("a_"), None, 10).await, ["a_1"]);
    let mut query = ModelVersionQuery {
        limit: 4,
        ..ModelVersionQuery::default()
    };
    let mut found = Vec::new();
    loop {
        let page = store.registry_version_list(&query).await.expect("list");
        let Some(last) = page.last() else {
            break;
        };
        query.after = Some((last.model.clone(), last.version));
        for of in &page {
            let tagged = of.tags.get("of").map(String::as_str);
            let expected = (of.version == 2).then_some(of.model.as_str());
            assert_eq!(
                (tagged, of.aliases.len()),
                (expected, usize::from(of.version == 2))
            );
        }
        found.extend(
            page.into_iter()
                .map(|of| (of.model.to_string(), of.version)),
        );
    }
    assert_eq!(found.len(), 15);
    let told = |name: &str, number| (name.to_owned(), number);
    assert_eq!(
        found[..4],
        [told("a", 3), told("a", 2), told("a", 1), told("a%2", 3)]
    );
    let of_run = ModelVersionQuery {
        run: Some(id("aaaa")),
        limit: 10,
        ..ModelVersionQuery::default()
    };
    let of_run = store.registry_version_list(&of_run).await.expect("list");
    assert!(of_run.iter().all(|of| of.version == 2));
    assert_eq!(of_run.len(), 5);
}

pub(crate) async fn the_registry_moves_into_any_database(store: TestStore) {
    let (_folder, source) = sqlite();
    ended_run(&source, "aaaa").await;
    let tagged = RegistryAct::Create {
        id: "model-one".parse().expect("an id"),
        description: "text \u{1f680}".to_owned(),
        tags: map(&[("k", "v")]),
    };
    change(&source, "m", tagged).await.expect("made");
    for run in [Some("aaaa"), None, None] {
        let mut new = version(run);
        new.tags = map(&[("t", "1")]);
        add(&source, "m", new).await.expect("added");
    }
    for act in [
        alias("a", 1, None),
        alias("b", 1, None),
        alias("c", 2, None),
        RegistryAct::VersionDelete { version: 3 },
        RegistryAct::Protect {
            target: "a".parse().expect("a target"),
            rules: json!({"size": {"max_bytes": 5}}),
        },
    ] {
        change(&source, "m", act).await.expect("changed");
    }
    change(&source, "gone", create("model-two"))
        .await
        .expect("made");
    change(&source, "gone", RegistryAct::Delete)
        .await
        .expect("deleted");
    let items = read(&source, &PortableScope::Hub).await;
    let head = items
        .iter()
        .take_while(|item| !matches!(item, PortableItem::Line(PortableLine::Run(_))));
    let head: Vec<PortableItem> = head.cloned().collect();
    for given in [items.clone(), head.clone()] {
        let given = Arc::new(Given(given, None));
        store.portable_write(given).await.expect("write");
        let there = read(&*store, &PortableScope::Hub).await;
        assert_eq!(bits(&there), bits(&items));
    }
    assert_eq!(actions(&*store, "gone").await, ["created", "deleted"]);
    assert_eq!(
        add(&*store, "m", version(None)).await.expect("next"),
        Some(4)
    );
    let last = trail(&*store, "m").await.pop();
    assert_eq!(last.map(|of| of.0).as_deref(), Some("version_added"));
    let other = RegistryAct::Rename {
        to: model_name("m2"),
    };
    change(&*store, "m", other).await.expect("renamed");
    change(&*store, "m", create("model-six"))
        .await
        .expect("made");
    let given = Arc::new(Given(head, None));
    let error = store.portable_write(given).await.expect_err("another m");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.public_message().contains("`m`"), "{error}");
    // A project's archive has nothing of the registry.
    let of_project = read(&source, &PortableScope::Project("p".parse().expect("p"))).await;
    let is_model = |item: &PortableItem| {
        matches!(
            item,
            PortableItem::Line(PortableLine::RegisteredModel(_) | PortableLine::ModelEvent(_))
        )
    };
    assert!(!of_project.iter().any(is_model));
}
