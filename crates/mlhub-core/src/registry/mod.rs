//! The model registry: registered models, their versions and aliases, and the
//! trail of what was done to them.
//!
//! Every change goes through [`RegistryStore::registry_change`], which writes its
//! line of the trail in the same transaction: nothing changes without one. The
//! trail is only added to, and outlives its model. Who may change what, and how a
//! gate is judged, is not decided here; that what is protected needs a passed gate
//! is held by the store.

mod names;
mod portable;
mod query;

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::caller::UserId;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{RegisteredModelId, RunId};
use crate::limits;
use crate::path::ArtifactPath;
use crate::ports::Timestamp;
pub use names::{ModelAlias, ModelChoice, ModelName, ModelStage, ModelStatus, PromotionTarget};
pub use query::{Direction, ModelQuery, ModelVersionQuery, TagWanted, VersionKey};

/// A registered model.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisteredModel {
    /// What stays when it is renamed.
    pub id: RegisteredModelId,
    /// Its name, unique in the hub.
    pub name: ModelName,
    /// What people say of it.
    pub description: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its aliases, and the version each names.
    pub aliases: BTreeMap<ModelAlias, u32>,
    /// What needs a passed gate, with the rules of the gate as JSON.
    pub protections: BTreeMap<PromotionTarget, Value>,
    /// How many versions there are.
    pub versions: u32,
    /// The greatest number of a version that is there.
    pub latest: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it, or a version of it, was changed last.
    pub updated_at: Timestamp,
}

/// Where the files of a version are in the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPlace {
    /// The run whose artifacts they are.
    pub run: RunId,
    /// The artifact, or the folder of artifacts; all of the run when absent.
    pub path: Option<ArtifactPath>,
}

/// A version of a registered model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelVersion {
    /// The model's name.
    pub model: ModelName,
    /// Its number, from 1; never given twice.
    pub version: u32,
    /// The run that it came from.
    pub run: Option<RunId>,
    /// Where its files are, as whoever registered it put it.
    pub source: String,
    /// Where they are in the hub, if they are.
    pub place: Option<ModelPlace>,
    /// The logged model it was registered from.
    pub logged_model: Option<String>,
    /// What people say of it.
    pub description: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its aliases.
    pub aliases: Vec<ModelAlias>,
    /// How far it got.
    pub stage: ModelStage,
    /// Whether its files are there.
    pub status: ModelStatus,
    /// Why not.
    pub status_message: Option<String>,
    /// Who registered it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// A version to add; its number is the next.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewModelVersion {
    /// The run that it came from.
    pub run: Option<RunId>,
    /// Where its files are, as whoever registers it puts it.
    pub source: String,
    /// Where they are in the hub, if they are.
    pub place: Option<ModelPlace>,
    /// The logged model it is registered from.
    pub logged_model: Option<String>,
    /// What people say of it.
    pub description: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether its files are there.
    pub status: ModelStatus,
    /// Why not.
    pub status_message: Option<String>,
}

/// A gate that a version passed, for the trail and for what is protected.
#[derive(Debug, Clone, PartialEq)]
pub struct GatePassed {
    /// The stored rules that it was held against, as they were read.
    pub protection: Option<Value>,
    /// The version that had the alias when the baseline was chosen.
    pub holder: Option<u32>,
    /// What the gate said.
    pub verdict: Value,
}

