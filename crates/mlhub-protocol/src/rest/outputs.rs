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

/// What a range of a series counts along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeriesAxis {
    /// The training step.
    #[default]
    Step,
    /// Milliseconds since the run started.
    Relative,
    /// Milliseconds since the epoch, UTC.
    Wall,
}

/// How a series becomes few points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeriesReduction {
    /// Of each part of the axis the first, last, smallest and largest point.
    #[default]
    Envelope,
    /// Of each part of the axis the point of the largest triangle, the smallest
    /// and the largest.
    Lttb,
    /// Every point; refused where they are too many.
    None,
}

/// Asks for series of several runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesQuery {
    /// The runs.
    pub runs: Vec<String>,
    /// The metrics.
    #[serde(default)]
    pub metrics: Vec<String>,
    /// Further metrics by pattern: `*` is any text, `?` any one character.
    #[serde(default)]
    pub patterns: Vec<String>,
    /// What `from` and `to` count, and what is divided evenly.
    #[serde(default)]
    pub axis: SeriesAxis,
    /// First coordinate on the axis.
    #[serde(default)]
    pub from: Option<i64>,
    /// Last coordinate on the axis, itself included.
    #[serde(default)]
    pub to: Option<i64>,
    /// First step; the same as `from` on the step axis.
    #[serde(default)]
    pub from_step: Option<i64>,
    /// Last step; the same as `to` on the step axis.
    #[serde(default)]
    pub to_step: Option<i64>,
    /// Only this attempt, with what later attempts superseded.
    #[serde(default)]
    pub attempt: Option<u32>,
    /// How to reduce.
    #[serde(default)]
    pub reduction: SeriesReduction,
    /// Points per series at most (up to 100,000; 2,000 when absent, without
    /// reduction 100,000). Whatever the reduction, each part of the axis keeps
    /// its smallest and its largest point.
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
    /// Those of them that are NaN or infinite.
    #[serde(default)]
    pub non_finite: u64,
    /// Whether every point is here.
    pub exact: bool,
    /// When the run started, the zero of the relative axis, in milliseconds
    /// since the epoch.
    #[serde(default)]
    pub origin_ms: i64,
    /// Which attempts the points come from, in order.
    #[serde(default)]
    pub attempts: Vec<AttemptSpanView>,
}

/// So many neighbouring points come from one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptSpanView {
    /// The attempt, from 1.
    pub attempt: u32,
    /// Points.
    pub count: u64,
}

/// Asks for whole histories.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HistoryQuery {
    /// The runs.
    pub runs: Vec<String>,
    /// The metrics by name; with `patterns` absent too, all.
    #[serde(default)]
    pub metrics: Vec<String>,
    /// The metrics by pattern: `*` is any text, `?` any one character.
    #[serde(default)]
    pub patterns: Vec<String>,
    /// What `from` and `to` count.
    #[serde(default)]
    pub axis: SeriesAxis,
    /// First coordinate on the axis.
    #[serde(default)]
    pub from: Option<i64>,
    /// Last coordinate on the axis, itself included.
    #[serde(default)]
    pub to: Option<i64>,
    /// Also what later attempts superseded.
    #[serde(default)]
    pub superseded: bool,
    /// `json` (one object a line), `csv`, `parquet` or `arrow` (an IPC stream);
    /// by the Accept header when absent.
    #[serde(default)]
    pub format: Option<TableFormat>,
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TableFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// Comma-separated values with a head line (RFC 4180).
    Csv,
    /// Apache Parquet.
    Parquet,
    /// An Apache Arrow IPC stream.
    Arrow,
}

impl TableFormat {
    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }
}

/// Series asked for; those without points are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeriesReply {
    /// In the order of runs, then metrics.
    pub series: Vec<SeriesView>,
}

/// The media type of series whose points are numbers as machines hold them.
///
/// The body: a 32-bit length; so many bytes of JSON, a [`PackedHeader`], filled up with
/// spaces so that what follows starts at a multiple of eight bytes; then of each series its
/// steps, its times in milliseconds since the epoch, and its values. All are 64-bit floats,
/// all numbers are little-endian. Steps and times are exact up to 2^53, values always, NaN
/// and infinities included. It is read without parsing and never compressed.
pub const PACKED_SERIES: &str = "application/vnd.mlhub.series+v1";

/// What [`PACKED_SERIES`] says before the points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackedHeader {
    /// In the order of runs, then metrics; those without points are left out.
    pub series: Vec<PackedSeries>,
}

/// One series of [`PACKED_SERIES`]; fields as in [`SeriesView`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackedSeries {
    /// The run.
    pub run: String,
    /// The metric.
    pub metric: String,
    /// Points that follow.
    pub count: u64,
    /// Points in the range before reduction.
    pub total: u64,
    /// Those of them that are NaN or infinite.
    pub non_finite: u64,
    /// Whether every point is here.
    pub exact: bool,
    /// The zero of the relative axis, in milliseconds since the epoch.
    pub origin_ms: i64,
    /// Which attempts the points come from, in order.
    pub attempts: Vec<AttemptSpanView>,
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

/// A place in captured output where the text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogMatchView {
    /// The match's first byte in the stream.
    pub offset: u64,
    /// The first byte of its line.
    pub line_start: u64,
    /// Bytes of its line without its end; of a line beyond 64 KiB on one side of the
    /// match, the part around it.
    pub line_length: u64,
}

/// Matches in a part of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogSearchReply {
    /// In the order of the stream.
    pub matches: Vec<LogMatchView>,
    /// Give it as `from` to go on; null when the end was reached.
    pub next: Option<u64>,
    /// The stream's length, what was left out included.
    pub size: u64,
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
