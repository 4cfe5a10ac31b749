//! Compares evaluations with stored values of other libraries, for tasks whose golden files
//! have cases of columns and expected values by the name of the metric.

#![allow(
    dead_code,
    reason = "each test file takes what it needs of this module"
)]

use std::collections::BTreeMap;

use mlhub_eval::{Bootstrap, EvaluateOptions, Evaluation, Predictions, PredictionsInput, evaluate};

/// Expected values by name; `None` is NaN.
pub(crate) type Expected = BTreeMap<String, Option<f64>>;

/// All metrics of the task and nothing but them.
pub(crate) fn judge(input: &PredictionsInput, options: EvaluateOptions) -> Evaluation {
    let predictions = Predictions::new(input.clone()).expect("the input is valid");
    evaluate(&predictions, &options).expect("the options are valid")
}

/// No intervals, one thread.
pub(crate) fn plain() -> EvaluateOptions {
    EvaluateOptions {
        bootstrap: None,
        threads: 1,
        ..EvaluateOptions::default()
    }
}

/// The same metrics on both sides, their values 1e-12 of each other apart at most; near 0 a few
/// units of rounding.
#[track_caller]
pub(crate) fn agree(name: &str, found: &Evaluation, expected: &Expected) {
    let names = |skipped: &Evaluation| -> Vec<String> {
        skipped.metrics.iter().map(|one| one.name.clone()).collect()
    };
    let mut ours = names(found);
    ours.sort_unstable();
    let theirs: Vec<String> = expected.keys().cloned().collect();
    assert_eq!(ours, theirs, "{name}: {:?}", found.skipped);
    for metric in &found.metrics {
        let expected = expected[&metric.name];
        let agrees = match expected {
            None => metric.value.is_nan() && metric.note.is_some(),
            Some(expected) => {
                let apart = (metric.value - expected).abs();
                apart <= 1e-12 * expected.abs() || apart <= 1e-14
            }
        };
        assert!(
            agrees,
            "{name}: {} is {:?}, not {expected:?}",
            metric.name, metric.value
        );
    }
}

/// Why a metric was skipped.
#[track_caller]
pub(crate) fn reason(found: &Evaluation, name: &str) -> String {
    let id = format!("{name}@1");
    let skipped = found.skipped.iter().find(|one| one.definition == id);
    skipped
        .unwrap_or_else(|| panic!("{name} was not skipped"))
        .reason
        .clone()
}

/// Value of a metric.
#[track_caller]
pub(crate) fn value(found: &Evaluation, name: &str) -> f64 {
    let metric = found.metrics.iter().find(|metric| metric.name == name);
    metric
        .unwrap_or_else(|| panic!("{name} is missing: {:?}", found.skipped))
        .value
}

/// Why predictions are refused; never with a value of the data.
#[track_caller]
pub(crate) fn refusal(input: PredictionsInput) -> String {
    Predictions::new(input)
        .expect_err("the input is not valid")
        .to_string()
}

/// The evaluation with intervals, as JSON, is the same on one thread and on three.
#[track_caller]
pub(crate) fn threads_change_no_bit(input: &PredictionsInput, options: &EvaluateOptions) {
    let text = |threads| {
        let options = EvaluateOptions {
            threads,
            bootstrap: Some(Bootstrap {
                samples: 40,
                ..options.bootstrap.unwrap_or_default()
            }),
            ..options.clone()
        };
        serde_json::to_string(&judge(input, options)).expect("an evaluation is JSON")
    };
    let one = text(1);
    assert!(one.contains("\"interval\":{"), "intervals are there");
    assert_eq!(one, text(3));
}
