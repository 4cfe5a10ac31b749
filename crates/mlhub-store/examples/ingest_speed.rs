//! Measures durable ingest at the level of the store: points per second and the
//! time to the acknowledgement, on SQLite in a temporary folder and, when a URL
//! is given, on PostgreSQL.
//!
//! `cargo run --release -p mlhub-store --example ingest_speed [postgresql://...]`
//! It measures no HTTP and no decoding of request bodies.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mlhub_core::metric::{Point, SeriesPoints};
use mlhub_core::run::NewRun;
use mlhub_core::store::{IngestBatch, IngestOutcome, Store};
use mlhub_core::{Result, RunId, Timestamp, UserId};
use mlhub_store::{PostgresStore, SqliteStore};

/// How long each load lasts.
const LASTS: Duration = Duration::from_secs(5);

/// Writers that each send one batch after the other.
struct Load {
    name: &'static str,
    writers: usize,
    metrics: usize,
    points_per_metric: usize,
}

const LOADS: [Load; 3] = [
    Load {
        name: "8 writers, 10 x 1,000 points",
        writers: 8,
        metrics: 10,
        points_per_metric: 1000,
    },
    Load {
        name: "8 writers, 1 x 100,000 points",
        writers: 8,
        metrics: 1,
        points_per_metric: 100_000,
    },
    Load {
        name: "64 writers, 10 x 1 points",
        writers: 64,
        metrics: 10,
        points_per_metric: 1,
    },
];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir_in(".")
        .map_err(|error| mlhub_core::Error::internal("make a folder", error))?;
    println!("| store | load | points/s | batches/s | ack p50 | ack p99 |");
    println!("|---|---|---|---|---|---|");
    let sqlite: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path())?);
    measure_all("SQLite", &sqlite).await?;
    if let Some(url) = std::env::args().nth(1) {
        let postgres: Arc<dyn Store> = Arc::new(PostgresStore::connect(&url).await?);
        measure_all("PostgreSQL", &postgres).await?;
    }
    Ok(())
}

async fn measure_all(name: &str, store: &Arc<dyn Store>) -> Result<()> {
    for (index, load) in LOADS.iter().enumerate() {
        let started = Instant::now();
        let mut tasks = Vec::new();
        for writer in 0..load.writers {
            let run = new_run(&format!("speed-{index}-{writer}"))?;
            let id = run.id.clone();
            store.run_create(&[run]).await?;
            let store = Arc::clone(store);
            tasks.push(tokio::spawn(write(store, id, load, started)));
        }
        let mut waits = Vec::new();
        for task in tasks {
            let joined = task.await;
            waits.extend(joined.map_err(|error| mlhub_core::Error::internal("write", error))??);
        }
        report(name, load, waits, started.elapsed());
    }
    Ok(())
}

async fn write(
    store: Arc<dyn Store>,
    run: RunId,
    load: &'static Load,
    started: Instant,
) -> Result<Vec<Duration>> {
    let mut waits = Vec::new();
    let mut step = 0i64;
    while started.elapsed() < LASTS {
        let batch = batch(&run, load, step);
        let sent = Instant::now();
        let outcome = store.ingest(batch.clone()).await?;
        waits.push(sent.elapsed());
        assert!(matches!(outcome, IngestOutcome::Stored { .. }));
        step += load.points_per_metric as i64;
    }
    Ok(waits)
}

fn batch(run: &RunId, load: &Load, step: i64) -> IngestBatch {
    let points: Vec<Point> = (step..step + load.points_per_metric as i64)
        .map(|step| Point {
            step,
            time: Timestamp(1_700_000_000_000 + step * 50 + step % 7),
            value: f64::from((step as f32 * 0.01).sin()),
        })
        .collect();
    IngestBatch {
        run: run.clone(),
        attempt: 1,
        writer: "w".to_owned(),
        start: step.cast_unsigned(),
        end: (step + load.points_per_metric as i64).cast_unsigned(),
        series: (0..load.metrics)
            .map(|metric| SeriesPoints {
                name: format!("metric/{metric}"),
                points: points.clone(),
            })
            .collect(),
        params: Vec::new(),
        tags: Vec::new(),
        records: Vec::new(),
    }
}

fn report(store: &str, load: &Load, mut waits: Vec<Duration>, took: Duration) {
    waits.sort_unstable();
    let at = |share: f64| {
        let place = ((waits.len() as f64 * share) as usize).min(waits.len().saturating_sub(1));
        waits.get(place).copied().unwrap_or_default()
    };
    let points = waits.len() * load.metrics * load.points_per_metric;
    println!(
        "| {store} | {} | {:.0} | {:.0} | {:.2?} | {:.2?} |",
        load.name,
        points as f64 / took.as_secs_f64(),
        waits.len() as f64 / took.as_secs_f64(),
        at(0.5),
        at(0.99),
    );
}

fn new_run(id: &str) -> Result<NewRun> {
    Ok(NewRun {
        id: id.parse()?,
        project: "speed".parse()?,
        experiment: "speed".parse()?,
        name: id.parse()?,
        adapter: None,
        adapter_version: None,
        seed: None,
        group: None,
        dataset: None,
        owner: UserId("me".to_owned()),
        notes: String::new(),
        params: std::collections::BTreeMap::new(),
        tags: std::collections::BTreeMap::new(),
        snapshot: serde_json::json!({}),
        host: None,
        created_at: Timestamp(0),
    })
}
