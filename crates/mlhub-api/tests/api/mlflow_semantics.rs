//! What calls of MLflow mean where the hub by itself would mean something else: the latest value,
//! orders of texts, deleting what runs, places of artifacts; and the words of refusals.

use axum::http::Method;
use serde_json::{Value, json};

use crate::hub::{TestHub, request};
use crate::mlflow::{ROOT, data, experiment, found, get, ok, post, refused, run};

async fn log(hub: &TestHub, run: &str, value: f64, step: i64, time: i64) {
    let body = json!({"run_id": run, "key": "m", "value": value, "step": step, "timestamp": time});
    ok(hub, "runs/log-metric", body).await;
}

/// Value and step of the only metric of a run.
async fn latest(hub: &TestHub, run: &str) -> (f64, i64) {
    let metric = data(hub, run).await["metrics"][0].clone();
    let value = metric["value"].as_f64().expect("a value");
    (value, metric["step"].as_i64().expect("a step"))
}

#[tokio::test]
async fn the_latest_value_is_that_of_the_largest_step() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let run = run(&hub, &id).await;
    log(&hub, &run, 1.0, 5, 100).await;
    log(&hub, &run, 2.0, 3, 200).await;
    assert_eq!(latest(&hub, &run).await, (1.0, 5));
    log(&hub, &run, 3.0, 5, 50).await;
    assert_eq!(latest(&hub, &run).await, (1.0, 5));
    log(&hub, &run, 4.0, 5, 101).await;
    assert_eq!(latest(&hub, &run).await, (4.0, 5));
    assert_eq!(
        found(&hub, &id, "metrics.m = 4").await,
        std::slice::from_ref(&run)
    );
    // A run that ended and goes on is one course.
    for status in ["FINISHED", "RUNNING"] {
        let body = json!({"run_id": run, "status": status});
        ok(&hub, "runs/update", body).await;
    }
    log(&hub, &run, 9.0, 1, 900).await;
    assert_eq!(latest(&hub, &run).await, (4.0, 5));
    log(&hub, &run, 8.0, 6, 7).await;
    assert_eq!(latest(&hub, &run).await, (8.0, 6));
    // The hub itself says the same.
    let native = hub.get(&format!("/api/v1/runs/{run}/metrics")).await.json();
    assert_eq!(native["metrics"][0]["last"], 8.0, "{native}");
}

#[tokio::test]
async fn params_and_tags_are_ordered_as_texts() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let mut runs = Vec::new();
    for value in ["10", "9", "1e3", "b", "-1"] {
        let run = run(&hub, &id).await;
        for (call, key) in [("runs/log-parameter", "p"), ("runs/set-tag", "t")] {
            ok(
                &hub,
                call,
                json!({"run_id": run, "key": key, "value": value}),
            )
            .await;
        }
        runs.push((value, run));
    }
    runs.push(("", run(&hub, &id).await));
    for order in ["params.p ASC", "tags.t ASC"] {
        let mut seen = Vec::new();
        let mut token = Value::Null;
        loop {
            let body = json!({"experiment_ids": [id], "max_results": 2, "order_by": [order],
                "page_token": token});
            let page = ok(&hub, "runs/search", body).await;
            for found in page["runs"].as_array().expect("runs") {
                let run = found["info"]["run_id"].as_str().expect("an id");
                let (value, _) = runs.iter().find(|(_, id)| id == run).expect("ours");
                seen.push(*value);
            }
            match page.get("next_page_token") {
                Some(next) => token = next.clone(),
                None => break,
            }
        }
        assert_eq!(seen, ["-1", "10", "1e3", "9", "b", ""], "{order}");
    }
}

