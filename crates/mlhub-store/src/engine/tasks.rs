//! The engine's tasks: committing, sealing, flushing.
//!
//! They end when the engine is dropped; what was acknowledged is in the log then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mlhub_core::metric::Point;
use mlhub_core::store::IngestOutcome;
use mlhub_core::{Error, ErrorKind, Result};
use tokio::sync::{mpsc, watch};

use super::commit::{Group, Touch, Waiting};
use super::prepare::Batch;
use super::run_state::PartKey;
use super::{Inner, Standing, bounds, load};
use crate::sql::{Access, Backend};

/// Commits what waits, one group after the other.
pub(super) async fn commit<B: Backend>(inner: Arc<Inner<B>>, mut queue: mpsc::Receiver<Waiting>) {
    let mut expected = 0;
    while let Some(first) = queue.recv().await {
        let mut points = first.batch.points;
        let mut group = vec![first];
        let mut pauses = 0;
        while points < bounds::GROUP_POINTS_MAX && group.len() < bounds::GROUP_BATCHES_MAX {
            if let Ok(next) = queue.try_recv() {
                points += next.batch.points;
                group.push(next);
            } else if group.len() < expected && pauses < bounds::GROUP_PAUSES_MAX {
                // Those who were answered last are about to send again: a fuller
                // group costs the disk no more. Nobody waits when nobody is at work.
                pauses += 1;
                tokio::task::yield_now().await;
            } else {
                break;
            }
        }
        expected = group.len();
        let batches: Vec<Arc<Batch>> = group
            .iter()
            .map(|waiting| Arc::clone(&waiting.batch))
            .collect();
        let done = match inner.room_in_memory().await {
            Ok(()) => inner.commit(&batches).await,
            Err(error) => Err(error),
        };
        match done {
            // Something is damaged that perhaps one batch alone needs.
            Err(error) if error.kind() == ErrorKind::Internal && batches.len() > 1 => {
                let outcomes = inner.commit_apart(&batches).await;
                answer(group, Ok(outcomes));
            }
            done => answer(group, done),
        }
        inner.wake_sealer();
    }
}

fn answer(group: Vec<Waiting>, done: Result<Vec<Result<IngestOutcome>>>) {
    let outcomes = match done {
        Ok(outcomes) => outcomes,
        Err(error) => {
            let copies = (1..group.len()).map(|_| copy(&error)).collect::<Vec<_>>();
            std::iter::once(error).chain(copies).map(Err).collect()
        }
    };
    for (waiting, outcome) in group.into_iter().zip(outcomes) {
        drop(waiting.permit);
        // Nobody may wait any more: the batch stands, its answer is lost.
        drop(waiting.answer.send(outcome));
    }
}

/// The same error for another batch of the group; the cause stays with the first.
fn copy(error: &Error) -> Error {
    Error::new(error.kind(), error.public_message())
}

impl<B: Backend> Inner<B> {
    /// Waits while the tails take more memory than they may.
    async fn room_in_memory(&self) -> Result<()> {
        let mut rounds = self.rounds.subscribe();
        while self.memory().has_no_room() {
            rounds.borrow_and_update();
            self.seal_wanted.notify_one();
            if rounds.changed().await.is_err() {
                return Ok(());
            }
            if let (_, Some((kind, message))) = &*rounds.borrow() {
                return Err(Error::new(*kind, message.clone()));
            }
        }
        Ok(())
    }

    fn wake_sealer(&self) {
        let memory = self.memory();
        if memory.has_full() || memory.log_is_long() || memory.memory_is_full() {
            self.seal_wanted.notify_one();
        }
    }

    /// Commits a group; outcomes by batch.
    async fn commit(&self, batches: &[Arc<Batch>]) -> Result<Vec<Result<IngestOutcome>>> {
        let mut standing = self.order.lock().await;
        self.ready(&mut standing).await?;
        self.touch(batches).await?;
        self.commit_group(&mut standing, batches).await
    }

    /// Commits the halves of a group that failed, and their halves, until only
    /// what is at fault fails; outcomes by batch.
    async fn commit_apart(&self, batches: &[Arc<Batch>]) -> Vec<Result<IngestOutcome>> {
        let mut outcomes = Vec::with_capacity(batches.len());
        let middle = batches.len().div_ceil(2);
        let mut left = vec![&batches[middle..], &batches[..middle]];
        while let Some(part) = left.pop() {
            match self.commit(part).await {
                Ok(done) => outcomes.extend(done),
                Err(error) if error.kind() == ErrorKind::Internal && part.len() > 1 => {
                    let (first, second) = part.split_at(part.len() / 2);
                    left.extend([second, first]);
                }
                Err(error) => {
                    let copies = (1..part.len()).map(|_| Err(copy(&error)));
                    outcomes.extend(copies.collect::<Vec<_>>());
                    outcomes.push(Err(error));
                }
            }
        }
        outcomes
    }

