//! Tests of the checks: each refusal, and that nothing valid is refused.

use super::*;
use proptest::prelude::*;

fn binary() -> PredictionsInput {
    PredictionsInput {
        ids: ["a", "b", "c"].map(str::to_owned).to_vec(),
        task: Task::Binary,
        labels: vec!["no".to_owned(), "yes".to_owned()],
        y_true: Targets::Classes(vec![0, 1, 1]),
        y_pred: Some(Targets::Classes(vec![0, 1, 0])),
        y_score: Some(vec![0.1, 0.9, 0.4]),
        weight: None,
        group: None,
        numbers: Vec::new(),
    }
}

fn regression() -> PredictionsInput {
    PredictionsInput {
        task: Task::Regression,
        labels: vec![],
        y_true: Targets::Values(vec![0.0, 1.0, 2.0]),
        y_pred: Some(Targets::Values(vec![0.5, 1.0, 2.5])),
        y_score: None,
        ..binary()
    }
}

fn refusal(input: PredictionsInput) -> String {
    Predictions::new(input).unwrap_err().to_string()
}

#[test]
fn valid_columns_are_taken() {
    let predictions = Predictions::new(binary()).unwrap();
    assert_eq!((predictions.rows(), predictions.score_columns()), (3, 1));
    let two_columns = PredictionsInput {
        y_score: Some(vec![0.5; 6]),
        ..binary()
    };
    assert_eq!(Predictions::new(two_columns).unwrap().score_columns(), 2);
    assert_eq!(Predictions::new(regression()).unwrap().score_columns(), 0);
}

#[test]
fn duplicate_ids_are_named_with_their_rows() {
    let ids = ["a", "b", "a"].map(str::to_owned).to_vec();
    let message = refusal(PredictionsInput { ids, ..binary() });
    assert!(
        message.contains("1 ids occur more than once; first: `a` in rows 0, 2"),
        "{message}"
    );
}

#[test]
fn long_and_odd_ids_are_cut_and_escaped() {
    let id = format!("\u{1b}[31m{}", "x".repeat(500));
    let message = refusal(PredictionsInput {
        ids: vec![id.clone(), "b".to_owned(), id],
        ..binary()
    });
    assert!(
        message.len() < 400 && !message.contains('\u{1b}'),
        "{message}"
    );
}

#[test]
fn non_finite_scores_are_named_by_column() {
    let y_score = Some(vec![0.5, f64::NAN, 0.5, 0.5, 0.5, f64::INFINITY]);
    let message = refusal(PredictionsInput {
        y_score,
        ..binary()
    });
    assert!(
        message.contains("`y_score[yes]`: 2 values are NaN or infinite; first rows (from 0): 0, 2"),
        "{message}"
    );
    let y_score = Some(vec![0.5, f64::NAN, 0.5]);
    let message = refusal(PredictionsInput {
        y_score,
        ..binary()
    });
    assert!(message.contains("`y_score[yes]`: 1 values"), "{message}");
    let y_pred = Some(Targets::Values(vec![0.0, f64::NEG_INFINITY, 0.0]));
    let message = refusal(PredictionsInput {
        y_pred,
        ..regression()
    });
    assert!(
        message.contains("`y_pred`: 1 values") && message.contains(": 1."),
        "{message}"
    );
}

