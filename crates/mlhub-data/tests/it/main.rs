//! Tests of the public API on real files. All fixtures are written by the tests themselves.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

mod binary;
mod fixtures;
mod folders;
mod prediction_batches;
mod predictions;
mod splits;
mod text;
mod verifying;
mod wire;
