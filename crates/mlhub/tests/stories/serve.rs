//! The served hub: who may reach it, what it answers, how it ends.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use rustix::process::Signal;

use crate::postgres;
use crate::support::{Served, World, signal, wait};

/// How long a read may take before a story fails.
const READ_MAX: Duration = Duration::from_secs(30);

/// Sends one request, as raw bytes; returns the open connection.
fn send(url: &str, path: &str, headers: &str) -> TcpStream {
    let address = url.strip_prefix("http://").expect("plain HTTP");
    let mut stream = TcpStream::connect(address).expect("connect");
    stream.set_read_timeout(Some(READ_MAX)).expect("timeout");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n"
    )
    .expect("send");
    stream
}

/// Status and body of one request.
fn get(url: &str, path: &str, headers: &str) -> (u16, String) {
    let mut answer = String::new();
    let mut stream = send(url, path, headers);
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
    (
        status.expect("a status"),
        body.unwrap_or_default().to_owned(),
    )
}

#[test]
fn it_listens_beyond_loopback_only_with_tokens() {
    let world = World::new();
    let said = world.mlhub(&["serve", "--host", "0.0.0.0", "--port", "0"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("--token-file"), "{}", said.stderr);
    assert!(!world.data().join("hub.json").exists());
}

#[test]
fn tokens_say_who_may_do_what() {
    let world = World::new();
    let line = |name: &str, role: &str, token: &str| {
        format!(
            "{name} {role} {}\n",
            blake3::hash(token.as_bytes()).to_hex()
        )
    };
    world.write(
        "tokens",
        &[
            line("rita", "reader", "read-token"),
            line("wim", "writer", "write-token"),
        ]
        .concat(),
    );
    let command = world.command(&["serve", "--port", "0", "--token-file", "tokens"]);
    let hub = Served::start(command, &world.data(), Some("read-token"));
    assert_eq!(get(&hub.url, "/api/v1/runs", "").0, 401);
    let header = |token: &str| format!("authorization: Bearer {token}\r\n");
    assert_eq!(get(&hub.url, "/api/v1/runs", &header("guess")).0, 401);
    assert_eq!(get(&hub.url, "/api/v1/runs", &header("read-token")).0, 200);
    // Not in the address: it would end up in logs.
    assert_eq!(get(&hub.url, "/api/v1/runs?token=read-token", "").0, 401);

    let error = hub.client.run_stop("anything").expect_err("a reader");
    assert_eq!(error.status, Some(403), "{error}");
    let writer = mlhub_client::Client::new(&hub.url, Some("write-token")).expect("client");
    let error = writer.run_stop("anything").expect_err("no such run");
    assert_eq!(error.status, Some(404), "{error}");
    world.write("tokens", "rita reader\n");
    let said = world.mlhub(&["serve", "--port", "0", "--token-file", "tokens"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("line 1"), "{}", said.stderr);
}

#[test]
fn the_walls_stand_in_the_real_server() {
    let world = World::new();
    let hub = world.serve(&[]);
    let (status, body) = get(&hub.url, "/health", "");
    assert_eq!((status, body.contains("ok")), (200, true), "{body}");
    let (status, body) = get(&hub.url, "/api/v1/openapi.json", "");
    assert_eq!(status, 200);
    let document: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/api/v1/runs"]["get"].is_object());
    let foreign = "origin: https://evil.example\r\n";
    assert_eq!(get(&hub.url, "/api/v1/runs", foreign).0, 403);
    let address = hub.url.strip_prefix("http://").expect("plain HTTP");
    let mut stream = TcpStream::connect(address).expect("connect");
    write!(
        stream,
        "GET /api/v1/runs HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n"
    )
    .expect("send");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert_eq!(get(&hub.url, "/api/v1/nothing", "").0, 404);
}

#[test]
fn changes_of_runs_are_pushed() {
    let world = World::new();
    world.script("one", "log(0, loss=0.5)\n", "");
    let hub = world.serve(&[]);
    let mut stream = send(&hub.url, "/api/v1/events", "accept: text/event-stream\r\n");
    let mut seen = String::new();
    let mut read_until = |what: &str| {
        let mut buffer = [0; 4096];
        while !seen.contains(what) {
            let count = stream.read(&mut buffer).expect("the stream stays open");
            assert!(count > 0, "the stream ended before {what}: {seen}");
            seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    };
    read_until("event: hello");
    let id = world.detach("one.yaml").remove(0);
    read_until("event: run");
    read_until(&id);
    read_until("finished");
}

#[test]
fn it_ends_soon_when_asked_to_and_tidies_up() {
    for signal_sent in [Signal::TERM, Signal::INT] {
        let world = World::new();
        let mut hub = world.serve(&[]);
        // A listener that stays connected must not hold the hub up.
        let _listener = send(&hub.url, "/api/v1/events", "");
        let pid = i32::try_from(hub.child.id()).expect("a pid");
        signal(pid, signal_sent);
        let status = wait("the hub's end", || hub.child.try_wait().expect("wait"));
        assert_eq!(status.code(), Some(0));
        assert!(!world.data().join("hub.json").exists());
        assert!(hub.client.health().is_err());
        assert_eq!(world.runs().len(), 0);
    }
}

#[test]
fn the_main_job_on_postgresql() {
    let server = postgres::Server::start();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = runtime.block_on(server.database());
    let world = World::with_iris();
    world.write(
        "trees.yaml",
        "project: flowers\nname: trees\nadapter: native\ndataset: {path: iris.csv, target: species, split: {seed: 3, fractions: {train: 0.7, test: 0.3}}}\nseeds: [1, 2]\n",
    );
    let hub = world.serve(&["--postgres", &url]);
    assert_eq!(hub.client.info().expect("info").store, "postgresql");
    world.ok(&["run", "trees.yaml", "--smoke"]);
    let runs = world.runs();
    assert_eq!(runs.len(), 2);
    for run in &runs {
        assert_eq!(run["state"], "finished");
        assert!(run["metrics"]["test/accuracy"].as_f64() > Some(0.8));
    }
    let id = runs[0]["id"].as_str().expect("id");
    let before = world.json(&["show", id]);
    assert_eq!(before["evaluations"][0]["state"], "done");
    assert_eq!(hub.series(id, "train/loss").total, 10);
    hub.kill();
    let _hub = world.serve(&["--postgres", &url]);
    assert_eq!(world.json(&["show", id]), before);
}
