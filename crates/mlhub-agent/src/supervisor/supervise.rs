//! One supervisor: takes the lock, starts or adopts the program, ships.
//!
//! Three threads share little: one minds the program and never waits for the
//! network, one ships, one keeps contact with the hub. Whoever dies, another
//! supervisor of the same directory goes on from what is on disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mlhub_core::RunState;
use mlhub_protocol::rest::Heartbeat;
use mlhub_protocol::run_dir::{RUN_DIR_VERSION, SupervisorFile, names};

use super::error::Result;
use super::files::FileLock;
use super::identity::own_identity;
use super::journal::{Journal, OwnEvents, Record};
use super::link::{HubLink, Shared, is};
use super::log_metrics::LogMetrics;
use super::mind::Minder;
use super::run_dir::{ProgramStatus, RunDir, SUPERVISOR_LOG};
use super::ship::{OWN_EVENTS, Shipped, Shipper};

/// Time after the program's end for which a supervisor waits for a hub.
pub const HUB_ABSENCE_EXIT: Duration = Duration::from_hours(1);
/// Times the lock is tried, since a look at it by others holds it for a moment.
const LOCK_TRIES: u32 = 20;
/// Pause between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Exit code of a supervisor whose attempt needs nobody any more, or has
/// another supervisor.
pub const EXIT_DONE: i32 = 0;
/// Exit code when the directory cannot be used; the reason is on standard error.
pub const EXIT_UNUSABLE: i32 = 2;
/// Exit code when the hub stayed away; start another supervisor later.
pub const EXIT_LATER: i32 = 75;

/// How a supervisor behaves.
#[derive(Debug, Clone)]
pub struct SuperviseOptions {
    /// The program whose `shim` subcommand starts the shim; this very program
    /// when absent.
    pub exe: Option<PathBuf>,
    /// Time after the program's end for which it waits for a hub.
    pub hub_absence_exit: Duration,
    /// Time between two signs of life to the hub.
    pub heartbeat_interval: Duration,
    /// The longest pause between two tries to reach the hub.
    pub retry_max: Duration,
}

impl Default for SuperviseOptions {
    fn default() -> Self {
        Self {
            exe: None,
            hub_absence_exit: HUB_ABSENCE_EXIT,
            heartbeat_interval: Duration::from_secs(1),
            retry_max: Duration::from_secs(3),
        }
    }
}

/// The `supervise` subcommand: minds the attempt in `dir` until its end is on
/// the hub. Returns the process's exit code: [`EXIT_DONE`], [`EXIT_UNUSABLE`] or
/// [`EXIT_LATER`].
pub fn supervise_main(dir: &Path, options: &SuperviseOptions) -> i32 {
    // A supervisor started from a terminal must outlive it. It fails only for
    // a process that leads a group already, which the terminal leaves alone.
    let _ = rustix::process::setsid();
    match supervise(dir, options) {
        Ok(Shipped::All | Shipped::Never) => EXIT_DONE,
        Ok(Shipped::Later | Shipped::SoFar) => EXIT_LATER,
        Err(error) => {
            eprintln!("supervisor: {error}");
            EXIT_UNUSABLE
        }
    }
}

fn supervise(path: &Path, options: &SuperviseOptions) -> Result<Shipped> {
    // Paths of the program are absolute, so must this one be.
    let path =
        std::path::absolute(path).map_err(super::error::SupervisorError::io("find", path))?;
    let dir = RunDir::open(&path)?;
    let Some(_lock) = take_lock(&dir.file(names::SUPERVISOR_LOCK))? else {
        return Ok(Shipped::All);
    };
    let earlier = dir.supervisor()?;
    if earlier.as_ref().is_some_and(|file| file.shipped) {
        dir.marker_remove();
        return Ok(Shipped::All);
    }
    let journal = Arc::new(Journal::new(dir.file(SUPERVISOR_LOG)));
    journal.note(match &earlier {
        None => "supervisor started",
        Some(_) => "supervisor goes on where an earlier one stopped",
    });
    let record = Arc::new(Record::new(
        dir.file(names::SUPERVISOR),
        SupervisorFile {
            version: RUN_DIR_VERSION,
            supervisor: own_identity(),
            ..earlier.unwrap_or_else(empty_record)
        },
    ));
    record.save(true);
    tell_bad_expressions(&dir, &journal);
    let shared = Arc::new(Shared::default());
    if !ask_before_start(&dir, &shared, &journal)? {
        dir.marker_remove();
        return Ok(Shipped::Never);
    }
    let exe = match &options.exe {
        Some(exe) => exe.clone(),
        None => std::env::current_exe().map_err(super::error::SupervisorError::io(
            "find the program of",
            &path,
        ))?,
    };
    let shipped = run_threads(&dir, exe, options, &shared, &record, &journal);
    conclude(&dir, &record, &journal, shipped);
    Ok(shipped)
}

