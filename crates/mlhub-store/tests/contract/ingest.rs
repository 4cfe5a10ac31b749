//! Event batches, series, summaries and records.

use std::collections::BTreeMap;

use mlhub_core::metric::{MetricSummary, Point, SeriesPoints};
use mlhub_core::run::RunRecord;
use mlhub_core::store::{IngestBatch, IngestOutcome};
use mlhub_core::{ErrorKind, Timestamp, limits};
use mlhub_series::{Summary, visible};
use proptest::prelude::*;
use serde_json::json;

use super::TestStore;
use super::make::{again, any_value, batch, bits, id, latest, map, point, run, samples};

const STORED: IngestOutcome = IngestOutcome::Stored {
    params_kept: Vec::new(),
};

async fn stored_points(store: &TestStore, metric: &str) -> Vec<(u32, Vec<(i64, i64, u64)>)> {
    let parts = store.points(&id("aaaa"), metric).await.expect("points");
    parts
        .iter()
        .map(|part| (part.attempt, part.points.iter().map(bits).collect()))
        .collect()
}

pub(crate) async fn a_batch_is_stored_exactly_once(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let first = batch("aaaa", 0, 100, "loss", &[point(0, 1.0), point(1, 0.5)]);
    assert_eq!(store.ingest(first.clone()).await.expect("ingest"), STORED);
    assert_eq!(
        store.ingest(first.clone()).await.expect("again"),
        IngestOutcome::Duplicate
    );
    let inside = batch("aaaa", 40, 90, "loss", &[point(9, 9.0)]);
    assert_eq!(
        store.ingest(inside.clone()).await.expect("inside"),
        IngestOutcome::Duplicate
    );
    let expected = IngestOutcome::Misaligned { expected: 100 };
    let overlap = batch("aaaa", 50, 150, "loss", &[point(9, 9.0)]);
    assert_eq!(
        store.ingest(overlap.clone()).await.expect("overlap"),
        expected
    );
    let gap = batch("aaaa", 101, 150, "loss", &[point(9, 9.0)]);
    assert_eq!(store.ingest(gap.clone()).await.expect("gap"), expected);
    let empty = batch("aaaa", 100, 100, "loss", &[]);
    assert_eq!(
        store.ingest(empty.clone()).await.expect("empty"),
        IngestOutcome::Duplicate
    );
    let next = batch("aaaa", 100, 150, "loss", &[point(1, 0.25)]);
    assert_eq!(store.ingest(next.clone()).await.expect("next"), STORED);
    let mut other = batch("aaaa", 0, 7, "loss", &[point(5, 5.0)]);
    other.writer = "rank-1".to_owned();
    assert_eq!(
        store.ingest(other.clone()).await.expect("other writer"),
        STORED
    );

    let offsets = store.offsets(&id("aaaa"), 1).await.expect("offsets");
    assert_eq!(
        offsets,
        BTreeMap::from([("rank-0".to_owned(), 150), ("rank-1".to_owned(), 7)])
    );
    assert_eq!(
        store.offsets(&id("aaaa"), 2).await.expect("offsets"),
        BTreeMap::new()
    );
    let points = [point(0, 1.0), point(1, 0.5), point(1, 0.25), point(5, 5.0)];
    assert_eq!(
        stored_points(&store, "loss").await,
        [(1, points.iter().map(bits).collect())]
    );
    let backwards = batch("aaaa", 9, 8, "loss", &[]);
    assert_eq!(
        store
            .ingest(backwards.clone())
            .await
            .expect_err("backwards")
            .kind(),
        ErrorKind::Invalid
    );
    let nowhere = batch("aaaa", 150, 150, "loss", &[point(6, 1.0)]);
    assert_eq!(
        store.ingest(nowhere).await.expect_err("no byte").kind(),
        ErrorKind::Invalid
    );
    let huge = batch("aaaa", 150, u64::MAX, "loss", &[]);
    assert_eq!(
        store.ingest(huge.clone()).await.expect_err("huge").kind(),
        ErrorKind::Invalid
    );
}

pub(crate) async fn parallel_senders_of_one_stream_store_it_once(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let sender = |_| {
        let store = store.clone();
        async move {
            let mut stored = 0;
            for index in 0..10u64 {
                // Names are new to everybody at the same time.
                let metric = format!("m{index}");
                let batch = batch(
                    "aaaa",
                    index * 10,
                    index * 10 + 10,
                    &metric,
                    &[point(index as i64, 1.0)],
                );
                stored += usize::from(store.ingest(batch.clone()).await.expect("ingest") == STORED);
            }
            stored
        }
    };
    let stored: usize = futures::future::join_all((0..4).map(sender))
        .await
        .into_iter()
        .sum();
    assert_eq!(stored, 10);
    for index in 0..10 {
        assert_eq!(
            stored_points(&store, &format!("m{index}")).await[0].1.len(),
            1
        );
    }
}

