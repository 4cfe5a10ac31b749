//! What agents report and are answered.
//!
//! An agent only ever asks: it has an outgoing connection and nothing else. A report tells
//! all that it has; the answer tells all that is to be done. Both may be lost, come twice or
//! late: the next report puts it right.

use std::collections::{BTreeMap, BTreeSet};

use mlhub_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::agent::{Agent, AgentId, Incarnation};
use crate::job::{AgentLoss, FailureClass, JobId, Outcome, Stage};
use crate::lease::{Phase, StopReason, Token};
use crate::queue::{Change, Queue};
use crate::resources::Offer;

/// How a program of a job ended, as its agent saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// As wanted.
    Succeeded,
    /// With a failure.
    Failed(FailureClass),
    /// Because it was stopped.
    Stopped(StopReason),
}

/// A job that an agent has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hold {
    /// The job.
    pub job: JobId,
    /// Under which lease.
    pub token: Token,
}

/// A job whose program has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EndedReport {
    /// The job.
    pub job: JobId,
    /// Under which lease it ran.
    pub token: Token,
    /// How it ended.
    pub end: End,
}

/// All that an agent has to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Who speaks.
    pub agent: AgentId,
    /// Which process of it.
    pub incarnation: Incarnation,
    /// Counted up with every report of the process, from 1.
    pub sequence: u64,
    /// Its labels.
    pub labels: BTreeSet<String>,
    /// What its machine has.
    pub offer: Offer,
    /// Whether it takes no new jobs.
    pub draining: bool,
    /// Jobs that it has, whose programs may be alive.
    pub holds: Vec<Hold>,
    /// Jobs whose programs have ended; told again until they are acknowledged.
    pub ended: Vec<EndedReport>,
}

/// A job to be taken. Its program is not started before the hub has confirmed the hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The job.
    pub job: JobId,
    /// Its lease.
    pub token: Token,
    /// Its GPUs.
    pub gpus: Vec<u32>,
    /// Milliseconds the program may run.
    pub timeout_ms: Option<u64>,
    /// What becomes of it when the hub is out of reach.
    pub on_agent_loss: AgentLoss,
}

/// All that is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// How long, from the sending of the report, what is renewed may go on.
    pub lease_ms: u64,
    /// Holds that are right: they go on, or start.
    pub renewed: Vec<Hold>,
    /// Jobs to be taken.
    pub orders: Vec<Order>,
    /// Programs to be stopped.
    pub stop: Vec<(Hold, StopReason)>,
    /// Ends that are known now and need not be told again.
    pub acknowledged: Vec<Hold>,
}

impl Queue {
    /// Takes a report in. The answer confirms; orders are in [`Queue::answer`], after a
    /// dispatch.
    ///
    /// # Errors
    /// `Conflict` when two processes speak for one agent.
    pub fn report(&mut self, report: &Report, now_ms: u64) -> Result<(Answer, Vec<Change>)> {
        let mut changes = Vec::new();
        let is_news = self.hear(report, now_ms)?;
        let mut answer = Answer {
            lease_ms: self.policy.times.lease_ms,
            ..Answer::default()
        };
        for &EndedReport { job, token, end } in &report.ended {
            self.finish(job, token, end, now_ms, &mut changes);
            answer.acknowledged.push(Hold { job, token });
        }
        if !is_news {
            return Ok((answer, changes));
        }
        let until_ms = now_ms + self.policy.times.hub_ms();
        for hold in &report.holds {
            let lease = self
                .jobs
                .get_mut(&hold.job)
                .and_then(|job| job.lease_mut())
                .filter(|lease| lease.token == hold.token && lease.agent == report.agent);
            let Some(lease) = lease else {
                answer.stop.push((*hold, StopReason::Superseded));
                continue;
            };
            lease.until_ms = until_ms;
            if lease.phase == Phase::Offered {
                lease.phase = Phase::Held;
                changes.push(Change::Saved(hold.job));
            }
            answer.renewed.push(*hold);
        }
        Ok((answer, changes))
    }

    /// Adds to an answer what an agent has to do by now.
    pub fn answer(&self, agent: &AgentId, answer: &mut Answer) {
        for job in self.given.get(agent).into_iter().flat_map(BTreeMap::keys) {
            let Some(job) = self.jobs.get(job) else {
                continue;
            };
            let Stage::Leased(lease) = &job.stage else {
                continue;
            };
            let hold = Hold {
                job: job.id,
                token: lease.token,
            };
            match (lease.phase, lease.stop) {
                (Phase::Offered, _) => answer.orders.push(Order {
                    job: job.id,
                    token: lease.token,
                    gpus: lease.gpus.clone(),
                    timeout_ms: job.spec.timeout_ms,
                    on_agent_loss: job.spec.on_agent_loss,
                }),
                (Phase::Held, Some(reason)) => answer.stop.push((hold, reason)),
                (Phase::Held, None) => {}
            }
        }
    }

    /// Whether a report tells what is newer than what is known; notes it then.
    fn hear(&mut self, report: &Report, now_ms: u64) -> Result<bool> {
        let incarnation = report.incarnation;
        if let Some(known) = self.agents.get(&report.agent) {
            if known.incarnation.generation == incarnation.generation
                && known.incarnation.nonce != incarnation.nonce
            {
                return Err(Error::conflict(format!(
                    "another process speaks for the agent {}: each agent needs a data directory of its own",
                    report.agent
                )));
            }
            if (known.incarnation.generation, known.sequence)
                >= (incarnation.generation, report.sequence)
            {
                return Ok(false);
            }
        }
        let is_as_before = self.agents.get(&report.agent).is_some_and(|known| {
            known.offer == report.offer
                && known.labels == report.labels
                && known.draining == report.draining
                && self.takes_jobs(known, now_ms)
        });
        self.is_changed |= !is_as_before;
        let agent = Agent {
            incarnation,
            sequence: report.sequence,
            labels: report.labels.clone(),
            offer: report.offer.clone(),
            draining: report.draining,
            seen_ms: now_ms,
        };
        self.agents.insert(report.agent.clone(), agent);
        Ok(true)
    }

    /// A program has ended. The truth about the newest lease counts even when it comes after
    /// the lease was over; word of an older one is late.
    fn finish(
        &mut self,
        id: JobId,
        token: Token,
        end: End,
        now_ms: u64,
        changes: &mut Vec<Change>,
    ) {
        let job = self.jobs.get(&id).filter(|job| job.token == token);
        let Some(job) = job else {
            changes.push(Change::Late {
                job: id,
                token,
                end,
            });
            return;
        };
        let stop = job.lease().map(|lease| lease.stop);
        match (end, stop) {
            (End::Succeeded, _) => self.end(id, Outcome::Succeeded, now_ms, changes),
            // It waits for another try already.
            (_, None) => changes.push(Change::Late {
                job: id,
                token,
                end,
            }),
            (_, Some(Some(StopReason::Cancelled))) | (End::Stopped(StopReason::Cancelled), _) => {
                self.end(id, Outcome::Cancelled, now_ms, changes);
            }
            (End::Stopped(StopReason::Preempted), _) | (_, Some(Some(StopReason::Preempted))) => {
                self.wait_again(id, 0, now_ms, changes);
            }
            (End::Failed(class), _) => self.fail(id, class, now_ms, changes),
            (End::Stopped(StopReason::LeaseOver | StopReason::Superseded), _) => {
                self.fail(id, FailureClass::AgentLost, now_ms, changes);
            }
        }
    }
}
