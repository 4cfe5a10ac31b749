//! What a resume at a step does to summaries: points beyond it, of every earlier
//! attempt, leave them. The points themselves stay.

use std::collections::{BTreeMap, BTreeSet};

use mlhub_core::{ErrorKind, Result};
use mlhub_series::{ChunkStats, Summary, visible_limit};

use super::fold::{self, Fold};
use super::load::chunk_points;
use super::run_state::RunState;
use super::stats;
use super::tail::TailView;
use crate::sql::Tx;

/// A run's tails, by label, at the moment of the resume.
pub(super) type Tails = BTreeMap<i64, Vec<TailView>>;

/// The tails of a run.
pub(super) fn tails(run: &RunState) -> Tails {
    let series = run.series.iter();
    series
        .map(|(label, series)| {
            let views = series.tails.iter().filter_map(|tail| tail.view());
            (*label, views.collect())
        })
        .collect()
}

/// Computes and stores the summaries that a resume at `step` may have changed:
/// those of series with points beyond it. The new attempt is in `attempts`.
pub(super) async fn supersede(
    tx: &mut dyn Tx,
    run: i64,
    step: i64,
    attempts: &[(u32, Option<i64>)],
    tails: &Tails,
) -> Result<Vec<(i64, Fold)>> {
    let rows = tx
        .query(
            "SELECT DISTINCT label FROM chunk WHERE run = $1 AND step_max > $2",
            &[run.into(), step.into()],
        )
        .await?;
    let mut labels = rows
        .into_iter()
        .map(|mut row| row.i64())
        .collect::<Result<BTreeSet<i64>>>()?;
    for (label, views) in tails {
        let beyond = |view: &TailView| view.points().iter().any(|point| point.step > step);
        if views.iter().any(beyond) {
            labels.insert(*label);
        }
    }
    let mut folds = Vec::with_capacity(labels.len());
    for label in labels {
        let views = tails.get(&label).map_or(&[][..], Vec::as_slice);
        folds.push((label, whole(tx, run, label, attempts, views).await?));
    }
    let rows: Vec<_> = folds
        .iter()
        .map(|(label, fold)| (run, *label, *fold))
        .collect();
    fold::put(tx, &rows).await?;
    Ok(folds)
}

/// The summary of all visible points of a series.
async fn whole(
    tx: &mut dyn Tx,
    run: i64,
    label: i64,
    attempts: &[(u32, Option<i64>)],
    tails: &[TailView],
) -> Result<Fold> {
    let rows = tx
        .query(
            "SELECT id, attempt, start_index, stats FROM chunk WHERE run = $1 AND label = $2 \
             ORDER BY attempt, start_index",
            &[run.into(), label.into()],
        )
        .await?;
    let mut parts: BTreeMap<u32, Fold> = BTreeMap::new();
    for mut row in rows {
        let (id, attempt, start): (i64, u32, u64) = (row.i64()?, row.int()?, row.int()?);
        let in_tail = |view: &&TailView| view.attempt == attempt && view.start <= start;
        if tails.iter().any(|view| in_tail(&view)) {
            continue;
        }
        let limit = visible_limit(attempts, attempt).unwrap_or(i64::MAX);
        match of_chunk(tx, id, attempt, limit, &row.blob()?).await {
            Ok(fold) => parts.entry(attempt).or_default().add(&fold, attempts),
            // One broken chunk does not keep a run from being resumed.
            Err(error) if error.kind() == ErrorKind::Internal => tracing::error!(
                run, label, attempt, chunk = id, error = %error,
                "a chunk of points cannot be read; the summary of its series is without it"
            ),
            Err(error) => return Err(error),
        }
    }
    for view in tails {
        let limit = visible_limit(attempts, view.attempt).unwrap_or(i64::MAX);
        let fold = Fold::of(view.attempt, &view.points(), limit);
        parts.entry(view.attempt).or_default().add(&fold, attempts);
    }
    let mut whole = Fold::default();
    for fold in parts.values() {
        whole.add(fold, attempts);
    }
    Ok(whole)
}

/// The summary of a chunk's visible points.
async fn of_chunk(
    tx: &mut dyn Tx,
    id: i64,
    attempt: u32,
    limit: i64,
    stats: &[u8],
) -> Result<Fold> {
    match stats::decode(stats) {
        Ok(stats) if stats.step_min > limit => Ok(Fold::default()),
        // The point logged last is the latest where steps and times are in order.
        Ok(stats) if stats.step_max <= limit && stats.steps_ordered && stats.times_ordered => {
            Ok(of_stats(attempt, &stats))
        }
        // The points say what statistics do not.
        _ => Ok(Fold::of(attempt, &chunk_points(tx, id).await?, limit)),
    }
}

fn of_stats(attempt: u32, stats: &ChunkStats) -> Fold {
    Fold {
        summary: Summary {
            count: stats.count,
            non_finite: stats.non_finite(),
            last: Some(stats.last),
            min: stats.min.map(|extreme| extreme.point.value),
            max: stats.max.map(|extreme| extreme.point.value),
        },
        last_attempt: attempt,
    }
}
