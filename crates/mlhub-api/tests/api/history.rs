//! Series by axis and pattern, whole histories in every format, and batches of
//! events in binary.

use axum::http::{Method, header};
use mlhub_core::Timestamp;
use mlhub_core::metric::{Point, SeriesPoints};
use mlhub_protocol::batch::{BatchHead, CONTENT_TYPE, ColumnBatch};
use serde_json::{Value, json};

use crate::hub::{Answer, TestHub, request};
use crate::tables::{arrow_rows, csv_rows, json_rows, parquet_rows};

fn point(step: i64, value: f64) -> Point {
    Point {
        step,
        time: Timestamp(1000 + step * 10),
        value,
    }
}

fn batch(start: u64, series: &[(&str, Vec<Point>)]) -> ColumnBatch {
    ColumnBatch {
        head: BatchHead {
            writer: "w".to_owned(),
            start,
            end: start + 1,
            ..BatchHead::default()
        },
        series: series
            .iter()
            .map(|(name, points)| SeriesPoints {
                name: (*name).to_owned(),
                points: points.clone(),
            })
            .collect(),
    }
}

async fn ship(hub: &TestHub, run: &str, attempt: u32, batch: &ColumnBatch) -> Answer {
    let path = format!("/api/v1/runs/{run}/attempts/{attempt}/events");
    let body = batch.encode().unwrap();
    hub.send(request(Method::POST, &path, Some(CONTENT_TYPE), body))
        .await
}

async fn export(hub: &TestHub, query: &Value) -> Answer {
    let answer = hub.post("/api/v1/series/history", query).await;
    assert_eq!(answer.code(), 200, "{answer:?}");
    answer
}

/// A run with a resumed attempt: steps 0..6, then 4..8 again from step 3.
async fn resumed(hub: &TestHub) {
    hub.running("run-h").await;
    let odd = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        5e-324,
        0.1,
    ];
    let odd: Vec<Point> = (0..)
        .zip(odd)
        .map(|(step, value)| point(step, value))
        .collect();
    let loss: Vec<Point> = (0..6).map(|step| point(step, step as f64)).collect();
    let first = batch(0, &[("loss", loss), ("odd \"name\", é", odd)]);
    assert_eq!(ship(hub, "run-h", 1, &first).await.code(), 200);
    let end = json!({"state": "failed", "ended_at": 9});
    assert_eq!(hub.attempt("run-h", "finish", &end).await.code(), 200);
    let resume = json!({"resumed_from_step": 3});
    assert_eq!(
        hub.post("/api/v1/runs/run-h/attempts", &resume)
            .await
            .code(),
        200
    );
    let again: Vec<Point> = (4..8).map(|step| point(step, step as f64 + 0.5)).collect();
    let second = batch(0, &[("loss", again)]);
    assert_eq!(ship(hub, "run-h", 2, &second).await.code(), 200);
}

#[tokio::test]
async fn every_format_holds_the_same_points_bit_for_bit() {
    let hub = TestHub::local();
    resumed(&hub).await;
    let as_format = |format: &str, more: Value| {
        let mut query = json!({"runs": ["run-h"], "format": format});
        query
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        query
    };
    for more in [
        json!({}),
        json!({"superseded": true}),
        json!({"patterns": ["l*s"], "from": 2, "to": 5}),
        json!({"metrics": ["nothing"]}),
    ] {
        let arrow = export(&hub, &as_format("arrow", more.clone())).await;
        assert_eq!(
            arrow.header("content-type"),
            "application/vnd.apache.arrow.stream"
        );
        let rows = arrow_rows(&arrow.body);
        assert_eq!(
            parquet_rows(&export(&hub, &as_format("parquet", more.clone())).await.body),
            rows
        );
        assert_eq!(
            json_rows(&export(&hub, &as_format("json", more.clone())).await.body),
            rows
        );
        assert_eq!(
            csv_rows(&export(&hub, &as_format("csv", more.clone())).await.body),
            rows
        );
        let loss: Vec<(u32, i64)> = rows
            .iter()
            .filter(|row| row.1 == "loss")
            .map(|row| (row.2, row.3))
            .collect();
        let expected: Vec<(u32, i64)> = if more["superseded"] == true {
            (0..6)
                .map(|s| (1, s))
                .chain((4..8).map(|s| (2, s)))
                .collect()
        } else if more["from"] == 2 {
            vec![(1, 2), (1, 3), (2, 4), (2, 5)]
        } else if more["metrics"].is_array() {
            Vec::new()
        } else {
            (0..4)
                .map(|s| (1, s))
                .chain((4..8).map(|s| (2, s)))
                .collect()
        };
        assert_eq!(loss, expected, "{more}");
    }
    let all = arrow_rows(
        &export(&hub, &as_format("arrow", json!({"superseded": true})))
            .await
            .body,
    );
    let odd: Vec<u64> = all
        .iter()
        .filter(|row| row.1.starts_with("odd"))
        .map(|row| row.5)
        .collect();
    let sent = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        5e-324,
        0.1,
    ];
    assert_eq!(odd, sent.map(f64::to_bits));
}

