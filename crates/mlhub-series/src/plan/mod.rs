//! Reading a series without reading all of it: which rollups and chunks an answer
//! needs, and the answer from them. Sans I/O: a store asks [`ReadPlan::needs`],
//! fetches, hands over with [`ReadPlan::supply`], and repeats until nothing is
//! needed; then [`ReadPlan::finish`] answers.
//!
//! # What the answer is
//!
//! It is a function of the points alone, never of where chunks were cut or what
//! is sealed. The points in the window stand by attempt, then in logging order.
//! When they fit the budget they are the answer. Otherwise the axis is divided
//! into equal buckets: by coordinate when coordinates never go back, by place in
//! the series when they do. Each attempt's series is seen as units: [`WIDE_POINTS`]
//! neighbours on a fixed grid are one unit if all of them are in the window and
//! they reach over at most [`UNIT_REACH_BUCKETS`] buckets; otherwise each
//! [`ROLLUP_POINTS`] of them are, under the same condition; otherwise each point
//! is. A unit belongs to the bucket of its first point. Each bucket shows its
//! smallest and its largest finite point, and others as the reduction says.

use std::collections::HashMap;

use mlhub_core::Timestamp;
use mlhub_core::metric::{AttemptPoints, Axis, Point, Reduction, SeriesView, SeriesWindow};

use crate::codec::CodecError;
use crate::rollup::{ROLLUP_POINTS, Rollup};
use crate::stats::ChunkStats;
use crate::visible::visible_limit;

mod reduce;
#[cfg(test)]
mod tests;
mod walk;

use reduce::Collector;
use walk::{Geometry, Missing, Visit as _, walk};

/// Buckets a unit may reach over before it is taken apart.
pub const UNIT_REACH_BUCKETS: u64 = 2;

/// A stored chunk, by its statistics.
#[derive(Debug, Clone, PartialEq)]
pub struct SealedChunk {
    /// What the store calls it; one id, one chunk of this series.
    pub id: i64,
    /// The attempt whose points it holds.
    pub attempt: u32,
    /// The statistics of all its points.
    pub stats: ChunkStats,
}

/// What a plan must be supplied with next. Ids stand in the order of the series.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// Chunks whose rollups are needed.
    pub rollups: Vec<i64>,
    /// Chunks whose points are needed.
    pub points: Vec<i64>,
}

impl Needs {
    /// Whether the plan can finish.
    pub fn is_empty(&self) -> bool {
        self.rollups.is_empty() && self.points.is_empty()
    }
}

/// One reading of one series.
#[derive(Debug, Clone)]
pub struct ReadPlan {
    pieces: Vec<Piece>,
    by_id: HashMap<i64, usize>,
    scope: Scope,
    reduction: Reduction,
}

impl ReadPlan {
    /// Plans a reading.
    ///
    /// `attempts` holds each attempt's number and the step it resumed from, in
    /// any order. `sealed` holds every stored chunk of the series, those of one
    /// attempt in logging order; `tail` the points after them. `origin` is the
    /// zero of the relative axis.
    pub fn new(
        attempts: &[(u32, Option<i64>)],
        sealed: &[SealedChunk],
        tail: &[AttemptPoints],
        origin: Timestamp,
        window: SeriesWindow,
        reduction: Reduction,
    ) -> Self {
        let scope = Scope::of(origin, window);
        let limit = |attempt| match window.attempt {
            Some(_) => i64::MAX,
            None => visible_limit(attempts, attempt).unwrap_or(i64::MAX),
        };
        let wanted = |attempt| window.attempt.is_none_or(|wanted| wanted == attempt);
        let mut starts: HashMap<u32, u64> = HashMap::new();
        let mut pieces = Vec::with_capacity(sealed.len() + tail.len());
        let mut last = (0, i64::MAX);
        for chunk in sealed.iter().filter(|chunk| wanted(chunk.attempt)) {
            if last.0 != chunk.attempt {
                last = (chunk.attempt, limit(chunk.attempt));
            }
            let start = starts.entry(chunk.attempt).or_default();
            pieces.push(Piece::sealed(chunk, *start, last.1, &scope));
            *start += chunk.stats.count;
        }
        for part in tail.iter().filter(|part| wanted(part.attempt)) {
            let start = starts.entry(part.attempt).or_default();
            let piece = Piece::tail(part, *start, limit(part.attempt), &scope);
            *start += part.points.len() as u64;
            pieces.extend(piece);
        }
        pieces.sort_by_key(|piece| piece.attempt);
        Self {
            pieces,
            by_id: HashMap::new(),
            scope,
            reduction,
        }
    }

