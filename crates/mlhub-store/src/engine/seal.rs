//! Sealing: tails become chunks.
//!
//! Compression happens aside, on points that were copied; only the insertion of
//! finished chunks waits in line with the commits.

use std::collections::BTreeSet;
use std::time::Instant;

use mlhub_core::Result;
use mlhub_core::metric::Point;
use mlhub_series::{ChunkStats, Rollup, encode};

use super::bounds;
use super::flush::{check_epoch, existing};
use super::memory::Memory;
use super::run_state::PartKey;
use super::stats;
use super::tail::{Cut, ROLLUP_POINTS, chunk_sizes};
use crate::sql::Tx;
use crate::sql::text::insert_rows;

/// A chunk that is ready to be stored.
#[derive(Debug, Clone)]
pub(super) struct Sealed {
    start: u64,
    points: u64,
    step_max: i64,
    stats: Vec<u8>,
    body: Vec<u8>,
    rollup: Vec<u8>,
}

/// The chunks of one tail.
#[derive(Debug, Clone)]
pub(super) struct SealedTail {
    pub(super) key: PartKey,
    replaces: Option<i64>,
    chunks: Vec<Sealed>,
}

/// Picks tails to seal: full ones first, then those that must not wait.
pub(super) fn pick(memory: &mut Memory, everything: bool) -> Vec<(PartKey, Cut)> {
    let mut picked: Vec<(PartKey, Cut)> = Vec::new();
    let mut points = 0;
    let mut take = |memory: &Memory, key: PartKey, all: bool| {
        if let Some(cut) = memory.tail(key).and_then(|tail| tail.cut(all)) {
            points += cut.points.len();
            picked.push((key, cut));
        }
        points < bounds::SEAL_POINTS_MAX
    };
    let mut room = true;
    while room && let Some(key) = memory.full_pop() {
        room = take(memory, key, false);
    }
    if room {
        for key in memory.to_seal(Instant::now(), bounds::SEAL_PARTS_MAX, everything) {
            if !take(memory, key, true) {
                break;
            }
        }
    }
    // A full tail may have been picked twice: whole chunks, then all of it.
    picked.sort_by_key(|(key, cut)| (*key, std::cmp::Reverse(cut.points.len())));
    picked.dedup_by_key(|(key, _)| *key);
    picked
}

/// Compresses what was picked.
pub(super) fn compress(picked: Vec<(PartKey, Cut)>) -> Vec<SealedTail> {
    picked
        .into_iter()
        .map(|(key, cut)| SealedTail {
            key,
            replaces: cut.replaces,
            chunks: chunks(cut.start, &cut.points),
        })
        .collect()
}

/// Cuts points, of which the first is the `start`-th of its attempt's series,
/// into chunks and compresses them.
pub(super) fn chunks(start: u64, points: &[Point]) -> Vec<Sealed> {
    let mut sealed = Vec::new();
    let mut rest = points;
    let mut place = start;
    for size in chunk_sizes(start, points.len()) {
        let (piece, after) = rest.split_at(size);
        sealed.extend(seal(place, piece));
        rest = after;
        place += size as u64;
    }
    sealed
}

fn seal(start: u64, points: &[Point]) -> Option<Sealed> {
    let rollup = Rollup::of(start, points);
    let summary: ChunkStats = rollup.stats()?;
    Some(Sealed {
        start,
        points: points.len() as u64,
        step_max: summary.step_max,
        stats: stats::encode(&summary),
        body: encode(points),
        rollup: rollup.encode(),
    })
}

/// Stores chunks, unless some of their runs are gone: those are returned, with
/// the number of the first chunk.
pub(super) async fn store(
    tx: &mut dyn Tx,
    epoch: i64,
    tails: &[SealedTail],
) -> Result<(i64, Vec<i64>)> {
    check_epoch(tx, epoch).await?;
    let runs: BTreeSet<i64> = tails.iter().map(|tail| tail.key.run).collect();
    let there = existing(tx, runs.iter().copied()).await?;
    let mut first_id = 0;
    if there.len() == runs.len() {
        first_id = insert(tx, tails).await?;
    }
    Ok((first_id, runs.difference(&there).copied().collect()))
}

/// Stores chunks and removes those they replace; the number of the first.
pub(super) async fn insert(tx: &mut dyn Tx, tails: &[SealedTail]) -> Result<i64> {
    let last = tx
        .query("SELECT coalesce(max(id), 0) FROM chunk", &[])
        .await?;
    let last: i64 = last.into_iter().next().map_or(Ok(0), |mut row| row.i64())?;
    let first_id = last + 1;
    let (mut rows, mut bodies, mut rollups) = (Vec::new(), Vec::new(), Vec::new());
    let mut id = first_id;
    for tail in tails {
        if let Some(replaced) = tail.replaces {
            tx.execute("DELETE FROM chunk WHERE id = $1", &[replaced.into()])
                .await?;
        }
        for chunk in &tail.chunks {
            rows.push(vec![
                id.into(),
                tail.key.run.into(),
                tail.key.label.into(),
                tail.key.attempt.into(),
                chunk.start.cast_signed().into(),
                chunk.points.cast_signed().into(),
                chunk.step_max.into(),
                chunk.stats.clone().into(),
            ]);
            bodies.push(vec![id.into(), chunk.body.clone().into()]);
            rollups.push(vec![id.into(), chunk.rollup.clone().into()]);
            id += 1;
        }
    }
    let head = "INSERT INTO chunk (id, run, label, attempt, start_index, points, step_max, stats)";
    insert_rows(tx, head, rows, "").await?;
    insert_rows(tx, "INSERT INTO chunk_body (id, body)", bodies, "").await?;
    insert_rows(tx, "INSERT INTO chunk_rollup (id, body)", rollups, "").await?;
    Ok(first_id)
}

/// Takes into memory that the chunks are stored.
pub(super) fn apply(memory: &mut Memory, first_id: i64, tails: &[SealedTail]) {
    let mut id = first_id;
    for tail in tails {
        id += tail.chunks.len() as i64;
        if let Some(last) = tail.chunks.last() {
            let end = last.start + last.points;
            let partial = (end % ROLLUP_POINTS != 0).then_some(id - 1);
            memory.sealed(tail.key, end, partial);
        }
    }
}

impl SealedTail {
    /// Chunks of an attempt's series, and the one they replace.
    pub(super) fn new(key: PartKey, replaces: Option<i64>, chunks: Vec<Sealed>) -> Self {
        Self {
            key,
            replaces,
            chunks,
        }
    }

    /// Whether the tail is as it was when it was picked, apart from new points.
    pub(super) fn is_still_due(&self, memory: &Memory) -> bool {
        let start = self.chunks.first().map(|chunk| chunk.start);
        let last = self.chunks.last();
        let end = last.map_or(0, |chunk| chunk.start + chunk.points);
        memory.tail(self.key).is_some_and(|tail| {
            start == Some(tail.start()) && end > tail.durable() && tail.partial() == self.replaces
        })
    }
}
