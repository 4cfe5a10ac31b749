//! Making, finding, listing and changing runs. Deleting them is in `deletion`.

use std::collections::BTreeMap;

use mlhub_core::evaluation::{EvaluatedMetric, EvaluationRecord};
use mlhub_core::metric::MetricSummary;
use mlhub_core::run::{Attempt, Experiment, NewRun, Project, Run};
use mlhub_core::store::Store;
use mlhub_core::{Caller, Error, GroupId, Name, Permission, Result, RunId, RunState, limits};
use mlhub_protocol::rest::Snapshot;

use crate::{Hub, validate};

/// Runs one creation may make.
const RUNS_PER_CREATION_MAX: usize = 1000;
/// Runs named when a prefix is ambiguous.
const AMBIGUOUS_SHOWN: usize = 5;
/// Metrics of the machine, left out of run rows.
const SYSTEM_PREFIX: &str = "system/";

/// Runs to make that differ only in their seed.
#[derive(Debug, Clone)]
pub struct RunCreation {
    /// The project; made when it does not exist.
    pub project: Name,
    /// The experiment; made when it does not exist.
    pub experiment: Name,
    /// The adapter's name.
    pub adapter: Option<String>,
    /// The adapter's version.
    pub adapter_version: Option<String>,
    /// `name@version` of the dataset.
    pub dataset: Option<String>,
    /// Free text.
    pub notes: String,
    /// Flat params.
    pub params: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// All that reproduces the runs.
    pub snapshot: Snapshot,
    /// The machine that will run them.
    pub host: Option<String>,
    /// The seed group; made when absent and there are several runs.
    pub group: Option<GroupId>,
    /// The runs.
    pub runs: Vec<RunDraft>,
}

/// One run to make.
#[derive(Debug, Clone)]
pub struct RunDraft {
    /// Its id, when the client chose it.
    pub id: Option<RunId>,
    /// Its name, when the client chose it.
    pub name: Option<Name>,
    /// Its seed.
    pub seed: Option<i64>,
}

/// A run with what lists show beside it.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// The run.
    pub run: Run,
    /// Flat params.
    pub params: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Logged metrics, those of the machine left out.
    pub metrics: Vec<MetricSummary>,
    /// Evaluated metrics.
    pub evaluated: Vec<EvaluatedMetric>,
}

/// A whole run.
#[derive(Debug, Clone)]
pub struct RunOverview {
    /// What lists show.
    pub row: RunRow,
    /// All that reproduces it.
    pub snapshot: Snapshot,
    /// Its attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// Its evaluations, without curves.
    pub evaluations: Vec<EvaluationRecord>,
}

impl Hub {
    /// All projects, last active first.
    pub async fn project_list(&self, caller: &Caller) -> Result<Vec<Project>> {
        caller.require(Permission::Read)?;
        self.store.project_list().await
    }

    /// Changes what a project is described as.
    ///
    /// # Errors
    /// `Invalid` for a text that cannot be stored; `NotFound`.
    pub async fn project_describe(
        &self,
        caller: &Caller,
        name: &Name,
        description: &str,
    ) -> Result<Project> {
        caller.require(Permission::Write)?;
        validate::text("`description`", description)?;
        let missing = || Error::not_found("project", name);
        if !self.store.project_describe(name, description).await? {
            return Err(missing());
        }
        self.store.project_get(name).await?.ok_or_else(missing)
    }

    /// Experiments of a project, or of all, newest first, but for deleted ones.
    pub async fn experiment_list(
        &self,
        caller: &Caller,
        project: Option<&Name>,
    ) -> Result<Vec<Experiment>> {
        caller.require(Permission::Read)?;
        let mut found = self.store.experiment_list(project).await?;
        found.retain(|experiment| experiment.deleted_at.is_none());
        Ok(found)
    }

