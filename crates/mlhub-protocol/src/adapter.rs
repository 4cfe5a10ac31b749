//! `adapter.toml`, protocol version 1: what an adapter says of itself.
//!
//! The prose with MUST and SHOULD is `adapters/SPEC.md`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::run_dir::LogMetric;

/// The adapter protocol this hub speaks.
pub const ADAPTER_PROTOCOL: u32 = 1;

/// Exit codes with a meaning; any other non-zero code is a plain failure.
pub mod exit_code {
    /// The config was refused; an `error` event names the field.
    pub const CONFIG: i32 = 64;
    /// The dataset was refused; an `error` event says why.
    pub const DATASET: i32 = 65;
    /// The adapter does not support what was asked.
    pub const UNSUPPORTED: i32 = 69;
}

/// The manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`ADAPTER_PROTOCOL`].
    pub protocol: u32,
    /// Lower-case letters, digits and `-`; unique among adapters.
    pub name: String,
    /// Semantic version; defaults may only change with it.
    pub version: String,
    /// One sentence.
    pub description: String,
    /// What it can do.
    pub capabilities: Vec<Capability>,
    /// Tasks it can be evaluated on: `binary`, `multiclass`, `regression`, ...
    #[serde(default)]
    pub tasks: Vec<String>,
    /// How its environment is made.
    pub environment: Environment,
    /// The commands, by capability. Each element is one argument; placeholders:
    /// `{run}` run directory, `{adapter}` adapter folder, `{python}` the
    /// environment's interpreter, `{mlhub}` this hub's binary, `{config}` the
    /// written config file, `{seed}`, `{project}` the experiment file's folder,
    /// `{params.NAME}` a param (an array param alone in its element is spliced).
    pub commands: BTreeMap<Capability, Vec<String>>,
    /// Where commands run: `run` (the run directory, default) or `project`.
    #[serde(default)]
    pub working_directory: WorkingDirectory,
    /// Its params.
    pub config: ConfigSection,
    /// What it needs of a dataset.
    #[serde(default)]
    pub dataset: DatasetSection,
    /// How its metrics are shown, by name or `prefix/*`.
    #[serde(default)]
    pub metrics: BTreeMap<String, MetricMapping>,
    /// How metrics are read from its output.
    #[serde(default)]
    pub output: OutputSection,
    /// What it exports models to.
    #[serde(default)]
    pub export: ExportSection,
    /// Metric definitions it brings, by the part of their names after `ADAPTER.`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub definitions: BTreeMap<String, DefinitionSection>,
    /// The tiny run that ends in seconds.
    pub smoke: SmokeSection,
}

/// What an adapter can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Trains a model.
    Train,
    /// Goes on from a checkpoint.
    Resume,
    /// Writes predictions for the splits asked for.
    Evaluate,
    /// Answers single inputs.
    Predict,
    /// Writes the model in a portable format.
    Export,
    /// Builds an index.
    Index,
    /// Answers queries on an index.
    Search,
    /// Tells what its libraries take for arguments that are left out.
    Defaults,
    /// Computes the metrics it defines over stored predictions.
    Metrics,
}

/// The file in the run directory in which a program of [`Capability::Defaults`] answers.
pub const DEFAULTS_FILE: &str = "defaults.json";

/// What libraries take for arguments that an experiment leaves out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LibraryDefaults {
    /// What takes the arguments; defaults of two subjects are not compared.
    pub subject: String,
    /// Versions of the libraries, by name.
    #[serde(default)]
    pub libraries: BTreeMap<String, String>,
    /// The defaults, by the argument's name.
    pub values: BTreeMap<String, serde_json::Value>,
}

