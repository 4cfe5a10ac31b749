//! The rules ask for the role themselves, whatever face a call comes through.

use std::collections::BTreeMap;

use mlhub_core::dataset::{DatasetSplit, DatasetVersion};
use mlhub_core::{Caller, ErrorKind, Result, Role, RunState, Timestamp, UserId};
use serde_json::Value;

use crate::hub::{TestHub, batch, creation, report};

fn reader() -> Caller {
    Caller {
        user: UserId("ray".to_owned()),
        role: Role::Reader,
    }
}

fn forbidden<T>(what: &str, result: Result<T>) {
    match result {
        Ok(_) => panic!("a reader may {what}"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Forbidden, "{what}"),
    }
}

#[tokio::test]
async fn a_reader_changes_no_run() {
    let test = TestHub::new();
    let run = test.running("closed", Default::default()).await;
    let (hub, ray, text) = (&test.hub, &reader(), "closed");
    forbidden(
        "make runs",
        hub.run_create(ray, creation(&["new1"], Default::default()))
            .await,
    );
    let tags = BTreeMap::from([("a".to_owned(), Some("b".to_owned()))]);
    forbidden(
        "change a run",
        hub.run_patch(ray, text, None, None, tags).await,
    );
    forbidden("stop a run", hub.run_stop(ray, text).await);
    forbidden("delete a run", hub.run_delete(ray, text).await);
    forbidden("try again", hub.attempt_create(ray, text, None, None).await);
    forbidden("start", hub.attempt_start(ray, &run, 1, Timestamp(1)).await);
    forbidden("be heard of", hub.attempt_heartbeat(ray, &run, 1).await);
    forbidden(
        "send events",
        hub.attempt_events(ray, batch(&run, 1, vec![])).await,
    );
    forbidden(
        "send logs",
        hub.attempt_log(ray, &run, 1, "stdout", 0, b"x").await,
    );
    let end = report(RunState::Failed, BTreeMap::new());
    forbidden("end a run", hub.attempt_finish(ray, &run, 1, end).await);
    let path = "a".parse().unwrap();
    forbidden(
        "upload",
        hub.artifact_upload(ray, &run, 1, path, "artifact", None)
            .await,
    );
    forbidden("evaluate", hub.evaluation_repeat(ray, text).await);
    assert_eq!(test.state(&run).await, RunState::Running);
    let row = hub.run_row(ray, &run).await.unwrap();
    assert!(row.tags.is_empty() && !row.run.stop_requested);
}

#[tokio::test]
async fn a_reader_registers_nothing() {
    let test = TestHub::new();
    let (hub, ray) = (&test.hub, &reader());
    let version = DatasetVersion {
        dataset: "d".parse().unwrap(),
        version: 0,
        fingerprint: "f".to_owned(),
        format: "csv".to_owned(),
        source: "s".to_owned(),
        rows: None,
        size_bytes: 1,
        inspection: Value::Null,
        owner: UserId("ray".to_owned()),
        created_at: Timestamp(0),
    };
    forbidden(
        "register a dataset",
        hub.dataset_register(ray, version, "").await,
    );
    let split = DatasetSplit {
        dataset: "d".parse().unwrap(),
        version: 1,
        hash: "h".to_owned(),
        spec: Value::Null,
        parts: Value::Null,
        created_at: Timestamp(0),
    };
    forbidden("register a split", hub.split_register(ray, split).await);
    forbidden(
        "note an adapter",
        hub.adapter_seen(ray, "a", "1", Value::Null).await,
    );
    assert!(hub.dataset_list(ray).await.unwrap().is_empty());
    assert!(hub.adapter_list(ray).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_reader_reads() {
    let test = TestHub::new();
    test.running("open1", Default::default()).await;
    let (hub, ray) = (&test.hub, &reader());
    assert_eq!(hub.project_list(ray).await.unwrap().len(), 1);
    assert_eq!(hub.experiment_list(ray, None).await.unwrap().len(), 1);
    assert_eq!(
        hub.run_overview(ray, "open").await.unwrap().attempts.len(),
        1
    );
    assert!(hub.artifact_list(ray, "open1").await.unwrap().is_empty());
    assert!(hub.log_list(ray, "open1").await.unwrap().is_empty());
    assert!(hub.metric_list(ray, "open1").await.unwrap().is_empty());
    assert!(hub.evaluation_list(ray, "open1").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_reader_changes_no_trace() {
    let test = TestHub::new();
    let (hub, ray) = (&test.hub, &reader());
    let trace: mlhub_core::TraceId = "tr-1".parse().unwrap();
    let assessment = "a-01".parse().unwrap();
    let path = "x".parse().unwrap();
    forbidden("send spans", hub.trace_spans_put(ray, &[]).await);
    forbidden("tag", hub.trace_tags(ray, &trace, &BTreeMap::new()).await);
    let run = "aaaa".parse().unwrap();
    forbidden("link", hub.trace_link(ray, &run, &[]).await);
    let which = mlhub_core::trace::TraceDeletion::Ids(Vec::new());
    forbidden("delete traces", hub.trace_delete(ray, 1, &which).await);
    let change = mlhub_core::trace::AssessmentChange::default();
    forbidden(
        "change what others think",
        hub.assessment_change(ray, &trace, &assessment, &change)
            .await,
    );
    forbidden(
        "remove what others think",
        hub.assessment_remove(ray, &trace, &assessment).await,
    );
    forbidden(
        "store a file",
        hub.trace_file_put(ray, &trace, &path, b"x").await,
    );
}
