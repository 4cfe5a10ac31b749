//! A typed, blocking client of the native REST API, one method per route.
//!
//! It translates: bodies in, bodies out, problems to [`ClientError`]. But for
//! [`transfer`] it does not retry; it does not cache and knows no rule of the hub; who calls decides
//! whether an error is worth another try ([`ClientError::is_retryable`]).

mod artifacts;
mod attempts;
mod catalog;
mod deletions;
mod documents;
mod error;
mod events;
mod http;
mod launches;
mod mlflow;
mod models;
mod portable;
mod registry;
mod runs;
pub mod transfer;
mod versions;

pub use artifacts::ArtifactSearch;
pub use error::{ClientError, ClientErrorKind};
pub use events::{EventStream, ServerEvent};
pub use http::{Client, ClientOptions};
pub use mlflow::{MlflowClient, MlflowLogin, mlflow_path};
pub use runs::{LogPiece, LogRange, RunListQuery};

/// The result of every call.
pub type Result<T, E = ClientError> = std::result::Result<T, E>;
