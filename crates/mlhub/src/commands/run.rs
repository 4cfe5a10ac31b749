//! `mlhub run`.

use std::io::IsTerminal as _;
use std::path::Path;

use mlhub_agent::adapter::PreparedEnvironment;
use mlhub_config::Origin;
use mlhub_core::RunId;
use mlhub_protocol::rest::RunDetail;
use serde_json::json;

use super::compare;
use super::config::{origin_text, value_at};
use crate::cli::{Global, RunArgs};
use crate::connect::{Connection, connect, require_local};
use crate::exit::{CONFIG, OK, RUN_FAILED, USAGE, fail};
use crate::launch::defaults::Known;
use crate::launch::experiment::{self, Experiment};
use crate::launch::start::Started;
use crate::launch::{adapter, dataset, defaults, follow, resume, slices, start};
use crate::ports::SystemEntropy;
use crate::{output, paths};

/// Runs what an experiment file describes.
pub(crate) fn run(global: &Global, arguments: &RunArgs) -> anyhow::Result<u8> {
    if let Some(reference) = &arguments.resume {
        let mut connection = connect(global)?;
        require_local(&connection, "`mlhub run --resume`")?;
        let id = resume::resume(reference, &connection, arguments.slots)?;
        return conclude(global, &mut connection, &[id], arguments.detach);
    }
    let Some(path) = &arguments.experiment else {
        return Err(fail(USAGE, "name an experiment file"));
    };
    let data_dir = paths::data_dir(global)?;
    let experiment = experiment::load(path, None, &arguments.set, arguments.smoke, &data_dir)?;
    if arguments.dry_run {
        return dry_run(global, &experiment);
    }
    let mut connection = connect(global)?;
    require_local(&connection, "`mlhub run`")?;
    let environment = adapter::environment(&experiment.adapter, &data_dir)?;
    let ids = launch_accepted(
        global,
        &experiment,
        &environment,
        &mut connection,
        arguments.slots,
        arguments.accept_defaults,
    )?;
    conclude(global, &mut connection, &ids, arguments.detach)
}

/// As [`launch`], unless defaults that the experiment uses changed and nobody accepts them.
pub(crate) fn launch_accepted(
    global: &Global,
    experiment: &Experiment,
    environment: &PreparedEnvironment,
    connection: &mut Connection,
    slots: usize,
    accepted: bool,
) -> anyhow::Result<Vec<String>> {
    let known = on_any_hub(connection, |connection| {
        defaults::known(experiment, environment, connection)
    })?;
    if !accepted {
        accept_defaults(experiment, &known.changes)?;
    }
    let ids = new_ids(experiment);
    start_runs(
        global,
        experiment,
        environment,
        connection,
        slots,
        &ids,
        &known,
    )
}

/// Runs an experiment with the overrides that make it small, tagged as a smoke
/// run, and follows it to its end.
pub(crate) fn small(
    global: &Global,
    path: &Path,
    set: &[String],
) -> anyhow::Result<Vec<RunDetail>> {
    let data_dir = paths::data_dir(global)?;
    let experiment = experiment::load(path, None, set, true, &data_dir)?;
    let mut connection = connect(global)?;
    require_local(&connection, "`mlhub init` without --no-run")?;
    let environment = adapter::environment(&experiment.adapter, &data_dir)?;
    let ids = launch(global, &experiment, &environment, &mut connection, 1)?;
    follow::leave_on_interrupt(&ids)?;
    follow::follow(&mut connection, &ids)
}

/// Hubs of other commands that may end while this one starts its runs.
const HUBS_LOST_MAX: u32 = 3;

/// Prepares the dataset and starts the runs of an experiment; returns their ids.
/// A hub that ends meanwhile, because it belonged to another command, is replaced.
pub(crate) fn launch(
    global: &Global,
    experiment: &Experiment,
    environment: &PreparedEnvironment,
    connection: &mut Connection,
    slots: usize,
) -> anyhow::Result<Vec<String>> {
    let ids = new_ids(experiment);
    launch_as(global, experiment, environment, connection, slots, &ids)
}

