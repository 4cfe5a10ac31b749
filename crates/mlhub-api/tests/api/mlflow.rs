//! The MLflow face, call by call. Real clients are in the stories and `python/tests`.

use axum::http::{Method, header};
use mlhub_api::compat_route_table;
use mlhub_core::Permission;
use serde_json::{Value, json};

use crate::hub::{Answer, READER, TestHub, WRITER, request};

pub(crate) const ROOT: &str = "/api/2.0/mlflow";

pub(crate) async fn post(hub: &TestHub, path: &str, body: Value) -> Answer {
    hub.post(&format!("{ROOT}/{path}"), &body).await
}

pub(crate) async fn ok(hub: &TestHub, path: &str, body: Value) -> Value {
    let answer = post(hub, path, body).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

pub(crate) async fn get(hub: &TestHub, path: &str) -> Value {
    let answer = hub.get(&format!("{ROOT}/{path}")).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

/// Status, code and message of a refusal.
pub(crate) fn refused(answer: &Answer) -> (u16, String, String) {
    let body = answer.json();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (answer.status.as_u16(), text("error_code"), text("message"))
}

pub(crate) async fn experiment(hub: &TestHub, name: &str) -> String {
    let made = ok(hub, "experiments/create", json!({"name": name})).await;
    made["experiment_id"].as_str().unwrap().to_owned()
}

pub(crate) async fn run(hub: &TestHub, experiment: &str) -> String {
    let body = json!({"experiment_id": experiment, "start_time": 1000, "user_id": "ann"});
    let made = ok(hub, "runs/create", body).await;
    made["run"]["info"]["run_id"].as_str().unwrap().to_owned()
}

pub(crate) async fn data(hub: &TestHub, run: &str) -> Value {
    get(hub, &format!("runs/get?run_id={run}")).await["run"]["data"].clone()
}

pub(crate) async fn found(hub: &TestHub, experiment: &str, filter: &str) -> Vec<String> {
    let body = json!({"experiment_ids": [experiment], "filter": filter});
    let answer = ok(hub, "runs/search", body).await;
    let runs = answer["runs"].as_array().unwrap();
    let id = |run: &Value| run["info"]["run_id"].as_str().unwrap().to_owned();
    runs.iter().map(id).collect()
}

#[tokio::test]
async fn the_default_experiment_is_always_there() {
    let hub = TestHub::local();
    let default = get(&hub, "experiments/get?experiment_id=0").await;
    assert_eq!(default["experiment"]["name"], "Default");
    let named = get(&hub, "experiments/get-by-name?experiment_name=Default").await;
    assert_eq!(named["experiment"]["experiment_id"], "0");
    let run = run(&hub, "0").await;
    assert_eq!(found(&hub, "0", "").await, std::slice::from_ref(&run));
    // It is an experiment as any other here.
    let native = hub.get(&format!("/api/v1/runs/{run}")).await.json();
    assert_eq!(
        (&native["project"], &native["experiment"]),
        (&json!("default"), &json!("Default"))
    );
    let all = ok(&hub, "experiments/search", json!({"max_results": 10})).await;
    assert_eq!(all["experiments"].as_array().unwrap().len(), 1);
    assert_eq!(all.get("next_page_token"), None);
}

#[tokio::test]
async fn experiments_have_one_name_tags_and_a_life() {
    let hub = TestHub::local();
    let id = experiment(&hub, "flowers/trees").await;
    let taken = post(&hub, "experiments/create", json!({"name": "flowers/trees"})).await;
    assert_eq!(
        refused(&taken),
        (
            400,
            "RESOURCE_ALREADY_EXISTS".to_owned(),
            "Experiment(name=flowers/trees) already exists.".to_owned()
        )
    );
    let tag = json!({"experiment_id": id, "key": "team", "value": "a b"});
    ok(&hub, "experiments/set-experiment-tag", tag).await;
    let seen = get(&hub, &format!("experiments/get?experiment_id={id}")).await;
    assert_eq!(
        seen["experiment"]["tags"],
        json!([{"key": "team", "value": "a b"}])
    );
    assert_eq!(
        seen["experiment"]["artifact_location"],
        format!("mlflow-artifacts:/{id}")
    );
    let run = run(&hub, &id).await;
    ok(
        &hub,
        "experiments/update",
        json!({"experiment_id": id, "new_name": "flowers/shrubs"}),
    )
    .await;
    assert_eq!(found(&hub, &id, "").await, std::slice::from_ref(&run));
    let moved = post(
        &hub,
        "experiments/update",
        json!({"experiment_id": id, "new_name": "x/y"}),
    )
    .await;
    assert!(refused(&moved).2.contains("flowers"), "{moved:?}");

    ok(&hub, "experiments/delete", json!({"experiment_id": id})).await;
    assert_eq!(found(&hub, &id, "").await, Vec::<String>::new());
    let gone = get(&hub, &format!("runs/get?run_id={run}")).await;
    assert_eq!(gone["run"]["info"]["lifecycle_stage"], "deleted");
    let body = json!({"run_id": run, "key": "a", "value": 1.0, "timestamp": 1});
    let late = post(&hub, "runs/log-metric", body).await;
    assert!(
        refused(&late).2.contains("must be in the 'active' state"),
        "{late:?}"
    );
    let again = post(&hub, "runs/create", json!({"experiment_id": id})).await;
    assert_eq!(refused(&again).1, "INVALID_PARAMETER_VALUE");
    let deleted = json!({"view_type": "DELETED_ONLY", "filter": "name LIKE 'flowers/%' AND tags.team = 'a b'"});
    let deleted = ok(&hub, "experiments/search", deleted).await;
    assert_eq!(deleted["experiments"][0]["experiment_id"], id);
    ok(&hub, "experiments/restore", json!({"experiment_id": id})).await;
    assert_eq!(found(&hub, &id, "").await, [run]);
    let missing = hub
        .get(&format!("{ROOT}/experiments/get?experiment_id=99"))
        .await;
    assert_eq!(refused(&missing).0, 404);
}

#[tokio::test]
async fn pages_of_experiments_neither_skip_nor_repeat() {
    let hub = TestHub::local();
    for number in 0..5 {
        experiment(&hub, &format!("e{number}")).await;
    }
    let mut names = Vec::new();
    let mut token = Value::Null;
    loop {
        let body = json!({"max_results": 2, "order_by": ["name DESC"], "page_token": token});
        let page = ok(&hub, "experiments/search", body).await;
        let all = page["experiments"].as_array().unwrap();
        names.extend(
            all.iter()
                .map(|one| one["name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page.get("next_page_token") else {
            break;
        };
        token = next.clone();
        // What comes before the place that was reached changes nothing.
        experiment(&hub, &format!("z{}", names.len())).await;
    }
    assert_eq!(names, ["e4", "e3", "e2", "e1", "e0", "Default"]);
    let bad = post(
        &hub,
        "experiments/search",
        json!({"page_token": "nonsense"}),
    )
    .await;
    assert_eq!(refused(&bad).0, 400);
}

#[tokio::test]
async fn what_is_logged_comes_back_bit_for_bit() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let run = run(&hub, &id).await;
    let metric = |key: &str, value: Value, step: i64| json!({"key": key, "value": value, "timestamp": 5, "step": step});
    let body = json!({
        "run_id": run,
        "metrics": [
            metric("loss", json!(0.1), 2), metric("loss", json!(0.3), 1),
            metric("odd", json!("NaN"), 0), metric("odd", json!("-Infinity"), 1),
        ],
        "params": [{"key": "lr", "value": "0.1"}],
        "tags": [{"key": "t", "value": "1"}, {"key": "t", "value": "2"}],
    });
    ok(&hub, "runs/log-batch", body.clone()).await;
    // The answer was lost, and the call comes again.
    ok(&hub, "runs/log-batch", body).await;
    let data = data(&hub, &run).await;
    let metrics = data["metrics"].as_array().unwrap();
    let of = |key: &str| {
        metrics
            .iter()
            .find(|metric| metric["key"] == key)
            .unwrap()
            .clone()
    };
    assert_eq!(
        of("loss"),
        json!({"key": "loss", "value": 0.1, "timestamp": 5, "step": 2})
    );
    assert_eq!(of("odd")["value"], "-Infinity");
    assert_eq!(data["params"], json!([{"key": "lr", "value": "0.1"}]));
    let tags = data["tags"].as_array().unwrap();
    assert!(
        tags.contains(&json!({"key": "t", "value": "2"})),
        "{tags:?}"
    );
    let history = get(
        &hub,
        &format!("metrics/get-history?run_id={run}&metric_key=loss"),
    )
    .await;
    assert_eq!(history["metrics"].as_array().unwrap().len(), 2);
    let none = get(
        &hub,
        &format!("metrics/get-history?run_uuid={run}&metric_key=none"),
    )
    .await;
    assert_eq!(none, json!({}));
    let one = get(
        &hub,
        &format!("metrics/get-history?run_id={run}&metric_key=loss&max_results=1"),
    )
    .await;
    let token = one["next_page_token"].as_str().unwrap();
    let rest = format!(
        "metrics/get-history?run_id={run}&metric_key=loss&max_results=9&page_token={token}"
    );
    let rest = get(&hub, &rest).await;
    assert_eq!(rest["metrics"][0]["step"], 2);
    assert_eq!(rest.get("next_page_token"), None);
}

#[tokio::test]
async fn the_same_point_is_stored_once_and_others_of_its_step_are_kept() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let run = run(&hub, &id).await;
    // Without steps, as many scripts log: only times differ, and sometimes nothing does.
    for (value, time) in [(1.0, 5), (1.0, 5), (2.0, 5), (1.0, 6), (1.0, 5)] {
        let body = json!({"run_id": run, "key": "m", "value": value, "timestamp": time});
        ok(&hub, "runs/log-metric", body).await;
    }
    let history = get(
        &hub,
        &format!("metrics/get-history?run_id={run}&metric_key=m"),
    )
    .await;
    let seen: Vec<_> = history["metrics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| {
            (
                point["value"].as_f64().unwrap(),
                point["timestamp"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(seen, [(1.0, 5), (2.0, 5), (1.0, 6)]);
}

#[tokio::test]
async fn a_param_keeps_its_value() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let run = run(&hub, &id).await;
    let param = |value: &str| json!({"run_id": run, "key": "lr", "value": value});
    ok(&hub, "runs/log-parameter", param("1")).await;
    ok(&hub, "runs/log-parameter", param("1")).await;
    let other = post(&hub, "runs/log-parameter", param("2")).await;
    let (status, code, message) = refused(&other);
    assert_eq!((status, code.as_str()), (400, "INVALID_PARAMETER_VALUE"));
    assert!(
        message.contains("Changing param values is not allowed"),
        "{message}"
    );
    // A batch with such a param stores nothing.
    let body = json!({"run_id": run, "params": [{"key": "lr", "value": "3"}],
        "metrics": [{"key": "m", "value": 1.0, "timestamp": 1}]});
    assert_eq!(refused(&post(&hub, "runs/log-batch", body).await).0, 400);
    assert_eq!(data(&hub, &run).await.get("metrics"), None);
    let long = json!({"run_id": run, "key": "long", "value": "x".repeat(7000)});
    ok(&hub, "runs/log-parameter", long).await;
    let params = data(&hub, &run).await["params"].clone();
    let params = params.as_array().unwrap();
    let long = params.iter().find(|param| param["key"] == "long").unwrap();
    assert_eq!(long["value"].as_str().unwrap().len(), 6000);
}

#[tokio::test]
async fn a_run_ends_goes_on_and_keeps_its_points() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let run = run(&hub, &id).await;
    let metric = |step: i64| json!({"run_id": run, "key": "m", "value": 1.0, "timestamp": step, "step": step});
    ok(&hub, "runs/log-metric", metric(1)).await;
    let ended = json!({"run_id": run, "status": "FINISHED", "end_time": 9000});
    let info = ok(&hub, "runs/update", ended.clone()).await;
    assert_eq!(info["run_info"]["status"], "FINISHED");
    assert_eq!(info["run_info"]["end_time"], 9000);
    assert_eq!(info["run_info"]["start_time"], 1000);
    ok(&hub, "runs/update", ended).await;
    let info = ok(
        &hub,
        "runs/update",
        json!({"run_id": run, "status": "RUNNING"}),
    )
    .await;
    assert_eq!(info["run_info"]["status"], "RUNNING");
    assert_eq!(info["run_info"].get("end_time"), None);
    ok(&hub, "runs/log-metric", metric(2)).await;
    ok(&hub, "runs/log-metric", metric(1)).await;
    let history = get(
        &hub,
        &format!("metrics/get-history?run_id={run}&metric_key=m"),
    )
    .await;
    assert_eq!(history["metrics"].as_array().unwrap().len(), 2);
    for (status, state) in [("FAILED", "failed"), ("KILLED", "stopped")] {
        ok(
            &hub,
            "runs/update",
            json!({"run_id": run, "status": status}),
        )
        .await;
        let native = hub.get(&format!("/api/v1/runs/{run}")).await.json();
        assert_eq!(native["state"], state);
    }
    let named = json!({"run_id": run, "run_name": "./out/1"});
    let info = ok(&hub, "runs/update", named).await;
    assert_eq!(info["run_info"]["run_name"], "./out/1");
    let tags = data(&hub, &run).await["tags"].clone();
    let tags = tags.as_array().unwrap();
    assert!(
        tags.contains(&json!({"key": "mlflow.runName", "value": "./out/1"})),
        "{tags:?}"
    );
    // Renamed here, it has that name there.
    let path = format!("/api/v1/runs/{run}");
    let body = json!({"name": "ours"}).to_string().into_bytes();
    let patch = request(Method::PATCH, &path, Some("application/json"), body);
    assert_eq!(hub.send(patch).await.code(), 200);
    let seen = get(&hub, &format!("runs/get?run_id={run}")).await;
    assert_eq!(seen["run"]["info"]["run_name"], "ours");
}

#[tokio::test]
async fn a_running_run_can_be_deleted_and_comes_back() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let run = run(&hub, &id).await;
    ok(&hub, "runs/delete", json!({"run_id": run})).await;
    assert_eq!(found(&hub, &id, "").await, Vec::<String>::new());
    let body = json!({"experiment_ids": [id], "run_view_type": "DELETED_ONLY"});
    assert_eq!(
        ok(&hub, "runs/search", body).await["runs"][0]["info"]["run_id"],
        run
    );
    ok(&hub, "runs/restore", json!({"run_id": run})).await;
    assert_eq!(found(&hub, &id, "").await, std::slice::from_ref(&run));
    let again = post(&hub, "runs/restore", json!({"run_id": run})).await;
    assert_eq!(refused(&again).0, 400);
}

#[tokio::test]
async fn searches_compare_order_and_page() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let mut runs = Vec::new();
    for number in 0..5 {
        let body = json!({"experiment_id": id, "start_time": 1000 + number, "run_name": format!("r/{number}")});
        let made = ok(&hub, "runs/create", body).await;
        let run = made["run"]["info"]["run_id"].as_str().unwrap().to_owned();
        let body = json!({"run_id": run, "metrics": [{"key": "a b", "value": f64::from(number), "timestamp": 1}],
            "params": [{"key": "p", "value": format!("v{number}")}]});
        ok(&hub, "runs/log-batch", body).await;
        runs.push(run);
    }
    let newest_first: Vec<String> = runs.iter().rev().cloned().collect();
    assert_eq!(found(&hub, &id, "").await, newest_first);
    assert_eq!(
        found(&hub, &id, "metrics.`a b` >= 3 AND params.p != 'v4'").await,
        [runs[3].clone()]
    );
    assert_eq!(
        found(&hub, &id, "run_name = 'r/2'").await,
        [runs[2].clone()]
    );
    assert_eq!(
        found(&hub, &id, "attributes.start_time < 1001").await,
        [runs[0].clone()]
    );
    assert_eq!(
        found(&hub, &id, "params.q != 'x'").await,
        Vec::<String>::new()
    );
    assert_eq!(
        found(&hub, &id, "params.q IS NULL and status = 'RUNNING'")
            .await
            .len(),
        5
    );
    assert_eq!(found(&hub, "99", "").await, Vec::<String>::new());
    let list = format!("run_id IN ('{}', '{}')", runs[0], runs[4]);
    assert_eq!(found(&hub, &id, &list).await.len(), 2);
    let mut seen = Vec::new();
    let mut token = Value::Null;
    loop {
        let body = json!({"experiment_ids": [id], "max_results": 2, "order_by": ["metrics.`a b` ASC"], "page_token": token});
        let page = ok(&hub, "runs/search", body).await;
        for run in page["runs"].as_array().unwrap() {
            seen.push(run["info"]["run_id"].as_str().unwrap().to_owned());
        }
        let Some(next) = page.get("next_page_token") else {
            break;
        };
        token = next.clone();
    }
    assert_eq!(seen, runs);
    for filter in ["metrics.a > 'x'", "params.p > 'x'", "a or b", "metrics.`a"] {
        let body = json!({"experiment_ids": [id], "filter": filter});
        let answer = post(&hub, "runs/search", body).await;
        assert_eq!(refused(&answer).1, "INVALID_PARAMETER_VALUE", "{filter}");
    }
    let foreign = json!({"experiment_ids": [id], "page_token": "eyJvZmZzZXQiOiAyfQ=="});
    assert_eq!(refused(&post(&hub, "runs/search", foreign).await).0, 400);
}

#[tokio::test]
async fn artifacts_go_in_and_out_by_proxy() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let run = run(&hub, &id).await;
    let root = "/api/2.0/mlflow-artifacts/artifacts";
    let put = |path: &str, kind: &'static str, body: &[u8]| {
        let path = format!("{root}/{id}/{run}/artifacts/{path}");
        hub.send(request(Method::PUT, &path, Some(kind), body.to_vec()))
    };
    assert_eq!(
        put("a%20+%C3%A9.txt", "text/plain", b"text").await.status,
        200
    );
    assert_eq!(
        put("m/x.bin", "application/octet-stream", &[0, 1])
            .await
            .status,
        200
    );
    let list = format!("{root}?path={id}/{run}/artifacts");
    let files = hub.get(&list).await.json()["files"].clone();
    assert_eq!(
        files[0],
        json!({"path": "a +é.txt", "is_dir": false, "file_size": 4})
    );
    assert_eq!(files[1], json!({"path": "m", "is_dir": true}));
    let of_run = get(&hub, &format!("artifacts/list?run_id={run}&path=m")).await;
    assert_eq!(of_run["files"][0]["path"], "m/x.bin");
    assert_eq!(
        of_run["root_uri"],
        format!("mlflow-artifacts:/{id}/{run}/artifacts")
    );
    let file = hub
        .get(&format!("{root}/{id}/{run}/artifacts/a%20+%C3%A9.txt"))
        .await;
    assert_eq!(&file.body[..], b"text");
    let missing = hub.get(&format!("{root}/{id}/{run}/artifacts/none")).await;
    assert_eq!(refused(&missing).0, 404);
    for path in [
        "..%2F..%2Fetc%2Fpasswd",
        "a/..%2F..%2Fb",
        "%2Fetc%2Fpasswd",
        "C:%5Cx",
    ] {
        let answer = put(path, "text/plain", b"x").await;
        assert_eq!(refused(&answer).0, 400, "{path}");
        let answer = hub
            .get(&format!("{root}/{id}/{run}/artifacts/{path}"))
            .await;
        assert!(matches!(refused(&answer).0, 400 | 404), "{path}");
    }
    let outside = hub.get(&format!("{root}?path=../../etc")).await;
    assert_eq!(refused(&outside).0, 404);
}

