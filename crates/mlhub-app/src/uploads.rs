//! Uploads that resume, and artifacts bound to content that is there already.
//!
//! Content is addressed by its hash, so the same bytes are sent and kept once.
//! Whoever may write may bind any content whose hash they know: a hub has one
//! circle of readers, and who knows a hash could read the content anyway.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mlhub_core::blob::{BlobInfo, UploadPart, UploadRecord, UploadState};
use mlhub_core::run::{Artifact, Run};
use mlhub_core::{
    ArtifactPath, Caller, Error, ErrorKind, Permission, Result, RunId, UploadId, limits,
};
use tokio::sync::watch;

use crate::Hub;

/// How long a commit is waited for; a client asks again after that.
const COMMIT_WAIT_MAX: Duration = Duration::from_secs(20);
/// Presence checks of blobs at once.
const STATS_AT_ONCE: usize = 16;

/// The answer to "I want to upload this".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadBegun {
    /// The content is here already; nothing needs to be sent.
    Present,
    /// Send from this state's offset.
    Wanted(UploadState),
}

/// What an artifact is to a run.
#[derive(Debug, Clone)]
pub struct ArtifactPlace {
    /// The run.
    pub run: RunId,
    /// The attempt that wrote it.
    pub attempt: u32,
    /// Its key in the run.
    pub path: ArtifactPath,
    /// What it is.
    pub kind: String,
}

/// How far a commit is.
#[derive(Debug, Clone)]
pub enum UploadCommit {
    /// It is being checked and moved to the blob store; ask again.
    Storing,
    /// It is visible.
    Stored(Artifact),
}

/// What became of content on its way into the blob store. An error is kept in
/// parts because several may wait for it.
type Stored = Option<std::result::Result<BlobInfo, (ErrorKind, String, Option<serde_json::Value>)>>;

/// Uploads that are being moved into the blob store.
#[derive(Debug, Default)]
pub(crate) struct Commits(Mutex<HashMap<UploadId, watch::Receiver<Stored>>>);

fn check_hash(hash: &str) -> Result<()> {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if hash.len() == blake3::OUT_LEN * 2 && hash.bytes().all(digit) {
        return Ok(());
    }
    Err(Error::invalid(
        "`hash` must be a BLAKE3 in 64 lower-case hex digits",
    ))
}

impl Hub {
    /// Begins an upload, or finds the caller's unfinished upload of the same
    /// content to go on with.
    pub async fn upload_begin(
        &self,
        caller: &Caller,
        size_bytes: u64,
        hash: Option<String>,
    ) -> Result<UploadBegun> {
        caller.require(Permission::Write)?;
        if let Some(hash) = &hash {
            check_hash(hash)?;
            if self.blobs.stat(hash).await? == Some(size_bytes) {
                return Ok(UploadBegun::Present);
            }
            let begun = self.blobs.upload_list().await?.into_iter().find(|state| {
                let record = &state.record;
                record.owner == caller.user
                    && record.size_bytes == size_bytes
                    && record.hash.as_ref() == Some(hash)
            });
            if let Some(state) = begun {
                return Ok(UploadBegun::Wanted(state));
            }
        }
        let record = UploadRecord {
            id: UploadId::generate(&*self.entropy),
            owner: caller.user.clone(),
            size_bytes,
            hash,
            created_at: self.clock.now(),
        };
        self.blobs.upload_create(&record).await?;
        self.upload_own(caller, &record.id)
            .await
            .map(UploadBegun::Wanted)
    }

    /// The state of one of the caller's uploads.
    pub async fn upload_get(&self, caller: &Caller, id: &UploadId) -> Result<UploadState> {
        caller.require(Permission::Write)?;
        self.upload_own(caller, id).await
    }

    /// Starts a part of one of the caller's uploads.
    pub async fn upload_part(
        &self,
        caller: &Caller,
        id: &UploadId,
        offset: u64,
    ) -> Result<Box<dyn UploadPart>> {
        caller.require(Permission::Write)?;
        self.upload_own(caller, id).await?;
        self.blobs.upload_part(id, offset).await
    }

