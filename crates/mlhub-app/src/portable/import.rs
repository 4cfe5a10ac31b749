//! An archive into the hub.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use mlhub_core::portable::{PortableItem, PortableLine, PortableScope};
use mlhub_core::store::{BlobStore, BlobWriter, PortableSink, PortableSource, Store};
use mlhub_core::{Caller, Error, ErrorKind, Name, Permission, Result, RunId};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedSemaphorePermit, RwLock, mpsc};
use tokio::task::JoinHandle;

use super::archive::{ArchiveEnd, ArchiveKind, ArchiveManifest, HashSink};
use super::digest::{ContentDigest, Digest, PortableCounts};
use super::receive::{BlobTaker, Received, pieces, receive};
use super::{PIECES_UNDER_WAY, spool};
use crate::Hub;
use crate::kept::{Keeping, Kept};

/// Runs that are here up to which each is read by itself.
const READ_ALONE_MAX: usize = 8;

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportReport {
    /// The project it went to.
    pub project: Name,
    /// The content hash of the archive; the project's when it holds nothing else.
    pub content_hash: String,
    /// What the archive holds.
    pub counts: PortableCounts,
    /// Runs that were stored.
    pub runs_imported: u64,
    /// Runs that were there already, bit for bit.
    pub runs_present: u64,
    /// Blobs that were stored.
    pub blobs_imported: u64,
}

/// An archive being received. Dropped before [`ImportIntake::finish`] is done, it
/// imports no further run, and blobs that it brought and nothing uses go again.
pub struct ImportIntake<'hub> {
    hub: &'hub Hub,
    sender: Option<mpsc::Sender<Bytes>>,
    receiving: Option<JoinHandle<(Result<Received>, Vec<String>)>>,
    project: Option<Name>,
    brought: Brought,
}

/// Blobs of an archive that were not here before it came.
struct Brought {
    hashes: Vec<String>,
    store: Arc<dyn Store>,
    blobs: Arc<dyn BlobStore>,
    blobs_in_use: Arc<RwLock<()>>,
    blobs_kept: Kept,
    /// Blobs are not removed while the archive may come to name them; and leave
    /// to read a whole archive.
    held: Option<(Keeping, OwnedSemaphorePermit)>,
}

impl Hub {
    /// Starts receiving an archive of a project, to be called `project` if given.
    ///
    /// # Errors
    /// `Forbidden`; `Unavailable` while too many of its kind are under way.
    pub async fn import_start(
        &self,
        caller: &Caller,
        project: Option<Name>,
    ) -> Result<ImportIntake<'_>> {
        caller.require(Permission::Admin)?;
        let permit = self.portable_permit()?;
        let kept = self.blobs_kept.keep().await;
        let (sender, bytes) = mpsc::channel(PIECES_UNDER_WAY);
        let (blobs, handle) = (Arc::clone(&self.blobs), Handle::current());
        let folder = self.scratch.clone();
        let receiving = tokio::task::spawn_blocking(move || {
            let mut input = Incoming {
                bytes,
                current: Bytes::new(),
            };
            let mut taker = Taker {
                blobs,
                handle,
                fresh: Vec::new(),
            };
            let received = receive(&mut input, &folder, &mut taker);
            (received, taker.fresh)
        });
        Ok(ImportIntake {
            hub: self,
            sender: Some(sender),
            receiving: Some(receiving),
            project,
            brought: Brought {
                hashes: Vec::new(),
                store: Arc::clone(&self.store),
                blobs: Arc::clone(&self.blobs),
                blobs_in_use: Arc::clone(&self.blobs_in_use),
                blobs_kept: self.blobs_kept.clone(),
                held: Some((kept, permit)),
            },
        })
    }
}

