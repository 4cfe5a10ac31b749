//! Captured output, byte for byte, in pieces.

use std::collections::BTreeMap;

use async_trait::async_trait;
use mlhub_core::store::{LogOutcome, LogStore};
use mlhub_core::{Error, ErrorKind, Result, RunId, limits};

use super::seam::{Backend, Tx, Value};
use super::{SqlStore, attempts, runs};
use crate::check;

struct Stream {
    run: RunId,
    attempt: u32,
    name: String,
    offset: i64,
}

fn stream(run: &RunId, attempt: u32, name: &str, offset: u64) -> Result<Stream> {
    check::name("the log stream", name)?;
    Ok(Stream {
        run: run.clone(),
        attempt,
        name: name.to_owned(),
        offset: check::offset("the log offset", offset)?,
    })
}

#[async_trait]
impl<B: Backend> LogStore for SqlStore<B> {
    async fn log_append(
        &self,
        run: &RunId,
        attempt: u32,
        stream_name: &str,
        offset: u64,
        bytes: &[u8],
    ) -> Result<LogOutcome> {
        if bytes.len() > limits::LOG_BODY_MAX_BYTES {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "a piece of log has {} bytes; at most {} are stored at once",
                    bytes.len(),
                    limits::LOG_BODY_MAX_BYTES
                ),
            ));
        }
        check::offset("the log's end", offset.saturating_add(bytes.len() as u64))?;
        let input = (stream(run, attempt, stream_name, offset)?, bytes.to_vec());
        self.write("store log", input, |tx, (stream, bytes)| {
            Box::pin(append(tx, stream, bytes))
        })
        .await
    }

    async fn log_skip(
        &self,
        run: &RunId,
        attempt: u32,
        stream_name: &str,
        to: u64,
    ) -> Result<LogOutcome> {
        let input = stream(run, attempt, stream_name, to)?;
        self.write("leave out log", input, |tx, stream| {
            Box::pin(skip(tx, stream))
        })
        .await
    }

    async fn log_gaps(&self, run: &RunId, attempt: u32) -> Result<BTreeMap<String, (u64, u64)>> {
        let input = (run.clone(), attempt);
        self.read("read log gaps", input, |tx, (run, attempt)| {
            Box::pin(async move {
                let sql = "SELECT s.stream, s.gap_start, s.gap_end FROM log_stream s \
                           JOIN run r ON r.seq = s.run WHERE r.id = $1 AND s.attempt = $2 \
                           AND s.gap_end IS NOT NULL";
                let values = [run.as_str().into(), (*attempt).into()];
                let rows = tx.query(sql, &values).await?;
                rows.into_iter()
                    .map(|mut row| Ok((row.text()?, (row.int()?, row.int()?))))
                    .collect()
            })
        })
        .await
    }

    async fn log_sizes(&self, run: &RunId, attempt: u32) -> Result<BTreeMap<String, u64>> {
        self.read(
            "read log sizes",
            (run.clone(), attempt),
            |tx, (run, attempt)| {
                Box::pin(async move {
                    let sql = "SELECT s.stream, s.size_bytes FROM log_stream s \
                           JOIN run r ON r.seq = s.run WHERE r.id = $1 AND s.attempt = $2";
                    let rows = tx
                        .query(sql, &[run.as_str().into(), (*attempt).into()])
                        .await?;
                    rows.into_iter()
                        .map(|mut row| Ok((row.text()?, row.int()?)))
                        .collect()
                })
            },
        )
        .await
    }

    async fn log_read(
        &self,
        run: &RunId,
        attempt: u32,
        stream_name: &str,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<u8>> {
        // Past the last offset that can be stored there is nothing.
        let offset = offset.min(i64::MAX.cast_unsigned());
        let input = (
            stream(run, attempt, stream_name, offset)?,
            limit.min(limits::LOG_READ_MAX_BYTES),
        );
        self.read("read log", input, |tx, (stream, limit)| {
            Box::pin(read(tx, stream, *limit))
        })
        .await
    }
}

