//! Which points of a run with several attempts are its visible history.
//!
//! An attempt that resumed at step `s` supersedes the points of every earlier
//! attempt with a step beyond `s`; an attempt that did not resume supersedes
//! nothing. Superseded points are hidden here, never removed.

use mlhub_core::metric::{AttemptPoints, Point};

/// The last step that is visible of `attempt`; `None` when all are.
///
/// `attempts` holds each attempt's number and the step it resumed from, in any order.
pub fn visible_limit(attempts: &[(u32, Option<i64>)], attempt: u32) -> Option<i64> {
    attempts
        .iter()
        .filter(|(number, _)| *number > attempt)
        .filter_map(|(_, resumed_from_step)| *resumed_from_step)
        .min()
}

/// The first attempt of the course that `attempt` belongs to. One that resumed behind
/// every step goes on with the course of the attempt before it; any other begins its own.
pub fn course(attempts: &[(u32, Option<i64>)], attempt: u32) -> u32 {
    let begins = |resumed: &Option<i64>| *resumed != Some(i64::MAX);
    let first = attempts
        .iter()
        .filter(|(number, resumed)| *number <= attempt && begins(resumed))
        .map(|(number, _)| *number);
    first.max().unwrap_or(attempt)
}

/// The visible points of a series: by attempt, then in the order they were logged.
pub fn visible(attempts: &[(u32, Option<i64>)], series: &[AttemptPoints]) -> Vec<Point> {
    let mut parts: Vec<&AttemptPoints> = series.iter().collect();
    parts.sort_by_key(|part| part.attempt);
    let mut points = Vec::with_capacity(parts.iter().map(|part| part.points.len()).sum());
    for part in parts {
        let limit = visible_limit(attempts, part.attempt).unwrap_or(i64::MAX);
        points.extend(part.points.iter().filter(|point| point.step <= limit));
    }
    points
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_points, any_step, bits};

    fn at(step: i64) -> Point {
        Point {
            step,
            time: mlhub_core::Timestamp(0),
            value: step as f64,
        }
    }

    #[test]
    fn chains_of_resumes_compose() {
        let attempts = [(1, None), (2, Some(20)), (3, Some(10))];
        let series = [
            AttemptPoints {
                attempt: 1,
                points: [0, 10, 20, 30].map(at).to_vec(),
            },
            AttemptPoints {
                attempt: 2,
                points: [21, 25].map(at).to_vec(),
            },
            AttemptPoints {
                attempt: 3,
                points: [11, 12].map(at).to_vec(),
            },
        ];
        let steps: Vec<i64> = visible(&attempts, &series).iter().map(|p| p.step).collect();
        assert_eq!(steps, [0, 10, 11, 12]);
    }

    #[test]
    fn an_attempt_behind_every_step_goes_on_with_the_course() {
        let on = Some(i64::MAX);
        let attempts = [
            (1, None),
            (2, on),
            (3, Some(10)),
            (4, on),
            (5, on),
            (6, None),
        ];
        let courses: Vec<u32> = (1..=6).map(|number| course(&attempts, number)).collect();
        assert_eq!(courses, [1, 1, 3, 3, 3, 6]);
        assert_eq!(course(&[], 2), 2);
    }

    proptest! {
        /// The oracle walks through history: each attempt first cuts what is
        /// there, then adds its own points.
        #[test]
        fn visible_is_cutting_then_appending_attempt_by_attempt(
            parts in prop::collection::vec((prop::option::of(any_step()), any_points(12)), 1..6)
        ) {
            let attempts: Vec<_> = parts.iter().enumerate().map(|(i, (from, _))| (i as u32 + 1, *from)).collect();
            let series: Vec<_> = parts.iter().enumerate().map(|(i, (_, points))| AttemptPoints {
                attempt: i as u32 + 1,
                points: points.clone(),
            }).collect();
            let mut oracle: Vec<Point> = Vec::new();
            for (from, points) in &parts {
                if let Some(from) = from {
                    oracle.retain(|point| point.step <= *from);
                }
                oracle.extend(points);
            }
            prop_assert_eq!(
                visible(&attempts, &series).iter().map(bits).collect::<Vec<_>>(),
                oracle.iter().map(bits).collect::<Vec<_>>()
            );
        }
    }
}
