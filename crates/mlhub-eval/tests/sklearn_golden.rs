//! Stored comparison with scikit-learn on real data and edge cases; the files and
//! how to renew them: `golden/make.py`.

mod common;

use common::{Case, Expected};
use serde::Deserialize;

#[derive(Deserialize)]
struct Document {
    cases: Vec<Stored>,
}

#[derive(Deserialize)]
struct Stored {
    #[serde(flatten)]
    case: Case,
    expected: Expected,
}

fn check(text: &str, at_least: usize) {
    let document: Document = serde_json::from_str(text).expect("a golden file");
    assert!(document.cases.len() >= at_least);
    for stored in document.cases {
        stored.case.check(&stored.expected);
    }
}

#[test]
fn binary_agrees_with_sklearn() {
    check(include_str!("golden/binary.json"), 18);
}

#[test]
fn multiclass_agrees_with_sklearn() {
    check(include_str!("golden/multiclass.json"), 14);
}

#[test]
fn regression_agrees_with_sklearn() {
    check(include_str!("golden/regression.json"), 16);
}
