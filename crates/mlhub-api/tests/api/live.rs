//! Server-sent events: what changes while one watches.

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, Request};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::hub::{TestHub, request};

/// One event as a browser would read it.
#[derive(Debug, Default, PartialEq)]
struct Event {
    name: String,
    id: Option<String>,
    data: String,
}

struct Listener {
    body: BodyDataStream,
    text: String,
}

impl Listener {
    async fn open(hub: &TestHub, query: &str, last_id: Option<&str>) -> Self {
        let mut asked: Request<Body> = request(
            Method::GET,
            &format!("/api/v1/events{query}"),
            None,
            Vec::new(),
        );
        if let Some(last_id) = last_id {
            let value = last_id.parse().unwrap();
            asked.headers_mut().insert("last-event-id", value);
        }
        let answer = hub.open(asked).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self {
            body: answer.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    async fn next(&mut self) -> Event {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let event = parse(block);
                self.text = rest.to_owned();
                if !event.name.is_empty() {
                    return event;
                }
                continue;
            }
            let bytes = self.body.next().await.expect("the stream goes on").unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }
}

fn parse(block: &str) -> Event {
    let mut event = Event::default();
    for line in block.lines() {
        match line.split_once(':').map(|(key, value)| (key, value.trim())) {
            Some(("event", value)) => value.clone_into(&mut event.name),
            Some(("id", value)) => event.id = Some(value.to_owned()),
            Some(("data", value)) => event.data.push_str(value),
            _ => {}
        }
    }
    event
}

fn loss(start: u64) -> Value {
    json!({"writer": "w", "start": start, "end": start + 1,
        "points": [{"name": "loss", "step": start, "time_ms": 1, "value": 1}]})
}

#[tokio::test]
async fn a_listener_is_greeted_and_told_of_new_metrics() {
    let hub = TestHub::local();
    let run = hub.running("run-live").await;
    let mut listener = Listener::open(&hub, "", None).await;
    let hello = listener.next().await;
    assert_eq!(hello.name, "hello");
    assert_eq!(hub.attempt(&run, "events", &loss(0)).await.code(), 200);
    let event = listener.next().await;
    assert_eq!(event.name, "run");
    let changed: Value = serde_json::from_str(&event.data).unwrap();
    assert_eq!(
        changed,
        json!({"run": "run-live", "project": "p", "state": "running", "changed": ["metrics"]})
    );
    let id = |event: &Event| event.id.as_ref().unwrap().parse::<u64>().unwrap();
    assert_eq!(id(&event), id(&hello) + 1);
    // Delivered again, the batch is told of again: its first answer may have been lost.
    assert_eq!(hub.attempt(&run, "events", &loss(0)).await.code(), 200);
    assert_eq!(hub.attempt(&run, "events", &loss(1)).await.code(), 200);
    assert_eq!(id(&listener.next().await), id(&hello) + 2);
}

#[tokio::test]
async fn a_listener_of_one_run_hears_of_that_run_only() {
    let hub = TestHub::local();
    let (one, two) = (hub.running("run-a").await, hub.running("run-b").await);
    let mut listener = Listener::open(&hub, "?run=run-b", None).await;
    assert_eq!(listener.next().await.name, "hello");
    assert_eq!(hub.attempt(&one, "events", &loss(0)).await.code(), 200);
    assert_eq!(hub.attempt(&two, "events", &loss(0)).await.code(), 200);
    assert!(listener.next().await.data.contains("run-b"));
    assert_eq!(hub.get("/api/v1/events?run=..%2fx").await.code(), 400);
}

#[tokio::test]
async fn a_listener_that_returns_is_reset_when_it_missed_something() {
    let hub = TestHub::local();
    let run = hub.running("run-back").await;
    let hello = Listener::open(&hub, "", None).await.next().await;
    let seen = hello.id.unwrap();
    let again = Listener::open(&hub, "", Some(&seen)).await.next().await;
    assert_eq!(again.name, "hello", "nothing was missed");
    assert_eq!(hub.attempt(&run, "events", &loss(0)).await.code(), 200);
    let behind = Listener::open(&hub, "", Some(&seen)).await.next().await;
    assert_eq!(behind.name, "reset");
    let now = behind.id.unwrap();
    let again = Listener::open(&hub, "", Some(&now)).await.next().await;
    assert_eq!(again.name, "hello");
    // The number of a change of an earlier start of the hub.
    let old = Listener::open(&hub, "", Some("3")).await.next().await;
    assert_eq!(old.name, "reset");
    let odd = Listener::open(&hub, "", Some("x")).await.next().await;
    assert_eq!(odd.name, "hello");
}

#[tokio::test]
async fn a_slow_listener_is_reset_and_holds_nobody_up() {
    let hub = TestHub::local();
    let run = hub.running("run-flood").await;
    let mut slow = Listener::open(&hub, "", None).await;
    assert_eq!(slow.next().await.name, "hello");
    let (id, project) = (run.parse().unwrap(), "p".parse().unwrap());
    for _ in 0..5000 {
        let state = mlhub_core::RunState::Running;
        hub.hub.live().publish(&id, &project, state, &["tags"]);
    }
    assert_eq!(hub.attempt(&run, "events", &loss(0)).await.code(), 200);
    assert_eq!(slow.next().await.name, "reset");
    // It goes on with what is still there, up to the newest.
    loop {
        let event = slow.next().await;
        assert_eq!(event.name, "run");
        if event.data.contains("metrics") {
            break;
        }
    }
}
