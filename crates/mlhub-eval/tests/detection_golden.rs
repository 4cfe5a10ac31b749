//! Stored comparison of the metrics of boxes with pycocotools; the file and how to renew it:
//! `golden/make_detection.py`. And what is refused.

mod judging;
mod nearness;

use std::collections::BTreeMap;

use mlhub_eval::{
    Evaluation, ImageBox, MAX_IMAGE_BOXES, Predictions, PredictionsInput, Targets, Task,
    parse_boxes,
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
    expected: BTreeMap<String, serde_json::Value>,
}

fn cases() -> Vec<Case> {
    let text = include_str!("golden/detection.json");
    let document: Document = serde_json::from_str(text).expect("a golden file");
    document.cases
}

fn texts(cells: &[serde_json::Value]) -> Vec<String> {
    cells.iter().map(serde_json::Value::to_string).collect()
}

fn read(y_true: &[String], y_pred: &[String]) -> PredictionsInput {
    let columns = parse_boxes(y_true, Some(y_pred)).expect("lists of boxes");
    PredictionsInput {
        ids: (0..y_true.len()).map(|row| row.to_string()).collect(),
        task: Task::Detection,
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
    read(&texts(&case.y_true), &texts(&case.y_pred))
}

fn value(of: &Evaluation, name: &str) -> f64 {
    let mut metrics = of.metrics.iter();
    let found = metrics.find(|metric| metric.name == name);
    found.expect("a metric of the task").value
}

#[test]
fn boxes_agree_with_pycocotools() {
    let cases = cases();
    assert!(cases.len() >= 19);
    for case in &cases {
        let found = evaluation(input(case), None, 1);
        assert_eq!(found.metrics.len(), case.expected.len(), "{}", case.name);
        assert!(found.skipped.is_empty(), "{}", case.name);
        for metric in &found.metrics {
            let place = format!("{}: {}", case.name, metric.name);
            let undefined = metric.note.as_deref().unwrap_or_default();
            match case.expected[&metric.name].as_f64() {
                Some(theirs) => near(&place, metric.value, theirs),
                None => assert!(
                    metric.value.is_nan() && undefined.contains("no true box counts"),
                    "{place}: {} is not NaN with a note",
                    metric.value
                ),
            }
        }
    }
}

#[test]
fn threads_change_no_bit() {
    for case in cases()
        .iter()
        .filter(|case| ["ties", "one image", "nothing there"].contains(&case.name.as_str()))
    {
        let text = |threads| {
            serde_json::to_string(&evaluation(input(case), Some(40), threads)).expect("JSON")
        };
        let one = text(1);
        assert_eq!(
            one.contains("\"interval\":{"),
            case.name == "ties",
            "{}",
            case.name
        );
        assert_eq!(one, text(2), "{}", case.name);
        assert_eq!(one, text(5), "{}", case.name);
    }
}

#[test]
fn intervals_hold_the_value() {
    let case = cases().into_iter().next().expect("the street");
    let found = evaluation(input(&case), Some(200), 2);
    for metric in &found.metrics {
        let interval = metric.interval.as_ref().expect("an interval");
        assert!(
            interval.low < metric.value && metric.value < interval.high,
            "{}: {interval:?} around {}",
            metric.name,
            metric.value
        );
    }
}

#[test]
fn weighted_images_have_no_metrics() {
    let case = cases().into_iter().next().expect("the street");
    let weighted = PredictionsInput {
        weight: Some(vec![0.5; case.y_true.len()]),
        ..input(&case)
    };
    let found = evaluation(weighted, None, 1);
    assert!(found.metrics.is_empty());
    assert_eq!(found.skipped.len(), 12);
    assert!(found.skipped[0].reason.contains("weight"));
}

#[test]
fn boxes_are_read_as_coco_writes_them() {
    let cells = |cells: &[&str]| -> Vec<String> { cells.iter().map(|c| (*c).to_owned()).collect() };
    let truth = cells(&[
        r#"[{"bbox": [1, 2.5, 3, 4], "category": "10"},
            {"category": 9, "iscrowd": 1, "area": 5, "bbox": [0, 0, 3, 4]}]"#,
        "[]",
    ]);
    let predicted = cells(&[
        "[]",
        r#"[{"bbox": [1, 2, 3, 4], "category": 10, "score": 0.5, "area": 1, "iscrowd": 0},
            {"bbox": [1, 2, 3, 4], "category": "bus", "score": -1}]"#,
    ]);
    let columns = parse_boxes(&truth, Some(&predicted)).expect("lists of boxes");
    assert_eq!(columns.labels, ["9", "10"]);
    let of = |bbox, category, is_crowd, area, score| ImageBox {
        bbox,
        category,
        is_crowd,
        area,
        score,
    };
    let plain = of([1.0, 2.5, 3.0, 4.0], Some(1), false, 12.0, None);
    let crowd = of([0.0, 0.0, 3.0, 4.0], Some(0), true, 5.0, None);
    assert_eq!(
        columns.y_true,
        Targets::Boxes(vec![vec![plain, crowd], vec![]])
    );
    let known = of([1.0, 2.0, 3.0, 4.0], Some(1), false, 12.0, Some(0.5));
    let unknown = of([1.0, 2.0, 3.0, 4.0], None, false, 12.0, Some(-1.0));
    assert_eq!(
        columns.y_pred,
        Some(Targets::Boxes(vec![vec![], vec![known, unknown]]))
    );
    let found = evaluation(read(&truth, &predicted), None, 1);
    assert_eq!(value(&found, "coco_ap"), 0.0);
    let note = found.metrics[0].note.as_deref().unwrap_or_default();
    assert!(
        note.contains("1 predicted boxes are of categories"),
        "{note}"
    );
}

