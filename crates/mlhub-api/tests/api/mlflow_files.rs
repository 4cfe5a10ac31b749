//! Single files on the MLflow face: removed for good, sent by run, version and model, and what
//! is not done with them.

use axum::http::Method;
use serde_json::{Value, json};

use crate::hub::{READER, TestHub, WRITER, encoded, request};
use crate::mlflow_models::{
    FILES, call, files, get, invalid, missing, model, ok, put, refused, run,
};

async fn delete(hub: &TestHub, path: &str) -> crate::hub::Answer {
    hub.delete(&format!("{FILES}/{path}")).await
}

async fn gone(hub: &TestHub, path: &str) {
    let answer = delete(hub, path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    assert_eq!(answer.json(), json!({}));
}

/// All that the hub has of a run.
async fn native(hub: &TestHub, run: &str) -> Vec<String> {
    let path = format!("/api/v1/runs/{run}/artifacts");
    let body = hub.get(&path).await.json();
    let all = body["artifacts"].as_array().unwrap().clone();
    let path = |one: &Value| one["path"].as_str().unwrap().to_owned();
    all.iter().map(path).collect()
}

/// Contents in the blob store.
fn blobs(hub: &TestHub) -> usize {
    let mut count = 0;
    let mut folders = vec![hub.folder.path().join("hub/blobs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_blob = |path: &std::path::Path| {
                let name = path.file_name().unwrap().to_string_lossy();
                name.len() >= 60 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
            };
            match path.is_dir() {
                true => folders.push(path),
                false => count += usize::from(is_blob(&path)),
            }
        }
    }
    count
}

#[tokio::test]
async fn files_and_folders_are_removed_with_their_bytes() {
    let hub = TestHub::local();
    let run = run(&hub).await;
    let other = crate::mlflow_models::run(&hub).await;
    let root = format!("0/{run}/artifacts");
    for (path, text) in [
        ("a.txt", "a"),
        ("m/x", "x"),
        ("m/d/y", "y"),
        ("mm", "shared"),
    ] {
        put(&hub, &format!("{root}/{path}"), text).await;
    }
    put(&hub, &format!("0/{other}/artifacts/z"), "shared").await;
    assert_eq!(blobs(&hub), 4);
    gone(&hub, &format!("{root}/a.txt")).await;
    assert_eq!((native(&hub, &run).await.len(), blobs(&hub)), (3, 3));
    let answer = hub.get(&format!("{FILES}/{root}/a.txt")).await;
    assert_eq!(refused(&answer), missing());
    gone(&hub, &format!("{root}/m")).await;
    assert_eq!(native(&hub, &run).await, ["mm"]);
    assert_eq!(blobs(&hub), 1);
    // Clients name the root with a slash behind it; what another run has stays.
    gone(&hub, &format!("{root}/")).await;
    assert_eq!(native(&hub, &run).await, Vec::<String>::new());
    assert_eq!(blobs(&hub), 1);
    // A folder is no file, whatever a client cut off its name.
    let folder = format!("{FILES}/{root}/m/");
    let answer = hub.bytes(Method::PUT, &folder, b"x").await;
    assert_eq!(refused(&answer), invalid());
    // Gone already, and never there.
    for path in ["", "/", "/m", "/nothing/at/all"] {
        gone(&hub, &format!("{root}{path}")).await;
    }
    let ledger = hub.get("/api/v1/deletions").await.json();
    let lines = ledger["deletions"].as_array().unwrap().clone();
    let cause = |line: &Value| (line["action"].clone(), line["cause"].clone());
    assert_eq!(
        lines.iter().map(cause).collect::<Vec<_>>(),
        ["request", "request m", "request a.txt"]
            .map(|cause| (json!("drop_artifacts"), json!(cause)))
    );
    // A deleted run is what such calls are made for.
    ok(&hub, Method::POST, "runs/delete", json!({"run_id": other})).await;
    gone(&hub, &format!("0/{other}/artifacts")).await;
    assert_eq!(blobs(&hub), 0);
}

