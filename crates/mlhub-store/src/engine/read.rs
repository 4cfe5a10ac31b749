//! Reads: memory first, then the chunks of one snapshot.
//!
//! A tail says where it starts; chunks from there on are not read, so a tail that
//! is sealed between the two looks counts once. A run that is not in memory has
//! everything in its tables.

use std::collections::{BTreeMap, BTreeSet};

use mlhub_core::metric::{
    AttemptPoints, MetricSummary, Reduction, SeriesKey, SeriesView, SeriesWindow,
};
use mlhub_core::{Error, Result, RunId};
use mlhub_series::{ReadPlan, Rollup, SealedChunk, decode};

use super::Engine;
use super::fold::{self, Fold};
use super::memory::Memory;
use super::stats;
use super::tail::TailView;
use crate::sql::text::{Sql, query_in};
use crate::sql::{Access, Backend, Tx, Value, labels, runs};

/// Names or runs per query of summaries.
const SUMMARY_SLAB: usize = 64;

impl<B: Backend> Engine<B> {
    /// All points of one series, by attempt.
    pub(crate) async fn points(&self, run: &RunId, name: &str) -> Result<Vec<AttemptPoints>> {
        let input = (
            run.clone(),
            name.to_owned(),
            tails(&self.inner.memory(), run, name),
        );
        let backend = &self.inner.backend;
        backend
            .run(Access::Read, "read points", input, |tx, input| {
                Box::pin(points(tx, &input.0, &input.1, &input.2))
            })
            .await
    }

    /// Reads a window of each series.
    pub(crate) async fn series_read(
        &self,
        keys: &[SeriesKey],
        window: SeriesWindow,
        reduction: Reduction,
    ) -> Result<Vec<SeriesView>> {
        let wanted: Vec<(SeriesKey, Vec<TailView>)> = {
            let memory = self.inner.memory();
            let keys = keys.iter();
            keys.map(|key| (key.clone(), tails(&memory, &key.run, &key.name)))
                .collect()
        };
        let backend = &self.inner.backend;
        backend
            .run(Access::Read, "read series", wanted, move |tx, wanted| {
                Box::pin(views(tx, wanted, window, reduction))
            })
            .await
    }

    /// Summaries of the visible history of the runs, by run and name.
    pub(crate) async fn summaries(
        &self,
        runs: &[RunId],
        names: Option<&[String]>,
    ) -> Result<Vec<MetricSummary>> {
        let mut found = Vec::new();
        let mut stored = Vec::new();
        {
            let memory = self.inner.memory();
            for id in runs {
                let Some(run) = memory.run(id) else {
                    stored.push(id.clone());
                    continue;
                };
                let all = run.series.values().map(|series| (&series.name, series));
                let summary = |name: &str, fold: Fold| fold.to_summary(id, name);
                match names {
                    None => found.extend(all.filter_map(|(name, s)| summary(name, s.fold))),
                    Some(names) => found.extend(names.iter().filter_map(|name| {
                        let series = run.series.get(run.names.get(name.as_str())?)?;
                        summary(name, series.fold)
                    })),
                }
            }
        }
        if !stored.is_empty() {
            let input = (stored, names.map(<[String]>::to_vec));
            let backend = &self.inner.backend;
            let rows = backend.run(Access::Read, "read summaries", input, |tx, input| {
                Box::pin(summaries(tx, &input.0, input.1.as_deref()))
            });
            found.extend(rows.await?);
        }
        found.sort_by(|a, b| (&a.run, &a.name).cmp(&(&b.run, &b.name)));
        found.dedup_by(|a, b| a.run == b.run && a.name == b.name);
        Ok(found)
    }
}

/// The tails of a series at this moment.
fn tails(memory: &Memory, run: &RunId, name: &str) -> Vec<TailView> {
    let series = memory
        .run(run)
        .and_then(|run| run.series.get(run.names.get(name)?));
    let tails = series.into_iter().flat_map(|series| &series.tails);
    tails.filter_map(|tail| tail.view()).collect()
}

/// Whether a chunk that starts at `start` is in a tail as well.
fn in_tail(tails: &[TailView], attempt: u32, start: u64) -> bool {
    tails
        .iter()
        .any(|view| view.attempt == attempt && view.start <= start)
}

async fn points(
    tx: &mut dyn Tx,
    run: &RunId,
    name: &str,
    tails: &[TailView],
) -> Result<Vec<AttemptPoints>> {
    let run = runs::seq_of(tx, run).await?;
    let label = labels::find(tx, &[name]).await?.into_values().next();
    let (Some(run), Some(label)) = (run, label) else {
        return Ok(Vec::new());
    };
    stored(tx, run, label, tails).await
}

/// The points of a series: those in chunks, then those of `tails`.
pub(super) async fn stored(
    tx: &mut dyn Tx,
    run: i64,
    label: i64,
    tails: &[TailView],
) -> Result<Vec<AttemptPoints>> {
    let rows = tx
        .query(
            "SELECT c.attempt, c.start_index, b.body FROM chunk c JOIN chunk_body b ON b.id = c.id \
             WHERE c.run = $1 AND c.label = $2 ORDER BY c.attempt, c.start_index",
            &[run.into(), label.into()],
        )
        .await?;
    let mut parts: BTreeMap<u32, AttemptPoints> = BTreeMap::new();
    let empty = |attempt| AttemptPoints {
        attempt,
        points: Vec::new(),
    };
    for mut row in rows {
        let attempt = row.int()?;
        if in_tail(tails, attempt, row.int()?) {
            continue;
        }
        let points = decode(&row.blob()?).map_err(damaged)?;
        let part = parts.entry(attempt).or_insert_with(|| empty(attempt));
        part.points.extend(points);
    }
    for view in tails {
        let part = parts
            .entry(view.attempt)
            .or_insert_with(|| empty(view.attempt));
        part.points.extend(view.points());
    }
    Ok(parts.into_values().collect())
}

