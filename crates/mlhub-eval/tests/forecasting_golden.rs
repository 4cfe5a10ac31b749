//! Stored comparison of the forecasting metrics with utilsforecast; the file and how to renew it:
//! `golden/make_forecasting.py`.

mod tables;

use std::collections::BTreeMap;

use mlhub_eval::{
    Bootstrap, EvaluateOptions, NumberColumn, PairError, PairedMethod, PairedOptions,
    PairedPredictions, Predictions, PredictionsInput, Resampling, Targets, Task, paired_test,
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
    y_true: Vec<f64>,
    y_pred: Vec<f64>,
    weight: Option<Vec<f64>>,
    group: Option<Vec<String>>,
    numbers: BTreeMap<String, Vec<f64>>,
    expected: Expected,
}

fn cases() -> Vec<Case> {
    let document: Document =
        serde_json::from_str(include_str!("golden/forecasting.json")).expect("a golden file");
    document.cases
}

fn named(name: &str) -> Case {
    let mut cases = cases().into_iter();
    cases
        .find(|case| case.name == name)
        .expect("a case of this name")
}

fn column(name: &str, values: &[f64]) -> NumberColumn {
    NumberColumn {
        name: name.to_owned(),
        width: 1,
        values: values.to_vec(),
    }
}

fn input(case: &Case) -> PredictionsInput {
    let numbers = case.numbers.iter();
    PredictionsInput {
        ids: (0..case.y_true.len()).map(|row| row.to_string()).collect(),
        task: Task::Forecasting,
        labels: vec![],
        y_true: Targets::Values(case.y_true.clone()),
        y_pred: Some(Targets::Values(case.y_pred.clone())),
        y_score: None,
        weight: case.weight.clone(),
        group: case.group.clone(),
        numbers: numbers.map(|(name, values)| column(name, values)).collect(),
    }
}

#[test]
fn forecasts_agree_with_utilsforecast() {
    let cases = cases();
    assert!(cases.len() >= 15);
    for case in &cases {
        agree(&case.name, &judge(&input(case), plain()), &case.expected);
    }
}

#[test]
fn what_is_missing_is_told() {
    let found = judge(&input(&named("plain numbers")), plain());
    assert_eq!(reason(&found, "mase"), "there is no `scale` column");
    assert!(reason(&found, "crps").contains("`y_pred_q0.9`"));
    let found = judge(&input(&named("quantiles without an interval")), plain());
    let why = reason(&found, "interval_width");
    assert!(why.contains("no two quantile columns"), "{why}");
    assert!(!found.curves.residuals.expect("residuals").counts.is_empty());

    let found = judge(&input(&named("a series without scale")), plain());
    let mase = found.metrics.iter().find(|one| one.name == "mase");
    let note = mase.and_then(|mase| mase.note.clone()).expect("a note");
    assert_eq!(note, "1 of 7 series have a scale of 0 and are left out");
}

#[test]
fn intervals_do_not_depend_on_threads_and_may_draw_whole_series() {
    let rows = EvaluateOptions {
        bootstrap: Some(Bootstrap::default()),
        ..plain()
    };
    let grouped = EvaluateOptions {
        bootstrap: Some(Bootstrap {
            resampling: Resampling::Grouped,
            ..Bootstrap::default()
        }),
        ..plain()
    };
    for name in ["all columns", "weights"] {
        threads_change_no_bit(&input(&named(name)), &rows);
        threads_change_no_bit(&input(&named(name)), &grouped);
    }
}

/// Whole series drawn twice count twice in MASE: its resamples are those of the ratios of series.
#[test]
fn mase_of_whole_series_is_the_mean_of_their_ratios() {
    let case = named("all columns");
    let group = case.group.clone().expect("series");
    let series = |name: &str, copies: usize| {
        let rows = (0..group.len()).filter(|row| group[*row] == name);
        rows.flat_map(|row| (0..copies).map(move |copy| (row, copy)))
            .collect::<Vec<_>>()
    };
    let chosen = [series("series 0", 2), series("series 3", 1)].concat();
    let of = |values: &[f64]| {
        chosen
            .iter()
            .map(|(row, _)| values[*row])
            .collect::<Vec<_>>()
    };
    let copied = Case {
        name: String::new(),
        y_true: of(&case.y_true),
        y_pred: of(&case.y_pred),
        weight: None,
        // The copies of a series are series of their own.
        group: Some(
            chosen
                .iter()
                .map(|(row, copy)| format!("{} {copy}", group[*row]))
                .collect(),
        ),
        numbers: [("scale".to_owned(), of(&case.numbers["scale"]))].into(),
        expected: Expected::new(),
    };
    let single = |name: &str| {
        let rows = series(name, 1);
        let of = |values: &[f64]| rows.iter().map(|(row, _)| values[*row]).collect::<Vec<_>>();
        let case = Case {
            name: String::new(),
            y_true: of(&case.y_true),
            y_pred: of(&case.y_pred),
            weight: None,
            group: None,
            numbers: [("scale".to_owned(), of(&case.numbers["scale"]))].into(),
            expected: Expected::new(),
        };
        value(&judge(&input(&case), plain()), "mase")
    };
    let expected = (2.0 * single("series 0") + single("series 3")) / 3.0;
    let found = value(&judge(&input(&copied), plain()), "mase");
    assert!((found - expected).abs() < 1e-14, "{found} {expected}");
}

