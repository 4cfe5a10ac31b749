//! From units to the points that are shown.

use mlhub_core::metric::{AttemptSpan, Point, Reduction};

use super::walk::{Geometry, Visit, distance};
use super::{Piece, Scope};
use crate::stats::ChunkStats;

/// A point and its place among the points in the window.
#[derive(Debug, Clone, Copy)]
struct Kept {
    index: u64,
    point: Point,
}

/// Receives units and keeps what the reduction wants of them.
pub(super) struct Collector<'a> {
    division: Option<Division<'a>>,
    triangles: bool,
    /// Points in the window seen so far.
    seen: u64,
    attempts: Vec<(u32, u64)>,
    kept: Vec<Kept>,
    open: Option<Open>,
    /// For triangles: what each bucket offers.
    offered: Vec<Kept>,
    closed: Vec<std::ops::Range<usize>>,
}

struct Division<'a> {
    scope: &'a Scope,
    geometry: &'a Geometry,
    /// The open bucket and the first place after it.
    bucket: u64,
    edge: u128,
}

/// The bucket being filled.
struct Open {
    first: Kept,
    last: Kept,
    min: Option<Kept>,
    max: Option<Kept>,
    offered_from: usize,
}

impl<'a> Collector<'a> {
    /// Keeps every point.
    pub(super) fn of_points() -> Self {
        Self {
            division: None,
            triangles: false,
            seen: 0,
            attempts: Vec::new(),
            kept: Vec::new(),
            open: None,
            offered: Vec::new(),
            closed: Vec::new(),
        }
    }

    /// Keeps what `reduction` says of each bucket of `geometry`.
    pub(super) fn reducing(scope: &'a Scope, geometry: &'a Geometry, reduction: Reduction) -> Self {
        Self {
            division: Some(Division {
                scope,
                geometry,
                bucket: 0,
                edge: 0,
            }),
            triangles: matches!(reduction, Reduction::Lttb { .. }),
            ..Self::of_points()
        }
    }

    /// Keeps a point as it is.
    pub(super) fn keep(&mut self, point: &Point) {
        self.kept.push(Kept {
            index: self.seen,
            point: *point,
        });
        self.seen += 1;
    }

    /// What was kept, in order, and which attempts it is of.
    pub(super) fn finish(mut self) -> (Vec<Point>, Vec<AttemptSpan>) {
        self.close();
        if self.triangles {
            self.choose();
        }
        let mut spans: Vec<AttemptSpan> = Vec::new();
        let mut starts = self.attempts.iter().peekable();
        for kept in &self.kept {
            while let Some((attempt, _)) = starts.next_if(|(_, start)| *start <= kept.index) {
                spans.push(AttemptSpan {
                    attempt: *attempt,
                    count: 0,
                });
            }
            if let Some(span) = spans.last_mut() {
                span.count += 1;
            }
        }
        spans.retain(|span| span.count > 0);
        let points = self.kept.into_iter().map(|kept| kept.point).collect();
        (points, spans)
    }

    /// The open bucket for something that starts at `first`, after closing the
    /// one before if that is another.
    fn bucket(&mut self, first: &Point) -> Option<&mut Open> {
        let kept = Kept {
            index: self.seen,
            point: *first,
        };
        let division = self.division.as_mut()?;
        let place = division.place(&kept);
        if u128::from(place) >= division.edge {
            self.close();
            self.division.as_mut()?.advance(place);
        }
        Some(self.open.get_or_insert(Open {
            first: kept,
            last: kept,
            min: None,
            max: None,
            offered_from: self.offered.len(),
        }))
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        let extremes = [open.min, open.max].into_iter().flatten();
        if self.triangles {
            self.closed.push(open.offered_from..self.offered.len());
            keep_in_order(&mut self.kept, extremes);
        } else {
            keep_in_order(&mut self.kept, extremes.chain([open.first, open.last]));
        }
    }

