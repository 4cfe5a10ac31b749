//! Schema versions: databases of the first one on SQLite and PostgreSQL; newer ones
//! and absent servers on PostgreSQL. The rest of the SQLite side is in `faults.rs`.

use mlhub_core::ErrorKind;
use mlhub_core::deletion::DeletionStore;
use mlhub_core::store::{ProjectStore, SeriesStore};
use mlhub_store::{PostgresStore, SqliteStore};
use tokio_postgres::types::ToSql;

use super::make::id;
use super::postgres::Server;
use super::upgrade_data::{Cell, check, first_migration, rows};

fn old_sqlite(folder: &std::path::Path) -> rusqlite::Connection {
    let words = [
        ("@text@", "TEXT"),
        ("@int@", "INTEGER"),
        ("@real@", "REAL"),
        ("@blob@", "BLOB"),
        ("@key@", "INTEGER PRIMARY KEY"),
        ("@serial@", "INTEGER PRIMARY KEY"),
    ];
    let mut raw = rusqlite::Connection::open(SqliteStore::file_in(folder)).expect("open");
    first_migration(&words)
        .run(&mut raw)
        .expect("the first schema");
    let transaction = raw.transaction().expect("begin");
    for row in rows() {
        let places: Vec<String> = (1..=row.cells.len()).map(|at| format!("?{at}")).collect();
        let sql = format!(
            "INSERT INTO {} ({}) VALUES ({})",
            row.table,
            row.columns,
            places.join(", ")
        );
        let values = row.cells.into_iter().map(|cell| match cell {
            Cell::Int(value) => rusqlite::types::Value::Integer(value),
            Cell::Text(text) => rusqlite::types::Value::Text(text),
            Cell::Blob(bytes) => rusqlite::types::Value::Blob(bytes),
            Cell::Null => rusqlite::types::Value::Null,
        });
        let stored = transaction.execute(&sql, rusqlite::params_from_iter(values));
        stored.expect(&sql);
    }
    let sql = "UPDATE counter SET value = 1";
    transaction.execute(sql, []).expect("numbers");
    transaction.commit().expect("commit");
    raw
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sqlite_database_of_version_1_reads_back_equal() {
    let folder = tempfile::tempdir().expect("temp folder");
    drop(old_sqlite(folder.path()));
    for _ in 0..2 {
        let store = SqliteStore::open(folder.path()).expect("migrated");
        check(&store).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_chunk_of_version_1_is_told_and_the_rest_is_migrated() {
    let folder = tempfile::tempdir().expect("temp folder");
    let raw = old_sqlite(folder.path());
    let tear = "UPDATE chunk SET body = substr(body, 1, length(body) - 1) \
                WHERE label = 1 AND attempt = 1 AND seq = 3";
    assert_eq!(raw.execute(tear, []).expect("torn"), 1);
    drop(raw);
    for round in 0..2 {
        let store = SqliteStore::open(folder.path()).expect("migrated");
        let parts = store.points(&id("aaaa"), "loss").await.expect("points");
        let steps: Vec<i64> = parts[0].points.iter().map(|point| point.step).collect();
        let kept = (0..steps.len() as i64 + 7).filter(|step| !(21..28).contains(step));
        assert_eq!(steps, kept.collect::<Vec<_>>(), "round {round}");
        assert_eq!(steps.len(), 699 * 7);
        let checked = store.points_check(None).await.expect("check");
        assert_eq!(checked.damaged.len(), 1, "{:?}", checked.damaged);
        let place = &checked.damaged[0].place;
        assert!(
            place.contains("loss") && place.contains("chunk 3"),
            "{place}"
        );
    }
}

pub(crate) async fn a_postgres_database_of_version_1_reads_back_equal(url: &str) {
    let words = [
        ("@text@", "TEXT COLLATE \"C\""),
        ("@int@", "BIGINT"),
        ("@real@", "DOUBLE PRECISION"),
        ("@blob@", "BYTEA"),
        ("@key@", "BIGINT PRIMARY KEY"),
        (
            "@serial@",
            "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        ),
    ];
    let (mut client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("connect");
    let driver = tokio::spawn(connection);
    let migrated = first_migration(&words).run_async(&mut client).await;
    migrated.expect("the first schema");
    for row in rows() {
        let places: Vec<String> = (1..=row.cells.len()).map(|at| format!("${at}")).collect();
        let sql = format!(
            "INSERT INTO {} ({}) VALUES ({})",
            row.table,
            row.columns,
            places.join(", ")
        );
        let values: Vec<Box<dyn ToSql + Sync>> = row
            .cells
            .into_iter()
            .map(|cell| -> Box<dyn ToSql + Sync> {
                match cell {
                    Cell::Int(value) => Box::new(value),
                    Cell::Text(text) => Box::new(text),
                    Cell::Blob(bytes) => Box::new(bytes),
                    Cell::Null => Box::new(None::<i64>),
                }
            })
            .collect();
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value).collect();
        client.execute(&sql, &values).await.expect(&sql);
    }
    let numbers = client.batch_execute("UPDATE counter SET value = 1").await;
    numbers.expect("numbers");
    drop(client);
    driver.await.expect("driver").expect("closed");
    for _ in 0..2 {
        let store = PostgresStore::connect(url).await.expect("migrated");
        check(&store).await;
    }
}

pub(crate) async fn a_newer_postgres_schema_is_refused(url: &str) {
    drop(PostgresStore::connect(url).await.expect("connect"));
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("connect");
    tokio::spawn(connection);
    client
        .batch_execute(
            "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
             SELECT 99, 'future', applied_on, checksum FROM refinery_schema_history WHERE version = 1",
        )
        .await
        .expect("a newer version");
    let error = PostgresStore::connect(url).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.public_message().contains("version 99"), "{error}");
}

/// Of hubs that start at once, one owns the database; when it is gone, another may.
pub(crate) async fn one_hub_owns_a_database(url: &str) {
    let stores = futures::future::join_all((0..3).map(|_| PostgresStore::connect(url))).await;
    let (owners, refused): (Vec<_>, Vec<_>) = stores.into_iter().partition(Result::is_ok);
    assert_eq!((owners.len(), refused.len()), (1, 2));
    for refused in refused {
        let error = refused.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert!(error.public_message().contains("another hub"), "{error}");
    }
    let owner = owners.into_iter().next().expect("one");
    assert_eq!(owner.expect("it").project_list().await.expect("list"), []);
    let next = PostgresStore::connect(url)
        .await
        .expect("the first is gone");
    assert_eq!(next.project_list().await.expect("list"), []);
}

pub(crate) async fn an_absent_server_is_unavailable(server: &Server) {
    for url in [
        server.url("absent"),
        "host=/nonexistent user=x dbname=x".to_owned(),
    ] {
        let error = PostgresStore::connect(&url).await.expect_err("no database");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    let error = PostgresStore::connect("postgresql://me:secret@:::")
        .await
        .expect_err("no URL");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(!error.public_message().contains("secret"));
}
