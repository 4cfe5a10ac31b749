//! The seam between the SQL and the databases: values, rows, transactions.
//!
//! A backend runs a piece of work in one transaction and knows nothing of
//! tables; the work knows tables and nothing of connections.

use std::future::Future;

use async_trait::async_trait;
use futures::future::BoxFuture;
use mlhub_core::store::DatabaseCopy;
use mlhub_core::{Error, Result};

/// The few places where the two databases differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite: one writer, so rows need no locks.
    Sqlite,
    /// PostgreSQL, READ COMMITTED with row locks for writes.
    Postgres,
}

impl Dialect {
    /// Appended to a SELECT of rows that the transaction is going to change.
    pub fn lock_rows(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR NO KEY UPDATE",
        }
    }
}

/// A value bound to a parameter or read from a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// An integer.
    I64(i64),
    /// A float, for sorting only: its bits are stored as an integer.
    F64(f64),
    /// A text without NUL.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::I64(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::I64(i64::from(value))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::F64(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Blob(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row of a result, read column by column from the left.
#[derive(Debug)]
pub struct Row {
    cells: std::vec::IntoIter<Value>,
}

impl Row {
    /// A row of these cells.
    pub fn new(cells: Vec<Value>) -> Self {
        Self {
            cells: cells.into_iter(),
        }
    }

    fn next(&mut self) -> Result<Value> {
        self.cells
            .next()
            .ok_or_else(|| mismatch("a missing column"))
    }

    /// The next column, an integer.
    pub fn i64(&mut self) -> Result<i64> {
        self.optional_i64()?.ok_or_else(|| mismatch("NULL"))
    }

    /// The next column, an integer or NULL.
    pub fn optional_i64(&mut self) -> Result<Option<i64>> {
        match self.next()? {
            Value::I64(value) => Ok(Some(value)),
            Value::Null => Ok(None),
            _ => Err(mismatch("not an integer")),
        }
    }

    /// The next column, an integer in the range of `T`.
    pub fn int<T: TryFrom<i64>>(&mut self) -> Result<T> {
        T::try_from(self.i64()?).map_err(|_| mismatch("an integer out of range"))
    }

    /// The next column, a float or NULL.
    pub fn optional_f64(&mut self) -> Result<Option<f64>> {
        match self.next()? {
            Value::F64(value) => Ok(Some(value)),
            Value::I64(value) => Ok(Some(value as f64)),
            Value::Null => Ok(None),
            _ => Err(mismatch("not a float")),
        }
    }

    /// The next column, the bits of a float.
    pub fn bits(&mut self) -> Result<f64> {
        Ok(f64::from_bits(self.i64()?.cast_unsigned()))
    }

    /// The next column, the bits of a float or NULL.
    pub fn optional_bits(&mut self) -> Result<Option<f64>> {
        let bits = self.optional_i64()?;
        Ok(bits.map(|bits| f64::from_bits(bits.cast_unsigned())))
    }

    /// The next column, a text.
    pub fn text(&mut self) -> Result<String> {
        self.optional_text()?.ok_or_else(|| mismatch("NULL"))
    }

    /// The next column, a text or NULL.
    pub fn optional_text(&mut self) -> Result<Option<String>> {
        match self.next()? {
            Value::Text(value) => Ok(Some(value)),
            Value::Null => Ok(None),
            _ => Err(mismatch("not a text")),
        }
    }

    /// The next column, bytes.
    pub fn blob(&mut self) -> Result<Vec<u8>> {
        match self.next()? {
            Value::Blob(value) => Ok(value),
            _ => Err(mismatch("not bytes")),
        }
    }

    /// The next column, a text that its type accepts.
    pub fn parsed<T: std::str::FromStr<Err = Error>>(&mut self) -> Result<T> {
        stored(self.text()?.parse())
    }

    /// The next column, a JSON document.
    pub fn json(&mut self) -> Result<serde_json::Value> {
        self.optional_json()?.ok_or_else(|| mismatch("NULL"))
    }

    /// The next column, a JSON document or NULL.
    pub fn optional_json<T: serde::de::DeserializeOwned>(&mut self) -> Result<Option<T>> {
        match self.optional_text()? {
            None => Ok(None),
            Some(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|error| Error::internal("read a stored document", error)),
        }
    }
}

fn mismatch(found: &'static str) -> Error {
    Error::internal("read a stored row", format!("unexpected {found}"))
}

/// Marks a failure to parse what the database holds as a defect, not as the
/// caller's mistake.
pub(super) fn stored<T>(parsed: Result<T>) -> Result<T> {
    parsed.map_err(|error| Error::internal("read a stored row", error))
}

/// The text of a JSON document.
pub(crate) fn json_text(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::internal("write a document", error))
}

/// An open transaction.
#[async_trait]
pub trait Tx: Send {
    /// The dialect of the database.
    fn dialect(&self) -> Dialect;
    /// Runs a query. Parameters are `$1`, `$2`, ... in the order they first appear.
    async fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>>;
    /// Runs a statement; returns the number of rows it touched.
    async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64>;
}

/// Whether a transaction writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It only reads, all of it from one snapshot.
    Read,
    /// The same for what commits wait for: it waits for no other reading.
    ReadFirst,
    /// It writes; `Ok` means that it is on disk.
    Write,
}

/// Runs transactions.
pub trait Backend: std::fmt::Debug + Send + Sync + 'static {
    /// Makes sure that this hub owns the database. True when it had to be taken
    /// anew, because another hub may have owned it meanwhile; fails while
    /// another one does. `in_doubt` looks closely: a connection that seems alive
    /// may have lost its server.
    fn own(&self, in_doubt: bool) -> impl Future<Output = Result<bool>> + Send;

    /// Runs `work` on `input` in one transaction, which is kept when the work
    /// returns `Ok` and undone otherwise. The work may be run again after a
    /// conflict with another transaction.
    fn run<I, T, W>(
        &self,
        access: Access,
        operation: &'static str,
        input: I,
        work: W,
    ) -> impl Future<Output = Result<T>> + Send
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        W: for<'t> Fn(&'t mut (dyn Tx + 't), &'t I) -> BoxFuture<'t, Result<T>>
            + Send
            + Sync
            + 'static;

    /// Copies the database into a new file as it was at one moment, if it is one.
    fn copy_to(
        &self,
        path: &std::path::Path,
    ) -> impl Future<Output = Result<Option<DatabaseCopy>>> + Send;
}
