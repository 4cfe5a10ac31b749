//! The queue itself: jobs come in, are held, moved, cancelled, and end.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use mlhub_core::{Error, ErrorKind, Result};

use crate::agent::{Agent, AgentId};
use crate::exchange::End;
use crate::fair::Shares;
use crate::job::{AgentLoss, Dependency, FailureClass, Job, JobId, JobSpec, Outcome, Stage, When};
use crate::lease::{Phase, StopReason, Token};
use crate::policy::Policy;
use crate::resources::{Offer, Resources};

/// Room between two places of a line.
pub(crate) const POSITION_STEP: i64 = 1 << 20;
/// Dependencies of one job at most.
const DEPENDENCIES_MAX: usize = 1000;

/// What happened, to be stored before anybody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A job is new or stands otherwise than before.
    Saved(JobId),
    /// A job has ended and is out of the queue.
    Ended(Box<Job>, Outcome),
    /// Word of a lease that is not the newest: it changes nothing here and is kept apart.
    Late {
        /// Whose.
        job: JobId,
        /// Which lease.
        token: Token,
        /// What was said.
        end: End,
    },
}

/// What jobs that fit the same machines have in common.
pub(crate) type Shape = (BTreeSet<String>, Resources);
/// Jobs of one priority and owner, in order.
pub(crate) type Line = BTreeSet<(i64, JobId)>;
pub(crate) type Lines = BTreeMap<Reverse<i32>, BTreeMap<String, Line>>;

/// All jobs that have not ended, and the agents.
#[derive(Debug)]
pub struct Queue {
    pub(crate) policy: Policy,
    pub(crate) jobs: BTreeMap<JobId, Job>,
    pub(crate) agents: BTreeMap<AgentId, Agent>,
    /// What agents were given.
    pub(crate) given: BTreeMap<AgentId, BTreeMap<JobId, (Resources, Vec<u32>)>>,
    /// Jobs that wait for room, and for nothing else but time.
    pub(crate) lines: Lines,
    /// What jobs in the lines ask of a machine, and how many ask it.
    pub(crate) shapes: BTreeMap<Shape, usize>,
    /// Of those, which wait for a time, too.
    pub(crate) delayed: BTreeSet<(u64, JobId)>,
    /// Whether anything came about since the last dispatch that may give a job a place.
    pub(crate) is_changed: bool,
    /// When time alone may give one a place.
    pub(crate) look_again_ms: Option<u64>,
    dependents: BTreeMap<JobId, Vec<JobId>>,
    pub(crate) shares: Shares,
    pub(crate) paused: bool,
    next: u64,
}

