//! What the hub hands to a program that computes one metric of its adapter, and what the
//! program answers. Both are files; the words are those of `adapters/SPEC.md`.
//!
//! Whether a value is believed is not decided here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Number;

/// The version of all three files.
pub const CUSTOM_METRIC_VERSION: u32 = 1;
/// The request, in the run directory.
pub const METRIC_REQUEST_FILE: &str = "metric.json";
/// The predictions, beside the run directories.
pub const METRIC_PREDICTIONS_FILE: &str = "predictions.json";
/// The answer, in the run directory.
pub const METRIC_VALUE_FILE: &str = "value.json";
/// The field to blame for a metric that is not known.
pub const METRIC_NAME_FIELD: &str = "metric.name";

/// What a program is to compute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricRequest {
    /// [`CUSTOM_METRIC_VERSION`].
    pub version: u32,
    /// The metric.
    pub metric: MetricAsked,
    /// Where the predictions are.
    pub predictions: PredictionsPlace,
}

/// The metric to compute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricAsked {
    /// Its name in the manifest, without the adapter's.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Its parameters.
    pub params: BTreeMap<String, Value>,
}

/// The file of [`MetricPredictions`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictionsPlace {
    /// Its absolute path.
    pub path: String,
    /// Rows in it.
    pub rows: u64,
}

/// Predictions by column, checked by the hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricPredictions {
    /// [`CUSTOM_METRIC_VERSION`].
    pub version: u32,
    /// The task.
    pub task: String,
    /// Classes in the order of the scores; of two, the second is the positive one. Empty
    /// where the task has none.
    pub labels: Vec<String>,
    /// Ids of the rows.
    pub id: Vec<String>,
    /// What is true.
    pub y_true: MetricColumn,
    /// What is predicted.
    pub y_pred: Option<MetricColumn>,
    /// Scores of each row: one per label, or one alone.
    pub y_score: Option<Vec<Vec<f64>>>,
    /// Weight of each row.
    pub weight: Option<Vec<f64>>,
    /// Group of each row.
    pub group: Option<Vec<String>>,
}

/// A column of true or predicted values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MetricColumn {
    /// Numbers.
    Numbers(Vec<f64>),
    /// Classes or texts.
    Texts(Vec<String>),
    /// Any number of labels per row.
    LabelSets(Vec<Vec<String>>),
}

/// What a program answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricAnswer {
    /// [`CUSTOM_METRIC_VERSION`].
    pub version: u32,
    /// The value; NaN where the metric is undefined.
    pub value: Number,
}
