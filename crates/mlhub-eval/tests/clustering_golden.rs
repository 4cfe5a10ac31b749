//! Stored comparison of the clustering metrics with scikit-learn; the file and how to renew
//! it: `golden/make_clustering.py`.

mod judging;

use std::collections::BTreeMap;

use mlhub_eval::{Predictions, PredictionsError, PredictionsInput, Targets, Task};
use serde::Deserialize;

use judging::evaluation;

/// How far from the reference a value may be, relative to it; near 0 absolutely.
const RELATIVE: f64 = 1e-12;
const ABSOLUTE: f64 = 1e-14;

#[derive(Deserialize)]
struct Document {
    cases: Vec<Case>,
}

#[derive(Clone, Deserialize)]
struct Case {
    name: String,
    y_true: Vec<u32>,
    y_pred: Vec<u32>,
    expected: BTreeMap<String, f64>,
}

fn cases() -> Vec<Case> {
    let text = include_str!("golden/clustering.json");
    let document: Document = serde_json::from_str(text).expect("a golden file");
    document.cases
}

fn input(case: &Case) -> PredictionsInput {
    let names = case.y_true.iter().chain(&case.y_pred).max().expect("rows") + 1;
    PredictionsInput {
        ids: (0..case.y_true.len()).map(|row| row.to_string()).collect(),
        task: Task::Clustering,
        labels: (0..names).map(|name| name.to_string()).collect(),
        y_true: Targets::Classes(case.y_true.clone()),
        y_pred: Some(Targets::Classes(case.y_pred.clone())),
        y_score: None,
        weight: None,
        group: None,
    }
}

#[test]
fn clusterings_agree_with_sklearn() {
    let cases = cases();
    assert!(cases.len() >= 16);
    for case in &cases {
        let found = evaluation(input(case), None, 1);
        assert_eq!(found.metrics.len(), case.expected.len());
        for metric in &found.metrics {
            let theirs = case.expected[&metric.name];
            let difference = (metric.value - theirs).abs();
            assert!(
                difference <= RELATIVE * theirs.abs() || difference <= ABSOLUTE,
                "{}: {} is {}, not {theirs}",
                case.name,
                metric.name,
                metric.value
            );
        }
        assert!(
            found.curves.per_class.is_empty() && found.curves.confusion.is_none(),
            "clusters are no classes"
        );
    }
}

#[test]
fn the_same_partition_is_perfect() {
    for case in cases()
        .iter()
        .filter(|case| case.name.starts_with("the same"))
    {
        for metric in &evaluation(input(case), None, 1).metrics {
            if metric.name != "mutual_information" {
                assert!(
                    (1.0 - metric.value).abs() <= f64::EPSILON && metric.value <= 1.0,
                    "{}: {}",
                    metric.name,
                    metric.value
                );
            }
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let case = &cases()[0];
    let text =
        |threads| serde_json::to_string(&evaluation(input(case), Some(50), threads)).expect("JSON");
    let one = text(1);
    assert!(one.contains("\"interval\":{"), "intervals are there");
    assert_eq!(one, text(2));
}

#[test]
fn weights_and_scores_are_told_apart() {
    let case = &cases()[0];
    let weighted = PredictionsInput {
        weight: Some(vec![0.5; case.y_true.len()]),
        ..input(case)
    };
    let found = evaluation(weighted, None, 1);
    assert!(found.metrics.is_empty());
    assert!(
        found
            .skipped
            .iter()
            .all(|skipped| { skipped.reason.contains("not defined for weighted rows") })
    );
    let scored = Predictions::new(PredictionsInput {
        y_score: Some(vec![0.5; case.y_true.len()]),
        ..input(case)
    });
    assert!(matches!(scored, Err(PredictionsError::ScoreShape { .. })));
    let without = Predictions::new(PredictionsInput {
        y_pred: None,
        ..input(case)
    });
    let message = without.expect_err("no clusters").to_string();
    assert!(
        message.contains("clustering task needs a `y_pred`"),
        "{message}"
    );
}