fn damaged(error: mlhub_series::CodecError) -> Error {
    Error::internal("read a chunk of points", error)
}

async fn views(
    tx: &mut dyn Tx,
    wanted: &[(SeriesKey, Vec<TailView>)],
    window: SeriesWindow,
    reduction: Reduction,
) -> Result<Vec<SeriesView>> {
    let names: BTreeSet<&str> = wanted.iter().map(|(key, _)| key.name.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let labels = labels::find(tx, &names).await?;
    let runs: BTreeSet<&RunId> = wanted.iter().map(|(key, _)| &key.run).collect();
    let known = known_runs(tx, runs).await?;
    let mut found = Vec::with_capacity(wanted.len());
    for (key, tails) in wanted {
        let run = known.get(key.run.as_str());
        found.push(match (run, labels.get(&key.name)) {
            (Some(run), Some(label)) => {
                let sealed = sealed(tx, run.seq, *label, tails).await?;
                let tail: Vec<AttemptPoints> = tails.iter().map(attempt_points).collect();
                let plan =
                    ReadPlan::new(&run.attempts, &sealed, &tail, key.origin, window, reduction);
                finish(tx, plan).await?
            }
            _ => SeriesView::default(),
        });
    }
    Ok(found)
}

fn attempt_points(view: &TailView) -> AttemptPoints {
    AttemptPoints {
        attempt: view.attempt,
        points: view.points(),
    }
}

struct KnownRun {
    seq: i64,
    attempts: Vec<(u32, Option<i64>)>,
}

/// What reading needs to know of runs, by id.
async fn known_runs(tx: &mut dyn Tx, ids: BTreeSet<&RunId>) -> Result<BTreeMap<String, KnownRun>> {
    let ids: Vec<Value> = ids.into_iter().map(|id| id.as_str().into()).collect();
    let rows = query_in(
        tx,
        "SELECT r.id, r.seq, a.number, a.resumed_from_step \
         FROM run r JOIN attempt a ON a.run = r.seq WHERE r.id IN ",
        &ids,
        " ORDER BY r.seq, a.number",
    )
    .await?;
    let mut found: BTreeMap<String, KnownRun> = BTreeMap::new();
    for mut row in rows {
        let (id, seq) = (row.text()?, row.i64()?);
        let attempt = (row.int()?, row.optional_i64()?);
        let run = found.entry(id).or_insert_with(|| KnownRun {
            seq,
            attempts: Vec::new(),
        });
        run.attempts.push(attempt);
    }
    Ok(found)
}

async fn sealed(
    tx: &mut dyn Tx,
    run: i64,
    label: i64,
    tails: &[TailView],
) -> Result<Vec<SealedChunk>> {
    let rows = tx
        .query(
            "SELECT id, attempt, start_index, stats FROM chunk WHERE run = $1 AND label = $2 \
             ORDER BY attempt, start_index",
            &[run.into(), label.into()],
        )
        .await?;
    let mut chunks = Vec::with_capacity(rows.len());
    for mut row in rows {
        let (id, attempt) = (row.i64()?, row.int()?);
        if !in_tail(tails, attempt, row.int()?) {
            let stats = stats::decode(&row.blob()?)?;
            chunks.push(SealedChunk { id, attempt, stats });
        }
    }
    Ok(chunks)
}

/// Reads what the plan needs until it needs no more.
async fn finish(tx: &mut dyn Tx, mut plan: ReadPlan) -> Result<SeriesView> {
    loop {
        let needs = plan.needs();
        if needs.is_empty() {
            return plan
                .finish()
                .ok_or_else(|| Error::internal("read series", "the plan did not end"));
        }
        let rollups = bodies(tx, "chunk_rollup", &needs.rollups).await?;
        let rollups = rollups
            .into_iter()
            .map(|(id, body)| Ok((id, Rollup::decode(&body).map_err(damaged)?)))
            .collect::<Result<Vec<_>>>()?;
        let points = bodies(tx, "chunk_body", &needs.points).await?;
        let points = points
            .into_iter()
            .map(|(id, body)| Ok((id, decode(&body).map_err(damaged)?)))
            .collect::<Result<Vec<_>>>()?;
        if rollups.len() < needs.rollups.len() || points.len() < needs.points.len() {
            let cause = "a chunk's row has no body; the doctor finds which";
            return Err(Error::internal("read series", cause));
        }
        plan.supply(rollups, points).map_err(damaged)?;
    }
}

async fn bodies(tx: &mut dyn Tx, table: &'static str, ids: &[i64]) -> Result<Vec<(i64, Vec<u8>)>> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let before = format!("SELECT id, body FROM {table} WHERE id IN ");
    let rows = query_in(tx, &before, &ids, "").await?;
    rows.into_iter()
        .map(|mut row| Ok((row.i64()?, row.blob()?)))
        .collect()
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
            let mut sql = Sql::new(&format!(
                "SELECT r.id, l.name, {} FROM summary s JOIN run r ON r.seq = s.run \
                 JOIN label l ON l.id = s.label WHERE r.id IN ",
                fold::COLUMNS
            ));
            sql.bind_list(ids.iter().cloned());
            if let Some(hashes) = hashes {
                sql.push(" AND l.hash IN ")
                    .bind_list(hashes.iter().cloned());
            }
            for mut row in sql.query(tx).await? {
                let run: RunId = row.parsed()?;
                let name = row.text()?;
                found.extend(Fold::read(&mut row)?.to_summary(&run, &name));
            }
        }
    }
    Ok(found)
}
