//! What the hub has, as MLflow words it.

use std::collections::BTreeMap;

use mlhub_app::{RAN_WHEN_DELETED_TAG, RunRow};
use mlhub_core::logged_model::{LoggedModelRole, LoggedModelUse};
use mlhub_core::run::{Experiment, Run, RunRecord};
use mlhub_core::{Name, RunId, RunState};
use serde_json::{Map, Value, json};

use super::fields::number;
use super::names;
use super::run_query::{NAME_TAG, USER_TAG};

/// Where artifacts are that the hub keeps.
const ARTIFACTS: &str = "mlflow-artifacts:/";

/// The number of an experiment as a text; that of the default one is 0.
pub(super) fn experiment_id(experiment: &Experiment) -> String {
    let default =
        experiment.project.as_str() == names::PROJECT && experiment.name.as_str() == names::DEFAULT;
    match default {
        true => "0".to_owned(),
        false => experiment.number.to_string(),
    }
}

pub(super) fn location(experiment: &Experiment) -> String {
    match &experiment.location {
        Some(location) => location.clone(),
        None => format!("{ARTIFACTS}{}", experiment_id(experiment)),
    }
}

fn stage(deleted: bool) -> &'static str {
    match deleted {
        true => "deleted",
        false => "active",
    }
}

pub(super) fn pairs<'a>(entries: impl IntoIterator<Item = (&'a String, &'a String)>) -> Vec<Value> {
    let pair = |(key, value): (&String, &String)| json!({"key": key, "value": value});
    entries.into_iter().map(pair).collect()
}

pub(super) fn experiment(experiment: &Experiment) -> Value {
    let mut view = json!({
        "experiment_id": experiment_id(experiment),
        "name": names::title(&experiment.project, &experiment.name),
        "artifact_location": location(experiment),
        "lifecycle_stage": stage(experiment.deleted_at.is_some()),
        "last_update_time": experiment.changed_at.0,
        "creation_time": experiment.created_at.0,
    });
    if !experiment.tags.is_empty() {
        view["tags"] = pairs(&experiment.tags).into();
    }
    view
}

fn status(state: RunState) -> &'static str {
    match state {
        RunState::Queued => "SCHEDULED",
        RunState::Running => "RUNNING",
        RunState::Finished => "FINISHED",
        RunState::Failed | RunState::Lost => "FAILED",
        RunState::Stopped => "KILLED",
    }
}

/// The name as it was given, unless the run was renamed here since.
pub(super) fn run_name(row: &RunRow) -> &str {
    let given = row.tags.get(NAME_TAG).map(String::as_str);
    let same = |given: &&str| names::run_name(given).as_ref() == Some(&row.run.name);
    given.filter(same).unwrap_or(row.run.name.as_str())
}

pub(super) fn artifact_uri(experiment: &Experiment, run: &Run) -> String {
    let location = location(experiment);
    format!("{}/{}/artifacts", location.trim_end_matches('/'), run.id)
}

pub(super) fn run_info(row: &RunRow, experiment: &Experiment) -> Value {
    let run = &row.run;
    let started = run.started_at.unwrap_or(run.created_at);
    // Deleting did not end it there.
    let ran = run.deleted_at.is_some() && row.tags.contains_key(RAN_WHEN_DELETED_TAG);
    let user = row.tags.get(USER_TAG).unwrap_or(&run.owner.0);
    let mut info = json!({
        "run_id": run.id,
        "run_uuid": run.id,
        "run_name": run_name(row),
        "experiment_id": experiment_id(experiment),
        "user_id": user,
        "status": if ran { "RUNNING" } else { status(run.state) },
        "start_time": started.0,
        "artifact_uri": artifact_uri(experiment, run),
        "lifecycle_stage": stage(run.deleted_at.is_some()),
    });
    if let Some(ended) = run.ended_at.filter(|_| !ran) {
        info["end_time"] = ended.0.into();
    }
    info
}

/// A whole run; `inputs` are the records of datasets it read, `models` what runs read and
/// made of logged models.
pub(super) fn run(
    row: &RunRow,
    experiment: &Experiment,
    inputs: &[RunRecord],
    models: &BTreeMap<RunId, Vec<LoggedModelUse>>,
) -> Value {
    let metric = |metric: &mlhub_core::metric::MetricSummary| {
        json!({
            "key": metric.name,
            "value": number(metric.last.value),
            "timestamp": metric.last.time.0,
            "step": metric.last.step,
        })
    };
    let mut data = Map::new();
    let mut put = |name: &str, values: Vec<Value>| {
        if !values.is_empty() {
            data.insert(name.to_owned(), values.into());
        }
    };
    put("metrics", row.metrics.iter().map(metric).collect());
    put("params", pairs(&row.params));
    let mut tags = pairs(&row.tags);
    tags.retain(|tag| tag["key"] != RAN_WHEN_DELETED_TAG);
    // Runs that were made here have their name in no tag.
    if row.tags.get(NAME_TAG).map(String::as_str) != Some(run_name(row)) {
        tags.retain(|tag| tag["key"] != NAME_TAG);
        tags.push(json!({"key": NAME_TAG, "value": run_name(row)}));
    }
    put("tags", tags);
    let mut inputs_view = json!({});
    if !inputs.is_empty() {
        let bodies: Vec<&Value> = inputs.iter().map(|record| &record.body).collect();
        inputs_view["dataset_inputs"] = json!(bodies);
    }
    let mut outputs_view = json!({});
    let models = models.get(&row.run.id).map_or(&[][..], Vec::as_slice);
    let in_role = |role| models.iter().filter(move |used| used.role == role);
    let read: Vec<Value> = in_role(LoggedModelRole::Input)
        .map(|used| json!({"model_id": used.model}))
        .collect();
    let made: Vec<Value> = in_role(LoggedModelRole::Output)
        .map(|used| json!({"model_id": used.model, "step": used.step}))
        .collect();
    if !read.is_empty() {
        inputs_view["model_inputs"] = read.into();
    }
    if !made.is_empty() {
        outputs_view["model_outputs"] = made.into();
    }
    json!({
        "info": run_info(row, experiment),
        "data": data,
        "inputs": inputs_view,
        "outputs": outputs_view,
    })
}

/// The experiment of a run, out of a list.
pub(super) fn find<'e>(
    experiments: &'e [Experiment],
    project: &Name,
    name: &Name,
) -> Option<&'e Experiment> {
    let is = |experiment: &&Experiment| experiment.project == *project && experiment.name == *name;
    experiments.iter().find(is)
}
