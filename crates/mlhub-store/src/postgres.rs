//! PostgreSQL: a pool of connections, one transaction per piece of work.
//!
//! Writes run READ COMMITTED and lock the rows they read to change; reads see
//! one snapshot. No table is known here. Connections are not encrypted: name a
//! server on this machine, a socket, or the near end of a tunnel.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::BytesMut;
use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Transaction};
use futures::future::BoxFuture;
use mlhub_core::store::DatabaseCopy;
use mlhub_core::{Error, ErrorKind, Result};
use tokio::sync::Mutex;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, IsolationLevel, NoTls};

use crate::migrate;
use crate::sql::{Access, Backend, Dialect, Row, SqlStore, Tx, Value};

/// How long a server may leave what was sent to it unanswered by its machine.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// Connections to the server at most.
const CONNECTIONS_MAX: usize = 16;
/// Times a write is tried when another transaction is in its way.
const TRANSACTION_TRIES: usize = 5;
/// The advisory lock that keeps two hubs from migrating at once.
const MIGRATION_LOCK: i64 = 0x6d6c_6875_6201;

/// The advisory lock of the one hub that owns the database.
const OWNER_LOCK: i64 = 0x6d6c_6875_6202;
/// How long a start waits for a hub that is just ending.
const OWNER_WAIT: Duration = Duration::from_secs(5);
/// How long a hub that lost its connection waits for the lock.
const OWNER_WAIT_AGAIN: Duration = Duration::from_millis(500);

/// How long the connection that holds the lock may take to answer.
const OWNER_ANSWER: Duration = Duration::from_secs(2);

/// The store on a PostgreSQL server.
pub type PostgresStore = SqlStore<PostgresBackend>;

impl SqlStore<PostgresBackend> {
    /// Connects to `url` (`postgresql://user@host/database`, or `key=value`
    /// words) and brings the schema up to date.
    ///
    /// Fails with `Invalid` for an unusable URL, `Unavailable` when the server
    /// cannot be reached, and `Unsupported` when a newer program has migrated
    /// the database, and `Conflict` when another hub uses it.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::over(PostgresBackend::connect(url).await?).await
    }
}

/// Runs transactions on a PostgreSQL server.
#[derive(Debug)]
pub struct PostgresBackend {
    pool: Pool,
    config: Config,
    owner: Mutex<Option<Client>>,
}

impl PostgresBackend {
    async fn connect(url: &str) -> Result<Self> {
        // The URL may hold a password: it is never repeated in a message.
        let mut config = Config::from_str(url).map_err(|error| {
            Error::invalid("the database URL is not usable; write postgresql://user@host/database")
                .with_source(error)
        })?;
        // A connection that went away without a word is noticed; the URL may say otherwise.
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE_MAX);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(SILENCE_MAX);
        }
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(config.clone(), NoTls, recycling);
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS_MAX)
            .build()
            .map_err(|error| Error::internal("make the connection pool", error))?;
        let backend = Self {
            pool,
            config,
            owner: Mutex::new(None),
        };
        // Before anything is changed: a hub of another version may be at work.
        backend.own(false).await?;
        backend.migrate().await?;
        Ok(backend)
    }

    /// Takes the lock by which one hub owns the database. It ends with its
    /// connection, however that ends.
    async fn take(&self, wait: Duration) -> Result<Option<Client>> {
        let operation = "take the database";
        let fail = |error| map_error(operation, error);
        let (client, connection) = self.config.connect(NoTls).await.map_err(fail)?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(error = %error, "the connection by which this hub owns the database ended");
            }
        });
        let patience = format!("SET lock_timeout = '{}ms'", wait.as_millis());
        client.batch_execute(&patience).await.map_err(fail)?;
        match client
            .execute("SELECT pg_advisory_lock($1)", &[&OWNER_LOCK])
            .await
        {
            Ok(_) => Ok(Some(client)),
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(None),
            Err(error) => Err(fail(error)),
        }
    }

    async fn migrate(&self) -> Result<()> {
        let operation = "migrate the database";
        let mut client = self
            .pool
            .get()
            .await
            .map_err(|error| pool_error(operation, error))?;
        let fail = |error| map_error(operation, error);
        client
            .execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK])
            .await
            .map_err(fail)?;
        let done = migrate_locked(&mut client).await;
        let unlocked = client
            .execute("SELECT pg_advisory_unlock($1)", &[&MIGRATION_LOCK])
            .await;
        done?;
        unlocked.map(|_| ()).map_err(fail)
    }
}

