//! Minds the program on this machine: starts it, samples it, stops it, sees its
//! end. It never touches the network, so that a slow hub delays no signal.

use std::path::PathBuf;
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mlhub_protocol::run_dir::{ExitFile, ProgramFile, RUN_DIR_VERSION, names};
use rustix::process::Signal;

use super::classify::{cause, oom_kills};
use super::error::Result;
use super::files::{now_ms, write_json};
use super::identity::{group_members, is_alive, session_of, signal_group};
use super::journal::{Journal, OwnEvents, Record};
use super::limits::Watch;
use super::link::{LocalEnd, Shared, is};
use super::relay::Relay;
use super::run_dir::{ProgramStatus, RunDir};
use super::shim::{SHIM_ALREADY, SHIM_DONE, spawn_shim};
use super::system::{SYSTEM_EVENTS, Sampler};

/// Pause between two looks at the program.
const TICK: Duration = Duration::from_millis(50);
/// Times a shim is started that ends without having started the program.
const SHIM_STARTS_MAX: u32 = 20;
/// Pause after a shim that could not do its work.
const SHIM_PAUSE: Duration = Duration::from_millis(500);
/// Time between two SIGKILLs to a group that will not die.
const KILL_INTERVAL: Duration = Duration::from_secs(1);
/// Time given to killed leftovers of a program to be gone.
const LEFTOVERS_WAIT: Duration = Duration::from_secs(5);
/// Time a program has run at which its clock-based start counts as known.
const MILLIS_PER_SECOND: i64 = 1000;

/// Minds one attempt.
pub(crate) struct Minder {
    dir: RunDir,
    exe: PathBuf,
    shared: Arc<Shared>,
    record: Arc<Record>,
    journal: Arc<Journal>,
    samples: OwnEvents,
    sampler: Option<Sampler>,
    sampled_at: Option<Instant>,
    shim: Option<Child>,
    shim_starts: u32,
    stopping: Option<Stopping>,
    /// The time limit, measured here from what was left when first seen.
    deadline: Option<Instant>,
    oom_before: Option<u64>,
    watch: Watch,
    output: Output,
}

/// Who relays the output of the program.
enum Output {
    /// The shim, if anybody does.
    Shim,
    /// This process, since the shim died.
    Here(Relay),
    /// Nobody: it goes straight into the files, or cannot be read.
    Nobody,
}

/// A stop under way.
struct Stopping {
    since: Instant,
    killed_at: Option<Instant>,
}

impl Minder {
    pub(crate) fn new(
        dir: RunDir,
        exe: PathBuf,
        shared: Arc<Shared>,
        record: Arc<Record>,
        journal: Arc<Journal>,
    ) -> Self {
        Self {
            samples: OwnEvents::new(&dir.file(names::EVENTS), SYSTEM_EVENTS),
            watch: Watch::new(dir.launch().limits),
            output: Output::Shim,
            dir,
            exe,
            shared,
            record,
            journal,
            sampler: None,
            sampled_at: None,
            shim: None,
            shim_starts: 0,
            stopping: None,
            deadline: None,
            oom_before: oom_kills(),
        }
    }

    /// Minds the program until nothing of it is left; starts it first when
    /// nobody did.
    pub(crate) fn run(mut self) -> LocalEnd {
        let mut told_problem = false;
        loop {
            match self.dir.program_status() {
                Ok(ProgramStatus::Prepared) => self.prepare(),
                Ok(ProgramStatus::Running(program)) => self.attend(&program),
                Ok(ProgramStatus::Starting | ProgramStatus::Ending(_)) => {}
                Ok(ProgramStatus::Ended(program, exit)) => return self.end(program, Some(exit)),
                Ok(ProgramStatus::Vanished(program)) => return self.end(program, None),
                Err(error) if !told_problem => {
                    told_problem = true;
                    self.journal.note(&error.to_string());
                }
                Err(_) => {}
            }
            self.reap();
            self.shared.wait(TICK);
        }
    }

