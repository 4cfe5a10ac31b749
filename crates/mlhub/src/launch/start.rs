//! Making runs on the hub and their directories on this machine.

use std::collections::BTreeMap;
use std::path::Path;

use mlhub_agent::adapter::{LaunchContext, PreparedEnvironment, launch_command, locked_packages};
use mlhub_agent::supervisor::RunDir;
use mlhub_app::REPRODUCES_TAG;
use mlhub_core::{Entropy as _, GroupId};
use mlhub_protocol::adapter::{Capability, Environment};
use mlhub_protocol::rest::{
    AdapterSeen, EvaluationPlan, RunSeed, RunSummary, RunsCreate, Snapshot,
};
use mlhub_protocol::run_dir::{
    HubAddress, LaunchFile, Limits, RUN_DIR_VERSION, Resources, RunFile, RunIdentity,
};
use serde_json::{Value, json};

use super::dataset::Prepared;
use super::defaults::Known;
use super::experiment::Experiment;
use crate::connect::Connection;
use crate::exit::{ADAPTER, CONFIG, Classify, fail};
use crate::ports::SystemEntropy;
use crate::{hub, paths, provenance};

/// Seconds between samples of system metrics.
const SYSTEM_INTERVAL_SECONDS: u32 = 2;

/// Runs that were made and prepared.
pub(crate) struct Started {
    pub(crate) runs: Vec<RunSummary>,
    pub(crate) warnings: Vec<String>,
    /// Defaults that changed since the experiment last ran.
    pub(crate) default_changes: Value,
}

/// Makes the runs of an experiment, one per seed under the `ids`, and starts the
/// agent on them. Repeating it with the same ids after a lost connection makes no
/// run twice.
pub(crate) fn start(
    experiment: &Experiment,
    environment: &PreparedEnvironment,
    dataset: Option<&Prepared>,
    connection: &Connection,
    slots: usize,
    ids: &[String],
    known: &Known,
) -> anyhow::Result<Started> {
    let client = &connection.client;
    client.adapter_seen(&AdapterSeen {
        name: experiment.adapter.manifest.name.clone(),
        version: experiment.adapter.manifest.version.clone(),
        manifest: manifest_with_schema(experiment)?,
    })?;
    let snapshot = snapshot(experiment, environment, dataset, connection, known)?;
    let mut warnings = snapshot.warnings.clone();
    warnings.extend(dataset.iter().flat_map(|dataset| dataset.warnings.clone()));
    let default_changes = snapshot.default_changes.clone();
    let request = creation(experiment, dataset, snapshot, ids)?;
    let created = client.runs_create(&request)?;
    let base = SystemEntropy.bytes();
    for (index, run) in created.runs.iter().enumerate() {
        write_directory(
            experiment,
            environment,
            dataset,
            connection,
            run,
            queue_position(index, base),
        )?;
    }
    hub::ensure_agent(&connection.data_dir, slots)?;
    Ok(Started {
        runs: created.runs,
        warnings,
        default_changes,
    })
}

/// Places of one command are in order, and later commands come later.
fn queue_position(index: usize, base: [u8; 16]) -> u64 {
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default();
    // The low bits tell commands of one millisecond apart.
    (now << 20) | (u64::from(base[0]) << 12) | (index as u64 & 0xfff)
}

fn manifest_with_schema(experiment: &Experiment) -> anyhow::Result<Value> {
    let mut manifest = serde_json::to_value(&experiment.adapter.manifest)?;
    manifest["schema"] = experiment.adapter.schema.clone();
    Ok(manifest)
}

fn creation(
    experiment: &Experiment,
    dataset: Option<&Prepared>,
    snapshot: Snapshot,
    ids: &[String],
) -> anyhow::Result<RunsCreate> {
    let config = &experiment.resolved.experiment;
    let mut runs = Vec::new();
    for (&seed, id) in config.seeds.iter().zip(ids) {
        runs.push(RunSeed {
            id: Some(id.clone()),
            name: None,
            seed: Some(
                i64::try_from(seed).map_err(|_| fail(CONFIG, "a seed is larger than 2^63 - 1"))?,
            ),
        });
    }
    let mut tags = config.tags.clone();
    if experiment.smoke {
        tags.insert("smoke".to_owned(), "true".to_owned());
    }
    if let Some(of) = &experiment.reproduces {
        tags.insert(REPRODUCES_TAG.to_owned(), of.run.clone());
    }
    Ok(RunsCreate {
        project: config.project.clone(),
        experiment: config.name.clone(),
        adapter: Some(experiment.adapter.manifest.name.clone()),
        adapter_version: Some(experiment.adapter.manifest.version.clone()),
        dataset: dataset.map(|dataset| dataset.reference.clone()),
        notes: config.description.clone().unwrap_or_default(),
        params: flat_params(&experiment.resolved.params),
        tags,
        snapshot,
        host: Some(paths::host_name()),
        group: (runs.len() > 1).then(|| GroupId::generate(&SystemEntropy).into()),
        runs,
    })
}

