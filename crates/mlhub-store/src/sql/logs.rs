//! Captured output, byte for byte, in pieces.

use std::collections::BTreeMap;

use async_trait::async_trait;
use mlhub_core::store::{LogOutcome, LogStore};
use mlhub_core::{Error, ErrorKind, Result, RunId, limits};

use super::seam::{Backend, Tx};
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

async fn append(tx: &mut dyn Tx, stream: &Stream, bytes: &[u8]) -> Result<LogOutcome> {
    let run = runs::lock(tx, &stream.run).await?.seq;
    attempts::exists(tx, &stream.run, run, stream.attempt).await?;
    let key = [
        run.into(),
        stream.attempt.into(),
        stream.name.as_str().into(),
    ];
    let rows = tx
        .query(
            "SELECT size_bytes FROM log_stream WHERE run = $1 AND attempt = $2 AND stream = $3",
            &key,
        )
        .await?;
    let size = rows.into_iter().next().map_or(Ok(0), |mut row| row.i64())?;
    if stream.offset > size {
        return Ok(LogOutcome::Misaligned(size.cast_unsigned()));
    }
    let skip = usize::try_from(size - stream.offset).unwrap_or(usize::MAX);
    let fresh = bytes.get(skip..).unwrap_or_default();
    if fresh.is_empty() {
        return Ok(LogOutcome::Stored(size.cast_unsigned()));
    }
    let end = size + fresh.len() as i64;
    let [run, attempt, name] = key;
    tx.execute(
        "INSERT INTO log_piece (run, attempt, stream, start_offset, body) \
         VALUES ($1, $2, $3, $4, $5)",
        &[
            run.clone(),
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
        &[run, attempt, name, end.into()],
    )
    .await?;
    Ok(LogOutcome::Stored(end.cast_unsigned()))
}

async fn read(tx: &mut dyn Tx, stream: &Stream, limit: usize) -> Result<Vec<u8>> {
    let Some(run) = runs::seq_of(tx, &stream.run).await? else {
        return Ok(Vec::new());
    };
    let end = stream.offset.saturating_add(limit as i64);
    let rows = tx
        .query(
            "SELECT start_offset, body FROM log_piece \
             WHERE run = $1 AND attempt = $2 AND stream = $3 AND start_offset < $4 \
             AND start_offset >= coalesce((SELECT max(start_offset) FROM log_piece \
             WHERE run = $1 AND attempt = $2 AND stream = $3 AND start_offset <= $5), 0) \
             ORDER BY start_offset",
            &[
                run.into(),
                stream.attempt.into(),
                stream.name.as_str().into(),
                end.into(),
                stream.offset.into(),
            ],
        )
        .await?;
    let mut bytes = Vec::new();
    for mut row in rows {
        let (start, body) = (row.i64()?, row.blob()?);
        let skip = usize::try_from(stream.offset - start).unwrap_or(0);
        bytes.extend_from_slice(body.get(skip..).unwrap_or_default());
    }
    bytes.truncate(limit);
    Ok(bytes)
}
