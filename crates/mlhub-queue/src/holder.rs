//! The agent's side of leases: what it has, and when it must stop what it cannot renew.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exchange::{Answer, End, EndedReport, Hold, Order};
use crate::job::{AgentLoss, FailureClass, JobId};
use crate::lease::{StopReason, Token};

/// What an agent has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Start the program of a job.
    Start(Order),
    /// Stop a program, with grace; it is told again until the program has ended.
    Stop(Hold, StopReason),
    /// Forget a job that was never started.
    Forget(Hold),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    order: Order,
    /// The hub has confirmed it: its program was started.
    started: bool,
    /// Until when it may go on without word from the hub, of the agent's clock.
    until_ms: u64,
    stop: Option<StopReason>,
}

/// What an agent has. It is kept on the agent's disk, so that a new process of the agent
/// goes on with it; its clock is the machine's since it was booted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    held: BTreeMap<(JobId, Token), Held>,
    ended: BTreeMap<(JobId, Token), End>,
    /// When the report was sent whose answer counts: an older answer is of the past.
    heard_ms: u64,
}

impl Holder {
    /// For a report: jobs whose programs may be alive.
    pub fn holds(&self) -> Vec<Hold> {
        let hold = |&(job, token): &(JobId, Token)| Hold { job, token };
        self.held.keys().map(hold).collect()
    }

    /// For a report: jobs whose programs have ended.
    pub fn ended(&self) -> Vec<EndedReport> {
        let ended =
            |(&(job, token), &end): (&(JobId, Token), &End)| EndedReport { job, token, end };
        self.ended.iter().map(ended).collect()
    }

    /// Takes in the answer to a report that was sent at `sent_ms`.
    pub fn answered(&mut self, answer: &Answer, sent_ms: u64, now_ms: u64) -> Vec<Action> {
        let mut actions = Vec::new();
        for hold in &answer.acknowledged {
            self.ended.remove(&(hold.job, hold.token));
        }
        if sent_ms < self.heard_ms {
            return actions;
        }
        self.heard_ms = sent_ms;
        // Before anything starts that is to be stopped.
        for &(hold, reason) in &answer.stop {
            self.stop(hold, reason, &mut actions);
        }
        let until_ms = sent_ms + answer.lease_ms;
        for hold in &answer.renewed {
            let Some(held) = self.held.get_mut(&(hold.job, hold.token)) else {
                continue;
            };
            held.until_ms = held.until_ms.max(until_ms);
            // A confirmation that comes late may have been given up by the hub since.
            if !held.started && held.stop.is_none() && now_ms < held.until_ms {
                held.started = true;
                actions.push(Action::Start(held.order.clone()));
            }
        }
        for order in &answer.orders {
            let key = (order.job, order.token);
            if !self.ended.contains_key(&key) {
                self.held.entry(key).or_insert_with(|| Held {
                    order: order.clone(),
                    started: false,
                    until_ms,
                    stop: None,
                });
            }
        }
        actions
    }

    /// Stops what the hub did not renew in time and would give to others.
    pub fn tick(&mut self, now_ms: u64) -> Vec<Action> {
        let mut actions = Vec::new();
        let over: Vec<(JobId, Token)> = self
            .held
            .iter()
            .filter(|(_, held)| {
                held.started
                    && held.stop.is_none()
                    && held.order.on_agent_loss == AgentLoss::Requeue
                    && now_ms >= held.until_ms
            })
            .map(|(key, _)| *key)
            .collect();
        for (job, token) in over {
            self.stop(Hold { job, token }, StopReason::LeaseOver, &mut actions);
        }
        actions
    }

    /// When [`Holder::tick`] has to be called at the latest.
    pub fn next_tick_ms(&self) -> Option<u64> {
        let running = |held: &&Held| {
            held.started && held.stop.is_none() && held.order.on_agent_loss == AgentLoss::Requeue
        };
        self.held
            .values()
            .filter(running)
            .map(|held| held.until_ms)
            .min()
    }

    /// A program has ended, by itself or because it was stopped. `end` is what its exit says;
    /// of one that was stopped and did not succeed, the reason counts.
    pub fn exited(&mut self, hold: Hold, end: End) {
        let key = (hold.job, hold.token);
        let Some(held) = self.held.remove(&key) else {
            return;
        };
        let end = match (end, held.stop) {
            (End::Succeeded, _) | (_, None) => end,
            (_, Some(reason)) => End::Stopped(reason),
        };
        self.ended.insert(key, end);
    }

    /// The machine was booted again: no program of before is alive, and the clock is another.
    pub fn rebooted(&mut self) {
        let started: Vec<Hold> = self
            .held
            .iter()
            .filter(|(_, held)| held.started)
            .map(|(&(job, token), _)| Hold { job, token })
            .collect();
        for hold in started {
            self.exited(hold, End::Failed(FailureClass::Killed));
        }
        for held in self.held.values_mut() {
            held.until_ms = 0;
        }
        self.heard_ms = 0;
    }

    fn stop(&mut self, hold: Hold, reason: StopReason, actions: &mut Vec<Action>) {
        let key = (hold.job, hold.token);
        let Some(held) = self.held.get_mut(&key) else {
            return;
        };
        if !held.started {
            self.held.remove(&key);
            self.ended.insert(key, End::Stopped(reason));
            actions.push(Action::Forget(hold));
            return;
        }
        let reason = *held.stop.get_or_insert(reason);
        actions.push(Action::Stop(hold, reason));
    }
}
