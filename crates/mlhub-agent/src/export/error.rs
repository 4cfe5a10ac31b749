//! What can go wrong with an export.
//!
//! Texts name what happened and what the program told as its error; what it wrote
//! to standard error is for the hub's log alone ([`ExportError::last_lines`]).

use std::time::Duration;

/// Why a model was not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The program could not be started.
    #[error("the export's program cannot be started: {0}")]
    Start(String),
    /// The program cannot write this format, or not of this model.
    #[error("the adapter does not export this model so: {message}")]
    Unsupported {
        /// What it said.
        message: String,
    },
    /// The program refused the model or its params.
    #[error("the export's program refused the model: {}{message}", field.as_ref().map(|field| format!("{field}: ")).unwrap_or_default())]
    Refused {
        /// The field to blame, when it named one.
        field: Option<String>,
        /// What it said.
        message: String,
    },
    /// The program failed; so does one whose exported model answers otherwise than
    /// the original.
    #[error("the export failed: {}", message.as_ref().map_or_else(|| format!("{how}; the hub's log has its last words"), |message| format!("{message} ({how})")))]
    Failed {
        /// Exit code or signal.
        how: String,
        /// What it told as its error.
        message: Option<String>,
        /// The last lines of its standard error.
        last_lines: Vec<String>,
    },
    /// The program took too long and was killed.
    #[error("the export took longer than {} s and was stopped; the hub's log has its last words", limit.as_secs_f64())]
    TimedOut {
        /// Its time.
        limit: Duration,
        /// The last lines of its standard error.
        last_lines: Vec<String>,
    },
    /// The program took too much and was killed.
    #[error("the export took {used} {what}, more than {limit}, and was stopped")]
    TooMuch {
        /// Of what, such as `bytes of memory`.
        what: &'static str,
        /// How much it had.
        used: u64,
        /// How much it may have.
        limit: u64,
    },
    /// The program ended well, but what it left is not what an export leaves.
    #[error("the adapter's export breaks the protocol: {0}")]
    Broken(String),
    /// Nobody wants it any more.
    #[error("the export was given up")]
    Stopped,
}

impl ExportError {
    /// What the program said last on standard error; for the hub's log.
    #[must_use]
    pub fn last_lines(&self) -> &[String] {
        match self {
            Self::Failed { last_lines, .. } | Self::TimedOut { last_lines, .. } => last_lines,
            _ => &[],
        }
    }
}
