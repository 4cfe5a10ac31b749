//! Traces on the MLflow face, call by call. Real clients are in `python/tests`.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use crate::hub::{Answer, TestHub, request};
use crate::mlflow::experiment;

pub(crate) const ROOT: &str = "/api/3.0/mlflow/traces";
const ROOT_2: &str = "/api/2.0/mlflow/traces";
const FILES: &str = "/api/2.0/mlflow-artifacts/artifacts";

/// A field of a message that holds bytes.
pub(crate) fn field(number: u8, of: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = of.len();
    while length > 0x7f {
        bytes.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(of);
    bytes
}

fn time(number: u8, ms: u64) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 1];
    bytes.extend((ms * 1_000_000).to_le_bytes());
    bytes
}

fn text_attribute(key: &str, value: &str) -> Vec<u8> {
    let pair = [
        field(1, key.as_bytes()),
        field(2, &field(1, value.as_bytes())),
    ];
    field(9, &pair.concat())
}

/// A span of the trace whose id is 16 times a byte.
pub(crate) fn span(
    trace: u8,
    id: u8,
    parent: Option<u8>,
    name: &str,
    attributes: &[(&str, &str)],
) -> Vec<u8> {
    let mut span = [
        field(1, &[trace; 16]),
        field(2, &[id; 8]),
        field(5, name.as_bytes()),
        time(7, 1_000 + u64::from(id)),
        time(8, 1_500),
        field(15, &[0x18, 1]),
    ]
    .concat();
    if let Some(parent) = parent {
        span.extend(field(4, &[parent; 8]));
    }
    for (key, value) in attributes {
        span.extend(text_attribute(key, value));
    }
    span
}

pub(crate) fn sent(spans: &[Vec<u8>]) -> Vec<u8> {
    let service = [field(1, b"service.name"), field(2, &field(1, b"shop"))].concat();
    let resource = field(1, &field(1, &service));
    let spans: Vec<u8> = spans.iter().flat_map(|span| field(2, span)).collect();
    field(1, &[resource, field(2, &spans)].concat())
}

