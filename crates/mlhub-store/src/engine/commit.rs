//! Group commit: all waiting batches become one row of the log, in one
//! transaction with the params, tags and records they bring.
//!
//! A batch of points alone costs no SQL of its own. One that breaks a rule fails
//! alone, behind a savepoint. When the transaction fails, all its batches fail
//! and memory is as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use ahash::{HashMap, HashSet};
use mlhub_core::store::IngestOutcome;
use mlhub_core::{Error, ErrorKind, Result};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::bounds;
use super::flush::check_epoch;
use super::log::{Body, Place};
use super::memory::Memory;
use super::prepare::Batch;
use super::run_state::{Arrival, PartKey, RunState};
use crate::check;
use crate::sql::text::insert_rows;
use crate::sql::{Tx, labels, runs};

/// A batch that waits for its commit.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The batch.
    pub(super) batch: Arc<Batch>,
    /// Who waits.
    pub(super) answer: oneshot::Sender<Result<IngestOutcome>>,
    /// Its share of the queue.
    pub(super) permit: OwnedSemaphorePermit,
}

/// A batch of a group, and what memory says of it.
#[derive(Debug)]
struct Member {
    batch: Arc<Batch>,
    run: i64,
    /// Labels of its series, where they are known.
    labels: Vec<Option<i64>>,
}

/// What one transaction stores.
#[derive(Debug)]
pub(super) struct Group {
    members: Vec<Member>,
    /// Ends of streams and of series before the group.
    offsets: HashMap<(i64, u32, Arc<str>), i64>,
    ends: HashMap<PartKey, u64>,
    /// Names without a number yet.
    names: BTreeSet<Arc<str>>,
    seq: i64,
    epoch: i64,
}

/// What became of a group.
#[derive(Debug)]
pub(super) struct Committed {
    /// By batch of the group.
    pub(super) outcomes: Vec<Result<IngestOutcome>>,
    /// Batches that were stored: place in the group and labels of the series.
    stored: Vec<(usize, Vec<i64>)>,
    new_labels: BTreeMap<String, i64>,
    body_bytes: u64,
}

/// What a group needs from the database before it can be put together.
#[derive(Debug, Default)]
pub(super) struct Touch {
    /// Runs that are not in memory.
    pub(super) runs: BTreeSet<mlhub_core::RunId>,
    /// Series whose short chunk must be read.
    pub(super) cold: BTreeMap<PartKey, i64>,
}

impl Touch {
    /// Looks what is missing for these batches.
    pub(super) fn of(memory: &Memory, batches: &[Arc<Batch>]) -> Self {
        let mut touch = Self::default();
        for batch in batches {
            match memory.run(&batch.run) {
                None => drop(touch.runs.insert(batch.run.clone())),
                Some(run) => touch.cold_of(run, batch),
            }
        }
        touch
    }

    fn cold_of(&mut self, run: &RunState, batch: &Batch) {
        for series in &batch.series {
            let Some(label) = run.names.get(&series.name) else {
                continue;
            };
            let tail = run.tail(*label, batch.attempt);
            if let Some(chunk) = tail.and_then(|tail| tail.cold_chunk()) {
                let key = PartKey {
                    run: run.seq,
                    label: *label,
                    attempt: batch.attempt,
                };
                self.cold.insert(key, chunk);
            }
        }
    }
}

/// Checks a batch against what memory knows of its run.
fn admit(run: &RunState, batch: &Batch, new_names: usize) -> Result<()> {
    if !run.has_attempt(batch.attempt) {
        let what = format!("{} of run {}", batch.attempt, batch.run);
        return Err(Error::not_found("attempt", what));
    }
    if new_names > 0 {
        check::count("metrics", run.series.len() + new_names)?;
    }
    let key = (batch.attempt, Arc::clone(&batch.writer));
    if run.offsets.len() >= bounds::WRITERS_PER_RUN_MAX && !run.offsets.contains_key(&key) {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "the run has {} streams; at most as many are stored",
                bounds::WRITERS_PER_RUN_MAX
            ),
        ));
    }
    Ok(())
}

impl Group {
    /// Puts batches together that memory knows the runs of. Those it refuses are
    /// answered in the second part, by place in `batches`.
    pub(super) fn new(
        memory: &Memory,
        batches: &[Arc<Batch>],
    ) -> (Self, Vec<(usize, Error)>, Vec<usize>) {
        let mut group = Self {
            members: Vec::with_capacity(batches.len()),
            offsets: HashMap::default(),
            ends: HashMap::default(),
            names: BTreeSet::new(),
            seq: memory.next_seq,
            epoch: memory.epoch,
        };
        let (mut refused, mut places) = (Vec::new(), Vec::new());
        let mut fresh: HashMap<i64, HashSet<Arc<str>>> = HashMap::default();
        for (place, batch) in batches.iter().enumerate() {
            match group.join(memory, batch, &mut fresh) {
                Ok(()) => places.push(place),
                Err(error) => refused.push((place, error)),
            }
        }
        (group, refused, places)
    }

