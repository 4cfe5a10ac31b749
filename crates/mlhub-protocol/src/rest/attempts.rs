//! What supervisors report and are told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::runs::{ExitView, FailureView};
use crate::number::Number;

/// Queues another attempt of an ended run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AttemptCreate {
    /// The machine that will run it.
    pub host: Option<String>,
    /// The step it resumes from; absent starts afresh and supersedes everything.
    pub resumed_from_step: Option<i64>,
}

/// What the hub has of an attempt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Offsets {
    /// Bytes of each event writer.
    pub events: BTreeMap<String, u64>,
    /// Bytes of each log stream.
    pub logs: BTreeMap<String, u64>,
    /// Hash of each stored artifact, by path.
    pub artifacts: BTreeMap<String, String>,
}

/// The program started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttemptStart {
    /// Milliseconds since the epoch.
    pub started_at: i64,
}

/// The supervisor is alive.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Heartbeat {
    /// Bytes on disk not yet shipped.
    pub backlog_bytes: u64,
}

/// What the hub wants of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AttemptReply {
    /// The attempt's state on the hub.
    pub state: String,
    /// Whether the program is to be stopped.
    pub stop_requested: bool,
}

/// Events of one writer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventBatch {
    /// The writer: the event file's name, `stdout`, `stderr`, ...
    pub writer: String,
    /// First byte covered.
    pub start: u64,
    /// One past the last byte covered.
    pub end: u64,
    /// Metric points in order.
    #[serde(default)]
    pub points: Vec<PointView>,
    /// Params.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Other records.
    #[serde(default)]
    pub records: Vec<RecordInput>,
}

/// One metric point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PointView {
    /// The metric's name.
    pub name: String,
    /// The step.
    pub step: i64,
    /// Milliseconds since the epoch.
    pub time_ms: i64,
    /// The value.
    pub value: Number,
}

/// A record to store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordInput {
    /// `entry`, `checkpoint`, `warning`, `progress`, `error`, ...
    pub kind: String,
    /// Milliseconds since the epoch.
    pub time_ms: i64,
    /// Its content.
    #[schema(value_type = Object)]
    pub body: Value,
}

/// The batch is on disk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventBatchReply {
    /// Whether it was there already.
    pub duplicate: bool,
    /// Params that kept an earlier, different value.
    pub params_kept: Vec<String>,
}

/// `details` of a 409 answer to events or logs: send from this byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Misaligned {
    /// The stored offset.
    pub expected: u64,
}

/// The log piece is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogReply {
    /// The stream's stored size.
    pub size: u64,
}

/// The program ended and all it left is shipped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttemptFinish {
    /// `finished`, `failed`, `stopped` or `lost`.
    pub state: String,
    /// Milliseconds since the epoch.
    pub ended_at: i64,
    /// How it ended, when known.
    #[serde(default)]
    pub exit: Option<ExitView>,
    /// Why it did not finish.
    #[serde(default)]
    pub failure: Option<FailureView>,
    /// Prediction files shipped, by split.
    #[serde(default)]
    pub predictions: BTreeMap<String, PredictionsRef>,
}

/// A shipped prediction file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PredictionsRef {
    /// Artifact path.
    pub path: String,
    /// The task the program named.
    #[serde(default)]
    pub task: Option<String>,
}
