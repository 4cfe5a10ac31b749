//! Values and steps at the edge of what they can hold, in and out bit by bit.

use axum::http::Method;
use serde_json::{Value, json};

use mlhub_protocol::{Number, rest};

use crate::hub::TestHub;

const VALUES: [f64; 12] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    -0.0,
    0.0,
    f64::MIN_POSITIVE / 2.0,
    5e-324,
    f64::MAX,
    f64::MIN,
    0.1,
    1.0 / 3.0,
    9_007_199_254_740_993.0,
];

#[tokio::test]
async fn every_value_comes_back_bit_by_bit() {
    let hub = TestHub::local();
    let run = hub.running("run-bits").await;
    let steps: Vec<i64> = [i64::MIN, -1, 0, 1]
        .into_iter()
        .chain(100..107)
        .chain([i64::MAX])
        .collect();
    let points: Vec<Value> = VALUES
        .iter()
        .zip(&steps)
        .map(|(value, step)| json!({"name": "v", "step": step, "time_ms": step, "value": Number(*value)}))
        .collect();
    let batch = json!({"writer": "w", "start": 0, "end": 1, "points": points});
    assert_eq!(hub.attempt(&run, "events", &batch).await.code(), 200);
    let query = json!({"runs": [run], "metrics": ["v"]});
    let reply = hub.post("/api/v1/series/query", &query).await.json();
    let series = &reply["series"][0];
    assert_eq!(
        (&series["exact"], &series["total"]),
        (&json!(true), &json!(12))
    );
    assert_eq!(series["steps"], json!(steps));
    assert_eq!(series["times_ms"], json!(steps));
    for (sent, got) in VALUES.iter().zip(series["values"].as_array().unwrap()) {
        let got: Number = serde_json::from_value(got.clone()).unwrap();
        assert_eq!(got, Number(*sent));
    }
    let listed = hub.get("/api/v1/runs/run-bits/metrics").await.json();
    let metric = &listed["metrics"][0];
    assert_eq!(
        (&metric["count"], &metric["non_finite"]),
        (&json!(12), &json!(3))
    );
    assert_eq!(metric["last_step"], i64::MAX);
    let reduced = json!({"runs": ["run-bits"], "metrics": ["v"], "max_points": 4});
    let reduced = hub.post("/api/v1/series/query", &reduced).await.json();
    assert_eq!(reduced["series"][0]["exact"], false);
    assert!(reduced["series"][0]["steps"].as_array().unwrap().len() <= 4);
}

#[tokio::test]
async fn a_range_of_steps_holds_both_ends() {
    let hub = TestHub::local();
    let run = hub.running("run-range").await;
    let points: Vec<Value> = (0..10)
        .map(|step| json!({"name": "v", "step": step, "time_ms": 0, "value": step}))
        .collect();
    let batch = json!({"writer": "w", "start": 0, "end": 1, "points": points});
    assert_eq!(hub.attempt(&run, "events", &batch).await.code(), 200);
    for (from, to, expected) in [
        (json!(3), json!(5), json!([3, 4, 5])),
        (json!(8), Value::Null, json!([8, 9])),
        (Value::Null, json!(1), json!([0, 1])),
        (json!(i64::MIN), json!(0), json!([0])),
    ] {
        let query = json!({"runs": [run], "metrics": ["v"], "from_step": from, "to_step": to});
        let reply = hub.post("/api/v1/series/query", &query).await.json();
        assert_eq!(reply["series"][0]["steps"], expected);
    }
    let empty = json!({"runs": [run], "metrics": ["v"], "from_step": 5, "to_step": 3});
    let reply = hub.post("/api/v1/series/query", &empty).await.json();
    assert_eq!(reply["series"], json!([]));
}

#[tokio::test]
async fn runs_are_sorted_by_a_metric_with_nan_after_the_numbers() {
    let hub = TestHub::local();
    for (run, value) in [
        ("sort-a", 1.0),
        ("sort-b", f64::NAN),
        ("sort-c", 2.0),
        ("sort-d", f64::NEG_INFINITY),
    ] {
        hub.running(run).await;
        let batch = json!({"writer": "w", "start": 0, "end": 1, "points":
            [{"name": "m", "step": 1, "time_ms": 1, "value": Number(value)}]});
        assert_eq!(hub.attempt(run, "events", &batch).await.code(), 200);
    }
    hub.run("sort-e").await;
    let order = async |order: &str| {
        let mut ids = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/api/v1/runs?sort=metric:m&order={order}&limit=1{cursor}");
            let page = hub.get(&path).await.json();
            ids.push(page["runs"][0]["id"].as_str().unwrap().to_owned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return ids.join(" "),
            }
        }
    };
    assert_eq!(order("asc").await, "sort-d sort-a sort-c sort-b sort-e");
    assert_eq!(order("desc").await, "sort-c sort-a sort-d sort-b sort-e");
}

#[tokio::test]
async fn packed_series_hold_every_bit_and_are_not_compressed() {
    let hub = TestHub::local();
    let run = hub.running("run-packed").await;
    let mut points: Vec<Value> = VALUES
        .iter()
        .enumerate()
        .map(|(step, value)| json!({"name": "größe", "step": step, "time_ms": 7 * step, "value": Number(*value)}))
        .collect();
    points.push(json!({"name": "b", "step": 1_i64 << 53, "time_ms": -1, "value": 0.5}));
    let batch = json!({"writer": "w", "start": 0, "end": 1, "points": points});
    assert_eq!(hub.attempt(&run, "events", &batch).await.code(), 200);
    let query = json!({"runs": [run], "metrics": ["größe", "none", "b"]});
    let mut request = crate::hub::request(
        Method::POST,
        "/api/v1/series/query",
        Some("application/json"),
        query.to_string().into_bytes(),
    );
    let headers = request.headers_mut();
    headers.insert("accept", rest::PACKED_SERIES.parse().unwrap());
    headers.insert("accept-encoding", "gzip".parse().unwrap());
    let answer = hub.send(request).await;
    assert_eq!(answer.code(), 200);
    assert_eq!(answer.header("content-type"), rest::PACKED_SERIES);
    assert!(!answer.headers.contains_key("content-encoding"));

    let (length, body) = answer.body.split_at(4);
    let length = u32::from_le_bytes(length.try_into().unwrap()) as usize;
    assert_eq!((4 + length) % 8, 0, "numbers start at a multiple of eight");
    let (head, numbers) = body.split_at(length);
    let head: rest::PackedHeader = serde_json::from_slice(head).unwrap();
    let [first, second] = head.series.as_slice() else {
        panic!("two series have points: {head:?}");
    };
    assert_eq!(
        (first.metric.as_str(), first.count, first.non_finite),
        ("größe", 12, 3)
    );
    assert_eq!(
        (second.metric.as_str(), second.count, second.exact),
        ("b", 1, true)
    );
    let numbers: Vec<f64> = numbers
        .chunks(8)
        .map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    let steps: Vec<f64> = (0..12).map(f64::from).collect();
    let times: Vec<f64> = (0..12).map(|step| f64::from(7 * step)).collect();
    assert_eq!(numbers[..12], steps);
    assert_eq!(numbers[12..24], times);
    for (sent, got) in VALUES.iter().zip(&numbers[24..36]) {
        assert_eq!(Number(*got), Number(*sent));
    }
    assert_eq!(numbers[36..], [2_f64.powi(53), -1.0, 0.5]);
}
