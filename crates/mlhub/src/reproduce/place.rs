//! The folder of a reproduction's restored code, and how long it stays: as long as the command
//! restores and runs, and, when that ends early, as long as the run that works in it goes on.
//!
//! Beside the folder is a file of the same name that the command holds locked and that names its
//! runs. What an earlier command had to leave is removed when the next one starts.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use mlhub_client::Client;
use mlhub_core::state::RunState;

use crate::exit::{Classify as _, DATA_DIR};

/// Ending of the file beside a folder.
const RUNS_ENDING: &str = "runs";
/// Answered for a run that is not there any more.
const NOT_FOUND: u16 = 404;

/// A folder for restored code.
pub(super) struct Place {
    folder: PathBuf,
    /// Held locked while the command lives; none where the code is kept.
    runs: Option<File>,
}

impl Place {
    /// Takes the folder `name` below `parent`; nothing is written into it yet. With `keep` it is
    /// never removed.
    pub(super) fn take(parent: &Path, name: &str, keep: bool) -> anyhow::Result<Self> {
        let folder = parent.join(name);
        if keep {
            return Ok(Self { folder, runs: None });
        }
        let held = || -> std::io::Result<File> {
            std::fs::create_dir_all(parent)?;
            // It has its name only once it is locked, so that nobody takes it for one left over.
            let new = folder.with_extension("new");
            let file = File::create_new(&new)?;
            file.lock()?;
            std::fs::rename(&new, folder.with_extension(RUNS_ENDING))?;
            Ok(file)
        };
        Ok(Self {
            runs: Some(held().or_fail(DATA_DIR)?),
            folder,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Says which runs are about to work in the folder.
    pub(super) fn used_by(&mut self, runs: &[String]) -> anyhow::Result<()> {
        if let Some(file) = &mut self.runs {
            let written = file
                .write_all(runs.join("\n").as_bytes())
                .and_then(|()| file.sync_all());
            written.or_fail(DATA_DIR)?;
        }
        Ok(())
    }

    /// Removes the folder unless a run may still work in it.
    pub(super) fn leave(self, client: &Client) {
        if self.runs.is_some() {
            remove_unused(&self.folder, client);
        }
    }
}

/// Removes what earlier commands left and no run works in any more.
pub(super) fn sweep(parent: &Path, client: &Client) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_runs = path.extension().is_some_and(|ending| ending == RUNS_ENDING);
        // Who holds the lock lives, and removes it.
        if is_runs && File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
            remove_unused(&path.with_extension(""), client);
        }
    }
}

fn remove_unused(folder: &Path, client: &Client) {
    let file = folder.with_extension(RUNS_ENDING);
    let Ok(runs) = std::fs::read_to_string(&file) else {
        return;
    };
    if !runs.lines().all(|run| is_over(run, client)) {
        return;
    }
    // What cannot be removed is tried again by the next command: its file stays.
    let is_gone = match std::fs::remove_dir_all(folder) {
        Ok(()) => true,
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if is_gone {
        drop(std::fs::remove_file(&file));
    }
}

/// Whether a run has ended or was never made. A hub that does not answer says neither.
fn is_over(run: &str, client: &Client) -> bool {
    match client.run_get(run) {
        Ok(detail) => RunState::parse(&detail.summary.state).is_ok_and(RunState::is_terminal),
        Err(error) => error.status == Some(NOT_FOUND),
    }
}
