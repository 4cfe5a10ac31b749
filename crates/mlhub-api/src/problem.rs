//! Errors as `application/problem+json`. The one mapping from core errors to
//! HTTP; the internal cause goes to the log, never to the client.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mlhub_core::{Error, ErrorKind};
use mlhub_protocol::rest::Problem;

/// An error on its way to a client.
#[derive(Debug)]
pub(crate) struct ApiError(pub(crate) Box<Error>);

pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self(Box::new(error))
    }
}

fn kind_of(kind: ErrorKind) -> (StatusCode, &'static str, &'static str) {
    match kind {
        ErrorKind::Invalid => (StatusCode::BAD_REQUEST, "invalid", "Invalid request"),
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, "not_found", "Not found"),
        ErrorKind::Conflict => (StatusCode::CONFLICT, "conflict", "Conflict"),
        ErrorKind::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
        ErrorKind::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated", "Who are you?"),
        ErrorKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Too large"),
        ErrorKind::Unsupported => (StatusCode::NOT_IMPLEMENTED, "unsupported", "Not supported"),
        ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Try again"),
        ErrorKind::StorageFull => (
            StatusCode::INSUFFICIENT_STORAGE,
            "storage_full",
            "Disk full",
        ),
        ErrorKind::ReadOnly => (StatusCode::SERVICE_UNAVAILABLE, "read_only", "Read-only"),
        ErrorKind::ProgramFailed => (
            StatusCode::BAD_GATEWAY,
            "program_failed",
            "The model's program failed",
        ),
        ErrorKind::ProgramTimedOut => (
            StatusCode::GATEWAY_TIMEOUT,
            "program_timed_out",
            "The model's program is too slow",
        ),
        _ => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Internal error",
        ),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = *self.0;
        let (status, kind, title) = kind_of(error.kind());
        // That a model's program cannot do something is an answer, no failure of the hub.
        if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED {
            let causes: Vec<String> =
                std::iter::successors(std::error::Error::source(&error), |cause| cause.source())
                    .map(ToString::to_string)
                    .collect();
            tracing::error!(
                kind,
                message = error.public_message(),
                ?causes,
                "request failed"
            );
        }
        respond(
            status,
            kind,
            title,
            error.public_message(),
            error.details().cloned(),
        )
    }
}

/// A problem answer that does not come from a core error.
pub(crate) fn respond(
    status: StatusCode,
    kind: &str,
    title: &str,
    detail: &str,
    details: Option<serde_json::Value>,
) -> Response {
    let problem = Problem {
        kind: format!("about:blank#{kind}"),
        title: title.to_owned(),
        status: status.as_u16(),
        detail: detail.to_owned(),
        details,
    };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = (status, body).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
