//! Stored comparison of the metrics of maps of segments with scikit-learn (by pixels) and
//! panopticapi (by segments); the file and how to renew it: `golden/make_segmentation.py`. And
//! what is refused.

mod judging;
mod nearness;

use std::collections::BTreeMap;

use mlhub_eval::{
    MaskSegment, PairedOptions, PairedPredictions, Predictions, PredictionsInput, SegmentMap,
    Targets, Task, VOID_SEGMENT, paired_test, parse_masks,
};
use serde::Deserialize;

use judging::evaluation;
use nearness::near;

#[derive(Deserialize)]
struct Document {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    y_true: Vec<serde_json::Value>,
    y_pred: Vec<serde_json::Value>,
    weight: Option<Vec<f64>>,
    panoptic: bool,
    expected: BTreeMap<String, serde_json::Value>,
}

fn cases() -> Vec<Case> {
    let text = include_str!("golden/segmentation.json");
    let document: Document = serde_json::from_str(text).expect("a golden file");
    document.cases
}

fn case(name: &str) -> Case {
    let mut cases = cases().into_iter();
    cases.find(|case| case.name == name).expect("a stored case")
}

fn texts(cells: &[serde_json::Value]) -> Vec<String> {
    cells.iter().map(serde_json::Value::to_string).collect()
}

fn read(y_true: &[String], y_pred: &[String]) -> PredictionsInput {
    let columns = parse_masks(y_true, Some(y_pred)).expect("maps");
    PredictionsInput {
        ids: (0..y_true.len()).map(|row| row.to_string()).collect(),
        task: Task::Segmentation,
        labels: columns.labels,
        y_true: columns.y_true,
        y_pred: columns.y_pred,
        y_score: None,
        weight: None,
        group: None,
        numbers: Vec::new(),
    }
}

fn input(case: &Case) -> PredictionsInput {
    PredictionsInput {
        weight: case.weight.clone(),
        ..read(&texts(&case.y_true), &texts(&case.y_pred))
    }
}

#[test]
fn maps_agree_with_sklearn_and_panopticapi() {
    let cases = cases();
    assert!(cases.len() >= 14);
    for case in &cases {
        let found = evaluation(input(case), None, 1);
        assert_eq!(found.metrics.len(), if case.panoptic { 15 } else { 6 });
        assert_eq!(found.skipped.is_empty(), case.panoptic, "{}", case.name);
        let mut compared = 0;
        for metric in &found.metrics {
            let place = format!("{}: {}", case.name, metric.name);
            let Some(expected) = case.expected.get(&metric.name) else {
                // The reference has no weights of images.
                assert!(case.weight.is_some(), "{place}");
                continue;
            };
            compared += 1;
            match expected.as_f64() {
                Some(theirs) => near(&place, metric.value, theirs),
                None => {
                    let note = metric.note.as_deref().unwrap_or_default();
                    assert!(metric.value.is_nan(), "{place}: {}", metric.value);
                    assert!(note.contains("undefined"), "{place}: {note}");
                }
            }
        }
        assert_eq!(compared, case.expected.len(), "{}", case.name);
    }
}

#[test]
fn classes_alone_have_no_panoptic_quality() {
    let found = evaluation(input(&case("classes alone")), None, 1);
    assert_eq!(found.skipped.len(), 9);
    for skipped in found.skipped {
        assert!(skipped.reason.contains("needs `segments`"), "{skipped:?}");
        assert!(skipped.reason.contains("10 have none"), "{skipped:?}");
    }
}

/// Whole weights are the same as images repeated, for every metric.
#[test]
fn whole_weights_are_repeated_images() {
    let case = case("crowds");
    let (y_true, y_pred) = (texts(&case.y_true), texts(&case.y_pred));
    let times = |row: usize| row % 3;
    let repeat = |cells: &[String]| -> Vec<String> {
        let rows = 0..cells.len();
        rows.flat_map(|row| vec![cells[row].clone(); times(row)])
            .collect()
    };
    let weighted = PredictionsInput {
        weight: Some((0..y_true.len()).map(|row| times(row) as f64).collect()),
        ..read(&y_true, &y_pred)
    };
    let weighted = evaluation(weighted, None, 1);
    let repeated = evaluation(read(&repeat(&y_true), &repeat(&y_pred)), None, 1);
    for (ours, theirs) in weighted.metrics.iter().zip(&repeated.metrics) {
        near(&ours.name, ours.value, theirs.value);
    }
}

#[test]
fn threads_change_no_bit() {
    for name in ["crowds", "weighted", "one image", "nothing labelled"] {
        let case = case(name);
        let text = |threads| {
            serde_json::to_string(&evaluation(input(&case), Some(40), threads)).expect("JSON")
        };
        let one = text(1);
        let has_intervals = ["crowds", "weighted"].contains(&name);
        assert_eq!(one.contains("\"interval\":{"), has_intervals, "{name}");
        assert_eq!(one, text(2), "{name}");
        assert_eq!(one, text(5), "{name}");
    }
}

#[test]
fn two_predictions_of_the_same_images_are_tested() {
    let case = case("classes alone");
    let (y_true, y_pred) = (texts(&case.y_true), texts(&case.y_pred));
    let first = Predictions::new(read(&y_true, &y_pred)).expect("maps");
    let second = Predictions::new(read(&y_true, &y_true)).expect("maps");
    let pair = PairedPredictions::new(&first, &second).expect("the same images");
    for definition in ["image_mean_iou@1", "mean_iou@1"] {
        let test = paired_test(&pair, definition, &PairedOptions::default()).expect("a test");
        assert!(test.difference < 0.0, "{definition}: {test:?}");
    }
}

