//! The server killed again and again while clients send points, and clients
//! that stall: what was acknowledged is there, once, and others are served.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mlhub_client::Client;
use mlhub_protocol::rest::{
    EventBatch, PointView, RunSeed, RunsCreate, SeriesQuery, SeriesReduction, Snapshot,
};

use crate::support::{Served, World, wait};

/// Times the server is killed.
const KILLS: u64 = 100;
/// Clients that send at once.
const WRITERS: usize = 8;
/// Points acknowledged between two kills at least.
const POINTS_BETWEEN_KILLS: u64 = 40;
/// Points in a batch.
const POINTS_PER_BATCH: u64 = 5;
/// Connections that stall in the middle of their request.
const STALLED: usize = 400;

/// Makes a run that nobody executes.
pub(crate) fn new_run(client: &Client) -> String {
    let request = RunsCreate {
        project: "faults".to_owned(),
        experiment: "ingest".to_owned(),
        adapter: None,
        adapter_version: None,
        dataset: None,
        notes: String::new(),
        params: BTreeMap::new(),
        tags: BTreeMap::new(),
        snapshot: Snapshot::default(),
        host: None,
        group: None,
        runs: vec![RunSeed {
            id: None,
            name: None,
            seed: None,
        }],
    };
    client.runs_create(&request).expect("a run").runs[0]
        .id
        .clone()
}

/// Batch `number` of a writer: its own range of steps of its own series.
pub(crate) fn batch(writer: usize, number: u64) -> EventBatch {
    let first = number * POINTS_PER_BATCH;
    let point = |step: u64| PointView {
        name: format!("w{writer}"),
        step: step.cast_signed(),
        time_ms: step.cast_signed(),
        value: (step as f64 / 7.0).into(),
    };
    EventBatch {
        writer: format!("writer-{writer}.jsonl"),
        start: number,
        end: number + 1,
        points: (first..first + POINTS_PER_BATCH).map(point).collect(),
        ..EventBatch::default()
    }
}

/// Where the hub is now, and whether the writers are to go on.
struct Scene {
    client: Mutex<Client>,
    acknowledged: AtomicU64,
    done: AtomicBool,
}

impl Scene {
    /// Sends batches in order until the scene is over; returns how many were
    /// acknowledged. A failed call is repeated with whatever hub there is then:
    /// nobody can know whether it was stored.
    fn write(&self, run: &str, writer: usize) -> u64 {
        let mut number = 0;
        while !self.done.load(Ordering::Acquire) {
            let client = self.client.lock().expect("not poisoned").clone();
            if client
                .attempt_events(run, 1, &batch(writer, number))
                .is_ok()
            {
                number += 1;
                self.acknowledged
                    .fetch_add(POINTS_PER_BATCH, Ordering::AcqRel);
            }
        }
        number
    }
}

#[test]
fn a_server_killed_a_hundred_times_has_every_acknowledged_point_once() {
    let world = World::new();
    let mut hub = world.serve(&[]);
    let run = new_run(&hub.client);
    let scene = Scene {
        client: Mutex::new(hub.client.clone()),
        acknowledged: AtomicU64::new(0),
        done: AtomicBool::new(false),
    };
    let (hub, batches): (Served, Vec<u64>) = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (scene, run) = (&scene, &run);
                scope.spawn(move || scene.write(run, writer))
            })
            .collect();
        for _kill in 0..KILLS {
            let enough = scene.acknowledged.load(Ordering::Acquire) + POINTS_BETWEEN_KILLS;
            wait("acknowledged points", || {
                (scene.acknowledged.load(Ordering::Acquire) >= enough).then_some(())
            });
            hub.kill();
            hub = world.serve(&[]);
            *scene.client.lock().expect("not poisoned") = hub.client.clone();
        }
        scene.done.store(true, Ordering::Release);
        let ended = writers
            .into_iter()
            .map(|writer| writer.join().expect("a writer"));
        (hub, ended.collect())
    });
    for (writer, acknowledged) in batches.into_iter().enumerate() {
        assert_once(&hub, &run, writer, acknowledged);
    }
    hub.kill();
    let doctor = world.mlhub(&["doctor"]);
    assert_eq!(doctor.code, Some(0), "{}{}", doctor.stdout, doctor.stderr);
}

/// Every point of the acknowledged batches once and in order. The batch after
/// them may be there too: stored, its answer lost.
#[track_caller]
pub(crate) fn assert_once(hub: &Served, run: &str, writer: usize, batches: u64) {
    let query = SeriesQuery {
        runs: vec![run.to_owned()],
        metrics: vec![format!("w{writer}")],
        reduction: SeriesReduction::None,
        ..SeriesQuery::default()
    };
    let mut found = hub.client.series_query(&query).expect("a series").series;
    let series = found.pop().expect("the writer's series");
    let stored = series.steps.len() as u64;
    let acknowledged = batches * POINTS_PER_BATCH;
    assert!(
        stored == acknowledged || stored == acknowledged + POINTS_PER_BATCH,
        "{stored} points are stored of {acknowledged} acknowledged"
    );
    assert_eq!(
        series.steps,
        (0..stored.cast_signed()).collect::<Vec<i64>>()
    );
    let expected: Vec<u64> = (0..stored)
        .map(|step| (step as f64 / 7.0).to_bits())
        .collect();
    let values: Vec<u64> = series
        .values
        .iter()
        .map(|value| value.0.to_bits())
        .collect();
    assert_eq!(values, expected);
}

#[test]
fn clients_that_stall_keep_nobody_else_from_being_served() {
    let world = World::new();
    let hub = world.serve(&[]);
    let run = new_run(&hub.client);
    let address = hub.url.trim_start_matches("http://").to_owned();
    let body = serde_json::to_string(&batch(0, 0)).expect("JSON");
    let halves = [
        "POST /api/v1/runs HTTP/1.1\r\nhost: ".to_owned(),
        format!(
            "POST /api/v1/runs/{run}/attempts/1/events HTTP/1.1\r\nhost: {address}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{}",
            body.len(),
            &body[..body.len() / 2]
        ),
    ];
    let stalled: Vec<TcpStream> = (0..STALLED)
        .map(|index| {
            let mut stream = TcpStream::connect(&address).expect("connect");
            let half = &halves[index % halves.len()];
            stream.write_all(half.as_bytes()).expect("send half");
            stream
        })
        .collect();
    for number in 0..50 {
        let stored = hub.client.attempt_events(&run, 1, &batch(1, number));
        stored.expect("others are served");
    }
    assert_once(&hub, &run, 1, 50);
    // Half a batch is none.
    let offsets = hub.client.attempt_offsets(&run, 1).expect("offsets");
    assert_eq!(offsets.events.get("writer-0.jsonl"), None);
    drop(stalled);
    let stored = hub.client.attempt_events(&run, 1, &batch(0, 0));
    stored.expect("the stalled batch, sent again");
}
