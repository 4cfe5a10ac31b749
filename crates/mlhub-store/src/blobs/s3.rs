//! Whole blobs in a bucket: the key is `<prefix>/blobs/<hash>`.
//!
//! An object of S3 appears whole or not at all, at the end of a put or of a
//! multipart upload, so a blob goes straight to its key once its hash was
//! checked. Multipart uploads that are begun are written down first, and those
//! of a killed process are given up on the next start. Keys and answers of the
//! server never reach a user's message; in logs the credentials are blotted out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use mlhub_core::blob::{BlobEntry, BlobInfo};
use mlhub_core::{Error, ErrorKind, Result, Timestamp};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{HttpClient, HttpConnector};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path as Key;
use object_store::{
    ClientOptions, MultipartId, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
};

use super::s3_config::S3Config;
use super::staging::{Staging, make_folder};
use super::{Blobs, Hash, Place, blocking};
use crate::data_dir::io_error;

/// Bytes of a part of a multipart upload; a blob up to this size is put at once.
const PART_BYTES: u64 = 8 * 1024 * 1024;
/// Parts a multipart upload may have (a limit of S3).
const PARTS_MAX: u64 = 10_000;
/// Parts in memory at once.
const PARTS_AT_ONCE: usize = 3;
/// Sizes remembered.
const SIZES_MAX: usize = 1000;
/// Where begun multipart uploads are written down.
const MULTIPART_FOLDER: &str = "multipart";
/// Time to connect to the server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// Time a failing request is repeated for.
const RETRY_TIMEOUT: Duration = Duration::from_secs(20);
/// Times a failing request is repeated.
const RETRIES_MAX: usize = 4;

/// Whole blobs in a bucket.
pub struct S3 {
    store: AmazonS3,
    config: Arc<S3Config>,
    /// Where begun multipart uploads are written down.
    begun: PathBuf,
    /// Sizes of blobs that were read lately: content under a hash never changes.
    sizes: Mutex<HashMap<Hash, u64>>,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Blobs<S3> {
    /// Opens the bucket; uploads wait in `staging` until they are whole. Gives
    /// up multipart uploads that an earlier process began, and asks the server
    /// once, so that a wrong key or bucket shows now.
    ///
    /// # Errors
    /// `Invalid` when the config cannot be used, `Unavailable` when the server
    /// does not answer as it should.
    pub async fn open(config: S3Config, staging: impl AsRef<Path>) -> Result<Self> {
        let staging = staging.as_ref();
        // Fails when one is installed already, and then that one is used.
        drop(rustls::crypto::ring::default_provider().install_default());
        let begun = staging.join(MULTIPART_FOLDER);
        make_folder(&begun).map_err(|error| io_error("open the blob folder", &begun, error))?;
        let s3 = S3 {
            store: build(&config)?,
            config: Arc::new(config),
            begun,
            sizes: Mutex::default(),
        };
        s3.list(None, 1).await?;
        s3.give_up_begun().await?;
        let folder = staging.to_owned();
        let staging = blocking("open the blob folder", move || Staging::open(&folder)).await?;
        Ok(Self::new(staging, s3))
    }
}

/// Makes connections that go to the named server and nowhere else.
#[derive(Debug)]
struct NoRedirects;

impl HttpConnector for NoRedirects {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build();
        let client = client.map_err(|error| object_store::Error::Generic {
            store: "S3",
            source: Box::new(error),
        })?;
        Ok(HttpClient::new(client))
    }
}

fn build(config: &S3Config) -> Result<AmazonS3> {
    let retry = RetryConfig {
        max_retries: RETRIES_MAX,
        retry_timeout: RETRY_TIMEOUT,
        ..RetryConfig::default()
    };
    let mut builder = AmazonS3Builder::new()
        .with_http_connector(NoRedirects)
        .with_retry(retry)
        .with_bucket_name(&config.bucket)
        .with_region(&config.region)
        .with_access_key_id(&config.access_key_id)
        .with_secret_access_key(&config.secret_access_key)
        .with_virtual_hosted_style_request(!config.path_style);
    if let Some(token) = &config.session_token {
        builder = builder.with_token(token);
    }
    if let Some(endpoint) = &config.endpoint {
        builder = builder
            .with_endpoint(endpoint)
            .with_allow_http(endpoint.starts_with("http://"));
    }
    builder.build().map_err(|_| {
        Error::invalid("the blob store's settings cannot be used; see docs/artifacts.md")
    })
}

