//! Uploads under way: `uploads/<id>.part` with the bytes, `uploads/<id>.json`
//! with what was announced.
//!
//! The length of the part file is the offset; it grows only by parts that were
//! synced before they were acknowledged, and whatever else a power cut may leave
//! at its end fails the check of the hash. One writer at a time. Nothing here
//! becomes visible; that is [`super::Place::land`].

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use mlhub_core::blob::{BlobInfo, UploadPart, UploadRecord, UploadState};
use mlhub_core::{Error, ErrorKind, Result, Timestamp, UploadId, UserId, limits};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedMutexGuard;

use super::staging::{Staging, too_large};
use super::{Hash, blocking, hash_differs};
use crate::data_dir::io_error;

/// The version of `<id>.json` this program writes, and the newest it reads.
const FORMAT: u32 = 1;
/// Bytes hashed at once when an upload is found again after a restart.
const REHASH_BYTES: usize = 1024 * 1024;
/// Bytes that announced uploads may not take from the disk: room for records.
const DISK_RESERVE_BYTES: u64 = 1024 * 1024;
/// Bytes read of `<id>.json`.
const RECORD_MAX_BYTES: u64 = 16 * 1024;

/// An upload in memory.
#[derive(Debug)]
pub(super) struct Upload {
    record: UploadRecord,
    offset: u64,
    touched_at: Timestamp,
    /// Held by whoever writes or stores it.
    progress: Arc<tokio::sync::Mutex<Progress>>,
}

/// How far the hash of the content is known.
#[derive(Debug, Default)]
struct Progress {
    hasher: blake3::Hasher,
    hashed_bytes: u64,
}

/// A whole upload with its checked hash, kept from writers until dropped.
pub(super) struct Whole {
    pub(super) file: PathBuf,
    pub(super) info: BlobInfo,
    _progress: OwnedMutexGuard<Progress>,
}

#[derive(Serialize, Deserialize)]
struct RecordFile {
    version: u32,
    owner: String,
    size_bytes: u64,
    hash: Option<String>,
    created_at: i64,
}

fn now() -> Timestamp {
    timestamp(SystemTime::now())
}

pub(super) fn timestamp(time: SystemTime) -> Timestamp {
    let millis = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(millis.as_millis()).unwrap_or(i64::MAX))
}

fn busy() -> Error {
    Error::conflict("somebody else is sending or storing this upload; ask for its offset and go on when they are done")
        .with_details(serde_json::json!({"busy": true}))
}

fn unknown(id: &UploadId) -> Error {
    Error::not_found("upload", id)
}

impl Staging {
    fn part_file(&self, id: &UploadId) -> PathBuf {
        self.uploads_folder().join(format!("{id}.part"))
    }

    fn record_file(&self, id: &UploadId) -> PathBuf {
        self.uploads_folder().join(format!("{id}.json"))
    }

    fn uploads(&self) -> MutexGuard<'_, std::collections::BTreeMap<UploadId, Upload>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds uploads of an earlier process; files that belong to none are removed.
    pub(super) fn find_uploads(&self) -> Result<()> {
        let folder = self.uploads_folder();
        let fail = |error| io_error("find uploads", &folder, error);
        let mut found = self.uploads();
        for entry in std::fs::read_dir(&folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            if path.extension().is_some_and(|end| end == "json")
                && let Some(upload) = self.read_upload(&path)
            {
                found.insert(upload.record.id.clone(), upload);
            }
        }
        for entry in std::fs::read_dir(&folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            let id = path
                .file_stem()
                .and_then(|stem| stem.to_str()?.parse().ok());
            if !id.is_some_and(|id: UploadId| found.contains_key(&id)) {
                std::fs::remove_file(&path).map_err(fail)?;
            }
        }
        Ok(())
    }

    fn read_upload(&self, path: &Path) -> Option<Upload> {
        let id: UploadId = path.file_stem()?.to_str()?.parse().ok()?;
        let mut text = String::new();
        let file = File::open(path).ok()?;
        file.take(RECORD_MAX_BYTES).read_to_string(&mut text).ok()?;
        let read: RecordFile = serde_json::from_str(&text).ok()?;
        let part = std::fs::metadata(self.part_file(&id)).ok()?;
        (read.version <= FORMAT && part.len() <= read.size_bytes).then(|| Upload {
            record: UploadRecord {
                id,
                owner: UserId(read.owner),
                size_bytes: read.size_bytes,
                hash: read.hash,
                created_at: Timestamp(read.created_at),
            },
            offset: part.len(),
            touched_at: part.modified().map_or_else(|_| now(), timestamp),
            progress: Arc::default(),
        })
    }

