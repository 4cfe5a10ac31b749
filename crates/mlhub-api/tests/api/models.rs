//! Trained models over HTTP: who is refused, and what contradicts the present state.
//!
//! What programs answer is tested where programs are, in the stories of `mlhub`.

use axum::http::{Method, header};
use serde_json::{Value, json};

use crate::hub::{READER, TestHub, WRITER, encoded, request};

const DESCRIPTION: &[u8] =
    br#"{"version": 1, "input": {"kind": "text"}, "output": {"kind": "text"}}"#;
/// What is asked of a model, with a body that is taken.
fn asking() -> [(&'static str, Value); 3] {
    [
        ("predict", json!({"inputs": ["a"]})),
        ("search", json!({"queries": [{"text": "a"}]})),
        ("export", json!({"format": "onnx"})),
    ]
}

/// A run of an adapter that can `can`, and left a model.
async fn trained(hub: &TestHub, id: &str, can: &[&str]) {
    let body = json!({"project": "p", "experiment": "e", "adapter": "mine",
        "snapshot": {"version": 1, "adapter": {"capabilities": can}}, "runs": [{"id": id}]});
    assert_eq!(hub.post("/api/v1/runs", &body).await.code(), 201);
    hub.attempt(id, "start", &json!({"started_at": 5})).await;
    for (path, content, kind) in [
        ("artifacts/model.json", DESCRIPTION, "model"),
        ("artifacts/notes.txt", b"notes", "file"),
    ] {
        let query = format!("path={path}&kind={kind}");
        assert_eq!(hub.upload(id, &query, content).await.code(), 200);
    }
}

#[tokio::test]
async fn a_reader_may_describe_a_model_and_ask_it_nothing() {
    let hub = TestHub::with_tokens();
    let as_caller = async |token: &str, method: Method, path: &str, body: &Value| {
        let body = serde_json::to_vec(body).unwrap();
        let mut request = request(method, path, Some("application/json"), body);
        let value = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, value);
        hub.send(request).await
    };
    let described = as_caller(READER, Method::GET, "/api/v1/models/r1", &Value::Null).await;
    assert_eq!(described.code(), 404);
    for (what, body) in asking() {
        let path = format!("/api/v1/models/r1/{what}");
        let reader = as_caller(READER, Method::POST, &path, &body).await;
        assert_eq!(reader.code(), 403, "{what}");
        let writer = as_caller(WRITER, Method::POST, &path, &body).await;
        assert_eq!(writer.code(), 404, "{what}: nobody made the run");
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_its_own_status() {
    let hub = TestHub::local();
    trained(&hub, "able", &["train", "predict", "search", "export"]).await;
    trained(&hub, "none", &["train"]).await;
    let notes = encoded("p/artifacts/notes.txt:v0");
    for (what, body) in asking() {
        let ask = async |model: &str, body: &Value| {
            let path = format!("/api/v1/models/{model}/{what}");
            hub.post(&path, body).await
        };
        let conflict = ask(&notes, &body).await;
        assert_eq!(
            conflict.code(),
            409,
            "{what}: of another kind: {conflict:?}"
        );
        assert_eq!(ask("none", &body).await.code(), 501, "{what}");
        // The hub of these tests starts no programs.
        assert_eq!(ask("able", &body).await.code(), 501, "{what}");
        assert_eq!(ask("able", &json!({"x": 1})).await.code(), 400, "{what}");
    }
    let path = "/api/v1/models/able/export";
    let odd = hub.post(path, &json!({"format": "../onnx"})).await;
    assert_eq!(odd.code(), 400);
    assert_eq!(odd.json()["details"]["field"], "format");
}
