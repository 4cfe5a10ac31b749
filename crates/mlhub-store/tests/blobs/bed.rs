//! Where a case runs: a folder, or a bucket of a server of its own.

use std::sync::Arc;

use mlhub_core::blob::{BlobStore, UploadRecord};
use mlhub_core::{Timestamp, UserId};
use mlhub_store::{FolderBlobStore, S3BlobStore, S3Config};

use super::s3_server::{BUCKET, KEY, SECRET, Server};

impl Server {
    pub(crate) fn config(&self) -> S3Config {
        S3Config {
            bucket: BUCKET.to_owned(),
            prefix: "team/a".to_owned(),
            endpoint: Some(self.url.clone()),
            region: "us-east-1".to_owned(),
            access_key_id: KEY.to_owned(),
            secret_access_key: SECRET.to_owned(),
            session_token: None,
            path_style: true,
        }
    }
}

pub(crate) struct Bed {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) server: Option<Server>,
}

impl Bed {
    pub(crate) fn folder() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            server: None,
        }
    }

    pub(crate) async fn s3() -> Self {
        Self {
            server: Some(Server::start().await),
            ..Self::folder()
        }
    }

    /// The store as a new process would open it.
    pub(crate) async fn open(&self) -> Arc<dyn BlobStore> {
        match &self.server {
            None => Arc::new(FolderBlobStore::open(self.folder.path()).expect("opens")),
            Some(server) => Arc::new(
                S3BlobStore::open(server.config(), self.folder.path())
                    .await
                    .expect("opens"),
            ),
        }
    }

    /// Files in the staging folder, by their folder in it.
    pub(crate) fn staged(&self, folder: &str) -> usize {
        std::fs::read_dir(self.folder.path().join(folder))
            .expect("a folder")
            .count()
    }
}

pub(crate) fn hash(content: &[u8]) -> String {
    blake3::hash(content).to_hex().to_string()
}

/// Bytes that look alike nowhere.
pub(crate) fn noise(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    blake3::Hasher::new()
        .update(&size.to_le_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

pub(crate) fn record(id: &str, size_bytes: u64, hash: Option<String>) -> UploadRecord {
    UploadRecord {
        id: id.parse().expect("an id"),
        owner: UserId("ann".to_owned()),
        size_bytes,
        hash,
        created_at: Timestamp(7),
    }
}
