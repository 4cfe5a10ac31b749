//! Registered models over HTTP: wire shapes, pages, refusals.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::hub::{TestHub, request};

const MODELS: &str = "/api/v1/registry/models";

fn patch(path: &str, body: &Value) -> Request<Body> {
    let body = serde_json::to_vec(body).unwrap();
    request(Method::PATCH, path, Some("application/json"), body)
}

#[tokio::test]
async fn a_model_lives_from_its_first_version_to_its_trail() {
    let hub = TestHub::local();
    hub.run("run1").await;
    let draft = json!({"name": "Digits (v2) 100%", "description": "d", "tags": {"a": "1"}});
    let made = hub.post(MODELS, &draft).await;
    assert_eq!(made.code(), 201, "{made:?}");
    let made = made.json();
    assert_eq!(
        (&made["name"], &made["versions"]),
        (&draft["name"], &json!(0))
    );
    assert_eq!(hub.post(MODELS, &draft).await.code(), 409);
    let model = format!("{MODELS}/Digits%20(v2)%20100%25");
    assert_eq!(hub.get(&model).await.json(), made);
    let versions = format!("{model}/versions");
    let version = json!({"run": "run1", "logged_model": "m-1", "tags": {"t": "x"}});
    for number in 1..=3 {
        let added = hub.post(&versions, &version).await;
        assert_eq!(added.code(), 201, "{added:?}");
        let added = added.json();
        assert_eq!(added["version"], number);
        assert_eq!(added["source"], "runs:/run1");
        assert_eq!(added["artifacts_run"], "run1");
        assert_eq!(added["created_by"], "ann");
    }
    let promotion = json!({"version": "latest", "target": "champion"});
    let promoted = hub.post(&format!("{model}/promotions"), &promotion).await;
    assert_eq!(promoted.json()["version"]["aliases"], json!(["champion"]));
    assert_eq!(promoted.json()["gate"], Value::Null);
    let stage = json!({"version": "1", "target": "stage:production", "archive_others": true});
    let staged = hub
        .post(&format!("{model}/promotions"), &stage)
        .await
        .json();
    assert_eq!(staged["version"]["stage"], "production");
    let detail = hub.get(&format!("{versions}/@champion")).await.json();
    assert_eq!(detail["version"]["version"], 3);
    assert_eq!(detail["run"]["id"], "run1");
    let change = json!({"description": "new", "tags": {"t": null}, "status": "failed", "status_message": "lost"});
    let asked = patch(&format!("{versions}/2"), &change);
    let changed = hub.send(asked).await.json();
    assert_eq!(changed["description"], "new");
    assert_eq!(
        (&changed["status"], &changed["status_message"]),
        (&json!("failed"), &json!("lost"))
    );
    assert_eq!(changed["tags"], json!({}));

    let mut found = Vec::new();
    let mut query = "/api/v1/registry/versions?run=run1&limit=2".to_owned();
    loop {
        let page = hub.get(&query).await.json();
        let listed = page["versions"].as_array().unwrap().iter();
        found.extend(listed.map(|of| of["version"].as_u64().unwrap()));
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        let cursor = cursor.replace('%', "%25").replace(' ', "%20");
        query = format!("/api/v1/registry/versions?run=run1&limit=2&cursor={cursor}");
    }
    assert_eq!(found, [3, 2, 1]);
    let alias = format!("{model}/aliases/champion");
    assert_eq!(hub.delete(&alias).await.status, 204);
    assert_eq!(hub.delete(&alias).await.code(), 404);
    assert_eq!(hub.delete(&format!("{versions}/3")).await.status, 204);
    let rename = json!({"name": "numbers", "tags": {"a": "2"}});
    let asked = patch(&model, &rename);
    let renamed = hub.send(asked).await.json();
    assert_eq!(
        (&renamed["latest"], &renamed["tags"]["a"]),
        (&json!(2), &json!("2"))
    );
    assert_eq!(hub.get(&model).await.code(), 404);
    assert_eq!(hub.delete(&format!("{MODELS}/numbers")).await.status, 204);
    let list = hub.get(&format!("{MODELS}?prefix=n")).await.json();
    assert_eq!(list, json!({"models": [], "next_cursor": null}));
    let trail = hub
        .get("/api/v1/registry/events?model=numbers&limit=2")
        .await
        .json();
    let actions = |page: &Value| -> Vec<String> {
        let events = page["events"].as_array().unwrap().iter();
        events
            .map(|of| of["action"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(actions(&trail), ["deleted", "renamed"]);
    let cursor = trail["next_cursor"].as_str().unwrap();
    let next = format!("/api/v1/registry/events?model=numbers&limit=3&cursor={cursor}");
    let next = hub.get(&next).await.json();
    assert_eq!(
        actions(&next),
        ["tagged", "version_deleted", "alias_removed"]
    );
}

#[tokio::test]
async fn a_protected_alias_is_refused_with_what_its_gate_said() {
    let hub = TestHub::local();
    hub.run("run1").await;
    hub.post(MODELS, &json!({"name": "m"})).await;
    let version = json!({"run": "run1"});
    hub.post(&format!("{MODELS}/m/versions"), &version).await;
    let gate = json!({"gate": {"threshold": [{"metric": "loss", "max": 0.5}]}});
    let protection = format!("{MODELS}/m/protections/champion");
    let model = hub.put(&protection, &gate).await.json();
    assert_eq!(model["protections"]["champion"]["threshold"][0]["max"], 0.5);
    let promotions = format!("{MODELS}/m/promotions");
    let promotion = json!({"version": "1", "target": "champion"});
    let refused = hub.post(&promotions, &promotion).await;
    assert_eq!(refused.code(), 409, "{refused:?}");
    let problem = refused.json();
    assert_eq!(problem["details"]["gate"]["passed"], false);
    let check = &problem["details"]["gate"]["checks"][0];
    assert_eq!(
        (&check["rule"], &check["outcome"]),
        (&json!("threshold"), &json!("failed"))
    );
    assert_eq!(hub.delete(&protection).await.status, 204);
    assert_eq!(hub.delete(&protection).await.code(), 404);
    assert_eq!(hub.post(&promotions, &promotion).await.code(), 200);
}

#[tokio::test]
async fn mistakes_are_named() {
    let hub = TestHub::local();
    hub.post(MODELS, &json!({"name": "m"})).await;
    let long = "x".repeat(256);
    let (versions, promotions) = (
        format!("{MODELS}/m/versions"),
        format!("{MODELS}/m/promotions"),
    );
    hub.post(&versions, &json!({"source": "s3://b/m"})).await;
    for (path, body, code, part) in [
        (MODELS, json!({"name": "a/b"}), 400, "`/`"),
        (MODELS, json!({"name": long}), 400, "256 characters"),
        (MODELS, json!({"name": "b", "tags": {"": "x"}}), 400, "tag"),
        (MODELS, json!({"name": "b", "tag": {}}), 400, "tag"),
        (&versions, json!({}), 400, "`source`"),
        (&versions, json!({"path": "a"}), 400, "`run`"),
        (&versions, json!({"run": "none"}), 404, "none"),
        (
            &promotions,
            json!({"version": "1", "target": "latest"}),
            400,
            "latest",
        ),
        (
            &promotions,
            json!({"version": "1", "target": "v7"}),
            400,
            "number",
        ),
        (
            &promotions,
            json!({"version": "1", "target": "stage:x"}),
            400,
            "stage",
        ),
        (
            &promotions,
            json!({"version": "2", "target": "a"}),
            404,
            "m/2",
        ),
        (
            &promotions,
            json!({"version": "@x", "target": "a"}),
            404,
            "@x",
        ),
        (
            &promotions,
            json!({"version": "1", "target": "a", "gate": {}}),
            400,
            "no rule",
        ),
        (
            &promotions,
            json!({"version": "1", "target": "a", "baseline": ["r"]}),
            400,
            "gate",
        ),
    ] {
        let answer = hub.post(path, &body).await;
        let said = answer.json()["detail"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert_eq!(answer.code(), code, "{path} {body}: {said}");
        assert!(said.contains(part), "{path} {body}: {said}");
    }
    for (path, code) in [
        ("/api/v1/registry/models/none", 404),
        ("/api/v1/registry/models/a%2Fb", 400),
        ("/api/v1/registry/models?limit=0", 400),
        ("/api/v1/registry/versions?cursor=x", 400),
        ("/api/v1/registry/events?cursor=x", 400),
        ("/api/v1/registry/events?model=none", 404),
        ("/api/v1/registry/models/m/versions/4294967296", 400),
    ] {
        assert_eq!(hub.get(path).await.code(), code, "{path}");
    }
}
