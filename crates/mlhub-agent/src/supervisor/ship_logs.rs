//! Raw output on its way to the hub, byte for byte; of a flood the first and the
//! last part.

use std::sync::atomic::Ordering;

use mlhub_client::Client;
use mlhub_core::limits;

use super::link::{Stop, stop_of};
use super::ship::Shipper;
use super::tail::{read_piece, size_of};

/// Bytes of log in one call.
const LOG_PIECE_BYTES: usize = 1024 * 1024;
/// How far shipping may be behind the output before the middle is left out.
const LOG_BEHIND_MAX_BYTES: u64 = 2 * limits::LOG_TAIL_BYTES;

/// One stream of raw output.
#[derive(Debug)]
pub(super) struct LogStream {
    pub(super) name: &'static str,
    pub(super) file: &'static str,
    pub(super) offset: u64,
    pub(super) disabled: bool,
}

impl Shipper {
    /// Ships one piece of a log; returns whether there was one.
    pub(super) fn ship_log(&mut self, client: &Client, index: usize) -> Result<bool, Stop> {
        let (run, attempt) = self.who();
        let log = &mut self.logs[index];
        if log.disabled {
            return Ok(false);
        }
        let path = self.dir.file(log.file);
        // Of a flood only the first and the last part are of use to anybody.
        let end = size_of(&path);
        if log.offset >= limits::LOG_HEAD_BYTES && end - log.offset.min(end) > LOG_BEHIND_MAX_BYTES
        {
            let to = end - limits::LOG_TAIL_BYTES;
            match client.attempt_log_skip(&run, attempt, log.name, to) {
                Ok(reply) => {
                    log.offset = reply.size.max(log.offset);
                    return Ok(true);
                }
                // A hub that cannot do it gets everything.
                Err(error) => {
                    if let Some(stop) = stop_of(error) {
                        return Err(stop);
                    }
                }
            }
        }
        let bytes = read_piece(&path, log.offset, LOG_PIECE_BYTES).map_err(Stop::Local)?;
        if bytes.is_empty() {
            return Ok(false);
        }
        match client.attempt_log(&run, attempt, log.name, log.offset, &bytes) {
            Ok(reply) => {
                // An answer that does not move on would be sent for ever.
                log.offset = reply.size.max(log.offset + bytes.len() as u64);
                self.shared
                    .shipped_bytes
                    .fetch_add(bytes.len() as u64, Ordering::AcqRel);
                self.misaligned = 0;
                let (name, offset) = (log.name.to_owned(), log.offset);
                self.record.change(|file| {
                    file.offsets.insert(name, offset);
                });
                Ok(true)
            }
            Err(error) => {
                if let Some(expected) = error.misaligned() {
                    log.offset = expected;
                    self.count_misaligned(error)?;
                    return Ok(true);
                }
                if let Some(stop) = stop_of(error.clone()) {
                    return Err(stop);
                }
                log.disabled = true;
                let message = format!("{} is not shipped any further: {error}", log.name);
                self.journal.note(&message);
                self.own.warn(message);
                Ok(true)
            }
        }
    }
}
