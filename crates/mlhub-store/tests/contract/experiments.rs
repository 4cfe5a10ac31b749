//! Experiments by number: tags, names, deletes.

use mlhub_core::run::{Experiment, ExperimentChange, NewExperiment};
use mlhub_core::{ErrorKind, Timestamp};

use crate::TestStore;
use crate::make::{name, run as new_run};

fn new(experiment: &str) -> NewExperiment {
    NewExperiment {
        project: name("p"),
        name: name(experiment),
        tags: [("a".to_owned(), "1".to_owned())].into(),
        location: Some("s3://bucket/e".to_owned()),
        created_at: Timestamp(5),
    }
}

async fn named(store: &TestStore, experiment: &str) -> Option<Experiment> {
    let found = store.experiment_named(&name("p"), &name(experiment)).await;
    found.expect("read")
}

pub(crate) async fn an_experiment_is_made_found_and_changed(store: TestStore) {
    let made = store.experiment_create(&new("e")).await.expect("made");
    assert_eq!(made.tags, new("e").tags);
    assert_eq!(made.location.as_deref(), Some("s3://bucket/e"));
    assert_eq!((made.changed_at, made.deleted_at), (Timestamp(5), None));
    let by_number = store.experiment_get(made.number).await.expect("read");
    assert_eq!(by_number.as_ref(), Some(&made));
    assert_eq!(named(&store, "e").await.as_ref(), Some(&made));
    assert_eq!(
        store.experiment_get(made.number + 1).await.expect("read"),
        None
    );
    let taken = store
        .experiment_create(&new("e"))
        .await
        .expect_err("refused");
    assert_eq!(taken.kind(), ErrorKind::Conflict);

    let change = ExperimentChange {
        tags: [
            ("a".to_owned(), None),
            ("b".to_owned(), Some("2".to_owned())),
        ]
        .into(),
        deleted: Some(true),
        ..ExperimentChange::default()
    };
    let changed = store
        .experiment_change(made.number, &change, Timestamp(9))
        .await;
    let changed = changed.expect("changed");
    assert_eq!(changed.tags, [("b".to_owned(), "2".to_owned())].into());
    assert_eq!(
        (changed.changed_at, changed.deleted_at),
        (Timestamp(9), Some(Timestamp(9)))
    );
    // Deleting again does not move the moment; a deleted one keeps its name.
    let again = ExperimentChange {
        deleted: Some(true),
        ..ExperimentChange::default()
    };
    let again = store
        .experiment_change(made.number, &again, Timestamp(12))
        .await
        .expect("again");
    assert_eq!(again.deleted_at, Some(Timestamp(9)));
    let taken = store
        .experiment_create(&new("e"))
        .await
        .expect_err("refused");
    assert!(taken.to_string().contains("deleted"), "{taken}");
    let back = ExperimentChange {
        deleted: Some(false),
        ..ExperimentChange::default()
    };
    let back = store
        .experiment_change(made.number, &back, Timestamp(13))
        .await
        .expect("back");
    assert_eq!(back.deleted_at, None);
    let all = store.experiment_list(None).await.expect("list");
    assert_eq!(all, [back]);
    let missing = store
        .experiment_change(99, &change, Timestamp(1))
        .await
        .expect_err("refused");
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

pub(crate) async fn runs_follow_a_new_name_and_names_stay_unique(store: TestStore) {
    store.experiment_create(&new("e")).await.expect("made");
    let other = store.experiment_create(&new("other")).await.expect("made");
    store.run_create(&[new_run("aaaa")]).await.expect("run");
    let rename = |to: &str| ExperimentChange {
        name: Some(name(to)),
        ..ExperimentChange::default()
    };
    let number = named(&store, "e").await.expect("there").number;
    let moved = store
        .experiment_change(number, &rename("f"), Timestamp(7))
        .await
        .expect("renamed");
    assert_eq!(
        (moved.name.as_str(), moved.number, moved.run_count),
        ("f", number, 1)
    );
    assert_eq!(moved.tags, new("e").tags);
    let run = store
        .run_get(&"aaaa".parse().expect("id"))
        .await
        .expect("read")
        .expect("there");
    assert_eq!(run.experiment.as_str(), "f");
    assert_eq!(named(&store, "e").await, None);
    let taken = store
        .experiment_change(other.number, &rename("f"), Timestamp(8))
        .await
        .expect_err("refused");
    assert_eq!(taken.kind(), ErrorKind::Conflict);
    // Under its own name it stays as it is.
    store
        .experiment_change(number, &rename("f"), Timestamp(8))
        .await
        .expect("same name");
}

pub(crate) async fn a_run_brings_a_deleted_experiment_back(store: TestStore) {
    let made = store.experiment_create(&new("e")).await.expect("made");
    let change = ExperimentChange {
        deleted: Some(true),
        ..ExperimentChange::default()
    };
    store
        .experiment_change(made.number, &change, Timestamp(7))
        .await
        .expect("deleted");
    store.run_create(&[new_run("aaaa")]).await.expect("run");
    let back = named(&store, "e").await.expect("there");
    assert_eq!(
        (back.number, back.deleted_at, back.run_count),
        (made.number, None, 1)
    );
}
