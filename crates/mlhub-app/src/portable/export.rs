//! A project out of the hub: as an archive, or as its content hash.

use std::sync::Arc;

use bytes::Bytes;
use mlhub_core::portable::PortableScope;
use mlhub_core::store::{BlobStore, PortableSink, Store};
use mlhub_core::{Caller, Clock, Error, ErrorKind, Name, Permission, Result};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc};

use super::archive::{
    ArchiveKind, ArchiveSink, BLOB_FOLDER, END_NAME, HashSink, Output, ToStream, Written, entry,
};
use super::digest::{ContentDigest, PortableCounts};
use super::{PIECES_UNDER_WAY, PortableStream, tar};
use crate::Hub;

/// Bytes of a blob read at once.
const BLOB_PIECE_BYTES: usize = 256 * 1024;

/// A project's content, hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectHash {
    /// The content hash, hex.
    pub content_hash: String,
    /// What was hashed.
    pub counts: PortableCounts,
}

impl Hub {
    /// The content hash of a project: equal content on any hub, under any name,
    /// has the same hash.
    ///
    /// # Errors
    /// `NotFound`; `Unavailable` while too many whole projects are being read.
    pub async fn project_hash(&self, caller: &Caller, name: &Name) -> Result<ProjectHash> {
        caller.require(Permission::Read)?;
        let _permits = self.export_permits()?;
        let sink = Arc::new(HashSink(Mutex::new(ContentDigest::new(false))));
        let scope = PortableScope::Project(name.clone());
        let into: Arc<dyn PortableSink> = sink.clone();
        self.store.portable_read(&scope, into).await?;
        let mut digest = sink.0.lock().await;
        Ok(ProjectHash {
            content_hash: digest.finish(),
            counts: digest.counts,
        })
    }

    /// A project as an archive, with its blobs.
    ///
    /// # Errors
    /// `NotFound`; `Unavailable` while too many whole projects are being read.
    pub async fn project_export(&self, caller: &Caller, name: &Name) -> Result<PortableStream> {
        caller.require(Permission::Read)?;
        if self.store.project_get(name).await?.is_none() {
            return Err(Error::not_found("project", name));
        }
        let permits = self.export_permits()?;
        let kept = self.blobs_kept.keep().await;
        let (sender, receiver) = mpsc::channel(PIECES_UNDER_WAY);
        let (store, blobs) = (Arc::clone(&self.store), Arc::clone(&self.blobs));
        let (clock, name) = (Arc::clone(&self.clock), name.clone());
        tokio::spawn(async move {
            let out = ToStream::new(sender.clone());
            let done = export(&*store, &*blobs, &*clock, name, out).await;
            drop((permits, kept));
            if let Err(error) = done {
                tracing::warn!(%error, "an export ended early");
                // The receiver may be what failed.
                drop(sender.send(Err(error)).await);
            }
        });
        Ok(PortableStream(receiver))
    }

    /// Leave to read a whole project or hub at once.
    pub(crate) fn portable_permit(&self) -> Result<OwnedSemaphorePermit> {
        permit(&self.portable_reads)
    }

    /// Leave to read a whole project for whoever may read: what exports and content
    /// hashes take of it leaves one to a backup or an import.
    fn export_permits(&self) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        Ok((permit(&self.portable_exports)?, self.portable_permit()?))
    }
}

fn permit(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    Arc::clone(permits).try_acquire_owned().map_err(|_| {
        Error::new(
            ErrorKind::Unavailable,
            "other exports, imports or backups are under way; try again when one has ended",
        )
    })
}

async fn export(
    store: &dyn Store,
    blobs: &dyn BlobStore,
    clock: &dyn Clock,
    name: Name,
    out: ToStream,
) -> Result<()> {
    let scope = PortableScope::Project(name.clone());
    let kind = ArchiveKind::Project;
    let written = Box::pin(read_into(store, &scope, kind, Some(name), clock, out)).await?;
    let Written {
        mut out,
        end,
        blobs: wanted,
        ..
    } = written;
    for (hash, size_bytes) in wanted {
        blob(&mut out, blobs, &hash, size_bytes).await?;
    }
    entry(&mut out, END_NAME, super::json(&end)?).await?;
    out.write(Bytes::from_static(&tar::END)).await
}

/// Reads a scope into an archive that still lacks blobs and end.
pub(crate) async fn read_into<O: Output + 'static>(
    store: &dyn Store,
    scope: &PortableScope,
    kind: ArchiveKind,
    project: Option<Name>,
    clock: &dyn Clock,
    out: O,
) -> Result<Written<O>> {
    let sink = ArchiveSink::begin(out, kind, project, clock.now()).await?;
    let sink = Arc::new(sink);
    let into: Arc<dyn PortableSink> = sink.clone();
    store.portable_read(scope, into).await?;
    match Arc::try_unwrap(sink) {
        Ok(sink) => sink.finish().await,
        Err(_) => Err(Error::internal(
            "write an archive",
            "its sink is still in use",
        )),
    }
}

/// Writes a blob as an entry.
pub(crate) async fn blob<O: Output + ?Sized>(
    out: &mut O,
    blobs: &dyn BlobStore,
    hash: &str,
    size_bytes: u64,
) -> Result<()> {
    let missing = || {
        Error::new(
            ErrorKind::Conflict,
            format!(
                "the blob {hash} is missing or has another size; the hub's folder of blobs is damaged"
            ),
        )
    };
    if blobs.stat(hash).await? != Some(size_bytes) {
        return Err(missing());
    }
    let name = format!("{BLOB_FOLDER}{hash}");
    let head = tar::header(&name, size_bytes)?;
    out.write(Bytes::copy_from_slice(&head)).await?;
    let mut offset = 0;
    while offset < size_bytes {
        let piece = blobs.read(hash, offset, BLOB_PIECE_BYTES).await?;
        if piece.is_empty() || offset + piece.len() as u64 > size_bytes {
            return Err(missing());
        }
        offset += piece.len() as u64;
        out.write(piece).await?;
    }
    out.write(vec![0; tar::padding(size_bytes)].into()).await
}
