//! Paths and places that nobody names by accident: every answer of the MLflow face is one, in
//! its own words, and nothing is read or written beside the hub's data.

use std::path::{Path, PathBuf};

use axum::http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::hub::{Answer, TestHub, encoded, request};
use crate::mlflow::{ROOT, experiment, post, run};

/// An answer that is a client's fault or none, and is JSON where it refuses. What the hub does
/// not offer at all is 501.
pub(crate) fn answered(answer: &Answer, what: &str) -> u16 {
    let status = answer.status.as_u16();
    assert!(status < 500 || status == 501, "{what}: {answer:?}");
    if status >= 400 {
        let body: Value = serde_json::from_slice(&answer.body)
            .unwrap_or_else(|error| panic!("{what}: not JSON ({error}): {answer:?}"));
        assert!(
            body.is_object() && body.to_string().len() < 8192,
            "{what}: {body}"
        );
    }
    status
}

fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            found.push(path.to_string_lossy().into_owned());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

/// Paths that are refused wherever they are written to.
const CLIMBING: [&str; 14] = [
    "../../etc/passwd",
    "..",
    "a/../../b",
    "a/..",
    "/etc/passwd",
    "//etc/passwd",
    "..\\..\\x",
    "a\\b",
    "C:\\x",
    "\\\\host\\share",
    "a/./b",
    "a//b",
    "x\0.png",
    "a\n",
];

#[tokio::test]
async fn a_path_that_climbs_is_refused_on_every_route_that_takes_one() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let run = run(&hub, &id).await;
    let root = "/api/2.0/mlflow-artifacts/artifacts";
    for path in CLIMBING {
        let text = encoded(path);
        let one = format!("{root}/{id}/{run}/artifacts/{text}");
        let put = request(Method::PUT, &one, Some("text/plain"), b"x".to_vec());
        assert_eq!(answered(&hub.send(put).await, path), 400, "PUT {path:?}");
        let status = answered(&hub.get(&one).await, path);
        assert!(matches!(status, 400 | 404), "GET {path:?}");
        for list in [
            format!("{root}?path={id}/{run}/artifacts/{text}"),
            format!("{root}?path={text}"),
            format!("{ROOT}/artifacts/list?run_id={run}&path={text}"),
        ] {
            let answer = hub.get(&list).await;
            let status = answered(&answer, &list);
            // Slashes around a folder do not matter.
            let inside = path.trim_matches('/') == "etc/passwd" && status == 200;
            assert!(matches!(status, 400 | 404) || inside, "{list}: {answer:?}");
            if inside {
                assert_eq!(answer.json()["files"], json!([]), "{list}");
            }
        }
    }
    // Encoded twice, overlong, and look-alikes: names as any other, or none at all.
    for path in [
        "%252e%252e%252fx",
        "%25%32%65",
        "%c0%ae%c0%ae/x",
        "%E2%88%95etc",
        "%EF%BC%8Fetc",
        "%EF%BC%8E%EF%BC%8E/x",
        "%E2%80%AEgnp.exe",
        "a;/..;/b",
        "a%23/b",
        "CON",
        "nul.txt",
        "a.",
        "a%20",
        "%F0%9F%92%A9",
    ] {
        let one = format!("{root}/{id}/{run}/artifacts/{path}");
        let put = request(Method::PUT, &one, Some("text/html"), b"<script>".to_vec());
        let put = answered(&hub.send(put).await, path);
        let read = hub.get(&one).await;
        let got = answered(&read, path);
        assert_eq!(put == 200, got == 200, "{path}");
        if got == 200 {
            assert_eq!(&read.body[..], b"<script>", "{path}");
            // Shown by no browser as a page of the hub.
            assert!(!read.header("content-type").contains("html"), "{read:?}");
        }
    }
    for path in ["x".repeat(4097), "a/".repeat(300) + "b", "x".repeat(256)] {
        let one = format!("{root}/{id}/{run}/artifacts/{path}");
        let put = request(Method::PUT, &one, Some("text/plain"), b"x".to_vec());
        assert_eq!(answered(&hub.send(put).await, "a long path"), 400);
    }
    let data = hub.folder.path().join("hub");
    for file in files(hub.folder.path()) {
        let path = Path::new(&file);
        assert!(path.starts_with(&data), "{file}");
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(!["passwd", "b", "x"].contains(&name.as_str()), "{file}");
    }
}

