//! The versioned wire types: what is written to disk for other programs and
//! what travels between hub, command line and supervisor.
//!
//! Wire types are not domain types: they carry versions, tolerate unknown
//! fields when read, and map to `mlhub-core` at the edge. Nothing here does I/O.

pub mod adapter;
pub mod batch;
mod batch_json;
pub mod custom_metric;
pub mod event;
pub mod event_log;
pub mod export;
pub mod lenient;
pub mod number;
pub mod rest;
pub mod run_dir;
pub mod serving;

pub use number::Number;
