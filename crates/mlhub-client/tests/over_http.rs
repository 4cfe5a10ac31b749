//! The client against real sockets: what goes over the wire, and what comes of
//! answers good and bad.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::Duration;

use mlhub_client::{Client, ClientErrorKind, ClientOptions, LogRange, RunListQuery, ServerEvent};

/// Answers one request with `answer`; gives the request's head and body.
fn serve(answer: &'static [u8]) -> (String, JoinHandle<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a connection");
        let mut reader = BufReader::new(&stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).expect("readable") > 0);
        }
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.parse().expect("a number"));
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("the whole body");
        (&stream).write_all(answer).expect("answered");
        (head, body)
    });
    (url, thread)
}

#[test]
fn nobody_there_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let error = Client::new(&url, None)
        .expect("a URL")
        .info()
        .expect_err("nobody");
    assert!(error.is_refused() && error.is_retryable(), "{error:?}");
    assert!(error.to_string().contains(&url));
}

#[test]
fn a_silent_hub_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let options = ClientOptions {
        idle_timeout: Duration::from_millis(50),
        ..ClientOptions::default()
    };
    let client = Client::with_options(&url, None, &options).expect("a URL");
    let error = client.run_get("run-1").expect_err("silence");
    assert_eq!(error.kind, ClientErrorKind::Timeout);
    drop(listener);
}

#[test]
fn a_problem_is_an_error_with_all_its_parts_but_no_token() {
    let (url, thread) = serve(
        b"HTTP/1.1 404 Not Found\r\ncontent-type: application/problem+json\r\ncontent-length: 89\r\n\r\n{\"type\":\"about:blank#not_found\",\"title\":\"Not found\",\"status\":404,\"detail\":\"no run `x/y`\"}",
    );
    let client = Client::new(&url, Some("top-secret")).expect("a URL");
    let error = client.run_get("x/y").expect_err("a problem");
    let (head, _) = thread.join().expect("served");
    assert!(
        head.starts_with("GET /api/v1/runs/x%2Fy HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.to_lowercase()
            .contains("authorization: bearer top-secret")
    );
    assert!(error.is_not_found());
    assert_eq!(error.problem.as_deref(), Some("not_found"));
    assert_eq!(error.detail, "no run `x/y`");
    assert!(!format!("{error:?}").contains("top-secret"));
}

#[test]
fn queries_are_encoded_and_absent_parts_left_out() {
    let (url, thread) = serve(
        b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n{\"runs\":[],\"next_cursor\":null,\"total\":0} ",
    );
    let query = RunListQuery {
        project: Some("a b&c".to_owned()),
        limit: Some(5),
        ..RunListQuery::default()
    };
    let page = Client::new(&url, None)
        .expect("a URL")
        .run_list(&query)
        .expect("a page");
    assert_eq!(page.total, 0);
    let (head, _) = thread.join().expect("served");
    assert!(
        head.starts_with("GET /api/v1/runs?project=a%20b%26c&limit=5 "),
        "{head}"
    );
}

#[test]
fn uploads_state_their_length_and_stream() {
    let (url, thread) = serve(
        b"HTTP/1.1 200 OK\r\ncontent-length: 93\r\n\r\n{\"path\":\"a\",\"hash\":\"h\",\"size_bytes\":3000000,\"kind\":\"artifact\",\"attempt\":1,\"created_at\":0}      ",
    );
    let content: Vec<u8> = (0..3_000_000u32).map(|i| i.to_le_bytes()[0]).collect();
    let view = Client::new(&url, None)
        .expect("a URL")
        .artifact_upload(
            "r-1",
            1,
            "a b/c",
            "artifact",
            "h",
            &mut content.as_slice(),
            3_000_000,
        )
        .expect("stored");
    assert_eq!(view.size_bytes, 3_000_000);
    let (head, body) = thread.join().expect("served");
    assert!(
        head.starts_with(
            "PUT /api/v1/runs/r-1/artifacts/content?path=a%20b%2Fc&attempt=1&kind=artifact&hash=h "
        ),
        "{head}"
    );
    assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
    assert!(body == content, "the body differs");
}

#[test]
fn downloads_are_byte_exact() {
    let (url, thread) = serve(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n\x00\xff\r\n\x1f");
    let mut bytes = Vec::new();
    Client::new(&url, None)
        .expect("a URL")
        .artifact_download("r-1", "m.bin")
        .expect("there")
        .read_to_end(&mut bytes)
        .expect("readable");
    assert_eq!(bytes, b"\x00\xff\r\n\x1f");
    thread.join().expect("served");
}

#[test]
fn a_log_piece_knows_where_it_is() {
    let (url, thread) = serve(
        b"HTTP/1.1 200 OK\r\nmlhub-log-offset: 7\r\nmlhub-log-size: 9\r\ncontent-length: 2\r\n\r\n\xffb",
    );
    let range = LogRange {
        tail: Some(2),
        ..LogRange::default()
    };
    let piece = Client::new(&url, None)
        .expect("a URL")
        .log_read("r-1", "stderr", &range)
        .expect("there");
    assert_eq!(
        (piece.offset, piece.size, piece.bytes.as_slice()),
        (7, 9, b"\xffb".as_slice())
    );
    let (head, _) = thread.join().expect("served");
    assert!(
        head.starts_with("GET /api/v1/runs/r-1/logs/stderr?tail=2 "),
        "{head}"
    );
}

#[test]
fn the_live_stream_is_read_as_it_comes_and_ends() {
    let (url, thread) = serve(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\nevent: hello\ndata: {}\n\nid: 3\nevent: run\ndata: {\"run\":\"r\",\"project\":\"p\",\"state\":\"running\",\"changed\":[\"metrics\"]}\n\n",
    );
    let mut events = Client::new(&url, None)
        .expect("a URL")
        .events(Some("r"), Some("2"))
        .expect("open");
    assert_eq!(events.next(), Some(Ok(ServerEvent::Hello)));
    assert!(matches!(events.next(), Some(Ok(ServerEvent::Run(changed))) if changed.run == "r"));
    assert_eq!(events.last_id(), Some("3"));
    let (head, _) = thread.join().expect("served");
    assert!(head.to_lowercase().contains("last-event-id: 2"), "{head}");
    assert!(events.next().is_none());
}

#[test]
fn an_answer_of_another_shape_is_not_taken_for_one() {
    let (url, thread) = serve(b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n<html></html>");
    let error = Client::new(&url, None)
        .expect("a URL")
        .info()
        .expect_err("not a hub");
    assert_eq!(error.kind, ClientErrorKind::Protocol);
    thread.join().expect("served");
}

#[test]
fn a_call_without_a_body_says_so() {
    let (url, thread) = serve(b"HTTP/1.1 204 No Content\r\n\r\n");
    let client = Client::new(&url, None).expect("a URL");
    let error = client
        .run_stop("r-1")
        .expect_err("no summary in the answer");
    assert_eq!(error.kind, ClientErrorKind::Protocol);
    let (head, body) = thread.join().expect("served");
    assert!(head.starts_with("POST /api/v1/runs/r-1/stop "), "{head}");
    assert!(
        head.to_lowercase().contains("content-length: 0\r\n"),
        "{head}"
    );
    assert!(body.is_empty());
}