    /// Makes runs. Repeating a call whose ids the client chose changes nothing
    /// and returns the same runs.
    ///
    /// # Errors
    /// `Invalid` for bad names, keys or sizes; `Conflict` when an id belongs to
    /// another run.
    pub async fn run_create(&self, caller: &Caller, creation: RunCreation) -> Result<Vec<RunRow>> {
        caller.require(Permission::Write)?;
        check_creation(&creation)?;
        if let Some(existing) = self.already_created(&creation).await? {
            return self.rows(existing).await;
        }
        let new_runs = self.new_runs(caller, &creation)?;
        let ids: Vec<RunId> = new_runs.iter().map(|run| run.id.clone()).collect();
        let _told: Vec<_> = ids.iter().map(|id| self.telling(id, &["state"])).collect();
        let creating = self.store.run_create(&new_runs);
        let runs = match self.changing(ids, creating).await {
            Ok(runs) => runs,
            // The same call, delivered twice at once: the other one was first.
            Err(error) if error.kind() == mlhub_core::ErrorKind::Conflict => {
                return match self.already_created(&creation).await? {
                    Some(existing) => self.rows(existing).await,
                    None => Err(error),
                };
            }
            Err(error) => return Err(error),
        };
        self.rows(runs).await
    }

    fn new_runs(&self, caller: &Caller, creation: &RunCreation) -> Result<Vec<NewRun>> {
        let snapshot = serde_json::to_value(&creation.snapshot)
            .map_err(|source| Error::internal("write a snapshot", source))?;
        let group = match &creation.group {
            Some(group) => Some(group.clone()),
            None if creation.runs.len() > 1 => Some(GroupId::generate(&*self.entropy)),
            None => None,
        };
        let now = self.clock.now();
        creation
            .runs
            .iter()
            .map(|draft| {
                let name = match &draft.name {
                    Some(name) => name.clone(),
                    None => default_name(&creation.experiment, draft.seed)?,
                };
                Ok(NewRun {
                    id: draft
                        .id
                        .clone()
                        .unwrap_or_else(|| RunId::generate(&*self.entropy)),
                    project: creation.project.clone(),
                    experiment: creation.experiment.clone(),
                    name,
                    adapter: creation.adapter.clone(),
                    adapter_version: creation.adapter_version.clone(),
                    seed: draft.seed,
                    group: group.clone(),
                    dataset: creation.dataset.clone(),
                    owner: caller.user.clone(),
                    notes: creation.notes.clone(),
                    params: creation.params.clone(),
                    tags: creation.tags.clone(),
                    snapshot: snapshot.clone(),
                    host: creation.host.clone(),
                    created_at: now,
                })
            })
            .collect()
    }

    async fn already_created(&self, creation: &RunCreation) -> Result<Option<Vec<Run>>> {
        let mut existing = self.existing(creation).await?;
        // Runs are made all or none: when only some were found, the same call
        // delivered twice was just making them, and a second look finds all.
        if !existing.is_empty() && existing.len() < creation.runs.len() {
            existing = self.existing(creation).await?;
        }
        match existing.len() {
            0 => Ok(None),
            n if n == creation.runs.len() => Ok(Some(existing)),
            _ => Err(Error::conflict(
                "some of the run ids exist and some do not; repeat the call as it was first made",
            )),
        }
    }

    async fn existing(&self, creation: &RunCreation) -> Result<Vec<Run>> {
        let mut existing = Vec::new();
        for draft in &creation.runs {
            let Some(id) = &draft.id else { continue };
            let Some(run) = self.store.run_get(id).await? else {
                continue;
            };
            if run.project != creation.project
                || run.experiment != creation.experiment
                || run.seed != draft.seed
            {
                return Err(Error::conflict(format!(
                    "the run id `{id}` belongs to another run, of `{}/{}`",
                    run.project, run.experiment
                )));
            }
            existing.push(run);
        }
        Ok(existing)
    }

