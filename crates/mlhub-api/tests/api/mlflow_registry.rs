//! The model registry on the MLflow face, call by call. Real clients are in `python/tests`.

use axum::http::Method;
use serde_json::{Value, json};

use crate::hub::TestHub;
use crate::mlflow_models::{call, get, invalid, missing, model, ok, put, refused, run};

async fn registered(hub: &TestHub, name: &str, tags: Value) {
    let body = json!({"name": name, "tags": tags});
    ok(hub, Method::POST, "registered-models/create", body).await;
}

async fn version(hub: &TestHub, body: Value) -> Value {
    let made = ok(hub, Method::POST, "model-versions/create", body).await;
    made["model_version"].clone()
}

/// Names that a search of models finds.
async fn models(hub: &TestHub, query: &str) -> Vec<String> {
    let answer = get(hub, &format!("registered-models/search?{query}")).await;
    let models = answer["registered_models"].as_array().cloned();
    let name = |model: &Value| model["name"].as_str().unwrap().to_owned();
    models.unwrap_or_default().iter().map(name).collect()
}

/// Numbers that a search of versions finds.
async fn versions(hub: &TestHub, query: &str) -> Vec<String> {
    let answer = get(hub, &format!("model-versions/search?{query}")).await;
    let versions = answer["model_versions"].as_array().cloned();
    let number = |version: &Value| version["version"].as_str().unwrap().to_owned();
    versions.unwrap_or_default().iter().map(number).collect()
}

#[tokio::test]
async fn a_logged_model_is_registered_promoted_and_downloaded() {
    let hub = TestHub::local();
    let run = run(&hub).await;
    let body = json!({"experiment_id": "0", "name": "net", "source_run_id": run});
    let logged = model(&hub, body).await;
    let location = format!("0/models/{logged}/artifacts");
    put(&hub, &format!("{location}/MLmodel"), "a: 1").await;
    registered(&hub, "digits", json!([])).await;
    let source = format!("models:/{logged}");
    let body = json!({"name": "digits", "source": source, "model_id": logged});
    let made = version(&hub, body).await;
    assert_eq!(
        (&made["version"], &made["status"], &made["run_id"]),
        (&json!("1"), &json!("READY"), &json!(run))
    );
    // The version knows where its files are in the hub, and the model who came from it.
    let native = hub
        .get("/api/v1/registry/models/digits/versions/1")
        .await
        .json();
    let native = &native["version"];
    assert_eq!(native["artifacts_run"], run.as_str(), "{native}");
    assert_eq!(native["artifacts_path"], "logged-models/net", "{native}");
    let seen = get(&hub, &format!("logged-models/{logged}")).await;
    assert_eq!(
        seen["model"]["info"]["tags"],
        json!([{
            "key": "mlflow.modelVersions",
            "value": "[{\"name\": \"digits\", \"version\": 1}]",
        }])
    );
    let alias = json!({"name": "digits", "alias": "champion", "version": "1"});
    ok(&hub, Method::POST, "registered-models/alias", alias).await;
    let of = get(&hub, "registered-models/alias?name=digits&alias=champion").await;
    assert_eq!(of["model_version"]["aliases"], json!(["champion"]));
    let uri = get(
        &hub,
        "model-versions/get-download-uri?name=digits&version=1",
    )
    .await;
    assert_eq!(uri["artifact_uri"], format!("mlflow-artifacts:/{location}"));
    // A version of a version has the same files.
    registered(&hub, "copy", json!([])).await;
    let copy = json!({"name": "copy", "source": "models:/digits@champion"});
    let copy = version(&hub, copy).await;
    assert_eq!(copy["source"], "models:/digits/1");
    let uri = get(&hub, "model-versions/get-download-uri?name=copy&version=1").await;
    assert_eq!(uri["artifact_uri"], format!("mlflow-artifacts:/{location}"));
    // What a version needs is not purged.
    ok(&hub, Method::POST, "runs/delete", json!({"run_id": run})).await;
    let purge = json!({"action": "purge", "runs": [run]});
    let purge = hub.post("/api/v1/deletions", &purge).await.json();
    assert!(purge.to_string().contains("digits"), "{purge}");
}