    /// Adds, of each bucket, the finite point of the largest triangle with the one
    /// chosen before and the middle of the next bucket (Steinarsson 2013), and
    /// both ends.
    fn choose(&mut self) {
        let Some(division) = &self.division else {
            return;
        };
        let (Some(first), Some(last)) = (self.offered.first(), self.offered.last()) else {
            return;
        };
        let at = |kept: &Kept| (division.place(kept) as f64, kept.point.value);
        let mut chosen = vec![*first, *last];
        let mut before = first.point.value.is_finite().then(|| at(first));
        for (number, range) in self.closed.iter().enumerate() {
            let finite = |range: &std::ops::Range<usize>| {
                self.offered[range.clone()]
                    .iter()
                    .filter(|kept| kept.point.value.is_finite())
            };
            let next = self.closed.get(number + 1);
            let middle = next.and_then(|next| middle(finite(next).map(at)));
            let after = middle.or_else(|| last.point.value.is_finite().then(|| at(last)));
            let mut best: Option<(f64, &Kept)> = None;
            for kept in finite(range) {
                let area = match (before, after) {
                    (Some(before), Some(after)) => triangle(before, at(kept), after),
                    _ => 0.0,
                };
                if best.is_none_or(|(largest, _)| area > largest) {
                    best = Some((area, kept));
                }
            }
            if let Some((_, kept)) = best {
                before = Some(at(kept));
                chosen.push(*kept);
            }
        }
        self.kept.extend(chosen);
        self.kept.sort_by_key(|kept| kept.index);
        self.kept.dedup_by_key(|kept| kept.index);
    }
}

impl Division<'_> {
    fn place(&self, kept: &Kept) -> u64 {
        if self.geometry.by_coordinate {
            distance(self.geometry.low, self.scope.coordinate(&kept.point))
        } else {
            kept.index
        }
    }

    /// Makes the bucket of `place` the open one.
    fn advance(&mut self, place: u64) {
        let buckets = u128::from(self.geometry.buckets);
        let bucket = u128::from(place) * buckets / self.geometry.width;
        self.bucket = bucket as u64;
        self.edge = ((bucket + 1) * self.geometry.width).div_ceil(buckets);
    }
}

fn keep_in_order(kept: &mut Vec<Kept>, new: impl Iterator<Item = Kept>) {
    let from = kept.len();
    kept.extend(new);
    kept[from..].sort_unstable_by_key(|kept| kept.index);
    let mut last = None;
    let mut write = from;
    for read in from..kept.len() {
        if last != Some(kept[read].index) {
            last = Some(kept[read].index);
            kept[write] = kept[read];
            write += 1;
        }
    }
    kept.truncate(write);
}

fn middle(points: impl Iterator<Item = (f64, f64)>) -> Option<(f64, f64)> {
    let (mut x, mut y, mut count) = (0.0, 0.0, 0.0);
    for point in points {
        x += point.0;
        y += point.1;
        count += 1.0;
    }
    (count > 0.0).then(|| (x / count, y / count))
}

/// Twice the area. Overflow makes it infinite or NaN, which loses no point: the
/// extremes are kept anyway.
fn triangle(a: (f64, f64), b: (f64, f64), c: (f64, f64)) -> f64 {
    ((a.0 - c.0) * (b.1 - a.1) - (a.0 - b.0) * (c.1 - a.1)).abs()
}

impl Visit for Collector<'_> {
    fn attempt(&mut self, number: u32) {
        if self.attempts.last().is_none_or(|last| last.0 != number) {
            self.attempts.push((number, self.seen));
        }
    }

    fn unit(&mut self, stats: &ChunkStats) {
        let base = self.seen;
        let at = |index: u64, point: Point| Kept {
            index: base + index,
            point,
        };
        let first = at(0, stats.first);
        let last = at(stats.count - 1, stats.last);
        let min = stats.min.map(|min| at(min.index, min.point));
        let max = stats.max.map(|max| at(max.index, max.point));
        if let Some(open) = self.bucket(&stats.first) {
            open.last = last;
            open.widen(min, max);
        }
        if self.triangles {
            let offered = [Some(first), min, max, Some(last)];
            keep_in_order(&mut self.offered, offered.into_iter().flatten());
        }
        self.seen += stats.count;
    }

    fn point(&mut self, point: &Point) {
        let kept = Kept {
            index: self.seen,
            point: *point,
        };
        let finite = point.value.is_finite().then_some(kept);
        if let Some(open) = self.bucket(point) {
            open.last = kept;
            open.widen(finite, finite);
        }
        if self.triangles {
            self.offered.push(kept);
        }
        self.seen += 1;
    }

    // A plan finishes only when nothing is missing.
    fn rollup_missing(&mut self, _piece: &Piece) {}
    fn points_missing(&mut self, _piece: &Piece) {}
}

impl Open {
    fn widen(&mut self, min: Option<Kept>, max: Option<Kept>) {
        let below = |a: &Kept, b: &Kept| a.point.value.total_cmp(&b.point.value).is_lt();
        if let Some(min) = min
            && self.min.is_none_or(|lowest| below(&min, &lowest))
        {
            self.min = Some(min);
        }
        if let Some(max) = max
            && self.max.is_none_or(|highest| below(&highest, &max))
        {
            self.max = Some(max);
        }
    }
}
