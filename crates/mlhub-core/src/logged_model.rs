//! Logged models: models that runs made, with params, tags and metrics of their own.
//!
//! The files of a logged model are artifacts of a run, in a folder of the model; they are
//! listed, downloaded, versioned, deleted and purged with that run. Who may do what is not
//! decided here.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::{LoggedModelId, Name, RunId};
use crate::limits;
use crate::path::ArtifactPath;
use crate::ports::Timestamp;
use crate::registry::{ModelStatus, at_most};

/// The folder among the artifacts of a run that holds the folders of its logged models.
pub const LOGGED_MODELS_FOLDER: &str = "logged-models";

/// A logged model.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedModel {
    /// What names it.
    pub id: LoggedModelId,
    /// The run whose artifacts its files are.
    pub run: RunId,
    /// The project of that run.
    pub project: Name,
    /// The experiment of that run.
    pub experiment: Name,
    /// The folder of its files.
    pub folder: ArtifactPath,
    /// The run that made it, in the words of whoever logged it.
    pub source_run: Option<String>,
    /// Its name, which others may have too.
    pub name: String,
    /// What kind of model it is, in any words.
    pub model_type: Option<String>,
    /// Whether its files are there, as whoever logs it says.
    pub status: ModelStatus,
    /// Its params.
    pub params: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The latest value of each metric, by run and dataset.
    pub metrics: Vec<LoggedModelMetric>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

/// The latest value of a metric of a logged model.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedModelMetric {
    /// The metric's name.
    pub name: String,
    /// The run that logged it.
    pub run: RunId,
    /// The dataset it is about.
    pub dataset_name: Option<String>,
    /// The digest of that dataset.
    pub dataset_digest: Option<String>,
    /// At which step.
    pub step: i64,
    /// When.
    pub time: Timestamp,
    /// The value.
    pub value: f64,
}

/// A logged model to make. Its folder is `wish`, or that with a number behind it where
/// another model of the run has it, or artifacts are in it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLoggedModel {
    /// What names it.
    pub id: LoggedModelId,
    /// The run whose artifacts its files will be.
    pub run: RunId,
    /// The folder that its files are to have.
    pub wish: ArtifactPath,
    /// The run that made it.
    pub source_run: Option<String>,
    /// Its name.
    pub name: String,
    /// What kind of model it is.
    pub model_type: Option<String>,
    /// Its params.
    pub params: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When.
    pub now: Timestamp,
}

/// What changes of a logged model; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoggedModelChange {
    /// Whether its files are there.
    pub status: Option<ModelStatus>,
    /// Params that come; `Conflict` for one that is there with another value.
    pub params: BTreeMap<String, String>,
    /// Tags that are set (`Some`) and removed (`None`).
    pub tags: BTreeMap<String, Option<String>>,
    /// It is deleted.
    pub deleted: bool,
}

/// What a run had to do with a logged model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoggedModelRole {
    /// The run read it.
    Input,
    /// The run made it.
    Output,
}

impl LoggedModelRole {
    /// The role's name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }
}

impl std::str::FromStr for LoggedModelRole {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Input, Self::Output]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| Error::invalid(format!("`{text}` is no role of a logged model")))
    }
}

/// A logged model that a run read or made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedModelUse {
    /// What the run did with it.
    pub role: LoggedModelRole,
    /// The model; it may be gone.
    pub model: LoggedModelId,
    /// At which step.
    pub step: i64,
}

/// Which logged models are listed, newest first; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoggedModelQuery {
    /// With files of this run.
    pub run: Option<RunId>,
    /// Of these experiments (project and name).
    pub experiments: Option<Vec<(Name, Name)>>,
    /// Of this name.
    pub name: Option<String>,
    /// With all of these params, of any value or of this one.
    pub params: Vec<(String, Option<String>)>,
    /// With all of these tags, likewise.
    pub tags: Vec<(String, Option<String>)>,
    /// Deleted ones too.
    pub deleted: bool,
    /// Behind this one.
    pub after: Option<(Timestamp, LoggedModelId)>,
    /// At most so many, and [`limits::PAGE_MAX_ROWS`].
    pub limit: usize,
}

