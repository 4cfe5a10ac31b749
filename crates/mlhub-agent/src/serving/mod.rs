//! Programs that answer for trained models: one process per model and
//! capability, kept warm, bounded in time, size and number.
//!
//! Which model a request means, who may ask and where its files come from is
//! not decided here. The conversation is `mlhub_protocol::serving`.

mod error;
pub(crate) mod group;
mod log;
pub(crate) mod memory;
mod pipes;
mod pool;
#[cfg(test)]
mod tests;
pub(crate) mod worker;

pub use error::ServeError;
pub use pool::{Answered, Pool, PoolLimits};
pub use worker::{Answer, WorkerLimits, WorkerPlan};
