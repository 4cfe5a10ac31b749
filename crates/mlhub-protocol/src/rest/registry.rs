//! Registered models: versions, aliases, promotion past gates, and their trail.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{EvaluationView, Gate, GateReport, RunSummary};

/// Registers a model without versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisteredModelCreate {
    /// 1 to 255 characters without control characters, `/` and `:`; unique in the hub.
    pub name: String,
    /// What people say of it.
    #[serde(default)]
    pub description: String,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// Changes a registered model; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RegisteredModelPatch {
    /// Another name.
    pub name: Option<String>,
    /// What people say of it.
    pub description: Option<String>,
    /// Tags that are set, and with null removed.
    pub tags: BTreeMap<String, Option<String>>,
}

/// A registered model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RegisteredModelView {
    /// What stays when it is renamed.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What people say of it.
    pub description: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its aliases, and the version each names.
    pub aliases: BTreeMap<String, u32>,
    /// Aliases, and stages as `stage:NAME`, that need a passed gate, and the gate.
    #[schema(value_type = BTreeMap<String, Gate>)]
    pub protections: BTreeMap<String, Value>,
    /// How many versions there are.
    pub versions: u32,
    /// The greatest number of a version that is there.
    pub latest: Option<u32>,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub updated_at: i64,
}

/// A page of registered models, by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RegisteredModelList {
    /// The models.
    pub models: Vec<RegisteredModelView>,
    /// Give it as `cursor` for the next page.
    pub next_cursor: Option<String>,
}

/// Registers a version of a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelVersionCreate {
    /// The run it comes from: its id, or a unique prefix.
    pub run: Option<String>,
    /// The artifact of that run, or the folder of artifacts, that is the model.
    pub path: Option<String>,
    /// Where its files are, in any words; told from `run` and `path` when absent.
    pub source: Option<String>,
    /// The logged model it is registered from.
    pub logged_model: Option<String>,
    /// What people say of it.
    pub description: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// Changes a version; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelVersionPatch {
    /// What people say of it.
    pub description: Option<String>,
    /// Tags that are set, and with null removed.
    pub tags: BTreeMap<String, Option<String>>,
    /// `ready`, `pending` or `failed`.
    pub status: Option<String>,
    /// Why; only with `status`.
    pub status_message: Option<String>,
}

/// A version of a registered model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelVersionView {
    /// The model's name.
    pub model: String,
    /// Its number, from 1.
    pub version: u32,
    /// The run it came from.
    pub run: Option<String>,
    /// Where its files are, as whoever registered it put it.
    pub source: String,
    /// The run of the hub whose artifacts its files are.
    pub artifacts_run: Option<String>,
    /// The artifact of that run, or the folder; all of it when null.
    pub artifacts_path: Option<String>,
    /// The logged model it was registered from.
    pub logged_model: Option<String>,
    /// What people say of it.
    pub description: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its aliases.
    pub aliases: Vec<String>,
    /// `none`, `staging`, `production` or `archived`.
    pub stage: String,
    /// `ready`, `pending` or `failed`.
    pub status: String,
    /// Why.
    pub status_message: Option<String>,
    /// Who registered it.
    pub created_by: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub updated_at: i64,
}

/// A page of versions, by name, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelVersionList {
    /// The versions.
    pub versions: Vec<ModelVersionView>,
    /// Give it as `cursor` for the next page.
    pub next_cursor: Option<String>,
}

/// A version with what it stands on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelVersionDetail {
    /// The version.
    pub version: ModelVersionView,
    /// The run it came from, with its dataset and numbers.
    pub run: Option<RunSummary>,
    /// The run's evaluations, without curves.
    pub evaluations: Vec<EvaluationView>,
    /// Where the run stands on the boards of the metric that was asked for.
    pub standings: Vec<ModelStandingView>,
}

/// A place on a board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelStandingView {
    /// `split/name`.
    pub metric: String,
    /// `name@version` of the dataset.
    pub dataset: String,
    /// The place, from 1.
    pub rank: u32,
    /// Places on the board.
    pub total: u64,
}

/// Gives a version an alias, or brings it to a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelPromotion {
    /// A number, `latest`, or an alias behind `@`.
    pub version: String,
    /// An alias, or `stage:NAME`.
    pub target: String,
    /// Rules it must meet, beside those of what is protected.
    #[serde(default)]
    pub gate: Option<Gate>,
    /// What it must not fall behind: runs, or aliases of the model; the version that
    /// has the target when empty.
    #[serde(default)]
    pub baseline: Vec<String>,
    /// Of a stage: whether the others in it are archived.
    #[serde(default)]
    pub archive_others: bool,
}

/// What became of a promotion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelPromoted {
    /// The version, promoted.
    pub version: ModelVersionView,
    /// What its gates said; null when there was none.
    pub gate: Option<GateReport>,
}

/// Makes an alias or a stage need a passed gate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelProtection {
    /// The rules.
    pub gate: Gate,
}

/// A line of the trail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelEventView {
    /// The model's id.
    pub model: String,
    /// Its number among the model's lines, from 1.
    pub number: u32,
    /// The model's name after the change.
    pub name: String,
    /// The version it is about.
    pub version: Option<u32>,
    /// `created`, `renamed`, `deleted`, `described`, `tagged`, `version_added`, `version_deleted`,
    /// `status_set`, `alias_set`, `alias_removed`, `stage_set`, `protected`, `unprotected` or
    /// `promotion_refused`.
    pub action: String,
    /// What changed, from what to what; of a promotion what the gate said.
    #[schema(value_type = Object)]
    pub detail: Value,
    /// Who did it.
    pub actor: String,
    /// Milliseconds since the epoch.
    pub at: i64,
}

/// A page of the trail, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelEventList {
    /// The lines.
    pub events: Vec<ModelEventView>,
    /// Give it as `cursor` for the next page.
    pub next_cursor: Option<String>,
}
