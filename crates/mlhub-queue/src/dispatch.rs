//! Who gets what, now.
//!
//! Jobs are looked at by priority; among equals the owner who used least goes first, and of
//! his jobs the one in front. A job gets the agent that it fills best. One that finds no
//! room does not stop smaller ones behind it, until it has waited for long: then a machine
//! is kept free for it. Of a kind of job that found no room, no other is tried in the round.

use std::collections::{BTreeMap, BTreeSet};

use crate::agent::{Agent, AgentId};
use crate::job::{Job, JobId, JobSpec, Stage};
use crate::lease::{Lease, Phase, StopReason};
use crate::policy::Quota;
use crate::queue::{Change, Queue, Shape};
use crate::resources::{Offer, Resources};
use crate::turns::Turns;

/// A round's view of an agent.
struct Room {
    free: Offer,
    /// Kept for a job that waited for long.
    reserved: bool,
}

/// What a round comes to.
#[derive(Default)]
struct Plan {
    offers: Vec<(JobId, AgentId, Vec<u32>)>,
    /// The first job that found no room.
    blocked: Option<JobId>,
}

/// What somebody has with agents.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Use {
    pub(crate) jobs: u32,
    pub(crate) gpus: u32,
}

impl Use {
    fn add(&mut self, needs: &Resources) {
        self.jobs += 1;
        self.gpus += needs.gpus;
    }

    /// Whether `needs` more would be too much.
    pub(crate) fn exceeds(self, quota: &Quota, needs: &Resources) -> bool {
        quota.jobs.is_some_and(|most| self.jobs + 1 > most)
            || quota
                .gpus
                .is_some_and(|most| needs.gpus > 0 && self.gpus + needs.gpus > most)
    }
}

impl Queue {
    /// Whether an agent may get new jobs.
    pub(crate) fn takes_jobs(&self, agent: &Agent, now_ms: u64) -> bool {
        !agent.draining && now_ms < agent.seen_ms + self.policy.silent_ms
    }

    /// What owners and projects have with agents.
    pub(crate) fn uses(&self) -> (BTreeMap<String, Use>, BTreeMap<String, Use>) {
        let mut owners: BTreeMap<String, Use> = BTreeMap::new();
        let mut projects: BTreeMap<String, Use> = BTreeMap::new();
        for id in self.given.values().flat_map(BTreeMap::keys) {
            let Some(job) = self.jobs.get(id) else {
                continue;
            };
            owners
                .entry(job.spec.owner.clone())
                .or_default()
                .add(&job.spec.needs);
            projects
                .entry(job.spec.project.clone())
                .or_default()
                .add(&job.spec.needs);
        }
        (owners, projects)
    }

    /// Offers jobs to agents that have room. Returns what changed and who has something to do
    /// now. It costs nothing where nothing came about that may give a job a place.
    pub fn dispatch(&mut self, now_ms: u64) -> (Vec<Change>, BTreeSet<AgentId>) {
        let mut changes = Vec::new();
        let mut ordered = BTreeSet::new();
        let is_time = self.look_again_ms.is_some_and(|time| time <= now_ms);
        if self.paused || !(self.is_changed || is_time) {
            return (changes, ordered);
        }
        let Plan { offers, blocked } = self.plan(now_ms);
        for (id, agent, gpus) in offers {
            self.offer(id, &agent, gpus, now_ms);
            changes.push(Change::Saved(id));
            ordered.insert(agent);
        }
        let mut look_again = self
            .delayed
            .range((now_ms + 1, JobId(0))..)
            .next()
            .map(|first| first.0);
        if let Some(job) = blocked.and_then(|id| self.jobs.get(&id)) {
            let reserve_ms = job.waiting_since_ms + self.policy.reserve_after_ms;
            if reserve_ms > now_ms {
                look_again = Some(look_again.map_or(reserve_ms, |time| time.min(reserve_ms)));
            }
        }
        if let Some(id) = blocked {
            ordered.extend(self.preempt_for(id, now_ms, &mut changes));
        }
        self.look_again_ms = look_again;
        self.is_changed = false;
        (changes, ordered)
    }

