//! Synchronising: ships what is in a run directory of the SDK, once.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mlhub_protocol::run_dir::SdkRole;

use super::error::Result;
use super::forward::{ForwardOptions, Forwarding};
use super::link::LocalEnd;
use super::sdk_dir::{earlier_attempt, sdk_file};
use super::sdk_process::SdkProcess;
use super::ship::{ShipMode, Shipped};
use super::supervise::{SuperviseOptions, conclude};

/// How long a synchronisation looks for a hub that stopped answering.
const SYNC_ABSENCE_MAX: Duration = Duration::from_secs(20);
/// Pause between two reports of progress.
const PROGRESS_PAUSE: Duration = Duration::from_millis(100);

/// What a synchronisation led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncState {
    /// Everything is on the hub, with the run's end.
    Shipped,
    /// Everything there is, and the program goes on.
    Running,
    /// A forwarder or another synchronisation is at it.
    Busy,
    /// The hub could not be reached or stopped answering.
    Unreachable,
    /// Another machine has to make the run first.
    Waiting,
    /// The hub does not take it.
    Refused,
}

impl SyncState {
    /// The state's name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::Running => "running",
            Self::Busy => "busy",
            Self::Unreachable => "unreachable",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
        }
    }
}

/// What became of one directory.
#[derive(Debug, Clone)]
pub struct Synced {
    /// The run.
    pub run: String,
    /// What it led to.
    pub state: SyncState,
    /// Bytes of events and output shipped this time.
    pub shipped_bytes: u64,
    /// Files on the hub.
    pub files: usize,
    /// Why it is not all shipped, when it is not.
    pub message: Option<String>,
}

/// Ships what is in `dir`, once; with the end when the program has ended. Blocks.
/// `progress` is told bytes shipped and bytes left, now and then.
///
/// # Errors
/// When the directory cannot be used.
pub fn sync_run(
    dir: &Path,
    options: &ForwardOptions,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Synced> {
    let run = sdk_file(dir)?.run.id;
    let Some(forwarding) = Forwarding::take(dir, options)? else {
        return Ok(Synced {
            run,
            state: SyncState::Busy,
            shipped_bytes: 0,
            files: 0,
            message: Some("its forwarder is shipping it".to_owned()),
        });
    };
    let Forwarding {
        dir,
        file,
        record,
        journal,
        shared,
        ..
    } = &forwarding;
    journal.note("synchronising");
    let process = SdkProcess::seen_from_anywhere(dir.path(), file);
    if let Some(exit) = process.end() {
        shared.end_set(LocalEnd {
            program: Some(process.program()),
            exit,
            oom: None,
        });
    }
    let how = SuperviseOptions {
        exe: None,
        hub_absence_exit: SYNC_ABSENCE_MAX,
        ..SuperviseOptions::default()
    };
    let shipper = forwarding.shipper(
        how,
        ShipMode {
            once: true,
            local_hub: options.serve(&dir.launch().hub),
            ..ShipMode::default()
        },
    );
    let shipped_bytes = || shared.shipped_bytes.load(Ordering::Acquire);
    let shipped = std::thread::scope(|scope| {
        let shipping = scope.spawn(|| shipper.run());
        while !shipping.is_finished() {
            let left = shared.backlog_bytes.load(Ordering::Acquire);
            progress(shipped_bytes(), left);
            shared.wait(PROGRESS_PAUSE);
        }
        shipping.join().unwrap_or(Shipped::Later)
    });
    conclude(dir, record, journal, shipped);
    Ok(outcome(&forwarding, shipped))
}

/// What is said of a synchronisation.
fn outcome(forwarding: &Forwarding, shipped: Shipped) -> Synced {
    let Forwarding {
        dir, file, record, ..
    } = forwarding;
    let shipped_bytes = forwarding.shared.shipped_bytes.load(Ordering::Acquire);
    let (files, refused) = record.change(|file| (file.files.len(), file.refused.clone()));
    let earlier = earlier_attempt(dir.path(), file).filter(|_| shipped_bytes == 0);
    let (state, message) = match shipped {
        Shipped::All => (SyncState::Shipped, None),
        Shipped::SoFar => (
            SyncState::Running,
            Some(format!(
                "its program goes on, as far as can be seen from here (it runs on {}); what it has written so far is shipped",
                file.host
            )),
        ),
        Shipped::Later if file.role == SdkRole::Worker && shipped_bytes == 0 => (
            SyncState::Waiting,
            Some(
                "the hub does not answer, or the machine of the first rank has not made the run there yet"
                    .to_owned(),
            ),
        ),
        Shipped::Later => match earlier {
            Some(earlier) => (
                SyncState::Waiting,
                Some(format!(
                    "the hub does not answer, or does not have its earlier attempt: synchronise {} first",
                    earlier.display()
                )),
            ),
            None => (
                SyncState::Unreachable,
                Some("the hub does not answer; sync again when it does".to_owned()),
            ),
        },
        Shipped::Never => (
            SyncState::Refused,
            Some(refused.unwrap_or_else(|| {
                "the run was deleted on the hub, or its end refused; see supervisor.log".to_owned()
            })),
        ),
    };
    Synced {
        run: file.run.id.clone(),
        state,
        shipped_bytes,
        files,
        message,
    }
}