impl ImportIntake<'_> {
    /// Takes the next bytes. Returns false when the archive is refused already:
    /// [`ImportIntake::finish`] says why.
    pub async fn push(&mut self, bytes: Bytes) -> bool {
        match &self.sender {
            Some(sender) => sender.send(bytes).await.is_ok(),
            None => false,
        }
    }

    /// Says that all bytes came; checks and stores what they hold.
    ///
    /// # Errors
    /// `Invalid`, `TooLarge` or `Unsupported` for a bad archive, `Conflict`
    /// naming what exists with another content; nothing was stored then.
    pub async fn finish(mut self) -> Result<ImportReport> {
        self.sender = None;
        let ended = match &mut self.receiving {
            Some(receiving) => receiving.await,
            None => return Err(Error::internal("receive an archive", "it was received")),
        };
        self.receiving = None;
        let (received, fresh) =
            ended.map_err(|error| Error::internal("receive an archive", error))?;
        let count = fresh.len() as u64;
        self.brought.hashes = fresh;
        let done = match received {
            Ok(received) => self.hub.import(received, self.project.take(), count).await,
            Err(error) => Err(error),
        };
        if done.is_err() {
            self.brought.remove_unused().await;
        }
        self.brought.hashes.clear();
        done
    }
}

impl Drop for ImportIntake<'_> {
    /// The client went away: what it brought goes as well, when the bytes that
    /// came are through.
    fn drop(&mut self) {
        self.sender = None;
        let receiving = self.receiving.take();
        if receiving.is_none() && self.brought.hashes.is_empty() {
            return;
        }
        let mut brought = self.brought.take();
        // Outside of a runtime everything ends; the hub's sweep finds what is left.
        let Ok(handle) = Handle::try_current() else {
            return;
        };
        handle.spawn(async move {
            if let Some(receiving) = receiving
                && let Ok((_, fresh)) = receiving.await
            {
                brought.hashes.extend(fresh);
            }
            brought.remove_unused().await;
        });
    }
}

impl Brought {
    fn take(&mut self) -> Self {
        Self {
            hashes: std::mem::take(&mut self.hashes),
            store: Arc::clone(&self.store),
            blobs: Arc::clone(&self.blobs),
            blobs_in_use: Arc::clone(&self.blobs_in_use),
            blobs_kept: self.blobs_kept.clone(),
            held: self.held.take(),
        }
    }

    /// Removes those that nothing names. They stay for the hub's sweep while
    /// another import or backup may need them.
    async fn remove_unused(&mut self) {
        self.held = None;
        let Ok(_removing) = self.blobs_kept.remove() else {
            return;
        };
        let _unused = self.blobs_in_use.write().await;
        let unused = match self.store.blobs_unused(&self.hashes).await {
            Ok(unused) => unused,
            Err(error) => {
                tracing::warn!(%error, "blobs of a refused archive stay behind");
                return;
            }
        };
        for hash in unused {
            if let Err(error) = self.blobs.remove(&hash).await {
                tracing::warn!(%error, hash, "a blob of a refused archive stays behind");
            }
        }
    }
}