/// Ids for the runs of an experiment that are to be made.
pub(crate) fn new_ids(experiment: &Experiment) -> Vec<String> {
    let seeds = experiment.resolved.experiment.seeds.iter();
    seeds
        .map(|_| RunId::generate(&SystemEntropy).into())
        .collect()
}

/// As [`launch`], for who has to know the ids before the runs are made.
pub(crate) fn launch_as(
    global: &Global,
    experiment: &Experiment,
    environment: &PreparedEnvironment,
    connection: &mut Connection,
    slots: usize,
    ids: &[String],
) -> anyhow::Result<Vec<String>> {
    let known = on_any_hub(connection, |connection| {
        defaults::known(experiment, environment, connection)
    })?;
    start_runs(
        global,
        experiment,
        environment,
        connection,
        slots,
        ids,
        &known,
    )
}

fn start_runs(
    global: &Global,
    experiment: &Experiment,
    environment: &PreparedEnvironment,
    connection: &mut Connection,
    slots: usize,
    ids: &[String],
    known: &Known,
) -> anyhow::Result<Vec<String>> {
    let started = on_any_hub(connection, |connection| {
        prepare_and_start(experiment, environment, connection, slots, ids, known)
    })?;
    if !global.json {
        for warning in &started.warnings {
            eprintln!("warning: {warning}");
        }
        print_default_changes(experiment, &started.default_changes);
    }
    Ok(started.runs.into_iter().map(|run| run.id).collect())
}

/// Does work again on another hub while the one it asks ends.
fn on_any_hub<T>(
    connection: &mut Connection,
    work: impl Fn(&Connection) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut lost = 0;
    loop {
        match work(connection) {
            Err(error) if lost < HUBS_LOST_MAX && hub_is_gone(&error) => {
                lost += 1;
                connection.reconnect()?;
            }
            other => return other,
        }
    }
}

/// Whether a request got no answer, which it may get from another hub.
fn hub_is_gone(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<mlhub_client::ClientError>()
        .is_some_and(|error| error.status.is_none() && error.is_retryable())
}

fn prepare_and_start(
    experiment: &Experiment,
    environment: &PreparedEnvironment,
    connection: &Connection,
    slots: usize,
    ids: &[String],
    known: &Known,
) -> anyhow::Result<Started> {
    let manifest = &experiment.adapter.manifest;
    let mut prepared = match &experiment.resolved.experiment.dataset {
        Some(spec) => Some(dataset::prepare(
            spec,
            &experiment.project_dir,
            &connection.data_dir,
            &manifest.dataset,
            &manifest.name,
            &connection.client,
        )?),
        None => None,
    };
    let wanted = &experiment.resolved.experiment.evaluation.slices;
    match &mut prepared {
        _ if wanted.is_empty() => {}
        Some(prepared) => {
            let splits = start::evaluated_splits(experiment, Some(prepared));
            slices::record(prepared, wanted, &splits)?;
        }
        None => {
            return Err(fail(
                CONFIG,
                "`evaluation.slices` names columns, and the experiment has no dataset",
            ));
        }
    }
    start::start(
        experiment,
        environment,
        prepared.as_ref(),
        connection,
        slots,
        ids,
        known,
    )
}

/// Refuses changed defaults that the experiment uses where nobody sees them before it runs.
fn accept_defaults(experiment: &Experiment, changes: &serde_json::Value) -> anyhow::Result<()> {
    let origins = &experiment.resolved.origins;
    let is_used = |change: &&serde_json::Value| {
        let path = change["path"].as_str().unwrap_or_default();
        // A default that is gone has no origin.
        matches!(
            origins.get(path),
            None | Some(Origin::AdapterDefault { .. })
        )
    };
    let used: Vec<&serde_json::Value> = changes
        .as_array()
        .into_iter()
        .flatten()
        .filter(is_used)
        .collect();
    if used.is_empty() || (std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Ok(());
    }
    let told: Vec<String> = used.into_iter().map(changed_default).collect();
    Err(fail(
        CONFIG,
        format!(
            "defaults of `{}` that this experiment uses changed since it last ran:\n{}\nnothing was run; accept them with --accept-defaults, or pin the values in the experiment file",
            experiment.adapter.manifest.name,
            told.join("\n")
        ),
    ))
}

