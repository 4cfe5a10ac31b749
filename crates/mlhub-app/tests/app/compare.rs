//! Comparing runs: columns, seed groups, warnings, and what cannot be compared.

use mlhub_core::evaluation::{EvaluatedMetric, EvaluationRecord, EvaluationState};
use mlhub_core::metric::Direction;
use mlhub_core::store::EvaluationStore;
use mlhub_core::{ErrorKind, EvaluationId, RunId, RunState, Timestamp};
use mlhub_protocol::rest::Snapshot;
use serde_json::json;

use crate::hub::{TestHub, plan};

/// Stores an evaluation with one number, as a hub of any version would.
async fn evaluated(hub: &TestHub, run: &RunId, definition: &str, value: f64) {
    let record = EvaluationRecord {
        id: format!("ev-{run}").parse::<EvaluationId>().unwrap(),
        run: run.clone(),
        split: "test".to_owned(),
        predictions: "predictions/test.csv".parse().unwrap(),
        predictions_hash: "0".repeat(64),
        request: json!({"version": 1, "plan": {}}),
        state: EvaluationState::Pending,
        message: None,
        result: None,
        curves: None,
        created_at: Timestamp(1),
        ended_at: None,
    };
    hub.store.evaluation_put(&record).await.unwrap();
    let done = EvaluationRecord {
        state: EvaluationState::Done,
        ended_at: Some(Timestamp(2)),
        result: Some(json!({"task": "binary", "n": 4, "metrics": [], "skipped": []})),
        ..record
    };
    let metric = EvaluatedMetric {
        run: run.clone(),
        split: "test".to_owned(),
        name: definition.split('@').next().unwrap().to_owned(),
        definition: definition.to_owned(),
        value,
        low: Some(value - 0.1),
        high: Some(value + 0.1),
    };
    assert!(hub.store.evaluation_end(&done, &[metric]).await.unwrap());
}

async fn compared(hub: &TestHub, ids: &[&str]) -> mlhub_core::Result<mlhub_app::Comparison> {
    let texts: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    hub.hub.run_compare(&hub.caller, &texts).await
}

#[tokio::test]
async fn different_versions_of_a_metric_are_a_conflict_that_shows_both() {
    let hub = TestHub::new();
    let runs = hub.runs(&["cmp-1", "cmp-2"], Snapshot::default()).await;
    evaluated(&hub, &runs[0], "accuracy@1", 0.9).await;
    evaluated(&hub, &runs[1], "accuracy@2", 0.8).await;
    let refused = compared(&hub, &["cmp-1", "cmp-2"]).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let said = refused.public_message();
    assert!(
        said.contains("accuracy@1") && said.contains("accuracy@2"),
        "{said}"
    );
    let definitions = &refused.details().unwrap()["definitions"];
    assert_eq!(definitions[0]["name"], "accuracy");
    assert_eq!(definitions[1], "accuracy@2", "unknown here, so only named");
    assert!(compared(&hub, &["cmp-1"]).await.is_ok());
}

#[tokio::test]
async fn seeds_of_a_group_are_summed_up_and_the_best_is_marked() {
    let hub = TestHub::new();
    let runs = hub
        .runs(&["seed-1", "seed-2", "seed-3"], Snapshot::default())
        .await;
    for (run, value) in runs.iter().zip([0.90, 0.92, 0.94]) {
        evaluated(&hub, run, "accuracy@1", value).await;
        hub.log(run, 1, 0, &[value]).await;
    }
    let alone = hub.run("alone").await;
    evaluated(&hub, &alone, "accuracy@1", 0.5).await;
    let comparison = compared(&hub, &["seed-1", "seed-2", "seed-3", "alone"])
        .await
        .unwrap();
    assert_eq!(comparison.groups.len(), 2);
    let group = &comparison.groups[0];
    assert_eq!(group.runs, ["seed-1", "seed-2", "seed-3"]);
    let statistics = &group.metrics["test/accuracy"];
    assert_eq!(statistics.n, 3);
    assert!((statistics.mean - 0.92).abs() < 1e-12);
    assert!((statistics.std.unwrap() - 0.02).abs() < 1e-12);
    assert_eq!(group.metrics["loss"].n, 3);
    let lone = &comparison.groups[1];
    assert_eq!(
        (lone.group.as_str(), lone.metrics["test/accuracy"].std),
        ("alone", None)
    );
    let row = &comparison.metrics[0];
    assert_eq!(
        (row.name.as_str(), row.direction),
        ("test/accuracy", Direction::Maximize)
    );
    assert_eq!(row.best, Some(2));
    assert_eq!(row.values, [Some(0.90), Some(0.92), Some(0.94), Some(0.5)]);
    let logged = comparison
        .metrics
        .iter()
        .find(|row| row.name == "loss")
        .unwrap();
    assert_eq!((logged.best, logged.values[3]), (None, None));
}

#[tokio::test]
async fn a_logged_metric_of_the_same_name_is_not_mixed_with_the_evaluated_one() {
    let hub = TestHub::new();
    let run = hub.run("mixed").await;
    evaluated(&hub, &run, "accuracy@1", 0.9).await;
    let point = mlhub_core::metric::SeriesPoints {
        name: "test/accuracy".to_owned(),
        points: vec![mlhub_core::metric::Point {
            step: 1,
            time: Timestamp(1),
            value: 0.1,
        }],
    };
    let batch = crate::hub::batch(&run, 1, vec![point]);
    hub.hub.attempt_events(&hub.caller, batch).await.unwrap();
    let comparison = compared(&hub, &["mixed"]).await.unwrap();
    let statistics = &comparison.groups[0].metrics["test/accuracy"];
    assert_eq!((statistics.n, statistics.mean), (1, 0.9));
}

#[tokio::test]
async fn a_reader_is_warned_of_what_makes_a_comparison_unfair() {
    let hub = TestHub::new();
    for (id, dataset, fingerprint) in [("warn-1", "d@1", "split-1"), ("warn-2", "d@2", "split-2")] {
        let mut snapshot = plan(Some("binary"));
        let plan = snapshot.evaluation.as_mut().unwrap();
        plan.splits.get_mut("test").unwrap().fingerprint = Some(fingerprint.to_owned());
        snapshot.config = json!({"params": {"lr": 0.1, "seed": id}});
        let mut creation = crate::hub::creation(&[id], snapshot);
        creation.dataset = Some(dataset.to_owned());
        hub.hub.run_create(&hub.caller, creation).await.unwrap();
    }
    let first: RunId = "warn-1".parse().unwrap();
    hub.end(&first, 1, RunState::Failed).await.unwrap();
    let comparison = compared(&hub, &["warn-1", "warn-2"]).await.unwrap();
    let said = comparison.warnings.join("\n");
    for word in ["d@1, d@2", "`test`", "1 of the runs have not ended"] {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    let paths: Vec<&str> = comparison
        .config
        .iter()
        .map(|row| row.path.as_str())
        .collect();
    assert_eq!(paths, ["params.seed"]);
    let alone = compared(&hub, &["warn-1"]).await.unwrap();
    assert_eq!(alone.warnings, Vec::<String>::new());
}

#[tokio::test]
async fn a_run_counts_once_and_must_exist() {
    let hub = TestHub::new();
    hub.run("once").await;
    for ids in [&["once", "onc"][..], &["once", "once"]] {
        let refused = compared(&hub, ids).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{ids:?}");
    }
    let refused = compared(&hub, &["once", "gone"]).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
}
