//! Leases: who may run a job, under which number, and for how long.

use serde::{Deserialize, Serialize};

use crate::agent::AgentId;

/// The number of a lease of one job; a later lease has a greater one.
pub type Token = u64;

/// How far a leased job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The agent may not know of it yet.
    Offered,
    /// The agent has said that it has it.
    Held,
}

/// Why a program is to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// A person cancelled the job.
    Cancelled,
    /// A job of higher priority needs the place; this one is tried again.
    Preempted,
    /// The lease is not the job's newest: it went to another agent, or has ended.
    Superseded,
    /// The lease is over and the hub could not be reached (said by the agent to itself).
    LeaseOver,
}

/// A job's being with an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// With whom.
    pub agent: AgentId,
    /// Its number.
    pub token: Token,
    /// How far it has come.
    pub phase: Phase,
    /// When it is over, of the hub's clock: no program of it is alive then.
    pub until_ms: u64,
    /// When it began, of the hub's clock.
    pub since_ms: u64,
    /// Indices of the GPUs it was given.
    pub gpus: Vec<u32>,
    /// Why it is to be stopped, if it is.
    pub stop: Option<StopReason>,
}

/// How long leases last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseTimes {
    /// From the sending of a report to the end of what it renewed, of the agent's clock.
    pub lease_ms: u64,
    /// From the first signal to a program to its certain death.
    pub stop_grace_ms: u64,
    /// By how many parts of a thousand clocks may run faster or slower than true time.
    pub drift_per_mille: u64,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            lease_ms: 60_000,
            stop_grace_ms: 30_000,
            drift_per_mille: 10,
        }
    }
}

impl LeaseTimes {
    /// How long after a report's arrival the hub waits before it gives its jobs away: the
    /// agent's clock may be slow and the hub's fast, each by the drift.
    pub fn hub_ms(&self) -> u64 {
        let all = self.lease_ms + self.stop_grace_ms;
        let slow = 1000 - self.drift_per_mille.min(500);
        let fast = 1000 + self.drift_per_mille;
        (all * fast).div_ceil(slow) + 1
    }
}
