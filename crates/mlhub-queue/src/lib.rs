//! The queue of jobs: what waits and why, what runs where, and whose word counts.
//!
//! Everything here is pure. Time is handed in as milliseconds of a clock that only goes
//! forward; nothing is read, sent or stored. Whoever owns a [`Queue`] persists the
//! [`Change`]s it returns before it tells anybody, and feeds them back with
//! [`Queue::restore`] after a restart.
//!
//! Three rules carry the rest:
//!
//! 1. **A token for every lease.** A job is leased to one agent at a time, under a number
//!    that only grows. Word of an older number changes nothing: it is kept apart as late.
//! 2. **A lease ends at the agent first.** The agent counts it from when it *sent* the
//!    report that renewed it and stops the program when it is over ([`Holder`]); the hub
//!    counts from when that report *arrived*, and adds the time that stopping may take and
//!    that clocks may differ. When the hub gives the job away, the program is dead.
//! 3. **What cannot be known is said, not guessed.** A job that must not be stopped by a
//!    lost connection ([`AgentLoss::Wait`]) waits for its agent, and says so.

mod agent;
mod dispatch;
mod exchange;
mod explain;
mod fair;
mod holder;
mod job;
mod lease;
mod people;
mod policy;
mod queue;
mod resources;
mod retry;
mod turns;

pub use agent::{Agent, AgentId, Incarnation};
pub use exchange::{Answer, End, EndedReport, Hold, Order, Report};
pub use explain::Waiting;
pub use holder::{Action, Holder};
pub use job::{
    AgentLoss, Dependency, FailureClass, Job, JobId, JobKind, JobSpec, Outcome, Stage, When,
};
pub use lease::{Lease, LeaseTimes, Phase, StopReason, Token};
pub use policy::{Policy, Quota};
pub use queue::{Change, Queue};
pub use resources::{Gpu, Offer, Resources, Shortage};
pub use retry::RetryPolicy;
