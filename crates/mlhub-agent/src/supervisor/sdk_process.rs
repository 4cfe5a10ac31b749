//! The processes of a run of the SDK: whether they live, how they ended, and a
//! watcher that samples the machine until they are over.
//!
//! They are nobody's children here. A process that is gone without a word is gone:
//! how it ended is not guessed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mlhub_protocol::run_dir::{
    ExitFile, ProcessIdentity, ProgramFile, RUN_DIR_VERSION, RankFile, SdkFile, SdkRole, names,
};
use rustix::process::{Pid, Signal};

use super::classify::{cause, oom_kills};
use super::files::read_json;
use super::identity::is_alive;
use super::journal::{Journal, OwnEvents, Record};
use super::link::{LocalEnd, Shared, is};
use super::system::Sampler;

/// Pause between two looks.
const TICK: Duration = Duration::from_millis(100);
/// How long other ranks may outlive the first one.
const RANKS_WAIT_MAX: Duration = Duration::from_secs(60);
/// What the SDK knew of the end when the interpreter began to end. The exit code is
/// known later, in `exit.json`, unless the process dies in between.
const LEAVING: &str = "leaving.json";
/// Files of ranks that are read.
const RANKS_MAX: usize = 4096;

/// The processes of one directory.
pub(crate) struct SdkProcess {
    dir: PathBuf,
    file: SdkFile,
    /// The machine this is asked on, when it may be another than the processes'.
    here: Option<String>,
}

impl SdkProcess {
    /// As the forwarder sees them, which they started on their own machine.
    pub(crate) fn new(dir: &Path, file: &SdkFile) -> Self {
        Self {
            dir: dir.to_owned(),
            file: file.clone(),
            here: None,
        }
    }

    /// As anybody sees them, perhaps from another machine on a shared disk.
    pub(crate) fn seen_from_anywhere(dir: &Path, file: &SdkFile) -> Self {
        let here = rustix::system::uname();
        Self {
            here: Some(here.nodename().to_string_lossy().into_owned()),
            ..Self::new(dir, file)
        }
    }

    /// Whether a process runs, as far as can be known: one of another machine is
    /// not seen from here and says itself when it is done.
    fn lives(&self, process: &ProcessIdentity, host: &str) -> bool {
        is_alive(process) || self.here.as_ref().is_some_and(|here| here != host)
    }

    fn ranks(&self) -> Vec<RankFile> {
        let Ok(entries) = std::fs::read_dir(self.dir.join(names::RANKS)) else {
            return Vec::new();
        };
        entries
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|end| end == "json"))
            .take(RANKS_MAX)
            // A file that cannot be read is of a process that cannot be waited for.
            .filter_map(|entry| read_json(&entry.path()).unwrap_or_default())
            .collect()
    }

    /// The process whose end is the run's.
    fn main(&self) -> ProcessIdentity {
        self.ranks()
            .into_iter()
            .find(|rank| rank.rank == 0 && rank.host == self.file.host)
            .map_or_else(|| self.file.process.clone(), |rank| rank.process)
    }

    pub(crate) fn program(&self) -> ProgramFile {
        ProgramFile {
            version: RUN_DIR_VERSION,
            program: self.file.process.clone(),
            shim: self.file.process.clone(),
            started_at_ms: self.file.started_at_ms,
        }
    }

    /// What `exit.json` says; nothing while it is not there or cannot be read.
    fn exit(&self) -> Option<ExitFile> {
        self.read(names::EXIT)
    }

    fn read(&self, name: &str) -> Option<ExitFile> {
        read_json(&self.dir.join(name)).unwrap_or_default()
    }

    /// How the run's process ended, `Some(None)` when nobody knows; `None` while
    /// it goes on. Other ranks are not waited for.
    pub(crate) fn end(&self) -> Option<Option<ExitFile>> {
        if self.file.role == SdkRole::Worker {
            let over = !self.lives(&self.file.process, &self.file.host) && !self.others_live();
            return over.then_some(None);
        }
        if let Some(exit) = self.exit() {
            return Some(Some(exit));
        }
        if self.lives(&self.main(), &self.file.host) {
            return None;
        }
        // Its last word may have come between our two looks. One that died on its
        // way out left what it knew then.
        Some(self.exit().or_else(|| self.read(LEAVING)))
    }

    /// Whether ranks of this machine have not ended.
    fn others_live(&self) -> bool {
        self.ranks().iter().any(|rank| {
            rank.ended_at_ms.is_none()
                && (rank.host != self.file.host || self.lives(&rank.process, &rank.host))
        })
    }
}

