//! Runs: made, found, changed.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::{Extension, Json};
use mlhub_app::{
    ClientChange, DeletionRequest, INPUT_KIND, RunCreation, RunDraft, RunRow, RunSearchRequest,
    RunsOnly,
};
use mlhub_core::deletion::DeletionAction;
use mlhub_core::run::{Experiment, Run};
use mlhub_core::{Caller, ErrorKind, RunId, RunState, Timestamp, limits};
use mlhub_protocol::rest::Snapshot;
use serde_json::{Value, json};

use super::error::{Answer, Refusal};
use super::experiments::{by_id, page_limit, some};
use super::fields::Fields;
use super::filter::Clause;
use super::run_query::{self, NAME_TAG, Place, USER_TAG, View};
use super::{inputs, names, nothing, run_order, view};
use crate::ApiState;

/// Runs of one page at most.
const PAGE_MAX: i64 = 50_000;
/// Runs of a page where nothing is said.
const PAGE_DEFAULT: i64 = 1000;
/// The tag that holds what a person wrote of a run.
pub(super) const NOTE_TAG: &str = "mlflow.note.content";
/// Records of datasets that are read of a run.
pub(super) const INPUTS_MAX: usize = 1000;

pub(super) fn no_run(id: &str) -> Refusal {
    Refusal::missing(format!("Run with id={id} not found"))
}

