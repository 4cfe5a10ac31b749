//! The run directory, version 1: the contract between the hub and any program.
//!
//! `<data directory>/runs/<run id>/<attempt>/` holds
//! ```text
//! run.json         in   what to do: params, seed, dataset paths, resume point
//! launch.json      in   how to start it: argv, environment (mode 0600)
//! events/*.jsonl   out  append-only event files, one per writer
//! stdout.log  stderr.log    the program's output, byte for byte but for masked secrets
//! checkpoints/  predictions/  artifacts/   out
//! exit.json        how the program ended, written by its parent (or by the SDK)
//! sdk.json         in place of run.json and launch.json: a run that `mlhub.init()` made
//! ranks/*.json     its processes, when there are several
//! stop             present: the program is not to be started
//! supervisor.json  who minds it, what was shipped
//! ```
//! Readers tolerate unknown fields and refuse a greater `version`; writers
//! write files whole by rename.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version this crate writes, and the greatest it reads.
pub const RUN_DIR_VERSION: u32 = 1;

/// Names of the files and folders in a run directory.
pub mod names {
    /// Resolved input for the program.
    pub const RUN: &str = "run.json";
    /// How to start the program.
    pub const LAUNCH: &str = "launch.json";
    /// Folder of event files.
    pub const EVENTS: &str = "events";
    /// Captured standard output.
    pub const STDOUT: &str = "stdout.log";
    /// Captured standard error.
    pub const STDERR: &str = "stderr.log";
    /// Folder of checkpoints.
    pub const CHECKPOINTS: &str = "checkpoints";
    /// Folder of prediction files, one per split.
    pub const PREDICTIONS: &str = "predictions";
    /// Folder of artifacts.
    pub const ARTIFACTS: &str = "artifacts";
    /// The program's end, written by its parent.
    pub const EXIT: &str = "exit.json";
    /// The supervisor's own record.
    pub const SUPERVISOR: &str = "supervisor.json";
    /// What the SDK wants of a forwarder.
    pub const SDK: &str = "sdk.json";
    /// What was captured after `sdk.json` was written.
    pub const CAPTURE: &str = "capture.json";
    /// Folder with a file per rank.
    pub const RANKS: &str = "ranks";
    /// Present when somebody on this machine asked that the program be stopped,
    /// or never started; its content does not matter.
    pub const STOP: &str = "stop";
    /// Held by the living supervisor.
    pub const SUPERVISOR_LOCK: &str = "supervisor.lock";
    /// The shim's record of the program it started.
    pub const PROGRAM: &str = "program.json";
    /// Environment variable that names the run directory to the program.
    pub const ENV_RUN_DIR: &str = "MLHUB_RUN_DIR";
    /// Environment variable with the run's id.
    pub const ENV_RUN_ID: &str = "MLHUB_RUN_ID";
    /// Environment variable with the run's seed.
    pub const ENV_SEED: &str = "MLHUB_SEED";
}

/// `run.json`: what the program is asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// [`RUN_DIR_VERSION`].
    pub version: u32,
    /// Who the run is.
    pub run: RunIdentity,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The seed for every random generator of the program.
    pub seed: i64,
    /// Whether this is a smoke run: tiny data, ends in seconds.
    #[serde(default)]
    pub smoke: bool,
    /// The adapter's params, checked against its schema, defaults filled in.
    pub params: serde_json::Map<String, Value>,
    /// The task, when known: `binary`, `multiclass`, `regression`, ...
    #[serde(default)]
    pub task: Option<String>,
    /// The dataset to read, when there is one.
    #[serde(default)]
    pub dataset: Option<DatasetInput>,
    /// Splits to write predictions for.
    #[serde(default)]
    pub predict_splits: Vec<String>,
    /// Where to go on, when this attempt resumes an earlier one.
    #[serde(default)]
    pub resume: Option<ResumePoint>,
    /// What the program may use.
    #[serde(default)]
    pub resources: Resources,
    /// The trained model to load, when the program is to serve or export one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelInput>,
    /// What the program is to write, when it is to export a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<ExportInput>,
    /// The whole resolved config.
    pub config: Value,
}

/// The trained model a program loads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInput {
    /// Absolute folder with the model's files, each at its path below `artifacts/`.
    pub path: String,
}

/// What a program exports a model to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportInput {
    /// The format, such as `onnx`.
    pub format: String,
}

/// Who a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunIdentity {
    /// Its identifier.
    pub id: String,
    /// Its project.
    pub project: String,
    /// Its experiment.
    pub experiment: String,
    /// Its name.
    pub name: String,
    /// Its seed group.
    #[serde(default)]
    pub group: Option<String>,
}

