//! What supervisors report: starts, events, ends; and what they are told. Logs
//! are in `logs`, artifacts in `artifacts`.
//!
//! Every call may arrive twice, late or after a crash in between; the offsets
//! and the state machine make the effect the same as one delivery.

use std::collections::BTreeMap;

use mlhub_core::run::{Attempt, AttemptChange, ExitStatus, Failure, Run};
use mlhub_core::store::{IngestBatch, IngestOutcome};
use mlhub_core::{
    ArtifactPath, Caller, Error, ErrorKind, Permission, Result, RunEvent, RunId, RunState,
    Timestamp, limits,
};

use crate::runs::event_for;
use crate::{Hub, validate};

/// Times a state change is tried against concurrent ones before giving up.
const STATE_RACES_MAX: usize = 8;
/// Bytes in the name of an event writer.
const WRITER_MAX_BYTES: usize = 200;

/// How an attempt stands on the hub.
#[derive(Debug, Clone)]
pub struct AttemptStanding {
    /// Its state.
    pub state: RunState,
    /// Whether its program is to be stopped.
    pub stop_requested: bool,
}

/// What the hub has of an attempt.
#[derive(Debug, Clone, Default)]
pub struct StoredOffsets {
    /// Bytes of each event writer.
    pub events: BTreeMap<String, u64>,
    /// Bytes of each log stream.
    pub logs: BTreeMap<String, u64>,
    /// Hash of each stored artifact.
    pub artifacts: BTreeMap<String, String>,
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub struct FinishReport {
    /// A terminal state.
    pub state: RunState,
    /// When.
    pub ended_at: Timestamp,
    /// Its exit status, when known.
    pub exit: Option<ExitStatus>,
    /// Why it did not finish.
    pub failure: Option<Failure>,
    /// Prediction files shipped, by split.
    pub predictions: BTreeMap<String, PredictionsShipped>,
}

/// A shipped prediction file.
#[derive(Debug, Clone)]
pub struct PredictionsShipped {
    /// Its artifact path.
    pub path: ArtifactPath,
    /// The task the program named.
    pub task: Option<String>,
}

impl Hub {
    /// Asks a run to stop. A queued run is stopped at once; a running one when
    /// its supervisor has ended it.
    pub async fn run_stop(&self, caller: &Caller, text: &str) -> Result<Run> {
        caller.require(Permission::Write)?;
        let run = self.run_resolve(caller, text).await?;
        if run.state.is_terminal() {
            return Err(Error::conflict(format!(
                "run `{}` is {} already",
                run.id, run.state
            )));
        }
        let _told = self.telling(&run.id, &["state"]);
        self.store.run_stop_request(&run.id).await?;
        if run.state == RunState::Queued {
            let now = self.clock.now();
            // Losing this race means that it has just started: its supervisor
            // will read the request.
            let change = AttemptChange {
                run: run.id.clone(),
                number: run.attempt,
                from: RunState::Queued,
                to: RunState::Stopped,
                started_at: None,
                ended_at: Some(now),
                exit: None,
                failure: None,
            };
            let stopping = self.store.attempt_change(&change);
            self.changing(vec![run.id.clone()], stopping).await?;
        }
        self.run_exact(&run.id).await
    }

    /// Queues another attempt of an ended run, resuming from a step, or afresh,
    /// which is resuming from before every step.
    pub async fn attempt_create(
        &self,
        caller: &Caller,
        text: &str,
        host: Option<&str>,
        resumed_from_step: Option<i64>,
    ) -> Result<(Run, Attempt)> {
        caller.require(Permission::Write)?;
        let run = self.run_resolve(caller, text).await?;
        run.state.after(RunEvent::Requeue).map_err(|_| {
            Error::conflict(format!(
                "run `{}` is {}; only an ended run can be tried again",
                run.id, run.state
            ))
        })?;
        if run.deleted_at.is_some() {
            return Err(Error::conflict(format!(
                "run `{}` is deleted; restore it first",
                run.id
            )));
        }
        let from = resumed_from_step.unwrap_or(i64::MIN);
        let now = self.clock.now();
        let _told = self.telling(&run.id, &["state", "metrics"]);
        let creating = self.store.attempt_create(&run.id, host, Some(from), now);
        let attempt = self.changing(vec![run.id.clone()], creating).await?;
        let run = self.run_exact(&run.id).await?;
        Ok((run, attempt))
    }

    /// What the hub has of an attempt, so that a supervisor goes on from there.
    pub async fn attempt_offsets(
        &self,
        caller: &Caller,
        run: &RunId,
        number: u32,
    ) -> Result<StoredOffsets> {
        caller.require(Permission::Read)?;
        self.attempt_exact(run, number).await?;
        Ok(StoredOffsets {
            events: self.store.offsets(run, number).await?,
            logs: self.store.log_sizes(run, number).await?,
            artifacts: self
                .store
                .artifact_list(run)
                .await?
                .into_iter()
                .filter(|artifact| artifact.attempt == number)
                .map(|artifact| (artifact.path.into(), artifact.hash))
                .collect(),
        })
    }

    /// The program started.
    pub async fn attempt_start(
        &self,
        caller: &Caller,
        run: &RunId,
        number: u32,
        started_at: Timestamp,
    ) -> Result<AttemptStanding> {
        caller.require(Permission::Write)?;
        let attempt = self.attempt_exact(run, number).await?;
        // Told even when it is so already: whoever made it so may have been cut off.
        let _told = self.telling(run, &["state"]);
        if attempt.state == RunState::Queued || attempt.state == RunState::Lost {
            self.change_state(run, number, RunEvent::Start, |change| {
                change.started_at = Some(started_at);
            })
            .await?;
        }
        self.standing(run, number).await
    }

