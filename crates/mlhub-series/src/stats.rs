//! What is kept of a stretch of points: enough to draw it without reading it.
//!
//! Merging the statistics of neighbours gives those of the whole, whatever the
//! cuts (all but `sum`, a float sum, which no reading rests on). It does not
//! know where stretches begin (see `rollup`) nor which points are visible.

use std::cmp::Ordering;

use mlhub_core::metric::Point;

/// A smallest or largest point and its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extreme {
    /// How many points of the stretch were logged before it.
    pub index: u64,
    /// The point.
    pub point: Point,
}

/// Statistics of one or more points in the order they were logged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChunkStats {
    /// Points, never 0.
    pub count: u64,
    /// Points that are NaN.
    pub nan: u64,
    /// Points that are +Inf.
    pub positive_infinity: u64,
    /// Points that are -Inf.
    pub negative_infinity: u64,
    /// The point logged first.
    pub first: Point,
    /// The point logged last.
    pub last: Point,
    /// The earliest of the smallest finite points (-0 is below 0), if any is finite.
    pub min: Option<Extreme>,
    /// The earliest of the largest finite points (0 is above -0), if any is finite.
    pub max: Option<Extreme>,
    /// The smallest step.
    pub step_min: i64,
    /// The largest step.
    pub step_max: i64,
    /// The earliest time, in milliseconds since the epoch.
    pub time_min: i64,
    /// The latest time, in milliseconds since the epoch.
    pub time_max: i64,
    /// Whether no step is below the one before it.
    pub steps_ordered: bool,
    /// Whether no time is before the one before it.
    pub times_ordered: bool,
    /// The sum of the finite values, in whatever order it was taken.
    pub sum: f64,
}

impl ChunkStats {
    /// The statistics of one point.
    pub fn of_point(point: &Point) -> Self {
        let mut stats = Self {
            count: 0,
            nan: 0,
            positive_infinity: 0,
            negative_infinity: 0,
            first: *point,
            last: *point,
            min: None,
            max: None,
            step_min: point.step,
            step_max: point.step,
            time_min: point.time.0,
            time_max: point.time.0,
            steps_ordered: true,
            times_ordered: true,
            sum: 0.0,
        };
        stats.fold(point);
        stats
    }

    /// The statistics of `points` in the order they were logged; `None` when empty.
    pub fn of<'a>(points: impl IntoIterator<Item = &'a Point>) -> Option<Self> {
        let mut points = points.into_iter();
        let mut stats = Self::of_point(points.next()?);
        for point in points {
            stats.fold(point);
        }
        Some(stats)
    }

    /// Adds one point, logged after all the others.
    #[inline]
    pub fn fold(&mut self, point: &Point) {
        let value = point.value;
        if value.is_finite() {
            let extreme = Extreme {
                index: self.count,
                point: *point,
            };
            if beats(value, self.min.as_ref(), Ordering::Less) {
                self.min = Some(extreme);
            }
            if beats(value, self.max.as_ref(), Ordering::Greater) {
                self.max = Some(extreme);
            }
            self.sum += value;
        } else if value.is_nan() {
            self.nan += 1;
        } else if value > 0.0 {
            self.positive_infinity += 1;
        } else {
            self.negative_infinity += 1;
        }
        self.steps_ordered &= self.last.step <= point.step;
        self.times_ordered &= self.last.time <= point.time;
        self.step_min = self.step_min.min(point.step);
        self.step_max = self.step_max.max(point.step);
        self.time_min = self.time_min.min(point.time.0);
        self.time_max = self.time_max.max(point.time.0);
        self.last = *point;
        self.count += 1;
    }

    /// Adds points logged after all the others.
    pub fn merge(&mut self, later: &Self) {
        let shifted = |extreme: Extreme| Extreme {
            index: extreme.index + self.count,
            ..extreme
        };
        if let Some(min) = later.min
            && beats(min.point.value, self.min.as_ref(), Ordering::Less)
        {
            self.min = Some(shifted(min));
        }
        if let Some(max) = later.max
            && beats(max.point.value, self.max.as_ref(), Ordering::Greater)
        {
            self.max = Some(shifted(max));
        }
        self.steps_ordered &= later.steps_ordered && self.last.step <= later.first.step;
        self.times_ordered &= later.times_ordered && self.last.time <= later.first.time;
        self.step_min = self.step_min.min(later.step_min);
        self.step_max = self.step_max.max(later.step_max);
        self.time_min = self.time_min.min(later.time_min);
        self.time_max = self.time_max.max(later.time_max);
        self.nan += later.nan;
        self.positive_infinity += later.positive_infinity;
        self.negative_infinity += later.negative_infinity;
        self.sum += later.sum;
        self.last = later.last;
        self.count += later.count;
    }

    /// Points that are NaN or infinite.
    pub fn non_finite(&self) -> u64 {
        self.nan + self.positive_infinity + self.negative_infinity
    }

    /// The mean of the finite values, as exact as a plain sum is; `None` without any.
    pub fn mean(&self) -> Option<f64> {
        let finite = self.count - self.non_finite();
        (finite > 0).then(|| self.sum / finite as f64)
    }
}

