//! Stories of the `mlhub` command, told with real processes: one story per
//! capability, one folder of the machine per story.
//!
//! Everything is waited for as a condition with a deadline (`support::wait`).
//! Training programs block at named gates (`support::Gates`), so that a fault
//! hits at a known point. What is inside one crate is tested there.

mod adapters;
mod artifacts;
mod bad_data_dir;
mod bad_input;
mod bad_predictions;
mod cli;
mod custom_metrics;
mod deletions;
mod demo;
mod faults;
mod faults_damage;
mod faults_disk;
mod faults_ingest;
mod faults_remount;
mod faults_stop;
mod launches;
mod onboarding;
mod other_environment;
mod portable;
#[path = "../../../mlhub-store/tests/contract/postgres.rs"]
mod postgres;
mod registry;
mod reproduce;
mod rogue;
mod run;
mod run_again;
#[path = "../../../mlhub-store/tests/blobs/s3_server.rs"]
mod s3_server;
mod sdk;
mod sdk_ship;
mod serve;
mod serving;
mod support;
mod trust;
