//! The `native` adapter: gradient boosting and linear models on tabular data, in Rust.
//!
//! It speaks the run directory protocol and knows nothing else of the hub: it
//! reads `run.json` and the split files named there, and writes events,
//! checkpoints, predictions and the model. The tree learner is `forust-ml`'s;
//! the boosting loop is here, so that every round gives a point of the curve,
//! a checkpoint and a place to resume from. Everything runs on one thread and
//! draws from seeded generators, so equal seeds give equal bits.
//!
//! It deliberately never writes a cell of the dataset anywhere but into
//! prediction files.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests may unwrap"))]

mod boosting;
mod checkpoint;
mod dataset;
mod entry;
mod events;
mod failure;
mod linear;
mod model;
mod objective;
mod params;
mod predictions;
mod sampling;
mod table;
mod train;

use std::path::Path;

use failure::Failure;

/// Exit code of a program that ended because it was told to (128 + SIGTERM).
pub const EXIT_TERMINATED: i32 = 143;

const USAGE: &str = "usage: native-adapter train <run directory>";

/// Runs the adapter with the arguments after its own name (`["train", RUN_DIR]`)
/// and returns the process's exit code: 0, 64 (config refused), 65 (dataset
/// refused), 143 (stopped by SIGTERM after a checkpoint) or 1.
#[must_use]
pub fn main_with_args(args: &[String]) -> i32 {
    let [command, run_dir] = args else {
        eprintln!("{USAGE}");
        return mlhub_protocol::adapter::exit_code::CONFIG;
    };
    if command != "train" {
        eprintln!("unknown command {command:?}; {USAGE}");
        return mlhub_protocol::adapter::exit_code::UNSUPPORTED;
    }
    match train::train(Path::new(run_dir)) {
        Ok(train::Outcome::Finished) => 0,
        Ok(train::Outcome::Terminated) => EXIT_TERMINATED,
        Err(failure) => report(Path::new(run_dir), &failure),
    }
}

/// Says why it failed, once for people and once for the hub.
fn report(run_dir: &Path, failure: &Failure) -> i32 {
    eprintln!("error: {failure}");
    let told = events::EventWriter::open(run_dir).and_then(|mut writer| writer.error(failure));
    if let Err(error) = told {
        eprintln!("error: the event file could not be written either: {error}");
    }
    failure.exit_code()
}
