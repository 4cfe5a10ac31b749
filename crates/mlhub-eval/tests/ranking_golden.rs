//! Stored comparison of the ranking metrics with scikit-learn and with values written out over
//! all orders of ties; the file and how to renew it: `golden/make_ranking.py`.

use std::collections::BTreeMap;

use mlhub_eval::{
    Bootstrap, EvaluateOptions, Evaluation, Predictions, PredictionsInput, Targets, Task, evaluate,
};
use serde::Deserialize;

/// How far from the reference a value may be.
const TOLERANCE: f64 = 1e-12;

#[derive(Deserialize)]
struct Document {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    y_true: Vec<f64>,
    y_score: Vec<f64>,
    group: Vec<String>,
    expected: BTreeMap<String, serde_json::Value>,
    left_out: usize,
}

fn cases() -> Vec<Case> {
    let text = include_str!("golden/ranking.json");
    let document: Document = serde_json::from_str(text).expect("a golden file");
    document.cases
}

fn evaluation(case: &Case, weight: Option<Vec<f64>>, samples: Option<u32>) -> Evaluation {
    let predictions = Predictions::new(PredictionsInput {
        ids: (0..case.y_true.len()).map(|row| row.to_string()).collect(),
        task: Task::Ranking,
        labels: Vec::new(),
        y_true: Targets::Values(case.y_true.clone()),
        y_pred: None,
        y_score: Some(case.y_score.clone()),
        weight,
        group: Some(case.group.clone()),
        numbers: Vec::new(),
    })
    .unwrap_or_else(|error| panic!("{}: {error}", case.name));
    let bootstrap = samples.map(|samples| Bootstrap {
        samples,
        ..Bootstrap::default()
    });
    let options = EvaluateOptions {
        bootstrap,
        threads: 1,
        ..EvaluateOptions::default()
    };
    evaluate(&predictions, &options).expect("the options are valid")
}

#[test]
fn rankings_agree_with_the_reference() {
    let cases = cases();
    assert!(cases.len() >= 15);
    for case in &cases {
        let found = evaluation(case, None, None);
        let names: Vec<&String> = case.expected.keys().collect();
        let mut ours: Vec<&String> = found.metrics.iter().map(|metric| &metric.name).collect();
        ours.sort_unstable();
        assert_eq!(ours, names, "{}", case.name);
        for metric in &found.metrics {
            let (value, name) = (metric.value, &metric.name);
            match case.expected[name].as_f64() {
                Some(expected) => assert!(
                    (value - expected).abs() <= TOLERANCE,
                    "{}: {name} is {value}, not {expected}",
                    case.name
                ),
                None => assert!(value.is_nan(), "{}: {name} is {value}", case.name),
            }
            let note = metric.note.clone().unwrap_or_default();
            let told = format!("{} of ", case.left_out);
            assert_eq!(
                note.contains(&told) && note.contains("left out"),
                case.left_out > 0,
                "{}: {note}",
                case.name
            );
        }
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    for case in cases() {
        let turned = Case {
            y_true: case.y_true.iter().rev().copied().collect(),
            y_score: case.y_score.iter().rev().copied().collect(),
            group: case.group.iter().rev().cloned().collect(),
            expected: BTreeMap::new(),
            ..case
        };
        let values = |case: &Case| -> Vec<f64> {
            let found = evaluation(case, None, None);
            found.metrics.iter().map(|metric| metric.value).collect()
        };
        let forth = Case {
            y_true: case.y_true,
            y_score: case.y_score,
            group: case.group,
            expected: BTreeMap::new(),
            name: String::new(),
            left_out: 0,
        };
        for (a, b) in values(&forth).iter().zip(values(&turned)) {
            assert!((a - b).abs() <= TOLERANCE || (a.is_nan() && b.is_nan()));
        }
    }
}

/// Rows of one query stand or fall together: drawn one by one, half of the rows of a query
/// would be gone and its values would change.
#[test]
fn resamples_draw_whole_queries() {
    let case = Case {
        name: "two queries".to_owned(),
        y_true: vec![1.0, 0.0, 1.0, 0.0],
        y_score: vec![2.0, 1.0, 1.0, 2.0],
        group: ["a", "a", "b", "b"].map(str::to_owned).to_vec(),
        expected: BTreeMap::new(),
        left_out: 0,
    };
    let found = evaluation(&case, None, Some(500));
    let map = found
        .metrics
        .iter()
        .find(|metric| metric.name == "map")
        .expect("mean average precision");
    assert_eq!(map.value, 0.75);
    let interval = map.interval.as_ref().expect("two queries have an interval");
    assert_eq!((interval.low, interval.high), (0.5, 1.0));
    assert_eq!((found.n, map.n), (4, 4), "rows");

    let one = Case {
        group: vec!["a".to_owned(); 4],
        ..case
    };
    let found = evaluation(&one, None, Some(10));
    let note = found.metrics[0].note.as_deref().unwrap_or_default();
    assert!(found.metrics[0].interval.is_none());
    assert!(note.contains("fewer than 2 queries"), "{note}");
}

#[test]
fn weighted_rows_are_skipped_with_the_reason() {
    let case = &cases()[0];
    let weight = vec![0.5; case.y_true.len()];
    let found = evaluation(case, Some(weight), Some(10));
    assert!(found.metrics.is_empty());
    assert_eq!(found.skipped.len(), 13);
    assert!(found.skipped[0].reason.contains("weighted rows"));
}

#[test]
fn what_is_no_ranking_is_refused_by_column() {
    let refused = |y_true: Vec<f64>, y_score: Vec<f64>| {
        let rows = y_true.len();
        Predictions::new(PredictionsInput {
            ids: (0..rows).map(|row| row.to_string()).collect(),
            task: Task::Ranking,
            labels: Vec::new(),
            y_true: Targets::Values(y_true),
            y_pred: None,
            y_score: Some(y_score),
            weight: None,
            group: Some(vec!["q".to_owned(); rows]),
            numbers: Vec::new(),
        })
        .expect_err("no ranking")
        .to_string()
    };
    let message = refused(vec![1.0, -1.0, 51.0], vec![0.0; 3]);
    assert!(
        message.contains("2 relevances are negative or above 50"),
        "{message}"
    );
    assert!(message.contains("rows (from 0): 1, 2"), "{message}");
    let message = refused(vec![1.0, f64::NAN], vec![0.0; 2]);
    assert!(
        message.contains("column `y_true`: 1 values are NaN"),
        "{message}"
    );
    let message = refused(vec![1.0, 0.0], vec![0.0, f64::INFINITY]);
    assert!(
        message.contains("column `y_score`: 1 values are NaN"),
        "{message}"
    );
    let message = refused(vec![1.0, 0.0], vec![0.0; 4]);
    assert!(message.contains("expected 2 x 1"), "{message}");
}
