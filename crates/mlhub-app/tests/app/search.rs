//! The run table follows whatever happens to runs, and says what is in the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt as _;
use mlhub_app::{RunFilter, RunListRequest, RunSearchRequest, RunValue};
use mlhub_core::metric::{Point, SeriesPoints};
use mlhub_core::{ErrorKind, RunState, Timestamp};

use super::hub::{TestHub, batch, plan};

const COLUMNS: [&str; 14] = [
    "name",
    "state",
    "attempt",
    "notes",
    "started",
    "ended",
    "params.lr",
    "tags.best",
    "metrics.loss",
    "min(metrics.loss)",
    "count(metrics.loss)",
    "eval.test.accuracy",
    "group.count",
    "group.mean(metrics.loss)",
];

fn everything() -> RunSearchRequest {
    RunSearchRequest {
        columns: Some(COLUMNS.map(str::to_owned).to_vec()),
        limit: Some(1000),
        ..RunSearchRequest::default()
    }
}

/// All rows as text, so that NaN equals itself.
async fn rows(hub: &mlhub_app::Hub, test: &TestHub) -> Vec<String> {
    let found = hub.run_search(&test.caller, everything()).await.unwrap();
    found
        .runs
        .iter()
        .map(|one| format!("{} {:?}", one.row.run.id, one.values))
        .collect()
}

/// The hub's table says what one read afresh from the store says.
async fn agree(test: &TestHub, step: &str) -> Vec<String> {
    let kept = rows(&test.hub, test).await;
    let fresh = rows(&test.another(), test).await;
    assert_eq!(kept, fresh, "after: {step}");
    kept
}

