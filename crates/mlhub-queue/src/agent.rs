//! Agents: machines that take jobs, as the hub knows them.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::resources::Offer;

/// An agent's name, unique on a hub.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AgentId(pub String);

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which process of an agent speaks. Its data directory counts starts, so that a later
/// process has a greater number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incarnation {
    /// Counted up with every start.
    pub generation: u64,
    /// Drawn at the start: two processes on copies of one data directory differ in it.
    pub nonce: u64,
}

/// What the hub knows of an agent.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Which process spoke last.
    pub incarnation: Incarnation,
    /// The number of its newest report.
    pub sequence: u64,
    /// Its labels.
    pub labels: BTreeSet<String>,
    /// What its machine has.
    pub offer: Offer,
    /// Whether it takes no new jobs.
    pub draining: bool,
    /// When its newest report arrived, of the hub's clock.
    pub seen_ms: u64,
}
