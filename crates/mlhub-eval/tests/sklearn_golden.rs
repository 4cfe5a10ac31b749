//! Stored comparison with scikit-learn on real data and edge cases; the files and
//! how to renew them: `golden/make.py`.

mod common;

use common::{Case, Expected};
use mlhub_eval::ClassScores;
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
    /// Per label, as `classification_report` has it.
    #[serde(default)]
    classes: Vec<Class>,
}

#[derive(Deserialize)]
struct Class {
    support: f64,
    predicted: f64,
    precision: f64,
    recall: f64,
    f1: f64,
    specificity: f64,
    auroc: Option<f64>,
}

impl Class {
    fn check(&self, ours: &ClassScores, case: &str) {
        let place = format!("{case}, class {}", ours.label);
        let auroc = |auroc: Option<f64>| auroc.unwrap_or(f64::NAN);
        for (name, ours, theirs) in [
            ("support", ours.support, self.support),
            ("predicted", ours.predicted, self.predicted),
            ("precision", ours.precision, self.precision),
            ("recall", ours.recall, self.recall),
            ("f1", ours.f1, self.f1),
            ("specificity", ours.specificity, self.specificity),
            ("auroc", auroc(ours.auroc), auroc(self.auroc)),
        ] {
            let near = (ours - theirs).abs() <= 1e-12 * theirs.abs().max(1e-2);
            assert!(
                near || (ours.is_nan() && theirs.is_nan()),
                "{place}: {name} is {ours}, not {theirs}"
            );
        }
    }
}

fn check(text: &str, at_least: usize) {
    let document: Document = serde_json::from_str(text).expect("a golden file");
    assert!(document.cases.len() >= at_least);
    for stored in document.cases {
        stored.case.check(&stored.expected);
        let ours = stored.case.evaluation().curves.per_class;
        assert_eq!(ours.len(), stored.case.labels, "{}", stored.case.name);
        assert_eq!(ours.len(), stored.classes.len(), "{}", stored.case.name);
        for (ours, theirs) in ours.iter().zip(&stored.classes) {
            theirs.check(ours, &stored.case.name);
        }
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
