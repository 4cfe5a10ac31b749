//! Reading the engine's state back: the log at the start, a run at its first touch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use ahash::{HashMap, HashSet};
use mlhub_core::metric::Point;
use mlhub_core::{Error, ErrorKind, Result, RunId};

use super::bounds;
use super::fold::{self, Fold};
use super::log::{self, Entry, LogError, Place};
use super::memory::Memory;
use super::repair;
use super::run_state::{Arrival, PartKey, RunState, SeriesState};
use super::tail::{ROLLUP_POINTS, Tail};
use crate::sql::text::query_in;
use crate::sql::{Tx, Value, attempts};

/// Which run to read.
#[derive(Debug, Clone)]
pub(super) enum Which {
    /// By its id.
    Id(RunId),
    /// By its number.
    Seq(i64),
}

/// Takes the database over and reads all that is not in its tables yet.
pub(super) async fn all(tx: &mut dyn Tx) -> Result<Memory> {
    tx.execute("UPDATE engine SET epoch = epoch + 1 WHERE id = 1", &[])
        .await?;
    let rows = tx
        .query("SELECT epoch FROM engine WHERE id = 1", &[])
        .await?;
    let mut row = rows
        .into_iter()
        .next()
        .ok_or_else(|| Error::internal("open the engine", "its row is missing"))?;
    again(tx, row.i64()?).await
}

/// Reads all that is not in its tables yet; this hub owns the database by `epoch`.
pub(super) async fn again(tx: &mut dyn Tx, epoch: i64) -> Result<Memory> {
    let flushed_seq = number(tx, "SELECT flushed_seq FROM engine WHERE id = 1").await?;
    let mut memory = Memory::new(epoch, flushed_seq);
    if replay(tx, &mut memory, Damage::SetAside).await? {
        // What follows a lost row counts on from before it: written anew, so that
        // the places in the log are those in the chunks again.
        repair::rewrite(tx, &mut memory).await?;
    }
    Ok(memory)
}

/// Reads all that is not in its tables yet, to look at it: nothing is written, so
/// a damaged row is an error.
pub(super) async fn snapshot(tx: &mut dyn Tx) -> Result<Memory> {
    let flushed_seq = number(tx, "SELECT flushed_seq FROM engine WHERE id = 1").await?;
    let mut memory = Memory::new(0, flushed_seq);
    replay(tx, &mut memory, Damage::Refuse).await?;
    Ok(memory)
}

/// What becomes of a damaged row of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    SetAside,
    Refuse,
}

async fn number(tx: &mut dyn Tx, sql: &str) -> Result<i64> {
    let rows = tx.query(sql, &[]).await?;
    rows.into_iter().next().map_or(Ok(0), |mut row| row.i64())
}

/// Reads the log into memory. Returns whether a row of it was damaged.
async fn replay(tx: &mut dyn Tx, memory: &mut Memory, damage: Damage) -> Result<bool> {
    let mut damaged = false;
    let now = Instant::now();
    let mut after = i64::MIN;
    let mut absent: HashSet<i64> = HashSet::default();
    loop {
        let rows = tx
            .query(
                "SELECT seq, body FROM ingest_log WHERE seq > $1 ORDER BY seq LIMIT $2",
                &[after.into(), bounds::REPLAY_ROWS.into()],
            )
            .await?;
        if rows.is_empty() {
            return Ok(damaged);
        }
        for mut row in rows {
            let (seq, body) = (row.i64()?, row.blob()?);
            after = seq;
            let entries = match log::read(&body) {
                Ok(entries) => entries,
                Err(LogError::Damaged) if damage == Damage::Refuse => return Err(damaged_row(seq)),
                Err(LogError::Damaged) => {
                    set_aside(tx, seq).await?;
                    damaged = true;
                    memory.next_seq = memory.next_seq.max(seq + 1);
                    continue;
                }
                Err(LogError::Version(version)) => return Err(newer(version)),
            };
            memory.log_put(seq, body.len() as u64);
            for entry in entries {
                if !absent.contains(&entry.run)
                    && !replay_entry(tx, memory, seq, &entry, now).await?
                {
                    // The run was removed; its rows of the log go with the others.
                    absent.insert(entry.run);
                }
            }
        }
    }
}

