//! Runs, their attempts and what they leave behind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::caller::UserId;
use crate::id::{GroupId, Name, RunId};
use crate::path::ArtifactPath;
use crate::ports::Timestamp;
use crate::state::RunState;

/// A project: the outermost folder of work.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Its name, unique in the hub.
    pub name: Name,
    /// Free text.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Runs in it.
    pub run_count: u64,
    /// When a run of it last changed.
    pub last_activity_at: Option<Timestamp>,
}

/// An experiment: one question, one config, any number of runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// The project it is in.
    pub project: Name,
    /// Its name, unique in the project.
    pub name: Name,
    /// Free text.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Runs in it.
    pub run_count: u64,
    /// Its number, unique in the hub and never used again.
    pub number: i64,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// A URI under which clients keep the artifacts of its runs by themselves, when that
    /// is not the hub. Nothing is read from there.
    pub location: Option<String>,
    /// When it was last changed, its runs aside.
    pub changed_at: Timestamp,
    /// When it was deleted: hidden from lists, and kept.
    pub deleted_at: Option<Timestamp>,
}

/// What makes an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct NewExperiment {
    /// The project; made when it does not exist.
    pub project: Name,
    /// Its name.
    pub name: Name,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// See [`Experiment::location`].
    pub location: Option<String>,
    /// When it is made.
    pub created_at: Timestamp,
}

/// A change of an experiment; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExperimentChange {
    /// Its new name, in the same project.
    pub name: Option<Name>,
    /// Tags to set, or to remove.
    pub tags: BTreeMap<String, Option<String>>,
    /// Whether it is to be deleted.
    pub deleted: Option<bool>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitStatus {
    /// The exit code, when it exited by itself.
    pub code: Option<i32>,
    /// The signal number, when a signal ended it.
    pub signal: Option<i32>,
}

impl ExitStatus {
    /// Whether it exited with code 0.
    pub fn success(&self) -> bool {
        self.code == Some(0) && self.signal.is_none()
    }
}

/// Why a run did not finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureClass {
    /// The command does not exist or may not be executed.
    CommandNotFound,
    /// The adapter's environment could not be prepared.
    Environment,
    /// The adapter refused the config.
    Config,
    /// The dataset is missing, changed or unreadable.
    Dataset,
    /// A module could not be imported.
    Import,
    /// The host ran out of memory.
    HostOutOfMemory,
    /// A GPU ran out of memory.
    GpuOutOfMemory,
    /// The disk was full.
    DiskFull,
    /// Processes of one run could not talk to each other: NCCL or Gloo failed or waited in vain.
    Nccl,
    /// A GPU or its driver failed.
    GpuError,
    /// The program gave up because its loss was no number.
    NotANumber,
    /// A signal from outside ended it.
    Killed,
    /// It crashed on an invalid memory access or an abort.
    Crash,
    /// It passed its time limit.
    Timeout,
    /// It and what it started took more memory than the experiment allows.
    MemoryLimit,
    /// It had more processes than it may.
    ProcessLimit,
    /// It wrote more output than it may.
    OutputLimit,
    /// Any other non-zero exit.
    Exit,
    /// The process is gone and nobody saw how it ended.
    Vanished,
}

impl FailureClass {
    /// What to do about it, in one line; nothing where the message says all.
    pub fn advice(self) -> Option<&'static str> {
        Some(match self {
            Self::CommandNotFound | Self::Config | Self::Dataset | Self::Exit => return None,
            Self::Environment => {
                "See why the environment could not be made, then try again: `mlhub adapter check` tries it alone."
            }
            Self::Import => {
                "Install the module into the environment of the adapter, or correct its name."
            }
            Self::HostOutOfMemory => {
                "Use a smaller batch, fewer data workers, or a machine with more memory; for workers, more room in /dev/shm."
            }
            Self::GpuOutOfMemory => {
                "Use a smaller batch (gradient accumulation keeps its effect), lower precision, or a GPU with more memory."
            }
            Self::DiskFull => {
                "Free room where the run writes; `mlhub doctor` and retention rules say what takes it."
            }
            Self::Nccl => {
                "Look at the rank that failed first: the others only waited for it. NCCL_DEBUG=INFO tells more."
            }
            Self::GpuError => {
                "Run once with CUDA_LAUNCH_BLOCKING=1 to see the line that fails; if it is another each time, suspect the GPU or its driver."
            }
            Self::NotANumber => {
                "Lower the learning rate, clip gradients, and check the data for values that are no numbers."
            }
            Self::Killed => {
                "Somebody or something outside the hub ended it; `dmesg` and the cluster's log say who."
            }
            Self::Crash => {
                "It crashed in native code; `PYTHONFAULTHANDLER=1` prints where Python was."
            }
            Self::Timeout => "Give it more time, or let it go on from its last checkpoint.",
            Self::MemoryLimit | Self::ProcessLimit | Self::OutputLimit => {
                "Raise the limit in the experiment file if that is what the run needs."
            }
            Self::Vanished => {
                "Its machine was restarted, or everything that watched it was killed at once; its last checkpoint is in the run directory."
            }
        })
    }
}

/// Why a run failed, with the lines that show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The class.
    pub class: FailureClass,
    /// One paragraph: what, where, what to do.
    pub message: String,
    /// The last lines of output that show it.
    #[serde(default)]
    pub evidence: Vec<String>,
}

