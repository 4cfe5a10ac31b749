//! Histories of metrics as clients read them that know no attempts: in pages, or a few
//! points of each of several runs.

use mlhub_core::metric::{Axis, Point, Reduction, SeriesKey, SeriesWindow};
use mlhub_core::{Caller, Permission, Result, RunId, Timestamp};

use crate::Hub;

/// Points from which on a reduction of the hub can keep the first and the last.
const REDUCED_POINTS_MIN: usize = 4;

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
    /// they are given: all where there are no more, else the first, the last and, of equal
    /// stretches between them, what they begin and end with and their extremes. A limit of 1
    /// keeps the last.
    pub async fn run_points_reduced(
        &self,
        caller: &Caller,
        runs: &[RunId],
        metric: &str,
        steps: Option<(i64, i64)>,
        limit: usize,
    ) -> Result<Vec<Vec<Point>>> {
        caller.require(Permission::Read)?;
        let keys: Vec<SeriesKey> = runs.iter().map(|run| key_of(run, metric)).collect();
        let window = SeriesWindow {
            axis: Axis::Step,
            from: steps.map(|(from, _)| from),
            to: steps.map(|(_, to)| to),
            attempt: None,
        };
        let max_points = limit.max(REDUCED_POINTS_MIN);
        let reduction = Reduction::Envelope { max_points };
        let views = self.store.series_read(&keys, window, reduction).await?;
        let few = |view: mlhub_core::metric::SeriesView| {
            let mut points = view.points;
            points.sort_by_key(|point| (point.step, point.time));
            if points.len() > limit {
                let last = points.pop();
                points.truncate(limit.saturating_sub(1));
                points.extend(last);
            }
            points
        };
        Ok(views.into_iter().map(few).collect())
    }
}