    /// The supervisor is alive.
    pub async fn attempt_heartbeat(
        &self,
        caller: &Caller,
        run: &RunId,
        number: u32,
    ) -> Result<AttemptStanding> {
        caller.require(Permission::Write)?;
        self.store
            .attempt_heartbeat(run, number, self.clock.now())
            .await?;
        self.standing(run, number).await
    }

    /// Stores a batch of events exactly once. `Misaligned` is an answer, not an
    /// error: the supervisor sends again from the offset it names.
    pub async fn attempt_events(
        &self,
        caller: &Caller,
        batch: IngestBatch,
    ) -> Result<IngestOutcome> {
        caller.require(Permission::Write)?;
        check_batch(&batch)?;
        let run = batch.run.clone();
        let mut changed: Vec<&'static str> = Vec::new();
        if !batch.series.is_empty() {
            changed.push("metrics");
        }
        if !batch.tags.is_empty() || !batch.params.is_empty() {
            changed.push("tags");
        }
        if !batch.records.is_empty() {
            changed.push("records");
        }
        let _told = self.telling(&run, &changed);
        self.changing(vec![run], self.store.ingest(batch)).await
    }

    /// The attempt ended and all it left is stored; queues its evaluations.
    pub async fn attempt_finish(
        &self,
        caller: &Caller,
        run: &RunId,
        number: u32,
        report: FinishReport,
    ) -> Result<AttemptStanding> {
        caller.require(Permission::Write)?;
        let event = event_for(report.state)?;
        if let Some(failure) = &report.failure {
            validate::failure(failure)?;
        }
        let before = self.attempt_exact(run, number).await?;
        before.state.after(event)?;
        // Points that came late are read with the end at the latest.
        let _told = self.telling(run, &["state", "metrics"]);
        let newest = self.run_exact(run).await?.attempt == number;
        // Evaluations first: should the hub die in between, the supervisor
        // reports the end again and nothing is left out. A late end of an
        // attempt that another has taken the place of is not evaluated.
        if newest && report.state == RunState::Finished && before.state != RunState::Finished {
            self.evaluations_request(run, number, &report.predictions)
                .await?;
        }
        self.change_state(run, number, event, |change| {
            change.ended_at = Some(report.ended_at);
            change.exit = report.exit;
            change.failure.clone_from(&report.failure);
        })
        .await?;
        self.evaluation_wanted.notify_one();
        self.standing(run, number).await
    }

    /// Runs on `host` that have not ended or are lost, for a returning agent.
    pub async fn runs_unsettled(&self, caller: &Caller, host: &str) -> Result<Vec<Run>> {
        caller.require(Permission::Read)?;
        self.store.run_unsettled(Some(host)).await
    }

    async fn standing(&self, id: &RunId, number: u32) -> Result<AttemptStanding> {
        let run = self.run_exact(id).await?;
        let attempt = self.attempt_exact(id, number).await?;
        let superseded = run.attempt != number;
        Ok(AttemptStanding {
            state: attempt.state,
            stop_requested: superseded || run.stop_requested || attempt.state == RunState::Stopped,
        })
    }

    pub(crate) async fn attempt_exact(&self, run: &RunId, number: u32) -> Result<Attempt> {
        self.run_exact(run).await?;
        self.store
            .attempt_list(run)
            .await?
            .into_iter()
            .find(|attempt| attempt.number == number)
            .ok_or_else(|| Error::not_found("attempt", format!("{run}/{number}")))
    }

    /// Moves the state machine. The caller tells listeners.
    async fn change_state(
        &self,
        id: &RunId,
        number: u32,
        event: RunEvent,
        fill: impl Fn(&mut AttemptChange),
    ) -> Result<()> {
        for _race in 0..STATE_RACES_MAX {
            let attempt = self.attempt_exact(id, number).await?;
            let to = attempt.state.after(event)?;
            if to == attempt.state && attempt.ended_at.is_some() == to.is_terminal() {
                return Ok(());
            }
            let mut change = AttemptChange {
                run: id.clone(),
                number,
                from: attempt.state,
                to,
                started_at: None,
                ended_at: None,
                exit: None,
                failure: None,
            };
            fill(&mut change);
            let changing = self.store.attempt_change(&change);
            if self.changing(vec![id.clone()], changing).await? {
                return Ok(());
            }
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            format!("run `{id}` is being changed by others; send the same request again"),
        ))
    }
}

fn check_batch(batch: &IngestBatch) -> Result<()> {
    if batch.writer.is_empty()
        || batch.writer.len() > WRITER_MAX_BYTES
        || batch.writer.chars().any(char::is_control)
    {
        return Err(Error::invalid(
            "`writer` must be 1 to 200 bytes without control characters",
        ));
    }
    if batch.end < batch.start || i64::try_from(batch.end).is_err() {
        return Err(Error::invalid(
            "`start` and `end` must be ascending byte offsets below 2^63",
        ));
    }
    if batch.point_count() > limits::POINTS_PER_BATCH_MAX {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "{} points are more than the {} a batch may have",
                batch.point_count(),
                limits::POINTS_PER_BATCH_MAX
            ),
        ));
    }
    for series in &batch.series {
        validate::key("metric", &series.name)?;
    }
    for (what, pairs) in [("param", &batch.params), ("tag", &batch.tags)] {
        for (name, value) in pairs {
            validate::key(what, name)?;
            validate::value(what, name, value)?;
        }
    }
    for record in &batch.records {
        validate::key("record kind", &record.kind)?;
        if record.body.to_string().len() > limits::RECORD_MAX_BYTES {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "a `{}` record is larger than {} bytes",
                    record.kind,
                    limits::RECORD_MAX_BYTES
                ),
            ));
        }
    }
    Ok(())
}
