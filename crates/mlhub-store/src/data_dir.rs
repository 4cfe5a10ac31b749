//! The data directory: one hub owns it at a time, and only one that knows its
//! format.
//!
//! Ownership is a `flock` on the file `lock`, which ends with its holder however
//! that ends. What is inside the directory's subfolders is not known here.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind as Io, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mlhub_core::{Error, ErrorKind, Result};
use rustix::fs::{FlockOperation, flock};

/// The format of data directories this program reads and writes.
const FORMAT: u64 = 1;
const FORMAT_FILE: &str = "format.json";
const LOCK_FILE: &str = "lock";
/// Folders a data directory has.
const FOLDERS: [&str; 2] = ["blobs", "runs"];
/// How long probes of others are waited out. One holds the lock for
/// microseconds, unless its process is put aside just then.
const PROBE_WAIT_MAX: Duration = Duration::from_secs(5);
/// Pause between two tries to take the lock.
const PROBE_PAUSE: Duration = Duration::from_micros(500);
/// Bytes read of a lock or format file.
const SMALL_FILE_MAX_BYTES: u64 = 4096;

/// An owned data directory. Dropping it gives the directory up.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the directory if needed (for its owner only) and takes it.
    ///
    /// Fails with `Conflict` when another process holds it, `Unsupported` when
    /// a newer program made it (nothing is touched then), `ReadOnly` when it
    /// cannot be written, `StorageFull` when the disk is full.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let fail = |error| io_error("open the data directory", path, error);
        make_folder(path).map_err(fail)?;
        check_format(path)?;
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join(LOCK_FILE))
            .map_err(fail)?;
        take(&mut lock, path)?;
        // Somebody may have made the directory meanwhile.
        if !check_format(path)? {
            write_format(path).map_err(fail)?;
        }
        for folder in FOLDERS {
            make_folder(&path.join(folder)).map_err(fail)?;
        }
        lock.set_len(0).map_err(fail)?;
        lock.rewind().map_err(fail)?;
        writeln!(lock, "{}", std::process::id()).map_err(fail)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of blobs.
    pub fn blobs(&self) -> PathBuf {
        self.path.join("blobs")
    }

    /// The folder of run directories.
    pub fn runs(&self) -> PathBuf {
        self.path.join("runs")
    }

    /// Whether a process holds the data directory. Never makes anything; false
    /// when there is no such directory. The answer may be old when it arrives.
    pub fn probe_lock(path: impl AsRef<Path>) -> bool {
        File::open(path.as_ref().join(LOCK_FILE))
            .is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockShared).is_err())
    }
}

fn make_folder(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Takes the lock. Probes hold it shared for a moment and are waited out; an
/// owner holds it alone.
fn take(lock: &mut File, path: &Path) -> Result<()> {
    let deadline = Instant::now() + PROBE_WAIT_MAX;
    while Instant::now() < deadline {
        if flock(&*lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Ok(());
        }
        if flock(&*lock, FlockOperation::NonBlockingLockShared).is_err() {
            break;
        }
        let unlocked = flock(&*lock, FlockOperation::Unlock);
        unlocked.map_err(|error| Error::internal("probe the data directory", error))?;
        std::thread::sleep(PROBE_PAUSE);
    }
    let mut holder = String::new();
    let read = lock.take(SMALL_FILE_MAX_BYTES).read_to_string(&mut holder);
    let holder = match holder.trim() {
        pid if read.is_ok() && !pid.is_empty() => format!("process {pid}"),
        _ => "another process".to_owned(),
    };
    Err(Error::conflict(format!(
        "the data directory {} is in use by {holder}; use that server, stop it, or name another directory",
        path.display()
    )))
}

/// Whether the directory has a format file; refuses one of a newer format.
fn check_format(path: &Path) -> Result<bool> {
    let file = path.join(FORMAT_FILE);
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == Io::NotFound => return Ok(false),
        Err(error) => return Err(io_error("read the data directory's format", &file, error)),
    };
    let document: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    let format = document.and_then(|document| document.get("format")?.as_u64());
    match format {
        Some(format) if (1..=FORMAT).contains(&format) => Ok(true),
        Some(format) => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the data directory {} has format {format}, and this program knows formats up to {FORMAT}: \
                 a newer mlhub has used it. Nothing was changed. Install that version or a newer one, or \
                 name another directory",
                path.display()
            ),
        )),
        None => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "{} does not say which format the data directory has (expected {{\"format\": {FORMAT}}}); \
                 restore the file or name another directory",
                file.display()
            ),
        )),
    }
}

