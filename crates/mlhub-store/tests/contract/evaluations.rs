//! Evaluations and metric definitions.

use mlhub_core::evaluation::{
    EvaluatedMetric, EvaluationRecord, EvaluationState, StoredDefinition,
};
use mlhub_core::{ErrorKind, EvaluationId, Timestamp};
use serde_json::json;

use super::TestStore;
use super::make::{id, run};

fn eval_id(text: &str) -> EvaluationId {
    text.parse().expect("an id")
}

/// A pending evaluation.
pub(crate) fn evaluation(id_text: &str, run: &str, split: &str) -> EvaluationRecord {
    EvaluationRecord {
        id: eval_id(id_text),
        run: id(run),
        split: split.to_owned(),
        predictions: "predictions/test.csv".parse().expect("a path"),
        predictions_hash: "ab".repeat(32),
        request: json!({"task": "binary"}),
        state: EvaluationState::Pending,
        message: None,
        result: None,
        curves: None,
        created_at: Timestamp(1),
        ended_at: None,
    }
}

fn metric(run: &str, split: &str, name: &str, value: f64) -> EvaluatedMetric {
    EvaluatedMetric {
        run: id(run),
        split: split.to_owned(),
        name: name.to_owned(),
        definition: format!("{name}@1"),
        value,
        low: Some(f64::NEG_INFINITY),
        high: None,
    }
}

fn done(mut evaluation: EvaluationRecord) -> EvaluationRecord {
    evaluation.state = EvaluationState::Done;
    evaluation.result = Some(json!({"accuracy": 0.1}));
    evaluation.curves = Some(json!({"roc": [[0, 1]]}));
    evaluation.ended_at = Some(Timestamp(9));
    evaluation
}

pub(crate) async fn an_evaluation_lives_once(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let first = evaluation("eval-1", "aaaa", "test");
    let second = evaluation("eval-2", "aaaa", "val");
    store.evaluation_put(&first).await.expect("put");
    store.evaluation_put(&second).await.expect("put");
    let pending = store.evaluation_pending(9).await.expect("pending");
    assert_eq!(pending, [first.clone(), second.clone()]);
    assert_eq!(
        store.evaluation_pending(1).await.expect("pending"),
        std::slice::from_ref(&first)
    );

    let metrics = [metric("aaaa", "test", "accuracy", 0.9)];
    let ended = done(first.clone());
    let end = |_| {
        let (store, ended, metrics) = (store.clone(), ended.clone(), metrics.clone());
        async move { store.evaluation_end(&ended, &metrics).await.expect("end") }
    };
    let wins = futures::future::join_all((0..6).map(end)).await;
    assert_eq!(wins.iter().filter(|won| **won).count(), 1);
    assert_eq!(
        store.evaluation_get(&first.id).await.expect("get"),
        Some(ended.clone())
    );
    let listed = store.evaluation_list(&[id("aaaa")]).await.expect("list");
    assert_eq!(
        listed,
        [
            EvaluationRecord {
                curves: None,
                ..ended
            },
            second.clone()
        ]
    );
    assert_eq!(
        store
            .evaluated_metrics(&[id("aaaa")])
            .await
            .expect("metrics"),
        metrics
    );

    let failed = EvaluationRecord {
        state: EvaluationState::Failed,
        message: Some("ids are missing".to_owned()),
        ended_at: Some(Timestamp(3)),
        ..second.clone()
    };
    assert!(store.evaluation_end(&failed, &[]).await.expect("failed"));
    assert_eq!(
        store.evaluation_get(&second.id).await.expect("get"),
        Some(failed)
    );
    assert_eq!(store.evaluation_pending(9).await.expect("pending"), []);
    let refused = store
        .evaluation_end(&first, &[])
        .await
        .expect_err("pending is no end");
    assert_eq!(refused.kind(), ErrorKind::Invalid);
}

pub(crate) async fn runs_are_found_by_the_definition_of_their_numbers(store: TestStore) {
    let runs = ["aaaa", "bbbb", "cccc"];
    store.run_create(&runs.map(run)).await.expect("made");
    for (at, name) in runs.iter().enumerate() {
        let pending = evaluation(&format!("eval-{at}"), name, "test");
        store.evaluation_put(&pending).await.expect("put");
        let numbers = match at {
            2 => vec![metric(name, "test", "mae", 1.0)],
            _ => vec![metric(name, "test", "accuracy", 1.0)],
        };
        store
            .evaluation_end(&done(pending), &numbers)
            .await
            .expect("ended");
    }
    let found = |definition: &'static str, limit| {
        let store = &store;
        async move { store.evaluated_by(definition, limit).await.expect("asked") }
    };
    assert_eq!(found("accuracy@1", 9).await, [id("bbbb"), id("aaaa")]);
    assert_eq!(found("accuracy@1", 1).await, [id("bbbb")]);
    assert!(found("accuracy@2", 9).await.is_empty());
}

