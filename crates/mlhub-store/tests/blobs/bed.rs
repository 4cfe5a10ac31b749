//! Where a case runs: a folder, or a bucket of a server of its own.

use std::path::PathBuf;
use std::sync::Arc;

use hyper_util::rt::{TokioExecutor, TokioIo};
use mlhub_core::blob::{BlobStore, UploadRecord};
use mlhub_core::{Timestamp, UserId};
use mlhub_store::{FolderBlobStore, S3BlobStore, S3Config};
use tokio::net::TcpListener;

pub(crate) const SECRET: &str = "secret-of-the-test";
const BUCKET: &str = "bucket-of-the-test";

/// An S3 server; it ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) url: String,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
        let files = s3s_fs::FileSystem::new(folder.path()).expect("a file system");
        let mut builder = s3s::service::S3ServiceBuilder::new(files);
        builder.set_auth(s3s::auth::SimpleAuth::from_single("key", SECRET));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    // A client that goes away is its own business.
                    drop(server.serve_connection(TokioIo::new(socket), service).await);
                });
            }
        });
        Self { folder, url }
    }

    pub(crate) fn config(&self) -> S3Config {
        S3Config {
            bucket: BUCKET.to_owned(),
            prefix: "team/a".to_owned(),
            endpoint: Some(self.url.clone()),
            region: "us-east-1".to_owned(),
            access_key_id: "key".to_owned(),
            secret_access_key: SECRET.to_owned(),
            session_token: None,
            path_style: true,
        }
    }

    pub(crate) fn bucket(&self) -> PathBuf {
        self.folder.path().join(BUCKET)
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
