//! Storage: the traits of `mlhub_core::store` on SQLite and on PostgreSQL, and
//! blobs in a folder or in an S3 bucket.
//!
//! All SQL is written once, in [`sql`]'s common dialect, over a thin seam of two
//! calls (`query`, `execute`); [`sqlite`] and [`postgres`] only run it. Rules of
//! use and authorisation are not here (see `mlhub-app`), and neither is any
//! path that a client chose: blobs are addressed by hash.
//!
//! Text with a NUL character is refused on both backends, because PostgreSQL
//! cannot hold it; log bytes and blobs may hold any byte.

mod blobs;
mod check;
mod data_dir;
mod engine;
mod migrate;
mod postgres;
mod sql;
mod sqlite;
mod sqlite_copy;
mod sqlite_error;
mod sqlite_transact;
mod sqlite_upkeep;

pub use blobs::{FolderBlobStore, S3BlobStore, S3Config};
pub use data_dir::DataDir;
pub use postgres::PostgresStore;
pub use sql::SqlStore;
pub use sqlite::SqliteStore;
