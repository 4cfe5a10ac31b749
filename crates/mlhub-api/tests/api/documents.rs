//! Saved views and reports, fields, offsets, text in output, previews: their wire shapes.

use axum::http::Method;
use serde_json::{Value, json};

use crate::hub::{TestHub, request};

#[tokio::test]
async fn a_document_lives_by_its_revisions() {
    let hub = TestHub::local();
    hub.run("run1").await;
    let draft = json!({"kind": "report", "project": "p", "name": "Findings", "body": {"version": 1, "text": "# Hi"}});
    let made = hub.post("/api/v1/documents", &draft).await;
    assert_eq!(made.code(), 201, "{made:?}");
    let made = made.json();
    let (id, body) = (made["id"].as_str().unwrap(), &made["body"]);
    assert_eq!(
        (&made["revision"], &made["owner"]),
        (&json!(1), &json!("ann"))
    );
    assert_eq!(body, &draft["body"]);
    let path = format!("/api/v1/documents/{id}");
    assert_eq!(hub.get(&path).await.json(), made);
    let change = json!({"name": "Findings 2", "body": {}, "revision": 1});
    let changed = hub.put(&path, &change).await.json();
    assert_eq!(
        (&changed["revision"], &changed["name"]),
        (&json!(2), &json!("Findings 2"))
    );
    let late = hub.put(&path, &change).await;
    assert_eq!(late.code(), 409);
    assert_eq!(late.json()["details"]["stored"], 2);
    let list = hub
        .get("/api/v1/documents?kind=report&project=p")
        .await
        .json();
    assert_eq!(list["documents"][0]["id"], *id);
    assert_eq!(list["documents"][0].get("body"), None, "lists are short");
    let views = hub.get("/api/v1/documents?kind=view").await.json();
    assert_eq!(views["documents"], json!([]));
    assert_eq!(hub.delete(&path).await.status, 204);
    assert_eq!(hub.get(&path).await.code(), 404);
    assert_eq!(hub.put(&path, &change).await.code(), 404);
}

#[tokio::test]
async fn a_document_with_a_mistake_is_refused_by_name() {
    let hub = TestHub::local();
    let good = json!({"kind": "view", "name": "n", "body": {}});
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    for (field, body, code) in [
        ("kind", with("kind", json!("dashboard")), 400),
        ("name", with("name", json!("")), 400),
        ("name", with("name", json!("x".repeat(201))), 400),
        ("body", with("body", json!([])), 400),
        (
            "body",
            with("body", json!({"t": "x".repeat(512 * 1024)})),
            413,
        ),
        ("project", with("project", json!("nowhere")), 404),
        ("colour", with("colour", json!("red")), 400),
    ] {
        let refused = hub.post("/api/v1/documents", &body).await;
        assert_eq!(refused.code(), code, "{field}");
        let said = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(said.contains(field), "{field}: {said}");
    }
    assert_eq!(hub.get("/api/v1/documents?kind=other").await.code(), 400);
    assert_eq!(hub.get("/api/v1/documents/..").await.code(), 400);
    let list = hub.get("/api/v1/documents").await.json();
    assert_eq!(list["documents"], json!([]));
}

async fn three_runs(hub: &TestHub) {
    for (id, lr) in [("run-a", "0.1"), ("run-b", "0.2"), ("run-c", "0.3")] {
        let body = json!({"project": "p", "experiment": "e", "snapshot": {"version": 1},
            "params": {"lr": lr}, "tags": {"of": id}, "runs": [{"id": id, "seed": 1}]});
        assert_eq!(hub.post("/api/v1/runs", &body).await.code(), 201);
    }
    let other = json!({"project": "q", "experiment": "e", "snapshot": {"version": 1},
        "params": {"depth": "3"}, "runs": [{"id": "run-q", "seed": 1}]});
    assert_eq!(hub.post("/api/v1/runs", &other).await.code(), 201);
}

#[tokio::test]
async fn any_place_of_a_search_is_reached_by_its_offset() {
    let hub = TestHub::local();
    three_runs(&hub).await;
    let ask = |offset: usize| json!({"project": "p", "order": ["params.lr"], "offset": offset, "limit": 1});
    let mut found = Vec::new();
    for offset in 0..4 {
        let page = hub.post("/api/v1/runs/search", &ask(offset)).await.json();
        assert_eq!(page["total"], 3);
        found.extend(
            page["runs"]
                .as_array()
                .unwrap()
                .iter()
                .map(|run| run["id"].clone()),
        );
    }
    assert_eq!(found, ["run-a", "run-b", "run-c"]);
    let first = hub.post("/api/v1/runs/search", &ask(0)).await.json();
    let mut both = ask(1);
    both["cursor"] = first["next_cursor"].clone();
    let refused = hub.post("/api/v1/runs/search", &both).await;
    assert_eq!(refused.code(), 400);
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("`offset`")
    );
    let groups = json!({"group_by": ["params.lr"], "offset": 1});
    assert_eq!(hub.post("/api/v1/runs/search", &groups).await.code(), 400);
}