    /// What is needed now; empty when the plan can finish. At most four rounds.
    pub fn needs(&self) -> Needs {
        let mut missing = Missing::default();
        for piece in &self.pieces {
            if piece.cover == Cover::Part && piece.points.is_none() {
                missing.points(piece);
            }
        }
        if missing.is_empty() {
            match self.shape() {
                Shape::Points { skip, limit } => self.page(skip, limit, |piece, _, _| {
                    if piece.points.is_none() {
                        missing.points(piece);
                    }
                }),
                Shape::Reduced(geometry) => {
                    walk(&self.pieces, &self.scope, &geometry, &mut missing);
                }
            }
        }
        missing.into_needs()
    }

    /// Hands over what was needed, in any order. What does not belong to the
    /// chunk it is said to be of is refused as damaged.
    pub fn supply(
        &mut self,
        rollups: impl IntoIterator<Item = (i64, Rollup)>,
        points: impl IntoIterator<Item = (i64, Vec<Point>)>,
    ) -> Result<(), CodecError> {
        if self.by_id.is_empty() {
            let ids = self.pieces.iter().enumerate();
            self.by_id = ids
                .filter_map(|(index, piece)| Some((piece.source?, index)))
                .collect();
        }
        for (id, rollup) in rollups {
            if let Some(index) = self.by_id.get(&id) {
                self.pieces[*index].take_rollup(&rollup)?;
            }
        }
        for (id, points) in points {
            if let Some(index) = self.by_id.get(&id) {
                self.pieces[*index].take_points(points, &self.scope)?;
            }
        }
        Ok(())
    }

    /// The answer; `None` while something is needed.
    pub fn finish(self) -> Option<SeriesView> {
        if !self.needs().is_empty() {
            return None;
        }
        let inside = self.inside();
        let mut view = SeriesView {
            total: inside.map_or(0, |stats| stats.count),
            non_finite: inside.map_or(0, |stats| stats.non_finite()),
            ..SeriesView::default()
        };
        match self.shape() {
            Shape::Points { skip, limit } => {
                let mut collector = Collector::of_points();
                self.page(skip, limit, |piece, skip, take| {
                    collector.attempt(piece.attempt);
                    let inside = piece.points.iter().flatten();
                    let inside = inside.filter(|point| self.scope.holds(point, piece.limit));
                    inside
                        .skip(skip)
                        .take(take)
                        .for_each(|point| collector.keep(point));
                });
                (view.points, view.attempts) = collector.finish();
                view.exact = view.points.len() as u64 == view.total;
            }
            Shape::Reduced(geometry) => {
                let mut collector = Collector::reducing(&self.scope, &geometry, self.reduction);
                walk(&self.pieces, &self.scope, &geometry, &mut collector);
                (view.points, view.attempts) = collector.finish();
            }
        }
        Some(view)
    }

    /// The statistics of all points in the window, once they can be known.
    fn inside(&self) -> Option<ChunkStats> {
        let mut whole: Option<ChunkStats> = None;
        for stats in self.pieces.iter().filter_map(|piece| piece.inside.as_ref()) {
            match &mut whole {
                Some(whole) => whole.merge(stats),
                None => whole = Some(*stats),
            }
        }
        whole
    }

    fn shape(&self) -> Shape {
        let inside = self.inside();
        let total = inside.map_or(0, |stats| stats.count);
        let (max_points, buckets) = match self.reduction {
            Reduction::Page { skip, limit } => return Shape::Points { skip, limit },
            Reduction::Envelope { max_points } => (max_points, max_points / 4),
            Reduction::Lttb { max_points } => (max_points, max_points.saturating_sub(2) / 3),
        };
        match inside {
            Some(inside) if total > max_points as u64 => {
                Shape::Reduced(Geometry::of(&inside, &self.scope, buckets))
            }
            _ => Shape::Points {
                skip: 0,
                limit: max_points,
            },
        }
    }

    /// Calls `visit` with each piece that has points of a page, how many points
    /// of the piece to skip and how many to take.
    fn page(&self, skip: u64, limit: usize, mut visit: impl FnMut(&Piece, usize, usize)) {
        let (mut skip, mut left) = (skip, limit as u64);
        for piece in &self.pieces {
            let count = piece.inside.map_or(0, |stats| stats.count);
            let skipped = skip.min(count);
            let taken = left.min(count - skipped);
            if taken > 0 {
                visit(piece, skipped as usize, taken as usize);
            }
            skip -= skipped;
            left -= taken;
        }
    }
}

enum Shape {
    Points { skip: u64, limit: usize },
    Reduced(Geometry),
}

/// Which points are in the window.
#[derive(Debug, Clone)]
struct Scope {
    by_step: bool,
    low: i64,
    high: i64,
}

impl Scope {
    fn of(origin: Timestamp, window: SeriesWindow) -> Self {
        let zero = match window.axis {
            Axis::Relative => origin.0,
            Axis::Step | Axis::Wall => 0,
        };
        let edge =
            |edge: Option<i64>, open| edge.map_or(open, |edge: i64| edge.saturating_add(zero));
        Self {
            by_step: window.axis == Axis::Step,
            low: edge(window.from, i64::MIN),
            high: edge(window.to, i64::MAX),
        }
    }

