//! Stored comparison of the survival metrics with lifelines and scikit-survival; the file and how
//! to renew it: `golden/make_survival.py`.

mod tables;

use std::collections::BTreeMap;

use mlhub_eval::{
    EvaluateOptions, NumberColumn, PairError, PairedMethod, PairedOptions, PairedPredictions,
    Predictions, PredictionsInput, Targets, Task, paired_test,
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
    time: Vec<f64>,
    event: Vec<f64>,
    risk: Vec<f64>,
    past: BTreeMap<String, Vec<f64>>,
    weight: Option<Vec<f64>>,
    expected: Expected,
}

fn cases() -> Vec<Case> {
    let document: Document =
        serde_json::from_str(include_str!("golden/survival.json")).expect("a golden file");
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
    let past = case.past.iter();
    let past = past.map(|(time, values)| column(&format!("y_survival_{time}"), values));
    PredictionsInput {
        ids: (0..case.time.len()).map(|row| row.to_string()).collect(),
        task: Task::Survival,
        labels: vec![],
        y_true: Targets::Values(case.time.clone()),
        y_pred: None,
        y_score: Some(case.risk.clone()),
        weight: case.weight.clone(),
        group: None,
        numbers: past.chain([column("event", &case.event)]).collect(),
    }
}

#[test]
fn survival_agrees_with_lifelines_and_scikit_survival() {
    let cases = cases();
    assert!(cases.len() >= 14);
    for case in &cases {
        agree(&case.name, &judge(&input(case), plain()), &case.expected);
    }
}

#[test]
fn what_is_missing_is_told() {
    let found = judge(&input(&named("risks alone")), plain());
    assert!(reason(&found, "survival_brier").contains("such as `y_survival_12`"));
    assert!(found.curves.predicted_true.is_none() && found.curves.roc.is_empty());
    let found = judge(&input(&named("ties of times")), plain());
    assert!(reason(&found, "survival_integrated_brier").contains("two or more"));
    let brier = found
        .metrics
        .iter()
        .find(|one| one.name == "survival_brier");
    let note = brier.and_then(|one| one.note.clone()).expect("a note");
    assert_eq!(note, "at time 2.5");
    let late = PredictionsInput {
        numbers: vec![
            column("event", &[1.0, 1.0, 0.0]),
            column("y_survival_2", &[0.5; 3]),
            column("y_survival_3", &[0.5; 3]),
        ],
        ..input(&named("nothing is censored"))
    };
    let found = judge(&late, plain());
    for name in ["survival_brier", "survival_integrated_brier"] {
        let why = reason(&found, name);
        assert!(why.starts_with("1 of 2 times of `y_survival_`"), "{why}");
    }
}

#[test]
fn whole_weights_count_rows_that_often() {
    let case = named("heart attacks, whole weights");
    let weight = case.weight.clone().expect("weights");
    let rows = || (0..weight.len()).flat_map(|row| std::iter::repeat_n(row, weight[row] as usize));
    let of = |values: &[f64]| rows().map(|row| values[row]).collect::<Vec<f64>>();
    let past = case.past.iter();
    let repeated = Case {
        name: String::new(),
        time: of(&case.time),
        event: of(&case.event),
        risk: of(&case.risk),
        past: past
            .map(|(time, values)| (time.clone(), of(values)))
            .collect(),
        weight: None,
        expected: Expected::new(),
    };
    let repeated = judge(&input(&repeated), plain());
    for metric in &judge(&input(&case), plain()).metrics {
        let other = value(&repeated, &metric.name);
        assert!(
            (metric.value - other).abs() <= 1e-12 * other,
            "{}: {} {other}",
            metric.name,
            metric.value
        );
    }
}

#[test]
fn intervals_do_not_depend_on_threads() {
    for name in ["recidivism", "heart attacks, weights", "ties of times"] {
        threads_change_no_bit(&input(&named(name)), &EvaluateOptions::default());
    }
}

#[test]
fn refusals_name_column_and_rows() {
    let case = named("nothing is censored");
    let with = |numbers: Vec<NumberColumn>| {
        refusal(PredictionsInput {
            numbers,
            ..input(&case)
        })
    };
    let event = column("event", &[1.0; 3]);
    assert!(with(vec![]).starts_with("a survival task needs the column `event`: 1 where"));
    let message = with(vec![column("event", &[1.0, 2.0, 0.5])]);
    assert!(
        message.contains("`event`: 2 rows hold numbers that are neither 0 nor 1")
            && message.ends_with("rows (from 0): 1, 2"),
        "{message}"
    );
    let message = with(vec![column("event", &[1.0, f64::NAN, 0.0])]);
    assert!(message.contains("`event`: 1 values are NaN"), "{message}");
    let message = with(vec![
        event.clone(),
        column("y_survival_2", &[0.5, 1.5, 0.0]),
    ]);
    assert!(
        message.contains("no probabilities") && message.ends_with(": 1"),
        "{message}"
    );
    let message = with(vec![event.clone(), column("y_survival_0", &[0.5; 3])]);
    assert!(
        message.contains("ends in no number that it can be of"),
        "{message}"
    );
    let early = PredictionsInput {
        y_true: Targets::Values(vec![1.0, 0.0, -2.0]),
        ..input(&case)
    };
    let message = refusal(early);
    assert!(
        message.contains("`y_true`: 2 rows hold numbers that are not above 0"),
        "{message}"
    );
    let without = PredictionsInput {
        y_score: None,
        ..input(&case)
    };
    assert!(refusal(without).contains("a survival task needs the column `y_score`"));
    let wide = PredictionsInput {
        y_score: Some(vec![0.5; 6]),
        ..input(&case)
    };
    assert!(refusal(wide).contains("expected 3 x 1"));
}

#[test]
fn two_models_are_compared_over_the_same_events() {
    let case = named("recidivism");
    let first = Predictions::new(input(&case)).expect("valid");
    let other = Predictions::new(PredictionsInput {
        y_score: Some(case.risk.iter().rev().copied().collect()),
        ..input(&case)
    })
    .expect("valid");
    let pair = PairedPredictions::new(&first, &other).expect("of the same rows");
    let options = PairedOptions {
        samples: 99,
        ..PairedOptions::default()
    };
    for method in [PairedMethod::Bootstrap, PairedMethod::Permutation] {
        let options = PairedOptions {
            method: Some(method),
            ..options
        };
        let found = paired_test(&pair, "concordance_index@1", &options).expect("a test");
        assert!(found.method == method && found.p_value < 0.05, "{found:?}");
    }
    let mut event = case.event.clone();
    event[3] = 1.0 - event[3];
    let changed = Case { event, ..case };
    let changed = Predictions::new(input(&changed)).expect("valid");
    let error = PairedPredictions::new(&first, &changed).expect_err("another event");
    assert!(matches!(
        error,
        PairError::Differs {
            column: "event",
            ..
        }
    ));
}
