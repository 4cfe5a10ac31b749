//! Runs that a client drives by single calls, with no agent and no event stream: made
//! running, logged to, ended, opened again.
//!
//! Such clients repeat a call whose answer was lost and number nothing, so that what is
//! there already is recognised by its content: a point by step, time and value.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use mlhub_core::metric::{Axis, Point, Reduction, SeriesKey, SeriesPoints, SeriesWindow};
use mlhub_core::run::{Run, RunRecord};
use mlhub_core::store::{IngestBatch, IngestOutcome};
use mlhub_core::{Caller, Error, ErrorKind, Permission, Result, RunId, RunState, Timestamp};
use tokio::sync::Mutex;

use crate::Hub;
use crate::attempts::FinishReport;
use crate::runs::{RunCreation, RunRow, read_rows};

/// The event writer that stands for all such calls.
const WRITER: &str = "client";
/// Runs of which something is kept in memory.
const RUNS_KNOWN_MAX: usize = 1024;
/// Points read at once while a series is looked through.
const PAGE_POINTS: usize = 65_536;
/// Times a batch is aligned anew before giving up.
const ALIGN_MAX: usize = 8;

/// What a client logs to a run in one call: all of it is stored, or nothing.
#[derive(Debug, Clone, Default)]
pub struct ClientLog {
    /// Points by metric, a metric only once.
    pub series: Vec<SeriesPoints>,
    /// Params; one that is there with another value is refused.
    pub params: Vec<(String, String)>,
    /// Tags; the last value stays.
    pub tags: Vec<(String, String)>,
    /// Records.
    pub records: Vec<RunRecord>,
}

/// How a client changes the state of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientChange {
    /// The state it goes to: running or ended.
    pub state: RunState,
    /// When it ended, where it does; now when absent.
    pub ended_at: Option<Timestamp>,
}

/// What is remembered of the runs that were logged to lately.
#[derive(Default)]
pub(crate) struct Clients(std::sync::Mutex<HashMap<RunId, Arc<Mutex<Known>>>>);

/// One call at a time changes a run.
#[derive(Default)]
struct Known {
    attempt: u32,
    offset: u64,
    /// The largest step and the latest time of each series that was looked at.
    newest: HashMap<String, (i64, i64)>,
    params: Option<BTreeMap<String, String>>,
}

impl Clients {
    fn known(&self, run: &RunId) -> Arc<Mutex<Known>> {
        let mut runs = match self.0.lock() {
            Ok(runs) => runs,
            Err(poisoned) => poisoned.into_inner(),
        };
        if runs.len() >= RUNS_KNOWN_MAX && !runs.contains_key(run) {
            // What a call works with stays, so that calls go on one at a time.
            runs.retain(|_, known| Arc::strong_count(known) > 1);
        }
        Arc::clone(runs.entry(run.clone()).or_default())
    }
}

impl Hub {
    /// Makes runs that their client drives, and starts them.
    ///
    /// # Errors
    /// As [`Hub::run_create`]; `Conflict` when the experiment is deleted.
    pub async fn client_run_create(
        &self,
        caller: &Caller,
        creation: RunCreation,
        started_at: Timestamp,
    ) -> Result<Vec<RunRow>> {
        let (project, name) = (creation.project.clone(), creation.experiment.clone());
        let experiment = self.experiment_named(caller, &project, &name).await?;
        if experiment.is_some_and(|experiment| experiment.deleted_at.is_some()) {
            return Err(Error::conflict(format!(
                "the experiment `{project}/{name}` is deleted; restore it first"
            )));
        }
        let rows = self.run_create(caller, creation).await?;
        let mut runs = Vec::new();
        for row in rows {
            self.attempt_start(caller, &row.run.id, row.run.attempt, started_at)
                .await?;
            runs.push(self.run_exact(&row.run.id).await?);
        }
        self.run_data(caller, runs).await
    }

