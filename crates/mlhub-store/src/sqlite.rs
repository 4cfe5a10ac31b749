//! SQLite: one thread that writes, a few connections that read.
//!
//! The writer owns the only connection that writes, so "database is locked"
//! cannot happen inside one hub; `DataDir` keeps a second hub away. An
//! acknowledged write is on disk (WAL, synchronous=FULL). No table is known here.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use mlhub_core::store::DatabaseCopy;
use mlhub_core::{Error, ErrorKind, Result};
use rusqlite::{Connection, OpenFlags, ffi};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::migrate;
use crate::sql::{Access, Backend, Dialect, Row, SqlStore, Tx, Value};
use crate::sqlite_copy;
use crate::sqlite_upkeep::{self, Written};

/// The database's file in the data directory.
const FILE_NAME: &str = "hub.sqlite";
/// Connections that read.
const READERS: usize = 4;
/// Writes that wait for the writer; more wait in their callers.
const WRITE_QUEUE_MAX: usize = 256;
/// Prepared statements a connection keeps.
const STATEMENTS_MAX: usize = 256;
/// How long a foreign reader (a backup, a shell) may block us.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The store in a file of a data directory.
pub type SqliteStore = SqlStore<SqliteBackend>;

impl SqlStore<SqliteBackend> {
    /// Opens, or makes, `hub.sqlite` in `data_dir` and brings its schema up to
    /// date. The caller holds the directory's `DataDir`. Blocks for the opening.
    ///
    /// Fails with `Unsupported` when a newer program has migrated it,
    /// `ReadOnly` or `StorageFull` when the disk refuses, and `Internal` naming
    /// the file when it is damaged. Must be used within a Tokio runtime.
    pub fn open(data_dir: impl AsRef<Path>) -> Result<Self> {
        let backend = SqliteBackend::open(&data_dir.as_ref().join(FILE_NAME))?;
        // The backend works on a thread of its own: blocking here stops nobody.
        futures::executor::block_on(Self::over(backend))
    }
}

impl SqliteStore {
    /// The database's file in a data directory.
    pub fn file_in(data_dir: impl AsRef<Path>) -> PathBuf {
        data_dir.as_ref().join(FILE_NAME)
    }
}

/// Something for the writer to do.
pub(crate) type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Runs transactions on a SQLite file.
#[derive(Debug)]
pub struct SqliteBackend {
    place: Arc<Place>,
    writer: mpsc::Sender<Job>,
    readers: Arc<Readers>,
    /// Upkeep ends when this is dropped.
    _upkeep: std::sync::mpsc::Sender<()>,
}

/// Where the database is, and whether its disk can still be trusted.
#[derive(Debug)]
struct Place {
    file: PathBuf,
    /// Set when a sync failed: nobody knows what of earlier writes is on disk,
    /// so nothing more is acknowledged until a restart reads the disk again.
    sync_failed: AtomicBool,
    written: Arc<Written>,
}

#[derive(Debug)]
struct Readers {
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl SqliteBackend {
    fn open(file: &Path) -> Result<Self> {
        check_version(file)?;
        let fail = |error| map_error(file, "open the database", error);
        let mut connection = connect(file, OpenFlags::default()).map_err(fail)?;
        // SQLite opens what it cannot write for reading, without a word.
        if connection.is_readonly("main").map_err(fail)? {
            let code = ffi::Error::new(ffi::SQLITE_READONLY);
            return Err(map_code(file, "open the database", code));
        }
        migrate::runner(Dialect::Sqlite)?
            .run(&mut connection)
            .map_err(|error| migration_error(file, error))?;
        give_back_pages(&connection);
        // The log is copied beside the writer (see `sqlite_upkeep`).
        connection
            .pragma_update(None, "wal_autocheckpoint", 0)
            .map_err(fail)?;
        let mut idle = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let reader = connect(file, flags).map_err(fail)?;
            reader
                .pragma_update(None, "query_only", true)
                .map_err(fail)?;
            idle.push(reader);
        }
        let (writer, mut jobs) = mpsc::channel::<Job>(WRITE_QUEUE_MAX);
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                while let Some(job) = jobs.blocking_recv() {
                    job(&mut connection);
                }
            })
            .map_err(|error| Error::internal("start the database's writer thread", error))?;
        let written = Arc::new(Written::default());
        let upkeep = connect(file, OpenFlags::default()).map_err(fail)?;
        let (alive, stop) = std::sync::mpsc::channel();
        let (seen, queue) = (Arc::downgrade(&written), writer.downgrade());
        std::thread::Builder::new()
            .name("sqlite-upkeep".to_owned())
            .spawn(move || sqlite_upkeep::run(&upkeep, &seen, &queue, &stop))
            .map_err(|error| Error::internal("start the database's upkeep thread", error))?;
        Ok(Self {
            place: Arc::new(Place {
                file: file.to_owned(),
                sync_failed: AtomicBool::new(false),
                written,
            }),
            writer,
            _upkeep: alive,
            readers: Arc::new(Readers {
                idle: Mutex::new(idle),
                permits: Arc::new(Semaphore::new(READERS)),
            }),
        })
    }
}

