//! The native API, version 1: one module per noun, and `view` for the mapping
//! from domain to wire.

pub(crate) mod adapters;
pub(crate) mod artifacts;
pub(crate) mod attempts;
pub(crate) mod compare;
mod content;
pub(crate) mod datasets;
pub(crate) mod deletions;
pub(crate) mod documents;
pub(crate) mod evaluations;
pub(crate) mod events;
pub(crate) mod history;
pub(crate) mod inputs;
pub(crate) mod launches;
pub(crate) mod logs;
pub(crate) mod meta;
pub(crate) mod models;
mod packed;
pub(crate) mod portable;
mod range;
pub(crate) mod registry;
pub(crate) mod reproductions;
pub(crate) mod runs;
pub(crate) mod series;
mod table;
pub(crate) mod trust;
pub(crate) mod uploads;
pub(crate) mod versions;
mod view;

pub(crate) use content::Asked;
use mlhub_core::{Error, Result, RunId};

/// Parses an exact run id of a supervisor's route.
fn run_id(text: &str) -> Result<RunId> {
    text.parse()
}

/// Does work that is not to stop half way when the client goes away.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    tokio::spawn(work)
        .await
        .map_err(|error| Error::internal("do what was asked", error))?
}