#[tokio::test]
async fn files_of_models_go_by_the_model_alone() {
    let hub = TestHub::local();
    let run = run(&hub).await;
    let body = json!({"experiment_id": "0", "name": "net", "source_run_id": run});
    let id = model(&hub, body).await;
    let root = format!("0/models/{id}/artifacts");
    put(&hub, &format!("{root}/MLmodel"), "a: 1").await;
    put(&hub, &format!("{root}/data/w"), "w").await;
    put(&hub, &format!("0/{run}/artifacts/own"), "own").await;
    for path in ["", "/logged-models", "/logged-models/net/MLmodel"] {
        gone(&hub, &format!("0/{run}/artifacts{path}")).await;
    }
    assert_eq!(files(&hub, &root).await, ["MLmodel", "data"]);
    assert_eq!(files(&hub, &format!("0/{run}/artifacts")).await.len(), 0);
    gone(&hub, &format!("{root}/data")).await;
    assert_eq!(files(&hub, &root).await, ["MLmodel"]);
    gone(&hub, &root).await;
    assert_eq!(native(&hub, &run).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_a_registered_version_needs_is_kept_and_says_why() {
    let hub = TestHub::local();
    let run = run(&hub).await;
    let root = format!("0/{run}/artifacts");
    for path in ["w/x", "w/d/y", "other", "ww"] {
        put(&hub, &format!("{root}/{path}"), path).await;
    }
    let name = json!({"name": "digits"});
    ok(&hub, Method::POST, "registered-models/create", name).await;
    let source = format!("runs:/{run}/w");
    let body = json!({"name": "digits", "source": source, "run_id": run});
    ok(&hub, Method::POST, "model-versions/create", body).await;
    for path in ["/w", "/w/x", "/w/d", "", "/"] {
        let answer = delete(&hub, &format!("{root}{path}")).await;
        assert_eq!(refused(&answer), invalid(), "{path}");
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("`digits` version 1"), "{message}");
        assert_eq!(native(&hub, &run).await.len(), 4);
    }
    gone(&hub, &format!("{root}/other")).await;
    gone(&hub, &format!("{root}/ww")).await;
    let version = json!({"name": "digits", "version": "1"});
    ok(&hub, Method::DELETE, "model-versions/delete", version).await;
    gone(&hub, &root).await;
    assert_eq!(blobs(&hub), 0);
}

#[tokio::test]
async fn nothing_beside_a_run_is_removed() {
    let hub = TestHub::local();
    let run = run(&hub).await;
    let canary = hub.folder.path().join("canary");
    std::fs::write(&canary, "here").unwrap();
    put(&hub, &format!("0/{run}/artifacts/a"), "a").await;
    for path in [
        "../../canary",
        "..",
        "a/../../b",
        "a;/../b",
        "/etc/passwd",
        "..\\..\\x",
        "a\0",
    ] {
        let path = format!("0/{run}/artifacts/{}", encoded(path));
        let answer = delete(&hub, &path).await;
        let inside = answer.status == 200 && path.ends_with(&encoded("/etc/passwd"));
        assert!(inside || refused(&answer) == invalid(), "{path} {answer:?}");
    }
    // Encoded twice it is a name, of nothing.
    for path in ["%252e%252e%252fcanary", "%25%32%65%25%32%65/canary"] {
        gone(&hub, &format!("0/{run}/artifacts/{path}")).await;
    }
    for path in [
        "",
        "0",
        &format!("0/{run}"),
        &format!("0/{run}/other"),
        "0/models",
    ] {
        let status = delete(&hub, path).await.status.as_u16();
        assert!(matches!(status, 404 | 405), "{path}: {status}");
    }
    assert_eq!(
        refused(&delete(&hub, "0/nobody/artifacts/a").await),
        missing()
    );
    assert_eq!(std::fs::read_to_string(canary).unwrap(), "here");
    assert_eq!(native(&hub, &run).await, ["a"]);
}

#[tokio::test]
async fn readers_remove_nothing() {
    let hub = TestHub::with_tokens();
    let with = |token: &str, method: Method, path: &str, body: &str| {
        let mut asked = request(method, path, Some("application/json"), body.into());
        let value = format!("Bearer {token}").parse().unwrap();
        asked.headers_mut().insert("authorization", value);
        asked
    };
    let create = with(
        WRITER,
        Method::POST,
        "/api/2.0/mlflow/runs/create",
        "{\"experiment_id\": \"0\"}",
    );
    let made = hub.send(create).await.json();
    let run = made["run"]["info"]["run_id"].as_str().unwrap().to_owned();
    let path = format!("{FILES}/0/{run}/artifacts/a");
    assert_eq!(
        hub.send(with(WRITER, Method::PUT, &path, "x")).await.status,
        200
    );
    let answer = hub.send(with(READER, Method::DELETE, &path, "")).await;
    assert_eq!(answer.status, 403);
    let shown = format!("/get-artifact?run_id={run}&path=a");
    let answer = hub.get(&shown).await;
    assert_eq!(refused(&answer), (401, "UNAUTHENTICATED".to_owned()));
    let answer = hub.send(with(READER, Method::GET, &shown, "")).await;
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"x"[..]));
}

