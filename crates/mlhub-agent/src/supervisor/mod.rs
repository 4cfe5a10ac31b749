//! The supervisor: everything between a prepared run directory and its end on
//! the hub.
//!
//! ```text
//! agent ── supervise <dir> ── shim <dir> ── the program (its own process group)
//!            │ minds, samples, ships          │ waits, writes exit.json
//!            ▼                                ▼
//!           hub (may come and go)         run directory (the only truth)
//! ```
//! Each process may be killed at any moment without harm to the ones below it.
//! What is known of a program follows from its directory and the process table,
//! where a process is named by boot, number and start time together
//! ([`mlhub_protocol::run_dir::ProcessIdentity`]), so that a reused number
//! fools nobody. A program is started at most once per directory.
//!
//! What it deliberately does not do: restart programs, place them on machines,
//! or read what they keep. On Linux a process that leaves its program's process
//! group (a daemon) falls to the shim, counts towards the limits, and is ended with
//! the program; elsewhere it is not followed.

mod agent;
mod aliases;
mod classify;
mod creation;
mod error;
mod files;
mod forward;
mod frames;
mod identity;
mod inputs;
mod journal;
mod keep;
mod lenient;
mod limits;
mod link;
mod log_metrics;
mod mind;
mod offline;
mod relay;
mod run_dir;
mod scan;
mod sdk_dir;
mod sdk_process;
mod shim;
mod ship;
mod ship_events;
mod ship_logs;
mod signs;
mod supervise;
mod sync;
mod system;
mod tail;
mod translate;
#[cfg(test)]
mod translate_tests;
mod upload;

pub use agent::{AgentOptions, agent_main, ensure_agent, ensure_agent_with};
pub use error::{Result, SupervisorError};
pub use forward::{ForwardOptions, ServeLocally, forward_main};
pub use identity::{discover_hub, is_alive, own_identity, process_identity};
pub(crate) use limits::DEFAULT_OPEN_FILES;
pub use offline::{OfflineControl, OfflineRun, SignalWhen, run_offline};
pub use run_dir::{ProgramStatus, RunDir, active_attempts};
pub use rustix::process::Signal;
pub use sdk_dir::is_sdk_run;
pub(crate) use shim::lower;
pub use shim::shim_main;
pub use ship::LocalHub;
pub use supervise::{
    EXIT_DONE, EXIT_LATER, EXIT_UNUSABLE, HUB_ABSENCE_EXIT, SuperviseOptions, supervise_main,
};
pub use sync::{SyncState, Synced, sync_run};
