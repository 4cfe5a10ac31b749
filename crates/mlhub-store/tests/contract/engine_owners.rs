//! Owners of a PostgreSQL database: connections that are killed, hubs that take over.

use std::path::PathBuf;

use mlhub_core::ErrorKind;
use mlhub_core::store::{IngestOutcome, RunStore, SeriesStore};
use mlhub_store::PostgresStore;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use super::engine::{Bits, stored};
use super::make::{batch, bits, id, point, run};
use super::postgres::Server;
use super::upgrade_data::first_schema;

/// The name of a server's socket in its folder.
const SOCKET: &str = ".s.PGSQL.5432";

async fn admin(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("connect");
    tokio::spawn(connection);
    client
}

/// All connections of the hub are killed, again and again, while it ingests:
/// the sender sends again what was not acknowledged, and each point is there once.
pub(crate) async fn a_killed_connection_loses_and_doubles_nothing(url: &str) {
    const KILLS: usize = 5;
    const BATCHES: u64 = 200;
    let store = PostgresStore::connect(url).await.expect("connect");
    store.run_create(&[run("aaaa")]).await.expect("made");
    let admin = admin(url).await;
    let killer = async {
        for _ in 0..KILLS {
            let before = store
                .offsets(&id("aaaa"), 1)
                .await
                .map(|all| all.into_values().sum::<u64>());
            admin
                .batch_execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid()",
                )
                .await
                .expect("kill");
            // The next kill comes when some batches got through.
            let before = before.unwrap_or(0);
            loop {
                let now = store
                    .offsets(&id("aaaa"), 1)
                    .await
                    .map(|all| all.into_values().sum::<u64>());
                if now.is_ok_and(|now| now > before + 10 || now == BATCHES) {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
    };
    let mut failures = 0;
    let sender = async {
        for index in 0..BATCHES {
            let events = batch(
                "aaaa",
                index,
                index + 1,
                "loss",
                &[point(index as i64, 1.0)],
            );
            loop {
                match store.ingest(events.clone()).await {
                    Ok(IngestOutcome::Stored { .. } | IngestOutcome::Duplicate) => break,
                    Ok(outcome) => panic!("{outcome:?}"),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                        failures += 1;
                    }
                }
            }
        }
    };
    futures::future::join(killer, sender).await;
    assert!(failures > 0, "no batch met a killed connection");
    let expected: Bits = (0..BATCHES as i64)
        .map(|step| bits(&point(step, 1.0)))
        .collect();
    assert_eq!(stored(&store, "aaaa", "loss").await, [(1, expected)]);
}

/// A hub whose lock went to another hub acknowledges nothing any more.
pub(crate) async fn a_former_owner_cannot_commit(url: &str) {
    let first = PostgresStore::connect(url).await.expect("connect");
    first.run_create(&[run("aaaa")]).await.expect("made");
    let events = |index: u64| {
        batch(
            "aaaa",
            index,
            index + 1,
            "loss",
            &[point(index as i64, 1.0)],
        )
    };
    first.ingest(events(0)).await.expect("ingest");
    // Its lock ends, and another hub takes it at once.
    let admin = admin(url).await;
    let taking = PostgresStore::connect(url);
    let killing = async {
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted";
        admin.batch_execute(kill).await.expect("kill");
    };
    let (second, ()) = futures::future::join(taking, killing).await;
    let second = second.expect("the lock is free");
    let error = first.ingest(events(1)).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    second.ingest(events(1)).await.expect("ingest");
    let error = first.ingest(events(2)).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(stored(&second, "aaaa", "loss").await[0].1.len(), 2);
}

/// Connections to a server by way of another socket, whose first one can be cut off
/// on the server's side alone.
struct Way {
    folder: tempfile::TempDir,
    cut: watch::Sender<bool>,
}

impl Way {
    fn to(server: PathBuf) -> Self {
        let folder = tempfile::tempdir().expect("temp folder");
        let listener = UnixListener::bind(folder.path().join(SOCKET)).expect("a socket");
        let (cut, seen) = watch::channel(false);
        tokio::spawn(async move {
            let mut first = Some(seen);
            loop {
                let (near, _) = listener.accept().await.expect("accept");
                let far = UnixStream::connect(server.join(SOCKET))
                    .await
                    .expect("connect");
                tokio::spawn(pass(near, far, first.take()));
            }
        });
        Self { folder, cut }
    }
}

/// Passes bytes on; once cut, the far end is closed and the near one stays silent.
async fn pass(mut near: UnixStream, mut far: UnixStream, cut: Option<watch::Receiver<bool>>) {
    let Some(mut cut) = cut else {
        // However it ends, both ends close.
        drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
        return;
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        () = async { drop(cut.wait_for(|cut| *cut).await) } => {
            drop(far);
            std::future::pending::<()>().await;
        }
    }
}

/// The server forgot the connection that holds the lock, and the hub does not know:
/// it must not take the database back from the hub that owns it now.
pub(crate) async fn an_owner_whose_server_forgot_it_takes_nothing_back(server: &Server) {
    let url = server.database().await;
    let host = url
        .split_whitespace()
        .find_map(|word| word.strip_prefix("host="));
    let host = host.expect("a folder").to_owned();
    let way = Way::to(PathBuf::from(&host));
    let around = url.replace(&host, &way.folder.path().display().to_string());
    let first = PostgresStore::connect(&around).await.expect("connect");
    first.run_create(&[run("aaaa")]).await.expect("made");
    let events = |index: u64| {
        let points = [point(index as i64, 1.0)];
        batch("aaaa", index, index + 1, "loss", &points)
    };
    first.ingest(events(0)).await.expect("ingest");
    way.cut.send(true).expect("heard");
    let second = PostgresStore::connect(&url)
        .await
        .expect("the lock is free");
    for index in 1..4 {
        let error = first
            .ingest(events(index))
            .await
            .expect_err("not the owner");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        second.ingest(events(index)).await.expect("the owner");
    }
    assert_eq!(stored(&second, "aaaa", "loss").await[0].1.len(), 4);
}

/// Chunks as the first schema kept them (one per batch) are read after an upgrade.
pub(crate) async fn points_of_the_first_schema_are_converted(url: &str) {
    let store = PostgresStore::connect(url).await.expect("connect");
    store.run_create(&[run("aaaa")]).await.expect("made");
    store
        .ingest(batch("aaaa", 0, 1, "other", &[point(0, 0.0)]))
        .await
        .expect("ingest");
    drop(store);
    let admin = admin(url).await;
    let hash = blake3::hash(b"loss").as_bytes().to_vec();
    admin
        .execute(
            "INSERT INTO label (hash, name) VALUES ($1, 'loss')",
            &[&hash],
        )
        .await
        .expect("label");
    let mut expected = Vec::new();
    for seq in 0..600i64 {
        let values = [point(seq, seq as f64), point(seq, f64::NAN)];
        expected.extend(values.iter().map(bits));
        let body = first_schema(&values);
        admin
            .execute(
                "INSERT INTO chunk_v1 (run, label, attempt, seq, step_max, body) \
                 SELECT r.seq, l.id, 1, $1, $1, $2 FROM run r, label l WHERE l.name = 'loss'",
                &[&seq, &body],
            )
            .await
            .expect("chunk");
    }
    let store = PostgresStore::connect(url).await.expect("connect again");
    assert_eq!(stored(&store, "aaaa", "loss").await, [(1, expected)]);
    let left = admin.query_one("SELECT count(*) FROM chunk_v1", &[]).await;
    assert_eq!(left.expect("count").get::<_, i64>(0), 0);
}