const HEAD: i64 = limits::LOG_HEAD_BYTES.cast_signed();
const TAIL: i64 = limits::LOG_TAIL_BYTES.cast_signed();

/// What is stored of a stream.
struct Standing {
    run: i64,
    size: i64,
    gap_start: Option<i64>,
}

/// Locks the run and looks at the stream.
async fn standing(tx: &mut dyn Tx, stream: &Stream) -> Result<Standing> {
    let run = runs::lock(tx, &stream.run).await?.seq;
    attempts::exists(tx, &stream.run, run, stream.attempt).await?;
    let sql = "SELECT size_bytes, gap_start FROM log_stream \
               WHERE run = $1 AND attempt = $2 AND stream = $3";
    let rows = tx.query(sql, &key(run, stream)).await?;
    let (size, gap_start) = match rows.into_iter().next() {
        Some(mut row) => (row.i64()?, row.optional_i64()?),
        None => (0, None),
    };
    Ok(Standing {
        run,
        size,
        gap_start,
    })
}

fn key(run: i64, stream: &Stream) -> [Value; 3] {
    [
        run.into(),
        stream.attempt.into(),
        stream.name.as_str().into(),
    ]
}

async fn append(tx: &mut dyn Tx, stream: &Stream, bytes: &[u8]) -> Result<LogOutcome> {
    let Standing {
        run,
        size,
        gap_start,
    } = standing(tx, stream).await?;
    if stream.offset > size {
        return Ok(LogOutcome::Misaligned(size.cast_unsigned()));
    }
    let skip = usize::try_from(size - stream.offset).unwrap_or(usize::MAX);
    let fresh = bytes.get(skip..).unwrap_or_default();
    if fresh.is_empty() {
        return Ok(LogOutcome::Stored(size.cast_unsigned()));
    }
    let end = size + fresh.len() as i64;
    let [key_run, attempt, name] = key(run, stream);
    tx.execute(
        "INSERT INTO log_piece (run, attempt, stream, start_offset, body) \
         VALUES ($1, $2, $3, $4, $5)",
        &[
            key_run.clone(),
            attempt.clone(),
            name.clone(),
            size.into(),
            fresh.to_vec().into(),
        ],
    )
    .await?;
    tx.execute(
        "INSERT INTO log_stream (run, attempt, stream, size_bytes) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (run, attempt, stream) DO UPDATE SET size_bytes = excluded.size_bytes",
        &[key_run, attempt, name, end.into()],
    )
    .await?;
    if end > HEAD + TAIL {
        cut(tx, run, stream, gap_start, end - TAIL).await?;
    }
    Ok(LogOutcome::Stored(end.cast_unsigned()))
}

/// Leaves out the pieces past the head that lie wholly before `keep_from`.
async fn cut(
    tx: &mut dyn Tx,
    run: i64,
    stream: &Stream,
    gap_start: Option<i64>,
    keep_from: i64,
) -> Result<()> {
    let of_stream = key(run, stream);
    let with = |more: &[i64]| {
        let more = more.iter().map(|value| Value::from(*value));
        of_stream.iter().cloned().chain(more).collect::<Vec<_>>()
    };
    let first_kept = one(
        tx,
        "SELECT max(start_offset) FROM log_piece \
         WHERE run = $1 AND attempt = $2 AND stream = $3 AND start_offset <= $4",
        &with(&[keep_from]),
    )
    .await?;
    let Some(first_kept) = first_kept.filter(|first| *first >= HEAD) else {
        return Ok(());
    };
    let gone = tx
        .execute(
            "DELETE FROM log_piece WHERE run = $1 AND attempt = $2 AND stream = $3 \
             AND start_offset >= $4 AND start_offset < $5",
            &with(&[HEAD, first_kept]),
        )
        .await?;
    if gone == 0 && gap_start.is_none() {
        return Ok(());
    }
    let start = match gap_start {
        Some(start) => start,
        None => head_end(tx, &of_stream).await?,
    };
    set_gap(tx, &of_stream, start, first_kept).await
}