/// Whether the server still knows the connection; without an answer the lock that
/// hangs on it may be another hub's by now.
async fn answers(client: &Client) -> bool {
    let answer = tokio::time::timeout(OWNER_ANSWER, client.simple_query("SELECT 1")).await;
    matches!(answer, Ok(Ok(_)))
}

async fn migrate_locked(client: &mut tokio_postgres::Client) -> Result<()> {
    let operation = "read the schema version";
    let fail = |error| map_error(operation, error);
    let there = client
        .query_one(
            "SELECT to_regclass($1) IS NOT NULL",
            &[&migrate::HISTORY_TABLE],
        )
        .await
        .map_err(fail)?;
    if there.get::<_, bool>(0) {
        let sql = format!(
            "SELECT coalesce(max(version), 0)::bigint FROM {}",
            migrate::HISTORY_TABLE
        );
        let found = client.query_one(&sql, &[]).await.map_err(fail)?;
        migrate::check_version("The PostgreSQL database", found.get(0))?;
    }
    migrate::runner(Dialect::Postgres)?
        .run_async(client)
        .await
        .map(|_| ())
        .map_err(|error| Error::internal("migrate the database", error))
}

impl Backend for PostgresBackend {
    async fn own(&self, in_doubt: bool) -> Result<bool> {
        let mut owner = self.owner.lock().await;
        let first = owner.is_none();
        if let Some(client) = owner.as_ref()
            && !client.is_closed()
            && (!in_doubt || answers(client).await)
        {
            return Ok(false);
        }
        let wait = if first { OWNER_WAIT } else { OWNER_WAIT_AGAIN };
        match self.take(wait).await? {
            Some(client) => {
                *owner = Some(client);
                Ok(true)
            }
            None if first => Err(Error::conflict(
                "another hub uses this PostgreSQL database; use that server, stop it, or name another database",
            )),
            None => Err(Error::new(
                ErrorKind::Unavailable,
                "another hub has taken the PostgreSQL database over while this one could not reach it; \
                 nothing was stored. Use that hub, or stop it",
            )),
        }
    }

    async fn run<I, T, W>(
        &self,
        access: Access,
        operation: &'static str,
        input: I,
        work: W,
    ) -> Result<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        W: for<'t> Fn(&'t mut (dyn Tx + 't), &'t I) -> BoxFuture<'t, Result<T>>
            + Send
            + Sync
            + 'static,
    {
        let mut tries = 0;
        loop {
            tries += 1;
            let done = self.transact(access, operation, &input, &work).await;
            match done {
                Err(error) if tries < TRANSACTION_TRIES && in_the_way(&error) => {
                    tracing::debug!(operation, tries, "another transaction was in the way");
                }
                done => return done,
            }
        }
    }

    async fn copy_to(&self, _path: &Path) -> Result<Option<DatabaseCopy>> {
        Ok(None)
    }
}

impl PostgresBackend {
    async fn transact<I, T, W>(
        &self,
        access: Access,
        operation: &'static str,
        input: &I,
        work: &W,
    ) -> Result<T>
    where
        I: Sync,
        W: for<'t> Fn(&'t mut (dyn Tx + 't), &'t I) -> BoxFuture<'t, Result<T>>,
    {
        let fail = |error| map_error(operation, error);
        let mut client = self
            .pool
            .get()
            .await
            .map_err(|error| pool_error(operation, error))?;
        let (level, read_only) = match access {
            Access::Read | Access::ReadFirst => (IsolationLevel::RepeatableRead, true),
            Access::Write => (IsolationLevel::ReadCommitted, false),
        };
        let transaction = client
            .build_transaction()
            .isolation_level(level)
            .read_only(read_only)
            .start()
            .await
            .map_err(fail)?;
        let mut tx = PostgresTx {
            transaction,
            operation,
        };
        // Dropped without COMMIT, on an error or when the caller gives up, the
        // transaction is rolled back.
        let value = work(&mut tx, input).await?;
        tx.transaction.commit().await.map_err(fail)?;
        Ok(value)
    }
}

