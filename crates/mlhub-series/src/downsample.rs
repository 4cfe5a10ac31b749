//! Downsampling for charts: few points, and every spike among them.
//!
//! Points are put into buckets of equal width along the axis; of each bucket
//! the first, the last, the smallest and the largest finite point are kept, and
//! what is NaN or infinite is counted. Series that fit the budget come back
//! whole. The same input always gives the same output. No smoothing, no
//! averaging, no interpolation.

use std::cmp::Ordering;

use mlhub_core::metric::Point;

/// Points kept of one bucket at most: first, last, smallest, largest.
const POINTS_PER_BUCKET: usize = 4;

/// What the buckets divide evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// The step, for series whose steps never go backwards.
    Step,
    /// The place in the series, when steps go backwards or are all the same.
    Index,
}

/// One bucket of a downsampled series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Points in it, never 0.
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
    /// The earliest of the smallest finite points, if any is finite.
    pub min: Option<Point>,
    /// The earliest of the largest finite points, if any is finite.
    pub max: Option<Point>,
}

/// A series within a budget.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// What the buckets divide.
    pub axis: Axis,
    /// Points in the range, before downsampling.
    pub total: u64,
    /// Whether `points` holds all of them.
    pub exact: bool,
    /// The points to draw, in the order they were logged.
    pub points: Vec<Point>,
    /// The buckets, in order and without empty ones; none when `exact`.
    pub buckets: Vec<Bucket>,
}

/// Reduces `points` with steps in `range` (both ends included; all when
/// absent) to at most `max_points` (at least 4 are allowed).
pub fn downsample(points: &[Point], range: Option<(i64, i64)>, max_points: usize) -> Envelope {
    let (low, high) = range.unwrap_or((i64::MIN, i64::MAX));
    let inside: Vec<Point> = points
        .iter()
        .filter(|point| (low..=high).contains(&point.step))
        .copied()
        .collect();
    let axis = axis_of(&inside);
    let total = inside.len() as u64;
    if inside.len() <= max_points {
        return Envelope {
            axis,
            total,
            exact: true,
            points: inside,
            buckets: Vec::new(),
        };
    }
    let bucket_count = (max_points / POINTS_PER_BUCKET).max(1);
    let mut kept = Vec::with_capacity(bucket_count * POINTS_PER_BUCKET);
    let mut buckets = Vec::with_capacity(bucket_count);
    for slice in slices(&inside, axis, bucket_count) {
        let (bucket, mut indices) = summarise(slice);
        indices.sort_unstable();
        indices.dedup();
        kept.extend(indices.into_iter().map(|index| slice[index]));
        buckets.push(bucket);
    }
    Envelope {
        axis,
        total,
        exact: false,
        points: kept,
        buckets,
    }
}

fn axis_of(points: &[Point]) -> Axis {
    let ordered = points.windows(2).all(|pair| pair[0].step <= pair[1].step);
    let spread = points.first().map(|point| point.step) != points.last().map(|point| point.step);
    if ordered && spread {
        Axis::Step
    } else {
        Axis::Index
    }
}

/// Cuts `points` into its non-empty buckets.
fn slices(points: &[Point], axis: Axis, bucket_count: usize) -> Vec<&[Point]> {
    let low = points.first().map_or(0, |point| i128::from(point.step));
    let high = points.last().map_or(0, |point| i128::from(point.step));
    let width = match axis {
        Axis::Step => high - low + 1,
        Axis::Index => points.len() as i128,
    };
    let bucket_of = |index: usize| {
        let place = match axis {
            Axis::Step => i128::from(points[index].step) - low,
            Axis::Index => index as i128,
        };
        place * bucket_count as i128 / width
    };
    let mut cuts = Vec::with_capacity(bucket_count);
    let mut start = 0;
    for index in 1..=points.len() {
        if index == points.len() || bucket_of(index) != bucket_of(start) {
            cuts.push(&points[start..index]);
            start = index;
        }
    }
    cuts
}

/// The bucket of a non-empty slice and the places of the points it keeps.
fn summarise(slice: &[Point]) -> (Bucket, Vec<usize>) {
    let mut bucket = Bucket {
        count: slice.len() as u64,
        nan: 0,
        positive_infinity: 0,
        negative_infinity: 0,
        first: slice[0],
        last: slice[slice.len() - 1],
        min: None,
        max: None,
    };
    let (mut lowest, mut highest) = (0, 0);
    for (index, point) in slice.iter().enumerate() {
        if point.value.is_nan() {
            bucket.nan += 1;
        } else if point.value == f64::INFINITY {
            bucket.positive_infinity += 1;
        } else if point.value == f64::NEG_INFINITY {
            bucket.negative_infinity += 1;
        } else {
            if beats(point, bucket.min.as_ref(), Ordering::Less) {
                (bucket.min, lowest) = (Some(*point), index);
            }
            if beats(point, bucket.max.as_ref(), Ordering::Greater) {
                (bucket.max, highest) = (Some(*point), index);
            }
        }
    }
    (bucket, vec![0, slice.len() - 1, lowest, highest])
}