pub(crate) async fn every_bit_and_every_step_comes_back(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let values = [
        f64::NAN,
        f64::from_bits(0x7ff8_dead_beef_0001),
        f64::from_bits(0xfff0_0000_0000_0001),
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        0.0,
        f64::from_bits(1),
        f64::MAX,
        0.1,
    ];
    let steps = [i64::MAX, i64::MIN, 0, -1, 5, 5, i64::MAX, 3, 2, 1];
    let mut points: Vec<Point> = steps
        .iter()
        .zip(values)
        .map(|(step, value)| point(*step, value))
        .collect();
    points[3].time = Timestamp(i64::MAX);
    points[4].time = Timestamp(i64::MIN);
    store
        .ingest(batch("aaaa", 0, 10, "x", &points))
        .await
        .expect("ingest");
    assert_eq!(
        stored_points(&store, "x").await,
        [(1, points.iter().map(bits).collect())]
    );
    // Each of them as the last value, as min and as max.
    for (index, value) in values.iter().enumerate() {
        let metric = format!("only{index}");
        let start = 10 + index as u64;
        store
            .ingest(batch(
                "aaaa",
                start,
                start + 1,
                &metric,
                &[point(7, *value)],
            ))
            .await
            .expect("ingest");
        let summaries = store
            .summaries(&[id("aaaa")], Some(&[metric]))
            .await
            .expect("summaries");
        assert_eq!(summaries.len(), 1);
        assert_eq!(bits(&summaries[0].last), bits(&point(7, *value)));
        let finite = value.is_finite().then_some(value.to_bits());
        assert_eq!(summaries[0].min.map(f64::to_bits), finite);
        assert_eq!(summaries[0].max.map(f64::to_bits), finite);
        assert_eq!(summaries[0].non_finite, u64::from(finite.is_none()));
    }
}

pub(crate) async fn params_keep_their_first_value_and_tags_their_last(store: TestStore) {
    let mut new = run("aaaa");
    new.params = map(&[("lr", "0.1")]);
    new.tags = map(&[("t", "old")]);
    store.run_create(&[new]).await.expect("made");
    let pairs = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    };
    let mut events = batch("aaaa", 0, 10, "m", &[]);
    events.params = pairs(&[
        ("lr", "0.2"),
        ("same", "1"),
        ("same", "1"),
        ("twice", "a"),
        ("twice", "b"),
    ]);
    events.tags = pairs(&[("t", "new"), ("u", "1"), ("u", "2")]);
    let outcome = store.ingest(events.clone()).await.expect("ingest");
    let params_kept = vec!["lr".to_owned(), "twice".to_owned()];
    assert_eq!(outcome, IngestOutcome::Stored { params_kept });
    let params = store.params(&[id("aaaa")]).await.expect("params");
    assert_eq!(
        params[&id("aaaa")],
        map(&[("lr", "0.1"), ("same", "1"), ("twice", "a")])
    );
    let tags = store.tags(&[id("aaaa")]).await.expect("tags");
    assert_eq!(tags[&id("aaaa")], map(&[("t", "new"), ("u", "2")]));
}

pub(crate) async fn a_refused_batch_leaves_nothing(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let good = batch("aaaa", 0, 10, "m", &[point(0, 1.0)]);
    let with = |change: fn(&mut IngestBatch)| {
        let mut bad = good.clone();
        change(&mut bad);
        bad
    };
    let cases = [
        (
            with(|b| b.series[0].name = "a\0b".to_owned()),
            ErrorKind::Invalid,
        ),
        (
            with(|b| b.series[0].name = String::new()),
            ErrorKind::Invalid,
        ),
        (
            with(|b| b.series[0].name = "k".repeat(limits::KEY_MAX_BYTES + 1)),
            ErrorKind::TooLarge,
        ),
        (
            with(|b| b.params = vec![("p".to_owned(), "\0".to_owned())]),
            ErrorKind::Invalid,
        ),
        (
            with(|b| b.tags = vec![("\0".to_owned(), String::new())]),
            ErrorKind::Invalid,
        ),
        (with(|b| b.writer = "w\0".to_owned()), ErrorKind::Invalid),
        (with(|b| b.writer = String::new()), ErrorKind::Invalid),
        (
            with(|b| {
                b.records = vec![RunRecord {
                    kind: "warning".to_owned(),
                    time: Timestamp(0),
                    body: json!("x".repeat(limits::RECORD_MAX_BYTES)),
                }];
            }),
            ErrorKind::TooLarge,
        ),
        (
            with(|b| b.series[0].points = vec![point(0, 1.0); limits::POINTS_PER_BATCH_MAX + 1]),
            ErrorKind::TooLarge,
        ),
    ];
    for (index, (bad, kind)) in cases.into_iter().enumerate() {
        assert_eq!(
            store.ingest(bad.clone()).await.expect_err("refused").kind(),
            kind,
            "case {index}"
        );
    }
    assert_eq!(
        store.offsets(&id("aaaa"), 1).await.expect("offsets"),
        BTreeMap::new()
    );
    assert_eq!(
        store
            .summaries(&[id("aaaa")], None)
            .await
            .expect("summaries"),
        []
    );
    assert_eq!(store.ingest(good.clone()).await.expect("good"), STORED);
}