#[tokio::test]
async fn files_come_by_run_version_and_model_and_are_never_shown() {
    let hub = TestHub::local();
    let run = run(&hub).await;
    let page = "<script>alert(1)</script>";
    put(
        &hub,
        &format!("0/{run}/artifacts/w/a%20b+c%2541.html"),
        page,
    )
    .await;
    let body = json!({"experiment_id": "0", "name": "net", "source_run_id": run});
    let id = model(&hub, body).await;
    put(&hub, &format!("0/models/{id}/artifacts/page.html"), page).await;
    for name in ["digits", "else"] {
        let body = json!({"name": name});
        ok(&hub, Method::POST, "registered-models/create", body).await;
    }
    for (name, body) in [
        (
            "digits",
            json!({"source": format!("runs:/{run}/w"), "run_id": run}),
        ),
        (
            "digits",
            json!({"source": format!("models:/{id}"), "model_id": id}),
        ),
        ("else", json!({"source": "s3://bucket/w"})),
    ] {
        let mut body = body;
        body["name"] = name.into();
        ok(&hub, Method::POST, "model-versions/create", body).await;
    }
    let version = "/model-versions/get-artifact?name=digits";
    for path in [
        // A plus is a space in a query.
        format!("/get-artifact?run_id={run}&path=w/a+b%2Bc%2541.html"),
        format!("/get-artifact?run_uuid={run}&path=w%2Fa%20b%2Bc%2541.html"),
        format!("{version}&version=1&path=a%20b%2Bc%2541.html"),
        format!("{version}&version=2&path=page.html"),
        format!(
            "/ajax-api/2.0/mlflow/logged-models/{id}/artifacts/files?artifact_file_path=page.html"
        ),
    ] {
        let answer = hub.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(&answer.body[..], page.as_bytes(), "{path}");
        assert!(!answer.header("content-type").contains("html"), "{path}");
        let disposition = answer.header("content-disposition");
        assert!(disposition.starts_with("attachment"), "{disposition}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(
            answer.header("content-security-policy").contains("sandbox"),
            "{answer:?}"
        );
    }
    for (path, expected) in [
        (
            format!("/get-artifact?run_id={run}&path=w/nothing"),
            missing(),
        ),
        (format!("/get-artifact?run_id={run}&path=w"), missing()),
        ("/get-artifact?run_id=nobody&path=w".to_owned(), missing()),
        (format!("/get-artifact?run_id={run}&path=../w"), invalid()),
        (format!("/get-artifact?run_id={run}"), invalid()),
        ("/get-artifact?path=w".to_owned(), invalid()),
        (format!("{version}&version=1&path=page.html"), missing()),
        (format!("{version}&version=1&path=../own"), invalid()),
        (format!("{version}&version=9&path=x"), missing()),
        (
            "/model-versions/get-artifact?name=else&version=1&path=x".to_owned(),
            missing(),
        ),
        (
            "/model-versions/get-artifact?name=nobody&version=1&path=x".to_owned(),
            missing(),
        ),
    ] {
        assert_eq!(refused(&hub.get(&path).await), expected, "{path}");
    }
}

#[tokio::test]
async fn nothing_is_signed_or_sent_in_parts() {
    let hub = TestHub::local();
    let run = run(&hub).await;
    let info = hub.get("/api/3.0/mlflow/server-info").await.json();
    for field in ["multipart_uploads_enabled", "multipart_downloads_enabled"] {
        assert_eq!(info[field], false, "{info}");
    }
    let root = "/api/2.0/mlflow-artifacts";
    let body = json!({"path": "x.bin", "num_parts": 3});
    for act in ["create", "complete", "abort"] {
        let path = format!("{root}/mpu/{act}/0/{run}/artifacts/sub");
        let answer = hub.post(&path, &body).await;
        assert_eq!(refused(&answer), (501, "NOT_IMPLEMENTED".to_owned()));
        // The client sends the file whole when it reads this.
        assert_eq!(
            answer.json()["message"],
            "Multipart upload is not supported for the current artifact repository"
        );
    }
    let path = format!("{root}/presigned/0/{run}/artifacts/x");
    assert_eq!(hub.get(&path).await.status, 501);
}

#[tokio::test]
async fn the_link_to_a_run_elsewhere_stays_with_its_version() {
    let hub = TestHub::local();
    let name = json!({"name": "m"});
    ok(&hub, Method::POST, "registered-models/create", name).await;
    let link = "https://elsewhere/#/experiments/1/runs/abc";
    let body = json!({"name": "m", "source": "s3://b/x", "run_link": link,
        "tags": [{"key": "a", "value": "b"}]});
    let made = ok(&hub, Method::POST, "model-versions/create", body).await;
    let body = json!({"name": "m", "source": "s3://b/y"});
    let second = ok(&hub, Method::POST, "model-versions/create", body).await;
    assert_eq!(second["model_version"]["run_link"], "");
    let seen = get(&hub, "model-versions/get?name=m&version=1").await;
    let found = get(&hub, "model-versions/search?filter=version_number%3D1").await;
    for version in [
        &made["model_version"],
        &seen["model_version"],
        &found["model_versions"][0],
    ] {
        assert_eq!(version["run_link"], link);
        assert_eq!(version["tags"], json!([{"key": "a", "value": "b"}]));
    }
    let wrong = json!({"name": "m", "source": "s3://b/z", "run_link": 3});
    let wrong = call(&hub, Method::POST, "model-versions/create", wrong).await;
    assert_eq!(refused(&wrong), invalid());
}