#[inline]
pub(crate) fn beats(value: f64, best: Option<&Extreme>, wanted: Ordering) -> bool {
    best.is_none_or(|best| value.total_cmp(&best.point.value) == wanted)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_points, bits};

    /// All but the sum, by bits.
    pub(crate) fn same(a: &ChunkStats, b: &ChunkStats) -> bool {
        let plain = |s: &ChunkStats| {
            let extreme = |e: Extreme| (e.index, bits(&e.point));
            (
                (s.count, s.nan, s.positive_infinity, s.negative_infinity),
                (bits(&s.first), bits(&s.last)),
                (s.min.map(extreme), s.max.map(extreme)),
                (s.step_min, s.step_max, s.time_min, s.time_max),
                (s.steps_ordered, s.times_ordered),
            )
        };
        plain(a) == plain(b)
    }

    proptest! {
        #[test]
        fn statistics_are_what_looking_at_all_points_says(points in any_points(60)) {
            let Some(stats) = ChunkStats::of(&points) else {
                prop_assert!(points.is_empty());
                return Ok(());
            };
            let count = |wanted: fn(f64) -> bool| points.iter().filter(|p| wanted(p.value)).count() as u64;
            prop_assert_eq!(stats.count, points.len() as u64);
            prop_assert_eq!(stats.nan, count(f64::is_nan));
            prop_assert_eq!(stats.positive_infinity, count(|v| v == f64::INFINITY));
            prop_assert_eq!(stats.negative_infinity, count(|v| v == f64::NEG_INFINITY));
            prop_assert_eq!(stats.non_finite(), count(|v| !v.is_finite()));
            let mut finite: Vec<usize> = (0..points.len()).filter(|i| points[*i].value.is_finite()).collect();
            finite.sort_by(|a, b| points[*a].value.total_cmp(&points[*b].value).then(a.cmp(b)));
            prop_assert_eq!(stats.min.map(|e| e.index as usize), finite.first().copied());
            finite.sort_by(|a, b| points[*b].value.total_cmp(&points[*a].value).then(a.cmp(b)));
            prop_assert_eq!(stats.max.map(|e| e.index as usize), finite.first().copied());
            for extreme in [stats.min, stats.max].into_iter().flatten() {
                prop_assert_eq!(bits(&extreme.point), bits(&points[extreme.index as usize]));
            }
            prop_assert_eq!(stats.mean().is_some(), !finite.is_empty());
            prop_assert_eq!(stats.step_min, points.iter().map(|p| p.step).min().expect("some"));
            prop_assert_eq!(stats.step_max, points.iter().map(|p| p.step).max().expect("some"));
            prop_assert_eq!(stats.time_min, points.iter().map(|p| p.time.0).min().expect("some"));
            prop_assert_eq!(stats.time_max, points.iter().map(|p| p.time.0).max().expect("some"));
            prop_assert_eq!(stats.steps_ordered, points.is_sorted_by_key(|p| p.step));
            prop_assert_eq!(stats.times_ordered, points.is_sorted_by_key(|p| p.time));
        }

        #[test]
        fn merging_parts_is_folding_the_whole(points in any_points(60), cuts in prop::collection::vec(0usize..60, 0..4)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(points.len())).collect();
            cuts.extend([0, points.len()]);
            cuts.sort_unstable();
            let mut merged: Option<ChunkStats> = None;
            for pair in cuts.windows(2) {
                let part = ChunkStats::of(&points[pair[0]..pair[1]]);
                match (&mut merged, part) {
                    (Some(merged), Some(part)) => merged.merge(&part),
                    (merged, part) => *merged = merged.or(part),
                }
            }
            match (merged, ChunkStats::of(&points)) {
                (Some(merged), Some(whole)) => prop_assert!(same(&merged, &whole)),
                (merged, whole) => prop_assert!(merged.is_none() && whole.is_none()),
            }
        }
    }
}
