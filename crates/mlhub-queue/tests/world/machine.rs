//! A machine: its agent, what the agent has on its disk, and programs that outlive it.

use std::collections::{BTreeMap, BTreeSet};

use mlhub_queue::{
    Action, AgentId, Answer, End, FailureClass, Gpu, Hold, Holder, Incarnation, JobId, Offer,
    Order, Report,
};

use super::{Clock, Random};

pub(crate) struct Program {
    gpus: Vec<u32>,
    /// Of a hundred: how it ends by itself.
    end: u64,
}

pub(crate) struct Machine {
    pub(crate) id: AgentId,
    pub(crate) clock: Clock,
    pub(crate) offer: Offer,
    pub(crate) programs: BTreeMap<(JobId, u64), Program>,
    pub(crate) stopping: BTreeSet<Hold>,
    /// On its disk.
    holder: Holder,
    generation: u64,
    nonce: u64,
    sequence: u64,
    is_on: bool,
    /// When its agent is there again.
    agent_from: u64,
    agent_was_away: bool,
}

impl Machine {
    pub(crate) fn new(index: u64, clock: Clock, random: &mut Random) -> Self {
        let gpu = |index| Gpu {
            index,
            memory_bytes: 1 << 34,
        };
        Self {
            id: AgentId(format!("m{index}")),
            clock,
            offer: Offer {
                cpus: 4,
                memory_bytes: 1 << 36,
                disk_bytes: 1 << 40,
                gpus: (0..u32::try_from(index % 3 + 1).expect("small"))
                    .map(gpu)
                    .collect(),
            },
            programs: BTreeMap::new(),
            stopping: BTreeSet::new(),
            holder: Holder::default(),
            generation: 1,
            nonce: random.next(),
            sequence: 0,
            is_on: true,
            agent_from: 0,
            agent_was_away: false,
        }
    }

    pub(crate) fn runs(&self, job: JobId) -> bool {
        self.programs.keys().any(|(other, _)| *other == job)
    }

    /// The process of the agent is killed; its programs go on.
    pub(crate) fn agent_dies(&mut self, until: u64) {
        self.agent_from = self.agent_from.max(until);
        self.agent_was_away = true;
    }

    /// The power fails.
    pub(crate) fn dies(&mut self) {
        self.is_on = false;
        self.programs.clear();
        self.stopping.clear();
        self.agent_was_away = true;
    }

    /// It is booted: what ran before is dead, and the agent sees it.
    pub(crate) fn starts(&mut self, clock: Clock) {
        if self.is_on {
            return;
        }
        self.is_on = true;
        self.clock = clock;
        self.holder.rebooted();
    }

    pub(crate) fn report(&mut self, now: u64) -> Option<Report> {
        if !self.is_on || now < self.agent_from {
            return None;
        }
        if self.agent_was_away {
            self.agent_was_away = false;
            self.generation += 1;
            self.nonce += 1;
            self.sequence = 0;
        }
        self.sequence += 1;
        Some(Report {
            agent: self.id.clone(),
            incarnation: Incarnation {
                generation: self.generation,
                nonce: self.nonce,
            },
            sequence: self.sequence,
            labels: BTreeSet::new(),
            offer: self.offer.clone(),
            draining: false,
            holds: self.holder.holds(),
            ended: self.holder.ended(),
        })
    }

    pub(crate) fn answered(
        &mut self,
        generation: u64,
        answer: &Answer,
        sent: u64,
        now: u64,
    ) -> Vec<Action> {
        let is_there = self.is_on && now >= self.agent_from && !self.agent_was_away;
        if !is_there || generation != self.generation {
            return Vec::new();
        }
        self.holder.answered(answer, sent, self.clock.at(now))
    }

    /// The supervisors look at their leases, whether the agent is there or not.
    pub(crate) fn looks(&mut self, now: u64) -> Vec<Action> {
        if !self.is_on {
            return Vec::new();
        }
        self.holder.tick(self.clock.at(now))
    }

    pub(crate) fn start(&mut self, order: Order, end: u64) {
        for program in self.programs.values() {
            assert!(
                !program.gpus.iter().any(|gpu| order.gpus.contains(gpu)),
                "two programs on a GPU of {}",
                self.id
            );
        }
        let program = Program {
            gpus: order.gpus,
            end,
        };
        self.programs.insert((order.job, order.token), program);
    }

    /// A program ends, stopped or by itself; returns whether it succeeded.
    pub(crate) fn ends(&mut self, hold: Hold) -> bool {
        let Some(program) = self.programs.remove(&(hold.job, hold.token)) else {
            return false;
        };
        let stopped = self.stopping.remove(&hold);
        let end = match program.end {
            0..60 => End::Succeeded,
            60..80 => End::Failed(FailureClass::Machine),
            _ => End::Failed(FailureClass::Program),
        };
        let end = if stopped {
            End::Failed(FailureClass::Killed)
        } else {
            end
        };
        self.holder.exited(hold, end);
        end == End::Succeeded
    }
}
