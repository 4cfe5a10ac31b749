//! Failures of SQLite as the user should see them.

use std::path::Path;

use mlhub_core::{Error, ErrorKind};
use rusqlite::ffi;

/// A failure at the database `file`.
pub(crate) fn map_error(file: &Path, operation: &'static str, error: rusqlite::Error) -> Error {
    match &error {
        rusqlite::Error::SqliteFailure(code, _) => {
            map_code(file, operation, *code).with_source(error)
        }
        _ => Error::internal(operation, error),
    }
}

/// The same, by its code alone.
pub(crate) fn map_code(file: &Path, operation: &'static str, code: ffi::Error) -> Error {
    let (primary, place) = (code.extended_code & 0xff, file.display());
    let (kind, message) = match primary {
        ffi::SQLITE_FULL => (
            ErrorKind::StorageFull,
            format!(
                "the disk that holds {place} is full; nothing was stored. Free some space and try again"
            ),
        ),
        ffi::SQLITE_READONLY | ffi::SQLITE_CANTOPEN | ffi::SQLITE_PERM => (
            ErrorKind::ReadOnly,
            format!(
                "the database {place} cannot be opened for writing; make the data directory writable for this user"
            ),
        ),
        ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => (
            ErrorKind::Internal,
            format!(
                "the database {place} is damaged (while doing: {operation}); keep a copy of it and restore a backup"
            ),
        ),
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => (
            ErrorKind::Unavailable,
            format!("another program holds the database {place}; try again later"),
        ),
        // SQLite does not tell why a write failed.
        ffi::SQLITE_IOERR if is_read_only(file) => (
            ErrorKind::ReadOnly,
            format!(
                "the disk that holds the database {place} takes no writes any more; nothing was stored. \
                 Check the disk, mount it writable again and restart the hub"
            ),
        ),
        ffi::SQLITE_IOERR => (
            ErrorKind::Internal,
            format!(
                "the disk failed at the database {place} (while doing: {operation}); nothing of it was stored"
            ),
        ),
        _ => (
            ErrorKind::Internal,
            format!("internal error while doing: {operation}"),
        ),
    };
    Error::new(kind, message)
}

/// Whether the file system of `file` takes no writes, as one that was remounted
/// after an error.
fn is_read_only(file: &Path) -> bool {
    let folder = file.parent().unwrap_or(file);
    tempfile::tempfile_in(folder)
        .is_err_and(|error| error.kind() == std::io::ErrorKind::ReadOnlyFilesystem)
}

/// Whether a sync failed: what was written before it may be lost.
pub(crate) fn is_sync_failure(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|code| code.extended_code);
    matches!(
        code,
        Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
    )
}

/// What is answered to a write after a failed sync.
pub(crate) fn sync_failed(file: &Path) -> Error {
    Error::new(
        ErrorKind::ReadOnly,
        format!(
            "the disk failed to sync the database {}, so nothing more is stored; \
             check the disk, then restart the hub",
            file.display()
        ),
    )
}

/// A failed migration of the database `file`.
pub(crate) fn migration_error(file: &Path, error: refinery::Error) -> Error {
    use std::error::Error as _;
    match error
        .source()
        .and_then(|cause| cause.downcast_ref::<rusqlite::Error>())
    {
        Some(rusqlite::Error::SqliteFailure(code, _)) => {
            map_code(file, "migrate the database", *code).with_source(error)
        }
        _ => Error::internal("migrate the database", error),
    }
}
