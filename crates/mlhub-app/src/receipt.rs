//! The evaluation receipt: what a result stands on. With a part missing it is
//! marked unverified and kept off leaderboards.

use mlhub_core::evaluation::EvaluationRecord;
use mlhub_core::run::Artifact;
use mlhub_protocol::rest::Snapshot;

use crate::evaluation::NO_PREDICTIONS;

/// What an evaluation stands on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Parts that are missing, in words.
    pub missing: Vec<String>,
    /// Hash of the model artifact.
    pub model_hash: Option<String>,
    /// `name@version` of the dataset.
    pub dataset: Option<String>,
    /// The split file's fingerprint.
    pub split_fingerprint: Option<String>,
    /// Git commit, with `+changes` when there are uncommitted ones, or `tree:` and
    /// a hash of the sources outside a repository.
    pub code: Option<String>,
    /// Fingerprint of the environment.
    pub environment: Option<String>,
}

/// What names the code: a commit, marked when there are uncommitted changes, or
/// outside a repository the hash of the sources.
fn code_identity(code: &serde_json::Value) -> Option<String> {
    match (code["commit"].as_str(), code["tree_hash"].as_str()) {
        (Some(commit), _) if code["dirty"].as_bool() == Some(true) => {
            Some(format!("{commit}+changes"))
        }
        (Some(commit), _) => Some(commit.to_owned()),
        (None, tree) => tree.map(|hash| format!("tree:{hash}")),
    }
}

/// Artifact kinds that hold a model.
const MODEL_KINDS: [&str; 2] = ["model", "checkpoint"];

/// Puts the receipt of an evaluation together.
pub fn receipt(
    evaluation: &EvaluationRecord,
    snapshot: &Snapshot,
    artifacts: &[Artifact],
    dataset: Option<&str>,
) -> Receipt {
    let model_hash = artifacts
        .iter()
        .filter(|artifact| MODEL_KINDS.contains(&artifact.kind.as_str()))
        .max_by_key(|artifact| (artifact.attempt, artifact.created_at))
        .map(|artifact| artifact.hash.clone());
    let split_fingerprint = snapshot
        .evaluation
        .as_ref()
        .and_then(|plan| plan.splits.get(&evaluation.split))
        .and_then(|split| split.fingerprint.clone());
    let code = code_identity(&snapshot.code);
    let environment = snapshot.environment["fingerprint"]
        .as_str()
        .map(str::to_owned);
    let mut receipt = Receipt {
        missing: Vec::new(),
        model_hash,
        dataset: dataset.map(str::to_owned),
        split_fingerprint,
        code,
        environment,
    };
    let parts = [
        (
            "stored predictions",
            evaluation.predictions_hash == NO_PREDICTIONS,
        ),
        ("model artifact", receipt.model_hash.is_none()),
        ("dataset version", receipt.dataset.is_none()),
        ("split fingerprint", receipt.split_fingerprint.is_none()),
        ("code identity", receipt.code.is_none()),
        ("environment fingerprint", receipt.environment.is_none()),
    ];
    receipt.missing = parts
        .iter()
        .filter(|(_, missing)| *missing)
        .map(|(name, _)| (*name).to_owned())
        .collect();
    receipt
}
