//! Writing archives: tar entries of items, then blobs, then what was promised.
//!
//! ```text
//! mlhub.json              what this is, its version
//! shared/000001.jsonl     datasets, versions, splits, adapters, definitions
//! project-0001/000001.jsonl   the project, its experiments, versions of its artifacts
//! runs/<id>/000001.jsonl  a run and its records; .points: series; .log: output
//! blobs/<hash>            artifacts, each content once
//! end.json                content hash, hash of everything above but blobs, counts
//! ```
//! Equal content gives equal bytes, apart from `mlhub.json`.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mlhub_core::portable::{PORTABLE_VERSION, PortableItem, PortableLine};
use mlhub_core::store::PortableSink;
use mlhub_core::{Error, Name, Result, Timestamp, limits};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, mpsc};

use super::codec::{self, Tag};
use super::digest::{ContentDigest, PortableCounts};
use super::tar;

/// What `format` says in `mlhub.json`.
pub const ARCHIVE_FORMAT: &str = "mlhub-archive";
/// The first entry.
pub(crate) const MANIFEST_NAME: &str = "mlhub.json";
/// The last entry.
pub(crate) const END_NAME: &str = "end.json";
/// Where blobs stand.
pub(crate) const BLOB_FOLDER: &str = "blobs/";
/// Bytes of items gathered in one entry.
const ENTRY_BYTES: usize = 1024 * 1024;

/// What an archive holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveKind {
    /// One project with its blobs.
    Project,
    /// All records of a hub; blobs are kept beside it.
    Hub,
}

/// `mlhub.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveManifest {
    /// [`ARCHIVE_FORMAT`].
    pub format: String,
    /// [`PORTABLE_VERSION`] of the writer.
    pub version: u32,
    /// What it holds.
    pub kind: ArchiveKind,
    /// The project's name.
    pub project: Option<Name>,
    /// When it was written.
    pub made_at: Timestamp,
}

/// `end.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveEnd {
    /// The content hash.
    pub content_hash: String,
    /// BLAKE3 of names and contents of all entries between `mlhub.json` and the blobs.
    pub records_hash: String,
    /// Counts.
    pub counts: PortableCounts,
    /// Different blobs.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
}

/// Where an archive goes.
#[async_trait]
pub(crate) trait Output: Send {
    async fn write(&mut self, bytes: Bytes) -> Result<()>;
}

/// To whoever receives the stream.
pub(crate) struct ToStream {
    sender: mpsc::Sender<Result<Bytes>>,
    sent_bytes: u64,
    /// How long the receiver was waited for in all.
    waited: Duration,
}

impl ToStream {
    pub(crate) fn new(sender: mpsc::Sender<Result<Bytes>>) -> Self {
        Self {
            sender,
            sent_bytes: 0,
            waited: Duration::ZERO,
        }
    }
}

/// How much longer a receiver may be waited for that took so much in such a time. The
/// time that the hub itself takes does not count.
fn patience(sent_bytes: u64, waited: Duration) -> Duration {
    let earned = Duration::from_secs(sent_bytes / super::RECEIVER_RATE_MIN_BYTES);
    let left = (super::STALL_MAX + earned).saturating_sub(waited);
    left.min(super::STALL_MAX)
}

#[async_trait]
impl Output for ToStream {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let size_bytes = bytes.len() as u64;
        let begun = tokio::time::Instant::now();
        let patience = patience(self.sent_bytes, self.waited);
        match tokio::time::timeout(patience, self.sender.send(Ok(bytes))).await {
            Ok(Ok(())) => {
                self.waited += begun.elapsed();
                self.sent_bytes += size_bytes;
                Ok(())
            }
            Ok(Err(_)) => Err(Error::invalid("the receiver of the archive is gone")),
            Err(_) => Err(Error::invalid(format!(
                "the receiver of the archive paused for too long, or took less than {} bytes a second, and was given up",
                super::RECEIVER_RATE_MIN_BYTES
            ))),
        }
    }
}

