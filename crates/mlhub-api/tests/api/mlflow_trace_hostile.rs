//! What nobody sends as a trace by accident, and who may send one.

use axum::http::{Method, header};
use serde_json::json;

use crate::hub::{HOST, READER, TestHub, WRITER, request};
use crate::mlflow::experiment;
use crate::mlflow_traces::{
    ROOT, field, found, id_of, invalid, missing, otlp, refused, send, sent, span, trace,
};

#[tokio::test]
async fn what_is_no_trace_is_refused() {
    let hub = TestHub::local();
    let of = experiment(&hub, "e").await;
    for more in [
        json!({"trace_id": ""}),
        json!({"trace_id": "../x"}),
        json!({"trace_id": "x".repeat(100)}),
        json!({"trace_id": 3}),
        json!({"trace_location": {"type": "INFERENCE_TABLE"}}),
        json!({"request_time": "yesterday"}),
        json!({"request_time": 3}),
        json!({"execution_duration": "1e300s"}),
        json!({"execution_duration": "long"}),
        json!({"state": "GOOD"}),
        json!({"tags": {"a": 3}}),
        json!({"tags": [1]}),
        json!({"trace_metadata": {"a": "x".repeat(100_000)}}),
        json!({"request_preview": "x".repeat(100_000)}),
        json!({"assessments": [{}]}),
    ] {
        let body = trace("tr-1", &of, more.clone());
        let answer = send(&hub, Method::POST, ROOT, body).await;
        assert_eq!(refused(&answer), invalid(), "{more}");
    }
    let nowhere = send(&hub, Method::POST, ROOT, trace("tr-1", "12345", json!({}))).await;
    assert_eq!(refused(&nowhere), missing());
    for body in [json!({}), json!({"trace": 3}), json!({"trace": {}})] {
        assert_eq!(
            refused(&send(&hub, Method::POST, ROOT, body).await),
            invalid()
        );
    }
    let deleted = json!({"experiment_id": of});
    let path = "/api/2.0/mlflow/experiments/delete";
    assert_eq!(send(&hub, Method::POST, path, deleted).await.status, 200);
    let answer = send(&hub, Method::POST, ROOT, trace("tr-1", &of, json!({}))).await;
    assert_eq!(refused(&answer), invalid());
    assert_eq!(refused(&hub.get(&format!("{ROOT}/tr-1")).await), missing());
    let answer = hub.get(&format!("{ROOT}/get?trace_id=tr-1")).await;
    assert_eq!(refused(&answer), missing());
}

#[tokio::test]
async fn what_are_no_spans_is_refused_and_nothing_is_stored() {
    let hub = TestHub::local();
    let of = experiment(&hub, "e").await;
    let good = span(7, 1, None, "root", &[]);
    let mut deep = field(1, b"x");
    for _ in 0..3_000 {
        deep = field(5, &field(1, &deep));
    }
    let deep = field(9, &[field(1, b"k"), field(2, &deep)].concat());
    let many: Vec<u8> = field(9, &[]).repeat(500_000);
    for (what, body) in [
        ("nothing", Vec::new()),
        ("text", b"hello".to_vec()),
        ("cut off", sent(std::slice::from_ref(&good))[..40].to_vec()),
        ("no ids", sent(&[good.clone(), field(5, b"x")])),
        (
            "no UTF-8",
            sent(&[[good.clone(), field(5, &[0xff])].concat()]),
        ),
        ("deep", sent(&[[good.clone(), deep].concat()])),
        ("many", sent(&[[good.clone(), many].concat()])),
    ] {
        let answer = hub.send(otlp(&of, body, &[])).await;
        assert_eq!(refused(&answer), invalid(), "{what}");
    }
    let packed = |bytes: &[u8]| {
        use std::io::Write as _;
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    };
    let bomb = packed(&vec![0; 80 * 1024 * 1024]);
    for (encoding, body) in [
        ("gzip", b"no".to_vec()),
        ("gzip", bomb),
        ("br", good.clone()),
    ] {
        let answer = hub
            .send(otlp(&of, body, &[("content-encoding", encoding)]))
            .await;
        assert_eq!(refused(&answer), invalid(), "{encoding}");
    }
    let json = [("content-type", "application/json")];
    let answer = hub.send(otlp(&of, b"{}".to_vec(), &json)).await;
    assert_eq!(refused(&answer), invalid());
    let answer = hub
        .send(otlp("12345", sent(std::slice::from_ref(&good)), &[]))
        .await;
    assert_eq!(refused(&answer), missing());
    let kind = Some("application/x-protobuf");
    let answer = hub
        .send(request(
            Method::POST,
            "/v1/traces",
            kind,
            sent(std::slice::from_ref(&good)),
        ))
        .await;
    assert_eq!(refused(&answer), invalid());
    assert!(found(&hub, &of, "", &[]).await.is_empty());
    let gzip = [("content-encoding", "gzip")];
    let answer = hub.send(otlp(&of, packed(&sent(&[good])), &gzip)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(found(&hub, &of, "", &[]).await, [id_of(7)]);
}

#[tokio::test]
async fn spans_are_taken_of_those_who_may_write() {
    let hub = TestHub::with_tokens();
    let body = || sent(&[span(7, 1, None, "root", &[])]);
    let with = |token: &str| format!("Bearer {token}");
    let nobody = hub.send(otlp("0", body(), &[])).await;
    assert_eq!(refused(&nobody), (401, "UNAUTHENTICATED".to_owned()));
    let reader = hub
        .send(otlp("0", body(), &[("authorization", &with(READER))]))
        .await;
    assert_eq!(refused(&reader), (403, "PERMISSION_DENIED".to_owned()));
    let writer = hub
        .send(otlp("0", body(), &[("authorization", &with(WRITER))]))
        .await;
    assert_eq!(writer.status, 200, "{writer:?}");
    // A page of another origin sends nothing, whoever looks at it.
    let mut foreign = otlp("0", body(), &[("authorization", &with(WRITER))]);
    let origin = "http://evil.example".parse().unwrap();
    foreign.headers_mut().insert(header::ORIGIN, origin);
    assert_eq!(hub.send(foreign).await.status, 403, "from {HOST}");
}
