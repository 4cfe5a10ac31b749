//! One flipped bit in what the hub stores: it starts, `mlhub doctor --deep` names
//! that item and no other, and everything else serves.

use std::path::Path;

use mlhub_protocol::rest::{PointView, SeriesQuery, SeriesReduction};

use crate::faults_ingest::{batch, new_run};
use crate::support::{Served, World, wait};

/// More points than one chunk holds.
const LONG_POINTS: i64 = 5000;

/// Flips one bit in the middle of the bytes that a query finds.
fn flip(data: &Path, table: &str, column: &str, key: &str, which: &str) {
    let raw = rusqlite::Connection::open(data.join("hub.sqlite")).expect("open");
    let sql = format!("SELECT {key}, {column} FROM {table} WHERE {key} = ({which})");
    let (id, mut bytes): (i64, Vec<u8>) = raw
        .query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("a row");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let sql = format!("UPDATE {table} SET {column} = ?1 WHERE {key} = ?2");
    let changed = raw.execute(&sql, rusqlite::params![bytes, id]);
    assert_eq!(changed.expect("changed"), 1);
}

/// Places of what the doctor finds.
fn findings(world: &World) -> Vec<String> {
    let said = world.mlhub(&["doctor", "--deep", "--json"]);
    assert_eq!(said.code, Some(1), "{}{}", said.stdout, said.stderr);
    let report: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("findings").iter();
    findings
        .map(|finding| finding["place"].as_str().expect("a place").to_owned())
        .collect()
}

#[test]
fn one_flipped_bit_is_named_and_all_else_serves() {
    let world = World::new();
    let hub = world.serve(&[]);
    let (first, second) = (new_run(&hub.client), new_run(&hub.client));
    for run in [&first, &second] {
        for number in 0..3 {
            for writer in 0..2 {
                let sent = hub.client.attempt_events(run, 1, &batch(writer, number));
                sent.expect("stored");
            }
        }
    }
    hub.kill();
    // A row of the log: its batch alone is gone.
    flip(
        &world.data(),
        "ingest_log",
        "body",
        "seq",
        "SELECT min(seq) + 1 FROM ingest_log",
    );
    let found = findings(&world);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("of the ingest log"), "{found:?}");
    let hub = world.serve(&[]);
    let total = |hub: &Served, run: &str| {
        let totals = ["w0", "w1"].map(|name| hub.series(run, name).total);
        totals.iter().sum::<u64>()
    };
    assert_eq!((total(&hub, &first), total(&hub, &second)), (25, 30));

    // A chunk: a series long enough is sealed by itself.
    let mut long = batch(2, 0);
    let point = long.points.remove(0);
    long.points = (0..LONG_POINTS)
        .map(|step| PointView {
            name: "long".to_owned(),
            step,
            value: (step as f64).sin().into(),
            ..point.clone()
        })
        .collect();
    hub.client
        .attempt_events(&second, 1, &long)
        .expect("stored");
    wait("a sealed chunk", || {
        let raw = rusqlite::Connection::open(world.data().join("hub.sqlite")).ok()?;
        let sql = "SELECT count(*) FROM chunk WHERE points = 4096";
        let count: i64 = raw.query_row(sql, [], |row| row.get(0)).ok()?;
        (count > 0).then_some(())
    });
    hub.kill();
    let which = "SELECT id FROM chunk WHERE points = 4096";
    flip(&world.data(), "chunk_body", "body", "id", which);
    let found = findings(&world);
    assert_eq!(found.len(), 2, "{found:?}");
    let place = format!("metric long of run {second}, attempt 1, from point 0 on");
    assert!(found.contains(&place), "{found:?}");
    let hub = world.serve(&[]);
    assert_eq!((total(&hub, &first), total(&hub, &second)), (25, 30));
    let query = SeriesQuery {
        runs: vec![second.clone()],
        metrics: vec!["long".to_owned()],
        reduction: SeriesReduction::None,
        ..SeriesQuery::default()
    };
    let refused = hub.client.series_query(&query).expect_err("damaged");
    assert_eq!(refused.status, Some(500), "{refused}");
    // It goes on being written to.
    long.start = 1;
    long.end = 2;
    hub.client
        .attempt_events(&second, 1, &long)
        .expect("stored");
}
