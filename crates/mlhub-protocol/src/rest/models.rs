//! Trained models that answer: their description, predictions, searches and exports.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Hits per query unless the request says.
const fn hits_default() -> u32 {
    10
}

/// Asks a model for predictions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PredictRequest {
    /// 1 to 10,000 inputs, each as the model's description says.
    #[schema(value_type = Vec<Object>)]
    pub inputs: Vec<Value>,
    /// Settings of the adapter.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub options: Map<String, Value>,
}

/// Predictions of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PredictResponse {
    /// An output for each input, in order.
    #[schema(value_type = Vec<Object>)]
    pub outputs: Vec<Value>,
    /// The model that answered.
    pub model: ModelReference,
    /// Milliseconds from the request to the answer, the start of a program included.
    pub took_ms: u64,
    /// Whether the model's program was started for this request.
    pub cold_start: bool,
}

/// Asks a model for what is most like each query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchRequest {
    /// 1 to 10,000 queries: `{"text": ..}`, `{"vector": [..]}` or `{"image": {..}}`.
    #[schema(value_type = Vec<Object>)]
    pub queries: Vec<Value>,
    /// Hits per query at most, 1 to 1000; 10 when absent.
    #[serde(default = "hits_default")]
    pub k: u32,
    /// Settings of the adapter.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub options: Map<String, Value>,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SearchResponse {
    /// Hits for each query, best first.
    #[schema(value_type = Vec<Vec<Object>>)]
    pub hits: Vec<Vec<Value>>,
    /// The model that answered.
    pub model: ModelReference,
    /// Milliseconds from the request to the answer, the start of a program included.
    pub took_ms: u64,
    /// Whether the model's program was started for this request.
    pub cold_start: bool,
}

/// Asks for a model in another format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportRequest {
    /// The format, such as `onnx`; which there are says the adapter.
    pub format: String,
}

/// A model that was exported and is stored with its run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExportResponse {
    /// The model that was exported.
    pub model: ModelReference,
    /// The format.
    pub format: String,
    /// Generated inputs on which it was compared with the original.
    pub compared_rows: u64,
    /// The largest difference of an output.
    pub max_abs_difference: f64,
    /// The difference that was allowed.
    pub tolerance: f64,
    /// Its files, artifacts of the run: each at its path below `folder`.
    pub files: Vec<super::ArtifactView>,
    /// The folder of the run's artifacts that they are in.
    pub folder: String,
    /// Milliseconds from the request to the last file.
    pub took_ms: u64,
}

/// Which model is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelReference {
    /// The run that trained it.
    pub run: String,
    /// Its project.
    pub project: String,
    /// The run's name.
    pub name: String,
    /// `name@version` of its adapter.
    pub adapter: String,
    /// Names all files of the model; hexadecimal.
    pub hash: String,
}

/// A model and what it can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelDescription {
    /// Which model.
    pub model: ModelReference,
    /// `predict`, `search`, `export`: what its adapter can do with it.
    pub capabilities: Vec<String>,
    /// What the training left as `model.json`: task, inputs and outputs.
    #[schema(value_type = Object)]
    pub description: Value,
    /// Its files.
    pub files: Vec<super::ArtifactView>,
    /// Bytes of all of them.
    pub size_bytes: u64,
}
