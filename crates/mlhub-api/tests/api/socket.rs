//! What only a real socket shows: lengths that lie, headers that never end.

use mlhub_api::{HostPolicy, ServeOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::hub::TestHub;

/// A hub on a free port; it ends with the guard.
pub(crate) struct Served {
    pub(crate) hub: TestHub,
    pub(crate) port: u16,
    stop: Option<oneshot::Sender<()>>,
    server: tokio::task::JoinHandle<()>,
}

impl Served {
    pub(crate) async fn start() -> Self {
        let mut hub = TestHub::local();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut state = hub.state.clone();
        state.hosts = std::sync::Arc::new(HostPolicy::new(port, &[]));
        let (stop, stopped) = oneshot::channel::<()>();
        let served = mlhub_api::router(state);
        let server = tokio::spawn(mlhub_api::serve(
            ServeOptions { listener },
            served.clone(),
            async move {
                stopped.await.ok();
            },
        ));
        hub.running("run-socket").await;
        hub.router = served;
        Self {
            hub,
            port,
            stop: Some(stop),
            server,
        }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// Sends bytes, ends the sending side, and reads until the hub closes.
    pub(crate) async fn talk(&self, text: &str) -> String {
        let mut stream = self.say(text).await;
        stream.shutdown().await.ok();
        read_all(&mut stream).await
    }

    /// Sends a request that asks the hub to close, and reads until it does.
    pub(crate) async fn ask(&self, text: &str) -> String {
        read_all(&mut self.say(text).await).await
    }

    pub(crate) async fn say(&self, text: &str) -> TcpStream {
        let mut stream = self.connect().await;
        let text = text.replace("HOST", &format!("127.0.0.1:{}", self.port));
        // The hub may hang up on what is too long before it was all sent.
        stream.write_all(text.as_bytes()).await.ok();
        stream
    }

    pub(crate) async fn artifacts(&self) -> usize {
        let caller = mlhub_core::Caller::local("ann");
        let list = self.hub.hub.artifact_list(&caller, "run-socket").await;
        list.unwrap().len()
    }
}

/// All that arrives until the other side closes, or resets the connection.
pub(crate) async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return String::from_utf8_lossy(&bytes).into_owned(),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

fn put(headers: &str, body: &str) -> String {
    format!(
        "PUT /api/v1/runs/run-socket/artifacts/content?path=a&attempt=1 HTTP/1.1\r\nHost: HOST\r\n\
         Content-Type: application/octet-stream\r\n{headers}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn a_body_shorter_than_announced_stores_nothing() {
    let served = Served::start().await;
    let answer = served.talk(&put("Content-Length: 10", "short")).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
        "{answer}"
    );
    assert_eq!(served.artifacts().await, 0);
}

#[tokio::test]
async fn bytes_beyond_the_announced_length_are_not_part_of_the_body() {
    let served = Served::start().await;
    let headers = "Content-Length: 3\r\nConnection: close";
    let answer = served.ask(&put(headers, "abcdefgh\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"size_bytes\":3"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
}

#[tokio::test]
async fn lengths_that_contradict_are_refused() {
    let served = Served::start().await;
    for headers in [
        "Content-Length: 3\r\nContent-Length: 5",
        "Content-Length: 3, 5",
        "Content-Length: -1",
        "Content-Length: +3",
        "Content-Length: 99999999999999999999",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked, gzip",
    ] {
        let answer = served.talk(&put(headers, "abcde")).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{headers}: {answer}");
    }
    for body in [
        "zz\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcdef",
        "ffffffffffffffffff\r\nabc",
    ] {
        let answer = served.talk(&put("Transfer-Encoding: chunked", body)).await;
        assert!(!answer.starts_with("HTTP/1.1 2"), "{body:?}: {answer}");
    }
    assert_eq!(served.artifacts().await, 0);
}

/// Both ways of saying where a body ends, in one request, are how requests are
/// smuggled past a proxy. The HTTP library drops the length, as RFC 9112 section
/// 6.3 allows: then the chunks alone must count, and nothing else be answered.
#[tokio::test]
async fn a_length_beside_chunks_is_refused_or_does_not_count() {
    let served = Served::start().await;
    for headers in [
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
    ] {
        let body = "5\r\nabcde\r\n0\r\n\r\n";
        let headers = format!("{headers}\r\nConnection: close");
        let answer = served.ask(&put(&headers, body)).await;
        let refused = answer.starts_with("HTTP/1.1 400");
        let by_chunks = answer.contains("\"size_bytes\":5");
        assert!(refused || by_chunks, "{headers}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_missing_or_doubled_host_and_endless_names_are_refused() {
    let served = Served::start().await;
    for (request, expected) in [
        ("GET /health HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("GET /health HTTP/1.0\r\n\r\n".to_owned(), "400"),
        (
            "GET /health HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_owned(),
            "421",
        ),
        (
            "GET http://evil.example/health HTTP/1.1\r\nHost: HOST\r\n\r\n".to_owned(),
            "421",
        ),
        (
            "GET /health HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n".to_owned(),
            "200",
        ),
        (
            format!(
                "GET /api/v1/runs?q={} HTTP/1.1\r\nHost: HOST\r\n\r\n",
                "a".repeat(100_000)
            ),
            "not 200",
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nHost: HOST\r\nX: {}\r\n\r\n",
                "a".repeat(2_000_000)
            ),
            "not 200",
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nHost: HOST\r\n{}\r\n",
                "X: a\r\n".repeat(500)
            ),
            "not 200",
        ),
    ] {
        let shown = &request[..request.len().min(80)];
        let answer = if expected == "200" {
            served.ask(&request).await
        } else {
            served.talk(&request).await
        };
        let as_told = answer.starts_with(&format!("HTTP/1.1 {expected}"))
            || answer.starts_with(&format!("HTTP/1.0 {expected}"));
        // What is cut off while it is still being sent may see no answer at all.
        let refused = expected == "not 200" && !answer.contains(" 200 ");
        assert!(as_told || refused, "{shown}: {answer}");
    }
}

/// Time is the runtime's own and jumps when everybody waits, so the deadline
/// tested is the one that users have.
#[tokio::test(start_paused = true)]
async fn headers_that_never_end_are_cut_off() {
    let served = Served::start().await;
    for beginning in [
        "",
        "P",
        "PRI * HTTP/2.0\r\n",
        "GET /health HTTP/1.1\r\nHost: 127.0",
    ] {
        let started = tokio::time::Instant::now();
        let mut stream = served.connect().await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let answer = read_all(&mut stream).await;
        assert!(!answer.contains(" 200 "), "{beginning:?}: {answer}");
        let waited = started.elapsed().as_secs();
        assert!(waited <= 20, "{beginning:?} was held {waited} s");
    }
}

#[tokio::test]
async fn the_hub_stops_with_idle_connections_open() {
    let mut served = Served::start().await;
    let mut idle = served.connect().await;
    idle.write_all(b"GET /hea").await.unwrap();
    served.stop.take().unwrap().send(()).unwrap();
    served.server.await.unwrap();
}
