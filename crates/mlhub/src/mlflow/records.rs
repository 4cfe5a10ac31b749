//! What MLflow keeps, in one form for every place it is read from.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Problems that are kept to be shown; more are counted.
const PROBLEMS_MAX: usize = 10_000;

/// Why something could not be read.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// This thing is damaged or missing; others can go on.
    Damaged(String),
    /// Nothing can go on.
    Fatal(anyhow::Error),
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        Self::Fatal(error)
    }
}

/// What reading gives.
pub(crate) type Read<T> = Result<T, Trouble>;

/// Says that one thing is damaged.
pub(crate) fn damaged<T>(what: impl Into<String>) -> Read<T> {
    Err(Trouble::Damaged(what.into()))
}

/// What went wrong on the way, each once.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    told: RefCell<BTreeSet<String>>,
    more: Cell<usize>,
}

impl Problems {
    /// Notes one.
    pub(crate) fn add(&self, what: impl Into<String>) {
        let mut told = self.told.borrow_mut();
        let what = what.into();
        if told.len() < PROBLEMS_MAX {
            told.insert(what);
        } else if !told.contains(&what) {
            self.more.set(self.more.get() + 1);
        }
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.told.borrow().len() + self.more.get()
    }

    /// Those that are kept, in order.
    pub(crate) fn all(&self) -> Vec<String> {
        self.told.borrow().iter().cloned().collect()
    }

    /// What was read, if it could be; damage is noted.
    pub(crate) fn noted<T>(&self, read: Read<T>) -> anyhow::Result<Option<T>> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(Trouble::Damaged(what)) => {
                self.add(what);
                Ok(None)
            }
            Err(Trouble::Fatal(error)) => Err(error),
        }
    }
}

/// Keys with texts.
pub(crate) type Labels = BTreeMap<String, String>;

/// An experiment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Experiment {
    /// Its id there.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) tags: Labels,
    pub(crate) deleted: bool,
    /// Milliseconds since the epoch.
    pub(crate) created: Option<i64>,
}

/// A run, without its points.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) id: String,
    /// The id of its experiment there.
    pub(crate) experiment: String,
    pub(crate) name: Option<String>,
    pub(crate) user: Option<String>,
    /// `RUNNING`, `SCHEDULED`, `FINISHED`, `FAILED` or `KILLED`.
    pub(crate) status: String,
    /// Milliseconds since the epoch.
    pub(crate) started: Option<i64>,
    /// Milliseconds since the epoch.
    pub(crate) ended: Option<i64>,
    pub(crate) deleted: bool,
    pub(crate) artifact_uri: String,
    /// Names of its metrics.
    pub(crate) metrics: Vec<String>,
    pub(crate) params: Labels,
    pub(crate) tags: Labels,
    /// Datasets it read, as the API words them.
    pub(crate) inputs: Vec<Value>,
    /// Logged models it read.
    pub(crate) models_read: BTreeSet<String>,
    /// Logged models it made, with the step.
    pub(crate) models_made: BTreeMap<String, i64>,
}

/// A point of a metric.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) step: i64,
    /// Milliseconds since the epoch.
    pub(crate) time: i64,
    pub(crate) value: f64,
}

impl Point {
    /// By step, time and value, as MLflow tells which is the latest; every NaN is one.
    pub(crate) fn order(&self, other: &Self) -> std::cmp::Ordering {
        let plain = |value: f64| if value.is_nan() { f64::NAN } else { value };
        let key = |point: &Self| (point.step, point.time);
        key(self)
            .cmp(&key(other))
            .then_with(|| plain(self.value).total_cmp(&plain(other.value)))
    }
}

/// Puts points in order, each once.
pub(crate) fn in_order(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_by(Point::order);
    points.dedup_by(|a, b| a.order(b).is_eq());
    points
}

/// The points that are not among others; both in order.
pub(crate) fn missing(points: &[Point], others: &[Point]) -> Vec<Point> {
    let mut others = others.iter().peekable();
    let mut found = Vec::new();
    for point in points {
        while others.next_if(|other| other.order(point).is_lt()).is_some() {}
        if others.peek().is_none_or(|other| other.order(point).is_ne()) {
            found.push(*point);
        }
    }
    found
}

/// A metric of a logged model: the latest value by run and dataset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ModelMetric {
    pub(crate) name: String,
    pub(crate) run: String,
    pub(crate) step: i64,
    pub(crate) time: i64,
    pub(crate) value: f64,
    pub(crate) dataset_name: Option<String>,
    pub(crate) dataset_digest: Option<String>,
}

