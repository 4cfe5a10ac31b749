//! Traces: heads and spans in any order, labels, assessments, files, deletes, and what becomes
//! of them with their run, their project and in archives.

use std::collections::BTreeMap;
use std::sync::Arc;

use mlhub_core::portable::{PortableItem, PortableLine, PortableScope};
use mlhub_core::run::NewExperiment;
use mlhub_core::store::Store;
use mlhub_core::trace::{
    ArrivedSpans, Assessment, AssessmentChange, AssessmentKind, SpanState, Trace, TraceDeletion,
    TraceQuery, TraceSpan, TraceState,
};
use mlhub_core::{ErrorKind, Timestamp, TraceId, limits};
use serde_json::json;

use super::TestStore;
use super::make::{id, map, name, run};
use super::portable::{Given, bits, read, sqlite};

fn trace_id(text: &str) -> TraceId {
    text.parse().expect("an id")
}

async fn experiment(store: &dyn Store, title: &str) -> i64 {
    let new = NewExperiment {
        project: name("p"),
        name: name(title),
        tags: BTreeMap::new(),
        location: None,
        created_at: Timestamp(1),
    };
    store.experiment_create(&new).await.expect("made").number
}

fn head(trace: &str, experiment: i64, time: i64) -> Trace {
    Trace {
        id: trace_id(trace),
        experiment,
        run: None,
        client_request: None,
        requested_at: Timestamp(time),
        duration_ms: Some(5),
        state: TraceState::Ok,
        request_preview: Some("asked".to_owned()),
        response_preview: None,
        tags: map(&[("t", "1")]),
        metadata: map(&[("m", "1")]),
        assessments: Vec::new(),
        headed: true,
    }
}

fn span(id: &str, parent: Option<&str>, began: i64) -> TraceSpan {
    TraceSpan {
        id: id.to_owned(),
        parent: parent.map(str::to_owned),
        name: format!("work {id}"),
        kind: "TOOL".to_owned(),
        state: SpanState::Ok,
        started_ns: began,
        ended_ns: Some(began + 7_000_000),
        content: json!({"id": id, "text": "ä\u{0}"}).to_string(),
    }
}

fn arrived(trace: &str, experiment: i64, spans: Vec<TraceSpan>) -> ArrivedSpans {
    ArrivedSpans {
        trace: trace_id(trace),
        experiment,
        run: None,
        spans,
        tags: map(&[("sent", "1")]),
        metadata: BTreeMap::new(),
        request_preview: Some("asked by spans".to_owned()),
        response_preview: Some("answered".to_owned()),
    }
}

fn assessment(id: &str, name: &str) -> Assessment {
    Assessment {
        id: id.parse().expect("an id"),
        name: name.to_owned(),
        kind: AssessmentKind::Feedback,
        value: json!({"value": [1, "x", null]}),
        source: json!({"source_type": "HUMAN", "source_id": "me"}),
        rationale: None,
        metadata: map(&[("a", "1")]),
        span: None,
        overrides: None,
        valid: true,
        created_at: Timestamp(3),
        updated_at: Timestamp(3),
    }
}

async fn get(store: &dyn Store, trace: &str) -> Option<Trace> {
    let found = store.trace_get(&[trace_id(trace)]).await;
    found.expect("read").pop()
}

async fn spans(store: &dyn Store, trace: &str) -> Vec<String> {
    let found = store.trace_spans(&[trace_id(trace)]).await.expect("read");
    let found = found.into_values().next().unwrap_or_default();
    found.into_iter().map(|span| span.id).collect()
}

async fn listed(store: &dyn Store, query: TraceQuery) -> Vec<String> {
    let query = TraceQuery {
        limit: query.limit.max(1),
        ..query
    };
    let found = store.trace_list(&query).await.expect("listed");
    found.into_iter().map(|one| one.id.to_string()).collect()
}

