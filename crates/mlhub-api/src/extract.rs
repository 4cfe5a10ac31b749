//! Request bodies with bounds: JSON with a declared type, raw bytes, streams.
//!
//! Each refusal says what was wrong and where (line and column for JSON).

use axum::extract::{FromRequest, Request};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt;
use http_body_util::BodyExt;
use mlhub_core::{Error, ErrorKind};
use mlhub_protocol::batch::{self, ColumnBatch};
use mlhub_protocol::lenient;
use serde::de::DeserializeOwned;
use std::time::Duration;

use crate::problem::{ApiError, respond};

/// How long a body may pause before the request is given up.
pub(crate) const BODY_PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long a bounded body may take in all.
pub(crate) const BODY_TIME_MAX: Duration = Duration::from_secs(120);

/// Bytes per second a streamed body must bring on average, beyond
/// [`BODY_TIME_MAX`]; a slower one holds a connection for nothing.
pub(crate) const BODY_RATE_MIN_BYTES: u64 = 1024;
/// Bytes of what the JSON reader says that are passed on.
const JSON_PROBLEM_MAX_BYTES: usize = 500;

/// How large this route's body may be; put on each route by the route table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimit(pub(crate) usize);

/// A JSON body of type `T`.
pub(crate) struct ApiJson<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for ApiJson<T> {
    type Rejection = Response;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Response> {
        require_type(&request, "application/json")?;
        let bytes = read_bounded(request).await?;
        serde_json::from_slice(&bytes)
            .map(ApiJson)
            .map_err(|error| ApiError::from(Error::invalid(json_problem(&error))).into_response())
    }
}

/// A batch of events: JSON, also with bare `NaN` and infinities, or binary.
pub(crate) struct EventsBody(pub(crate) ColumnBatch);

impl<S: Send + Sync> FromRequest<S> for EventsBody {
    type Rejection = Response;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Response> {
        let refuse = |said: String| ApiError::from(Error::invalid(said)).into_response();
        if is_type(&request, batch::CONTENT_TYPE) {
            let bytes = read_bounded(request).await?;
            return ColumnBatch::decode(&bytes)
                .map(Self)
                .map_err(|error| refuse(error.to_string()));
        }
        require_type(&request, "application/json")?;
        let bytes = read_bounded(request).await?;
        lenient::from_slice(&bytes)
            .map(Self)
            .map_err(|error| refuse(json_problem(&error)))
    }
}

/// Says what and where, without repeating values of the body.
fn json_problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // serde says `invalid type: string "...", expected ...`: the value goes.
    let said = match (text.find(['"', '`']), text.rfind(", expected")) {
        (Some(value), Some(expected)) if value < expected && text.starts_with("invalid ") => {
            format!("{}{}", text[..value].trim_end(), &text[expected..])
        }
        _ => text,
    };
    if said.len() <= JSON_PROBLEM_MAX_BYTES {
        return format!("the JSON body cannot be read: {said}");
    }
    format!(
        "the JSON body cannot be read at line {} column {}",
        error.line(),
        error.column()
    )
}

/// A raw body, whole.
pub(crate) struct RawBody(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Response;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Response> {
        require_type(&request, "application/octet-stream")?;
        read_bounded(request).await.map(RawBody)
    }
}

/// A raw body, piece by piece.
pub(crate) struct StreamBody {
    body: axum::body::BodyDataStream,
    declared: Option<u64>,
    received: u64,
    started: tokio::time::Instant,
}

impl<S: Send + Sync> FromRequest<S> for StreamBody {
    type Rejection = Response;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Response> {
        require_type(&request, "application/octet-stream")?;
        Ok(Self::of(request))
    }
}

/// A raw body of whatever type, piece by piece.
pub(crate) struct AnyStream(pub(crate) StreamBody);

impl<S: Send + Sync> FromRequest<S> for AnyStream {
    type Rejection = Response;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Response> {
        Ok(Self(StreamBody::of(request)))
    }
}

