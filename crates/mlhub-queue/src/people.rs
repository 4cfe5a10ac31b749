//! What people do with jobs: cancel, hold, move, give up.

use mlhub_core::{Error, Result};

use crate::job::{Job, JobId, Outcome, Stage};
use crate::lease::{Phase, StopReason};
use crate::queue::{Change, POSITION_STEP, Queue};

impl Queue {
    /// Cancels a job. One that may be running is stopped by its agent first.
    ///
    /// # Errors
    /// `NotFound` where it is not there, or has ended.
    pub fn cancel(&mut self, id: JobId, now_ms: u64) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        match self.found(id)?.lease_mut() {
            Some(lease) if lease.phase == Phase::Held => {
                lease.stop = Some(StopReason::Cancelled);
                changes.push(Change::Saved(id));
            }
            // What was offered only does not start before the hub confirms it, which it
            // no longer does.
            _ => self.end(id, Outcome::Cancelled, now_ms, &mut changes),
        }
        Ok(changes)
    }

    /// Holds a waiting job back.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` while it is with an agent.
    pub fn hold(&mut self, id: JobId) -> Result<Vec<Change>> {
        if let Some(lease) = self.found(id)?.lease() {
            return Err(Error::conflict(format!(
                "{id} is with {}; only a waiting job can be held",
                lease.agent
            )));
        }
        self.with_line(id, |job| job.stage = Stage::Held);
        Ok(vec![Change::Saved(id)])
    }

    /// Lets a held job wait for its turn.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn release(&mut self, id: JobId, now_ms: u64) -> Result<Vec<Change>> {
        if self.found(id)?.stage != Stage::Held {
            return Ok(Vec::new());
        }
        self.with_line(id, |job| {
            job.stage = Stage::Waiting { not_before_ms: 0 };
            job.waiting_since_ms = now_ms;
        });
        Ok(vec![Change::Saved(id)])
    }

    /// Gives a job another priority.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn prioritise(&mut self, id: JobId, priority: i32) -> Result<Vec<Change>> {
        self.found(id)?;
        self.with_line(id, |job| job.spec.priority = priority);
        Ok(vec![Change::Saved(id)])
    }

    /// Puts a job right before another of the same owner, with that one's priority.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` where the other is somebody else's or the same.
    pub fn move_before(&mut self, id: JobId, other: JobId) -> Result<Vec<Change>> {
        let target = self.found(other)?.clone();
        let job = self.found(id)?;
        if id == other || job.spec.owner != target.spec.owner {
            return Err(Error::invalid(format!(
                "{id} cannot be put before {other}: it has to be another job of the same owner"
            )));
        }
        let priority = target.spec.priority;
        let before = |job: &&Job| {
            job.spec.owner == target.spec.owner
                && job.spec.priority == priority
                && job.id != id
                && (job.position, job.id) < (target.position, target.id)
        };
        let last = self
            .jobs
            .values()
            .filter(before)
            .map(|job| job.position)
            .max();
        let low = last.unwrap_or(target.position - 2 * POSITION_STEP);
        if target.position - low >= 2 {
            let position = low + (target.position - low) / 2;
            self.with_line(id, |job| {
                job.spec.priority = priority;
                job.position = position;
            });
            return Ok(vec![Change::Saved(id)]);
        }
        self.make_room(id, &target)
    }

    /// Numbers a line anew when there is no room between two of it.
    fn make_room(&mut self, id: JobId, target: &Job) -> Result<Vec<Change>> {
        let mut line: Vec<(i64, JobId)> = self
            .jobs
            .values()
            .filter(|job| {
                job.spec.owner == target.spec.owner
                    && job.spec.priority == target.spec.priority
                    && job.id != id
            })
            .map(|job| (job.position, job.id))
            .collect();
        line.sort_unstable();
        let at = line
            .iter()
            .position(|(_, job)| *job == target.id)
            .unwrap_or(0);
        line.insert(at, (0, id));
        let priority = target.spec.priority;
        for ((_, job), place) in line.iter().zip(1i64..) {
            self.with_line(*job, |job| {
                job.spec.priority = priority;
                job.position = place * POSITION_STEP;
            });
        }
        Ok(line
            .into_iter()
            .map(|(_, job)| Change::Saved(job))
            .collect())
    }

    /// A person vouches that the program of a job out of reach is dead: it is tried again.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` while its agent can be reached, which can stop it.
    pub fn give_up(&mut self, id: JobId, now_ms: u64) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        let job = self.found(id)?;
        match job.lease() {
            Some(lease) if lease.until_ms <= now_ms => {
                self.lose(id, now_ms, &mut changes);
                Ok(changes)
            }
            Some(lease) => Err(Error::conflict(format!(
                "{} can be reached; cancel {id} instead",
                lease.agent
            ))),
            None => Err(Error::conflict(format!("{id} is with no agent"))),
        }
    }
}
