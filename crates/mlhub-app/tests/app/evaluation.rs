//! From stored predictions to numbers, or to a paragraph that says why not.

use std::collections::BTreeMap;

use mlhub_app::PredictionsShipped;
use mlhub_core::evaluation::{
    EvaluatedMetric, EvaluationRecord, EvaluationState, StoredDefinition,
};
use mlhub_core::store::EvaluationStore as _;
use mlhub_core::{ErrorKind, RunId, RunState};
use mlhub_protocol::rest::Snapshot;
use serde_json::{Value, json};

use crate::hub::{TestHub, plan, report};

/// Three of four right.
const GOOD: &[u8] = b"id,y_true,y_pred,y_score\na,0,0,0.1\nb,1,1,0.9\nc,1,0,0.4\nd,0,0,0.3\n";

async fn only(hub: &TestHub, run: &RunId) -> EvaluationRecord {
    let listed = hub
        .hub
        .evaluation_list(&hub.caller, run.as_str())
        .await
        .unwrap();
    assert_eq!(listed.len(), 1);
    let id = listed[0].0.id.clone();
    hub.hub.evaluation_get(&hub.caller, &id).await.unwrap().0
}

fn metric<'a>(record: &'a EvaluationRecord, name: &str) -> &'a Value {
    let metrics = record.result.as_ref().unwrap()["metrics"]
        .as_array()
        .unwrap();
    metrics
        .iter()
        .find(|metric| metric["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {metrics:?}"))
}

#[tokio::test]
async fn stored_predictions_become_numbers_intervals_and_curves() {
    let hub = TestHub::new();
    let run = hub.running("eval-good", plan(Some("binary"))).await;
    hub.predict(&run, "predictions/test.csv", GOOD).await;
    assert_eq!(only(&hub, &run).await.state, EvaluationState::Pending);
    assert_eq!(hub.hub.evaluate_pending().await.unwrap(), 1);
    assert_eq!(hub.hub.evaluate_pending().await.unwrap(), 0, "once");
    let record = only(&hub, &run).await;
    assert_eq!(record.state, EvaluationState::Done, "{:?}", record.message);
    let accuracy = metric(&record, "accuracy");
    assert_eq!(accuracy["value"], 0.75);
    assert_eq!(accuracy["n"], 4);
    assert_eq!(accuracy["interval"]["samples"], 50);
    assert_eq!(accuracy["interval"]["seed"], 7);
    let (low, high) = (&accuracy["interval"]["low"], &accuracy["interval"]["high"]);
    assert!(low.as_f64().unwrap() <= 0.75 && high.as_f64().unwrap() >= 0.75);
    assert!(record.curves.as_ref().unwrap().is_object());
    // Lists and tables show the same numbers.
    let row = hub.hub.run_row(&hub.caller, &run).await.unwrap();
    let shown = row.evaluated.iter().find(|m| m.name == "accuracy").unwrap();
    assert_eq!((shown.value, shown.split.as_str()), (0.75, "test"));
    assert_eq!(shown.definition, "accuracy@1");
}

#[tokio::test]
async fn evaluating_again_gives_the_same_bits() {
    let hub = TestHub::new();
    let run = hub.running("eval-again", plan(Some("binary"))).await;
    hub.predict(&run, "predictions/test.csv", GOOD).await;
    hub.hub.evaluate_pending().await.unwrap();
    let first = only(&hub, &run).await;
    let queued = hub
        .hub
        .evaluation_repeat(&hub.caller, "eval-again")
        .await
        .unwrap();
    assert_eq!(queued[0].0.state, EvaluationState::Pending);
    hub.hub.evaluate_pending().await.unwrap();
    let second = only(&hub, &run).await;
    assert_ne!(first.id, second.id);
    assert_eq!((first.result, first.curves), (second.result, second.curves));
}