/// Where the kept first part ends.
async fn head_end(tx: &mut dyn Tx, of_stream: &[Value; 3]) -> Result<i64> {
    let [run, attempt, name] = of_stream.clone();
    let end = one(
        tx,
        "SELECT CAST(max(start_offset + octet_length(body)) AS BIGINT) FROM log_piece \
         WHERE run = $1 AND attempt = $2 AND stream = $3 AND start_offset < $4",
        &[run, attempt, name, HEAD.into()],
    )
    .await?;
    Ok(end.unwrap_or(0))
}

async fn set_gap(tx: &mut dyn Tx, of_stream: &[Value; 3], start: i64, end: i64) -> Result<()> {
    let [run, attempt, name] = of_stream.clone();
    tx.execute(
        "UPDATE log_stream SET gap_start = $1, gap_end = $2 \
         WHERE run = $3 AND attempt = $4 AND stream = $5",
        &[start.into(), end.into(), run, attempt, name],
    )
    .await
    .map(|_| ())
}

async fn skip(tx: &mut dyn Tx, stream: &Stream) -> Result<LogOutcome> {
    let Standing {
        run,
        size,
        gap_start,
    } = standing(tx, stream).await?;
    let to = stream.offset;
    if size < HEAD {
        return Ok(LogOutcome::Misaligned(size.cast_unsigned()));
    }
    if to <= size {
        return Ok(LogOutcome::Stored(size.cast_unsigned()));
    }
    let of_stream = key(run, stream);
    let [key_run, attempt, name] = of_stream.clone();
    tx.execute(
        "DELETE FROM log_piece WHERE run = $1 AND attempt = $2 AND stream = $3 \
         AND start_offset >= $4",
        &[key_run.clone(), attempt.clone(), name.clone(), HEAD.into()],
    )
    .await?;
    let start = match gap_start {
        Some(start) => start,
        None => head_end(tx, &of_stream).await?,
    };
    set_gap(tx, &of_stream, start, to).await?;
    tx.execute(
        "UPDATE log_stream SET size_bytes = $1 WHERE run = $2 AND attempt = $3 AND stream = $4",
        &[to.into(), key_run, attempt, name],
    )
    .await?;
    Ok(LogOutcome::Stored(to.cast_unsigned()))
}

/// The number of a query of one row and one column.
async fn one(tx: &mut dyn Tx, sql: &str, values: &[Value]) -> Result<Option<i64>> {
    let rows = tx.query(sql, values).await?;
    let row = rows.into_iter().next();
    row.map_or(Ok(None), |mut row| row.optional_i64())
}

async fn read(tx: &mut dyn Tx, stream: &Stream, limit: usize) -> Result<Vec<u8>> {
    let Some(run) = runs::seq_of(tx, &stream.run).await? else {
        return Ok(Vec::new());
    };
    let end = stream.offset.saturating_add(limit as i64);
    let [key_run, attempt, name] = key(run, stream);
    let rows = tx
        .query(
            "SELECT start_offset, body FROM log_piece \
             WHERE run = $1 AND attempt = $2 AND stream = $3 AND start_offset < $4 \
             AND start_offset >= coalesce((SELECT max(start_offset) FROM log_piece \
             WHERE run = $1 AND attempt = $2 AND stream = $3 AND start_offset <= $5), 0) \
             ORDER BY start_offset",
            &[key_run, attempt, name, end.into(), stream.offset.into()],
        )
        .await?;
    let mut bytes = Vec::new();
    for mut row in rows {
        let (start, body) = (row.i64()?, row.blob()?);
        let next = stream.offset + bytes.len() as i64;
        // Beyond is what comes after a gap.
        if start > next {
            break;
        }
        let skip = usize::try_from(next - start).unwrap_or(0);
        bytes.extend_from_slice(body.get(skip..).unwrap_or_default());
    }
    bytes.truncate(limit);
    Ok(bytes)
}