pub(crate) async fn a_new_evaluation_replaces_the_old_one(store: TestStore) {
    store
        .run_create(&[run("aaaa"), run("bbbb")])
        .await
        .expect("made");
    let old = evaluation("eval-1", "aaaa", "test");
    store.evaluation_put(&old).await.expect("put");
    let metrics = [metric("aaaa", "test", "f1", 0.5)];
    assert!(
        store
            .evaluation_end(&done(old.clone()), &metrics)
            .await
            .expect("end")
    );
    let new = evaluation("eval-2", "aaaa", "test");
    store.evaluation_put(&new).await.expect("put");
    assert_eq!(store.evaluation_get(&old.id).await.expect("get"), None);
    assert_eq!(
        store
            .evaluated_metrics(&[id("aaaa")])
            .await
            .expect("metrics"),
        []
    );
    assert_eq!(
        store.evaluation_pending(9).await.expect("pending"),
        std::slice::from_ref(&new)
    );
    // The end of the one that was replaced comes late and changes nothing.
    assert!(
        !store
            .evaluation_end(&done(old), &metrics)
            .await
            .expect("late")
    );
    assert_eq!(
        store
            .evaluated_metrics(&[id("aaaa")])
            .await
            .expect("metrics"),
        []
    );
    // Asked for twice is asked for once; the id of another one is refused.
    store.evaluation_put(&new).await.expect("again");
    let stolen = evaluation("eval-2", "bbbb", "test");
    let error = store.evaluation_put(&stolen).await.expect_err("taken");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(store.evaluation_get(&new.id).await.expect("get"), Some(new));
}

pub(crate) async fn numbers_keep_their_bits(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let evaluation = evaluation("eval-1", "aaaa", "test");
    store.evaluation_put(&evaluation).await.expect("put");
    let values = [
        f64::from_bits(0x7ff8_dead_beef_0001),
        -0.0,
        f64::INFINITY,
        f64::from_bits(1),
        0.1 + 0.2,
    ];
    let metrics: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(index, value)| EvaluatedMetric {
            low: Some(*value),
            high: Some(-*value),
            ..metric("aaaa", "test", &format!("m{index}"), *value)
        })
        .collect();
    let twice = [metrics[0].clone(), metrics[0].clone()];
    assert_eq!(
        store
            .evaluation_end(&done(evaluation.clone()), &twice)
            .await
            .expect_err("twice")
            .kind(),
        ErrorKind::Invalid
    );
    assert!(
        store
            .evaluation_end(&done(evaluation), &metrics)
            .await
            .expect("end")
    );
    let stored = store
        .evaluated_metrics(&[id("aaaa")])
        .await
        .expect("metrics");
    let bits = |m: &EvaluatedMetric| {
        (
            m.value.to_bits(),
            m.low.map(f64::to_bits),
            m.high.map(f64::to_bits),
        )
    };
    assert_eq!(
        stored.iter().map(bits).collect::<Vec<_>>(),
        metrics.iter().map(bits).collect::<Vec<_>>()
    );
}

pub(crate) async fn a_definition_never_changes(store: TestStore) {
    let definition = |id: &str, hash: &str| StoredDefinition {
        id: id.to_owned(),
        hash: hash.to_owned(),
        body: json!({"id": id}),
    };
    store
        .definitions_put(&[definition("f1@1", "h1")])
        .await
        .expect("put");
    store
        .definitions_put(&[definition("f1@1", "h1")])
        .await
        .expect("again");
    store
        .definitions_put(&[definition("accuracy@1", "h2")])
        .await
        .expect("put");
    let error = store
        .definitions_put(&[definition("mse@1", "h4"), definition("f1@1", "h3")])
        .await
        .expect_err("changed");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.public_message().contains("h1") && error.public_message().contains("h3"));
    let list = store.definition_list().await.expect("list");
    assert_eq!(
        list,
        [definition("accuracy@1", "h2"), definition("f1@1", "h1")]
    );
}