#[tokio::test]
async fn numbers_of_a_replaced_definition_are_computed_again_when_asked_for() {
    let hub = TestHub::new();
    hub.hub.definitions_install().await.unwrap();
    let old = StoredDefinition {
        id: "accuracy@0".to_owned(),
        hash: "ab".repeat(32),
        body: json!({}),
    };
    hub.store.definitions_put(&[old]).await.unwrap();
    let mut pinned = plan(Some("binary"));
    if let Some(plan) = &mut pinned.evaluation {
        plan.metrics = vec!["accuracy@0".to_owned()];
    }
    for (name, snapshot) in [("old-run", plan(Some("binary"))), ("pinned", pinned)] {
        let run = hub.running(name, snapshot).await;
        hub.predict(&run, "predictions/test.csv", GOOD).await;
        let mut record = only(&hub, &run).await;
        record.state = EvaluationState::Done;
        record.result = Some(json!({"task": "binary", "n": 4, "metrics": [], "skipped": []}));
        record.ended_at = Some(record.created_at);
        let number = EvaluatedMetric {
            run,
            split: "test".to_owned(),
            name: "accuracy".to_owned(),
            definition: "accuracy@0".to_owned(),
            value: 0.5,
            low: None,
            high: None,
        };
        assert!(hub.store.evaluation_end(&record, &[number]).await.unwrap());
    }
    let ids = |text: &str| vec![text.parse::<RunId>().unwrap()];
    let dry = hub.hub.outdated_metrics(&hub.caller, true).await.unwrap();
    assert_eq!(dry.metrics.len(), 1, "{dry:?}");
    assert_eq!(dry.metrics[0].newest, "accuracy@1");
    assert_eq!(dry.metrics[0].runs, ids("old-run"));
    assert_eq!(dry.metrics[0].pinned, ids("pinned"));
    assert!(dry.queued.is_empty());
    let done = hub.hub.outdated_metrics(&hub.caller, false).await.unwrap();
    assert_eq!(done.queued, ids("old-run"));
    hub.hub.evaluate_pending().await.unwrap();
    let old: RunId = "old-run".parse().unwrap();
    let row = hub.hub.run_row(&hub.caller, &old).await.unwrap();
    let accuracy = row.evaluated.iter().find(|of| of.name == "accuracy");
    let accuracy = accuracy.map(|of| (of.definition.as_str(), of.value));
    assert_eq!(accuracy, Some(("accuracy@1", 0.75)));
    let again = hub.hub.outdated_metrics(&hub.caller, false).await.unwrap();
    assert!(again.queued.is_empty() && again.metrics[0].runs.is_empty());
}

/// Snapshot of an anomaly detector whose threshold is chosen on `validation`.
fn thresholded() -> Snapshot {
    let mut snapshot = plan(Some("anomaly"));
    if let Some(plan) = &mut snapshot.evaluation {
        let test = plan.splits["test"].clone();
        plan.splits.insert("validation".to_owned(), test);
        plan.threshold_split = Some("validation".to_owned());
    }
    snapshot
}

const SCORES: &[u8] = b"id,y_true,y_score\na,0,0.1\nb,1,0.9\nc,1,0.4\nd,0,0.3\n";

#[tokio::test]
async fn a_threshold_is_chosen_on_another_split() {
    let hub = TestHub::new();
    let run = hub.running("threshold", thresholded()).await;
    let split = |name: &str| (name.to_owned(), format!("predictions/{name}.csv"));
    let shipped = [split("test"), split("validation")];
    hub.predict_all(&run, &shipped, SCORES).await;
    hub.hub.evaluate_pending().await.unwrap();
    let listed = hub
        .hub
        .evaluation_list(&hub.caller, run.as_str())
        .await
        .unwrap();
    let of = |split: &str| {
        listed
            .iter()
            .find(|(of, _)| of.split == split)
            .unwrap()
            .0
            .clone()
    };
    assert_eq!(
        of("test").state,
        EvaluationState::Done,
        "{:?}",
        of("test").message
    );
    // 0.4 divides the two classes of both splits.
    assert_eq!(metric(&of("test"), "anomaly_f1")["value"], 1.0);
    // On the split itself it would be too good, so there is none.
    let skipped = &of("validation").result.unwrap()["skipped"];
    let names = skipped.as_array().unwrap().iter();
    let names: Vec<&str> = names.map(|of| of["definition"].as_str().unwrap()).collect();
    assert!(names.contains(&"anomaly_f1@1"), "{names:?}");
}

