//! The transport: one place that builds requests and reads answers.
//!
//! Time limits are per connection attempt and per read or write, not per call,
//! so that large transfers may take their time while a dead hub is noticed.

use std::io::Read;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::Response;
use ureq::{Agent, Body, SendBody};

use crate::Result;
use crate::error::{ClientError, ClientErrorKind};

/// Bytes of a JSON answer at most.
pub(crate) const ANSWER_MAX_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of an error answer at most.
pub(crate) const PROBLEM_MAX_BYTES: u64 = 64 * 1024;
/// Every API path starts so.
const API: &str = "/api/v1";

/// How patient a client is.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Time to connect.
    pub connect_timeout: Duration,
    /// Time without a byte in either direction, and to the first byte of an answer.
    pub idle_timeout: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            idle_timeout: Duration::from_secs(60),
        }
    }
}

/// A blocking client of one hub. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    base: String,
    authorization: Option<String>,
}

/// What a request carries.
pub(crate) enum Payload<'a> {
    /// Nothing.
    None,
    /// A JSON document.
    Json(Vec<u8>),
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// Bytes in memory of a media type.
    Typed(&'a [u8], &'static str),
    /// So many bytes from a reader.
    Stream(&'a mut dyn Read, u64),
}

/// One request, ready to send.
pub(crate) struct Call<'a> {
    pub(crate) method: &'static str,
    /// Under `/api/v1`, already encoded by [`path`].
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) accept: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) payload: Payload<'a>,
}

impl Call<'_> {
    pub(crate) fn new(method: &'static str, path: String) -> Self {
        Self {
            method,
            path,
            query: Vec::new(),
            accept: "application/json",
            headers: Vec::new(),
            payload: Payload::None,
        }
    }

    pub(crate) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.query.push((name, value.to_string()));
        }
        self
    }

    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self> {
        self.payload = Payload::Json(serde_json::to_vec(body).map_err(|error| {
            ClientError::new(
                ClientErrorKind::Protocol,
                "cannot encode the request",
                error.to_string(),
            )
        })?);
        Ok(self)
    }
}

impl Client {
    /// A client of the hub at `base_url` (such as `http://127.0.0.1:7070`),
    /// with the operator's token where the hub asks for one. Does not connect.
    ///
    /// # Errors
    /// [`ClientErrorKind::Url`] when the URL is not `http://` or `https://`.
    pub fn new(base_url: &str, token: Option<&str>) -> Result<Self> {
        Self::with_options(base_url, token, &ClientOptions::default())
    }

