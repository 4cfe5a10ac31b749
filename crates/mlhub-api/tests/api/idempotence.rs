//! Every supervisor call twice: the state is that of one delivery.

use axum::http::Method;
use serde_json::{Value, json};

use crate::hub::{TestHub, creation};

/// All that a run is, as far as one can ask.
async fn whole(hub: &TestHub, run: &str) -> Vec<Value> {
    let mut answers = Vec::new();
    for rest in [
        "",
        "/artifacts",
        "/metrics",
        "/logs",
        "/records",
        "/evaluations",
        "/attempts/1/offsets",
    ] {
        answers.push(hub.get(&format!("/api/v1/runs/{run}{rest}")).await.json());
    }
    // When it was last heard of is the one thing that a repeated call moves.
    answers[0]["attempts"][0]["heartbeat_at"] = Value::Null;
    answers
}

fn batch(start: u64, end: u64) -> Value {
    let points: Vec<Value> = (start..end)
        .map(|step| json!({"name": "loss", "step": step, "time_ms": step, "value": 0.5}))
        .collect();
    json!({"writer": "w", "start": start, "end": end, "points": points,
        "params": {"lr": "0.1"}, "tags": {"note": "n"},
        "records": [{"kind": "entry", "time_ms": 1, "body": {"rows": 3}}]})
}

#[tokio::test]
async fn making_the_same_runs_twice_makes_them_once() {
    let hub = TestHub::local();
    let body = creation(&["twice-1", "twice-2"]);
    let first = hub.post("/api/v1/runs", &body).await;
    let second = hub.post("/api/v1/runs", &body).await;
    assert_eq!((first.code(), second.code()), (201, 201));
    assert_eq!(first.json(), second.json());
    assert_eq!(hub.get("/api/v1/runs").await.json()["total"], 2);
    let mut other = creation(&["twice-1", "twice-2"]);
    other["experiment"] = json!("other");
    assert_eq!(hub.post("/api/v1/runs", &other).await.code(), 409);
    let partly = creation(&["twice-1", "twice-3"]);
    assert_eq!(hub.post("/api/v1/runs", &partly).await.code(), 409);
    let same = json!({"project": "p", "experiment": "e", "snapshot": {},
        "runs": [{"id": "self-1"}, {"id": "self-1"}]});
    assert_eq!(hub.post("/api/v1/runs", &same).await.code(), 409);
    assert_eq!(hub.get("/api/v1/runs").await.json()["total"], 2);
}

#[tokio::test]
async fn the_same_creation_delivered_at_once_makes_the_runs_once() {
    let hub = TestHub::local();
    let body = creation(&["race-1", "race-2"]);
    let calls = (0..6).map(|_| hub.post("/api/v1/runs", &body));
    for answer in futures::future::join_all(calls).await {
        assert_eq!(answer.code(), 201, "{answer:?}");
    }
    assert_eq!(hub.get("/api/v1/runs").await.json()["total"], 2);
}

#[tokio::test]
async fn every_call_of_a_supervisor_may_arrive_twice() {
    let hub = TestHub::local();
    let run = hub.run("run-twice").await;
    let finish = json!({"state": "finished", "ended_at": 9, "exit": {"code": 0, "signal": null},
        "predictions": {"test": {"path": "predictions/test.csv"}}});
    let calls = [
        ("start", json!({"started_at": 5})),
        ("heartbeat", json!({})),
        ("events", batch(0, 3)),
        ("finish", finish),
    ];
    for (call, body) in calls {
        let first = hub.attempt(&run, call, &body).await;
        assert_eq!(first.code(), 200, "{call}: {first:?}");
        let before = whole(&hub, &run).await;
        let second = hub.attempt(&run, call, &body).await;
        assert_eq!(second.code(), 200, "{call} again: {second:?}");
        assert_eq!(whole(&hub, &run).await, before, "{call}");
        if call == "events" {
            assert_eq!(first.json()["duplicate"], false);
            assert_eq!(second.json()["duplicate"], true);
        } else {
            assert_eq!(first.json(), second.json(), "{call}");
        }
    }
    // Late heartbeats and starts do not bring an ended run back.
    let late = hub.attempt(&run, "start", &json!({"started_at": 5})).await;
    assert_eq!(late.json()["state"], "finished");
}

