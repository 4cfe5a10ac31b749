//! Artifacts: bytes by hash, recorded by run and path, never interpreted.

use std::sync::Arc;

use bytes::Bytes;
use mlhub_core::run::Artifact;
use mlhub_core::store::{BlobInfo, BlobWriter};
use mlhub_core::{ArtifactPath, Caller, Error, ErrorKind, Permission, Result, RunId, limits};

use crate::Hub;
use crate::blob_reader::{BlobReader, BlobSource};

/// Bytes in the kind of an artifact.
const KIND_MAX_BYTES: usize = 40;

/// An artifact being received. Dropped before [`ArtifactUpload::finish`], it
/// leaves nothing.
pub struct ArtifactUpload<'hub> {
    hub: &'hub Hub,
    run: RunId,
    path: ArtifactPath,
    attempt: u32,
    kind: String,
    expected_hash: Option<String>,
    writer: Box<dyn BlobWriter>,
    size_bytes: u64,
}

/// A stored artifact to be sent: all of it, or a range.
pub struct ArtifactContent {
    /// The record.
    pub artifact: Artifact,
    /// Its bytes, checked as they are read.
    pub reader: BlobReader,
}

/// What a kind may look like.
pub(crate) fn check_kind(kind: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-';
    if kind.is_empty() || kind.len() > KIND_MAX_BYTES || !kind.bytes().all(plain) {
        return Err(Error::invalid(
            "`kind` must be 1 to 40 lower-case letters, `_` or `-`",
        ));
    }
    Ok(())
}

impl Hub {
    /// Starts receiving an artifact of an attempt.
    pub async fn artifact_upload(
        &self,
        caller: &Caller,
        run: &RunId,
        attempt: u32,
        path: ArtifactPath,
        kind: &str,
        expected_hash: Option<String>,
    ) -> Result<ArtifactUpload<'_>> {
        caller.require(Permission::Write)?;
        let known = self.run_exact(run).await?;
        if attempt == 0 || attempt > known.attempt {
            return Err(Error::not_found("attempt", format!("{run}/{attempt}")));
        }
        check_kind(kind)?;
        Ok(ArtifactUpload {
            hub: self,
            run: run.clone(),
            path,
            attempt,
            kind: kind.to_owned(),
            expected_hash,
            writer: self.blobs.create().await?,
            size_bytes: 0,
        })
    }

    /// Artifacts of a run, by path.
    pub async fn artifact_list(&self, caller: &Caller, text: &str) -> Result<Vec<Artifact>> {
        let run = self.run_resolve(caller, text).await?;
        self.store.artifact_list(&run.id).await
    }

    /// One artifact of a run.
    pub async fn artifact_get(
        &self,
        caller: &Caller,
        text: &str,
        path: &ArtifactPath,
    ) -> Result<Artifact> {
        let run = self.run_resolve(caller, text).await?;
        self.store
            .artifact_get(&run.id, path)
            .await?
            .ok_or_else(|| Error::not_found("artifact", path))
    }

    /// Opens an artifact to be read, whole or from `range.0` to before `range.1`.
    pub async fn artifact_open(
        &self,
        caller: &Caller,
        text: &str,
        path: &ArtifactPath,
        range: Option<(u64, u64)>,
    ) -> Result<ArtifactContent> {
        let artifact = self.artifact_get(caller, text, path).await?;
        let what = format!("the artifact `{}` of run `{}`", artifact.path, artifact.run);
        let source = self.blob_source();
        let (hash, size) = (&artifact.hash, artifact.size_bytes);
        let reader = match range {
            None => source.whole(what, hash, size),
            Some(range) => source.range(what, hash, size, range).await?,
        };
        Ok(ArtifactContent { artifact, reader })
    }

    pub(crate) fn blob_source(&self) -> BlobSource {
        BlobSource {
            blobs: Arc::clone(&self.blobs),
            clock: Arc::clone(&self.clock),
            checked: Arc::clone(&self.checked),
        }
    }
}

impl ArtifactUpload<'_> {
    /// Appends bytes.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.size_bytes += bytes.len() as u64;
        if self.size_bytes > limits::ARTIFACT_MAX_BYTES {
            return Err(Error::new(
                ErrorKind::TooLarge,
                "an artifact may have 1 TiB at most",
            ));
        }
        self.writer.write(bytes).await
    }

    /// Checks the hash, makes the content visible, records it.
    pub async fn finish(self) -> Result<Artifact> {
        let hub = self.hub;
        let (artifact, replaced) = match self.record().await? {
            (artifact, Ok(replaced)) => (artifact, replaced),
            // What nothing records is not kept.
            (artifact, Err(refused)) => {
                hub.blob_replaced(artifact.hash).await?;
                return Err(refused);
            }
        };
        // What it replaced may have been the last use of its content.
        if let Some(hash) = replaced {
            hub.blob_replaced(hash).await?;
        }
        Ok(artifact)
    }

    /// Records the content; returns the hash of another content that it replaced,
    /// or why it was refused once it was there.
    async fn record(self) -> Result<(Artifact, Result<Option<String>>)> {
        let _in_use = self.hub.blobs_in_use.read().await;
        // The run may have been deleted while its bytes arrived; from here on
        // it cannot be.
        self.hub.run_exact(&self.run).await?;
        let BlobInfo { hash, size_bytes } =
            self.writer.finish(self.expected_hash.as_deref()).await?;
        let artifact = Artifact {
            run: self.run,
            path: self.path,
            hash,
            size_bytes,
            kind: self.kind,
            attempt: self.attempt,
            created_at: self.hub.clock.now(),
        };
        let _told = self.hub.telling(&artifact.run, &["artifacts"]);
        let before = self.hub.store.artifact_put(&artifact).await;
        Ok((artifact, before))
    }
}