    /// As [`Client::new`], with time limits of the caller's.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_options(
        base_url: &str,
        token: Option<&str>,
        options: &ClientOptions,
    ) -> Result<Self> {
        let authorization = token.map(|token| format!("Bearer {token}"));
        Self::authorized(base_url, authorization, options)
    }

    /// As [`Client::with_options`], with a whole `Authorization` header.
    pub(crate) fn authorized(
        base_url: &str,
        authorization: Option<String>,
        options: &ClientOptions,
    ) -> Result<Self> {
        let base = base_url.trim_end_matches('/').to_owned();
        let rest = base
            .strip_prefix("http://")
            .or_else(|| base.strip_prefix("https://"));
        let Some(authority) = rest.filter(|rest| !rest.is_empty()) else {
            return Err(ClientError::new(
                ClientErrorKind::Url,
                "unusable URL",
                format!("`{base_url}` is not a hub's URL; it looks like http://host:port"),
            ));
        };
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(options.connect_timeout))
            .timeout_per_read(Some(options.idle_timeout))
            .timeout_per_write(Some(options.idle_timeout))
            .timeout_recv_response(Some(options.idle_timeout))
            .user_agent(concat!("mlhub-client/", env!("CARGO_PKG_VERSION")));
        // A proxy for the outside world must not catch calls to this machine.
        if is_loopback(authority) {
            config = config.proxy(None);
        }
        Ok(Self {
            agent: config.build().new_agent(),
            base,
            authorization,
        })
    }

    /// A client of the same hub, with other time limits.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_patience(&self, options: &ClientOptions) -> Result<Self> {
        Self::with_options(&self.base, self.token(), options)
    }

    /// The hub's base URL.
    pub fn base_url(&self) -> &str {
        &self.base
    }

    /// The token it shows, if it has one.
    pub(crate) fn token(&self) -> Option<&str> {
        self.authorization.as_deref()?.strip_prefix("Bearer ")
    }

    /// Whether the hub is alive (`GET /health`).
    ///
    /// # Errors
    /// [`ClientErrorKind::Refused`] when nobody listens.
    pub fn health(&self) -> Result<()> {
        let mut request = ureq::http::Request::builder()
            .method("GET")
            .uri(format!("{}/health", self.base));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let request = request
            .body(SendBody::none())
            .map_err(|error| ClientError::from_transport(&self.base, &error.into()))?;
        let response = self
            .agent
            .run(request)
            .map_err(|error| ClientError::from_transport(&self.base, &error))?;
        self.accept("GET /health", response).map(|_| ())
    }

    /// Sends and returns the answer with its body unread; error statuses are errors.
    pub(crate) fn send(&self, mut call: Call<'_>) -> Result<Response<Body>> {
        call.path.insert_str(0, API);
        let label = format!("{} {}", call.method, call.path);
        let response = self.exchange(call)?;
        self.accept(&label, response)
    }

    /// Sends to a path from the root; returns the answer, whatever its status.
    pub(crate) fn exchange(&self, call: Call<'_>) -> Result<Response<Body>> {
        let mut builder = ureq::http::Request::builder()
            .method(call.method)
            .uri(format!(
                "{}{}{}",
                self.base,
                call.path,
                query_text(&call.query)
            ))
            .header("accept", call.accept);
        if let Some(authorization) = &self.authorization {
            builder = builder.header("authorization", authorization);
        }
        for (name, value) in &call.headers {
            builder = builder.header(*name, value);
        }
        match call.payload {
            Payload::None if call.method == "GET" || call.method == "DELETE" => {
                self.run(builder, SendBody::none())
            }
            Payload::None => self.run(builder.header("content-length", "0"), SendBody::none()),
            Payload::Json(bytes) => self.run_sized(
                builder,
                "application/json",
                &mut bytes.as_slice(),
                bytes.len() as u64,
            ),
            Payload::Bytes(mut bytes) => {
                let size = bytes.len() as u64;
                self.run_sized(builder, "application/octet-stream", &mut bytes, size)
            }
            Payload::Typed(mut bytes, content_type) => {
                let size = bytes.len() as u64;
                self.run_sized(builder, content_type, &mut bytes, size)
            }
            Payload::Stream(reader, size) => {
                self.run_sized(builder, "application/octet-stream", reader, size)
            }
        }
    }

    fn run_sized(
        &self,
        builder: ureq::http::request::Builder,
        content_type: &str,
        reader: &mut dyn Read,
        size: u64,
    ) -> Result<Response<Body>> {
        let builder = builder
            .header("content-type", content_type)
            .header("content-length", size.to_string());
        self.run(builder, SendBody::from_reader(reader))
    }

    fn run(
        &self,
        builder: ureq::http::request::Builder,
        body: SendBody<'_>,
    ) -> Result<Response<Body>> {
        let request = builder
            .body(body)
            .map_err(|error| ClientError::from_transport(&self.base, &error.into()))?;
        self.agent
            .run(request)
            .map_err(|error| ClientError::from_transport(&self.base, &error))
    }

    fn accept(&self, label: &str, mut response: Response<Body>) -> Result<Response<Body>> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let mut body = Vec::new();
        // A body that breaks off still leaves the status, which matters more.
        let _ = response
            .body_mut()
            .as_reader()
            .take(PROBLEM_MAX_BYTES)
            .read_to_end(&mut body);
        Err(ClientError::from_answer(label, status.as_u16(), &body))
    }

    /// Sends and reads a JSON answer.
    pub(crate) fn fetch<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T> {
        let label = format!("{} {API}{}", call.method, call.path);
        let mut response = self.send(call)?;
        let body = response
            .body_mut()
            .with_config()
            .limit(ANSWER_MAX_BYTES)
            .read_to_vec()
            .map_err(|error| ClientError::from_transport(&self.base, &error))?;
        serde_json::from_slice(&body).map_err(|error| {
            ClientError::new(
                ClientErrorKind::Protocol,
                "unexpected answer",
                format!("{label}: the answer does not have the promised shape ({error}); client and hub may differ in version"),
            )
        })
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, path: String) -> Result<T> {
        self.fetch(Call::new("GET", path))
    }

    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: String,
        body: &impl Serialize,
    ) -> Result<T> {
        self.fetch(Call::new("POST", path).json(body)?)
    }
}

fn is_loopback(authority: &str) -> bool {
    let authority = authority.split('/').next().unwrap_or(authority);
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => authority.split(':').next().unwrap_or(authority),
    };
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Joins path segments, each encoded whole, so that no segment can add another.
pub(crate) fn path(segments: &[&str]) -> String {
    let mut text = String::new();
    for segment in segments {
        text.push('/');
        encode(segment, &mut text);
    }
    text
}

fn query_text(pairs: &[(&'static str, String)]) -> String {
    let mut text = String::new();
    for (index, (name, value)) in pairs.iter().enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        encode(value, &mut text);
    }
    text
}

/// Percent-encodes everything but unreserved characters (RFC 3986, 2.3).
fn encode(text: &str, into: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            into.push('%');
            into.push(char::from(HEX[usize::from(byte >> 4)]));
            into.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_cannot_escape_their_place() {
        assert_eq!(
            path(&["datasets", "a/../b c?#%"]),
            "/datasets/a%2F..%2Fb%20c%3F%23%25"
        );
        assert_eq!(
            query_text(&[("q", "a&b=ü".to_owned())]),
            "?q=a%26b%3D%C3%BC"
        );
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["localhost", "127.0.0.1:7070", "[::1]:80", "127.3.0.1/x"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["127.0.0.1.evil.example", "localhost.example:1", "10.0.0.1"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn urls_of_other_schemes_are_refused() {
        for url in ["", "ftp://x", "http://", "file:///etc", "127.0.0.1:80"] {
            let error = Client::new(url, None).expect_err(url);
            assert_eq!(error.kind, ClientErrorKind::Url);
        }
    }
}