    pub(super) async fn upload_create(self: &Arc<Self>, record: &UploadRecord) -> Result<()> {
        if record.size_bytes > limits::ARTIFACT_MAX_BYTES {
            return Err(too_large());
        }
        let (staging, record) = (Arc::clone(self), record.clone());
        blocking("begin an upload", move || {
            // Held throughout, so that two uploads cannot both take the last space.
            let mut uploads = staging.uploads();
            if uploads.len() >= limits::UPLOADS_OPEN_MAX {
                return Err(Error::new(
                    ErrorKind::Unavailable,
                    format!(
                        "{} uploads are under way, which is the most at once; finish or remove some",
                        uploads.len()
                    ),
                ));
            }
            let awaited: u64 = uploads
                .values()
                .map(|upload| upload.record.size_bytes.saturating_sub(upload.offset))
                .sum();
            staging.require_space(record.size_bytes, awaited)?;
            let place = staging.record_file(&record.id);
            staging
                .write_record(&record)
                .map_err(|error| io_error("begin an upload", &place, error))?;
            let upload = Upload {
                record,
                offset: 0,
                touched_at: now(),
                progress: Arc::default(),
            };
            uploads.insert(upload.record.id.clone(), upload);
            Ok(())
        })
        .await
    }

    fn require_space(&self, wanted: u64, awaited: u64) -> Result<()> {
        let folder = self.uploads_folder();
        let disk = rustix::fs::statvfs(&folder)
            .map_err(|error| io_error("look at the disk", &folder, error.into()))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let needed = wanted
            .saturating_add(awaited)
            .saturating_add(DISK_RESERVE_BYTES);
        if wanted == 0 || needed <= free {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::StorageFull,
            format!(
                "the upload has {wanted} bytes, {awaited} bytes are awaited of other uploads, and the disk of {} has {free} bytes free; free some space and try again",
                folder.display()
            ),
        ))
    }

    fn write_record(&self, record: &UploadRecord) -> std::io::Result<()> {
        let folder = self.uploads_folder();
        let file = RecordFile {
            version: FORMAT,
            owner: record.owner.0.clone(),
            size_bytes: record.size_bytes,
            hash: record.hash.clone(),
            created_at: record.created_at.0,
        };
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.part_file(&record.id))?;
        let mut written = tempfile::NamedTempFile::new_in(self.temporary())?;
        serde_json::to_writer(&mut written, &file)?;
        written.as_file().sync_all()?;
        written.persist(self.record_file(&record.id))?;
        File::open(folder)?.sync_all()
    }

    fn state(upload: &Upload) -> UploadState {
        UploadState {
            record: upload.record.clone(),
            offset: upload.offset,
            touched_at: upload.touched_at,
        }
    }

    pub(super) fn upload_get(&self, id: &UploadId) -> Option<UploadState> {
        self.uploads().get(id).map(Self::state)
    }

    pub(super) fn upload_list(&self) -> Vec<UploadState> {
        self.uploads().values().map(Self::state).collect()
    }

    /// Takes the upload for itself.
    fn take(&self, id: &UploadId) -> Result<(UploadState, OwnedMutexGuard<Progress>)> {
        let uploads = self.uploads();
        let upload = uploads.get(id).ok_or_else(|| unknown(id))?;
        let progress = Arc::clone(&upload.progress).try_lock_owned();
        Ok((Self::state(upload), progress.map_err(|_| busy())?))
    }

    pub(super) async fn upload_part(
        self: &Arc<Self>,
        id: &UploadId,
        offset: u64,
    ) -> Result<Box<dyn UploadPart>> {
        let (state, progress) = self.take(id)?;
        if offset != state.offset {
            return Err(Error::conflict(format!(
                "the upload stands at byte {}, and the part starts at {offset}",
                state.offset
            ))
            .with_details(serde_json::json!({"expected": state.offset})));
        }
        let (staging, id) = (Arc::clone(self), id.clone());
        let part = blocking("receive a part", move || {
            let path = staging.part_file(&id);
            let open = || -> std::io::Result<File> {
                let mut file = OpenOptions::new().write(true).open(&path)?;
                file.seek(SeekFrom::Start(offset))?;
                Ok(file)
            };
            Ok(Receiving {
                file: open().map_err(|error| io_error("receive a part", &path, error))?,
                whole: (progress.hashed_bytes == offset).then(|| progress.hasher.clone()),
                part: blake3::Hasher::new(),
                start: offset,
                end: offset,
                size_bytes: state.record.size_bytes,
                id,
                path,
                staging,
                progress,
                kept: false,
            })
        });
        Ok(Box::new(PartWriter(Some(part.await?))))
    }

    /// Checks that the upload is whole and is what `expected` says.
    pub(super) async fn upload_whole(
        self: &Arc<Self>,
        id: &UploadId,
        expected: &Hash,
    ) -> Result<Whole> {
        let (state, mut progress) = self.take(id)?;
        let size_bytes = state.record.size_bytes;
        if state.offset != size_bytes {
            return Err(Error::conflict(format!(
                "the upload has {} of {size_bytes} bytes; send the rest first",
                state.offset
            ))
            .with_details(serde_json::json!({"expected": state.offset})));
        }
        let file = self.part_file(id);
        let path = file.clone();
        let (progress, hash) = blocking("check an upload", move || {
            rehash(&path, &mut progress, size_bytes)
                .map_err(|error| io_error("check an upload", &path, error))?;
            let hash = progress.hasher.finalize().to_hex().to_string();
            Ok((progress, hash))
        })
        .await?;
        if hash != expected.as_str() {
            drop(progress);
            self.upload_remove(id).await?;
            return Err(hash_differs(&hash, expected.as_str()));
        }
        Ok(Whole {
            file,
            info: BlobInfo { hash, size_bytes },
            _progress: progress,
        })
    }

    pub(super) async fn upload_remove(self: &Arc<Self>, id: &UploadId) -> Result<()> {
        let progress = match self.take(id) {
            Ok((_, progress)) => progress,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let (staging, id) = (Arc::clone(self), id.clone());
        blocking("remove an upload", move || {
            for path in [staging.record_file(&id), staging.part_file(&id)] {
                match std::fs::remove_file(&path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(io_error("remove an upload", &path, error));
                    }
                    _ => {}
                }
            }
            staging.uploads().remove(&id);
            drop(progress);
            Ok(())
        })
        .await
    }
}