struct PostgresTx<'c> {
    transaction: Transaction<'c>,
    operation: &'static str,
}

#[async_trait]
impl Tx for PostgresTx<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        let fail = |error| map_error(self.operation, error);
        let statement = self.transaction.prepare_cached(sql).await.map_err(fail)?;
        let rows = self
            .transaction
            .query(&statement, &parameters(values))
            .await
            .map_err(fail)?;
        rows.iter().map(|row| cells(row).map_err(fail)).collect()
    }

    async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        let fail = |error| map_error(self.operation, error);
        let statement = self.transaction.prepare_cached(sql).await.map_err(fail)?;
        self.transaction
            .execute(&statement, &parameters(values))
            .await
            .map_err(fail)
    }
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values
        .iter()
        .map(|value| value as &(dyn ToSql + Sync))
        .collect()
}

fn cells(row: &tokio_postgres::Row) -> Result<Row, tokio_postgres::Error> {
    let cells = (0..row.len()).map(|index| row.try_get::<_, Value>(index));
    cells.collect::<Result<_, _>>().map(Row::new)
}

type BoxError = Box<dyn std::error::Error + Sync + Send>;

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            // The server says which integer it expects, for instance beside a literal.
            Self::I64(value) if *ty == Type::INT4 => i32::try_from(*value)?.to_sql(ty, out),
            Self::I64(value) => value.to_sql(ty, out),
            Self::F64(value) => value.to_sql(ty, out),
            Self::Text(value) => value.to_sql(ty, out),
            Self::Blob(value) => value.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Ok(match *ty {
            Type::INT8 => Self::I64(i64::from_sql(ty, raw)?),
            Type::INT4 => Self::I64(i64::from(i32::from_sql(ty, raw)?)),
            Type::FLOAT8 => Self::F64(f64::from_sql(ty, raw)?),
            Type::BYTEA => Self::Blob(raw.to_vec()),
            _ => Self::Text(String::from_sql(ty, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, BoxError> {
        Ok(Self::Null)
    }

    fn accepts(ty: &Type) -> bool {
        [
            Type::INT8,
            Type::INT4,
            Type::FLOAT8,
            Type::BYTEA,
            Type::TEXT,
            Type::VARCHAR,
        ]
        .contains(ty)
    }
}

/// Whether the same transaction may succeed at once when tried again.
fn in_the_way(error: &Error) -> bool {
    use std::error::Error as _;
    let cause = error
        .source()
        .and_then(|cause| cause.downcast_ref::<tokio_postgres::Error>());
    let code = cause.and_then(tokio_postgres::Error::code);
    matches!(
        code,
        Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED)
    )
}

fn pool_error(operation: &'static str, error: PoolError) -> Error {
    match error {
        PoolError::Backend(error) => map_error(operation, error),
        error => unavailable().with_source(error),
    }
}

fn unavailable() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the PostgreSQL server cannot be reached; check that it runs and that the database URL is right, then try again",
    )
}

fn map_error(operation: &'static str, error: tokio_postgres::Error) -> Error {
    let Some(code) = error.code() else {
        // No answer from the server: the connection is at fault, unless it is
        // our own encoding.
        let local = error.to_string().starts_with("error serializing")
            || error.to_string().starts_with("error deserializing");
        return if local {
            Error::internal(operation, error)
        } else {
            unavailable().with_source(error)
        };
    };
    let kind = match code.code() {
        // Disk full.
        "53100" => ErrorKind::StorageFull,
        // Read-only transaction: a standby, or a server set read-only.
        "25006" => ErrorKind::ReadOnly,
        // Connection and authorisation failures, too many connections, shutdown.
        code if ["08", "28", "53", "57", "3D"].contains(&&code[..2]) => ErrorKind::Unavailable,
        _ => return Error::internal(operation, error),
    };
    let message = match kind {
        ErrorKind::StorageFull => {
            "the disk of the PostgreSQL server is full; nothing was stored. Free some space and try again".to_owned()
        }
        ErrorKind::ReadOnly => {
            "the PostgreSQL server takes no writes; connect to the primary".to_owned()
        }
        _ => {
            let said = error.as_db_error().map_or("", |error| error.message());
            format!("the PostgreSQL server refuses this hub for now ({said}); check the server and try again")
        }
    };
    Error::new(kind, message).with_source(error)
}
