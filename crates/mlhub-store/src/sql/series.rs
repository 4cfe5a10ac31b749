//! The trait of series over the engine; records of runs.

use std::collections::BTreeMap;

use async_trait::async_trait;
use mlhub_core::metric::{
    AttemptPoints, MetricSummary, Reduction, SeriesKey, SeriesView, SeriesWindow,
};
use mlhub_core::run::RunRecord;
use mlhub_core::store::{IngestBatch, IngestOutcome, SeriesStore};
use mlhub_core::{Result, RunId, Timestamp};

use super::SqlStore;
use super::seam::{Backend, Row, Tx};
use super::text::Sql;
use crate::check;

/// Runs per query of records.
const RUNS_SLAB: usize = 64;

#[async_trait]
impl<B: Backend> SeriesStore for SqlStore<B> {
    async fn ingest(&self, batch: IngestBatch) -> Result<IngestOutcome> {
        self.engine.ingest(batch).await
    }

    async fn offsets(&self, run: &RunId, attempt: u32) -> Result<BTreeMap<String, u64>> {
        if let Some(offsets) = self.engine.offsets(run, attempt) {
            return Ok(offsets);
        }
        self.read(
            "read offsets",
            (run.clone(), attempt),
            |tx, (run, attempt)| {
                Box::pin(async move {
                    let sql = "SELECT o.writer, o.end_offset FROM writer_offset o \
                           JOIN run r ON r.seq = o.run WHERE r.id = $1 AND o.attempt = $2";
                    let rows = tx
                        .query(sql, &[run.as_str().into(), (*attempt).into()])
                        .await?;
                    rows.into_iter()
                        .map(|mut row| Ok((row.text()?, row.int()?)))
                        .collect()
                })
            },
        )
        .await
    }

    async fn summaries(
        &self,
        runs: &[RunId],
        names: Option<&[String]>,
    ) -> Result<Vec<MetricSummary>> {
        self.engine.summaries(runs, names).await
    }

    async fn points(&self, run: &RunId, name: &str) -> Result<Vec<AttemptPoints>> {
        check::key("a metric's name", name)?;
        self.engine.points(run, name).await
    }

    async fn series_read(
        &self,
        keys: &[SeriesKey],
        window: SeriesWindow,
        reduction: Reduction,
    ) -> Result<Vec<SeriesView>> {
        for key in keys {
            check::key("a metric's name", &key.name)?;
        }
        self.engine.series_read(keys, window, reduction).await
    }

    async fn series_seal(&self) -> Result<()> {
        self.engine.seal_everything().await
    }

    async fn records(
        &self,
        run: &RunId,
        kind: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(u32, RunRecord)>> {
        check::optional("the kind", kind)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let input = (run.clone(), kind.map(str::to_owned), limit);
        self.read("read records", input, |tx, (run, kind, limit)| {
            Box::pin(records(tx, run, kind.as_deref(), *limit))
        })
        .await
    }

    async fn records_of(&self, runs: &[RunId], kind: &str) -> Result<Vec<(RunId, RunRecord)>> {
        check::optional("the kind", Some(kind))?;
        let input = (runs.to_vec(), kind.to_owned());
        self.read("read records", input, |tx, (runs, kind)| {
            Box::pin(records_of(tx, runs, kind))
        })
        .await
    }
}

async fn records_of(
    tx: &mut dyn Tx,
    runs: &[RunId],
    kind: &str,
) -> Result<Vec<(RunId, RunRecord)>> {
    let mut found = Vec::new();
    for slab in runs.chunks(RUNS_SLAB) {
        let mut sql = Sql::new(
            "SELECT r.id, c.attempt, c.kind, c.written_at, c.body FROM record c \
             JOIN run r ON r.seq = c.run WHERE r.id IN ",
        );
        sql.bind_list(slab.iter().map(|run| run.as_str().into()))
            .push(" AND c.kind = ")
            .bind(kind)
            .push(" ORDER BY c.run, c.seq");
        for mut row in sql.query(tx).await? {
            let run = row.parsed()?;
            found.push((run, record(row)?.1));
        }
    }
    Ok(found)
}

async fn records(
    tx: &mut dyn Tx,
    run: &RunId,
    kind: Option<&str>,
    limit: i64,
) -> Result<Vec<(u32, RunRecord)>> {
    let mut sql = Sql::new(
        "SELECT c.attempt, c.kind, c.written_at, c.body FROM record c \
         JOIN run r ON r.seq = c.run WHERE r.id = ",
    );
    sql.bind(run.as_str());
    if let Some(kind) = kind {
        sql.push(" AND c.kind = ").bind(kind);
    }
    sql.push(" ORDER BY c.seq DESC LIMIT ").bind(limit);
    let newest_first = sql.query(tx).await?;
    newest_first.into_iter().rev().map(record).collect()
}

fn record(mut row: Row) -> Result<(u32, RunRecord)> {
    let attempt = row.int()?;
    let record = RunRecord {
        kind: row.text()?,
        time: Timestamp(row.i64()?),
        body: row.json()?,
    };
    Ok((attempt, record))
}
