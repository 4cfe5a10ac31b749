//! Series of whole runs, for export and import, inside a transaction of others.
//!
//! An export reads the ingest log of its own snapshot, so that points and ends of
//! streams are those of one moment, whatever is sealed or flushed. A run that is
//! imported is not written to by anybody else until it is whole, and comes into
//! memory from its tables.

use std::collections::BTreeMap;

use mlhub_core::Result;
use mlhub_core::metric::{AttemptPoints, Point};
use mlhub_series::visible_limit;

use super::fold::{self, Fold};
use super::load::{self, chunk_points};
use super::memory::Memory;
use super::run_state::PartKey;
use super::seal::{self, SealedTail};
use super::tail::ROLLUP_POINTS;
use super::{flush, read};
use crate::sql::{Tx, attempts};

/// What is not in the tables yet, in one transaction.
pub(crate) struct Snapshot(Memory);

impl Snapshot {
    /// Reads the log as the transaction sees it. Takes the memory that the log
    /// takes in the engine.
    ///
    /// # Errors
    /// Also when a row of the log is damaged: the next start sets it aside.
    pub(crate) async fn read(tx: &mut dyn Tx) -> Result<Self> {
        load::snapshot(tx).await.map(Self)
    }

    /// Every series of a run with its label, superseded ones included, by name.
    pub(crate) async fn names(&self, tx: &mut dyn Tx, run: i64) -> Result<Vec<(i64, String)>> {
        let rows = tx
            .query(
                "SELECT l.id, l.name FROM label l WHERE l.id IN \
                 (SELECT label FROM chunk WHERE run = $1)",
                &[run.into()],
            )
            .await?;
        let mut names: BTreeMap<String, i64> = BTreeMap::new();
        for mut row in rows {
            let label = row.i64()?;
            names.insert(row.text()?, label);
        }
        if let Some(state) = self.0.run_by_seq(run) {
            let logged = state.series.iter();
            names.extend(logged.map(|(label, series)| (series.name.to_string(), *label)));
        }
        Ok(names
            .into_iter()
            .map(|(name, label)| (label, name))
            .collect())
    }

    /// All points of a series, by attempt, superseded ones included.
    pub(crate) async fn points(
        &self,
        tx: &mut dyn Tx,
        run: i64,
        label: i64,
    ) -> Result<Vec<AttemptPoints>> {
        let series = self
            .0
            .run_by_seq(run)
            .and_then(|run| run.series.get(&label));
        let tails = series.into_iter().flat_map(|series| &series.tails);
        let tails: Vec<_> = tails.filter_map(|tail| tail.view()).collect();
        read::stored(tx, run, label, &tails).await
    }

    /// Ends of the streams of a run by attempt and writer.
    pub(crate) async fn offsets(
        &self,
        tx: &mut dyn Tx,
        run: i64,
    ) -> Result<BTreeMap<(u32, String), i64>> {
        let stored = match self.0.run_by_seq(run) {
            Some(state) => state.offsets.clone(),
            None => load::offsets(tx, run).await?,
        };
        let plain = stored.into_iter();
        Ok(plain
            .map(|((attempt, writer), end)| ((attempt, writer.to_string()), end))
            .collect())
    }
}

/// Begins to store: until the transaction ends the engine commits nothing, so
/// that neither waits for the other's labels.
pub(crate) async fn begin(tx: &mut dyn Tx) -> Result<()> {
    flush::lock(tx).await.map(drop)
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
    fold.add(&Fold::of(attempt, points, limit), &resumes);
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