impl Queue {
    /// An empty queue.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            jobs: BTreeMap::new(),
            agents: BTreeMap::new(),
            given: BTreeMap::new(),
            lines: Lines::new(),
            shapes: BTreeMap::new(),
            delayed: BTreeSet::new(),
            is_changed: true,
            look_again_ms: None,
            dependents: BTreeMap::new(),
            shares: Shares::default(),
            paused: false,
            next: 1,
        }
    }

    /// The queue of a hub that starts again at `now_ms` of its new clock, from the jobs it
    /// stored. `next` is the number of the next job. Every lease lasts as if it had been
    /// renewed now: none is over too early.
    pub fn restore(policy: Policy, jobs: Vec<Job>, next: JobId, now_ms: u64) -> Self {
        let mut queue = Self::new(policy);
        queue.next = next.0;
        let until_ms = now_ms + queue.policy.times.hub_ms();
        for mut job in jobs {
            job.waiting_since_ms = now_ms;
            match &mut job.stage {
                Stage::Leased(lease) => {
                    lease.until_ms = until_ms;
                    lease.since_ms = now_ms;
                    let what = (job.spec.needs, lease.gpus.clone());
                    let agent = queue.given.entry(lease.agent.clone()).or_default();
                    agent.insert(job.id, what);
                    queue.shares.began(&job.spec.owner, job.spec.needs.cost());
                }
                // The old clock is gone: what is left of a delay is not known, and waited again.
                Stage::Waiting { not_before_ms } if *not_before_ms > 0 => {
                    *not_before_ms = now_ms + job.spec.retry.delay_ms;
                }
                Stage::Waiting { .. } | Stage::Held => {}
            }
            for dependency in &job.pending {
                queue
                    .dependents
                    .entry(dependency.job)
                    .or_default()
                    .push(job.id);
            }
            queue.next = queue.next.max(job.id.0 + 1);
            let id = job.id;
            queue.jobs.insert(id, job);
            queue.enter_line(id);
        }
        queue
    }

    /// The rules it goes by.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// A job that has not ended.
    pub fn job(&self, id: JobId) -> Option<&Job> {
        self.jobs.get(&id)
    }

    /// All jobs that have not ended, oldest first.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    /// An agent that has reported since the hub started.
    pub fn agent(&self, id: &AgentId) -> Option<&Agent> {
        self.agents.get(id)
    }

    /// What an agent's machine has left.
    pub fn free(&self, id: &AgentId) -> Option<Offer> {
        let mut left = self.agents.get(id)?.offer.clone();
        for (needs, gpus) in self.given.get(id).into_iter().flat_map(BTreeMap::values) {
            left.take(needs, gpus);
        }
        Some(left)
    }

    /// Gives nothing out while it is paused; what runs goes on.
    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
        self.is_changed = true;
    }

    /// Takes jobs in, all or none. Dependencies name jobs of the queue, jobs of this
    /// submission by `(first + index)`, where `first` is [`Queue::next`], or ended ones, whose
    /// outcomes are handed in.
    ///
    /// # Errors
    /// `Invalid` where a job asks for what no job has, or comes after one that is not there
    /// or not before it; `Unavailable` when the queue is full.
    pub fn submit(
        &mut self,
        specs: Vec<JobSpec>,
        outcomes: &BTreeMap<JobId, Outcome>,
        held: bool,
        now_ms: u64,
    ) -> Result<(Vec<JobId>, Vec<Change>)> {
        if self.jobs.len() + specs.len() > self.policy.jobs_max {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!(
                    "the queue has {} jobs and takes {} at most",
                    self.jobs.len(),
                    self.policy.jobs_max
                ),
            ));
        }
        for (spec, number) in specs.iter().zip(self.next..) {
            self.check(spec, JobId(number), outcomes)?;
        }
        let mut ids = Vec::with_capacity(specs.len());
        let mut changes = Vec::new();
        for spec in specs {
            let id = JobId(self.next);
            self.next += 1;
            ids.push(id);
            self.insert(id, spec, outcomes, held, now_ms, &mut changes);
        }
        Ok((ids, changes))
    }

    /// The number that the next job will have.
    pub fn next(&self) -> JobId {
        JobId(self.next)
    }

    /// Comes only after what was there before it: so there are no circles.
    fn check(&self, spec: &JobSpec, id: JobId, outcomes: &BTreeMap<JobId, Outcome>) -> Result<()> {
        spec.needs.check()?;
        spec.retry.check()?;
        if spec.after.len() > DEPENDENCIES_MAX {
            return Err(Error::invalid(format!(
                "{id} comes after {} jobs; at most {DEPENDENCIES_MAX} are allowed",
                spec.after.len()
            )));
        }
        for Dependency { job, .. } in &spec.after {
            let there = self.jobs.contains_key(job)
                || outcomes.contains_key(job)
                || (self.next..id.0).contains(&job.0);
            if !there {
                return Err(Error::invalid(format!(
                    "{id} comes after {job}, which is not there before it"
                )));
            }
        }
        Ok(())
    }

    fn insert(
        &mut self,
        id: JobId,
        spec: JobSpec,
        outcomes: &BTreeMap<JobId, Outcome>,
        held: bool,
        now_ms: u64,
        changes: &mut Vec<Change>,
    ) {
        let (pending, ended): (Vec<Dependency>, Vec<Dependency>) = spec
            .after
            .iter()
            .partition(|dependency| self.jobs.contains_key(&dependency.job));
        // One of this submission that was skipped is in neither.
        let is_lost = ended.iter().any(|dependency| {
            dependency.when == When::Succeeded
                && outcomes.get(&dependency.job) != Some(&Outcome::Succeeded)
        });
        for dependency in &pending {
            self.dependents.entry(dependency.job).or_default().push(id);
        }
        let stage = if held {
            Stage::Held
        } else {
            Stage::Waiting { not_before_ms: 0 }
        };
        let job = Job {
            id,
            spec,
            stage,
            position: i64::try_from(id.0)
                .unwrap_or(i64::MAX)
                .saturating_mul(POSITION_STEP),
            pending,
            token: 0,
            failures: BTreeMap::new(),
            waiting_since_ms: now_ms,
        };
        self.jobs.insert(id, job);
        if is_lost {
            self.end(id, Outcome::Skipped, now_ms, changes);
        } else {
            self.enter_line(id);
            changes.push(Change::Saved(id));
        }
    }

    /// Ends leases that are over.
    pub fn expire(&mut self, now_ms: u64) -> Vec<Change> {
        let over: Vec<JobId> = self
            .given
            .values()
            .flat_map(BTreeMap::keys)
            .filter_map(|id| self.jobs.get(id))
            .filter(|job| {
                job.lease().is_some_and(|lease| {
                    let may_end = lease.phase == Phase::Offered
                        || job.spec.on_agent_loss == AgentLoss::Requeue;
                    may_end && lease.until_ms <= now_ms
                })
            })
            .map(|job| job.id)
            .collect();
        let mut changes = Vec::new();
        for id in over {
            let never_began = self
                .jobs
                .get(&id)
                .and_then(Job::lease)
                .is_some_and(|lease| lease.phase == Phase::Offered);
            if never_began {
                self.wait_again(id, 0, now_ms, &mut changes);
            } else {
                self.lose(id, now_ms, &mut changes);
            }
        }
        changes
    }

    /// When [`Queue::expire`] or [`Queue::dispatch`] may have something to do although nothing
    /// came about.
    pub fn next_event_ms(&self) -> Option<u64> {
        let leased = self.given.values().flat_map(BTreeMap::keys);
        let over = leased
            .filter_map(|id| self.jobs.get(id)?.lease())
            .map(|lease| lease.until_ms)
            .min();
        [over, self.look_again_ms].into_iter().flatten().min()
    }

    /// The program of a leased job is dead and nobody can say how it ended.
    pub(crate) fn lose(&mut self, id: JobId, now_ms: u64, changes: &mut Vec<Change>) {
        let stop = self
            .jobs
            .get(&id)
            .and_then(Job::lease)
            .and_then(|lease| lease.stop);
        match stop {
            Some(StopReason::Cancelled) => self.end(id, Outcome::Cancelled, now_ms, changes),
            Some(StopReason::Preempted) => self.wait_again(id, 0, now_ms, changes),
            _ => self.fail(id, FailureClass::AgentLost, now_ms, changes),
        }
    }

    /// A leased job failed: it is tried again or ends.
    pub(crate) fn fail(
        &mut self,
        id: JobId,
        class: FailureClass,
        now_ms: u64,
        changes: &mut Vec<Change>,
    ) {
        let Some(job) = self.jobs.get_mut(&id) else {
            return;
        };
        let count = job.failures.entry(class).or_default();
        *count += 1;
        match job.spec.retry.delay_ms(class, *count, id) {
            Some(delay_ms) => self.wait_again(id, now_ms + delay_ms, now_ms, changes),
            None => self.end(id, Outcome::Failed(class), now_ms, changes),
        }
    }

    /// Takes a job from its agent and puts it into its line again.
    pub(crate) fn wait_again(
        &mut self,
        id: JobId,
        not_before_ms: u64,
        now_ms: u64,
        changes: &mut Vec<Change>,
    ) {
        self.leave_agent(id, now_ms);
        self.with_line(id, |job| {
            job.stage = Stage::Waiting { not_before_ms };
            job.waiting_since_ms = now_ms;
        });
        changes.push(Change::Saved(id));
    }

    /// Ends a job, and skips what could only come after its success.
    pub(crate) fn end(
        &mut self,
        id: JobId,
        outcome: Outcome,
        now_ms: u64,
        changes: &mut Vec<Change>,
    ) {
        let mut ending = vec![(id, outcome)];
        while let Some((id, outcome)) = ending.pop() {
            self.leave_agent(id, now_ms);
            self.leave_line(id);
            let Some(job) = self.jobs.remove(&id) else {
                continue;
            };
            for next in self.dependents.remove(&id).unwrap_or_default() {
                let Some(dependent) = self.jobs.get_mut(&next) else {
                    continue;
                };
                let skipped = dependent.pending.iter().any(|dependency| {
                    dependency.job == id
                        && dependency.when == When::Succeeded
                        && outcome != Outcome::Succeeded
                });
                dependent.pending.retain(|dependency| dependency.job != id);
                if dependent.pending.is_empty() {
                    dependent.waiting_since_ms = now_ms;
                }
                if skipped {
                    ending.push((next, Outcome::Skipped));
                } else {
                    self.enter_line(next);
                    changes.push(Change::Saved(next));
                }
            }
            changes.push(Change::Ended(Box::new(job), outcome));
        }
    }

    fn leave_agent(&mut self, id: JobId, now_ms: u64) {
        let Some(job) = self.jobs.get(&id) else {
            return;
        };
        let Some(lease) = job.lease() else {
            return;
        };
        if let Some(jobs) = self.given.get_mut(&lease.agent) {
            jobs.remove(&id);
        }
        self.is_changed = true;
        self.shares.ended(
            &job.spec.owner,
            job.spec.needs.cost(),
            now_ms.saturating_sub(lease.since_ms),
            now_ms,
            self.policy.half_life_ms,
        );
    }

    pub(crate) fn found(&mut self, id: JobId) -> Result<&mut Job> {
        self.jobs
            .get_mut(&id)
            .ok_or_else(|| Error::not_found("job in the queue", id.0))
    }

    /// Changes a job and keeps its line in order.
    pub(crate) fn with_line(&mut self, id: JobId, change: impl FnOnce(&mut Job)) {
        self.leave_line(id);
        if let Some(job) = self.jobs.get_mut(&id) {
            change(job);
        }
        self.enter_line(id);
    }

    fn leave_line(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(&id) else {
            return;
        };
        let priority = Reverse(job.spec.priority);
        let Some(owners) = self.lines.get_mut(&priority) else {
            return;
        };
        let Some(line) = owners.get_mut(&job.spec.owner) else {
            return;
        };
        if !line.remove(&(job.position, id)) {
            return;
        }
        if line.is_empty() {
            owners.remove(&job.spec.owner);
        }
        if owners.is_empty() {
            self.lines.remove(&priority);
        }
        if let Stage::Waiting { not_before_ms } = job.stage {
            self.delayed.remove(&(not_before_ms, id));
        }
        let shape = (job.spec.labels.clone(), job.spec.needs);
        if let Some(count) = self.shapes.get_mut(&shape) {
            *count -= 1;
            if *count == 0 {
                self.shapes.remove(&shape);
            }
        }
    }

    fn enter_line(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(&id) else {
            return;
        };
        let Stage::Waiting { not_before_ms } = job.stage else {
            return;
        };
        if !job.pending.is_empty() {
            return;
        }
        if not_before_ms > 0 {
            self.delayed.insert((not_before_ms, id));
        }
        let is_new = self
            .lines
            .entry(Reverse(job.spec.priority))
            .or_default()
            .entry(job.spec.owner.clone())
            .or_default()
            .insert((job.position, id));
        if is_new {
            let shape = (job.spec.labels.clone(), job.spec.needs);
            *self.shapes.entry(shape).or_default() += 1;
            self.is_changed = true;
        }
    }
}
