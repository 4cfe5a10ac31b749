//! Uploads that resume: what is acknowledged, refused, visible and reclaimed.

use axum::body::Body;
use axum::http::Method;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::hub::{Answer, TestHub, request};

fn hash(content: &[u8]) -> String {
    blake3::hash(content).to_hex().to_string()
}

async fn begin(hub: &TestHub, content: &[u8]) -> Value {
    let body = json!({"size_bytes": content.len(), "hash": hash(content)});
    let begun = hub.post("/api/v1/uploads", &body).await;
    assert_eq!(begun.code(), 200, "{begun:?}");
    begun.json()
}

async fn part(hub: &TestHub, id: &Value, offset: usize, bytes: &[u8]) -> Answer {
    let id = id.as_str().unwrap();
    let path = format!("/api/v1/uploads/{id}?offset={offset}&hash={}", hash(bytes));
    hub.bytes(Method::PATCH, &path, bytes).await
}

async fn commit(hub: &TestHub, id: &Value, run: &str, path: &str) -> Answer {
    let id = id.as_str().unwrap();
    let body = json!({"run": run, "attempt": 1, "path": path, "kind": "model"});
    hub.post(&format!("/api/v1/uploads/{id}/commit"), &body)
        .await
}

async fn artifacts(hub: &TestHub, run: &str) -> Vec<Value> {
    let list = hub.get(&format!("/api/v1/runs/{run}/artifacts")).await;
    list.json()["artifacts"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_upload_goes_on_after_a_cut_and_is_visible_when_committed() {
    let hub = TestHub::local();
    let run = hub.running("run-resume").await;
    let content = b"0123456789";
    let begun = begin(&hub, content).await;
    assert_eq!(
        (&begun["offset"], &begun["present"]),
        (&json!(0), &json!(false))
    );
    let id = &begun["id"];
    assert_eq!(part(&hub, id, 0, b"0123").await.json()["offset"], 4);
    // The client died and begins again: it is told where it was.
    assert_eq!(begin(&hub, content).await["id"], *id);
    let url = format!("/api/v1/uploads/{}", id.as_str().unwrap());
    let state = hub.get(&url).await;
    assert_eq!(state.header("mlhub-upload-offset"), "4");
    let head = hub
        .send(request(Method::HEAD, &url, None, Vec::new()))
        .await;
    assert_eq!(head.header("mlhub-upload-offset"), "4");

    let misaligned = part(&hub, id, 3, b"3456789").await;
    assert_eq!(misaligned.code(), 409);
    assert_eq!(misaligned.json()["details"]["expected"], 4);
    let early = commit(&hub, id, &run, "m").await;
    assert_eq!(
        (early.code(), &early.json()["details"]["expected"]),
        (409, &json!(4))
    );
    assert!(artifacts(&hub, &run).await.is_empty());

    assert_eq!(part(&hub, id, 4, b"456789").await.code(), 200);
    let stored = commit(&hub, id, &run, "m").await;
    assert_eq!(stored.code(), 200, "{stored:?}");
    assert_eq!(stored.json()["artifact"]["hash"], hash(content));
    assert_eq!(stored.json()["artifact"]["kind"], "model");
    assert_eq!(hub.get(&url).await.code(), 404, "its space is given back");
    let read = format!("/api/v1/runs/{run}/artifacts/content?path=m");
    assert_eq!(hub.get(&read).await.body, &content[..]);

    // The answer was lost: the client begins again, and nothing is sent twice.
    let again = begin(&hub, content).await;
    assert_eq!(
        (&again["present"], &again["id"]),
        (&json!(true), &Value::Null)
    );
    let bind = json!({"attempt": 1, "path": "m", "hash": hash(content), "size_bytes": 10});
    let bound = hub
        .post(&format!("/api/v1/runs/{run}/artifacts"), &bind)
        .await;
    assert_eq!(bound.code(), 200);
    assert_eq!(artifacts(&hub, &run).await.len(), 1);
}

#[tokio::test]
async fn a_cut_part_counts_as_far_as_it_came_or_not_at_all() {
    let hub = TestHub::local();
    let begun = begin(&hub, b"0123456789").await;
    let url = format!("/api/v1/uploads/{}", begun["id"].as_str().unwrap());
    let cut = |query: String| {
        let pieces = [
            Ok(Bytes::from_static(b"012")),
            Err(std::io::Error::other("cut")),
        ];
        let stream = Some("application/octet-stream");
        let mut asked = request(Method::PATCH, &format!("{url}?{query}"), stream, Vec::new());
        *asked.body_mut() = Body::from_stream(futures::stream::iter(pieces));
        hub.send(asked)
    };
    let whole = hash(b"0123456789");
    assert_eq!(cut(format!("offset=0&hash={whole}")).await.code(), 400);
    assert_eq!(hub.get(&url).await.json()["offset"], 0);
    assert_eq!(cut("offset=0".to_owned()).await.code(), 400);
    assert_eq!(hub.get(&url).await.json()["offset"], 3);
    let flipped = format!("{url}?offset=3&hash={}", hash(b"3456789"));
    let answer = hub.bytes(Method::PATCH, &flipped, b"345678x").await;
    assert_eq!(answer.code(), 400);
    assert_eq!(hub.get(&url).await.json()["offset"], 3);
}

#[tokio::test]
async fn lies_about_size_and_hash_are_refused_and_leave_nothing() {
    let hub = TestHub::local();
    let run = hub.running("run-lies").await;
    for (size, code) in [
        ("5497558138880", 413),
        ("18446744073709551615", 413),
        ("-1", 400),
    ] {
        let body = format!("{{\"size_bytes\": {size}}}");
        assert_eq!(
            hub.raw("/api/v1/uploads", body).await.code(),
            code,
            "{size}"
        );
    }
    for bad in ["", "x", "../../etc/passwd", &"A".repeat(64)] {
        let body = json!({"size_bytes": 1, "hash": bad});
        assert_eq!(
            hub.post("/api/v1/uploads", &body).await.code(),
            400,
            "{bad}"
        );
    }
    // More bytes than announced.
    let begun = begin(&hub, b"abc").await;
    assert_eq!(part(&hub, &begun["id"], 0, b"abcd").await.code(), 413);
    // Other bytes than announced.
    assert_eq!(part(&hub, &begun["id"], 0, b"xyz").await.code(), 200);
    let lying = commit(&hub, &begun["id"], &run, "m").await;
    assert_eq!(lying.code(), 400);
    assert!(
        lying.json()["detail"]
            .as_str()
            .unwrap()
            .contains(&hash(b"abc"))
    );
    let known = json!({"hashes": [hash(b"abc"), hash(b"xyz")]});
    let present = hub.post("/api/v1/blobs/present", &known).await;
    assert_eq!(present.json()["hashes"], json!([]));
    assert!(artifacts(&hub, &run).await.is_empty());
    // A hash whose content nobody sent, and the right one with a wrong size.
    assert_eq!(hub.upload(&run, "path=real", b"real").await.code(), 200);
    for (hash, size) in [(hash(b"unknown"), 4), (hash(b"real"), 5)] {
        let bind = json!({"attempt": 1, "path": "m", "hash": hash, "size_bytes": size});
        let bound = hub
            .post(&format!("/api/v1/runs/{run}/artifacts"), &bind)
            .await;
        assert_eq!(bound.code(), 404, "{size}");
    }
}

#[tokio::test]
async fn a_commit_names_a_known_run_a_plain_path_and_a_plain_kind() {
    let hub = TestHub::local();
    let run = hub.running("run-commit").await;
    let begun = begin(&hub, b"").await;
    let url = format!("/api/v1/uploads/{}/commit", begun["id"].as_str().unwrap());
    for (body, code) in [
        (json!({"run": run, "attempt": 1, "path": "../x"}), 400),
        (
            json!({"run": run, "attempt": 1, "path": "/etc/passwd"}),
            400,
        ),
        (
            json!({"run": run, "attempt": 1, "path": "a", "kind": "../x"}),
            400,
        ),
        (json!({"run": run, "attempt": 2, "path": "a"}), 404),
        (json!({"run": run, "attempt": 0, "path": "a"}), 404),
        (
            json!({"run": "no-such-run", "attempt": 1, "path": "a"}),
            404,
        ),
        (
            json!({"run": run, "attempt": 1, "path": "a", "hash": hash(b"other")}),
            400,
        ),
        (
            json!({"run": run, "attempt": 1, "path": "a", "extra": 1}),
            400,
        ),
    ] {
        assert_eq!(hub.post(&url, &body).await.code(), code, "{body}");
    }
    let empty = commit(&hub, &begun["id"], &run, "empty").await;
    assert_eq!(empty.code(), 200, "no bytes are a content too");
    let read = format!("/api/v1/runs/{run}/artifacts/content?path=empty");
    let read = hub.get(&read).await;
    assert_eq!((read.code(), read.body.len()), (200, 0));
    let unannounced = hub.post("/api/v1/uploads", &json!({"size_bytes": 0})).await;
    let nameless = commit(&hub, &unannounced.json()["id"], &run, "x").await;
    assert_eq!(nameless.code(), 400);
    assert!(
        nameless.json()["detail"]
            .as_str()
            .unwrap()
            .contains("`hash` is needed")
    );
}

#[tokio::test]
async fn a_second_writer_is_told_so_and_an_upload_can_be_given_up() {
    let hub = TestHub::local();
    let begun = begin(&hub, b"0123456789").await;
    let url = format!("/api/v1/uploads/{}", begun["id"].as_str().unwrap());
    let (mut sender, receiver) = futures::channel::mpsc::channel(0);
    let mut slow = request(
        Method::PATCH,
        &format!("{url}?offset=0"),
        Some("application/octet-stream"),
        Vec::new(),
    );
    *slow.body_mut() = Body::from_stream(receiver);
    let script = async {
        use futures::SinkExt;
        for piece in ["01", "23"] {
            let piece = Ok::<_, std::io::Error>(Bytes::from(piece));
            sender.send(piece).await.unwrap();
        }
        // The first piece is taken, so the part is under way.
        let second = part(&hub, &begun["id"], 0, b"0123456789").await;
        assert_eq!(second.code(), 409);
        assert_eq!(second.json()["details"]["busy"], true);
        let gone = hub
            .send(request(Method::DELETE, &url, None, Vec::new()))
            .await;
        assert_eq!(gone.code(), 409);
        drop(sender);
    };
    let (first, ()) = tokio::join!(hub.send(slow), script);
    assert_eq!(first.json()["offset"], 4);
    let gone = hub
        .send(request(Method::DELETE, &url, None, Vec::new()))
        .await;
    assert_eq!(gone.status, 204);
    assert_eq!(hub.get(&url).await.code(), 404);
    let left = std::fs::read_dir(hub.folder.path().join("hub/blobs/uploads")).unwrap();
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn known_contents_are_told_in_bulk_within_a_limit() {
    let hub = TestHub::local();
    let run = hub.running("run-bulk").await;
    for content in ["a", "b"] {
        let path = format!("path={content}");
        assert_eq!(
            hub.upload(&run, &path, content.as_bytes()).await.code(),
            200
        );
    }
    let asked = json!({"hashes": [hash(b"b"), hash(b"never"), hash(b"a"), hash(b"b")]});
    let present = hub.post("/api/v1/blobs/present", &asked).await;
    assert_eq!(
        present.json()["hashes"],
        json!([hash(b"b"), hash(b"a"), hash(b"b")])
    );
    let many = json!({"hashes": vec![hash(b"x"); 10_001]});
    assert_eq!(hub.post("/api/v1/blobs/present", &many).await.code(), 413);
    let wrong = json!({"hashes": ["../x"]});
    assert_eq!(hub.post("/api/v1/blobs/present", &wrong).await.code(), 400);
}

#[tokio::test]
async fn inputs_are_noted_listed_and_found_from_the_other_end() {
    let hub = TestHub::local();
    let source = hub.running("run-source").await;
    let user = hub.running("run-user").await;
    assert_eq!(
        hub.upload(&source, "path=model/a&kind=model", b"weights")
            .await
            .code(),
        200
    );
    let inputs = format!("/api/v1/runs/{user}/inputs");
    let add = json!({"source_run": source, "path": "model/a", "name": "base"});
    let added = hub.post(&inputs, &add).await;
    assert_eq!(added.code(), 200, "{added:?}");
    assert_eq!(hub.post(&inputs, &add).await.code(), 200, "twice is once");
    let listed = hub.get(&inputs).await.json();
    assert_eq!(listed["inputs"].as_array().unwrap().len(), 1);
    assert_eq!(listed["inputs"][0]["source_run"], source);
    assert_eq!(listed["inputs"][0]["hash"], hash(b"weights"));
    let users = hub
        .get(&format!(
            "/api/v1/runs/{source}/artifacts/users?path=model/a"
        ))
        .await;
    assert_eq!(users.json()["inputs"][0]["run"], user);
    for query in [
        format!("hash={}", hash(b"weights")),
        format!("project=p&run={source}&path=model/a"),
        "path=model/a".to_owned(),
    ] {
        let found = hub.get(&format!("/api/v1/artifacts?{query}")).await.json();
        assert_eq!(found["artifacts"][0]["run"], source, "{query}");
        assert_eq!(found["artifacts"].as_array().unwrap().len(), 1, "{query}");
    }
    let none = hub
        .get("/api/v1/artifacts?project=other&path=model/a")
        .await
        .json();
    assert_eq!(none["artifacts"], json!([]));
    for (body, code) in [
        (json!({"source_run": "run-none", "path": "model/a"}), 404),
        (json!({"source_run": source, "path": "none"}), 404),
        (json!({"source_run": source, "path": "../x"}), 400),
        (
            json!({"source_run": source, "path": "model/a", "name": ""}),
            400,
        ),
    ] {
        assert_eq!(hub.post(&inputs, &body).await.code(), code, "{body}");
    }
    for query in [
        "limit=0",
        "limit=1001",
        "path=../x",
        "extra=1",
        "project=a/b",
    ] {
        let answer = hub.get(&format!("/api/v1/artifacts?{query}")).await;
        assert_eq!(answer.code(), 400, "{query}");
    }
}