    fn join(
        &mut self,
        memory: &Memory,
        batch: &Arc<Batch>,
        fresh: &mut HashMap<i64, HashSet<Arc<str>>>,
    ) -> Result<()> {
        let Some(state) = memory.run(&batch.run) else {
            return Err(Error::not_found("run", &batch.run));
        };
        let known = |name: &Arc<str>| state.names.get(name).copied();
        let own: Vec<Option<i64>> = batch
            .series
            .iter()
            .map(|series| known(&series.name))
            .collect();
        if own.contains(&None) {
            let fresh = fresh.entry(state.seq).or_default();
            let unknown = batch.series.iter().zip(&own);
            let unknown = unknown.filter(|(_, label)| label.is_none());
            let new: Vec<&Arc<str>> = unknown
                .map(|(series, _)| &series.name)
                .filter(|name| !fresh.contains(*name))
                .collect();
            let names = if new.is_empty() {
                0
            } else {
                new.len() + fresh.len()
            };
            admit(state, batch, names)?;
            fresh.extend(new.into_iter().map(Arc::clone));
        } else {
            admit(state, batch, 0)?;
        }
        let run = state.seq;
        let mut labels = Vec::with_capacity(batch.series.len());
        for (series, own) in batch.series.iter().zip(own) {
            let label = own.or_else(|| memory.label(&series.name).map(|(_, label)| label));
            match label {
                None => drop(self.names.insert(Arc::clone(&series.name))),
                Some(label) => {
                    let key = PartKey {
                        run,
                        label,
                        attempt: batch.attempt,
                    };
                    let end = || state.end(label, batch.attempt);
                    self.ends.entry(key).or_insert_with(end);
                }
            }
            labels.push(label);
        }
        let stream = (run, batch.attempt, Arc::clone(&batch.writer));
        let offset = || state.offset(batch.attempt, &batch.writer);
        self.offsets.entry(stream).or_insert_with(offset);
        self.members.push(Member {
            batch: Arc::clone(batch),
            run,
            labels,
        });
        Ok(())
    }

    /// Stores the group.
    pub(super) async fn store(&self, tx: &mut dyn Tx) -> Result<Committed> {
        check_epoch(tx, self.epoch).await?;
        let names: BTreeSet<&str> = self.names.iter().map(|name| &**name).collect();
        let new_labels = if names.is_empty() {
            BTreeMap::new()
        } else {
            labels::ensure(tx, &names).await?
        };
        let mut offsets = self.offsets.clone();
        let mut outcomes = Vec::with_capacity(self.members.len());
        let mut stored = Vec::with_capacity(self.members.len());
        for (place, member) in self.members.iter().enumerate() {
            let outcome = member.store(tx, &mut offsets).await?;
            if matches!(outcome, Ok(IngestOutcome::Stored { .. })) {
                stored.push((place, member.labels(&new_labels)?));
            }
            outcomes.push(outcome);
        }
        let mut body_bytes = 0;
        if !stored.is_empty() {
            let body = self.body(&stored);
            body_bytes = body.len() as u64;
            let values = [self.seq.into(), body.into()];
            let sql = "INSERT INTO ingest_log (seq, body) VALUES ($1, $2)";
            tx.execute(sql, &values).await?;
        }
        Ok(Committed {
            outcomes,
            stored,
            new_labels,
            body_bytes,
        })
    }

    fn body(&self, stored: &[(usize, Vec<i64>)]) -> Vec<u8> {
        let hints = stored
            .iter()
            .map(|(place, _)| self.members[*place].batch.size_hint());
        let mut body = Body::new(stored.len(), hints.sum());
        let mut ends = self.ends.clone();
        for (place, labels) in stored {
            let member = &self.members[*place];
            let batch = &member.batch;
            let count = batch.series.len();
            body.batch(member.run, batch.attempt, &batch.writer, batch.end, count);
            for (series, label) in batch.series.iter().zip(labels) {
                let key = PartKey {
                    run: member.run,
                    label: *label,
                    attempt: batch.attempt,
                };
                let end = ends.entry(key).or_default();
                let at = Place {
                    label: *label,
                    first: *end,
                };
                body.series(at, series.points.len(), batch.packed(series));
                *end += series.points.len() as u64;
            }
        }
        body.finish()
    }

