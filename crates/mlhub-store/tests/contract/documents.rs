//! Saved views and reports, previews of dataset versions, and projects described.

use std::sync::Arc;

use mlhub_core::dataset::DatasetPreview;
use mlhub_core::document::{Document, DocumentChange, DocumentHead, DocumentKind};
use mlhub_core::{ErrorKind, Timestamp, UserId, limits};
use serde_json::{Value, json};

use super::TestStore;
use super::make::name;
use super::records::version;

pub(crate) fn document(
    id: &str,
    kind: DocumentKind,
    project: Option<&str>,
    time_ms: i64,
) -> Document {
    Document {
        head: DocumentHead {
            id: id.parse().expect("an id"),
            kind,
            project: project.map(name),
            name: format!("name of {id}"),
            owner: UserId("me".to_owned()),
            revision: 1,
            created_at: Timestamp(time_ms),
            updated_at: Timestamp(time_ms),
        },
        body: json!({"version": 1, "columns": ["metrics.loss"], "text": "a\u{0}b\u{1f680}"}),
    }
}

fn change(id: &str, revision: u32, body: Value, now_ms: i64) -> DocumentChange {
    DocumentChange {
        id: id.parse().expect("an id"),
        revision,
        name: "another name".to_owned(),
        body,
        now: Timestamp(now_ms),
    }
}

async fn listed(
    store: &TestStore,
    kind: Option<DocumentKind>,
    project: Option<&str>,
) -> Vec<String> {
    let project = project.map(name);
    let heads = store.document_list(kind, project.as_ref()).await;
    let heads = heads.expect("list").into_iter();
    heads.map(|head| head.id.to_string()).collect()
}

pub(crate) async fn documents_come_back_and_are_listed_last_stored_first(store: TestStore) {
    use DocumentKind::{Report, View};
    for project in ["p", "q"] {
        let made = store.project_ensure(&name(project), Timestamp(1)).await;
        made.expect("a project");
    }
    let all = [
        document("view-p", View, Some("p"), 10),
        document("view-q", View, Some("q"), 20),
        document("report-p", Report, Some("p"), 20),
        document("view-all", View, None, 5),
    ];
    for document in &all {
        store.document_put(document).await.expect("stored");
        let found = store.document_get(&document.head.id).await.expect("get");
        assert_eq!(found.as_ref(), Some(document));
    }
    assert_eq!(
        listed(&store, None, None).await,
        ["report-p", "view-q", "view-p", "view-all"]
    );
    assert_eq!(listed(&store, Some(View), Some("p")).await, ["view-p"]);
    assert_eq!(
        listed(&store, None, Some("p")).await,
        ["report-p", "view-p"]
    );
    assert_eq!(listed(&store, Some(Report), None).await, ["report-p"]);
    let stored = store
        .document_change(&change("view-all", 1, json!({}), 30))
        .await
        .expect("changed");
    assert_eq!(
        (stored.head.revision, stored.head.updated_at),
        (2, Timestamp(30))
    );
    assert_eq!(stored.head.created_at, Timestamp(5));
    assert_eq!(listed(&store, None, None).await[0], "view-all");
    let id = &all[1].head.id;
    assert!(store.document_remove(id).await.expect("removed"));
    assert!(!store.document_remove(id).await.expect("gone"));
    assert_eq!(store.document_get(id).await.expect("get"), None);
}

pub(crate) async fn of_many_changes_of_one_revision_one_is_stored(store: TestStore) {
    let first = document("shared", DocumentKind::Report, None, 10);
    store.document_put(&first).await.expect("stored");
    let writers = (0..8).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let change = change("shared", 1, json!({"writer": writer}), 20 + writer);
            store.document_change(&change).await
        })
    });
    let outcomes = futures::future::join_all(writers).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(|one| one.expect("ran")).collect();
    let mut won = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(document) => won.push(document),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Conflict);
                assert_eq!(error.details().expect("details")["stored"], 2);
            }
        }
    }
    assert_eq!(won.len(), 1);
    let found = store.document_get(&first.head.id).await.expect("get");
    assert_eq!(found.as_ref(), won.first());
    let late = store
        .document_change(&change("shared", 7, json!({}), 90))
        .await;
    assert_eq!(late.expect_err("ahead").kind(), ErrorKind::Conflict);
    let nobody = store
        .document_change(&change("nobody", 1, json!({}), 90))
        .await;
    assert_eq!(nobody.expect_err("none").kind(), ErrorKind::NotFound);
}