    /// Starts the program, or notes that it is not to be started.
    fn prepare(&mut self) {
        if self.shim.is_some() {
            return;
        }
        if is(&self.shared.stop_requested) {
            self.journal.note("stopped before it was started");
            self.never_started(None);
            return;
        }
        self.shim_starts += 1;
        match spawn_shim(&self.exe, self.dir.path()) {
            Ok(child) => self.shim = Some(child),
            Err(error) => self.shim_failed(&error.to_string()),
        }
    }

    /// Collects the shim when it has ended; sees to one that could not work.
    fn reap(&mut self) {
        let Some(child) = &mut self.shim else {
            return;
        };
        let Ok(Some(status)) = child.try_wait() else {
            return;
        };
        self.shim = None;
        if !matches!(status.code(), Some(SHIM_DONE | SHIM_ALREADY)) {
            self.shim_failed(&format!("the shim ended with {status}; see supervisor.log"));
        }
    }

    fn shim_failed(&mut self, reason: &str) {
        let prepared = matches!(self.dir.program_status(), Ok(ProgramStatus::Prepared));
        self.journal
            .note(&format!("start {}: {reason}", self.shim_starts));
        if prepared && self.shim_starts >= SHIM_STARTS_MAX {
            self.never_started(Some(format!("the program was not started: {reason}")));
        } else {
            self.shared.wait(SHIM_PAUSE);
        }
    }

    /// Writes an end without a start: with the reason why not, or because a
    /// stop was asked for.
    fn never_started(&self, spawn_error: Option<String>) {
        if spawn_error.is_none() {
            self.stop_cause_set(cause::REQUEST);
        }
        let exit = ExitFile {
            version: RUN_DIR_VERSION,
            code: None,
            signal: None,
            spawn_error,
            ended_at_ms: now_ms(),
        };
        if let Err(error) = write_json(&self.dir.file(names::EXIT), &exit, 0o644) {
            self.journal.note(&error.to_string());
        }
    }

    fn stop_cause_set(&self, cause: &str) {
        self.record.change(|file| {
            file.stop_cause.get_or_insert_with(|| cause.to_owned());
        });
        // On disk before any signal, so that who adopts the program knows.
        self.record.save(true);
    }

    /// What is to be done while the program runs.
    fn attend(&mut self, program: &ProgramFile) {
        if !is_alive(&program.shim) {
            self.take_over_output();
        }
        self.sample(program);
        let excess = self.watch.look(self.dir.path(), program);
        if self.stopping.is_some() {
            return self.press(program, excess.is_some_and(|excess| excess.is_far()));
        }
        let cause = if let Some(earlier) = self.record.stop_cause() {
            earlier
        } else if is(&self.shared.stop_requested) {
            cause::REQUEST.to_owned()
        } else if self.is_over_time(program) {
            cause::TIMEOUT.to_owned()
        } else if let Some(excess) = excess {
            self.record
                .change(|file| file.stop_measured = Some(excess.measured));
            excess.cause.to_owned()
        } else {
            return;
        };
        self.stop_cause_set(&cause);
        self.journal.note(&format!("stopping the program: {cause}"));
        signal_group(&program.program, session_of(program), Signal::TERM);
        self.stopping = Some(Stopping {
            since: Instant::now(),
            killed_at: None,
        });
    }

    /// Relays the output in place of a shim that was killed.
    fn take_over_output(&mut self) {
        if !matches!(self.output, Output::Shim) {
            return;
        }
        self.output = Output::Nobody;
        match Relay::take_over(&self.dir) {
            Ok(Some(relay)) => {
                self.journal
                    .note("the shim is gone; the output is read here from now on");
                self.output = Output::Here(relay);
            }
            Ok(None) => {}
            Err(error) => self
                .journal
                .note(&format!("the output cannot be read any further: {error}")),
        }
    }

