//! What can go wrong around a run directory and its processes.

use std::io;
use std::path::PathBuf;

/// The result of the operations of this module.
pub type Result<T, E = SupervisorError> = std::result::Result<T, E>;

/// A failed operation on a run directory or a process.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SupervisorError {
    /// A file or folder could not be used.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was being done.
        operation: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{} is not usable: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file was written by a later version.
    #[error(
        "{} has version {found}, and this program reads up to {known}; use a newer mlhub",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The greatest version read here.
        known: u32,
    },
    /// The run directory exists already.
    #[error("{} exists already; an attempt has a directory of its own", .0.display())]
    Exists(PathBuf),
    /// A regular expression of `log_metrics` is not usable.
    #[error("log metric {index} of stream `{stream}`: {reason}")]
    LogMetric {
        /// Its place in the list, from 0.
        index: usize,
        /// The stream it reads.
        stream: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl SupervisorError {
    pub(crate) fn io(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            operation,
            path,
            source,
        }
    }

    /// Whether the disk or the quota is full: the operation may succeed later.
    pub fn is_storage_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if matches!(
            source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        ))
    }
}