impl StreamBody {
    fn of(request: Request) -> Self {
        let declared = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.parse().ok());
        Self {
            body: request.into_body().into_data_stream(),
            declared,
            received: 0,
            started: tokio::time::Instant::now(),
        }
    }

    /// The next piece; `None` at the end of a complete body.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let earned = Duration::from_secs(self.received / BODY_RATE_MIN_BYTES);
        let pause_end = tokio::time::Instant::now() + BODY_PAUSE_MAX;
        let deadline = pause_end.min(self.started + BODY_TIME_MAX + earned);
        match tokio::time::timeout_at(deadline, self.body.next()).await {
            Err(_) => Err(Error::invalid(
                "the body paused for too long or came too slowly and was given up; nothing was stored",
            )
            .into()),
            Ok(Some(Ok(bytes))) => {
                self.received += bytes.len() as u64;
                Ok(Some(bytes))
            }
            Ok(Some(Err(_))) => {
                Err(Error::invalid("the body was cut off; nothing was stored").into())
            }
            Ok(None)
                if self
                    .declared
                    .is_some_and(|declared| declared != self.received) =>
            {
                Err(Error::invalid(
                    "the body is not as long as Content-Length says; nothing was stored",
                )
                .into())
            }
            Ok(None) => Ok(None),
        }
    }
}

#[expect(
    clippy::result_large_err,
    reason = "a rejection is a whole answer, made once per refused request"
)]
fn require_type(request: &Request, wanted: &str) -> Result<(), Response> {
    if is_type(request, wanted) {
        return Ok(());
    }
    Err(respond(
        axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "Unsupported media type",
        &format!("send the body as `Content-Type: {wanted}`"),
        None,
    ))
}

fn is_type(request: &Request, wanted: &str) -> bool {
    let given = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    given.is_some_and(|given| given.eq_ignore_ascii_case(wanted))
}

pub(crate) async fn read_bounded(request: Request) -> Result<Bytes, Response> {
    let limit = request
        .extensions()
        .get::<BodyLimit>()
        .map_or(0, |limit| limit.0);
    let too_large = || {
        ApiError::from(Error::new(
            ErrorKind::TooLarge,
            format!("the body is larger than the {limit} bytes this route takes"),
        ))
        .into_response()
    };
    let collect = http_body_util::Limited::new(request.into_body(), limit).collect();
    match tokio::time::timeout(BODY_TIME_MAX, collect).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(ApiError::from(Error::invalid(
            "the body was cut off; nothing was stored",
        ))
        .into_response()),
        Err(_) => Err(
            ApiError::from(Error::invalid("the body took too long and was given up"))
                .into_response(),
        ),
    }
}

/// Query parameters; unknown ones are refused by `T`.
pub(crate) struct ApiQuery<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> axum::extract::FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _state: &S,
    ) -> Result<Self, ApiError> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri)
            .map(|query| Self(query.0))
            .map_err(|error| {
                Error::invalid(format!("the query cannot be read: {}", error.body_text())).into()
            })
    }
}

/// Path parameters, percent-decoded once.
pub(crate) struct ApiPath<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> axum::extract::FromRequestParts<S> for ApiPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        state: &S,
    ) -> Result<Self, ApiError> {
        axum::extract::Path::<T>::from_request_parts(parts, state)
            .await
            .map(|path| Self(path.0))
            .map_err(|error| {
                Error::invalid(format!("the path cannot be read: {}", error.body_text())).into()
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_json_says_where_and_repeats_no_value() {
        let error = serde_json::from_str::<mlhub_protocol::rest::AttemptStart>(
            r#"{"started_at": "my, expected secret"}"#,
        )
        .expect_err("a text is no time");
        let said = json_problem(&error);
        assert!(!said.contains("secret"), "{said}");
        assert!(
            said.contains("invalid type: string, expected i64"),
            "{said}"
        );
        assert!(said.contains("line 1 column"), "{said}");
    }

    #[test]
    fn a_refusal_of_json_stays_short() {
        let body = format!("{{\"{}\": 1}}", "x".repeat(100_000));
        let error = serde_json::from_str::<mlhub_protocol::rest::AttemptStart>(&body)
            .expect_err("an unknown field");
        assert!(json_problem(&error).len() < 200);
    }
}
