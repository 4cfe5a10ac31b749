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

pub(crate) async fn two_hubs_may_start_at_once(url: &str) {
    let stores = futures::future::join_all((0..3).map(|_| PostgresStore::connect(url))).await;
    for store in stores {
        assert_eq!(
            store.expect("connect").project_list().await.expect("list"),
            []
        );
    }
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