#[tokio::test]
async fn datasets_that_were_read_are_kept_once() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let run = run(&hub, &id).await;
    let dataset = json!({"name": "d", "digest": "1a", "source_type": "local", "source": "{}", "schema": "{}"});
    let input =
        json!({"dataset": dataset, "tags": [{"key": "mlflow.data.context", "value": "train"}]});
    let body = json!({"run_id": run, "datasets": [input, input]});
    ok(&hub, "runs/log-inputs", body.clone()).await;
    ok(&hub, "runs/log-inputs", body).await;
    let seen = get(&hub, &format!("runs/get?run_id={run}")).await;
    assert_eq!(seen["run"]["inputs"]["dataset_inputs"], json!([input]));
}

#[tokio::test]
async fn bad_calls_are_refused_and_never_an_error_of_the_hub() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let run = run(&hub, &id).await;
    let metric = json!({"key": "m", "value": 1.0, "timestamp": 1});
    let many = vec![metric.clone(); 1001];
    for (path, body, wanted) in [
        (
            "experiments/create",
            json!({}),
            "Missing value for required parameter 'name'",
        ),
        (
            "experiments/create",
            json!({"name": 5}),
            "Invalid value 5 for parameter 'name' supplied",
        ),
        (
            "experiments/create",
            json!({"name": "x".repeat(501)}),
            "exceeds the maximum length of 500",
        ),
        (
            "experiments/create",
            json!({"name": "l", "artifact_location": "file:///a/../b"}),
            "artifact_location",
        ),
        (
            "experiments/create",
            json!({"name": "l", "artifact_location": "s3://a#/../b"}),
            "artifact_location",
        ),
        (
            "runs/log-metric",
            json!({"run_id": run, "key": "m", "timestamp": 1}),
            "parameter 'value'",
        ),
        (
            "runs/log-metric",
            json!({"run_id": run, "key": "m", "value": "x", "timestamp": 1}),
            "parameter 'value'",
        ),
        (
            "runs/log-metric",
            json!({"run_id": run, "key": "../m", "value": 1, "timestamp": 1}),
            "parameter 'name'",
        ),
        (
            "runs/log-metric",
            json!({"key": "m", "value": 1, "timestamp": 1}),
            "'run_id'",
        ),
        (
            "runs/log-batch",
            json!({"run_id": run, "metrics": many}),
            "at most 1000 metrics. Got 1001",
        ),
        (
            "runs/log-batch",
            json!({"run_id": run, "metrics": [{"key": "m", "value": 1}]}),
            "metrics[0].timestamp",
        ),
        (
            "runs/log-batch",
            json!({"run_id": run, "params": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}),
            "Duplicate parameter keys",
        ),
        (
            "runs/search",
            json!({"experiment_ids": [id], "max_results": 50001}),
            "max_results",
        ),
        (
            "runs/search",
            json!({"experiment_ids": [id], "run_view_type": "SOME"}),
            "view_type",
        ),
        (
            "runs/update",
            json!({"run_id": run, "status": "DONE"}),
            "status",
        ),
    ] {
        let (status, code, message) = refused(&post(&hub, path, body).await);
        assert_eq!(
            (status, code.as_str()),
            (400, "INVALID_PARAMETER_VALUE"),
            "{path}: {message}"
        );
        assert!(message.contains(wanted), "{path}: {message}");
    }
    for run in ["none1", "x", "../../x", "a/b"] {
        let body = json!({"run_id": run, "key": "m", "value": 1, "timestamp": 1});
        let (status, code, _) = refused(&post(&hub, "runs/log-metric", body).await);
        assert_eq!(
            (status, code.as_str()),
            (404, "RESOURCE_DOES_NOT_EXIST"),
            "{run}"
        );
    }
    for path in [
        "/api/2.0/mlflow/gateway/x",
        "/ajax-api/3.0/mlflow/x",
        "/api/2.0/none",
    ] {
        let (status, code, _) = refused(&hub.get(path).await);
        assert_eq!(
            (status, code.as_str()),
            (404, "ENDPOINT_NOT_FOUND"),
            "{path}"
        );
    }
    let torn = request(
        Method::POST,
        &format!("{ROOT}/runs/create"),
        Some("application/json"),
        b"{\"a\"".to_vec(),
    );
    assert_eq!(refused(&hub.send(torn).await).0, 400);
}

