//! What the cases make their data with.

use std::collections::BTreeMap;

use mlhub_core::metric::{AttemptPoints, Point, SeriesPoints};
use mlhub_core::run::{Attempt, AttemptChange, NewRun};
use mlhub_core::store::{IngestBatch, RunStore};
use mlhub_core::{Name, RunId, RunState, Timestamp, UserId};
use mlhub_series::{course, visible_limit};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// A name.
pub(crate) fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

/// A run's id.
pub(crate) fn id(text: &str) -> RunId {
    text.parse().expect("an id")
}

/// A run of project `p`, experiment `e`.
pub(crate) fn run(id_text: &str) -> NewRun {
    NewRun {
        id: id(id_text),
        project: name("p"),
        experiment: name("e"),
        name: name(id_text),
        adapter: None,
        adapter_version: None,
        seed: None,
        group: None,
        dataset: None,
        owner: UserId("me".to_owned()),
        notes: String::new(),
        params: BTreeMap::new(),
        tags: BTreeMap::new(),
        snapshot: serde_json::json!({"version": 1}),
        host: None,
        created_at: Timestamp(1000),
    }
}

/// A point.
pub(crate) fn point(step: i64, value: f64) -> Point {
    Point {
        step,
        time: Timestamp(step.wrapping_mul(10)),
        value,
    }
}

/// A batch of points of one metric in attempt 1.
pub(crate) fn batch(
    run: &str,
    start: u64,
    end: u64,
    metric: &str,
    points: &[Point],
) -> IngestBatch {
    let series = SeriesPoints {
        name: metric.to_owned(),
        points: points.to_vec(),
    };
    IngestBatch {
        run: id(run),
        attempt: 1,
        writer: "rank-0".to_owned(),
        start,
        end,
        series: vec![series],
        params: Vec::new(),
        tags: Vec::new(),
        records: Vec::new(),
    }
}

/// A change of a state and nothing else.
pub(crate) fn change(run: &str, number: u32, from: RunState, to: RunState) -> AttemptChange {
    AttemptChange {
        run: id(run),
        number,
        from,
        to,
        started_at: None,
        ended_at: None,
        exit: None,
        failure: None,
    }
}

/// Ends the newest attempt of a run, if it did not end, and makes another.
pub(crate) async fn again<S: RunStore + ?Sized>(
    store: &S,
    run: &str,
    resumed: Option<i64>,
) -> Attempt {
    let found = store.run_get(&id(run)).await.expect("get").expect("there");
    if !found.state.is_terminal() {
        let end = change(run, found.attempt, found.state, RunState::Lost);
        assert!(store.attempt_change(&end).await.expect("end"));
    }
    store
        .attempt_create(&id(run), None, resumed, Timestamp(1))
        .await
        .expect("attempt")
}

/// Names and values as a map.
pub(crate) fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The latest visible point of a series, looked for among all: of the newest course that
/// has any, the largest step, then time, then place.
pub(crate) fn latest(attempts: &[(u32, Option<i64>)], parts: &[AttemptPoints]) -> Option<Point> {
    let shown = parts.iter().flat_map(|part| {
        let limit = visible_limit(attempts, part.attempt).unwrap_or(i64::MAX);
        let shown = part.points.iter().filter(move |point| point.step <= limit);
        shown.enumerate().map(move |(place, point)| {
            let order = (point.step, point.time);
            (
                (course(attempts, part.attempt), order, part.attempt, place),
                *point,
            )
        })
    });
    shown
        .max_by_key(|(order, _)| *order)
        .map(|(_, point)| point)
}

/// The bits of a point.
pub(crate) fn bits(point: &Point) -> (i64, i64, u64) {
    (point.step, point.time.0, point.value.to_bits())
}

/// Always the same `count` values of a strategy.
pub(crate) fn samples<S: Strategy>(strategy: S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count)
        .map(|_| strategy.new_tree(&mut runner).expect("a value").current())
        .collect()
}

/// Values with the special ones frequent.
pub(crate) fn any_value() -> impl Strategy<Value = f64> {
    proptest::prop_oneof![
        3 => -3.0..3.0,
        2 => proptest::sample::select(vec![
            f64::NAN, f64::from_bits(0x7ff8_dead_beef_0001), f64::INFINITY, f64::NEG_INFINITY,
            -0.0, 0.0, 1.0, f64::from_bits(1), f64::MAX, f64::MIN,
        ]),
    ]
}