    /// Takes into memory what was stored.
    pub(super) fn apply(&self, memory: &mut Memory, committed: &Committed) {
        let now = Instant::now();
        for name in &self.names {
            if let Some(label) = committed.new_labels.get(&**name) {
                memory.label_put(name, *label);
            }
        }
        if committed.stored.is_empty() {
            return;
        }
        memory.log_put(self.seq, committed.body_bytes);
        for (place, labels) in &committed.stored {
            let member = &self.members[*place];
            let batch = &member.batch;
            let series = batch.series.iter().zip(labels);
            let arrivals: Vec<Arrival<'_>> = series
                .map(|(series, label)| Arrival {
                    label: *label,
                    name: &series.name,
                    points: &series.points,
                    folded: Some(series.folded),
                })
                .collect();
            let stream = (&batch.writer, batch.end);
            memory.add(self.seq, member.run, batch.attempt, stream, &arrivals, now);
        }
    }
}

impl Member {
    /// Stores what the batch brings besides points; its outcome. Fails as a whole
    /// only when the transaction cannot go on.
    async fn store(
        &self,
        tx: &mut dyn Tx,
        offsets: &mut HashMap<(i64, u32, Arc<str>), i64>,
    ) -> Result<Result<IngestOutcome>> {
        let batch = &self.batch;
        let stream = (self.run, batch.attempt, Arc::clone(&batch.writer));
        let expected = offsets.get(&stream).copied().unwrap_or(0);
        if batch.end <= expected {
            return Ok(Ok(IngestOutcome::Duplicate));
        }
        if batch.start != expected {
            let expected = expected.cast_unsigned();
            return Ok(Ok(IngestOutcome::Misaligned { expected }));
        }
        let mut params_kept = Vec::new();
        if batch.has_rows() {
            tx.execute("SAVEPOINT batch", &[]).await?;
            match self.rows(tx).await {
                Ok(kept) => params_kept = kept,
                Err(error) if is_a_rule(&error) => {
                    tx.execute("ROLLBACK TO SAVEPOINT batch", &[]).await?;
                    tx.execute("RELEASE SAVEPOINT batch", &[]).await?;
                    return Ok(Err(error));
                }
                Err(error) => return Err(error),
            }
            tx.execute("RELEASE SAVEPOINT batch", &[]).await?;
        }
        offsets.insert(stream, batch.end);
        Ok(Ok(IngestOutcome::Stored { params_kept }))
    }

    /// Returns the names of params that kept another value.
    async fn rows(&self, tx: &mut dyn Tx) -> Result<Vec<String>> {
        let batch = &self.batch;
        let run = runs::lock(tx, &batch.run).await?.seq;
        let mut names: BTreeSet<&str> = BTreeSet::new();
        names.extend(batch.params.iter().map(|(name, _)| name.as_str()));
        names.extend(batch.tags.iter().map(|(name, _)| name.as_str()));
        let labels = labels::ensure(tx, &names).await?;
        self.records(tx, run).await?;
        let tags = batch.tags.iter();
        let tags = tags.map(|(name, value)| (name.as_str(), value.as_str()));
        labels::tags_put(tx, run, &labels, tags).await?;
        labels::params_add(tx, run, &labels, &batch.params).await
    }

    async fn records(&self, tx: &mut dyn Tx, run: i64) -> Result<()> {
        let records = &self.batch.records;
        if records.is_empty() {
            return Ok(());
        }
        let count = records.len() as i64;
        let rows = tx
            .query(
                "UPDATE run SET event_seq = event_seq + $1 WHERE seq = $2 RETURNING event_seq",
                &[count.into(), run.into()],
            )
            .await?;
        let after: i64 = rows.into_iter().next().map_or(Ok(0), |mut row| row.i64())?;
        let numbered = (after - count..).zip(records);
        let rows = numbered.map(|(seq, (record, body))| {
            vec![
                run.into(),
                seq.into(),
                self.batch.attempt.into(),
                record.kind.as_str().into(),
                record.time.0.into(),
                body.as_str().into(),
            ]
        });
        let head = "INSERT INTO record (run, seq, attempt, kind, written_at, body)";
        insert_rows(tx, head, rows.collect(), "").await
    }

    fn labels(&self, new: &BTreeMap<String, i64>) -> Result<Vec<i64>> {
        let series = self.batch.series.iter().zip(&self.labels);
        series
            .map(|(series, label)| match label {
                Some(label) => Ok(*label),
                None => labels::number_of(new, &series.name),
            })
            .collect()
    }
}

/// Whether the batch alone is at fault, and the transaction can go on.
fn is_a_rule(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Invalid | ErrorKind::TooLarge | ErrorKind::NotFound | ErrorKind::Conflict
    )
}