#[tokio::test]
async fn every_route_asks_for_a_token_in_its_own_words() {
    let hub = TestHub::with_tokens();
    for entry in compat_route_table(&hub.state) {
        let method: Method = entry.method.parse().unwrap();
        let path = entry.path.replace("{*path}", "1/aaaa/artifacts/x");
        let path = path.replace("{model}", "m-aaaa").replace("{key}", "k");
        let ask = |token: Option<String>| {
            let json = (method != Method::GET).then_some("application/json");
            let mut asked = request(method.clone(), &path, json, Vec::new());
            if let Some(token) = token {
                asked
                    .headers_mut()
                    .insert(header::AUTHORIZATION, token.parse().unwrap());
            }
            hub.send(asked)
        };
        let nobody = ask(None).await;
        if entry.permission == Permission::Public {
            assert_eq!(nobody.status, 200, "{entry:?}");
            continue;
        }
        assert_eq!(refused(&nobody).1, "UNAUTHENTICATED", "{entry:?}");
        let reader = ask(Some(format!("Bearer {READER}"))).await;
        let may = entry.permission == Permission::Read;
        assert_eq!(reader.status == 403, !may, "{entry:?}: {reader:?}");
        let writer = ask(Some(format!("Bearer {WRITER}"))).await;
        assert!(![401, 403].contains(&writer.status.as_u16()), "{entry:?}");
        // What the hub does not offer is told so, and not asked again.
        let fails = writer.status.is_server_error() && writer.status != 501;
        assert!(!fails, "{entry:?}: {writer:?}");
    }
}
