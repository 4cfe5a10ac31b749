//! Saved views and reports, previews, descriptions of projects: who may, and what not.

use mlhub_app::DocumentDraft;
use mlhub_core::dataset::DatasetVersion;
use mlhub_core::document::DocumentKind;
use mlhub_core::{Caller, ErrorKind, Name, Result, Role, Timestamp, UserId};
use serde_json::{Value, json};

use crate::hub::TestHub;

fn reader() -> Caller {
    Caller {
        user: UserId("ray".to_owned()),
        role: Role::Reader,
    }
}

fn writer() -> Caller {
    Caller {
        user: UserId("wil".to_owned()),
        role: Role::Writer,
    }
}

fn draft(project: Option<&str>, body: Value) -> DocumentDraft {
    DocumentDraft {
        kind: DocumentKind::View,
        project: project.map(|name| name.parse().unwrap()),
        name: "Best runs".to_owned(),
        body,
    }
}

fn forbidden<T>(what: &str, result: Result<T>) {
    match result {
        Ok(_) => panic!("a reader may {what}"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Forbidden, "{what}"),
    }
}

#[tokio::test]
async fn readers_read_documents_and_writers_share_them() {
    let test = TestHub::new();
    test.run("run-1").await;
    let (hub, ray, wil) = (&test.hub, &reader(), &writer());
    let made = hub
        .document_create(wil, draft(Some("p"), json!({"v": 1})))
        .await;
    let made = made.unwrap();
    assert_eq!((made.head.owner.0.as_str(), made.head.revision), ("wil", 1));
    let id = &made.head.id;
    assert_eq!(hub.document_get(ray, id).await.unwrap(), made);
    let listed = hub.document_list(ray, Some(DocumentKind::View), None).await;
    assert_eq!(listed.unwrap(), std::slice::from_ref(&made.head));
    forbidden(
        "make one",
        hub.document_create(ray, draft(None, json!({}))).await,
    );
    let change = hub.document_change(ray, id, 1, "n".to_owned(), json!({}));
    forbidden("change one", change.await);
    forbidden("remove one", hub.document_remove(ray, id).await);
    // Whoever may write may change it; whose it is stays.
    let name = "Another name".to_owned();
    let ann = &test.caller;
    let changed = hub.document_change(ann, id, 1, name, json!({"v": 2})).await;
    let changed = changed.unwrap();
    assert_eq!(
        (changed.head.owner.0.as_str(), changed.head.revision),
        ("wil", 2)
    );
    assert!(changed.head.updated_at > changed.head.created_at);
    hub.document_remove(wil, id).await.unwrap();
    let gone = hub.document_remove(wil, id).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_mistake_in_a_document_names_its_field() {
    let test = TestHub::new();
    let create = async |change: fn(&mut DocumentDraft)| {
        let mut draft = draft(None, json!({}));
        change(&mut draft);
        test.hub
            .document_create(&test.caller, draft)
            .await
            .unwrap_err()
    };
    let refused = create(|draft| draft.name = "  ".to_owned()).await;
    assert!(refused.public_message().contains("`name`"), "{refused}");
    let refused = create(|draft| draft.body = json!("text")).await;
    assert!(refused.public_message().contains("`body`"), "{refused}");
    let refused = create(|draft| draft.body = json!({"a": "x".repeat(600_000)})).await;
    assert_eq!(refused.kind(), ErrorKind::TooLarge);
    assert!(refused.public_message().contains("`body`"), "{refused}");
    let refused = create(|draft| draft.project = Some("nowhere".parse().unwrap())).await;
    assert_eq!(refused.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_project_is_described_by_whoever_may_write() {
    let test = TestHub::new();
    test.run("run-1").await;
    let name: Name = "p".parse().unwrap();
    let told = test.hub.project_describe(&reader(), &name, "x").await;
    forbidden("describe a project", told);
    let told = test
        .hub
        .project_describe(&writer(), &name, "What it is")
        .await;
    assert_eq!(told.unwrap().description, "What it is");
    let missing = "none".parse().unwrap();
    let refused = test.hub.project_describe(&writer(), &missing, "x").await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
    let refused = test.hub.project_describe(&writer(), &name, "a\0").await;
    assert!(
        refused
            .unwrap_err()
            .public_message()
            .contains("`description`")
    );
}

#[tokio::test]
async fn rows_are_shown_only_when_somebody_chose_to() {
    let test = TestHub::new();
    let name: Name = "d".parse().unwrap();
    let version = DatasetVersion {
        dataset: name.clone(),
        version: 0,
        fingerprint: "f".to_owned(),
        format: "csv".to_owned(),
        source: "s".to_owned(),
        rows: Some(150),
        size_bytes: 1,
        inspection: Value::Null,
        owner: UserId("ann".to_owned()),
        created_at: Timestamp(0),
    };
    let (hub, ray, wil) = (&test.hub, &reader(), &writer());
    let registered = hub.dataset_register(&test.caller, version, "").await;
    assert_eq!(registered.unwrap().version, 1);
    let none = hub.dataset_preview(ray, &name, 1).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotFound);
    assert!(none.public_message().contains("--preview"), "{none}");
    let columns = || vec!["a".to_owned(), "b".to_owned()];
    let rows = || vec![vec![json!(1), json!("x")]];
    let set = hub.dataset_preview_set(ray, &name, 1, columns(), rows());
    forbidden("show rows", set.await);
    let set = hub.dataset_preview_set(wil, &name, 1, columns(), rows());
    assert_eq!(set.await.unwrap().actor.0, "wil");
    let (shown, total) = hub.dataset_preview(ray, &name, 1).await.unwrap();
    assert_eq!((shown.rows, total), (rows(), Some(150)));
    let uneven = vec![vec![json!("a secret")]];
    let refused = hub.dataset_preview_set(wil, &name, 1, columns(), uneven);
    let refused = refused.await.unwrap_err();
    assert!(refused.public_message().contains("`rows[0]`"), "{refused}");
    assert!(!refused.public_message().contains("secret"), "{refused}");
    let removed = hub.dataset_preview_remove(ray, &name, 1).await;
    forbidden("hide rows", removed);
    hub.dataset_preview_remove(wil, &name, 1).await.unwrap();
    assert!(hub.dataset_preview(ray, &name, 1).await.is_err());
    let other = hub.dataset_preview(ray, &name, 2).await.unwrap_err();
    assert!(other.public_message().contains("d@2"), "{other}");
}