/// Logged models. Each method is one transaction.
#[async_trait]
pub trait LoggedModelStore: Send + Sync {
    /// Makes a logged model, pending. `NotFound` for its run; `Conflict` when that is deleted
    /// or the id is taken.
    async fn logged_model_create(&self, new: &NewLoggedModel) -> Result<()>;
    /// Finds one, a deleted one too.
    async fn logged_model_get(&self, id: &LoggedModelId) -> Result<Option<LoggedModel>>;
    /// Logged models, newest first.
    async fn logged_model_list(&self, query: &LoggedModelQuery) -> Result<Vec<LoggedModel>>;
    /// Changes one. `NotFound`; `Conflict` for a param with another value; `TooLarge` past a
    /// limit.
    async fn logged_model_change(
        &self,
        id: &LoggedModelId,
        change: &LoggedModelChange,
        now: Timestamp,
    ) -> Result<()>;
    /// Stores metrics; by name, run and dataset the latest value stays. `NotFound`, and nothing
    /// is stored, when a model is not there.
    async fn logged_model_metrics(
        &self,
        metrics: &[(LoggedModelId, LoggedModelMetric)],
    ) -> Result<()>;
    /// Notes what a run read or made, once. `NotFound` for the run.
    async fn logged_model_use_add(&self, run: &RunId, uses: &[LoggedModelUse]) -> Result<()>;
    /// What runs read and made, in the order of role, model and step.
    async fn logged_model_uses(
        &self,
        runs: &[RunId],
    ) -> Result<BTreeMap<RunId, Vec<LoggedModelUse>>>;
}

fn check_text(what: &str, value: &str, max_bytes: usize) -> Result<()> {
    crate::registry::text(what, value, max_bytes)
}

fn check_params(params: &BTreeMap<String, String>) -> Result<()> {
    for (name, value) in params {
        check_text("the name of a param", name, limits::NAME_MAX_BYTES)?;
        let what = format!("the param `{name}`");
        check_text(&what, value, limits::VALUE_MAX_BYTES)?;
    }
    at_most("params", params.len(), limits::LOGGED_MODEL_LABELS_MAX)
}

/// Refuses more labels than a logged model may have.
///
/// # Errors
/// `TooLarge`, naming the limit.
pub fn check_labels(
    params: &BTreeMap<String, String>,
    tags: &BTreeMap<String, String>,
) -> Result<()> {
    at_most("params", params.len(), limits::LOGGED_MODEL_LABELS_MAX)?;
    at_most("tags", tags.len(), limits::REGISTRY_TAGS_MAX)?;
    let all = params.iter().chain(tags);
    let bytes = all.map(|(name, value)| name.len() + value.len()).sum();
    let max = limits::LOGGED_MODEL_LABELS_MAX_BYTES;
    at_most("bytes of params and tags", bytes, max)
}

/// Refuses names and types that cannot be stored.
///
/// # Errors
/// `Invalid` or `TooLarge`.
pub fn check_head(name: &str, model_type: Option<&str>, source_run: Option<&str>) -> Result<()> {
    if name.is_empty() {
        return Err(Error::invalid("the name of a logged model is empty"));
    }
    let max = limits::LOGGED_MODEL_NAME_MAX_BYTES;
    check_text("the name of a logged model", name, max)?;
    let model_type = model_type.unwrap_or_default();
    check_text("the type of a logged model", model_type, max)?;
    let source = source_run.unwrap_or_default();
    check_text("the run of a logged model", source, limits::NAME_MAX_BYTES)
}

impl NewLoggedModel {
    /// Refuses texts that cannot be stored.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge`, naming what is wrong.
    pub fn check(&self) -> Result<()> {
        let source = self.source_run.as_deref();
        check_head(&self.name, self.model_type.as_deref(), source)?;
        check_params(&self.params)?;
        crate::registry::check_tags(&self.tags)?;
        check_labels(&self.params, &self.tags)
    }
}

impl LoggedModelChange {
    /// Refuses texts that cannot be stored.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge`, naming what is wrong.
    pub fn check(&self) -> Result<()> {
        check_params(&self.params)?;
        self.tags
            .iter()
            .try_for_each(|(name, value)| crate::registry::check_tag(name, value.as_deref()))
    }
}

impl LoggedModelMetric {
    /// Refuses texts that cannot be stored.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge`, naming what is wrong.
    pub fn check(&self) -> Result<()> {
        check_text("a metric's name", &self.name, limits::KEY_MAX_BYTES)?;
        let max = limits::LOGGED_MODEL_NAME_MAX_BYTES;
        for value in [&self.dataset_name, &self.dataset_digest] {
            let value = value.as_deref().unwrap_or_default();
            check_text("the dataset of a metric", value, max)?;
        }
        Ok(())
    }

    /// Where it stands among the values of its metric: the latest is the greatest.
    pub fn order(&self) -> (Timestamp, i64) {
        (self.time, self.step)
    }
}

impl crate::portable::PortableLoggedModel {
    /// Refuses texts that cannot be stored.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge`, naming what is wrong.
    pub fn check(&self) -> Result<()> {
        let source = self.source_run.as_deref();
        check_head(&self.name, self.model_type.as_deref(), source)?;
        check_params(&self.params)?;
        crate::registry::check_tags(&self.tags)?;
        check_labels(&self.params, &self.tags)?;
        let max = limits::LOGGED_MODEL_METRICS_MAX;
        at_most("metrics", self.metrics.len(), max)?;
        self.metrics
            .iter()
            .try_for_each(|metric| LoggedModelMetric::from(metric.clone()).check())
    }
}
