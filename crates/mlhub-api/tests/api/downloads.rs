//! Downloads: ranges, tags, and content that is not what it was.

use std::path::PathBuf;

use axum::http::{HeaderName, Method, header};
use http_body_util::BodyExt;

use crate::hub::{Answer, TestHub, request};

/// Bytes that look alike nowhere.
fn noise(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

async fn with_content(content: &[u8]) -> (TestHub, String) {
    let hub = TestHub::local();
    let run = hub.running("run-down").await;
    assert_eq!(hub.upload(&run, "path=m", content).await.code(), 200);
    let url = format!("/api/v1/runs/{run}/artifacts/content?path=m");
    (hub, url)
}

async fn ask(hub: &TestHub, url: &str, headers: &[(HeaderName, &str)]) -> Answer {
    let mut asked = request(Method::GET, url, None, Vec::new());
    for (name, value) in headers {
        asked.headers_mut().insert(name, value.parse().unwrap());
    }
    hub.send(asked).await
}

fn blob(hub: &TestHub, content: &[u8]) -> PathBuf {
    let hash = blake3::hash(content).to_hex().to_string();
    let blobs = hub.folder.path().join("hub/blobs");
    blobs.join(&hash[..2]).join(&hash[2..4]).join(&hash)
}

fn flip(file: &PathBuf, offset: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[offset] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

#[tokio::test]
async fn ranges_and_tags_are_answered_by_the_standard() {
    let content = noise(3_000_000);
    let (hub, url) = with_content(&content).await;
    let tag = format!("\"{}\"", blake3::hash(&content).to_hex());
    let whole = hub.get(&url).await;
    assert_eq!((whole.code(), whole.header("etag")), (200, tag.as_str()));
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.body, content);
    let part = ask(&hub, &url, &[(header::RANGE, "bytes=1000000-2500000")]).await;
    assert_eq!(part.code(), 206);
    assert_eq!(
        part.header("content-range"),
        "bytes 1000000-2500000/3000000"
    );
    assert_eq!(part.header("content-length"), "1500001");
    assert_eq!(
        part.header("content-security-policy"),
        "sandbox; default-src 'none'"
    );
    assert_eq!(part.body, &content[1_000_000..=2_500_000]);
    let tail = ask(&hub, &url, &[(header::RANGE, "bytes=-5")]).await;
    assert_eq!(tail.body, &content[2_999_995..]);
    let outside = ask(&hub, &url, &[(header::RANGE, "bytes=3000000-")]).await;
    assert_eq!(outside.code(), 416);
    assert_eq!(outside.header("content-range"), "bytes */3000000");
    let known = ask(&hub, &url, &[(header::IF_NONE_MATCH, &tag)]).await;
    assert_eq!((known.status.as_u16(), known.body.len()), (304, 0));
    let other = "\"other\"";
    for (if_range, code) in [(tag.as_str(), 206), (other, 200)] {
        let headers = [(header::RANGE, "bytes=0-9"), (header::IF_RANGE, if_range)];
        assert_eq!(ask(&hub, &url, &headers).await.code(), code, "{if_range}");
    }
}

#[tokio::test]
async fn a_flipped_bit_is_told_and_never_served() {
    let small = b"a small content".to_vec();
    let (hub, url) = with_content(&small).await;
    let run = hub.running("run-other").await;
    assert_eq!(hub.upload(&run, "path=fine", b"fine").await.code(), 200);
    flip(&blob(&hub, &small), 3);
    for headers in [&[][..], &[(header::RANGE, "bytes=8-9")]] {
        let told = ask(&hub, &url, headers).await;
        assert_eq!(told.code(), 500);
        let detail = told.json()["detail"].to_string();
        assert!(
            detail.contains("`m`") && detail.contains("run-down"),
            "{detail}"
        );
    }
    let fine = hub
        .get("/api/v1/runs/run-other/artifacts/content?path=fine")
        .await;
    assert_eq!(fine.body, "fine");
    // Storing it again heals it.
    assert_eq!(hub.upload("run-down", "path=m", &small).await.code(), 200);
    assert_eq!(hub.get(&url).await.body, small);
    std::fs::remove_file(blob(&hub, &small)).unwrap();
    let gone = hub.get(&url).await;
    assert_eq!(gone.code(), 500);
    assert!(
        gone.json()["detail"]
            .as_str()
            .unwrap()
            .contains("not in the blob store")
    );
}

#[tokio::test]
async fn a_large_damaged_content_breaks_off_before_its_end() {
    let content = noise(5_000_000);
    let (hub, url) = with_content(&content).await;
    flip(&blob(&hub, &content), 10);
    let answer = hub.open(request(Method::GET, &url, None, Vec::new())).await;
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    let mut received = 0;
    let error = loop {
        match body.frame().await {
            Some(Ok(frame)) => received += frame.data_ref().map_or(0, |data| data.len()),
            Some(Err(error)) => break error,
            None => panic!("the end came after {received} bytes"),
        }
    };
    assert!(received < content.len(), "{error}");
    let range = ask(&hub, &url, &[(header::RANGE, "bytes=4000000-")]).await;
    assert_eq!(range.code(), 500, "a range of it is refused whole");
    let file = blob(&hub, &content);
    std::fs::write(&file, &content[..4_999_999]).unwrap();
    let short = ask(&hub, &url, &[(header::RANGE, "bytes=0-9")]).await;
    assert!(short.json()["detail"].as_str().unwrap().contains("shorter"));
}
