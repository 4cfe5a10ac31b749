//! Whole evaluations, frozen to the last bit: the wire shape, the definition
//! hashes, and every value, interval and curve. Numbers are written with all their
//! digits, so this also holds other machines and compilers to the same bits.
//!
//! When a new metric or field is meant, run once with `MLHUB_UPDATE_GOLDEN=1` and
//! read the diff: lines may be added; a changed number is a changed metric.

use mlhub_eval::{
    Bootstrap, EvaluateOptions, Evaluation, Predictions, PredictionsInput, Targets, Task, evaluate,
};

const ROWS: u32 = 60;

/// A number in [0, 1) that looks random, from integer arithmetic alone.
fn noise(row: u32, column: u32) -> f64 {
    let mixed = (row + 1).wrapping_mul(2_654_435_761) ^ (column + 7).wrapping_mul(2_246_822_519);
    f64::from((mixed ^ (mixed >> 15)).wrapping_mul(3_266_489_917) >> 8) / f64::from(1 << 24)
}

fn input(task: Task, labels: &[&str]) -> PredictionsInput {
    let classes = labels.len() as u32;
    let class = |row: u32, column: u32| (noise(row, column) * f64::from(classes)) as u32;
    let y_true: Vec<u32> = (0..ROWS).map(|row| class(row, 100)).collect();
    let scores = y_true.iter().zip(0..ROWS).flat_map(|(truth, row)| {
        let raw = (0..classes).map(|column| {
            let lift = if column == *truth { 1.0 } else { 0.25 };
            lift + noise(row, column)
        });
        let raw: Vec<f64> = raw.collect();
        let total: f64 = raw.iter().sum();
        raw.into_iter().map(move |score| score / total)
    });
    PredictionsInput {
        ids: (0..ROWS).map(|row| row.to_string()).collect(),
        task,
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        y_score: Some(scores.collect()),
        y_true: Targets::Classes(y_true),
        y_pred: None,
        weight: None,
        group: None,
        numbers: Vec::new(),
    }
}

fn check(name: &str, input: PredictionsInput) {
    let options = EvaluateOptions {
        bootstrap: Some(Bootstrap {
            samples: 200,
            seed: 11,
            ..Bootstrap::default()
        }),
        threads: 2,
        ..EvaluateOptions::default()
    };
    let predictions = Predictions::new(input).expect("the input is valid");
    let evaluation = evaluate(&predictions, &options).expect("the options are valid");
    let mut text = serde_json::to_string_pretty(&evaluation).expect("evaluations are JSON");
    text.push('\n');
    let file = format!(
        "{}/tests/golden/evaluation_{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    if std::env::var_os("MLHUB_UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &text).expect("the golden file is writable");
    }
    let golden = std::fs::read_to_string(&file).expect("the golden file is there");
    assert!(golden == text, "the evaluation differs from {file}");
    let read: Evaluation = serde_json::from_str(&golden).expect("the golden file is readable");
    assert_eq!(read.metrics.len(), evaluation.metrics.len());
}

#[test]
fn binary_is_frozen() {
    check("binary", input(Task::Binary, &["no", "yes"]));
}

#[test]
fn weighted_multiclass_is_frozen() {
    let weight = Some((0..ROWS).map(|row| 2.0 * noise(row, 300)).collect());
    let input = input(Task::Multiclass, &["a", "b", "c", "d"]);
    check("multiclass", PredictionsInput { weight, ..input });
}

#[test]
fn regression_is_frozen() {
    let y_true: Vec<f64> = (0..ROWS).map(|row| 10.0 * noise(row, 400)).collect();
    let y_pred = y_true
        .iter()
        .zip(0..ROWS)
        .map(|(value, row)| value + noise(row, 500))
        .collect();
    check(
        "regression",
        PredictionsInput {
            y_true: Targets::Values(y_true),
            y_pred: Some(Targets::Values(y_pred)),
            y_score: None,
            ..input(Task::Regression, &[])
        },
    );
}
