//! Whole blobs in a folder, by BLAKE3 hash: `ab/cd/abcd...`.
//!
//! A blob arrives as a synced file on the same file system and is linked and
//! renamed to its place, so it is there whole or not at all. Links below the folder are
//! nobody's blobs: none is followed. (What a hard link leads to is told by the hash.)

use std::fs::File;
use std::io::{ErrorKind as Io, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use mlhub_core::blob::{BlobEntry, BlobInfo};
use mlhub_core::{Error, Result};

use super::staging::{Staging, make_folder};
use super::upload::timestamp;
use super::{Blobs, Hash, Place, blocking};
use crate::data_dir::io_error;

/// Whole blobs in a folder.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Blobs<Folder> {
    /// Opens, or makes, the folder; what unfinished writes of an earlier
    /// process left is removed, uploads under way are found again. One process
    /// owns the folder (see `DataDir`).
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let root = folder.as_ref().to_owned();
        Ok(Self::new(Staging::open(&root)?, Folder { root }))
    }
}

impl Folder {
    fn place(&self, hash: &Hash) -> PathBuf {
        let hash = hash.as_str();
        self.root.join(&hash[..2]).join(&hash[2..4]).join(hash)
    }

    /// Refuses a place that a link leads to.
    fn check_folders(&self, place: &Path) -> std::io::Result<()> {
        let above = place.ancestors().skip(1);
        for folder in above.take_while(|above| *above != self.root) {
            if folder.is_symlink() {
                let why = format!("`{}` is a link, and none is followed", folder.display());
                return Err(std::io::Error::new(Io::NotADirectory, why));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Place for Folder {
    async fn land(&self, file: &Path, info: &BlobInfo) -> Result<()> {
        let place = self.place(&Hash::parse(&info.hash)?);
        let (of, file) = (self.clone(), file.to_owned());
        blocking("store a blob", move || {
            let put = || -> std::io::Result<()> {
                let folder = place.parent().unwrap_or(&of.root);
                of.check_folders(&place)?;
                make_synced(folder, &of.root)?;
                // A name of its own in the same folder; the rename then replaces
                // what is there, which heals a blob whose bytes have rotted.
                let name = tempfile::Builder::new()
                    .prefix(".landing-")
                    .make_in(folder, |to| {
                        std::fs::hard_link(&file, to).or_else(|_| copy_synced(&file, to))
                    })?;
                name.into_temp_path().persist(&place)?;
                File::open(folder)?.sync_all()
            };
            put().map_err(|error| io_error("store a blob", &place, error))
        })
        .await
    }

    async fn stat(&self, hash: &Hash) -> Result<Option<u64>> {
        let (of, place) = (self.clone(), self.place(hash));
        blocking("look for a blob", move || {
            if of.check_folders(&place).is_err() {
                return Ok(None);
            }
            match std::fs::symlink_metadata(&place) {
                Ok(metadata) if metadata.is_file() => Ok(Some(metadata.len())),
                Ok(_) => Ok(None),
                Err(error) if error.kind() == Io::NotFound => Ok(None),
                Err(error) => Err(io_error("look for a blob", &place, error)),
            }
        })
        .await
    }

    async fn read(&self, hash: &Hash, offset: u64, limit: usize) -> Result<Bytes> {
        let (of, place) = (self.clone(), self.place(hash));
        let hash = hash.clone();
        blocking("read a blob", move || {
            let read = of
                .check_folders(&place)
                .and_then(|()| read_file(&place, offset, limit as u64));
            match read {
                Ok(bytes) => Ok(bytes.into()),
                Err(error) if matches!(error.kind(), Io::NotFound | Io::NotADirectory) => {
                    Err(Error::not_found("blob", hash.as_str()))
                }
                Err(error) => Err(io_error("read a blob", &place, error)),
            }
        })
        .await
    }

    async fn remove(&self, hash: &Hash) -> Result<()> {
        let (of, place) = (self.clone(), self.place(hash));
        blocking("remove a blob", move || {
            if of.check_folders(&place).is_err() {
                return Ok(());
            }
            // Of a link, the link itself.
            match std::fs::remove_file(&place) {
                Err(error) if error.kind() != Io::NotFound => {
                    Err(io_error("remove a blob", &place, error))
                }
                _ => Ok(()),
            }
        })
        .await
    }

    async fn list(&self, after: Option<&Hash>, limit: usize) -> Result<Vec<BlobEntry>> {
        let (root, after) = (self.root.clone(), after.cloned());
        blocking("list blobs", move || {
            list(&root, after.as_ref().map_or("", Hash::as_str), limit)
                .map_err(|error| io_error("list blobs", &root, error))
        })
        .await
    }
}

/// Reads a part of a plain file; a link is not followed.
pub(super) fn read_file(place: &Path, offset: u64, limit: u64) -> std::io::Result<Vec<u8>> {
    if place.is_symlink() {
        return Err(std::io::Error::from(Io::NotFound));
    }
    // One that is put there right now is refused by the system.
    let mut file = open_plain(place)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(std::io::Error::from(Io::NotFound));
    }
    let size = metadata.len();
    if offset >= size {
        return Ok(Vec::new());
    }
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::with_capacity(limit.min(size - offset) as usize);
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(unix)]
fn open_plain(place: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    // Opening a pipe must not wait for its other end.
    let flags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits();
    let mut options = std::fs::OpenOptions::new();
    options.read(true).custom_flags(flags.cast_signed());
    options.open(place)
}

#[cfg(not(unix))]
fn open_plain(place: &Path) -> std::io::Result<File> {
    File::open(place)
}

/// For file systems without hard links.
fn copy_synced(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut source = File::open(from)?;
    let mut copy = File::create_new(to)?;
    std::io::copy(&mut source, &mut copy)?;
    copy.sync_all()
}

/// Names in a folder below the root, sorted; none when it is no folder, or a link to one.
fn names_below(folder: &Path) -> std::io::Result<Vec<String>> {
    match folder.is_symlink() {
        true => Ok(Vec::new()),
        false => names(folder),
    }
}

/// Names in a folder, sorted; none when it is not a folder.
fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), Io::NotFound | Io::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        if let Ok(name) = entry?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn list(root: &Path, after: &str, limit: usize) -> std::io::Result<Vec<BlobEntry>> {
    let mut found = Vec::new();
    let start = |depth: usize| after.get(..depth).unwrap_or_default().to_owned();
    for first in names(root)?
        .into_iter()
        .filter(|name| name.len() == 2 && **name >= *start(2))
    {
        for second in names_below(&root.join(&first))? {
            let folder = root.join(&first).join(&second);
            let prefix = format!("{first}{second}");
            if prefix < start(4) {
                continue;
            }
            for name in names_below(&folder)? {
                if name.as_str() <= after
                    || !name.starts_with(&prefix)
                    || Hash::parse(&name).is_err()
                {
                    continue;
                }
                // It may have been removed since it was listed.
                let Ok(data) = std::fs::symlink_metadata(folder.join(&name)) else {
                    continue;
                };
                if !data.is_file() {
                    continue;
                }
                if found.len() == limit {
                    return Ok(found);
                }
                found.push(BlobEntry {
                    hash: name,
                    size_bytes: data.len(),
                    stored_at: timestamp(data.modified()?),
                });
            }
        }
    }
    Ok(found)
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

#[cfg(test)]
mod tests {
    use mlhub_core::ErrorKind;
    use mlhub_core::blob::BlobStore as _;

    use super::*;
    use crate::blobs::FolderBlobStore;
    use crate::blobs::staging::TEMPORARY_FOLDER;

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

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_in_the_folder_is_not_followed() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().expect("temp folder");
        let root = folder.path().join("blobs");
        let store = FolderBlobStore::open(&root).expect("open");
        let file = put(&store, &[b"of the store"]).await;
        let whole = put(&store, &[b"in a folder that is swapped"]).await;
        let outside = folder.path().join("outside");
        std::fs::create_dir(&outside).expect("a folder");
        std::fs::write(outside.join("canary"), "of the store").expect("written");
        let place = |info: &BlobInfo| {
            let hash = &info.hash;
            root.join(&hash[..2]).join(&hash[2..4]).join(hash)
        };
        std::fs::remove_file(place(&file)).expect("removed");
        symlink(outside.join("canary"), place(&file)).expect("linked");
        let above = place(&whole).parent().expect("a folder").to_owned();
        std::fs::rename(&above, outside.join("moved")).expect("moved");
        symlink(outside.join("moved"), &above).expect("linked");
        for info in [&file, &whole] {
            let read = store.read(&info.hash, 0, 100).await.expect_err("a link");
            assert_eq!(read.kind(), ErrorKind::NotFound);
            assert_eq!(store.stat(&info.hash).await.expect("stat"), None);
            store.remove(&info.hash).await.expect("removed");
        }
        assert_eq!(store.list(None, 10).await.expect("list"), []);
        let read = std::fs::read(outside.join("canary")).expect("still there");
        assert_eq!(read, b"of the store");
        assert!(outside.join("moved").join(&whole.hash).exists());
        // It is stored beside the link, never through it.
        assert_eq!(put(&store, &[b"of the store"]).await, file);
        assert_eq!(store.stat(&file.hash).await.expect("stat"), Some(12));
        let mut writer = store.create().await.expect("writer");
        let bytes = Bytes::from_static(b"in a folder that is swapped");
        writer.write(bytes).await.expect("write");
        writer.finish(None).await.expect_err("a link");
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
