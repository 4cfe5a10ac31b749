//! Experiments as things of their own: made, named by number, tagged, renamed, deleted
//! with their runs.

use std::collections::BTreeMap;

use mlhub_core::deletion::DeletionAction;
use mlhub_core::run::{Experiment, ExperimentChange, NewExperiment};
use mlhub_core::{Caller, Error, Name, Permission, Result, limits};
use mlhub_query::{Attribute, Literal, Operand};

use crate::deletion_request::Chosen;
use crate::{Hub, validate};

/// What the ledger says of runs that went, or came back, with their experiment.
const CAUSE: &str = "experiment";

impl Hub {
    /// All experiments, newest first, deleted ones among them.
    pub async fn experiment_list_all(&self, caller: &Caller) -> Result<Vec<Experiment>> {
        caller.require(Permission::Read)?;
        self.store.experiment_list(None).await
    }

    /// An experiment by its number.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn experiment_get(&self, caller: &Caller, number: i64) -> Result<Experiment> {
        caller.require(Permission::Read)?;
        let found = self.store.experiment_get(number).await?;
        found.ok_or_else(|| Error::not_found("experiment", number))
    }

    /// An experiment by its name; deleted ones are found too.
    pub async fn experiment_named(
        &self,
        caller: &Caller,
        project: &Name,
        name: &Name,
    ) -> Result<Option<Experiment>> {
        caller.require(Permission::Read)?;
        self.store.experiment_named(project, name).await
    }

    /// Makes an experiment. `location` is where clients keep the artifacts of its runs by
    /// themselves; it is told to them, and never read.
    ///
    /// # Errors
    /// `Conflict` when there is one of that name, deleted or not; `Invalid`.
    pub async fn experiment_create(
        &self,
        caller: &Caller,
        project: Name,
        name: Name,
        tags: BTreeMap<String, String>,
        location: Option<String>,
    ) -> Result<Experiment> {
        caller.require(Permission::Write)?;
        for (key, value) in &tags {
            check_tag(key, Some(value))?;
        }
        let experiment = NewExperiment {
            project,
            name,
            tags,
            location,
            created_at: self.clock.now(),
        };
        self.store.experiment_create(&experiment).await
    }

    /// Changes name and tags; runs follow the new name.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the project has another of that name, or the
    /// experiment is deleted.
    pub async fn experiment_patch(
        &self,
        caller: &Caller,
        number: i64,
        name: Option<Name>,
        tags: BTreeMap<String, Option<String>>,
    ) -> Result<Experiment> {
        caller.require(Permission::Write)?;
        for (key, value) in &tags {
            check_tag(key, value.as_deref())?;
        }
        let before = self.experiment_get(caller, number).await?;
        if before.deleted_at.is_some() {
            return Err(Error::conflict(format!(
                "the experiment `{}/{}` is deleted; restore it first",
                before.project, before.name
            )));
        }
        let runs = match name.as_ref().is_some_and(|name| *name != before.name) {
            true => self.runs_of(&before).await?,
            false => Vec::new(),
        };
        let change = ExperimentChange {
            name,
            tags,
            deleted: None,
        };
        let now = self.clock.now();
        let changing = self.store.experiment_change(number, &change, now);
        self.changing(runs, changing).await
    }

    /// Deletes an experiment and all its runs, or brings all of them back. Runs that
    /// somebody else minds have to end before.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` naming a run that is minded by an agent and has not ended.
    pub async fn experiment_delete(
        &self,
        caller: &Caller,
        number: i64,
        deleted: bool,
    ) -> Result<Experiment> {
        caller.require(Permission::Write)?;
        let before = self.experiment_get(caller, number).await?;
        let ids = self.runs_of(&before).await?;
        let runs = self.store.runs_get(&ids).await?;
        let mut chosen = Vec::new();
        for run in runs {
            let run = match deleted {
                true => self.client_run_settle(caller, run).await?,
                false => run,
            };
            chosen.push(Chosen { run, reason: None });
        }
        let action = match deleted {
            true => DeletionAction::Delete,
            false => DeletionAction::Restore,
        };
        self.deletion_apply(action, CAUSE, &caller.user, chosen, false)
            .await?;
        if !deleted {
            self.client_runs_revive(caller, &ids).await?;
        }
        let change = ExperimentChange {
            deleted: Some(deleted),
            ..ExperimentChange::default()
        };
        let now = self.clock.now();
        self.store.experiment_change(number, &change, now).await
    }

    /// All runs of an experiment, deleted ones among them.
    async fn runs_of(&self, experiment: &Experiment) -> Result<Vec<mlhub_core::RunId>> {
        let is = |attribute, name: &Name| {
            let text = Literal::Text(name.as_str().to_owned());
            mlhub_query::Expr::equal(Operand::Attribute(attribute), text)
        };
        let query = mlhub_query::Expr::all(vec![
            is(Attribute::Project, &experiment.project),
            is(Attribute::Experiment, &experiment.name),
        ]);
        let query = query.map(|expr| expr.to_string()).unwrap_or_default();
        self.run_ids_matching(&query, None, None).await
    }
}

fn check_tag(key: &str, value: Option<&str>) -> Result<()> {
    validate::key("tag", key)?;
    if key.len() > limits::NAME_MAX_BYTES {
        return Err(Error::invalid(format!(
            "the tag `{key}` of an experiment has more than {} bytes in its name",
            limits::NAME_MAX_BYTES
        )));
    }
    validate::value("tag", key, value.unwrap_or_default())
}
