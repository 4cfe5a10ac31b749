//! Blobs in a folder, by BLAKE3 hash.
//!
//! A blob is written to a temporary file, synced, and renamed to its place, so
//! it is there whole or not at all. Only a hash of 64 hex digits ever becomes
//! part of a path; names of clients never reach this file.

use std::fs::{DirBuilder, File};
use std::io::{ErrorKind as Io, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use mlhub_core::store::{BlobInfo, BlobStore, BlobWriter};
use mlhub_core::{Error, ErrorKind, Result, limits};
use tempfile::NamedTempFile;

use crate::data_dir::io_error;

/// Where blobs are written before they have a hash.
const TEMPORARY_FOLDER: &str = "tmp";
/// Bytes one read returns at most.
const READ_MAX_BYTES: usize = 8 * 1024 * 1024;

/// Blobs in a folder of their own.
#[derive(Debug, Clone)]
pub struct FolderBlobStore {
    root: Arc<PathBuf>,
}

impl FolderBlobStore {
    /// Opens, or makes, the folder; what unfinished writes of an earlier
    /// process left is removed. One process owns the folder (see `DataDir`).
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let root = folder.as_ref().to_owned();
        let temporary = root.join(TEMPORARY_FOLDER);
        let clear = || -> std::io::Result<()> {
            make_folder(&temporary)?;
            for entry in std::fs::read_dir(&temporary)? {
                std::fs::remove_file(entry?.path())?;
            }
            Ok(())
        };
        clear().map_err(|error| io_error("open the blob folder", &root, error))?;
        Ok(Self {
            root: Arc::new(root),
        })
    }

    fn place(&self, hash: &str) -> Result<PathBuf> {
        check_hash(hash)?;
        Ok(self.root.join(&hash[..2]).join(&hash[2..4]).join(hash))
    }
}

fn make_folder(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn check_hash(hash: &str) -> Result<()> {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if hash.len() == blake3::OUT_LEN * 2 && hash.bytes().all(digit) {
        return Ok(());
    }
    Err(Error::invalid(
        "not a blob hash: 64 lower-case hex digits are expected",
    ))
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

#[async_trait]
impl BlobStore for FolderBlobStore {
    async fn create(&self) -> Result<Box<dyn BlobWriter>> {
        let store = self.clone();
        let open = blocking("create a blob", move || {
            let folder = store.root.join(TEMPORARY_FOLDER);
            let file = NamedTempFile::new_in(&folder)
                .map_err(|error| io_error("create a blob", &folder, error))?;
            Ok(OpenBlob {
                file,
                hasher: blake3::Hasher::new(),
                size_bytes: 0,
            })
        });
        Ok(Box::new(FolderBlobWriter {
            open: Some(open.await?),
            store: self.clone(),
        }))
    }

    async fn stat(&self, hash: &str) -> Result<Option<u64>> {
        let place = self.place(hash)?;
        blocking("look for a blob", move || match std::fs::metadata(&place) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == Io::NotFound => Ok(None),
            Err(error) => Err(io_error("look for a blob", &place, error)),
        })
        .await
    }

    async fn read(&self, hash: &str, offset: u64, limit: usize) -> Result<Bytes> {
        let place = self.place(hash)?;
        let hash = hash.to_owned();
        let limit = limit.min(READ_MAX_BYTES) as u64;
        blocking("read a blob", move || {
            let read = || -> std::io::Result<Vec<u8>> {
                let mut file = File::open(&place)?;
                let size = file.metadata()?.len();
                if offset >= size {
                    return Ok(Vec::new());
                }
                file.seek(SeekFrom::Start(offset))?;
                let mut bytes = Vec::with_capacity(limit.min(size - offset) as usize);
                file.take(limit).read_to_end(&mut bytes)?;
                Ok(bytes)
            };
            match read() {
                Ok(bytes) => Ok(bytes.into()),
                Err(error) if error.kind() == Io::NotFound => Err(Error::not_found("blob", hash)),
                Err(error) => Err(io_error("read a blob", &place, error)),
            }
        })
        .await
    }

    async fn remove(&self, hash: &str) -> Result<()> {
        let place = self.place(hash)?;
        blocking("remove a blob", move || {
            match std::fs::remove_file(&place) {
                Err(error) if error.kind() != Io::NotFound => {
                    Err(io_error("remove a blob", &place, error))
                }
                _ => Ok(()),
            }
        })
        .await
    }
}

/// A blob being written; dropping it removes the temporary file.
#[derive(Debug)]
struct OpenBlob {
    file: NamedTempFile,
    hasher: blake3::Hasher,
    size_bytes: u64,
}

impl OpenBlob {
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.size_bytes += bytes.len() as u64;
        if self.size_bytes > limits::ARTIFACT_MAX_BYTES {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "a blob may have at most {} bytes",
                    limits::ARTIFACT_MAX_BYTES
                ),
            ));
        }
        self.file
            .write_all(bytes)
            .map_err(|error| io_error("write a blob", self.file.path(), error))?;
        self.hasher.update(bytes);
        Ok(())
    }

    fn finish(self, store: &FolderBlobStore, expected: Option<&str>) -> Result<BlobInfo> {
        let hash = self.hasher.finalize().to_hex().to_string();
        if let Some(expected) = expected
            && expected != hash
        {
            return Err(Error::invalid(format!(
                "the content has the hash {hash}, and {expected} was announced; send it again"
            )));
        }
        let place = store.place(&hash)?;
        let put = || -> std::io::Result<()> {
            self.file.as_file().sync_all()?;
            let folder = place.parent().unwrap_or(&store.root);
            make_synced(folder, &store.root)?;
            self.file.persist(&place)?;
            File::open(folder)?.sync_all()
        };
        put().map_err(|error| io_error("store a blob", &place, error))?;
        Ok(BlobInfo {
            hash,
            size_bytes: self.size_bytes,
        })
    }
}