fn newer(version: u8) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "the ingest log has rows of version {version}: a newer mlhub has used this database. \
             Nothing was changed. Install that version or a newer one"
        ),
    )
}

fn damaged_row(seq: i64) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!(
            "row {seq} of the ingest log is damaged; restart the hub, which sets it aside and \
             serves the rest, then try again"
        ),
    )
}

/// Keeps a damaged row out of the way. What it held is reported, the rest serves.
async fn set_aside(tx: &mut dyn Tx, seq: i64) -> Result<()> {
    tracing::error!(
        seq,
        "a row of the ingest log is damaged: its batches are lost unless their senders still have them; \
         it was moved to the table ingest_log_damaged"
    );
    let key = [seq.into()];
    tx.execute(
        "INSERT INTO ingest_log_damaged (seq, body) SELECT seq, body FROM ingest_log WHERE seq = $1 \
         ON CONFLICT (seq) DO NOTHING",
        &key,
    )
    .await?;
    tx.execute("DELETE FROM ingest_log WHERE seq = $1", &key)
        .await?;
    Ok(())
}

/// Adds a batch of the log to memory; false when its run is gone.
async fn replay_entry(
    tx: &mut dyn Tx,
    memory: &mut Memory,
    seq: i64,
    entry: &Entry,
    now: Instant,
) -> Result<bool> {
    if memory.run_by_seq(entry.run).is_none() {
        match run(tx, &Which::Seq(entry.run)).await? {
            Some(run) => memory.run_put(run),
            None => return Ok(false),
        }
    }
    let names = names(tx, memory, entry).await?;
    let mut rests = Vec::with_capacity(entry.series.len());
    for (place, points) in &entry.series {
        let key = PartKey {
            run: entry.run,
            label: place.label,
            attempt: entry.attempt,
        };
        let end = memory.tail(key).map_or(0, Tail::end);
        if let Some(rest) = unsealed(points, *place, end) {
            warm(tx, memory, key).await?;
            rests.push((place.label, rest));
        }
    }
    let arrival = |label, points, folded| Arrival {
        label,
        name: &names[&label],
        points,
        folded,
    };
    // Folded apart: a row counts whole, whatever of it is sealed.
    let nothing = Some((Fold::default(), i64::MIN));
    let arrivals: Vec<Arrival<'_>> = rests
        .iter()
        .map(|(label, points)| arrival(*label, points, nothing))
        .collect();
    let stream = (&Arc::from(entry.writer.as_str()), entry.end);
    memory.add(seq, entry.run, entry.attempt, stream, &arrivals, now);
    if seq > memory.flushed_seq {
        let whole = entry.series.iter();
        let whole: Vec<Arrival<'_>> = whole
            .map(|(place, points)| arrival(place.label, points, None))
            .collect();
        memory.add_folded(entry.run, entry.attempt, &whole);
    }
    Ok(true)
}

/// The points of an entry's series that come after its first `end`, if any.
fn unsealed(points: &Arc<Vec<Point>>, place: Place, end: u64) -> Option<Arc<Vec<Point>>> {
    let known = usize::try_from(end.saturating_sub(place.first)).unwrap_or(usize::MAX);
    match points.get(known..)? {
        [] => None,
        _ if known == 0 => Some(Arc::clone(points)),
        rest => Some(Arc::new(rest.to_vec())),
    }
}

async fn warm(tx: &mut dyn Tx, memory: &mut Memory, key: PartKey) -> Result<()> {
    let Some(chunk) = memory.tail(key).and_then(Tail::cold_chunk) else {
        return Ok(());
    };
    warm_with(memory, key, chunk_points(tx, chunk).await)
}

