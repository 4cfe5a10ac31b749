//! Registered models, their versions, and what is told of them.
//!
//! Every face calls these, so that what is protected is protected on each of them:
//! an alias or a stage is given in `promote` alone. Each change leaves its line in
//! the trail, which the store writes.

mod lineage;
mod promote;
mod source;

use std::collections::BTreeMap;

use mlhub_core::registry::{
    ModelAlias, ModelChoice, ModelEvent, ModelName, ModelPlace, ModelQuery, ModelStatus,
    ModelVersion, ModelVersionQuery, NewModelVersion, PromotionTarget, RegisteredModel,
    RegistryAct, RegistryChange,
};
use mlhub_core::{ArtifactPath, Caller, Error, Permission, RegisteredModelId, Result, limits};
use mlhub_protocol::rest::Gate;

use crate::Hub;
pub use lineage::{ModelLineage, ModelStanding};
pub use promote::Promotion;

/// A model to register.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelDraft {
    /// Its name.
    pub name: ModelName,
    /// What people say of it.
    pub description: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A version to register.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelVersionDraft {
    /// The run that it comes from: its id, or a unique prefix.
    pub run: Option<String>,
    /// The artifact of that run, or the folder of artifacts, that is the model; it
    /// must be there.
    pub path: Option<ArtifactPath>,
    /// Where its files are, in any words; told from run and path when absent. What
    /// reads `runs:/RUN/PATH` and is in the hub is found there.
    pub source: Option<String>,
    /// Where its files are in the hub, when the face knows better.
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

impl Hub {
    async fn registry_act(
        &self,
        caller: &Caller,
        model: &ModelName,
        act: RegistryAct,
    ) -> Result<Option<u32>> {
        let change = RegistryChange {
            model: model.clone(),
            act,
            actor: caller.user.clone(),
            now: self.clock.now(),
        };
        self.store.registry_change(&change).await
    }

    /// Registers a model without versions.
    ///
    /// # Errors
    /// `Conflict` when the name is taken.
    pub async fn registered_model_create(
        &self,
        caller: &Caller,
        draft: ModelDraft,
    ) -> Result<RegisteredModel> {
        caller.require(Permission::Write)?;
        let act = RegistryAct::Create {
            id: RegisteredModelId::generate(&*self.entropy),
            description: draft.description,
            tags: draft.tags,
        };
        self.registry_act(caller, &draft.name, act).await?;
        self.registered_model_get(caller, &draft.name).await
    }

    /// One registered model.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn registered_model_get(
        &self,
        caller: &Caller,
        name: &ModelName,
    ) -> Result<RegisteredModel> {
        caller.require(Permission::Read)?;
        let found = self.store.registry_model_get(name).await?;
        found.ok_or_else(|| Error::not_found("registered model", name))
    }

    /// Registered models, a page.
    ///
    /// # Errors
    /// `Invalid` for an odd limit.
    pub async fn registered_model_list(
        &self,
        caller: &Caller,
        query: &ModelQuery,
    ) -> Result<Vec<RegisteredModel>> {
        caller.require(Permission::Read)?;
        check_limit(query.limit)?;
        self.store.registry_model_list(query).await
    }

    /// Gives a model another name; its trail and versions stay its own.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the name is taken.
    pub async fn registered_model_rename(
        &self,
        caller: &Caller,
        name: &ModelName,
        to: ModelName,
    ) -> Result<RegisteredModel> {
        caller.require(Permission::Write)?;
        let act = RegistryAct::Rename { to: to.clone() };
        self.registry_act(caller, name, act).await?;
        self.registered_model_get(caller, &to).await
    }

    /// Removes a model with its versions and aliases; its trail stays.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` when something of it is protected and the caller is
    /// no administrator: making it anew would be a way around.
    pub async fn registered_model_delete(&self, caller: &Caller, name: &ModelName) -> Result<()> {
        caller.require(Permission::Write)?;
        let model = self.registered_model_get(caller, name).await?;
        if !model.protections.is_empty() {
            caller.require(Permission::Admin)?;
        }
        self.registry_act(caller, name, RegistryAct::Delete)
            .await
            .map(drop)
    }

    /// Changes what people say of a model, or of a version.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn registry_describe(
        &self,
        caller: &Caller,
        name: &ModelName,
        version: Option<u32>,
        text: String,
    ) -> Result<()> {
        caller.require(Permission::Write)?;
        let act = RegistryAct::Describe { version, text };
        self.registry_act(caller, name, act).await.map(drop)
    }

    /// Sets (`Some`) and removes (`None`) tags of a model, or of a version.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` or `TooLarge` naming the tag.
    pub async fn registry_tag(
        &self,
        caller: &Caller,
        name: &ModelName,
        version: Option<u32>,
        tags: BTreeMap<String, Option<String>>,
    ) -> Result<()> {
        caller.require(Permission::Write)?;
        let act = RegistryAct::Tags { version, tags };
        self.registry_act(caller, name, act).await.map(drop)
    }

    /// Adds a version, which gets the next number.
    ///
    /// # Errors
    /// `NotFound` for the model, the run or its artifact; `Conflict` for a run that
    /// is deleted; `Invalid` when nothing says where the files are.
    pub async fn model_version_add(
        &self,
        caller: &Caller,
        name: &ModelName,
        draft: ModelVersionDraft,
    ) -> Result<ModelVersion> {
        caller.require(Permission::Write)?;
        let new: NewModelVersion = self.version_sourced(caller, draft).await?;
        let act = RegistryAct::VersionAdd(Box::new(new));
        let number = self.registry_act(caller, name, act).await?;
        let number = number
            .ok_or_else(|| Error::internal("register a version", "the store gave it no number"))?;
        self.model_version_get(caller, name, &ModelChoice::Number(number))
            .await
    }

    /// The version that is meant.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn model_version_get(
        &self,
        caller: &Caller,
        name: &ModelName,
        choice: &ModelChoice,
    ) -> Result<ModelVersion> {
        caller.require(Permission::Read)?;
        if let Some(found) = self.store.registry_version_get(name, choice).await? {
            return Ok(found);
        }
        self.registered_model_get(caller, name).await?;
        let named = format_args!("{name}/{choice}");
        Err(Error::not_found("model version", named))
    }

    /// Versions, a page.
    ///
    /// # Errors
    /// `Invalid` for an odd limit.
    pub async fn model_version_list(
        &self,
        caller: &Caller,
        query: &ModelVersionQuery,
    ) -> Result<Vec<ModelVersion>> {
        caller.require(Permission::Read)?;
        check_limit(query.limit)?;
        self.store.registry_version_list(query).await
    }

    /// The newest version in each stage of each of the models, by name and stage.
    pub async fn model_versions_newest(
        &self,
        caller: &Caller,
        models: &[ModelName],
    ) -> Result<Vec<ModelVersion>> {
        caller.require(Permission::Read)?;
        self.store.registry_newest(models).await
    }

    /// Says whether the files of a version are there.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn model_version_status(
        &self,
        caller: &Caller,
        name: &ModelName,
        version: u32,
        status: ModelStatus,
        message: Option<String>,
    ) -> Result<()> {
        caller.require(Permission::Write)?;
        let act = RegistryAct::Status {
            version,
            status,
            message,
        };
        self.registry_act(caller, name, act).await.map(drop)
    }

    /// Removes a version with its aliases; its number stays taken.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn model_version_delete(
        &self,
        caller: &Caller,
        name: &ModelName,
        version: u32,
    ) -> Result<()> {
        caller.require(Permission::Write)?;
        let act = RegistryAct::VersionDelete { version };
        self.registry_act(caller, name, act).await.map(drop)
    }

    /// Takes an alias away from the version that has it.
    ///
    /// # Errors
    /// `NotFound` when no version has it.
    pub async fn model_alias_remove(
        &self,
        caller: &Caller,
        name: &ModelName,
        alias: ModelAlias,
    ) -> Result<()> {
        caller.require(Permission::Write)?;
        let act = RegistryAct::AliasRemove { alias };
        self.registry_act(caller, name, act).await.map(drop)
    }

    /// From now on an alias or stage needs a passed gate; who has it keeps it.
    ///
    /// # Errors
    /// `Invalid` for rules that say nothing or contradict themselves.
    pub async fn model_protect(
        &self,
        caller: &Caller,
        name: &ModelName,
        target: PromotionTarget,
        gate: &Gate,
    ) -> Result<RegisteredModel> {
        caller.require(Permission::Admin)?;
        crate::gate::check_rules(gate)?;
        let rules = serde_json::to_value(gate)
            .map_err(|error| Error::internal("write the rules of a gate", error))?;
        let act = RegistryAct::Protect { target, rules };
        self.registry_act(caller, name, act).await?;
        self.registered_model_get(caller, name).await
    }

    /// Lets an alias or stage be given without a gate again.
    ///
    /// # Errors
    /// `NotFound` when it needs none.
    pub async fn model_unprotect(
        &self,
        caller: &Caller,
        name: &ModelName,
        target: PromotionTarget,
    ) -> Result<()> {
        caller.require(Permission::Admin)?;
        let act = RegistryAct::Unprotect { target };
        self.registry_act(caller, name, act).await.map(drop)
    }

    /// The trail of the models that have or had a name, or of all, newest first:
    /// at most `limit` lines before `before`.
    ///
    /// # Errors
    /// `Invalid` for an odd limit; `NotFound` when no model ever had the name.
    pub async fn model_events(
        &self,
        caller: &Caller,
        name: Option<&ModelName>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ModelEvent>> {
        caller.require(Permission::Read)?;
        check_limit(limit)?;
        let found = self.store.registry_events(name, before, limit).await?;
        match name {
            Some(name) if found.is_empty() && before.is_none() => {
                Err(Error::not_found("registered model", name))
            }
            _ => Ok(found),
        }
    }
}

fn check_limit(limit: usize) -> Result<()> {
    match (1..=limits::PAGE_MAX_ROWS).contains(&limit) {
        true => Ok(()),
        false => Err(Error::invalid(format!(
            "`limit` must be 1 to {}",
            limits::PAGE_MAX_ROWS
        ))),
    }
}
