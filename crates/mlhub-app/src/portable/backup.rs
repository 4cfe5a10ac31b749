//! A whole hub out, while it goes on: its records as they were at one moment,
//! and the blobs they name.
//!
//! ```text
//! mlhub.json     versions, counts and hashes
//! hub.sqlite     the records: a copy of the database, or an archive (hub.mlhub)
//! blobs.txt      every blob the records name: hash, size
//! blobs/<hash>   those that the receiver does not have
//! end.json       nothing is missing
//! ```
//! Nothing is stored by a backup; what becomes of it is the receiver's business.

use std::collections::BTreeSet;
use std::io::{BufReader, BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use mlhub_core::portable::PortableScope;
use mlhub_core::store::{BlobInfo, BlobStore, Store};
use mlhub_core::{Caller, Clock, Error, Permission, Result, Timestamp};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::archive::{ArchiveKind, END_NAME, MANIFEST_NAME, Output, ToFile, ToStream, entry};
use super::export::{blob, read_into};
use super::import::NoBlobs;
use super::receive::receive;
use super::{PIECES_UNDER_WAY, PortableStream, disk_error, json, tar};
use crate::Hub;
use crate::deletion::blocking;

/// What `format` says in the manifest of a backup.
pub const BACKUP_FORMAT: &str = "mlhub-backup";
/// The version of backups this program writes and reads.
pub const BACKUP_VERSION: u32 = 1;
/// Bytes of the records read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// How the records of a backup are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordsKind {
    /// A SQLite database.
    Sqlite,
    /// An archive of a hub.
    Archive,
}

/// The records of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordsFile {
    /// How they are kept.
    pub kind: RecordsKind,
    /// The file's name.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its BLAKE3, hex.
    pub hash: String,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupManifest {
    /// [`BACKUP_FORMAT`].
    pub format: String,
    /// [`BACKUP_VERSION`] of the writer.
    pub version: u32,
    /// When it was begun.
    pub made_at: Timestamp,
    /// The program that made it.
    pub made_by: String,
    /// Version of the database's schema; absent for an archive.
    pub schema_version: Option<i64>,
    /// The records.
    pub records: RecordsFile,
    /// BLAKE3 of the list of blobs, hex.
    pub blob_list_hash: String,
    /// Projects in the records.
    pub projects: u64,
    /// Runs in the records.
    pub runs: u64,
    /// Different blobs.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
}

impl Hub {
    /// Everything of the hub as it is now, but blobs that the receiver says it
    /// has. Blobs are not removed while the stream lives.
    ///
    /// # Errors
    /// `Forbidden`; `Unavailable` while too many of its kind are under way. What
    /// goes wrong later ends the stream with its error.
    pub async fn backup(&self, caller: &Caller, known: BTreeSet<String>) -> Result<PortableStream> {
        caller.require(Permission::Admin)?;
        let permit = self.portable_permit()?;
        let kept = self.blobs_kept.keep().await;
        let (sender, receiver) = mpsc::channel(PIECES_UNDER_WAY);
        let (store, blobs) = (Arc::clone(&self.store), Arc::clone(&self.blobs));
        let (clock, scratch) = (Arc::clone(&self.clock), self.scratch.clone());
        tokio::spawn(async move {
            let mut out = ToStream::new(sender.clone());
            let done = backup(&*store, &*blobs, &*clock, &scratch, &known, &mut out).await;
            drop((permit, kept));
            if let Err(error) = done {
                tracing::warn!(%error, "a backup ended early");
                // The receiver may be what failed.
                drop(sender.send(Err(error)).await);
            }
        });
        Ok(PortableStream(receiver))
    }
}

/// Records in a temporary folder, ready to be sent.
struct Records {
    _folder: TempDir,
    path: PathBuf,
    kind: RecordsKind,
    schema_version: Option<i64>,
    projects: u64,
    runs: u64,
    blobs: Vec<BlobInfo>,
}

async fn backup(
    store: &dyn Store,
    blobs: &dyn BlobStore,
    clock: &dyn Clock,
    scratch: &Path,
    known: &BTreeSet<String>,
    out: &mut ToStream,
) -> Result<()> {
    let made_at = clock.now();
    let records = records(store, clock, scratch).await?;
    let path = records.path.clone();
    let hashing = blocking("hash the records", move || hash_file(&path));
    let (hash, size_bytes) = hashing.await?;
    let list: String = records
        .blobs
        .iter()
        .map(|blob| format!("{} {}\n", blob.hash, blob.size_bytes))
        .collect();
    let name = match records.kind {
        RecordsKind::Sqlite => "hub.sqlite",
        RecordsKind::Archive => "hub.mlhub",
    };
    let manifest = BackupManifest {
        format: BACKUP_FORMAT.to_owned(),
        version: BACKUP_VERSION,
        made_at,
        made_by: concat!("mlhub ", env!("CARGO_PKG_VERSION")).to_owned(),
        schema_version: records.schema_version,
        records: RecordsFile {
            kind: records.kind,
            name: name.to_owned(),
            size_bytes,
            hash,
        },
        blob_list_hash: blake3::hash(list.as_bytes()).to_hex().to_string(),
        projects: records.projects,
        runs: records.runs,
        blobs: records.blobs.len() as u64,
        blob_bytes: records.blobs.iter().map(|blob| blob.size_bytes).sum(),
    };
    entry(out, MANIFEST_NAME, json(&manifest)?).await?;
    send_file(out, name, &records.path, size_bytes).await?;
    entry(out, "blobs.txt", list.into_bytes()).await?;
    for info in &records.blobs {
        if !known.contains(&info.hash) {
            blob(out, blobs, &info.hash, info.size_bytes).await?;
        }
    }
    entry(out, END_NAME, json(&serde_json::json!({"complete": true}))?).await?;
    out.write(Bytes::from_static(&tar::END)).await
}