/// Takes the points of the short chunk at the end of a series into its tail. One
/// that cannot be read is told and left as it is: what comes later still counts.
pub(super) fn warm_with(
    memory: &mut Memory,
    key: PartKey,
    points: Result<Vec<Point>>,
) -> Result<()> {
    let warmed = points.and_then(|points| memory.warm(key, points));
    match warmed {
        Err(error) if error.kind() == ErrorKind::Internal => {
            tracing::error!(
                run = key.run, label = key.label, attempt = key.attempt, error = %error,
                cause = ?std::error::Error::source(&error),
                "the last chunk of a series cannot be read; it is left as it is, and what is \
                 logged from now on comes behind it"
            );
            memory.skip_chunk(key);
            Ok(())
        }
        done => done,
    }
}

/// The points of one chunk.
pub(super) async fn chunk_points(tx: &mut dyn Tx, chunk: i64) -> Result<Vec<Point>> {
    let mut found = chunks_points(tx, &[chunk]).await?;
    found
        .remove(&chunk)
        .unwrap_or_else(|| Err(Error::internal(READ_CHUNK, "its body is missing")))
}

/// What is being done when a chunk is read.
const READ_CHUNK: &str = "read a chunk of points";

/// The points of chunks; those without a body are left out.
pub(super) async fn chunks_points(
    tx: &mut dyn Tx,
    chunks: &[i64],
) -> Result<BTreeMap<i64, Result<Vec<Point>>>> {
    let ids: Vec<Value> = chunks.iter().map(|id| (*id).into()).collect();
    let sql = "SELECT id, body FROM chunk_body WHERE id IN ";
    let rows = query_in(tx, sql, &ids, "").await?;
    rows.into_iter()
        .map(|mut row| {
            let (id, body) = (row.i64()?, row.blob()?);
            let points = mlhub_series::decode(&body);
            Ok((
                id,
                points.map_err(|error| Error::internal(READ_CHUNK, error)),
            ))
        })
        .collect()
}

/// Names of the labels of an entry.
async fn names(tx: &mut dyn Tx, memory: &Memory, entry: &Entry) -> Result<HashMap<i64, Arc<str>>> {
    let mut names: HashMap<i64, Arc<str>> = HashMap::default();
    let mut unknown = Vec::new();
    let run = memory.run_by_seq(entry.run);
    for (place, _) in &entry.series {
        match run.and_then(|run| run.series.get(&place.label)) {
            Some(series) => drop(names.insert(place.label, Arc::clone(&series.name))),
            None => unknown.push(place.label),
        }
    }
    names.extend(label_names(tx, unknown).await?);
    match entry
        .series
        .iter()
        .find(|(place, _)| !names.contains_key(&place.label))
    {
        Some(_) => Err(Error::internal("read the ingest log", "a name is missing")),
        None => Ok(names),
    }
}

async fn label_names(
    tx: &mut dyn Tx,
    labels: impl IntoIterator<Item = i64>,
) -> Result<Vec<(i64, Arc<str>)>> {
    let labels: Vec<Value> = labels.into_iter().map(Value::from).collect();
    let rows = query_in(tx, "SELECT id, name FROM label WHERE id IN ", &labels, "").await?;
    rows.into_iter()
        .map(|mut row| Ok((row.i64()?, Arc::from(row.text()?))))
        .collect()
}

/// Reads a run whole: its attempts, streams, summaries, and where its series end.
pub(super) async fn run(tx: &mut dyn Tx, which: &Which) -> Result<Option<RunState>> {
    let found = match which {
        Which::Id(id) => {
            let sql = "SELECT seq, id FROM run WHERE id = $1";
            tx.query(sql, &[id.as_str().into()]).await?
        }
        Which::Seq(seq) => {
            let sql = "SELECT seq, id FROM run WHERE seq = $1";
            tx.query(sql, &[(*seq).into()]).await?
        }
    };
    let Some(mut row) = found.into_iter().next() else {
        return Ok(None);
    };
    let (seq, id) = (row.i64()?, row.parsed()?);
    let mut state = RunState {
        id,
        seq,
        attempts: attempts::resume_steps(tx, seq).await?,
        offsets: offsets(tx, seq).await?,
        names: HashMap::default(),
        series: summaries(tx, seq).await?,
        dirty_series: Vec::new(),
        dirty_offsets: HashSet::default(),
        touched: Instant::now(),
        ended: false,
        pinned: 0,
    };
    tails(tx, &mut state).await?;
    let names = state.series.iter();
    state.names = names
        .map(|(label, series)| (Arc::clone(&series.name), *label))
        .collect();
    Ok(Some(state))
}