pub(crate) fn otlp(experiment: &str, body: Vec<u8>, headers: &[(&str, &str)]) -> Request<Body> {
    let kind = Some("application/x-protobuf");
    let mut request = request(Method::POST, "/v1/traces", kind, body);
    let all = [("x-mlflow-experiment-id", experiment)];
    for (name, value) in all.iter().chain(headers) {
        let name: header::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request
}

pub(crate) fn trace(id: &str, experiment: &str, more: Value) -> Value {
    let mut info = json!({
        "trace_id": id,
        "trace_location": {
            "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment},
        },
        "request_time": "2026-01-02T03:04:05.678Z",
        "execution_duration": "0.460s",
        "state": "OK",
        "trace_metadata": {"m": "1"},
        "tags": {"mlflow.traceName": "root", "who": "me"},
        "unknown": {"field": 1},
    });
    let more = more.as_object().unwrap().clone();
    info.as_object_mut().unwrap().extend(more);
    json!({"trace": {"trace_info": info, "spans": []}})
}

pub(crate) async fn send(hub: &TestHub, method: Method, path: &str, body: Value) -> Answer {
    let json = Some("application/json");
    hub.send(request(method, path, json, body.to_string().into_bytes()))
        .await
}

pub(crate) async fn ok(hub: &TestHub, method: Method, path: &str, body: Value) -> Value {
    let answer = match method {
        Method::GET => hub.get(path).await,
        method => send(hub, method, path, body).await,
    };
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

pub(crate) async fn start(hub: &TestHub, id: &str, experiment: &str, more: Value) -> Value {
    let answer = ok(hub, Method::POST, ROOT, trace(id, experiment, more)).await;
    answer["trace"]["trace_info"].clone()
}

pub(crate) fn refused(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    let code = body["error_code"].as_str().unwrap().to_owned();
    (answer.status.as_u16(), code)
}

pub(crate) fn invalid() -> (u16, String) {
    (400, "INVALID_PARAMETER_VALUE".to_owned())
}

pub(crate) fn missing() -> (u16, String) {
    (404, "RESOURCE_DOES_NOT_EXIST".to_owned())
}

pub(crate) fn location(experiment: &str) -> Value {
    json!([{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}])
}

/// Ids of the traces that a search finds.
pub(crate) async fn found(
    hub: &TestHub,
    experiment: &str,
    filter: &str,
    order: &[&str],
) -> Vec<String> {
    let body = json!({"locations": location(experiment), "filter": filter, "order_by": order});
    let answer = ok(hub, Method::POST, &format!("{ROOT}/search"), body).await;
    ids(&answer)
}

pub(crate) fn ids(answer: &Value) -> Vec<String> {
    let traces = answer["traces"].as_array().cloned().unwrap_or_default();
    let id = |trace: &Value| trace["trace_id"].as_str().unwrap().to_owned();
    traces.iter().map(id).collect()
}

pub(crate) fn id_of(byte: u8) -> String {
    format!("tr-{}", format!("{byte:02x}").repeat(16))
}

#[tokio::test]
async fn a_trace_is_its_head_and_its_spans() {
    let hub = TestHub::local();
    let of = experiment(&hub, "e").await;
    let id = id_of(7);
    let inputs = ("mlflow.spanInputs", "asked");
    let root = span(7, 1, None, "root", &[inputs, ("mlflow.traceTag.own", "x")]);
    let child = span(7, 2, Some(1), "child", &[("mlflow.spanType", "TOOL")]);
    let answer = hub.send(otlp(&of, sent(&[child]), &[])).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/x-protobuf");
    let early = ok(&hub, Method::GET, &format!("{ROOT}/{id}"), Value::Null).await;
    assert_eq!(early["trace"]["trace_info"]["state"], "IN_PROGRESS");

    let info = start(
        &hub,
        &id,
        &of,
        json!({
            "trace_metadata": {"mlflow.trace.sizeStats": "{\"num_spans\": 2}"},
            "assessments": [{"assessment_name": "good", "feedback": {"value": 0.5},
                             "source": {"source_type": "CODE", "source_id": "x"}}],
        }),
    )
    .await;
    assert_eq!(info["request_time"], "2026-01-02T03:04:05.678Z");
    assert_eq!(info["execution_duration"], "0.460s");
    assert_eq!(info["state"], "OK");
    let tags = &info["tags"];
    assert_eq!(tags["mlflow.trace.spansLocation"], "TRACKING_STORE");
    assert_eq!(tags["service.name"], "shop");
    let files = format!("mlflow-artifacts:/{of}/traces/{id}/artifacts");
    assert_eq!(tags["mlflow.artifactLocation"], files);
    assert_eq!(info["assessments"][0]["trace_id"], id);
    assert!(
        info["assessments"][0]["assessment_id"]
            .as_str()
            .unwrap()
            .starts_with("a-")
    );

    // Its root has not arrived.
    let whole = format!("{ROOT}/get?trace_id={id}");
    let partial = hub.get(&whole).await;
    assert_eq!(refused(&partial), missing());
    assert!(
        partial.json()["message"]
            .as_str()
            .unwrap()
            .contains("not fully exported")
    );
    let partial = ok(
        &hub,
        Method::GET,
        &format!("{whole}&allow_partial=true"),
        Value::Null,
    )
    .await;
    assert_eq!(partial["trace"]["spans"].as_array().unwrap().len(), 1);
    let many = format!("{ROOT}/batchGet?trace_ids={id}&trace_ids=tr-none");
    assert_eq!(ok(&hub, Method::GET, &many, Value::Null).await, json!({}));

    let answer = hub.send(otlp(&of, sent(&[root]), &[])).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = ok(&hub, Method::GET, &whole, Value::Null).await;
    let spans = seen["trace"]["spans"].as_array().unwrap();
    assert_eq!(
        (&spans[0]["name"], &spans[1]["name"]),
        (&json!("root"), &json!("child"))
    );
    assert_eq!(spans[0]["start_time_unix_nano"], 1_001_000_000u64);
    assert_eq!(spans[1]["parent_span_id"], "AQEBAQEBAQE=");
    let of_child = json!([{"key": "mlflow.spanType", "value": {"string_value": "TOOL"}}]);
    assert_eq!(spans[1]["attributes"], of_child);
    let info = &seen["trace"]["trace_info"];
    assert_eq!(info["tags"]["own"], "x");
    assert_eq!(info["execution_duration"], "0.460s");
    assert_eq!(info["request_preview"], "\"asked\"");
    let seen = ok(&hub, Method::GET, &many, Value::Null).await;
    assert_eq!(seen["traces"][0]["spans"].as_array().unwrap().len(), 2);
    let infos = json!({"trace_ids": [id, "tr-none", "?"]});
    let infos = ok(&hub, Method::POST, &format!("{ROOT}/batchGetInfos"), infos).await;
    assert_eq!(infos["trace_infos"].as_array().unwrap().len(), 1);

    // As a file, made of the spans.
    let file = hub
        .get(&format!("{FILES}/{of}/traces/{id}/artifacts/traces.json"))
        .await;
    assert_eq!(
        file.json()["spans"][1]["attributes"]["mlflow.spanType"],
        "\"TOOL\""
    );
    let page = format!("/ajax-api/2.0/mlflow/get-trace-artifact?request_id={id}");
    assert_eq!(hub.get(&page).await.json(), file.json());
}

#[tokio::test]
async fn a_trace_can_be_of_the_default_experiment_and_of_a_run() {
    let hub = TestHub::local();
    let run = crate::mlflow::run(&hub, "0").await;
    let info = start(
        &hub,
        "tr-1",
        "0",
        json!({
            "trace_metadata": {"mlflow.sourceRun": run, "text": "a\u{0}b"},
        }),
    )
    .await;
    assert_eq!(
        info["trace_location"]["mlflow_experiment"]["experiment_id"],
        "0"
    );
    assert_eq!(info["trace_metadata"]["text"], "a\u{fffd}b");
    start(&hub, "tr-2", "0", json!({})).await;
    let link = json!({"run_id": run, "trace_ids": ["tr-2"]});
    ok(&hub, Method::POST, &format!("{ROOT_2}/link-to-run"), link).await;
    start(&hub, "tr-3", "0", json!({})).await;
    let filter = format!("run_id = '{run}'");
    assert_eq!(found(&hub, "0", &filter, &[]).await, ["tr-1", "tr-2"]);
    let spans = sent(&[span(9, 1, None, "root", &[])]);
    let headers = [("x-mlflow-run-id", run.as_str())];
    assert_eq!(hub.send(otlp("0", spans, &headers)).await.status, 200);
    let of_run = found(
        &hub,
        "0",
        &format!("attributes.run_id = '{run}'"),
        &["name"],
    )
    .await;
    assert_eq!(of_run.len(), 3);
    for link in [
        json!({"run_id": "0".repeat(32), "trace_ids": ["tr-2"]}),
        json!({"run_id": run, "trace_ids": vec!["tr-2"; 101]}),
        json!({"run_id": run}),
        json!({"trace_ids": ["tr-2"]}),
    ] {
        let answer = send(&hub, Method::POST, &format!("{ROOT_2}/link-to-run"), link).await;
        assert!([400, 404].contains(&refused(&answer).0), "{answer:?}");
    }
}

#[tokio::test]
async fn tags_and_assessments_of_a_trace_change() {
    let hub = TestHub::local();
    let of = experiment(&hub, "e").await;
    start(&hub, "tr-1", &of, json!({})).await;
    // No method of it: not there, as every call that is not.
    let metrics = send(&hub, Method::POST, &format!("{ROOT}/metrics"), json!({})).await;
    assert_eq!(refused(&metrics), (404, "ENDPOINT_NOT_FOUND".to_owned()));
    let tags = format!("{ROOT}/tr-1/tags");
    ok(
        &hub,
        Method::PATCH,
        &tags,
        json!({"key": "a", "value": "1"}),
    )
    .await;
    let tags_2 = format!("{ROOT_2}/tr-1/tags");
    ok(
        &hub,
        Method::PATCH,
        &tags_2,
        json!({"key": "b", "value": "2"}),
    )
    .await;
    ok(&hub, Method::DELETE, &tags, json!({"key": "a"})).await;
    let gone = send(&hub, Method::DELETE, &tags, json!({"key": "a"})).await;
    assert_eq!(refused(&gone), missing());
    let fixed = json!({"key": "mlflow.trace.spansLocation", "value": "x"});
    assert_eq!(
        refused(&send(&hub, Method::PATCH, &tags, fixed).await),
        invalid()
    );
    let nowhere = format!("{ROOT}/tr-9/tags");
    let nowhere = send(&hub, Method::PATCH, &nowhere, json!({"key": "a"})).await;
    assert_eq!(refused(&nowhere), missing());

    let all = format!("{ROOT}/tr-1/assessments");
    let add = async |of: Value| ok(&hub, Method::POST, &all, json!({"assessment": of})).await;
    let error = json!({"error_code": "E", "error_message": "bad"});
    let first = add(json!({
        "assessment_name": "good", "feedback": {"value": null, "error": error},
        "source": {"source_type": "HUMAN", "source_id": "me"}, "rationale": "because",
        "create_time": "2026-01-02T03:04:05Z", "metadata": {"k": "v"}, "span_id": "0101",
    }))
    .await["assessment"]
        .clone();
    assert_eq!(first["feedback"]["error"], error);
    assert_eq!(first["valid"], true);
    let first_id = first["assessment_id"].as_str().unwrap().to_owned();
    let one = format!("{all}/{first_id}");
    assert_eq!(
        ok(&hub, Method::GET, &one, Value::Null).await["assessment"],
        first
    );
    let second =
        json!({"assessment_name": "good", "feedback": {"value": 1}, "overrides": first_id});
    let second = add(second).await["assessment"]["assessment_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let valid =
        async || ok(&hub, Method::GET, &one, Value::Null).await["assessment"]["valid"].clone();
    assert_eq!(valid().await, false);
    let change = json!({
        "assessment": {"assessment_name": "better", "feedback": {"value": [1, "x"]},
                       "rationale": "not said", "metadata": {"l": "w"}},
        "update_mask": "assessmentName,feedback,metadata",
    });
    let changed = ok(&hub, Method::PATCH, &one, change).await["assessment"].clone();
    assert_eq!(changed["assessment_name"], "better");
    assert_eq!(changed["feedback"], json!({"value": [1, "x"]}));
    assert_eq!(changed["rationale"], "because");
    assert_eq!(changed["metadata"], json!({"k": "v", "l": "w"}));
    ok(&hub, Method::DELETE, &format!("{all}/{second}"), json!({})).await;
    ok(&hub, Method::DELETE, &format!("{all}/{second}"), json!({})).await;
    assert_eq!(valid().await, true);
    let expected = json!({"assessment_name": "fast", "expectation": {"value": {"ms": 5}}});
    let told = &add(expected).await["assessment"]["expectation"]["serialized_value"];
    assert_eq!(told["serialization_format"], "JSON_FORMAT");
    assert_eq!(told["value"], r#"{"ms":5}"#);

    for (body, expected) in [
        (json!({}), invalid()),
        (json!({"assessment": {"assessment_name": "x"}}), invalid()),
        (json!({"assessment": {"feedback": {"value": 1}}}), invalid()),
        (
            json!({"assessment": {"assessment_name": "x", "feedback": 3}}),
            invalid(),
        ),
        (
            json!({"assessment": {"assessment_name": "x", "feedback": {}, "expectation": {}}}),
            invalid(),
        ),
        (
            json!({"assessment": {"assessment_name": "x", "feedback": {}, "create_time": "now"}}),
            invalid(),
        ),
        (
            json!({"assessment": {"assessment_name": "x", "feedback": {}, "overrides": "a-none"}}),
            missing(),
        ),
        (
            json!({"assessment": {"assessment_name": "x", "feedback": {"value": "y".repeat(300_000)}}}),
            invalid(),
        ),
    ] {
        let answer = send(&hub, Method::POST, &all, body).await;
        assert_eq!(refused(&answer), expected, "{answer:?}");
    }
    let expectation =
        json!({"assessment": {"expectation": {"value": 1}}, "update_mask": "expectation"});
    assert_eq!(
        refused(&send(&hub, Method::PATCH, &one, expectation).await),
        invalid()
    );
    for id in ["a-none", "%3F", "x"] {
        let answer = hub.get(&format!("{all}/{id}")).await;
        assert_eq!(refused(&answer), missing(), "{id}");
    }
    let nowhere = json!({"assessment": {"assessment_name": "x", "feedback": {}}});
    let nowhere = send(
        &hub,
        Method::POST,
        &format!("{ROOT}/tr-9/assessments"),
        nowhere,
    )
    .await;
    assert_eq!(refused(&nowhere), missing());
}

#[tokio::test]
async fn traces_are_deleted_by_name_and_by_time() {
    let hub = TestHub::local();
    let of = experiment(&hub, "e").await;
    for number in 1..=4 {
        let more = json!({"request_time": format!("2026-01-02T03:04:0{number}Z")});
        start(&hub, &id_of(number), &of, more).await;
    }
    let delete = async |body: Value| {
        let mut whole = json!({"experiment_id": of});
        whole
            .as_object_mut()
            .unwrap()
            .extend(body.as_object().unwrap().clone());
        send(
            &hub,
            Method::POST,
            &format!("{ROOT_2}/delete-traces"),
            whole,
        )
        .await
    };
    let named = delete(json!({"request_ids": [id_of(2), "tr-none", "?"]})).await;
    assert_eq!(named.json(), json!({"traces_deleted": 1}));
    let old = json!({"max_timestamp_millis": 1767323044000i64, "max_traces": 1});
    assert_eq!(delete(old).await.json(), json!({"traces_deleted": 1}));
    assert_eq!(found(&hub, &of, "", &[]).await, [id_of(4), id_of(3)]);
    for body in [
        json!({}),
        json!({"request_ids": ["tr-1"], "max_timestamp_millis": 1}),
        json!({"request_ids": ["tr-1"], "max_traces": 1}),
        json!({"max_timestamp_millis": 1, "max_traces": 0}),
        json!({"max_timestamp_millis": "soon"}),
    ] {
        assert_eq!(refused(&delete(body.clone()).await), invalid(), "{body}");
    }
    let elsewhere = json!({"experiment_id": "12345", "request_ids": [id_of(3)]});
    let elsewhere = send(
        &hub,
        Method::POST,
        &format!("{ROOT}/delete-traces"),
        elsewhere,
    )
    .await;
    assert_eq!(elsewhere.json(), json!({"traces_deleted": 0}));
    assert_eq!(
        refused(&hub.get(&format!("{ROOT}/{}", id_of(1))).await),
        missing()
    );
}

#[tokio::test]
async fn files_of_a_trace_are_its_own() {
    let hub = TestHub::local();
    let of = experiment(&hub, "e").await;
    start(&hub, "tr-1", &of, json!({})).await;
    let root = format!("{FILES}/{of}/traces/tr-1/artifacts");
    let put = async |path: &str, content: &[u8]| {
        let path = format!("{root}/{path}");
        hub.send(request(Method::PUT, &path, None, content.to_vec()))
            .await
    };
    assert_eq!(
        refused(&hub.get(&format!("{root}/traces.json")).await),
        missing()
    );
    for (path, content) in [
        ("traces.json", &b"{\"spans\": []}"[..]),
        ("attachments/x", b"\x00\xff"),
    ] {
        assert_eq!(put(path, content).await.status, 200, "{path}");
        let read = hub.get(&format!("{root}/{path}")).await;
        assert_eq!(&read.body[..], content, "{path}");
        assert_eq!(read.header("content-type"), "application/octet-stream");
    }
    let listed = hub
        .get(&format!("{FILES}?path={of}/traces/tr-1/artifacts"))
        .await
        .json();
    let expected = json!([
        {"path": "attachments", "is_dir": true},
        {"path": "traces.json", "is_dir": false, "file_size": 13},
    ]);
    assert_eq!(listed["files"], expected);
    let page = "/ajax-api/2.0/mlflow/get-trace-artifact?request_id=tr-1";
    assert_eq!(&hub.get(page).await.body[..], b"{\"spans\": []}");
    assert_eq!(
        &hub.get(&format!("{page}&path=x")).await.body[..],
        b"\x00\xff"
    );
    for path in ["..%2f..%2fx", "a//b", "..", "%00"] {
        assert_eq!(refused(&put(path, b"x").await), invalid(), "{path}");
        let read = hub.get(&format!("{page}&path={path}")).await;
        assert_eq!(refused(&read), invalid(), "{path}");
    }
    let nowhere = format!("{FILES}/{of}/traces/tr-9/artifacts/x");
    let nowhere = hub
        .send(request(Method::PUT, &nowhere, None, b"x".to_vec()))
        .await;
    assert_eq!(refused(&nowhere), missing());
    let large = put("large", &vec![0; 33 * 1024 * 1024]).await;
    assert_eq!(refused(&large), invalid());
}

#[tokio::test]
async fn older_clients_begin_and_end_traces() {
    let hub = TestHub::local();
    let of = experiment(&hub, "e").await;
    let body = json!({
        "experiment_id": of, "timestamp_ms": 5000,
        "request_metadata": [{"key": "m", "value": "1"}], "tags": [{"key": "t", "value": "1"}],
    });
    let begun = ok(&hub, Method::POST, ROOT_2, body).await["trace_info"].clone();
    assert_eq!(begun["status"], "IN_PROGRESS");
    let id = begun["request_id"].as_str().unwrap().to_owned();
    let end = json!({
        "timestamp_ms": 5400, "status": "ERROR",
        "request_metadata": [{"key": "n", "value": "2"}], "tags": [{"key": "t", "value": "2"}],
    });
    let one = format!("{ROOT_2}/{id}");
    let ended = ok(&hub, Method::PATCH, &one, end).await["trace_info"].clone();
    assert_eq!(
        (&ended["status"], &ended["execution_time_ms"]),
        (&json!("ERROR"), &json!(400))
    );
    let metadata = json!([{"key": "m", "value": "1"}, {"key": "n", "value": "2"}]);
    assert_eq!(ended["request_metadata"], metadata);
    assert!(
        ended["tags"]
            .as_array()
            .unwrap()
            .contains(&json!({"key": "t", "value": "2"}))
    );
    let seen = ok(&hub, Method::GET, &format!("{one}/info"), Value::Null).await;
    assert_eq!(seen["trace_info"], ended);
    let search = format!("{ROOT_2}?experiment_ids={of}&filter=status%20%3D%20%27ERROR%27");
    let answer = ok(&hub, Method::GET, &search, Value::Null).await;
    assert_eq!(answer["traces"], json!([ended]));
    let answer = ok(&hub, Method::GET, &format!("{ROOT}/{id}"), Value::Null).await;
    assert_eq!(answer["trace"]["trace_info"]["state"], "ERROR");
    let nowhere = send(
        &hub,
        Method::PATCH,
        &format!("{ROOT_2}/tr-9"),
        json!({"timestamp_ms": 1}),
    )
    .await;
    assert_eq!(refused(&nowhere), missing());
}
