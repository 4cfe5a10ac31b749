//! `mlhub logs`.

use std::io::Write as _;
use std::time::Duration;

use mlhub_client::LogRange;

use crate::cli::{Global, LogsArgs};
use crate::connect::connect;
use crate::exit::OK;

/// Bytes fetched at once.
const PIECE_BYTES: usize = 1024 * 1024;
/// How often a followed log is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Prints captured output byte for byte.
pub(crate) fn logs(global: &Global, arguments: &LogsArgs) -> anyhow::Result<u8> {
    let connection = connect(global)?;
    let client = &connection.client;
    let stream = arguments.stream.as_str();
    let id = client.run_get(&arguments.run)?.summary.id;
    let mut stdout = std::io::stdout().lock();
    let mut offset = 0;
    if let Some(tail) = arguments.tail {
        let piece = client.log_read(
            &id,
            stream,
            &LogRange {
                attempt: arguments.attempt,
                tail: Some(tail as u64),
                ..LogRange::default()
            },
        )?;
        stdout.write_all(&piece.bytes)?;
        offset = piece.next;
    }
    loop {
        // The state first: what was written before the end is then not missed.
        let ended = !arguments.follow
            || !matches!(
                client.run_get(&id)?.summary.state.as_str(),
                "queued" | "running"
            );
        loop {
            let piece = client.log_read(
                &id,
                stream,
                &LogRange {
                    attempt: arguments.attempt,
                    offset: Some(offset),
                    limit: Some(PIECE_BYTES),
                    tail: None,
                },
            )?;
            if piece.bytes.is_empty() {
                break;
            }
            stdout.write_all(&piece.bytes)?;
            offset = piece.next;
        }
        stdout.flush()?;
        if ended {
            return Ok(OK);
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
}
