//! Batches of events: stored exactly once, all or nothing.

use std::collections::{BTreeMap, BTreeSet};

use mlhub_core::metric::Point;
use mlhub_core::run::RunRecord;
use mlhub_core::store::{IngestBatch, IngestOutcome};
use mlhub_core::{Error, ErrorKind, Result, RunId, limits};
use mlhub_series::{encode, visible_limit};

use super::seam::{Tx, json_text};
use super::text::insert_rows;
use super::{attempts, labels, runs, series};
use crate::check;

/// A checked batch, its points by series.
pub(crate) struct Batch {
    run: RunId,
    attempt: u32,
    writer: String,
    start: i64,
    end: i64,
    series: BTreeMap<String, Vec<Point>>,
    params: Vec<(String, String)>,
    tags: Vec<(String, String)>,
    records: Vec<(RunRecord, String)>,
}

/// Checks a batch and sorts its points, before any transaction is open.
pub(crate) fn prepare(batch: &IngestBatch) -> Result<Batch> {
    check::name("the writer", &batch.writer)?;
    if batch.start > batch.end {
        return Err(Error::invalid(format!(
            "the batch covers bytes {}..{}, which is not a range",
            batch.start, batch.end
        )));
    }
    if batch.point_count() > limits::POINTS_PER_BATCH_MAX {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "the batch has {} points; at most {} are stored at once",
                batch.point_count(),
                limits::POINTS_PER_BATCH_MAX
            ),
        ));
    }
    let mut series: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for part in &batch.series {
        check::key("a metric's name", &part.name)?;
        if part.points.is_empty() {
            continue;
        }
        let twice = series.insert(part.name.clone(), part.points.clone());
        if twice.is_some() {
            return Err(Error::invalid("a metric's name comes twice in one batch"));
        }
    }
    for (name, value) in &batch.params {
        check::key("a param's name", name)?;
        check::value("a param's value", value)?;
    }
    for (name, value) in &batch.tags {
        check::key("a tag's name", name)?;
        check::value("a tag's value", value)?;
    }
    let mut records = Vec::with_capacity(batch.records.len());
    for record in &batch.records {
        check::name("a record's kind", &record.kind)?;
        let body = json_text(&record.body)?;
        check::text("a record", &body, limits::RECORD_MAX_BYTES)?;
        records.push((record.clone(), body));
    }
    Ok(Batch {
        run: batch.run.clone(),
        attempt: batch.attempt,
        writer: batch.writer.clone(),
        start: check::offset("the batch's start", batch.start)?,
        end: check::offset("the batch's end", batch.end)?,
        series,
        params: batch.params.clone(),
        tags: batch.tags.clone(),
        records,
    })
}

pub(crate) async fn store(tx: &mut dyn Tx, batch: &Batch) -> Result<IngestOutcome> {
    let run = runs::lock(tx, &batch.run).await?.seq;
    attempts::exists(tx, &batch.run, run, batch.attempt).await?;
    let expected = offset(tx, run, batch).await?;
    if batch.end <= expected {
        return Ok(IngestOutcome::Duplicate);
    }
    if batch.start != expected {
        return Ok(IngestOutcome::Misaligned {
            expected: expected.cast_unsigned(),
        });
    }
    let mut names: BTreeSet<&str> = batch.series.keys().map(String::as_str).collect();
    names.extend(batch.params.iter().map(|(name, _)| name.as_str()));
    names.extend(batch.tags.iter().map(|(name, _)| name.as_str()));
    let labels = labels::ensure(tx, &names).await?;

    let seq = take_event_numbers(tx, run, batch.series.len() + batch.records.len()).await?;
    store_points(tx, run, batch, &labels, seq).await?;
    store_records(tx, run, batch, seq + batch.series.len() as i64).await?;
    let params_kept = labels::params_add(tx, run, &labels, &batch.params).await?;
    let tags = batch
        .tags
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    labels::tags_put(tx, run, &labels, tags).await?;
    tx.execute(
        "INSERT INTO writer_offset (run, attempt, writer, end_offset) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (run, attempt, writer) DO UPDATE SET end_offset = excluded.end_offset",
        &[
            run.into(),
            batch.attempt.into(),
            batch.writer.as_str().into(),
            batch.end.into(),
        ],
    )
    .await?;
    Ok(IngestOutcome::Stored { params_kept })
}

async fn offset(tx: &mut dyn Tx, run: i64, batch: &Batch) -> Result<i64> {
    let rows = tx
        .query(
            "SELECT end_offset FROM writer_offset WHERE run = $1 AND attempt = $2 AND writer = $3",
            &[
                run.into(),
                batch.attempt.into(),
                batch.writer.as_str().into(),
            ],
        )
        .await?;
    rows.into_iter().next().map_or(Ok(0), |mut row| row.i64())
}

/// Takes `count` numbers of the run's event order; returns the first.
async fn take_event_numbers(tx: &mut dyn Tx, run: i64, count: usize) -> Result<i64> {
    let rows = tx
        .query(
            "UPDATE run SET event_seq = event_seq + $1 WHERE seq = $2 RETURNING event_seq",
            &[(count as i64).into(), run.into()],
        )
        .await?;
    let after = rows.into_iter().next().map_or(Ok(0), |mut row| row.i64())?;
    Ok(after - count as i64)
}

async fn store_points(
    tx: &mut dyn Tx,
    run: i64,
    batch: &Batch,
    labels: &BTreeMap<String, i64>,
    first_seq: i64,
) -> Result<()> {
    let mut rows = Vec::with_capacity(batch.series.len());
    let mut folds = BTreeMap::new();
    let resumes = attempts::resume_steps(tx, run).await?;
    let limit = visible_limit(&resumes, batch.attempt).unwrap_or(i64::MAX);
    for (index, (name, points)) in batch.series.iter().enumerate() {
        let label = labels::number_of(labels, name)?;
        let step_max = points
            .iter()
            .map(|point| point.step)
            .max()
            .unwrap_or(i64::MIN);
        rows.push(vec![
            run.into(),
            label.into(),
            batch.attempt.into(),
            (first_seq + index as i64).into(),
            step_max.into(),
            encode(points).into(),
        ]);
        folds.insert(label, series::fold(batch.attempt, points, limit));
    }
    let head = "INSERT INTO chunk (run, label, attempt, seq, step_max, body)";
    insert_rows(tx, head, rows, "").await?;
    series::add(tx, run, folds).await
}

async fn store_records(tx: &mut dyn Tx, run: i64, batch: &Batch, first_seq: i64) -> Result<()> {
    let rows = batch
        .records
        .iter()
        .enumerate()
        .map(|(index, (record, body))| {
            vec![
                run.into(),
                (first_seq + index as i64).into(),
                batch.attempt.into(),
                record.kind.as_str().into(),
                record.time.0.into(),
                body.as_str().into(),
            ]
        });
    let head = "INSERT INTO record (run, seq, attempt, kind, written_at, body)";
    insert_rows(tx, head, rows.collect(), "").await
}