/// The dataset a program reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetInput {
    /// The dataset's name.
    pub name: String,
    /// Its version's number.
    pub version: u32,
    /// Its content fingerprint.
    pub fingerprint: String,
    /// `csv`, `parquet`, `jsonl`, `npz`, `image_folder`, `folder`.
    pub format: String,
    /// The column or array to predict.
    #[serde(default)]
    pub target: Option<String>,
    /// The column that names rows; without it a row's id is its zero-based
    /// position in its split's file.
    #[serde(default)]
    pub id: Option<String>,
    /// The files to read, by split name. Absolute paths.
    pub splits: BTreeMap<String, SplitInput>,
}

/// One split's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitInput {
    /// Absolute path.
    pub path: String,
    /// Rows in it.
    pub rows: u64,
    /// Its content fingerprint.
    pub fingerprint: String,
}

/// Where a resumed attempt goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumePoint {
    /// The step of the checkpoint.
    pub step: i64,
    /// Absolute path of the checkpoint (file or folder).
    pub checkpoint: String,
}

/// What a program may use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    /// Processor cores.
    #[serde(default)]
    pub cpus: Option<u32>,
    /// Memory in bytes.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
    /// Number of GPUs.
    #[serde(default)]
    pub gpus: u32,
}

/// `launch.json`: how to start and mind the program. Mode 0600, never shipped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LaunchFile {
    /// [`RUN_DIR_VERSION`].
    pub version: u32,
    /// The program and its arguments; never a shell line.
    pub argv: Vec<String>,
    /// Absolute working directory.
    pub cwd: String,
    /// The whole environment of the program: nothing is inherited beyond it.
    pub env: BTreeMap<String, String>,
    /// Where the hub is.
    pub hub: HubAddress,
    /// The machine that runs it.
    pub host: String,
    /// Seconds between SIGTERM and SIGKILL when stopping.
    pub grace_seconds: u32,
    /// Seconds after which the program is stopped.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
    /// What the program and all it starts may take at most.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// Whether JSON lines with an event on standard output are events.
    #[serde(default)]
    pub stdout_events: bool,
    /// How to read metrics from log lines.
    #[serde(default)]
    pub log_metrics: Vec<LogMetric>,
    /// Whether secrets in the output are masked before it is written, and printed data is
    /// warned of.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub log_scan: bool,
    /// Seconds between samples of system metrics.
    pub system_interval_seconds: u32,
    /// Order among prepared runs of this machine: smaller starts first.
    pub queue_position: u64,
}

/// What a program and all the processes it starts may take together. Where nothing
/// is said, the supervisor's own defaults hold; memory has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory in bytes, shared pages counted once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Processes living at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
    /// Bytes of standard output and standard error together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
    /// Open files of one process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
}

impl Limits {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a hub is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HubAddress {
    /// Read `hub.json` of this data directory at every (re)connection.
    DataDir(String),
    /// A fixed URL.
    Url(String),
}

/// Reads metrics from lines of a log by a regular expression.
///
/// Named groups are metric names, except `step`, which gives the step; without
/// it, steps count matches from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogMetric {
    /// `stdout` or `stderr`.
    pub stream: String,
    /// The expression (Rust `regex` syntax, linear time).
    pub pattern: String,
}

/// `hub.json` in a data directory: where its hub listens now. Mode 0600.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubFile {
    /// [`RUN_DIR_VERSION`].
    pub version: u32,
    /// Base URL, such as `http://127.0.0.1:7070`.
    pub url: String,
    /// The hub's process.
    pub process: ProcessIdentity,
    /// Who can read this file may act for the owner of the data directory: a
    /// token of this hub process, where the hub asks for tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Whether it serves only for want of another, and makes way for one that
    /// says so in `hub.wanted`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yields: bool,
}

/// Names a process so that a reused process id cannot be mistaken for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// Process id.
    pub pid: i32,
    /// Start time in clock ticks since boot (`/proc/PID/stat`, field 22).
    pub start_ticks: u64,
    /// The boot it belongs to (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: String,
}

/// `program.json`: written by the shim once the program is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramFile {
    /// [`RUN_DIR_VERSION`].
    pub version: u32,
    /// The program; leader of its own process group.
    pub program: ProcessIdentity,
    /// The program's parent.
    pub shim: ProcessIdentity,
    /// When it started, milliseconds since the epoch.
    pub started_at_ms: i64,
}

/// `exit.json`: how the program ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitFile {
    /// [`RUN_DIR_VERSION`].
    pub version: u32,
    /// Its exit code, when it exited by itself.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Why it could not be started, when it could not.
    #[serde(default)]
    pub spawn_error: Option<String>,
    /// When it ended, milliseconds since the epoch.
    pub ended_at_ms: i64,
}

