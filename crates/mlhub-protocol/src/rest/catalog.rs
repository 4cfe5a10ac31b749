//! Datasets, adapters and metric definitions.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

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

/// A value of a preview, as it describes itself to readers of the API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum PreviewCell {
    /// A truth.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// Nothing.
    Missing,
}

/// A few rows of a dataset version, to be shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetPreviewSet {
    /// Names of the columns, at most 100.
    pub columns: Vec<String>,
    /// At most 100 rows of one value per column: numbers, booleans, nulls, or texts of at
    /// most 200 characters.
    #[schema(value_type = Vec<Vec<PreviewCell>>)]
    pub rows: Vec<Vec<Value>>,
}

/// The rows of a dataset version that somebody chose to show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DatasetPreviewView {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The first rows, one value per column: numbers, booleans, texts or nulls.
    #[schema(value_type = Vec<Vec<PreviewCell>>)]
    pub rows: Vec<Vec<Value>>,
    /// Rows of the whole version, where that is known.
    pub total_rows: Option<u64>,
    /// Who chose to show them.
    pub actor: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
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
    /// What it needs of a dataset; none when it is only known from runs or broken.
    #[serde(default)]
    pub dataset: Option<super::AdapterDataset>,
    /// Settings laid over an experiment for a smoke run: `params`, `rows`.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub smoke: Option<Value>,
    /// Whether it runs a command that the experiment names: it can then be launched
    /// below a launch root only.
    #[serde(default)]
    pub takes_command: bool,
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
    /// The adapter that brings it, of one that is not the hub's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// Why the hub's machine cannot compute it now, of one that an adapter brings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Metric definitions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DefinitionList {
    /// By id.
    pub definitions: Vec<DefinitionView>,
}
