//! Orders, filters and pages of runs against a naive oracle.

use mlhub_core::evaluation::{EvaluatedMetric, EvaluationState};
use mlhub_core::run::NewRun;
use mlhub_core::store::{RunCursor, RunOrder, RunQuery};
use mlhub_core::{RunState, Timestamp};
use proptest::prelude::*;

use super::TestStore;
use super::make::{any_value, batch, change, id, map, name, point, query, run, samples};

/// What the oracle knows of a run.
#[derive(Debug, Clone)]
struct Known {
    id: String,
    name: String,
    adapter: Option<String>,
    tag: Option<String>,
    started: Option<i64>,
    metric: Option<f64>,
    evaluated: Option<f64>,
    param: Option<String>,
    state: RunState,
}

fn known() -> impl Strategy<Value = Known> {
    let names = prop::sample::select(vec![
        "a", "B", "b", "\u{e9}", "e\u{301}", "Z_1", "10%", "a\\b", "zz",
    ]);
    let params = prop::sample::select(vec![
        "0.1", "1e-3", "10", "9", "-inf", "NaN", "adam", "Adam", "sgd", "", " 7 ", "1_000", "-0",
        "0",
    ]);
    (
        names.clone(),
        prop::option::of(names.clone()),
        prop::option::of(names),
        prop::option::of(-3i64..3),
        prop::option::of(any_value()),
        prop::option::of(any_value()),
        prop::option::of(params),
    )
        .prop_map(
            |(name, adapter, tag, started, metric, evaluated, param)| Known {
                id: String::new(),
                name: name.to_owned(),
                adapter: adapter.map(str::to_owned),
                tag: tag.map(str::to_owned),
                started,
                metric,
                evaluated,
                param: param.map(str::to_owned),
                state: if started.is_some() {
                    RunState::Running
                } else {
                    RunState::Queued
                },
            },
        )
}

async fn store_known(store: &TestStore, known: &mut Known, index: usize) {
    known.id = format!("run{index:03}");
    let mut new = NewRun {
        name: name(&known.name),
        adapter: known.adapter.clone(),
        ..run(&known.id)
    };
    if let Some(param) = &known.param {
        new.params = map(&[("opt", param)]);
    }
    if let Some(tag) = &known.tag {
        new.tags = map(&[("t", tag)]);
    }
    store.run_create(&[new]).await.expect("made");
    if let Some(started) = known.started {
        let mut start = change(&known.id, 1, RunState::Queued, RunState::Running);
        start.started_at = Some(Timestamp(started));
        assert!(store.attempt_change(&start).await.expect("start"));
    }
    if let Some(value) = known.metric {
        let points = [point(0, 5.0), point(1, value)];
        store
            .ingest(&batch(&known.id, 0, 1, "loss", &points))
            .await
            .expect("ingest");
    }
    if let Some(value) = known.evaluated {
        let mut evaluation =
            super::evaluations::evaluation(&format!("eval{index}"), &known.id, "test");
        store.evaluation_put(&evaluation).await.expect("put");
        evaluation.state = EvaluationState::Done;
        let metric = EvaluatedMetric {
            run: id(&known.id),
            split: "test".to_owned(),
            name: "f1".to_owned(),
            definition: "f1@1".to_owned(),
            value,
            low: None,
            high: None,
        };
        assert!(
            store
                .evaluation_end(&evaluation, &[metric])
                .await
                .expect("end")
        );
    }
}

async fn store_all(store: &TestStore, count: usize) -> Vec<Known> {
    let mut all = samples(known(), count);
    for (index, known) in all.iter_mut().enumerate() {
        store_known(store, known, index).await;
    }
    all
}

/// A sort value: its rank (number, text, NaN, absent), then its content.
type Key = (u8, f64, String);

fn number(value: Option<f64>) -> Key {
    match value {
        None => (3, 0.0, String::new()),
        Some(value) if value.is_nan() => (2, 0.0, String::new()),
        Some(value) => (0, value, String::new()),
    }
}

fn key(known: &Known, index: usize, order: &RunOrder) -> Key {
    match order {
        RunOrder::Created => (0, index as f64, String::new()),
        RunOrder::Name => (1, 0.0, known.name.clone()),
        RunOrder::State => (1, 0.0, known.state.as_str().to_owned()),
        RunOrder::Started => number(known.started.map(|started| started as f64)),
        RunOrder::Metric(_) => number(known.metric),
        RunOrder::Evaluated { .. } => number(known.evaluated),
        RunOrder::Param(_) => match known
            .param
            .as_deref()
            .map(|text| (text, text.trim().parse()))
        {
            Some((text, Err(_))) => (1, 0.0, text.to_owned()),
            parsed => number(parsed.and_then(|(_, value)| value.ok())),
        },
    }
}

/// The ids in the order the traits promise.
fn oracle(all: &[Known], order: &RunOrder, descending: bool) -> Vec<String> {
    let mut rows: Vec<(Key, usize)> = all
        .iter()
        .enumerate()
        .map(|(index, known)| (key(known, index, order), index))
        .collect();
    rows.sort_by(|(a, i), (b, j)| {
        let content =
            a.1.partial_cmp(&b.1)
                .expect("no NaN")
                .then_with(|| a.2.as_bytes().cmp(b.2.as_bytes()));
        let content = if descending {
            content.reverse()
        } else {
            content
        };
        a.0.cmp(&b.0).then(content).then(j.cmp(i))
    });
    rows.into_iter()
        .map(|(_, index)| all[index].id.clone())
        .collect()
}

