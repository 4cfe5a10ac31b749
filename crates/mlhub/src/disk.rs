//! What the hub owns in its data directory beside the store: run directories,
//! what was set aside, and room held back for deletions on a full disk.
//!
//! Nothing outside the data directory is touched: names come from run ids or
//! from the directory itself, and links are removed, not followed.

use std::fs::{DirBuilder, File};
use std::io::{ErrorKind as Io, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use mlhub_agent::supervisor::{ProgramStatus, RunDir};
use mlhub_core::deletion::{FilesSize, HubDisk};
use mlhub_core::{Error, ErrorKind, Result, RunId};

/// Where run directories are.
const RUNS: &str = "runs";
/// Where what nobody knows is moved.
const LOST_AND_FOUND: &str = "lost+found";
/// The room held back.
const RESERVE: &str = "reserve";
/// Its bytes: what the database needs to write down a deletion, many times over.
const RESERVE_BYTES: usize = 4 * 1024 * 1024;
/// Bytes written at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Names tried for something that is set aside.
const NAMES_MAX: usize = 1000;

/// The data directory of a hub on this machine.
#[derive(Debug)]
pub(crate) struct LocalDisk {
    data_dir: PathBuf,
}

impl LocalDisk {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
        }
    }

    fn place(&self, name: &str) -> Result<PathBuf> {
        if name.is_empty() || name == "." || name == ".." || name.contains('/') {
            return Err(Error::invalid("not a name in the data directory"));
        }
        Ok(self.data_dir.join(RUNS).join(name))
    }

    /// The run's directory, when no program runs in it.
    fn idle(&self, run: &RunId) -> Result<PathBuf> {
        let place = self.place(run.as_str())?;
        let attempts = match std::fs::read_dir(&place) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), Io::NotFound | Io::NotADirectory) => {
                return Ok(place);
            }
            Err(error) => return Err(io_error(&place, error)),
        };
        for attempt in attempts.flatten() {
            let Ok(dir) = RunDir::open(&attempt.path()) else {
                continue;
            };
            if matches!(
                dir.program_status(),
                Ok(ProgramStatus::Running(_) | ProgramStatus::Starting | ProgramStatus::Ending(_))
            ) {
                return Err(Error::conflict(format!(
                    "a program still runs in `{}`; stop it first",
                    attempt.path().display()
                )));
            }
        }
        Ok(place)
    }
}

impl HubDisk for LocalDisk {
    fn run_measure(&self, run: &RunId) -> Result<FilesSize> {
        let place = self.idle(run)?;
        let mut size = FilesSize::default();
        measure(&place, &mut size).map_err(|error| io_error(&place, error))?;
        Ok(size)
    }

    fn run_remove(&self, run: &RunId) -> Result<FilesSize> {
        let size = self.run_measure(run)?;
        let place = self.place(run.as_str())?;
        let removed = match std::fs::symlink_metadata(&place) {
            Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(&place),
            Ok(_) => std::fs::remove_file(&place),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != Io::NotFound => Err(io_error(&place, error)),
            _ => Ok(size),
        }
    }

    fn run_names(&self) -> Result<Vec<String>> {
        let runs = self.data_dir.join(RUNS);
        let entries = match std::fs::read_dir(&runs) {
            Ok(entries) => entries,
            Err(error) if error.kind() == Io::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error(&runs, error)),
        };
        let mut names: Vec<String> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            // The agent's own (`.active`); no run id starts so.
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    fn run_set_aside(&self, name: &str) -> Result<String> {
        let from = self.place(name)?;
        let folder = self.data_dir.join(LOST_AND_FOUND);
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder);
        made.map_err(|error| io_error(&folder, error))?;
        let to = (0..NAMES_MAX)
            .map(|number| match number {
                0 => folder.join(name),
                _ => folder.join(format!("{name}.{number}")),
            })
            .find(|path| std::fs::symlink_metadata(path).is_err());
        let to = to.ok_or_else(|| {
            Error::conflict(format!("`{}` has too many of `{name}`", folder.display()))
        })?;
        std::fs::rename(&from, &to).map_err(|error| io_error(&from, error))?;
        Ok(to.display().to_string())
    }

    fn room_release(&self) -> bool {
        std::fs::remove_file(self.data_dir.join(RESERVE)).is_ok()
    }

    fn room_reserve(&self) {
        let place = self.data_dir.join(RESERVE);
        if place.exists() {
            return;
        }
        let write = || -> std::io::Result<()> {
            let mut file = File::create_new(&place)?;
            for _ in 0..RESERVE_BYTES / PIECE_BYTES {
                file.write_all(&[0; PIECE_BYTES])?;
            }
            Ok(())
        };
        if let Err(error) = write() {
            tracing::debug!(%error, "no room is held back for deletions");
            // Half of it is of no use, and somebody needs the space.
            drop(std::fs::remove_file(&place));
        }
    }
}