fn run_threads(
    dir: &RunDir,
    exe: PathBuf,
    options: &SuperviseOptions,
    shared: &Arc<Shared>,
    record: &Arc<Record>,
    journal: &Arc<Journal>,
) -> Shipped {
    let shipper = Shipper::new(
        dir.clone(),
        shared.clone(),
        record.clone(),
        journal.clone(),
        options.clone(),
    );
    let minder = Minder::new(
        dir.clone(),
        exe,
        shared.clone(),
        record.clone(),
        journal.clone(),
    );
    std::thread::scope(|scope| {
        let shipping = scope.spawn(|| shipper.run());
        scope.spawn(|| keep_contact(dir, options, shared, record));
        let end = minder.run();
        shared.end_set(end);
        let shipped = shipping.join().unwrap_or_else(|_| {
            journal.note("defect: the shipping thread panicked; another supervisor goes on later");
            Shipped::Later
        });
        shared.set(&shared.closing);
        shipped
    })
}

pub(super) fn conclude(dir: &RunDir, record: &Record, journal: &Journal, shipped: Shipped) {
    match shipped {
        Shipped::All => {
            record.change(|file| file.shipped = true);
            // While the record is not on disk the marker stays: another
            // supervisor will find everything on the hub and try again.
            if record.save(true) {
                dir.marker_remove();
            }
            journal.note("everything is on the hub");
        }
        Shipped::Never => {
            record.save(true);
            dir.marker_remove();
        }
        Shipped::SoFar => {
            record.save(true);
        }
        Shipped::Later => {
            record.save(true);
            journal.note("the hub stayed away; what is left is shipped later");
        }
    }
}

pub(super) fn empty_record() -> SupervisorFile {
    SupervisorFile {
        version: RUN_DIR_VERSION,
        supervisor: own_identity(),
        stop_cause: None,
        stop_measured: None,
        offsets: std::collections::BTreeMap::new(),
        files: std::collections::BTreeMap::new(),
        shipped: false,
        attempt: None,
        refused: None,
    }
}

pub(super) fn take_lock(path: &Path) -> Result<Option<FileLock>> {
    for _ in 1..LOCK_TRIES {
        if let Some(lock) = FileLock::try_take(path)? {
            return Ok(Some(lock));
        }
        std::thread::sleep(LOCK_PAUSE);
    }
    FileLock::try_take(path)
}

/// An expression that cannot be used harms no program: it is told, once.
fn tell_bad_expressions(dir: &RunDir, journal: &Journal) {
    let own = OwnEvents::new(&dir.file(names::EVENTS), OWN_EVENTS);
    for stream in ["stdout", "stderr"] {
        if let Err(error) = LogMetrics::compile(&dir.launch().log_metrics, stream) {
            journal.note(&error.to_string());
            if !matches!(dir.program_status(), Ok(ProgramStatus::Prepared)) {
                continue;
            }
            own.warn(error.to_string());
        }
    }
}

/// Asks a hub that is there whether the program is still wanted. Returns
/// whether there is anything to do: not when the run was deleted meanwhile.
fn ask_before_start(dir: &RunDir, shared: &Shared, journal: &Journal) -> Result<bool> {
    if dir.program_status()? != ProgramStatus::Prepared {
        return Ok(true);
    }
    if dir.stop_requested() {
        shared.set(&shared.stop_requested);
        return Ok(true);
    }
    let Some(client) = HubLink::new(&dir.launch().hub).client() else {
        return Ok(true);
    };
    match client.run_get(&dir.run().run.id) {
        Ok(run) => {
            let newest = run.summary.attempt == dir.run().attempt;
            let state = RunState::parse(&run.summary.state).ok();
            let ended = state.is_some_and(RunState::is_terminal) && state != Some(RunState::Lost);
            if !newest || ended || run.summary.stop_requested {
                shared.set(&shared.stop_requested);
            }
            Ok(true)
        }
        Err(error) if error.is_not_found() => {
            journal.note("the hub does not know this run: it is not started");
            Ok(false)
        }
        // A hub that does not answer delays no program.
        Err(_) => Ok(true),
    }
}

/// Shows the hub that the supervisor lives, and hears what it wants.
pub(super) fn keep_contact(
    dir: &RunDir,
    options: &SuperviseOptions,
    shared: &Shared,
    record: &Record,
) {
    let mut link = HubLink::new(&dir.launch().hub);
    while !is(&shared.closing) && !is(&shared.gone) {
        if is(&shared.start_told)
            && let Some(client) = link.client()
        {
            // A forwarder learns the attempt's number from the hub.
            let attempt = record.attempt().unwrap_or(dir.run().attempt);
            let heartbeat = Heartbeat {
                backlog_bytes: shared.backlog_bytes.load(Ordering::Acquire),
            };
            // Nobody there: the shipper tells, here there is nothing to say.
            if let Ok(reply) = client.attempt_heartbeat(&dir.run().run.id, attempt, &heartbeat) {
                if reply.stop_requested {
                    shared.set(&shared.stop_requested);
                }
                let unaware = reply.state == RunState::Queued.as_str()
                    || reply.state == RunState::Lost.as_str();
                if unaware && shared.end().is_none() {
                    shared.set(&shared.tell_start);
                }
            }
        }
        wait_for(options.heartbeat_interval, shared);
    }
}

/// Waits, but not past the end of everything.
fn wait_for(time: Duration, shared: &Shared) {
    let since = std::time::Instant::now();
    while !is(&shared.closing) {
        let Some(left) = time.checked_sub(since.elapsed()) else {
            return;
        };
        shared.wait(left);
    }
}
