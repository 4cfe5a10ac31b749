//! Backups as folders on this machine.
//!
//! ```text
//! manifest.json            what the backup holds; replaced last, atomically
//! records-<hash>.sqlite    the records (or .mlhub, from PostgreSQL)
//! blobs-<hash>.txt         every blob: hash, size
//! blobs/ab/<hash>          the blobs
//! ```
//! A folder holds one backup. Another one into the same folder brings only the
//! blobs it lacks, and the old one stands until the new one is whole.

mod restore;
mod verify;
mod write;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use mlhub_app::portable::{BACKUP_FORMAT, BACKUP_VERSION, BackupManifest, RecordsKind};

use crate::exit::{REFUSED, fail};

pub(crate) use restore::restore;
pub(crate) use verify::verify;
pub(crate) use write::write;

/// What says that a folder is a backup.
const MANIFEST: &str = "manifest.json";
/// Bytes of a manifest.
const MANIFEST_MAX_BYTES: u64 = 64 * 1024;
/// Bytes of the list of blobs: a hundred for each of ten million.
const LIST_MAX_BYTES: u64 = 1024 * 1024 * 1024;
/// Bytes copied at once.
const PIECE_BYTES: usize = 256 * 1024;
/// Digits of a hash in a file's name.
const NAME_DIGITS: usize = 16;

/// A backup's folder.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// The folder `path`, as it is.
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    fn manifest(&self) -> PathBuf {
        self.0.join(MANIFEST)
    }

    fn blob(&self, hash: &str) -> PathBuf {
        self.0.join("blobs").join(&hash[..2]).join(hash)
    }

    /// The manifest, when there is one.
    pub(crate) fn read_manifest(&self) -> anyhow::Result<Option<BackupManifest>> {
        let path = self.manifest();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(&path, &error)),
        };
        let mut text = Vec::new();
        let read = file.take(MANIFEST_MAX_BYTES).read_to_end(&mut text);
        read.map_err(|error| io(&path, &error))?;
        parse_manifest(&text)
            .map(Some)
            .map_err(|why| fail(REFUSED, format!("`{}`: {why}", path.display())))
    }

    /// Where the records of a manifest are.
    pub(crate) fn records(&self, manifest: &BackupManifest) -> PathBuf {
        let ending = match manifest.records.kind {
            RecordsKind::Sqlite => "sqlite",
            RecordsKind::Archive => "mlhub",
        };
        let hash = &manifest.records.hash[..NAME_DIGITS];
        self.0.join(format!("records-{hash}.{ending}"))
    }

    /// Where the list of blobs of a manifest is.
    fn list(&self, manifest: &BackupManifest) -> PathBuf {
        let hash = &manifest.blob_list_hash[..NAME_DIGITS];
        self.0.join(format!("blobs-{hash}.txt"))
    }

    /// The blobs of a manifest, checked against its hash.
    fn read_list(&self, manifest: &BackupManifest) -> anyhow::Result<Vec<(String, u64)>> {
        let path = self.list(manifest);
        let file = File::open(&path).map_err(|error| io(&path, &error))?;
        let mut text = Vec::new();
        let read = file.take(LIST_MAX_BYTES).read_to_end(&mut text);
        read.map_err(|error| io(&path, &error))?;
        parse_list(&text, manifest)
            .ok_or_else(|| fail(REFUSED, format!("the list `{}` is damaged", path.display())))
    }
}

/// Reads a manifest; says why not.
fn parse_manifest(text: &[u8]) -> Result<BackupManifest, String> {
    let foreign = || "this is no manifest of an mlhub backup".to_owned();
    let document: serde_json::Value = serde_json::from_slice(text).map_err(|_| foreign())?;
    if document["format"] != BACKUP_FORMAT {
        return Err(foreign());
    }
    if document["version"] != BACKUP_VERSION {
        return Err(format!(
            "the backup has version {}, and this program knows version {BACKUP_VERSION}; use a newer mlhub",
            document["version"]
        ));
    }
    let manifest: BackupManifest = serde_json::from_value(document).map_err(|_| foreign())?;
    let usable = [&manifest.records.hash, &manifest.blob_list_hash]
        .into_iter()
        .all(|hash| mlhub_core::portable::hash(hash).is_ok());
    match usable {
        true => Ok(manifest),
        false => Err(foreign()),
    }
}

/// Reads a list of blobs; `None` when it is not the one the manifest means.
fn parse_list(text: &[u8], manifest: &BackupManifest) -> Option<Vec<(String, u64)>> {
    if blake3::hash(text).to_hex().as_str() != manifest.blob_list_hash {
        return None;
    }
    std::str::from_utf8(text)
        .ok()?
        .lines()
        .map(|line| {
            let (hash, size) = line.split_once(' ')?;
            mlhub_core::portable::hash(hash).ok()?;
            Some((hash.to_owned(), size.parse().ok()?))
        })
        .collect()
}

/// Hash and size of a file.
fn hash_file(path: &Path, mut step: impl FnMut(u64)) -> anyhow::Result<(String, u64)> {
    let mut file = File::open(path).map_err(|error| io(path, &error))?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut size_bytes = 0;
    loop {
        let count = file.read(&mut piece).map_err(|error| io(path, &error))?;
        if count == 0 {
            return Ok((hasher.finalize().to_hex().to_string(), size_bytes));
        }
        hasher.update(&piece[..count]);
        size_bytes += count as u64;
        step(count as u64);
    }
}

/// Puts a folder's entries on disk.
fn sync(folder: &Path) -> anyhow::Result<()> {
    let synced = File::open(folder).and_then(|file| file.sync_all());
    synced.map_err(|error| io(folder, &error))
}

/// A failure at a path of the user's.
fn io(path: &Path, error: &std::io::Error) -> anyhow::Error {
    use std::io::ErrorKind;
    let hint = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; free some space and try again",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "; name a place this user may write to"
        }
        _ => "",
    };
    fail(
        crate::exit::DATA_DIR,
        format!("`{}`: {error}{hint}", path.display()),
    )
}

/// Whether a folder does not exist or has nothing in it.
fn is_empty(path: &Path) -> anyhow::Result<bool> {
    match std::fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(io(path, &error)),
    }
}