fn beats(point: &Point, best: Option<&Point>, wanted: Ordering) -> bool {
    best.is_none_or(|best| point.value.total_cmp(&best.value) == wanted)
}

#[cfg(test)]
mod tests {
    use mlhub_core::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_points, any_step, bits};

    /// Checks one envelope against the definition, computed naively.
    fn check(
        points: &[Point],
        range: Option<(i64, i64)>,
        budget: usize,
    ) -> Result<(), TestCaseError> {
        let envelope = downsample(points, range, budget);
        let (low, high) = range.unwrap_or((i64::MIN, i64::MAX));
        let inside: Vec<Point> = points
            .iter()
            .filter(|p| p.step >= low && p.step <= high)
            .copied()
            .collect();
        prop_assert_eq!(envelope.total as usize, inside.len());
        let chosen: Vec<_> = envelope.points.iter().map(bits).collect();
        if inside.len() <= budget {
            prop_assert!(envelope.exact && envelope.buckets.is_empty());
            prop_assert_eq!(chosen, inside.iter().map(bits).collect::<Vec<_>>());
            return Ok(());
        }
        prop_assert!(!envelope.exact);
        prop_assert!(envelope.points.len() <= budget.max(POINTS_PER_BUCKET));
        let mut start = 0;
        for bucket in &envelope.buckets {
            let slice = &inside[start..start + bucket.count as usize];
            start += bucket.count as usize;
            let mut finite: Vec<&Point> = slice.iter().filter(|p| p.value.is_finite()).collect();
            finite.sort_by(|a, b| a.value.total_cmp(&b.value));
            let count =
                |wanted: fn(f64) -> bool| slice.iter().filter(|p| wanted(p.value)).count() as u64;
            prop_assert_eq!(bucket.nan, count(f64::is_nan));
            prop_assert_eq!(bucket.positive_infinity, count(|v| v == f64::INFINITY));
            prop_assert_eq!(bucket.negative_infinity, count(|v| v == f64::NEG_INFINITY));
            prop_assert_eq!(
                bucket.min.map(|p| p.value.to_bits()),
                finite.first().map(|p| p.value.to_bits())
            );
            prop_assert_eq!(
                bucket.max.map(|p| p.value.to_bits()),
                finite.last().map(|p| p.value.to_bits())
            );
            prop_assert_eq!(bits(&bucket.first), bits(&slice[0]));
            prop_assert_eq!(bits(&bucket.last), bits(&slice[slice.len() - 1]));
            for kept in [
                Some(bucket.first),
                Some(bucket.last),
                bucket.min,
                bucket.max,
            ]
            .into_iter()
            .flatten()
            {
                prop_assert!(chosen.contains(&bits(&kept)));
            }
        }
        prop_assert_eq!(start, inside.len());
        let again = downsample(points, range, budget);
        prop_assert_eq!(format!("{again:?}"), format!("{envelope:?}"));
        Ok(())
    }

    proptest! {
        #[test]
        fn every_bucket_keeps_first_last_min_and_max(
            points in any_points(300),
            sorted in any::<bool>(),
            range in prop::option::of((any_step(), any_step())),
            budget in 0usize..80,
        ) {
            let mut points = points;
            if sorted {
                points.sort_by_key(|point| point.step);
            }
            check(&points, range, budget)?;
        }

        #[test]
        fn a_lone_spike_is_in_every_budget(length in 10usize..3000, place in 0usize..3000, budget in 4usize..200) {
            let place = place % length;
            let points: Vec<Point> = (0..length).map(|index| Point {
                step: index as i64,
                time: Timestamp(index as i64),
                value: if index == place { 1e9 } else { 0.5 },
            }).collect();
            let envelope = downsample(&points, None, budget);
            prop_assert!(envelope.points.iter().any(|point| point.value == 1e9));
            prop_assert!(envelope.points.windows(2).all(|pair| pair[0].step < pair[1].step));
        }
    }

    #[test]
    fn the_axis_is_the_step_only_when_steps_move_forward() {
        let at = |step| Point {
            step,
            time: Timestamp(0),
            value: 1.0,
        };
        let axis = |steps: &[i64]| {
            downsample(&steps.iter().map(|s| at(*s)).collect::<Vec<_>>(), None, 4).axis
        };
        assert_eq!(axis(&[1, 1, 2, 9, 9, 10]), Axis::Step);
        assert_eq!(axis(&[i64::MIN, 0, 1, 2, 3, i64::MAX]), Axis::Step);
        assert_eq!(axis(&[3, 3, 3, 3, 3, 3]), Axis::Index);
        assert_eq!(axis(&[1, 2, 3, 2, 3, 4]), Axis::Index);
    }
}