    /// Gives up one of the caller's uploads.
    pub async fn upload_remove(&self, caller: &Caller, id: &UploadId) -> Result<()> {
        caller.require(Permission::Write)?;
        self.upload_own(caller, id).await?;
        self.blobs.upload_remove(id).await
    }

    /// Checks a whole upload and makes it an artifact. May be repeated; once it
    /// is done the upload is gone, and its content is found by its hash.
    pub async fn upload_commit(
        &self,
        caller: &Caller,
        id: &UploadId,
        place: ArtifactPlace,
        hash: Option<String>,
    ) -> Result<UploadCommit> {
        caller.require(Permission::Write)?;
        self.artifact_place(&place).await?;
        let record = self.upload_own(caller, id).await?.record;
        let hash = match (record.hash, hash) {
            (Some(announced), Some(now)) if announced != now => {
                return Err(Error::invalid(
                    "`hash` is not the hash that was announced when the upload was begun",
                ));
            }
            (Some(hash), _) | (None, Some(hash)) => hash,
            (None, None) => {
                return Err(Error::invalid(
                    "`hash` is needed, since none was announced when the upload was begun",
                ));
            }
        };
        check_hash(&hash)?;
        let mut storing = self.commit_start(id, hash.clone());
        let ended = async {
            // The lock on the value must not be held across the next wait.
            storing
                .wait_for(Option::is_some)
                .await
                .map(|stored| stored.clone())
        };
        let info = match tokio::time::timeout(COMMIT_WAIT_MAX, ended).await {
            Err(_) | Ok(Ok(None)) => return Ok(UploadCommit::Storing),
            Ok(Ok(Some(Ok(info)))) => info,
            Ok(Ok(Some(Err((kind, message, details))))) => {
                let error = Error::new(kind, message);
                return Err(match details {
                    Some(details) => error.with_details(details),
                    None => error,
                });
            }
            Ok(Err(_)) => {
                return Err(Error::new(
                    ErrorKind::Unavailable,
                    "the upload could not be stored now; commit it again",
                ));
            }
        };
        // Another commit of the upload, which came first, decided what was checked.
        if info.hash != hash {
            return Err(Error::conflict(
                "the upload was committed at the same time as another content",
            ));
        }
        let artifact = self
            .artifact_bind_blob(place, &info.hash, info.size_bytes)
            .await?;
        self.blobs.upload_remove(id).await?;
        Ok(UploadCommit::Stored(artifact))
    }

    /// Moves an upload into the blob store in a task of its own, so that it goes
    /// on when the client does not wait; one task per upload.
    fn commit_start(&self, id: &UploadId, hash: String) -> watch::Receiver<Stored> {
        let mut under_way = self
            .commits
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(storing) = under_way.get(id) {
            return storing.clone();
        }
        let (sender, receiver) = watch::channel(None);
        under_way.insert(id.clone(), receiver.clone());
        let (blobs, commits, id) = (
            Arc::clone(&self.blobs),
            Arc::clone(&self.commits),
            id.clone(),
        );
        tokio::spawn(async move {
            let stored = blobs.upload_store(&id, &hash).await.map_err(|error| {
                if let Some(cause) = std::error::Error::source(&error) {
                    tracing::error!(%error, %cause, "an upload cannot be stored");
                }
                let message = error.public_message().to_owned();
                (error.kind(), message, error.details().cloned())
            });
            let mut under_way = commits.0.lock().unwrap_or_else(PoisonError::into_inner);
            under_way.remove(&id);
            sender.send_replace(Some(stored));
        });
        receiver
    }

    /// Makes content that is here already an artifact.
    ///
    /// # Errors
    /// `NotFound` when there is no content of this hash and size: upload it.
    pub async fn artifact_bind(
        &self,
        caller: &Caller,
        place: ArtifactPlace,
        hash: &str,
        size_bytes: u64,
    ) -> Result<Artifact> {
        caller.require(Permission::Write)?;
        check_hash(hash)?;
        self.artifact_place(&place).await?;
        self.artifact_bind_blob(place, hash, size_bytes).await
    }