/// Makes a folder below `root` so that it survives a power cut.
fn make_synced(folder: &Path, root: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    make_folder(folder)?;
    for above in folder.ancestors().skip(1) {
        File::open(above)?.sync_all()?;
        if above == root {
            break;
        }
    }
    Ok(())
}

#[derive(Debug)]
struct FolderBlobWriter {
    /// Absent once a write failed: what follows cannot be a whole blob.
    open: Option<OpenBlob>,
    store: FolderBlobStore,
}

fn cut_short() -> Error {
    Error::invalid("an earlier write of this blob failed or was given up; start it again")
}

#[async_trait]
impl BlobWriter for FolderBlobWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let mut open = self.open.take().ok_or_else(cut_short)?;
        let open = blocking("write a blob", move || {
            open.append(&bytes)?;
            Ok(open)
        });
        self.open = Some(open.await?);
        Ok(())
    }

    async fn finish(mut self: Box<Self>, expected: Option<&str>) -> Result<BlobInfo> {
        let open = self.open.take().ok_or_else(cut_short)?;
        let store = self.store.clone();
        let expected = expected.map(str::to_owned);
        blocking("store a blob", move || {
            open.finish(&store, expected.as_deref())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn put(store: &FolderBlobStore, parts: &[&'static [u8]]) -> BlobInfo {
        let mut writer = store.create().await.expect("writer");
        for part in parts {
            writer.write(Bytes::from_static(part)).await.expect("write");
        }
        writer.finish(None).await.expect("finish")
    }

    fn temporary_files(folder: &Path) -> usize {
        std::fs::read_dir(folder.join(TEMPORARY_FOLDER))
            .expect("list")
            .count()
    }

    #[tokio::test]
    async fn what_is_written_is_read_by_its_hash() {
        let folder = tempfile::tempdir().expect("temp folder");
        let store = FolderBlobStore::open(folder.path()).expect("open");
        let info = put(&store, &[b"one ", b"", b"two\0"]).await;
        assert_eq!(info.hash, blake3::hash(b"one two\0").to_hex().to_string());
        assert_eq!(info.size_bytes, 8);
        assert_eq!(store.stat(&info.hash).await.expect("stat"), Some(8));
        let read = async |offset, limit| store.read(&info.hash, offset, limit).await.expect("read");
        assert_eq!(read(0, 100).await, "one two\0");
        assert_eq!(read(4, 3).await, "two");
        assert_eq!(read(8, 3).await, "");
        assert_eq!(read(u64::MAX, 3).await, "");
        assert_eq!(put(&store, &[b"one two\0"]).await, info);
        assert_eq!(temporary_files(folder.path()), 0);
        store.remove(&info.hash).await.expect("remove");
        store
            .remove(&info.hash)
            .await
            .expect("remove what is not there");
        assert_eq!(store.stat(&info.hash).await.expect("stat"), None);
        let error = store.read(&info.hash, 0, 1).await.expect_err("gone");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn an_unfinished_or_wrong_blob_leaves_nothing() {
        let folder = tempfile::tempdir().expect("temp folder");
        let store = FolderBlobStore::open(folder.path()).expect("open");
        let mut writer = store.create().await.expect("writer");
        writer
            .write(Bytes::from_static(b"half"))
            .await
            .expect("write");
        drop(writer);
        let mut writer = store.create().await.expect("writer");
        writer
            .write(Bytes::from_static(b"other"))
            .await
            .expect("write");
        let announced = blake3::hash(b"announced").to_hex().to_string();
        let error = writer.finish(Some(&announced)).await.expect_err("differs");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(temporary_files(folder.path()), 0);
        assert_eq!(store.stat(&announced).await.expect("stat"), None);
    }

    #[tokio::test]
    async fn leftovers_of_a_killed_process_are_removed_on_open() {
        let folder = tempfile::tempdir().expect("temp folder");
        let store = FolderBlobStore::open(folder.path()).expect("open");
        let info = put(&store, &[b"kept"]).await;
        std::fs::write(folder.path().join(TEMPORARY_FOLDER).join("left"), "x").expect("write");
        let store = FolderBlobStore::open(folder.path()).expect("open again");
        assert_eq!(temporary_files(folder.path()), 0);
        assert_eq!(store.stat(&info.hash).await.expect("stat"), Some(4));
    }

    #[tokio::test]
    async fn only_a_hash_reaches_the_disk() {
        let folder = tempfile::tempdir().expect("temp folder");
        let store = FolderBlobStore::open(folder.path().join("blobs")).expect("open");
        std::fs::write(folder.path().join("canary"), "x").expect("write");
        let long = "a".repeat(65);
        let upper = "A".repeat(64);
        let multibyte = "é".repeat(32);
        for hash in [
            "",
            "../canary",
            "/etc/passwd",
            &long,
            &upper,
            &multibyte,
            "..%2fcanary",
        ] {
            assert_eq!(
                store.stat(hash).await.expect_err("stat").kind(),
                ErrorKind::Invalid
            );
            assert_eq!(
                store.read(hash, 0, 1).await.expect_err("read").kind(),
                ErrorKind::Invalid
            );
            assert_eq!(
                store.remove(hash).await.expect_err("remove").kind(),
                ErrorKind::Invalid
            );
        }
        assert!(folder.path().join("canary").exists());
    }
}