pub(crate) async fn records_come_back_newest_limited_oldest_first(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let record = |kind: &str, index: i64| RunRecord {
        kind: kind.to_owned(),
        time: Timestamp(100 - index),
        body: json!({"index": index, "text": "\u{0}"}),
    };
    let mut events = batch("aaaa", 0, 10, "m", &[point(0, 0.0)]);
    events.records = vec![
        record("progress", 0),
        record("warning", 1),
        record("progress", 2),
    ];
    store.ingest(events.clone()).await.expect("ingest");
    let mut events = batch("aaaa", 10, 20, "m", &[point(0, 0.0)]);
    events.records = vec![record("progress", 3)];
    store.ingest(events.clone()).await.expect("ingest");
    let read = async |kind, limit| {
        store
            .records(&id("aaaa"), kind, limit)
            .await
            .expect("records")
    };
    assert_eq!(
        read(None, 2).await,
        [(1, record("progress", 2)), (1, record("progress", 3))]
    );
    assert_eq!(read(Some("warning"), 9).await, [(1, record("warning", 1))]);
    assert_eq!(read(Some("progress"), usize::MAX).await.len(), 3);
    assert_eq!(read(Some("other"), 9).await, []);
}

pub(crate) async fn records_of_one_kind_are_read_of_many_runs(store: TestStore) {
    store
        .run_create(&[run("aaaa"), run("bbbb"), run("cccc")])
        .await
        .expect("made");
    let record = |kind: &str, index: i64| RunRecord {
        kind: kind.to_owned(),
        time: Timestamp(100 - index),
        body: json!({"index": index}),
    };
    for (of, records) in [
        (
            "aaaa",
            vec![record("input", 0), record("warning", 1), record("input", 2)],
        ),
        ("bbbb", vec![record("warning", 3)]),
        ("cccc", vec![record("input", 4)]),
    ] {
        let mut events = batch(of, 0, 10, "m", &[point(0, 0.0)]);
        events.records = records;
        store.ingest(events).await.expect("ingest");
    }
    let read = async |runs: &[&str]| {
        let runs: Vec<_> = runs.iter().map(|run| id(run)).collect();
        store.records_of(&runs, "input").await.expect("records")
    };
    let of = |run: &str, index| (id(run), record("input", index));
    let all = [of("aaaa", 0), of("aaaa", 2), of("cccc", 4)];
    assert_eq!(read(&["cccc", "aaaa", "bbbb", "nnnn"]).await, all);
    // More runs than one statement asks for.
    let mut many: Vec<String> = (0..200).map(|number| format!("n{number:03}")).collect();
    many.extend(["aaaa", "cccc"].map(str::to_owned));
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(read(&many).await, all);
    assert_eq!(read(&[]).await, []);
}

async fn summary(store: &TestStore, metric: &str) -> Option<MetricSummary> {
    let names = [metric.to_owned()];
    store
        .summaries(&[id("aaaa")], Some(&names))
        .await
        .expect("summaries")
        .pop()
}

