//! One error type for the core, the stores and the application.
//!
//! It is free of any transport: each face (HTTP, CLI) maps [`ErrorKind`] to its
//! own codes. The public message is for the user and never holds the internal
//! cause; the cause travels as `source` for the log.

use std::fmt;

/// The result of every core, store and application operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure this is; decides the HTTP status and the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is malformed or breaks a documented limit of form.
    Invalid,
    /// The thing named does not exist (or the caller may not know of it).
    NotFound,
    /// The request contradicts the present state.
    Conflict,
    /// The caller is known but may not do this.
    Forbidden,
    /// The caller is not known.
    Unauthenticated,
    /// A named size limit was passed.
    TooLarge,
    /// The operation exists in the design but this part cannot do it.
    Unsupported,
    /// Busy or shutting down; the same request may succeed later.
    Unavailable,
    /// The disk is full; nothing was stored.
    StorageFull,
    /// The data directory or database cannot be written.
    ReadOnly,
    /// A program that the hub started for the request broke or answered nonsense.
    ProgramFailed,
    /// A program that the hub started for the request did not answer in time.
    ProgramTimedOut,
    /// A defect or a broken disk; details are in the hub's log.
    Internal,
}

/// An error with a public message, an optional internal cause and optional
/// structured details for the client.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    details: Option<serde_json::Value>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Makes an error of `kind` with a public `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            details: None,
            source: None,
        }
    }

    /// A malformed request.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// `what` called `name` does not exist.
    pub fn not_found(what: &str, name: impl fmt::Display) -> Self {
        Self::new(ErrorKind::NotFound, format!("no {what} `{name}`"))
    }

    /// A contradiction with the present state.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// A defect or a broken disk. `operation` names what was being done.
    pub fn internal(
        operation: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            kind: ErrorKind::Internal,
            message: format!("internal error while doing: {operation}"),
            details: None,
            source: Some(source.into()),
        }
    }

    /// Attaches the internal cause, shown in logs only.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Attaches machine-readable details that the client may see.
    #[must_use]
    pub fn with_details(mut self, details: serde_json::Value) -> Self {
        self.details = Some(details);
        self
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message for the user; holds no internal cause.
    pub fn public_message(&self) -> &str {
        &self.message
    }

    /// Machine-readable details for the client, if any.
    pub fn details(&self) -> Option<&serde_json::Value> {
        self.details.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}
