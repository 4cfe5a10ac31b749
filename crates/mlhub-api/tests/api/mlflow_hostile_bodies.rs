//! Bodies, fields and filters that nobody sends by accident: every answer of the MLflow face is
//! one, in its own words, and never an error of the hub.

use axum::http::Method;
use mlhub_api::compat_route_table;
use serde_json::{Value, json};

use crate::hub::{TestHub, encoded, request};
use crate::mlflow::{ROOT, data, experiment, found, ok, post, refused, run};
use crate::mlflow_hostile::answered;

/// Bodies that no client makes.
fn bodies() -> Vec<Vec<u8>> {
    let nested = |open: &str, close: &str| open.repeat(100_000) + "1" + &close.repeat(100_000);
    let mut bodies: Vec<Vec<u8>> = [
        "",
        "{",
        "[]",
        "[1]",
        "1",
        "\"x\"",
        "\"{\\\"run_id\\\": 1}\"",
        "nope",
        "{}",
        "{\"run_id\": NaN}",
        "{\"value\": Infinity}",
        "{\"value\": 1e400}",
        "{\"value\": -0, \"step\": 1180591620717411303424}",
        "{\"run_id\": \"a\", \"run_id\": \"b\", \"metrics\": [], \"metrics\": 3}",
        "{\"key\": \"\\ud800\", \"name\": \"\\ud800\"}",
        "{\"__proto__\": {\"run_id\": \"x\"}, \"constructor\": 1}",
        "{\"metrics\": {\"0\": {}}, \"params\": [null], \"tags\": [[]], \"datasets\": [7]}",
        "{\"metrics\": [{}], \"params\": [{}], \"tags\": [{}], \"datasets\": [{}]}",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    bodies.push(b"{\"name\": \"\xff\xfe\"}".to_vec());
    bodies.push(nested("[", "]").into_bytes());
    bodies.push(nested("{\"a\":", "}").into_bytes());
    bodies.push(format!("{{\"x\": {}}}", nested("[", "]")).into_bytes());
    bodies.push(format!("{{\"run_id\": \"{}\"}}", "a".repeat(1 << 20)).into_bytes());
    bodies
}

#[tokio::test]
async fn no_body_is_an_error_of_the_hub_on_any_route() {
    let hub = TestHub::local();
    for entry in compat_route_table(&hub.state) {
        if entry.method == "GET" || entry.path.contains('*') {
            continue;
        }
        let method: Method = entry.method.parse().unwrap();
        for body in bodies() {
            let shown: String = String::from_utf8_lossy(&body).chars().take(60).collect();
            let what = format!("{} {}: {shown}", entry.method, entry.path);
            let asked = request(method.clone(), entry.path, Some("application/json"), body);
            answered(&hub.send(asked).await, &what);
        }
    }
}

/// Values that nobody means.
fn values() -> Vec<Value> {
    let mut values = vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1.5),
        json!(1e308),
        json!([]),
        json!({}),
        json!([[["x"]]]),
        json!({"a": {"b": 1}}),
        json!(["' OR 1=1 --", "../..", ""]),
    ];
    let texts = [
        "",
        "0",
        "-1",
        "9223372036854775808",
        "1e400",
        "NaN",
        "../../etc/passwd",
        "a\0b",
        "\u{202e}gnp.exe\u{200b}",
        "=HYPERLINK(\"http://x\")",
        "<img src=x onerror=alert(1)>",
        "' OR 1=1 --",
        "0; DROP TABLE run",
        "/* x */",
        "`",
        "%s%n%x",
        "\u{1b}]8;;http://x\u{7}",
        "__proto__",
        "default/../x",
    ];
    values.extend(texts.map(Value::from));
    values.push("x".repeat(1 << 14).into());
    values
}

