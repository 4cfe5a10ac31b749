//! SQLite: one thread that writes, a few connections that read.
//!
//! The writer owns the only connection that writes, so "database is locked"
//! cannot happen inside one hub; `DataDir` keeps a second hub away. An
//! acknowledged write is on disk (WAL, synchronous=FULL). No table is known here.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use mlhub_core::store::DatabaseCopy;
use mlhub_core::{Error, ErrorKind, Result};
use rusqlite::{Connection, OpenFlags, ffi};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::migrate;
use crate::sql::{Access, Backend, Dialect, SqlStore, Tx};
use crate::sqlite_error::{map_code, map_error, migration_error};
use crate::sqlite_transact::{Place, transact};
use crate::{sqlite_copy, sqlite_upkeep};

/// The database's file in the data directory.
const FILE_NAME: &str = "hub.sqlite";
/// Connections that read.
const READERS: usize = 4;
/// Connections that read what commits wait for.
const FIRST_READERS: usize = 1;
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
    first: Arc<Readers>,
    /// Upkeep ends when this is dropped.
    _upkeep: std::sync::mpsc::Sender<()>,
}

#[derive(Debug)]
struct Readers {
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl SqliteBackend {
    /// Opens a database file and starts its threads.
    pub(crate) fn open(file: &Path) -> Result<Self> {
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
        let mut idle = Vec::with_capacity(READERS + FIRST_READERS);
        for _ in 0..READERS + FIRST_READERS {
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
        let place = Arc::new(Place::new(file));
        let upkeep = connect(file, OpenFlags::default()).map_err(fail)?;
        let (alive, stop) = std::sync::mpsc::channel();
        let (seen, queue) = (Arc::downgrade(&place), writer.downgrade());
        std::thread::Builder::new()
            .name("sqlite-upkeep".to_owned())
            .spawn(move || sqlite_upkeep::run(&upkeep, &seen, &queue, &stop))
            .map_err(|error| Error::internal("start the database's upkeep thread", error))?;
        Ok(Self {
            place,
            writer,
            _upkeep: alive,
            first: Readers::of(idle.split_off(READERS)),
            readers: Readers::of(idle),
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

impl Backend for SqliteBackend {
    /// The data directory's lock is held for as long as the process lives.
    async fn own(&self, _in_doubt: bool) -> Result<bool> {
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
            Access::Read | Access::ReadFirst => {
                let readers = match access {
                    Access::ReadFirst => Arc::clone(&self.first),
                    _ => Arc::clone(&self.readers),
                };
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
    fn of(idle: Vec<Connection>) -> Arc<Self> {
        Arc::new(Self {
            permits: Arc::new(Semaphore::new(idle.len())),
            idle: Mutex::new(idle),
        })
    }

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

#[cfg(all(test, target_os = "linux"))]
#[path = "sqlite_faults.rs"]
mod faults;

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
        let failure = rusqlite::Error::SqliteFailure(failure, None);
        store.backend.place.note(&failure);
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
