//! The event line, version 1: one JSON object per line in `events/*.jsonl` or
//! on standard output.
//!
//! A line may carry any of the fields below; unknown fields are ignored. Bare
//! `NaN`, `Infinity` and `-Infinity` are accepted by the reader (`mlhub-agent`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::number::Number;

/// One event line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventLine {
    /// When it happened, milliseconds since the epoch; the reading time if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<i64>,
    /// The step the metrics belong to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<i64>,
    /// Metric values by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, Number>,
    /// Params by name; the first value of a param stays.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Value>,
    /// Tags by name; the last value of a tag stays.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// A file of the run directory to keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<FileEvent>,
    /// A prediction file of one split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predictions: Option<PredictionsEvent>,
    /// A complete checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<CheckpointEvent>,
    /// Shapes, dtypes, devices and statistics at pipeline entry; never values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<Value>,
    /// Anything else worth keeping, such as a picture's description or an alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordEvent>,
    /// How far the program is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressEvent>,
    /// Something a person should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// The program refuses its input: which field, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorEvent>,
}

/// A file to keep, relative to the run directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEvent {
    /// Relative path inside the run directory.
    pub path: String,
    /// What it is; `artifact` if absent.
    #[serde(default)]
    pub kind: Option<String>,
}

/// A complete prediction file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredictionsEvent {
    /// The split it answers.
    pub split: String,
    /// Relative path inside the run directory.
    pub path: String,
    /// The task, when the program knows it better than the config.
    #[serde(default)]
    pub task: Option<String>,
}

/// A complete checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointEvent {
    /// The step it was taken at.
    pub step: i64,
    /// Relative path inside the run directory.
    pub path: String,
}

/// A record of a kind the hub stores and shows, and has no rules for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordEvent {
    /// What it is: 1 to [`RECORD_KIND_MAX_BYTES`] of `a-z`, `0-9` and `_`. A kind
    /// that has a field of its own in the event line is refused.
    pub kind: String,
    /// Its content; never samples of data.
    pub body: Value,
}

/// Bytes in the kind of a record.
pub const RECORD_KIND_MAX_BYTES: usize = 64;
/// Kinds that a field of the event line, or the hub itself, speaks for.
const RECORD_KINDS_TAKEN: [&str; 5] = ["checkpoint", "entry", "warning", "error", "progress"];

impl RecordEvent {
    /// Whether a program may write records of this kind.
    pub fn kind_is_free(&self) -> bool {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        (1..=RECORD_KIND_MAX_BYTES).contains(&self.kind.len())
            && self.kind.bytes().all(plain)
            && !RECORD_KINDS_TAKEN.contains(&self.kind.as_str())
    }
}

/// How far a program is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgressEvent {
    /// Units done.
    pub done: f64,
    /// Units in all, when known.
    #[serde(default)]
    pub total: Option<f64>,
    /// What is being done.
    #[serde(default)]
    pub message: Option<String>,
}

/// A refusal of the program's input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorEvent {
    /// The field of the config, dotted, when one is to blame.
    #[serde(default)]
    pub field: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
}
