//! What can go wrong with a program that answers for a model.
//!
//! Texts name what happened; nothing of a request is in them. What the program said
//! last is for the hub's log alone ([`ServeError::last_lines`]): who asks a model may
//! be somebody else than who may read the log of its program.

use std::time::Duration;

use mlhub_protocol::serving::RequestProblem;

/// Where to look further.
const LOG_HINT: &str = "; the hub's log has its last words";

/// Why a request was not answered.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The program could not be prepared; the cause is the preparer's.
    #[error("{0}")]
    Prepare(mlhub_core::Error),
    /// The program could not be started.
    #[error("the model's program cannot be started: {0}")]
    Start(String),
    /// The program refused the model or its params before it was ready.
    #[error("the model's program refused to load it: {}{message}", field.as_ref().map(|field| format!("{field}: ")).unwrap_or_default())]
    Refused {
        /// The param to blame, when it named one.
        field: Option<String>,
        /// What it said.
        message: String,
    },
    /// The program ended by itself.
    #[error("the model's program ended {doing}: {how}{LOG_HINT}")]
    Died {
        /// `while it loaded the model` or `while it answered`.
        doing: &'static str,
        /// Exit code or signal.
        how: String,
        /// The last lines of its log.
        last_lines: Vec<String>,
    },
    /// The program took too long and was killed.
    #[error("the model's program did not {doing} within {} s and was stopped{LOG_HINT}", limit.as_secs_f64())]
    TimedOut {
        /// `load the model` or `answer`.
        doing: &'static str,
        /// Its time.
        limit: Duration,
        /// The last lines of its log.
        last_lines: Vec<String>,
    },
    /// The program said what the conversation does not allow and was killed.
    #[error("the model's program broke the conversation and was stopped: {reason}{LOG_HINT}")]
    Conversation {
        /// Which rule.
        reason: String,
        /// The last lines of its log.
        last_lines: Vec<String>,
    },
    /// The program took too much memory and was killed.
    #[error(
        "the model's program took {used_bytes} bytes of memory, more than {limit_bytes}, and was stopped"
    )]
    Memory {
        /// What it had.
        used_bytes: u64,
        /// What it may have.
        limit_bytes: u64,
    },
    /// The request is larger than a frame.
    #[error(
        "the request is {bytes} bytes as a frame, more than {limit}; send fewer inputs at once"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// The program answers that this request cannot be answered. It lives on.
    #[error("{}{}", .0.field.as_ref().map(|field| format!("{field}: ")).unwrap_or_default(), .0.message)]
    Request(RequestProblem),
    /// Too many requests or models at once.
    #[error("{0}")]
    Busy(&'static str),
    /// The requests before it took too long.
    #[error(
        "the requests before this one took longer than {} s; try again later",
        .0.as_secs_f64()
    )]
    Waited(Duration),
    /// The pool is being closed.
    #[error("the hub is stopping")]
    Stopping,
}

impl ServeError {
    /// Whether the program that met this is still to be trusted.
    pub(super) fn spares_worker(&self) -> bool {
        matches!(self, Self::Request(_) | Self::TooLarge { .. })
    }

    /// What the program said last on standard error; for the hub's log.
    #[must_use]
    pub fn last_lines(&self) -> &[String] {
        match self {
            Self::Died { last_lines, .. }
            | Self::TimedOut { last_lines, .. }
            | Self::Conversation { last_lines, .. } => last_lines,
            _ => &[],
        }
    }
}
