//! Stored comparison of the text metrics with sacreBLEU, rouge-score, jiwer and SQuAD's script;
//! the file and how to renew it: `golden/make_text.py`.

mod judging;

use std::collections::BTreeMap;

use mlhub_eval::{
    Evaluation, MAX_TEXT_CHARS, NumberColumn, Predictions, PredictionsError, PredictionsInput,
    Targets, Task,
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
        numbers: Vec::new(),
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
    let without_columns = ["perplexity@1", "bits_per_token@1", "bits_per_byte@1"];
    assert_eq!(
        skipped,
        [&["bleu@1", "chrf@1"][..], &without_columns].concat()
    );
}

fn number_column(name: &str, values: &[f64]) -> NumberColumn {
    NumberColumn {
        name: name.to_owned(),
        width: 1,
        values: values.to_vec(),
    }
}

#[test]
fn perplexity_is_over_all_tokens_together() {
    let texts: Vec<String> = ["a b", "c d e f", "g"].map(str::to_owned).to_vec();
    let of = |numbers: Vec<NumberColumn>, weight| PredictionsInput {
        numbers,
        weight,
        ..input(&texts, &texts)
    };
    let near = |found: f64, expected: f64| {
        assert!(
            (found - expected).abs() <= 1e-15 * expected,
            "{found} {expected}"
        );
    };
    let (quarter, half) = (-4_f64.ln(), -2_f64.ln());
    let columns = vec![
        number_column("log_likelihood", &[2.0 * quarter, 4.0 * half, 0.0]),
        number_column("tokens", &[2.0, 4.0, 2.0]),
        number_column("bytes", &[4.0, 8.0, 4.0]),
    ];
    // 8 bits over 8 tokens and 16 bytes.
    let found = judge(of(columns.clone(), None), Some(30), 1);
    near(value(&found, "bits_per_token"), 1.0);
    near(value(&found, "bits_per_byte"), 0.5);
    near(value(&found, "perplexity"), 2.0);
    assert_eq!(found, judge(of(columns.clone(), None), Some(30), 3));
    let weight = Some(vec![0.0, 1.0, 0.5]);
    let weighted = judge(of(columns.clone(), weight), None, 1);
    near(value(&weighted, "bits_per_token"), 0.8);

    let reason = |found: &Evaluation, id: &str| {
        let skipped = found.skipped.iter().find(|one| one.definition == id);
        skipped.expect("it is skipped").reason.clone()
    };
    let found = judge(of(columns[..2].to_vec(), None), None, 1);
    assert_eq!(
        reason(&found, "bits_per_byte@1"),
        "there is no `bytes` column"
    );
    let found = judge(of(vec![], None), None, 1);
    assert_eq!(
        reason(&found, "perplexity@1"),
        "there is no `log_likelihood` and no `tokens` column"
    );
    let no_tokens = vec![columns[0].clone(), number_column("tokens", &[0.0; 3])];
    let found = judge(of(no_tokens, None), None, 1);
    assert!(value(&found, "perplexity").is_nan());
}

#[test]
fn likelihoods_that_are_none_are_refused() {
    let texts = vec!["a".to_owned(); 3];
    let refused = |column: NumberColumn| {
        let input = PredictionsInput {
            numbers: vec![column],
            ..input(&texts, &texts)
        };
        Predictions::new(input).expect_err("refused").to_string()
    };
    let message = refused(number_column("log_likelihood", &[-1.0, 0.125, 0.25]));
    assert!(
        message.starts_with("column `log_likelihood`: 2 rows hold numbers that are above 0")
            && message.ends_with("rows (from 0): 1, 2"),
        "{message}"
    );
    let message = refused(number_column("tokens", &[1.0, -1.0, 2.0]));
    assert!(message.contains("that are negative"), "{message}");
    let message = refused(number_column("bytes", &[1.0, 1.0, f64::INFINITY]));
    assert!(
        message.contains("NaN or infinite; first rows (from 0): 2"),
        "{message}"
    );
    let wide = NumberColumn {
        width: 2,
        ..number_column("tokens", &[1.0; 6])
    };
    assert!(refused(wide).contains("has 2 numbers per row"));
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
