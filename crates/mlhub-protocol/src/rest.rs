//! Bodies of the native REST API, version 1, under `/api/v1`.
//!
//! ```text
//! GET    /health                                       liveness (no /api/v1)
//! GET    /openapi.json                                 the API's description
//! GET    /info                                         Info
//! GET    /projects                                     ProjectList
//! GET    /experiments?project=                         ExperimentList
//! GET    /runs?project=&experiment=&state=a,b&group=&adapter=&q=&sort=&order=asc|desc&limit=&cursor=   RunPage
//! POST   /runs                                         RunsCreate -> RunsCreated   (idempotent by run id)
//! GET    /runs/{run}                                   RunDetail   ({run}: id or unique prefix)
//! PATCH  /runs/{run}                                   RunPatch -> RunSummary
//! DELETE /runs/{run}                                   204
//! POST   /runs/{run}/stop                              RunSummary
//! POST   /runs/{run}/attempts                          AttemptCreate -> AttemptView
//! GET    /runs/{run}/attempts/{number}/offsets         Offsets
//! POST   /runs/{run}/attempts/{number}/start           AttemptStart -> AttemptReply
//! POST   /runs/{run}/attempts/{number}/heartbeat       Heartbeat -> AttemptReply
//! POST   /runs/{run}/attempts/{number}/events          EventBatch -> EventBatchReply (409 Misaligned)
//! POST   /runs/{run}/attempts/{number}/logs/{stream}?offset=   bytes -> LogReply (409 Misaligned)
//! POST   /runs/{run}/attempts/{number}/finish          AttemptFinish -> AttemptReply
//! GET    /runs/{run}/artifacts                         ArtifactList
//! GET    /runs/{run}/artifacts/content?path=           bytes, always as attachment
//! PUT    /runs/{run}/artifacts/content?path=&attempt=&kind=&hash=   bytes -> ArtifactView
//! GET    /runs/{run}/metrics                           MetricList
//! POST   /series/query                                 SeriesQuery -> SeriesReply
//! GET    /runs/{run}/logs                              LogList
//! GET    /runs/{run}/logs/{stream}?attempt=&offset=&limit=&tail=   bytes; headers mlhub-log-offset, mlhub-log-size
//! GET    /runs/{run}/records?kind=&limit=              RecordList
//! GET    /runs/{run}/evaluations                       EvaluationList
//! POST   /runs/{run}/evaluations                       evaluates stored predictions again -> EvaluationList
//! GET    /evaluations/{id}                             EvaluationDetail (with curves)
//! POST   /compare                                      CompareRequest -> Comparison
//! GET    /datasets                                     DatasetList
//! POST   /datasets                                     DatasetRegister -> DatasetVersionView
//! GET    /datasets/{name}?version=                     DatasetDetail
//! POST   /datasets/{name}/versions/{version}/splits    SplitRegister -> SplitView
//! GET    /adapters                                     AdapterList
//! POST   /adapters                                     AdapterSeen -> 204
//! GET    /metric-definitions                           DefinitionList
//! GET    /events?run=                                  server-sent events: `run` (RunChanged), `hello`, `reset`
//! ```
//! Errors are `application/problem+json` ([`Problem`]). Unknown fields in
//! requests are refused; readers of answers ignore fields they do not know.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::number::Number;

/// An error answer, RFC 9457.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `about:blank#<kind>`, such as `about:blank#not_found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What, where, and what to do.
    pub detail: String,
    /// Machine-readable details, when there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub details: Option<Value>,
}

/// What hub this is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Info {
    /// `mlhub`.
    pub name: String,
    /// The hub's version.
    pub version: String,
    /// `sqlite` or `postgresql`.
    pub store: String,
    /// Who you are.
    pub user: String,
    /// Your role.
    pub role: String,
    /// The machine the hub runs on.
    pub host: String,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProjectView {
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Runs in it.
    pub run_count: u64,
    /// Milliseconds since the epoch.
    pub last_activity_at: Option<i64>,
}

/// All projects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProjectList {
    /// Last active first.
    pub projects: Vec<ProjectView>,
}