pub(crate) async fn a_resume_supersedes_what_came_after_it(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let steps: Vec<Point> = (0..10).map(|step| point(step, step as f64)).collect();
    store
        .ingest(batch("aaaa", 0, 10, "loss", &steps))
        .await
        .expect("ingest");
    store
        .ingest(batch("aaaa", 10, 20, "late", &[point(9, 1.0)]))
        .await
        .expect("ingest");
    store
        .ingest(batch("aaaa", 20, 30, "early", &[point(1, 1.0)]))
        .await
        .expect("ingest");
    let before = summary(&store, "early").await;
    again(&*store, "aaaa", Some(4)).await;
    let loss = summary(&store, "loss").await.expect("there");
    assert_eq!((loss.count, loss.last.step, loss.max), (5, 4, Some(4.0)));
    assert_eq!(summary(&store, "late").await, None);
    assert_eq!(summary(&store, "early").await, before);
    // Late points of the old attempt: what lies beyond the resume stays hidden,
    // what lies before it is logged before the new attempt's.
    let new = IngestBatch {
        attempt: 2,
        ..batch("aaaa", 0, 10, "loss", &[point(5, 50.0)])
    };
    store.ingest(new.clone()).await.expect("ingest");
    store
        .ingest(batch(
            "aaaa",
            30,
            40,
            "loss",
            &[point(3, -7.0), point(8, 99.0)],
        ))
        .await
        .expect("ingest");
    let loss = summary(&store, "loss").await.expect("there");
    assert_eq!(
        (loss.count, loss.last.value, loss.min, loss.max),
        (7, 50.0, Some(-7.0), Some(50.0))
    );
    // The old branch stays retrievable.
    let points = stored_points(&store, "loss").await;
    assert_eq!(
        (
            points[0].0,
            points[0].1.len(),
            points[1].0,
            points[1].1.len()
        ),
        (1, 12, 2, 1)
    );
}

/// Random histories of attempts, resumes and batches: the stored summary is
/// always the summary of the visible points.
pub(crate) async fn summaries_are_those_of_the_visible_points(store: TestStore) {
    let events = prop::collection::vec(
        prop_oneof![
            1 => prop::option::of(prop_oneof![4 => -2i64..12, 1 => Just(i64::MAX)]).prop_map(Err),
            3 => (0u32..4, prop::collection::vec((-2i64..12, any_value()), 1..6)).prop_map(Ok),
        ],
        1..14,
    );
    for (index, history) in samples(events, 12).into_iter().enumerate() {
        let text = format!("hist{index}");
        store.run_create(&[run(&text)]).await.expect("made");
        let mut offsets = vec![0u64];
        for event in history {
            match event {
                Err(resumed) => {
                    again(&*store, &text, resumed).await;
                    offsets.push(0);
                }
                Ok((back, values)) => {
                    let attempt = (offsets.len() as u32).saturating_sub(back).max(1);
                    let offset = &mut offsets[attempt as usize - 1];
                    let points: Vec<Point> = values
                        .into_iter()
                        .map(|(step, value)| point(step, value))
                        .collect();
                    let events = IngestBatch {
                        attempt,
                        ..batch(&text, *offset, *offset + 5, "m", &points)
                    };
                    *offset += 5;
                    assert_eq!(store.ingest(events.clone()).await.expect("ingest"), STORED);
                }
            }
            let attempts = store.attempt_list(&id(&text)).await.expect("attempts");
            let resumes: Vec<_> = attempts
                .iter()
                .map(|a| (a.number, a.resumed_from_step))
                .collect();
            let points = store.points(&id(&text), "m").await.expect("points");
            let oracle = Summary::of(&visible(&resumes, &points));
            let stored = store
                .summaries(&[id(&text)], None)
                .await
                .expect("summaries")
                .pop();
            assert_eq!(stored.is_some(), oracle.count > 0);
            if let Some(stored) = stored {
                assert_eq!(
                    (stored.count, stored.non_finite),
                    (oracle.count, oracle.non_finite)
                );
                let latest = latest(&resumes, &points);
                assert_eq!(Some(bits(&stored.last)), latest.as_ref().map(bits));
                assert_eq!(stored.min.map(f64::to_bits), oracle.min.map(f64::to_bits));
                assert_eq!(stored.max.map(f64::to_bits), oracle.max.map(f64::to_bits));
            }
        }
    }
}

pub(crate) async fn many_names_are_stored_up_to_the_limit(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let named = |range: std::ops::Range<usize>| {
        range
            .map(|index| SeriesPoints {
                name: format!("metric/{index}"),
                points: vec![point(0, 1.0)],
            })
            .collect()
    };
    let mut full = batch("aaaa", 0, 10, "m", &[]);
    full.series = named(0..limits::KEYS_PER_RUN_MAX);
    assert_eq!(store.ingest(full.clone()).await.expect("the limit"), STORED);
    let mut more = batch("aaaa", 10, 20, "m", &[]);
    more.series = named(limits::KEYS_PER_RUN_MAX..limits::KEYS_PER_RUN_MAX + 1);
    let error = store.ingest(more.clone()).await.expect_err("one more");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.public_message().contains("100000"), "{error}");
    more.series = named(5..6);
    assert_eq!(
        store.ingest(more.clone()).await.expect("a known name"),
        STORED
    );
    let summaries = store
        .summaries(&[id("aaaa")], None)
        .await
        .expect("summaries");
    assert_eq!(summaries.len(), limits::KEYS_PER_RUN_MAX);
}
