//! Small files written whole: JSON by rename, and locks that die with their holder.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Result, SupervisorError};
use mlhub_protocol::run_dir::RUN_DIR_VERSION;

/// Bytes of a JSON file of a run directory at most.
const JSON_FILE_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Writes `value` to `path` so that a reader sees the old or the new content,
/// never a part, even after a power cut.
pub(crate) fn write_json(path: &Path, value: &impl Serialize, mode: u32) -> Result<()> {
    let bytes = serde_json::to_vec_pretty(value).map_err(|error| SupervisorError::Malformed {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    let parent = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file =
        tempfile::NamedTempFile::new_in(parent).map_err(SupervisorError::io("write", path))?;
    file.as_file()
        .set_permissions(std::fs::Permissions::from_mode(mode))
        .and_then(|()| file.write_all(&bytes))
        .and_then(|()| file.as_file().sync_all())
        .map_err(SupervisorError::io("write", path))?;
    file.persist(path)
        .map_err(|error| SupervisorError::io("write", path)(error.error))?;
    // The rename itself is durable once the folder is; a file system that
    // cannot sync a folder still has the file.
    if let Ok(folder) = File::open(parent) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Reads a versioned JSON file; `None` when it does not exist.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(SupervisorError::io("open", path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(JSON_FILE_MAX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(SupervisorError::io("read", path))?;
    let malformed = |error: serde_json::Error| SupervisorError::Malformed {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(malformed)?;
    if let Some(found) = value.get("version").and_then(serde_json::Value::as_u64)
        && found > u64::from(RUN_DIR_VERSION)
    {
        return Err(SupervisorError::Version {
            path: path.to_owned(),
            found,
            known: RUN_DIR_VERSION,
        });
    }
    serde_json::from_value(value).map(Some).map_err(malformed)
}

/// A lock that is free again when its holder is gone, however it went.
#[derive(Debug)]
pub(crate) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock; `None` when another process has it.
    pub(crate) fn try_take(path: &Path) -> Result<Option<Self>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(SupervisorError::io("open", path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => {
                Err(SupervisorError::io("lock", path)(error))
            }
        }
    }
}

/// Opens a file for appending, made when it is not there.
pub(crate) fn open_append(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(SupervisorError::io("open", path))
}

/// Milliseconds since the epoch.
pub(crate) fn now_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_version_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("exit.json");
        std::fs::write(&path, r#"{"version": 99}"#).expect("write");
        let error = read_json::<serde_json::Value>(&path).expect_err("newer");
        assert!(error.to_string().contains("version 99"), "{error}");
    }

    #[test]
    fn a_lock_is_held_once_and_freed_with_its_holder() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("x.lock");
        let held = FileLock::try_take(&path).expect("usable").expect("free");
        assert!(FileLock::try_take(&path).expect("usable").is_none());
        drop(held);
        assert!(FileLock::try_take(&path).expect("usable").is_some());
    }

    #[test]
    fn json_files_are_replaced_whole_with_their_mode() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("launch.json");
        for value in [1, 2] {
            write_json(
                &path,
                &serde_json::json!({"version": 1, "value": value}),
                0o600,
            )
            .expect("write");
        }
        let mode = std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let read: serde_json::Value = read_json(&path).expect("usable").expect("there");
        assert_eq!(read["value"], 2);
        assert_eq!(std::fs::read_dir(folder.path()).expect("list").count(), 1);
    }
}
