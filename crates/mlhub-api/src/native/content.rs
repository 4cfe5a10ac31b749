//! A stored content as an answer: an attachment, whole or one range of it, never
//! rendered in the hub's origin.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use mlhub_app::BlobReader;

use super::range::{self, Range};
use crate::problem::ApiResult;

/// User content may do nothing, should a browser ever render it.
const CONTENT_POLICY: &str = "sandbox; default-src 'none'";

/// What the headers of a request ask of a content.
pub(crate) struct Asked {
    tag: String,
    size_bytes: u64,
    /// Absent when the client has the content already.
    range: Option<Range>,
}

impl Asked {
    pub(crate) fn of(headers: &HeaderMap, hash: &str, size_bytes: u64) -> Self {
        let tag = format!("\"{hash}\"");
        let fresh =
            !headers.contains_key(header::IF_RANGE) || names_tag(headers, &header::IF_RANGE, &tag);
        let range = match headers.get(header::RANGE).filter(|_| fresh) {
            Some(range) => range::parse(range, size_bytes),
            None => Range::Whole,
        };
        let had = names_tag(headers, &header::IF_NONE_MATCH, &tag);
        Self {
            range: (!had).then_some(range),
            tag,
            size_bytes,
        }
    }

    /// The part to send, inner absent for all of it; absent when nothing is sent.
    pub(crate) fn part(&self) -> Option<Option<(u64, u64)>> {
        match self.range? {
            Range::Whole => Some(None),
            Range::Part(start, end) => Some(Some((start, end))),
            Range::Outside => None,
        }
    }

    /// The answer when nothing is sent.
    pub(crate) fn refusal(&self, name: &str) -> Response {
        if self.range.is_some() {
            return range::refuse(self.size_bytes);
        }
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        describe(response.headers_mut(), name, &self.tag);
        response
    }

    /// The content, read as [`Asked::part`] says, as an attachment called `name`.
    pub(crate) async fn answer(self, reader: BlobReader, name: &str) -> ApiResult<Response> {
        let part = self.part().flatten();
        let status = match part {
            None => StatusCode::OK,
            Some(_) => StatusCode::PARTIAL_CONTENT,
        };
        let mut response = send(status, reader).await?;
        let headers = response.headers_mut();
        describe(headers, name, &self.tag);
        let size = self.size_bytes;
        let (start, end) = part.unwrap_or((0, size));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(end - start));
        if part.is_some() {
            let last = end.saturating_sub(1);
            if let Ok(value) = HeaderValue::from_str(&format!("bytes {start}-{last}/{size}")) {
                headers.insert(header::CONTENT_RANGE, value);
            }
        }
        Ok(response)
    }
}

/// Sends a content. The first piece is read before the status is sent, so that
/// what is missing or small and damaged is an error and not a broken connection.
async fn send(status: StatusCode, mut reader: BlobReader) -> ApiResult<Response> {
    let first = reader.next().await?;
    let rest = futures::stream::try_unfold(reader, |mut reader| async move {
        match reader.next().await {
            Ok(piece) => Ok(piece.map(|piece| (piece, reader))),
            Err(error) => {
                tracing::error!(message = error.public_message(), "a download is broken off");
                Err(std::io::Error::other("the content is damaged"))
            }
        }
    });
    let pieces = futures::stream::iter(first.map(Ok::<_, std::io::Error>)).chain(rest);
    Ok((status, Body::from_stream(pieces)).into_response())
}

fn names_tag(asked: &HeaderMap, name: &HeaderName, tag: &str) -> bool {
    let given = asked.get(name).and_then(|value| value.to_str().ok());
    given.is_some_and(|given| given.split(',').any(|one| one.trim() == tag))
}

fn describe(headers: &mut HeaderMap, name: &str, tag: &str) {
    let fixed = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::ACCEPT_RANGES, "bytes"),
    ];
    for (header, value) in fixed {
        headers.insert(header, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_DISPOSITION, disposition(name));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
}

/// An attachment under the artifact's own name, percent-encoded.
fn disposition(name: &str) -> HeaderValue {
    let encoded: String = name
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{encoded}"))
        .unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}
