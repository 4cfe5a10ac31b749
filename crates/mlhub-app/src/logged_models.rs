//! Logged models: models that runs made, with params, tags and metrics of their own.
//!
//! The files of a model are artifacts of the run that made it, in a folder of the model. A
//! model that no run of its experiment made gets a run of its own, which is there for its files
//! alone and says so in a tag.

use std::collections::BTreeMap;

use mlhub_core::logged_model::{
    LOGGED_MODELS_FOLDER, LoggedModel, LoggedModelChange, LoggedModelMetric, LoggedModelQuery,
    LoggedModelUse, NewLoggedModel,
};
use mlhub_core::{
    ArtifactPath, Caller, Error, LoggedModelId, Name, Permission, Result, RunId, RunState,
    Timestamp,
};
use mlhub_protocol::rest::Snapshot;

use crate::Hub;
use crate::client_runs::ClientChange;
use crate::runs::{RunCreation, RunDraft};

/// The tag of a run that is there for the files of a logged model alone: the model's id.
pub const LOGGED_MODEL_TAG: &str = "mlhub.logged_model";

/// A logged model to make.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedModelDraft {
    /// The id that it keeps, `m-` and the id of a run that is not there; a fresh one when absent.
    pub id: Option<LoggedModelId>,
    /// When it was made; now when absent.
    pub created_at: Option<Timestamp>,
    /// The project of its experiment.
    pub project: Name,
    /// The experiment; made when it does not exist.
    pub experiment: Name,
    /// The run that made it, in the words of whoever logs it. One that is not there, or is of
    /// another experiment, is kept as a text.
    pub source_run: Option<String>,
    /// Its name, which others may have too.
    pub name: String,
    /// What kind of model it is.
    pub model_type: Option<String>,
    /// Its params.
    pub params: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Hub {
    /// Makes a logged model; its files are expected.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge` for what cannot be stored; `Conflict` when the experiment is
    /// deleted.
    pub async fn logged_model_create(
        &self,
        caller: &Caller,
        draft: LoggedModelDraft,
    ) -> Result<LoggedModel> {
        caller.require(Permission::Write)?;
        let own_run = match &draft.id {
            Some(id) => run_of(id)?,
            None => self.run_id_long()?,
        };
        let mut new = NewLoggedModel {
            id: LoggedModelId::of_run(&own_run)?,
            run: own_run,
            wish: folder(&draft.name)?,
            source_run: draft.source_run.clone(),
            name: draft.name.clone(),
            model_type: draft.model_type.clone(),
            params: draft.params.clone(),
            tags: draft.tags.clone(),
            now: draft.created_at.unwrap_or_else(|| self.clock.now()),
        };
        new.check()?;
        match self.maker(&draft).await? {
            Some(run) => new.run = run,
            None => self.run_of_model(caller, &draft, &new).await?,
        }
        self.store.logged_model_create(&new).await?;
        self.logged_model_get(caller, &new.id).await
    }

    /// The run that made a model, if its files can be with it.
    async fn maker(&self, draft: &LoggedModelDraft) -> Result<Option<RunId>> {
        let Some(Ok(id)) = draft.source_run.as_deref().map(str::parse::<RunId>) else {
            return Ok(None);
        };
        let run = self.store.run_get(&id).await?.filter(|run| {
            run.deleted_at.is_none()
                && run.project == draft.project
                && run.experiment == draft.experiment
        });
        Ok(run.map(|run| run.id))
    }

    /// Makes the run that a model has for itself.
    async fn run_of_model(
        &self,
        caller: &Caller,
        draft: &LoggedModelDraft,
        new: &NewLoggedModel,
    ) -> Result<()> {
        let creation = RunCreation {
            project: draft.project.clone(),
            experiment: draft.experiment.clone(),
            adapter: None,
            adapter_version: None,
            dataset: None,
            notes: String::new(),
            params: BTreeMap::new(),
            tags: [(LOGGED_MODEL_TAG.to_owned(), new.id.to_string())].into(),
            snapshot: Snapshot::default(),
            host: None,
            group: None,
            runs: vec![RunDraft {
                id: Some(new.run.clone()),
                name: draft.name.parse().ok(),
                seed: None,
            }],
        };
        self.client_run_create(caller, creation, new.now).await?;
        let end = ClientChange {
            state: RunState::Finished,
            ended_at: Some(new.now),
        };
        self.client_run_change(caller, &new.run, end)
            .await
            .map(drop)
    }

    /// A logged model, deleted or not.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn logged_model_get(
        &self,
        caller: &Caller,
        id: &LoggedModelId,
    ) -> Result<LoggedModel> {
        caller.require(Permission::Read)?;
        let found = self.store.logged_model_get(id).await?;
        found.ok_or_else(|| Error::not_found("logged model", id))
    }

    /// Logged models, newest first, a page.
    pub async fn logged_model_list(
        &self,
        caller: &Caller,
        query: &LoggedModelQuery,
    ) -> Result<Vec<LoggedModel>> {
        caller.require(Permission::Read)?;
        self.store.logged_model_list(query).await
    }

    /// Changes status, params and tags of a logged model.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for a param that is there with another value.
    pub async fn logged_model_change(
        &self,
        caller: &Caller,
        id: &LoggedModelId,
        change: &LoggedModelChange,
    ) -> Result<LoggedModel> {
        caller.require(Permission::Write)?;
        let now = self.clock.now();
        self.store.logged_model_change(id, change, now).await?;
        self.logged_model_get(caller, id).await
    }

    /// Deletes a logged model. Its files stay with the run that made it; a run of its own is
    /// deleted with it.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn logged_model_delete(&self, caller: &Caller, id: &LoggedModelId) -> Result<()> {
        let change = LoggedModelChange {
            deleted: true,
            ..LoggedModelChange::default()
        };
        let model = self.logged_model_change(caller, id, &change).await?;
        if LoggedModelId::of_run(&model.run).is_ok_and(|own| own == model.id) {
            self.client_run_delete(caller, &model.run).await?;
        }
        Ok(())
    }

    /// Stores metrics of logged models; of each, the latest value by run and dataset stays.
    ///
    /// # Errors
    /// `NotFound` for a model, and nothing is stored.
    pub async fn logged_model_metrics(
        &self,
        caller: &Caller,
        metrics: &[(LoggedModelId, LoggedModelMetric)],
    ) -> Result<()> {
        caller.require(Permission::Write)?;
        self.store.logged_model_metrics(metrics).await
    }

    /// Notes which logged models a run read or made.
    ///
    /// # Errors
    /// `NotFound` for the run.
    pub async fn logged_model_use_add(
        &self,
        caller: &Caller,
        run: &RunId,
        uses: &[LoggedModelUse],
    ) -> Result<()> {
        caller.require(Permission::Write)?;
        self.store.logged_model_use_add(run, uses).await
    }

    /// Which logged models runs read and made.
    pub async fn logged_model_uses(
        &self,
        caller: &Caller,
        runs: &[RunId],
    ) -> Result<BTreeMap<RunId, Vec<LoggedModelUse>>> {
        caller.require(Permission::Read)?;
        self.store.logged_model_uses(runs).await
    }
}

