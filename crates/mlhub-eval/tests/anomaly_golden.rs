//! Stored comparison of the anomaly metrics with scikit-learn; the file and how to renew it:
//! `golden/make_anomaly.py`.

mod tables;

use mlhub_eval::{
    EvaluateError, EvaluateOptions, PairedOptions, PairedPredictions, Predictions,
    PredictionsInput, Targets, Task, best_f1_threshold, evaluate, paired_test,
};
use serde::Deserialize;

use tables::{Expected, agree, judge, plain, reason, refusal, threads_change_no_bit, value};

#[derive(Deserialize)]
struct Document {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    y_true: Vec<u32>,
    y_score: Vec<f64>,
    threshold: Option<f64>,
    y_pred: Option<Vec<u32>>,
    weight: Option<Vec<f64>>,
    best_threshold: Option<f64>,
    expected: Expected,
}

fn cases() -> Vec<Case> {
    let document: Document =
        serde_json::from_str(include_str!("golden/anomaly.json")).expect("a golden file");
    document.cases
}

fn input(case: &Case) -> PredictionsInput {
    PredictionsInput {
        ids: (0..case.y_true.len()).map(|row| row.to_string()).collect(),
        task: Task::Anomaly,
        labels: vec!["normal".to_owned(), "anomaly".to_owned()],
        y_true: Targets::Classes(case.y_true.clone()),
        y_pred: case.y_pred.clone().map(Targets::Classes),
        y_score: Some(case.y_score.clone()),
        weight: case.weight.clone(),
        group: None,
        numbers: Vec::new(),
    }
}

fn options(threshold: Option<f64>) -> EvaluateOptions {
    EvaluateOptions {
        threshold,
        ..plain()
    }
}

#[test]
fn anomalies_agree_with_sklearn() {
    let cases = cases();
    assert!(cases.len() >= 17);
    for case in &cases {
        let found = judge(&input(case), options(case.threshold));
        agree(&case.name, &found, &case.expected);
        let predictions = Predictions::new(input(case)).expect("valid");
        let best = best_f1_threshold(&predictions);
        assert_eq!(best, case.best_threshold, "{}", case.name);
        assert!(found.curves.calibration.is_none(), "no probabilities");
    }
}

#[test]
fn without_a_threshold_the_reason_says_so() {
    let case = &cases()[1];
    let found = judge(&input(case), options(None));
    for name in ["anomaly_f1", "anomaly_recall"] {
        let reason = reason(&found, name);
        assert!(
            reason.contains("no y_pred") && reason.contains("another split"),
            "{reason}"
        );
    }
    assert!(!found.curves.roc.is_empty() && found.curves.confusion.is_none());
    let found = judge(&input(case), options(Some(0.5)));
    let f1 = found.metrics.iter().find(|one| one.name == "anomaly_f1");
    let note = f1.and_then(|one| one.note.clone()).expect("a note");
    assert!(note.contains("at least 0.5"), "{note}");
    assert!(found.curves.confusion.is_some());
}

#[test]
fn thresholds_are_of_anomalies_and_numbers() {
    let case = &cases()[1];
    let anomalies = Predictions::new(input(case)).expect("valid");
    let binary = Predictions::new(PredictionsInput {
        task: Task::Binary,
        ..input(case)
    })
    .expect("valid");
    let error = |predictions: &Predictions, threshold: f64| {
        let error = evaluate(predictions, &options(Some(threshold))).expect_err("refused");
        assert!(matches!(error, EvaluateError::Threshold { .. }));
        error.to_string()
    };
    assert!(error(&binary, 0.5).contains("anomaly tasks alone"));
    assert!(error(&anomalies, f64::NAN).contains("NaN"));
    assert_eq!(best_f1_threshold(&binary), None);
    let none = judge(&input(case), options(Some(f64::INFINITY)));
    assert_eq!(value(&none, "anomaly_recall"), 0.0);
}

#[test]
fn refusals_name_column_and_rows() {
    let case = &cases()[0];
    let without = PredictionsInput {
        y_score: None,
        ..input(case)
    };
    let message = refusal(without);
    assert!(
        message.starts_with("an anomaly task needs the column `y_score`"),
        "{message}"
    );
    let mut scores = case.y_score.clone();
    scores[2] = f64::NAN;
    let message = refusal(PredictionsInput {
        y_score: Some(scores),
        ..input(case)
    });
    assert!(
        message.contains("`y_score") && message.contains("rows (from 0): 2"),
        "{message}"
    );
    let two_columns = PredictionsInput {
        y_score: Some(vec![0.5; 2 * case.y_true.len()]),
        ..input(case)
    };
    assert!(refusal(two_columns).contains("x 1"));
    let values = PredictionsInput {
        y_true: Targets::Values(vec![0.0; case.y_true.len()]),
        ..input(case)
    };
    assert!(refusal(values).contains("an anomaly task needs classes"));
}

#[test]
fn intervals_do_not_depend_on_threads() {
    for case in cases()
        .iter()
        .filter(|case| case.y_true.len() > 100)
        .take(6)
    {
        threads_change_no_bit(&input(case), &options(case.threshold));
    }
}

#[test]
fn two_detectors_are_compared_by_delong() {
    let (first, second) = (input(&cases()[1]), input(&cases()[2]));
    let (first, second) = (
        Predictions::new(first).expect("valid"),
        Predictions::new(second).expect("valid"),
    );
    let pair = PairedPredictions::new(&first, &second).expect("of the same rows");
    let found = paired_test(&pair, "anomaly_auroc@1", &PairedOptions::default()).expect("a test");
    assert_eq!(found.method.as_str(), "DeLong test");
    assert!((0.0..=1.0).contains(&found.p_value));
}
