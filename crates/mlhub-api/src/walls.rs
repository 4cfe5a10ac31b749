//! The walls every request passes before its route is looked at: the Host it
//! names, the site it comes from, and the headers every answer carries.
//!
//! Host is compared exactly against an allow-list on every method, so a name
//! that is re-bound to the loopback address reaches nothing. A request that a
//! browser marks as coming from another site is refused on every API path,
//! event streams included.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt;

use crate::problem::respond;

/// Names under which the hub answers, with port, lower case.
#[derive(Debug, Clone)]
pub struct HostPolicy {
    allowed: Vec<String>,
}

impl HostPolicy {
    /// The loopback names on `port`, and `extra` names as they stand
    /// (`hub.example.org` or `hub.example.org:8443`).
    pub fn new(port: u16, extra: &[String]) -> Self {
        let mut allowed: Vec<String> = ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .map(|name| format!("{name}:{port}"))
            .collect();
        allowed.extend(extra.iter().map(|name| name.to_ascii_lowercase()));
        Self { allowed }
    }

    fn allows(&self, host: &str) -> bool {
        let mut allowed = self.allowed.iter();
        allowed.any(|name| name.eq_ignore_ascii_case(host))
    }
}

/// The page may load from its own origin only; nothing inline is executed.
const PAGE_POLICY: &str = "default-src 'self'; img-src 'self' data:; style-src 'self'; \
object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const FIXED_HEADERS: [(HeaderName, HeaderValue); 5] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Types of the bodies that HTML forms send.
const FORM_TYPES: [&[u8]; 3] = [
    b"application/x-www-form-urlencoded",
    b"multipart/form-data",
    b"text/plain",
];

/// The middleware around everything.
pub(crate) async fn guard(
    State(hosts): State<Arc<HostPolicy>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match refusal(&hosts, &request) {
        Some(response) => response,
        // What a handler shares survives a panic: locks are taken back from a
        // poisoned state, transactions end with their connection.
        None => AssertUnwindSafe(next.run(request))
            .catch_unwind()
            .await
            .unwrap_or_else(|_panic| panicked()),
    };
    let headers = response.headers_mut();
    headers.reserve(FIXED_HEADERS.len() + 1);
    for (name, value) in FIXED_HEADERS {
        headers.insert(name, value);
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(PAGE_POLICY),
        );
    }
    response
}

fn panicked() -> Response {
    tracing::error!("a request handler panicked");
    respond(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "Internal error",
        "the hub met a defect; see its log",
        None,
    )
}

fn refusal(hosts: &HostPolicy, request: &Request) -> Option<Response> {
    let headers = request.headers();
    let host = match host_of(headers) {
        Ok(host) => host,
        Err(detail) => {
            return Some(respond(
                StatusCode::BAD_REQUEST,
                "invalid",
                "Invalid request",
                detail,
                None,
            ));
        }
    };
    // A request line with a whole URL names the host once more.
    let named = request.uri().authority();
    let known = hosts.allows(host) && named.is_none_or(|named| hosts.allows(named.as_str()));
    if !known {
        return Some(respond(
            StatusCode::MISDIRECTED_REQUEST,
            "wrong_host",
            "Not this hub's name",
            "the hub does not answer under this Host; start it with `--allow-host NAME` if the name is right",
            None,
        ));
    }
    let path = request.uri().path();
    let api = path.starts_with("/api/") || path.starts_with("/ajax-api/");
    let write = !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if (api || write) && is_foreign(headers, host, write) {
        return Some(respond(
            StatusCode::FORBIDDEN,
            "foreign_origin",
            "Foreign origin",
            "the request comes from a page of another site",
            None,
        ));
    }
    // A page of another site can make a browser send no other write without asking.
    if *request.method() == Method::POST && is_form(headers) {
        return Some(respond(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Unsupported media type",
            "forms and plain text are not taken; send `Content-Type: application/json`, or `application/octet-stream` for bytes",
            None,
        ));
    }
    None
}

/// Whether the body has a type that a page may send anywhere without asking.
fn is_form(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONTENT_TYPE).iter().any(|given| {
        let kind = given.as_bytes().split(|byte| *byte == b';').next();
        let kind = kind.unwrap_or_default().trim_ascii();
        FORM_TYPES
            .iter()
            .any(|form| kind.eq_ignore_ascii_case(form))
    })
}

fn host_of(headers: &HeaderMap) -> Result<&str, &'static str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().map_err(|_| "the Host header is not ASCII"),
        (None, _) => Err("the Host header is missing"),
        (Some(_), Some(_)) => Err("there are several Host headers"),
    }
}

fn is_foreign(headers: &HeaderMap, host: &str, write: bool) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if !matches!(site, None | Some(b"same-origin" | b"none")) {
        return true;
    }
    match headers.get(header::ORIGIN) {
        None => false,
        Some(origin) => {
            let own = origin.to_str().is_ok_and(|origin| {
                origin.eq_ignore_ascii_case(&format!("http://{host}"))
                    || origin.eq_ignore_ascii_case(&format!("https://{host}"))
            });
            // `Origin: null` on a write is a sandboxed or redirected page.
            !own && (write || origin != "null")
        }
    }
}