impl Hub {
    async fn import(
        &self,
        received: Received,
        project: Option<Name>,
        blobs_imported: u64,
    ) -> Result<ImportReport> {
        if received.manifest.kind != ArchiveKind::Project {
            return Err(Error::invalid(
                "this archive holds a whole hub; restore it with `mlhub restore`",
            ));
        }
        let target = match (&project, received.sequence.project()) {
            (Some(name), Some(_)) => name.clone(),
            (None, Some(name)) => name.clone(),
            (_, None) => return Err(Error::invalid("the archive holds no project")),
        };
        for (hash, size_bytes) in &received.sequence.blobs {
            if self.blobs.stat(hash).await? != Some(*size_bytes) {
                return Err(Error::invalid(format!(
                    "the archive lacks the blob {hash}; export the project again"
                )));
            }
        }
        self.check_shared(&received).await?;
        let missing = self.missing_runs(&received, &target).await?;
        let source = received
            .spool
            .source(received.before_runs.clone(), project.clone());
        self.store.portable_write(Arc::new(source)).await?;
        let mut imported = 0;
        for (id, digest, range) in &missing {
            let source = RunSource {
                project: target.clone(),
                run: received.spool.source(vec![*range], None),
            };
            let _told = self.telling(id, &["state"]);
            let storing = self.store.portable_write(Arc::new(source));
            match self.changing(vec![id.clone()], storing).await {
                Ok(()) => imported += 1,
                // Another import of the same archive was faster.
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    if run_digest(&*self.store, id).await.ok().flatten() != Some(*digest) {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        // An evaluation may have been waiting when it was exported.
        self.evaluation_wanted.notify_one();
        Ok(ImportReport {
            project: target,
            content_hash: received.end.content_hash,
            counts: received.end.counts,
            runs_imported: imported,
            runs_present: received.runs.len() as u64 - imported,
            blobs_imported,
        })
    }

    /// Refuses when a shared record or an evaluation exists with another content.
    async fn check_shared(&self, received: &Received) -> Result<()> {
        let source = received.spool.source(received.before_runs.clone(), None);
        let definitions = self.store.definition_list().await?;
        let mut wanted = Vec::new();
        for item in source.items()? {
            match item? {
                PortableItem::Line(PortableLine::DatasetVersion(version)) => wanted.push(version),
                PortableItem::Line(PortableLine::Definition(definition)) => {
                    let mut stored = definitions.iter();
                    let other = stored.find(|stored| stored.id == definition.id);
                    if other.is_some_and(|stored| stored.hash != definition.hash) {
                        return Err(Error::conflict(format!(
                            "the metric definition {} has another content here",
                            definition.id
                        )));
                    }
                }
                PortableItem::Line(
                    PortableLine::RetentionRule(_)
                    | PortableLine::HubDocument(_)
                    | PortableLine::DatasetPreview(_)
                    | PortableLine::RegisteredModel(_)
                    | PortableLine::ModelVersion(_)
                    | PortableLine::ModelEvent(_),
                ) => {
                    return Err(Error::invalid(
                        "the archive of a project holds a record that belongs to a whole hub",
                    ));
                }
                _ => {}
            }
        }
        for version in wanted {
            for stored in self.store.dataset_versions(&version.dataset).await? {
                let number = stored.version == version.version;
                if number != (stored.fingerprint == version.fingerprint) {
                    return Err(Error::conflict(format!(
                        "the dataset {}@{} of the archive is {}@{} with another content or number here, \
                         so runs that name it would change their meaning",
                        version.dataset, version.version, stored.dataset, stored.version
                    )));
                }
            }
        }
        Ok(())
    }

    /// The runs of the archive that are not here; refuses one that is here with
    /// another content.
    async fn missing_runs(
        &self,
        received: &Received,
        project: &Name,
    ) -> Result<Vec<(RunId, Digest, spool::Range)>> {
        let mut missing = Vec::new();
        let mut present = Vec::new();
        for (id, digest, range) in &received.runs {
            match self.store.run_get(id).await? {
                None => missing.push((id.clone(), *digest, *range)),
                Some(run) if run.project != *project => {
                    return Err(Error::conflict(format!(
                        "the run `{id}` exists in the project `{}`; ids are unique in a hub",
                        run.project
                    )));
                }
                Some(_) => present.push((id, *digest)),
            }
        }
        self.check_present(project, &present).await?;
        let ours: BTreeSet<&RunId> = received.runs.iter().map(|(id, ..)| id).collect();
        for evaluation in received.sequence.evaluations() {
            let stored = self.store.evaluation_get(evaluation).await?;
            if stored.is_some_and(|stored| !ours.contains(&stored.run)) {
                return Err(Error::conflict(format!(
                    "the evaluation `{evaluation}` belongs to another run here"
                )));
            }
        }
        Ok(missing)
    }

    /// Refuses a run that is here with another content than in the archive.
    async fn check_present(&self, project: &Name, present: &[(&RunId, Digest)]) -> Result<()> {
        // Each reading goes through the whole ingest log, so that many runs are
        // better read in one.
        let mut digests: BTreeMap<RunId, Digest> = BTreeMap::new();
        if present.len() > READ_ALONE_MAX {
            let scope = PortableScope::Project(project.clone());
            digests.extend(digests_of(&*self.store, &scope).await?);
        }
        for (id, digest) in present {
            let here = match digests.get(*id) {
                Some(here) => Some(*here),
                None => run_digest(&*self.store, id).await?,
            };
            if here != Some(*digest) {
                return Err(Error::conflict(format!(
                    "the run `{id}` exists with another content; it was changed here or there"
                )));
            }
        }
        Ok(())
    }
}

async fn digests_of(store: &dyn Store, scope: &PortableScope) -> Result<Vec<(RunId, Digest)>> {
    let sink = Arc::new(HashSink(Mutex::new(ContentDigest::new(true))));
    let into: Arc<dyn PortableSink> = sink.clone();
    store.portable_read(scope, into).await?;
    let mut digest = sink.0.lock().await;
    digest.finish();
    Ok(std::mem::take(&mut digest.runs))
}

async fn run_digest(store: &dyn Store, id: &RunId) -> Result<Option<Digest>> {
    let digests = digests_of(store, &PortableScope::Run(id.clone())).await?;
    Ok(digests.first().map(|(_, digest)| *digest))
}

/// A run with the line of the project it goes to, which exists.
struct RunSource {
    project: Name,
    run: spool::SpoolSource,
}

impl PortableSource for RunSource {
    fn items(&self) -> Result<Box<dyn Iterator<Item = Result<PortableItem>> + Send + '_>> {
        let project = mlhub_core::portable::PortableProject {
            name: self.project.clone(),
            description: String::new(),
            created_at: mlhub_core::Timestamp(0),
        };
        let first = PortableItem::Line(PortableLine::Project(project));
        Ok(Box::new(
            std::iter::once(Ok(first)).chain(self.run.items()?),
        ))
    }
}

/// Bytes from the client, for a reader that may wait.
struct Incoming {
    bytes: mpsc::Receiver<Bytes>,
    current: Bytes,
}

impl Read for Incoming {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.current.is_empty() {
            match self.bytes.blocking_recv() {
                Some(bytes) => self.current = bytes,
                None => return Ok(0),
            }
        }
        let count = into.len().min(self.current.len());
        self.current.copy_to_slice(&mut into[..count]);
        Ok(count)
    }
}

/// Puts blobs into the store, where nothing names them yet.
struct Taker {
    blobs: Arc<dyn BlobStore>,
    handle: Handle,
    /// Blobs that were not there before.
    fresh: Vec<String>,
}

impl BlobTaker for Taker {
    fn take(&mut self, hash: &str, size_bytes: u64, input: &mut dyn Read) -> Result<()> {
        let there = self.handle.block_on(self.blobs.stat(hash))?;
        if there == Some(size_bytes) {
            return pieces(hash, input, |_| Ok(()));
        }
        let mut writer: Box<dyn BlobWriter> = self.handle.block_on(self.blobs.create())?;
        pieces(hash, input, |piece| {
            self.handle.block_on(writer.write(piece.into()))
        })?;
        self.handle.block_on(writer.finish(Some(hash)))?;
        self.fresh.push(hash.to_owned());
        Ok(())
    }
}

/// Nothing of an archive's blobs, for readers of records alone.
pub(crate) struct NoBlobs;

impl BlobTaker for NoBlobs {
    fn take(&mut self, hash: &str, _: u64, _: &mut dyn Read) -> Result<()> {
        Err(Error::invalid(format!(
            "the records of a hub hold the blob {hash}, which belongs beside them"
        )))
    }
}

/// Only hashes blobs.
struct HashedBlobs {
    seen: u64,
}

impl BlobTaker for HashedBlobs {
    fn take(&mut self, hash: &str, _: u64, input: &mut dyn Read) -> Result<()> {
        self.seen += 1;
        pieces(hash, input, |_| Ok(()))
    }
}

/// Checks the archive of a project to its last byte, without a hub. `scratch` is
/// a folder for a temporary file.
///
/// # Errors
/// What an import of it would be refused with.
pub fn archive_check(
    archive: &mut impl Read,
    scratch: &std::path::Path,
) -> Result<(ArchiveManifest, ArchiveEnd)> {
    let mut blobs = HashedBlobs { seen: 0 };
    let received = receive(archive, scratch, &mut blobs)?;
    if received.manifest.kind == ArchiveKind::Project && blobs.seen < received.end.blobs {
        return Err(Error::invalid(
            "the archive lacks blobs its artifacts name; export the project again",
        ));
    }
    Ok((received.manifest, received.end))
}