#[tokio::test]
async fn a_place_of_artifacts_is_inert_or_refused() {
    let hub = TestHub::local();
    for (number, location) in [
        "file:///etc",
        "FILE://localhost/etc",
        "file:",
        "/etc",
        "../..",
        "s3://bucket/x",
        "ftp://host/x",
        "runs:/../..",
        "models:/../..",
        "dbfs:/x",
        "mlflow-artifacts://evil/host",
        "jar:file:///x!/y",
        "gopher://x",
        "data:text/plain,x",
        "a#/../../b",
        "a?/../../b",
        "x\0y",
        "http://169.254.169.254/latest",
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"name": format!("e{number}"), "artifact_location": location});
        let answer = post(&hub, "experiments/create", body).await;
        if answered(&answer, location) != 200 {
            continue;
        }
        // It is told to clients; what they send to the hub stays in the hub.
        let id = answer.json()["experiment_id"].as_str().unwrap().to_owned();
        let run = run(&hub, &id).await;
        let list = format!("{ROOT}/artifacts/list?run_id={run}");
        let list = hub.get(&list).await;
        assert_eq!(answered(&list, location), 200);
        assert_eq!(list.json()["files"], json!([]), "{location}");
    }
}

/// Where the store has a content.
fn blob_of(hub: &TestHub, content: &[u8]) -> PathBuf {
    let hash = blake3::hash(content).to_hex().to_string();
    let root = hub.folder.path().join("hub/blobs");
    root.join(&hash[..2]).join(&hash[2..4]).join(&hash)
}

#[cfg(unix)]
#[tokio::test]
async fn links_planted_in_the_store_lead_nowhere() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let run = run(&hub, &id).await;
    let outside = hub.folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    let root = format!("/api/2.0/mlflow-artifacts/artifacts/{id}/{run}/artifacts");
    // Larger than what is read at once, so that a part would be sent before all is checked.
    let secret = "secret ".repeat(300_000).into_bytes();
    let content = |name: &str| {
        let mut bytes = name.as_bytes().to_vec();
        bytes.resize(secret.len(), b'.');
        bytes
    };
    for name in ["symbolic", "hard", "folder"] {
        let put = request(Method::PUT, &format!("{root}/{name}"), None, content(name));
        assert_eq!(hub.send(put).await.status, 200);
        let place = blob_of(&hub, &content(name));
        let target = outside.join(name);
        std::fs::write(&target, &secret).unwrap();
        std::fs::remove_file(&place).unwrap();
        match name {
            "symbolic" => std::os::unix::fs::symlink(&target, &place).unwrap(),
            "hard" => std::fs::hard_link(&target, &place).unwrap(),
            _ => {
                let above = place.parent().unwrap();
                std::fs::remove_dir(above).unwrap();
                std::fs::rename(&target, outside.join(place.file_name().unwrap())).unwrap();
                std::os::unix::fs::symlink(&outside, above).unwrap();
            }
        }
        for shown in [
            format!("{root}/{name}"),
            format!("/get-artifact?run_id={run}&path={name}"),
        ] {
            let asked = request(Method::GET, &shown, None, Vec::new());
            let (parts, body) = hub.open(asked).await.into_parts();
            let read = body.collect().await;
            // What a hard link leads to is known by its hash, when all of it is read.
            let whole = parts.status == 200 && read.is_ok();
            assert!(!whole, "{shown}: {parts:?}");
            if name != "hard" {
                assert_ne!(parts.status, 200, "{shown}: {parts:?}");
            }
        }
        let gone = hub.delete(&format!("{root}/{name}")).await;
        assert_eq!(gone.status, 200, "{gone:?}");
        // The link went, at most; and nothing is written through one.
        let put = request(Method::PUT, &format!("{root}/{name}"), None, content(name));
        let put = hub.send(put).await;
        assert_eq!(put.status == 200, name != "folder", "{name}: {put:?}");
        let left: Vec<PathBuf> = files(&outside).into_iter().map(PathBuf::from).collect();
        for file in left {
            assert_eq!(std::fs::read(&file).unwrap(), secret, "{file:?}");
        }
    }
    assert_eq!(files(&outside).len(), 3);
}
