//! Logged models on the MLflow face, call by call. Real clients are in `python/tests`.

use axum::http::Method;
use serde_json::{Value, json};

use crate::hub::{Answer, TestHub, request};

const ROOT: &str = "/api/2.0/mlflow";
pub(crate) const FILES: &str = "/api/2.0/mlflow-artifacts/artifacts";

pub(crate) async fn call(hub: &TestHub, method: Method, path: &str, body: Value) -> Answer {
    let (kind, body) = match method {
        Method::GET => (None, Vec::new()),
        _ => (Some("application/json"), body.to_string().into_bytes()),
    };
    hub.send(request(method, &format!("{ROOT}/{path}"), kind, body))
        .await
}

pub(crate) async fn ok(hub: &TestHub, method: Method, path: &str, body: Value) -> Value {
    let answer = call(hub, method, path, body).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

pub(crate) async fn get(hub: &TestHub, path: &str) -> Value {
    let answer = hub.get(&format!("{ROOT}/{path}")).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

/// Status and code of a refusal.
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

pub(crate) async fn run(hub: &TestHub) -> String {
    let body = json!({"experiment_id": "0", "start_time": 1000});
    let made = ok(hub, Method::POST, "runs/create", body).await;
    made["run"]["info"]["run_id"].as_str().unwrap().to_owned()
}

pub(crate) async fn model(hub: &TestHub, body: Value) -> String {
    let made = ok(hub, Method::POST, "logged-models", body).await;
    made["model"]["info"]["model_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

pub(crate) async fn put(hub: &TestHub, path: &str, text: &str) {
    let answer = put_answer(hub, path, text).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
}

async fn put_answer(hub: &TestHub, path: &str, text: &str) -> Answer {
    let path = format!("{FILES}/{path}");
    hub.send(request(Method::PUT, &path, None, text.into()))
        .await
}

pub(crate) async fn files(hub: &TestHub, path: &str) -> Vec<String> {
    let answer = hub.get(&format!("{FILES}?path={path}")).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    let body = answer.json();
    let files = body["files"].as_array().unwrap();
    let path = |file: &Value| file["path"].as_str().unwrap().to_owned();
    files.iter().map(path).collect()
}

/// Names of the models that a search finds.
async fn found(hub: &TestHub, body: Value) -> Vec<String> {
    let mut whole = json!({"experiment_ids": ["0"]});
    let fields = body.as_object().unwrap().clone();
    whole.as_object_mut().unwrap().extend(fields);
    let answer = ok(hub, Method::POST, "logged-models/search", whole).await;
    let models = answer["models"].as_array().cloned().unwrap_or_default();
    let name = |model: &Value| model["info"]["name"].as_str().unwrap().to_owned();
    models.iter().map(name).collect()
}

#[tokio::test]
async fn a_model_of_a_run_has_its_files_among_those_of_the_run() {
    let hub = TestHub::local();
    let run = run(&hub).await;
    let body = json!({
        "experiment_id": "0", "name": "net", "source_run_id": run, "model_type": "tree",
        "params": [{"key": "depth", "value": "3"}], "tags": [{"key": "t", "value": "1"}],
    });
    let id = model(&hub, body.clone()).await;
    let second = model(&hub, body).await;
    assert_ne!(id, second);
    let seen = get(&hub, &format!("logged-models/{id}")).await;
    let info = &seen["model"]["info"];
    assert_eq!(info["status"], "LOGGED_MODEL_PENDING");
    assert_eq!(info["source_run_id"], run);
    assert_eq!(info["model_type"], "tree");
    let root = format!("0/models/{id}/artifacts");
    assert_eq!(info["artifact_uri"], format!("mlflow-artifacts:/{root}"));
    assert_eq!(
        seen["model"]["data"]["params"],
        json!([{"key": "depth", "value": "3"}])
    );

    put(&hub, &format!("{root}/MLmodel"), "a: 1").await;
    put(&hub, &format!("{root}/data/w.bin"), "weights").await;
    put(
        &hub,
        &format!("0/models/{second}/artifacts/MLmodel"),
        "b: 2",
    )
    .await;
    put(&hub, &format!("0/{run}/artifacts/own.txt"), "own").await;
    assert_eq!(files(&hub, &root).await, ["MLmodel", "data"]);
    assert_eq!(files(&hub, &format!("{root}/data")).await, ["w.bin"]);
    // Clients ask for models apart; the hub shows everything of a run.
    assert_eq!(
        files(&hub, &format!("0/{run}/artifacts")).await,
        ["own.txt"]
    );
    let native = hub
        .get(&format!("/api/v1/runs/{run}/artifacts"))
        .await
        .json();
    let native = native.to_string();
    for path in [
        "logged-models/net/MLmodel",
        "logged-models/net/data/w.bin",
        "logged-models/net-2/MLmodel",
        "own.txt",
    ] {
        assert!(native.contains(&format!("\"{path}\"")), "{path}: {native}");
    }
    let below = get(
        &hub,
        &format!("logged-models/{id}/artifacts/directories?artifact_directory_path=data"),
    )
    .await;
    assert_eq!(below["files"][0]["path"], "data/w.bin");
    let bytes = hub.get(&format!("{FILES}/{root}/MLmodel")).await;
    assert_eq!(bytes.body, "a: 1");

    let ready = json!({"model_id": id, "status": "LOGGED_MODEL_READY"});
    let path = format!("logged-models/{id}");
    let ready = ok(&hub, Method::PATCH, &path, ready).await;
    assert_eq!(ready["model"]["info"]["status"], "LOGGED_MODEL_READY");
    let odd = call(&hub, Method::PATCH, &path, json!({"status": "SOON"})).await;
    assert_eq!(refused(&odd), invalid());
}

#[tokio::test]
async fn a_model_without_a_run_has_one_of_its_own() {
    let hub = TestHub::local();
    let id = model(&hub, json!({"experiment_id": "0", "name": "lone"})).await;
    let root = format!("0/models/{id}/artifacts");
    put(&hub, &format!("{root}/x"), "x").await;
    assert_eq!(files(&hub, &root).await, ["x"]);
    // To clients it is no run; here it is one, and says what it is for.
    let runs = ok(
        &hub,
        Method::POST,
        "runs/search",
        json!({"experiment_ids": ["0"]}),
    )
    .await;
    assert_eq!(runs["runs"], json!([]));
    let own = id.strip_prefix("m-").unwrap();
    let native = hub.get(&format!("/api/v1/runs/{own}")).await.json();
    assert_eq!(native["tags"]["mlhub.logged_model"], id.as_str());
    assert_eq!(native["state"], "finished");
    // It goes with the model.
    let path = format!("logged-models/{id}");
    ok(&hub, Method::DELETE, &path, json!({})).await;
    assert_eq!(
        refused(&call(&hub, Method::GET, &path, json!({})).await),
        missing()
    );
    let kept = get(&hub, &format!("{path}?allow_deleted=true")).await;
    assert_eq!(kept["model"]["info"]["name"], "lone");
    let native = hub.get(&format!("/api/v1/runs/{own}")).await.json();
    assert!(
        native["deleted_at"].is_string() || native["deleted_at"].is_number(),
        "{native}"
    );
    let late = put_answer(&hub, &format!("{root}/y"), "y").await;
    assert_eq!(refused(&late), invalid());
}

#[tokio::test]
async fn labels_and_metrics_of_models_change_and_are_searched() {
    let hub = TestHub::local();
    let run = run(&hub).await;
    let of = |name: &str| json!({"experiment_id": "0", "name": name, "source_run_id": run});
    let a = model(&hub, of("a")).await;
    let b = model(&hub, of("b")).await;
    model(&hub, of("c")).await;
    let tags = json!({"tags": [{"key": "t", "value": "1"}, {"key": "u", "value": "2"}]});
    ok(
        &hub,
        Method::PATCH,
        &format!("logged-models/{a}/tags"),
        tags,
    )
    .await;
    ok(
        &hub,
        Method::DELETE,
        &format!("logged-models/{a}/tags/u"),
        json!({}),
    )
    .await;
    let gone = call(
        &hub,
        Method::DELETE,
        &format!("logged-models/{a}/tags/u"),
        json!({}),
    )
    .await;
    assert_eq!(refused(&gone), missing());
    let params = |value: &str| json!({"params": [{"key": "p", "value": value}]});
    let path = format!("logged-models/{b}/params");
    ok(&hub, Method::POST, &path, params("1")).await;
    ok(&hub, Method::POST, &path, params("1")).await;
    let other = call(&hub, Method::POST, &path, params("2")).await;
    assert_eq!(refused(&other), invalid());

    let metric = |model: &str, key: &str, value: f64, time: i64, data: &str| {
        json!({
            "run_id": run, "key": key, "value": value, "timestamp": time, "step": time,
            "model_id": model, "dataset_name": data, "dataset_digest": "d",
        })
    };
    ok(
        &hub,
        Method::POST,
        "runs/log-metric",
        metric(&a, "acc", 0.5, 2, "x"),
    )
    .await;
    // An older value comes late.
    ok(
        &hub,
        Method::POST,
        "runs/log-metric",
        metric(&a, "acc", 0.1, 1, "x"),
    )
    .await;
    let batch = json!({"run_id": run, "metrics": [
        metric(&b, "acc", 0.2, 1, "y"), metric(&b, "acc", 0.9, 3, "y"),
        {"key": "own", "value": 1.0, "timestamp": 1},
    ]});
    ok(&hub, Method::POST, "runs/log-batch", batch).await;
    let seen = get(&hub, &format!("logged-models/{a}")).await;
    let metrics = seen["model"]["data"]["metrics"].as_array().unwrap();
    assert_eq!(metrics.len(), 1, "{seen}");
    assert_eq!(metrics[0]["value"], 0.5);
    assert_eq!(metrics[0]["run_id"], run.as_str());
    assert_eq!(metrics[0]["dataset_name"], "x");
    let history = get(
        &hub,
        &format!("metrics/get-history?run_id={run}&metric_key=acc"),
    )
    .await;
    assert_eq!(history["metrics"].as_array().unwrap().len(), 4);
    let unknown = metric(&format!("m-{}", "0".repeat(32)), "lost", 1.0, 1, "x");
    let unknown = call(&hub, Method::POST, "runs/log-metric", unknown).await;
    assert_eq!(refused(&unknown), missing());
    // What is refused is neither in the run nor in a model.
    let batch = |model: &str, value: &str| {
        json!({"run_id": run, "params": [{"key": "p", "value": value}],
            "metrics": [metric(model, "lost", 1.0, 9, "x")]})
    };
    let lost = batch(&format!("m-{}", "0".repeat(32)), "1");
    let lost = call(&hub, Method::POST, "runs/log-batch", lost).await;
    assert_eq!(refused(&lost), missing());
    let param = json!({"run_id": run, "key": "p", "value": "2"});
    ok(&hub, Method::POST, "runs/log-parameter", param).await;
    let lost = call(&hub, Method::POST, "runs/log-batch", batch(&a, "1")).await;
    assert_eq!(refused(&lost), invalid());
    let seen = get(&hub, &format!("logged-models/{a}")).await;
    assert!(!seen.to_string().contains("lost"), "{seen}");
    let seen = get(&hub, &format!("runs/get?run_id={run}")).await;
    assert!(!seen.to_string().contains("lost"), "{seen}");

    let filtered = async |filter: &str| found(&hub, json!({"filter": filter})).await;
    assert_eq!(filtered("name = 'a'").await, ["a"]);
    assert_eq!(filtered("tags.t = '1' AND name LIKE '%'").await, ["a"]);
    assert_eq!(filtered("tags.t != '2'").await, ["a"]);
    assert_eq!(filtered("params.p = '1'").await, ["b"]);
    assert_eq!(filtered("metrics.acc > 0.6").await, ["b"]);
    assert_eq!(filtered("status = 'READY'").await, Vec::<String>::new());
    assert_eq!(filtered(&format!("model_id IN ('{b}')")).await, ["b"]);
    let data = json!({"datasets": [{"dataset_name": "x"}]});
    assert_eq!(found(&hub, data).await, ["a"]);
    let data = json!({"datasets": [{"dataset_name": "x"}], "filter": "metrics.acc > 0.6"});
    assert_eq!(found(&hub, data).await, Vec::<String>::new());
    let order =
        |ascending| json!({"order_by": [{"field_name": "metrics.acc", "ascending": ascending}]});
    assert_eq!(found(&hub, order(true)).await, ["a", "b", "c"]);
    assert_eq!(found(&hub, order(false)).await, ["b", "a", "c"]);
    for body in [
        json!({"filter": "odd.a = '1'"}),
        json!({"filter": "metrics.acc LIKE 'a'"}),
        json!({"filter": "name > 'a'"}),
        json!({"order_by": [{"field_name": "params.p"}]}),
        json!({"datasets": [{"dataset_digest": "d"}]}),
        json!({"page_token": "nonsense"}),
        json!({"experiment_ids": []}),
    ] {
        let mut whole = json!({"experiment_ids": ["0"]});
        let fields = body.as_object().unwrap().clone();
        whole.as_object_mut().unwrap().extend(fields);
        let answer = call(&hub, Method::POST, "logged-models/search", whole).await;
        assert_eq!(refused(&answer), invalid(), "{body}");
    }
}

#[tokio::test]
async fn pages_of_models_neither_skip_nor_repeat() {
    let hub = TestHub::local();
    let run = run(&hub).await;
    let of = |name: String| json!({"experiment_id": "0", "name": name, "source_run_id": run});
    for number in 0..5 {
        model(&hub, of(format!("m{number}"))).await;
    }
    let mut names = Vec::new();
    let mut token = Value::Null;
    loop {
        let body = json!({
            "experiment_ids": ["0"], "max_results": 2, "page_token": token,
            "order_by": [{"field_name": "name", "ascending": true}],
        });
        let page = ok(&hub, Method::POST, "logged-models/search", body).await;
        let models = page["models"].as_array().unwrap().clone();
        let name = |model: &Value| model["info"]["name"].as_str().unwrap().to_owned();
        names.extend(models.iter().map(name));
        let Some(next) = page.get("next_page_token") else {
            break;
        };
        token = next.clone();
        // The last of the page goes, and one comes before it.
        let last = models.last().unwrap()["info"]["model_id"].as_str().unwrap();
        ok(
            &hub,
            Method::DELETE,
            &format!("logged-models/{last}"),
            json!({}),
        )
        .await;
        model(&hub, of(format!("a{}", names.len()))).await;
    }
    assert_eq!(names, ["m0", "m1", "m2", "m3", "m4"]);
}

#[tokio::test]
async fn runs_tell_what_models_they_read_and_made() {
    let hub = TestHub::local();
    let maker = run(&hub).await;
    let reader = run(&hub).await;
    let body = json!({"experiment_id": "0", "name": "net", "source_run_id": maker});
    let id = model(&hub, body).await;
    let made = json!({"run_id": maker, "models": [{"model_id": id, "step": 7}]});
    for _ in 0..2 {
        ok(&hub, Method::POST, "runs/outputs", made.clone()).await;
    }
    let read = json!({"run_id": reader, "models": [{"model_id": id}]});
    ok(&hub, Method::POST, "runs/log-inputs", read).await;
    let seen = get(&hub, &format!("runs/get?run_id={maker}")).await;
    assert_eq!(
        seen["run"]["outputs"],
        json!({"model_outputs": [{"model_id": id, "step": 7}]})
    );
    let all = ok(
        &hub,
        Method::POST,
        "runs/search",
        json!({"experiment_ids": ["0"]}),
    )
    .await;
    let of_reader = all["runs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|run| run["info"]["run_id"] == reader.as_str())
        .unwrap();
    assert_eq!(
        of_reader["inputs"],
        json!({"model_inputs": [{"model_id": id}]})
    );
    let none = json!({"run_id": maker, "models": []});
    let none = call(&hub, Method::POST, "runs/outputs", none).await;
    assert_eq!(refused(&none), invalid());
}

#[tokio::test]
async fn models_of_old_clients_are_told_in_a_tag() {
    let hub = TestHub::local();
    let run = run(&hub).await;
    let of = |path: &str| {
        let model = json!({
            "artifact_path": path, "run_id": run, "utc_time_created": "t",
            "flavors": {"sklearn": {"config": {"a": 1}, "v": 2}}, "other": 1,
        });
        json!({"run_id": run, "model_json": model.to_string()})
    };
    for path in ["a", "b", "a"] {
        ok(&hub, Method::POST, "runs/log-model", of(path)).await;
    }
    let seen = get(&hub, &format!("runs/get?run_id={run}")).await;
    let tags = seen["run"]["data"]["tags"].as_array().unwrap();
    let tag = tags
        .iter()
        .find(|tag| tag["key"] == "mlflow.log-model.history")
        .unwrap();
    let history: Value = serde_json::from_str(tag["value"].as_str().unwrap()).unwrap();
    assert_eq!(history.as_array().unwrap().len(), 2, "{history}");
    assert_eq!(history[0]["flavors"], json!({"sklearn": {"v": 2}}));
    for text in ["{", "{}"] {
        let body = json!({"run_id": run, "model_json": text});
        let answer = call(&hub, Method::POST, "runs/log-model", body).await;
        assert_eq!(refused(&answer), invalid(), "{text}");
    }
}

#[tokio::test]
async fn odd_models_are_refused() {
    let hub = TestHub::local();
    for (body, expected) in [
        (json!({"name": "a"}), invalid()),
        (json!({"experiment_id": "0", "name": "a/b"}), invalid()),
        (json!({"experiment_id": "0", "name": "a'"}), invalid()),
        (json!({"experiment_id": "99", "name": "a"}), missing()),
    ] {
        let answer = call(&hub, Method::POST, "logged-models", body.clone()).await;
        assert_eq!(refused(&answer), expected, "{body}");
    }
    let unnamed = model(&hub, json!({"experiment_id": "0"})).await;
    let unnamed = get(&hub, &format!("logged-models/{unnamed}")).await;
    assert!(
        unnamed["model"]["info"]["name"]
            .as_str()
            .is_some_and(|name| !name.is_empty())
    );
    for id in ["m-1234", "..", "%2e%2e"] {
        let answer = call(&hub, Method::GET, &format!("logged-models/{id}"), json!({})).await;
        assert_eq!(answer.status, 404, "{id}: {answer:?}");
    }
    for path in [
        "0/models",
        "0/models/m-1/other/x",
        "0/models/m-1234/artifacts/x",
    ] {
        let answer = hub.get(&format!("{FILES}/{path}")).await;
        assert_eq!(refused(&answer), missing(), "{path}");
    }
}
