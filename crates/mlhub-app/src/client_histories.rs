//! Histories of metrics as clients read them that know no attempts: in pages, or a few
//! points of each of several runs.

use mlhub_core::metric::{Axis, Point, Reduction, SeriesKey, SeriesWindow};
use mlhub_core::{Caller, Permission, Result, RunId, Timestamp};

use crate::Hub;

/// Points of a series that are read to choose among them.
const WHOLE_POINTS_MAX: usize = 20_000;
/// Points from which on a reduction of the hub can keep the first and the last.
const ENVELOPE_POINTS_MIN: usize = 4;

fn key_of(run: &RunId, metric: &str) -> SeriesKey {
    SeriesKey {
        run: run.clone(),
        name: metric.to_owned(),
        origin: Timestamp(0),
    }
}

impl Hub {
    /// Points of the visible history of a metric in the order they were logged, those
    /// behind the first `skip`, at most `limit`; and how many there are in all.
    pub async fn run_points(
        &self,
        caller: &Caller,
        run: &RunId,
        metric: &str,
        skip: u64,
        limit: usize,
    ) -> Result<(Vec<Point>, u64)> {
        caller.require(Permission::Read)?;
        let key = key_of(run, metric);
        let page = Reduction::Page { skip, limit };
        let keys = std::slice::from_ref(&key);
        let window = SeriesWindow::default();
        let views = self.store.series_read(keys, window, page).await?;
        let view = views.into_iter().next().unwrap_or_default();
        Ok((view.points, view.total))
    }

    /// At most `limit` points (at least 1) of a metric of each run, between two steps where
    /// they are given, in their order: every so manyth and the last. Of a series with more
    /// than 20,000 points there, what equal stretches of it begin and end with and their
    /// extremes instead, so that not all of it is read.
    pub async fn run_points_reduced(
        &self,
        caller: &Caller,
        runs: &[RunId],
        metric: &str,
        steps: Option<(i64, i64)>,
        limit: usize,
    ) -> Result<Vec<Vec<Point>>> {
        caller.require(Permission::Read)?;
        let window = SeriesWindow {
            axis: Axis::Step,
            from: steps.map(|(from, _)| from),
            to: steps.map(|(_, to)| to),
            attempt: None,
        };
        let mut found = Vec::with_capacity(runs.len());
        for run in runs {
            let keys = [key_of(run, metric)];
            let whole = Reduction::Page {
                skip: 0,
                limit: WHOLE_POINTS_MAX,
            };
            let mut views = self.store.series_read(&keys, window, whole).await?;
            if views
                .iter()
                .any(|view| view.total > WHOLE_POINTS_MAX as u64)
            {
                let max_points = limit.max(ENVELOPE_POINTS_MIN);
                let reduction = Reduction::Envelope { max_points };
                views = self.store.series_read(&keys, window, reduction).await?;
            }
            let mut points = views.pop().unwrap_or_default().points;
            points.sort_by(|a, b| {
                let values = || a.value.total_cmp(&b.value);
                (a.step, a.time).cmp(&(b.step, b.time)).then_with(values)
            });
            found.push(sampled(points, limit));
        }
        Ok(found)
    }
}

/// The first of each of `limit` parts of almost the same length, and the last of all.
fn sampled(points: Vec<Point>, limit: usize) -> Vec<Point> {
    if points.len() <= limit {
        return points;
    }
    let (length, longer) = (points.len() / limit, points.len() % limit);
    let first = |part: usize| points[part * length + part.min(longer)];
    let mut kept: Vec<Point> = (0..limit.saturating_sub(1)).map(first).collect();
    kept.extend(points.last());
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_even_and_has_both_ends() {
        let steps = |count: i64, limit: usize| -> Vec<i64> {
            let points = (0..count).map(|step| Point {
                step,
                time: Timestamp(0),
                value: 0.0,
            });
            let kept = sampled(points.collect(), limit);
            kept.iter().map(|point| point.step).collect()
        };
        assert_eq!(steps(3, 3), [0, 1, 2]);
        assert_eq!(steps(10, 4), [0, 3, 6, 9]);
        assert_eq!(steps(11, 4), [0, 3, 6, 10]);
        assert_eq!(steps(100, 2), [0, 99]);
        assert_eq!(steps(100, 1), [99]);
        assert_eq!(steps(0, 1), [0; 0]);
    }
}
