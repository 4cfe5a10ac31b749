//! One module per command; each ends in an exit code.

mod adapter;
mod artifacts;
pub(crate) mod compare;
mod config;
mod dataset;
mod dataset_preview;
pub(crate) mod deletions;
mod demo;
mod determinism;
pub(crate) mod doctor;
pub(crate) mod gate;
mod history;
pub(crate) mod init;
pub(crate) mod launch;
pub(crate) mod leaderboard;
mod logs;
mod metrics;
mod mlflow;
mod models;
mod portable;
pub(crate) mod registry;
pub(crate) mod retention;
pub(crate) mod run;
mod runs;
mod serve;
mod show;
mod sync;

use std::io::Write as _;

use clap::CommandFactory as _;

use crate::cli::{
    Cli, Command, ExportCommand, Global, ImportCommand, ProjectExportArgs, ProjectImportArgs,
};
use crate::connect::connect;
use crate::exit::{self, OK};
use crate::{output, paths};

/// Runs the command.
pub(crate) fn dispatch(cli: Cli) -> anyhow::Result<u8> {
    let global = cli.global;
    if !matches!(cli.command, Command::Serve(_)) {
        quiet_log();
    }
    match cli.command {
        Command::Serve(arguments) => serve::serve(&global, arguments),
        Command::Run(arguments) => run::run(&global, &arguments),
        Command::Init(arguments) => init::init(&global, &arguments),
        Command::Runs(arguments) => runs::runs(&global, &arguments),
        Command::Show { run, snapshot } => show::show(&global, &run, snapshot),
        Command::Logs(arguments) => logs::logs(&global, &arguments),
        Command::History(arguments) => history::history(&global, &arguments),
        Command::Stop { runs } => stop(&global, &runs),
        Command::Reproduce(arguments) => crate::reproduce::reproduce(&global, &arguments),
        Command::Compare(arguments) => compare::compare(&global, arguments),
        Command::Leaderboard(arguments) => leaderboard::leaderboard(&global, &arguments),
        Command::Gate(arguments) => gate::gate(&global, &arguments),
        Command::Artifacts(command) => artifacts::artifacts(&global, command),
        Command::Predict(arguments) => models::predict(&global, &arguments),
        Command::Search(arguments) => models::search(&global, &arguments),
        Command::Models(command) => models::models(&global, &command),
        Command::Dataset(command) => dataset::dataset(&global, command),
        Command::Adapter(command) => adapter::adapter(&global, command),
        Command::Metrics(command) => metrics::metrics(&global, command),
        Command::Backup(arguments) => portable::backup(&global, arguments),
        Command::Restore { backup, postgres } => {
            portable::restore(&global, &backup, postgres.as_deref())
        }
        Command::Export(arguments) => export(&global, arguments),
        Command::Import(arguments) => import(&global, arguments),
        Command::Project(command) => portable::project(&global, &command),
        Command::Registry(command) => registry::registry(&global, command),
        Command::Retention(command) => retention::retention(&global, command),
        Command::Doctor(arguments) => doctor::doctor(&global, &arguments),
        Command::Demo(arguments) => demo::demo(&global, &arguments),
        Command::Completions { shell } => {
            // The generator panics when it cannot write, and a reader may have gone.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "mlhub", &mut script);
            std::io::stdout().write_all(&script)?;
            Ok(OK)
        }
        Command::Sync { dirs } => sync::sync(&global, &dirs),
        Command::Forward { dir } => sync::forward(&global, &dir),
        Command::Supervise { dir } => Ok(code(mlhub_agent::supervisor::supervise_main(
            &dir,
            &mlhub_agent::supervisor::SuperviseOptions::default(),
        ))),
        Command::Shim { dir } => Ok(code(mlhub_agent::supervisor::shim_main(&dir))),
        Command::Launch(arguments) => launch::launch(&global, &arguments),
        Command::Confined { argv } => Ok(code(mlhub_agent::export::confined_main(&argv))),
        Command::Sandboxed { report, argv } => Ok(code(
            mlhub_agent::custom_metric::sandboxed_main(&report, &argv),
        )),
        Command::Agent { slots } => Ok(code(mlhub_agent::supervisor::agent_main(
            &paths::data_dir(&global)?,
            slots.max(1),
            &mlhub_agent::supervisor::AgentOptions::default(),
        ))),
        Command::NativeAdapter { arguments } => {
            Ok(code(mlhub_adapter_native::main_with_args(&arguments)))
        }
    }
}

fn export(global: &Global, arguments: ProjectExportArgs) -> anyhow::Result<u8> {
    if let Some(ExportCommand::Mlflow(of)) = arguments.command {
        return mlflow::export(global, &of);
    }
    match (arguments.project, arguments.file) {
        (Some(project), Some(file)) => portable::export(global, &project, &file),
        _ => Err(exit::fail(
            exit::USAGE,
            "name the project and the file to make",
        )),
    }
}

fn import(global: &Global, arguments: ProjectImportArgs) -> anyhow::Result<u8> {
    match (arguments.command, arguments.file) {
        (Some(ImportCommand::Mlflow(of)), _) => mlflow::import(global, &of),
        (None, Some(file)) => portable::import(global, &file, arguments.project.as_deref()),
        (None, None) => Err(exit::fail(exit::USAGE, "name the file to read")),
    }
}

fn code(code: i32) -> u8 {
    u8::try_from(code).unwrap_or(exit::INTERNAL)
}

/// Warnings and worse on standard error, for commands that are not servers.
fn quiet_log() {
    start_log("error");
}

/// Starts the log; `MLHUB_LOG` decides what is in it.
fn start_log(default: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("MLHUB_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    // Only the first start counts; a second is harmless.
    drop(
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .try_init(),
    );
}

/// Tells an agent that may look only when this command's hub is gone again.
fn leave_stop_marker(
    connection: &crate::connect::Connection,
    run: &mlhub_protocol::rest::RunSummary,
) {
    use mlhub_agent::supervisor::RunDir;
    if connection.remote {
        return;
    }
    let path = RunDir::attempt_path(&connection.data_dir, &run.id, run.attempt);
    // A run of another machine, or one without a directory, has nothing to tell.
    if let Ok(dir) = RunDir::open(&path)
        && let Err(error) = dir.request_stop()
    {
        tracing::warn!(%error, "the run's directory cannot be told");
    }
}

fn stop(global: &crate::cli::Global, runs: &[String]) -> anyhow::Result<u8> {
    let mut connection = connect(global)?;
    let mut stopped = Vec::new();
    for run in runs {
        let summary = connection.client.run_stop(run)?;
        leave_stop_marker(&connection, &summary);
        if !global.json {
            output::line(format_args!(
                "{} {}",
                summary.id,
                if summary.state == "running" {
                    "is being stopped"
                } else {
                    summary.state.as_str()
                }
            ))?;
        }
        stopped.push(summary);
    }
    // A hub that ends with this command must stay until supervisors have heard.
    if connection.is_embedded() {
        let ids: Vec<String> = stopped.iter().map(|run| run.id.clone()).collect();
        crate::launch::follow::follow(&mut connection, &ids)?;
    }
    if global.json {
        output::json(&stopped)?;
    }
    Ok(OK)
}