    fn plan(&self, now_ms: u64) -> Plan {
        let mut plan = Plan::default();
        if self.lines.is_empty() {
            return plan;
        }
        let mut rooms = self.rooms(now_ms);
        let (mut owners, mut projects) = self.uses();
        let mut without_room: BTreeSet<Shape> = BTreeSet::new();
        for job in Turns::new(self, now_ms) {
            let JobSpec {
                owner,
                project,
                needs,
                labels,
                ..
            } = &job.spec;
            let exceeds =
                |quotas: &BTreeMap<String, Quota>, uses: &BTreeMap<String, Use>, who: &str| {
                    let used = uses.get(who).copied().unwrap_or_default();
                    quotas
                        .get(who)
                        .is_some_and(|quota| used.exceeds(quota, needs))
                };
            if exceeds(&self.policy.owners, &owners, owner)
                || exceeds(&self.policy.projects, &projects, project)
            {
                continue;
            }
            let shape = (labels.clone(), *needs);
            if without_room.contains(&shape) {
                continue;
            }
            let Some((agent, gpus)) = self.best(job, &rooms) else {
                if plan.blocked.is_none() {
                    plan.blocked = Some(job.id);
                    self.keep_room(job, &mut rooms, now_ms);
                }
                without_room.insert(shape);
                if without_room.len() == self.shapes.len() {
                    break;
                }
                continue;
            };
            if let Some(room) = rooms.get_mut(&agent) {
                room.free.take(needs, &gpus);
            }
            owners.entry(owner.clone()).or_default().add(needs);
            projects.entry(project.clone()).or_default().add(needs);
            plan.offers.push((job.id, agent, gpus));
        }
        plan
    }

    /// What agents that take jobs have left.
    fn rooms(&self, now_ms: u64) -> BTreeMap<AgentId, Room> {
        let taking = self
            .agents
            .iter()
            .filter(|(_, agent)| self.takes_jobs(agent, now_ms));
        taking
            .filter_map(|(id, _)| {
                let room = Room {
                    free: self.free(id)?,
                    reserved: false,
                };
                Some((id.clone(), room))
            })
            .collect()
    }

