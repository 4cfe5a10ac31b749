//! A load generator for trackers that speak HTTP: many connections, each sending
//! the next batch of points when the last one is acknowledged.
//!
//! The same generator loads every tracker. Requests are made before the clock
//! starts, so that making them takes nothing from a server on the same cores; a
//! server fast enough to use them all up ends the measurement early. It measures only acknowledged requests, sends to addresses of this
//! machine alone, ends by itself, and prints one line of JSON. It makes no runs:
//! whoever starts it names runs that exist.

mod body;
mod connection;

use std::net::SocketAddr;
use std::sync::Barrier;
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
    let barrier = Barrier::new(options.connections + 1);
    let (sent, took) = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..options.connections)
            .map(|index| {
                let (options, barrier) = (&options, &barrier);
                scope.spawn(move || work(options, index, barrier))
            })
            .collect();
        barrier.wait();
        let begun = Instant::now();
        let sent: Vec<Result<Sent>> = workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|_| anyhow::bail!("a connection panicked"))
            })
            .collect();
        (sent, begun.elapsed())
    });
    let sent = sent.into_iter().collect::<Result<Vec<Sent>>>()?;
    println!("{}", report(&options, &sent, took));
    Ok(())
}

/// Sends until the time is up or what was made ahead is used up. The connection is
/// open before the clock starts.
fn work(options: &Options, index: usize, barrier: &Barrier) -> Result<Sent> {
    let requests = prepare(options, index);
    // Only now: a server need not wait for the first request of a connection.
    let opened = Connection::open(options.address);
    barrier.wait();
    let mut connection = opened.context("connect")?;
    let mut sent = Sent {
        latencies_us: Vec::with_capacity(requests.len()),
        bytes: 0,
    };
    let until = Instant::now() + Duration::from_secs(options.seconds);
    for request in requests {
        if Instant::now() >= until {
            break;
        }
        let begun = Instant::now();
        let (status, answer) = connection.exchange(&request)?;
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