#[tokio::test]
async fn a_run_that_is_deleted_while_it_runs_goes_on_when_it_is_restored() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let run = run(&hub, &id).await;
    log(&hub, &run, 1.0, 1, 1).await;
    let info = async || get(&hub, &format!("runs/get?run_id={run}")).await["run"].clone();
    ok(&hub, "runs/delete", json!({"run_id": run})).await;
    let deleted = info().await;
    assert_eq!(deleted["info"]["lifecycle_stage"], "deleted");
    assert_eq!(deleted["info"]["status"], "RUNNING");
    assert_eq!(deleted["info"].get("end_time"), None);
    assert!(!deleted.to_string().contains("mlhub."), "{deleted}");
    // Here it has ended, so that it can be removed for good.
    let native = hub.get(&format!("/api/v1/runs/{run}")).await.json();
    assert_eq!(native["state"], "stopped");
    ok(&hub, "runs/restore", json!({"run_id": run})).await;
    let restored = info().await;
    assert_eq!(restored["info"]["status"], "RUNNING");
    assert_eq!(restored["info"].get("end_time"), None);
    assert_eq!(restored["data"]["metrics"][0]["value"], 1.0);
    log(&hub, &run, 2.0, 2, 2).await;
    // So it is with its experiment, and restored from the page.
    for call in ["experiments/delete", "experiments/restore"] {
        ok(&hub, call, json!({"experiment_id": id})).await;
    }
    assert_eq!(info().await["info"]["status"], "RUNNING");
    ok(&hub, "runs/delete", json!({"run_id": run})).await;
    let body = json!({"action": "restore", "runs": [run]}).to_string();
    let restore = request(
        Method::POST,
        "/api/v1/deletions",
        Some("application/json"),
        body.into_bytes(),
    );
    assert_eq!(hub.send(restore).await.code(), 200);
    assert_eq!(info().await["info"]["status"], "RUNNING");
    // One that had ended stays as it was.
    let ended = json!({"run_id": run, "status": "FAILED", "end_time": 5000});
    ok(&hub, "runs/update", ended).await;
    for call in ["runs/delete", "runs/restore"] {
        ok(&hub, call, json!({"run_id": run})).await;
    }
    let after = info().await;
    assert_eq!(after["info"]["status"], "FAILED");
    assert_eq!(after["info"]["end_time"], 5000);
}

#[tokio::test]
async fn runs_are_found_by_the_place_of_their_artifacts() {
    let hub = TestHub::local();
    let (a, b) = (experiment(&hub, "a").await, experiment(&hub, "b").await);
    let place = json!({"name": "c", "artifact_location": "s3://bucket/c/"});
    let c = ok(&hub, "experiments/create", place).await;
    let c = c["experiment_id"].as_str().expect("an id").to_owned();
    let mut runs = Vec::new();
    for id in [&a, &b, &c] {
        runs.push(run(&hub, id).await);
    }
    let search = async |filter: &str| -> Vec<usize> {
        let body = json!({"experiment_ids": [a, b, c], "filter": filter});
        let answer = ok(&hub, "runs/search", body).await;
        let all = answer["runs"].as_array().expect("runs");
        let place = |found: &Value| {
            let run = found["info"]["run_id"].as_str().expect("an id");
            runs.iter().position(|one| one == run).expect("ours")
        };
        let mut found: Vec<usize> = all.iter().map(place).collect();
        found.sort_unstable();
        found
    };
    let of = async |run: &str| {
        let found = get(&hub, &format!("runs/get?run_id={run}")).await;
        found["run"]["info"]["artifact_uri"]
            .as_str()
            .expect("a place")
            .to_owned()
    };
    let uris = [of(&runs[0]).await, of(&runs[1]).await, of(&runs[2]).await];
    for (index, uri) in uris.iter().enumerate() {
        let others: Vec<usize> = (0..3).filter(|other| *other != index).collect();
        assert_eq!(search(&format!("artifact_uri = '{uri}'")).await, [index]);
        assert_eq!(search(&format!("artifact_uri != '{uri}'")).await, others);
        assert_eq!(
            search(&format!("attributes.artifact_uri LIKE '{uri}'")).await,
            [index]
        );
        let upper = uri.to_uppercase();
        assert_eq!(
            search(&format!("artifact_uri ILIKE '{upper}'")).await,
            [index]
        );
        let part = &runs[index][..12];
        assert_eq!(
            search(&format!("artifact_uri LIKE '%/{part}%'")).await,
            [index]
        );
    }
    assert_eq!(search("artifact_uri LIKE 's3://%'").await, [2]);
    assert_eq!(
        search("artifact_uri LIKE 'mlflow-artifacts:/%'").await,
        [0, 1]
    );
    assert_eq!(search(&format!("artifact_uri LIKE '%:/{b}/%'")).await, [1]);
    assert_eq!(search("artifact_uri LIKE '%'").await, [0, 1, 2]);
    assert_eq!(search("artifact_uri LIKE 'S3://%'").await, [0; 0]);
}

