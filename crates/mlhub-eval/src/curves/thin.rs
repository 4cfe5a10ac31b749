//! Fewer points for the same curve.
//!
//! First, points on the line between their neighbours go: nothing is lost. If too
//! many are left, the largest-triangle rule (Steinarsson, Downsampling time series
//! for visual representation, 2013) keeps the ends and, of each equal share of
//! the points, the one that stands out most.

/// A point of a curve and the threshold it belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) threshold: f64,
}

/// Collects points, dropping those on the line between their neighbours.
#[derive(Default)]
pub(super) struct Collector {
    points: Vec<Point>,
}

impl Collector {
    pub(super) fn push(&mut self, point: Point) {
        if let [.., before, last] = self.points.as_slice()
            && doubled_area(*before, *last, point) == 0.0
            && is_between(before.x, last.x, point.x)
            && is_between(before.y, last.y, point.y)
        {
            self.points.pop();
        }
        self.points.push(point);
    }

    pub(super) fn into_points(self, limit: usize) -> Vec<Point> {
        thin(self.points, limit)
    }
}

/// Twice the area of a triangle, signless.
fn doubled_area(a: Point, b: Point, c: Point) -> f64 {
    ((b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y)).abs()
}

fn is_between(first: f64, middle: f64, last: f64) -> bool {
    (first <= middle && middle <= last) || (first >= middle && middle >= last)
}

/// At most `limit` of the points (at least 3), the ends among them.
fn thin(points: Vec<Point>, limit: usize) -> Vec<Point> {
    if points.len() <= limit {
        return points;
    }
    let inner = points.len() - 2;
    let buckets = limit - 2;
    let start_of = |bucket: usize| 1 + bucket * inner / buckets;
    let mut kept = Vec::with_capacity(limit);
    let mut last = points[0];
    kept.push(last);
    for bucket in 0..buckets {
        let (start, end) = (start_of(bucket), start_of(bucket + 1));
        let next = &points[end..start_of(bucket + 2).clamp(end + 1, points.len())];
        let ahead = Point {
            x: next.iter().map(|point| point.x).sum::<f64>() / next.len() as f64,
            y: next.iter().map(|point| point.y).sum::<f64>() / next.len() as f64,
            threshold: 0.0,
        };
        let mut best = points[start];
        let mut best_area = -1.0;
        for point in &points[start..end] {
            let area = doubled_area(last, *point, ahead);
            if area > best_area {
                (best, best_area) = (*point, area);
            }
        }
        kept.push(best);
        last = best;
    }
    kept.push(points[points.len() - 1]);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(x: f64, y: f64) -> Point {
        Point {
            x,
            y,
            threshold: x + y,
        }
    }

    #[test]
    fn collinear_points_go() {
        let mut collector = Collector::default();
        for (x, y) in [
            (0.0, 0.0),
            (0.0, 1.0),
            (0.0, 2.0),
            (1.0, 3.0),
            (2.0, 4.0),
            (3.0, 4.0),
        ] {
            collector.push(point(x, y));
        }
        let kept = collector.into_points(100);
        assert_eq!(
            kept,
            [
                point(0.0, 0.0),
                point(0.0, 2.0),
                point(2.0, 4.0),
                point(3.0, 4.0)
            ]
        );
    }

    #[test]
    fn a_turn_back_on_the_same_line_stays() {
        let mut collector = Collector::default();
        for y in [1.0, 0.5, 0.8] {
            collector.push(point(0.0, y));
        }
        assert_eq!(collector.into_points(100).len(), 3);
    }

    #[test]
    fn a_corner_survives_thinning() {
        let points = (0..10_000)
            .map(|step| {
                let x = f64::from(step) / 9_999.0;
                point(x, if x < 0.1 { 10.0 * x } else { 1.0 })
            })
            .collect();
        let kept = thin(points, 64);
        let corner = kept
            .iter()
            .map(|p| (p.x - 0.1).hypot(p.y - 1.0))
            .fold(1.0, f64::min);
        assert!(corner < 0.02, "{corner}");
    }

    proptest! {
        #[test]
        fn thinning_keeps_ends_order_and_bound(
            values in proptest::collection::vec(0.0_f64..1.0, 2..400),
            limit in 3_usize..60,
        ) {
            let points: Vec<Point> =
                values.iter().enumerate().map(|(step, y)| point(step as f64, *y)).collect();
            let kept = thin(points.clone(), limit);
            prop_assert_eq!(kept.len(), points.len().min(limit));
            prop_assert_eq!(kept[0], points[0]);
            prop_assert_eq!(kept[kept.len() - 1], points[points.len() - 1]);
            prop_assert!(kept.windows(2).all(|pair| pair[0].x < pair[1].x));
            prop_assert!(kept.iter().all(|kept| points[kept.x as usize] == *kept));
        }
    }
}