#[tokio::test]
async fn a_threshold_needs_the_predictions_of_its_split() {
    let hub = TestHub::new();
    let run = hub.running("no-threshold", thresholded()).await;
    hub.predict(&run, "predictions/test.csv", SCORES).await;
    hub.hub.evaluate_pending().await.unwrap();
    let listed = hub
        .hub
        .evaluation_list(&hub.caller, run.as_str())
        .await
        .unwrap();
    let test = &listed.iter().find(|(of, _)| of.split == "test").unwrap().0;
    assert_eq!(test.state, EvaluationState::Failed);
    let message = test.message.as_deref().unwrap_or_default();
    assert!(
        message.contains("threshold_split") && message.contains("validation"),
        "{message}"
    );
}

#[tokio::test]
async fn intervals_are_made_as_the_plan_says() {
    let hub = TestHub::new();
    let mut snapshot = plan(Some("binary"));
    if let Some(plan) = &mut snapshot.evaluation {
        plan.bootstrap_method = Some("bca".to_owned());
        plan.bootstrap_resampling = Some("stratified".to_owned());
    }
    let run = hub.running("bca-run", snapshot).await;
    hub.predict(&run, "predictions/test.csv", GOOD).await;
    hub.hub.evaluate_pending().await.unwrap();
    let record = only(&hub, &run).await;
    let method = metric(&record, "brier")["interval"]["method"].clone();
    let method = method.as_str().unwrap_or_default();
    assert!(
        method.contains("BCa") && method.contains("within classes"),
        "{method}"
    );
}

#[tokio::test]
async fn a_run_without_predictions_has_nothing_to_repeat() {
    let hub = TestHub::new();
    let run = hub.run("eval-none").await;
    let refused = hub.hub.evaluation_repeat(&hub.caller, run.as_str()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);
}

