//! The staging folder: what is being written and has no hash yet.
//!
//! `tmp/` holds files of this process alone and is emptied on open; `uploads/`
//! (see [`super::upload`]) survives a restart. One process owns the folder (see
//! `DataDir`).

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use bytes::Bytes;
use mlhub_core::blob::BlobInfo;
use mlhub_core::{Error, ErrorKind, Result, UploadId, limits};
use tempfile::{NamedTempFile, TempPath};

use super::blocking;
use super::upload::Upload;
use crate::data_dir::io_error;

/// Where blobs are written before they have a hash.
pub(super) const TEMPORARY_FOLDER: &str = "tmp";
/// Where uploads wait until they are whole.
const UPLOADS_FOLDER: &str = "uploads";

/// The folder and the uploads in it.
#[derive(Debug)]
pub(super) struct Staging {
    root: PathBuf,
    pub(super) uploads: Mutex<BTreeMap<UploadId, Upload>>,
}

impl Staging {
    /// Opens, or makes, the folder; what unfinished writes of an earlier
    /// process left is removed, and uploads are found again.
    pub(super) fn open(root: &Path) -> Result<Self> {
        let staging = Self {
            root: root.to_owned(),
            uploads: Mutex::default(),
        };
        let clear = || -> std::io::Result<()> {
            make_folder(&staging.temporary())?;
            make_folder(&staging.uploads_folder())?;
            for entry in std::fs::read_dir(staging.temporary())? {
                std::fs::remove_file(entry?.path())?;
            }
            Ok(())
        };
        clear().map_err(|error| io_error("open the blob folder", root, error))?;
        staging.find_uploads()?;
        Ok(staging)
    }

    pub(super) fn temporary(&self) -> PathBuf {
        self.root.join(TEMPORARY_FOLDER)
    }

    pub(super) fn uploads_folder(&self) -> PathBuf {
        self.root.join(UPLOADS_FOLDER)
    }
}

pub(super) fn make_folder(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A blob being written; dropping it removes the temporary file.
#[derive(Debug)]
pub(super) struct StagedWriter {
    file: NamedTempFile,
    hasher: blake3::Hasher,
    size_bytes: u64,
}

impl StagedWriter {
    pub(super) async fn create(staging: &Staging) -> Result<Self> {
        let folder = staging.temporary();
        blocking("create a blob", move || {
            let file = NamedTempFile::new_in(&folder)
                .map_err(|error| io_error("create a blob", &folder, error))?;
            Ok(Self {
                file,
                hasher: blake3::Hasher::new(),
                size_bytes: 0,
            })
        })
        .await
    }

    pub(super) async fn write(mut self, bytes: Bytes) -> Result<Self> {
        blocking("write a blob", move || {
            self.append(&bytes)?;
            Ok(self)
        })
        .await
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.size_bytes += bytes.len() as u64;
        if self.size_bytes > limits::ARTIFACT_MAX_BYTES {
            return Err(too_large());
        }
        self.file
            .write_all(bytes)
            .map_err(|error| io_error("write a blob", self.file.path(), error))?;
        self.hasher.update(bytes);
        Ok(())
    }

    /// Puts the bytes on disk; the file goes when the path is dropped.
    pub(super) async fn whole(self) -> Result<(TempPath, BlobInfo)> {
        blocking("store a blob", move || {
            self.file
                .as_file()
                .sync_all()
                .map_err(|error| io_error("store a blob", self.file.path(), error))?;
            let info = BlobInfo {
                hash: self.hasher.finalize().to_hex().to_string(),
                size_bytes: self.size_bytes,
            };
            Ok((self.file.into_temp_path(), info))
        })
        .await
    }
}

pub(super) fn too_large() -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!(
            "a blob may have at most {} bytes",
            limits::ARTIFACT_MAX_BYTES
        ),
    )
}