pub(crate) async fn documents_that_cannot_be_stored_are_refused(store: TestStore) {
    let good = document("good", DocumentKind::View, None, 1);
    let with = |change: &dyn Fn(&mut Document)| {
        let mut other = good.clone();
        change(&mut other);
        other
    };
    let long = "x".repeat(limits::DOCUMENT_NAME_MAX_CHARS + 1);
    let large = json!({"text": "x".repeat(limits::DOCUMENT_BODY_MAX_BYTES)});
    let refused = [
        (with(&|one| one.head.name.clear()), ErrorKind::Invalid),
        (
            with(&|one| one.head.name.clone_from(&long)),
            ErrorKind::Invalid,
        ),
        (
            with(&|one| one.head.name = "a\u{0}b".to_owned()),
            ErrorKind::Invalid,
        ),
        (with(&|one| one.body = json!([1])), ErrorKind::Invalid),
        (
            with(&|one| one.body.clone_from(&large)),
            ErrorKind::TooLarge,
        ),
        (
            with(&|one| one.head.project = Some(name("nowhere"))),
            ErrorKind::NotFound,
        ),
    ];
    for (document, kind) in refused {
        let error = store.document_put(&document).await.expect_err("refused");
        assert_eq!(error.kind(), kind, "{error}");
    }
    assert!(listed(&store, None, None).await.is_empty());
    store.document_put(&good).await.expect("stored");
    let twice = store.document_put(&good).await.expect_err("twice");
    assert_eq!(twice.kind(), ErrorKind::Conflict);
    let mut widest = document("wide", DocumentKind::View, None, 1);
    widest.head.name = "\u{1f680}".repeat(limits::DOCUMENT_NAME_MAX_CHARS);
    store
        .document_put(&widest)
        .await
        .expect("characters, not bytes");
}

pub(crate) async fn a_projects_documents_go_with_it(store: TestStore) {
    let project = name("p");
    let made = store.project_ensure(&project, Timestamp(1)).await;
    made.expect("a project");
    for (id, project) in [("goes", Some("p")), ("stays", None)] {
        let document = document(id, DocumentKind::View, project, 1);
        store.document_put(&document).await.expect("stored");
    }
    assert!(store.project_remove(&project).await.expect("removed"));
    assert_eq!(listed(&store, None, None).await, ["stays"]);
}

pub(crate) async fn a_project_is_described(store: TestStore) {
    let project = name("p");
    let missing = store.project_describe(&project, "text").await;
    assert!(!missing.expect("asked"), "there is none");
    let made = store.project_ensure(&project, Timestamp(1)).await;
    made.expect("a project");
    let done = store.project_describe(&project, "What it is\nabout").await;
    assert!(done.expect("described"));
    let found = store.project_get(&project).await.expect("get");
    assert_eq!(found.expect("there").description, "What it is\nabout");
    let nul = store.project_describe(&project, "a\u{0}").await;
    assert_eq!(nul.expect_err("refused").kind(), ErrorKind::Invalid);
}

pub(crate) fn preview(rows: usize) -> DatasetPreview {
    DatasetPreview {
        columns: vec!["a".to_owned(), "b".to_owned()],
        rows: vec![vec![json!(1.5), json!(null)]; rows],
        actor: UserId("me".to_owned()),
        created_at: Timestamp(3),
    }
}

pub(crate) async fn a_preview_belongs_to_its_version(store: TestStore) {
    let iris = name("iris");
    let early = store.dataset_preview_put(&iris, 1, &preview(1)).await;
    assert_eq!(early.expect_err("no version").kind(), ErrorKind::NotFound);
    let stored = store.dataset_put(&version("iris", "f1"), "").await;
    let number = stored.expect("a version").version;
    let get = async || store.dataset_preview_get(&iris, number).await.expect("get");
    assert_eq!(get().await, None);
    for rows in [1, 2] {
        let put = store
            .dataset_preview_put(&iris, number, &preview(rows))
            .await;
        put.expect("stored");
        assert_eq!(get().await, Some(preview(rows)));
    }
    let mut bad = [
        preview(limits::PREVIEW_ROWS_MAX + 1),
        preview(1),
        preview(1),
        preview(1),
    ];
    bad[1].columns = vec!["a".to_owned(); limits::PREVIEW_COLUMNS_MAX + 1];
    bad[2].rows[0][0] = json!({"nested": 1});
    bad[3].rows[0][1] = json!("x".repeat(limits::PREVIEW_CELL_MAX_CHARS + 1));
    for preview in &bad {
        let refused = store.dataset_preview_put(&iris, number, preview).await;
        assert_eq!(refused.expect_err("refused").kind(), ErrorKind::Invalid);
    }
    assert_eq!(get().await, Some(preview(2)));
    assert!(
        store
            .dataset_preview_remove(&iris, number)
            .await
            .expect("removed")
    );
    assert!(
        !store
            .dataset_preview_remove(&iris, number)
            .await
            .expect("gone")
    );
    let again = store.dataset_preview_put(&iris, number, &preview(1)).await;
    again.expect("stored again");
    store
        .dataset_version_remove(&iris, number)
        .await
        .expect("a version with its preview goes");
    assert_eq!(get().await, None);
}
