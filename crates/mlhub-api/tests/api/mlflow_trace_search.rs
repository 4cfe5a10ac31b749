//! Traces that are looked for on the MLflow face: filters, orders, pages.

use axum::http::Method;
use serde_json::json;

use crate::hub::TestHub;
use crate::mlflow::experiment;
use crate::mlflow_traces::{
    ROOT, found, id_of, ids, invalid, location, ok, otlp, refused, send, sent, span, start,
};

#[tokio::test]
async fn traces_are_found_ordered_and_paged() {
    let hub = TestHub::local();
    let of = experiment(&hub, "e").await;
    for (number, name, state) in [
        (1, "a", "OK"),
        (2, "b", "ERROR"),
        (3, "a", "OK"),
        (4, "c", "OK"),
    ] {
        let assessments = match number {
            1 => json!([{"assessment_name": "good", "feedback": {"value": "yes"}}]),
            2 => json!([{"assessment_name": "score", "feedback": {"value": 0.75}},
                        {"assessment_name": "wanted", "expectation": {"value": true}}]),
            _ => json!([]),
        };
        start(
            &hub,
            &id_of(number),
            &of,
            json!({
                "request_time": format!("2026-01-02T03:04:0{number}Z"),
                "execution_duration": format!("{}s", 5 - number),
                "state": state,
                "tags": {"mlflow.traceName": name, "n": number.to_string()},
                "client_request_id": format!("c{number}"),
                "assessments": assessments,
            }),
        )
        .await;
    }
    let spans = [
        span(
            1,
            1,
            None,
            "work",
            &[("model", "large"), ("mlflow.spanType", "LLM")],
        ),
        span(2, 1, None, "work", &[("mlflow.spanInputs", "the Needle")]),
    ];
    assert_eq!(hub.send(otlp(&of, sent(&spans), &[])).await.status, 200);
    let numbers = async |filter: &str, order: &[&str]| -> Vec<u8> {
        let found = found(&hub, &of, filter, order).await;
        found
            .iter()
            .map(|id| u8::from_str_radix(&id[3..5], 16).unwrap())
            .collect()
    };
    assert_eq!(numbers("", &[]).await, [4, 3, 2, 1]);
    for (filter, expected) in [
        ("status = 'OK'", vec![4, 3, 1]),
        ("trace.status IN ('ERROR')", vec![2]),
        ("name = 'a'", vec![3, 1]),
        ("name LIKE '%A%'", vec![]),
        ("name ILIKE '%A%' AND tags.n != '1'", vec![3]),
        ("tags.n IS NULL", vec![]),
        ("tag.who IS NULL", vec![4, 3, 2, 1]),
        (
            "metadata.m = '1' AND metadata.none IS NULL",
            vec![4, 3, 2, 1],
        ),
        (
            "timestamp_ms >= 1767323042000 AND timestamp < 1767323044000",
            vec![3, 2],
        ),
        ("execution_time_ms > 2000", vec![2, 1]),
        (
            "end_time_ms = 1767323045000 AND client_request_id = 'c4'",
            vec![4],
        ),
        ("request_id = 'tr-none'", vec![]),
        ("feedback.good = 'yes'", vec![1]),
        ("feedback.good IS NOT NULL", vec![1]),
        ("feedback.score > 0.5", vec![2]),
        ("feedback.score > 0.8", vec![]),
        ("expectation.wanted = 'true'", vec![2]),
        ("span.name = 'work'", vec![2, 1]),
        ("span.type = 'LLM' AND span.status = 'OK'", vec![1]),
        ("span.attributes.model = 'large'", vec![1]),
        ("trace.text LIKE '%Needle%'", vec![2]),
        ("trace.text LIKE '%needle%'", vec![]),
        ("run_id = 'none'", vec![]),
    ] {
        assert_eq!(numbers(filter, &[]).await, expected, "{filter}");
    }
    for (order, expected) in [
        (vec!["timestamp_ms ASC"], vec![1, 2, 3, 4]),
        (vec!["timestamp DESC"], vec![4, 3, 2, 1]),
        (vec!["name DESC"], vec![4, 2, 3, 1]),
        (vec!["name ASC", "timestamp_ms ASC"], vec![1, 3, 2, 4]),
        (vec!["execution_time_ms"], vec![4, 3, 2, 1]),
        (vec!["tags.n"], vec![1, 2, 3, 4]),
        (vec!["metadata.none DESC"], vec![4, 3, 2, 1]),
        (vec!["status"], vec![2, 4, 3, 1]),
    ] {
        assert_eq!(numbers("", &order).await, expected, "{order:?}");
        // In pages of one, of which each goes on behind the one before.
        let mut body = json!({"locations": location(&of), "max_results": 1, "order_by": order});
        let mut paged = Vec::new();
        loop {
            let page = ok(&hub, Method::POST, &format!("{ROOT}/search"), body.clone()).await;
            paged.extend(
                ids(&page)
                    .iter()
                    .map(|id| u8::from_str_radix(&id[3..5], 16).unwrap()),
            );
            match page.get("next_page_token") {
                None => break,
                Some(token) => body["page_token"] = token.clone(),
            }
        }
        assert_eq!(paged, expected, "{order:?} in pages");
    }
    for body in [
        json!({"max_results": 501}),
        json!({"max_results": 0}),
        json!({"page_token": "eyJvZmZzZXQiOiAxfQ=="}),
        json!({"page_token": "after:1:?"}),
        json!({"page_token": "after:x:tr-1"}),
        json!({"page_token": "after:1:tr-none", "order_by": ["name"]}),
        json!({"filter": "foo.bar = 'x'"}),
        json!({"filter": "state = 'OK'"}),
        json!({"filter": "status = 'OK' OR status = 'ERROR'"}),
        json!({"order_by": ["foo"]}),
        json!({"order_by": ["span.name"]}),
        json!({"order_by": ["name", "name DESC"]}),
        json!({"order_by": 3}),
        json!({"locations": []}),
        json!({"locations": [3]}),
    ] {
        let mut whole = json!({"locations": location(&of)});
        whole
            .as_object_mut()
            .unwrap()
            .extend(body.as_object().unwrap().clone());
        let answer = send(&hub, Method::POST, &format!("{ROOT}/search"), whole).await;
        assert_eq!(refused(&answer), invalid(), "{body}");
    }
    let elsewhere = found(&hub, "12345", "", &[]).await;
    assert!(elsewhere.is_empty());
}
