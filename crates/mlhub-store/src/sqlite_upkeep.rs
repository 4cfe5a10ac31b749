//! Upkeep of a SQLite file beside its writer: checkpoints of the write-ahead log,
//! and pages given back to the file system.
//!
//! A checkpoint that the writer ran would hold up commits for as long as it
//! takes to copy; this thread copies on a connection of its own. Only the last
//! few pages are copied by the writer, so that it finds the log wholly copied
//! and starts it anew. No table is known here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::mpsc::WeakSender;

use super::sqlite::Job;
use super::sqlite_transact::Place;

/// How often the thread looks.
const LOOK: Duration = Duration::from_millis(100);
/// Bytes written after which the log is copied into the database.
const CHECKPOINT_BYTES: u64 = 8 * 1024 * 1024;
/// However little was written, it is copied after so long.
const CHECKPOINT_AGE: Duration = Duration::from_secs(30);
/// Pages in the log beyond which the writer starts it anew.
const LOG_PAGES: i64 = 8 * 1024;
/// Free pages that stay for what is written next.
const FREE_PAGES_KEPT: i64 = 4096;
/// Free pages given back in one turn of the writer.
const FREE_PAGES_TURN: i64 = 1024;

/// How much was written since the last checkpoint, about.
#[derive(Debug, Default)]
pub(crate) struct Written(AtomicU64);

impl Written {
    /// Notes bytes of a transaction.
    pub(crate) fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Asks for a checkpoint at once: the disk is full, and the log may free some.
    pub(crate) fn hurry(&self) {
        self.0.fetch_max(CHECKPOINT_BYTES, Ordering::Relaxed);
    }
}

/// Runs until the other end of `stop` is dropped.
pub(crate) fn run(
    connection: &Connection,
    place: &Weak<Place>,
    writer: &WeakSender<Job>,
    stop: &Receiver<()>,
) {
    let mut last = Instant::now();
    let mut failed = false;
    while stop.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        let Some(place) = place.upgrade() else {
            return;
        };
        let written = &place.written;
        let bytes = written.0.load(Ordering::Relaxed);
        if bytes < CHECKPOINT_BYTES && (bytes == 0 || last.elapsed() < CHECKPOINT_AGE) {
            continue;
        }
        last = Instant::now();
        written.0.fetch_sub(bytes, Ordering::Relaxed);
        let done = checkpoint(connection).and_then(|pages| Ok((pages, free_pages(connection)?)));
        match &done {
            Ok((pages, free)) => turn_of_writer(writer, &place, *pages, *free),
            Err(error) if !failed => {
                place.note(error);
                tracing::warn!(error = %error, "the write-ahead log cannot be copied; it is tried again");
            }
            Err(error) => place.note(error),
        }
        failed = done.is_err();
    }
}

/// Copies what it can without waiting for anybody; pages in the log.
fn checkpoint(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
}

fn free_pages(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA freelist_count", [], |row| row.get(0))
}

fn turn_of_writer(writer: &WeakSender<Job>, place: &Arc<Place>, log_pages: i64, free_pages: i64) {
    let surplus = (free_pages - FREE_PAGES_KEPT).min(FREE_PAGES_TURN);
    if surplus <= 0 && log_pages < LOG_PAGES {
        return;
    }
    let place = Arc::clone(place);
    let job: Job = Box::new(move |connection| {
        if place.sync_failed() {
            return;
        }
        let mut done = Ok(());
        if surplus > 0 {
            done = connection.execute_batch(&format!("PRAGMA incremental_vacuum({surplus})"));
        }
        if log_pages >= LOG_PAGES {
            done = done.and(checkpoint(connection).map(drop));
        }
        if let Err(error) = done {
            place.note(&error);
            tracing::debug!(error = %error, "upkeep of the database failed; it is tried again");
        }
    });
    if let Some(writer) = writer.upgrade() {
        // A full queue means that the writer has better things to do.
        drop(writer.try_send(job));
    }
}