/// Walks through all pages.
async fn walk(store: &TestStore, mut query: RunQuery) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let page = store.run_list(&query).await.expect("page");
        assert!(page.runs.len() <= query.limit);
        ids.extend(page.runs.into_iter().map(|run| run.id.to_string()));
        match page.next {
            None => return ids,
            Some(next) => query.after = Some(next),
        }
    }
}

fn orders() -> Vec<RunOrder> {
    vec![
        RunOrder::Created,
        RunOrder::Name,
        RunOrder::State,
        RunOrder::Started,
        RunOrder::Metric("loss".to_owned()),
        RunOrder::Evaluated {
            split: "test".to_owned(),
            name: "f1".to_owned(),
        },
        RunOrder::Param("opt".to_owned()),
    ]
}

pub(crate) async fn every_order_is_the_oracles_order(store: TestStore) {
    let all = store_all(&store, 60).await;
    for order in orders() {
        for descending in [false, true] {
            let expected = oracle(&all, &order, descending);
            for limit in [1, 7, 100] {
                let found = walk(&store, query(order.clone(), descending, limit)).await;
                assert_eq!(
                    found, expected,
                    "{order:?} descending {descending} limit {limit}"
                );
            }
        }
    }
    // A name nobody logged: all are absent, newest first.
    let found = walk(&store, query(RunOrder::Metric("never".to_owned()), true, 7)).await;
    assert_eq!(found, oracle(&all, &RunOrder::Created, true));
}

pub(crate) async fn filters_are_the_oracles_filters(store: TestStore) {
    let all = store_all(&store, 40).await;
    let newest: Vec<Known> = all.iter().rev().cloned().collect();
    for text in [
        "a",
        "B",
        "%",
        "_",
        "\\",
        "10%",
        "run01",
        "\u{e9}",
        "E",
        "zz",
        "' OR 1=1 --",
        "",
    ] {
        let holds = |value: &str| {
            value
                .to_ascii_lowercase()
                .contains(&text.to_ascii_lowercase())
        };
        let expected: Vec<_> = newest
            .iter()
            .filter(|known| {
                [
                    Some(&known.id),
                    Some(&known.name),
                    known.adapter.as_ref(),
                    known.tag.as_ref(),
                ]
                .into_iter()
                .flatten()
                .any(|value| holds(value))
                    || holds("e")
            })
            .map(|known| known.id.clone())
            .collect();
        let mut search = query(RunOrder::Created, true, 9);
        search.text = Some(text.to_owned());
        assert_eq!(walk(&store, search.clone()).await, expected, "{text:?}");
        let page = store.run_list(&search).await.expect("page");
        assert_eq!(page.total as usize, expected.len());
    }
    let mut search = query(RunOrder::Created, true, 9);
    search.project = Some(name("p"));
    search.experiment = Some(name("e"));
    search.states = vec![RunState::Running, RunState::Lost];
    search.adapter = Some("b".to_owned());
    let expected: Vec<_> = newest
        .iter()
        .filter(|known| known.state == RunState::Running && known.adapter.as_deref() == Some("b"))
        .map(|known| known.id.clone())
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(walk(&store, search.clone()).await, expected);
    search.group = Some("none".parse().expect("an id"));
    assert_eq!(walk(&store, search).await, Vec::<String>::new());
}

/// Runs arrive between pages: those that were there are seen once each, in order.
pub(crate) async fn pages_neither_skip_nor_repeat_while_runs_arrive(store: TestStore) {
    let mut all = store_all(&store, 30).await;
    for (order, descending) in orders()
        .into_iter()
        .flat_map(|order| [(order.clone(), false), (order, true)])
    {
        let before = oracle(&all, &order, descending);
        let mut seen: Vec<String> = Vec::new();
        let mut after: Option<RunCursor> = None;
        let mut arrivals = samples(known(), 40).into_iter();
        loop {
            let mut search = query(order.clone(), descending, 11);
            search.after = after;
            let page = store.run_list(&search).await.expect("page");
            seen.extend(page.runs.into_iter().map(|run| run.id.to_string()));
            let mut arrived = arrivals.next().expect("enough pages");
            store_known(&store, &mut arrived, all.len()).await;
            all.push(arrived);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let kept: Vec<_> = seen
            .iter()
            .filter(|id| before.contains(id))
            .cloned()
            .collect();
        assert_eq!(kept, before, "{order:?} descending {descending}");
        let mut unique = seen.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(
            unique.len(),
            seen.len(),
            "{order:?} descending {descending}"
        );
        assert_eq!(
            oracle(&all, &order, descending)
                .into_iter()
                .filter(|id| seen.contains(id))
                .collect::<Vec<_>>(),
            seen,
            "{order:?} descending {descending}"
        );
    }
}

pub(crate) async fn ten_thousand_runs_are_listed_in_pages(store: TestStore) {
    let runs: Vec<NewRun> = (0..10_000)
        .map(|index| {
            let mut new = run(&format!("r{index:05}"));
            new.params = map(&[("lr", &format!("{}", index % 97))]);
            new
        })
        .collect();
    for slab in runs.chunks(1000) {
        store.run_create(slab).await.expect("made");
    }
    let mut search = query(RunOrder::Param("lr".to_owned()), true, 1000);
    search.text = Some("r0".to_owned());
    let page = store.run_list(&search).await.expect("page");
    assert_eq!((page.total, page.runs.len()), (10_000, 1000));
    let ids = walk(&store, search).await;
    let mut expected: Vec<usize> = (0..10_000).collect();
    expected.sort_by_key(|index| (std::cmp::Reverse(index % 97), std::cmp::Reverse(*index)));
    assert_eq!(
        ids,
        expected
            .into_iter()
            .map(|index| format!("r{index:05}"))
            .collect::<Vec<_>>()
    );
}