/// What is done to a registered model.
#[derive(Debug, Clone, PartialEq)]
pub enum RegistryAct {
    /// It is made. `Conflict` when the name is taken.
    Create {
        /// Its id.
        id: RegisteredModelId,
        /// What people say of it.
        description: String,
        /// Its tags.
        tags: BTreeMap<String, String>,
    },
    /// It gets another name. `Conflict` when that is taken.
    Rename {
        /// The new name.
        to: ModelName,
    },
    /// It goes, with its versions and aliases.
    Delete,
    /// What people say of it, or of a version, changes.
    Describe {
        /// Of this version.
        version: Option<u32>,
        /// The new text.
        text: String,
    },
    /// Tags of it, or of a version, are set (`Some`) and removed (`None`).
    Tags {
        /// Of this version.
        version: Option<u32>,
        /// By name.
        tags: BTreeMap<String, Option<String>>,
    },
    /// A version is added. `NotFound` for its run; `Conflict` for one that is deleted.
    VersionAdd(Box<NewModelVersion>),
    /// A version goes, with its aliases.
    VersionDelete {
        /// Its number.
        version: u32,
    },
    /// The files of a version arrived, or did not.
    Status {
        /// Its number.
        version: u32,
        /// What is so now.
        status: ModelStatus,
        /// Why.
        message: Option<String>,
    },
    /// An alias is set, or moved. `Conflict` when it is protected and the gate is
    /// absent or was another, or when its holder changed meanwhile.
    AliasSet {
        /// The alias.
        alias: ModelAlias,
        /// The version that is to have it.
        version: u32,
        /// The gate that it passed.
        gate: Option<GatePassed>,
    },
    /// An alias is taken away; `NotFound` when no version has it.
    AliasRemove {
        /// The alias.
        alias: ModelAlias,
    },
    /// A version gets to a stage. `Conflict` as with aliases.
    StageSet {
        /// The version.
        version: u32,
        /// The stage.
        stage: ModelStage,
        /// Whether the others in that stage are archived.
        archive_others: bool,
        /// The gate that it passed.
        gate: Option<GatePassed>,
    },
    /// From now on, a passed gate is needed.
    Protect {
        /// For this.
        target: PromotionTarget,
        /// The rules of the gate, a JSON object.
        rules: Value,
    },
    /// No gate is needed any more; `NotFound` when none was.
    Unprotect {
        /// For this.
        target: PromotionTarget,
    },
    /// A version did not pass its gate: only the trail changes.
    Refuse {
        /// The version.
        version: u32,
        /// What it was to get.
        target: PromotionTarget,
        /// What the gate said.
        verdict: Value,
    },
}

/// A change of a registered model.
#[derive(Debug, Clone, PartialEq)]
pub struct RegistryChange {
    /// The model.
    pub model: ModelName,
    /// What is done.
    pub act: RegistryAct,
    /// Who does it.
    pub actor: UserId,
    /// When.
    pub now: Timestamp,
}

/// A line of the trail.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelEvent {
    /// Its place in the trail of the hub, ascending.
    pub seq: i64,
    /// The model.
    pub model: RegisteredModelId,
    /// Its number among the model's events, from 1.
    pub number: u32,
    /// The model's name, after the change.
    pub name: ModelName,
    /// The version it is about.
    pub version: Option<u32>,
    /// What was done: `created`, `renamed`, `deleted`, `described`, `tagged`, `version_added`,
    /// `version_deleted`, `status_set`, `alias_set`, `alias_removed`, `stage_set`,
    /// `protected`, `unprotected` or `promotion_refused`.
    pub action: String,
    /// What changed, from what to what; of a promotion what the gate said.
    pub detail: Value,
    /// Who did it.
    pub actor: UserId,
    /// When.
    pub at: Timestamp,
}