pub(crate) async fn head_and_spans_become_one_trace_in_any_order(store: TestStore) {
    let of = experiment(&*store, "e").await;
    let root = || span("01", None, 2_000_000);
    let child = || span("02", Some("01"), 1_000_000);
    // The child, the head, the root, and all of it again.
    let first = arrived("tr-1", of, vec![child()]);
    store
        .trace_spans_put(std::slice::from_ref(&first))
        .await
        .expect("put");
    let seen = get(&*store, "tr-1").await.expect("there");
    assert_eq!((seen.requested_at.0, seen.duration_ms), (1, Some(7)));
    assert_eq!((seen.state, seen.headed), (TraceState::InProgress, false));
    assert_eq!(seen.request_preview.as_deref(), Some("asked by spans"));
    let mut with = head("tr-1", of, 9);
    with.assessments = vec![assessment("a-01", "good")];
    for _ in 0..2 {
        store.trace_put(&with).await.expect("put");
        let all = arrived("tr-1", of, vec![root(), child()]);
        store
            .trace_spans_put(&[all, first.clone()])
            .await
            .expect("put");
    }
    let seen = get(&*store, "tr-1").await.expect("there");
    assert_eq!((seen.requested_at.0, seen.duration_ms), (9, Some(5)));
    assert_eq!((seen.state, seen.headed), (TraceState::Ok, true));
    assert_eq!(seen.request_preview.as_deref(), Some("asked"));
    assert_eq!(seen.response_preview.as_deref(), Some("answered"));
    assert_eq!(seen.tags, map(&[("t", "1"), ("sent", "1")]));
    assert_eq!(seen.metadata, map(&[("m", "1")]));
    assert_eq!(seen.assessments, with.assessments);
    // The root first, although its child began before it.
    assert_eq!(spans(&*store, "tr-1").await, ["01", "02"]);
    let contents = store.trace_spans(&[trace_id("tr-1")]).await.expect("read");
    assert_eq!(contents[&trace_id("tr-1")], [root(), child()]);

    let nowhere = store.trace_put(&head("tr-2", 999, 1)).await;
    assert_eq!(
        nowhere.expect_err("no experiment").kind(),
        ErrorKind::NotFound
    );
    let both = [
        arrived("tr-3", of, vec![root()]),
        arrived("tr-4", 999, vec![root()]),
    ];
    let both = store.trace_spans_put(&both).await;
    assert_eq!(both.expect_err("no experiment").kind(), ErrorKind::NotFound);
    assert_eq!(get(&*store, "tr-3").await, None);
}

pub(crate) async fn traces_are_listed_newest_first_and_deleted(store: TestStore) {
    let of = experiment(&*store, "e").await;
    let other = experiment(&*store, "f").await;
    store.run_create(&[run("aaaa")]).await.expect("run");
    for (trace, experiment, time) in [
        ("tr-1", of, 5),
        ("tr-2", of, 7),
        ("tr-3", of, 7),
        ("tr-4", other, 6),
    ] {
        let mut one = head(trace, experiment, time);
        one.run = (trace == "tr-2").then(|| "aaaa".to_owned());
        store.trace_put(&one).await.expect("put");
    }
    store
        .trace_link(&id("aaaa"), &[trace_id("tr-4"), trace_id("tr-none")])
        .await
        .expect("linked");
    let no_run = store.trace_link(&id("zzzz"), &[]).await;
    assert_eq!(no_run.expect_err("no run").kind(), ErrorKind::NotFound);
    let all = TraceQuery {
        limit: 10,
        ..TraceQuery::default()
    };
    assert_eq!(
        listed(&*store, all.clone()).await,
        ["tr-2", "tr-3", "tr-4", "tr-1"]
    );
    let of_one = TraceQuery {
        experiments: Some(vec![of]),
        after: Some((Timestamp(7), trace_id("tr-2"))),
        ..all.clone()
    };
    assert_eq!(listed(&*store, of_one).await, ["tr-3", "tr-1"]);
    let of_run = TraceQuery {
        run: Some("aaaa".to_owned()),
        ..all.clone()
    };
    assert_eq!(listed(&*store, of_run).await, ["tr-2", "tr-4"]);
    let of_time = TraceQuery {
        from: Some(Timestamp(6)),
        until: Some(Timestamp(6)),
        ..all.clone()
    };
    assert_eq!(listed(&*store, of_time).await, ["tr-4"]);
    let none = TraceQuery {
        experiments: Some(Vec::new()),
        ..all.clone()
    };
    assert!(listed(&*store, none).await.is_empty());
    let ids = ["tr-3", "tr-none", "tr-1"].map(trace_id);
    let asked = store.trace_get(&ids).await.expect("read");
    let asked: Vec<_> = asked.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(asked, ["tr-3", "tr-1"]);

    let which = TraceDeletion::Ids(vec![trace_id("tr-1"), trace_id("tr-4")]);
    assert_eq!(store.trace_delete(of, &which).await.expect("deleted"), 1);
    let oldest = TraceDeletion::Until {
        time: Timestamp(7),
        max: Some(1),
    };
    assert_eq!(store.trace_delete(of, &oldest).await.expect("deleted"), 1);
    assert_eq!(listed(&*store, all).await, ["tr-3", "tr-4"]);
}

