//! When a job that failed is tried again.

use std::collections::BTreeMap;

use mlhub_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::job::{FailureClass, JobId};

/// Retries of one class at most.
const RETRIES_MAX: u32 = 1000;
/// Retries after the loss of an agent unless the job says otherwise: it may be the job that
/// takes the agents down.
const AGENT_LOST_RETRIES: u32 = 3;

/// How often a job is tried again, by what it failed of, and how long it waits before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Retries by class of failure; a class that is not here is not tried again.
    pub retries: BTreeMap<FailureClass, u32>,
    /// Milliseconds before the first retry; doubled before each further one.
    pub delay_ms: u64,
    /// Milliseconds before a retry at most.
    pub delay_max_ms: u64,
}

impl RetryPolicy {
    pub(crate) fn check(&self) -> Result<()> {
        match self.retries.values().find(|count| **count > RETRIES_MAX) {
            Some(count) => Err(Error::invalid(format!(
                "{count} retries are asked for; a job is tried again at most {RETRIES_MAX} times"
            ))),
            None => Ok(()),
        }
    }

    /// How long a job waits after its `count`-th failure of a class; nothing when it is not
    /// tried again. Jobs that fail together do not come back together: up to a quarter is
    /// added, by the job's number.
    pub fn delay_ms(&self, class: FailureClass, count: u32, job: JobId) -> Option<u64> {
        let lost = (class == FailureClass::AgentLost).then_some(AGENT_LOST_RETRIES);
        if count > self.retries.get(&class).copied().or(lost)? {
            return None;
        }
        let doublings = count.saturating_sub(1).min(32);
        let delay = self
            .delay_ms
            .saturating_mul(1 << doublings)
            .min(self.delay_max_ms.max(self.delay_ms));
        // Fibonacci hashing: neighbours are far apart.
        let spread = job.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
        Some(delay.saturating_add(delay / 4 * spread / 1024))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_bound_and_end() {
        let policy = RetryPolicy {
            retries: BTreeMap::from([(FailureClass::Machine, 4)]),
            delay_ms: 1000,
            delay_max_ms: 5000,
        };
        let delay = |count| policy.delay_ms(FailureClass::Machine, count, JobId(0));
        let delays: Vec<_> = (1..=5).map(delay).collect();
        assert_eq!(
            delays,
            [Some(1000), Some(2000), Some(4000), Some(5000), None]
        );
        assert_eq!(policy.delay_ms(FailureClass::Program, 1, JobId(0)), None);
        for job in 0..1000 {
            let found = policy.delay_ms(FailureClass::Machine, 1, JobId(job));
            assert!((1000..=1250).contains(&found.expect("tried again")));
        }
    }
}
