//! Schema versions and absent servers, on PostgreSQL. The SQLite side is in
//! `faults.rs`.

use mlhub_core::ErrorKind;
use mlhub_core::store::ProjectStore;
use mlhub_store::PostgresStore;

use super::postgres::Server;

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