pub(crate) async fn assessments_and_tags_of_a_trace_change(store: TestStore) {
    let of = experiment(&*store, "e").await;
    store.trace_put(&head("tr-1", of, 5)).await.expect("put");
    let trace = trace_id("tr-1");
    let first = assessment("a-01", "good");
    store.assessment_add(&trace, &first).await.expect("added");
    let again = store.assessment_add(&trace, &first).await;
    assert_eq!(again.expect_err("taken").kind(), ErrorKind::Conflict);
    let mut second = assessment("a-02", "good");
    second.overrides = Some(first.id.clone());
    store.assessment_add(&trace, &second).await.expect("added");
    let valid = async || {
        let seen = get(&*store, "tr-1").await.expect("there").assessments;
        let valid = seen.into_iter().map(|one| (one.id.to_string(), one.valid));
        valid.collect::<Vec<_>>()
    };
    let both = [("a-01".to_owned(), false), ("a-02".to_owned(), true)];
    assert_eq!(valid().await, both);
    let mut third = assessment("a-03", "good");
    third.overrides = Some("a-09".parse().expect("an id"));
    let third = store.assessment_add(&trace, &third).await;
    assert_eq!(
        third.expect_err("overrides nothing").kind(),
        ErrorKind::NotFound
    );
    let change = AssessmentChange {
        name: Some("better".to_owned()),
        value: Some((AssessmentKind::Feedback, json!({"value": true}))),
        rationale: Some("why".to_owned()),
        metadata: map(&[("b", "2")]),
    };
    let changed = store
        .assessment_change(&trace, &second.id, &change, Timestamp(9))
        .await
        .expect("changed");
    assert_eq!(
        (changed.name.as_str(), changed.updated_at),
        ("better", Timestamp(9))
    );
    assert_eq!(changed.metadata, map(&[("a", "1"), ("b", "2")]));
    let other = AssessmentChange {
        value: Some((AssessmentKind::Expectation, json!({"value": 1}))),
        ..AssessmentChange::default()
    };
    let other = store
        .assessment_change(&trace, &second.id, &other, Timestamp(9))
        .await;
    assert_eq!(other.expect_err("another kind").kind(), ErrorKind::Invalid);
    store
        .assessment_remove(&trace, &second.id)
        .await
        .expect("removed");
    store
        .assessment_remove(&trace, &second.id)
        .await
        .expect("gone already");
    assert_eq!(valid().await, [("a-01".to_owned(), true)]);
    let nowhere = store.assessment_add(&trace_id("tr-9"), &first).await;
    assert_eq!(nowhere.expect_err("no trace").kind(), ErrorKind::NotFound);

    let tags = [
        ("t".to_owned(), None),
        ("u".to_owned(), Some("2".to_owned())),
    ]
    .into();
    store.trace_tags(&trace, &tags).await.expect("changed");
    let seen = get(&*store, "tr-1").await.expect("there");
    assert_eq!(seen.tags, map(&[("u", "2")]));
    let gone = store.trace_tags(&trace, &tags).await;
    assert_eq!(gone.expect_err("no tag").kind(), ErrorKind::NotFound);
}

pub(crate) async fn a_trace_has_its_limits(store: TestStore) {
    let of = experiment(&*store, "e").await;
    let kind = |result: mlhub_core::Result<()>| result.expect_err("refused").kind();
    let mut large = span("01", None, 1);
    large.content = "x".repeat(limits::TRACE_SPAN_MAX_BYTES + 1);
    let large = store
        .trace_spans_put(&[arrived("tr-1", of, vec![large])])
        .await;
    assert_eq!(kind(large), ErrorKind::TooLarge);
    let content = "x".repeat(limits::TRACE_SPAN_MAX_BYTES);
    let whole = |id: &str| TraceSpan {
        content: content.clone(),
        ..span(id, None, 1)
    };
    // What is replaced does not count twice.
    for id in ["01", "01", "02", "02", "03"] {
        let put = store
            .trace_spans_put(&[arrived("tr-1", of, vec![whole(id)])])
            .await;
        put.expect("stored");
    }
    let more = store
        .trace_spans_put(&[arrived("tr-1", of, vec![whole("04")])])
        .await;
    assert_eq!(kind(more), ErrorKind::TooLarge);
    assert_eq!(spans(&*store, "tr-1").await.len(), 3);
    let mut labels = head("tr-1", of, 1);
    labels.tags = (0..=limits::TRACE_LABELS_MAX)
        .map(|one| (one.to_string(), String::new()))
        .collect();
    let labels = store.trace_put(&labels).await.map(drop);
    assert_eq!(kind(labels), ErrorKind::TooLarge);
    let file = vec![0; limits::TRACE_FILES_MAX_BYTES as usize];
    let (first, second) = ("a/b".parse().expect("a path"), "c".parse().expect("a path"));
    let trace = trace_id("tr-1");
    store
        .trace_file_put(&trace, &first, &file)
        .await
        .expect("stored");
    store
        .trace_file_put(&trace, &first, &file)
        .await
        .expect("replaced");
    let more = store.trace_file_put(&trace, &second, b"x").await;
    assert_eq!(kind(more), ErrorKind::TooLarge);
    let listed = store.trace_file_list(&trace).await.expect("listed");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].size_bytes, file.len() as u64);
}