/// Brings the hash up to `end`; after a restart it starts from nothing.
fn rehash(path: &Path, progress: &mut Progress, end: u64) -> std::io::Result<()> {
    if progress.hashed_bytes == end {
        return Ok(());
    }
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(progress.hashed_bytes))?;
    let mut buffer = vec![0; REHASH_BYTES];
    while progress.hashed_bytes < end {
        let wanted = (end - progress.hashed_bytes).min(REHASH_BYTES as u64) as usize;
        file.read_exact(&mut buffer[..wanted])?;
        progress.hasher.update(&buffer[..wanted]);
        progress.hashed_bytes += wanted as u64;
    }
    Ok(())
}

/// A part being received; dropped before it is kept, the upload is as it was.
struct Receiving {
    file: File,
    /// The hash of everything up to `end`, when it was known up to `start`.
    whole: Option<blake3::Hasher>,
    part: blake3::Hasher,
    start: u64,
    end: u64,
    size_bytes: u64,
    id: UploadId,
    path: PathBuf,
    staging: Arc<Staging>,
    progress: OwnedMutexGuard<Progress>,
    kept: bool,
}

impl Receiving {
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let end = self.end + bytes.len() as u64;
        if end > self.size_bytes {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "the part goes past the {} bytes that were announced for the upload",
                    self.size_bytes
                ),
            ));
        }
        if end - self.start > limits::UPLOAD_PART_MAX_BYTES as u64 {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "a part may have at most {} bytes; send the rest as another part",
                    limits::UPLOAD_PART_MAX_BYTES
                ),
            ));
        }
        self.file
            .write_all(bytes)
            .map_err(|error| io_error("receive a part", &self.path, error))?;
        self.part.update(bytes);
        if let Some(whole) = &mut self.whole {
            whole.update(bytes);
        }
        self.end = end;
        Ok(())
    }

    fn keep(mut self, expected: Option<&str>) -> Result<u64> {
        let hash = self.part.finalize().to_hex();
        if let Some(expected) = expected
            && expected != hash.as_str()
        {
            return Err(hash_differs(&hash, expected));
        }
        self.file
            .sync_data()
            .map_err(|error| io_error("receive a part", &self.path, error))?;
        self.kept = true;
        if let Some(whole) = self.whole.take() {
            self.progress.hasher = whole;
            self.progress.hashed_bytes = self.end;
        }
        if let Some(upload) = self.staging.uploads().get_mut(&self.id) {
            upload.offset = self.end;
            upload.touched_at = now();
        }
        Ok(self.end)
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = self.file.set_len(self.start)
        {
            // What is too long fails the check of the hash; nothing wrong is stored.
            tracing::warn!(id = %self.id, %error, "a part that was given up stays on disk");
        }
    }
}

struct PartWriter(Option<Receiving>);

fn given_up() -> Error {
    Error::invalid("an earlier write of this part failed; ask for the offset and send it again")
}

#[async_trait]
impl UploadPart for PartWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let mut receiving = self.0.take().ok_or_else(given_up)?;
        let written = blocking("receive a part", move || {
            receiving.append(&bytes)?;
            Ok(receiving)
        });
        self.0 = Some(written.await?);
        Ok(())
    }

    async fn keep(mut self: Box<Self>, expected: Option<&str>) -> Result<u64> {
        let receiving = self.0.take().ok_or_else(given_up)?;
        let expected = expected.map(str::to_owned);
        blocking("keep a part", move || receiving.keep(expected.as_deref())).await
    }
}