/// Stored ends of the streams of a run.
pub(super) async fn offsets(tx: &mut dyn Tx, run: i64) -> Result<HashMap<(u32, Arc<str>), i64>> {
    let sql = "SELECT attempt, writer, end_offset FROM writer_offset WHERE run = $1";
    let rows = tx.query(sql, &[run.into()]).await?;
    rows.into_iter()
        .map(|mut row| Ok(((row.int()?, Arc::from(row.text()?)), row.i64()?)))
        .collect()
}

async fn summaries(tx: &mut dyn Tx, run: i64) -> Result<HashMap<i64, SeriesState>> {
    let sql = format!(
        "SELECT s.label, l.name, {} FROM summary s JOIN label l ON l.id = s.label WHERE s.run = $1",
        fold::COLUMNS
    );
    let rows = tx.query(&sql, &[run.into()]).await?;
    rows.into_iter()
        .map(|mut row| {
            let label = row.i64()?;
            let series = SeriesState {
                name: Arc::from(row.text()?),
                fold: Fold::read(&mut row)?,
                dirty: false,
                tails: Vec::new(),
            };
            Ok((label, series))
        })
        .collect()
}

/// Where the chunks of each series end, and the short ones at their ends.
async fn tails(tx: &mut dyn Tx, state: &mut RunState) -> Result<()> {
    let rows = tx
        .query(
            "SELECT label, attempt, max(start_index + points) FROM chunk WHERE run = $1 \
             GROUP BY label, attempt ORDER BY label, attempt",
            &[state.seq.into()],
        )
        .await?;
    let mut ends: BTreeMap<i64, Vec<(u32, u64)>> = BTreeMap::new();
    for mut row in rows {
        let label = row.i64()?;
        ends.entry(label)
            .or_default()
            .push((row.int()?, row.int()?));
    }
    let unnamed: Vec<i64> = ends
        .keys()
        .filter(|label| !state.series.contains_key(label))
        .copied()
        .collect();
    for (label, name) in label_names(tx, unnamed).await? {
        let series = SeriesState {
            name,
            fold: Fold::default(),
            dirty: false,
            tails: Vec::new(),
        };
        state.series.insert(label, series);
    }
    let partial = partials(tx, state.seq).await?;
    for (label, ends) in ends {
        let Some(series) = state.series.get_mut(&label) else {
            continue;
        };
        series.tails = ends
            .into_iter()
            .map(|(attempt, end)| {
                let chunk = partial.get(&(label, attempt, end)).copied();
                Tail::after(attempt, end, chunk)
            })
            .collect();
    }
    Ok(())
}

/// Chunks that do not end on the grid, with the place where each starts, by
/// label, attempt and the place where they end.
async fn partials(tx: &mut dyn Tx, run: i64) -> Result<HashMap<(i64, u32, u64), (i64, u64)>> {
    let sql = format!(
        "SELECT label, attempt, start_index, points, id FROM chunk \
         WHERE run = $1 AND (start_index + points) % {ROLLUP_POINTS} <> 0"
    );
    let rows = tx.query(&sql, &[run.into()]).await?;
    rows.into_iter()
        .map(|mut row| {
            let (label, attempt) = (row.i64()?, row.int()?);
            let (start, points): (u64, u64) = (row.int()?, row.int()?);
            Ok(((label, attempt, start + points), (row.i64()?, start)))
        })
        .collect()
}