fn flat_params(params: &serde_json::Map<String, Value>) -> BTreeMap<String, String> {
    fn walk(prefix: &str, value: &Value, into: &mut BTreeMap<String, String>) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (key, field) in fields {
                    walk(&format!("{prefix}.{key}"), field, into);
                }
            }
            Value::String(text) => {
                into.insert(prefix.to_owned(), text.clone());
            }
            other => {
                into.insert(prefix.to_owned(), other.to_string());
            }
        }
    }
    let mut flat = BTreeMap::new();
    for (key, value) in params {
        walk(key, value, &mut flat);
    }
    flat
}

/// Splits to be answered for: those of the config that the dataset has.
pub(crate) fn evaluated_splits(experiment: &Experiment, dataset: Option<&Prepared>) -> Vec<String> {
    let known =
        |split: &&String| dataset.is_none_or(|dataset| dataset.expected.contains_key(*split));
    match dataset {
        None => Vec::new(),
        Some(_) => experiment
            .resolved
            .experiment
            .evaluation
            .splits
            .iter()
            .filter(known)
            .cloned()
            .collect(),
    }
}

fn evaluation_plan(experiment: &Experiment, dataset: Option<&Prepared>) -> EvaluationPlan {
    let wanted = &experiment.resolved.experiment.evaluation;
    let splits = evaluated_splits(experiment, dataset)
        .into_iter()
        .filter_map(|split| {
            let expected = dataset?.expected.get(&split)?.clone();
            Some((split, expected))
        })
        .collect();
    EvaluationPlan {
        task: wanted.task.clone(),
        metrics: wanted.metrics.iter().map(ToString::to_string).collect(),
        splits,
        bootstrap_samples: u32::try_from(wanted.bootstrap_samples).unwrap_or(u32::MAX),
        bootstrap_seed: wanted.bootstrap_seed,
        bootstrap_method: wanted.bootstrap_method.clone(),
        bootstrap_resampling: wanted.bootstrap_resampling.clone(),
        threshold_split: wanted.threshold_split.clone(),
        positive_label: wanted.positive_label.as_ref().map(|label| match label {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }),
    }
}

fn snapshot(
    experiment: &Experiment,
    environment: &PreparedEnvironment,
    dataset: Option<&Prepared>,
    connection: &Connection,
    known: &Known,
) -> anyhow::Result<Snapshot> {
    let resolved = &experiment.resolved;
    let adapter = &experiment.adapter;
    let code = provenance::code(&experiment.project_dir);
    let mut warnings = provenance::code_warnings(&code);
    let library = match &known.library {
        Some(Ok(told)) => Some(told),
        Some(Err(why)) => {
            warnings.push(format!(
                "the defaults of `{}`'s libraries are not known: {why}",
                adapter.manifest.name
            ));
            None
        }
        None => None,
    };
    let default_changes = known.changes.clone();
    if let Some(changes) = default_changes
        .as_array()
        .filter(|changes| !changes.is_empty())
    {
        warnings.push(format!(
            "{} defaults of `{}` changed since this experiment last ran",
            changes.len(),
            adapter.manifest.name
        ));
    }
    Ok(Snapshot {
        version: 1,
        config: resolved.document.clone(),
        origins: serde_json::to_value(&resolved.origins)?,
        changes_from_defaults: serde_json::to_value(&resolved.diff_from_defaults)?,
        default_changes,
        adapter: json!({
            "name": adapter.manifest.name,
            "version": adapter.manifest.version,
            "digest": adapter.digest,
            "source": adapter.source.to_string(),
            "capabilities": adapter.manifest.capabilities,
            "metrics": adapter.manifest.metrics,
            "schema": adapter.schema,
            "library_defaults": library,
        }),
        environment: json!({
            "fingerprint": environment.fingerprint,
            "description": environment.description,
            "python": environment.python,
            "packages": packages(experiment, environment),
        }),
        machine: machine(connection),
        code,
        dataset: dataset.map_or(Value::Null, |dataset| dataset.record.clone()),
        command: adapter
            .command(Capability::Train)
            .unwrap_or_default()
            .to_vec(),
        evaluation: Some(evaluation_plan(experiment, dataset)),
        warnings,
        reproduces: experiment.reproduces.clone(),
    })
}

