//! The running summary of a series: what tables show without reading points.
//!
//! Folding in parts gives what folding the whole gives, so a store can update a
//! summary batch by batch. It does not decide which points are visible.

use mlhub_core::metric::Point;

/// Count, latest point, and the extremes over finite values.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Summary {
    /// Points folded.
    pub count: u64,
    /// Points that are NaN or infinite.
    pub non_finite: u64,
    /// The latest point: that of the largest step, of those the latest time, of those the
    /// one logged last.
    pub last: Option<Point>,
    /// The smallest finite value; -0 is smaller than 0.
    pub min: Option<f64>,
    /// The largest finite value; 0 is larger than -0.
    pub max: Option<f64>,
}

impl Summary {
    /// The summary of `points` in the order they were logged.
    pub fn of<'a>(points: impl IntoIterator<Item = &'a Point>) -> Self {
        let mut summary = Self::default();
        for point in points {
            summary.fold(point);
        }
        summary
    }

    /// Adds one point, logged after all the others.
    pub fn fold(&mut self, point: &Point) {
        self.count += 1;
        self.last = latest(self.last, Some(*point));
        if point.value.is_finite() {
            self.widen(Some(point.value), Some(point.value));
        } else {
            self.non_finite += 1;
        }
    }

    /// Adds points logged after all the others.
    pub fn merge(&mut self, later: &Self) {
        self.count_in(later);
        self.last = latest(self.last, later.last);
    }

    /// Adds points logged before all the others.
    pub fn merge_earlier(&mut self, earlier: &Self) {
        self.count_in(earlier);
        self.last = latest(earlier.last, self.last);
    }

    /// Adds points that do not compete for the latest: `last` stays, unless there was none.
    pub fn count_in(&mut self, others: &Self) {
        self.count += others.count;
        self.non_finite += others.non_finite;
        self.last = self.last.or(others.last);
        self.widen(others.min, others.max);
    }

    fn widen(&mut self, min: Option<f64>, max: Option<f64>) {
        self.min = pick(self.min, min, f64::total_cmp);
        self.max = pick(self.max, max, |a, b| b.total_cmp(a));
    }
}

/// The later of two points, of which `b` was logged after `a`.
fn latest(a: Option<Point>, b: Option<Point>) -> Option<Point> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if (a.step, a.time) > (b.step, b.time) {
            a
        } else {
            b
        }),
        (a, b) => b.or(a),
    }
}

fn pick(
    a: Option<f64>,
    b: Option<f64>,
    order: impl Fn(&f64, &f64) -> std::cmp::Ordering,
) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if order(&a, &b).is_le() { a } else { b }),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_points, bits};

    fn same(a: &Summary, b: &Summary) -> bool {
        a.count == b.count
            && a.non_finite == b.non_finite
            && a.last.as_ref().map(bits) == b.last.as_ref().map(bits)
            && a.min.map(f64::to_bits) == b.min.map(f64::to_bits)
            && a.max.map(f64::to_bits) == b.max.map(f64::to_bits)
    }

    proptest! {
        #[test]
        fn a_summary_is_what_sorting_says(points in any_points(60)) {
            let summary = Summary::of(&points);
            let mut finite: Vec<f64> = points.iter().map(|p| p.value).filter(|v| v.is_finite()).collect();
            finite.sort_by(f64::total_cmp);
            prop_assert_eq!(summary.count as usize, points.len());
            prop_assert_eq!(summary.non_finite as usize, points.len() - finite.len());
            prop_assert_eq!(summary.min.map(f64::to_bits), finite.first().map(|v| v.to_bits()));
            prop_assert_eq!(summary.max.map(f64::to_bits), finite.last().map(|v| v.to_bits()));
            let latest = points.iter().max_by_key(|point| (point.step, point.time));
            prop_assert_eq!(summary.last.as_ref().map(bits), latest.map(bits));
        }

        #[test]
        fn folding_in_parts_is_folding_the_whole(points in any_points(60), cut in 0usize..60) {
            let cut = cut.min(points.len());
            let (head, tail) = (Summary::of(&points[..cut]), Summary::of(&points[cut..]));
            let whole = Summary::of(&points);
            let mut forwards = head;
            forwards.merge(&tail);
            prop_assert!(same(&forwards, &whole));
            let mut backwards = tail;
            backwards.merge_earlier(&head);
            prop_assert!(same(&backwards, &whole));
        }
    }
}
