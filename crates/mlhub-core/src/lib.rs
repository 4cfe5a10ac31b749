//! The words of the hub: identifiers, states, limits, errors and the storage
//! traits every backend implements.
//!
//! This crate does no I/O, reads no clock and draws no random number: time and
//! entropy are handed in through [`Clock`] and [`Entropy`]. It knows no wire
//! format (see `mlhub-protocol`) and no rule of use (see `mlhub-app`).

pub mod artifact_version;
pub mod blob;
pub mod caller;
pub mod dataset;
pub mod deletion;
pub mod document;
pub mod error;
pub mod evaluation;
pub mod id;
pub mod limits;
pub mod logged_model;
pub mod metric;
pub mod path;
pub mod portable;
pub mod ports;
pub mod registry;
pub mod run;
pub mod state;
pub mod store;
pub mod trace;

pub use caller::{Caller, Permission, Role, UserId};
pub use error::{Error, ErrorKind, Result};
pub use id::{
    AssessmentId, DocumentId, EvaluationId, GroupId, LoggedModelId, Name, RegisteredModelId, RunId,
    TraceId, UploadId,
};
pub use path::ArtifactPath;
pub use ports::{Clock, Entropy, Timestamp};
pub use state::{RunEvent, RunState};