#[tokio::test]
async fn names_of_experiments_have_five_hundred_characters() {
    let hub = TestHub::local();
    let name = "n".repeat(500);
    let id = experiment(&hub, &name).await;
    let seen = get(&hub, &format!("experiments/get?experiment_id={id}")).await;
    assert_eq!(seen["experiment"]["name"], name);
    let body = json!({"name": "n".repeat(501)});
    let long = post(&hub, "experiments/create", body).await;
    assert_eq!(refused(&long).1, "INVALID_PARAMETER_VALUE");
}

#[tokio::test]
async fn refusals_name_the_first_field_in_the_order_of_mlflow() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let run = run(&hub, &id).await;
    for call in ["runs/log-parameter", "runs/set-tag"] {
        for (run_id, key, value, said) in [
            (
                json!(31),
                json!("k"),
                json!(41),
                "Invalid value 31 for parameter 'run_id' supplied",
            ),
            (
                json!(run),
                json!(31),
                json!(41),
                "Invalid value 31 for parameter 'key' supplied",
            ),
            (
                json!(run),
                json!("k"),
                json!(41),
                "Invalid value 41 for parameter 'value' supplied",
            ),
            (
                json!(run),
                json!(null),
                json!("v"),
                "Missing value for required parameter 'key'",
            ),
        ] {
            let body = json!({"run_id": run_id, "key": key, "value": value});
            let (_, code, message) = refused(&post(&hub, call, body).await);
            assert_eq!(code, "INVALID_PARAMETER_VALUE");
            assert!(message.contains(said), "{call}: {message}");
        }
    }
    let param = |value: &str| json!({"run_id": run, "key": "p", "value": value});
    ok(&hub, "runs/log-parameter", param("1")).await;
    let (_, _, message) = refused(&post(&hub, "runs/log-parameter", param("2")).await);
    assert_eq!(
        message,
        format!(
            "Changing param values is not allowed. Param with key='p' was already logged with \
             value='1' for run ID='{run}'. Attempted logging new value '2'."
        )
    );
    let ids: Vec<String> = (0..101).map(|n| format!("run_ids=r{n}")).collect();
    let path = format!(
        "{ROOT}/metrics/get-history-bulk-interval?metric_key=m&{}",
        ids.join("&")
    );
    let (_, _, message) = refused(&hub.get(&path).await);
    assert!(
        message
            .starts_with("GetMetricHistoryBulkInterval request must specify at most 100 run_ids."),
        "{message}"
    );
}

#[tokio::test]
async fn a_page_uploads_a_small_file_in_one_request() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let run = run(&hub, &id).await;
    let send = async |query: &str, body: &[u8]| {
        let path = format!("/ajax-api/2.0/mlflow/upload-artifact?{query}");
        hub.send(request(Method::POST, &path, None, body.to_vec()))
            .await
    };
    for (query, body, said) in [
        (String::new(), &b"x"[..], "Request must specify run_uuid."),
        (
            format!("run_uuid={run}"),
            b"x",
            "Request must specify path.",
        ),
        (
            format!("run_uuid={run}&path="),
            b"x",
            "Request must specify path.",
        ),
        (format!("run_uuid={run}&path=../t"), b"x", "Invalid path"),
        (
            format!("run_uuid={run}&path=t"),
            b"",
            "Request must specify data.",
        ),
    ] {
        let (status, code, message) = refused(&send(&query, body).await);
        assert_eq!((status, code.as_str()), (400, "INVALID_PARAMETER_VALUE"));
        assert!(message.starts_with(said), "{query}: {message}");
    }
    let sent = send(&format!("run_uuid={run}&path=d/t.txt"), b"hello").await;
    assert_eq!(sent.status, 200, "{sent:?}");
    let path = format!("/api/2.0/mlflow-artifacts/artifacts/{id}/{run}/artifacts/d/t.txt");
    let file = hub.get(&path).await;
    assert_eq!(file.body, b"hello".as_slice());
}

#[tokio::test]
async fn a_version_may_name_a_run_of_another_server() {
    let hub = TestHub::local();
    ok(&hub, "registered-models/create", json!({"name": "m"})).await;
    let version = |source: &str, run: &str| json!({"name": "m", "source": source, "run_id": run});
    let made = ok(
        &hub,
        "model-versions/create",
        version("runs:/elsewhere/model", "elsewhere"),
    )
    .await;
    assert_eq!(made["model_version"]["source"], "runs:/elsewhere/model");
    let other = post(
        &hub,
        "model-versions/create",
        version("runs:/elsewhere/model", "other"),
    )
    .await;
    assert!(
        refused(&other).2.contains("must identify the resource"),
        "{other:?}"
    );
}