    /// Finds a run by id or by a unique prefix of it.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` when several ids start so.
    pub async fn run_resolve(&self, caller: &Caller, text: &str) -> Result<Run> {
        caller.require(Permission::Read)?;
        if let Ok(id) = text.parse::<RunId>()
            && let Some(run) = self.store.run_get(&id).await?
        {
            return Ok(run);
        }
        let usable = !text.is_empty()
            && text.len() <= limits::ID_MAX_BYTES
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !usable {
            return Err(Error::invalid(
                "not a run id: letters, digits, `-` and `_` are allowed",
            ));
        }
        let mut found = self.store.run_find(text, AMBIGUOUS_SHOWN).await?;
        match found.len() {
            0 => Err(Error::not_found("run", text)),
            1 => Ok(found.remove(0)),
            _ => Err(Error::invalid(format!(
                "several runs start with `{text}`: {}; give more of the id",
                found
                    .iter()
                    .map(|run| run.id.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
        }
    }

    /// A run with what lists show.
    pub async fn run_row(&self, caller: &Caller, id: &RunId) -> Result<RunRow> {
        caller.require(Permission::Read)?;
        self.row(id).await
    }

    /// A whole run.
    pub async fn run_overview(&self, caller: &Caller, text: &str) -> Result<RunOverview> {
        let run = self.run_resolve(caller, text).await?;
        let id = run.id.clone();
        let snapshot = self.snapshot(&id).await?;
        let attempts = self.store.attempt_list(&id).await?;
        let evaluations = self
            .store
            .evaluation_list(std::slice::from_ref(&id))
            .await?;
        let mut rows = self.rows(vec![run]).await?;
        Ok(RunOverview {
            row: rows.remove(0),
            snapshot,
            attempts,
            evaluations,
        })
    }

    /// Changes name, notes and tags.
    pub async fn run_patch(
        &self,
        caller: &Caller,
        text: &str,
        name: Option<Name>,
        notes: Option<String>,
        tags: BTreeMap<String, Option<String>>,
    ) -> Result<RunRow> {
        caller.require(Permission::Write)?;
        let run = self.run_resolve(caller, text).await?;
        if let Some(notes) = &notes {
            validate::text("notes", notes)?;
        }
        for (key, value) in &tags {
            validate::key("tag", key)?;
            if let Some(value) = value {
                validate::value("tag", key, value)?;
            }
        }
        let _told = self.telling(&run.id, &["tags"]);
        if name.is_some() || notes.is_some() {
            let renaming = self
                .store
                .run_rename(&run.id, name.as_ref(), notes.as_deref());
            self.changing(vec![run.id.clone()], renaming).await?;
        }
        if !tags.is_empty() {
            let setting = self.store.tags_set(&run.id, &tags);
            self.changing(vec![run.id.clone()], setting).await?;
        }
        self.row(&run.id).await
    }

    /// Whether the store answers. Anybody may ask, so that it must cost nothing: it
    /// looks for a run behind the last one there can be.
    pub async fn ready(&self) -> Result<()> {
        self.store.run_scan(i64::MAX, 1).await.map(drop)
    }

    pub(crate) async fn row(&self, id: &RunId) -> Result<RunRow> {
        let run = self.run_exact(id).await?;
        Ok(self.rows(vec![run]).await?.remove(0))
    }

    pub(crate) async fn run_exact(&self, id: &RunId) -> Result<Run> {
        self.store
            .run_get(id)
            .await?
            .ok_or_else(|| Error::not_found("run", id))
    }

    pub(crate) async fn snapshot(&self, id: &RunId) -> Result<Snapshot> {
        let value = self
            .store
            .run_snapshot(id)
            .await?
            .ok_or_else(|| Error::not_found("run", id))?;
        serde_json::from_value(value).map_err(|source| Error::internal("read a snapshot", source))
    }

    /// What lists show of the runs, in their order.
    pub(crate) async fn rows(&self, runs: Vec<Run>) -> Result<Vec<RunRow>> {
        let mut rows = read_rows(&*self.store, runs).await?;
        for row in &mut rows {
            row.metrics
                .retain(|summary| !summary.name.starts_with(SYSTEM_PREFIX));
        }
        Ok(rows)
    }

    /// Does work of the store that changes runs, and tells the run table.
    pub(crate) async fn changing<T>(
        &self,
        runs: Vec<RunId>,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.run_index.changing(runs, self.clock.now(), work).await
    }
}

impl RunRow {
    /// The run alone.
    pub(crate) fn bare(run: Run) -> Self {
        Self {
            run,
            params: BTreeMap::new(),
            tags: BTreeMap::new(),
            metrics: Vec::new(),
            evaluated: Vec::new(),
        }
    }
}

/// All that hangs on the runs, in their order, read in bulk.
pub(crate) async fn read_rows(store: &dyn Store, runs: Vec<Run>) -> Result<Vec<RunRow>> {
    let ids: Vec<RunId> = runs.iter().map(|run| run.id.clone()).collect();
    let mut params = store.params(&ids).await?;
    let mut tags = store.tags(&ids).await?;
    let mut metrics: BTreeMap<RunId, Vec<MetricSummary>> = BTreeMap::new();
    for summary in store.summaries(&ids, None).await? {
        metrics
            .entry(summary.run.clone())
            .or_default()
            .push(summary);
    }
    let mut evaluated: BTreeMap<RunId, Vec<EvaluatedMetric>> = BTreeMap::new();
    for metric in store.evaluated_metrics(&ids).await? {
        evaluated
            .entry(metric.run.clone())
            .or_default()
            .push(metric);
    }
    Ok(runs
        .into_iter()
        .map(|run| RunRow {
            params: params.remove(&run.id).unwrap_or_default(),
            tags: tags.remove(&run.id).unwrap_or_default(),
            metrics: metrics.remove(&run.id).unwrap_or_default(),
            evaluated: evaluated.remove(&run.id).unwrap_or_default(),
            run,
        })
        .collect())
}

fn check_creation(creation: &RunCreation) -> Result<()> {
    if creation.runs.is_empty() || creation.runs.len() > RUNS_PER_CREATION_MAX {
        return Err(Error::invalid(format!(
            "`runs` must name 1 to {RUNS_PER_CREATION_MAX} runs"
        )));
    }
    validate::map("param", &creation.params)?;
    validate::map("tag", &creation.tags)?;
    validate::text("notes", &creation.notes)?;
    check_snapshot(&creation.snapshot)
}

fn check_snapshot(snapshot: &Snapshot) -> Result<()> {
    let unwritable = |source| Error::internal("measure a snapshot", source);
    let size = serde_json::to_vec(snapshot).map_err(unwritable)?.len();
    if size <= limits::SNAPSHOT_MAX_BYTES {
        return Ok(());
    }
    let parts = serde_json::to_value(snapshot).map_err(unwritable)?;
    let largest = parts
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, part)| (part.to_string().len(), name))
        .max();
    let largest = largest
        .map(|(bytes, name)| format!("; most of them, {bytes}, are in `{name}`"))
        .unwrap_or_default();
    Err(Error::new(
        mlhub_core::ErrorKind::TooLarge,
        format!(
            "the snapshot has {size} bytes and {} are allowed{largest}",
            limits::SNAPSHOT_MAX_BYTES
        ),
    ))
}

fn default_name(experiment: &Name, seed: Option<i64>) -> Result<Name> {
    match seed {
        Some(seed) => {
            let suffix = format!("-s{seed}");
            let room = limits::NAME_MAX_BYTES - suffix.len();
            let mut end = experiment.as_str().len().min(room);
            while !experiment.as_str().is_char_boundary(end) {
                end -= 1;
            }
            format!("{}{suffix}", &experiment.as_str()[..end]).parse()
        }
        None => Ok(experiment.clone()),
    }
}

/// Which event a state that a supervisor reports stands for.
pub(crate) fn event_for(state: RunState) -> Result<mlhub_core::RunEvent> {
    match state {
        RunState::Finished => Ok(mlhub_core::RunEvent::Succeed),
        RunState::Failed => Ok(mlhub_core::RunEvent::Fail),
        RunState::Stopped => Ok(mlhub_core::RunEvent::Stop),
        RunState::Lost => Ok(mlhub_core::RunEvent::Lose),
        RunState::Queued | RunState::Running => Err(Error::invalid(
            "an attempt ends as finished, failed, stopped or lost",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_that_is_too_large_names_its_largest_part() {
        let filled = |bytes: usize| serde_json::json!({"patch": "x".repeat(bytes)});
        let snapshot = |bytes: usize| Snapshot {
            code: filled(bytes),
            machine: filled(1000),
            ..Snapshot::default()
        };
        check_snapshot(&snapshot(limits::SNAPSHOT_MAX_BYTES / 2)).expect("it fits");
        let error = check_snapshot(&snapshot(limits::SNAPSHOT_MAX_BYTES)).expect_err("too large");
        assert_eq!(error.kind(), mlhub_core::ErrorKind::TooLarge);
        assert!(error.public_message().contains("in `code`"), "{error}");
    }
}