fn connect(file: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Takes effect in a new file only, before its first page.
    connection.pragma_update(None, "auto_vacuum", "incremental")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

/// Makes a file of an older program able to give pages back; it works without.
fn give_back_pages(connection: &Connection) {
    let vacuum = || -> rusqlite::Result<()> {
        let mode: i64 = connection.query_row("PRAGMA auto_vacuum", [], |row| row.get(0))?;
        if mode == 0 {
            connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM")?;
        }
        Ok(())
    };
    if let Err(error) = vacuum() {
        tracing::warn!(error = %error, "the database file cannot be rewritten so that it shrinks; it works as it is");
    }
}

/// Looks at the schema version through a connection that cannot write.
fn check_version(file: &Path) -> Result<()> {
    if !file.exists() {
        return Ok(());
    }
    let read = || -> rusqlite::Result<i64> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        if !connection.table_exists(None, migrate::HISTORY_TABLE)? {
            return Ok(0);
        }
        let sql = format!(
            "SELECT coalesce(max(version), 0) FROM {}",
            migrate::HISTORY_TABLE
        );
        connection.query_row(&sql, [], |row| row.get(0))
    };
    let version = read().map_err(|error| map_error(file, "read the schema version", error))?;
    migrate::check_version(&format!("The database {}", file.display()), version)
}

fn migration_error(file: &Path, error: refinery::Error) -> Error {
    use std::error::Error as _;
    match error
        .source()
        .and_then(|cause| cause.downcast_ref::<rusqlite::Error>())
    {
        Some(rusqlite::Error::SqliteFailure(code, _)) => {
            map_code(file, "migrate the database", *code).with_source(error)
        }
        _ => Error::internal("migrate the database", error),
    }
}

impl Backend for SqliteBackend {
    /// The data directory's lock is held for as long as the process lives.
    async fn own(&self) -> Result<bool> {
        Ok(false)
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
        let place = Arc::clone(&self.place);
        let closed = || {
            Error::new(
                ErrorKind::Unavailable,
                "the database is shutting down; try again later",
            )
        };
        match access {
            Access::Write => {
                let (answer, result) = oneshot::channel();
                let job: Job = Box::new(move |connection| {
                    let done = transact(connection, &place, access, operation, &input, &work);
                    // Nobody waits any more: the write stands, its answer is lost.
                    drop(answer.send(done));
                });
                self.writer.send(job).await.map_err(|_| closed())?;
                result.await.map_err(|_| closed())?
            }
            Access::Read => {
                let readers = Arc::clone(&self.readers);
                let permits = Arc::clone(&readers.permits);
                let permit = permits.acquire_owned().await.map_err(|_| closed())?;
                // The permit goes along: a caller that gives up does not free
                // a connection that is still reading.
                let task = tokio::task::spawn_blocking(move || {
                    let mut connection = readers.take().ok_or_else(closed)?;
                    let done = transact(&mut connection, &place, access, operation, &input, &work);
                    readers.give_back(connection);
                    drop(permit);
                    done
                });
                task.await
                    .map_err(|error| Error::internal(operation, error))?
            }
        }
    }