/// How an adapter's environment is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Environment {
    /// Nothing is needed beyond the hub's own binary.
    None,
    /// Commands that must be on the machine already.
    System {
        /// Their names.
        #[serde(default)]
        requires: Vec<String>,
    },
    /// The user's own Python, for adapters whose models are the user's code: the
    /// first interpreter that has the packages, else an environment built from the
    /// lock file.
    Python {
        /// What must be installed: `torch>=1.13`, `numpy>=1.20,<3`, `pillow`.
        packages: Vec<String>,
        /// The lock file for those who have no such Python.
        lock: String,
        /// Oldest Python that works, such as `3.9`.
        python: String,
    },
    /// A Python virtual environment built from a lock file, cached by fingerprint.
    Venv {
        /// The lock file (pip requirements with exact versions) in the adapter folder.
        lock: String,
        /// Oldest Python that works, such as `3.9`.
        python: String,
    },
}

/// Where commands run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkingDirectory {
    /// In the run directory.
    #[default]
    Run,
    /// In the folder of the experiment file.
    Project,
}

/// An adapter's params.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigSection {
    /// JSON Schema file in the adapter folder (draft 2020-12; `default`,
    /// `description`, `x-unit`, `x-search` are used).
    pub schema: String,
    /// Format of the file at `{config}`: `json`, `yaml`, `toml` or `none`.
    #[serde(default = "default_format")]
    pub format: String,
}

fn default_format() -> String {
    "json".to_owned()
}

/// What an adapter needs of a dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatasetSection {
    /// Whether an experiment must name one.
    pub required: bool,
    /// Formats it reads; empty means any.
    pub formats: Vec<String>,
    /// Whether a target must be named.
    pub target_required: bool,
    /// Whether the order of its rows has a meaning, as time has: a shuffled split is refused.
    pub ordered: bool,
}

/// How a metric is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricMapping {
    /// What people call it.
    pub label: Option<String>,
    /// `maximize`, `minimize` or `none`.
    pub direction: Option<String>,
    /// The section of the chart grid.
    pub group: Option<String>,
    /// Its unit.
    pub unit: Option<String>,
    /// The metric definition it claims to be, `name@version`.
    pub definition: Option<String>,
}

/// How metrics are read from output.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutputSection {
    /// Whether JSON lines on standard output are events.
    pub stdout_events: bool,
    /// Regular expressions over log lines.
    pub log_metrics: Vec<LogMetric>,
    /// A param that holds further regular expressions (array of strings, read on
    /// standard output), for adapters that run anything.
    pub log_metrics_param: Option<String>,
}

/// What an adapter exports models to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExportSection {
    /// The formats, such as `onnx`; at least one with the capability `export`.
    pub formats: Vec<String>,
}

/// The smoke run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmokeSection {
    /// Params that make any experiment's run tiny.
    pub params: BTreeMap<String, Value>,
    /// Params that go with `dataset`, for the conformance check: which model, which
    /// columns. They are never laid over an experiment.
    pub check_params: BTreeMap<String, Value>,
    /// Rows of the dataset at most.
    pub rows: Option<u64>,
    /// A dataset file in the adapter folder for the conformance check.
    pub dataset: Option<String>,
    /// Its target.
    pub target: Option<String>,
    /// The task it is evaluated on.
    pub task: Option<String>,
}

/// A metric that an adapter defines and computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefinitionSection {
    /// Its version, from 1; another content or another implementation needs another one.
    pub version: u32,
    /// Tasks it is defined for.
    pub tasks: Vec<String>,
    /// Parameters that change the value; the program is given them.
    #[serde(default)]
    pub params: BTreeMap<String, Value>,
    /// `maximize`, `minimize` or `none`.
    pub direction: String,
    /// Smallest and largest possible value.
    #[serde(default)]
    pub range: RangeSection,
    /// Unit of the value; none for a plain ratio.
    #[serde(default)]
    pub unit: Option<String>,
    /// The formula in words and plain-text mathematics.
    pub formula: String,
    /// Where the formula comes from.
    pub source: String,
    /// Files of the adapter folder that compute it; all files of the folder when empty.
    #[serde(default)]
    pub code: Vec<String>,
}

/// The range of a metric; an end that is left out is unbounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RangeSection {
    /// Smallest possible value.
    pub low: Option<f64>,
    /// Largest possible value.
    pub high: Option<f64>,
}