async fn records(store: &dyn Store, clock: &dyn Clock, scratch: &Path) -> Result<Records> {
    let folder =
        TempDir::new_in(scratch).map_err(|error| disk_error("copy the records", &error))?;
    let path = folder.path().join("records");
    if let Some(copy) = store.database_copy(&path).await? {
        return Ok(Records {
            _folder: folder,
            path,
            kind: RecordsKind::Sqlite,
            schema_version: Some(copy.schema_version),
            projects: copy.projects,
            runs: copy.runs,
            blobs: copy.blobs,
        });
    }
    let (projects, runs, blobs) = write_archive(store, clock, &path).await?;
    Ok(Records {
        _folder: folder,
        path,
        kind: RecordsKind::Archive,
        schema_version: None,
        projects,
        runs,
        blobs,
    })
}

/// Writes all records of a store into a new archive; returns projects, runs, blobs.
async fn write_archive(
    store: &dyn Store,
    clock: &dyn Clock,
    path: &Path,
) -> Result<(u64, u64, Vec<BlobInfo>)> {
    let fail = |error: std::io::Error| disk_error("write an archive", &error);
    let file = std::fs::File::create_new(path).map_err(fail)?;
    let out = ToFile(BufWriter::new(file));
    let scope = PortableScope::Hub;
    let mut written =
        Box::pin(read_into(store, &scope, ArchiveKind::Hub, None, clock, out)).await?;
    entry(&mut written.out, END_NAME, json(&written.end)?).await?;
    written.out.write(Bytes::from_static(&tar::END)).await?;
    written.out.0.flush().map_err(fail)?;
    let blobs = written.blobs.into_iter();
    let blobs = blobs.map(|(hash, size_bytes)| BlobInfo { hash, size_bytes });
    Ok((written.projects, written.end.counts.runs, blobs.collect()))
}

fn hash_file(path: &Path) -> Result<(String, u64)> {
    let fail = |error: std::io::Error| disk_error("hash the records", &error);
    let mut file = std::fs::File::open(path).map_err(fail)?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut size_bytes = 0;
    loop {
        let count = file.read(&mut piece).map_err(fail)?;
        if count == 0 {
            return Ok((hasher.finalize().to_hex().to_string(), size_bytes));
        }
        hasher.update(&piece[..count]);
        size_bytes += count as u64;
    }
}

async fn send_file(out: &mut ToStream, name: &str, path: &Path, size_bytes: u64) -> Result<()> {
    let fail = |error: std::io::Error| disk_error("read the records", &error);
    let opening = tokio::fs::File::open(path);
    let mut file = opening.await.map_err(fail)?.into_std().await;
    let head = tar::header(name, size_bytes)?;
    out.write(Bytes::copy_from_slice(&head)).await?;
    loop {
        let reading = blocking("read the records", move || {
            let mut piece = vec![0; PIECE_BYTES];
            let count = file.read(&mut piece).map_err(fail)?;
            piece.truncate(count);
            Ok((file, piece))
        });
        let piece;
        (file, piece) = reading.await?;
        if piece.is_empty() {
            break;
        }
        out.write(piece.into()).await?;
    }
    out.write(vec![0; tar::padding(size_bytes)].into()).await
}

/// Stores the records of an archive of a hub into an empty store, all or none.
/// `scratch` is a folder for temporary files.
///
/// # Errors
/// `Conflict` when the store is not empty, and what a bad archive is refused with.
pub async fn records_restore(archive: &Path, to: &dyn Store, scratch: &Path) -> Result<()> {
    let empty = to.project_list().await?.is_empty() && to.dataset_list().await?.is_empty();
    if !empty {
        return Err(Error::conflict(
            "the database is not empty; a backup is restored into a new one",
        ));
    }
    let (archive, scratch) = (archive.to_owned(), scratch.to_owned());
    let received = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::open(&archive)
            .map_err(|error| disk_error("read the records of a backup", &error))?;
        receive(&mut BufReader::new(file), &scratch, &mut NoBlobs)
    });
    let received = received
        .await
        .map_err(|error| Error::internal("read the records of a backup", error))??;
    let mut ranges = received.before_runs.clone();
    ranges.extend(received.runs.iter().map(|(_, _, range)| *range));
    // Projects and their runs alternate: the order is that of the file.
    ranges.sort_unstable();
    let source = received.spool.source(ranges, None);
    to.portable_write(Arc::new(source)).await
}

/// Copies the records of one store into another, empty one, all or none.
///
/// # Errors
/// As [`records_restore`].
pub async fn records_transfer(
    from: &dyn Store,
    to: &dyn Store,
    clock: &dyn Clock,
    scratch: &Path,
) -> Result<()> {
    let folder =
        TempDir::new_in(scratch).map_err(|error| disk_error("copy the records", &error))?;
    let path = folder.path().join("records");
    write_archive(from, clock, &path).await?;
    records_restore(&path, to, folder.path()).await
}
