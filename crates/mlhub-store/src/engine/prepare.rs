//! A batch, checked and packed before it waits for its commit.
//!
//! This runs in the caller's task, so that many senders are worked for at once;
//! the one commit task only puts the pieces together.

use std::collections::HashSet;
use std::sync::Arc;

use mlhub_core::metric::Point;
use mlhub_core::run::RunRecord;
use mlhub_core::store::IngestBatch;
use mlhub_core::{Error, ErrorKind, Result, RunId, limits};

use super::bounds;
use super::columns::pack;
use super::fold::Fold;
use crate::check;
use crate::sql::json_text;

/// A series of a batch.
#[derive(Debug)]
pub(super) struct Series {
    /// The metric's name.
    pub(super) name: Arc<str>,
    /// Its points, at least one.
    pub(super) points: Arc<Vec<Point>>,
    /// Their columns.
    pub(super) packed: Vec<u8>,
    /// Their summary and their largest step.
    pub(super) folded: (Fold, i64),
}

/// A checked batch.
#[derive(Debug)]
pub(super) struct Batch {
    /// The run.
    pub(super) run: RunId,
    /// The attempt.
    pub(super) attempt: u32,
    /// The writer.
    pub(super) writer: Arc<str>,
    /// First byte covered.
    pub(super) start: i64,
    /// One past the last byte covered.
    pub(super) end: i64,
    /// The series, each name once.
    pub(super) series: Vec<Series>,
    /// Params.
    pub(super) params: Vec<(String, String)>,
    /// Tags.
    pub(super) tags: Vec<(String, String)>,
    /// Records and their texts.
    pub(super) records: Vec<(RunRecord, String)>,
    /// Points of all series.
    pub(super) points: usize,
}

impl Batch {
    /// Whether it brings rows of its own besides points.
    pub(super) fn has_rows(&self) -> bool {
        !(self.params.is_empty() && self.tags.is_empty() && self.records.is_empty())
    }

    /// Its share of the queue, in points: what it takes in memory while it waits.
    pub(super) fn queue_share(&self) -> usize {
        let pairs = self.params.iter().chain(&self.tags);
        let pairs: usize = pairs.map(|(name, value)| name.len() + value.len()).sum();
        let records: usize = self.records.iter().map(|(_, body)| body.len()).sum();
        (self.points + (pairs + records) / bounds::QUEUE_POINT_BYTES).max(1)
    }

    /// Bytes it takes in a row of the log, about.
    pub(super) fn size_hint(&self) -> usize {
        let series = self.series.iter().map(|series| series.packed.len() + 16);
        series.sum::<usize>() + self.writer.len() + 40
    }
}

/// Checks and packs a batch.
pub(super) fn prepare(batch: &IngestBatch) -> Result<Batch> {
    check::name("the writer", &batch.writer)?;
    if batch.start > batch.end {
        return Err(Error::invalid(format!(
            "the batch covers bytes {}..{}, which is not a range",
            batch.start, batch.end
        )));
    }
    let points = batch.point_count();
    if points > limits::POINTS_PER_BATCH_MAX {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "the batch has {points} points; at most {} are stored at once",
                limits::POINTS_PER_BATCH_MAX
            ),
        ));
    }
    for (name, value) in &batch.params {
        check::key("a param's name", name)?;
        check::value("a param's value", value)?;
    }
    for (name, value) in &batch.tags {
        check::key("a tag's name", name)?;
        check::value("a tag's value", value)?;
    }
    Ok(Batch {
        run: batch.run.clone(),
        attempt: batch.attempt,
        writer: Arc::from(batch.writer.as_str()),
        start: check::offset("the batch's start", batch.start)?,
        end: check::offset("the batch's end", batch.end)?,
        series: series(batch)?,
        params: batch.params.clone(),
        tags: batch.tags.clone(),
        records: records(batch)?,
        points,
    })
}

fn series(batch: &IngestBatch) -> Result<Vec<Series>> {
    let mut names = HashSet::with_capacity(batch.series.len());
    let mut series = Vec::with_capacity(batch.series.len());
    for part in &batch.series {
        check::key("a metric's name", &part.name)?;
        if !names.insert(part.name.as_str()) {
            return Err(Error::invalid("a metric's name comes twice in one batch"));
        }
        let Some(step_max) = part.points.iter().map(|point| point.step).max() else {
            continue;
        };
        let mut packed = Vec::new();
        pack(&part.points, &mut packed);
        series.push(Series {
            name: Arc::from(part.name.as_str()),
            points: Arc::new(part.points.clone()),
            packed,
            folded: (Fold::of(batch.attempt, &part.points, i64::MAX), step_max),
        });
    }
    Ok(series)
}

fn records(batch: &IngestBatch) -> Result<Vec<(RunRecord, String)>> {
    let mut records = Vec::with_capacity(batch.records.len());
    for record in &batch.records {
        check::name("a record's kind", &record.kind)?;
        let body = json_text(&record.body)?;
        check::text("a record", &body, limits::RECORD_MAX_BYTES)?;
        records.push((record.clone(), body));
    }
    Ok(records)
}
