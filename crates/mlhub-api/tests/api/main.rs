//! The HTTP face over a whole hub: SQLite and blobs in a temporary folder, a
//! clock and an entropy of the tests. Requests go through `router` in process,
//! and over a real socket where its behaviour matters.
//!
//! The rules themselves are tested in `mlhub-app`, storage in `mlhub-store`.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; the panic says where"
)]

mod crowd;
mod deletions;
mod documents;
mod downloads;
mod fuzz;
mod history;
mod hub;
mod idempotence;
mod live;
mod mlflow;
mod mlflow_bulk;
mod mlflow_files;
mod mlflow_hostile;
mod mlflow_hostile_bodies;
mod mlflow_models;
mod mlflow_registry;
mod mlflow_registry_pages;
mod mlflow_semantics;
mod mlflow_socket;
mod mlflow_trace_hostile;
mod mlflow_trace_search;
mod mlflow_traces;
mod models;
mod numbers;
mod openapi;
mod paths;
mod protocol;
mod registry;
mod resumable;
mod route_walk;
mod search;
mod socket;
mod tables;
mod uploads;
mod versions;
mod walls;