#[tokio::test]
async fn gates_hold_for_clients_of_mlflow() {
    let hub = TestHub::local();
    let run = run(&hub).await;
    registered(&hub, "m", json!([])).await;
    put(&hub, &format!("0/{run}/artifacts/w/x"), "x").await;
    let source = format!("mlflow-artifacts:/0/{run}/artifacts/w");
    let body = json!({"name": "m", "source": source, "run_id": run});
    version(&hub, body).await;
    let gate = json!({"gate": {"threshold": [{"metric": "loss", "max": 0.5}]}});
    for target in ["champion", "stage:production"] {
        let path = format!("/api/v1/registry/models/m/protections/{target}");
        assert_eq!(hub.put(&path, &gate).await.status, 200, "{target}");
    }
    let alias = json!({"name": "m", "alias": "champion", "version": "1"});
    let alias = call(&hub, Method::POST, "registered-models/alias", alias).await;
    assert_eq!(refused(&alias), invalid());
    let stage = json!({"name": "m", "version": "1", "stage": "Production"});
    let stage = call(&hub, Method::POST, "model-versions/transition-stage", stage).await;
    assert_eq!(refused(&stage), invalid());
    assert!(stage.json()["message"].as_str().unwrap().contains("gate"));
    let seen = get(&hub, "model-versions/get?name=m&version=1").await;
    assert_eq!(seen["model_version"]["current_stage"], "None");
    assert_eq!(seen["model_version"].get("aliases"), None);
}

#[tokio::test]
async fn models_and_versions_change() {
    let hub = TestHub::local();
    registered(&hub, "a", json!([{"key": "team", "value": "x"}])).await;
    for _ in 0..3 {
        version(&hub, json!({"name": "a", "source": "s3://bucket/m"})).await;
    }
    let body = json!({"name": "a", "description": "words"});
    let seen = ok(&hub, Method::PATCH, "registered-models/update", body).await;
    assert_eq!(seen["registered_model"]["description"], "words");
    let body = json!({"name": "a", "version": "2", "description": "two"});
    let seen = ok(&hub, Method::PATCH, "model-versions/update", body).await;
    assert_eq!(seen["model_version"]["description"], "two");
    let tag = json!({"name": "a", "version": "2", "key": "k", "value": "v"});
    ok(&hub, Method::POST, "model-versions/set-tag", tag).await;
    let tag = json!({"name": "a", "key": "team"});
    ok(
        &hub,
        Method::DELETE,
        "registered-models/delete-tag",
        tag.clone(),
    )
    .await;
    ok(&hub, Method::DELETE, "registered-models/delete-tag", tag).await;
    for (number, stage, archive) in [("1", "Production", false), ("2", "production", true)] {
        let body = json!({
            "name": "a", "version": number, "stage": stage, "archive_existing_versions": archive,
        });
        ok(&hub, Method::POST, "model-versions/transition-stage", body).await;
    }
    let seen = get(&hub, "registered-models/get?name=a").await;
    let latest = seen["registered_model"]["latest_versions"]
        .as_array()
        .unwrap();
    let mut stages: Vec<(&str, &str)> = latest
        .iter()
        .map(|of| {
            let text = |name: &str| of[name].as_str().unwrap();
            (text("current_stage"), text("version"))
        })
        .collect();
    stages.sort_unstable();
    assert_eq!(
        stages,
        [("Archived", "1"), ("None", "3"), ("Production", "2")]
    );
    let body = json!({"name": "a", "stages": ["production"]});
    let of = ok(
        &hub,
        Method::POST,
        "registered-models/get-latest-versions",
        body,
    )
    .await;
    assert_eq!(of["model_versions"][0]["version"], "2");
    let body = json!({"name": "a", "version": "3"});
    ok(&hub, Method::DELETE, "model-versions/delete", body.clone()).await;
    let gone = call(&hub, Method::DELETE, "model-versions/delete", body).await;
    assert_eq!(refused(&gone), missing());
    let body = json!({"name": "a", "new_name": "b"});
    ok(&hub, Method::POST, "registered-models/rename", body).await;
    assert_eq!(versions(&hub, "filter=name%3D'b'").await.len(), 2);
    ok(
        &hub,
        Method::DELETE,
        "registered-models/delete",
        json!({"name": "b"}),
    )
    .await;
    let gone = call(&hub, Method::GET, "registered-models/get?name=b", json!({})).await;
    assert_eq!(refused(&gone), missing());
    assert_eq!(
        gone.json()["message"],
        "Registered Model with name=b not found"
    );
}

