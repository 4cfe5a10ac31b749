//! The summary of a series' visible points, kept as batches arrive.

use std::cmp::Ordering;

use mlhub_core::metric::{MetricSummary, Point};
use mlhub_core::{Result, RunId, Timestamp};
use mlhub_series::{Summary, course};

use crate::sql::text::{bits, insert_rows, sort_columns};
use crate::sql::{Row, Tx, Value};

/// The columns [`Fold::read`] reads, of `summary s`.
pub(super) const COLUMNS: &str = "s.last_attempt, s.points, s.non_finite, s.last_step, \
    s.last_time, s.last_bits, s.min_bits, s.max_bits";

/// The visible points of one series: their summary and the attempt of the latest.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Fold {
    pub(super) summary: Summary,
    pub(super) last_attempt: u32,
}

impl Fold {
    /// Folds points of one attempt with steps up to `limit`.
    pub(super) fn of(attempt: u32, points: &[Point], limit: i64) -> Self {
        Self {
            summary: Summary::of(points.iter().filter(|point| point.step <= limit)),
            last_attempt: attempt,
        }
    }

    /// Adds points that arrived later. The latest point is one of the latest course (see
    /// [`course`]) that has any; within it those of an earlier attempt were logged earlier.
    pub(super) fn add(&mut self, arrived: &Self, attempts: &[(u32, Option<i64>)]) {
        if arrived.summary.count == 0 {
            return;
        }
        if self.summary.count == 0 {
            *self = *arrived;
            return;
        }
        let order = if arrived.last_attempt == self.last_attempt {
            Ordering::Equal
        } else {
            let of = |fold: &Self| course(attempts, fold.last_attempt);
            of(arrived).cmp(&of(self))
        };
        let place = |fold: &Self| fold.summary.last.map(|point| (point.step, point.time));
        match order {
            Ordering::Greater => {
                let before = std::mem::replace(self, *arrived);
                self.summary.count_in(&before.summary);
            }
            Ordering::Less => self.summary.count_in(&arrived.summary),
            Ordering::Equal if arrived.last_attempt >= self.last_attempt => {
                if place(arrived) >= place(self) {
                    self.last_attempt = arrived.last_attempt;
                }
                self.summary.merge(&arrived.summary);
            }
            Ordering::Equal => {
                if place(arrived) > place(self) {
                    self.last_attempt = arrived.last_attempt;
                }
                self.summary.merge_earlier(&arrived.summary);
            }
        }
    }

    /// The columns of [`COLUMNS`].
    pub(super) fn read(row: &mut Row) -> Result<Self> {
        let last_attempt = row.int()?;
        let (count, non_finite) = (row.int()?, row.int()?);
        let last = Point {
            step: row.i64()?,
            time: Timestamp(row.i64()?),
            value: row.bits()?,
        };
        Ok(Self {
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

    /// What the store's callers see; none when no point is visible.
    pub(super) fn to_summary(self, run: &RunId, name: &str) -> Option<MetricSummary> {
        Some(MetricSummary {
            run: run.clone(),
            name: name.to_owned(),
            count: self.summary.count,
            non_finite: self.summary.non_finite,
            last: self.summary.last?,
            min: self.summary.min,
            max: self.summary.max,
        })
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

/// Stores folds of a run's series; one without visible points is removed.
pub(super) async fn put(tx: &mut dyn Tx, folds: &[(i64, i64, Fold)]) -> Result<()> {
    let mut rows = Vec::with_capacity(folds.len());
    for (run, label, fold) in folds {
        match fold.row(*run, *label) {
            Some(row) => rows.push(row),
            None => {
                let gone = [(*run).into(), (*label).into()];
                tx.execute("DELETE FROM summary WHERE run = $1 AND label = $2", &gone)
                    .await?;
            }
        }
    }
    insert_rows(
        tx,
        "INSERT INTO summary (run, label, points, non_finite, last_attempt, last_step, \
         last_time, last_bits, min_bits, max_bits, sort_rank, sort_number)",
        rows,
        " ON CONFLICT (run, label) DO UPDATE SET points = excluded.points, \
         non_finite = excluded.non_finite, last_attempt = excluded.last_attempt, \
         last_step = excluded.last_step, last_time = excluded.last_time, \
         last_bits = excluded.last_bits, min_bits = excluded.min_bits, \
         max_bits = excluded.max_bits, sort_rank = excluded.sort_rank, \
         sort_number = excluded.sort_number",
    )
    .await
}