/// A logged model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Model {
    pub(crate) id: String,
    /// The id of its experiment there.
    pub(crate) experiment: String,
    pub(crate) name: String,
    pub(crate) run: Option<String>,
    pub(crate) kind: Option<String>,
    /// `LOGGED_MODEL_READY`, `LOGGED_MODEL_PENDING` or `LOGGED_MODEL_UPLOAD_FAILED`.
    pub(crate) status: String,
    pub(crate) created: i64,
    pub(crate) deleted: bool,
    pub(crate) artifact_uri: String,
    pub(crate) params: Labels,
    pub(crate) tags: Labels,
    pub(crate) metrics: Vec<ModelMetric>,
}

/// A registered model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Registered {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) tags: Labels,
    pub(crate) aliases: BTreeMap<String, u32>,
    /// By number.
    pub(crate) versions: Vec<Version>,
}

/// A version of a registered model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Version {
    pub(crate) number: u32,
    /// What it was registered from.
    pub(crate) source: String,
    /// Where its files are, if that is told apart.
    pub(crate) storage: Option<String>,
    pub(crate) run: Option<String>,
    /// The logged model it was registered from.
    pub(crate) model: Option<String>,
    /// `None`, `Staging`, `Production` or `Archived`.
    pub(crate) stage: String,
    pub(crate) description: String,
    pub(crate) tags: Labels,
    pub(crate) created: i64,
}

/// A file of a run or model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    /// Below the run's or the model's artifacts, with `/`.
    pub(crate) path: String,
    pub(crate) size: u64,
}

/// Whose files are meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Owner<'a> {
    Run(&'a Run),
    Model(&'a Model),
}

impl Owner<'_> {
    /// `run ID` or `logged model ID`.
    pub(crate) fn told(self) -> String {
        match self {
            Self::Run(run) => format!("run {}", run.id),
            Self::Model(model) => format!("logged model {}", model.id),
        }
    }

    /// Where MLflow says that they are.
    pub(crate) fn uri(&self) -> &str {
        match self {
            Self::Run(run) => &run.artifact_uri,
            Self::Model(model) => &model.artifact_uri,
        }
    }
}

/// A status by its number in files, or by its name.
pub(crate) fn run_status(text: &str) -> Option<&'static str> {
    const ALL: [&str; 5] = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];
    let by_number = text.parse::<usize>().ok().and_then(|at| at.checked_sub(1));
    let by_name = || ALL.iter().position(|name| *name == text);
    ALL.get(by_number.or_else(by_name)?).copied()
}

/// The status of a logged model by its number, or by its name.
pub(crate) fn model_status(text: &str) -> Option<&'static str> {
    Some(match text {
        "1" | "PENDING" | "LOGGED_MODEL_PENDING" => "LOGGED_MODEL_PENDING",
        "2" | "READY" | "LOGGED_MODEL_READY" => "LOGGED_MODEL_READY",
        "3" | "FAILED" | "LOGGED_MODEL_UPLOAD_FAILED" => "LOGGED_MODEL_UPLOAD_FAILED",
        _ => return None,
    })
}

/// A number as MLflow writes it in files and JSON: what overflows is infinite, as in Python.
pub(crate) fn float(text: &str) -> Option<f64> {
    let plain = text.trim();
    // What Rust reads beyond Python's floats is none.
    let odd = |byte: u8| !(byte.is_ascii_alphanumeric() || b"+-._".contains(&byte));
    if plain.is_empty() || plain.bytes().any(odd) {
        return None;
    }
    plain.replace('_', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(step: i64, time: i64, value: f64) -> Point {
        Point { step, time, value }
    }

    #[test]
    fn missing_points_are_told_by_content() {
        let there = in_order(vec![
            point(2, 5, 1.0),
            point(1, 5, f64::NAN),
            point(1, 5, f64::INFINITY),
            point(2, 5, 1.0),
            point(1, 5, -0.0),
        ]);
        assert_eq!(there.len(), 4);
        assert!(missing(&there, &there).is_empty());
        assert_eq!(missing(&there, &[]).len(), 4);
        let here = in_order(vec![point(1, 5, -f64::NAN), point(9, 9, 9.0)]);
        assert_eq!(missing(&there, &here).len(), 3);
    }

    #[test]
    fn numbers_are_read_as_python_writes_them() {
        assert_eq!(float("1e400"), Some(f64::INFINITY));
        assert_eq!(float("-inf"), Some(f64::NEG_INFINITY));
        assert!(float("nan").expect("a number").is_nan());
        assert_eq!(float("0.1"), Some(0.1));
        for text in ["", "x", "0x1", "1 2", "1,5"] {
            assert_eq!(float(text), None, "{text}");
        }
    }

    #[test]
    fn statuses_have_numbers_and_names() {
        assert_eq!(run_status("3"), Some("FINISHED"));
        assert_eq!(run_status("KILLED"), Some("KILLED"));
        assert_eq!(run_status("0"), None);
        assert_eq!(run_status("6"), None);
        assert_eq!(model_status("2"), Some("LOGGED_MODEL_READY"));
    }
}
