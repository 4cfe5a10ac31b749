//! A batch, checked and packed before it waits for its commit.
//!
//! This runs in the caller's task, so that many senders are worked for at once;
//! the one commit task only puts the pieces together.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use mlhub_core::metric::{Point, SeriesPoints};
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
    /// Where in the batch their columns are.
    packed: Range<usize>,
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
    /// The columns of all series, one after the other.
    packed: Vec<u8>,
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
        let names: usize = self.series.iter().map(|series| series.name.len()).sum();
        (self.points + (names + pairs + records) / bounds::QUEUE_POINT_BYTES).max(1)
    }

    /// Bytes it takes in a row of the log, about.
    pub(super) fn size_hint(&self) -> usize {
        self.packed.len() + self.series.len() * 16 + self.writer.len() + 40
    }

    /// The columns of a series of this batch.
    pub(super) fn packed(&self, series: &Series) -> &[u8] {
        &self.packed[series.packed.clone()]
    }
}

/// Bytes that the columns of a point take at most, about.
const PACKED_POINT_BYTES: usize = 16;
/// Series up to which names that come twice are looked for by comparing.
const NAMES_SCAN_MAX: usize = 16;

/// Checks and packs a batch.
pub(super) fn prepare(batch: IngestBatch) -> Result<Batch> {
    check::name("the writer", &batch.writer)?;
    if batch.start > batch.end {
        return Err(Error::invalid(format!(
            "the batch covers bytes {}..{}, which is not a range",
            batch.start, batch.end
        )));
    }
    let points = batch.point_count();
    let rows = batch.params.len() + batch.tags.len() + batch.records.len();
    if batch.start == batch.end && points + rows > 0 {
        return Err(Error::invalid(format!(
            "the batch brings something and covers no byte of its stream ({} to {}), so it could \
             not be told from one that is there already",
            batch.start, batch.end
        )));
    }
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
    let mut packed = Vec::with_capacity((points + 4) * PACKED_POINT_BYTES);
    Ok(Batch {
        writer: Arc::from(batch.writer.as_str()),
        start: check::offset("the batch's start", batch.start)?,
        end: check::offset("the batch's end", batch.end)?,
        series: series(batch.attempt, batch.series, &mut packed)?,
        records: records(batch.records)?,
        run: batch.run,
        attempt: batch.attempt,
        packed,
        params: batch.params,
        tags: batch.tags,
        points,
    })
}

fn series(attempt: u32, parts: Vec<SeriesPoints>, packed: &mut Vec<u8>) -> Result<Vec<Series>> {
    for part in &parts {
        check::key("a metric's name", &part.name)?;
    }
    if has_twins(&parts) {
        return Err(Error::invalid("a metric's name comes twice in one batch"));
    }
    let mut series = Vec::with_capacity(parts.len());
    for part in parts {
        let Some(step_max) = part.points.iter().map(|point| point.step).max() else {
            continue;
        };
        let start = packed.len();
        pack(&part.points, packed);
        series.push(Series {
            name: Arc::from(part.name),
            packed: start..packed.len(),
            folded: (Fold::of(attempt, &part.points, i64::MAX), step_max),
            points: Arc::new(part.points),
        });
    }
    Ok(series)
}

/// Whether a name comes twice.
fn has_twins(parts: &[SeriesPoints]) -> bool {
    if parts.len() > NAMES_SCAN_MAX {
        let mut names = HashSet::with_capacity(parts.len());
        return !parts.iter().all(|part| names.insert(part.name.as_str()));
    }
    let mut parts = parts;
    while let Some((first, rest)) = parts.split_first() {
        if rest.iter().any(|part| part.name == first.name) {
            return true;
        }
        parts = rest;
    }
    false
}

fn records(records: Vec<RunRecord>) -> Result<Vec<(RunRecord, String)>> {
    let texts = records.into_iter().map(|record| {
        check::name("a record's kind", &record.kind)?;
        let body = json_text(&record.body)?;
        check::text("a record", &body, limits::RECORD_MAX_BYTES)?;
        Ok((record, body))
    });
    texts.collect()
}