#[tokio::test]
async fn one_run_is_read_by_address_and_accept_header() {
    let hub = TestHub::local();
    resumed(&hub).await;
    let plain = hub
        .get("/api/v1/runs/run-h/metrics/history?metric=lo*")
        .await;
    assert_eq!((plain.code(), json_rows(&plain.body).len()), (200, 8));
    let old = hub
        .get("/api/v1/runs/run-h/metrics/history?metric=loss&attempt=1&format=csv")
        .await;
    assert_eq!(csv_rows(&old.body).len(), 6);
    let mut asked = request(
        Method::GET,
        "/api/v1/runs/run-h/metrics/history",
        None,
        Vec::new(),
    );
    asked.headers_mut().insert(
        header::ACCEPT,
        "application/vnd.apache.parquet".parse().unwrap(),
    );
    assert_eq!(parquet_rows(&hub.send(asked).await.body).len(), 8 + 4);
    for bad in ["?format=xml", "?attempt=x", "?other=1"] {
        let path = format!("/api/v1/runs/run-h/metrics/history{bad}");
        assert_eq!(hub.get(&path).await.code(), 400, "{bad}");
    }
    assert_eq!(
        hub.get("/api/v1/runs/other/metrics/history").await.code(),
        404
    );
}

#[tokio::test]
async fn a_long_history_comes_in_pieces_and_whole() {
    const LENGTH: i64 = 150_000;
    let hub = TestHub::local();
    hub.running("run-long").await;
    let points: Vec<Point> = (0..LENGTH)
        .map(|step| point(step, step as f64 / 3.0))
        .collect();
    let short: Vec<(String, Vec<Point>)> = (0..100)
        .map(|n| (format!("m/{n:02}"), vec![point(n, 1.0)]))
        .collect();
    let mut series: Vec<(&str, Vec<Point>)> = vec![("long", points)];
    series.extend(
        short
            .iter()
            .map(|(name, points)| (name.as_str(), points.clone())),
    );
    assert_eq!(
        ship(&hub, "run-long", 1, &batch(0, &series)).await.code(),
        200
    );
    let query = json!({"runs": ["run-long"], "format": "parquet"});
    let rows = parquet_rows(&export(&hub, &query).await.body);
    assert_eq!(rows.len() as i64, LENGTH + 100);
    let long: Vec<i64> = rows
        .iter()
        .filter(|row| row.1 == "long")
        .map(|row| row.3)
        .collect();
    assert!(long.iter().copied().eq(0..LENGTH));
    let refused = json!({"runs": ["run-long"], "metrics": ["long"], "reduction": "none"});
    let refused = hub.post("/api/v1/series/query", &refused).await;
    assert_eq!(refused.code(), 413);
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("history")
    );
}

async fn steps(hub: &TestHub, more: Value) -> Vec<i64> {
    let mut query = json!({"runs": ["run-h"], "metrics": ["loss"]});
    query
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let answer = hub.post("/api/v1/series/query", &query).await;
    assert_eq!(answer.code(), 200, "{answer:?}");
    let reply = answer.json();
    let Some(series) = reply["series"].get(0) else {
        return Vec::new();
    };
    assert_eq!(series["origin_ms"], 5, "the run started then");
    serde_json::from_value(series["steps"].clone()).unwrap()
}

