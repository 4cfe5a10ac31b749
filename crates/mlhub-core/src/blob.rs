//! Contents by hash, and contents on their way in.
//!
//! Nothing is visible in part, and names of clients never reach a blob store: a
//! blob is addressed by the BLAKE3 of its content, an upload by an id the hub
//! made. What a blob is to a run is a record (`ArtifactStore`), not known here.

use async_trait::async_trait;
use bytes::Bytes;

use crate::caller::UserId;
use crate::error::Result;
use crate::id::UploadId;
use crate::ports::Timestamp;

/// A stored content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobInfo {
    /// BLAKE3, hex.
    pub hash: String,
    /// Size.
    pub size_bytes: u64,
}

/// A stored content as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobEntry {
    /// BLAKE3, hex.
    pub hash: String,
    /// Size.
    pub size_bytes: u64,
    /// When it was stored, or stored again, by the storage's own clock.
    pub stored_at: Timestamp,
}

/// Receives one blob; dropped before [`BlobWriter::finish`], it leaves nothing.
#[async_trait]
pub trait BlobWriter: Send {
    /// Appends bytes.
    async fn write(&mut self, bytes: Bytes) -> Result<()>;
    /// Makes the blob visible under its hash, on disk; refuses when `expected`
    /// is given and differs.
    async fn finish(self: Box<Self>, expected: Option<&str>) -> Result<BlobInfo>;
}

/// Contents by hash. Nothing is visible in part; names of clients never reach it.
#[async_trait]
pub trait BlobStore: UploadStore {
    /// Starts a new blob.
    async fn create(&self) -> Result<Box<dyn BlobWriter>>;
    /// Size of a blob, if it is there.
    async fn stat(&self, hash: &str) -> Result<Option<u64>>;
    /// Bytes of a blob from `offset`, at most `limit`; empty at its end. They are
    /// what the storage holds: whoever passes them on compares them with the hash.
    async fn read(&self, hash: &str, offset: u64, limit: usize) -> Result<Bytes>;
    /// Removes a blob; harmless when it is not there.
    async fn remove(&self, hash: &str) -> Result<()>;
    /// Blobs in the order of their hashes, those after `after`, at most `limit`.
    /// Something in the storage that is no blob of ours is passed over.
    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<BlobEntry>>;
}

/// What was announced of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadRecord {
    /// Its identifier.
    pub id: UploadId,
    /// Who began it; nobody else may go on with it.
    pub owner: UserId,
    /// Bytes it will have.
    pub size_bytes: u64,
    /// BLAKE3 of the whole content, hex, when it was announced.
    pub hash: Option<String>,
    /// When it was begun.
    pub created_at: Timestamp,
}

/// An upload under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadState {
    /// What was announced.
    pub record: UploadRecord,
    /// Bytes that arrived and are on disk.
    pub offset: u64,
    /// When bytes last arrived, by the storage's own clock.
    pub touched_at: Timestamp,
}

/// Receives one part of an upload; dropped before [`UploadPart::keep`], it
/// leaves the upload as it was.
#[async_trait]
pub trait UploadPart: Send {
    /// Appends bytes; past the announced size they are refused.
    async fn write(&mut self, bytes: Bytes) -> Result<()>;
    /// Puts the part on disk and returns the upload's new offset; refuses when
    /// `expected`, the BLAKE3 of the part, is given and differs.
    async fn keep(self: Box<Self>, expected: Option<&str>) -> Result<u64>;
}

/// Contents on their way in: resumable, invisible until they are whole and
/// their hash was checked. They survive a restart.
#[async_trait]
pub trait UploadStore: Send + Sync {
    /// Begins an upload. `StorageFull` when the disk cannot take it beside the
    /// uploads that are under way, `Unavailable` when too many are.
    async fn upload_create(&self, record: &UploadRecord) -> Result<()>;
    /// Finds an upload.
    async fn upload_get(&self, id: &UploadId) -> Result<Option<UploadState>>;
    /// All uploads under way, by id.
    async fn upload_list(&self) -> Result<Vec<UploadState>>;
    /// Starts a part at `offset`. `Conflict` while somebody else writes, and,
    /// with the detail `expected`, when `offset` is not where the upload stands.
    async fn upload_part(&self, id: &UploadId, offset: u64) -> Result<Box<dyn UploadPart>>;
    /// Makes a whole upload a blob. The upload stays until it is removed, so
    /// that this may be repeated. Content that is not `hash` is refused and the
    /// upload removed.
    async fn upload_store(&self, id: &UploadId, hash: &str) -> Result<BlobInfo>;
    /// Removes an upload and gives its space back; harmless when it is not there.
    async fn upload_remove(&self, id: &UploadId) -> Result<()>;
}