/// Watches until the end.
pub(crate) struct Watcher<'a> {
    process: SdkProcess,
    shared: &'a Shared,
    record: &'a Record,
    journal: &'a Journal,
    samples: OwnEvents,
    /// Put after `system/` in the names of samples.
    prefix: Option<String>,
    sampler: Option<Sampler>,
    sampled_at: Option<Instant>,
    oom_before: Option<u64>,
}

impl<'a> Watcher<'a> {
    pub(crate) fn new(
        process: SdkProcess,
        shared: &'a Shared,
        record: &'a Record,
        journal: &'a Journal,
        samples: OwnEvents,
        prefix: Option<String>,
    ) -> Self {
        Self {
            process,
            shared,
            record,
            journal,
            samples,
            prefix,
            sampler: None,
            sampled_at: None,
            oom_before: oom_kills(),
        }
    }

    /// Watches until the processes are over; `None` when there is no use in it
    /// any more.
    pub(crate) fn run(mut self) -> Option<LocalEnd> {
        let mut ended_at: Option<Instant> = None;
        loop {
            if is(&self.shared.closing) {
                return None;
            }
            if let Some(exit) = self.process.end() {
                let since = *ended_at.get_or_insert_with(Instant::now);
                if !self.process.others_live() || since.elapsed() >= RANKS_WAIT_MAX {
                    return Some(self.local_end(exit));
                }
            } else {
                self.stop();
            }
            self.sample();
            self.shared.wait(TICK);
        }
    }

    fn local_end(&self, exit: Option<ExitFile>) -> LocalEnd {
        let oom = match (self.oom_before, oom_kills()) {
            (Some(before), Some(after)) if after > before => Some(format!(
                "memory.events: oom_kill rose from {before} to {after}"
            )),
            _ => None,
        };
        self.journal.note(match exit {
            Some(_) => "the program has ended",
            None => "the program is gone without a word",
        });
        LocalEnd {
            program: Some(self.process.program()),
            exit,
            oom,
        }
    }

    /// Asks the program to stop when the hub wants it, once.
    fn stop(&self) {
        if !is(&self.shared.stop_requested)
            || !self.process.file.stoppable
            || self.record.stop_cause().is_some()
        {
            return;
        }
        let main = self.process.main();
        // The number is this process's as long as it lives; it is looked at last.
        let Some(pid) = Pid::from_raw(main.pid).filter(|_| is_alive(&main)) else {
            return;
        };
        self.record
            .change(|file| file.stop_cause = Some(cause::REQUEST.to_owned()));
        self.record.save(true);
        self.journal.note("stopping the program: request");
        if let Err(error) = rustix::process::kill_process(pid, Signal::TERM) {
            self.journal
                .note(&format!("the program cannot be asked to stop: {error}"));
        }
    }

    fn sample(&mut self) {
        let interval = self.process.file.system_interval_seconds;
        let due = self
            .sampled_at
            .is_none_or(|at| at.elapsed() >= Duration::from_secs(u64::from(interval)));
        if interval == 0 || !due {
            return;
        }
        self.sampled_at = Some(Instant::now());
        let dir = &self.process.dir;
        let sampler = self.sampler.get_or_insert_with(|| Sampler::new(dir));
        let pid = self.process.file.process.pid;
        let mut sample = sampler.sample(pid, self.process.file.started_at_ms);
        if let Some(prefix) = &self.prefix {
            sample.metrics = std::mem::take(&mut sample.metrics)
                .into_iter()
                .map(|(name, value)| match name.strip_prefix("system/") {
                    Some(rest) => (format!("system/{prefix}/{rest}"), value),
                    None => (name, value),
                })
                .collect();
        }
        // A sample that does not fit on the disk is left out.
        self.samples.write(&sample);
    }
}
