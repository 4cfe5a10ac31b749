//! Host, Origin and the headers of every answer.

use axum::body::Body;
use axum::http::{HeaderName, Method, Request, header};

use crate::hub::{Answer, TestHub, encoded, request};

async fn with_hosts(hub: &TestHub, method: Method, path: &str, hosts: &[&str]) -> Answer {
    let mut builder = Request::builder().method(method).uri(path);
    for host in hosts {
        builder = builder.header(header::HOST, *host);
    }
    hub.send(builder.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_host_that_is_not_the_hubs_reaches_nothing() {
    let hub = TestHub::local();
    let table: [(&[&str], u16); 14] = [
        (&["127.0.0.1:7777"], 200),
        (&["LOCALHOST:7777"], 200),
        (&["[::1]:7777"], 200),
        (&[], 400),
        (&["127.0.0.1:7777", "127.0.0.1:7777"], 400),
        (&["127.0.0.1:7777", "evil.example"], 400),
        (&["evil.example"], 421),
        (&["evil.example:7777"], 421),
        (&["127.0.0.1.evil.example:7777"], 421),
        (&["localhost:7777.evil.example"], 421),
        (&["127.0.0.1:7778"], 421),
        (&["127.0.0.1"], 421),
        (&["localhost.:7777"], 421),
        (&["2130706433:7777"], 421),
    ];
    for (hosts, expected) in table {
        for path in ["/health", "/api/v1/info", "/"] {
            let answer = with_hosts(&hub, Method::GET, path, hosts).await;
            assert_eq!(answer.status, expected, "{path} as {hosts:?}");
        }
    }
    for method in [
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ] {
        let path = "/api/v1/runs/some-run";
        let answer = with_hosts(&hub, method.clone(), path, &["evil.example:7777"]).await;
        assert_eq!(answer.code(), 421, "{method}");
    }
    let events = with_hosts(&hub, Method::GET, "/api/v1/events", &["evil.example"]).await;
    assert_eq!(events.code(), 421);
}

async fn from_site(
    hub: &TestHub,
    (method, path): (Method, &str),
    (name, value): (&'static str, &str),
) -> u16 {
    let json = (method != Method::GET).then_some("application/json");
    let mut asked = request(method, path, json, Vec::new());
    asked
        .headers_mut()
        .insert(HeaderName::from_static(name), value.parse().unwrap());
    hub.open(asked).await.status().as_u16()
}

#[tokio::test]
async fn a_page_of_another_origin_can_write_nothing() {
    let hub = TestHub::local();
    hub.run("run-origin").await;
    let foreign = [
        "null",
        "https://evil.example",
        "http://evil.example:7777",
        "http://127.0.0.1:7777.evil.example",
        "http://127.0.0.1:77777",
        "http://evil.example/127.0.0.1:7777",
        "http://127.0.0.1",
        "http://localhost:7777",
        "file://127.0.0.1:7777",
    ];
    for origin in foreign {
        for route in [
            (Method::POST, "/api/v1/runs"),
            (Method::POST, "/api/v1/runs/run-origin/stop"),
            (Method::PATCH, "/api/v1/runs/run-origin"),
            (Method::DELETE, "/api/v1/runs/run-origin"),
            (
                Method::PUT,
                "/api/v1/runs/run-origin/artifacts/content?path=a&attempt=1",
            ),
            (Method::POST, "/"),
        ] {
            let place = format!("{route:?} from {origin}");
            let status = from_site(&hub, route, ("origin", origin)).await;
            assert_eq!(status, 403, "{place}");
        }
    }
    for own in [
        "http://127.0.0.1:7777",
        "https://127.0.0.1:7777",
        "HTTP://127.0.0.1:7777",
    ] {
        let route = (Method::POST, "/api/v1/runs/run-origin/stop");
        let status = from_site(&hub, route, ("origin", own)).await;
        assert!(status == 200 || status == 409, "{own}: {status}");
    }
}

#[tokio::test]
async fn what_a_browser_marks_as_cross_site_reaches_no_api() {
    let hub = TestHub::local();
    hub.run("run-site").await;
    for site in ["cross-site", "same-site", "something-new"] {
        for route in [
            (Method::GET, "/api/v1/runs"),
            (Method::GET, "/api/v1/events"),
            (Method::GET, "/api/v1/nothing"),
            (
                Method::GET,
                "/api/v1/runs/run-site/artifacts/content?path=a",
            ),
            (Method::DELETE, "/api/v1/runs/run-site"),
            (Method::POST, "/api/v1/series/query"),
        ] {
            let place = format!("{route:?} from {site}");
            let status = from_site(&hub, route, ("sec-fetch-site", site)).await;
            assert_eq!(status, 403, "{place}");
        }
        // A link on another site may lead to the page.
        let page = from_site(&hub, (Method::GET, "/"), ("sec-fetch-site", site)).await;
        assert_eq!(page, 200, "{site}");
    }
    for site in ["same-origin", "none"] {
        let route = (Method::GET, "/api/v1/runs");
        assert_eq!(from_site(&hub, route, ("sec-fetch-site", site)).await, 200);
    }
}

#[tokio::test]
async fn forms_and_plain_text_are_no_json() {
    let hub = TestHub::local();
    hub.run("run-form").await;
    let body = br#"{"runs": []}"#.to_vec();
    for content_type in [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "Text/Plain; charset=utf-8",
        "text/plain;application/json",
    ] {
        for path in [
            "/api/v1/compare",
            "/api/v1/runs/run-form/stop",
            "/api/v1/runs/run-form/evaluations",
            "/api/v1/runs/run-form/attempts/1/logs/stdout?offset=0",
        ] {
            let asked = request(Method::POST, path, Some(content_type), body.clone());
            assert_eq!(hub.send(asked).await.code(), 415, "{path} {content_type}");
        }
    }
    for content_type in [None, Some("text/json"), Some("application/octet-stream")] {
        let asked = request(Method::POST, "/api/v1/compare", content_type, body.clone());
        assert_eq!(hub.send(asked).await.code(), 415, "{content_type:?}");
    }
    assert_eq!(
        hub.get("/api/v1/runs/run-form").await.json()["state"],
        "queued",
        "no form has stopped the run"
    );
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let hub = TestHub::local();
    hub.run("run-head").await;
    let answers = [
        hub.get("/").await,
        hub.get("/health").await,
        hub.get("/api/v1/info").await,
        hub.get("/api/v1/nothing").await,
        hub.get("/api/v1/runs/../x").await,
        hub.get("/api/v1/runs/unknown-run").await,
        hub.raw("/api/v1/compare", "{").await,
        hub.raw("/api/v1/info", "").await,
        hub.bytes(Method::POST, "/api/v1/compare", b"").await,
        with_hosts(&hub, Method::GET, "/", &["evil.example"]).await,
        with_hosts(&hub, Method::GET, "/", &[]).await,
    ];
    for answer in answers {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{answer:?}");
        }
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'self'"), "{answer:?}");
        assert!(policy.contains("frame-ancestors 'none'"), "{answer:?}");
        assert!(!policy.contains("unsafe"), "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn user_content_is_inert_whatever_it_claims_to_be() {
    let hub = TestHub::local();
    let run = hub.running("run-inert").await;
    for (path, content) in [
        ("x.svg", "<svg onload=alert(1)>"),
        ("x.html", "<script>alert(1)</script>"),
        ("x.xhtml", "<html/>"),
        ("x.js", "alert(1)"),
        ("x.pdf", "%PDF-1.7"),
        ("polyglot.gif", "GIF89a/*<script>*/=1;alert(1)"),
        ("noextension", "<!doctype html><script>alert(1)</script>"),
        ("MLmodel", "a: &a [*a, *a]\nb: <script>"),
        ("table.csv", "=HYPERLINK(\"http://evil.example\")"),
        ("\u{202e}gpj.exe", "bidi"),
        ("q\"; filename=\"x.html", "header"),
        ("a\u{1f600}b", "emoji"),
    ] {
        let place = format!("path={}", encoded(path));
        let stored = hub.upload(&run, &place, content.as_bytes()).await;
        assert_eq!(stored.code(), 200, "{path}: {stored:?}");
        let url = format!("/api/v1/runs/{run}/artifacts/content?{place}");
        let answer = hub.get(&url).await;
        assert_eq!(answer.body, content.as_bytes(), "{path}");
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(
            answer.header("content-security-policy"),
            "sandbox; default-src 'none'"
        );
        let disposition = answer.header("content-disposition");
        let name = disposition
            .strip_prefix("attachment; filename*=UTF-8''")
            .expect("an attachment under an encoded name");
        assert!(
            name.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"%.-_".contains(&byte)),
            "{disposition}"
        );
    }
}

#[tokio::test]
async fn a_html_content_type_on_upload_is_refused() {
    let hub = TestHub::local();
    let run = hub.running("run-type").await;
    let path = format!("/api/v1/runs/{run}/artifacts/content?attempt=1&path=x");
    let asked = request(Method::PUT, &path, Some("text/html"), b"<script>".to_vec());
    assert_eq!(hub.send(asked).await.code(), 415);
}
