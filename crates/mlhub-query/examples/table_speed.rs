//! Measures the run table: `cargo run --release -p mlhub-query --example table_speed [RUNS...]`.
//!
//! Runs with five params and five metrics; a filter, a sort and the first hundred.

use std::time::Instant;

use mlhub_core::metric::{MetricSummary, Point};
use mlhub_core::run::Run;
use mlhub_core::{RunState, Timestamp, UserId};
use mlhub_query::{RunRow, RunTable, Search, parse, parse_order};

const TIMES: usize = 21;
const QUERIES: [(&str, &str); 4] = [
    ("metrics.m1 > 0.5 and params.p1 < 0.7", "metrics.m2 desc"),
    (
        "params.p4 in ('v1', 'v3') or metrics.m3 < 0.1",
        "params.p2, metrics.m1 desc",
    ),
    ("name like '%7' and state = finished", "name"),
    ("group.mean(metrics.m1) > 0.5", "group.std(metrics.m1)"),
];

/// A cheap generator of numbers in 0..1 (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn run(number: usize) -> Run {
    Run {
        id: format!("run-{number:08}").parse().expect("an id"),
        seq: number as i64 + 1,
        project: "p".parse().expect("a name"),
        experiment: "e".parse().expect("a name"),
        name: format!("run {number}").parse().expect("a name"),
        state: if number.is_multiple_of(3) {
            RunState::Failed
        } else {
            RunState::Finished
        },
        adapter: Some("script".to_owned()),
        adapter_version: None,
        seed: Some(number as i64 % 5),
        group: Some(format!("group-{}", number / 5).parse().expect("an id")),
        dataset: None,
        owner: UserId("me".to_owned()),
        notes: String::new(),
        attempt: 1,
        created_at: Timestamp(number as i64),
        started_at: Some(Timestamp(number as i64)),
        ended_at: None,
        exit: None,
        failure: None,
        stop_requested: false,
        deleted_at: None,
    }
}

fn fill(runs: usize) -> RunTable {
    let mut table = RunTable::new();
    let mut chance = Chance(7);
    let names: Vec<String> = (0..5).map(|key| format!("p{key}")).collect();
    for number in 0..runs {
        let run = run(number);
        let values: Vec<String> = (0..5)
            .map(|key| match key {
                4 => format!("v{}", number % 8),
                _ => format!("{:.3}", chance.next()),
            })
            .collect();
        let params: Vec<(&str, &str)> = names
            .iter()
            .zip(&values)
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let metrics: Vec<MetricSummary> = (0..5)
            .map(|key| {
                let value = chance.next();
                MetricSummary {
                    run: run.id.clone(),
                    name: format!("m{key}"),
                    count: 1,
                    non_finite: 0,
                    last: Point {
                        step: 0,
                        time: Timestamp(0),
                        value,
                    },
                    min: Some(value),
                    max: Some(value),
                }
            })
            .collect();
        table.upsert(&RunRow {
            run: &run,
            params: &params,
            tags: &[],
            metrics: &metrics.iter().collect::<Vec<_>>(),
            evaluated: &[],
        });
    }
    table
}

fn main() {
    let asked: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|text| text.parse().ok())
        .collect();
    let sizes = if asked.is_empty() {
        vec![10_000, 100_000, 1_000_000]
    } else {
        asked
    };
    for runs in sizes {
        let started = Instant::now();
        let table = fill(runs);
        let memory = table.memory().total_bytes() as f64 / runs as f64;
        println!(
            "{runs} runs: filled in {:?}, {memory:.0} bytes a run",
            started.elapsed()
        );
        for (query, order) in QUERIES {
            let search = Search {
                filter: parse(query).expect("a query").expr,
                order: parse_order(order).expect("an order"),
                limit: 100,
                ..Search::default()
            };
            let mut times: Vec<_> = (0..TIMES)
                .map(|_| {
                    let started = Instant::now();
                    let page = table.search(&search, Timestamp(0)).expect("a page");
                    assert!(page.total > 0);
                    started.elapsed()
                })
                .collect();
            times.sort_unstable();
            println!(
                "  p50 {:>10.2?}  max {:>10.2?}  {query} | {order}",
                times[TIMES / 2],
                times[TIMES - 1]
            );
        }
    }
}
