//! `mlhub launch`: what the hub runs beside itself to start an experiment that was
//! sent to it. The same steps as `mlhub run --detach`, with their progress as JSON
//! lines on standard output; it ends when its standard input does, with all it
//! started for the preparation, so that nothing is prepared for a hub that is gone.

use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;
use rustix::process::{Signal, getpgrp, kill_process_group};
use serde_json::json;

use super::run;
use crate::cli::Global;
use crate::connect::{connect, require_local};
use crate::exit::OK;
use crate::launch::{adapter, experiment};
use crate::launches::Progress;
use crate::{output, paths};

/// Options of `launch`.
#[derive(Args)]
pub(crate) struct LaunchArgs {
    /// The experiment file
    experiment: PathBuf,
    /// The folder its paths start at
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Override a value
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// A tiny run
    #[arg(long)]
    smoke: bool,
    /// Accept defaults that changed since the experiment last ran
    #[arg(long)]
    accept_defaults: bool,
    /// Runs at once on this machine
    #[arg(long, default_value_t = 1)]
    slots: usize,
}

/// Prepares an experiment and queues its runs.
pub(crate) fn launch(global: &Global, arguments: &LaunchArgs) -> anyhow::Result<u8> {
    std::thread::spawn(end_with_the_hub);
    let data_dir = paths::data_dir(global)?;
    let experiment = experiment::load(
        &arguments.experiment,
        arguments.folder.as_deref(),
        &arguments.set,
        arguments.smoke,
        &data_dir,
    )?;
    let mut connection = connect(global)?;
    require_local(&connection, "`mlhub launch`")?;
    say(&Progress::Environment)?;
    let environment = adapter::environment(&experiment.adapter, &data_dir)?;
    say(&Progress::Dataset)?;
    let runs = run::launch_accepted(
        global,
        &experiment,
        &environment,
        &mut connection,
        arguments.slots,
        arguments.accept_defaults,
    )?;
    say(&Progress::Started { runs })?;
    Ok(OK)
}

fn say(progress: &Progress) -> anyhow::Result<()> {
    output::line(json!(progress))
}

/// Waits for the end of standard input, then kills the whole group, which the hub
/// made for this command.
fn end_with_the_hub() {
    let mut nothing = [0];
    while matches!(std::io::stdin().read(&mut nothing), Ok(1..)) {}
    // There is nobody to tell.
    let _ = kill_process_group(getpgrp(), Signal::KILL);
}
