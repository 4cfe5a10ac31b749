//! Series of whole runs, for export and import, inside a transaction of others.
//!
//! What is in memory is not seen here: seal everything before an export. A run
//! that is imported is not written to by anybody else until it is whole.

use mlhub_core::Result;
use mlhub_core::metric::{AttemptPoints, Point};
use mlhub_series::visible_limit;

use super::fold::{self, Fold};
use super::load::chunk_points;
use super::memory::PartKey;
use super::seal::{self, SealedTail};
use super::tail::ROLLUP_POINTS;
use super::{flush, read};
use crate::sql::{Tx, attempts};

/// Every series of a run with its label, superseded ones included, by name.
pub(crate) async fn names(tx: &mut dyn Tx, run: i64) -> Result<Vec<(i64, String)>> {
    let rows = tx
        .query(
            "SELECT l.id, l.name FROM label l WHERE l.id IN \
             (SELECT label FROM chunk WHERE run = $1) ORDER BY l.name",
            &[run.into()],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.i64()?, row.text()?)))
        .collect()
}

/// All sealed points of a series, by attempt, superseded ones included.
pub(crate) async fn points(tx: &mut dyn Tx, run: i64, label: i64) -> Result<Vec<AttemptPoints>> {
    read::stored(tx, run, label, &[]).await
}

/// Stores points of an attempt, after those that the series has. The run's
/// attempts are already stored.
pub(crate) async fn restore(
    tx: &mut dyn Tx,
    run: i64,
    label: i64,
    attempt: u32,
    points: &[Point],
) -> Result<()> {
    flush::lock(tx).await?;
    let key = PartKey {
        run,
        label,
        attempt,
    };
    let (start, replaces, mut whole) = short_chunk(tx, key).await?;
    whole.extend_from_slice(points);
    let tail = SealedTail::new(key, replaces, seal::chunks(start, &whole));
    seal::insert(tx, &[tail]).await?;

    let resumes = attempts::resume_steps(tx, run).await?;
    let limit = visible_limit(&resumes, attempt).unwrap_or(i64::MAX);
    let sql = format!(
        "SELECT {} FROM summary s WHERE s.run = $1 AND s.label = $2",
        fold::COLUMNS
    );
    let rows = tx.query(&sql, &[run.into(), label.into()]).await?;
    let stored = rows.into_iter().next().map(|mut row| Fold::read(&mut row));
    let mut fold = stored.transpose()?.unwrap_or_default();
    fold.add(&Fold::of(attempt, points, limit));
    fold::put(tx, &[(run, label, fold)]).await
}

/// Where the next chunk of an attempt's series starts, the short chunk it
/// replaces, and that chunk's points.
async fn short_chunk(tx: &mut dyn Tx, key: PartKey) -> Result<(u64, Option<i64>, Vec<Point>)> {
    let rows = tx
        .query(
            "SELECT id, start_index, points FROM chunk \
             WHERE run = $1 AND label = $2 AND attempt = $3 ORDER BY start_index DESC LIMIT 1",
            &[key.run.into(), key.label.into(), key.attempt.into()],
        )
        .await?;
    let Some(mut row) = rows.into_iter().next() else {
        return Ok((0, None, Vec::new()));
    };
    let (id, start, count): (i64, u64, u64) = (row.i64()?, row.int()?, row.int()?);
    if count % ROLLUP_POINTS == 0 {
        return Ok((start + count, None, Vec::new()));
    }
    Ok((start, Some(id), chunk_points(tx, id).await?))
}
