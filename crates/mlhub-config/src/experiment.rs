//! What an experiment file says, typed.
//!
//! Only the shape of the answer: how a file becomes one is in `decode`, how
//! defaults of an adapter join it is in `resolve`.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::quantity::{format_duration, format_size};
use crate::secret::Variables;

/// The keys an experiment file may have at its top.
pub const TOP_LEVEL_KEYS: [&str; 13] = [
    "project",
    "name",
    "description",
    "adapter",
    "dataset",
    "seeds",
    "seed",
    "params",
    "evaluation",
    "resources",
    "environment",
    "logs",
    "tags",
];

/// The tasks an experiment file may name.
pub const TASKS: [&str; 12] = [
    "binary",
    "multiclass",
    "multilabel",
    "regression",
    "ranking",
    "forecasting",
    "text",
    "detection",
    "segmentation",
    "clustering",
    "anomaly",
    "survival",
];

/// The dataset formats an experiment file may name.
pub const FORMATS: [&str; 6] = ["csv", "parquet", "jsonl", "npz", "image_folder", "folder"];

/// How intervals are made of resamples.
pub const BOOTSTRAP_METHODS: [&str; 2] = ["percentile", "bca"];
/// What is drawn in a resample.
pub const BOOTSTRAP_RESAMPLINGS: [&str; 3] = ["rows", "stratified", "grouped"];
/// The number of bootstrap samples when a file names none.
pub const DEFAULT_BOOTSTRAP_SAMPLES: u64 = 1_000;
/// The grace period between SIGTERM and SIGKILL when a file names none.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(30);
/// The split that is evaluated when a file names none.
pub const DEFAULT_EVALUATION_SPLIT: &str = "test";
/// The split a model learns from; never evaluated unless asked for.
pub const TRAIN_SPLIT: &str = "train";

/// An experiment as its file (and overrides) say, without the defaults of an adapter.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// Project the runs belong to.
    pub project: String,
    /// Name of the experiment; the file stem if the file names none.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// The adapter asked for.
    pub adapter: AdapterRef,
    /// The data, for adapters that need any.
    pub dataset: Option<DatasetSpec>,
    /// One run per seed; never empty, no seed twice.
    pub seeds: Vec<u64>,
    /// Hyperparameters as the file has them.
    pub params: Map<String, Value>,
    /// How the predictions are judged.
    pub evaluation: EvaluationSpec,
    /// What one run may use.
    pub resources: ResourceSpec,
    /// What one run sees of the environment.
    pub environment: EnvironmentSpec,
    /// What is done with its output.
    pub logs: LogSpec,
    /// Labels of the runs.
    pub tags: BTreeMap<String, String>,
}

/// `name` or `name@version`, as in `sklearn`, `sklearn@1`, `sklearn@1.2.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterRef {
    /// Name of the adapter.
    pub name: String,
    /// The leading parts of the version that must match.
    pub version: Option<String>,
}

impl AdapterRef {
    /// Whether an adapter of this name and version is what was asked for.
    ///
    /// `1` accepts `1`, `1.0` and `1.2.3`, not `10.0`.
    pub fn accepts(&self, name: &str, version: &str) -> bool {
        let Some(wanted) = &self.version else {
            return self.name == name;
        };
        let rest = version.strip_prefix(wanted.as_str());
        self.name == name
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '+']))
    }
}

impl fmt::Display for AdapterRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_versioned(f, &self.name, self.version.as_ref())
    }
}

impl Serialize for AdapterRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A registered dataset: `digits` or `digits@VERSION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetRef {
    /// Name of the dataset.
    pub name: String,
    /// Its version; the newest if none is named.
    pub version: Option<String>,
}

impl fmt::Display for DatasetRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_versioned(f, &self.name, self.version.as_ref())
    }
}

/// A metric by name, with its definition's version if one is pinned: `log_loss@1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricRef {
    /// Name of the metric.
    pub name: String,
    /// Version of its definition; the newest if none is named.
    pub version: Option<u32>,
}

impl fmt::Display for MetricRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_versioned(f, &self.name, self.version.as_ref())
    }
}

fn write_versioned(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    version: Option<&impl fmt::Display>,
) -> fmt::Result {
    match version {
        Some(version) => write!(f, "{name}@{version}"),
        None => f.write_str(name),
    }
}

/// The data of an experiment: a registered dataset, a path, or explicit split files.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetSpec {
    /// The registered dataset, or the name a path is registered under.
    pub name: Option<DatasetRef>,
    /// File or folder, relative to the folder of the experiment file.
    pub path: Option<String>,
    /// One of [`FORMATS`]; guessed from the path if not named.
    pub format: Option<String>,
    /// Column that is predicted.
    pub target: Option<String>,
    /// Column that names each row.
    pub id: Option<String>,
    /// How rows are split.
    pub split: Option<SplitSpec>,
    /// Use at most this many rows of each split, in order; smoke runs set it.
    pub rows: Option<u64>,
}