#[tokio::test]
async fn logs_and_artifacts_may_arrive_twice() {
    let hub = TestHub::local();
    let run = hub.running("run-bytes").await;
    for (offset, bytes, size) in [
        (0, "abc", 3),
        (0, "abc", 3),
        (1, "bcde", 5),
        (5, "", 5),
        (2, "cd", 5),
    ] {
        let path = format!("/api/v1/runs/{run}/attempts/1/logs/stdout?offset={offset}");
        let answer = hub.bytes(Method::POST, &path, bytes.as_bytes()).await;
        assert_eq!(answer.json()["size"], size, "{offset} {bytes}");
    }
    let log = hub.get(&format!("/api/v1/runs/{run}/logs/stdout")).await;
    assert_eq!(log.body, "abcde");
    for _ in 0..2 {
        assert_eq!(hub.upload(&run, "path=a/b", b"x").await.code(), 200);
    }
    let listed = hub
        .get(&format!("/api/v1/runs/{run}/artifacts"))
        .await
        .json();
    assert_eq!(listed["artifacts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn events_that_do_not_follow_are_told_where_to_go_on() {
    let hub = TestHub::local();
    let run = hub.running("run-gap").await;
    assert_eq!(hub.attempt(&run, "events", &batch(0, 4)).await.code(), 200);
    for (start, end) in [(5, 9), (2, 6), (0, 6)] {
        let answer = hub.attempt(&run, "events", &batch(start, end)).await;
        assert_eq!(answer.code(), 409, "{start}..{end}");
        assert_eq!(answer.json()["details"]["expected"], 4);
    }
    let inside = hub.attempt(&run, "events", &batch(1, 3)).await;
    assert_eq!(inside.json()["duplicate"], true);
    assert_eq!(hub.attempt(&run, "events", &batch(4, 6)).await.code(), 200);
    let listed = hub.get(&format!("/api/v1/runs/{run}/metrics")).await.json();
    assert_eq!(listed["metrics"][0]["count"], 6);
    let other = json!({"writer": "w2", "start": 0, "end": 1});
    assert_eq!(hub.attempt(&run, "events", &other).await.code(), 200);
}

#[tokio::test]
async fn an_attempt_nobody_made_is_not_found() {
    let hub = TestHub::local();
    let run = hub.running("run-none").await;
    for number in ["0", "2", "4294967295"] {
        for (call, body) in [
            ("start", json!({"started_at": 5})),
            ("heartbeat", json!({})),
            ("events", batch(0, 1)),
            ("finish", json!({"state": "failed", "ended_at": 1})),
        ] {
            let path = format!("/api/v1/runs/{run}/attempts/{number}/{call}");
            assert_eq!(hub.post(&path, &body).await.code(), 404, "{path}");
        }
        let path = format!("/api/v1/runs/{run}/attempts/{number}/logs/stdout?offset=0");
        assert_eq!(
            hub.bytes(Method::POST, &path, b"x").await.code(),
            404,
            "{path}"
        );
        let path = format!("/api/v1/runs/{run}/attempts/{number}/offsets");
        assert_eq!(hub.get(&path).await.code(), 404, "{path}");
    }
    for number in ["-1", "1.0", "x", "4294967296"] {
        let path = format!("/api/v1/runs/{run}/attempts/{number}/heartbeat");
        assert_eq!(hub.post(&path, &json!({})).await.code(), 400, "{path}");
    }
}

#[tokio::test]
async fn a_refused_end_queues_no_evaluation() {
    let hub = TestHub::local();
    let run = hub.running("run-late").await;
    let failed = json!({"state": "failed", "ended_at": 9});
    assert_eq!(hub.attempt(&run, "finish", &failed).await.code(), 200);
    let finished = json!({"state": "finished", "ended_at": 9,
        "predictions": {"test": {"path": "predictions/test.csv"}}});
    assert_eq!(hub.attempt(&run, "finish", &finished).await.code(), 409);
    let listed = hub
        .get(&format!("/api/v1/runs/{run}/evaluations"))
        .await
        .json();
    assert_eq!(listed["evaluations"], json!([]));
}