#[test]
fn what_are_no_boxes_is_refused_by_row() {
    let right = r#"[{"bbox": [1, 2, 3, 4], "category": "secret", "score": 1}]"#;
    for wrong in [
        "",
        "secret",
        "{}",
        "[1]",
        r#"[{"bbox": [1, 2, 3], "category": "secret", "score": 1}]"#,
        r#"[{"bbox": [1, 2, 3, "4"], "category": "secret", "score": 1}]"#,
        r#"[{"bbox": [1, 2, 3, 4], "category": 1.5, "score": 1}]"#,
        r#"[{"bbox": [1, 2, 3, 4], "category": "secret"}]"#,
        r#"[{"bbox": [1, 2, 3, 4], "score": 1}]"#,
        r#"[{"bbox": [1, 2, 3, 4], "category": "secret", "score": 1, "secret": 1}]"#,
        r#"[{"bbox": [1, 2, 3, 4], "category": "secret", "score": 1, "score": 1}]"#,
    ] {
        let cells = [right.to_owned(), wrong.to_owned()];
        let error = parse_boxes(&["[]".to_owned(), "[]".to_owned()], Some(&cells));
        let message = error.expect_err("no boxes").to_string();
        assert!(
            message.contains("`y_pred`: 1 rows do not hold a JSON list of boxes"),
            "{message}"
        );
        assert!(message.contains("(from 0): 1"), "{message}");
        assert!(!message.contains("secret"), "no value of the data");
    }
    for wrong in [
        r#"[{"bbox": [1, 2, 3, 4], "category": "a", "iscrowd": 2}]"#,
        right,
    ] {
        let error = parse_boxes(&[wrong.to_owned()], None).expect_err("no true boxes");
        assert!(error.to_string().contains("`y_true`"), "{error}");
    }
}

#[test]
fn boxes_that_cannot_be_compared_are_refused() {
    let box_of = |bbox: [f64; 4], score: Option<f64>| ImageBox {
        bbox,
        category: Some(0),
        is_crowd: false,
        area: bbox[2] * bbox[3],
        score,
    };
    let refused = |y_true: ImageBox, y_pred: ImageBox| {
        let input = PredictionsInput {
            ids: vec!["0".to_owned(), "1".to_owned()],
            task: Task::Detection,
            labels: vec!["a".to_owned()],
            y_true: Targets::Boxes(vec![vec![], vec![y_true]]),
            y_pred: Some(Targets::Boxes(vec![vec![], vec![y_pred]])),
            y_score: None,
            weight: None,
            group: None,
            numbers: Vec::new(),
        };
        Predictions::new(input).map_or_else(|error| error.to_string(), |_| String::new())
    };
    let (truth, predicted) = (
        box_of([0.0, 0.0, 2.0, 2.0], None),
        box_of([0.0, 0.0, 2.0, 2.0], Some(0.5)),
    );
    assert_eq!(refused(truth.clone(), predicted.clone()), "");
    for (bbox, problem) in [
        ([f64::NAN, 0.0, 1.0, 1.0], "NaN or beyond 1e9"),
        ([2e9, 0.0, 1.0, 1.0], "NaN or beyond 1e9"),
        ([0.0, 0.0, -1.0, 1.0], "a negative width, height or area"),
    ] {
        let message = refused(truth.clone(), box_of(bbox, Some(0.5)));
        assert!(message.contains(problem), "{message}");
        assert!(message.contains("`y_pred`: 1 rows"), "{message}");
        assert!(message.contains("(from 0): 1"), "{message}");
        assert!(refused(box_of(bbox, None), predicted.clone()).contains("`y_true`: 1 rows"));
    }
    let area = ImageBox {
        area: -1.0,
        ..truth.clone()
    };
    assert!(refused(area, predicted.clone()).contains("negative"));
    assert!(refused(predicted.clone(), predicted.clone()).contains("only predictions"));
    assert!(refused(truth.clone(), truth.clone()).contains("without a finite score"));
    let unknown = |category, of: &ImageBox| ImageBox {
        category,
        ..of.clone()
    };
    assert!(refused(unknown(None, &truth), predicted.clone()).contains("not among the labels"));
    assert!(refused(truth.clone(), unknown(Some(1), &predicted)).contains("not among"));
    assert_eq!(refused(truth.clone(), unknown(None, &predicted)), "");
    let many = PredictionsInput {
        y_true: Targets::Boxes(vec![vec![truth; MAX_IMAGE_BOXES + 1]]),
        ..read(&["[]".to_owned()], &["[]".to_owned()])
    };
    let error = Predictions::new(many).expect_err("too many").to_string();
    assert!(error.contains("more than 8192 boxes"), "{error}");
    let missing = PredictionsInput {
        y_pred: None,
        ..read(&["[]".to_owned()], &["[]".to_owned()])
    };
    let error = Predictions::new(missing)
        .expect_err("no y_pred")
        .to_string();
    assert!(error.contains("detection task needs a `y_pred`"), "{error}");
}
