//! Whole histories, batch by batch: every point of many series without holding
//! more than a batch of them.
//!
//! Which attempts there are and what of them is visible is fixed when the
//! history is opened; points are then read attempt by attempt in logging order,
//! to which a running program only appends. So what is read is a true history
//! even while runs go on and are resumed.

use std::collections::VecDeque;
use std::sync::Arc;

use mlhub_core::metric::{Point, Reduction, SeriesKey, SeriesView, SeriesWindow};
use mlhub_core::store::Store;
use mlhub_core::{Caller, Error, ErrorKind, Result, RunId, limits};
use mlhub_series::visible_limit;

use crate::Hub;
use crate::glob::Glob;

/// Points of one batch at most.
const BATCH_POINTS: usize = 65_536;
/// Series read in one call of the store, while they are short.
const GROUP_SERIES: usize = 64;
/// Points read of each of them at first.
const GROUP_POINTS: usize = BATCH_POINTS / GROUP_SERIES;

/// Which histories to read.
#[derive(Debug, Clone)]
pub struct HistoryRequest {
    /// Run ids or unique prefixes.
    pub runs: Vec<String>,
    /// Metric names; with no patterns either, all.
    pub metrics: Vec<String>,
    /// Patterns of metric names: `*` is any text, `?` any one character.
    pub patterns: Vec<String>,
    /// The part wanted. Its attempt, when given, is the only one read, whole.
    pub window: SeriesWindow,
    /// Whether points that later attempts superseded are wanted too.
    pub superseded: bool,
}

/// Neighbouring points of one series and one attempt, never none.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryBatch {
    /// The run.
    pub run: RunId,
    /// The metric's name.
    pub metric: String,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The points in the order they were logged.
    pub points: Vec<Point>,
}

/// One attempt's part of one series, yet to be read.
#[derive(Debug)]
struct Part {
    key: SeriesKey,
    attempt: u32,
    /// The last step that is visible.
    limit: i64,
}

/// A part that is being read.
#[derive(Debug)]
struct Open {
    part: Part,
    /// Points read and not handed out.
    points: Vec<Point>,
    /// Points read of the part so far.
    read: u64,
    /// Points there were when it was opened: a run that goes on ends nowhere else.
    total: u64,
}

/// A run whose parts are not listed yet.
#[derive(Debug)]
struct RunParts {
    run: RunId,
    origin: mlhub_core::Timestamp,
    /// Attempts and their visible limits, oldest first.
    attempts: Vec<(u32, i64)>,
}

/// An open history.
pub struct History {
    store: Arc<dyn Store>,
    request: HistoryRequest,
    patterns: Vec<Glob>,
    runs: VecDeque<RunParts>,
    parts: VecDeque<Part>,
    open: VecDeque<Open>,
}

impl Hub {
    /// Opens the histories of runs: by run, then by metric (named ones first),
    /// then by attempt.
    pub async fn history_open(&self, caller: &Caller, request: HistoryRequest) -> Result<History> {
        if request.runs.len() > limits::HISTORY_RUNS_MAX {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "{} runs are more than the {} one export may ask for",
                    request.runs.len(),
                    limits::HISTORY_RUNS_MAX
                ),
            ));
        }
        let mut patterns = request.patterns.clone();
        if patterns.is_empty() && request.metrics.is_empty() {
            patterns.push("*".to_owned());
        }
        let patterns = patterns
            .iter()
            .map(|pattern| Glob::new(pattern))
            .collect::<Result<Vec<Glob>>>()?;
        let mut runs = VecDeque::new();
        for text in &request.runs {
            let run = self.run_resolve(caller, text).await?;
            let stored = self.store.attempt_list(&run.id).await?;
            let resumes: Vec<(u32, Option<i64>)> = stored
                .iter()
                .map(|attempt| (attempt.number, attempt.resumed_from_step))
                .collect();
            let whole = request.superseded || request.window.attempt.is_some();
            let mut attempts: Vec<(u32, i64)> = resumes
                .iter()
                .map(|(number, _)| *number)
                .filter(|number| {
                    request
                        .window
                        .attempt
                        .is_none_or(|wanted| wanted == *number)
                })
                .map(|number| {
                    let limit = visible_limit(&resumes, number).filter(|_| !whole);
                    (number, limit.unwrap_or(i64::MAX))
                })
                .collect();
            attempts.sort_unstable();
            runs.push_back(RunParts {
                origin: self.origin_of(&run).await?,
                run: run.id,
                attempts,
            });
        }
        Ok(History {
            store: Arc::clone(&self.store),
            request,
            patterns,
            runs,
            parts: VecDeque::new(),
            open: VecDeque::new(),
        })
    }
}