#[test]
fn refusals_name_column_and_rows() {
    let case = named("on the ends of the interval");
    let with = |column: NumberColumn| {
        refusal(PredictionsInput {
            numbers: vec![column],
            ..input(&case)
        })
    };
    let message = with(column("y_pred_q0.5", &[1.0, f64::NAN, 2.0]));
    assert!(
        message.starts_with("column `y_pred_q0.5`: 1 values are NaN"),
        "{message}"
    );
    for name in [
        "y_pred_q1",
        "y_pred_q0",
        "y_pred_qhigh",
        "y_pred_q",
        "y_pred_q-0.5",
        "y_pred_qnan",
    ] {
        let message = with(column(name, &[1.0; 3]));
        assert!(
            message.contains(&format!("`{name}` ends in no number")),
            "{message}"
        );
    }
    let twice = PredictionsInput {
        numbers: vec![
            column("y_pred_q0.1", &[1.0; 3]),
            column("y_pred_q0.10", &[1.0; 3]),
        ],
        ..input(&case)
    };
    assert_eq!(
        refusal(twice),
        "column `y_pred_q0.10` is `y_pred_q0.1` once more"
    );
    let message = with(column("scale", &[1.0, 1.0, -2.0]));
    assert!(
        message.contains("`scale`: 1 rows hold numbers that are negative"),
        "{message}"
    );
    let message = with(column("scale", &[1.0, 1.0, 2.0]));
    assert!(
        message.contains("not that of the first row of their series") && message.ends_with(": 2"),
        "{message}"
    );
    let series = PredictionsInput {
        group: Some(["a", "a", "b"].map(str::to_owned).to_vec()),
        numbers: vec![column("scale", &[1.0, 1.0, 2.0])],
        ..input(&case)
    };
    assert!(Predictions::new(series).is_ok(), "each series has its own");
    let without = PredictionsInput {
        y_pred: None,
        ..input(&case)
    };
    assert_eq!(
        refusal(without),
        "a forecasting task needs a `y_pred` column"
    );
    let scored = PredictionsInput {
        y_score: Some(vec![1.0; 3]),
        ..input(&case)
    };
    assert!(refusal(scored).contains("none for a forecasting task"));
}

#[test]
fn two_forecasts_are_compared_row_by_row() {
    let (first, second) = (named("all columns"), named("all columns"));
    let shifted = Case {
        y_pred: second.y_pred.iter().map(|value| value + 0.25).collect(),
        ..second
    };
    let predictions = |case: &Case| {
        let input = PredictionsInput {
            group: None,
            numbers: vec![column("scale", &vec![2.0; case.y_true.len()])],
            ..input(case)
        };
        Predictions::new(input).expect("valid")
    };
    let (a, b) = (predictions(&first), predictions(&shifted));
    let pair = PairedPredictions::new(&a, &b).expect("of the same rows");
    let method = |id: &str| {
        let options = PairedOptions {
            samples: 99,
            ..PairedOptions::default()
        };
        paired_test(&pair, id, &options).expect("a test").method
    };
    assert_eq!(method("forecast_bias@1"), PairedMethod::Permutation);
    assert_eq!(method("mase@1"), PairedMethod::Bootstrap);
    let other_scale = Predictions::new(PredictionsInput {
        group: None,
        numbers: vec![column("scale", &vec![3.0; first.y_true.len()])],
        ..input(&first)
    })
    .expect("valid");
    let error = PairedPredictions::new(&a, &other_scale).expect_err("other scales");
    assert!(matches!(
        error,
        PairError::Differs {
            column: "scale",
            ..
        }
    ));
}
