//! Defaults that libraries have, and defaults that changed since an experiment last ran.
//!
//! An adapter that tells its libraries' defaults is asked once per adapter, environment and
//! params; the answer stays in the cache. Where it cannot be had that is a warning: a run is
//! not kept from running by what it does not need.

use std::path::PathBuf;

use mlhub_agent::adapter::{LaunchContext, PreparedEnvironment, launch_command, library_defaults};
use mlhub_agent::serving::WorkerPlan;
use mlhub_protocol::adapter::{Capability, LibraryDefaults};
use mlhub_protocol::run_dir::{RUN_DIR_VERSION, Resources, RunFile, RunIdentity};
use serde_json::{Value, json};

use super::experiment::Experiment;
use crate::connect::Connection;
use crate::paths;

/// Digits of a hash in the names of cached answers.
const KEY_DIGITS: usize = 32;

/// What is known of defaults before the runs of an experiment are made.
pub(crate) struct Known {
    /// As [`library`] tells it.
    pub(crate) library: Option<Result<LibraryDefaults, String>>,
    /// What changed since the experiment last ran.
    pub(crate) changes: Value,
}

/// Asks libraries for their defaults, and the hub for those of the newest run.
pub(crate) fn known(
    experiment: &Experiment,
    environment: &PreparedEnvironment,
    connection: &Connection,
) -> anyhow::Result<Known> {
    let library = library(experiment, environment, connection);
    let told = library.as_ref().and_then(|told| told.as_ref().ok());
    let changes = changes(experiment, told, connection)?;
    Ok(Known { library, changes })
}

/// What the libraries take for arguments that the experiment leaves out; `None` where the
/// adapter does not tell, else why it is not known.
fn library(
    experiment: &Experiment,
    environment: &PreparedEnvironment,
    connection: &Connection,
) -> Option<Result<LibraryDefaults, String>> {
    let adapter = &experiment.adapter;
    if !adapter.can(Capability::Defaults) {
        return None;
    }
    let params = Value::Object(experiment.resolved.params.clone());
    let key = format!("{}\n{}\n{params}", adapter.digest, environment.fingerprint);
    let key = blake3::hash(key.as_bytes()).to_hex()[..KEY_DIGITS].to_owned();
    let folder = paths::defaults_cache(&connection.data_dir);
    let cached = folder.join(format!("{key}.json"));
    if let Ok(bytes) = std::fs::read(&cached)
        && let Ok(known) = serde_json::from_slice(&bytes)
    {
        return Some(Ok(known));
    }
    let told = ask(experiment, environment, folder.join(&key));
    if let Ok(told) = &told
        && let Ok(text) = serde_json::to_vec(told)
    {
        // Without the cache it is asked again.
        drop(std::fs::write(&cached, text));
    }
    Some(told)
}

fn ask(
    experiment: &Experiment,
    environment: &PreparedEnvironment,
    dir: PathBuf,
) -> Result<LibraryDefaults, String> {
    let config = &experiment.resolved.experiment;
    let run = RunFile {
        version: RUN_DIR_VERSION,
        run: RunIdentity {
            id: "defaults".to_owned(),
            project: config.project.clone(),
            experiment: config.name.clone(),
            name: "defaults".to_owned(),
            group: None,
        },
        attempt: 1,
        seed: 0,
        smoke: experiment.smoke,
        params: experiment.resolved.params.clone(),
        task: config.evaluation.task.clone(),
        dataset: None,
        predict_splits: Vec::new(),
        resume: None,
        model: None,
        export: None,
        resources: Resources::default(),
        config: json!({}),
    };
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    let launch = launch_command(
        &experiment.adapter,
        environment,
        Capability::Defaults,
        &LaunchContext {
            run_dir: &dir,
            run: &run,
            project_dir: &experiment.project_dir,
            mlhub_binary: &exe,
            extra_env: std::collections::BTreeMap::new(),
            passthrough_names: &[],
        },
    )
    .map_err(|error| error.to_string())?;
    // What an interrupted question left is in the way.
    drop(std::fs::remove_dir_all(&dir));
    let plan = WorkerPlan {
        dir: dir.clone(),
        run,
        launch,
    };
    let told = library_defaults(&plan, &exe).map_err(|error| error.to_string());
    drop(std::fs::remove_dir_all(&dir));
    told
}

/// Defaults that differ from those the experiment's newest run had: of the adapter, and of
/// the libraries where both runs know them.
fn changes(
    experiment: &Experiment,
    library: Option<&LibraryDefaults>,
    connection: &Connection,
) -> anyhow::Result<Value> {
    let config = &experiment.resolved.experiment;
    let page = connection.client.run_list(&mlhub_client::RunListQuery {
        project: Some(config.project.clone()),
        experiment: Some(config.name.clone()),
        adapter: Some(experiment.adapter.manifest.name.clone()),
        limit: Some(1),
        ..mlhub_client::RunListQuery::default()
    })?;
    let Some(last) = page.runs.first() else {
        return Ok(json!([]));
    };
    let before = connection.client.run_get(&last.id)?.snapshot.adapter;
    let mut changes = match &before["schema"] {
        Value::Null => Vec::new(),
        schema => mlhub_config::defaults_diff(schema, &experiment.adapter.schema)
            .into_iter()
            .map(serde_json::to_value)
            .collect::<Result<_, _>>()?,
    };
    let known: Option<LibraryDefaults> =
        serde_json::from_value(before["library_defaults"].clone()).ok();
    if let (Some(known), Some(now)) = (known, library) {
        changes.extend(of_libraries(&known, now));
    }
    Ok(Value::Array(changes))
}

/// Arguments that both know and that differ.
fn of_libraries(before: &LibraryDefaults, now: &LibraryDefaults) -> Vec<Value> {
    if before.subject != now.subject {
        return Vec::new();
    }
    let versions = |of: &LibraryDefaults| {
        let named = of.libraries.iter();
        let named: Vec<String> = named
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        named.join(", ")
    };
    let differing = now.values.iter().filter_map(|(name, value)| {
        let old = before.values.get(name).filter(|old| *old != value)?;
        Some(json!({
            "path": format!("{}.{name}", now.subject),
            "old": old,
            "new": value,
            "library": format!("{}, was {}", versions(now), versions(before)),
        }))
    });
    differing.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(subject: &str, version: &str, values: Value) -> LibraryDefaults {
        serde_json::from_value(json!({
            "subject": subject, "libraries": {"lib": version}, "values": values,
        }))
        .expect("an answer")
    }

    #[test]
    fn what_both_releases_know_is_compared() {
        let before = told("X", "1.0", json!({"a": 1, "b": null, "gone": 2}));
        let now = told("X", "1.1", json!({"a": 2, "b": null, "came": 3}));
        let changes = of_libraries(&before, &now);
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!(changes[0]["path"], "X.a");
        assert_eq!(changes[0]["library"], "lib 1.1, was lib 1.0");
        let other = told("Y", "1.1", json!({"a": 2}));
        assert!(of_libraries(&before, &other).is_empty());
    }
}