fn print_default_changes(experiment: &Experiment, changes: &serde_json::Value) {
    for change in changes.as_array().into_iter().flatten() {
        let of = match change["library"].is_string() {
            true => "its libraries",
            false => &experiment.adapter.manifest.name,
        };
        eprintln!("  default of {of}: {}", changed_default(change));
    }
}

/// `params.rounds was 5, is 7`, with the releases where it is a library's.
fn changed_default(change: &serde_json::Value) -> String {
    let path = change["path"].as_str().unwrap_or_default();
    let library = change["library"].as_str();
    let library = library
        .map(|library| format!(" ({library})"))
        .unwrap_or_default();
    format!(
        "{path} was {}, is {}{library}",
        change["old"], change["new"]
    )
}

fn conclude(
    global: &Global,
    connection: &mut Connection,
    ids: &[String],
    detach: bool,
) -> anyhow::Result<u8> {
    if detach {
        if global.json {
            output::json(&json!({"runs": ids}))?;
        } else {
            for id in ids {
                output::line(id)?;
            }
        }
        return Ok(OK);
    }
    if !global.json {
        eprintln!(
            "{} run{} at {}",
            ids.len(),
            if ids.len() == 1 { "" } else { "s" },
            connection.client.base_url()
        );
    }
    follow::leave_on_interrupt(ids)?;
    let details = follow::follow(connection, ids)?;
    if global.json {
        output::json(&details)?;
    } else {
        report(&details)?;
        compare::print(&connection.client, ids)?;
    }
    Ok(if details.iter().all(went_well) {
        OK
    } else {
        RUN_FAILED
    })
}

/// Whether a run finished and everything asked for was evaluated.
pub(crate) fn went_well(detail: &RunDetail) -> bool {
    detail.summary.state == "finished"
        && detail
            .evaluations
            .iter()
            .all(|evaluation| evaluation.state == "done")
}

/// Says why runs did not go well.
pub(crate) fn report(details: &[RunDetail]) -> anyhow::Result<()> {
    for detail in details {
        if let Some(failure) = &detail.summary.failure {
            eprintln!(
                "\n{} {} {}: {}",
                detail.summary.name, detail.summary.id, detail.summary.state, failure.message
            );
            for line in &failure.evidence {
                eprintln!("  | {line}");
            }
        }
        for evaluation in &detail.evaluations {
            if let Some(message) = &evaluation.message {
                eprintln!("\n{} {}: {message}", detail.summary.name, detail.summary.id);
            }
        }
    }
    Ok(())
}

fn dry_run(global: &Global, experiment: &Experiment) -> anyhow::Result<u8> {
    let resolved = &experiment.resolved;
    let manifest = &experiment.adapter.manifest;
    if global.json {
        output::json(&json!({
            "config": resolved.document,
            "origins": resolved.origins,
            "changes_from_defaults": resolved.diff_from_defaults,
            "hash": resolved.hash,
            "adapter": {"name": manifest.name, "version": manifest.version, "source": experiment.adapter.source.to_string()},
            "seeds": resolved.experiment.seeds,
            "command": experiment.adapter.command(mlhub_protocol::adapter::Capability::Train),
        }))?;
        return Ok(OK);
    }
    let config = &resolved.experiment;
    output::line(format_args!(
        "would make {} run{} of {}/{} with the adapter {}@{} ({})",
        config.seeds.len(),
        if config.seeds.len() == 1 { "" } else { "s" },
        config.project,
        config.name,
        manifest.name,
        manifest.version,
        experiment.adapter.source
    ))?;
    let mut table = output::table(&["KEY", "VALUE", "FROM"]);
    for (path, origin) in &resolved.origins {
        table.add_row([
            path.clone(),
            value_at(&resolved.document, path),
            origin_text(&serde_json::to_value(origin)?),
        ]);
    }
    output::print(&table)?;
    Ok(OK)
}
