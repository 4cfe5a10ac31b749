//! Evaluations and metric definitions, as records.

use serde::{Deserialize, Serialize};

use crate::id::{EvaluationId, RunId};
use crate::path::ArtifactPath;
use crate::ports::Timestamp;

/// Where an evaluation is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvaluationState {
    /// Waiting for the evaluator; survives a restart.
    Pending,
    /// Done; its result is stored.
    Done,
    /// The predictions could not be evaluated; the message says why.
    Failed,
}

/// Metric results over the stored predictions of one run on one split.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationRecord {
    /// Its identifier.
    pub id: EvaluationId,
    /// The run.
    pub run: RunId,
    /// The split's name.
    pub split: String,
    /// The predictions artifact.
    pub predictions: ArtifactPath,
    /// BLAKE3 of the predictions, hex.
    pub predictions_hash: String,
    /// What was asked: task, definitions, bootstrap, expected ids, dataset.
    pub request: serde_json::Value,
    /// Its state.
    pub state: EvaluationState,
    /// Why it failed.
    pub message: Option<String>,
    /// The whole result, without curves.
    pub result: Option<serde_json::Value>,
    /// Curves and confusion matrix.
    pub curves: Option<serde_json::Value>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was done.
    pub ended_at: Option<Timestamp>,
}

/// One evaluated number of one run, for tables and sorting.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluatedMetric {
    /// The run.
    pub run: RunId,
    /// The split's name.
    pub split: String,
    /// The metric's name without version.
    pub name: String,
    /// `name@version`.
    pub definition: String,
    /// The value, kept bit for bit.
    pub value: f64,
    /// Lower end of its interval.
    pub low: Option<f64>,
    /// Upper end of its interval.
    pub high: Option<f64>,
}

/// A stored metric definition; its hash never changes once stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDefinition {
    /// `name@version`.
    pub id: String,
    /// Its hash.
    pub hash: String,
    /// The whole definition.
    pub body: serde_json::Value,
}

/// A version of an adapter as the hub has seen it.
#[derive(Debug, Clone, PartialEq)]
pub struct AdapterVersion {
    /// The adapter's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its manifest with the config schema.
    pub manifest: serde_json::Value,
    /// When it was first seen.
    pub created_at: Timestamp,
}
