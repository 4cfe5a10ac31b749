//! What only a bucket can do wrong.

use bytes::Bytes;
use mlhub_core::ErrorKind;
use mlhub_store::{S3BlobStore, S3Config};
use object_store::aws::AmazonS3Builder;
use object_store::multipart::MultipartStore;

use super::bed::{Bed, hash, noise};
use super::s3_server::{SECRET, Server};

/// What a log would show of an error: itself and all causes.
fn told(error: &mlhub_core::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    format!("{error} {error:?} {}", causes.join(" "))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_or_bucket_shows_at_the_start_and_no_secret_does() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = |change: fn(&mut S3Config)| {
        let mut config = server.config();
        change(&mut config);
        config
    };
    for config in [
        wrong(|config| config.secret_access_key = "a-wrong-secret".to_owned()),
        wrong(|config| config.access_key_id = "a-wrong-secret".to_owned()),
        wrong(|config| config.bucket = "no-such-bucket".to_owned()),
    ] {
        let error = S3BlobStore::open(config, folder.path()).await;
        let error = error.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let told = told(&error);
        assert!(
            !told.contains(SECRET) && !told.contains("a-wrong-secret"),
            "{told}"
        );
    }
    S3BlobStore::open(server.config(), folder.path())
        .await
        .expect("the right ones");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_cannot_send_the_hub_elsewhere() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let elsewhere = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let elsewhere = elsewhere.expect("a port");
    let target = elsewhere.local_addr().expect("bound");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let mut config = Server::start().await.config();
    config.endpoint = Some(format!("http://{}", listener.local_addr().expect("bound")));
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let answer = format!(
                "HTTP/1.1 307 Moved\r\nlocation: http://{target}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            // What the client does with it is what the test looks at.
            let _read = socket.read(&mut request).await;
            let _written = socket.write_all(answer.as_bytes()).await;
        }
    });
    let folder = tempfile::tempdir().expect("a folder");
    let opening = S3BlobStore::open(config, folder.path());
    tokio::select! {
        _ = elsewhere.accept() => panic!("the hub followed the redirect"),
        opened = opening => {
            let error = opened.expect_err("a redirect is no answer");
            assert_eq!(error.kind(), ErrorKind::Unavailable);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_lie_below_the_prefix_and_foreign_objects_are_passed_over() {
    let bed = Bed::s3().await;
    let store = bed.open().await;
    let bucket = bed.server.as_ref().expect("a server").bucket();
    let mut writer = store.create().await.expect("a writer");
    writer
        .write(Bytes::from_static(b"mine"))
        .await
        .expect("written");
    let info = writer.finish(None).await.expect("stored");
    let blobs = bucket.join("team/a/blobs");
    assert!(blobs.join(&info.hash).is_file());
    std::fs::write(blobs.join("README"), "foreign").expect("written");
    std::fs::create_dir(blobs.join("folder")).expect("made");
    std::fs::write(blobs.join("folder").join(&info.hash), "foreign").expect("written");
    let listed = store.list(None, 10).await.expect("listed");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].hash, info.hash);
}

/// Parts on the server and a note in the staging folder are what a process
/// leaves that is killed while it stores a large blob.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn multipart_uploads_of_a_killed_process_are_given_up() {
    let bed = Bed::s3().await;
    let server = bed.server.as_ref().expect("a server");
    drop(bed.open().await);
    let config = server.config();
    let client = AmazonS3Builder::new()
        .with_bucket_name(&config.bucket)
        .with_region(&config.region)
        .with_access_key_id(&config.access_key_id)
        .with_secret_access_key(&config.secret_access_key)
        .with_endpoint(&server.url)
        .with_allow_http(true)
        .build()
        .expect("a client");
    let hash = hash(b"never whole");
    let key = object_store::path::Path::from(format!("team/a/blobs/{hash}"));
    let upload = client.create_multipart(&key).await.expect("begun");
    let part = object_store::PutPayload::from(noise(6 * 1024 * 1024));
    client
        .put_part(&key, &upload, 0, part)
        .await
        .expect("a part");
    let note = serde_json::json!({"hash": hash, "upload": upload});
    let place = bed.folder.path().join("multipart/note.json");
    std::fs::write(place, note.to_string()).expect("written");
    assert!(leftovers(server, &upload) > 0, "the server holds the part");

    let store = bed.open().await;
    assert_eq!(bed.staged("multipart"), 0);
    assert_eq!(leftovers(server, &upload), 0);
    assert_eq!(store.stat(&hash).await.expect("stat"), None);
}

/// Files of a multipart upload on the server's disk.
fn leftovers(server: &Server, upload: &str) -> usize {
    let entries = std::fs::read_dir(server.folder.path()).expect("listed");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names
        .filter(|name| name.to_string_lossy().contains(upload))
        .count()
}
