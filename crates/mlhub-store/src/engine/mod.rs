//! The tracking engine: batches of events in, series and summaries out.
//!
//! A batch waits for the commit task, which stores all that wait as one row of
//! the ingest log (`commit`), takes them into memory (`memory`, `tail`) and only
//! then acknowledges. Aside, full and old tails become compressed chunks
//! (`seal`), summaries and stream offsets go to their tables (`flush`), and rows
//! of the log that nobody needs go. Answers never depend on what is sealed
//! (`read`). At the start the log is read back (`load`).
//!
//! One hub owns a database. Whoever opens it raises the epoch in the table
//! `engine`, and every transaction of the engine holds the epoch it knows: a
//! former owner cannot commit. Order: whatever changes memory holds `order` from
//! before its transaction until memory is as the database; memory itself is
//! locked for moments only. No rule of use is here.

mod bounds;
pub(crate) mod bulk;
pub(crate) mod check;
mod columns;
mod commit;
mod convert;
mod flush;
mod fold;
mod load;
mod log;
mod memory;
mod prepare;
mod read;
mod repair;
mod resume;
mod run_state;
mod seal;
mod stats;
mod tail;
mod tasks;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mlhub_core::run::Attempt;
use mlhub_core::store::{IngestBatch, IngestOutcome};
use mlhub_core::{Error, ErrorKind, Result, RunId};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};

use crate::sql::attempts::{self, NewAttempt};
use crate::sql::{Access, Backend};
use bounds::Tuning;
use commit::Waiting;
use flush::Flush;
use load::Which;
use memory::Memory;
use run_state::PartKey;

/// The engine of a store. Dropping it ends its tasks.
#[derive(Debug)]
pub(crate) struct Engine<B> {
    inner: Arc<Inner<B>>,
    queue: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
    tuning: Tuning,
    /// The tasks end when this is dropped.
    _alive: watch::Sender<()>,
}

/// What the tasks share.
#[derive(Debug)]
struct Inner<B> {
    backend: Arc<B>,
    memory: Mutex<Memory>,
    order: tokio::sync::Mutex<Standing>,
    seal_wanted: Notify,
    /// Counts the sealer's rounds; an error when the last one failed.
    rounds: watch::Sender<(u64, Option<(ErrorKind, String)>)>,
}

/// Whether memory is what the database holds; whoever has it is alone.
#[derive(Debug, Default)]
struct Standing {
    /// A transaction may have been stored or not.
    stale: bool,
    /// Times memory was read back.
    generation: u64,
}

impl<B: Backend> Engine<B> {
    /// Converts what an older program left, reads the log back and starts the tasks.
    pub(crate) async fn open(backend: Arc<B>) -> Result<Self> {
        Self::open_tuned(backend, Tuning::default()).await
    }

    async fn open_tuned(backend: Arc<B>, tuning: Tuning) -> Result<Self> {
        backend.own(false).await?;
        let mut place = None;
        while let Some(next) = convert(&*backend, place).await? {
            place = Some(next);
        }
        let memory = load(&*backend, tuning).await?;
        let inner = Arc::new(Inner {
            backend,
            memory: Mutex::new(memory),
            order: tokio::sync::Mutex::new(Standing::default()),
            seal_wanted: Notify::new(),
            rounds: watch::Sender::new((0, None)),
        });
        let (queue, waiting) = mpsc::channel(bounds::QUEUE_BATCHES_MAX);
        let (alive, ended) = watch::channel(());
        tokio::spawn(tasks::commit(Arc::clone(&inner), waiting));
        tokio::spawn(tasks::seal(Arc::clone(&inner), ended.clone()));
        tokio::spawn(tasks::flush(Arc::clone(&inner), ended));
        Ok(Self {
            inner,
            queue,
            room: Arc::new(Semaphore::new(tuning.queue_points)),
            tuning,
            _alive: alive,
        })
    }

    /// Stores a batch exactly once; `Ok` when it is on disk.
    ///
    /// # Errors
    /// `Unavailable` also when there is no place in the queue for too long.
    pub(crate) async fn ingest(&self, batch: IngestBatch) -> Result<IngestOutcome> {
        let batch = Arc::new(prepare::prepare(batch)?);
        let outcome = tokio::time::timeout(self.tuning.queue_wait, self.enqueue(batch)).await;
        let outcome = outcome.map_err(|_| crowded(self.tuning.queue_wait))??;
        outcome.await.map_err(|_| closed())?
    }

