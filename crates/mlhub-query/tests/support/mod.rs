//! Random runs, kept in a plain list and in a table.

use std::collections::BTreeMap;

use mlhub_core::evaluation::EvaluatedMetric;
use mlhub_core::metric::{MetricSummary, Point};
use mlhub_core::run::Run;
use mlhub_core::{RunState, Timestamp, UserId};
use mlhub_query::{RunRow, RunTable};
use proptest::prelude::*;

/// The time all tests run at: day 12 of the epoch.
pub(crate) const NOW: i64 = 12 * 86_400_000;
/// The experiment of all runs.
pub(crate) const EXPERIMENT: &str = "exp-Aru";

/// A run as a list keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) id: String,
    pub(crate) seq: i64,
    pub(crate) name: String,
    pub(crate) state: RunState,
    pub(crate) seed: Option<i64>,
    pub(crate) group: Option<String>,
    pub(crate) created: i64,
    pub(crate) started: Option<i64>,
    pub(crate) ended: Option<i64>,
    pub(crate) deleted: Option<i64>,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) metrics: BTreeMap<String, Vec<f64>>,
    pub(crate) evaluated: BTreeMap<(String, String), f64>,
}

pub(crate) fn id(seq: i64) -> String {
    format!("run-{seq:04}")
}

/// A run with one metric.
pub(crate) fn simple(seq: i64, acc: f64) -> Known {
    Known {
        id: id(seq),
        seq,
        name: format!("n{seq}"),
        state: RunState::Finished,
        seed: Some(seq),
        group: None,
        created: seq,
        started: None,
        ended: None,
        deleted: None,
        params: BTreeMap::new(),
        tags: BTreeMap::new(),
        metrics: BTreeMap::from([("acc".to_owned(), vec![acc])]),
        evaluated: BTreeMap::new(),
    }
}

fn value() -> impl Strategy<Value = f64> {
    prop::sample::select(vec![
        0.0,
        -0.0,
        0.5,
        1.0,
        2.0,
        -1.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1e300,
        5e-324,
    ])
}

fn run() -> impl Strategy<Value = Known> {
    let label = prop::option::of(prop::sample::select(vec![
        "adam",
        "Adam",
        "sgd",
        "0.01",
        "1e-2",
        "0.5",
        "nan",
        "True",
        "false",
        "",
        " 1 ",
        "inf",
        "é",
        "a text that is longer than a key, first",
        "a text that is longer than a key, second",
    ]));
    let labels = (label.clone(), label.clone(), label.clone(), label);
    let time = prop::option::of(0i64..NOW + 1000);
    let history = prop::option::of(prop::collection::vec(value(), 1..4)).boxed();
    (
        labels,
        (time.clone(), time, prop::option::weighted(0.2, Just(5i64))),
        (history.clone(), history, prop::option::of(value())),
        prop::sample::select(RunState::ALL.to_vec()),
        prop::option::of(prop::sample::select(vec!["grp1", "grp2", "grp3"])),
        prop::option::of(0i64..4),
        "[aAb]{1,3}",
    )
        .prop_map(|(labels, times, metrics, state, group, seed, name)| {
            let text = |value: Option<&str>| value.map(str::to_owned);
            let pairs = [("lr", labels.0), ("opt", labels.1)];
            let tags = [("a b", labels.2), ("flag", labels.3)];
            let histories = [("acc", metrics.0), ("loss", metrics.1)];
            Known {
                name,
                state,
                seed,
                group: text(group),
                started: times.0,
                ended: times.1,
                deleted: times.2,
                params: pairs
                    .into_iter()
                    .filter_map(|(name, value)| Some((name.to_owned(), text(value)?)))
                    .collect(),
                tags: tags
                    .into_iter()
                    .filter_map(|(name, value)| Some((name.to_owned(), text(value)?)))
                    .collect(),
                metrics: histories
                    .into_iter()
                    .filter_map(|(name, values)| Some((name.to_owned(), values?)))
                    .collect(),
                evaluated: metrics
                    .2
                    .map(|value| (("test".to_owned(), "f1".to_owned()), value))
                    .into_iter()
                    .collect(),
                ..simple(0, 0.0)
            }
        })
}

/// What happens to a table: run number so and so becomes this, or goes.
pub(crate) fn steps() -> impl Strategy<Value = Vec<(i64, Option<Known>)>> {
    prop::collection::vec((1i64..24, prop::option::weighted(0.85, run())), 0..40)
}

/// Plays the steps on a list and on a table.
pub(crate) fn play(steps: Vec<(i64, Option<Known>)>) -> (RunTable, Vec<Known>) {
    let mut table = RunTable::new();
    let mut known = BTreeMap::new();
    for (seq, step) in steps {
        match step {
            Some(run) => {
                // `created` orders by creation, which here agrees with the time.
                let run = Known {
                    id: id(seq),
                    seq,
                    created: seq * 1000,
                    ..run
                };
                put(&mut table, &run);
                known.insert(seq, run);
            }
            None => assert_eq!(table.remove(&id(seq)), known.remove(&seq).is_some()),
        }
        assert_eq!(table.len(), known.len());
    }
    (table, known.into_values().collect())
}

/// Puts a run into a table.
pub(crate) fn put(table: &mut RunTable, known: &Known) {
    let run = Run {
        id: known.id.parse().expect("an id"),
        seq: known.seq,
        project: "p".parse().expect("a name"),
        experiment: EXPERIMENT.parse().expect("a name"),
        name: known.name.parse().expect("a name"),
        state: known.state,
        adapter: None,
        adapter_version: None,
        seed: known.seed,
        group: known
            .group
            .as_ref()
            .map(|group| group.parse().expect("an id")),
        dataset: None,
        owner: UserId("me".to_owned()),
        notes: String::new(),
        attempt: 1,
        created_at: Timestamp(known.created),
        started_at: known.started.map(Timestamp),
        ended_at: known.ended.map(Timestamp),
        exit: None,
        failure: None,
        stop_requested: false,
        deleted_at: known.deleted.map(Timestamp),
    };
    let metrics: Vec<MetricSummary> = known
        .metrics
        .iter()
        .map(|(name, values)| MetricSummary {
            run: run.id.clone(),
            name: name.clone(),
            count: values.len() as u64,
            non_finite: values.iter().filter(|value| !value.is_finite()).count() as u64,
            last: Point {
                step: 0,
                time: Timestamp(0),
                value: values[values.len() - 1],
            },
            min: values
                .iter()
                .copied()
                .filter(|v| v.is_finite())
                .min_by(f64::total_cmp),
            max: values
                .iter()
                .copied()
                .filter(|v| v.is_finite())
                .max_by(f64::total_cmp),
        })
        .collect();
    let evaluated: Vec<EvaluatedMetric> = known
        .evaluated
        .iter()
        .map(|((split, name), value)| EvaluatedMetric {
            run: run.id.clone(),
            split: split.clone(),
            name: name.clone(),
            definition: format!("{name}@1"),
            value: *value,
            low: None,
            high: None,
        })
        .collect();
    let pairs = |(name, value)| -> (&str, &str) { (String::as_str(name), String::as_str(value)) };
    let params: Vec<(&str, &str)> = known.params.iter().map(pairs).collect();
    let tags: Vec<(&str, &str)> = known.tags.iter().map(pairs).collect();
    table.upsert(&RunRow {
        run: &run,
        params: &params,
        tags: &tags,
        metrics: &metrics.iter().collect::<Vec<_>>(),
        evaluated: &evaluated.iter().collect::<Vec<_>>(),
    });
}
