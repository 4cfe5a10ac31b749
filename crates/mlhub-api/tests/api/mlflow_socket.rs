//! Lengths that lie and bodies that never end, on routes of the MLflow face and a real socket.

use tokio::io::AsyncWriteExt;

use crate::socket::{Served, read_all};

const FILE: &str = "PUT /api/2.0/mlflow-artifacts/artifacts/0/run-socket/artifacts/a";
const PARAM: &str = "POST /api/2.0/mlflow/runs/log-parameter";
const BATCH: &str = "POST /api/2.0/mlflow/runs/log-batch";
const BODY: &str = "{\"run_id\": \"run-socket\", \"key\": \"k\", \"value\": \"v\"}";

fn asked(line: &str, headers: &str, body: &str) -> String {
    format!(
        "{line} HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\n{headers}\r\n\r\n{body}"
    )
}

/// Params of the run.
async fn params(served: &Served) -> usize {
    let caller = mlhub_core::Caller::local("ann");
    let id = "run-socket".parse().unwrap();
    let run = served.hub.hub.run_row(&caller, &id);
    run.await.unwrap().params.len()
}

async fn nothing_is_stored(served: &Served, what: &str) {
    assert_eq!(served.artifacts().await, 0, "{what}");
    assert_eq!(params(served).await, 0, "{what}");
}

#[tokio::test]
async fn the_same_calls_without_a_lie_are_answered() {
    let served = Served::start().await;
    for line in [FILE, PARAM, BATCH] {
        let headers = format!("Content-Length: {}\r\nConnection: close", BODY.len());
        let answer = served.ask(&asked(line, &headers, BODY)).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{line}: {answer}");
    }
    assert_eq!((served.artifacts().await, params(&served).await), (1, 1));
}

#[tokio::test]
async fn a_body_shorter_than_announced_stores_nothing() {
    let served = Served::start().await;
    for line in [FILE, PARAM, BATCH] {
        let headers = format!("Content-Length: {}", BODY.len() + 5);
        let answer = served.talk(&asked(line, &headers, BODY)).await;
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 400");
        assert!(refused, "{line}: {answer}");
        nothing_is_stored(&served, line).await;
    }
}

#[tokio::test]
async fn bytes_beyond_the_announced_length_are_not_part_of_the_body() {
    let served = Served::start().await;
    // Cut by its own length it is JSON no more.
    for line in [PARAM, BATCH] {
        let headers = format!("Content-Length: {}\r\nConnection: close", BODY.len() - 1);
        let answer = served.ask(&asked(line, &headers, BODY)).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{line}: {answer}");
        assert!(answer.contains("error_code"), "{line}: {answer}");
    }
    nothing_is_stored(&served, "cut").await;
    let headers = "Content-Length: 3\r\nConnection: close";
    let answer = served
        .ask(&asked(FILE, headers, "abcGET / HTTP/1.1\r\n\r\n"))
        .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    let caller = mlhub_core::Caller::local("ann");
    let all = served.hub.hub.artifact_list(&caller, "run-socket").await;
    assert_eq!(all.unwrap()[0].size_bytes, 3);
}

#[tokio::test]
async fn lengths_that_contradict_are_refused() {
    let served = Served::start().await;
    for line in [FILE, PARAM, BATCH] {
        let length = BODY.len();
        for headers in [
            format!("Content-Length: {length}\r\nContent-Length: 5"),
            format!("Content-Length: {length}, 5"),
            "Content-Length: -1".to_owned(),
            format!("Content-Length: +{length}"),
            "Content-Length: 99999999999999999999".to_owned(),
            "Transfer-Encoding: gzip".to_owned(),
            "Transfer-Encoding: chunked, gzip".to_owned(),
        ] {
            let answer = served.talk(&asked(line, &headers, BODY)).await;
            let what = format!("{line} {headers}: {answer}");
            assert!(answer.starts_with("HTTP/1.1 400"), "{what}");
            nothing_is_stored(&served, &what).await;
        }
        // Refused, or the chunks alone count and nothing else is answered.
        for headers in [
            "Content-Length: 3\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 3",
        ] {
            let headers = format!("{headers}\r\nConnection: close");
            let body = format!("{length:x}\r\n{BODY}\r\n0\r\n\r\n");
            let served = Served::start().await;
            let answer = served.ask(&asked(line, &headers, &body)).await;
            let whole = answer.starts_with("HTTP/1.1 200");
            let what = format!("{line} {headers}: {answer}");
            assert!(whole || answer.starts_with("HTTP/1.1 400"), "{what}");
            assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{what}");
            let caller = mlhub_core::Caller::local("ann");
            let all = served.hub.hub.artifact_list(&caller, "run-socket").await;
            for file in all.unwrap() {
                assert_eq!(file.size_bytes, length as u64, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn chunks_without_an_end_store_nothing() {
    let served = Served::start().await;
    let chunk = format!("{:x}\r\n{BODY}\r\n", BODY.len());
    for line in [FILE, PARAM, BATCH] {
        for body in [
            chunk.clone(),
            format!("{chunk}0\r\n"),
            format!("{chunk}5\r\nab"),
            format!("{chunk}zz\r\n"),
            format!("3\r\n{BODY}"),
            format!("ffffffffffffffffff\r\n{BODY}"),
        ] {
            let text = asked(line, "Transfer-Encoding: chunked", &body);
            let answer = served.talk(&text).await;
            assert!(
                !answer.starts_with("HTTP/1.1 2"),
                "{line} {body:?}: {answer}"
            );
            nothing_is_stored(&served, line).await;
        }
    }
}

/// Time is the runtime's own and jumps when everybody waits, so the deadline tested is the one
/// that users have.
#[tokio::test(start_paused = true)]
async fn chunks_that_never_end_are_given_up() {
    let served = Served::start().await;
    for line in [FILE, PARAM, BATCH] {
        let mut stream = served.connect().await;
        let text = asked(line, "Transfer-Encoding: chunked", "1\r\n{\r\n");
        let text = text.replace("HOST", &format!("127.0.0.1:{}", served.port));
        stream.write_all(text.as_bytes()).await.unwrap();
        let answer = read_all(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{line}: {answer}");
        nothing_is_stored(&served, line).await;
    }
}
