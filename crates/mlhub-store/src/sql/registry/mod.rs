//! The model registry: models, versions, aliases, and their trail.
//!
//! `write` changes and tells, `read` finds, `portable` is for archives.

mod portable;
mod promote;
mod read;
mod write;

use async_trait::async_trait;
use mlhub_core::deletion::DeletionAction;
use mlhub_core::registry::{
    ModelChoice, ModelEvent, ModelName, ModelQuery, ModelVersion, ModelVersionQuery,
    RegisteredModel, RegistryChange, RegistryStore,
};
use mlhub_core::{Error, Result, RunId, limits};

use super::SqlStore;
use super::seam::{Backend, Tx};
use crate::check;
pub(crate) use portable::{portable, restore_event, restore_model, restore_version};

/// Versions that a refusal names.
const NAMED_MAX: usize = 5;

#[async_trait]
impl<B: Backend> RegistryStore for SqlStore<B> {
    async fn registry_change(&self, change: &RegistryChange) -> Result<Option<u32>> {
        change.act.check()?;
        check::optional("who changes a model", Some(&change.actor.0))?;
        self.write("change a registered model", change.clone(), |tx, change| {
            Box::pin(write::change(tx, change))
        })
        .await
    }

    async fn registry_model_get(&self, name: &ModelName) -> Result<Option<RegisteredModel>> {
        self.read("find a registered model", name.clone(), |tx, name| {
            Box::pin(async move { Ok(read::model(tx, name).await?.map(|(_, model)| model)) })
        })
        .await
    }

    async fn registry_model_list(&self, query: &ModelQuery) -> Result<Vec<RegisteredModel>> {
        self.read("list registered models", query.clone(), |tx, query| {
            Box::pin(read::models(tx, query))
        })
        .await
    }

    async fn registry_version_get(
        &self,
        model: &ModelName,
        choice: &ModelChoice,
    ) -> Result<Option<ModelVersion>> {
        let input = (model.clone(), choice.clone());
        self.read("find a model's version", input, |tx, (model, choice)| {
            Box::pin(read::version(tx, model, choice))
        })
        .await
    }

    async fn registry_version_list(&self, query: &ModelVersionQuery) -> Result<Vec<ModelVersion>> {
        self.read("list versions of models", query.clone(), |tx, query| {
            Box::pin(read::versions(tx, query))
        })
        .await
    }

    async fn registry_newest(&self, models: &[ModelName]) -> Result<Vec<ModelVersion>> {
        self.read("find newest versions", models.to_vec(), |tx, models| {
            Box::pin(read::newest(tx, models))
        })
        .await
    }

    async fn registry_events(
        &self,
        name: Option<&ModelName>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ModelEvent>> {
        let input = (name.cloned(), before, limit.min(limits::PAGE_MAX_ROWS));
        self.read(
            "read the registry's trail",
            input,
            |tx, (name, before, limit)| Box::pin(read::events(tx, name.as_ref(), *before, *limit)),
        )
        .await
    }
}

/// Refuses to remove what versions of models come from, or what their files are.
pub(crate) async fn refuse_use(tx: &mut dyn Tx, run: &RunId, action: DeletionAction) -> Result<()> {
    let condition = match action {
        DeletionAction::Purge => "(v.run = $1 OR v.place_run = $1)",
        DeletionAction::DropArtifacts => "v.place_run = $1",
        _ => return Ok(()),
    };
    let sql = format!(
        "SELECT m.name, v.version FROM registry_version v JOIN registry_model m ON m.id = v.model \
         WHERE {condition} ORDER BY m.name, v.version"
    );
    let mut named = Vec::new();
    for mut row in tx.query(&sql, &[run.as_str().into()]).await? {
        named.push(format!("`{}` version {}", row.text()?, row.i64()?));
    }
    needed(&format!("run `{run}`"), named)
}

/// Refuses to remove artifacts of a run that are files of a version, each by its path.
pub(crate) async fn refuse_files(tx: &mut dyn Tx, run: &RunId, paths: &[String]) -> Result<()> {
    let sql = "SELECT m.name, v.version, v.place_path FROM registry_version v \
               JOIN registry_model m ON m.id = v.model WHERE v.place_run = $1 \
               ORDER BY m.name, v.version";
    let mut named = Vec::new();
    let mut first: Option<&String> = None;
    for mut row in tx.query(sql, &[run.as_str().into()]).await? {
        let (name, version, place) = (row.text()?, row.i64()?, row.optional_text()?);
        let is_in = |path: &&String| match &place {
            None => true,
            Some(place) => path
                .strip_prefix(place.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        };
        if let Some(path) = paths.iter().find(is_in) {
            first = first.or(Some(path));
            named.push(format!("`{name}` version {version}"));
        }
    }
    let path = first.map_or("", String::as_str);
    needed(&format!("the artifact `{path}` of run `{run}`"), named)
}

/// Refuses what these versions need.
fn needed(what: &str, mut named: Vec<String>) -> Result<()> {
    if named.is_empty() {
        return Ok(());
    }
    let more = named.len().saturating_sub(NAMED_MAX);
    named.truncate(NAMED_MAX);
    let mut told = named.join(", ");
    if more > 0 {
        told.push_str(&format!(" and {more} more"));
    }
    Err(Error::conflict(format!(
        "the model registry needs {what} for {told}; delete what nobody uses from the registry first"
    )))
}
