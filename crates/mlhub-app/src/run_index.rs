//! The run table in memory, kept as the store is.
//!
//! It is read from the store in pages, at the first search or in the background
//! after a start, and never before. Whatever changes a run marks it; a search
//! first reads the marked ones again, in bulk, and so does whoever waits for there
//! to be many. Changes that reach the database by
//! another road than this hub are not seen: one hub serves a database at a time.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mlhub_core::store::Store;
use mlhub_core::{Error, ErrorKind, Result, RunId, Timestamp};
use mlhub_query::RunTable;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::run_inputs::{self, RunInputs};
use crate::runs::{RunRow, read_rows};

/// Runs read from the store at once.
const PAGE_ROWS: usize = 500;
/// Runs between two lines of progress in the log.
const PROGRESS_ROWS: usize = 50_000;
/// Runs that may be stale before they are read again without a search that asks for it.
const BEHIND_ROWS: usize = 1000;
/// How long a change whose outcome nobody waited for may still arrive.
const UNSURE_MS: i64 = 60_000;
/// Questions answered at once; each works on one thread and may take memory.
const QUESTIONS_AT_ONCE: usize = 4;

/// Runs whose row is not as the store has them.
#[derive(Default)]
struct Marks {
    /// The run, and when it was marked last, by `count`.
    runs: HashMap<RunId, u64>,
    count: u64,
    /// Changes that were given up half way: until when they may still arrive.
    unsure: HashMap<RunId, Timestamp>,
}

/// How far the first reading of the store has come.
#[derive(Default)]
struct Loading {
    after_seq: i64,
    rows: usize,
    done: bool,
}

/// Leave to ask.
struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(QUESTIONS_AT_ONCE)))
    }
}

/// The table and what is known to be stale in it.
#[derive(Default)]
pub(crate) struct RunIndex {
    table: Arc<tokio::sync::RwLock<RunTable>>,
    marks: Mutex<Marks>,
    /// Held while rows are read and put in, so that older rows never replace newer ones.
    loading: tokio::sync::Mutex<Loading>,
    /// Whether marks matter: before the first page is read they do not.
    started: AtomicBool,
    turns: Turns,
    /// Told when many rows are stale.
    behind: tokio::sync::Notify,
    /// What runs read; kept up to date from the first question about it on.
    pub(crate) inputs: tokio::sync::RwLock<RunInputs>,
}

/// Marks runs when a change ends, however it ends.
struct Change<'a> {
    index: &'a RunIndex,
    runs: Vec<RunId>,
    now: Timestamp,
    sure: bool,
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        let mut marks = self.index.marks();
        if !self.index.started.load(Ordering::Acquire) {
            return;
        }
        for run in self.runs.drain(..) {
            if !self.sure {
                let until = Timestamp(self.now.0.saturating_add(UNSURE_MS));
                marks.unsure.insert(run.clone(), until);
            }
            marks.count += 1;
            let count = marks.count;
            marks.runs.insert(run, count);
        }
        if marks.runs.len() >= BEHIND_ROWS {
            self.index.behind.notify_one();
        }
    }
}

impl RunIndex {
    fn marks(&self) -> std::sync::MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `work`, which changes the runs, and marks them. When it is given up
    /// half way the store may still finish it, so that the runs are read again for
    /// a while.
    pub(crate) async fn changing<T>(
        &self,
        runs: Vec<RunId>,
        now: Timestamp,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let mut change = Change {
            index: self,
            runs,
            now,
            sure: false,
        };
        let outcome = work.await;
        change.sure = match &outcome {
            Ok(_) => true,
            Err(error) => !matches!(error.kind(), ErrorKind::Internal | ErrorKind::Unavailable),
        };
        outcome
    }

    /// Waits until so many rows are stale that the next search would be late.
    pub(crate) async fn falls_behind(&self) {
        self.behind.notified().await;
    }