    async fn commit_group(
        &self,
        standing: &mut Standing,
        batches: &[Arc<Batch>],
    ) -> Result<Vec<Result<IngestOutcome>>> {
        let (group, refused, places) = Group::new(&self.memory(), batches);
        let mut outcomes: Vec<Option<Result<IngestOutcome>>> =
            batches.iter().map(|_| None).collect();
        for (place, error) in refused {
            outcomes[place] = Some(Err(error));
        }
        if !places.is_empty() {
            let group = Arc::new(group);
            let input = Arc::clone(&group);
            standing.begin();
            let stored = self
                .backend
                .run(Access::Write, "store events", input, |tx, group| {
                    Box::pin(group.store(tx))
                })
                .await;
            let committed = standing.note(stored)?;
            group.apply(&mut self.memory(), &committed);
            for (place, outcome) in places.into_iter().zip(committed.outcomes) {
                outcomes[place] = Some(outcome);
            }
        }
        Ok(outcomes
            .into_iter()
            .map(|outcome| {
                outcome.unwrap_or_else(|| {
                    Err(Error::internal("store events", "a batch has no outcome"))
                })
            })
            .collect())
    }

    /// Reads what memory lacks for these batches.
    async fn touch(&self, batches: &[Arc<Batch>]) -> Result<()> {
        let mut touch = Touch::of(&self.memory(), batches);
        if !touch.runs.is_empty() {
            for run in &touch.runs {
                self.run_load(run).await?;
            }
            touch = Touch::of(&self.memory(), batches);
        }
        let cold: Vec<(PartKey, i64)> = touch.cold.into_iter().collect();
        for slab in cold.chunks(bounds::TOUCH_CHUNKS) {
            let chunks: Vec<i64> = slab.iter().map(|(_, chunk)| *chunk).collect();
            let mut found = self.chunks_or_why_not(chunks).await?;
            for (key, chunk) in slab {
                let missing = || Err(Error::internal(READ_ENDS, "a chunk has no body"));
                let points = found.remove(chunk).unwrap_or_else(missing);
                load::warm_with(&mut self.memory(), *key, points)?;
            }
        }
        Ok(())
    }

    /// Points of chunks; of those that cannot be read, why.
    async fn chunks_or_why_not(&self, chunks: Vec<i64>) -> Result<Chunks> {
        match self.chunks(chunks.clone()).await {
            // One damaged page is not to keep the others from being read.
            Err(error) if error.kind() == ErrorKind::Internal => {}
            found => return found,
        }
        let mut found = Chunks::new();
        for chunk in chunks {
            match self.chunks(vec![chunk]).await {
                Ok(one) => found.extend(one),
                Err(error) if error.kind() == ErrorKind::Internal => {
                    found.insert(chunk, Err(error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    async fn chunks(&self, chunks: Vec<i64>) -> Result<Chunks> {
        self.backend
            .run(Access::ReadFirst, READ_ENDS, chunks, |tx, ids| {
                Box::pin(load::chunks_points(tx, ids))
            })
            .await
    }
}

/// What is being done when series go on that are in chunks.
const READ_ENDS: &str = "read the ends of series";

/// Points by chunk.
type Chunks = BTreeMap<i64, Result<Vec<Point>>>;

/// Seals whenever something is due.
pub(super) async fn seal<B: Backend>(inner: Arc<Inner<B>>, mut alive: watch::Receiver<()>) {
    loop {
        let done = inner.seal_some(false).await;
        let failed = done.as_ref().err().map(|error| {
            tracing::warn!(error = %error, cause = ?std::error::Error::source(error), "sealing failed; it is tried again");
            (error.kind(), error.public_message().to_owned())
        });
        let more = done.unwrap_or(false);
        inner.rounds.send_modify(|(round, last)| {
            *round += 1;
            *last = failed.clone();
        });
        let wanted = async {
            if failed.is_some() {
                tokio::time::sleep(bounds::FLUSH_PAUSE).await;
            }
            if !more {
                let wanted = inner.seal_wanted.notified();
                drop(tokio::time::timeout(bounds::IDLE_LOOK, wanted).await);
            }
        };
        tokio::select! {
            biased;
            _ = alive.changed() => return,
            () = wanted => {}
        }
    }
}

/// Flushes from time to time.
pub(super) async fn flush<B: Backend>(inner: Arc<Inner<B>>, mut alive: watch::Receiver<()>) {
    let mut pause = bounds::FLUSH_PAUSE;
    let mut failed = false;
    loop {
        tokio::select! {
            biased;
            _ = alive.changed() => return,
            () = tokio::time::sleep(pause) => {}
        }
        if !inner.memory().needs_flush() {
            continue;
        }
        let started = Instant::now();
        let done = inner.flush_in_turn().await;
        pause = pause_after(started.elapsed());
        if let Err(error) = &done
            && !failed
        {
            tracing::warn!(error = %error, cause = ?std::error::Error::source(error), "summaries cannot be stored; it is tried again");
        }
        failed = done.is_err();
    }
}

impl<B: Backend> Inner<B> {
    async fn flush_in_turn(&self) -> Result<()> {
        let mut standing = self.order.lock().await;
        self.ready(&mut standing).await?;
        self.flush(&mut standing).await
    }
}

fn pause_after(took: Duration) -> Duration {
    bounds::FLUSH_PAUSE.max(took * bounds::FLUSH_SHARE)
}