#[tokio::test]
async fn ranges_count_steps_relative_or_wall_time() {
    let hub = TestHub::local();
    resumed(&hub).await;
    assert_eq!(steps(&hub, json!({"from": 2, "to": 4})).await, [2, 3, 4]);
    assert_eq!(
        steps(&hub, json!({"axis": "wall", "from": 1020, "to": 1049})).await,
        [2, 3, 4]
    );
    // The run started at 5 ms.
    assert_eq!(
        steps(&hub, json!({"axis": "relative", "from": 1015, "to": 1044})).await,
        [2, 3, 4]
    );
    assert_eq!(steps(&hub, json!({"attempt": 1})).await, [0, 1, 2, 3, 4, 5]);
    assert_eq!(
        steps(&hub, json!({"attempt": 2, "reduction": "none"})).await,
        [4, 5, 6, 7]
    );
    assert_eq!(
        steps(&hub, json!({"max_points": 5, "reduction": "lttb"}))
            .await
            .len(),
        3
    );
    let query = json!({"runs": ["run-h"], "patterns": ["l?ss", "odd*"]});
    let reply = hub.post("/api/v1/series/query", &query).await.json();
    let names: Vec<&str> = reply["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["metric"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["loss", "odd \"name\", é"]);
    assert_eq!(
        reply["series"][0]["attempts"],
        json!([{"attempt": 1, "count": 4}, {"attempt": 2, "count": 4}])
    );
    assert_eq!(reply["series"][1]["non_finite"], 3);
    for bad in [
        json!({"runs": ["run-h"], "metrics": ["loss"], "axis": "wall", "from_step": 1}),
        json!({"runs": ["run-h"], "metrics": ["loss"], "from": 1, "to_step": 1}),
        json!({"runs": ["run-h"], "metrics": ["loss"], "max_points": 4, "reduction": "lttb"}),
        json!({"runs": ["run-h"], "patterns": ["*".repeat(600)]}),
        json!({"runs": ["run-h"], "metrics": ["loss"], "axis": "epoch"}),
    ] {
        assert_eq!(
            hub.post("/api/v1/series/query", &bad).await.code(),
            400,
            "{bad}"
        );
    }
}

#[tokio::test]
async fn series_come_as_arrow_when_asked_for() {
    let hub = TestHub::local();
    resumed(&hub).await;
    let query = json!({"runs": ["run-h"], "patterns": ["*"]});
    let mut asked = request(
        Method::POST,
        "/api/v1/series/query",
        Some("application/json"),
        query.to_string().into_bytes(),
    );
    asked.headers_mut().insert(
        header::ACCEPT,
        "application/vnd.apache.arrow.stream".parse().unwrap(),
    );
    let rows = arrow_rows(&hub.send(asked).await.body);
    let history = json!({"runs": ["run-h"], "format": "arrow"});
    assert_eq!(rows, arrow_rows(&export(&hub, &history).await.body));
    assert_eq!(rows.len(), 8 + 4);
}

#[tokio::test]
async fn batches_in_binary_are_stored_once_and_bad_ones_refused() {
    let hub = TestHub::local();
    hub.running("run-b").await;
    let formats = hub.get("/api/v1/info").await.json()["event_formats"].clone();
    assert!(formats.as_array().unwrap().contains(&json!(CONTENT_TYPE)));
    let first = batch(
        0,
        &[(
            "loss",
            vec![point(1, f64::from_bits(0x7ff8_0000_dead_beef))],
        )],
    );
    assert_eq!(
        ship(&hub, "run-b", 1, &first).await.json()["duplicate"],
        false
    );
    assert_eq!(
        ship(&hub, "run-b", 1, &first).await.json()["duplicate"],
        true
    );
    assert_eq!(ship(&hub, "run-b", 1, &batch(9, &[])).await.code(), 409);
    let rows = arrow_rows(
        &export(&hub, &json!({"runs": ["run-b"], "format": "arrow"}))
            .await
            .body,
    );
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].5, 0x7ff8_0000_dead_beef, "every bit of a NaN");
    let mut torn = first.encode().unwrap();
    torn.pop();
    let path = "/api/v1/runs/run-b/attempts/1/events";
    let refused = hub
        .send(request(Method::POST, path, Some(CONTENT_TYPE), torn))
        .await;
    assert_eq!(refused.code(), 400);
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("checksum")
    );
    let other = request(
        Method::POST,
        path,
        Some("application/vnd.mlhub.events+v2"),
        Vec::new(),
    );
    assert_eq!(hub.send(other).await.code(), 415);
}

#[tokio::test]
async fn bare_nan_and_infinity_in_json_are_values() {
    let hub = TestHub::local();
    hub.running("run-nan").await;
    let body = r#"{"writer": "w", "start": 0, "end": 1, "tags": {"NaN": "is NaN"}, "points": [
        {"name": "v", "step": 0, "time_ms": 1, "value": NaN},
        {"name": "v", "step": 1, "time_ms": 2, "value": -Infinity},
        {"name": "v", "step": 2, "time_ms": 3, "value": Infinity}]}"#;
    let path = "/api/v1/runs/run-nan/attempts/1/events";
    assert_eq!(hub.raw(path, body).await.code(), 200);
    let query = json!({"runs": ["run-nan"], "metrics": ["v"]});
    let reply = hub.post("/api/v1/series/query", &query).await.json();
    assert_eq!(
        reply["series"][0]["values"],
        json!(["NaN", "-Infinity", "Infinity"])
    );
    let tags = hub.get("/api/v1/runs/run-nan").await.json()["tags"].clone();
    assert_eq!(tags, json!({"NaN": "is NaN"}));
    assert_eq!(hub.raw(path, r#"{"writer": nan}"#).await.code(), 400);
}
