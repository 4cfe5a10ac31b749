//! The `mlhub` command: parses arguments, wires the parts together, prints.
//!
//! No rule lives here. Anything heavy (the hub, adapters, datasets) is reached
//! only by the command that needs it, so that `--help` answers at once.

mod backup;
mod blob_place;
mod cli;
mod commands;
mod connect;
mod custom_metrics;
mod disk;
mod exit;
mod hub;
mod launch;
mod launches;
mod makeshift;
mod mlflow;
mod models;
mod output;
mod paths;
mod ports;
mod provenance;
mod reproduce;

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    // A reader that closes its end (`mlhub runs | head`) ends the command quietly.
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { exit::USAGE } else { 0 };
            // Printing help to a closed pipe is not worth a message.
            drop(error.print());
            return code.into();
        }
    };
    match commands::dispatch(cli) {
        Ok(code) => code.into(),
        Err(error) => exit::report(&error).into(),
    }
}