/// What a failed evaluation says must hold all of `words`.
async fn fails(snapshot: Snapshot, path: &str, content: &[u8], words: &[&str]) {
    let hub = TestHub::new();
    let run = hub.running("eval-bad", snapshot).await;
    hub.predict(&run, path, content).await;
    assert_eq!(hub.hub.evaluate_pending().await.unwrap(), 1);
    let record = only(&hub, &run).await;
    assert_eq!(record.state, EvaluationState::Failed, "{path}");
    assert!(record.ended_at.is_some());
    let message = record.message.unwrap();
    assert!(message.contains(path), "{message}");
    assert!(message.contains("test"), "{message}");
    for word in words {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
    assert_eq!(hub.state(&run).await, RunState::Finished, "the run stands");
}

#[tokio::test]
async fn what_cannot_be_evaluated_says_what_and_where() {
    let csv = "predictions/test.csv";
    let missing = b"id,y_true,y_pred\na,0,0\nb,1,1\nc,1,0\n";
    fails(plan(Some("binary")), csv, missing, &["d"]).await;
    let strange = b"id,y_true,y_pred\na,0,0\nb,1,1\nc,1,0\nx,1,1\n";
    fails(plan(Some("binary")), csv, strange, &["x"]).await;
    let twice = b"id,y_true,y_pred\na,0,0\nb,1,1\nc,1,0\nc,1,1\n";
    fails(plan(Some("binary")), csv, twice, &["c"]).await;
    let nan = b"id,y_true,y_pred,y_score\na,0,0,0.1\nb,1,1,nan\nc,1,0,0.4\nd,0,0,0.3\n";
    fails(plan(Some("binary")), csv, nan, &["y_score"]).await;
    let columns = b"name,truth\na,0\n";
    fails(plan(Some("binary")), csv, columns, &["id"]).await;
    fails(plan(Some("binary")), csv, b"", &[]).await;
    fails(plan(Some("ranking")), csv, GOOD, &["ranking", "`group`"]).await;
    fails(plan(Some("poetry")), csv, GOOD, &["poetry", "regression"]).await;
    let text = b"id,y_true,y_pred\na,x,x\nb,y,y\nc,x,x\nd,y,y\n";
    fails(
        plan(Some("regression")),
        csv,
        text,
        &["y_true", "regression"],
    )
    .await;
    let three = b"id,y_true,y_pred\na,x,x\nb,y,y\nc,z,x\nd,y,y\n";
    fails(
        plan(Some("binary")),
        csv,
        three,
        &["3 classes", "multiclass"],
    )
    .await;
}

#[tokio::test]
async fn a_file_that_is_not_what_its_name_says_is_named() {
    for extension in ["parquet", "npz", "jsonl"] {
        let path = format!("predictions/test.{extension}");
        fails(plan(Some("binary")), &path, b"PK\x03\x04\xff\x00 no", &[]).await;
    }
    let hub = TestHub::new();
    let run = hub.running("eval-pickle", plan(None)).await;
    hub.predict(&run, "predictions/test.pkl", GOOD).await;
    hub.hub.evaluate_pending().await.unwrap();
    let message = only(&hub, &run).await.message.unwrap();
    assert!(
        message.contains("test.pkl") && message.contains(".csv"),
        "{message}"
    );
}

#[tokio::test]
async fn a_metric_nobody_defines_is_named_with_those_there_are() {
    let mut snapshot = plan(Some("binary"));
    snapshot.evaluation.as_mut().unwrap().metrics = vec!["accuracie".to_owned()];
    fails(
        snapshot,
        "predictions/test.csv",
        GOOD,
        &["accuracie", "accuracy@1"],
    )
    .await;
}

#[tokio::test]
async fn a_metric_named_twice_is_computed_once() {
    for names in [["accuracy", "accuracy@1"], ["accuracy", "accuracy"]] {
        let hub = TestHub::new();
        let mut snapshot = plan(Some("binary"));
        snapshot.evaluation.as_mut().unwrap().metrics = names.map(str::to_owned).to_vec();
        let run = hub.running("eval-twice", snapshot).await;
        hub.predict(&run, "predictions/test.csv", GOOD).await;
        assert_eq!(hub.hub.evaluate_pending().await.unwrap(), 1);
        let record = only(&hub, &run).await;
        assert_eq!(record.state, EvaluationState::Done, "{:?}", record.message);
        let metrics = &record.result.as_ref().unwrap()["metrics"];
        assert_eq!(metrics.as_array().unwrap().len(), 1);
        assert_eq!(metric(&record, "accuracy")["value"], 0.75);
    }
}

/// More of them than are taken from the queue at once, and a good one behind them.
#[tokio::test]
async fn requests_that_cannot_be_read_fail_and_keep_nobody_waiting() {
    let hub = TestHub::new();
    for number in 0..20 {
        let run = hub
            .running(&format!("eval-broken-{number}"), plan(Some("binary")))
            .await;
        hub.predict(&run, "predictions/test.csv", GOOD).await;
        let mut record = only(&hub, &run).await;
        record.id = format!("eval-unreadable-{number}").parse().unwrap();
        record.request = json!({"version": "no number", "plan": 3});
        hub.store.evaluation_put(&record).await.unwrap();
    }
    let good = hub.running("eval-behind", plan(Some("binary"))).await;
    hub.predict(&good, "predictions/test.csv", GOOD).await;
    assert_eq!(hub.hub.evaluate_pending().await.unwrap(), 21);
    assert_eq!(only(&hub, &good).await.state, EvaluationState::Done);
    let broken: RunId = "eval-broken-3".parse().unwrap();
    let record = only(&hub, &broken).await;
    assert_eq!(record.state, EvaluationState::Failed);
    let message = record.message.unwrap();
    assert!(message.contains("evaluate the run again"), "{message}");
    let again = hub
        .hub
        .evaluation_repeat(&hub.caller, broken.as_str())
        .await;
    again.unwrap();
    assert_eq!(hub.hub.evaluate_pending().await.unwrap(), 1);
    assert_eq!(only(&hub, &broken).await.state, EvaluationState::Done);
}

/// A program that wrote no predictions for a planned split has still finished.
#[tokio::test]
async fn a_planned_split_without_predictions_fails_its_evaluation_only() {
    let hub = TestHub::new();
    let run = hub.running("eval-absent", plan(None)).await;
    hub.end(&run, 1, RunState::Finished).await.unwrap();
    assert_eq!(hub.state(&run).await, RunState::Finished);
    assert_eq!(hub.hub.evaluate_pending().await.unwrap(), 1);
    let record = only(&hub, &run).await;
    assert_eq!(record.state, EvaluationState::Failed);
    let message = record.message.unwrap();
    assert!(
        message.contains("`test`") && message.contains("predictions/test.csv"),
        "{message}"
    );
    let listed = hub
        .hub
        .evaluation_list(&hub.caller, "eval-absent")
        .await
        .unwrap();
    assert!(
        listed[0]
            .1
            .missing
            .contains(&"stored predictions".to_owned())
    );
}

#[tokio::test]
async fn predictions_named_but_never_uploaded_fail_by_name() {
    let hub = TestHub::new();
    let run = hub.running("eval-lost", Snapshot::default()).await;
    let shipped = PredictionsShipped {
        path: "predictions/test.csv".parse().unwrap(),
        task: None,
    };
    let end = report(
        RunState::Finished,
        BTreeMap::from([("test".to_owned(), shipped)]),
    );
    hub.hub
        .attempt_finish(&hub.caller, &run, 1, end)
        .await
        .unwrap();
    hub.hub.evaluate_pending().await.unwrap();
    let message = only(&hub, &run).await.message.unwrap();
    assert!(
        message.contains("predictions/test.csv") && message.contains("not stored"),
        "{message}"
    );
}

#[tokio::test]
async fn content_that_vanished_does_not_keep_the_others_waiting() {
    let hub = TestHub::new();
    let first = hub.running("eval-first", plan(Some("binary"))).await;
    hub.predict(&first, "predictions/test.csv", GOOD).await;
    std::fs::remove_dir_all(hub.folder.path().join("blobs")).unwrap();
    let hub = hub.restarted();
    let second = hub.running("eval-second", plan(Some("binary"))).await;
    let other = [GOOD, b"\n"].concat();
    hub.predict(&second, "predictions/test.csv", &other).await;
    assert_eq!(hub.hub.evaluate_pending().await.unwrap(), 2);
    let record = only(&hub, &first).await;
    assert_eq!(record.state, EvaluationState::Failed);
    assert!(record.message.unwrap().contains("blob store"));
    assert_eq!(only(&hub, &second).await.state, EvaluationState::Done);
}

#[tokio::test]
async fn a_pending_evaluation_survives_a_restart() {
    let hub = TestHub::new();
    let run = hub.running("eval-restart", plan(Some("binary"))).await;
    hub.predict(&run, "predictions/test.csv", GOOD).await;
    let hub = hub.restarted();
    assert_eq!(hub.hub.evaluate_pending().await.unwrap(), 1);
    assert_eq!(only(&hub, &run).await.state, EvaluationState::Done);
}

#[tokio::test]
async fn the_receipt_names_what_a_result_stands_on() {
    let hub = TestHub::new();
    let mut snapshot = plan(Some("binary"));
    snapshot.code = json!({"commit": "abc", "dirty": true});
    snapshot.environment = json!({"fingerprint": "env-1"});
    let run = hub.running("eval-receipt", snapshot).await;
    hub.upload(&run, "model.bin", b"weights", "model").await;
    hub.predict(&run, "predictions/test.csv", GOOD).await;
    hub.hub.evaluate_pending().await.unwrap();
    let listed = hub
        .hub
        .evaluation_list(&hub.caller, run.as_str())
        .await
        .unwrap();
    let receipt = &listed[0].1;
    assert_eq!(receipt.missing, ["dataset version"]);
    assert_eq!(receipt.code.as_deref(), Some("abc+changes"));
    assert_eq!(receipt.split_fingerprint.as_deref(), Some("split-1"));
    let hash = blake3::hash(b"weights").to_hex();
    assert_eq!(receipt.model_hash.as_deref(), Some(hash.as_str()));
    assert_eq!(
        listed[0].0.predictions_hash,
        blake3::hash(GOOD).to_hex().as_str()
    );
}

#[tokio::test]
async fn a_late_end_of_an_earlier_attempt_is_not_evaluated() {
    let hub = TestHub::new();
    let run = hub.running("eval-late", plan(Some("binary"))).await;
    hub.end(&run, 1, RunState::Lost).await.unwrap();
    hub.hub
        .attempt_create(&hub.caller, run.as_str(), None, None)
        .await
        .unwrap();
    hub.predict(&run, "predictions/test.csv", GOOD).await;
    assert_eq!(hub.hub.evaluate_pending().await.unwrap(), 0);
    assert_eq!(
        hub.state(&run).await,
        RunState::Queued,
        "the second attempt's"
    );
}