    /// Kills a program that was asked to stop and did not in its time of grace, or
    /// at once when it goes on to take far more than it may.
    fn press(&mut self, program: &ProgramFile, at_once: bool) {
        let grace = Duration::from_secs(u64::from(self.dir.launch().grace_seconds));
        let Some(stopping) = &mut self.stopping else {
            return;
        };
        let due = stopping
            .killed_at
            .is_none_or(|at| at.elapsed() >= KILL_INTERVAL);
        let late = stopping.since.elapsed() >= grace;
        if (late || at_once) && due {
            stopping.killed_at = Some(Instant::now());
            self.journal.note(if late {
                "killing the program after its time of grace"
            } else {
                "killing the program at once: it is far past its limit"
            });
            signal_group(&program.program, session_of(program), Signal::KILL);
        }
    }

    fn is_over_time(&mut self, program: &ProgramFile) -> bool {
        let Some(limit) = self.dir.launch().timeout_seconds else {
            return false;
        };
        // The wall clock is read once, to know what an adopted program has
        // left; from there on time is monotonic.
        let deadline = *self.deadline.get_or_insert_with(|| {
            let ran = (now_ms() - program.started_at_ms).max(0) / MILLIS_PER_SECOND;
            let left = limit.saturating_sub(u64::try_from(ran).unwrap_or(0));
            Instant::now()
                .checked_add(Duration::from_secs(left))
                .unwrap_or_else(|| Instant::now() + Duration::from_secs(u64::from(u32::MAX)))
        });
        Instant::now() >= deadline
    }

    fn sample(&mut self, program: &ProgramFile) {
        let interval = self.dir.launch().system_interval_seconds;
        let due = self
            .sampled_at
            .is_none_or(|at| at.elapsed() >= Duration::from_secs(u64::from(interval)));
        if interval == 0 || !due {
            return;
        }
        self.sampled_at = Some(Instant::now());
        let folder = self.dir.path();
        let sampler = self.sampler.get_or_insert_with(|| Sampler::new(folder));
        let sample = sampler.sample(program.program.pid, program.started_at_ms);
        // A sample that does not fit on the disk is left out.
        self.samples.write(&sample);
    }

    /// Sees that nothing of the program is left, and tells how it ended.
    fn end(mut self, program: Option<ProgramFile>, exit: Option<ExitFile>) -> LocalEnd {
        if let Some(program) = &program {
            match kill_leftovers(program) {
                Ok(0) => {}
                Ok(count) => self.journal.note(&format!(
                    "killed {count} process(es) the program left behind"
                )),
                Err(count) => self.journal.note(&format!(
                    "{count} process(es) of the program cannot be killed"
                )),
            }
        }
        if let Some(mut shim) = self.shim.take() {
            // It has written its last word and ends what the program left; its own
            // time for that is limited.
            let _ = shim.wait();
        }
        if program.as_ref().is_none_or(|of| !is_alive(&of.shim)) {
            // Nobody but this process will write what is left.
            self.take_over_output();
        }
        if let Output::Here(relay) = self.output {
            relay.finish(self.dir.path());
        }
        let oom = match (self.oom_before, oom_kills()) {
            (Some(before), Some(after)) if after > before => Some(format!(
                "memory.events: oom_kill rose from {before} to {after}"
            )),
            _ => None,
        };
        LocalEnd { program, exit, oom }
    }
}

/// Kills what is left of a program's group. Returns how many were left, or as
/// an error how many are still there after a while.
pub(crate) fn kill_leftovers(program: &ProgramFile) -> Result<usize, usize> {
    let session = session_of(program);
    let first = group_members(&program.program, session).len();
    let since = Instant::now();
    loop {
        let left = group_members(&program.program, session).len();
        if left == 0 {
            return Ok(first);
        }
        if since.elapsed() >= LEFTOVERS_WAIT {
            return Err(left);
        }
        signal_group(&program.program, session, Signal::KILL);
        std::thread::sleep(TICK);
    }
}
