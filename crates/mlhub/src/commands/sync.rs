//! `mlhub sync` and `mlhub forward`: runs that the SDK wrote, on their way to the hub.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use mlhub_agent::supervisor::{
    ForwardOptions, SyncState, Synced, forward_main, is_sdk_run, sync_run,
};
use mlhub_protocol::run_dir::HubAddress;
use serde_json::json;

use crate::cli::Global;
use crate::exit::{HUB, INTERNAL, OK, REFUSED, USAGE, fail};
use crate::makeshift::Makeshifts;
use crate::{output, paths};

/// Folders below a named one that are looked through: `runs/<run>/<attempt>`.
const DEPTH_MAX: usize = 3;
/// Runs of one command.
const RUNS_MAX: usize = 100_000;

/// The hub as the command line and the environment name it; else as the run's
/// directory does; else the one of the default data directory.
fn options(global: &Global) -> anyhow::Result<ForwardOptions> {
    let local = || -> anyhow::Result<HubAddress> {
        let data_dir = paths::data_dir(global)?;
        Ok(HubAddress::DataDir(data_dir.to_string_lossy().into_owned()))
    };
    let hub = match (&global.server, &global.data_dir) {
        (Some(url), _) => Some(HubAddress::Url(url.clone())),
        (None, Some(_)) => Some(local()?),
        (None, None) => None,
    };
    let hubs = Makeshifts::default();
    Ok(ForwardOptions {
        default_hub: match &hub {
            Some(hub) => hub.clone(),
            None => local()?,
        },
        hub,
        local_hub: Box::new(move |data_dir| hubs.of(data_dir)),
    })
}

/// Ships one run while it is written.
pub(crate) fn forward(global: &Global, dir: &Path) -> anyhow::Result<u8> {
    let code = forward_main(dir, &options(global)?);
    Ok(u8::try_from(code).unwrap_or(INTERNAL))
}

/// Ships what is in the directories, and says what became of each.
pub(crate) fn sync(global: &Global, dirs: &[PathBuf]) -> anyhow::Result<u8> {
    let mut found = Vec::new();
    for dir in dirs {
        let before = found.len();
        find(dir, 0, &mut found)?;
        if found.len() == before {
            return Err(fail(
                USAGE,
                format!(
                    "there is no run of the SDK in `{}`: a run directory has a file `sdk.json`, and folders are looked through {DEPTH_MAX} levels deep",
                    dir.display()
                ),
            ));
        }
    }
    // Attempts of a run in their order: a later one goes on with the earlier.
    found.sort_by_cached_key(|dir| (dir.parent().map(Path::to_owned), attempt_of(dir)));
    found.dedup();
    let options = options(global)?;
    let mut all = Vec::new();
    for (index, dir) in found.iter().enumerate() {
        let synced = one(global, &options, dir, (index + 1, found.len()))?;
        if !global.json {
            print(&synced, dir)?;
        }
        all.push((dir, synced));
    }
    let count = |state: SyncState| all.iter().filter(|(_, one)| one.state == state).count();
    let left = all.len() - count(SyncState::Shipped);
    if global.json {
        let runs: Vec<_> = all
            .iter()
            .map(|(dir, one)| {
                json!({
                    "run": one.run,
                    "dir": dir,
                    "state": one.state.as_str(),
                    "shipped_bytes": one.shipped_bytes,
                    "files": one.files,
                    "message": one.message,
                })
            })
            .collect();
        output::json(&json!({"runs": runs, "shipped": count(SyncState::Shipped), "left": left}))?;
    } else {
        let bytes: u64 = all.iter().map(|(_, one)| one.shipped_bytes).sum();
        output::line(format_args!(
            "{} of {} runs are on the hub; {bytes} bytes of events and output were shipped",
            count(SyncState::Shipped),
            all.len()
        ))?;
    }
    Ok(if count(SyncState::Refused) > 0 {
        REFUSED
    } else if count(SyncState::Unreachable) + count(SyncState::Waiting) > 0 {
        HUB
    } else {
        OK
    })
}

fn one(
    global: &Global,
    options: &ForwardOptions,
    dir: &Path,
    (number, of): (usize, usize),
) -> anyhow::Result<Synced> {
    let terminal = std::io::stderr().is_terminal() && !global.json;
    let progress = |shipped: u64, left: u64| {
        if terminal {
            // Progress that cannot be shown is not worth a word.
            drop(write!(
                std::io::stderr(),
                "\r[{number}/{of}] {shipped} bytes shipped, {left} left\u{1b}[K"
            ));
        }
    };
    let synced = sync_run(dir, options, &progress);
    if terminal {
        drop(write!(std::io::stderr(), "\r\u{1b}[K"));
    }
    synced.map_err(|error| fail(USAGE, error.to_string()))
}

fn print(synced: &Synced, dir: &Path) -> anyhow::Result<()> {
    let message = match &synced.message {
        Some(message) => format!(": {message}"),
        None => String::new(),
    };
    output::line(format_args!(
        "{} {} ({} bytes, {} files){message}  {}",
        synced.run,
        synced.state.as_str(),
        synced.shipped_bytes,
        synced.files,
        dir.display()
    ))?;
    Ok(())
}

/// The attempt's number and, for other folders and machines, the folder's name.
fn attempt_of(dir: &Path) -> (u64, String) {
    let name = dir
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let digits: String = name.chars().take_while(char::is_ascii_digit).collect();
    (digits.parse().unwrap_or(u64::MAX), name)
}

fn find(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if is_sdk_run(dir) {
        found.push(dir.to_owned());
        return Ok(());
    }
    if depth >= DEPTH_MAX || found.len() >= RUNS_MAX {
        return Ok(());
    }
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        // What was named must be there; what lies in it may not be ours to read.
        Err(error) if depth == 0 => {
            return Err(fail(
                USAGE,
                format!("the folder `{}` cannot be read: {error}", dir.display()),
            ));
        }
        Err(_) => return Ok(()),
    };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            find(&entry.path(), depth + 1, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_and_not_spelled() {
        let mut names = [
            "runs/a/10",
            "runs/a/1-node",
            "runs/a/2",
            "runs/a/1",
            "runs/a/x",
        ]
        .map(PathBuf::from);
        names.sort_by_cached_key(|dir| (dir.parent().map(Path::to_owned), attempt_of(dir)));
        let expected = [
            "runs/a/1",
            "runs/a/1-node",
            "runs/a/2",
            "runs/a/10",
            "runs/a/x",
        ];
        assert_eq!(names, expected.map(PathBuf::from));
    }
}