/// The run that a model of this id has for itself, where no other made it.
fn run_of(id: &LoggedModelId) -> Result<RunId> {
    match id.as_str().strip_prefix("m-").map(str::parse) {
        Some(Ok(run)) => Ok(run),
        _ => Err(Error::invalid(format!(
            "`{id}` cannot be the id of a logged model: it is `m-` and the id of a run"
        ))),
    }
}

/// The folder that a model of this name is to have: what no path can hold is replaced.
fn folder(name: &str) -> Result<ArtifactPath> {
    let whole = format!("{LOGGED_MODELS_FOLDER}/{name}");
    let fits = !name.contains('/') && name.len() <= FOLDER_NAME_MAX_BYTES;
    if let (true, Ok(path)) = (fits, whole.parse::<ArtifactPath>()) {
        return Ok(path);
    }
    let plain = |character: char| match character.is_alphanumeric() {
        true => character,
        false => '_',
    };
    let name: String = name.chars().take(FOLDER_CHARS).map(plain).collect();
    format!("{LOGGED_MODELS_FOLDER}/{name}").parse()
}

/// Bytes of a name that becomes a folder as it is; a number may come behind it.
const FOLDER_NAME_MAX_BYTES: usize = 200;
/// Characters that stay of other names.
const FOLDER_CHARS: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_after_models_where_they_can_be() {
        let of = |name: &str| folder(name).expect("a folder").as_str().to_owned();
        assert_eq!(of("net v2"), "logged-models/net v2");
        assert_eq!(of("a/b"), "logged-models/a_b");
        assert_eq!(of(".."), "logged-models/__");
        assert_eq!(of("a\\b\n"), "logged-models/a_b_");
        assert!(folder(&"x".repeat(2000)).is_ok());
    }
}
