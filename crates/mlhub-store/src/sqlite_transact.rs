//! One transaction on a SQLite connection, and values on their way in and out.
//!
//! No table is known here, and no thread is started.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures::future::BoxFuture;
use mlhub_core::{Error, ErrorKind, Result};
use rusqlite::Connection;

use crate::sql::{Access, Dialect, Row, Tx, Value};
use crate::sqlite_error::{is_sync_failure, map_error, sync_failed};
use crate::sqlite_upkeep::Written;

/// Where the database is, and whether its disk can still be trusted.
#[derive(Debug)]
pub(crate) struct Place {
    /// The database's file.
    pub(crate) file: PathBuf,
    /// Set when a sync failed: nobody knows what of earlier writes is on disk,
    /// so nothing more is acknowledged until a restart reads the disk again.
    sync_failed: AtomicBool,
    /// What was written since the last checkpoint.
    pub(crate) written: Written,
}

impl Place {
    /// A database whose disk is not in doubt.
    pub(crate) fn new(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            sync_failed: AtomicBool::new(false),
            written: Written::default(),
        }
    }

    /// Notes a failure: after a failed sync nothing more is written.
    pub(crate) fn note(&self, error: &rusqlite::Error) {
        if is_sync_failure(error) && !self.sync_failed.swap(true, Ordering::Relaxed) {
            tracing::error!(
                file = %self.file.display(), error = %error,
                "the disk failed to sync the database; nothing more is stored until the hub is restarted"
            );
        }
    }

    /// Whether a sync failed.
    pub(crate) fn sync_failed(&self) -> bool {
        self.sync_failed.load(Ordering::Relaxed)
    }
}

/// Runs the work between BEGIN and COMMIT. A panic in it becomes an error, so
/// that the connection goes on serving.
pub(crate) fn transact<I, T, W>(
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
        Access::Read | Access::ReadFirst => "BEGIN",
        Access::Write => "BEGIN IMMEDIATE",
    };
    if access == Access::Write && place.sync_failed() {
        return Err(sync_failed(&place.file));
    }
    let file = place.file.as_path();
    let fail = |error| {
        place.note(&error);
        map_error(file, operation, error)
    };
    connection.execute_batch(begin).map_err(fail)?;
    let mut tx = SqliteTx {
        connection,
        place,
        operation,
        written: 0,
    };
    // Its awaits are all ready: SQLite answers in place.
    let run = || futures::executor::block_on(work(&mut tx, input));
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err(Error::internal(operation, "the operation panicked")));
    let written = tx.written;
    let done = done.and_then(|value| {
        let ended = connection.execute_batch("COMMIT");
        // A reading that met a damaged page and went on is not undone by it.
        if access == Access::Write {
            ended.map_err(fail)?;
        }
        place.written.add(written);
        Ok(value)
    });
    if let Err(error) = &done
        && error.kind() == ErrorKind::StorageFull
    {
        place.written.hurry();
    }
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(fail)?;
    }
    done
}

struct SqliteTx<'c> {
    connection: &'c mut Connection,
    place: &'c Place,
    operation: &'static str,
    /// Bytes handed to the database, about.
    written: u64,
}

impl SqliteTx<'_> {
    fn fail(&self, error: rusqlite::Error) -> Error {
        // A large transaction is written, and synced, before its end.
        self.place.note(&error);
        map_error(&self.place.file, self.operation, error)
    }
}

#[async_trait]
impl Tx for SqliteTx<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        query(self.connection, sql, values).map_err(|error| self.fail(error))
    }

    async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        self.written += values.iter().map(size_bytes).sum::<u64>();
        execute(self.connection, sql, values).map_err(|error| self.fail(error))
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
