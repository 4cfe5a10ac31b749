//! Stored comparison of the multilabel metrics with scikit-learn; the file and how to renew
//! it: `golden/make_multilabel.py`. And what is refused.

mod judging;

use std::collections::BTreeMap;

use mlhub_eval::{
    Predictions, PredictionsInput, Targets, Task, encode_label_sets, parse_label_lists,
};
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
    y_true: Vec<Vec<u32>>,
    y_pred: Option<Vec<Vec<u32>>>,
    y_score: Option<Vec<Vec<f64>>>,
    labels: usize,
    weight: Option<Vec<f64>>,
    expected: BTreeMap<String, serde_json::Value>,
    per_class: Option<PerClass>,
}

#[derive(Clone, Deserialize)]
struct PerClass {
    support: Vec<f64>,
    precision: Vec<f64>,
    recall: Vec<f64>,
    f1: Vec<f64>,
    specificity: Vec<f64>,
}

fn cases() -> Vec<Case> {
    let text = include_str!("golden/multilabel.json");
    let document: Document = serde_json::from_str(text).expect("a golden file");
    document.cases
}

fn input(case: &Case) -> PredictionsInput {
    PredictionsInput {
        ids: (0..case.y_true.len()).map(|row| row.to_string()).collect(),
        task: Task::Multilabel,
        labels: (0..case.labels).map(|label| label.to_string()).collect(),
        y_true: Targets::LabelSets(case.y_true.clone()),
        y_pred: case.y_pred.clone().map(Targets::LabelSets),
        y_score: case.y_score.as_ref().map(|rows| rows.concat()),
        weight: case.weight.clone(),
        group: None,
        numbers: Vec::new(),
    }
}

fn assert_near(ours: f64, theirs: f64, place: &str) {
    let difference = (ours - theirs).abs();
    assert!(
        difference <= RELATIVE * theirs.abs()
            || difference <= ABSOLUTE
            || (ours.is_nan() && theirs.is_nan()),
        "{place}: {ours} is not {theirs}"
    );
}

#[test]
fn multilabel_agrees_with_sklearn() {
    let cases = cases();
    assert!(cases.len() >= 18);
    for case in &cases {
        let found = evaluation(input(case), None, 1);
        let mut ours: Vec<&String> = found.metrics.iter().map(|metric| &metric.name).collect();
        ours.sort_unstable();
        let names: Vec<&String> = case.expected.keys().collect();
        assert_eq!(ours, names, "{}: {:?}", case.name, found.skipped);
        for metric in &found.metrics {
            let theirs = case.expected[&metric.name].as_f64().unwrap_or(f64::NAN);
            assert_near(
                metric.value,
                theirs,
                &format!("{}: {}", case.name, metric.name),
            );
            assert_eq!(
                theirs.is_nan(),
                metric
                    .note
                    .as_deref()
                    .is_some_and(|note| note.contains("undefined"))
            );
        }
        let Some(theirs) = &case.per_class else {
            assert!(found.curves.per_class.is_empty(), "{}", case.name);
            continue;
        };
        assert_eq!(found.curves.per_class.len(), case.labels);
        for (label, ours) in found.curves.per_class.iter().enumerate() {
            let place = format!("{}: label {label}", case.name);
            assert_near(ours.support, theirs.support[label], &place);
            assert_near(ours.precision, theirs.precision[label], &place);
            assert_near(ours.recall, theirs.recall[label], &place);
            assert_near(ours.f1, theirs.f1[label], &place);
            assert_near(ours.specificity, theirs.specificity[label], &place);
        }
    }
}

#[test]
fn threads_change_no_bit() {
    for case in cases()
        .iter()
        .filter(|case| case.name.starts_with("digits, ties"))
    {
        let text = |threads| {
            serde_json::to_string(&evaluation(input(case), Some(40), threads)).expect("JSON")
        };
        let one = text(1);
        assert!(one.contains("\"interval\":{"), "intervals are there");
        assert_eq!(one, text(2), "{}", case.name);
    }
}

/// Whole weights are the same as rows repeated, for every metric.
#[test]
fn whole_weights_are_repeated_rows() {
    let case = cases().into_iter().nth(3).expect("digits with ties");
    let times = |row: usize| row % 3;
    let rows = || (0..case.y_true.len()).flat_map(|row| vec![row; times(row)]);
    let scores = case.y_score.clone().expect("scores");
    let repeated = Case {
        y_true: rows().map(|row| case.y_true[row].clone()).collect(),
        y_score: Some(rows().map(|row| scores[row].clone()).collect()),
        ..case.clone()
    };
    let weighted = Case {
        weight: Some(
            (0..case.y_true.len())
                .map(|row| times(row) as f64)
                .collect(),
        ),
        ..case
    };
    let repeated = evaluation(input(&repeated), None, 1);
    let weighted = evaluation(input(&weighted), None, 1);
    assert_eq!(repeated.metrics.len(), weighted.metrics.len());
    for (repeated, weighted) in repeated.metrics.iter().zip(&weighted.metrics) {
        assert_near(weighted.value, repeated.value, &weighted.name);
    }
}

