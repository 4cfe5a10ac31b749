//! Taking a series apart into units, as far as the buckets need it.

use mlhub_core::metric::Point;

use super::{Block, Cover, Needs, Piece, Scope, UNIT_REACH_BUCKETS};
use crate::rollup::{ROLLUP_POINTS, WIDE_POINTS};
use crate::stats::ChunkStats;

/// How the axis is divided.
#[derive(Debug, Clone)]
pub(super) struct Geometry {
    /// Whether buckets divide coordinates; otherwise places in the series.
    pub(super) by_coordinate: bool,
    /// The coordinate of the first place.
    pub(super) low: i64,
    /// Places to divide.
    pub(super) width: u128,
    /// Buckets they are divided into.
    pub(super) buckets: u64,
    /// Places a unit may reach over beyond its first.
    reach: u64,
}

impl Geometry {
    pub(super) fn of(inside: &ChunkStats, scope: &Scope, buckets: usize) -> Self {
        let buckets = (buckets as u64).max(1);
        let low = scope.coordinate(&inside.first);
        let high = scope.coordinate(&inside.last);
        let by_coordinate = scope.ordered(inside) && low != high;
        let width = if by_coordinate {
            u128::from(distance(low, high)) + 1
        } else {
            u128::from(inside.count)
        };
        let reach = width * u128::from(UNIT_REACH_BUCKETS) / u128::from(buckets);
        Self {
            by_coordinate,
            low,
            width,
            buckets,
            reach: u64::try_from(reach).unwrap_or(u64::MAX),
        }
    }

    fn fits(&self, scope: &Scope, stats: &ChunkStats) -> bool {
        self.extent(scope, stats) <= self.reach
    }

    /// Places from the first point to the last.
    fn extent(&self, scope: &Scope, stats: &ChunkStats) -> u64 {
        if self.by_coordinate {
            distance(
                scope.coordinate(&stats.first),
                scope.coordinate(&stats.last),
            )
        } else {
            stats.count - 1
        }
    }
}

/// From `low` to `high`, which is not below it.
pub(super) fn distance(low: i64, high: i64) -> u64 {
    high.wrapping_sub(low).cast_unsigned()
}

/// Who is shown the units, in order.
pub(super) trait Visit {
    /// The units that follow are of this attempt.
    fn attempt(&mut self, number: u32);
    /// A unit of one or more points.
    fn unit(&mut self, stats: &ChunkStats);
    /// A unit of one point.
    fn point(&mut self, point: &Point);
    /// The rollup of `piece` must be known to go on.
    fn rollup_missing(&mut self, piece: &Piece);
    /// The points of `piece` must be known to go on.
    fn points_missing(&mut self, piece: &Piece);
}

/// Shows the units of `pieces` to `visitor`.
pub(super) fn walk(pieces: &[Piece], scope: &Scope, geometry: &Geometry, visitor: &mut impl Visit) {
    let mut walker = Walker {
        scope,
        geometry,
        visitor,
        place: None,
        parts: Vec::new(),
    };
    for piece in pieces {
        walker.piece(piece);
    }
    walker.flush();
}

/// A part of a wide unit: a piece that lies in it, or some blocks of one.
struct Part<'a> {
    piece: &'a Piece,
    blocks: Option<&'a [Block]>,
}

struct Walker<'a, V> {
    scope: &'a Scope,
    geometry: &'a Geometry,
    visitor: &'a mut V,
    /// The attempt and the cell of the wide grid that `parts` are of.
    place: Option<(u32, u64)>,
    parts: Vec<Part<'a>>,
}

impl<'a, V: Visit> Walker<'a, V> {
    fn piece(&mut self, piece: &'a Piece) {
        let first = piece.start / WIDE_POINTS;
        let last = (piece.start + piece.count - 1) / WIDE_POINTS;
        match (&piece.blocks, piece.cover) {
            (None, Cover::None) => {
                // The units between have no point in the window.
                self.put(piece, first, None);
                if last != first {
                    self.put(piece, last, None);
                }
            }
            (None, _) if first != last => self.missing(piece),
            (None, _) => self.put(piece, first, None),
            (Some(blocks), _) => {
                for blocks in blocks.chunk_by(|a, b| a.start / WIDE_POINTS == b.start / WIDE_POINTS)
                {
                    self.put(piece, blocks[0].start / WIDE_POINTS, Some(blocks));
                }
            }
        }
    }

    fn put(&mut self, piece: &'a Piece, cell: u64, blocks: Option<&'a [Block]>) {
        let place = Some((piece.attempt, cell));
        if self.place != place {
            self.flush();
            if self.place.is_none_or(|before| before.0 != piece.attempt) {
                self.visitor.attempt(piece.attempt);
            }
            self.place = place;
        }
        self.parts.push(Part { piece, blocks });
    }

