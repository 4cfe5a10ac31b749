//! Artifacts arriving: whole or not at all.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, header};
use bytes::Bytes;
use futures::StreamExt;
use serde_json::json;

use crate::hub::{TestHub, request};

async fn count(hub: &TestHub, run: &str) -> usize {
    let list = hub
        .get(&format!("/api/v1/runs/{run}/artifacts"))
        .await
        .json();
    list["artifacts"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_wrong_hash_is_refused_and_nothing_is_visible() {
    let hub = TestHub::local();
    let run = hub.running("run-hash").await;
    let right = blake3::hash(b"content").to_hex();
    for hash in ["0".repeat(64), "xyz".to_owned(), "..%2fx".to_owned()] {
        let stored = hub
            .upload(&run, &format!("path=a&hash={hash}"), b"content")
            .await;
        assert_eq!(stored.code(), 400, "{hash}");
    }
    assert_eq!(count(&hub, &run).await, 0);
    let url = format!("/api/v1/runs/{run}/artifacts/content?path=a");
    assert_eq!(hub.get(&url).await.code(), 404);
    let stored = hub
        .upload(&run, &format!("path=a&hash={right}"), b"content")
        .await;
    assert_eq!(stored.code(), 200);
    assert_eq!(stored.json()["hash"], right.as_str());
    assert_eq!(stored.json()["size_bytes"], 7);
}

#[tokio::test]
async fn an_upload_names_a_known_attempt_and_a_plain_kind() {
    let hub = TestHub::local();
    let run = hub.running("run-kind").await;
    for (query, expected) in [
        ("attempt=0&path=a", 404),
        ("attempt=2&path=a", 404),
        ("attempt=-1&path=a", 400),
        ("attempt=4294967296&path=a", 400),
        ("attempt=1", 400),
        ("attempt=1&path=a&kind=", 400),
        ("attempt=1&path=a&kind=..%2fx", 400),
        ("attempt=1&path=a&extra=1", 400),
        ("attempt=1&path=a&path=b", 400),
    ] {
        let path = format!("/api/v1/runs/{run}/artifacts/content?{query}");
        let stored = hub.bytes(Method::PUT, &path, b"x").await;
        assert_eq!(stored.code(), expected, "{query}");
    }
    assert_eq!(count(&hub, &run).await, 0);
}

#[tokio::test]
async fn the_same_content_uploaded_at_once_is_stored_under_each_path() {
    let hub = TestHub::local();
    let run = hub.running("run-same").await;
    let content = vec![7u8; 300_000];
    let queries: Vec<String> = (0..8).map(|index| format!("path=part/{index}")).collect();
    let uploads = queries
        .iter()
        .map(|query| hub.upload(&run, query, &content));
    for stored in futures::future::join_all(uploads).await {
        assert_eq!(stored.code(), 200);
    }
    assert_eq!(count(&hub, &run).await, 8);
    for query in queries {
        let url = format!("/api/v1/runs/{run}/artifacts/content?{query}");
        assert_eq!(hub.get(&url).await.body, content, "{query}");
    }
}

#[tokio::test]
async fn a_run_deleted_while_an_artifact_arrives_leaves_nothing() {
    let hub = TestHub::local();
    let run = hub.running("run-gone").await;
    let end = json!({"state": "failed", "ended_at": 9});
    assert_eq!(hub.attempt(&run, "finish", &end).await.code(), 200);
    let (mut sender, body) = body_by_hand();
    let upload = hub.send(upload_of(&run, body));
    let script = async {
        sender.send(Bytes::from_static(b"first")).await;
        purge(&hub, &run).await;
        sender.send(Bytes::from_static(b"second")).await;
        drop(sender);
    };
    let (stored, ()) = tokio::join!(upload, script);
    assert_eq!(stored.code(), 404, "{stored:?}");
    let blobs = hub.folder.path().join("hub/blobs");
    let hash = blake3::hash(b"firstsecond").to_hex().to_string();
    assert!(!files(&blobs).iter().any(|name| name.contains(&hash[4..])));
}

#[tokio::test]
async fn deleting_one_of_two_runs_keeps_the_content_they_share() {
    let hub = TestHub::local();
    for run in ["run-one", "run-two"] {
        hub.running(run).await;
        assert_eq!(hub.upload(run, "path=a", b"shared").await.code(), 200);
        let end = json!({"state": "failed", "ended_at": 9});
        assert_eq!(hub.attempt(run, "finish", &end).await.code(), 200);
    }
    purge(&hub, "run-one").await;
    let kept = hub
        .get("/api/v1/runs/run-two/artifacts/content?path=a")
        .await;
    assert_eq!(kept.body, "shared");
}

async fn purge(hub: &TestHub, run: &str) {
    let body = json!({"action": "purge", "runs": [run]});
    let done = hub.post("/api/v1/deletions", &body).await;
    assert_eq!((done.code(), &done.json()["done"]), (200, &json!(1)));
}

fn files(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path().to_string_lossy().into_owned());
        }
    }
    found
}