/// An experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExperimentView {
    /// Its project.
    pub project: String,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Runs in it.
    pub run_count: u64,
}

/// Experiments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExperimentList {
    /// Newest first.
    pub experiments: Vec<ExperimentView>,
}

/// Makes runs that differ only in their seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunsCreate {
    /// The project; made when it does not exist.
    pub project: String,
    /// The experiment; made when it does not exist.
    pub experiment: String,
    /// The adapter's name.
    #[serde(default)]
    pub adapter: Option<String>,
    /// The adapter's version.
    #[serde(default)]
    pub adapter_version: Option<String>,
    /// `name@version` of the dataset.
    #[serde(default)]
    pub dataset: Option<String>,
    /// Free text, Markdown.
    #[serde(default)]
    pub notes: String,
    /// Flat params with dotted keys.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// All that reproduces the runs; each run gets its own seed beside it.
    pub snapshot: Snapshot,
    /// The machine that will run them.
    #[serde(default)]
    pub host: Option<String>,
    /// The seed group; made by the hub when absent and there are several runs.
    #[serde(default)]
    pub group: Option<String>,
    /// The runs.
    pub runs: Vec<RunSeed>,
}

/// One run to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunSeed {
    /// Its id, when the client chooses it; repeating the call is then harmless.
    #[serde(default)]
    pub id: Option<String>,
    /// Its name; made from experiment and seed when absent.
    #[serde(default)]
    pub name: Option<String>,
    /// Its seed.
    #[serde(default)]
    pub seed: Option<i64>,
}

/// All that reproduces a run, version 1. Absent parts are unknown, never guessed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Snapshot {
    /// Version of this document, now 1.
    pub version: u32,
    /// The resolved config, whole, secrets redacted.
    #[schema(value_type = Object)]
    pub config: Value,
    /// Where each value came from, by dotted path.
    #[schema(value_type = Object)]
    pub origins: Value,
    /// What differs from the adapter's defaults.
    #[schema(value_type = Object)]
    pub changes_from_defaults: Value,
    /// Defaults that changed since the adapter version used before in this experiment.
    #[schema(value_type = Object)]
    pub default_changes: Value,
    /// Name, version, digest and source of the adapter.
    #[schema(value_type = Object)]
    pub adapter: Value,
    /// Fingerprint, interpreter, packages of the environment.
    #[schema(value_type = Object)]
    pub environment: Value,
    /// Host, operating system, processor, memory, GPUs.
    #[schema(value_type = Object)]
    pub machine: Value,
    /// Git commit, branch, remote, patch of uncommitted changes.
    #[schema(value_type = Object)]
    pub code: Value,
    /// Dataset version, fingerprint, split hash.
    #[schema(value_type = Object)]
    pub dataset: Value,
    /// The command, placeholders unexpanded.
    pub command: Vec<String>,
    /// What is to be evaluated when the run ends.
    pub evaluation: Option<EvaluationPlan>,
    /// What a person should know about reproducibility.
    pub warnings: Vec<String>,
}

/// What is to be evaluated when a run ends.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationPlan {
    /// `binary`, `multiclass`, `regression`; found from the predictions when absent.
    pub task: Option<String>,
    /// Metric ids or names; all of the task when empty.
    pub metrics: Vec<String>,
    /// The splits to be answered for.
    pub splits: BTreeMap<String, ExpectedSplit>,
    /// Bootstrap resamples; 0 for none.
    pub bootstrap_samples: u32,
    /// Seed of the bootstrap.
    pub bootstrap_seed: u64,
    /// The label that counts as positive in a binary task.
    pub positive_label: Option<String>,
}

/// The rows an evaluation expects predictions for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExpectedSplit {
    /// How many.
    pub rows: u64,
    /// Their ids, when the dataset names rows; else ids are 0..rows.
    pub ids: Option<Vec<String>>,
    /// The split file's content fingerprint.
    pub fingerprint: Option<String>,
}

