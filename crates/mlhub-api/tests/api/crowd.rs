//! Many listeners of the live feed over real sockets, some of which never read:
//! the others hear everything, the writers are not held up, memory is bounded.
//!
//! A small crowd, both ends of it in this process. `scripts/soak_listeners.py` has
//! the promised one: 10,000 listeners, 1,000 of them stalled.

use std::time::Duration;

use mlhub_app::FinishReport;
use mlhub_core::{Caller, Name, RunId, RunState, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::socket::Served;

/// Bytes a listener lets the kernel keep for it, so that one that does not read
/// soon stops the sender.
const RECEIVE_BUFFER_BYTES: u32 = 4096;
/// What the last event says and no other.
const LAST: &str = "\"state\":\"failed\"";
/// Memory one connection may take, both ends of it, in this process.
const LISTENER_MAX_BYTES: usize = 256 * 1024;
/// Changes: many more than the feed and the kernel keep for those who are behind.
const CHANGES: usize = 30_000;
/// How long a listener waits for what must come.
const PATIENCE: Duration = Duration::from_secs(240);

async fn listen(port: u16) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES).unwrap();
    let address = ([127, 0, 0, 1], port).into();
    let mut stream = socket.connect(address).await.unwrap();
    let asked = format!("GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.unwrap();
    let greeting = read_until(&mut stream, "event: hello").await;
    assert!(greeting.starts_with("HTTP/1.1 200"), "{greeting}");
    stream
}

/// Reads until `wanted` came; keeps whether a reset was among it.
async fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut kept = String::new();
    let mut buffer = [0; 4096];
    let reading = async {
        while !kept.contains(wanted) {
            let count = stream.read(&mut buffer).await.unwrap();
            assert!(count > 0, "the feed goes on");
            let reset = kept.contains("event: reset");
            // Only the end can hold what is not whole yet.
            if kept.len() > buffer.len() {
                let end = kept.split_off(kept.len() - wanted.len());
                kept = if reset {
                    "event: reset\n".to_owned() + &end
                } else {
                    end
                };
            }
            kept.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    };
    tokio::time::timeout(PATIENCE, reading)
        .await
        .unwrap_or_else(|_| panic!("{wanted} did not come"));
    kept
}

fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kibibytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

async fn crowd(listeners: usize, stalled: usize) {
    let served = Served::start().await;
    let port = served.port;
    let before = resident_bytes();
    let mut silent = Vec::new();
    for _ in 0..stalled {
        silent.push(listen(port).await);
    }
    let mut readers = tokio::task::JoinSet::new();
    for _ in stalled..listeners {
        let mut stream = listen(port).await;
        readers.spawn(async move { read_until(&mut stream, LAST).await });
    }
    let hub = &served.hub.hub;
    let caller = Caller::local("ann");
    let run: RunId = "run-socket".parse().unwrap();
    let project: Name = "p".parse().unwrap();
    for _ in 0..CHANGES {
        hub.live()
            .publish(&run, &project, RunState::Running, &["metrics"]);
        tokio::task::yield_now().await;
    }
    let end = FinishReport {
        state: RunState::Failed,
        ended_at: Timestamp(9),
        exit: None,
        failure: None,
        predictions: Default::default(),
    };
    hub.attempt_finish(&caller, &run, 1, end).await.unwrap();
    let mut heard = 0;
    while let Some(reader) = readers.join_next().await {
        reader.unwrap();
        heard += 1;
    }
    assert_eq!(
        heard,
        listeners - stalled,
        "everybody who reads hears the end"
    );
    if let (Some(before), Some(after)) = (before, resident_bytes()) {
        let each = after.saturating_sub(before) / listeners;
        assert!(each < LISTENER_MAX_BYTES, "{each} bytes a listener");
    }
    for mut stream in silent {
        let heard = read_until(&mut stream, LAST).await;
        assert!(
            heard.contains("event: reset"),
            "it is told that it missed something"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listeners_that_do_not_read_hold_nobody_up_and_are_reset() {
    crowd(24, 6).await;
}
