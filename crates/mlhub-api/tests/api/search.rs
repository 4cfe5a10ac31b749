//! Searching runs over HTTP: queries, orders, pages, groups, mistakes.

use serde_json::{Value, json};

use super::hub::{TestHub, encoded};

/// Four runs of two learning rates, each with a metric; the last one has none.
async fn filled() -> TestHub {
    let hub = TestHub::local();
    let facts = [
        ("run-a", "0.1", Some(json!(0.9))),
        ("run-b", "0.1", Some(json!(0.7))),
        ("run-c", "1e-2", Some(json!("NaN"))),
        ("run-d", "0.01", None),
    ];
    for (id, lr, acc) in facts {
        hub.running(id).await;
        let points: Vec<Value> = acc
            .into_iter()
            .map(|value| json!({"name": "acc", "step": 1, "time_ms": 1, "value": value}))
            .collect();
        let batch = json!({"writer": "w", "start": 0, "end": 1, "points": points,
            "params": {"lr": lr}, "tags": {"model": "net"}});
        let answer = hub.attempt(id, "events", &batch).await;
        assert_eq!(answer.code(), 200, "{answer:?}");
    }
    hub
}

fn ids(reply: &Value) -> Vec<&str> {
    let runs = reply["runs"].as_array().expect("runs");
    runs.iter()
        .map(|run| run["id"].as_str().expect("an id"))
        .collect()
}

#[tokio::test]
async fn a_search_filters_orders_and_picks_columns() {
    let hub = filled().await;
    let reply = hub
        .post(
            "/api/v1/runs/search",
            &json!({"query": "params.lr < 0.05 or metrics.acc > 0.8", "order": ["metrics.acc desc"],
                "columns": ["metrics.acc", "params.lr", "state"]}),
        )
        .await
        .json();
    assert_eq!(ids(&reply), ["run-a", "run-c", "run-d"]);
    assert_eq!(reply["total"], 3);
    assert_eq!(
        reply["runs"][1]["values"],
        json!({"metrics.acc": "NaN", "params.lr": "1e-2", "state": "running"})
    );
    assert_eq!(reply["runs"][2]["values"]["metrics.acc"], Value::Null);
    assert_eq!(reply["runs"][0]["params"], json!({}));
    let whole = hub
        .post(
            "/api/v1/runs/search",
            &json!({"project": "p", "text": "RUN-A"}),
        )
        .await;
    assert_eq!(whole.json()["runs"][0]["params"], json!({"lr": "0.1"}));
    let query = encoded("metrics.acc is null");
    let listed = hub
        .get(&format!("/api/v1/runs?query={query}&order=created"))
        .await
        .json();
    assert_eq!(ids(&listed), ["run-d"]);
}

#[tokio::test]
async fn groups_are_summarised_and_name_the_query_of_their_runs() {
    let hub = filled().await;
    let reply = hub
        .post(
            "/api/v1/runs/search",
            &json!({"query": "tags.model = net", "group_by": ["params.lr"], "summarise": ["metrics.acc"],
                "order": ["params.lr desc"]}),
        )
        .await
        .json();
    assert_eq!(reply["total"], 2);
    assert_eq!(reply["runs"], json!([]));
    let best = &reply["groups"][0];
    assert_eq!(
        (&best["keys"]["params.lr"], &best["runs"]),
        (&json!("0.1"), &json!(2))
    );
    let statistics = &best["statistics"]["metrics.acc"];
    assert_eq!(statistics["count"], 2);
    assert!((statistics["mean"].as_f64().expect("a mean") - 0.8).abs() < 1e-12);
    assert!((statistics["std"].as_f64().expect("a spread") - 0.02f64.sqrt()).abs() < 1e-12);
    assert_eq!(statistics["max"], 0.9);
    let other = &reply["groups"][1]["statistics"]["metrics.acc"];
    assert_eq!(
        (&other["mean"], &other["std"], &other["min"]),
        (&json!("NaN"), &Value::Null, &Value::Null)
    );
    for group in reply["groups"].as_array().expect("groups") {
        let again = hub
            .post("/api/v1/runs/search", &json!({"query": group["query"]}))
            .await
            .json();
        assert_eq!(again["total"], group["runs"], "{group}");
    }
    let pages = json!({"group_by": ["id"], "limit": 3});
    let first = hub.post("/api/v1/runs/search", &pages).await.json();
    let rest = json!({"group_by": ["id"], "limit": 3, "cursor": first["next_cursor"]});
    let rest = hub.post("/api/v1/runs/search", &rest).await.json();
    assert_eq!(rest["groups"].as_array().map(Vec::len), Some(1));
    assert_eq!(rest["next_cursor"], Value::Null);
}