/// The runs made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunsCreated {
    /// The seed group, when there are several.
    pub group: Option<String>,
    /// The runs, in the order asked for.
    pub runs: Vec<RunSummary>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExitView {
    /// The exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

/// Why a run did not finish.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FailureView {
    /// The class, such as `command_not_found` (see `mlhub_core::run::FailureClass`).
    pub class: String,
    /// One paragraph.
    pub message: String,
    /// The lines that show it.
    #[serde(default)]
    pub evidence: Vec<String>,
}

/// A run, as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunSummary {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its project.
    pub project: String,
    /// Its experiment.
    pub experiment: String,
    /// `queued`, `running`, `finished`, `failed`, `stopped`, `lost`.
    pub state: String,
    /// Its adapter.
    pub adapter: Option<String>,
    /// Its adapter's version.
    pub adapter_version: Option<String>,
    /// Its seed.
    pub seed: Option<i64>,
    /// Its seed group.
    pub group: Option<String>,
    /// `name@version` of its dataset.
    pub dataset: Option<String>,
    /// Who made it.
    pub owner: String,
    /// The number of its newest attempt.
    pub attempt: u32,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub started_at: Option<i64>,
    /// Milliseconds since the epoch.
    pub ended_at: Option<i64>,
    /// Whether it was asked to stop.
    pub stop_requested: bool,
    /// How it ended.
    pub exit: Option<ExitView>,
    /// Why it did not finish.
    pub failure: Option<FailureView>,
    /// Flat params.
    pub params: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Last value of each logged metric, and each evaluated metric as
    /// `<split>/<name>`; metrics of the machine (`system/…`) are left out.
    pub metrics: BTreeMap<String, Number>,
    /// Intervals of evaluated metrics, by the same key.
    pub intervals: BTreeMap<String, IntervalView>,
}

/// An interval of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IntervalView {
    /// Lower end.
    pub low: Number,
    /// Upper end.
    pub high: Number,
}

/// A page of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunPage {
    /// The rows.
    pub runs: Vec<RunSummary>,
    /// Give it as `cursor` for the next page.
    pub next_cursor: Option<String>,
    /// Rows that match in all.
    pub total: u64,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    /// Its number, from 1.
    pub number: u32,
    /// Its state.
    pub state: String,
    /// The machine.
    pub host: Option<String>,
    /// The step it resumed from.
    pub resumed_from_step: Option<i64>,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub started_at: Option<i64>,
    /// Milliseconds since the epoch.
    pub ended_at: Option<i64>,
    /// Milliseconds since the epoch.
    pub heartbeat_at: Option<i64>,
    /// How it ended.
    pub exit: Option<ExitView>,
    /// Why it did not finish.
    pub failure: Option<FailureView>,
}

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunDetail {
    /// What lists show.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// Free text, Markdown.
    pub notes: String,
    /// All that reproduces it.
    pub snapshot: Snapshot,
    /// Its attempts, oldest first.
    pub attempts: Vec<AttemptView>,
    /// Its evaluations, without curves.
    pub evaluations: Vec<EvaluationView>,
}

/// Changes to a run; absent fields stay.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunPatch {
    /// A new name.
    pub name: Option<String>,
    /// New notes.
    pub notes: Option<String>,
    /// Tags to set (text) or remove (null).
    pub tags: BTreeMap<String, Option<String>>,
}

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

/// One evaluated metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvaluatedMetricView {
    /// Its name.
    pub name: String,
    /// `name@version`.
    pub definition: String,
    /// Hash of the definition.
    pub definition_hash: String,
    /// Direction in which it gets better.
    pub direction: String,
    /// The value.
    pub value: Number,
    /// Its interval.
    pub interval: Option<MetricIntervalView>,
    /// Examples it was computed from.
    pub n: u64,
    /// What a reader should know.
    pub note: Option<String>,
}

/// An interval and how it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricIntervalView {
    /// Lower end.
    pub low: Number,
    /// Upper end.
    pub high: Number,
    /// Such as 0.95.
    pub confidence: f64,
    /// Such as `percentile bootstrap`.
    pub method: String,
    /// Resamples.
    pub samples: u32,
    /// Seed of the resampling.
    pub seed: u64,
}