    async fn copy_to(&self, path: &Path) -> Result<Option<DatabaseCopy>> {
        let (from, to) = (self.place.file.clone(), path.to_owned());
        let operation = "copy the database";
        tokio::task::spawn_blocking(move || sqlite_copy::copy(&from, &to))
            .await
            .map_err(|error| Error::internal(operation, error))?
            .map(Some)
            .map_err(|error| map_error(path, operation, error))
    }
}

impl Readers {
    fn take(&self) -> Option<Connection> {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }

    fn give_back(&self, connection: Connection) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
    }
}

/// Runs the work between BEGIN and COMMIT. A panic in it becomes an error, so
/// that the connection goes on serving.
fn transact<I, T, W>(
    connection: &mut Connection,
    place: &Place,
    access: Access,
    operation: &'static str,
    input: &I,
    work: &W,
) -> Result<T>
where
    W: for<'t> Fn(&'t mut (dyn Tx + 't), &'t I) -> BoxFuture<'t, Result<T>>,
{
    let begin = match access {
        Access::Read => "BEGIN",
        Access::Write => "BEGIN IMMEDIATE",
    };
    if access == Access::Write && place.sync_failed.load(Ordering::Relaxed) {
        return Err(sync_failed(&place.file));
    }
    let file = place.file.as_path();
    let fail = |error| map_error(file, operation, error);
    connection.execute_batch(begin).map_err(fail)?;
    let mut tx = SqliteTx {
        connection,
        file,
        operation,
        written: 0,
    };
    // Its awaits are all ready: SQLite answers in place.
    let run = || futures::executor::block_on(work(&mut tx, input));
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err(Error::internal(operation, "the operation panicked")));
    let written = tx.written;
    let done = done.and_then(|value| {
        connection.execute_batch("COMMIT").map_err(|error| {
            if is_sync_failure(&error) {
                place.sync_failed.store(true, Ordering::Relaxed);
            }
            fail(error)
        })?;
        place.written.add(written);
        Ok(value)
    });
    if let Err(error) = &done
        && error.kind() == ErrorKind::StorageFull
    {
        place.written.hurry();
    }
    if done.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(fail)?;
    }
    done
}

fn is_sync_failure(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|code| code.extended_code);
    matches!(
        code,
        Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
    )
}

fn sync_failed(file: &Path) -> Error {
    Error::new(
        ErrorKind::ReadOnly,
        format!(
            "the disk failed to sync the database {}, so nothing more is stored; \
             check the disk, then restart the hub",
            file.display()
        ),
    )
}

struct SqliteTx<'c> {
    connection: &'c mut Connection,
    file: &'c Path,
    operation: &'static str,
    /// Bytes handed to the database, about.
    written: u64,
}

#[async_trait]
impl Tx for SqliteTx<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        query(self.connection, sql, values)
            .map_err(|error| map_error(self.file, self.operation, error))
    }

    async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        self.written += values.iter().map(size_bytes).sum::<u64>();
        execute(self.connection, sql, values)
            .map_err(|error| map_error(self.file, self.operation, error))
    }
}

fn size_bytes(value: &Value) -> u64 {
    match value {
        Value::Blob(bytes) => bytes.len() as u64 + 16,
        Value::Text(text) => text.len() as u64 + 16,
        _ => 16,
    }
}

fn query(connection: &Connection, sql: &str, values: &[Value]) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(sql)?;
    let width = statement.column_count();
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = (0..width).map(|index| row.get(index));
        found.push(Row::new(cells.collect::<rusqlite::Result<_>>()?));
    }
    Ok(found)
}

fn execute(connection: &Connection, sql: &str, values: &[Value]) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached(sql)?;
    let count = statement.execute(rusqlite::params_from_iter(values))?;
    Ok(count as u64)
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::ValueRef;
        Ok(rusqlite::types::ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::I64(value) => ValueRef::Integer(*value),
            Self::F64(value) => ValueRef::Real(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Blob(value) => ValueRef::Blob(value),
        }))
    }
}