/// How the rows of a dataset are split.
#[derive(Debug, Clone, PartialEq)]
pub enum SplitSpec {
    /// Seeded fractions of the rows.
    Fractions {
        /// Seed of the shuffle.
        seed: u64,
        /// Split name to fraction; each in (0, 1], together 1.
        fractions: BTreeMap<String, f64>,
        /// Column whose values keep their shares in every split.
        stratify: Option<String>,
        /// Column whose equal values stay together in one split.
        group: Option<String>,
    },
    /// Fractions of the rows as they follow each other in the file.
    Ordered {
        /// Split name to fraction; each in (0, 1], together 1.
        fractions: BTreeMap<String, f64>,
        /// The splits from the first rows to the last; each of `fractions` once.
        order: Vec<String>,
    },
    /// One file per split.
    Files {
        /// Split name to path, relative to the folder of the experiment file.
        files: BTreeMap<String, String>,
    },
}

impl SplitSpec {
    /// Whether rows are dealt out at random.
    pub fn is_shuffled(&self) -> bool {
        matches!(self, Self::Fractions { .. })
    }

    /// The names of the splits, sorted.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Fractions { fractions, .. } | Self::Ordered { fractions, .. } => {
                fractions.keys().map(String::as_str).collect()
            }
            Self::Files { files } => files.keys().map(String::as_str).collect(),
        }
    }
}

/// How predictions are judged.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationSpec {
    /// Splits whose predictions are evaluated.
    pub splits: Vec<String>,
    /// One of [`TASKS`]; left to the adapter if not named.
    pub task: Option<String>,
    /// Metrics; the task's usual ones if empty.
    pub metrics: Vec<MetricRef>,
    /// Bootstrap samples for intervals; 0 computes none.
    pub bootstrap_samples: u64,
    /// Seed of the bootstrap.
    pub bootstrap_seed: u64,
    /// One of [`BOOTSTRAP_METHODS`]; the first if not named.
    pub bootstrap_method: Option<String>,
    /// One of [`BOOTSTRAP_RESAMPLINGS`]; the first if not named.
    pub bootstrap_resampling: Option<String>,
    /// The split on which the threshold of anomaly scores is chosen.
    pub threshold_split: Option<String>,
    /// The label that counts as positive: text, a whole number or a boolean.
    pub positive_label: Option<Value>,
    /// Columns of the dataset by whose values the metrics are computed as well.
    pub slices: Vec<String>,
}

/// What one run may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceSpec {
    /// CPUs reserved.
    pub cpus: Option<u32>,
    /// The most memory its processes may take together, in bytes.
    pub memory_bytes: Option<u64>,
    /// The most processes it may have at a time.
    pub processes: Option<u64>,
    /// The most it may write to its output, in bytes.
    pub output_bytes: Option<u64>,
    /// The most files one of its processes may have open.
    pub open_files: Option<u64>,
    /// GPUs reserved.
    pub gpus: u32,
    /// The run is stopped after this long.
    pub timeout: Option<Duration>,
    /// Time between SIGTERM and SIGKILL.
    pub grace: Duration,
}

/// What one run sees of the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvironmentSpec {
    /// Variables set for the run.
    pub variables: Variables,
    /// Names of variables passed on from the machine.
    pub pass: Vec<String>,
}

/// What is done with the output of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSpec {
    /// Whether secrets in it are masked and printed data is warned of.
    pub scan: bool,
}

impl Default for LogSpec {
    fn default() -> Self {
        Self { scan: true }
    }
}

impl Experiment {
    /// The experiment as a JSON document that is itself a valid experiment file.
    ///
    /// Keys without a value are left out; secrets of `environment.variables` are replaced.
    pub fn to_value(&self) -> Value {
        let mut document = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                document.insert(key.to_owned(), value);
            }
        };
        put("project", Some(self.project.as_str().into()));
        put("name", Some(self.name.as_str().into()));
        put("description", self.description.as_deref().map(Value::from));
        put("adapter", Some(self.adapter.to_string().into()));
        put("dataset", self.dataset.as_ref().map(DatasetSpec::to_value));
        put("seeds", Some(self.seeds.clone().into()));
        put("params", Some(Value::Object(self.params.clone())));
        put("evaluation", Some(self.evaluation.to_value()));
        put("resources", Some(self.resources.to_value()));
        put("environment", self.environment.to_value());
        put("logs", self.logs.to_value());
        let tags = self
            .tags
            .iter()
            .map(|(key, value)| (key.clone(), Value::from(value.as_str())));
        put(
            "tags",
            Some(Value::Object(tags.collect())).filter(|_| !self.tags.is_empty()),
        );
        Value::Object(document)
    }
}

impl Serialize for Experiment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

