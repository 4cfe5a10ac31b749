//! The hub under test and short ways to ask it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use mlhub_api::{ApiState, Authenticator, HostPolicy, HubIdentity};
use mlhub_app::{AdapterCatalog, AdapterDescription, Hub};
use mlhub_core::deletion::{HubDisk, NoDisk};
use mlhub_core::{Caller, Clock, Entropy, Timestamp};
use mlhub_store::{FolderBlobStore, SqliteStore};
use serde_json::{Value, json};
use tower::ServiceExt;

/// The name under which the hub of the tests answers.
pub(crate) const HOST: &str = "127.0.0.1:7777";
/// Tokens of the hub that asks for them.
pub(crate) const READER: &str = "reader-token";
pub(crate) const WRITER: &str = "writer-token";

/// A clock that moves one millisecond each time it is read.
struct TickingClock(AtomicI64);

impl Clock for TickingClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Different bytes each time, the same in every test run.
struct CountingEntropy(AtomicU64);

impl Entropy for CountingEntropy {
    fn bytes(&self) -> [u8; 16] {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        let hash = blake3::hash(&count.to_le_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_bytes()[..16]);
        bytes
    }
}

struct NoAdapters;

impl AdapterCatalog for NoAdapters {
    fn describe(&self) -> Vec<AdapterDescription> {
        Vec::new()
    }
}

pub(crate) struct TestHub {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) hub: Arc<Hub>,
    pub(crate) state: ApiState,
    pub(crate) router: Router,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The status, after checking that a refusal is a well-formed problem.
    pub(crate) fn code(&self) -> u16 {
        let code = self.status.as_u16();
        if code >= 400 {
            assert_eq!(
                self.header("content-type"),
                "application/problem+json",
                "{self:?}"
            );
            let problem = self.json();
            assert_eq!(problem["status"], code, "{problem}");
            assert!(!problem["detail"].as_str().unwrap().is_empty(), "{problem}");
        }
        code
    }
}

impl TestHub {
    /// A hub of the one local user.
    pub(crate) fn local() -> Self {
        Self::new(Authenticator::Local(Caller::local("ann")))
    }

    /// A hub that asks for tokens.
    pub(crate) fn with_tokens() -> Self {
        let line = |name: &str, role: &str, token: &str| {
            format!(
                "{name} {role} {}\n",
                blake3::hash(token.as_bytes()).to_hex()
            )
        };
        let text = line("ray", "reader", READER) + &line("wil", "writer", WRITER);
        Self::new(Authenticator::from_token_file(&text).unwrap())
    }

    /// A hub of the one local user with files of its own.
    pub(crate) fn with_disk(disk: Arc<dyn HubDisk>) -> Self {
        Self::over(Authenticator::Local(Caller::local("ann")), disk)
    }

    fn new(authenticator: Authenticator) -> Self {
        Self::over(authenticator, Arc::new(NoDisk))
    }

    fn over(authenticator: Authenticator, disk: Arc<dyn HubDisk>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("hub");
        std::fs::create_dir(&data).unwrap();
        let hub = Hub::new(
            Arc::new(SqliteStore::open(&data).unwrap()),
            Arc::new(FolderBlobStore::open(data.join("blobs")).unwrap()),
            Arc::new(TickingClock(AtomicI64::new(1_700_000_000_000))),
            Arc::new(CountingEntropy(AtomicU64::new(1))),
            Arc::new(NoAdapters),
        );
        let hub = Arc::new(hub.with_disk(disk));
        let state = ApiState {
            hub: Arc::clone(&hub),
            authenticator: Arc::new(authenticator),
            hosts: Arc::new(HostPolicy::new(7777, &[])),
            identity: Arc::new(HubIdentity {
                version: "0.0.0".to_owned(),
                store: "sqlite".to_owned(),
                host: "testhost".to_owned(),
            }),
        };
        Self {
            folder,
            hub,
            router: mlhub_api::router(state.clone()),
            state,
        }
    }

    /// The answer, its body not read.
    pub(crate) async fn open(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.open(request).await.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path, None, Vec::new()))
            .await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.raw(path, serde_json::to_vec(body).unwrap()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        let (json, body) = (Some("application/json"), serde_json::to_vec(body).unwrap());
        self.send(request(Method::PUT, path, json, body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(request(Method::DELETE, path, None, Vec::new()))
            .await
    }

    /// Posts bytes declared as JSON.
    pub(crate) async fn raw(&self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        let json = Some("application/json");
        self.send(request(Method::POST, path, json, body.into()))
            .await
    }

    pub(crate) async fn bytes(&self, method: Method, path: &str, body: &[u8]) -> Answer {
        let stream = Some("application/octet-stream");
        self.send(request(method, path, stream, body.to_vec()))
            .await
    }

    pub(crate) async fn upload(&self, run: &str, query: &str, body: &[u8]) -> Answer {
        let path = format!("/api/v1/runs/{run}/artifacts/content?attempt=1&{query}");
        self.bytes(Method::PUT, &path, body).await
    }

    /// Makes a queued run and returns its id.
    pub(crate) async fn run(&self, id: &str) -> String {
        let made = self.post("/api/v1/runs", &creation(&[id])).await;
        assert_eq!(made.code(), 201, "{made:?}");
        id.to_owned()
    }

    /// Makes a run whose first attempt is running.
    pub(crate) async fn running(&self, id: &str) -> String {
        self.run(id).await;
        let started = self.attempt(id, "start", &json!({"started_at": 5})).await;
        assert_eq!(started.code(), 200, "{started:?}");
        id.to_owned()
    }

    /// A supervisor's call for the first attempt.
    pub(crate) async fn attempt(&self, run: &str, call: &str, body: &Value) -> Answer {
        self.post(&format!("/api/v1/runs/{run}/attempts/1/{call}"), body)
            .await
    }
}

/// The body that makes runs of these ids.
pub(crate) fn creation(ids: &[&str]) -> Value {
    let runs: Vec<Value> = ids
        .iter()
        .enumerate()
        .map(|(seed, id)| json!({"id": id, "seed": seed}))
        .collect();
    json!({"project": "p", "experiment": "e", "snapshot": {"version": 1}, "runs": runs})
}

/// A request under the hub's own name.
pub(crate) fn request(
    method: Method,
    path: &str,
    content_type: Option<&str>,
    body: Vec<u8>,
) -> Request<Body> {
    let mut builder = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, HOST);
    if let Some(content_type) = content_type {
        builder = builder.header(header::CONTENT_TYPE, content_type);
    }
    builder.body(Body::from(body)).unwrap()
}

/// Percent-encodes every byte, as a client would at most.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
