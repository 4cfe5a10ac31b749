//! A load generator for trackers that speak HTTP: many connections, each sending
//! the next batch of points when the last one is acknowledged.
//!
//! The same generator loads every tracker. Requests are made before the clock
//! starts and one thread sends them all, so that it takes little from a server on
//! the same cores; a server fast enough to use them all up ends the measurement
//! early. It measures only acknowledged requests, sends to addresses of this
//! machine alone, ends by itself, and prints one line of JSON. It makes no runs:
//! whoever starts it names runs that exist.

mod body;
mod connection;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use body::Shape;
use clap::Parser;
use connection::Connection;

/// Connections at most.
const CONNECTIONS_MAX: usize = 4096;
/// Seconds at most.
const SECONDS_MAX: u64 = 120;

/// Bytes of requests made ahead, of all connections.
const PREPARED_BYTES_MAX: usize = 3 << 30;
/// Requests a connection has made ahead at most.
const PREPARED_MAX: usize = 20_000;

/// Loads a tracker with batches of points.
#[derive(Parser, Clone)]
struct Options {
    /// Address of the server, such as 127.0.0.1:7070
    #[arg(long)]
    address: SocketAddr,
    /// The wire form of a batch
    #[arg(long, value_enum)]
    shape: Shape,
    /// Runs to log to; connection i uses run i modulo their number
    #[arg(long, value_delimiter = ',', required = true)]
    runs: Vec<String>,
    /// Connections at once
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Points in a request
    #[arg(long, default_value_t = 10)]
    points: usize,
    /// How long to send
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Requests of a connection at most, all made before the clock starts
    #[arg(long, default_value_t = PREPARED_MAX)]
    requests: usize,
}

struct Sent {
    latencies_us: Vec<u32>,
    bytes: u64,
}

fn main() -> Result<()> {
    let options = Options::parse();
    ensure!(
        options.address.ip().is_loopback(),
        "only servers of this machine are loaded: {} is not a loopback address",
        options.address
    );
    ensure!(
        (1..=CONNECTIONS_MAX).contains(&options.connections)
            && (1..=SECONDS_MAX).contains(&options.seconds)
            && options.points > 0,
        "connections must be 1 to {CONNECTIONS_MAX}, seconds 1 to {SECONDS_MAX}, points at least 1"
    );
    let prepared: Vec<_> = (0..options.connections)
        .map(|index| prepare(&options, index))
        .collect();
    // One thread serves all connections, so that the server has the other cores.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (sent, took) = runtime.block_on(load(&options, prepared))?;
    println!("{}", report(&options, &sent, took));
    Ok(())
}

/// Opens every connection, then sends on all of them.
async fn load(options: &Options, prepared: Vec<Vec<Vec<u8>>>) -> Result<(Vec<Sent>, Duration)> {
    let mut workers = Vec::with_capacity(prepared.len());
    for requests in prepared {
        let connection = Connection::open(options.address).await.context("connect")?;
        workers.push((connection, requests));
    }
    let begun = Instant::now();
    let until = begun + Duration::from_secs(options.seconds);
    let workers = workers
        .into_iter()
        .map(|(connection, requests)| tokio::spawn(work(connection, requests, until)));
    let mut sent = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        sent.push(worker.await.context("a connection panicked")??);
    }
    Ok((sent, begun.elapsed()))
}

/// Sends until the time is up or what was made ahead is used up.
async fn work(mut connection: Connection, requests: Vec<Vec<u8>>, until: Instant) -> Result<Sent> {
    let mut sent = Sent {
        latencies_us: Vec::with_capacity(requests.len()),
        bytes: 0,
    };
    for request in requests {
        let begun = Instant::now();
        if begun >= until {
            break;
        }
        let (status, answer) = connection.exchange(&request).await?;
        let took = begun.elapsed().as_micros();
        ensure!(
            (200..300).contains(&status),
            "the server answered {status}: {}",
            String::from_utf8_lossy(&answer[..answer.len().min(500)])
        );
        sent.latencies_us
            .push(u32::try_from(took).unwrap_or(u32::MAX));
        sent.bytes += request.len() as u64;
    }
    Ok(sent)
}

/// The requests of one connection.
fn prepare(options: &Options, index: usize) -> Vec<Vec<u8>> {
    let run = &options.runs[index % options.runs.len()];
    let mut batches = body::Batches::new(options.shape, run, index, options.points);
    let share = PREPARED_BYTES_MAX / options.connections;
    let (mut requests, mut bytes) = (Vec::new(), 0);
    while requests.len() < options.requests.min(PREPARED_MAX) && bytes < share {
        let request = batches.next_request(options.address);
        bytes += request.len();
        requests.push(request);
    }
    requests
}

fn report(options: &Options, sent: &[Sent], took: Duration) -> serde_json::Value {
    let mut latencies: Vec<u32> = sent
        .iter()
        .flat_map(|sent| sent.latencies_us.iter().copied())
        .collect();
    latencies.sort_unstable();
    let quantile = |q: f64| {
        let at = (latencies.len() as f64 * q) as usize;
        let found = latencies.get(at.min(latencies.len().saturating_sub(1)));
        found.map(|us| f64::from(*us) / 1000.0)
    };
    let requests = latencies.len() as f64;
    let seconds = took.as_secs_f64();
    serde_json::json!({
        "requests": latencies.len(),
        "requests_per_s": requests / seconds,
        "points_per_s": requests * options.points as f64 / seconds,
        "p50_ms": quantile(0.5),
        "p99_ms": quantile(0.99),
        "megabytes": sent.iter().map(|sent| sent.bytes).sum::<u64>() as f64 / 1e6,
        "connections": options.connections,
        "points": options.points,
        "seconds": seconds,
    })
}