    async fn artifact_bind_blob(
        &self,
        place: ArtifactPlace,
        hash: &str,
        size_bytes: u64,
    ) -> Result<Artifact> {
        let recorded = self.artifact_record(place, hash, size_bytes).await;
        if let Err(refused) = &recorded
            && refused.kind() == ErrorKind::Conflict
        {
            // What nothing records is not kept.
            self.blob_replaced(hash.to_owned()).await?;
        }
        let (artifact, replaced) = recorded?;
        // What it replaced may have been the last use of its content.
        if let Some(replaced) = replaced {
            self.blob_replaced(replaced).await?;
        }
        Ok(artifact)
    }

    /// Records the content; returns the hash of another content that it replaced.
    async fn artifact_record(
        &self,
        place: ArtifactPlace,
        hash: &str,
        size_bytes: u64,
    ) -> Result<(Artifact, Option<String>)> {
        let _in_use = self.blobs_in_use.read().await;
        // From here on neither the run nor the content can be removed.
        self.artifact_place(&place).await?;
        if self.blobs.stat(hash).await? != Some(size_bytes) {
            return Err(Error::not_found(
                "stored content of this size with the hash",
                hash,
            ));
        }
        let artifact = Artifact {
            run: place.run,
            path: place.path,
            hash: hash.to_owned(),
            size_bytes,
            kind: place.kind,
            attempt: place.attempt,
            created_at: self.clock.now(),
        };
        let _told = self.telling(&artifact.run, &["artifacts"]);
        let before = self.store.artifact_put(&artifact).await?;
        Ok((artifact, before))
    }

    /// Which of these contents are here.
    pub async fn blobs_present(&self, caller: &Caller, hashes: Vec<String>) -> Result<Vec<String>> {
        use futures::{StreamExt, TryStreamExt};
        caller.require(Permission::Write)?;
        if hashes.len() > limits::HASHES_PER_QUERY_MAX {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "{} hashes may be asked for at once",
                    limits::HASHES_PER_QUERY_MAX
                ),
            ));
        }
        hashes.iter().try_for_each(|hash| check_hash(hash))?;
        let stats = hashes.into_iter().map(|hash| async move {
            let size = self.blobs.stat(&hash).await?;
            Ok(size.map(|_| hash))
        });
        let found: Vec<Option<String>> = futures::stream::iter(stats)
            .buffered(STATS_AT_ONCE)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Removes uploads that nobody went on with. Returns how many, and the bytes
    /// that were freed.
    pub async fn uploads_expire(&self) -> Result<(usize, u64)> {
        let now = self.clock.now();
        let mut freed = (0, 0);
        for state in self.blobs.upload_list().await? {
            if now.0 - state.touched_at.0 < limits::UPLOAD_IDLE_MAX_MS {
                continue;
            }
            match self.blobs.upload_remove(&state.record.id).await {
                Ok(()) => freed = (freed.0 + 1, freed.1 + state.offset),
                // Somebody goes on with it just now.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Ok(freed)
    }

    /// Somebody else's upload does not exist for the caller.
    async fn upload_own(&self, caller: &Caller, id: &UploadId) -> Result<UploadState> {
        let found = self.blobs.upload_get(id).await?;
        found
            .filter(|state| state.record.owner == caller.user)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::NotFound,
                    format!(
                        "no upload `{id}`: it was finished, given up or never begun; begin it again"
                    ),
                )
            })
    }

    /// Checks where an artifact is to be put.
    pub(crate) async fn artifact_place(&self, place: &ArtifactPlace) -> Result<Run> {
        let run = self.run_exact(&place.run).await?;
        if place.attempt == 0 || place.attempt > run.attempt {
            let name = format!("{}/{}", place.run, place.attempt);
            return Err(Error::not_found("attempt", name));
        }
        crate::artifacts::check_kind(&place.kind)?;
        Ok(run)
    }
}
