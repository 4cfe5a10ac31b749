//! Bodies and queries that are not what they should be: refused with a reason,
//! never a server error, never half stored.

use axum::http::Method;
use serde_json::json;

use crate::hub::{TestHub, encoded};

fn batch(field: &str) -> String {
    format!(r#"{{"writer": "w", "start": 0, "end": 10, {field}}}"#)
}

fn point(field: &str) -> String {
    batch(&format!(
        r#""points": [{{"name": "m", "step": 1, "time_ms": 1, {field}}}]"#
    ))
}

#[tokio::test]
async fn malformed_json_is_refused_and_stores_nothing() {
    let hub = TestHub::local();
    let run = hub.running("run-json").await;
    let events = format!("/api/v1/runs/{run}/attempts/1/events");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let nested = batch(&format!(
        r#""records": [{{"kind": "k", "time_ms": 1, "body": {deep}}}]"#
    ));
    let bodies: Vec<Vec<u8>> = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{".to_owned(),
        deep.clone(),
        nested,
        format!(r#"{{"unknown": {deep}}}"#),
        r#"{"writer": "w", "writer": "v", "start": 0, "end": 10}"#.to_owned(),
        point(r#""value": 1e400"#),
        point(r#""value": nan"#),
        point(r#""value": +Infinity"#),
        point(r#""value": NaNs"#),
        point(r#""value": "three""#),
        point(r#""value": null"#),
        point(r#""value": 1, "extra": 1"#),
        r#"{"writer": "\ud800", "start": 0, "end": 1}"#.to_owned(),
        r#"{"writer": "w", "start": -1, "end": 10}"#.to_owned(),
        r#"{"writer": "w", "start": 10, "end": 0}"#.to_owned(),
        r#"{"writer": "w", "start": 0, "end": 18446744073709551615}"#.to_owned(),
        r#"{"writer": "w", "start": 0, "end": 18446744073709551616}"#.to_owned(),
        r#"{"writer": "", "start": 0, "end": 10}"#.to_owned(),
        r#"{"writer": "a\u0000b", "start": 0, "end": 10}"#.to_owned(),
        r#"{"writer": "w", "start": 0.5, "end": 10}"#.to_owned(),
        batch(r#""tags": {"a\u0000": "b"}"#),
        batch(r#""tags": {"a": "b\u0000"}"#),
        batch(r#""params": {"": "b"}"#),
    ]
    .into_iter()
    .map(String::into_bytes)
    .chain([b"{\"writer\": \"\xff\", \"start\": 0, \"end\": 1}".to_vec()])
    .collect();
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(100)]).into_owned();
        let answer = hub.raw(&events, body).await;
        assert_eq!(answer.code(), 400, "{shown}");
        assert!(answer.body.len() < 2000, "{shown}");
    }
    let offsets = hub
        .get(&format!("/api/v1/runs/{run}/attempts/1/offsets"))
        .await;
    assert_eq!(offsets.json()["events"], json!({}));
}

#[tokio::test]
async fn numbers_at_the_edge_of_json_are_values_or_refused() {
    let hub = TestHub::local();
    let run = hub.running("run-edge").await;
    let events = format!("/api/v1/runs/{run}/attempts/1/events");
    for (index, (field, expected)) in [
        (r#""value": 1180591620717411303424"#, 200),
        (r#""value": -0"#, 200),
        (r#""value": 1e-400"#, 200),
        (r#""value": "NaN""#, 200),
        (r#""value": true"#, 400),
    ]
    .into_iter()
    .enumerate()
    {
        let body = point(field).replace("\"w\"", &format!("\"w{index}\""));
        assert_eq!(hub.raw(&events, body).await.code(), expected, "{field}");
    }
    for (index, (step, expected)) in [
        ("-1", 200),
        ("9223372036854775807", 200),
        ("-9223372036854775808", 200),
        ("9223372036854775808", 400),
        ("1.5", 400),
        ("\"3\"", 400),
        ("1180591620717411303424", 400),
    ]
    .into_iter()
    .enumerate()
    {
        for (field, other) in [("step", "time_ms"), ("time_ms", "step")] {
            let body = format!(
                r#"{{"writer": "{field}{index}", "start": 0, "end": 1,
                    "points": [{{"name": "n", "{field}": {step}, "{other}": 1, "value": 1}}]}}"#
            );
            let answer = hub.raw(&events, body).await;
            assert_eq!(answer.code(), expected, "{field} {step}");
        }
    }
    let query = json!({"runs": [run], "metrics": ["n"], "max_points": 4});
    assert_eq!(hub.post("/api/v1/series/query", &query).await.code(), 200);
}

#[tokio::test]
async fn metric_names_of_every_shape_are_kept_apart_or_refused() {
    let hub = TestHub::local();
    let run = hub.running("run-names").await;
    let names = [
        "__proto__",
        "constructor",
        "a.b",
        "a",
        "caf\u{e9}",
        "cafe\u{301}",
        "\u{202e}x",
        " ",
    ];
    let points: Vec<_> = names
        .iter()
        .map(|name| json!({"name": name, "step": 1, "time_ms": 1, "value": 1}))
        .collect();
    let body = json!({"writer": "w", "start": 0, "end": 1, "points": points});
    assert_eq!(hub.attempt(&run, "events", &body).await.code(), 200);
    let listed = hub.get(&format!("/api/v1/runs/{run}/metrics")).await.json();
    assert_eq!(listed["metrics"].as_array().unwrap().len(), names.len());
    for name in ["", "a\0b", &"x".repeat(1_000_000), &"x".repeat(4097)] {
        let body = json!({"writer": "w", "start": 1, "end": 2,
            "points": [{"name": name, "step": 1, "time_ms": 1, "value": 1}]});
        let answer = hub.attempt(&run, "events", &body).await;
        assert_eq!(answer.code(), 400, "{} bytes", name.len());
    }
}

#[tokio::test]
async fn ten_thousand_new_metrics_in_one_batch_are_stored() {
    let hub = TestHub::local();
    let run = hub.running("run-many").await;
    let points: Vec<_> = (0..10_000)
        .map(|index| json!({"name": format!("m/{index}"), "step": 1, "time_ms": 1, "value": index}))
        .collect();
    let body = json!({"writer": "w", "start": 0, "end": 1, "points": points});
    assert_eq!(hub.attempt(&run, "events", &body).await.code(), 200);
    let listed = hub.get(&format!("/api/v1/runs/{run}/metrics")).await.json();
    assert_eq!(listed["metrics"].as_array().unwrap().len(), 10_000);
}

#[tokio::test]
async fn log_offsets_out_of_range_are_refused_and_gaps_are_named() {
    let hub = TestHub::local();
    let run = hub.running("run-logs").await;
    for (offset, expected) in [
        ("-1", 400),
        ("1.5", 400),
        ("x", 400),
        ("18446744073709551616", 400),
        ("9223372036854775808", 400),
        ("18446744073709551615", 400),
        ("9223372036854775806", 409),
        ("2147483648", 409),
        ("0", 200),
    ] {
        let path = format!("/api/v1/runs/{run}/attempts/1/logs/stdout?offset={offset}");
        let answer = hub.bytes(Method::POST, &path, b"x").await;
        assert_eq!(answer.code(), expected, "{offset}");
        if expected == 409 {
            assert_eq!(answer.json()["details"]["expected"], 0);
        }
    }
    for query in ["offset=-1", "limit=-1", "tail=x", "attempt=-1", "from=1"] {
        let path = format!("/api/v1/runs/{run}/logs/stdout?{query}");
        assert_eq!(hub.get(&path).await.code(), 400, "{query}");
    }
    for attempt in [0u32, 2, u32::MAX] {
        let path = format!("/api/v1/runs/{run}/logs/stdout?attempt={attempt}");
        assert_eq!(hub.get(&path).await.code(), 404, "{attempt}");
    }
    let path = format!("/api/v1/runs/{run}/logs/stdout?offset=18446744073709551615");
    let past = hub.get(&path).await;
    assert_eq!((past.code(), past.header("mlhub-log-offset")), (200, "1"));
}

#[tokio::test]
async fn pages_take_a_sane_limit_and_only_their_own_cursor() {
    let hub = TestHub::local();
    let made = crate::hub::creation(&["page-1", "page-2", "page-3"]);
    assert_eq!(hub.post("/api/v1/runs", &made).await.code(), 201);
    for limit in [
        "0",
        "-1",
        "1001",
        "1000000000",
        "1e3",
        "18446744073709551616",
    ] {
        let path = format!("/api/v1/runs?limit={limit}");
        assert_eq!(hub.get(&path).await.code(), 400, "{limit}");
    }
    let page = hub.get("/api/v1/runs?limit=2").await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(
        (
            page["total"].clone(),
            page["runs"].as_array().unwrap().len()
        ),
        (json!(3), 2)
    );
    let rest = hub
        .get(&format!("/api/v1/runs?limit=2&cursor={cursor}"))
        .await;
    assert_eq!(rest.json()["runs"].as_array().unwrap().len(), 1);
    for query in [
        "sort=name",
        "order=asc",
        "state=queued",
        "q=page",
        "project=p",
    ] {
        let path = format!("/api/v1/runs?{query}&cursor={cursor}");
        assert_eq!(hub.get(&path).await.code(), 400, "{query}");
    }
    let forged = |text: &str| text.bytes().map(|b| format!("{b:02x}")).collect::<String>();
    let flipped = format!("{}0", &cursor[..cursor.len() - 1]);
    for bad in [
        "x".to_owned(),
        "zz".to_owned(),
        flipped,
        cursor[2..].to_owned(),
        forged(r#"{"query":"","seq":9223372036854775807,"key":"Missing"}"#),
        forged("{}"),
        "0".repeat(40_000),
        encoded("\u{e9}"),
    ] {
        let path = format!("/api/v1/runs?limit=2&cursor={bad}");
        assert_eq!(hub.get(&path).await.code(), 400, "{}", bad.len());
    }
}

#[tokio::test]
async fn searched_text_is_text() {
    let hub = TestHub::local();
    let mut made = crate::hub::creation(&["text-1"]);
    made["tags"] = json!({"note": "50%_off ' OR 1=1 -- `"});
    assert_eq!(hub.post("/api/v1/runs", &made).await.code(), 201);
    hub.run("text-2").await;
    for (text, found) in [
        ("50%_off", 1),
        ("%", 1),
        ("_", 1),
        ("' OR 1=1 --", 1),
        ("`", 1),
        ("%a%a%a%a%b", 0),
        ("\\", 0),
        ("\"; DROP TABLE run; --", 0),
        ("TEXT-", 2),
    ] {
        let page = hub.get(&format!("/api/v1/runs?q={}", encoded(text))).await;
        assert_eq!(page.json()["total"], found, "{text}");
    }
    let long = "%25a".repeat(15_000);
    let code = hub.get(&format!("/api/v1/runs?q={long}")).await.code();
    assert!([200, 400, 413].contains(&code), "{code}");
    for query in [
        "q=%00",
        "q=%ff",
        "adapter=%00",
        "sort=metric:%00",
        "sort=evaluated:a%00/b",
        "sort=evaluated:a",
        "sort=drop",
        "sort=param:",
        "order=up",
        "state=done",
        "group=..%2fx",
        "project=%00",
        "nonsense=1",
    ] {
        let code = hub.get(&format!("/api/v1/runs?{query}")).await.code();
        assert!([200, 400].contains(&code), "{query}: {code}");
    }
    assert_eq!(hub.get("/api/v1/runs?nonsense=1").await.code(), 400);
}

#[tokio::test]
async fn queries_past_their_limits_are_refused() {
    let hub = TestHub::local();
    let run = hub.running("run-limits").await;
    let many: Vec<String> = (0..1001).map(|index| format!("m{index}")).collect();
    let query = json!({"runs": [run], "metrics": many});
    assert_eq!(hub.post("/api/v1/series/query", &query).await.code(), 413);
    for max in [0, 1, 3, 100_001] {
        let query = json!({"runs": [run], "metrics": ["m"], "max_points": max});
        assert_eq!(
            hub.post("/api/v1/series/query", &query).await.code(),
            400,
            "{max}"
        );
    }
    assert_eq!(
        hub.post("/api/v1/compare", &json!({"runs": []}))
            .await
            .code(),
        400
    );
    let many = vec!["run-limits"; 101];
    assert_eq!(
        hub.post("/api/v1/compare", &json!({"runs": many}))
            .await
            .code(),
        400
    );
    let twice = json!({"runs": ["run-limits", "run-lim"]});
    assert_eq!(hub.post("/api/v1/compare", &twice).await.code(), 400);
    let evidence = vec!["line"; 41];
    let end = json!({"state": "failed", "ended_at": 1,
        "failure": {"class": "exit", "message": "m", "evidence": evidence}});
    assert_eq!(hub.attempt(&run, "finish", &end).await.code(), 400);
    let end = json!({"state": "failed", "ended_at": 1,
        "failure": {"class": "unheard", "message": "m"}});
    assert_eq!(hub.attempt(&run, "finish", &end).await.code(), 400);
}

#[tokio::test]
async fn advice_comes_with_a_failure() {
    let hub = TestHub::local();
    let run = hub.running("run-advised").await;
    let end = json!({"state": "failed", "ended_at": 1, "failure": {
        "class": "gpu_out_of_memory", "message": "m", "evidence": ["CUDA out of memory"], "advice": "ours"}});
    assert_eq!(hub.attempt(&run, "finish", &end).await.code(), 200);
    let failure = &hub.get("/api/v1/runs/run-advised").await.json()["failure"];
    assert_eq!(failure["class"], "gpu_out_of_memory");
    let advice = failure["advice"].as_str().expect("advice");
    assert!(advice.contains("smaller batch"), "{advice}");
}
