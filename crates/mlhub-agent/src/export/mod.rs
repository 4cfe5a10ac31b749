//! Exports of trained models: one program that runs once, in a directory and a
//! process group of its own, within bounds, and is believed only what it left.
//!
//! Which model is meant, who may export it and where the files go is not decided
//! here. The directory is the caller's, and so is removing it.

pub(crate) mod confine;
mod error;
pub(crate) mod program;
mod written;

use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use mlhub_core::limits::MODEL_MAX_BYTES;
use mlhub_protocol::adapter::exit_code;
use mlhub_protocol::event::{ErrorEvent, EventLine};
use mlhub_protocol::export::EXPORT_FORMAT_FIELD;
use mlhub_protocol::run_dir::names;

use crate::serving::WorkerPlan;
use crate::serving::worker::{events, events_of};

pub use confine::confined_main;
pub use error::ExportError;
pub(crate) use written::read as read_written;
pub use written::{Exported, ExportedFile};

/// Bounds of one export.
#[derive(Debug, Clone, Copy)]
pub struct ExportLimits {
    /// Time from the start of the program to its end.
    pub time: Duration,
    /// Resident bytes of its process group.
    pub memory_bytes: u64,
    /// Bytes of standard output and standard error together.
    pub output_bytes: u64,
    /// Bytes of all files it exports.
    pub files_bytes: u64,
    /// Files it exports.
    pub files: usize,
}

impl Default for ExportLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(10 * 60),
            memory_bytes: 16 * 1024 * 1024 * 1024,
            output_bytes: 64 * 1024 * 1024,
            files_bytes: MODEL_MAX_BYTES,
            files: 1000,
        }
    }
}

/// Runs the program of `plan`, whose run file names model and format, and reads
/// what it left. `exe` is a program with the subcommand `confined`, which is
/// [`confined_main`]; `stopped` is asked again and again whether to give up.
/// Blocks.
///
/// # Errors
/// [`ExportError`]; nothing of the program is left running.
pub fn export(
    plan: &WorkerPlan,
    exe: &Path,
    limits: ExportLimits,
    stopped: &dyn Fn() -> bool,
) -> Result<Exported, ExportError> {
    let Some(wanted) = &plan.run.export else {
        return Err(ExportError::Start("no format is named".to_owned()));
    };
    let status = program::run(plan, exe, limits, stopped)?;
    let mut told = events(&plan.dir);
    if plan.launch.stdout_events {
        told.extend(events_of(&plan.dir.join(names::STDOUT)));
    }
    if !status.success() {
        return Err(failure(status, &told, &plan.dir));
    }
    written::read(&plan.dir, &wanted.format, &told, limits).map_err(ExportError::Broken)
}

/// Why a program that ended without success did.
fn failure(status: ExitStatus, told: &[EventLine], dir: &Path) -> ExportError {
    let error: Option<&ErrorEvent> = told.iter().find_map(|event| event.error.as_ref());
    let message = error.map(|error| error.message.clone());
    let field = error.and_then(|error| error.field.clone());
    match (status.code(), message) {
        (Some(exit_code::UNSUPPORTED), message) => ExportError::Unsupported {
            message: message.unwrap_or_else(|| format!("{EXPORT_FORMAT_FIELD}: not supported")),
        },
        (Some(exit_code::CONFIG | exit_code::DATASET), Some(message)) => {
            ExportError::Refused { field, message }
        }
        (_, message) => ExportError::Failed {
            how: how(status),
            message,
            last_lines: program::last_lines(dir),
        },
    }
}

/// How a program ended, whose parent tells signals as shells do.
pub(crate) fn how(status: ExitStatus) -> String {
    match status.code() {
        Some(code) if code > confine::SIGNALLED => format!("signal: {}", code - confine::SIGNALLED),
        _ => status.to_string(),
    }
}