#[tokio::test]
async fn many_changes_are_told_before_a_search_asks() {
    let test = TestHub::new();
    test.hub.run_table_load().await.unwrap();
    for slab in 0..10 {
        assert!(test.hub.run_table_behind().now_or_never().is_none());
        let ids: Vec<String> = (0..100).map(|run| format!("run-{slab}-{run}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        test.runs(&ids, plan(None)).await;
    }
    test.hub
        .run_table_behind()
        .now_or_never()
        .expect("a thousand runs are enough");
    test.hub.run_table_load().await.unwrap();
    test.runs(&["run-last"], plan(None)).await;
    assert!(test.hub.run_table_behind().now_or_never().is_none());
    let found = test.hub.run_search(&test.caller, everything()).await;
    assert_eq!(found.unwrap().total, 1001);
}

#[tokio::test]
async fn the_table_follows_every_change() {
    let test = TestHub::new();
    assert!(agree(&test, "nothing").await.is_empty());
    let runs = test.runs(&["run-a", "run-b"], plan(Some("binary"))).await;
    let (a, b) = (&runs[0], &runs[1]);
    agree(&test, "made").await;
    test.start(a, 1).await.unwrap();
    agree(&test, "started").await;
    test.log(a, 1, 0, &[3.0, 1.0, f64::NAN, 2.0]).await;
    agree(&test, "logged").await;
    let mut labels = batch(b, 1, Vec::new());
    labels.params = vec![("lr".to_owned(), "0.1".to_owned())];
    labels.tags = vec![("best".to_owned(), "yes".to_owned())];
    test.hub.attempt_events(&test.caller, labels).await.unwrap();
    agree(&test, "params and tags").await;
    let patch = BTreeMap::from([("best".to_owned(), None)]);
    let name = Some("another".parse().unwrap());
    let notes = Some("read me".to_owned());
    test.hub
        .run_patch(&test.caller, "run-b", name, notes, patch)
        .await
        .unwrap();
    let rows = agree(&test, "renamed").await;
    assert!(rows[0].contains("another") && rows[0].contains("read me"));
    test.hub.run_stop(&test.caller, "run-b").await.unwrap();
    agree(&test, "stopped").await;
    let predictions = b"id,y_true,y_pred\na,1,1\nb,0,0\nc,1,0\nd,0,0\n";
    test.predict(a, "predictions/test.csv", predictions).await;
    agree(&test, "finished").await;
    assert_eq!(test.hub.evaluate_pending().await.unwrap(), 1);
    let rows = agree(&test, "evaluated").await;
    assert!(
        rows[1].contains("\"eval.test.accuracy\": Number(0.75)"),
        "{rows:?}"
    );
    test.hub
        .attempt_create(&test.caller, "run-a", None, Some(0))
        .await
        .unwrap();
    agree(&test, "resumed from a step").await;
    test.end(a, 2, RunState::Failed).await.unwrap();
    agree(&test, "failed").await;
    test.hub.run_delete(&test.caller, "run-a").await.unwrap();
    agree(&test, "deleted").await;
}

#[tokio::test]
async fn a_change_given_up_half_way_is_seen_when_it_arrives() {
    let test = TestHub::new();
    let run = test.run("run-a").await;
    rows(&test.hub, &test).await;
    // The client goes while the store writes: the future is dropped after one poll.
    let mut renamed = false;
    for attempt in 0..1000 {
        let name = Some(format!("name-{attempt}").parse().unwrap());
        let mut patch =
            Box::pin(
                test.hub
                    .run_patch(&test.caller, "run-a", name, None, BTreeMap::new()),
            );
        for _ in 0..=attempt {
            if patch.as_mut().now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(patch);
        rows(&test.hub, &test).await;
        let stored = test.hub.run_row(&test.caller, &run).await.unwrap().run;
        renamed = stored.name.as_str().starts_with("name-");
        if renamed && attempt > 20 {
            break;
        }
    }
    assert!(renamed, "no change ever arrived");
    agree(&test, "given up").await;
}

#[tokio::test]
async fn searches_and_changes_at_once_end_in_agreement() {
    let test = Arc::new(TestHub::new());
    let ids: Vec<String> = (0..40).map(|number| format!("run-{number:02}")).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for id in ids {
        let test = Arc::clone(&test);
        tasks.spawn(async move {
            let run = test
                .running(&id, mlhub_protocol::rest::Snapshot::default())
                .await;
            test.log(&run, 1, 0, &[1.0, 2.0]).await;
            rows(&test.hub, &test).await;
            test.end(&run, 1, RunState::Finished).await.unwrap();
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(agree(&test, "all at once").await.len(), 40);
}

#[tokio::test]
async fn lists_and_queries_mean_the_same() {
    let test = TestHub::new();
    test.runs(&["run-a", "run-b"], plan(None)).await;
    let c = test.running("other-c", plan(None)).await;
    test.log(&c, 1, 0, &[0.5]).await;
    let list = async |request: RunListRequest| {
        let page = test.hub.run_list(&test.caller, request).await.unwrap();
        let ids: Vec<String> = page.rows.into_iter().map(|row| row.run.id.into()).collect();
        ids.join(" ")
    };
    let by = |query: &str| RunListRequest {
        query: Some(query.to_owned()),
        ..RunListRequest::default()
    };
    let filtered = |filter: RunFilter| RunListRequest {
        filter,
        ..RunListRequest::default()
    };
    let states = filtered(RunFilter {
        states: vec![RunState::Running],
        ..RunFilter::default()
    });
    assert_eq!(list(states).await, list(by("state = running")).await);
    let text = filtered(RunFilter {
        text: Some("RUN-".to_owned()),
        ..RunFilter::default()
    });
    assert_eq!(list(text.clone()).await, "run-b run-a");
    assert_eq!(list(text).await, list(by("'run-'")).await);
    assert_eq!(list(by("metrics.loss < 1")).await, "other-c");
    let sorted = RunListRequest {
        order: Some("metrics.loss desc, id asc".to_owned()),
        ..RunListRequest::default()
    };
    assert_eq!(list(sorted).await, "other-c run-a run-b");
    let ids = test
        .hub
        .run_ids_matching("id like 'run-%'", None, None)
        .await
        .unwrap();
    assert_eq!(ids.len(), 2);
    let error = test
        .hub
        .run_list(&test.caller, by("stat = x"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let details = error.details().unwrap();
    assert_eq!(
        (&details["position"], &details["length"]),
        (&0.into(), &4.into())
    );
}

#[tokio::test]
async fn only_the_columns_asked_for_are_returned() {
    let test = TestHub::new();
    let run = test
        .running("run-wide", mlhub_protocol::rest::Snapshot::default())
        .await;
    let series = (0..10_000).map(|number| SeriesPoints {
        name: format!("m/{number}"),
        points: vec![Point {
            step: 0,
            time: Timestamp(0),
            value: f64::from(number),
        }],
    });
    let events = batch(&run, 1, series.collect());
    test.hub.attempt_events(&test.caller, events).await.unwrap();
    let request = RunSearchRequest {
        query: "metrics.m/9999 = 9999 and metrics.m/1 < 2".to_owned(),
        order: vec!["metrics.m/77 desc".to_owned()],
        columns: Some(vec!["metrics.m/123".to_owned(), "metrics.none".to_owned()]),
        ..RunSearchRequest::default()
    };
    let found = test.hub.run_search(&test.caller, request).await.unwrap();
    assert_eq!(found.total, 1);
    assert!(found.runs[0].row.metrics.is_empty());
    let values: Vec<&RunValue> = found.runs[0].values.values().collect();
    assert_eq!(values, [&RunValue::Number(123.0), &RunValue::Missing]);
}

#[tokio::test]
async fn pages_by_duration_pass_over_no_run_that_goes_on() {
    let test = TestHub::new();
    let ids = ["run-a", "run-b", "run-c", "run-d"];
    for id in ids {
        test.running(id, mlhub_protocol::rest::Snapshot::default())
            .await;
    }
    let mut request = RunSearchRequest {
        order: vec!["duration".to_owned(), "id".to_owned()],
        columns: Some(Vec::new()),
        limit: Some(1),
        ..RunSearchRequest::default()
    };
    let mut met = Vec::new();
    // The clock moves between the pages, and all four runs get longer.
    for _ in 0..ids.len() + 1 {
        let found = test.hub.run_search(&test.caller, request.clone()).await;
        let found = found.unwrap();
        met.extend(found.runs.iter().map(|one| one.row.run.id.to_string()));
        request.cursor = found.next_cursor;
        if request.cursor.is_none() {
            break;
        }
    }
    assert_eq!(met, ids);
}

#[tokio::test]
async fn pages_of_groups_go_on_while_runs_arrive() {
    let test = TestHub::new();
    let with_lr = async |id: &str, lr: &str| {
        let run = test.run(id).await;
        let mut events = batch(&run, 1, Vec::new());
        events.params = vec![("lr".to_owned(), lr.to_owned())];
        test.hub.attempt_events(&test.caller, events).await.unwrap();
    };
    for (id, lr) in [("run-a", "0.2"), ("run-b", "0.4"), ("run-c", "0.6")] {
        with_lr(id, lr).await;
    }
    let mut request = RunSearchRequest {
        group_by: vec!["params.lr".to_owned()],
        order: vec!["params.lr".to_owned()],
        limit: Some(2),
        ..RunSearchRequest::default()
    };
    let page = async |request: &RunSearchRequest| {
        let found = test.hub.run_search(&test.caller, request.clone()).await;
        let found = found.unwrap();
        let keys = found
            .groups
            .iter()
            .map(|group| group.keys["params.lr"].number());
        (keys.flatten().collect::<Vec<f64>>(), found.next_cursor)
    };
    let (first, next) = page(&request).await;
    assert_eq!(first, [0.2, 0.4]);
    with_lr("run-d", "0.1").await;
    request.cursor = next;
    assert_eq!(page(&request).await, (vec![0.6], None));
}
