//! What can go wrong between client and hub, told apart by what to do about it.
//!
//! No body of a request and no token is ever part of an error's text.

use std::fmt;
use std::io;

use mlhub_protocol::rest::{Misaligned, Problem, QueryProblem};
use serde_json::Value;

/// Which kind of failure a call met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientErrorKind {
    /// Nobody listens at the address: the hub is not running.
    Refused,
    /// The hub did not answer in time.
    Timeout,
    /// The connection failed or broke.
    Connection,
    /// The hub answered with an error status.
    Problem,
    /// The answer is not what the API promises: perhaps not a hub at all.
    Protocol,
    /// The base URL cannot be used.
    Url,
    /// A local file or pipe failed while it was sent or received.
    Local,
}

/// A failed call.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientError {
    /// What kind of failure.
    pub kind: ClientErrorKind,
    /// HTTP status, when the hub answered with an error.
    pub status: Option<u16>,
    /// The kind in words.
    pub title: String,
    /// What, where, and what to do.
    pub detail: String,
    /// The problem's kind on the hub, such as `not_found`.
    pub problem: Option<String>,
    /// Machine-readable details, when the hub gave any.
    pub details: Option<Value>,
}

impl ClientError {
    pub(crate) fn new(kind: ClientErrorKind, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind,
            status: None,
            title: title.to_owned(),
            detail: detail.into(),
            problem: None,
            details: None,
        }
    }

    /// Maps an error answer; `body` is the answer's content, whatever it is.
    pub(crate) fn from_answer(call: &str, status: u16, body: &[u8]) -> Self {
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) => Self {
                kind: ClientErrorKind::Problem,
                status: Some(status),
                title: problem.title,
                detail: problem.detail,
                problem: problem
                    .kind
                    .rsplit_once('#')
                    .map(|(_, name)| name.to_owned()),
                details: problem.details,
            },
            Err(_) => Self {
                status: Some(status),
                ..Self::new(
                    ClientErrorKind::Problem,
                    "error without explanation",
                    format!(
                        "{call}: the server answered {status} without a problem document; is this an mlhub hub?"
                    ),
                )
            },
        }
    }

    pub(crate) fn from_transport(url: &str, error: &ureq::Error) -> Self {
        match error {
            ureq::Error::Io(cause) => Self::from_io(url, cause),
            ureq::Error::Timeout(_) => Self::timeout(url),
            ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => Self::new(
                ClientErrorKind::Connection,
                "cannot connect",
                format!("cannot connect to the hub at {url}: {error}"),
            ),
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => Self::new(
                ClientErrorKind::Url,
                "unusable URL",
                format!("`{url}` cannot be used as a hub's URL: {error}"),
            ),
            other => Self::new(
                ClientErrorKind::Protocol,
                "unexpected answer",
                format!("talking to {url}: {other}"),
            ),
        }
    }

    pub(crate) fn from_io(url: &str, cause: &io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::ConnectionRefused => Self::new(
                ClientErrorKind::Refused,
                "no hub there",
                format!("nothing listens at {url}; start the hub or correct the address"),
            ),
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::timeout(url),
            _ => Self::new(
                ClientErrorKind::Connection,
                "connection lost",
                format!("the connection to {url} failed: {cause}"),
            ),
        }
    }

    fn timeout(url: &str) -> Self {
        Self::new(
            ClientErrorKind::Timeout,
            "no answer in time",
            format!("the hub at {url} did not answer in time"),
        )
    }

    /// Whether nobody listens at the hub's address.
    pub fn is_refused(&self) -> bool {
        self.kind == ClientErrorKind::Refused
    }

    /// Whether the hub says that the thing named does not exist. A proxy's 404 says
    /// nothing about it.
    pub fn is_not_found(&self) -> bool {
        self.status == Some(404) && !self.is_foreign()
    }

    /// Whether an error status came without a hub's problem document: somebody else
    /// answered, such as a proxy in front of a hub that is away.
    pub fn is_foreign(&self) -> bool {
        self.kind == ClientErrorKind::Problem && self.problem.is_none()
    }

    /// Whether the same call may succeed later: the hub is away, busy, or
    /// could not store it now.
    pub fn is_retryable(&self) -> bool {
        match self.kind {
            ClientErrorKind::Refused
            | ClientErrorKind::Timeout
            | ClientErrorKind::Connection
            | ClientErrorKind::Protocol => true,
            ClientErrorKind::Problem => {
                matches!(self.status, Some(408 | 421 | 425 | 429 | 500..=599))
            }
            ClientErrorKind::Url | ClientErrorKind::Local => false,
        }
    }

    /// Where a query has a mistake, when that is what the hub refused.
    pub fn query_problem(&self) -> Option<QueryProblem> {
        let details = self.details.clone().filter(|_| self.status == Some(400))?;
        serde_json::from_value(details).ok()
    }

    /// The byte to send from, when the hub says a piece does not join on.
    pub fn misaligned(&self) -> Option<u64> {
        if self.status != Some(409) {
            return None;
        }
        let details = self.details.clone()?;
        serde_json::from_value::<Misaligned>(details)
            .ok()
            .map(|found| found.expected)
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{} ({status}): {}", self.title, self.detail),
            None => write!(f, "{}: {}", self.title, self.detail),
        }
    }
}

impl std::error::Error for ClientError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_keeps_its_kind_and_offset() {
        let body = br#"{"type":"about:blank#conflict","title":"Conflict","status":409,"detail":"send from 7","details":{"expected":7}}"#;
        let error = ClientError::from_answer("POST /x", 409, body);
        assert_eq!(error.problem.as_deref(), Some("conflict"));
        assert_eq!(error.misaligned(), Some(7));
        assert!(!error.is_retryable());
    }

    #[test]
    fn a_foreign_answer_is_an_error_with_its_status() {
        let error = ClientError::from_answer("GET /runs", 503, b"<html>busy</html>");
        assert_eq!(error.status, Some(503));
        assert!(error.is_retryable());
        assert_eq!(error.misaligned(), None);
    }

    #[test]
    fn only_a_hub_says_that_there_is_no_such_thing() {
        let hub = br#"{"type":"about:blank#not_found","title":"Not found","status":404,"detail":"no run"}"#;
        assert!(ClientError::from_answer("GET /x", 404, hub).is_not_found());
        // A proxy, a web server, a gateway with problem documents of its own.
        let gateway =
            br#"{"type":"about:blank","title":"Not Found","status":404,"detail":"no route"}"#;
        for body in [b"404 page not found".as_slice(), b"", b"{}", gateway] {
            let error = ClientError::from_answer("GET /x", 404, body);
            assert!(error.is_foreign() && !error.is_not_found(), "{error}");
        }
        assert!(!ClientError::timeout("http://hub").is_foreign());
    }

    #[test]
    fn a_conflict_without_an_offset_is_not_misaligned() {
        let body =
            br#"{"type":"about:blank#conflict","title":"Conflict","status":409,"detail":"ended"}"#;
        assert_eq!(ClientError::from_answer("x", 409, body).misaligned(), None);
    }
}
