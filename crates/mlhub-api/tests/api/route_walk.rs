//! Every route of the table with every method and every kind of caller.

use axum::http::{Method, Request, header};
use mlhub_api::{RouteEntry, route_table};
use mlhub_core::Permission;

use crate::hub::{READER, TestHub, WRITER, request};

const METHODS: [Method; 5] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

fn concrete(path: &str) -> String {
    path.replace("{run}", "run1")
        .replace("{number}", "1")
        .replace("{stream}", "stdout")
        .replace("{id}", "eval1")
        .replace("{name}", "data")
        .replace("{version}", "1")
}

fn asking(method: &Method, path: &str, token: Option<&str>) -> Request<axum::body::Body> {
    let json = (*method != Method::GET).then_some("application/json");
    let mut request = request(method.clone(), &concrete(path), json, Vec::new());
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    request
}

fn declared<'a>(table: &'a [RouteEntry], method: &Method, path: &str) -> Option<&'a RouteEntry> {
    table
        .iter()
        .find(|entry| entry.method == method.as_str() && entry.path == path)
}

#[tokio::test]
async fn every_route_and_method_answers_every_caller_as_declared() {
    let hub = TestHub::with_tokens();
    let table = route_table(&hub.state);
    assert!(table.len() > 30, "the table is complete");
    for entry in &table {
        for method in METHODS {
            let place = format!("{method} {}", entry.path);
            let nobody = hub.open(asking(&method, entry.path, None)).await.status();
            let stranger = hub
                .open(asking(&method, entry.path, Some("unknown")))
                .await
                .status();
            let reader = hub
                .open(asking(&method, entry.path, Some(READER)))
                .await
                .status();
            let writer = hub
                .open(asking(&method, entry.path, Some(WRITER)))
                .await
                .status();
            let Some(entry) = declared(&table, &method, entry.path) else {
                let answer = hub.send(asking(&method, entry.path, None)).await;
                assert_eq!(answer.code(), 405, "{place}");
                assert_eq!(writer, 405, "{place}");
                continue;
            };
            if entry.permission == Permission::Public {
                assert_eq!(nobody, 200, "{place}");
                continue;
            }
            assert_eq!((nobody.as_u16(), stranger.as_u16()), (401, 401), "{place}");
            if entry.permission == Permission::Read {
                assert!(![401, 403].contains(&reader.as_u16()), "{place}: {reader}");
            } else {
                assert_eq!(reader, 403, "{place}");
            }
            if entry.permission == Permission::Admin {
                assert_eq!(writer, 403, "{place}");
                continue;
            }
            assert!(![401, 403].contains(&writer.as_u16()), "{place}: {writer}");
            assert!(!writer.is_server_error(), "{place}: {writer}");
        }
    }
}

#[tokio::test]
async fn only_liveness_is_public_and_only_queries_are_read_by_post() {
    let hub = TestHub::with_tokens();
    for entry in route_table(&hub.state) {
        let public = entry.permission == Permission::Public;
        assert_eq!(public, entry.path == "/health", "{entry:?}");
        let query = [
            "/api/v1/series/query",
            "/api/v1/runs/search",
            "/api/v1/series/history",
            "/api/v1/compare",
            "/api/v1/pairs",
            "/api/v1/gate",
        ]
        .contains(&entry.path);
        if entry.method != "GET" && !query {
            let admin = entry.path.starts_with("/api/v1/retention")
                || [
                    "/api/v1/doctor",
                    "/api/v1/import",
                    "/api/v1/backup",
                    "/api/v1/datasets/{name}/versions/{version}",
                    "/api/v1/registry/models/{model}/protections/{target}",
                ]
                .contains(&entry.path);
            let needed = if admin {
                Permission::Admin
            } else {
                Permission::Write
            };
            assert_eq!(entry.permission, needed, "{entry:?}");
        }
    }
}

#[tokio::test]
async fn a_refused_caller_gets_a_problem_that_says_what_is_needed() {
    let hub = TestHub::with_tokens();
    let nobody = hub.get("/api/v1/runs").await;
    assert_eq!(nobody.code(), 401);
    assert!(nobody.json()["detail"].as_str().unwrap().contains("Bearer"));
    let reader = asking(&Method::POST, "/api/v1/runs", Some(READER));
    let reader = hub.send(reader).await;
    assert_eq!(reader.code(), 403);
    assert!(reader.json()["detail"].as_str().unwrap().contains("Writer"));
}

#[tokio::test]
async fn a_token_counts_in_the_authorization_header_only() {
    let hub = TestHub::with_tokens();
    for query in ["token", "access_token", "api_key", "authorization"] {
        let path = format!("/api/v1/info?{query}={WRITER}");
        assert_eq!(hub.get(&path).await.code(), 401, "{query}");
    }
    for scheme in ["Basic ", "bearer", ""] {
        let mut asked = asking(&Method::GET, "/api/v1/info", None);
        let value = format!("{scheme}{WRITER}").parse().unwrap();
        asked.headers_mut().insert(header::AUTHORIZATION, value);
        assert_eq!(hub.send(asked).await.code(), 401, "{scheme:?}");
    }
    let long = "x".repeat(1_000_000);
    let answer = hub.send(asking(&Method::GET, "/api/v1/info", Some(&long)));
    assert_eq!(answer.await.code(), 401);
}

#[tokio::test]
async fn the_page_needs_no_token_and_unknown_api_paths_are_problems() {
    let hub = TestHub::with_tokens();
    for path in ["/", "/index.html", "/runs/some-run", "/apiary"] {
        let page = hub.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    }
    for path in ["/api", "/api/", "/api/v1", "/api/v2/runs", "/api/v1/runs/"] {
        assert_eq!(hub.get(path).await.code(), 404, "{path}");
    }
    for method in [Method::POST, Method::DELETE] {
        let answer = hub.send(asking(&method, "/runs/some-run", None)).await;
        assert_eq!(answer.code(), 405, "{method}");
    }
}
