//! Stored comparison of the text metrics with sacreBLEU, rouge-score, jiwer and SQuAD's script;
//! the file and how to renew it: `golden/make_text.py`.

mod judging;

use std::collections::BTreeMap;

use mlhub_eval::{
    Evaluation, MAX_TEXT_CHARS, Predictions, PredictionsError, PredictionsInput, Targets, Task,
};
use serde::Deserialize;

use judging::evaluation as judge;

/// How far from the reference a value may be, relative to it.
const RELATIVE: f64 = 1e-12;

#[derive(Deserialize)]
struct Document {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    y_true: Vec<String>,
    y_pred: Vec<String>,
    expected: BTreeMap<String, serde_json::Value>,
}

fn cases() -> Vec<Case> {
    let document: Document =
        serde_json::from_str(include_str!("golden/text.json")).expect("a golden file");
    document.cases
}

fn input(y_true: &[String], y_pred: &[String]) -> PredictionsInput {
    PredictionsInput {
        ids: (0..y_true.len()).map(|row| row.to_string()).collect(),
        task: Task::Text,
        labels: Vec::new(),
        y_true: Targets::Texts(y_true.to_vec()),
        y_pred: Some(Targets::Texts(y_pred.to_vec())),
        y_score: None,
        weight: None,
        group: None,
    }
}

fn value(evaluation: &Evaluation, name: &str) -> f64 {
    let metric = evaluation.metrics.iter().find(|metric| metric.name == name);
    metric.unwrap_or_else(|| panic!("{name} is missing")).value
}

#[test]
fn texts_agree_with_the_references() {
    let cases = cases();
    assert!(cases.len() >= 16);
    for case in &cases {
        let found = judge(input(&case.y_true, &case.y_pred), None, 1);
        assert_eq!(found.metrics.len(), case.expected.len());
        for (name, expected) in &case.expected {
            let (value, expected) = (value(&found, name), expected.as_f64());
            let agrees = match expected {
                Some(expected) => (value - expected).abs() <= RELATIVE * expected.abs(),
                None => value.is_nan(),
            };
            assert!(agrees, "{}: {name} is {value}, not {expected:?}", case.name);
        }
    }
}

#[test]
fn references_without_a_word_have_no_error_rate() {
    let empty = vec![String::new(); 2];
    let found = judge(input(&empty, &["a b".to_owned(), String::new()]), None, 1);
    assert!(value(&found, "wer").is_nan() && value(&found, "cer").is_nan());
    assert_eq!(value(&found, "exact_match"), 0.5);
    assert_eq!(value(&found, "bleu"), 0.0);
    assert_eq!(value(&found, "chrf"), 0.0);
}

#[test]
fn whole_weights_count_rows_that_often_and_corpus_scores_are_skipped() {
    let case = &cases()[2];
    let rows = 40;
    let (y_true, y_pred) = (&case.y_true[..rows], &case.y_pred[..rows]);
    let often = |texts: &[String]| -> Vec<String> {
        let twice = texts.iter().enumerate();
        twice
            .flat_map(|(row, text)| vec![text.clone(); row % 3])
            .collect()
    };
    let weighted = judge(
        PredictionsInput {
            weight: Some((0..rows).map(|row| (row % 3) as f64).collect()),
            ..input(y_true, y_pred)
        },
        None,
        1,
    );
    let repeated = judge(input(&often(y_true), &often(y_pred)), None, 1);
    for name in ["exact_match", "token_f1", "rouge_l", "wer", "cer"] {
        let (a, b) = (value(&weighted, name), value(&repeated, name));
        assert!((a - b).abs() <= RELATIVE * b, "{name}: {a} is not {b}");
    }
    let skipped: Vec<&str> = weighted
        .skipped
        .iter()
        .map(|one| one.definition.as_str())
        .collect();
    assert_eq!(skipped, ["bleu@1", "chrf@1"]);
}

#[test]
fn intervals_hold_the_value_and_do_not_depend_on_threads() {
    let case = &cases()[1];
    let found = judge(input(&case.y_true, &case.y_pred), Some(100), 1);
    for metric in &found.metrics {
        let interval = metric.interval.as_ref().expect("an interval");
        assert!(
            interval.low < metric.value && metric.value < interval.high,
            "{}",
            metric.name
        );
    }
    assert_eq!(
        found,
        judge(input(&case.y_true, &case.y_pred), Some(100), 3)
    );
}

#[test]
fn refusals_name_the_column_and_no_text() {
    let long = vec!["fine".to_owned(), "secret ".repeat(MAX_TEXT_CHARS)];
    let short = vec!["fine".to_owned(); 2];
    let refused = |input| -> PredictionsError { Predictions::new(input).expect_err("refused") };
    let message = refused(input(&short, &long)).to_string();
    assert!(
        message.contains("column `y_pred`: 1 texts have more than 16384"),
        "{message}"
    );
    assert!(
        message.contains("rows (from 0): 1") && !message.contains("secret"),
        "{message}"
    );
    let without = PredictionsInput {
        y_pred: None,
        ..input(&short, &short)
    };
    assert_eq!(
        refused(without).to_string(),
        "a text task needs a `y_pred` column"
    );
    let numbers = PredictionsInput {
        y_true: Targets::Values(vec![1.0, 2.0]),
        ..input(&short, &short)
    };
    assert!(
        refused(numbers)
            .to_string()
            .contains("holds numbers, but a text task needs texts")
    );
}