/// The run of an id.
pub(super) async fn by_run_id(state: &ApiState, caller: &Caller, id: &str) -> Answer<Run> {
    let parsed: RunId = id.parse().map_err(|_| no_run(id))?;
    match state.hub.run_get(caller, &parsed).await {
        Ok(run) => Ok(run),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(no_run(id)),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn refuse_deleted(run: &Run) -> Answer<()> {
    match run.deleted_at {
        None => Ok(()),
        Some(_) => Err(Refusal::invalid(format!(
            "The run {} must be in the 'active' state. Current state is deleted.",
            run.id
        ))),
    }
}

async fn experiment_of(state: &ApiState, caller: &Caller, run: &Run) -> Answer<Experiment> {
    let found = state
        .hub
        .experiment_named(caller, &run.project, &run.experiment)
        .await?;
    found.ok_or_else(|| no_run(run.id.as_str()))
}

async fn data(state: &ApiState, caller: &Caller, run: Run) -> Answer<RunRow> {
    let id = run.id.clone();
    let mut rows = state.hub.run_data(caller, vec![run]).await?;
    rows.pop().ok_or_else(|| no_run(id.as_str()))
}

async fn whole(state: &ApiState, caller: &Caller, run: Run) -> Answer<Value> {
    let experiment = experiment_of(state, caller, &run).await?;
    let inputs = state
        .hub
        .run_records(caller, &run.id, INPUT_KIND, INPUTS_MAX)
        .await?;
    let ids = std::slice::from_ref(&run.id);
    let models = state.hub.logged_model_uses(caller, ids).await?;
    let row = data(state, caller, run).await?;
    Ok(view::run(&row, &experiment, &inputs, &models))
}

pub(super) async fn create(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let experiment_id = fields.text("experiment_id")?.filter(|id| !id.is_empty());
    let experiment_id = experiment_id.unwrap_or("0");
    let experiment = by_id(&state, &caller, experiment_id).await?;
    if experiment.deleted_at.is_some() {
        return Err(Refusal::invalid(format!(
            "The experiment {experiment_id} must be in the 'active' state. Current state is deleted."
        )));
    }
    let mut tags: BTreeMap<String, String> = fields.pairs("tags")?.into_iter().collect();
    // An import keeps the id that a run has elsewhere; clients of MLflow name none.
    let id = match fields.text("mlhub_run_id")? {
        Some(id) => id.parse()?,
        None => state.hub.run_id_long()?,
    };
    let asked = fields.text("run_name")?.filter(|name| !name.is_empty());
    let title = match (asked, tags.get(NAME_TAG)) {
        (Some(asked), Some(tag)) if asked != tag => {
            return Err(Refusal::invalid(format!(
                "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with \
                 different values (run_name='{asked}', mlflow.runName='{tag}')."
            )));
        }
        (Some(asked), _) => asked.to_owned(),
        (None, Some(tag)) => tag.clone(),
        (None, None) => invented(&id),
    };
    let name = names::run_name(&title);
    tags.insert(NAME_TAG.to_owned(), title);
    if let Some(user) = fields.text("user_id")?.filter(|user| !user.is_empty()) {
        tags.entry(USER_TAG.to_owned())
            .or_insert_with(|| user.to_owned());
    }
    let started = fields.int("start_time")?.filter(|ms| *ms > 0);
    let creation = RunCreation {
        project: experiment.project,
        experiment: experiment.name,
        adapter: None,
        adapter_version: None,
        dataset: None,
        notes: tags.get(NOTE_TAG).cloned().unwrap_or_default(),
        params: BTreeMap::new(),
        tags,
        snapshot: Snapshot::default(),
        host: None,
        group: None,
        runs: vec![RunDraft {
            id: Some(id),
            name,
            seed: None,
        }],
    };
    let started = started.map_or_else(|| state.hub.now(), Timestamp);
    let rows = state
        .hub
        .client_run_create(&caller, creation, started)
        .await?;
    let mut made = json!({});
    if let Some(row) = rows.into_iter().next() {
        made = whole(&state, &caller, row.run).await?;
    }
    Ok(Json(json!({"run": made})))
}

/// A name for a run, or a logged model, that was given none.
pub(super) fn invented(id: &RunId) -> String {
    const HOW: [&str; 16] = [
        "able", "bold", "calm", "deep", "eager", "fair", "glad", "keen", "light", "merry", "neat",
        "proud", "quick", "rare", "sharp", "warm",
    ];
    const WHAT: [&str; 16] = [
        "ant", "bee", "crane", "deer", "elk", "finch", "goat", "hare", "ibis", "jay", "lark",
        "moth", "newt", "owl", "seal", "wren",
    ];
    let digit = |at: usize| {
        let byte = id.as_str().as_bytes().get(at).copied().unwrap_or(b'0');
        char::from(byte).to_digit(16).unwrap_or(0) as usize
    };
    let number = digit(2) * 62 + digit(3) * 3 + digit(4) % 3;
    format!("{}-{}-{number}", HOW[digit(0)], WHAT[digit(1)])
}

pub(super) async fn get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let run = by_run_id(&state, &caller, fields.run_id()?).await?;
    Ok(Json(json!({"run": whole(&state, &caller, run).await?})))
}

pub(super) async fn update(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let run = by_run_id(&state, &caller, fields.run_id()?).await?;
    refuse_deleted(&run)?;
    let status = match fields.text("status")? {
        None => None,
        Some("RUNNING") => Some(RunState::Running),
        Some("SCHEDULED") => Some(RunState::Queued),
        Some("FINISHED") => Some(RunState::Finished),
        Some("FAILED") => Some(RunState::Failed),
        Some("KILLED") => Some(RunState::Stopped),
        Some(other) => {
            return Err(Refusal::invalid(format!(
                "Invalid value \"{other}\" for parameter 'status' supplied: it is RUNNING, \
                 SCHEDULED, FINISHED, FAILED or KILLED"
            )));
        }
    };
    let ended_at = fields.int("end_time")?.filter(|ms| *ms > 0).map(Timestamp);
    if let Some(title) = fields.text("run_name")?.filter(|name| !name.is_empty()) {
        rename(&state, &caller, &run, title).await?;
    }
    if let Some(to) = status {
        let change = ClientChange {
            state: to,
            ended_at,
        };
        state
            .hub
            .client_run_change(&caller, &run.id, change)
            .await?;
    }
    let run = by_run_id(&state, &caller, run.id.as_str()).await?;
    let experiment = experiment_of(&state, &caller, &run).await?;
    let row = data(&state, &caller, run).await?;
    Ok(Json(json!({"run_info": view::run_info(&row, &experiment)})))
}

/// Gives a run another name, in the tag as well.
pub(super) async fn rename(
    state: &ApiState,
    caller: &Caller,
    run: &Run,
    title: &str,
) -> Answer<()> {
    let tags = [(NAME_TAG.to_owned(), Some(title.to_owned()))].into();
    let name = names::run_name(title);
    state
        .hub
        .run_patch(caller, run.id.as_str(), name, None, tags)
        .await?;
    Ok(())
}

pub(super) async fn delete(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let run = by_run_id(&state, &caller, fields.run_id()?).await?;
    refuse_deleted(&run)?;
    state.hub.client_run_delete(&caller, &run.id).await?;
    nothing()
}

pub(super) async fn restore(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let run = by_run_id(&state, &caller, fields.run_id()?).await?;
    if run.deleted_at.is_none() {
        return Err(Refusal::invalid(format!(
            "The run {} must be in the 'deleted' state. Current state is active.",
            run.id
        )));
    }
    let request = DeletionRequest {
        action: DeletionAction::Restore,
        runs: vec![run.id.to_string()],
        project: None,
        query: None,
        all_deleted: false,
        dry_run: false,
    };
    let report = state.hub.deletion_run(&caller, &request).await?;
    match report.items.into_iter().find_map(|item| item.refused) {
        Some(why) => Err(Refusal::invalid(why)),
        None => nothing(),
    }
}

pub(super) async fn search(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let limit = page_limit(fields.int("max_results")?, PAGE_DEFAULT, PAGE_MAX)?;
    let view = View::parse(fields.text("run_view_type")?)?;
    let experiments = some(&state, &caller, &fields.texts("experiment_ids")?).await?;
    let places: Vec<Place> = experiments.iter().map(Place::of).collect();
    let filter = fields.text("filter")?.unwrap_or_default();
    let wanted = run_query::wanted(&places, filter, view)?;
    let only = only(&state, &caller, &wanted.datasets).await?;
    let order = run_order::order(&fields.texts("order_by")?)?;
    let mut cursor = fields
        .text("page_token")?
        .filter(|token| !token.is_empty())
        .map(str::to_owned);
    let mut runs = Vec::new();
    loop {
        let request = RunSearchRequest {
            only: only.clone(),
            query: wanted.query.clone(),
            order: order.clone(),
            columns: Some(Vec::new()),
            limit: Some((limit - runs.len()).min(limits::PAGE_MAX_ROWS)),
            cursor: cursor.take(),
            ..RunSearchRequest::default()
        };
        let found = state.hub.run_search(&caller, request).await?;
        runs.extend(found.runs.into_iter().map(|found| found.row.run));
        cursor = found.next_cursor;
        if cursor.is_none() || runs.len() >= limit {
            break;
        }
    }
    let ids: Vec<RunId> = runs.iter().map(|run| run.id.clone()).collect();
    let inputs = state
        .hub
        .run_records_many(&caller, &ids, INPUT_KIND)
        .await?;
    let models = state.hub.logged_model_uses(&caller, &ids).await?;
    let rows = state.hub.run_data(&caller, runs).await?;
    let views: Vec<Value> = rows
        .iter()
        .filter_map(|row| {
            let experiment = view::find(&experiments, &row.run.project, &row.run.experiment)?;
            let inputs = inputs.get(&row.run.id).map(Vec::as_slice);
            Some(view::run(
                row,
                experiment,
                inputs.unwrap_or_default(),
                &models,
            ))
        })
        .collect();
    let mut answer = json!({"runs": views});
    if let Some(next) = cursor {
        answer["next_page_token"] = next.into();
    }
    Ok(Json(answer))
}

/// The runs that read what a search asks of datasets; any where it asks nothing.
async fn only(state: &ApiState, caller: &Caller, datasets: &[Clause]) -> Answer<Option<RunsOnly>> {
    if datasets.is_empty() {
        return Ok(None);
    }
    let tests = datasets
        .iter()
        .map(inputs::test)
        .collect::<Answer<Vec<_>>>()?;
    let ids = state.hub.runs_with_inputs(caller, &tests).await?;
    Ok(Some(RunsOnly {
        ids: ids.into(),
        by: format!("{datasets:?}"),
    }))
}