/// A run: one execution with one seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its identifier.
    pub id: RunId,
    /// Its place in the order of creation; the cursor of lists.
    pub seq: i64,
    /// The project it is in.
    pub project: Name,
    /// The experiment it is in.
    pub experiment: Name,
    /// Its name; not unique.
    pub name: Name,
    /// The state of its newest attempt.
    pub state: RunState,
    /// The adapter's name, when an adapter runs it.
    pub adapter: Option<String>,
    /// The adapter's version.
    pub adapter_version: Option<String>,
    /// The seed it was given.
    pub seed: Option<i64>,
    /// The group of runs that differ only in seed.
    pub group: Option<GroupId>,
    /// `name@version` of the dataset it reads, as recorded at launch.
    pub dataset: Option<String>,
    /// Who made it.
    pub owner: UserId,
    /// Free text, Markdown.
    pub notes: String,
    /// The number of its newest attempt, from 1.
    pub attempt: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its newest attempt started.
    pub started_at: Option<Timestamp>,
    /// When its newest attempt ended.
    pub ended_at: Option<Timestamp>,
    /// How its newest attempt ended.
    pub exit: Option<ExitStatus>,
    /// Why it did not finish.
    pub failure: Option<Failure>,
    /// Whether somebody asked it to stop.
    pub stop_requested: bool,
    /// When it was deleted: hidden from lists, kept until it is purged.
    pub deleted_at: Option<Timestamp>,
}

/// What makes a run.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Its identifier.
    pub id: RunId,
    /// The project; made when it does not exist.
    pub project: Name,
    /// The experiment; made when it does not exist.
    pub experiment: Name,
    /// Its name.
    pub name: Name,
    /// The adapter's name.
    pub adapter: Option<String>,
    /// The adapter's version.
    pub adapter_version: Option<String>,
    /// The seed.
    pub seed: Option<i64>,
    /// The seed group.
    pub group: Option<GroupId>,
    /// `name@version` of its dataset.
    pub dataset: Option<String>,
    /// Who makes it.
    pub owner: UserId,
    /// Free text.
    pub notes: String,
    /// Flat params, dotted keys.
    pub params: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Resolved config with origins, environment, provenance: one JSON
    /// document, versioned by its producer (see `mlhub-protocol`).
    pub snapshot: serde_json::Value,
    /// The machine that will run it.
    pub host: Option<String>,
    /// When it is made.
    pub created_at: Timestamp,
}

/// One try at executing a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The run.
    pub run: RunId,
    /// Its number, from 1.
    pub number: u32,
    /// Its own state.
    pub state: RunState,
    /// The machine it runs on.
    pub host: Option<String>,
    /// The step it resumed from; points of earlier attempts beyond it are
    /// superseded.
    pub resumed_from_step: Option<i64>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When its process started.
    pub started_at: Option<Timestamp>,
    /// When its process ended.
    pub ended_at: Option<Timestamp>,
    /// When its supervisor was last heard of.
    pub heartbeat_at: Option<Timestamp>,
    /// How it ended.
    pub exit: Option<ExitStatus>,
    /// Why it did not finish.
    pub failure: Option<Failure>,
}

/// A change of an attempt's state, applied only when the state is still `from`.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptChange {
    /// The run.
    pub run: RunId,
    /// The attempt's number.
    pub number: u32,
    /// The state it must be in.
    pub from: RunState,
    /// The state it goes to.
    pub to: RunState,
    /// Set when given.
    pub started_at: Option<Timestamp>,
    /// What it becomes: a late truth replaces an earlier end, absent clears it.
    pub ended_at: Option<Timestamp>,
    /// What it becomes; absent clears it.
    pub exit: Option<ExitStatus>,
    /// What it becomes; absent clears it.
    pub failure: Option<Failure>,
}

/// A stored output of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Artifact {
    /// The run.
    pub run: RunId,
    /// Its key in the run.
    pub path: ArtifactPath,
    /// BLAKE3 of its content, hex.
    pub hash: String,
    /// Its size.
    pub size_bytes: u64,
    /// What it is: `artifact`, `predictions`, `checkpoint`, ...
    pub kind: String,
    /// The attempt that wrote it.
    pub attempt: u32,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// An artifact that a run took as an input.
#[derive(Debug, Clone, PartialEq)]
pub struct ArtifactUse {
    /// The run that used it.
    pub run: RunId,
    /// What the using run calls it, unique in that run.
    pub name: String,
    /// The run that made it, as far as that was said; it may be gone since.
    pub source_run: Option<RunId>,
    /// Its path in that run.
    pub source_path: Option<ArtifactPath>,
    /// BLAKE3 of its content, hex.
    pub hash: String,
    /// Its size.
    pub size_bytes: u64,
    /// When its use was noted.
    pub used_at: Timestamp,
}

/// A record of a run that is neither point, param nor tag: entry facts,
/// checkpoints, warnings, progress.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// What it is: `entry`, `checkpoint`, `warning`, `progress`, ...
    pub kind: String,
    /// When it was written.
    pub time: Timestamp,
    /// Its content, bounded by [`crate::limits::RECORD_MAX_BYTES`].
    pub body: serde_json::Value,
}