/// `supervisor.json`: what the supervisor knows and has shipped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SupervisorFile {
    /// [`RUN_DIR_VERSION`].
    pub version: u32,
    /// The supervisor that wrote this.
    pub supervisor: ProcessIdentity,
    /// Why it asked the program to stop, when it did: `request`, `timeout`,
    /// `memory_limit`, `process_limit`, `output_limit`.
    #[serde(default)]
    pub stop_cause: Option<String>,
    /// What was measured when the program passed that limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_measured: Option<u64>,
    /// Bytes shipped and acknowledged, by stream (`events/…`, `stdout`, ...).
    #[serde(default)]
    pub offsets: BTreeMap<String, u64>,
    /// Files shipped, by path, with their hash.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Whether the end and everything before it are on the hub.
    #[serde(default)]
    pub shipped: bool,
    /// The attempt that a forwarder ships to, once the hub made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Why the hub does not take the run, when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// `sdk.json`: a run that a program made by itself, through the SDK. There is no
/// `run.json` and no `launch.json` beside it: nobody starts the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SdkFile {
    /// [`RUN_DIR_VERSION`].
    pub version: u32,
    /// Who the run is.
    pub run: SdkRun,
    /// What this directory is to the run.
    #[serde(default)]
    pub role: SdkRole,
    /// `online`: a forwarder ships it; `offline`: `mlhub sync` does.
    #[serde(default)]
    pub mode: SdkMode,
    /// Where the hub is; what command line and environment say when absent.
    #[serde(default)]
    pub hub: Option<HubAddress>,
    /// The run's seed, when there is one.
    #[serde(default)]
    pub seed: Option<i64>,
    /// Params with dotted names.
    #[serde(default)]
    pub params: BTreeMap<String, Value>,
    /// The config as it was given, nested.
    #[serde(default)]
    pub config: Value,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Free text, Markdown.
    #[serde(default)]
    pub notes: String,
    /// Parts of the snapshot (`code`, `environment`, `machine`, `command`, `warnings`, ...).
    #[serde(default)]
    pub snapshot: Value,
    /// Whether more of the snapshot comes in `capture.json`.
    #[serde(default)]
    pub capture_pending: bool,
    /// The process that made the run.
    pub process: ProcessIdentity,
    /// When it did, milliseconds since the epoch.
    pub started_at_ms: i64,
    /// Its machine.
    pub host: String,
    /// Present: a new attempt of a run that exists.
    #[serde(default)]
    pub resume: Option<SdkResume>,
    /// Whether the process may be asked to stop by SIGTERM.
    #[serde(default = "yes")]
    pub stoppable: bool,
    /// Seconds between samples of system metrics; 0 for none.
    #[serde(default = "default_system_interval_seconds")]
    pub system_interval_seconds: u32,
}

const fn yes() -> bool {
    true
}

const fn default_system_interval_seconds() -> u32 {
    2
}

/// Who a run of the SDK is. Names may be any text: what cannot be a name is
/// changed until it can, and that is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SdkRun {
    /// Its identifier, the SDK's choice.
    pub id: String,
    /// Its project.
    pub project: String,
    /// Its experiment; the project's name when absent.
    #[serde(default)]
    pub experiment: Option<String>,
    /// Its name; made by the hub when absent.
    #[serde(default)]
    pub name: Option<String>,
    /// Its group.
    #[serde(default)]
    pub group: Option<String>,
}

/// What a directory is to its run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SdkRole {
    /// The run starts and ends with the process of this directory.
    #[default]
    Main,
    /// Ranks of another machine write here: events and files are shipped, start
    /// and end are told from elsewhere.
    Worker,
}

/// Who ships a run of the SDK.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SdkMode {
    /// A forwarder that the SDK starts.
    #[default]
    Online,
    /// `mlhub sync`.
    Offline,
}

/// Where a run goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SdkResume {
    /// What was logged after this step is superseded; nothing when absent.
    #[serde(default)]
    pub step: Option<i64>,
}

/// `ranks/<writer>.json`: one process of a run that has several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankFile {
    /// [`RUN_DIR_VERSION`].
    pub version: u32,
    /// Its rank among all processes.
    pub rank: u32,
    /// How many processes there are.
    #[serde(default)]
    pub world_size: u32,
    /// Its machine.
    #[serde(default)]
    pub host: String,
    /// The process.
    pub process: ProcessIdentity,
    /// Milliseconds since the epoch.
    pub started_at_ms: i64,
    /// When it said that it is done, milliseconds since the epoch.
    #[serde(default)]
    pub ended_at_ms: Option<i64>,
}
