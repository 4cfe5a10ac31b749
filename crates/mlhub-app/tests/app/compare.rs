//! Comparing runs: columns, seed groups, warnings, and what cannot be compared.

use mlhub_app::Verdict;
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

/// Two groups of seeds with evaluated accuracies, on datasets and splits as named.
async fn two_groups(
    hub: &TestHub,
    prefix: &str,
    values: [&[f64]; 2],
    datasets: [&str; 2],
    splits: [&str; 2],
) -> mlhub_app::Comparison {
    let mut ids = Vec::new();
    for (side, values) in values.into_iter().enumerate() {
        let names: Vec<String> = (0..values.len())
            .map(|seed| format!("{prefix}-{side}-{seed}"))
            .collect();
        let mut snapshot = plan(Some("binary"));
        let planned = snapshot.evaluation.as_mut().unwrap();
        planned.splits.get_mut("test").unwrap().fingerprint = Some(splits[side].to_owned());
        let texts: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut creation = crate::hub::creation(&texts, snapshot);
        creation.dataset = Some(datasets[side].to_owned());
        creation.group = Some(format!("{prefix}-group-{side}").parse().unwrap());
        hub.hub.run_create(&hub.caller, creation).await.unwrap();
        for (name, value) in names.iter().zip(values) {
            evaluated(hub, &name.parse().unwrap(), "accuracy@1", *value).await;
        }
        ids.extend(names);
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    compared(hub, &ids).await.unwrap()
}

#[tokio::test]
async fn seed_groups_are_tested_and_the_better_one_is_named() {
    let hub = TestHub::new();
    let (better, worse) = (&[0.90, 0.92, 0.94][..], &[0.80, 0.83, 0.81][..]);
    let same = ["d@1", "d@1"];
    let comparison = two_groups(&hub, "far", [better, worse], same, ["s", "s"]).await;
    let [test] = &comparison.tests[..] else {
        panic!("one metric, one pair: {:?}", comparison.tests)
    };
    assert_eq!(
        (test.metric.as_str(), test.definition.as_deref()),
        ("test/accuracy", Some("accuracy@1"))
    );
    assert_eq!(
        (test.a.as_str(), test.b.as_str()),
        ("far-group-0", "far-group-1")
    );
    assert_eq!((test.n_a, test.n_b), (3, 3));
    assert_eq!((test.verdict, &test.reason), (Verdict::ABetter, &None));
    // The golden values of SciPy for these numbers.
    assert!((test.p_value.unwrap() - 0.002369196632647178).abs() < 1e-9);
    assert_eq!(
        test.p_adjusted, test.p_value,
        "one test needs no adjustment"
    );
    assert!((test.effect.unwrap() - 4.782639097139559).abs() < 1e-9);
    let (low, high) = test.interval.unwrap();
    assert!(low > 0.065 && high < 0.149 && test.difference > low && test.difference < high);
    let turned = two_groups(&hub, "turned", [worse, better], same, ["s", "s"]).await;
    assert_eq!(turned.tests[0].verdict, Verdict::BBetter);
    let close = two_groups(
        &hub,
        "close",
        [better, &[0.91, 0.93, 0.92]],
        same,
        ["s", "s"],
    )
    .await;
    assert_eq!(close.tests[0].verdict, Verdict::NoDifference);
}

/// Prefix of names, values, datasets and splits of two groups, and a part of the reason.
type Case = (
    &'static str,
    [&'static [f64]; 2],
    [&'static str; 2],
    [&'static str; 2],
    &'static str,
);

#[tokio::test]
async fn where_nothing_can_be_said_the_reason_is() {
    let hub = TestHub::new();
    let (a, b) = (&[0.90, 0.92, 0.94][..], &[0.80, 0.83, 0.81][..]);
    let (same, split) = (["d@1", "d@1"], ["s", "s"]);
    let cases: [Case; 6] = [
        ("one", [&[0.9], &[0.8]], same, split, "one seed each"),
        (
            "half",
            [a, &[0.8]],
            same,
            split,
            "`half-group-1` has one seed",
        ),
        ("flat", [&[0.9; 3], &[0.8; 3]], same, split, "no spread"),
        (
            "data",
            [a, b],
            ["d@1", "d@2"],
            split,
            "not the same dataset version: d@1, d@2",
        ),
        ("split", [a, b], same, ["s", "t"], "not the same split"),
        (
            "lost",
            [&[0.9, f64::NAN, 0.8], b],
            same,
            split,
            "1 of the seeds have no finite value",
        ),
    ];
    for (prefix, values, datasets, splits, said) in cases {
        let comparison = two_groups(&hub, prefix, values, datasets, splits).await;
        let test = &comparison.tests[0];
        assert_eq!(test.verdict, Verdict::NoVerdict, "{prefix}");
        assert_eq!(
            (test.p_value, test.p_adjusted, test.interval),
            (None, None, None),
            "{prefix}"
        );
        assert!(test.difference.is_finite(), "{prefix}");
        let reason = test.reason.as_deref().unwrap();
        assert!(reason.contains(said), "{prefix}: {reason}");
    }
}

#[tokio::test]
async fn a_logged_metric_is_judged_by_the_direction_its_adapter_names() {
    let hub = TestHub::new();
    let mut tests = Vec::new();
    for (prefix, mapping) in [
        ("known", json!({"loss": {"direction": "minimize"}})),
        ("unknown", json!({})),
    ] {
        let mut ids = Vec::new();
        for (side, values) in [[0.10, 0.12, 0.11], [0.30, 0.31, 0.33]]
            .into_iter()
            .enumerate()
        {
            let names: Vec<String> = (0..3)
                .map(|seed| format!("{prefix}-{side}-{seed}"))
                .collect();
            let texts: Vec<&str> = names.iter().map(String::as_str).collect();
            let snapshot = Snapshot {
                adapter: json!({"metrics": mapping}),
                ..Snapshot::default()
            };
            let runs = hub.runs(&texts, snapshot).await;
            for (run, value) in runs.iter().zip(values) {
                hub.start(run, 1).await.unwrap();
                hub.log(run, 1, 0, &[value]).await;
            }
            ids.extend(names);
        }
        let texts: Vec<&str> = ids.iter().map(String::as_str).collect();
        let early = compared(&hub, &texts).await.unwrap();
        let reason = early.tests[0].reason.as_deref().unwrap();
        assert!(reason.contains("6 of the runs did not finish"), "{reason}");
        for id in &ids {
            hub.end(&id.parse().unwrap(), 1, RunState::Finished)
                .await
                .unwrap();
        }
        tests.extend(compared(&hub, &texts).await.unwrap().tests);
    }
    assert_eq!(tests.len(), 2);
    assert_eq!(
        (tests[0].metric.as_str(), tests[0].verdict),
        ("loss", Verdict::ABetter)
    );
    assert!(tests[0].difference < 0.0, "less is better");
    assert_eq!(tests[1].verdict, Verdict::NoVerdict);
    assert!(tests[1].reason.as_deref().unwrap().contains("direction"));
    assert!(tests[1].p_value.is_some() && tests[1].p_adjusted.is_none());
}

#[tokio::test]
async fn tests_of_many_pairs_are_adjusted_together_and_bounded() {
    let hub = TestHub::new();
    let mut ids = Vec::new();
    for (group, base) in [0.70, 0.705, 0.80].into_iter().enumerate() {
        let names: Vec<String> = (0..3).map(|seed| format!("many-{group}-{seed}")).collect();
        let texts: Vec<&str> = names.iter().map(String::as_str).collect();
        for (run, step) in hub
            .runs(&texts, Snapshot::default())
            .await
            .iter()
            .zip([0.0, 0.01, 0.02])
        {
            evaluated(&hub, run, "accuracy@1", base + step).await;
        }
        ids.extend(names);
    }
    let texts: Vec<&str> = ids.iter().map(String::as_str).collect();
    let comparison = compared(&hub, &texts).await.unwrap();
    assert_eq!(comparison.tests.len(), 3);
    let adjusted: Vec<f64> = comparison
        .tests
        .iter()
        .map(|test| test.p_adjusted.unwrap())
        .collect();
    let plain: Vec<f64> = comparison
        .tests
        .iter()
        .map(|test| test.p_value.unwrap())
        .collect();
    assert_eq!(adjusted, mlhub_eval::holm(&plain));
    assert_eq!(comparison.tests[0].verdict, Verdict::NoDifference);
    assert_eq!(comparison.tests[1].verdict, Verdict::BBetter);
    assert_eq!(
        comparison.warnings.len(),
        1,
        "that runs have not ended: {:?}",
        comparison.warnings
    );
}
