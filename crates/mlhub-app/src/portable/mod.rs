//! Taking things along: a project as an archive, its content hash, a whole hub
//! as a backup, and back again.
//!
//! An archive is checked whole before anything of it is stored. Then what
//! projects share is stored in one transaction and each run in one of its own: a
//! hub killed in between has whole runs, and importing again adds the rest.

mod archive;
mod backup;
mod codec;
mod digest;
mod export;
mod import;
mod receive;
mod sequence;
mod spool;
pub mod tar;

use std::time::Duration;

use bytes::Bytes;
use mlhub_core::{Error, ErrorKind, Result};
use tokio::sync::mpsc;

pub use archive::{ARCHIVE_FORMAT, ArchiveEnd, ArchiveKind, ArchiveManifest};
pub use backup::{
    BACKUP_FORMAT, BACKUP_VERSION, BackupManifest, RecordsFile, RecordsKind, records_restore,
    records_transfer,
};
pub use digest::PortableCounts;
pub use export::ProjectHash;
pub use import::{ImportIntake, ImportReport, archive_check};

/// How long a receiver of an archive may take nothing before it is given up.
pub(crate) const STALL_MAX: Duration = Duration::from_secs(300);
/// Bytes per second a receiver of an archive must take on average, beyond
/// [`STALL_MAX`]; a slower one would keep a snapshot open and contents from being
/// removed for as long as it likes.
pub(crate) const RECEIVER_RATE_MIN_BYTES: u64 = 64 * 1024;
/// Pieces of an archive under way.
pub(crate) const PIECES_UNDER_WAY: usize = 8;

/// Bytes of an archive or backup, as they come.
#[derive(Debug)]
pub struct PortableStream(mpsc::Receiver<Result<Bytes>>);

impl PortableStream {
    /// The next bytes; `None` at the end. After an error nothing follows, and
    /// what came before it is not whole.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        self.0.recv().await
    }
}

/// A small document of ours.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| Error::internal("write a document", error))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A failure of the hub's own temporary files.
pub(crate) fn disk_error(operation: &'static str, error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::new(
            ErrorKind::StorageFull,
            "the hub's disk has no room for a temporary copy; free some space and try again",
        ),
        _ => Error::internal(operation, error.to_string()),
    }
}