/// To a file of the hub's own.
pub(crate) struct ToFile(pub(crate) std::io::BufWriter<std::fs::File>);

#[async_trait]
impl Output for ToFile {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        // Local and buffered: it blocks no longer than a page cache does.
        std::io::Write::write_all(&mut self.0, &bytes)
            .map_err(|error| super::disk_error("write an archive", &error))
    }
}

/// Writes one entry.
pub(crate) async fn entry<O: Output + ?Sized>(
    out: &mut O,
    name: &str,
    bytes: Vec<u8>,
) -> Result<()> {
    let size = bytes.len() as u64;
    let mut block = Vec::with_capacity(bytes.len() + 2 * tar::BLOCK_BYTES);
    block.extend(tar::header(name, size)?);
    block.extend(bytes);
    block.resize(block.len() + tar::padding(size), 0);
    out.write(block.into()).await
}

/// Takes items and writes their entries.
pub(crate) struct ArchiveSink<O>(Mutex<Writing<O>>);

struct Writing<O> {
    out: O,
    digest: ContentDigest,
    records: blake3::Hasher,
    blobs: BTreeMap<String, u64>,
    projects: usize,
    section: String,
    number: usize,
    tag: Tag,
    gathered: Vec<u8>,
}

/// What is left when all items are written.
pub(crate) struct Written<O> {
    pub(crate) out: O,
    pub(crate) end: ArchiveEnd,
    pub(crate) blobs: BTreeMap<String, u64>,
    pub(crate) projects: u64,
}

impl<O: Output> ArchiveSink<O> {
    /// Writes the first entry.
    pub(crate) async fn begin(
        mut out: O,
        kind: ArchiveKind,
        project: Option<Name>,
        now: Timestamp,
    ) -> Result<Self> {
        let manifest = ArchiveManifest {
            format: ARCHIVE_FORMAT.to_owned(),
            version: PORTABLE_VERSION,
            kind,
            project,
            made_at: now,
        };
        entry(&mut out, MANIFEST_NAME, super::json(&manifest)?).await?;
        Ok(Self(Mutex::new(Writing {
            out,
            digest: ContentDigest::new(false),
            records: blake3::Hasher::new(),
            blobs: BTreeMap::new(),
            projects: 0,
            section: "shared".to_owned(),
            number: 0,
            tag: Tag::Line,
            gathered: Vec::new(),
        })))
    }

    /// Ends the items. The caller writes blobs and [`ArchiveEnd`].
    pub(crate) async fn finish(self) -> Result<Written<O>> {
        let mut writing = self.0.into_inner();
        writing.flush().await?;
        let end = ArchiveEnd {
            content_hash: writing.digest.finish(),
            records_hash: writing.records.finalize().to_hex().to_string(),
            counts: writing.digest.counts,
            blobs: writing.blobs.len() as u64,
            blob_bytes: writing.blobs.values().sum(),
        };
        Ok(Written {
            out: writing.out,
            end,
            blobs: writing.blobs,
            projects: writing.projects as u64,
        })
    }
}

impl<O: Output> Writing<O> {
    async fn put(&mut self, item: &PortableItem) -> Result<()> {
        let (tag, bytes) = codec::encode(item)?;
        if bytes.len() > limits::PORTABLE_ITEM_MAX_BYTES {
            return Err(Error::invalid(format!(
                "a record is larger than the {} bytes an archive takes",
                limits::PORTABLE_ITEM_MAX_BYTES
            )));
        }
        self.digest.add(item, tag, &bytes);
        let section = self.section_of(item);
        let full = self.gathered.len() + bytes.len() > ENTRY_BYTES;
        if full || tag != self.tag || section.is_some() {
            self.flush().await?;
        }
        if let Some(section) = section {
            (self.section, self.number) = (section, 0);
        }
        self.tag = tag;
        match tag {
            Tag::Line => {
                self.gathered.extend(bytes);
                self.gathered.push(b'\n');
            }
            Tag::Points | Tag::Log => {
                self.gathered.extend((bytes.len() as u32).to_le_bytes());
                self.gathered.extend(bytes);
            }
        }
        if let Some((hash, size_bytes)) = blob_of(item) {
            self.blobs.insert(hash.to_owned(), size_bytes);
        }
        Ok(())
    }

