//! Projects, datasets, artifacts and adapters.

use mlhub_core::dataset::{DatasetSplit, DatasetVersion};
use mlhub_core::evaluation::AdapterVersion;
use mlhub_core::run::{Artifact, ArtifactUse};
use mlhub_core::store::ArtifactQuery;
use mlhub_core::{ErrorKind, RunState, Timestamp, UserId};
use serde_json::json;

use super::TestStore;
use super::make::{again, change, id, name, run};

pub(crate) async fn projects_are_made_once_and_listed_by_activity(store: TestStore) {
    let first = store
        .project_ensure(&name("quiet"), Timestamp(5))
        .await
        .expect("made");
    let again = store
        .project_ensure(&name("quiet"), Timestamp(9))
        .await
        .expect("found");
    assert_eq!(first, again);
    assert_eq!((first.run_count, first.last_activity_at), (0, None));
    assert_eq!(
        store.project_get(&name("nothing")).await.expect("get"),
        None
    );

    let mut runs = vec![run("aaaa"), run("bbbb"), run("cccc")];
    runs[1].experiment = name("f");
    runs[2].project = name("q");
    runs[2].created_at = Timestamp(2000);
    store.run_create(&runs).await.expect("runs");
    let names = async || {
        let projects = store.project_list().await.expect("list");
        projects
            .into_iter()
            .map(|project| project.name.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["q", "p", "quiet"]);
    let mut start = change("aaaa", 1, RunState::Queued, RunState::Running);
    start.started_at = Some(Timestamp(3000));
    assert!(store.attempt_change(&start).await.expect("change"));
    assert_eq!(names().await, ["p", "q", "quiet"]);
    let p = store
        .project_get(&name("p"))
        .await
        .expect("get")
        .expect("there");
    assert_eq!(
        (p.run_count, p.last_activity_at),
        (2, Some(Timestamp(3000)))
    );

    let all = store.experiment_list(None).await.expect("list");
    let all: Vec<_> = all
        .iter()
        .map(|e| (e.project.as_str(), e.name.as_str(), e.run_count))
        .collect();
    assert_eq!(all, [("q", "e", 1), ("p", "f", 1), ("p", "e", 1)]);
    let of_q = store.experiment_list(Some(&name("q"))).await.expect("list");
    assert_eq!(of_q.len(), 1);
}

pub(crate) fn version(dataset: &str, fingerprint: &str) -> DatasetVersion {
    DatasetVersion {
        dataset: name(dataset),
        version: 77,
        fingerprint: fingerprint.to_owned(),
        format: "csv".to_owned(),
        source: "/data/a.csv".to_owned(),
        rows: Some(150),
        size_bytes: 1 << 40,
        inspection: json!({"columns": ["a", "b\u{0}"], "mean": 0.1}),
        owner: UserId("me".to_owned()),
        created_at: Timestamp(1),
    }
}

pub(crate) async fn datasets_keep_one_version_per_fingerprint(store: TestStore) {
    let first = store
        .dataset_put(&version("iris", "f1"), "flowers")
        .await
        .expect("put");
    assert_eq!(
        first,
        DatasetVersion {
            version: 1,
            ..version("iris", "f1")
        }
    );
    let second = store
        .dataset_put(&version("iris", "f2"), "")
        .await
        .expect("put");
    assert_eq!(second.version, 2);
    let again = store
        .dataset_put(&version("iris", "f1"), "")
        .await
        .expect("put");
    assert_eq!(again, first);
    store
        .dataset_put(&version("Digits", "f1"), "")
        .await
        .expect("put");

    let list = store.dataset_list().await.expect("list");
    let seen: Vec<_> = list
        .iter()
        .map(|d| (d.name.as_str(), d.latest_version, d.description.as_str()))
        .collect();
    assert_eq!(seen, [("Digits", 1, ""), ("iris", 2, "flowers")]);
    let get = async |number| store.dataset_get(&name("iris"), number).await.expect("get");
    assert_eq!(get(None).await, Some(second.clone()));
    assert_eq!(get(Some(1)).await, Some(first.clone()));
    assert_eq!(get(Some(3)).await, None);
    assert_eq!(
        store
            .dataset_versions(&name("iris"))
            .await
            .expect("versions"),
        [second, first]
    );

    // Registered many times at once, a content still is one version.
    let put = |index: usize| {
        let store = store.clone();
        async move {
            store
                .dataset_put(&version("race", ["a", "b"][index % 2]), "")
                .await
        }
    };
    let versions = futures::future::join_all((0..8).map(put)).await;
    let mut numbers: Vec<_> = versions
        .into_iter()
        .map(|v| v.expect("put").version)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, [1, 2]);
}

