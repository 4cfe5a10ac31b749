//! Metric series: chunks of points, running summaries and records.

use std::collections::BTreeMap;

use async_trait::async_trait;
use mlhub_core::metric::{
    AttemptPoints, MetricSummary, Point, Reduction, SeriesKey, SeriesView, SeriesWindow,
};
use mlhub_core::run::RunRecord;
use mlhub_core::store::{IngestBatch, IngestOutcome, SeriesStore};
use mlhub_core::{Error, Result, RunId, Timestamp};
use mlhub_series::{ReadPlan, Summary, decode, visible_limit};

use super::seam::{Backend, Row, Tx, Value};
use super::text::{Sql, bits, insert_rows, query_in_run, sort_columns};
use super::{SqlStore, attempts, ingest, labels, runs};
use crate::check;

/// Names or runs per query of summaries.
const SUMMARY_SLAB: usize = 64;

#[async_trait]
impl<B: Backend> SeriesStore for SqlStore<B> {
    async fn ingest(&self, batch: &IngestBatch) -> Result<IngestOutcome> {
        let batch = ingest::prepare(batch)?;
        self.write("store events", batch, |tx, batch| {
            Box::pin(ingest::store(tx, batch))
        })
        .await
    }

    async fn offsets(&self, run: &RunId, attempt: u32) -> Result<BTreeMap<String, u64>> {
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
        let input = (runs.to_vec(), names.map(<[String]>::to_vec));
        self.read("read summaries", input, |tx, (runs, names)| {
            Box::pin(summaries(tx, runs, names.as_deref()))
        })
        .await
    }