#[test]
fn without_labels_or_probabilities_metrics_are_skipped_with_the_reason() {
    let case = cases()
        .into_iter()
        .find(|case| case.name == "margins")
        .expect("a case of margins");
    let found = evaluation(input(&case), None, 1);
    let reason = |id: &str| {
        let mut skipped = found.skipped.iter();
        let skipped = skipped.find(|skipped| skipped.definition == id);
        skipped.expect("it is skipped").reason.clone()
    };
    assert!(reason("subset_accuracy@1").contains("no threshold for y_score"));
    assert!(reason("multilabel_f1_macro@1").contains("outside [0, 1]"));
    let labels_only = Case {
        y_pred: Some(case.y_true.clone()),
        y_score: None,
        ..case
    };
    let found = evaluation(input(&labels_only), None, 1);
    assert!(
        found
            .skipped
            .iter()
            .all(|skipped| { skipped.reason == "there is no `y_score` column" })
    );
    assert_eq!(found.skipped.len(), 7);
}

#[test]
fn what_is_no_set_of_labels_is_refused_by_column_and_row() {
    let base = Case {
        name: String::new(),
        y_true: vec![vec![0], vec![], vec![0, 1]],
        y_pred: Some(vec![vec![0, 1], vec![1], vec![]]),
        y_score: None,
        labels: 2,
        weight: None,
        expected: BTreeMap::new(),
        per_class: None,
    };
    let refused = |case: Case| {
        let error = Predictions::new(input(&case)).expect_err("no sets of labels");
        error.to_string()
    };
    let unknown = refused(Case {
        y_true: vec![vec![0], vec![2], vec![5]],
        ..base.clone()
    });
    assert!(
        unknown.contains("`y_true`: 2 rows hold a class that is not among the 2"),
        "{unknown}"
    );
    let unordered = refused(Case {
        y_pred: Some(vec![vec![1, 0], vec![1, 1], vec![]]),
        ..base.clone()
    });
    assert!(
        unordered.contains("`y_pred`: 2 rows hold a label twice or out of order"),
        "{unordered}"
    );
    assert!(unordered.contains("(from 0): 0, 1"), "{unordered}");
    let nothing = refused(Case {
        y_pred: None,
        ..base.clone()
    });
    assert!(nothing.contains("neither"), "{nothing}");
    let shape = refused(Case {
        y_score: Some(vec![vec![0.5]; 3]),
        ..base.clone()
    });
    assert!(shape.contains("expected 3 x 2"), "{shape}");
    let classes = Predictions::new(PredictionsInput {
        y_true: Targets::Classes(vec![0, 1, 1]),
        ..input(&base)
    });
    let message = classes.expect_err("classes are no sets").to_string();
    assert!(
        message.contains("holds classes, but a multilabel task needs sets of labels"),
        "{message}"
    );
}

#[test]
fn lists_of_names_become_sets() {
    let cells = |cells: &[&str]| {
        cells
            .iter()
            .map(|cell| (*cell).to_owned())
            .collect::<Vec<_>>()
    };
    let lists = parse_label_lists("y_true", &cells(&["[\"b\", \"a\"]", "[]", "[\"a\",\"a\"]"]));
    let lists = lists.expect("lists");
    let labels = cells(&["a", "b"]);
    let sets = encode_label_sets("y_true", &lists, &labels).expect("known names");
    assert_eq!(sets, [vec![0, 1], vec![], vec![0]]);
    let numbers = parse_label_lists("y_true", &cells(&["[10, 2]"])).expect("whole numbers");
    assert_eq!(numbers, [["10", "2"]]);

    let wrong = parse_label_lists(
        "y_pred",
        &cells(&["[]", "secret", "[1.5]", "{\"a\": 1}", ""]),
    );
    let message = wrong.expect_err("no lists").to_string();
    assert!(
        message.contains("`y_pred`: 4 rows do not hold a list of label names"),
        "{message}"
    );
    assert!(message.contains("(from 0): 1, 2, 3, 4"), "{message}");
    assert!(!message.contains("secret"), "no value of the data");
    let unknown = encode_label_sets("y_pred", &[vec!["c".to_owned()]], &labels);
    assert!(
        unknown
            .expect_err("unknown")
            .to_string()
            .contains("1 rows hold a class")
    );
}
