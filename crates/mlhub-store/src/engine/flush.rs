//! Summaries and offsets of the log go to their tables, and rows of the log that
//! nobody needs any more go.

use std::collections::BTreeSet;

use mlhub_core::{Error, ErrorKind, Result};

use super::fold::{self, Fold};
use super::memory::Memory;
use crate::sql::text::{insert_rows, query_in};
use crate::sql::{Tx, Value};

/// What a flush writes, collected while nothing changes.
#[derive(Debug, Clone)]
pub(super) struct Flush {
    folds: Vec<(i64, i64, Fold)>,
    offsets: Vec<(i64, Vec<Value>)>,
    runs: BTreeSet<i64>,
    epoch: i64,
    /// Rows up to here are then in the tables.
    pub(super) flushed_seq: i64,
    /// Rows up to here go.
    pub(super) trimmed: i64,
}

impl Flush {
    /// All that is newer than its table.
    pub(super) fn collect(memory: &Memory) -> Self {
        let mut folds = Vec::new();
        let mut offsets = Vec::new();
        for run in memory.dirty() {
            let dirty = run.dirty_series.iter();
            folds.extend(dirty.filter_map(|label| {
                let series = run.series.get(label)?;
                Some((run.seq, *label, series.fold))
            }));
            offsets.extend(run.dirty_offsets.iter().map(|(attempt, writer)| {
                let row = vec![
                    run.seq.into(),
                    (*attempt).into(),
                    (**writer).into(),
                    run.offset(*attempt, writer).into(),
                ];
                (run.seq, row)
            }));
        }
        Self {
            folds,
            offsets,
            runs: memory.dirty().map(|run| run.seq).collect(),
            epoch: memory.epoch,
            flushed_seq: memory.next_seq - 1,
            trimmed: memory.trimmable(),
        }
    }

    /// Writes it; runs that are gone are left out and returned.
    pub(super) async fn write(&self, tx: &mut dyn Tx) -> Result<Vec<i64>> {
        check_epoch(tx, self.epoch).await?;
        let runs = self.runs.iter().copied();
        let there = existing(tx, runs).await?;
        let folds = self.folds.iter().filter(|(run, _, _)| there.contains(run));
        fold::put(tx, &folds.copied().collect::<Vec<_>>()).await?;
        let offsets = self.offsets.iter().filter(|(run, _)| there.contains(run));
        insert_rows(
            tx,
            "INSERT INTO writer_offset (run, attempt, writer, end_offset)",
            offsets.map(|(_, row)| row.clone()).collect(),
            " ON CONFLICT (run, attempt, writer) DO UPDATE SET end_offset = excluded.end_offset",
        )
        .await?;
        tx.execute(
            "UPDATE engine SET flushed_seq = $1 WHERE id = 1",
            &[self.flushed_seq.into()],
        )
        .await?;
        tx.execute(
            "DELETE FROM ingest_log WHERE seq <= $1",
            &[self.trimmed.into()],
        )
        .await?;
        let gone = self.runs.iter().filter(|run| !there.contains(run));
        Ok(gone.copied().collect())
    }
}

/// Those of the runs that are there.
pub(super) async fn existing(
    tx: &mut dyn Tx,
    runs: impl IntoIterator<Item = i64>,
) -> Result<BTreeSet<i64>> {
    let runs: Vec<Value> = runs.into_iter().map(Value::from).collect();
    let rows = query_in(tx, "SELECT seq FROM run WHERE seq IN ", &runs, "").await?;
    rows.into_iter().map(|mut row| row.i64()).collect()
}

/// Takes the engine's row until the transaction ends; the epoch in it.
pub(super) async fn lock(tx: &mut dyn Tx) -> Result<Option<i64>> {
    let sql = format!(
        "SELECT epoch FROM engine WHERE id = 1{}",
        tx.dialect().lock_rows()
    );
    let rows = tx.query(&sql, &[]).await?;
    rows.into_iter().next().map(|mut row| row.i64()).transpose()
}

/// Refuses when another hub has taken the database over; until the transaction
/// ends, none can.
pub(super) async fn check_epoch(tx: &mut dyn Tx, epoch: i64) -> Result<()> {
    if lock(tx).await? == Some(epoch) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unavailable,
        "another hub has taken the database over; nothing was stored. Use that hub, or stop it",
    ))
}