/// A metric that could not be computed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SkippedMetricView {
    /// `name@version`.
    pub definition: String,
    /// Why.
    pub reason: String,
}

/// An evaluation without curves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvaluationView {
    /// Its identifier.
    pub id: String,
    /// The run.
    pub run: String,
    /// The split.
    pub split: String,
    /// `pending`, `done`, `failed`.
    pub state: String,
    /// Why it failed.
    pub message: Option<String>,
    /// The task.
    pub task: Option<String>,
    /// Examples.
    pub n: Option<u64>,
    /// The numbers.
    pub metrics: Vec<EvaluatedMetricView>,
    /// What could not be computed.
    pub skipped: Vec<SkippedMetricView>,
    /// What the numbers stand on.
    pub receipt: Receipt,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub ended_at: Option<i64>,
}

/// What an evaluation stands on. `verified` is true only when nothing is missing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// Whether every part below is known.
    pub verified: bool,
    /// Parts that are missing.
    pub missing: Vec<String>,
    /// Hash of the predictions.
    pub predictions_hash: String,
    /// Path of the predictions.
    pub predictions_path: String,
    /// Hash of the model artifact.
    pub model_hash: Option<String>,
    /// `name@version` of the dataset.
    pub dataset: Option<String>,
    /// The split file's fingerprint.
    pub split_fingerprint: Option<String>,
    /// Git commit, with `+changes` when there are uncommitted ones.
    pub code: Option<String>,
    /// Fingerprint of the environment.
    pub environment: Option<String>,
}

/// Evaluations of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvaluationList {
    /// By split.
    pub evaluations: Vec<EvaluationView>,
}

/// An evaluation with its curves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvaluationDetail {
    /// The numbers.
    #[serde(flatten)]
    pub evaluation: EvaluationView,
    /// Confusion matrix, ROC, precision-recall, calibration, residuals
    /// (`mlhub_eval::Curves`).
    #[schema(value_type = Object)]
    pub curves: Option<Value>,
}

/// Runs to compare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareRequest {
    /// Two or more run ids (or unique prefixes).
    pub runs: Vec<String>,
}

/// A comparison. Columns of every row are in the order of `runs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// The runs.
    pub runs: Vec<RunSummary>,
    /// Config values that differ.
    pub config: Vec<ConfigRow>,
    /// Metrics.
    pub metrics: Vec<MetricRow>,
    /// Groups of runs that differ only in seed.
    pub groups: Vec<GroupSummary>,
    /// What a reader should know, such as different splits.
    pub warnings: Vec<String>,
}

/// A config value that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConfigRow {
    /// Dotted path.
    pub path: String,
    /// The values; null where absent.
    #[schema(value_type = Vec<Object>)]
    pub values: Vec<Value>,
}

/// A metric over runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricRow {
    /// `<split>/<name>` for evaluated metrics, else the logged name.
    pub name: String,
    /// `name@version` for evaluated metrics.
    pub definition: Option<String>,
    /// Direction in which it gets better.
    pub direction: String,
    /// The values.
    pub values: Vec<Option<Number>>,
    /// Their intervals.
    pub intervals: Vec<Option<IntervalView>>,
    /// Index of the best value, when there is one best.
    pub best: Option<u32>,
}

/// A seed group in a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GroupSummary {
    /// The group's id, or the run's own where it has none.
    pub group: String,
    /// The experiment.
    pub experiment: String,
    /// The adapter.
    pub adapter: Option<String>,
    /// Its runs.
    pub runs: Vec<String>,
    /// Metrics over its seeds.
    pub metrics: BTreeMap<String, SeedStatistics>,
}

/// A metric over seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeedStatistics {
    /// Runs with a value.
    pub n: u32,
    /// Mean.
    pub mean: Number,
    /// Sample standard deviation (n - 1); absent for one run.
    pub std: Option<Number>,
    /// Smallest.
    pub min: Number,
    /// Largest.
    pub max: Number,
    /// 95 % Student interval of the mean; absent for one run.
    pub interval: Option<IntervalView>,
}

