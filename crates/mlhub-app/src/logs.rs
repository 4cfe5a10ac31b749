//! Captured output of attempts, byte for byte: appended by supervisors, read by
//! people. Nothing is interpreted here; a page that shows logs escapes them.

use mlhub_core::run::Run;
use mlhub_core::store::LogOutcome;
use mlhub_core::{Caller, Error, ErrorKind, Permission, Result, RunId, limits};

use crate::Hub;

/// Which bytes of a stream to read.
#[derive(Debug, Clone, Copy)]
pub struct LogRange {
    /// The attempt; the newest when absent.
    pub attempt: Option<u32>,
    /// First byte; ignored with `tail`.
    pub offset: u64,
    /// Read the last `limit` bytes.
    pub tail: bool,
    /// Bytes at most.
    pub limit: usize,
}

impl Hub {
    /// Appends captured output.
    pub async fn attempt_log(
        &self,
        caller: &Caller,
        run: &RunId,
        number: u32,
        stream: &str,
        offset: u64,
        bytes: &[u8],
    ) -> Result<LogOutcome> {
        caller.require(Permission::Write)?;
        check_stream(stream)?;
        if bytes.len() > limits::LOG_BODY_MAX_BYTES {
            return Err(Error::new(
                ErrorKind::TooLarge,
                "the piece of log is larger than 4 MiB",
            ));
        }
        if i64::try_from(offset).is_err() {
            return Err(Error::invalid("`offset` is out of range"));
        }
        self.run_exact(run).await?;
        let _told = self.telling(run, &["logs"]);
        self.store
            .log_append(run, number, stream, offset, bytes)
            .await
    }

    /// Captured streams of a run: attempt, stream, stored bytes.
    pub async fn log_list(&self, caller: &Caller, text: &str) -> Result<Vec<(u32, String, u64)>> {
        let run = self.run_resolve(caller, text).await?;
        let mut streams = Vec::new();
        for attempt in self.store.attempt_list(&run.id).await? {
            for (stream, size) in self.store.log_sizes(&run.id, attempt.number).await? {
                streams.push((attempt.number, stream, size));
            }
        }
        Ok(streams)
    }

    /// Leaves out output up to `to`, where the stream goes on: of a flood only
    /// the first and the last part are kept.
    pub async fn attempt_log_skip(
        &self,
        caller: &Caller,
        run: &RunId,
        number: u32,
        stream: &str,
        to: u64,
    ) -> Result<LogOutcome> {
        caller.require(Permission::Write)?;
        check_stream(stream)?;
        self.run_exact(run).await?;
        let _told = self.telling(run, &["logs"]);
        self.store.log_skip(run, number, stream, to).await
    }

    /// Bytes of one stream and where they stand.
    pub async fn log_read(
        &self,
        caller: &Caller,
        text: &str,
        stream: &str,
        range: LogRange,
    ) -> Result<LogBytes> {
        let run = self.run_resolve(caller, text).await?;
        check_stream(stream)?;
        let number = attempt_of(&run, range.attempt)?;
        let sizes = self.store.log_sizes(&run.id, number).await?;
        let size = sizes.get(stream).copied().unwrap_or(0);
        let limit = range.limit.clamp(1, limits::LOG_READ_MAX_BYTES);
        let offset = if range.tail {
            size.saturating_sub(limit as u64)
        } else {
            range.offset.min(size)
        };
        let gaps = self.store.log_gaps(&run.id, number).await?;
        let gap = gaps.get(stream).copied();
        let mut next = offset;
        let mut bytes = Vec::new();
        if let Some((start, end)) = gap.filter(|(start, end)| (*start..*end).contains(&offset)) {
            bytes = gap_marker(end - start);
            next = end;
        }
        let read = self.store.log_read(&run.id, number, stream, next, limit);
        let read = read.await?;
        next += read.len() as u64;
        bytes.extend_from_slice(&read);
        Ok(LogBytes {
            offset,
            next,
            size,
            bytes,
        })
    }
}

/// A part of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogBytes {
    /// Where it begins.
    pub offset: u64,
    /// Where the next part begins.
    pub next: u64,
    /// The stream's length, what was left out included.
    pub size: u64,
    /// The bytes; a marker stands for what was left out.
    pub bytes: Vec<u8>,
}

/// What stands for bytes that are not kept, on a line of its own.
fn gap_marker(left_out_bytes: u64) -> Vec<u8> {
    format!("\n[mlhub: {left_out_bytes} bytes of output are not kept]\n").into_bytes()
}

/// The attempt asked for, or the newest.
pub(crate) fn attempt_of(run: &Run, asked: Option<u32>) -> Result<u32> {
    let number = asked.unwrap_or(run.attempt);
    if number == 0 || number > run.attempt {
        return Err(Error::not_found("attempt", format!("{}/{number}", run.id)));
    }
    Ok(number)
}

pub(crate) fn check_stream(stream: &str) -> Result<()> {
    if matches!(stream, "stdout" | "stderr") {
        Ok(())
    } else {
        Err(Error::invalid("a log stream is `stdout` or `stderr`"))
    }
}