/// `name==version` of every package that was found, or that the adapter's lock file names.
pub(crate) fn packages(experiment: &Experiment, environment: &PreparedEnvironment) -> Vec<String> {
    if !environment.packages.is_empty() {
        return environment.packages.clone();
    }
    let environment = &experiment.adapter.manifest.environment;
    let (Environment::Venv { lock, .. } | Environment::Python { lock, .. }) = environment else {
        return Vec::new();
    };
    let text = std::fs::read_to_string(experiment.adapter.dir.join(lock)).unwrap_or_default();
    locked_packages(&text)
}

/// The machine, and where on it the run's directory is.
fn machine(connection: &Connection) -> Value {
    let mut machine = provenance::machine();
    machine["data_dir"] = json!(connection.data_dir.to_string_lossy());
    machine
}

fn write_directory(
    experiment: &Experiment,
    environment: &PreparedEnvironment,
    dataset: Option<&Prepared>,
    connection: &Connection,
    run: &RunSummary,
    queue_position: u64,
) -> anyhow::Result<()> {
    let config = &experiment.resolved.experiment;
    let path = RunDir::attempt_path(&connection.data_dir, &run.id, run.attempt);
    let file = RunFile {
        version: RUN_DIR_VERSION,
        run: RunIdentity {
            id: run.id.clone(),
            project: run.project.clone(),
            experiment: run.experiment.clone(),
            name: run.name.clone(),
            group: run.group.clone(),
        },
        attempt: run.attempt,
        seed: run.seed.unwrap_or_default(),
        smoke: experiment.smoke,
        params: experiment.resolved.params.clone(),
        task: config.evaluation.task.clone(),
        dataset: dataset.map(|dataset| dataset.input.clone()),
        predict_splits: evaluated_splits(experiment, dataset),
        resume: None,
        model: None,
        export: None,
        resources: Resources {
            cpus: config.resources.cpus,
            memory_bytes: config.resources.memory_bytes,
            gpus: config.resources.gpus,
        },
        config: experiment.resolved.document.clone(),
    };
    let launch = launch_file(
        experiment,
        environment,
        connection,
        &path,
        &file,
        queue_position,
    )?;
    RunDir::create_with_files(&path, &file, &launch.0, &launch.1)?;
    Ok(())
}

/// A file of the run directory: name and content.
type NamedFile = (String, Vec<u8>);

fn launch_file(
    experiment: &Experiment,
    environment: &PreparedEnvironment,
    connection: &Connection,
    path: &Path,
    file: &RunFile,
    queue_position: u64,
) -> anyhow::Result<(LaunchFile, Vec<NamedFile>)> {
    let config = &experiment.resolved.experiment;
    let binary = std::env::current_exe()?;
    let plan = launch_command(
        &experiment.adapter,
        environment,
        Capability::Train,
        &LaunchContext {
            run_dir: path,
            run: file,
            project_dir: &experiment.project_dir,
            mlhub_binary: &binary,
            extra_env: experiment.resolved.environment_plain.plain().clone(),
            passthrough_names: &config.environment.pass,
        },
    )
    .or_fail(ADAPTER)?;
    let launch = LaunchFile {
        version: RUN_DIR_VERSION,
        argv: plan.argv,
        cwd: plan.cwd.to_string_lossy().into_owned(),
        env: plan.env,
        hub: HubAddress::DataDir(connection.data_dir.to_string_lossy().into_owned()),
        host: paths::host_name(),
        grace_seconds: u32::try_from(config.resources.grace.as_secs()).unwrap_or(u32::MAX),
        timeout_seconds: config.resources.timeout.map(|timeout| timeout.as_secs()),
        limits: Limits {
            memory_bytes: config.resources.memory_bytes,
            processes: config.resources.processes,
            output_bytes: config.resources.output_bytes,
            open_files: config.resources.open_files,
        },
        stdout_events: plan.stdout_events,
        log_metrics: plan.log_metrics,
        log_scan: config.logs.scan,
        system_interval_seconds: SYSTEM_INTERVAL_SECONDS,
        queue_position,
    };
    let files = plan
        .config_file
        .into_iter()
        .filter_map(|(path, bytes)| Some((path.file_name()?.to_string_lossy().into_owned(), bytes)))
        .collect();
    Ok((launch, files))
}