#[tokio::test]
async fn fields_are_those_of_the_runs_asked_about() {
    let hub = TestHub::local();
    three_runs(&hub).await;
    let fields = hub.get("/api/v1/fields?project=p").await.json();
    let expected = json!({"total": 2, "fields": [
        {"operand": "params.lr", "kind": "param", "runs": 3},
        {"operand": "tags.of", "kind": "tag", "runs": 3}]});
    assert_eq!(fields, expected);
    let all = hub.get("/api/v1/fields?prefix=de").await.json();
    let depth = json!([{"operand": "params.depth", "kind": "param", "runs": 1}]);
    assert_eq!(all["fields"], depth);
    let few = hub.get("/api/v1/fields?limit=1").await.json();
    assert_eq!(
        (few["fields"].as_array().unwrap().len(), &few["total"]),
        (1, &json!(3))
    );
    assert_eq!(hub.get("/api/v1/fields?limit=0").await.code(), 400);
    assert_eq!(
        hub.get("/api/v1/fields?project=none").await.json()["total"],
        0
    );
}

#[tokio::test]
async fn text_in_output_is_found_with_its_line() {
    let hub = TestHub::local();
    hub.running("run1").await;
    let path = "/api/v1/runs/run1/attempts/1/logs/stdout?offset=0";
    let sent = hub.bytes(Method::POST, path, b"one\nTwo loss\nthree").await;
    assert_eq!(sent.code(), 200);
    let search = "/api/v1/runs/run1/logs/stdout/search";
    let found = hub
        .get(&format!("{search}?attempt=1&text=LOSS"))
        .await
        .json();
    let expected = json!({"matches": [{"offset": 8, "line_start": 4, "line_length": 8}],
        "next": null, "size": 18});
    assert_eq!(found, expected);
    let first = hub.get(&format!("{search}?text=t&limit=1")).await.json();
    assert_eq!(first["next"], 5);
    assert_eq!(hub.get(&format!("{search}?text=")).await.code(), 400);
    assert_eq!(hub.get(search).await.code(), 400);
    assert_eq!(
        hub.get(&format!("{search}?text=a&attempt=2")).await.code(),
        404
    );
}

#[tokio::test]
async fn a_preview_is_opt_in_and_a_project_is_described() {
    let hub = TestHub::local();
    let register = json!({"name": "d", "fingerprint": "f", "format": "csv", "source": "s",
        "rows": 9, "size_bytes": 1, "inspection": {}});
    assert_eq!(hub.post("/api/v1/datasets", &register).await.code(), 200);
    let path = "/api/v1/datasets/d/versions/1/preview";
    let none = hub.get(path).await;
    assert_eq!(none.code(), 404);
    assert!(
        none.json()["detail"]
            .as_str()
            .unwrap()
            .contains("--preview")
    );
    let rows = json!({"columns": ["a", "b"], "rows": [[1, "x"], [null, true]]});
    assert_eq!(hub.put(path, &rows).await.code(), 200);
    let shown = hub.get(path).await.json();
    assert_eq!(
        (&shown["columns"], &shown["rows"]),
        (&rows["columns"], &rows["rows"])
    );
    assert_eq!(shown["total_rows"], 9);
    let uneven = json!({"columns": ["a"], "rows": [[1, 2]]});
    assert_eq!(hub.put(path, &uneven).await.code(), 400);
    assert_eq!(hub.delete(path).await.status, 204);
    assert_eq!(hub.get(path).await.code(), 404);

    hub.run("run1").await;
    let body = serde_json::to_vec(&json!({"description": "About"})).unwrap();
    let patch = request(
        Method::PATCH,
        "/api/v1/projects/p",
        Some("application/json"),
        body,
    );
    assert_eq!(hub.send(patch).await.json()["description"], "About");
    let projects = hub.get("/api/v1/projects").await.json();
    assert_eq!(projects["projects"][0]["description"], "About");
}