/// What is written down of a multipart upload before its first part.
#[derive(serde::Serialize, serde::Deserialize)]
struct Begun {
    hash: String,
    upload: MultipartId,
}

impl S3 {
    fn key(&self, hash: &Hash) -> Key {
        Key::from_iter(self.parts().chain([hash.as_str()]))
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        let prefix = self
            .config
            .prefix
            .split('/')
            .filter(|part| !part.is_empty());
        prefix.chain(["blobs"])
    }

    fn failed(&self, operation: &'static str, error: &object_store::Error) -> Error {
        let mut cause = error.to_string();
        let secrets = [&self.config.secret_access_key, &self.config.access_key_id];
        for secret in secrets.into_iter().chain(&self.config.session_token) {
            cause = cause.replace(secret.as_str(), "***");
        }
        let message = match error {
            object_store::Error::PermissionDenied { .. }
            | object_store::Error::Unauthenticated { .. } => format!(
                "the blob store s3://{} refuses the hub's key; could not {operation}",
                self.config.bucket
            ),
            _ => format!(
                "the blob store s3://{} cannot be used now; could not {operation}. Try again later",
                self.config.bucket
            ),
        };
        Error::new(ErrorKind::Unavailable, message).with_source(cause)
    }

    async fn size(&self, hash: &Hash) -> Result<u64> {
        let known = |sizes: &Mutex<HashMap<Hash, u64>>| {
            sizes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(hash)
                .copied()
        };
        if let Some(size) = known(&self.sizes) {
            return Ok(size);
        }
        let size = self
            .stat(hash)
            .await?
            .ok_or_else(|| Error::not_found("blob", hash.as_str()))?;
        let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        if sizes.len() >= SIZES_MAX {
            sizes.clear();
        }
        sizes.insert(hash.clone(), size);
        Ok(size)
    }

    async fn give_up_begun(&self) -> Result<()> {
        let folder = self.begun.clone();
        let fail = |error| io_error("give up unfinished uploads", &self.begun, error);
        for entry in std::fs::read_dir(&folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            let begun: Option<Begun> = std::fs::read(&path)
                .ok()
                .and_then(|bytes| serde_json::from_slice(&bytes).ok());
            if let Some(begun) = begun
                && let Ok(hash) = Hash::parse(&begun.hash)
            {
                self.abort(&hash, &begun.upload).await?;
            }
            std::fs::remove_file(&path).map_err(fail)?;
        }
        Ok(())
    }

    async fn abort(&self, hash: &Hash, upload: &MultipartId) -> Result<()> {
        match self.store.abort_multipart(&self.key(hash), upload).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("give up an unfinished upload", &error)),
        }
    }

    async fn put_parts(&self, file: &Path, hash: &Hash, size: u64) -> Result<()> {
        let key = self.key(hash);
        let failed = |error| self.failed("store a blob", &error);
        let upload = self.store.create_multipart(&key).await.map_err(failed)?;
        let note = self.write_down(hash, &upload).await?;
        let part_bytes = PART_BYTES.max(size.div_ceil(PARTS_MAX));
        let parts = futures::stream::iter((0..size.div_ceil(part_bytes)).map(|index| {
            let (key, upload, file) = (&key, &upload, file.to_owned());
            async move {
                let bytes = read_part(file, index * part_bytes, part_bytes).await?;
                let put = self
                    .store
                    .put_part(key, upload, index as usize, PutPayload::from(bytes));
                put.await
                    .map_err(|error| self.failed("store a blob", &error))
            }
        }))
        .buffered(PARTS_AT_ONCE)
        .try_collect::<Vec<PartId>>();
        let stored = match parts.await {
            Ok(parts) => {
                let complete = self.store.complete_multipart(&key, &upload, parts).await;
                complete.map(drop).map_err(failed)
            }
            Err(error) => Err(error),
        };
        if stored.is_err()
            && let Err(error) = self.abort(hash, &upload).await
        {
            // It is written down, and the next start tries again.
            tracing::warn!(%error, "an unfinished upload stays in the bucket");
            return stored;
        }
        drop(std::fs::remove_file(note));
        stored
    }

    async fn write_down(&self, hash: &Hash, upload: &MultipartId) -> Result<PathBuf> {
        let folder = self.begun.clone();
        let begun = Begun {
            hash: hash.as_str().to_owned(),
            upload: upload.clone(),
        };
        blocking("store a blob", move || {
            let write = || -> std::io::Result<PathBuf> {
                let mut file = tempfile::Builder::new()
                    .suffix(".json")
                    .tempfile_in(&folder)?;
                serde_json::to_writer(&mut file, &begun)?;
                file.as_file().sync_all()?;
                Ok(file.into_temp_path().keep()?)
            };
            write().map_err(|error| io_error("store a blob", &folder, error))
        })
        .await
    }
}