impl History {
    /// The next points; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<HistoryBatch>> {
        loop {
            if let Some(open) = self.open.front_mut() {
                let points = std::mem::take(&mut open.points);
                let limit = open.part.limit;
                let points: Vec<Point> = points
                    .into_iter()
                    .filter(|point| point.step <= limit)
                    .collect();
                let batch = HistoryBatch {
                    run: open.part.key.run.clone(),
                    metric: open.part.key.name.clone(),
                    attempt: open.part.attempt,
                    points,
                };
                if open.read < open.total {
                    self.read_on().await?;
                } else {
                    self.open.pop_front();
                }
                if !batch.points.is_empty() {
                    return Ok(Some(batch));
                }
            } else if !self.parts.is_empty() {
                self.read_group().await?;
            } else if let Some(run) = self.runs.pop_front() {
                self.list_parts(run).await?;
            } else {
                return Ok(None);
            }
        }
    }

    async fn list_parts(&mut self, run: RunParts) -> Result<()> {
        let mut names = self.request.metrics.clone();
        if !self.patterns.is_empty() {
            let summaries = self
                .store
                .summaries(std::slice::from_ref(&run.run), None)
                .await?;
            names.extend(
                summaries
                    .into_iter()
                    .map(|summary| summary.name)
                    .filter(|name| self.patterns.iter().any(|pattern| pattern.matches(name))),
            );
        }
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        for name in names {
            for (attempt, limit) in &run.attempts {
                self.parts.push_back(Part {
                    key: SeriesKey {
                        run: run.run.clone(),
                        name: name.clone(),
                        origin: run.origin,
                    },
                    attempt: *attempt,
                    limit: *limit,
                });
            }
        }
        Ok(())
    }

    /// Starts reading the next parts, as many as one call may ask for: one call
    /// is about one attempt number.
    async fn read_group(&mut self) -> Result<()> {
        let Some(attempt) = self.parts.front().map(|part| part.attempt) else {
            return Ok(());
        };
        let alike = self.parts.iter().take(GROUP_SERIES);
        let count = alike.take_while(|part| part.attempt == attempt).count();
        let parts: Vec<Part> = self.parts.drain(..count).collect();
        let keys: Vec<SeriesKey> = parts.iter().map(|part| part.key.clone()).collect();
        let limit = if count == 1 {
            BATCH_POINTS
        } else {
            GROUP_POINTS
        };
        let views = self.read(&keys, attempt, 0, limit).await?;
        for (part, view) in parts.into_iter().zip(views) {
            let read = view.points.len() as u64;
            self.open.push_back(Open {
                part,
                points: view.points,
                read,
                total: view.total,
            });
        }
        Ok(())
    }

    /// Reads more of the first open part.
    async fn read_on(&mut self) -> Result<()> {
        let Some(open) = self.open.front() else {
            return Ok(());
        };
        let (key, attempt, read) = (open.part.key.clone(), open.part.attempt, open.read);
        let left = usize::try_from(open.total - read).unwrap_or(usize::MAX);
        let limit = left.min(BATCH_POINTS);
        let mut views = self.read(&[key], attempt, read, limit).await?;
        let view = views.pop().unwrap_or_default();
        if let Some(open) = self.open.front_mut() {
            open.read += view.points.len() as u64;
            if view.points.is_empty() {
                // The run was removed meanwhile.
                open.total = open.read;
            }
            open.points = view.points;
        }
        Ok(())
    }

    async fn read(
        &self,
        keys: &[SeriesKey],
        attempt: u32,
        skip: u64,
        limit: usize,
    ) -> Result<Vec<SeriesView>> {
        let window = SeriesWindow {
            attempt: Some(attempt),
            ..self.request.window
        };
        let page = Reduction::Page { skip, limit };
        self.store.series_read(keys, window, page).await
    }
}
