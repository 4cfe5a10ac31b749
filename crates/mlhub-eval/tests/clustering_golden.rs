//! Stored comparison of the clustering metrics with scikit-learn; the file and how to renew
//! it: `golden/make_clustering.py`.

mod judging;

use std::collections::BTreeMap;

use mlhub_eval::{
    NumberColumn, PairedOptions, PairedPredictions, Predictions, PredictionsError,
    PredictionsInput, SkippedMetric, Targets, Task, paired_test,
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
    y_true: Vec<u32>,
    y_pred: Vec<u32>,
    embedding: Option<Vec<Vec<f64>>>,
    expected: BTreeMap<String, Option<f64>>,
}

fn cases() -> Vec<Case> {
    let text = include_str!("golden/clustering.json");
    let document: Document = serde_json::from_str(text).expect("a golden file");
    document.cases
}

fn embedding(rows: &[Vec<f64>]) -> NumberColumn {
    NumberColumn {
        name: "embedding".to_owned(),
        width: rows[0].len(),
        values: rows.concat(),
    }
}

fn input(case: &Case) -> PredictionsInput {
    let names = case.y_true.iter().chain(&case.y_pred).max().expect("rows") + 1;
    PredictionsInput {
        ids: (0..case.y_true.len()).map(|row| row.to_string()).collect(),
        task: Task::Clustering,
        labels: (0..names).map(|name| name.to_string()).collect(),
        y_true: Targets::Classes(case.y_true.clone()),
        y_pred: Some(Targets::Classes(case.y_pred.clone())),
        y_score: None,
        weight: None,
        group: None,
        numbers: case.embedding.iter().map(|rows| embedding(rows)).collect(),
    }
}

#[test]
fn clusterings_agree_with_sklearn() {
    let cases = cases();
    assert!(cases.len() >= 24);
    for case in &cases {
        let found = evaluation(input(case), None, 1);
        assert_eq!(found.metrics.len(), case.expected.len());
        for metric in &found.metrics {
            let theirs = case.expected[&metric.name];
            let agrees = theirs.map_or(metric.value.is_nan(), |theirs| {
                let difference = (metric.value - theirs).abs();
                difference <= RELATIVE * theirs.abs() || difference <= ABSOLUTE
            });
            assert!(
                agrees,
                "{}: {} is {:?}, not {theirs:?}",
                case.name, metric.name, metric.value
            );
        }
        assert!(
            found.curves.per_class.is_empty() && found.curves.confusion.is_none(),
            "clusters are no classes"
        );
    }
}