    /// The run of an id.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn run_get(&self, caller: &Caller, id: &RunId) -> Result<Run> {
        caller.require(Permission::Read)?;
        self.run_exact(id).await
    }

    /// Everything lists show of runs, metrics of the machine among it.
    pub async fn run_data(&self, caller: &Caller, runs: Vec<Run>) -> Result<Vec<RunRow>> {
        caller.require(Permission::Read)?;
        read_rows(&*self.store, runs).await
    }

    /// Records of a kind, oldest first.
    pub async fn run_records(
        &self,
        caller: &Caller,
        run: &RunId,
        kind: &str,
        limit: usize,
    ) -> Result<Vec<RunRecord>> {
        caller.require(Permission::Read)?;
        let found = self.store.records(run, Some(kind), limit).await?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    /// The hub's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A fresh id of a run with 32 hexadecimal digits.
    pub fn run_id_long(&self) -> Result<RunId> {
        let digits: String = self
            .entropy
            .bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        digits.parse()
    }

    /// Moves a run on at its client's word. One that has ended goes on in a new attempt,
    /// with all its points.
    ///
    /// # Errors
    /// `Conflict` for a deleted run, or one that an agent minds; `Invalid` for a state
    /// that is no client's to say.
    pub async fn client_run_change(
        &self,
        caller: &Caller,
        id: &RunId,
        change: ClientChange,
    ) -> Result<Run> {
        caller.require(Permission::Write)?;
        let run = self.run_exact(id).await?;
        refuse_deleted(&run)?;
        self.refuse_minded(&run).await?;
        let known = self.clients.known(id);
        let _turn = known.lock().await;
        let now = self.clock.now();
        let run = self.run_exact(id).await?;
        if run.state == change.state && run.ended_at.is_some() == run.state.is_terminal() {
            return Ok(run);
        }
        match change.state {
            RunState::Queued => return Ok(run),
            RunState::Running | RunState::Finished | RunState::Failed | RunState::Stopped => {}
            RunState::Lost => {
                return Err(Error::invalid("a client cannot say that its run is lost"));
            }
        }
        let run = self.reopened(caller, run, now).await?;
        if change.state.is_terminal() {
            let report = FinishReport {
                state: change.state,
                ended_at: change.ended_at.unwrap_or(now),
                exit: None,
                failure: None,
                predictions: BTreeMap::new(),
            };
            self.attempt_finish(caller, id, run.attempt, report).await?;
        }
        self.run_exact(id).await
    }

    /// The run, running: in a new attempt if it had ended.
    async fn reopened(&self, caller: &Caller, run: Run, now: Timestamp) -> Result<Run> {
        let mut attempt = run.attempt;
        if run.state.is_terminal() {
            // Behind every step, so that no point is superseded.
            let (_, made) = self
                .attempt_create(caller, run.id.as_str(), None, Some(i64::MAX))
                .await?;
            attempt = made.number;
        }
        self.attempt_start(caller, &run.id, attempt, now).await?;
        self.run_exact(&run.id).await
    }

    /// An agent says how its run stands, and nobody else.
    pub(crate) async fn refuse_minded(&self, run: &Run) -> Result<()> {
        let active = matches!(run.state, RunState::Queued | RunState::Running);
        let attempt = self.attempt_exact(&run.id, run.attempt).await?;
        match attempt.host.filter(|_| active) {
            None => Ok(()),
            Some(host) => Err(Error::conflict(format!(
                "run `{}` is {} and minded by `{host}`; stop it first",
                run.id, run.state
            ))),
        }
    }

    /// Stores what a client logs. The same call again changes nothing: points that are
    /// there already, the same step, time and value, are not stored twice.
    ///
    /// Returns the run as it was found.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for a deleted run, and for a param that is there with another
    /// value, naming both; `Invalid` and `TooLarge` for what cannot be stored.
    pub async fn client_log(&self, caller: &Caller, id: &RunId, log: ClientLog) -> Result<Run> {
        caller.require(Permission::Write)?;
        let known = self.clients.known(id);
        let mut known = known.lock().await;
        let run = self.run_exact(id).await?;
        refuse_deleted(&run)?;
        if known.attempt != run.attempt {
            let offsets = self.store.offsets(id, run.attempt).await?;
            known.attempt = run.attempt;
            known.offset = offsets.get(WRITER).copied().unwrap_or(0);
        }
        let params = self.new_params(id, &mut known, log.params).await?;
        let mut series = Vec::new();
        for one in log.series {
            let fresh = self.new_points(&run, &mut known, one).await?;
            series.extend((!fresh.points.is_empty()).then_some(fresh));
        }
        let mut batch = IngestBatch {
            run: id.clone(),
            attempt: run.attempt,
            writer: WRITER.to_owned(),
            start: 0,
            end: 0,
            series,
            params,
            tags: log.tags,
            records: log.records,
        };
        if batch.series.is_empty()
            && batch.params.is_empty()
            && batch.tags.is_empty()
            && batch.records.is_empty()
        {
            return Ok(run);
        }
        for _ in 0..ALIGN_MAX {
            (batch.start, batch.end) = (known.offset, known.offset + 1);
            match self.attempt_events(caller, batch.clone()).await? {
                IngestOutcome::Stored { params_kept } => {
                    known.offset = batch.end;
                    stored(&mut known, &batch, &params_kept)?;
                    return Ok(run);
                }
                // Another hub stored something in between.
                IngestOutcome::Duplicate => known.offset += 1,
                IngestOutcome::Misaligned { expected } => known.offset = expected,
            }
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            format!("run `{id}` is being logged to by others; send the same request again"),
        ))
    }

    /// The params that are not there yet.
    async fn new_params(
        &self,
        id: &RunId,
        known: &mut Known,
        params: Vec<(String, String)>,
    ) -> Result<Vec<(String, String)>> {
        if params.is_empty() {
            return Ok(params);
        }
        if known.params.is_none() {
            let mut stored = self.store.params(std::slice::from_ref(id)).await?;
            known.params = Some(stored.remove(id).unwrap_or_default());
        }
        let there = known.params.as_ref();
        let mut fresh: Vec<(String, String)> = Vec::new();
        for (name, value) in params {
            let in_call = fresh.iter().find(|(other, _)| *other == name);
            let before = there
                .and_then(|there| there.get(&name))
                .or(in_call.map(|(_, value)| value));
            match before {
                None => fresh.push((name, value)),
                Some(before) if *before == value => {}
                Some(before) => return Err(param_conflict(id, &name, before, &value)),
            }
        }
        Ok(fresh)
    }

    /// The points of a series that are not there yet, by step and time.
    async fn new_points(
        &self,
        run: &Run,
        known: &mut Known,
        mut series: SeriesPoints,
    ) -> Result<SeriesPoints> {
        let order = |point: &Point| (point.step, point.time);
        // As a rule they come in order, and then this only looks at each once.
        series.points.sort_by(|a, b| {
            let values = || a.value.total_cmp(&b.value);
            order(a).cmp(&order(b)).then_with(values)
        });
        series.points.dedup_by(|a, b| same(a, b));
        let key = SeriesKey {
            run: run.id.clone(),
            name: series.name.clone(),
            origin: Timestamp(0),
        };
        let newest = match known.newest.get(&series.name) {
            Some(newest) => *newest,
            None => {
                let newest = self.newest_of(&key).await?;
                known.newest.insert(series.name.clone(), newest);
                newest
            }
        };
        let maybe_there = |point: &Point| point.step <= newest.0 && point.time.0 <= newest.1;
        let steps = || {
            let points = series.points.iter().filter(|point| maybe_there(point));
            points.map(|point| point.step)
        };
        if let (Some(from), Some(to)) = (steps().min(), steps().max()) {
            let mut there = self.points_between(&key, Some((from, to))).await?;
            there.sort_by_key(order);
            series.points.retain(|point| {
                let start = there.partition_point(|other| order(other) < order(point));
                let mut alike = there[start..]
                    .iter()
                    .take_while(|other| order(other) == order(point));
                !alike.any(|other| same(other, point))
            });
        }
        Ok(series)
    }

    /// The largest step and the latest time of a series.
    async fn newest_of(&self, key: &SeriesKey) -> Result<(i64, i64)> {
        let points = self.points_between(key, None).await?;
        let steps = points.iter().map(|point| point.step);
        let times = points.iter().map(|point| point.time.0);
        Ok((
            steps.max().unwrap_or(i64::MIN),
            times.max().unwrap_or(i64::MIN),
        ))
    }

    /// Points of a series, whole or between two steps.
    async fn points_between(
        &self,
        key: &SeriesKey,
        steps: Option<(i64, i64)>,
    ) -> Result<Vec<Point>> {
        let window = SeriesWindow {
            axis: Axis::Step,
            from: steps.map(|(from, _)| from),
            to: steps.map(|(_, to)| to),
            attempt: None,
        };
        let mut found = Vec::new();
        loop {
            let page = Reduction::Page {
                skip: found.len() as u64,
                limit: PAGE_POINTS,
            };
            let keys = std::slice::from_ref(key);
            let views = self.store.series_read(keys, window, page).await?;
            let points = views.into_iter().next().map(|view| view.points);
            let points = points.unwrap_or_default();
            let last = points.len() < PAGE_POINTS;
            found.extend(points);
            if last {
                return Ok(found);
            }
        }
    }
}