    /// The agent that a job fills best, with the GPUs it gets.
    fn best(&self, job: &Job, rooms: &BTreeMap<AgentId, Room>) -> Option<(AgentId, Vec<u32>)> {
        rooms
            .iter()
            .filter(|(_, room)| !room.reserved)
            .filter(|(id, _)| self.has_labels(id, job))
            .filter_map(|(id, room)| {
                let gpus = room.free.fit(&job.spec.needs).ok()?;
                let left = (
                    room.free.gpus.len() - gpus.len(),
                    room.free.cpus,
                    room.free.memory_bytes,
                );
                Some((left, id, gpus))
            })
            .min_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)))
            .map(|(_, id, gpus)| (id.clone(), gpus))
    }

    pub(crate) fn has_labels(&self, agent: &AgentId, job: &Job) -> bool {
        self.agents
            .get(agent)
            .is_some_and(|agent| job.spec.labels.is_subset(&agent.labels))
    }

    /// Keeps a machine free for a job: the one where others are being stopped for it, or, when
    /// it waited for long, the one that has most of what it needs already.
    fn keep_room(&self, job: &Job, rooms: &mut BTreeMap<AgentId, Room>, now_ms: u64) {
        let is_made = |id: &AgentId| {
            self.has_labels(id, job) && self.victims(job, id).is_some_and(|more| more.is_empty())
        };
        if let Some((_, room)) = rooms.iter_mut().find(|(id, _)| is_made(id)) {
            room.reserved = true;
            return;
        }
        if now_ms < job.waiting_since_ms + self.policy.reserve_after_ms {
            return;
        }
        let could = |id: &AgentId| {
            self.has_labels(id, job)
                && self
                    .agents
                    .get(id)
                    .is_some_and(|agent| agent.offer.fit(&job.spec.needs).is_ok())
        };
        let kept = rooms
            .iter()
            .filter(|(id, _)| could(id))
            .max_by_key(|(id, room)| {
                (
                    room.free.gpus.len(),
                    room.free.cpus,
                    room.free.memory_bytes,
                    std::cmp::Reverse(*id),
                )
            })
            .map(|(id, _)| id.clone());
        if let Some(room) = kept.and_then(|id| rooms.get_mut(&id)) {
            room.reserved = true;
        }
    }

    fn offer(&mut self, id: JobId, agent: &AgentId, gpus: Vec<u32>, now_ms: u64) {
        let until_ms = now_ms + self.policy.times.hub_ms();
        let Some(job) = self.jobs.get(&id) else {
            return;
        };
        let (needs, owner, token) = (job.spec.needs, job.spec.owner.clone(), job.token + 1);
        self.shares.began(&owner, needs.cost());
        self.given
            .entry(agent.clone())
            .or_default()
            .insert(id, (needs, gpus.clone()));
        let lease = Lease {
            agent: agent.clone(),
            token,
            phase: Phase::Offered,
            until_ms,
            since_ms: now_ms,
            gpus,
            stop: None,
        };
        self.with_line(id, |job| {
            job.token = token;
            job.stage = Stage::Leased(lease);
        });
    }

    /// Stops jobs of lower priority that allow it, where that makes room for a job: on the
    /// agent that loses fewest. Nothing where enough is being stopped already.
    fn preempt_for(
        &mut self,
        id: JobId,
        now_ms: u64,
        changes: &mut Vec<Change>,
    ) -> Option<AgentId> {
        let job = self.jobs.get(&id)?;
        let candidates = self
            .agents
            .iter()
            .filter(|(agent, known)| self.takes_jobs(known, now_ms) && self.has_labels(agent, job));
        let mut best: Option<(Vec<JobId>, AgentId)> = None;
        for (agent, _) in candidates {
            let Some(victims) = self.victims(job, agent) else {
                continue;
            };
            if victims.is_empty() {
                return None;
            }
            if best
                .as_ref()
                .is_none_or(|(fewest, _)| victims.len() < fewest.len())
            {
                best = Some((victims, agent.clone()));
            }
        }
        let (victims, agent) = best?;
        for victim in victims {
            if let Some(lease) = self.jobs.get_mut(&victim).and_then(Job::lease_mut) {
                lease.stop = Some(StopReason::Preempted);
                changes.push(Change::Saved(victim));
            }
        }
        Some(agent)
    }

    /// Whom it takes to make room for a job on an agent; none when those that are being
    /// stopped are enough; nothing when there are not enough.
    fn victims(&self, job: &Job, agent: &AgentId) -> Option<Vec<JobId>> {
        let given = self.given.get(agent)?;
        let known = self.agents.get(agent)?;
        let is_stopped = |id: &JobId| {
            let lease = self.jobs.get(id).and_then(Job::lease);
            lease.is_some_and(|lease| lease.stop.is_some())
        };
        let room = |gone: &[JobId]| {
            let mut left = known.offer.clone();
            for (id, (needs, gpus)) in given {
                if !is_stopped(id) && !gone.contains(id) {
                    left.take(needs, gpus);
                }
            }
            left.fit(&job.spec.needs).is_ok()
        };
        let mut able: Vec<&Job> = given
            .keys()
            .filter_map(|id| self.jobs.get(id))
            .filter(|other| {
                let is_held = other
                    .lease()
                    .is_some_and(|lease| lease.phase == Phase::Held && lease.stop.is_none());
                is_held && other.spec.preemptible && other.spec.priority < job.spec.priority
            })
            .collect();
        // The least important first, and of those the newest: it loses least.
        able.sort_by_key(|other| {
            let since = other.lease().map_or(0, |lease| lease.since_ms);
            (
                other.spec.priority,
                std::cmp::Reverse(since),
                std::cmp::Reverse(other.id),
            )
        });
        let mut gone = Vec::new();
        let mut able = able.into_iter();
        while !room(&gone) {
            gone.push(able.next()?.id);
        }
        // Some of them may not be needed once the later ones are gone.
        let mut at = 0;
        while at < gone.len() {
            let one = gone.remove(at);
            if !room(&gone) {
                gone.insert(at, one);
                at += 1;
            }
        }
        Some(gone)
    }
}
