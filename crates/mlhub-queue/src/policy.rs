//! What an operator sets: how leases last, who may take how much.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::lease::LeaseTimes;

/// How much may be with agents at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Jobs.
    pub jobs: Option<u32>,
    /// GPUs.
    pub gpus: Option<u32>,
}

/// The rules of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How long leases last.
    pub times: LeaseTimes,
    /// An agent that said nothing for so long gets no new job.
    pub silent_ms: u64,
    /// What somebody used counts half after so long.
    pub half_life_ms: u64,
    /// A job that waited for room so long gets a machine kept free for it.
    pub reserve_after_ms: u64,
    /// Quotas by owner.
    pub owners: BTreeMap<String, Quota>,
    /// Quotas by project.
    pub projects: BTreeMap<String, Quota>,
    /// Jobs that have not ended, at most.
    pub jobs_max: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            times: LeaseTimes::default(),
            silent_ms: 45_000,
            half_life_ms: 24 * 3_600_000,
            reserve_after_ms: 10 * 60_000,
            owners: BTreeMap::new(),
            projects: BTreeMap::new(),
            jobs_max: 100_000,
        }
    }
}
