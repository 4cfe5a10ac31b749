//! What the engine knows of one run that is being written: its attempts, the ends
//! of its streams, and the tails and summaries of its series.
//!
//! A run is in memory whole (all its series and streams) or not at all. Which runs
//! are there, and which rows of the log they need, is `memory`'s matter.

use std::sync::Arc;
use std::time::Instant;

use ahash::{HashMap, HashSet};
use mlhub_core::RunId;
use mlhub_core::metric::Point;
use mlhub_series::visible_limit;

use super::fold::Fold;
use super::tail::Tail;

/// One attempt's series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct PartKey {
    /// The run's number.
    pub(super) run: i64,
    /// The series' label.
    pub(super) label: i64,
    /// The attempt.
    pub(super) attempt: u32,
}

/// A series of a run in memory.
#[derive(Debug)]
pub(super) struct SeriesState {
    /// The metric's name.
    pub(super) name: Arc<str>,
    /// The summary of its visible points.
    pub(super) fold: Fold,
    /// Whether the stored summary is older.
    pub(super) dirty: bool,
    /// Its tails by attempt, ascending.
    pub(super) tails: Vec<Tail>,
}

/// A run in memory.
#[derive(Debug)]
pub(super) struct RunState {
    /// Its id.
    pub(super) id: RunId,
    /// Its number.
    pub(super) seq: i64,
    /// Its attempts and the steps they resumed from.
    pub(super) attempts: Vec<(u32, Option<i64>)>,
    /// Ends of its streams by attempt and writer.
    pub(super) offsets: HashMap<(u32, Arc<str>), i64>,
    /// Labels by name.
    pub(super) names: HashMap<Arc<str>, i64>,
    /// Series by label.
    pub(super) series: HashMap<i64, SeriesState>,
    /// Series whose stored summary is older.
    pub(super) dirty_series: Vec<i64>,
    /// Streams whose stored end is older.
    pub(super) dirty_offsets: HashSet<(u32, Arc<str>)>,
    /// When it was last written to.
    pub(super) touched: Instant,
    /// Whether it ended, so that it is sealed whole.
    pub(super) ended: bool,
    /// Tails that need rows of the log.
    pub(super) pinned: usize,
}

/// Points of a series that a row of the log holds, to be added.
#[derive(Debug)]
pub(super) struct Arrival<'a> {
    /// The label of the series.
    pub(super) label: i64,
    /// Its name.
    pub(super) name: &'a Arc<str>,
    /// The points.
    pub(super) points: &'a Arc<Vec<Point>>,
    /// The summary of all of them and their largest step, when known.
    pub(super) folded: Option<(Fold, i64)>,
}

impl RunState {
    /// Whether the run has this attempt.
    pub(super) fn has_attempt(&self, attempt: u32) -> bool {
        self.attempts.iter().any(|(number, _)| *number == attempt)
    }

    /// The end of a stream.
    pub(super) fn offset(&self, attempt: u32, writer: &Arc<str>) -> i64 {
        let key = (attempt, Arc::clone(writer));
        self.offsets.get(&key).copied().unwrap_or(0)
    }

    /// Points of an attempt's series, sealed ones included.
    pub(super) fn end(&self, label: i64, attempt: u32) -> u64 {
        self.tail(label, attempt).map_or(0, Tail::end)
    }

    /// The tail of an attempt's series.
    pub(super) fn tail(&self, label: i64, attempt: u32) -> Option<&Tail> {
        let tails = &self.series.get(&label)?.tails;
        tails.iter().find(|tail| tail.attempt == attempt)
    }

    /// The same, to change it.
    pub(super) fn tail_mut(&mut self, label: i64, attempt: u32) -> Option<&mut Tail> {
        let tails = &mut self.series.get_mut(&label)?.tails;
        tails.iter_mut().find(|tail| tail.attempt == attempt)
    }

    /// The same, made when it is new.
    pub(super) fn tail_ensure(&mut self, label: i64, name: &Arc<str>, attempt: u32) -> &mut Tail {
        let names = &mut self.names;
        let series = self.series.entry(label).or_insert_with(|| {
            names.insert(Arc::clone(name), label);
            SeriesState {
                name: Arc::clone(name),
                fold: Fold::default(),
                dirty: false,
                tails: Vec::with_capacity(1),
            }
        });
        let place = series.tails.partition_point(|tail| tail.attempt < attempt);
        if series
            .tails
            .get(place)
            .is_none_or(|tail| tail.attempt != attempt)
        {
            series.tails.insert(place, Tail::after(attempt, 0, None));
        }
        &mut series.tails[place]
    }

    /// Takes the summary of a series after points arrived.
    pub(super) fn add_fold(&mut self, attempt: u32, arrival: &Arrival<'_>) {
        let limit = visible_limit(&self.attempts, attempt).unwrap_or(i64::MAX);
        let fold = match arrival.folded {
            Some((fold, step_max)) if step_max <= limit => fold,
            _ => Fold::of(attempt, arrival.points, limit),
        };
        if let Some(series) = self.series.get_mut(&arrival.label) {
            series.fold.add(&fold, &self.attempts);
            if !series.dirty {
                series.dirty = true;
                self.dirty_series.push(arrival.label);
            }
        }
    }

    /// Moves the end of a stream, never back. Points without a stream (written
    /// anew from memory) have no name.
    pub(super) fn set_offset(&mut self, attempt: u32, writer: &Arc<str>, end: i64) {
        if writer.is_empty() {
            return;
        }
        let key = (attempt, Arc::clone(writer));
        self.dirty_offsets.insert(key.clone());
        let stored = self.offsets.entry(key).or_insert(end);
        *stored = end.max(*stored);
    }

    /// Whether all that is known of it is in its tables.
    pub(super) fn is_clean(&self) -> bool {
        self.pinned == 0 && self.dirty_series.is_empty() && self.dirty_offsets.is_empty()
    }
}