fn measure(path: &Path, size: &mut FilesSize) -> std::io::Result<()> {
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == Io::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.is_dir() {
        size.count += 1;
        size.bytes += metadata.len();
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        measure(&entry?.path(), size)?;
    }
    Ok(())
}

fn io_error(path: &Path, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        Io::StorageFull | Io::QuotaExceeded => ErrorKind::StorageFull,
        Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::ReadOnly,
        _ => ErrorKind::Internal,
    };
    Error::new(kind, format!("`{}`: {error}", path.display())).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RunId {
        text.parse().expect("an id")
    }

    #[test]
    fn a_run_directory_goes_and_nothing_outside_it() {
        let folder = tempfile::tempdir().expect("temp folder");
        let disk = LocalDisk::new(folder.path());
        let outside = folder.path().join("outside");
        std::fs::create_dir_all(&outside).expect("folder");
        std::fs::write(outside.join("kept"), "12345").expect("write");
        let run = folder.path().join("runs/run-a/1");
        std::fs::create_dir_all(&run).expect("folder");
        std::fs::write(run.join("file"), "123").expect("write");
        std::os::unix::fs::symlink(&outside, run.join("link")).expect("link");
        std::os::unix::fs::symlink(&outside, folder.path().join("runs/run-b")).expect("link");
        let size = disk.run_measure(&id("run-a")).expect("measure");
        assert_eq!(size.count, 2);
        assert!((3..1000).contains(&size.bytes), "{size:?}");
        assert_eq!(disk.run_remove(&id("run-a")).expect("remove"), size);
        disk.run_remove(&id("run-b")).expect("remove");
        std::fs::create_dir_all(folder.path().join("runs/.active")).expect("folder");
        assert_eq!(disk.run_names().expect("names"), Vec::<String>::new());
        assert!(outside.join("kept").exists());
        let nothing = disk.run_remove(&id("run-a")).expect("again");
        assert_eq!(nothing, FilesSize::default());
    }

    #[test]
    fn what_is_set_aside_overwrites_nothing() {
        let folder = tempfile::tempdir().expect("temp folder");
        let disk = LocalDisk::new(folder.path());
        let mut places = Vec::new();
        for content in ["one", "two"] {
            let lost = folder.path().join("runs/lost");
            std::fs::create_dir_all(&lost).expect("folder");
            std::fs::write(lost.join("file"), content).expect("write");
            let to = PathBuf::from(disk.run_set_aside("lost").expect("moved"));
            places.push(std::fs::read_to_string(to.join("file")).expect("there"));
        }
        assert_eq!(places, ["one", "two"]);
        for name in ["", ".", "..", "a/b"] {
            assert!(disk.run_set_aside(name).is_err(), "{name}");
        }
    }

    #[test]
    fn room_is_held_back_once() {
        let folder = tempfile::tempdir().expect("temp folder");
        let disk = LocalDisk::new(folder.path());
        assert!(!disk.room_release());
        disk.room_reserve();
        disk.room_reserve();
        let size = std::fs::metadata(folder.path().join(RESERVE)).expect("there");
        assert_eq!(size.len(), RESERVE_BYTES as u64);
        assert!(disk.room_release());
        assert!(!disk.room_release());
    }
}
