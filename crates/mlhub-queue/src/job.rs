//! Jobs: what was asked for, and where it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::lease::{Lease, Token};
use crate::resources::Resources;
use crate::retry::RetryPolicy;

/// A job's number; later ones were submitted later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job {}", self.0)
    }
}

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Trains a run.
    Train,
    /// Evaluates stored predictions.
    Evaluate,
    /// Predicts with a trained model.
    Predict,
    /// Reproduces a run.
    Reproduce,
    /// Builds an index.
    Index,
}

/// Why a job failed, as far as it decides whether it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The program ended with an error of its own.
    Program,
    /// It could not start: config, import, environment.
    Setup,
    /// Memory of a GPU or of the machine ran out.
    OutOfMemory,
    /// The disk is full.
    DiskFull,
    /// A GPU, a network of GPUs, or another part of the machine broke.
    Machine,
    /// It was killed from outside.
    Killed,
    /// It took longer than it may.
    TimedOut,
    /// The agent was lost with it.
    AgentLost,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As wanted.
    Succeeded,
    /// With a failure that is not tried again, or no more.
    Failed(FailureClass),
    /// At a person's request.
    Cancelled,
    /// Never started: a job that it comes after did not succeed.
    Skipped,
}

/// When a job may start after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The other has succeeded; if it ends otherwise this one is skipped.
    Succeeded,
    /// The other has ended, however.
    Ended,
}

/// A job that has to end first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dependency {
    /// The other job.
    pub job: JobId,
    /// How it has to end.
    pub when: When,
}

/// What becomes of a job whose agent is out of reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentLoss {
    /// Its program goes on and the job waits for the agent, for as long as that takes.
    Wait,
    /// Its program is stopped by its own machine when the lease is over; then the job is
    /// given to another agent.
    Requeue,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// What it does.
    pub kind: JobKind,
    /// Whose project.
    pub project: String,
    /// Who asked.
    pub owner: String,
    /// Higher goes first.
    pub priority: i32,
    /// Labels an agent must have.
    pub labels: BTreeSet<String>,
    /// What it needs of a machine.
    pub needs: Resources,
    /// What has to end first.
    pub after: Vec<Dependency>,
    /// When it is tried again.
    pub retry: RetryPolicy,
    /// Milliseconds the program may run.
    pub timeout_ms: Option<u64>,
    /// What becomes of it when its agent is lost.
    pub on_agent_loss: AgentLoss,
    /// Whether it may be stopped, with grace, for one of higher priority.
    pub preemptible: bool,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A person holds it back.
    Held,
    /// For its turn; not before `not_before_ms` of the hub's clock.
    Waiting {
        /// Zero unless it is tried again after a while.
        not_before_ms: u64,
    },
    /// With an agent.
    Leased(Lease),
}

/// A job that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// What was asked for.
    pub spec: JobSpec,
    /// Where it stands.
    pub stage: Stage,
    /// Its place among jobs of the same priority and owner; lower goes first.
    pub position: i64,
    /// Dependencies that have not ended.
    pub pending: Vec<Dependency>,
    /// The token of its newest lease; zero before the first.
    pub token: Token,
    /// How often it failed, by class.
    pub failures: BTreeMap<FailureClass, u32>,
    /// When it began to wait for its turn, of the hub's clock.
    pub waiting_since_ms: u64,
}

impl Job {
    /// The lease, while it is with an agent.
    pub fn lease(&self) -> Option<&Lease> {
        match &self.stage {
            Stage::Leased(lease) => Some(lease),
            Stage::Held | Stage::Waiting { .. } => None,
        }
    }

    pub(crate) fn lease_mut(&mut self) -> Option<&mut Lease> {
        match &mut self.stage {
            Stage::Leased(lease) => Some(lease),
            Stage::Held | Stage::Waiting { .. } => None,
        }
    }

    /// Whether it may be given to an agent now.
    pub(crate) fn is_ready(&self, now_ms: u64) -> bool {
        self.pending.is_empty()
            && matches!(self.stage, Stage::Waiting { not_before_ms } if not_before_ms <= now_ms)
    }
}