pub(crate) async fn splits_are_stored_once_and_need_their_version(store: TestStore) {
    let split = DatasetSplit {
        dataset: name("iris"),
        version: 1,
        hash: "h".to_owned(),
        spec: json!({"test": 0.2}),
        parts: json!([{"name": "test", "rows": 30}]),
        created_at: Timestamp(4),
    };
    let error = store.split_put(&split).await.expect_err("no version");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    store
        .dataset_put(&version("iris", "f1"), "")
        .await
        .expect("put");
    store.split_put(&split).await.expect("put");
    let later = DatasetSplit {
        created_at: Timestamp(9),
        ..split.clone()
    };
    store.split_put(&later).await.expect("put again");
    assert_eq!(
        store.split_list(&name("iris"), 1).await.expect("list"),
        [split]
    );
}

pub(crate) async fn accepted_rows_stay_with_their_split(store: TestStore) {
    let split = DatasetSplit {
        dataset: name("iris"),
        version: 1,
        hash: "h".to_owned(),
        spec: json!({}),
        parts: json!({"parts": {"test": {"rows": 30}}}),
        created_at: Timestamp(4),
    };
    let version = version("iris", "f1");
    store.dataset_put(&version, "").await.expect("put");
    store.split_put(&split).await.expect("put");
    let iris = name("iris");
    let by = |user: &str| json!({"user": user, "reason": "r", "accepted_at": 5});
    let accept = |hash: &'static str, user: &str| {
        let (store, iris, by) = (&store, &iris, by(user));
        async move { store.split_accept(iris, 1, hash, "test", &by).await }
    };
    assert_eq!(accept("other", "ada").await.expect("asked"), None);
    accept("h", "ada").await.expect("accepted").expect("found");
    let stored = accept("h", "eve").await.expect("again").expect("found");
    assert_eq!(stored.parts["accepted"], json!({"test": by("eve")}));
    assert_eq!(stored.parts["parts"], split.parts["parts"]);
    // Who registers the split again changes nothing.
    store.split_put(&split).await.expect("put again");
    let listed = store.split_list(&iris, 1).await.expect("list");
    assert_eq!(listed, [stored]);
}

pub(crate) fn artifact(run: &str, path: &str, hash: &str) -> Artifact {
    Artifact {
        run: id(run),
        path: path.parse().expect("a path"),
        hash: hash.repeat(64),
        size_bytes: 3,
        kind: "artifact".to_owned(),
        attempt: 1,
        created_at: Timestamp(7),
    }
}