#[tokio::test]
async fn searches_filter_order_and_page() {
    let hub = TestHub::local();
    for name in ["b", "a", "c"] {
        registered(&hub, name, json!([{"key": "n", "value": name}])).await;
    }
    let prompt = json!([{"key": "mlflow.prompt.is_prompt", "value": "true"}]);
    registered(&hub, "words", prompt).await;
    let not_prompts = "filter=tag.%60mlflow.prompt.is_prompt%60%20%21%3D%20'true'";
    assert_eq!(models(&hub, not_prompts).await, ["a", "b", "c"]);
    assert_eq!(models(&hub, "").await, ["a", "b", "c"]);
    let prompts = "filter=tag.%60mlflow.prompt.is_prompt%60%20%3D%20'true'";
    assert_eq!(models(&hub, prompts).await, ["words"]);
    assert_eq!(models(&hub, "filter=name%20LIKE%20'%25c%25'").await, ["c"]);
    assert_eq!(models(&hub, "filter=tags.n%20!%3D%20'a'").await, ["b", "c"]);
    assert_eq!(
        models(&hub, "filter=name%20IN%20('a','c')").await,
        ["a", "c"]
    );
    assert_eq!(models(&hub, "order_by=name%20DESC").await, ["c", "b", "a"]);
    let first = get(&hub, "registered-models/search?max_results=2").await;
    let token = first["next_page_token"].as_str().unwrap();
    registered(&hub, "aa", json!([])).await;
    let rest = models(&hub, &format!("max_results=2&page_token={token}")).await;
    assert_eq!(rest, ["c"]);

    for number in 0..4 {
        let tags = json!([{"key": "n", "value": number.to_string()}]);
        version(
            &hub,
            json!({"name": "a", "source": "s3://b/m", "tags": tags}),
        )
        .await;
    }
    assert_eq!(versions(&hub, "filter=tags.n%3D'2'").await, ["3"]);
    assert_eq!(
        versions(&hub, "filter=version_number%20%3E%203").await,
        ["4"]
    );
    let query = "filter=name%3D'a'&order_by=version_number%20ASC&max_results=3";
    assert_eq!(versions(&hub, query).await, ["1", "2", "3"]);
    let page = get(&hub, &format!("model-versions/search?{query}")).await;
    let token = page["next_page_token"].as_str().unwrap();
    let rest = versions(&hub, &format!("{query}&page_token={token}")).await;
    assert_eq!(rest, ["4"]);
    for path in [
        "registered-models/search?filter=odd%3D'x'",
        "registered-models/search?filter=name%20%3E%20'x'",
        "registered-models/search?order_by=odd",
        "registered-models/search?max_results=1001",
        "registered-models/search?page_token=x",
        "model-versions/search?filter=version_number%3D'x'",
        "model-versions/search?page_token=after:1:2",
    ] {
        let answer = call(&hub, Method::GET, path, json!({})).await;
        assert_eq!(refused(&answer), invalid(), "{path}");
    }
}

#[tokio::test]
async fn mistakes_are_answered_as_mlflow_answers_them() {
    let hub = TestHub::local();
    let run = run(&hub).await;
    registered(&hub, "m", json!([])).await;
    version(
        &hub,
        json!({"name": "m", "source": "s3://bucket/m", "run_id": "0".repeat(32)}),
    )
    .await;
    let taken = json!({"name": "m"});
    let taken = call(&hub, Method::POST, "registered-models/create", taken).await;
    assert_eq!(refused(&taken), (400, "RESOURCE_ALREADY_EXISTS".to_owned()));
    assert_eq!(
        taken.json()["message"],
        "Registered Model (name=m) already exists."
    );
    let alias = |alias: &str, number: &str| json!({"name": "m", "alias": alias, "version": number});
    let source = |source: &str| json!({"name": "m", "source": source, "run_id": run});
    for (path, body, expected) in [
        (
            "registered-models/create",
            json!({"name": "a/b"}),
            invalid(),
        ),
        ("registered-models/create", json!({"name": " "}), invalid()),
        ("registered-models/alias", alias("latest", "1"), invalid()),
        ("registered-models/alias", alias("v3", "1"), invalid()),
        ("registered-models/alias", alias("a b", "1"), invalid()),
        ("registered-models/alias", alias("a", "x"), invalid()),
        ("registered-models/alias", alias("a", "9"), missing()),
        ("model-versions/create", json!({"name": "m"}), invalid()),
        (
            "model-versions/create",
            json!({"name": "n", "source": "s3://b/m"}),
            missing(),
        ),
        ("model-versions/create", source("/etc"), invalid()),
        ("model-versions/create", source("file:///etc"), invalid()),
        ("model-versions/create", source("models:/m-1234"), invalid()),
        ("model-versions/create", source("runs:/abcd/x"), invalid()),
        (
            "model-versions/create",
            source("mlflow-artifacts:/0/../x"),
            invalid(),
        ),
        (
            "model-versions/create",
            source("mlflow-artifacts:/0/abcd/artifacts"),
            invalid(),
        ),
        (
            "model-versions/transition-stage",
            json!({"name": "m", "version": "1", "stage": "shelf"}),
            invalid(),
        ),
    ] {
        let answer = call(&hub, Method::POST, path, body.clone()).await;
        assert_eq!(refused(&answer), expected, "{path} {body}");
    }
    let none = call(
        &hub,
        Method::GET,
        "registered-models/alias?name=m&alias=none",
        json!({}),
    )
    .await;
    assert_eq!(refused(&none), invalid());
    assert_eq!(
        none.json()["message"],
        "Registered model alias none not found."
    );
}