#[tokio::test]
async fn no_value_of_a_field_is_an_error_of_the_hub() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let run = run(&hub, &id).await;
    let right = json!({
        "run_id": run, "experiment_id": id, "experiment_ids": [id], "name": "n", "new_name": "n",
        "key": "k", "value": 1.0, "timestamp": 1, "step": 1, "status": "RUNNING",
    });
    let fields = [
        "run_id",
        "run_uuid",
        "experiment_id",
        "experiment_ids",
        "experiment_name",
        "name",
        "new_name",
        "key",
        "metric_key",
        "value",
        "timestamp",
        "step",
        "status",
        "filter",
        "order_by",
        "page_token",
        "max_results",
        "tags",
        "params",
        "metrics",
        "datasets",
        "start_time",
        "end_time",
        "run_name",
        "artifact_location",
        "view_type",
        "run_view_type",
        "path",
    ];
    for entry in compat_route_table(&hub.state) {
        let destroys = entry.path.contains("delete") || entry.path.contains("restore");
        // The other prefix has the same handlers.
        let twin = entry.path.starts_with("/ajax-api");
        if entry.method != "POST" || destroys || twin {
            continue;
        }
        for value in values() {
            let mut shown = value.to_string();
            shown.truncate(60);
            // In every field, and in every one beside those that have to be right.
            let mut all = json!({});
            let mut others = right.clone();
            for field in fields {
                all[field] = value.clone();
                if right.get(field).is_none() {
                    others[field] = value.clone();
                }
            }
            for body in [all, others] {
                let what = format!("{}: {shown}", entry.path);
                answered(&hub.post(entry.path, &body).await, &what);
            }
        }
    }
    assert_eq!(
        found(&hub, &id, "")
            .await
            .iter()
            .filter(|one| **one == run)
            .count(),
        1
    );
}

#[tokio::test]
async fn names_and_numbers_of_points_have_bounds() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let run = run(&hub, &id).await;
    for key in [
        "x".repeat(1 << 20).as_str(),
        "",
        "a\0b",
        "a\nb",
        "\u{202e}b",
        "\u{200b}",
        "a\"b",
        "../x",
        "a/../b",
        "\u{1b}[31m",
    ] {
        let shown: String = key.chars().take(20).collect();
        let pair = json!({"key": key, "value": "v"});
        for (path, body) in [
            (
                "runs/log-metric",
                json!({"run_id": run, "key": key, "value": 1, "timestamp": 1}),
            ),
            (
                "runs/log-parameter",
                json!({"run_id": run, "key": key, "value": "v"}),
            ),
            (
                "runs/set-tag",
                json!({"run_id": run, "key": key, "value": "v"}),
            ),
            (
                "runs/log-batch",
                json!({"run_id": run, "metrics": [{"key": key, "value": 1, "timestamp": 1}]}),
            ),
            ("runs/log-batch", json!({"run_id": run, "params": [pair]})),
            ("runs/log-batch", json!({"run_id": run, "tags": [pair]})),
        ] {
            let answer = post(&hub, path, body).await;
            assert_eq!(answered(&answer, &shown), 400, "{path} {shown:?}");
        }
    }
    // Names that mean something elsewhere mean nothing here.
    for key in ["__proto__", "constructor", "a.b", "a", "NaN", "%2e%2e"] {
        let body = json!({"run_id": run, "key": key, "value": 1, "timestamp": 1});
        let status = answered(&post(&hub, "runs/log-metric", body).await, key);
        assert_eq!(status == 200, !key.contains('%'), "{key}");
    }
    let metric = |field: &str, value: &str| {
        let mut all = json!({"run_id": run, "key": "n", "value": 1, "timestamp": 1, "step": 1});
        all[field] = serde_json::from_str(value).unwrap();
        all
    };
    for (field, value, fine) in [
        ("step", "-1", true),
        ("step", "\"3\"", true),
        ("step", "1.5", false),
        ("step", "9223372036854775807", true),
        ("step", "9223372036854775808", false),
        ("step", "1180591620717411303424", false),
        ("step", "\"x\"", false),
        ("timestamp", "0", true),
        ("timestamp", "253402300800000", true),
        ("timestamp", "9223372036854775807", true),
        ("timestamp", "-1", false),
        ("value", "1180591620717411303424", true),
        ("value", "-0", true),
        ("value", "\"-Infinity\"", true),
        ("value", "\"inf\"", false),
        ("value", "\"1e400\"", false),
        ("value", "true", false),
        ("value", "[]", false),
    ] {
        let what = format!("{field} = {value}");
        let one = answered(
            &post(&hub, "runs/log-metric", metric(field, value)).await,
            &what,
        );
        let batch = json!({"run_id": run, "metrics": [metric(field, value)]});
        let batch = answered(&post(&hub, "runs/log-batch", batch).await, &what);
        assert_eq!(
            (one, batch),
            if fine { (200, 200) } else { (400, 400) },
            "{what}"
        );
    }
    let metrics = data(&hub, &run).await["metrics"].clone();
    assert_eq!(metrics.as_array().unwrap().len(), 6, "{metrics}");

    let pair = |number: usize| json!({"key": format!("p{number}"), "value": "v"});
    let metric = json!({"key": "m", "value": 1.0, "timestamp": 1});
    let pairs: Vec<Value> = (0..101).map(pair).collect();
    for body in [
        json!({"run_id": run, "metrics": vec![metric.clone(); 1001]}),
        json!({"run_id": run, "params": pairs}),
        json!({"run_id": run, "tags": pairs}),
        json!({"run_id": run, "metrics": vec![metric.clone(); 950], "params": pairs[..60]}),
        json!({"run_id": run, "metrics": [metric], "other": "x".repeat(1_000_000)}),
    ] {
        let answer = post(&hub, "runs/log-batch", body).await;
        assert_eq!(refused(&answer).1, "INVALID_PARAMETER_VALUE");
    }
    assert_eq!(data(&hub, &run).await.get("params"), None);
}

