//! Why a job waits, in words.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::agent::AgentId;
use crate::job::{Job, JobId, Stage};
use crate::lease::{Phase, StopReason};
use crate::queue::Queue;
use crate::resources::Shortage;

/// What a job waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// A person holds it back.
    Held,
    /// Another job has to end first.
    After(JobId),
    /// It is tried again after a while, in so many milliseconds.
    Delay(u64),
    /// The queue gives nothing out.
    Paused,
    /// Its owner has as much as he may.
    OwnerQuota(String),
    /// Its project has as much as it may.
    ProjectQuota(String),
    /// No agent takes jobs.
    NoAgents,
    /// No agent that takes jobs has these labels.
    Labels(Vec<String>),
    /// No agent is large enough, even when it is empty; the best has this too little.
    TooLarge(AgentId, Shortage),
    /// No agent has room; the best has this too little free.
    Room(AgentId, Shortage),
    /// Jobs before it.
    Turn,
    /// The agent that was offered it.
    Offered(AgentId),
    /// It runs; its agent was last heard of so many milliseconds ago and its lease is over.
    OutOfReach(AgentId, u64),
    /// Its program is being stopped.
    Stopping(AgentId, StopReason),
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held => f.write_str("held back; release it to let it wait for its turn"),
            Self::After(job) => write!(f, "comes after {job}, which has not ended"),
            Self::Delay(ms) => write!(f, "is tried again in {} s", ms.div_ceil(1000)),
            Self::Paused => f.write_str("the queue is paused"),
            Self::OwnerQuota(owner) => write!(f, "{owner} has as much as the quota allows"),
            Self::ProjectQuota(project) => {
                write!(f, "the project {project} has as much as the quota allows")
            }
            Self::NoAgents => f.write_str("no agent takes jobs"),
            Self::Labels(labels) => {
                write!(
                    f,
                    "no agent that takes jobs has the labels {}",
                    labels.join(", ")
                )
            }
            Self::TooLarge(agent, lack) => {
                write!(
                    f,
                    "no agent is large enough: {agent} is nearest, {lack} when it is empty"
                )
            }
            Self::Room(agent, lack) => write!(f, "no agent has room: on {agent} {lack}"),
            Self::Turn => f.write_str("jobs before it go first"),
            Self::Offered(agent) => write!(f, "{agent} was given it and has not answered"),
            Self::OutOfReach(agent, ms) => write!(
                f,
                "{agent} was last heard of {} s ago; the program may be running",
                ms / 1000
            ),
            Self::Stopping(agent, reason) => {
                let why = match reason {
                    StopReason::Cancelled => "it was cancelled",
                    StopReason::Preempted => "a job of higher priority needs the place",
                    StopReason::Superseded | StopReason::LeaseOver => "its lease is over",
                };
                write!(f, "{agent} stops its program: {why}")
            }
        }
    }
}

impl Queue {
    /// What a job waits for; nothing when its program runs, or it is not there.
    pub fn why(&self, id: JobId, now_ms: u64) -> Option<Waiting> {
        let job = self.jobs.get(&id)?;
        match &job.stage {
            Stage::Held => Some(Waiting::Held),
            Stage::Leased(lease) => match (lease.phase, lease.stop) {
                (Phase::Offered, _) => Some(Waiting::Offered(lease.agent.clone())),
                _ if lease.until_ms <= now_ms => {
                    let seen = self
                        .agents
                        .get(&lease.agent)
                        .map_or(0, |agent| agent.seen_ms);
                    Some(Waiting::OutOfReach(
                        lease.agent.clone(),
                        now_ms.saturating_sub(seen),
                    ))
                }
                (Phase::Held, stop) => stop.map(|why| Waiting::Stopping(lease.agent.clone(), why)),
            },
            Stage::Waiting { not_before_ms } => {
                Some(self.why_not_given(job, *not_before_ms, now_ms))
            }
        }
    }

    fn why_not_given(&self, job: &Job, not_before_ms: u64, now_ms: u64) -> Waiting {
        if let Some(dependency) = job.pending.first() {
            return Waiting::After(dependency.job);
        }
        if not_before_ms > now_ms {
            return Waiting::Delay(not_before_ms - now_ms);
        }
        if self.paused {
            return Waiting::Paused;
        }
        let (owner, project) = (&job.spec.owner, &job.spec.project);
        let (owners, projects) = self.uses();
        let used = owners.get(owner).copied().unwrap_or_default();
        let quota = self.policy.owners.get(owner);
        if quota.is_some_and(|quota| used.exceeds(quota, &job.spec.needs)) {
            return Waiting::OwnerQuota(owner.clone());
        }
        let used = projects.get(project).copied().unwrap_or_default();
        let quota = self.policy.projects.get(project);
        if quota.is_some_and(|quota| used.exceeds(quota, &job.spec.needs)) {
            return Waiting::ProjectQuota(project.clone());
        }
        self.why_no_room(job, now_ms)
    }

    fn why_no_room(&self, job: &Job, now_ms: u64) -> Waiting {
        let mut taking = self
            .agents
            .iter()
            .filter(|(_, agent)| self.takes_jobs(agent, now_ms))
            .peekable();
        if taking.peek().is_none() {
            return Waiting::NoAgents;
        }
        let mut labelled = taking.filter(|(id, _)| self.has_labels(id, job)).peekable();
        if labelled.peek().is_none() {
            return Waiting::Labels(job.spec.labels.iter().cloned().collect());
        }
        let (mut too_small, mut no_room) = (None, None);
        for (id, agent) in labelled {
            if let Err(lack) = agent.offer.fit(&job.spec.needs) {
                nearer(&mut too_small, id, lack);
            } else if let Some(Err(lack)) = self.free(id).map(|free| free.fit(&job.spec.needs)) {
                nearer(&mut no_room, id, lack);
            } else {
                return Waiting::Turn;
            }
        }
        match (no_room, too_small) {
            (Some((id, lack)), _) => Waiting::Room(id, lack),
            (None, Some((id, lack))) => Waiting::TooLarge(id, lack),
            (None, None) => Waiting::Turn,
        }
    }
}

/// Keeps the agent that lacks less: fewer GPUs, else what is lacking later in the order of
/// [`crate::Offer::fit`].
fn nearer(kept: &mut Option<(AgentId, Shortage)>, id: &AgentId, lack: Shortage) {
    if kept
        .as_ref()
        .is_none_or(|(_, other)| distance(&lack) < distance(other))
    {
        *kept = Some((id.clone(), lack));
    }
}

fn distance(lack: &Shortage) -> (u8, u64) {
    match *lack {
        Shortage::Gpus { there, needed, .. } => (3, u64::from(needed - there)),
        Shortage::Cpus { there, needed } => (2, u64::from(needed - there)),
        Shortage::Memory { there, needed } => (1, needed - there),
        Shortage::Disk { there, needed } => (0, needed - there),
    }
}