    /// Brings the table up to the store.
    pub(crate) async fn refresh(&self, store: &dyn Store, now: Timestamp) -> Result<()> {
        let mut loading = self.loading.lock().await;
        self.started.store(true, Ordering::Release);
        while !loading.done {
            self.load_page(store, &mut loading).await?;
        }
        let stale: Vec<(RunId, u64)> = {
            let mut marks = self.marks();
            marks.unsure.retain(|_, until| *until >= now);
            let unsure: Vec<RunId> = marks.unsure.keys().cloned().collect();
            for run in unsure {
                marks.runs.entry(run).or_default();
            }
            marks
                .runs
                .iter()
                .map(|(run, count)| (run.clone(), *count))
                .collect()
        };
        for slab in stale.chunks(PAGE_ROWS) {
            let ids: Vec<RunId> = slab.iter().map(|(run, _)| run.clone()).collect();
            let runs = store.runs_get(&ids).await?;
            let rows = read_rows(store, runs).await?;
            if self.inputs.read().await.loaded {
                run_inputs::read(store, &self.inputs, &ids).await?;
            }
            let mut table = self.table.write().await;
            let there: HashSet<&RunId> = rows.iter().map(|row| &row.run.id).collect();
            for id in ids.iter().filter(|id| !there.contains(id)) {
                table.remove(id.as_str());
            }
            for row in &rows {
                put(&mut table, row);
            }
            let mut marks = self.marks();
            for (run, count) in slab {
                // Marked again meanwhile: what was read may be older.
                if marks.runs.get(run) == Some(count) {
                    marks.runs.remove(run);
                }
            }
        }
        Ok(())
    }

    /// Brings what runs read up to the store; all of it at the first question.
    pub(crate) async fn inputs_refresh(&self, store: &dyn Store, now: Timestamp) -> Result<()> {
        self.refresh(store, now).await?;
        // No row is read again meanwhile: what changes from here on is marked.
        let _loading = self.loading.lock().await;
        if self.inputs.read().await.loaded {
            return Ok(());
        }
        let mut after_seq = 0;
        loop {
            let runs = store.run_scan(after_seq, PAGE_ROWS).await?;
            let Some(last) = runs.last() else { break };
            after_seq = last.seq;
            let ids: Vec<RunId> = runs.into_iter().map(|run| run.id).collect();
            run_inputs::read(store, &self.inputs, &ids).await?;
        }
        self.inputs.write().await.loaded = true;
        Ok(())
    }

    async fn load_page(&self, store: &dyn Store, loading: &mut Loading) -> Result<()> {
        let runs = store.run_scan(loading.after_seq, PAGE_ROWS).await?;
        let Some(last) = runs.last().map(|run| run.seq) else {
            loading.done = true;
            let table = self.table.read().await;
            tracing::info!(
                runs = table.len(),
                bytes = table.memory().total_bytes(),
                "the run table is loaded"
            );
            return Ok(());
        };
        let count = runs.len();
        let rows = read_rows(store, runs).await?;
        let mut table = self.table.write().await;
        for row in &rows {
            put(&mut table, row);
        }
        let before = loading.rows / PROGRESS_ROWS;
        loading.rows += count;
        loading.after_seq = last;
        if loading.rows / PROGRESS_ROWS > before {
            tracing::info!(runs = loading.rows, "loading the run table");
        }
        Ok(())
    }

    /// Asks the table on a thread where it may take long; a few questions at once.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&RunTable) -> T + Send + 'static,
    ) -> Result<T> {
        let turn = self.turn().await?;
        let table = Arc::clone(&self.table).read_owned().await;
        tokio::task::spawn_blocking(move || {
            // Held until it is answered, also when nobody waits for it any more.
            let _turn = turn;
            question(&table)
        })
        .await
        .map_err(|source| Error::internal("search runs", source))
    }

    /// Does work on the text of a query, which may take long as well.
    pub(crate) async fn reading<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = self.turn().await?;
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await
        .map_err(|source| Error::internal("read a query", source))?
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        let turns = Arc::clone(&self.turns.0);
        turns
            .acquire_owned()
            .await
            .map_err(|source| Error::internal("search runs", source))
    }
}

fn put(table: &mut RunTable, row: &RunRow) {
    let pair = |(name, value)| -> (&str, &str) { (String::as_str(name), String::as_str(value)) };
    let params: Vec<(&str, &str)> = row.params.iter().map(pair).collect();
    let tags: Vec<(&str, &str)> = row.tags.iter().map(pair).collect();
    table.upsert(&mlhub_query::RunRow {
        run: &row.run,
        params: &params,
        tags: &tags,
        metrics: &row.metrics.iter().collect::<Vec<_>>(),
        evaluated: &row.evaluated.iter().collect::<Vec<_>>(),
    });
}