    async fn points(&self, run: &RunId, name: &str) -> Result<Vec<AttemptPoints>> {
        check::key("a metric's name", name)?;
        let input = (run.clone(), name.to_owned());
        self.read("read points", input, |tx, (run, name)| {
            Box::pin(async move {
                let run = runs::seq_of(tx, run).await?;
                let label = labels::find(tx, &[name]).await?.into_values().next();
                match (run, label) {
                    (Some(run), Some(label)) => points(tx, run, label).await,
                    _ => Ok(Vec::new()),
                }
            })
        })
        .await
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
        self.read("read series", keys.to_vec(), move |tx, keys| {
            Box::pin(async move {
                let mut views = Vec::with_capacity(keys.len());
                for key in keys.iter() {
                    views.push(view(tx, key, window, reduction).await?);
                }
                Ok(views)
            })
        })
        .await
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

async fn points(tx: &mut dyn Tx, run: i64, label: i64) -> Result<Vec<AttemptPoints>> {
    let rows = tx
        .query(
            "SELECT attempt, body FROM chunk WHERE run = $1 AND label = $2 ORDER BY attempt, seq",
            &[run.into(), label.into()],
        )
        .await?;
    let mut series: Vec<AttemptPoints> = Vec::new();
    for mut row in rows {
        let attempt = row.int()?;
        let points = decode(&row.blob()?)
            .map_err(|error| Error::internal("read a chunk of points", error))?;
        match series.last_mut().filter(|part| part.attempt == attempt) {
            Some(part) => part.points.extend(points),
            None => series.push(AttemptPoints { attempt, points }),
        }
    }
    Ok(series)
}

async fn view(
    tx: &mut dyn Tx,
    key: &SeriesKey,
    window: SeriesWindow,
    reduction: Reduction,
) -> Result<SeriesView> {
    let run = runs::seq_of(tx, &key.run).await?;
    let label = labels::find(tx, &[&key.name]).await?.into_values().next();
    let (Some(run), Some(label)) = (run, label) else {
        return Ok(SeriesView::default());
    };
    let attempts = attempts::resume_steps(tx, run).await?;
    let all = points(tx, run, label).await?;
    let plan = ReadPlan::new(&attempts, &[], &all, key.origin, window, reduction);
    Ok(plan.finish().unwrap_or_default())
}

async fn summaries(
    tx: &mut dyn Tx,
    runs: &[RunId],
    names: Option<&[String]>,
) -> Result<Vec<MetricSummary>> {
    let ids: Vec<Value> = runs.iter().map(|run| run.as_str().into()).collect();
    let hashes: Option<Vec<Value>> =
        names.map(|names| names.iter().map(|name| labels::hash(name)).collect());
    let hash_slabs: Vec<Option<&[Value]>> = match &hashes {
        None => vec![None],
        Some(hashes) => hashes.chunks(SUMMARY_SLAB).map(Some).collect(),
    };
    let mut found = Vec::new();
    for ids in ids.chunks(SUMMARY_SLAB) {
        for hashes in &hash_slabs {
            let mut sql = Sql::new(
                "SELECT r.id, l.name, s.points, s.non_finite, s.last_step, s.last_time, \
                 s.last_bits, s.min_bits, s.max_bits FROM summary s \
                 JOIN run r ON r.seq = s.run JOIN label l ON l.id = s.label WHERE r.id IN ",
            );
            sql.bind_list(ids.iter().cloned());
            if let Some(hashes) = hashes {
                sql.push(" AND l.hash IN ")
                    .bind_list(hashes.iter().cloned());
            }
            for row in sql.query(tx).await? {
                found.push(summary(row)?);
            }
        }
    }
    found.sort_by(|a, b| (&a.run, &a.name).cmp(&(&b.run, &b.name)));
    found.dedup_by(|a, b| a.run == b.run && a.name == b.name);
    Ok(found)
}

fn summary(mut row: Row) -> Result<MetricSummary> {
    Ok(MetricSummary {
        run: row.parsed()?,
        name: row.text()?,
        count: row.int()?,
        non_finite: row.int()?,
        last: Point {
            step: row.i64()?,
            time: Timestamp(row.i64()?),
            value: row.bits()?,
        },
        min: row.optional_bits()?,
        max: row.optional_bits()?,
    })
}

/// The visible points of one series: their summary and the attempt of the last.
#[derive(Clone, Copy, Default)]
pub(crate) struct Fold {
    summary: Summary,
    last_attempt: u32,
}

/// Folds points of one attempt with steps up to `limit`.
pub(crate) fn fold(attempt: u32, points: &[Point], limit: i64) -> Fold {
    Fold {
        summary: Summary::of(points.iter().filter(|point| point.step <= limit)),
        last_attempt: attempt,
    }
}

impl Fold {
    /// Adds points that arrived later; those of an earlier attempt were still
    /// logged earlier.
    fn add(&mut self, arrived: &Self) {
        if arrived.summary.count == 0 {
            return;
        }
        if self.summary.count == 0 || arrived.last_attempt >= self.last_attempt {
            self.summary.merge(&arrived.summary);
            self.last_attempt = arrived.last_attempt;
        } else {
            self.summary.merge_earlier(&arrived.summary);
        }
    }

    fn row(&self, run: i64, label: i64) -> Option<Vec<Value>> {
        let last = self.summary.last?;
        let (rank, number) = sort_columns(last.value);
        Some(vec![
            run.into(),
            label.into(),
            self.summary.count.cast_signed().into(),
            self.summary.non_finite.cast_signed().into(),
            self.last_attempt.into(),
            last.step.into(),
            last.time.0.into(),
            bits(last.value),
            self.summary.min.map_or(Value::Null, bits),
            self.summary.max.map_or(Value::Null, bits),
            rank,
            number,
        ])
    }
}

/// Adds folds of new points to the stored summaries, by label.
pub(crate) async fn add(tx: &mut dyn Tx, run: i64, folds: BTreeMap<i64, Fold>) -> Result<()> {
    let ids: Vec<Value> = folds.keys().map(|label| (*label).into()).collect();
    let before = "SELECT label, last_attempt, points, non_finite, last_step, last_time, \
                  last_bits, min_bits, max_bits FROM summary WHERE label IN ";
    let mut stored = BTreeMap::new();
    for mut row in query_in_run(tx, before, &ids, run).await? {
        let label = row.i64()?;
        stored.insert(label, stored_fold(row)?);
    }
    let grown = folds.len() > stored.len();
    let merged = folds.into_iter().map(|(label, arrived)| {
        let mut fold = stored.get(&label).copied().unwrap_or_default();
        fold.add(&arrived);
        (label, fold)
    });
    put(tx, run, merged.collect()).await?;
    if grown {
        labels::check_count(tx, run, "summary").await?;
    }
    Ok(())
}

fn stored_fold(mut row: Row) -> Result<Fold> {
    let last_attempt = row.int()?;
    let (count, non_finite) = (row.int()?, row.int()?);
    let last = Point {
        step: row.i64()?,
        time: Timestamp(row.i64()?),
        value: row.bits()?,
    };
    Ok(Fold {
        summary: Summary {
            count,
            non_finite,
            last: Some(last),
            min: row.optional_bits()?,
            max: row.optional_bits()?,
        },
        last_attempt,
    })
}

async fn put(tx: &mut dyn Tx, run: i64, folds: Vec<(i64, Fold)>) -> Result<()> {
    let rows = folds
        .iter()
        .filter_map(|(label, fold)| fold.row(run, *label));
    insert_rows(
        tx,
        "INSERT INTO summary (run, label, points, non_finite, last_attempt, last_step, \
         last_time, last_bits, min_bits, max_bits, sort_rank, sort_number)",
        rows.collect(),
        " ON CONFLICT (run, label) DO UPDATE SET points = excluded.points, \
         non_finite = excluded.non_finite, last_attempt = excluded.last_attempt, \
         last_step = excluded.last_step, last_time = excluded.last_time, \
         last_bits = excluded.last_bits, min_bits = excluded.min_bits, \
         max_bits = excluded.max_bits, sort_rank = excluded.sort_rank, \
         sort_number = excluded.sort_number",
    )
    .await
}

/// Recomputes the summaries that a resume at `step` may have changed: those of
/// series with points beyond it. The new attempt is already stored.
pub(crate) async fn supersede(tx: &mut dyn Tx, run: i64, step: i64) -> Result<()> {
    let resumes = attempts::resume_steps(tx, run).await?;
    let rows = tx
        .query(
            "SELECT DISTINCT label FROM chunk WHERE run = $1 AND step_max > $2 ORDER BY label",
            &[run.into(), step.into()],
        )
        .await?;
    for mut row in rows {
        let label = row.i64()?;
        let mut whole = Fold::default();
        for part in points(tx, run, label).await? {
            let limit = visible_limit(&resumes, part.attempt).unwrap_or(i64::MAX);
            whole.add(&fold(part.attempt, &part.points, limit));
        }
        if whole.summary.count == 0 {
            tx.execute(
                "DELETE FROM summary WHERE run = $1 AND label = $2",
                &[run.into(), label.into()],
            )
            .await?;
        } else {
            put(tx, run, vec![(label, whole)]).await?;
        }
    }
    Ok(())
}
