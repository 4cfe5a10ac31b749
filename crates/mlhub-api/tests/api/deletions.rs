//! Deletions and retention rules over HTTP.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mlhub_core::deletion::{FilesSize, HubDisk};
use mlhub_core::{Error, Result, RunId};
use serde_json::json;

use crate::hub::TestHub;

/// A disk that says when a run directory is to go, and waits for leave.
struct Gate {
    arrived: tokio::sync::mpsc::UnboundedSender<RunId>,
    leave: Mutex<Receiver<()>>,
}

impl Gate {
    fn new() -> (
        Arc<Self>,
        tokio::sync::mpsc::UnboundedReceiver<RunId>,
        Sender<()>,
    ) {
        let (arrived, arrivals) = tokio::sync::mpsc::unbounded_channel();
        let (opener, leave) = channel();
        let leave = Mutex::new(leave);
        (Arc::new(Self { arrived, leave }), arrivals, opener)
    }
}

impl HubDisk for Gate {
    fn run_measure(&self, _run: &RunId) -> Result<FilesSize> {
        Ok(FilesSize::default())
    }

    fn run_remove(&self, run: &RunId) -> Result<FilesSize> {
        self.arrived.send(run.clone()).unwrap();
        self.leave.lock().unwrap().recv().unwrap();
        Ok(FilesSize::default())
    }

    fn run_names(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn run_set_aside(&self, name: &str) -> Result<String> {
        Err(Error::not_found("run directory", name))
    }

    fn room_release(&self) -> bool {
        false
    }

    fn room_reserve(&self) {}
}

async fn finished(hub: &TestHub, id: &str) {
    hub.running(id).await;
    let body = json!({"state": "finished", "ended_at": 9});
    assert_eq!(hub.attempt(id, "finish", &body).await.code(), 200);
}

#[tokio::test]
async fn a_purge_is_ended_although_its_client_went_away() {
    let (gate, mut arrivals, opener) = Gate::new();
    let hub = TestHub::with_disk(gate);
    finished(&hub, "run-one").await;
    finished(&hub, "run-two").await;
    let body = json!({"action": "purge", "runs": ["run-one", "run-two"]});
    {
        let purging = hub.post("/api/v1/deletions", &body);
        tokio::select! {
            _ = purging => panic!("it waits for leave"),
            first = arrivals.recv() => assert_eq!(first.unwrap().as_str(), "run-one"),
        }
    }
    // The request is gone. The purge is not.
    opener.send(()).unwrap();
    let second = tokio::time::timeout(Duration::from_secs(60), arrivals.recv()).await;
    assert_eq!(second.unwrap().unwrap().as_str(), "run-two");
    opener.send(()).unwrap();
    let ended = async {
        loop {
            let ledger = hub.get("/api/v1/deletions").await.json();
            let lines = ledger["deletions"].as_array().unwrap().clone();
            if lines.len() == 2 && lines.iter().all(|line| line["ended_at"].is_i64()) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ended)
        .await
        .unwrap();
    assert_eq!(hub.get("/api/v1/runs/run-two").await.code(), 404);
}

#[tokio::test]
async fn an_empty_query_deletes_nothing() {
    let hub = TestHub::local();
    finished(&hub, "run-one").await;
    for body in [
        json!({"action": "delete", "query": ""}),
        json!({"action": "purge", "project": "p", "query": " "}),
    ] {
        assert_eq!(
            hub.post("/api/v1/deletions", &body).await.code(),
            400,
            "{body}"
        );
    }
    assert_eq!(hub.get("/api/v1/runs").await.json()["total"], 1);
}

#[tokio::test]
async fn a_rule_keeps_the_best_and_a_dry_run_says_why_the_others_go() {
    let hub = TestHub::local();
    for id in ["run-one", "run-two"] {
        finished(&hub, id).await;
    }
    let rule = json!({
        "action": "delete",
        "keep_best": {"count": 1, "by": "seed", "direction": "maximize"},
    });
    let set = hub.put("/api/v1/retention/best", &rule).await;
    assert_eq!(set.code(), 200, "{set:?}");
    assert_eq!(set.json()["keep_best"], rule["keep_best"]);
    let plan = hub
        .post("/api/v1/retention", &json!({"dry_run": true}))
        .await;
    let report = plan.json()["rules"][0]["report"].clone();
    // Each run was made alone, with seed 0: the newest of equals is the best.
    assert_eq!(report["runs"].as_array().unwrap().len(), 1);
    assert_eq!(report["runs"][0]["run"], "run-one");
    assert_eq!(
        report["runs"][0]["reason"],
        "is the best but 1 of its experiment by seed, and 1 are kept"
    );
    for (field, value) in [
        ("by", json!("name")),
        ("by", json!("metrics.")),
        ("direction", json!("up")),
        ("count", json!(0)),
        ("count", json!(-1)),
    ] {
        let mut wrong = rule.clone();
        wrong["keep_best"][field] = value;
        assert_eq!(
            hub.put("/api/v1/retention/best", &wrong).await.code(),
            400,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_dataset_version_goes_when_no_run_refers_to_it() {
    let hub = TestHub::local();
    for fingerprint in ["f1", "f2"] {
        let body = json!({
            "name": "iris", "fingerprint": fingerprint, "format": "csv", "source": "/data/iris.csv",
            "rows": 3, "size_bytes": 10, "inspection": {},
        });
        let made = hub.post("/api/v1/datasets", &body).await;
        assert!([200, 201].contains(&made.code()), "{made:?}");
    }
    let body = json!({
        "project": "p", "experiment": "e", "snapshot": {"version": 1}, "dataset": "iris@2",
        "runs": [{"id": "run-one"}],
    });
    assert_eq!(hub.post("/api/v1/runs", &body).await.code(), 201);
    let version = |number: u32| format!("/api/v1/datasets/iris/versions/{number}");
    let used = hub.delete(&version(2)).await;
    assert_eq!(used.code(), 409);
    let detail = used.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains("iris@2") && detail.contains("run-one"),
        "{detail}"
    );
    assert_eq!(hub.delete(&version(1)).await.code(), 204);
    assert_eq!(hub.delete(&version(1)).await.code(), 404);
    let left = hub.get("/api/v1/datasets/iris").await.json();
    assert_eq!(left["versions"].as_array().unwrap().len(), 1);
}