    fn coordinate(&self, point: &Point) -> i64 {
        if self.by_step {
            point.step
        } else {
            point.time.0
        }
    }

    fn ordered(&self, stats: &ChunkStats) -> bool {
        if self.by_step {
            stats.steps_ordered
        } else {
            stats.times_ordered
        }
    }

    fn holds(&self, point: &Point, step_limit: i64) -> bool {
        point.step <= step_limit && (self.low..=self.high).contains(&self.coordinate(point))
    }

    fn cover(&self, stats: &ChunkStats, step_limit: i64) -> Cover {
        let (min, max) = if self.by_step {
            (stats.step_min, stats.step_max)
        } else {
            (stats.time_min, stats.time_max)
        };
        if stats.step_max <= step_limit && min >= self.low && max <= self.high {
            Cover::Whole
        } else if stats.step_min > step_limit || max < self.low || min > self.high {
            Cover::None
        } else {
            Cover::Part
        }
    }
}

/// How much of a piece is in the window, as its extremes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cover {
    Whole,
    Part,
    None,
}

/// Neighbouring points of one attempt: a chunk or the tail.
#[derive(Debug, Clone)]
struct Piece {
    attempt: u32,
    /// Place of the first point in the attempt's series.
    start: u64,
    count: u64,
    source: Option<i64>,
    /// The last visible step.
    limit: i64,
    cover: Cover,
    /// The points in the window; unknown while a part is not read.
    inside: Option<ChunkStats>,
    blocks: Option<Vec<Block>>,
    points: Option<Vec<Point>>,
}

/// The points of a piece in one cell of the grid of [`ROLLUP_POINTS`].
#[derive(Debug, Clone)]
struct Block {
    /// Place of the first point in the attempt's series.
    start: u64,
    count: u64,
    /// The points in the window.
    inside: Option<ChunkStats>,
}

impl Block {
    fn is_whole(&self) -> bool {
        self.inside.is_some_and(|stats| stats.count == self.count)
    }
}

impl Piece {
    fn sealed(chunk: &SealedChunk, start: u64, limit: i64, scope: &Scope) -> Self {
        let cover = scope.cover(&chunk.stats, limit);
        Self {
            attempt: chunk.attempt,
            start,
            count: chunk.stats.count,
            source: Some(chunk.id),
            limit,
            cover,
            inside: (cover == Cover::Whole).then_some(chunk.stats),
            blocks: None,
            points: None,
        }
    }

    fn tail(part: &AttemptPoints, start: u64, limit: i64, scope: &Scope) -> Option<Self> {
        let mut piece = Self {
            attempt: part.attempt,
            start,
            count: part.points.len() as u64,
            source: None,
            limit,
            cover: Cover::Part,
            inside: None,
            blocks: None,
            points: None,
        };
        piece.put_points(part.points.clone(), scope);
        (piece.count > 0).then_some(piece)
    }

    fn take_rollup(&mut self, rollup: &Rollup) -> Result<(), CodecError> {
        let mut place = rollup.start;
        let mut blocks = Vec::with_capacity(rollup.buckets.len());
        for stats in &rollup.buckets {
            blocks.push(Block {
                start: place,
                count: stats.count,
                inside: Some(*stats),
            });
            place = place.saturating_add(stats.count);
        }
        if rollup.start != self.start || place - rollup.start != self.count {
            return Err(CodecError::Damaged);
        }
        if self.cover == Cover::Whole && self.blocks.is_none() {
            self.blocks = Some(blocks);
        }
        Ok(())
    }

    fn take_points(&mut self, points: Vec<Point>, scope: &Scope) -> Result<(), CodecError> {
        if points.len() as u64 != self.count {
            return Err(CodecError::Damaged);
        }
        self.put_points(points, scope);
        Ok(())
    }

    fn put_points(&mut self, points: Vec<Point>, scope: &Scope) {
        let mut blocks = Vec::with_capacity(points.len() / ROLLUP_POINTS as usize + 2);
        let mut rest = points.as_slice();
        let mut start = self.start;
        let mut whole: Option<ChunkStats> = None;
        while !rest.is_empty() {
            let length = crate::rollup::to_next(start, ROLLUP_POINTS).min(rest.len() as u64);
            let (part, after) = rest.split_at(length as usize);
            let inside = part.iter().filter(|point| scope.holds(point, self.limit));
            let inside = ChunkStats::of(inside);
            match (&mut whole, &inside) {
                (Some(whole), Some(inside)) => whole.merge(inside),
                (whole, inside) => *whole = whole.or(*inside),
            }
            blocks.push(Block {
                start,
                count: length,
                inside,
            });
            start += length;
            rest = after;
        }
        self.inside = whole;
        self.blocks = Some(blocks);
        self.points = Some(points);
    }
}