    fn flush(&mut self) {
        let parts = std::mem::take(&mut self.parts);
        let mut merged = Some(Merged::default());
        for part in &parts {
            merged = match part.blocks {
                Some(blocks) => blocks.iter().fold(merged, |merged, block| {
                    merged?.with(block.is_whole(), block.inside.as_ref())
                }),
                None => merged.and_then(|merged| {
                    merged.with(part.piece.cover == Cover::Whole, part.piece.inside.as_ref())
                }),
            };
        }
        if !self.unit(merged) {
            self.refine(&parts);
        }
        self.parts = parts;
        self.parts.clear();
    }

    /// Shows a unit if it is whole and fits. Nothing at all is a unit that was shown.
    fn unit(&mut self, merged: Option<Merged>) -> bool {
        match merged {
            Some(Merged(Some(stats))) if self.geometry.fits(self.scope, &stats) => {
                self.visitor.unit(&stats);
                true
            }
            Some(Merged(None)) => true,
            _ => false,
        }
    }

    fn refine(&mut self, parts: &[Part<'a>]) {
        let mut known: Vec<(&Piece, &Block)> = Vec::new();
        for part in parts {
            match part.blocks {
                Some(blocks) => known.extend(blocks.iter().map(|block| (part.piece, block))),
                None if part.piece.cover == Cover::None => {}
                None => self.missing(part.piece),
            }
        }
        let cell = |block: &Block| block.start / ROLLUP_POINTS;
        for cell in known.chunk_by(|a, b| cell(a.1) == cell(b.1)) {
            // A neighbour outside the window that is known by its extremes alone
            // shares the cell if the cell is not full without it.
            let merged = cell
                .iter()
                .try_fold(Merged::default(), |merged, (_, block)| {
                    merged.with(block.is_whole(), block.inside.as_ref())
                });
            let shared = self.shares_with_outside(parts, cell);
            if shared || !self.unit(merged) {
                for (piece, block) in cell {
                    self.points(piece, block);
                }
            }
        }
    }

    /// Whether a piece outside the window has points in the same cell.
    fn shares_with_outside(&self, parts: &[Part<'a>], cell: &[(&Piece, &Block)]) -> bool {
        let number = cell[0].1.start / ROLLUP_POINTS;
        parts
            .iter()
            .filter(|part| part.blocks.is_none() && part.piece.cover == Cover::None)
            .any(|part| {
                let first = part.piece.start / ROLLUP_POINTS;
                let last = (part.piece.start + part.piece.count - 1) / ROLLUP_POINTS;
                (first..=last).contains(&number)
            })
    }

    fn points(&mut self, piece: &Piece, block: &Block) {
        if block.inside.is_none() {
            return;
        }
        let Some(points) = &piece.points else {
            return self.visitor.points_missing(piece);
        };
        let from = (block.start - piece.start) as usize;
        for point in &points[from..from + block.count as usize] {
            if self.scope.holds(point, piece.limit) {
                self.visitor.point(point);
            }
        }
    }

    /// Asks for the points where most blocks would not fit, for the rollup elsewhere.
    fn missing(&mut self, piece: &Piece) {
        let reach = u128::from(self.geometry.reach);
        let wide = piece.inside.is_some_and(|stats| {
            let blocks = u128::from(stats.count.div_ceil(ROLLUP_POINTS));
            u128::from(self.geometry.extent(self.scope, &stats)) > reach.saturating_mul(blocks)
        });
        if wide {
            self.visitor.points_missing(piece);
        } else {
            self.visitor.rollup_missing(piece);
        }
    }
}

/// Neighbours that are whole in the window, merged; `None` inside before the first.
#[derive(Clone, Copy, Default)]
struct Merged(Option<ChunkStats>);

impl Merged {
    /// With the next; `None` when it is not whole.
    fn with(mut self, whole: bool, stats: Option<&ChunkStats>) -> Option<Self> {
        let stats = stats.filter(|_| whole)?;
        match &mut self.0 {
            Some(merged) => merged.merge(stats),
            None => self.0 = Some(*stats),
        }
        Some(self)
    }
}

/// Collects what is missing and looks at nothing else.
#[derive(Default)]
pub(super) struct Missing(Needs);

impl Missing {
    pub(super) fn points(&mut self, piece: &Piece) {
        put(&mut self.0.points, piece);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A chunk whose points are read needs no rollup.
    pub(super) fn into_needs(mut self) -> Needs {
        if !self.0.points.is_empty() {
            let points: std::collections::HashSet<i64> = self.0.points.iter().copied().collect();
            self.0.rollups.retain(|id| !points.contains(id));
        }
        self.0
    }
}

/// A piece is visited in one go, so a repeated id follows itself.
fn put(ids: &mut Vec<i64>, piece: &Piece) {
    if let Some(id) = piece.source
        && ids.last() != Some(&id)
    {
        ids.push(id);
    }
}

impl Visit for Missing {
    fn attempt(&mut self, _number: u32) {}
    fn unit(&mut self, _stats: &ChunkStats) {}
    fn point(&mut self, _point: &Point) {}
    fn rollup_missing(&mut self, piece: &Piece) {
        put(&mut self.0.rollups, piece);
    }
    fn points_missing(&mut self, piece: &Piece) {
        self.points(piece);
    }
}