struct ByHand(futures::channel::mpsc::Sender<Result<Bytes, std::io::Error>>);

impl ByHand {
    async fn send(&mut self, bytes: Bytes) {
        use futures::SinkExt;
        self.0.send(Ok(bytes)).await.unwrap();
    }
}

/// A body whose pieces are sent one by one; `send` waits until the piece before
/// was taken.
fn body_by_hand() -> (ByHand, Body) {
    let (sender, receiver) = futures::channel::mpsc::channel(0);
    (ByHand(sender), Body::from_stream(receiver))
}

fn upload_of(run: &str, body: Body) -> axum::http::Request<Body> {
    let path = format!("/api/v1/runs/{run}/artifacts/content?attempt=1&path=a");
    let mut asked = request(
        Method::PUT,
        &path,
        Some("application/octet-stream"),
        Vec::new(),
    );
    *asked.body_mut() = body;
    asked
}

#[tokio::test]
async fn a_body_cut_off_or_of_another_length_leaves_nothing() {
    let hub = TestHub::local();
    let run = hub.running("run-cut").await;
    let pieces = [
        Ok(Bytes::from_static(b"abc")),
        Err(std::io::Error::other("cut")),
    ];
    let body = Body::from_stream(futures::stream::iter(pieces));
    assert_eq!(hub.send(upload_of(&run, body)).await.code(), 400);
    let mut short = upload_of(&run, Body::from("abc"));
    short
        .headers_mut()
        .insert(header::CONTENT_LENGTH, "4".parse().unwrap());
    assert_eq!(hub.send(short).await.code(), 400);
    assert_eq!(count(&hub, &run).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_or_trickles_is_given_up() {
    let hub = TestHub::local();
    let run = hub.running("run-slow").await;
    let silent = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
    assert_eq!(hub.send(upload_of(&run, silent)).await.code(), 400);
    let started = tokio::time::Instant::now();
    let trickle = futures::stream::repeat(()).then(|()| async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        Ok::<_, std::io::Error>(Bytes::from_static(b"x"))
    });
    let trickle = hub.send(upload_of(&run, Body::from_stream(trickle))).await;
    assert_eq!(trickle.code(), 400);
    assert!(started.elapsed() < Duration::from_secs(130));
    assert_eq!(count(&hub, &run).await, 0);
    let mut json = request(
        Method::POST,
        "/api/v1/compare",
        Some("application/json"),
        vec![],
    );
    *json.body_mut() = Body::from_stream(futures::stream::repeat(()).then(|()| async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        Ok::<_, std::io::Error>(Bytes::from_static(b" "))
    }));
    assert_eq!(hub.send(json).await.code(), 400);
}

#[tokio::test]
async fn a_body_past_its_limit_is_refused_by_name() {
    let hub = TestHub::local();
    let run = hub.running("run-big").await;
    let five = vec![b' '; 5 * 1024 * 1024];
    assert_eq!(hub.raw("/api/v1/runs", five.clone()).await.code(), 413);
    let log = format!("/api/v1/runs/{run}/attempts/1/logs/stdout?offset=0");
    let answer = hub.bytes(Method::POST, &log, &five).await;
    assert_eq!(answer.code(), 413);
    assert!(
        answer.json()["detail"]
            .as_str()
            .unwrap()
            .contains("4194304")
    );
}
