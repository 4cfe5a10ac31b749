//! Errors as clients of MLflow read them. What a client did wrong is never a 5xx: those
//! are sent again.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mlhub_core::{Error, ErrorKind};
use serde_json::json;

/// An error on its way to a client.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: &'static str,
    message: String,
}

pub(crate) type Answer<T> = Result<T, Refusal>;

pub(super) const INVALID: &str = "INVALID_PARAMETER_VALUE";
pub(super) const MISSING: &str = "RESOURCE_DOES_NOT_EXIST";
pub(super) const EXISTS: &str = "RESOURCE_ALREADY_EXISTS";
/// Characters of a message; the rest is cut off.
const MESSAGE_MAX_CHARS: usize = 1000;
const NO_ENDPOINT: &str = "ENDPOINT_NOT_FOUND";

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        let mut message = message.into();
        // What a client sent may be in it, however long that is.
        if let Some((end, _)) = message.char_indices().nth(MESSAGE_MAX_CHARS) {
            message.truncate(end);
            message.push_str("...");
        }
        Self { code, message }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(INVALID, message)
    }

    pub(super) fn missing(message: impl Into<String>) -> Self {
        Self::new(MISSING, message)
    }

    /// Whether it says that something is not there.
    pub(super) fn is_missing(&self) -> bool {
        self.code == MISSING
    }

    /// Nothing answers under this path.
    pub(crate) fn no_endpoint(path: &str) -> Self {
        let path: String = path.chars().take(200).collect();
        Self::new(
            NO_ENDPOINT,
            format!("this hub has no MLflow endpoint {path}; see docs/compat-mlflow.md"),
        )
    }

    fn status(&self) -> StatusCode {
        match self.code {
            MISSING | NO_ENDPOINT => StatusCode::NOT_FOUND,
            "UNAUTHENTICATED" => StatusCode::UNAUTHORIZED,
            "PERMISSION_DENIED" => StatusCode::FORBIDDEN,
            "NOT_IMPLEMENTED" => StatusCode::NOT_IMPLEMENTED,
            "TEMPORARILY_UNAVAILABLE" => StatusCode::SERVICE_UNAVAILABLE,
            "INTERNAL_ERROR" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            ErrorKind::NotFound => MISSING,
            ErrorKind::Unauthenticated => "UNAUTHENTICATED",
            ErrorKind::Forbidden => "PERMISSION_DENIED",
            ErrorKind::Unsupported => "NOT_IMPLEMENTED",
            ErrorKind::Invalid | ErrorKind::Conflict | ErrorKind::TooLarge => INVALID,
            ErrorKind::Unavailable | ErrorKind::StorageFull | ErrorKind::ReadOnly => {
                "TEMPORARILY_UNAVAILABLE"
            }
            _ => {
                let causes: Vec<String> =
                    std::iter::successors(std::error::Error::source(&error), |cause| {
                        cause.source()
                    })
                    .map(ToString::to_string)
                    .collect();
                let message = error.public_message();
                tracing::error!(message, ?causes, "request failed");
                "INTERNAL_ERROR"
            }
        };
        Self::new(code, error.public_message())
    }
}

impl From<crate::problem::ApiError> for Refusal {
    fn from(error: crate::problem::ApiError) -> Self {
        (*error.0).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"error_code": self.code, "message": self.message});
        (self.status(), Json(body)).into_response()
    }
}
