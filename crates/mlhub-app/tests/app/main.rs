//! The use cases over a real store: SQLite and blobs in a temporary folder, a
//! clock and an entropy of the tests. No HTTP here.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; the panic says where"
)]

mod clock;
mod compare;
mod deletion;
mod documents;
mod evaluation;
mod hub;
mod launches;
mod lifecycle;
mod live;
mod log_search;
mod models;
mod permissions;
mod portable;
mod registry;
mod retention;
mod search;
mod uploads;
mod versions;
