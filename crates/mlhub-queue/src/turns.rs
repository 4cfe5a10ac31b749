//! Jobs in the order of their turns.

use std::cmp::Reverse;
use std::collections::{BTreeMap, btree_map, btree_set};

use crate::job::{Job, JobId};
use crate::queue::{Line, Queue};

/// Ready jobs in the order of their turns, as if each of them were given out: by priority,
/// then the owner who has had least, then his line.
pub(crate) struct Turns<'a> {
    queue: &'a Queue,
    now_ms: u64,
    levels: btree_map::Values<'a, Reverse<i32>, BTreeMap<String, Line>>,
    takers: Vec<Taker<'a>>,
    /// What owners would get in the round so far.
    got: BTreeMap<&'a String, f64>,
}

/// An owner whose jobs wait.
struct Taker<'a> {
    /// What he has had, and would get in the round.
    weight: f64,
    owner: &'a String,
    line: btree_set::Iter<'a, (i64, JobId)>,
}

impl<'a> Turns<'a> {
    pub(crate) fn new(queue: &'a Queue, now_ms: u64) -> Self {
        Self {
            queue,
            now_ms,
            levels: queue.lines.values(),
            takers: Vec::new(),
            got: BTreeMap::new(),
        }
    }

    /// Who has the least weight; the first by name among equals.
    fn least(&self) -> Option<usize> {
        (0..self.takers.len()).min_by(|a, b| {
            let (a, b) = (&self.takers[*a], &self.takers[*b]);
            a.weight.total_cmp(&b.weight).then(a.owner.cmp(b.owner))
        })
    }
}

impl<'a> Iterator for Turns<'a> {
    type Item = &'a Job;

    fn next(&mut self) -> Option<&'a Job> {
        loop {
            let Some(at) = self.least() else {
                let level = self.levels.next()?;
                let half_life_ms = self.queue.policy.half_life_ms;
                self.takers.extend(level.iter().map(|(owner, line)| Taker {
                    weight: self.queue.shares.weight(owner, self.now_ms, half_life_ms)
                        + self.got.get(owner).copied().unwrap_or_default(),
                    owner,
                    line: line.iter(),
                }));
                continue;
            };
            let taker = &mut self.takers[at];
            let Some((_, id)) = taker.line.next() else {
                self.takers.swap_remove(at);
                continue;
            };
            let job = self.queue.jobs.get(id);
            let Some(job) = job.filter(|job| job.is_ready(self.now_ms)) else {
                continue;
            };
            let cost = job.spec.needs.cost() as f64;
            taker.weight += cost;
            *self.got.entry(taker.owner).or_default() += cost;
            return Some(job);
        }
    }
}