#[tokio::test]
async fn searches_that_make_no_sense_are_refused_or_cheap() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let run = run(&hub, &id).await;
    let long = json!({"run_id": run, "key": "t", "value": "a".repeat(8000)});
    ok(&hub, "runs/set-tag", long).await;
    for (filter, refused) in [
        ("x".repeat(100_000), true),
        (format!("tags.t = '{}'", "y".repeat(100_000)), true),
        (vec!["tags.t = 'a'"; 10_000].join(" AND "), true),
        (vec!["tags.t != 'b'"; 900].join(" AND "), false),
        (format!("tags.t LIKE '{}b'", "%a".repeat(2000)), false),
        (format!("tags.t ILIKE '{}b'", "%A".repeat(2000)), false),
        (
            format!("datasets.name LIKE '{}b'", "%a".repeat(2000)),
            false,
        ),
        ("(".repeat(5000), true),
        ("tags.t = 'a' OR 1=1 --".to_owned(), true),
        ("tags.t = 'a' OR tags.t = 'b'".to_owned(), true),
        ("tags.t = 'a' -- comment".to_owned(), true),
        ("tags.t = 'a'; DROP TABLE run".to_owned(), true),
        ("/* x */ tags.t = 'a'".to_owned(), true),
        ("tags.`a`b` = 'x'".to_owned(), true),
        ("tags.'x = 'a'".to_owned(), true),
        ("tags.\0 = 'a'".to_owned(), false),
        ("run_id IN ()".to_owned(), true),
        ("metrics.m > 1e400".to_owned(), false),
        ("start_time > 99999999999999999999".to_owned(), false),
    ] {
        let shown: String = filter.chars().take(60).collect();
        let body = json!({"experiment_ids": [id], "filter": filter});
        let status = answered(&post(&hub, "runs/search", body).await, &shown);
        assert!(
            status == 400 || !refused && status == 200,
            "{shown}: {status}"
        );
    }
    for (field, value) in [
        ("max_results", json!(0)),
        ("max_results", json!(-1)),
        ("max_results", json!(1_000_000_000)),
        ("page_token", json!("x")),
        (
            "page_token",
            json!("eyJvZmZzZXQiOiA5MjIzMzcyMDM2ODU0Nzc1ODA4fQ=="),
        ),
        ("order_by", json!(["nothing"])),
        ("order_by", json!(["metrics.x SIDEWAYS"])),
        ("order_by", json!(vec!["metrics.x"; 100])),
    ] {
        let mut body = json!({"experiment_ids": [id]});
        body[field] = value;
        let answer = post(&hub, "runs/search", body.clone()).await;
        assert_eq!(answered(&answer, field), 400, "{body}");
    }
    for run in ["../x", "a/b", "", "x", "0; drop", &"a".repeat(5000)] {
        let run = encoded(run);
        let answer = hub.get(&format!("{ROOT}/runs/get?run_id={run}")).await;
        assert!(matches!(refused(&answer).0, 400 | 404), "{run}");
    }
    for experiment in ["0; drop", "-1", "9223372036854775808", " 1", "1.0"] {
        let asked = encoded(experiment);
        let answer = hub
            .get(&format!("{ROOT}/experiments/get?experiment_id={asked}"))
            .await;
        assert!(
            matches!(answered(&answer, experiment), 400 | 404),
            "{experiment}"
        );
    }
}
