//! An S3 server of the test's own: `s3s-fs`, which keeps objects as files, speaks
//! S3 over HTTP and checks every signature.

use std::path::PathBuf;

use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

/// The key that opens it.
pub(crate) const KEY: &str = "key";
/// The secret half of the key.
pub(crate) const SECRET: &str = "secret-of-the-test";
/// Its one bucket.
pub(crate) const BUCKET: &str = "bucket-of-the-test";

/// A server; it ends with the runtime it was started on.
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
        builder.set_auth(s3s::auth::SimpleAuth::from_single(KEY, SECRET));
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

    pub(crate) fn bucket(&self) -> PathBuf {
        self.folder.path().join(BUCKET)
    }
}