/// An object of the pairs that have a value.
fn object<const N: usize>(pairs: [(&str, Option<Value>); N]) -> Value {
    let present = pairs
        .into_iter()
        .filter_map(|(key, value)| value.map(|value| (key.to_owned(), value)));
    Value::Object(present.collect())
}

fn text(value: Option<&String>) -> Option<Value> {
    value.map(|value| Value::from(value.as_str()))
}

fn shares(fractions: &BTreeMap<String, f64>) -> Value {
    let shares = fractions
        .iter()
        .map(|(name, share)| (name.clone(), Value::from(*share)));
    Value::Object(shares.collect())
}

impl DatasetSpec {
    fn to_value(&self) -> Value {
        object([
            (
                "name",
                self.name.as_ref().map(|name| name.to_string().into()),
            ),
            ("path", text(self.path.as_ref())),
            ("format", text(self.format.as_ref())),
            ("target", text(self.target.as_ref())),
            ("id", text(self.id.as_ref())),
            ("split", self.split.as_ref().map(SplitSpec::to_value)),
            ("rows", self.rows.map(Value::from)),
        ])
    }
}

impl SplitSpec {
    fn to_value(&self) -> Value {
        match self {
            Self::Fractions {
                seed,
                fractions,
                stratify,
                group,
            } => object([
                ("seed", Some((*seed).into())),
                ("fractions", Some(shares(fractions))),
                ("stratify", text(stratify.as_ref())),
                ("group", text(group.as_ref())),
            ]),
            Self::Ordered { fractions, order } => object([
                ("fractions", Some(shares(fractions))),
                ("order", Some(order.clone().into())),
            ]),
            Self::Files { files } => {
                let files = files
                    .iter()
                    .map(|(name, path)| (name.clone(), Value::from(path.as_str())));
                object([("files", Some(Value::Object(files.collect())))])
            }
        }
    }
}

impl EvaluationSpec {
    fn to_value(&self) -> Value {
        let metrics: Vec<String> = self.metrics.iter().map(ToString::to_string).collect();
        let bootstrap = object([
            ("samples", Some(self.bootstrap_samples.into())),
            ("seed", Some(self.bootstrap_seed.into())),
            ("method", text(self.bootstrap_method.as_ref())),
            ("resampling", text(self.bootstrap_resampling.as_ref())),
        ]);
        object([
            ("splits", Some(self.splits.clone().into())),
            ("task", text(self.task.as_ref())),
            (
                "metrics",
                Some(metrics.into()).filter(|_| !self.metrics.is_empty()),
            ),
            ("bootstrap", Some(bootstrap)),
            ("threshold_split", text(self.threshold_split.as_ref())),
            ("positive_label", self.positive_label.clone()),
            (
                "slices",
                Some(self.slices.clone().into()).filter(|_| !self.slices.is_empty()),
            ),
        ])
    }
}

impl ResourceSpec {
    fn to_value(&self) -> Value {
        object([
            ("cpus", self.cpus.map(Value::from)),
            (
                "memory",
                self.memory_bytes.map(|bytes| format_size(bytes).into()),
            ),
            ("processes", self.processes.map(Value::from)),
            (
                "output",
                self.output_bytes.map(|bytes| format_size(bytes).into()),
            ),
            ("open_files", self.open_files.map(Value::from)),
            ("gpus", Some(self.gpus.into())),
            (
                "timeout",
                self.timeout.map(|timeout| format_duration(timeout).into()),
            ),
            ("grace", Some(format_duration(self.grace).into())),
        ])
    }
}

impl EnvironmentSpec {
    fn to_value(&self) -> Option<Value> {
        if self.variables.is_empty() && self.pass.is_empty() {
            return None;
        }
        let variables = self
            .variables
            .redacted()
            .into_iter()
            .map(|(name, value)| (name, Value::from(value)));
        Some(object([
            (
                "variables",
                Some(Value::Object(variables.collect())).filter(|_| !self.variables.is_empty()),
            ),
            (
                "pass",
                Some(self.pass.clone().into()).filter(|_| !self.pass.is_empty()),
            ),
        ]))
    }
}

impl LogSpec {
    /// What scans is not told apart from what says nothing: configs keep their hash.
    fn to_value(self) -> Option<Value> {
        (!self.scan).then(|| object([("scan", Some("off".into()))]))
    }
}

#[cfg(test)]
mod tests {
    use super::AdapterRef;

    #[test]
    fn a_version_constraint_matches_whole_parts() {
        let wanted = AdapterRef {
            name: "sklearn".to_owned(),
            version: Some("1".to_owned()),
        };
        assert!(wanted.accepts("sklearn", "1") && wanted.accepts("sklearn", "1.2.3"));
        assert!(!wanted.accepts("sklearn", "10.0") && !wanted.accepts("native", "1"));
        let any = AdapterRef {
            name: "sklearn".to_owned(),
            version: None,
        };
        assert!(any.accepts("sklearn", "7"));
    }
}
