//! All that reproduces a run, and what is to be evaluated when it ends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

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
    /// The run that this one was started to reproduce.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reproduces: Option<Reproduces>,
}

/// Which run is reproduced, and what is not as it was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Reproduces {
    /// The run's id.
    pub run: String,
    /// What could not be restored and was accepted, and what cannot be restored, such as the machine.
    pub differences: Vec<ReproductionDifference>,
}

/// One thing of a run that is not as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ReproductionDifference {
    /// `code`, `adapter`, `environment`, `dataset`, `config` or `machine`.
    pub part: String,
    /// One sentence that names it.
    pub message: String,
}

/// What is to be evaluated when a run ends.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationPlan {
    /// A task of docs/evaluation.md, such as `binary`; found from the predictions when absent.
    pub task: Option<String>,
    /// Metric ids or names; all of the task when empty.
    pub metrics: Vec<String>,
    /// The splits to be answered for.
    pub splits: BTreeMap<String, ExpectedSplit>,
    /// Bootstrap resamples; 0 for none.
    pub bootstrap_samples: u32,
    /// Seed of the bootstrap.
    pub bootstrap_seed: u64,
    /// `percentile` or `bca`; the first when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootstrap_method: Option<String>,
    /// `rows`, `stratified` or `grouped`; the first when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootstrap_resampling: Option<String>,
    /// The split on whose predictions the threshold of anomaly scores is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold_split: Option<String>,
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
    /// Columns by whose values the split is also judged, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub slices: BTreeMap<String, SliceCodes>,
}

/// Which value of a column each row of a split has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SliceCodes {
    /// The values.
    pub values: Vec<String>,
    /// One letter per row, in the order of the rows: `a` is the first value, `b` the second.
    pub codes: String,
}
