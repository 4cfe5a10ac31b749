//! What the engine holds in memory: runs that are being written, and which rows of
//! the log are still needed.
//!
//! Changed only while the engine's order is held, after the database took the
//! change; read at any time under a short lock. Points that no chunk covers are
//! pinned to their row of the log. Of a short chunk at the end of a series the
//! points are kept as well, since the next chunk replaces it; those rest here and
//! are let go first when memory is short.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use ahash::{HashMap, HashSet};
use mlhub_core::metric::Point;
use mlhub_core::{Error, Result, RunId};

use super::bounds::{self, Tuning};
use super::run_state::{Arrival, PartKey, RunState};
use super::tail::Tail;

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Memory {
    runs: HashMap<i64, RunState>,
    ids: HashMap<RunId, i64>,
    labels: HashMap<Arc<str>, i64>,
    /// Tails that need a row of the log, by the oldest row they need.
    pins: BTreeSet<(i64, PartKey)>,
    /// Tails whose points are in chunks as well.
    resting: BTreeSet<PartKey>,
    /// Sizes of the rows of the log that are still there.
    log: BTreeMap<i64, u64>,
    log_bytes: u64,
    /// Points in tails.
    tail_points: u64,
    series_count: usize,
    full: VecDeque<PartKey>,
    /// Runs with something to flush.
    dirty_runs: HashSet<i64>,
    /// The next row of the log.
    pub(super) next_seq: i64,
    /// Summaries and offsets of rows up to here are in their tables.
    pub(super) flushed_seq: i64,
    /// Proof that this hub owns the database.
    pub(super) epoch: i64,
    /// From where on it is too much.
    pub(super) tuning: Tuning,
}

impl Memory {
    /// Nothing yet, of a database at this place.
    pub(super) fn new(epoch: i64, flushed_seq: i64) -> Self {
        Self {
            next_seq: flushed_seq + 1,
            flushed_seq,
            epoch,
            ..Self::default()
        }
    }

    /// The run, if it is in memory.
    pub(super) fn run(&self, id: &RunId) -> Option<&RunState> {
        self.runs.get(self.ids.get(id)?)
    }

    /// The run of a number, if it is in memory.
    pub(super) fn run_by_seq(&self, seq: i64) -> Option<&RunState> {
        self.runs.get(&seq)
    }

    /// The number of a name, if it is remembered.
    pub(super) fn label(&self, name: &str) -> Option<(Arc<str>, i64)> {
        let (name, label) = self.labels.get_key_value(name)?;
        Some((Arc::clone(name), *label))
    }

    /// Remembers the number of a name.
    pub(super) fn label_put(&mut self, name: &Arc<str>, label: i64) {
        if self.labels.len() >= bounds::LABELS_IN_MEMORY {
            self.labels.clear();
        }
        self.labels.insert(Arc::clone(name), label);
    }

    /// Takes a run that was read from the database.
    pub(super) fn run_put(&mut self, run: RunState) {
        self.forget(run.seq);
        self.series_count += run.series.len();
        self.ids.insert(run.id.clone(), run.seq);
        self.runs.insert(run.seq, run);
    }

    /// Changes what is known of a run, when it is in memory.
    pub(super) fn run_change(&mut self, id: &RunId, change: impl FnOnce(&mut RunState)) {
        let run = self.ids.get(id).and_then(|seq| self.runs.get_mut(seq));
        if let Some(run) = run {
            change(run);
        }
    }

    /// Lets a run go, with all that is in memory of it.
    pub(super) fn forget(&mut self, seq: i64) {
        let Some(run) = self.runs.remove(&seq) else {
            return;
        };
        self.ids.remove(&run.id);
        self.dirty_runs.remove(&seq);
        self.series_count -= run.series.len();
        for (label, series) in &run.series {
            for tail in &series.tails {
                self.tail_points -= tail.len();
                let key = PartKey {
                    run: seq,
                    label: *label,
                    attempt: tail.attempt,
                };
                if let Some(oldest) = tail.oldest_seq() {
                    self.pins.remove(&(oldest, key));
                }
                if tail.is_resting() {
                    self.resting.remove(&key);
                }
            }
        }
    }

    /// Gives the points of the short chunk at its end back to a tail.
    pub(super) fn warm(&mut self, key: PartKey, points: Vec<Point>) -> Result<()> {
        let count = points.len() as u64;
        let tail = self
            .runs
            .get_mut(&key.run)
            .and_then(|run| run.tail_mut(key.label, key.attempt));
        if tail.is_some_and(|tail| tail.warm(points)) {
            self.tail_points += count;
            self.resting.insert(key);
            return Ok(());
        }
        Err(Error::internal(
            "read the end of a series",
            "a chunk holds another number of points than its row says",
        ))
    }