#[test]
fn wrong_shapes_and_kinds_are_refused() {
    let cases = [
        (
            PredictionsInput {
                ids: vec![],
                ..binary()
            },
            "no rows",
        ),
        (
            PredictionsInput {
                y_true: Targets::Classes(vec![0]),
                ..binary()
            },
            "`y_true` has 1 values for 3 rows",
        ),
        (
            PredictionsInput {
                y_true: Targets::Values(vec![0.0; 3]),
                ..binary()
            },
            "`y_true` holds numbers",
        ),
        (
            PredictionsInput {
                y_pred: Some(Targets::Classes(vec![0; 3])),
                ..regression()
            },
            "`y_pred` holds classes",
        ),
        (
            PredictionsInput {
                y_score: Some(vec![0.0; 4]),
                ..binary()
            },
            "3 x 1 (the positive class) or 3 x 2",
        ),
        (
            PredictionsInput {
                y_score: Some(vec![0.0; 3]),
                ..regression()
            },
            "none for a regression",
        ),
        (
            PredictionsInput {
                y_pred: None,
                y_score: None,
                ..binary()
            },
            "neither",
        ),
        (
            PredictionsInput {
                y_pred: None,
                ..regression()
            },
            "needs a `y_pred`",
        ),
        (
            PredictionsInput {
                labels: vec!["a".to_owned()],
                ..binary()
            },
            "exactly 2 labels, found 1",
        ),
        (
            PredictionsInput {
                labels: vec!["a".to_owned(), "a".to_owned()],
                ..binary()
            },
            "label number 1 repeats label number 0",
        ),
        (
            PredictionsInput {
                labels: vec!["a".to_owned()],
                ..regression()
            },
            "no labels, found 1",
        ),
        (
            PredictionsInput {
                y_true: Targets::Classes(vec![0, 2, 9]),
                ..binary()
            },
            "2 rows hold a class that is not among the 2 declared ones; first rows (from 0): 1, 2",
        ),
        (
            PredictionsInput {
                weight: Some(vec![1.0, -1.0, 0.0]),
                ..binary()
            },
            "1 weights are negative; first rows (from 0): 1",
        ),
        (
            PredictionsInput {
                weight: Some(vec![0.0; 3]),
                ..binary()
            },
            "all weights are zero",
        ),
        (
            PredictionsInput {
                weight: Some(vec![f64::NAN; 3]),
                ..binary()
            },
            "`weight`: 3 values are NaN",
        ),
        (
            PredictionsInput {
                group: Some(vec![]),
                ..binary()
            },
            "`group` has 0 values",
        ),
    ];
    for (input, expected) in cases {
        let message = refusal(input);
        assert!(message.contains(expected), "{message} | {expected}");
    }
}

#[test]
fn labels_are_encoded_or_counted() {
    let labels = ["x".to_owned(), "y".to_owned()];
    assert_eq!(
        encode_labels("y_true", ["y", "x", "y"], &labels).unwrap(),
        [1, 0, 1]
    );
    let error = encode_labels("y_true", ["y", "secret", "x"], &labels).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("`y_true`: 1 rows") && message.contains(": 1."),
        "{message}"
    );
    assert!(
        !message.contains("secret"),
        "values stay out of errors: {message}"
    );
}

#[test]
fn coverage_by_row_count() {
    let ids = |ids: &[&str]| PredictionsInput {
        ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        ..binary()
    };
    let complete = Predictions::new(ids(&["2", "0", "1"])).unwrap();
    complete.check_ids_cover(ExpectedIds::RowCount(3)).unwrap();
    let message = complete
        .check_ids_cover(ExpectedIds::RowCount(10))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("7 ids are missing (3, 4, 5, 6, 7, ...), 0 ids are unexpected"),
        "{message}"
    );
    let odd = Predictions::new(ids(&["0", "+1", "02"])).unwrap();
    let message = odd
        .check_ids_cover(ExpectedIds::RowCount(3))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("2 ids are missing (1, 2), 2 ids are unexpected (+1, 02)"),
        "{message}"
    );
    let huge = complete
        .check_ids_cover(ExpectedIds::RowCount(u64::MAX))
        .unwrap_err();
    assert!(
        matches!(huge, PredictionsError::Coverage { missing_count, .. } if missing_count == u64::MAX - 3)
    );
}

proptest! {
    #[test]
    fn coverage_by_list_counts_both_sides(
        present in proptest::collection::btree_set(0_u32..60, 1..40),
        wanted in proptest::collection::btree_set(0_u32..60, 0..40),
    ) {
        let rows = present.len();
        let predictions = Predictions::new(PredictionsInput {
            ids: present.iter().map(u32::to_string).collect(),
            y_true: Targets::Classes(vec![0; rows]),
            y_pred: Some(Targets::Classes(vec![0; rows])),
            y_score: None,
            ..binary()
        }).unwrap();
        let list: Vec<String> = wanted.iter().map(u32::to_string).collect();
        let missing = wanted.difference(&present).count() as u64;
        let unexpected = present.difference(&wanted).count() as u64;
        match predictions.check_ids_cover(ExpectedIds::Ids(&list)) {
            Ok(()) => prop_assert_eq!((missing, unexpected), (0, 0)),
            Err(PredictionsError::Coverage { missing_count, unexpected_count, .. }) => {
                prop_assert_eq!((missing_count, unexpected_count), (missing, unexpected));
                prop_assert!(missing + unexpected > 0);
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