pub(crate) async fn artifacts_are_replaced_at_their_path(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("run");
    let long = format!("{}/{}", "d".repeat(250), "é".repeat(100));
    for (path, hash) in [("m/Z", "1"), ("m/a", "2"), ("m/Z", "3"), (&long, "4")] {
        store
            .artifact_put(&artifact("aaaa", path, hash))
            .await
            .expect("put");
    }
    let list = store.artifact_list(&id("aaaa")).await.expect("list");
    let expected = [
        artifact("aaaa", &long, "4"),
        artifact("aaaa", "m/Z", "3"),
        artifact("aaaa", "m/a", "2"),
    ];
    assert_eq!(list, expected);
    let get = async |path: &str| {
        let path = path.parse().expect("a path");
        store.artifact_get(&id("aaaa"), &path).await.expect("get")
    };
    assert_eq!(get("m/Z").await, Some(artifact("aaaa", "m/Z", "3")));
    assert_eq!(get("m/z").await, None);
    let error = store
        .artifact_put(&artifact("zzzz", "x", "1"))
        .await
        .expect_err("no run");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

pub(crate) async fn a_late_attempt_takes_no_artifacts_place(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("run");
    let of = |attempt, hash| Artifact {
        attempt,
        ..artifact("aaaa", "last", hash)
    };
    store.artifact_put(&of(1, "old")).await.expect("put");
    again(&*store, "aaaa", None).await;
    let before = store.artifact_put(&of(2, "new")).await.expect("put");
    assert_eq!(before, Some(of(1, "old").hash));
    let late = store.artifact_put(&of(1, "x")).await;
    let late = late.expect_err("attempt 2 has it");
    assert_eq!(late.kind(), ErrorKind::Conflict);
    assert!(late.public_message().contains("`last`"), "{late}");
    // The same content is no loss.
    assert_eq!(store.artifact_put(&of(1, "new")).await.expect("put"), None);
    let list = store.artifact_list(&id("aaaa")).await.expect("list");
    assert_eq!(list, [of(2, "new")]);
}

fn input(run: &str, name: &str, hash: &str) -> ArtifactUse {
    ArtifactUse {
        run: id(run),
        name: name.to_owned(),
        source_run: None,
        source_path: None,
        hash: hash.to_owned(),
        size_bytes: 7,
        used_at: Timestamp(5),
    }
}

pub(crate) async fn inputs_are_noted_by_name_and_found_by_content(store: TestStore) {
    let runs = [run("aaaa"), run("bbbb")];
    store.run_create(&runs).await.expect("runs");
    let mut first = input("bbbb", "base model", "h1");
    first.source_run = Some(id("aaaa"));
    first.source_path = Some("model/a".parse().expect("path"));
    let second = input("bbbb", "data", "h2");
    let elsewhere = ArtifactUse {
        used_at: Timestamp(9),
        ..input("aaaa", "x", "h1")
    };
    for used in [&second, &first, &elsewhere, &first] {
        store.artifact_use_put(used).await.expect("noted");
    }
    let list = async |run: &str| store.artifact_use_list(&id(run)).await.expect("list");
    assert_eq!(list("bbbb").await, [first.clone(), second.clone()]);
    let users = store.artifact_users("h1", 10).await.expect("users");
    assert_eq!(users, [elsewhere.clone(), first.clone()]);
    assert_eq!(store.artifact_users("h1", 1).await.expect("users").len(), 1);
    let replaced = input("bbbb", "base model", "h3");
    store.artifact_use_put(&replaced).await.expect("replaced");
    assert_eq!(list("bbbb").await, [replaced, second]);
    let nobody = store.artifact_use_put(&input("gone", "x", "h")).await;
    assert_eq!(nobody.expect_err("no run").kind(), ErrorKind::NotFound);
    store.run_delete(&id("aaaa")).await.expect("deleted");
    assert_eq!(store.artifact_users("h1", 9).await.expect("users"), []);
}

pub(crate) async fn artifacts_are_found_by_content_project_run_and_path(store: TestStore) {
    let mut runs = vec![run("aaaa"), run("bbbb"), run("cccc")];
    runs[2].project = name("q");
    runs[1].name = name("named");
    store.run_create(&runs).await.expect("runs");
    let mut made = Vec::new();
    for (time, owner, path, hash) in [
        (1, "aaaa", "m", "h1"),
        (2, "bbbb", "m", "h2"),
        (3, "bbbb", "n", "h1"),
        (4, "cccc", "m", "h1"),
    ] {
        let artifact = Artifact {
            run: id(owner),
            path: path.parse().expect("path"),
            hash: hash.to_owned(),
            size_bytes: 1,
            kind: "model".to_owned(),
            attempt: 1,
            created_at: Timestamp(time),
        };
        store.artifact_put(&artifact).await.expect("put");
        made.push(artifact);
    }
    let find = async |query: ArtifactQuery| {
        let found = store.artifact_find(&query, 10).await.expect("found");
        let place = |artifact| made.iter().position(|other| *other == artifact);
        found
            .into_iter()
            .map(|found| place(found).expect("known"))
            .collect::<Vec<_>>()
    };
    let any = ArtifactQuery::default;
    let (hash, path) = (Some("h1".to_owned()), Some("m".parse().expect("path")));
    assert_eq!(find(any()).await, [3, 2, 1, 0]);
    assert_eq!(find(ArtifactQuery { hash, ..any() }).await, [3, 2, 0]);
    let project = Some(name("p"));
    assert_eq!(
        find(ArtifactQuery {
            path,
            project: project.clone(),
            ..any()
        })
        .await,
        [1, 0]
    );
    for run in ["bbbb", "named"] {
        let run = Some(run.to_owned());
        let query = ArtifactQuery {
            run,
            project: project.clone(),
            ..any()
        };
        assert_eq!(find(query).await, [2, 1]);
    }
    assert_eq!(
        find(ArtifactQuery {
            run: Some("none".to_owned()),
            ..any()
        })
        .await,
        [0; 0]
    );
}

pub(crate) async fn adapters_keep_what_was_seen_first(store: TestStore) {
    let adapter = |name: &str, version: &str, mark: u32| AdapterVersion {
        name: name.to_owned(),
        version: version.to_owned(),
        manifest: json!({"mark": mark}),
        created_at: Timestamp(1),
    };
    for seen in [
        adapter("b", "1", 1),
        adapter("a", "1", 2),
        adapter("a", "2", 3),
        adapter("a", "1", 9),
    ] {
        store.adapter_put(&seen).await.expect("put");
    }
    let list = store.adapter_list().await.expect("list");
    assert_eq!(
        list,
        [
            adapter("a", "2", 3),
            adapter("a", "1", 2),
            adapter("b", "1", 1)
        ]
    );
}
