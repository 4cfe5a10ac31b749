//! Versions of artifacts and their aliases over HTTP.

use axum::http::{Method, header};
use serde_json::{Value, json};

use crate::hub::{READER, TestHub, encoded, request};

async fn record(hub: &TestHub, run: &str, content: &[u8]) {
    hub.running(run).await;
    let stored = hub.upload(run, "path=models/m&kind=model", content).await;
    assert_eq!(stored.code(), 200, "{stored:?}");
}

fn of(route: &str, more: &str) -> String {
    let name = encoded("models/m");
    format!("/api/v1/artifacts/{route}?project=p&name={name}{more}")
}

async fn resolve(hub: &TestHub, version: &str) -> Value {
    let found = hub
        .get(&of("resolve", &format!("&version={version}")))
        .await;
    assert_eq!(found.code(), 200, "{version}: {found:?}");
    found.json()
}

fn alias(version: &str, alias: &str) -> Value {
    json!({"project": "p", "name": "models/m", "version": version, "alias": alias})
}

#[tokio::test]
async fn versions_are_resolved_named_and_fetched() {
    let hub = TestHub::local();
    record(&hub, "run-one", b"first").await;
    record(&hub, "run-two", b"second").await;
    let latest = hub.get(&of("resolve", "")).await.json();
    assert_eq!(
        (&latest["version"], &latest["run"]),
        (&json!(1), &json!("run-two"))
    );
    assert_eq!(latest["aliases"], json!(["latest"]));
    assert_eq!(latest["artifact"]["path"], "models/m");
    assert_eq!(
        latest["artifact"]["hash"],
        blake3::hash(b"second").to_hex().as_str()
    );
    assert_eq!(latest["artifact"]["kind"], "model");

    let set = hub
        .put("/api/v1/artifacts/aliases", &alias("v0", "prod"))
        .await;
    assert_eq!((set.code(), set.json()["version"].clone()), (200, json!(0)));
    assert_eq!(set.json()["aliases_set"][0]["actor"], "ann");
    assert!(set.json()["aliases_set"][0]["set_at"].is_i64());
    assert_eq!(resolve(&hub, "prod").await["artifact"]["size_bytes"], 5);
    let moved = hub
        .put("/api/v1/artifacts/aliases", &alias("latest", "prod"))
        .await;
    assert_eq!(moved.json()["aliases"], json!(["latest", "prod"]));
    assert_eq!(resolve(&hub, "v0").await["aliases"], json!([]));

    let whole = hub.get(&of("content", "&version=prod")).await;
    assert_eq!((whole.code(), whole.body.as_ref()), (200, &b"second"[..]));
    assert_eq!(
        whole.header("content-security-policy"),
        "sandbox; default-src 'none'"
    );
    assert_eq!(
        whole.header("content-disposition"),
        "attachment; filename*=UTF-8''m"
    );
    let mut part = request(Method::GET, &of("content", "&version=v0"), None, Vec::new());
    part.headers_mut()
        .insert(header::RANGE, "bytes=2-".parse().unwrap());
    let part = hub.send(part).await;
    assert_eq!((part.code(), part.body.as_ref()), (206, &b"rst"[..]));

    let gone = of("aliases", "&alias=prod");
    assert_eq!(hub.delete(&gone).await.code(), 204);
    assert_eq!(hub.delete(&gone).await.code(), 404);
    assert_eq!(hub.get(&of("resolve", "&version=prod")).await.code(), 404);
}

#[tokio::test]
async fn versions_come_in_pages_newest_first() {
    let hub = TestHub::local();
    for (run, content) in [("run-one", "a"), ("run-two", "b"), ("run-three", "c")] {
        record(&hub, run, content.as_bytes()).await;
    }
    let mut path = of("versions", "&limit=2");
    let mut numbers = Vec::new();
    loop {
        let page = hub.get(&path).await.json();
        let versions = page["versions"].as_array().unwrap();
        numbers.extend(versions.iter().filter_map(|one| one["version"].as_u64()));
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = of("versions", &format!("&limit=2&cursor={cursor}"));
    }
    assert_eq!(numbers, [2, 1, 0]);
    let deleted = hub.delete("/api/v1/runs/run-three").await;
    assert_eq!(deleted.code(), 409, "it runs");
    for wrong in [
        "&limit=0",
        "&limit=1001",
        "&cursor=x",
        "&cursor=-1",
        "&page=2",
    ] {
        assert_eq!(hub.get(&of("versions", wrong)).await.code(), 400, "{wrong}");
    }
    let nothing = hub
        .get("/api/v1/artifacts/versions?project=none&name=x")
        .await;
    assert_eq!(nothing.json()["versions"], json!([]));
}

#[tokio::test]
async fn wrong_names_and_aliases_are_refused() {
    let hub = TestHub::local();
    record(&hub, "run-one", b"x").await;
    for bad in ["latest", "v1", "12", "", "a b", "a/b", "\u{e9}"] {
        let answer = hub
            .put("/api/v1/artifacts/aliases", &alias("v0", bad))
            .await;
        assert_eq!(answer.code(), 400, "{bad}");
    }
    let missing = hub
        .put("/api/v1/artifacts/aliases", &alias("v9", "prod"))
        .await;
    assert_eq!(missing.code(), 404);
    for path in [
        "/api/v1/artifacts/resolve?project=p&name=..%2Fx",
        "/api/v1/artifacts/resolve?project=p",
        "/api/v1/artifacts/content?project=p&name=%2Fetc%2Fpasswd",
        "/api/v1/artifacts/resolve?project=a%2Fb&name=x",
        "/api/v1/artifacts/resolve?project=p&name=models/m&version=v99999999999",
    ] {
        assert_eq!(hub.get(path).await.code(), 400, "{path}");
    }
}

#[tokio::test]
async fn a_reader_sets_no_alias() {
    let hub = TestHub::with_tokens();
    for method in [Method::PUT, Method::DELETE] {
        let body = serde_json::to_vec(&alias("v0", "prod")).unwrap();
        let path = of("aliases", "&alias=prod");
        let mut asked = request(method, &path, Some("application/json"), body);
        let token = format!("Bearer {READER}").parse().unwrap();
        asked.headers_mut().insert(header::AUTHORIZATION, token);
        assert_eq!(hub.send(asked).await.code(), 403);
    }
}
