//! Blobs by BLAKE3 hash, in a folder or in an S3 bucket.
//!
//! Both take the same road in: bytes are written to a file in the staging
//! folder ([`staging`], [`upload`]), hashed on the way, and only a whole file
//! whose hash is known is handed to the [`Place`], which makes it visible in one
//! step. Only a hash of 64 hex digits ever becomes part of a path or key; names
//! of clients never reach these files. Who may read what is not decided here.

mod folder;
mod s3;
mod s3_config;
mod staging;
mod upload;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use mlhub_core::blob::{
    BlobEntry, BlobInfo, BlobStore, BlobWriter, UploadPart, UploadRecord, UploadState, UploadStore,
};
use mlhub_core::{Error, Result, UploadId};

pub(crate) use folder::Folder;
pub(crate) use s3::S3;
pub use s3_config::S3Config;
use staging::{StagedWriter, Staging};

/// Bytes one read returns at most.
const READ_MAX_BYTES: usize = 8 * 1024 * 1024;
/// Blobs one listing returns at most.
const LIST_MAX_ROWS: usize = 10_000;

/// Blobs in a folder of their own.
pub type FolderBlobStore = Blobs<Folder>;
/// Blobs in a bucket; uploads wait in a folder until they are whole.
pub type S3BlobStore = Blobs<S3>;

/// Where whole blobs lie. `land` is the only way in.
#[async_trait]
pub trait Place: std::fmt::Debug + Send + Sync + 'static {
    /// Makes the content of `file` visible under its hash, durably and in one
    /// step. The file may or may not be there afterwards.
    async fn land(&self, file: &Path, info: &BlobInfo) -> Result<()>;
    /// As [`BlobStore::stat`].
    async fn stat(&self, hash: &Hash) -> Result<Option<u64>>;
    /// As [`BlobStore::read`].
    async fn read(&self, hash: &Hash, offset: u64, limit: usize) -> Result<Bytes>;
    /// As [`BlobStore::remove`].
    async fn remove(&self, hash: &Hash) -> Result<()>;
    /// As [`BlobStore::list`].
    async fn list(&self, after: Option<&Hash>, limit: usize) -> Result<Vec<BlobEntry>>;
}

/// A hash that was checked: 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash)]
pub struct Hash(String);

impl Hash {
    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == blake3::OUT_LEN * 2 && text.bytes().all(digit) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::invalid(
            "not a blob hash: 64 lower-case hex digits are expected",
        ))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A blob store: staging in a folder, whole blobs in a `P`.
#[derive(Debug)]
pub struct Blobs<P> {
    staging: Arc<Staging>,
    place: Arc<P>,
}

impl<P> Clone for Blobs<P> {
    fn clone(&self) -> Self {
        Self {
            staging: Arc::clone(&self.staging),
            place: Arc::clone(&self.place),
        }
    }
}

impl<P> Blobs<P> {
    fn new(staging: Staging, place: P) -> Self {
        Self {
            staging: Arc::new(staging),
            place: Arc::new(place),
        }
    }
}

/// Runs file work where blocking is allowed.
async fn blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal(operation, error))?
}

fn hash_differs(found: &str, announced: &str) -> Error {
    Error::invalid(format!(
        "the content has the hash {found}, and {announced} was announced; send it again"
    ))
}

#[async_trait]
impl<P: Place> BlobStore for Blobs<P> {
    async fn create(&self) -> Result<Box<dyn BlobWriter>> {
        Ok(Box::new(Writer {
            staged: Some(StagedWriter::create(&self.staging).await?),
            place: Arc::clone(&self.place),
        }))
    }

    async fn stat(&self, hash: &str) -> Result<Option<u64>> {
        self.place.stat(&Hash::parse(hash)?).await
    }

    async fn read(&self, hash: &str, offset: u64, limit: usize) -> Result<Bytes> {
        let limit = limit.min(READ_MAX_BYTES);
        self.place.read(&Hash::parse(hash)?, offset, limit).await
    }

    async fn remove(&self, hash: &str) -> Result<()> {
        self.place.remove(&Hash::parse(hash)?).await
    }

    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<BlobEntry>> {
        let after = after.map(Hash::parse).transpose()?;
        let limit = limit.min(LIST_MAX_ROWS);
        self.place.list(after.as_ref(), limit).await
    }
}

#[async_trait]
impl<P: Place> UploadStore for Blobs<P> {
    async fn upload_create(&self, record: &UploadRecord) -> Result<()> {
        if let Some(hash) = &record.hash {
            Hash::parse(hash)?;
        }
        self.staging.upload_create(record).await
    }

    async fn upload_get(&self, id: &UploadId) -> Result<Option<UploadState>> {
        Ok(self.staging.upload_get(id))
    }

    async fn upload_list(&self) -> Result<Vec<UploadState>> {
        Ok(self.staging.upload_list())
    }

    async fn upload_part(&self, id: &UploadId, offset: u64) -> Result<Box<dyn UploadPart>> {
        self.staging.upload_part(id, offset).await
    }

    async fn upload_store(&self, id: &UploadId, hash: &str) -> Result<BlobInfo> {
        let expected = Hash::parse(hash)?;
        let whole = self.staging.upload_whole(id, &expected).await?;
        self.place.land(&whole.file, &whole.info).await?;
        Ok(whole.info)
    }

    async fn upload_remove(&self, id: &UploadId) -> Result<()> {
        self.staging.upload_remove(id).await
    }
}

#[derive(Debug)]
struct Writer<P> {
    /// Absent once a write failed: what follows cannot be a whole blob.
    staged: Option<StagedWriter>,
    place: Arc<P>,
}

fn cut_short() -> Error {
    Error::invalid("an earlier write of this blob failed or was given up; start it again")
}

#[async_trait]
impl<P: Place> BlobWriter for Writer<P> {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let staged = self.staged.take().ok_or_else(cut_short)?;
        self.staged = Some(staged.write(bytes).await?);
        Ok(())
    }

    async fn finish(mut self: Box<Self>, expected: Option<&str>) -> Result<BlobInfo> {
        let staged = self.staged.take().ok_or_else(cut_short)?;
        // Keeps the temporary file until the blob is in its place.
        let (file, info) = staged.whole().await?;
        if let Some(expected) = expected
            && expected != info.hash
        {
            return Err(hash_differs(&info.hash, expected));
        }
        self.place.land(&file, &info).await?;
        blocking("remove a temporary file", move || {
            drop(file);
            Ok(())
        })
        .await?;
        Ok(info)
    }
}