async fn read_part(file: PathBuf, offset: u64, limit: u64) -> Result<Bytes> {
    blocking("store a blob", move || {
        super::folder::read_file(&file, offset, limit)
            .map(Bytes::from)
            .map_err(|error| io_error("read a blob", &file, error))
    })
    .await
}

#[async_trait]
impl Place for S3 {
    async fn land(&self, file: &Path, info: &BlobInfo) -> Result<()> {
        let hash = Hash::parse(&info.hash)?;
        if self.stat(&hash).await? == Some(info.size_bytes) {
            return Ok(());
        }
        if info.size_bytes > PART_BYTES {
            return self.put_parts(file, &hash, info.size_bytes).await;
        }
        let bytes = read_part(file.to_owned(), 0, PART_BYTES).await?;
        let put = self
            .store
            .put(&self.key(&hash), PutPayload::from(bytes))
            .await;
        put.map(drop)
            .map_err(|error| self.failed("store a blob", &error))
    }

    async fn stat(&self, hash: &Hash) -> Result<Option<u64>> {
        match self.store.head(&self.key(hash)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("look for a blob", &error)),
        }
    }

    async fn read(&self, hash: &Hash, offset: u64, limit: usize) -> Result<Bytes> {
        // Asked for past its end, S3 refuses; the contract says empty.
        let size = self.size(hash).await?;
        let end = offset.saturating_add(limit as u64).min(size);
        if offset >= end {
            return Ok(Bytes::new());
        }
        match self.store.get_range(&self.key(hash), offset..end).await {
            Ok(bytes) => Ok(bytes),
            Err(object_store::Error::NotFound { .. }) => {
                Err(Error::not_found("blob", hash.as_str()))
            }
            Err(error) => Err(self.failed("read a blob", &error)),
        }
    }

    async fn remove(&self, hash: &Hash) -> Result<()> {
        match self.store.delete(&self.key(hash)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("remove a blob", &error)),
        }
    }

    async fn list(&self, after: Option<&Hash>, limit: usize) -> Result<Vec<BlobEntry>> {
        let folder = Key::from_iter(self.parts());
        let mut listed = match after {
            Some(after) => self.store.list_with_offset(Some(&folder), &self.key(after)),
            None => self.store.list(Some(&folder)),
        };
        let mut found = Vec::new();
        while found.len() < limit {
            let next = listed.try_next().await;
            let Some(object) = next.map_err(|error| self.failed("list blobs", &error))? else {
                break;
            };
            let name = object.location.filename().unwrap_or_default();
            let Ok(hash) = Hash::parse(name) else {
                continue;
            };
            if self.key(&hash) == object.location {
                found.push(BlobEntry {
                    hash: name.to_owned(),
                    size_bytes: object.size,
                    stored_at: Timestamp(object.last_modified.timestamp_millis()),
                });
            }
        }
        Ok(found)
    }
}
