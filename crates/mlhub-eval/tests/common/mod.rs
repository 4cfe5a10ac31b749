//! Cases as the oracle reads and writes them, and the comparison with our values.

use std::collections::BTreeMap;

use mlhub_eval::{
    EvaluateOptions, Evaluation, Predictions, PredictionsInput, Targets, Task, evaluate,
};
use serde::{Deserialize, Serialize};

/// How far from the reference a value may be, relative to it.
const RELATIVE: f64 = 1e-12;

/// And absolutely: scores such as r2 or kappa are 1 minus something of size 1, so
/// near 0 only absolute agreement to a few units of rounding means anything.
const ABSOLUTE: f64 = 1e-14;

/// Ratios of counts and single differences: equal to the last bit.
const EXACT: [&str; 4] = ["accuracy", "top_3_accuracy", "top_5_accuracy", "max_error"];

/// Inputs of one comparison.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Case {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) task: Task,
    pub(crate) labels: usize,
    pub(crate) y_true: Vec<f64>,
    pub(crate) y_pred: Vec<f64>,
    pub(crate) y_score: Option<Vec<Vec<f64>>>,
    pub(crate) weight: Option<Vec<f64>>,
    /// Whether the scores are probabilities; the oracle does not look.
    pub(crate) probabilities: bool,
}

/// A number, or the name of a non-finite one.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Value {
    Number(f64),
    Name(String),
}

impl Value {
    fn to_f64(&self) -> f64 {
        match self {
            Self::Number(value) => *value,
            Self::Name(name) => match name.as_str() {
                "NaN" => f64::NAN,
                "Infinity" => f64::INFINITY,
                "-Infinity" => f64::NEG_INFINITY,
                other => panic!("not a value: {other}"),
            },
        }
    }
}

pub(crate) type Expected = BTreeMap<String, Value>;

impl Case {
    pub(crate) fn evaluation(&self) -> Evaluation {
        let targets = |values: &[f64]| match self.task {
            Task::Regression => Targets::Values(values.to_vec()),
            _ => Targets::Classes(values.iter().map(|class| *class as u32).collect()),
        };
        let predictions = Predictions::new(PredictionsInput {
            ids: (0..self.y_true.len()).map(|row| row.to_string()).collect(),
            task: self.task,
            labels: (0..self.labels).map(|label| label.to_string()).collect(),
            y_true: targets(&self.y_true),
            y_pred: Some(targets(&self.y_pred)),
            y_score: self.y_score.as_ref().map(|rows| rows.concat()),
            weight: self.weight.clone(),
            group: None,
            numbers: Vec::new(),
        })
        .unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let options = EvaluateOptions {
            bootstrap: None,
            threads: 1,
            ..EvaluateOptions::default()
        };
        evaluate(&predictions, &options).expect("the options are valid")
    }

    /// Every metric of ours is in the reference, every one of the reference is ours,
    /// and the values agree.
    pub(crate) fn check(&self, expected: &Expected) {
        let mut failures = Vec::new();
        let evaluation = self.evaluation();
        let ours: BTreeMap<&str, f64> = evaluation
            .metrics
            .iter()
            .map(|metric| (metric.name.as_str(), metric.value))
            .collect();
        for name in expected
            .keys()
            .filter(|name| !ours.contains_key(name.as_str()))
        {
            failures.push(format!(
                "{name} is missing; skipped: {:?}",
                evaluation.skipped
            ));
        }
        for (name, ours) in ours {
            let Some(theirs) = expected.get(name).map(Value::to_f64) else {
                failures.push(format!("{name} has no reference"));
                continue;
            };
            if !self.agrees(name, ours, theirs) {
                failures.push(format!("{name}: ours {ours:?}, reference {theirs:?}"));
            }
        }
        assert!(
            failures.is_empty(),
            "{}: {}",
            self.name,
            failures.join("\n")
        );
    }

    fn agrees(&self, name: &str, ours: f64, theirs: f64) -> bool {
        if ours == theirs || (ours.is_nan() && theirs.is_nan()) {
            return true;
        }
        let is_exact = EXACT.contains(&name) && self.weight.is_none();
        let difference = (ours - theirs).abs();
        !is_exact && (difference <= RELATIVE * theirs.abs() || difference <= ABSOLUTE)
    }
}