#[test]
fn maps_are_read_with_names_and_numbers() {
    let cells = |cell: &str| vec![cell.to_owned()];
    let truth = cells(
        r#"{"size": [2, 3], "runs": [["7", 1], [8, 2], [null, 1], ["void", 1], ["sky", 1]],
            "segments": {"7": {"category": "car", "thing": true},
                         "8": {"category": "car", "iscrowd": 1},
                         "sky": {"category": "void"}}}"#,
    );
    let predicted = cells(r#"{"size": [2, 3], "runs": [["road", 2], [3, 3], ["road", 1]]}"#);
    let columns = parse_masks(&truth, Some(&predicted)).expect("maps");
    assert_eq!(columns.labels, ["3", "car", "road"]);
    let segment = |category, is_thing, is_crowd| MaskSegment {
        category,
        is_thing,
        is_crowd,
    };
    let map = |runs: &[(u32, u32)], segments: &[MaskSegment], is_panoptic| SegmentMap {
        height: 2,
        width: 3,
        runs: runs.to_vec(),
        segments: segments.to_vec(),
        is_panoptic,
    };
    let void = VOID_SEGMENT;
    assert_eq!(
        columns.y_true,
        Targets::Masks(vec![map(
            &[(0, 1), (1, 2), (void, 1), (void, 1), (void, 1)],
            &[segment(1, true, false), segment(1, true, true)],
            true
        )])
    );
    assert_eq!(
        columns.y_pred,
        Some(Targets::Masks(vec![map(
            &[(0, 2), (1, 3), (0, 1)],
            &[segment(2, false, false), segment(0, false, false)],
            false
        )]))
    );
}

#[test]
fn what_is_no_map_is_refused_by_row() {
    let form = "do not hold a JSON map";
    let thing = r#"{"size": [1, 1], "runs": [[1, 1]],
                    "segments": {"1": {"category": "secret", "thing": true}}}"#;
    for (wrong, problem) in [
        ("", form),
        ("secret", form),
        ("[]", form),
        (r#"{"size": [1], "runs": [["secret", 1]]}"#, form),
        (r#"{"size": [1, 1], "runs": [["secret"]]}"#, form),
        (r#"{"size": [1, 1], "runs": [["secret", -1]]}"#, form),
        (r#"{"size": [1, 1], "runs": [[1.5, 1]]}"#, form),
        (
            r#"{"size": [1, 1], "runs": [["secret", 1]], "secret": 1}"#,
            form,
        ),
        (
            r#"{"size": [1, 1], "runs": [[1, 1]], "segments": {"1": {"thing": 2}}}"#,
            form,
        ),
        (
            r#"{"size": [1, 1], "runs": [[1, 1]],
                "segments": {"1": {"category": "secret", "iscrowd": 2}}}"#,
            form,
        ),
        (
            r#"{"size": [1, 1], "runs": [[1, 1]],
                "segments": {"1": {"category": "secret"}, "1": {"category": "secret"}}}"#,
            form,
        ),
        (r#"{"size": [0, 1], "runs": []}"#, "no pixels"),
        (
            r#"{"size": [65536, 65536], "runs": [[1, 1]]}"#,
            "more than 2^28",
        ),
        (
            r#"{"size": [1, 2], "runs": [["secret", 1]]}"#,
            "not as long",
        ),
        (
            r#"{"size": [1, 2], "runs": [["secret", 3]]}"#,
            "not as long",
        ),
        (
            r#"{"size": [1, 2], "runs": [["secret", 2], ["a", 0]]}"#,
            "not as long",
        ),
        (
            r#"{"size": [1, 2], "runs": [["secret", 2]], "segments": {}}"#,
            "not among the `segments`",
        ),
        (
            r#"{"size": [1, 1], "runs": [[1, 1]],
                "segments": {"1": {"category": "secret"}, "2": {"category": "secret"}}}"#,
            "no run is of",
        ),
        (
            r#"{"size": [1, 1], "runs": [[1, 1]],
                "segments": {"1": {"category": "secret", "thing": false}}}"#,
            "a thing that is stuff elsewhere",
        ),
    ] {
        let cells = [thing.to_owned(), wrong.to_owned(), wrong.to_owned()];
        let error = parse_masks(&[thing; 3].map(str::to_owned), Some(&cells));
        let message = error.expect_err("no map").to_string();
        assert!(message.contains(problem), "{wrong}: {message}");
        assert!(message.contains("`y_pred`: 2 rows"), "{wrong}: {message}");
        assert!(message.contains("(from 0): 1, 2"), "{wrong}: {message}");
        assert!(!message.contains("secret"), "no value of the data");
    }
}

#[test]
fn maps_that_do_not_lie_over_each_other_are_refused() {
    let cells = |cell: &str| vec![cell.to_owned()];
    let truth = cells(r#"{"size": [1, 2], "runs": [["a", 2]]}"#);
    let turned = cells(r#"{"size": [2, 1], "runs": [["a", 2]]}"#);
    let refused = |input: PredictionsInput| {
        let error = Predictions::new(input).expect_err("no maps to compare");
        error.to_string()
    };
    let message = refused(read(&truth, &turned));
    assert!(
        message.contains("`y_pred`: 1 rows hold a map of another size"),
        "{message}"
    );
    let unknown = PredictionsInput {
        labels: vec![],
        ..read(&truth, &truth)
    };
    assert!(refused(unknown).contains("`y_true`: 1 rows hold a category"));
    let missing = PredictionsInput {
        y_pred: None,
        ..read(&truth, &truth)
    };
    assert!(refused(missing).contains("segmentation task needs a `y_pred`"));
    let scored = PredictionsInput {
        y_score: Some(vec![0.5]),
        ..read(&truth, &truth)
    };
    assert!(refused(scored).contains("none for a segmentation task"));
}