/// Remembers what was stored.
fn stored(known: &mut Known, batch: &IngestBatch, params_kept: &[String]) -> Result<()> {
    for series in &batch.series {
        if let Some(newest) = known.newest.get_mut(&series.name) {
            for point in &series.points {
                newest.0 = newest.0.max(point.step);
                newest.1 = newest.1.max(point.time.0);
            }
        }
    }
    if let Some(there) = &mut known.params {
        there.extend(batch.params.iter().cloned());
    }
    // Somebody else was faster; what is there now is read again when it matters.
    if let Some(name) = params_kept.first() {
        known.params = None;
        return Err(Error::conflict(format!(
            "the param `{name}` of run `{}` has another value already",
            batch.run
        )));
    }
    Ok(())
}

fn same(a: &Point, b: &Point) -> bool {
    a.step == b.step
        && a.time == b.time
        && (a.value.to_bits() == b.value.to_bits() || a.value.is_nan() && b.value.is_nan())
}

fn param_conflict(run: &RunId, name: &str, before: &str, value: &str) -> Error {
    Error::conflict(format!(
        "the param `{name}` of run `{run}` has the value `{before}` already, so it cannot become `{value}`"
    ))
}

fn refuse_deleted(run: &Run) -> Result<()> {
    match run.deleted_at {
        None => Ok(()),
        Some(_) => Err(Error::conflict(format!(
            "run `{}` is deleted; restore it first",
            run.id
        ))),
    }
}