    /// Goes on behind the short chunk at the end of a series, which is damaged.
    pub(super) fn skip_chunk(&mut self, key: PartKey) {
        let run = self.runs.get_mut(&key.run);
        if let Some(tail) = run.and_then(|run| run.tail_mut(key.label, key.attempt)) {
            tail.skip_chunk();
        }
    }

    /// While memory is short, lets points go that are in chunks as well. Nobody
    /// is adding points meanwhile.
    pub(super) fn cool(&mut self) {
        if !self.memory_is_full() {
            return;
        }
        while self.tail_points > self.tuning.tail_points_seal / 2
            && let Some(key) = self.resting.pop_first()
        {
            let run = self.runs.get_mut(&key.run);
            if let Some(tail) = run.and_then(|run| run.tail_mut(key.label, key.attempt)) {
                let before = tail.len();
                tail.cool();
                self.tail_points -= before - tail.len();
            }
        }
    }

    /// Notes a row of the log.
    pub(super) fn log_put(&mut self, seq: i64, size_bytes: u64) {
        self.log.insert(seq, size_bytes);
        self.log_bytes += size_bytes;
        self.next_seq = seq + 1;
    }

    /// Adds a batch that row `seq` of the log holds. Its run is in memory.
    pub(super) fn add(
        &mut self,
        seq: i64,
        run: i64,
        attempt: u32,
        stream: (&Arc<str>, i64),
        arrivals: &[Arrival<'_>],
        now: Instant,
    ) {
        let Some(state) = self.runs.get_mut(&run) else {
            return;
        };
        let series_before = state.series.len();
        for arrival in arrivals {
            let key = PartKey {
                run,
                label: arrival.label,
                attempt,
            };
            let tail = state.tail_ensure(arrival.label, arrival.name, attempt);
            let pinned = tail.push(seq, arrival.points);
            if tail.is_full() && !tail.queued {
                tail.queued = true;
                self.full.push_back(key);
            }
            if pinned {
                self.pins.insert((seq, key));
                self.resting.remove(&key);
                state.pinned += 1;
            }
            self.tail_points += arrival.points.len() as u64;
            state.add_fold(attempt, arrival);
        }
        state.set_offset(attempt, stream.0, stream.1);
        state.touched = now;
        self.series_count += state.series.len() - series_before;
        self.dirty_runs.insert(run);
    }

    /// Adds to the summaries alone what a row of the log holds: its points are
    /// in chunks already. With [`Memory::add`], replays the log.
    pub(super) fn add_folded(&mut self, run: i64, attempt: u32, arrivals: &[Arrival<'_>]) {
        let Some(state) = self.runs.get_mut(&run) else {
            return;
        };
        for arrival in arrivals {
            state.tail_ensure(arrival.label, arrival.name, attempt);
            state.add_fold(attempt, arrival);
        }
        self.dirty_runs.insert(run);
    }

    /// Points of a tail are in chunks now.
    pub(super) fn sealed(&mut self, key: PartKey, end: u64, partial: Option<i64>) {
        let Some(run) = self.runs.get_mut(&key.run) else {
            return;
        };
        let Some(tail) = run.tail_mut(key.label, key.attempt) else {
            return;
        };
        let (before, len) = (tail.oldest_seq(), tail.len());
        tail.sealed(end, partial);
        self.tail_points -= len - tail.len();
        let after = tail.oldest_seq();
        if tail.is_resting() {
            self.resting.insert(key);
        }
        if tail.is_full() {
            tail.queued = true;
            self.full.push_back(key);
        }
        if let Some(before) = before {
            self.pins.remove(&(before, key));
            run.pinned -= 1;
        }
        if let Some(after) = after {
            self.pins.insert((after, key));
            run.pinned += 1;
        }
    }

    /// The next full tail.
    pub(super) fn full_pop(&mut self) -> Option<PartKey> {
        self.full.pop_front()
    }

    /// Sealing these failed: full ones wait again.
    pub(super) fn seal_again(&mut self, keys: impl Iterator<Item = PartKey>) {
        for key in keys {
            if self.tail(key).is_some_and(Tail::is_full) {
                self.full.push_back(key);
            }
        }
    }

    /// Tails to seal whole, the oldest first: those of ended and idle runs, and
    /// any while log or memory are beyond their bounds.
    pub(super) fn to_seal(&self, now: Instant, count: usize, everything: bool) -> Vec<PartKey> {
        let (log_is_long, memory_is_full) = (self.log_is_long(), self.memory_is_full());
        let is_due = |run: &RunState| {
            run.ended || now.saturating_duration_since(run.touched) >= self.tuning.idle
        };
        // Most times nothing is due, and there may be very many pins.
        let due = |run: &RunState| run.pinned > 0 && is_due(run);
        if !(everything || log_is_long || memory_is_full || self.runs.values().any(due)) {
            return Vec::new();
        }
        let mut log_bytes = self.log_bytes;
        let mut points = self.tail_points;
        let mut found = Vec::new();
        let mut freed = self.log.iter();
        let mut freed_to = 0;
        for (seq, key) in &self.pins {
            if found.len() >= count {
                break;
            }
            // Rows before this pin would be gone by now.
            while freed_to < *seq
                && let Some((row, size)) = freed.next()
            {
                freed_to = *row;
                if row < seq {
                    log_bytes -= size;
                }
            }
            let Some(run) = self.runs.get(&key.run) else {
                continue;
            };
            let beyond = log_is_long && log_bytes > self.tuning.log_bytes / 2
                || memory_is_full && points > self.tuning.tail_points_seal / 2;
            if everything || beyond || is_due(run) {
                found.push(*key);
                points -= run
                    .tail(key.label, key.attempt)
                    .map_or(0, Tail::len)
                    .min(points);
            }
        }
        found
    }

    /// Whether the log is beyond its bound.
    pub(super) fn log_is_long(&self) -> bool {
        self.log_bytes > self.tuning.log_bytes
    }

    /// Whether the tails are beyond the bound from which short ones are sealed.
    pub(super) fn memory_is_full(&self) -> bool {
        self.tail_points > self.tuning.tail_points_seal
    }

    /// Whether the tails are beyond the bound from which ingest waits.
    pub(super) fn has_no_room(&self) -> bool {
        self.tail_points > self.tuning.tail_points
    }

    /// Whether full tails wait for the sealer.
    pub(super) fn has_full(&self) -> bool {
        !self.full.is_empty()
    }

    /// The tail of a key.
    pub(super) fn tail(&self, key: PartKey) -> Option<&Tail> {
        self.runs.get(&key.run)?.tail(key.label, key.attempt)
    }

    /// Tails with points that no chunk covers.
    pub(super) fn unsealed(&self) -> impl Iterator<Item = PartKey> {
        self.pins.iter().map(|(_, key)| *key)
    }

    /// Runs with something to flush.
    pub(super) fn dirty(&self) -> impl Iterator<Item = &RunState> {
        self.dirty_runs.iter().filter_map(|seq| self.runs.get(seq))
    }

    /// Whether a flush would change anything.
    pub(super) fn needs_flush(&self) -> bool {
        !self.dirty_runs.is_empty()
            || self
                .log
                .first_key_value()
                .is_some_and(|(seq, _)| *seq <= self.trimmable())
    }

    /// The newest row of the log that nothing in memory needs, once all is flushed.
    pub(super) fn trimmable(&self) -> i64 {
        let last = self.next_seq - 1;
        self.pins.first().map_or(last, |(seq, _)| seq - 1)
    }

    /// All summaries and offsets are stored, and the log up to `trimmed` is gone.
    pub(super) fn flushed(&mut self, flushed_seq: i64, trimmed: i64) {
        self.flushed_seq = flushed_seq;
        for seq in std::mem::take(&mut self.dirty_runs) {
            if let Some(run) = self.runs.get_mut(&seq) {
                for label in std::mem::take(&mut run.dirty_series) {
                    if let Some(series) = run.series.get_mut(&label) {
                        series.dirty = false;
                    }
                }
                run.dirty_offsets.clear();
            }
        }
        let kept = self.log.split_off(&(trimmed + 1));
        let gone: u64 = self.log.values().sum();
        self.log = kept;
        self.log_bytes -= gone;
    }

    /// Lets clean runs go: ended ones, and while there are too many the ones
    /// that were written to longest ago.
    pub(super) fn let_go(&mut self) {
        let mut clean: Vec<(bool, Instant, i64)> = Vec::new();
        let crowded = self.runs.len() > bounds::RUNS_IN_MEMORY
            || self.series_count > bounds::SERIES_IN_MEMORY;
        for run in self.runs.values() {
            if run.is_clean() && (run.ended || crowded) {
                clean.push((!run.ended, run.touched, run.seq));
            }
        }
        clean.sort_unstable();
        for (alive, _, seq) in clean {
            let crowded = self.runs.len() > bounds::RUNS_IN_MEMORY / 2
                || self.series_count > bounds::SERIES_IN_MEMORY / 2;
            if alive && !crowded {
                break;
            }
            self.forget(seq);
        }
    }
}