/// Registers a content of a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetRegister {
    /// The dataset's name.
    pub name: String,
    /// What it is, source, licence.
    #[serde(default)]
    pub description: String,
    /// The content fingerprint.
    pub fingerprint: String,
    /// `csv`, `parquet`, `jsonl`, `npz`, `image_folder`, `folder`.
    pub format: String,
    /// Where it is, as the registering machine sees it; inert text for the hub.
    pub source: String,
    /// Rows.
    #[serde(default)]
    pub rows: Option<u64>,
    /// Bytes.
    pub size_bytes: u64,
    /// Columns, files and statistics; never samples.
    #[schema(value_type = Object)]
    pub inspection: Value,
}

/// A version of a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DatasetVersionView {
    /// The dataset's name.
    pub name: String,
    /// The version's number.
    pub version: u32,
    /// The content fingerprint.
    pub fingerprint: String,
    /// The format.
    pub format: String,
    /// Where it was registered from.
    pub source: String,
    /// Rows.
    pub rows: Option<u64>,
    /// Bytes.
    pub size_bytes: u64,
    /// Columns, files and statistics.
    #[schema(value_type = Object)]
    pub inspection: Value,
    /// Who registered it.
    pub owner: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
}

/// A dataset in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DatasetView {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// The newest version's number.
    pub latest_version: u32,
}

/// All datasets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DatasetList {
    /// By name.
    pub datasets: Vec<DatasetView>,
}

/// A dataset with its versions and the splits of the version shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DatasetDetail {
    /// What it is.
    pub description: String,
    /// The version asked for, or the newest.
    pub current: DatasetVersionView,
    /// All versions, newest first.
    pub versions: Vec<DatasetVersionView>,
    /// Splits of the version shown.
    pub splits: Vec<SplitView>,
}

/// Stores a split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitRegister {
    /// Hash of the plan.
    pub hash: String,
    /// What it was made from.
    #[schema(value_type = Object)]
    pub spec: Value,
    /// Parts with rows and fingerprints, and the leakage report.
    #[schema(value_type = Object)]
    pub parts: Value,
}

/// A stored split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SplitView {
    /// Hash of the plan.
    pub hash: String,
    /// What it was made from.
    #[schema(value_type = Object)]
    pub spec: Value,
    /// Parts with rows and fingerprints, and the leakage report.
    #[schema(value_type = Object)]
    pub parts: Value,
    /// Milliseconds since the epoch.
    pub created_at: i64,
}

/// Tells the hub of an adapter version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdapterSeen {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its manifest, with the config schema under `schema`.
    #[schema(value_type = Object)]
    pub manifest: Value,
}

/// An adapter the hub knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AdapterView {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// One sentence.
    pub description: String,
    /// Where it comes from: `bundled`, `data directory`, `seen in runs`, ...
    pub source: String,
    /// What it can do.
    pub capabilities: Vec<String>,
    /// Tasks it can be evaluated on.
    pub tasks: Vec<String>,
    /// Why it cannot be used, when it cannot.
    pub problem: Option<String>,
    /// Its config schema.
    #[schema(value_type = Object)]
    pub schema: Option<Value>,
}

/// Adapters the hub knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AdapterList {
    /// By name; broken ones are named with their reason.
    pub adapters: Vec<AdapterView>,
}

/// A metric definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DefinitionView {
    /// `name@version`.
    pub id: String,
    /// Its hash.
    pub hash: String,
    /// The whole definition.
    #[schema(value_type = Object)]
    pub definition: Value,
}

/// Metric definitions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DefinitionList {
    /// By id.
    pub definitions: Vec<DefinitionView>,
}

/// A server-sent event: something of a run changed; fetch what you show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunChanged {
    /// The run.
    pub run: String,
    /// Its project.
    pub project: String,
    /// Its state.
    pub state: String,
    /// What changed: `state`, `metrics`, `logs`, `artifacts`, `evaluation`, `tags`, `records`.
    pub changed: Vec<String>,
}
