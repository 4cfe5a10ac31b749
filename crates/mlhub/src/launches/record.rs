//! What is told of launches, in memory and on disk: `launches/<id>/launch.json`,
//! written anew when the state changes, so that a hub that comes later can say what
//! became of them.

use std::collections::BTreeMap;
use std::io::ErrorKind as Io;
use std::path::{Path, PathBuf};
use std::process::ChildStdin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mlhub_core::limits::{LAUNCH_OUTPUT_LINES, LAUNCHES_AT_ONCE_MAX, LAUNCHES_KEPT};
use mlhub_core::{Clock as _, Error, ErrorKind, Result};
use mlhub_protocol::rest::{LaunchState, LaunchView};

use super::busy;
use crate::ports::SystemClock;

/// The record's file in a launch's folder.
const RECORD_FILE: &str = "launch.json";
/// How a failed command begins its last words.
const ERROR_PREFIX: &str = "error: ";

/// All launches the hub tells of.
pub(super) struct Records {
    folder: PathBuf,
    known: Mutex<BTreeMap<String, Known>>,
}

struct Known {
    view: LaunchView,
    /// As long as it is open, the command goes on.
    open: Option<ChildStdin>,
}

impl Records {
    /// Reads the records of a folder, which is made.
    pub(super) fn open(folder: &Path, now: i64) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut views: Vec<LaunchView> = std::fs::read_dir(folder)?
            .flatten()
            .filter_map(|entry| {
                let text = std::fs::read(entry.path().join(RECORD_FILE)).ok()?;
                serde_json::from_slice(&text).ok()
            })
            .collect();
        views.sort_by_key(|view| std::cmp::Reverse(view.created_at));
        views.truncate(LAUNCHES_KEPT);
        let records = Self {
            folder: folder.to_owned(),
            known: Mutex::default(),
        };
        for mut view in views {
            if !view.state.is_final() {
                view.state = LaunchState::Lost;
                view.updated_at = now;
                view.message = Some(
                    "the hub ended while it was prepared; start it again, after a look whether its runs are there".to_owned(),
                );
                records.write(&view);
            }
            let known = Known { view, open: None };
            records.known().insert(known.view.id.clone(), known);
        }
        Ok(records)
    }

    /// Where the folders of launches are.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Newest first.
    pub(super) fn list(&self) -> Vec<LaunchView> {
        let known = self.known();
        let mut views: Vec<LaunchView> = known.values().map(|known| known.view.clone()).collect();
        views.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        views
    }

    pub(super) fn get(&self, id: &str) -> Option<LaunchView> {
        self.known().get(id).map(|known| known.view.clone())
    }

    /// Takes up a launch and writes its experiment file.
    pub(super) fn add(&self, view: &LaunchView, file: &str, text: &str) -> Result<()> {
        let mut known = self.known();
        let under_way = known.values().filter(|known| !known.view.state.is_final());
        if under_way.count() >= LAUNCHES_AT_ONCE_MAX {
            return Err(busy());
        }
        let folder = self.folder.join(&view.id);
        std::fs::create_dir(&folder)
            .and_then(|()| std::fs::write(folder.join(file), text))
            .and_then(|()| self.try_write(view))
            .map_err(|error| {
                // Nothing half made stays; what cannot be removed is told of nowhere.
                let _ = std::fs::remove_dir_all(&folder);
                unwritable("write an experiment file", error)
            })?;
        if known.len() >= LAUNCHES_KEPT {
            forget_oldest(&mut known);
        }
        let taken = Known {
            view: view.clone(),
            open: None,
        };
        known.insert(view.id.clone(), taken);
        Ok(())
    }

    /// Keeps what holds the command open.
    pub(super) fn hold(&self, id: &str, open: Option<ChildStdin>) {
        if let Some(known) = self.known().get_mut(id)
            && !known.view.state.is_final()
        {
            known.open = open;
        }
    }

    /// The command is gone.
    pub(super) fn release(&self, id: &str) {
        if let Some(known) = self.known().get_mut(id) {
            known.open = None;
        }
    }

    /// Keeps a line of what the command says.
    pub(super) fn output(&self, id: &str, line: String) {
        if let Some(known) = self.known().get_mut(id) {
            let output = &mut known.view.output;
            if output.len() == LAUNCH_OUTPUT_LINES {
                output.remove(0);
                known.view.output_dropped += 1;
            }
            output.push(line);
        }
    }

    /// The next state on the way.
    pub(super) fn advance(&self, id: &str, state: LaunchState) {
        self.change(id, |view| view.state = state);
    }

    /// Its runs are made.
    pub(super) fn started(&self, id: &str, runs: Vec<String>) {
        self.change(id, |view| {
            view.state = LaunchState::Started;
            view.runs = runs;
        });
    }

    /// The command ended otherwise than well; its last words say why.
    pub(super) fn fail(&self, id: &str, status: &str) {
        self.change(id, |view| {
            view.state = LaunchState::Failed;
            let words = view.output.iter();
            let from = words
                .clone()
                .rposition(|line| line.starts_with(ERROR_PREFIX));
            view.message = Some(match from {
                Some(from) => view.output[from..].join("\n")[ERROR_PREFIX.len()..].to_owned(),
                None => format!("the preparation ended with {status}"),
            });
        });
    }

    /// Ends a launch that has not ended.
    pub(super) fn end(&self, id: &str, state: LaunchState, message: Option<String>) {
        self.change(id, |view| {
            view.state = state;
            view.message = message;
        });
    }

    /// Stops a preparation: the command ends with its standard input.
    pub(super) fn stop(&self, id: &str, why: &str) {
        self.end(id, LaunchState::Stopped, Some(why.to_owned()));
    }

    /// Stops all of them.
    pub(super) fn stop_all(&self, why: &str) {
        for view in self.list() {
            self.stop(&view.id, why);
        }
    }

    /// Changes a launch that has not ended, and writes it.
    fn change(&self, id: &str, change: impl FnOnce(&mut LaunchView)) {
        let mut all = self.known();
        let Some(known) = all.get_mut(id) else {
            return;
        };
        if known.view.state.is_final() {
            return;
        }
        change(&mut known.view);
        known.view.updated_at = SystemClock.now().0;
        self.write(&known.view);
        if known.view.state.is_final() && known.view.state != LaunchState::Started {
            known.open = None;
        }
    }

    /// Writes a record whole. A record that cannot be written is told in the log: the
    /// launch itself goes on.
    fn write(&self, view: &LaunchView) {
        if let Err(error) = self.try_write(view) {
            tracing::warn!(%error, launch = view.id, "the record of a launch cannot be written");
        }
    }

    fn try_write(&self, view: &LaunchView) -> std::io::Result<()> {
        let place = self.folder.join(&view.id).join(RECORD_FILE);
        let temporary = place.with_extension("json.new");
        std::fs::write(&temporary, serde_json::to_vec_pretty(view)?)?;
        std::fs::rename(&temporary, &place)
    }
}

/// Why a launch cannot be taken up on the disk.
pub(super) fn unwritable(action: &'static str, error: std::io::Error) -> Error {
    match error.kind() {
        Io::StorageFull | Io::QuotaExceeded => Error::new(
            ErrorKind::StorageFull,
            "the disk of the hub's data directory is full, so the experiment was not started: free some space, \
             for example with `mlhub runs purge`, and start it again",
        )
        .with_source(error),
        _ => Error::internal(action, error),
    }
}

/// Forgets the oldest launch that has ended. The folder stays where runs may need it:
/// it is the folder of their experiment.
fn forget_oldest(known: &mut BTreeMap<String, Known>) {
    let ended = known.values().filter(|known| known.view.state.is_final());
    let oldest = ended.min_by_key(|known| known.view.created_at);
    if let Some(id) = oldest.map(|known| known.view.id.clone()) {
        known.remove(&id);
    }
}