    /// Takes a place in the queue; where the outcome will be told.
    async fn enqueue(
        &self,
        batch: Arc<prepare::Batch>,
    ) -> Result<oneshot::Receiver<Result<IngestOutcome>>> {
        let share = batch.queue_share().min(self.tuning.queue_points);
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.room)
            .acquire_many_owned(share)
            .await
            .map_err(|_| closed())?;
        let (answer, outcome) = oneshot::channel();
        let waiting = Waiting {
            batch,
            answer,
            permit,
        };
        self.queue.send(waiting).await.map_err(|_| closed())?;
        Ok(outcome)
    }

    /// Makes an attempt; summaries lose what its resume supersedes.
    pub(crate) async fn attempt_create(&self, new: NewAttempt) -> Result<Attempt> {
        let inner = &self.inner;
        let mut standing = inner.order.lock().await;
        inner.ready(&mut standing).await?;
        if new.resumed_from_step.is_some() {
            // In this order: a flush lets go of ended runs that are sealed.
            inner.flush(&mut standing).await?;
            inner.run_load(&new.run).await?;
        }
        let known = new.resumed_from_step.and_then(|_| {
            let memory = inner.memory();
            let run = memory.run(&new.run)?;
            Some((run.seq, run.attempts.clone(), resume::tails(run)))
        });
        let epoch = inner.memory().epoch;
        let id = new.run.clone();
        let input = (new, known, epoch);
        standing.begin();
        let made = inner
            .backend
            .run(
                Access::Write,
                "make an attempt",
                input,
                |tx, (new, known, epoch)| {
                    Box::pin(async move {
                        flush::check_epoch(tx, *epoch).await?;
                        let attempt = attempts::create(tx, new).await?;
                        let (Some((run, attempts, tails)), Some(step)) =
                            (known, new.resumed_from_step)
                        else {
                            return Ok((attempt, Vec::new()));
                        };
                        let mut attempts = attempts.clone();
                        attempts.push((attempt.number, Some(step)));
                        let folds = resume::supersede(tx, *run, step, &attempts, tails).await?;
                        Ok((attempt, folds))
                    })
                },
            )
            .await;
        let (attempt, folds) = standing.note(made)?;
        inner.memory().run_change(&id, |run| {
            run.attempts
                .push((attempt.number, attempt.resumed_from_step));
            run.ended = false;
            for (label, fold) in folds {
                if let Some(series) = run.series.get_mut(&label) {
                    series.fold = fold;
                }
            }
        });
        Ok(attempt)
    }

    /// Runs a transaction that removes runs, and forgets them. Tables of the
    /// engine follow the row of `run` by their foreign keys; what the log still
    /// holds of a removed run is skipped when it is read back.
    pub(crate) async fn runs_remove<T>(
        &self,
        runs: &[RunId],
        remove: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let mut standing = self.inner.order.lock().await;
        self.inner.ready(&mut standing).await?;
        standing.begin();
        let removed = standing.note(remove.await)?;
        let mut memory = self.inner.memory();
        for id in runs {
            let seq = memory.run(id).map(|run| run.seq);
            if let Some(seq) = seq {
                memory.forget(seq);
            }
        }
        Ok(removed)
    }

    /// The run ended, and its series are sealed soon; or it goes on after all.
    pub(crate) fn run_changed(&self, run: &RunId, ended: bool) {
        self.inner.memory().run_change(run, |run| run.ended = ended);
        if ended {
            self.inner.seal_wanted.notify_one();
        }
    }

    /// Bytes that the points of a run take in the log, about.
    pub(crate) fn unsealed_bytes(&self, run: &RunId) -> u64 {
        let tails: Vec<_> = {
            let memory = self.inner.memory();
            let series = memory
                .run(run)
                .into_iter()
                .flat_map(|run| run.series.values());
            let tails = series.flat_map(|series| &series.tails);
            tails
                .filter_map(|tail| Some((tail.known(), tail.cut(true)?)))
                .collect()
        };
        let mut packed = Vec::new();
        for (known, cut) in tails {
            columns::pack(cut.points.get(known..).unwrap_or_default(), &mut packed);
        }
        packed.len() as u64
    }

    /// Brings summaries and stream offsets in the tables up to date.
    pub(crate) async fn flush(&self) -> Result<()> {
        let mut standing = self.inner.order.lock().await;
        self.inner.ready(&mut standing).await?;
        self.inner.flush(&mut standing).await
    }

    /// Seals every series; afterwards the log is empty.
    pub(crate) async fn seal_everything(&self) -> Result<()> {
        while self.inner.seal_some(true).await? {}
        self.flush().await
    }

    /// Ends of the streams of an attempt, if its run is in memory.
    pub(crate) fn offsets(&self, run: &RunId, attempt: u32) -> Option<BTreeMap<String, u64>> {
        let memory = self.inner.memory();
        let offsets = memory.run(run)?.offsets.iter();
        let mine = offsets.filter(|((number, _), _)| *number == attempt);
        Some(
            mine.map(|((_, writer), end)| (writer.to_string(), end.cast_unsigned()))
                .collect(),
        )
    }
}

impl<B: Backend> Inner<B> {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes sure that this hub owns the database and memory is what it holds.
    async fn ready(&self, standing: &mut Standing) -> Result<()> {
        // In doubt: a transaction may have failed because another hub came.
        if self.backend.own(standing.stale).await? {
            standing.stale = true;
        }
        if standing.stale {
            let tuning = self.memory().tuning;
            let memory = load(&*self.backend, tuning).await?;
            *self.memory() = memory;
            standing.stale = false;
            standing.generation += 1;
        }
        Ok(())
    }

