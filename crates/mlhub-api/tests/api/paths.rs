//! Artifact paths and run ids that try to leave their place.

use axum::http::Method;

use crate::hub::{TestHub, encoded};

/// Tried as PUT and as GET; the paths as they stand in the query, still encoded.
const REFUSED: [&str; 34] = [
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/x",
    "..%5c..%5cx",
    "%5c%5chost%5cshare",
    "/etc/passwd",
    "//etc/passwd",
    "%2fetc%2fpasswd",
    "a/../../b",
    "a/./b",
    "a//b",
    "a;/../b",
    "a/..;/b",
    "a%23/../../b",
    "a%3f/../../b",
    "C:%5cx",
    "C:x",
    "a.",
    "a%20",
    "a/b./c",
    "x%00.png",
    "x%0a.png",
    "%c2%85",
    "a/",
    "",
    ".",
    "..",
    "file:",
    "file:///etc",
    "FILE://localhost/etc",
    "s3://bucket/x",
    "mlflow-artifacts://evil/host",
    "runs:/..",
    "data:text/html,x",
];

#[tokio::test]
async fn a_path_that_leaves_the_run_is_refused_on_every_route() {
    let hub = TestHub::local();
    let run = hub.running("run-paths").await;
    let canary = hub.folder.path().join("canary");
    std::fs::write(&canary, "untouched").unwrap();
    for path in REFUSED {
        let stored = hub.upload(&run, &format!("path={path}"), b"x").await;
        assert_eq!(stored.code(), 400, "PUT {path}");
        let url = format!("/api/v1/runs/{run}/artifacts/content?path={path}");
        assert_eq!(hub.get(&url).await.code(), 400, "GET {path}");
        let finish = serde_json::json!({
            "state": "finished", "ended_at": 9, "predictions": {"test": {"path": decoded(path)}}
        });
        let finished = hub.attempt(&run, "finish", &finish).await;
        assert_eq!(finished.code(), 400, "finish {path}");
    }
    assert_eq!(listed(&hub, &run).await, Vec::<String>::new());
    assert_eq!(std::fs::read_to_string(canary).unwrap(), "untouched");
}

/// Decodes percent escapes once, as the hub should.
fn decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            out.push(u8::from_str_radix(&path[at + 1..at + 3], 16).unwrap());
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

async fn listed(hub: &TestHub, run: &str) -> Vec<String> {
    let list = hub
        .get(&format!("/api/v1/runs/{run}/artifacts"))
        .await
        .json();
    let artifacts = list["artifacts"].as_array().unwrap().iter();
    artifacts
        .map(|artifact| artifact["path"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_path_too_long_too_deep_or_no_utf8_is_refused() {
    let hub = TestHub::local();
    let run = hub.running("run-long").await;
    let long = vec!["x".repeat(240); 18].join("/");
    let deep = ["d"; 300].join("/");
    let wide = "x".repeat(256);
    for path in [long.as_str(), &deep, &wide] {
        let stored = hub.upload(&run, &format!("path={path}"), b"x").await;
        assert_eq!(stored.code(), 400, "{} bytes", path.len());
    }
    // Overlong UTF-8 is not UTF-8; what replaces it may not become a dot.
    let answer = hub.upload(&run, "path=%c0%ae%c0%ae/x", b"x").await;
    if answer.code() == 200 {
        assert!(!listed(&hub, &run).await[0].contains(".."));
    }
}

#[tokio::test]
async fn look_alikes_and_double_escapes_stay_literal() {
    let hub = TestHub::local();
    let run = hub.running("run-literal").await;
    // Decoded once, these are plain names.
    let mut wanted: Vec<String> = [
        "%2e%2e%2fx",
        "\u{2215}etc\u{2215}passwd",
        "\u{ff0f}etc",
        "\u{ff0e}\u{ff0e}",
        "CON",
        "nul.txt",
        "Case",
        "case",
        "caf\u{e9}",
        "cafe\u{301}",
        "__proto__",
        "a b",
        "-rf",
    ]
    .map(str::to_owned)
    .into();
    for path in &wanted {
        let stored = hub
            .upload(&run, &format!("path={}", encoded(path)), path.as_bytes())
            .await;
        assert_eq!(stored.code(), 200, "{path}");
        let url = format!(
            "/api/v1/runs/{run}/artifacts/content?path={}",
            encoded(path)
        );
        assert_eq!(hub.get(&url).await.body, path.as_bytes(), "{path}");
    }
    wanted.sort();
    assert_eq!(listed(&hub, &run).await, wanted);
}

#[tokio::test]
async fn nothing_is_written_outside_the_blob_folder() {
    let hub = TestHub::local();
    let sibling = hub.folder.path().join("hub-evil");
    std::fs::create_dir(&sibling).unwrap();
    std::fs::write(sibling.join("secret"), "secret").unwrap();
    let run = hub.running("run-sibling").await;
    for path in [
        "../hub-evil/secret",
        "..%2fhub-evil%2fsecret",
        "hub-evil/secret",
    ] {
        let url = format!("/api/v1/runs/{run}/artifacts/content?path={path}");
        let answer = hub.get(&url).await;
        assert!([400, 404].contains(&answer.code()), "{path}");
        assert!(!answer.body.windows(6).any(|bytes| bytes == b"secret\""));
    }
    let stored = hub.upload(&run, "path=hub-evil/new", b"x").await;
    assert_eq!(stored.code(), 200);
    let beside: Vec<_> = std::fs::read_dir(&sibling).unwrap().collect();
    assert_eq!(beside.len(), 1);
    // A client's name is never a file's name.
    let named = walk(hub.folder.path())
        .into_iter()
        .any(|name| name.contains("new"));
    assert!(!named);
}

fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        names.push(entry.file_name().to_string_lossy().into_owned());
        if entry.file_type().unwrap().is_dir() {
            names.extend(walk(&entry.path()));
        }
    }
    names
}

#[tokio::test]
async fn a_run_id_is_an_id_and_nothing_else() {
    let hub = TestHub::local();
    hub.run("run-ids").await;
    for id in [
        "..%2fx",
        "%2e%2e",
        "a%00b",
        "0;%20drop",
        "%27%20OR%201=1--",
        "%25",
        "%5f%25x",
        "a%2fb",
        "%ff",
    ] {
        for rest in [
            "",
            "/artifacts",
            "/logs",
            "/metrics",
            "/evaluations",
            "/records",
        ] {
            let code = hub.get(&format!("/api/v1/runs/{id}{rest}")).await.code();
            assert!([400, 404].contains(&code), "{id}{rest}: {code}");
        }
        let path = format!("/api/v1/runs/{id}/attempts/1/start");
        let code = hub.raw(&path, r#"{"started_at": 1}"#).await.code();
        assert!([400, 404].contains(&code), "{path}: {code}");
    }
    // LIKE wildcards are no prefix of an id.
    assert_eq!(hub.get("/api/v1/runs/run_ids").await.code(), 404);
    let long = "x".repeat(65);
    assert_eq!(hub.get(&format!("/api/v1/runs/{long}")).await.code(), 400);
    for stream in ["..%2fstdout", "stdin", "stdout%00", ""] {
        let path = format!("/api/v1/runs/run-ids/attempts/1/logs/{stream}?offset=0");
        let code = hub.bytes(Method::POST, &path, b"x").await.code();
        assert!([400, 404].contains(&code), "{stream}: {code}");
    }
}