pub(crate) async fn traces_go_with_their_run_and_move_in_archives(store: TestStore) {
    store
        .run_create(&[run("aaaa"), run("bbbb")])
        .await
        .expect("runs");
    let of = store.experiment_named(&name("p"), &name("e")).await;
    let of = of.expect("read").expect("there").number;
    for (trace, of_run) in [
        ("tr-1", Some("aaaa")),
        ("tr-2", Some("bbbb")),
        ("tr-3", None),
    ] {
        let mut one = head(trace, of, 5);
        one.run = of_run.map(str::to_owned);
        one.assessments = vec![assessment("a-01", "good"), assessment("a-00", "bad")];
        store.trace_put(&one).await.expect("put");
        let all = (0..100)
            .map(|at| span(&format!("{at:03}"), None, at))
            .collect();
        store
            .trace_spans_put(&[arrived(trace, of, all)])
            .await
            .expect("put");
        let path = "attachments/x".parse().expect("a path");
        let content = [0, 255, 10];
        store
            .trace_file_put(&trace_id(trace), &path, &content)
            .await
            .expect("stored");
    }
    let link = store.trace_link(&id("aaaa"), &[trace_id("tr-3")]).await;
    link.expect("linked");

    let items = read(&*store, &PortableScope::Hub).await;
    let (_folder, target) = sqlite();
    let given = Arc::new(Given(items.clone(), None));
    mlhub_core::store::PortableStore::portable_write(&target, given)
        .await
        .expect("written");
    assert_eq!(
        bits(&read(&target, &PortableScope::Hub).await),
        bits(&items)
    );
    let seen = get(&target, "tr-3").await.expect("there");
    assert_eq!(
        Some(seen.assessments),
        get(&*store, "tr-3").await.map(|one| one.assessments)
    );
    assert_eq!(spans(&target, "tr-3").await.len(), 100);
    let path = "attachments/x".parse().expect("a path");
    let file = target_file(&target, "tr-3", &path).await;
    assert_eq!(file.as_deref(), Some(&[0, 255, 10][..]));

    // Once more changes nothing; a trace that is in another project is refused.
    let of_project = |target: &str| -> Arc<Given> {
        let of_trace = |line: &PortableLine| {
            matches!(
                line,
                PortableLine::Project(_)
                    | PortableLine::Experiment(_)
                    | PortableLine::Trace(_)
                    | PortableLine::TraceSpan(_)
                    | PortableLine::TraceFile(_)
            )
        };
        let lines = items.iter().filter_map(|item| match item {
            PortableItem::Line(PortableLine::Project(project)) => {
                let mut project = project.clone();
                project.name = name(target);
                Some(PortableItem::Line(PortableLine::Project(project)))
            }
            PortableItem::Line(line) if of_trace(line) => Some(item.clone()),
            _ => None,
        });
        Arc::new(Given(lines.collect(), None))
    };
    let put = async |given| mlhub_core::store::PortableStore::portable_write(&target, given).await;
    put(of_project("p")).await.expect("there already");
    let there = read(&target, &PortableScope::Hub).await;
    assert_eq!(bits(&there), bits(&items));
    let elsewhere = put(of_project("q")).await.expect_err("elsewhere");
    assert_eq!(elsewhere.kind(), ErrorKind::Conflict);

    // A project's archive has nothing of runs that were deleted.
    super::versions::hide(&*store, "bbbb").await;
    let items = read(&*store, &PortableScope::Project(name("p"))).await;
    let traces: Vec<_> = items
        .iter()
        .filter_map(|item| match item {
            PortableItem::Line(PortableLine::Trace(trace)) => Some(trace.id.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(traces, ["tr-1", "tr-3"]);

    store.run_delete(&id("aaaa")).await.expect("removed");
    assert_eq!(get(&*store, "tr-1").await, None);
    assert!(spans(&*store, "tr-1").await.is_empty());
    let of_run = TraceQuery {
        run: Some("aaaa".to_owned()),
        limit: 10,
        ..TraceQuery::default()
    };
    assert!(listed(&*store, of_run).await.is_empty());
    store.run_delete(&id("bbbb")).await.expect("removed");
    assert!(get(&*store, "tr-3").await.is_some());
    assert!(store.project_remove(&name("p")).await.expect("removed"));
    assert_eq!(get(&*store, "tr-3").await, None);
}

async fn target_file(
    store: &dyn Store,
    trace: &str,
    path: &mlhub_core::ArtifactPath,
) -> Option<Vec<u8>> {
    let found = store.trace_file_get(&trace_id(trace), path).await;
    found.expect("read")
}