fn write_format(path: &Path) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path)?;
    writeln!(file, "{{\"format\":{FORMAT}}}")?;
    file.as_file().sync_all()?;
    file.persist(path.join(FORMAT_FILE))?;
    File::open(path)?.sync_all()
}

/// An I/O failure as the user should see it.
pub(crate) fn io_error(operation: &'static str, path: &Path, error: std::io::Error) -> Error {
    let place = path.display();
    let (kind, message) = match error.kind() {
        Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => (
            ErrorKind::StorageFull,
            format!(
                "the disk that holds {place} is full; nothing was stored. Free some space and try again"
            ),
        ),
        Io::ReadOnlyFilesystem | Io::PermissionDenied => (
            ErrorKind::ReadOnly,
            format!(
                "{place} cannot be written; make it writable for this user or name another data directory"
            ),
        ),
        Io::NotADirectory | Io::AlreadyExists => (
            ErrorKind::Invalid,
            format!("{place} is not a directory; name another data directory"),
        ),
        _ => (
            ErrorKind::Internal,
            format!("could not {operation} at {place}: {error}"),
        ),
    };
    Error::new(kind, message).with_source(error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn one_owner_at_a_time_and_the_next_after_it() {
        let folder = tempfile::tempdir().expect("temp folder");
        let path = folder.path().join("data");
        assert!(!DataDir::probe_lock(&path));
        let first = DataDir::open(&path).expect("free");
        assert!(DataDir::probe_lock(&path));
        let error = DataDir::open(&path).expect_err("held");
        assert_eq!(error.kind(), ErrorKind::Conflict);
        let message = error.public_message();
        assert!(message.contains(&path.display().to_string()), "{message}");
        assert!(
            message.contains(&format!("process {}", std::process::id())),
            "{message}"
        );
        drop(first);
        assert!(!DataDir::probe_lock(&path));
        DataDir::open(&path).expect("free again");
    }

    #[test]
    fn it_is_for_its_owner_only_and_has_its_folders() {
        let folder = tempfile::tempdir().expect("temp folder");
        let path = folder.path().join("a/b");
        let data = DataDir::open(&path).expect("made");
        let mode = std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(data.blobs().is_dir() && data.runs().is_dir());
        let format = std::fs::read_to_string(path.join(FORMAT_FILE)).expect("format");
        assert_eq!(format, "{\"format\":1}\n");
    }

    #[test]
    fn a_newer_or_unreadable_format_is_refused_and_nothing_touched() {
        for (text, word) in [("{\"format\":2}", "format 2"), ("junk", "expected")] {
            let folder = tempfile::tempdir().expect("temp folder");
            std::fs::write(folder.path().join(FORMAT_FILE), text).expect("write");
            let error = DataDir::open(folder.path()).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.public_message().contains(word), "{error}");
            let names: Vec<_> = std::fs::read_dir(folder.path()).expect("list").collect();
            assert_eq!(names.len(), 1);
        }
    }

    #[test]
    fn a_file_in_its_place_is_refused() {
        let folder = tempfile::tempdir().expect("temp folder");
        let path = folder.path().join("data");
        std::fs::write(&path, "x").expect("write");
        let error = DataDir::open(&path).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }

    #[test]
    fn probing_never_keeps_an_owner_out() {
        let folder = tempfile::tempdir().expect("temp folder");
        drop(DataDir::open(folder.path()).expect("made"));
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                        DataDir::probe_lock(folder.path());
                    }
                });
            }
            let opened = (0..200).all(|_| DataDir::open(folder.path()).is_ok());
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(opened);
        });
    }
}