/// Registered models. Each method is one transaction.
#[async_trait]
pub trait RegistryStore: Send + Sync {
    /// Makes a change and writes its line of the trail; what changes nothing writes
    /// none. Returns the number of the version that was added, or is concerned.
    /// `NotFound` for a model or version that is not there; `TooLarge` past a limit;
    /// more by [`RegistryAct`].
    async fn registry_change(&self, change: &RegistryChange) -> Result<Option<u32>>;
    /// Finds a model.
    async fn registry_model_get(&self, name: &ModelName) -> Result<Option<RegisteredModel>>;
    /// Models in the order asked for, at most [`limits::PAGE_MAX_ROWS`].
    async fn registry_model_list(&self, query: &ModelQuery) -> Result<Vec<RegisteredModel>>;
    /// Finds a version.
    async fn registry_version_get(
        &self,
        model: &ModelName,
        choice: &ModelChoice,
    ) -> Result<Option<ModelVersion>>;
    /// Versions in the order asked for, at most [`limits::PAGE_MAX_ROWS`].
    async fn registry_version_list(&self, query: &ModelVersionQuery) -> Result<Vec<ModelVersion>>;
    /// The newest version in each stage of each of the models, by name and stage.
    async fn registry_newest(&self, models: &[ModelName]) -> Result<Vec<ModelVersion>>;
    /// The trail of the models that have or had a name, or of all; newest first,
    /// lines with a smaller `seq` than `before`.
    async fn registry_events(
        &self,
        name: Option<&ModelName>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ModelEvent>>;
}

/// Refuses tags that cannot be stored.
///
/// # Errors
/// `Invalid` or `TooLarge`, naming the tag.
pub fn check_tag(name: &str, value: Option<&str>) -> Result<()> {
    if name.is_empty() {
        return Err(Error::invalid("the name of a tag is empty"));
    }
    text("the name of a tag", name, limits::NAME_MAX_BYTES)?;
    let what = format!("the tag `{name}`");
    value.map_or(Ok(()), |value| text(&what, value, limits::VALUE_MAX_BYTES))
}

/// Refuses a description that cannot be stored.
///
/// # Errors
/// `Invalid` or `TooLarge`.
pub fn check_description(value: &str) -> Result<()> {
    text("the description", value, limits::NOTES_MAX_BYTES)
}

/// Refuses a source that cannot be stored.
///
/// # Errors
/// `Invalid` or `TooLarge`.
pub fn check_source(value: &str) -> Result<()> {
    if value.is_empty() {
        return Err(Error::invalid("the source of a version is empty"));
    }
    text("the source of a version", value, limits::VALUE_MAX_BYTES)
}

/// Refuses rules of a gate that are no JSON object or too large.
///
/// # Errors
/// `Invalid` or `TooLarge`.
pub fn check_rules(rules: &Value) -> Result<()> {
    if !rules.is_object() {
        return Err(Error::invalid("the rules of a gate must be a JSON object"));
    }
    let size = rules.to_string();
    text("the rules of a gate", &size, limits::RECORD_MAX_BYTES)
}

/// Refuses what a trail's line tells when it is too large.
///
/// # Errors
/// `TooLarge`.
pub fn check_detail(detail: &Value) -> Result<()> {
    let size = detail.to_string();
    text("the line of the trail", &size, limits::SNAPSHOT_MAX_BYTES)
}

impl NewModelVersion {
    /// Refuses texts that cannot be stored.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge`, naming what is wrong.
    pub fn check(&self) -> Result<()> {
        check_source(&self.source)?;
        check_description(&self.description)?;
        let logged = self.logged_model.as_deref().unwrap_or_default();
        text("the logged model", logged, limits::NAME_MAX_BYTES)?;
        let message = self.status_message.as_deref().unwrap_or_default();
        text("the status message", message, limits::NOTES_MAX_BYTES)?;
        check_tags(&self.tags)
    }
}

/// Refuses tags that cannot be stored, or too many.
///
/// # Errors
/// `Invalid` or `TooLarge`, naming the tag.
pub fn check_tags(tags: &BTreeMap<String, String>) -> Result<()> {
    for (name, value) in tags {
        check_tag(name, Some(value))?;
    }
    at_most("tags", tags.len(), limits::REGISTRY_TAGS_MAX)
}

impl RegistryAct {
    /// Refuses texts that cannot be stored.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge`, naming what is wrong.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Create {
                description, tags, ..
            } => {
                check_description(description)?;
                check_tags(tags)
            }
            Self::Describe { text, .. } => check_description(text),
            Self::Tags { tags, .. } => tags
                .iter()
                .try_for_each(|(name, value)| check_tag(name, value.as_deref())),
            Self::VersionAdd(new) => new.check(),
            Self::Status { message, .. } => {
                let message = message.as_deref().unwrap_or_default();
                text("the status message", message, limits::NOTES_MAX_BYTES)
            }
            Self::Protect { rules, .. } => check_rules(rules),
            Self::AliasSet { gate, .. } | Self::StageSet { gate, .. } => gate
                .as_ref()
                .map_or(Ok(()), |gate| check_detail(&gate.verdict)),
            Self::Refuse { verdict, .. } => check_detail(verdict),
            Self::Rename { .. }
            | Self::Delete
            | Self::VersionDelete { .. }
            | Self::AliasRemove { .. }
            | Self::Unprotect { .. } => Ok(()),
        }
    }
}

/// Refuses more of something than a model may have.
///
/// # Errors
/// `TooLarge`, naming the limit.
pub fn at_most(what: &str, count: usize, max: usize) -> Result<()> {
    if count <= max {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TooLarge,
        format!("there would be {count} {what}; at most {max} are allowed"),
    ))
}

pub(crate) fn text(what: &str, value: &str, max_bytes: usize) -> Result<()> {
    if value.len() > max_bytes {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "{what} has {} bytes; at most {max_bytes} are stored",
                value.len()
            ),
        ));
    }
    match value.contains('\0') {
        true => Err(Error::invalid(format!(
            "{what} has a NUL character, which cannot be stored; remove it"
        ))),
        false => Ok(()),
    }
}