#[test]
fn the_same_partition_is_perfect() {
    for case in cases()
        .iter()
        .filter(|case| case.name.starts_with("the same"))
    {
        for metric in &evaluation(input(case), None, 1).metrics {
            if metric.name != "mutual_information" {
                assert!(
                    (1.0 - metric.value).abs() <= f64::EPSILON && metric.value <= 1.0,
                    "{}: {}",
                    metric.name,
                    metric.value
                );
            }
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let cases = cases();
    let in_space = cases.iter().find(|case| case.name == "iris in space");
    for case in [&cases[0], in_space.expect("a case with coordinates")] {
        let text = |threads| {
            let found = evaluation(input(case), Some(50), threads);
            serde_json::to_string(&found).expect("JSON")
        };
        let one = text(1);
        assert!(one.contains("\"interval\":{"), "intervals are there");
        assert_eq!(one, text(2));
    }
}

#[test]
fn silhouettes_have_bounds_and_no_interval() {
    let cases = cases();
    let case = cases.iter().find(|case| case.name == "iris in space");
    let found = evaluation(input(case.expect("the case")), Some(20), 1);
    let with = |name: &str| found.metrics.iter().find(|one| one.name == name);
    let silhouette = with("silhouette").expect("it is computed");
    let note = silhouette.note.as_deref().expect("a note");
    assert!(
        silhouette.interval.is_none() && note.contains("no interval: it looks at all pairs"),
        "{note}"
    );
    let adjusted = with("adjusted_mutual_information").expect("it is computed");
    assert!(adjusted.interval.is_some());

    let skipped = |input| {
        let found = evaluation(input, None, 1);
        let of = |skipped: &&SkippedMetric| skipped.definition == "silhouette@1";
        found
            .skipped
            .iter()
            .find(of)
            .expect("it is skipped")
            .reason
            .clone()
    };
    assert!(skipped(input(&cases[0])).contains("no `embedding` column"));
    let each_its_own: Vec<u32> = (0..2_100).collect();
    let too_many = Case {
        y_true: each_its_own.clone(),
        y_pred: each_its_own,
        ..cases[0].clone()
    };
    let found = evaluation(input(&too_many), None, 1);
    let is_adjusted = |one: &&SkippedMetric| one.definition == "adjusted_mutual_information@1";
    let reason = &found
        .skipped
        .iter()
        .find(is_adjusted)
        .expect("it is skipped")
        .reason;
    assert!(
        reason.contains("2100 classes and 2100 clusters"),
        "{reason}"
    );

    let rows = 20_001;
    let many = Case {
        y_true: vec![0; rows],
        y_pred: (0..rows).map(|row| (row % 2) as u32).collect(),
        embedding: Some(vec![vec![0.0]; rows]),
        ..cases[0].clone()
    };
    let reason = skipped(input(&many));
    assert!(
        reason.contains("20001 rows are more than the 20000"),
        "{reason}"
    );
}

#[test]
fn two_clusterings_are_not_compared_by_silhouette() {
    let cases = cases();
    let case = cases.iter().find(|case| case.name == "iris in space");
    let one = Predictions::new(input(case.expect("the case"))).expect("valid");
    let pair = PairedPredictions::new(&one, &one).expect("of the same rows");
    let error = paired_test(&pair, "silhouette@1", &PairedOptions::default()).expect_err("none");
    assert!(error.to_string().contains("all pairs of rows"), "{error}");
}

#[test]
fn coordinates_that_are_none_are_refused() {
    let case = &cases()[15];
    let refused = |column: NumberColumn| {
        let input = PredictionsInput {
            numbers: vec![column],
            ..input(case)
        };
        Predictions::new(input).expect_err("refused").to_string()
    };
    let with = |values: Vec<f64>, width| NumberColumn {
        name: "embedding".to_owned(),
        width,
        values,
    };
    let message = refused(with(vec![1.0, f64::NAN], 2));
    assert!(
        message.contains("column `embedding`: 1 values are NaN")
            && message.ends_with("fix the model"),
        "{message}"
    );
    assert!(refused(with(vec![1.0; 3], 2)).contains("has 3 values for 2 rows"));
    assert!(refused(with(vec![], 0)).contains("0 numbers per row"));
    let other = NumberColumn {
        name: "scale".to_owned(),
        ..with(vec![1.0], 1)
    };
    assert_eq!(refused(other), "column `scale` is none that the task has");
}

#[test]
fn weights_and_scores_are_told_apart() {
    let case = &cases()[0];
    let weighted = PredictionsInput {
        weight: Some(vec![0.5; case.y_true.len()]),
        ..input(case)
    };
    let found = evaluation(weighted, None, 1);
    assert!(found.metrics.is_empty());
    assert!(
        found
            .skipped
            .iter()
            .all(|skipped| { skipped.reason.contains("not defined for weighted rows") })
    );
    let scored = Predictions::new(PredictionsInput {
        y_score: Some(vec![0.5; case.y_true.len()]),
        ..input(case)
    });
    assert!(matches!(scored, Err(PredictionsError::ScoreShape { .. })));
    let without = Predictions::new(PredictionsInput {
        y_pred: None,
        ..input(case)
    });
    let message = without.expect_err("no clusters").to_string();
    assert!(
        message.contains("clustering task needs a `y_pred`"),
        "{message}"
    );
}
