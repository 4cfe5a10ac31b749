//! Arbitrary bytes to every route that takes a body: refused or taken, never a
//! server error.

use axum::http::Method;
use mlhub_api::route_table;
use proptest::prelude::*;

use crate::hub::{TestHub, request};

/// Bytes, and JSON with the names that bodies have, so that some get further.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let name = prop::sample::select(vec![
        "runs",
        "project",
        "experiment",
        "snapshot",
        "writer",
        "start",
        "end",
        "points",
        "name",
        "step",
        "value",
        "time_ms",
        "params",
        "tags",
        "records",
        "state",
        "ended_at",
        "failure",
        "predictions",
        "started_at",
        "metrics",
        "max_points",
        "fingerprint",
        "hash",
        "version",
        "manifest",
        "spec",
        "parts",
        "inspection",
        "id",
        "seed",
        "notes",
        "evaluation",
    ]);
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:e}")),
        Just("1e999".to_owned()),
        Just("\"finished\"".to_owned()),
        Just("\"NaN\"".to_owned()),
        Just("\"\\u0000\"".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        "[a-z./\\\\]{0,8}".prop_map(|text| format!("{text:?}")),
    ];
    let json = leaf.prop_recursive(4, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5)
                .prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((name.clone(), inner), 0..6).prop_map(|fields| {
                let fields: Vec<String> = fields
                    .into_iter()
                    .map(|(name, value)| format!("\"{name}\":{value}"))
                    .collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    });
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        json.prop_map(String::into_bytes),
    ]
}

#[test]
fn no_body_makes_a_server_error() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let hub = runtime.block_on(async {
        let hub = TestHub::local();
        hub.running("run1").await;
        hub
    });
    let routes: Vec<(Method, String)> = route_table(&hub.state)
        .iter()
        .filter(|entry| entry.body_limit > 0)
        .map(|entry| {
            let path = entry
                .path
                .replace("{run}", "run1")
                .replace("{number}", "1")
                .replace("{stream}", "stdout?offset=0")
                .replace("{name}", "data")
                .replace("{version}", "1")
                .replace("/content", "/content?path=a&attempt=1");
            (entry.method.parse().unwrap(), path)
        })
        .collect();
    assert!(routes.len() >= 12);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&bodies(), |body| {
            for (method, path) in &routes {
                for content_type in ["application/json", "application/octet-stream"] {
                    let asked = request(method.clone(), path, Some(content_type), body.clone());
                    let answer = runtime.block_on(hub.send(asked));
                    prop_assert!(!answer.status.is_server_error(), "{path}: {answer:?}");
                }
            }
            Ok(())
        })
        .unwrap();
}
