//! Why a run fails, and the exit code that says so.

use std::path::Path;

use mlhub_protocol::adapter::exit_code;
use thiserror::Error;

/// A failed run. Messages name files, fields, columns and rows, never cells.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The config is refused.
    #[error("{field}: {message}")]
    Config { field: String, message: String },
    /// The dataset is refused.
    #[error("{message}")]
    Dataset { field: String, message: String },
    /// The machine got in the way.
    #[error("{action} {path}: {source}")]
    Io {
        action: &'static str,
        path: String,
        source: std::io::Error,
    },
}

impl Failure {
    pub(crate) fn config(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Config {
            field: field.into(),
            message: message.into(),
        }
    }

    pub(crate) fn dataset(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Dataset {
            field: field.into(),
            message: message.into(),
        }
    }

    /// For `map_err`: what was being done to which path.
    pub(crate) fn io<'a>(
        action: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(std::io::Error) -> Self + 'a {
        move |source| Self::Io {
            action,
            path: path.display().to_string(),
            source,
        }
    }

    /// The field to blame, when one is.
    pub(crate) fn field(&self) -> Option<&str> {
        match self {
            Self::Config { field, .. } | Self::Dataset { field, .. } => Some(field),
            Self::Io { .. } => None,
        }
    }

    /// The exit code of the protocol.
    pub(crate) fn exit_code(&self) -> i32 {
        match self {
            Self::Config { .. } => exit_code::CONFIG,
            Self::Dataset { .. } => exit_code::DATASET,
            Self::Io { .. } => 1,
        }
    }
}