    /// Brings a run into memory, if there is such a run.
    async fn run_load(&self, id: &RunId) -> Result<()> {
        if self.memory().run(id).is_some() {
            return Ok(());
        }
        let which = Which::Id(id.clone());
        let run = self
            .backend
            .run(
                Access::ReadFirst,
                "read a run's series",
                which,
                |tx, which| Box::pin(load::run(tx, which)),
            )
            .await?;
        if let Some(run) = run {
            self.memory().run_put(run);
        }
        Ok(())
    }

    async fn flush(&self, standing: &mut Standing) -> Result<()> {
        let flush = {
            let memory = self.memory();
            if !memory.needs_flush() {
                return Ok(());
            }
            Flush::collect(&memory)
        };
        standing.begin();
        let (flushed_seq, trimmed) = (flush.flushed_seq, flush.trimmed);
        let written = self
            .backend
            .run(Access::Write, "store summaries", flush, |tx, flush| {
                Box::pin(flush.write(tx))
            })
            .await;
        let gone = standing.note(written)?;
        let mut memory = self.memory();
        memory.flushed(flushed_seq, trimmed);
        gone.into_iter().for_each(|run| memory.forget(run));
        memory.let_go();
        Ok(())
    }

    /// Seals some tails. Returns whether there was anything to seal.
    async fn seal_some(&self, everything: bool) -> Result<bool> {
        let generation = {
            let standing = self.order.lock().await;
            self.memory().cool();
            standing.generation
        };
        let picked = seal::pick(&mut self.memory(), everything);
        if picked.is_empty() {
            return Ok(false);
        }
        let keys: Vec<PartKey> = picked.iter().map(|(key, _)| *key).collect();
        let compressed = tokio::task::spawn_blocking(move || seal::compress(picked)).await;
        let tails = match compressed {
            Ok(tails) => tails,
            Err(error) => {
                self.memory().seal_again(keys.into_iter());
                return Err(Error::internal("compress points", error));
            }
        };
        let done = self.store_sealed(generation, tails.clone()).await;
        if done.is_err() {
            self.memory().seal_again(tails.iter().map(|tail| tail.key));
        }
        done.map(|()| true)
    }

    async fn store_sealed(&self, generation: u64, tails: Vec<seal::SealedTail>) -> Result<()> {
        let mut standing = self.order.lock().await;
        self.ready(&mut standing).await?;
        if standing.generation != generation {
            // Memory was read back meanwhile: what was picked may be sealed already.
            let keys = tails.iter().map(|tail| tail.key);
            self.memory().seal_again(keys);
            return Ok(());
        }
        let input = {
            let memory = self.memory();
            // A run may have been removed, or sealed by somebody else, meanwhile.
            let tails: Vec<_> = tails
                .into_iter()
                .filter(|tail| tail.is_still_due(&memory))
                .collect();
            (memory.epoch, tails)
        };
        let input = Arc::new(input);
        standing.begin();
        let stored = self
            .backend
            .run(
                Access::Write,
                "store chunks",
                Arc::clone(&input),
                |tx, input| Box::pin(seal::store(tx, input.0, &input.1)),
            )
            .await;
        let (first_id, gone) = standing.note(stored)?;
        let mut memory = self.memory();
        if gone.is_empty() {
            seal::apply(&mut memory, first_id, &input.1);
        } else {
            // Somebody removed runs behind the engine; the others are sealed next time.
            memory.seal_again(input.1.iter().map(|tail| tail.key));
            gone.into_iter().for_each(|run| memory.forget(run));
        }
        Ok(())
    }
}

impl Standing {
    /// A transaction begins: until its outcome is noted, memory may be behind,
    /// also when the caller gives up.
    fn begin(&mut self) {
        self.stale = true;
    }

    /// Notes whether a failed transaction may have been stored nevertheless.
    fn note<T>(&mut self, done: Result<T>) -> Result<T> {
        if let Err(error) = &done {
            self.stale = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Internal);
        } else {
            self.stale = false;
        }
        done
    }
}

async fn load<B: Backend>(backend: &B, tuning: Tuning) -> Result<Memory> {
    let mut memory = backend
        .run(Access::Write, "read the ingest log", (), |tx, ()| {
            Box::pin(load::all(tx))
        })
        .await?;
    memory.tuning = tuning;
    Ok(memory)
}

/// Converts some series of the first schema behind a place; the place behind them.
async fn convert<B: Backend>(backend: &B, after: Option<PartKey>) -> Result<Option<PartKey>> {
    backend
        .run(Access::Write, "convert chunks", after, |tx, after| {
            Box::pin(convert::some(tx, *after))
        })
        .await
}

fn crowded(waited: std::time::Duration) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!(
            "the hub has more events waiting to be stored than it holds at once, and found no place \
             for these in {} seconds; nothing of them was stored. Send them again later",
            waited.as_secs_f32()
        ),
    )
}

fn closed() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the database is shutting down; try again later",
    )
}