impl rusqlite::types::FromSql for Value {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        use rusqlite::types::ValueRef;
        Ok(match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(value) => Self::I64(value),
            ValueRef::Real(value) => Self::F64(value),
            ValueRef::Text(_) => Self::Text(value.as_str()?.to_owned()),
            ValueRef::Blob(value) => Self::Blob(value.to_vec()),
        })
    }
}

fn map_error(file: &Path, operation: &'static str, error: rusqlite::Error) -> Error {
    match &error {
        rusqlite::Error::SqliteFailure(code, _) => {
            map_code(file, operation, *code).with_source(error)
        }
        _ => Error::internal(operation, error),
    }
}

fn map_code(file: &Path, operation: &'static str, code: ffi::Error) -> Error {
    let file = file.display();
    let (kind, message) = match code.extended_code & 0xff {
        ffi::SQLITE_FULL => (
            ErrorKind::StorageFull,
            format!(
                "the disk that holds {file} is full; nothing was stored. Free some space and try again"
            ),
        ),
        ffi::SQLITE_READONLY | ffi::SQLITE_CANTOPEN | ffi::SQLITE_PERM => (
            ErrorKind::ReadOnly,
            format!(
                "the database {file} cannot be opened for writing; make the data directory writable for this user"
            ),
        ),
        ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => (
            ErrorKind::Internal,
            format!(
                "the database {file} is damaged (while doing: {operation}); keep a copy of it and restore a backup"
            ),
        ),
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => (
            ErrorKind::Unavailable,
            format!("another program holds the database {file}; try again later"),
        ),
        ffi::SQLITE_IOERR => (
            ErrorKind::Internal,
            format!(
                "the disk failed at the database {file} (while doing: {operation}); nothing of it was stored"
            ),
        ),
        _ => (
            ErrorKind::Internal,
            format!("internal error while doing: {operation}"),
        ),
    };
    Error::new(kind, message)
}

#[cfg(test)]
mod tests {
    use mlhub_core::Timestamp;
    use mlhub_core::store::ProjectStore;

    use super::*;

    #[tokio::test]
    async fn after_a_failed_sync_it_reads_and_does_not_write() {
        let folder = tempfile::tempdir().expect("temp folder");
        let store = SqliteStore::open(folder.path()).expect("open");
        let name = "p".parse().expect("a name");
        store
            .project_ensure(&name, Timestamp(1))
            .await
            .expect("write");
        let failure = ffi::Error {
            code: ffi::ErrorCode::SystemIoFailure,
            extended_code: ffi::SQLITE_IOERR_FSYNC,
        };
        assert!(is_sync_failure(&rusqlite::Error::SqliteFailure(
            failure, None
        )));
        store
            .backend
            .place
            .sync_failed
            .store(true, Ordering::Relaxed);
        let error = store
            .project_ensure(&name, Timestamp(1))
            .await
            .expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::ReadOnly);
        assert_eq!(store.project_list().await.expect("reads go on").len(), 1);
        drop(store);
        let store = SqliteStore::open(folder.path()).expect("restart");
        store
            .project_ensure(&name, Timestamp(1))
            .await
            .expect("write");
    }

    #[tokio::test]
    async fn a_panic_in_a_transaction_undoes_it_and_the_writer_goes_on() {
        let folder = tempfile::tempdir().expect("temp folder");
        let store = SqliteStore::open(folder.path()).expect("open");
        let broken = store.backend.run(Access::Write, "break", (), |tx, ()| {
            Box::pin(async move {
                let sql = "INSERT INTO project (name, description, created_at) VALUES ('x', '', 1)";
                tx.execute(sql, &[]).await?;
                assert!(sql.is_empty(), "broken on purpose");
                Ok(())
            })
        });
        let error = broken.await.expect_err("a panic");
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert_eq!(store.project_list().await.expect("list"), []);
        let name = "p".parse().expect("a name");
        store
            .project_ensure(&name, Timestamp(1))
            .await
            .expect("write");
    }
}