    /// The section an item begins, if it begins one.
    fn section_of(&mut self, item: &PortableItem) -> Option<String> {
        match item {
            PortableItem::Line(PortableLine::Project(_)) => {
                self.projects += 1;
                Some(format!("project-{:04}", self.projects))
            }
            PortableItem::Line(PortableLine::Run(run)) => Some(format!("runs/{}", run.id)),
            _ => None,
        }
    }

    async fn flush(&mut self) -> Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        self.number += 1;
        let name = format!(
            "{}/{:06}.{}",
            self.section,
            self.number,
            self.tag.extension()
        );
        let bytes = std::mem::take(&mut self.gathered);
        hash_entry(&mut self.records, &name, &bytes);
        entry(&mut self.out, &name, bytes).await
    }
}

/// The blob an item needs, with its size: that of an artifact, or of a version
/// that an alias keeps.
pub(crate) fn blob_of(item: &PortableItem) -> Option<(&str, u64)> {
    match item {
        PortableItem::Line(PortableLine::Artifact(artifact)) => {
            Some((&artifact.hash, artifact.size_bytes))
        }
        PortableItem::Line(PortableLine::ArtifactVersion(version)) => {
            let kept = !version.aliases.is_empty();
            kept.then_some((&version.hash, version.size_bytes))
        }
        _ => None,
    }
}

/// What `records_hash` covers of an entry.
pub(crate) fn hash_entry(hasher: &mut blake3::Hasher, name: &str, bytes: &[u8]) {
    hasher.update(&(name.len() as u64).to_le_bytes());
    hasher.update(name.as_bytes());
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

#[async_trait]
impl<O: Output> PortableSink for ArchiveSink<O> {
    async fn put(&self, item: PortableItem) -> Result<()> {
        self.0.lock().await.put(&item).await
    }
}

/// Only hashes.
pub(crate) struct HashSink(pub(crate) Mutex<ContentDigest>);

#[async_trait]
impl PortableSink for HashSink {
    async fn put(&self, item: PortableItem) -> Result<()> {
        let (tag, bytes) = codec::encode(&item)?;
        self.0.lock().await.add(&item, tag, &bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RECEIVER_RATE_MIN_BYTES, STALL_MAX};
    use super::*;

    #[test]
    fn a_receiver_is_waited_for_as_long_as_it_takes_enough() {
        let hour = Duration::from_secs(3600);
        assert_eq!(patience(0, Duration::ZERO), STALL_MAX);
        // What it took quickly earns no longer pause.
        assert_eq!(patience(u64::MAX, Duration::ZERO), STALL_MAX);
        let enough = RECEIVER_RATE_MIN_BYTES * 3600;
        assert_eq!(patience(enough, hour), STALL_MAX);
        assert_eq!(patience(enough, hour + STALL_MAX / 2), STALL_MAX / 2);
        // A trickle is cut off although it never pauses.
        assert_eq!(patience(3600, hour), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_receiver_that_took_too_little_is_given_up() {
        let (sender, mut receiver) = mpsc::channel(1);
        let mut out = ToStream::new(sender);
        out.write(Bytes::from_static(b"one")).await.expect("room");
        assert_eq!(out.sent_bytes, 3);
        out.waited = STALL_MAX * 2;
        let error = out
            .write(Bytes::from_static(b"two"))
            .await
            .expect_err("no time is left");
        assert!(error.public_message().contains("given up"), "{error}");
        assert!(receiver.recv().await.is_some());
        drop(receiver);
        out.waited = Duration::ZERO;
        let error = out.write(Bytes::new()).await.expect_err("nobody is there");
        assert!(error.public_message().contains("gone"), "{error}");
    }
}