#[tokio::test]
async fn a_mistake_is_pointed_at() {
    let hub = filled().await;
    for (body, field, position, length) in [
        (json!({"query": "é and stat = 'x'"}), "query", 0, 1),
        (json!({"query": "tags.é and stat = 'x'"}), "query", 11, 4),
        (json!({"query": "tags.a and ("}), "query", 12, 1),
        (json!({"order": ["metrics.acc up"]}), "order", 12, 2),
        (json!({"columns": ["foo"]}), "columns", 0, 3),
        (json!({"group_by": ["params.lr", "lr"]}), "group_by", 0, 2),
    ] {
        let answer = hub.post("/api/v1/runs/search", &body).await;
        assert_eq!(answer.code(), 400, "{body}");
        let details = &answer.json()["details"];
        assert_eq!(details["field"], field, "{body}");
        assert_eq!(details["position"], position, "{body}: {details}");
        assert_eq!(details["length"], length, "{body}");
    }
    for body in [
        json!({"limit": 0}),
        json!({"limit": 1001}),
        json!({"cursor": "00"}),
        json!({"group_by": ["params.lr"], "summarise": ["state"]}),
        json!({"group_by": ["params.lr"], "order": ["metrics.acc"]}),
        json!({"group_by": ["params.lr"], "order": ["runs", "params.lr"]}),
        json!({"states": ["gone"]}),
        json!({"nonsense": 1}),
    ] {
        assert_eq!(
            hub.post("/api/v1/runs/search", &body).await.code(),
            400,
            "{body}"
        );
    }
    let query = encoded("state = runing");
    let problem = hub.get(&format!("/api/v1/runs?query={query}")).await.json();
    let detail = problem["detail"].as_str().expect("a text");
    assert!(detail.contains("did you mean `running`?"), "{detail}");
}

#[tokio::test]
async fn what_no_run_has_is_hinted_at() {
    let hub = filled().await;
    let body = json!({"query": "metrics.acc > 0 and metrics.ac > 0.5 and params.acc = 1"});
    let reply = hub.post("/api/v1/runs/search", &body).await.json();
    assert_eq!(reply["total"], 0);
    assert_eq!(reply["hints"][0]["position"], 20);
    assert_eq!(reply["hints"][0]["length"], 10);
    assert_eq!(reply["hints"][0]["suggestions"], json!(["metrics.acc"]));
    assert_eq!(reply["hints"][1]["suggestions"], json!(["metrics.acc"]));
}

#[tokio::test]
async fn pages_neither_skip_nor_repeat_while_runs_arrive_and_go() {
    let hub = TestHub::local();
    for number in 0..30 {
        hub.run(&format!("old-{number:02}")).await;
    }
    let mut found: Vec<String> = Vec::new();
    let mut cursor = Value::Null;
    for page in 0.. {
        let body =
            json!({"query": "seed = 0", "order": ["experiment"], "limit": 7, "cursor": cursor});
        let reply = hub.post("/api/v1/runs/search", &body).await.json();
        found.extend(ids(&reply).into_iter().map(str::to_owned));
        cursor = reply["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
        hub.run(&format!("new-{page:02}")).await;
        hub.attempt(&found[found.len() - 1], "start", &json!({"started_at": 5}))
            .await;
    }
    let expected: Vec<String> = (0..30)
        .rev()
        .map(|number| format!("old-{number:02}"))
        .collect();
    assert_eq!(found, expected);
}
