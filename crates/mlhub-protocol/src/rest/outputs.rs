//! What runs leave behind: artifacts, metric series, logs, records.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::number::Number;

/// A stored output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactView {
    /// Its key in the run.
    pub path: String,
    /// BLAKE3, hex.
    pub hash: String,
    /// Bytes.
    pub size_bytes: u64,
    /// What it is.
    pub kind: String,
    /// The attempt that wrote it.
    pub attempt: u32,
    /// Milliseconds since the epoch.
    pub created_at: i64,
}

/// Stored outputs of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactList {
    /// By path.
    pub artifacts: Vec<ArtifactView>,
}

/// What is known of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricView {
    /// Its name.
    pub name: String,
    /// Points in the visible history.
    pub count: u64,
    /// Points that are NaN or infinite.
    pub non_finite: u64,
    /// Step of the last point.
    pub last_step: i64,
    /// Its time, milliseconds since the epoch.
    pub last_time_ms: i64,
    /// Its value.
    pub last: Number,
    /// Smallest finite value.
    pub min: Option<Number>,
    /// Largest finite value.
    pub max: Option<Number>,
    /// How the adapter wants it shown.
    pub direction: Option<String>,
    /// What people call it.
    pub label: Option<String>,
    /// The section of the chart grid.
    pub group: Option<String>,
}

/// Series of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricList {
    /// By name.
    pub metrics: Vec<MetricView>,
}

/// Asks for series of several runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesQuery {
    /// The runs.
    pub runs: Vec<String>,
    /// The metrics.
    pub metrics: Vec<String>,
    /// First step.
    #[serde(default)]
    pub from_step: Option<i64>,
    /// Last step.
    #[serde(default)]
    pub to_step: Option<i64>,
    /// Points per series at most (2 to 100,000); the reading keeps every
    /// bucket's first, last, smallest and largest point.
    #[serde(default)]
    pub max_points: Option<u32>,
}

/// One series, reduced to the budget. The arrays are of one length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeriesView {
    /// The run.
    pub run: String,
    /// The metric.
    pub metric: String,
    /// Steps.
    pub steps: Vec<i64>,
    /// Times, milliseconds since the epoch.
    pub times_ms: Vec<i64>,
    /// Values.
    pub values: Vec<Number>,
    /// Points in the range before reduction.
    pub total: u64,
    /// Whether every point is here.
    pub exact: bool,
}

/// Series asked for; those without points are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeriesReply {
    /// In the order of runs, then metrics.
    pub series: Vec<SeriesView>,
}

/// One captured stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogView {
    /// The attempt.
    pub attempt: u32,
    /// `stdout` or `stderr`.
    pub stream: String,
    /// Stored bytes.
    pub size: u64,
}

/// Captured streams of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogList {
    /// By attempt, then stream.
    pub logs: Vec<LogView>,
}

/// A stored record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordView {
    /// The attempt.
    pub attempt: u32,
    /// What it is.
    pub kind: String,
    /// Milliseconds since the epoch.
    pub time_ms: i64,
    /// Its content.
    #[schema(value_type = Object)]
    pub body: Value,
}

/// Records of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordList {
    /// Oldest first.
    pub records: Vec<RecordView>,
}
