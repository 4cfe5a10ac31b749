//! Who gets what, now.
//!
//! Jobs are looked at by priority; among equals the owner who used least goes first, and of
//! his jobs the one in front. A job gets the agent that it fills best. One that finds no
//! room does not stop smaller ones behind it, until it has waited for long: then a machine
//! is kept free for it. Of a kind of job that found no room, no other is tried in the round.

use std::collections::{BTreeMap, BTreeSet};

use crate::agent::{Agent, AgentId};
use crate::job::{Job, JobId, Stage};
use crate::lease::{Lease, Phase, StopReason};
use crate::policy::Quota;
use crate::queue::{Change, Queue};
use crate::resources::{Offer, Resources};

/// What jobs that fit the same machines have in common.
type Shape = (BTreeSet<String>, Resources);

/// A round's view of an agent.
struct Room {
    free: Offer,
    /// Kept for a job that waited for long.
    reserved: bool,
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

    /// Offers jobs to agents that have room. Returns what changed and who has orders now.
    pub fn dispatch(&mut self, now_ms: u64) -> (Vec<Change>, BTreeSet<AgentId>) {
        let mut changes = Vec::new();
        let mut ordered = BTreeSet::new();
        if self.paused || self.lines.is_empty() {
            return (changes, ordered);
        }
        let mut rooms: BTreeMap<AgentId, Room> = self
            .agents
            .iter()
            .filter(|(_, agent)| self.takes_jobs(agent, now_ms))
            .filter_map(|(id, _)| {
                let free = self.free(id)?;
                Some((
                    id.clone(),
                    Room {
                        free,
                        reserved: false,
                    },
                ))
            })
            .collect();
        let (mut owners, mut projects) = self.uses();
        let mut without_room: BTreeSet<Shape> = BTreeSet::new();
        let mut first_blocked = None;
        for id in self.turns(now_ms) {
            let Some(job) = self.jobs.get(&id) else {
                continue;
            };
            let needs = job.spec.needs;
            let used =
                |all: &BTreeMap<String, Use>, who: &str| all.get(who).copied().unwrap_or_default();
            let too_much = |quotas: &BTreeMap<String, Quota>, who: &str, used: Use| {
                quotas
                    .get(who)
                    .is_some_and(|quota| used.exceeds(quota, &needs))
            };
            let (owner, project) = (job.spec.owner.clone(), job.spec.project.clone());
            if too_much(&self.policy.owners, &owner, used(&owners, &owner))
                || too_much(&self.policy.projects, &project, used(&projects, &project))
            {
                continue;
            }
            let shape = (job.spec.labels.clone(), needs);
            if without_room.contains(&shape) {
                continue;
            }
            let Some((agent, gpus)) = self.best(job, &rooms) else {
                if first_blocked.is_none() {
                    first_blocked = Some(id);
                    self.keep_room(job, &mut rooms, now_ms);
                }
                without_room.insert(shape);
                continue;
            };
            if let Some(room) = rooms.get_mut(&agent) {
                room.free.take(&needs, &gpus);
            }
            owners.entry(owner).or_default().add(&needs);
            projects.entry(project).or_default().add(&needs);
            self.offer(id, &agent, gpus, now_ms);
            changes.push(Change::Saved(id));
            ordered.insert(agent);
        }
        if let Some(id) = first_blocked {
            ordered.extend(self.preempt_for(id, now_ms, &mut changes));
        }
        (changes, ordered)
    }

    /// Ready jobs in the order of their turns, as if each of them were given out.
    fn turns(&self, now_ms: u64) -> Vec<JobId> {
        let mut turns = Vec::new();
        // What owners would get in the round so far.
        let mut got: BTreeMap<&String, f64> = BTreeMap::new();
        for owners in self.lines.values() {
            let mut takers: Vec<Taker<'_>> = owners
                .iter()
                .map(|(owner, line)| Taker {
                    weight: self.shares.weight(owner, now_ms, self.policy.half_life_ms)
                        + got.get(owner).copied().unwrap_or_default(),
                    owner,
                    line: line.iter(),
                })
                .collect();
            while let Some(at) = least(&takers) {
                match takers[at].line.next() {
                    Some((_, id)) => {
                        if let Some(job) = self.jobs.get(id).filter(|job| job.is_ready(now_ms)) {
                            let cost = job.spec.needs.cost() as f64;
                            takers[at].weight += cost;
                            *got.entry(takers[at].owner).or_default() += cost;
                            turns.push(*id);
                        }
                    }
                    None => drop(takers.remove(at)),
                }
            }
        }
        turns
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

/// An owner whose jobs wait, in a round.
struct Taker<'a> {
    /// What he has had, and got in the round.
    weight: f64,
    owner: &'a String,
    line: std::collections::btree_set::Iter<'a, (i64, JobId)>,
}

/// Who has the least weight; the first by name among equals.
fn least(takers: &[Taker<'_>]) -> Option<usize> {
    (0..takers.len()).min_by(|a, b| {
        let (a, b) = (&takers[*a], &takers[*b]);
        a.weight.total_cmp(&b.weight).then(a.owner.cmp(b.owner))
    })
}
