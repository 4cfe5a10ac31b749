//! Runs a program in a run directory without a hub: the same start, the same
//! files, nothing shipped. For checking adapters.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use mlhub_protocol::event::EventLine;
use mlhub_protocol::run_dir::{ExitFile, ProgramFile, names};
use rustix::process::Signal;

use super::error::{Result, SupervisorError};
use super::identity::{session_of, signal_group};
use super::lenient::{parse_event, parse_output_event};
use super::mind::kill_leftovers;
use super::run_dir::RunDir;
use super::shim::{Started, start, wait};
use super::tail::{Line, read_lines};

/// Pause between two looks at the program.
const TICK: Duration = Duration::from_millis(20);
/// Bytes of each stream that are returned.
const OUTPUT_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Looks at an event and says which signal, if any, the program's group gets.
pub type SignalWhen = Box<dyn FnMut(&EventLine) -> Option<Signal>>;

/// What is done to a program while it runs.
pub struct OfflineControl {
    /// Time after which it is killed.
    pub timeout: Duration,
    /// Asked about every event; a signal is sent to the program's group.
    pub signal_when: SignalWhen,
}

impl std::fmt::Debug for OfflineControl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OfflineControl")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl OfflineControl {
    /// Lets the program run, at most for `timeout`.
    pub fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            signal_when: Box::new(|_| None),
        }
    }
}

/// What a program left.
#[derive(Debug, Clone)]
pub struct OfflineRun {
    /// How it ended.
    pub exit: ExitFile,
    /// Whether it was killed because its time was up.
    pub timed_out: bool,
    /// Its events with their writer, in the order of each writer.
    pub events: Vec<(String, EventLine)>,
    /// Standard output, the first 64 MiB.
    pub stdout: Vec<u8>,
    /// Standard error, the first 64 MiB.
    pub stderr: Vec<u8>,
}

/// Starts the program of `dir`, which was not started before, waits for its
/// end, and returns what it left. Blocks.
///
/// # Errors
/// When the directory cannot be used or its program was started before. A
/// program that cannot be started is an [`OfflineRun`] with its `spawn_error`.
pub fn run_offline(dir: &RunDir, control: &mut OfflineControl) -> Result<OfflineRun> {
    let mut events = Events::default();
    let mut timed_out = false;
    match start(dir.path())? {
        Started::Already => {
            return Err(SupervisorError::Malformed {
                path: dir.path().to_owned(),
                reason: "its program was started before".to_owned(),
            });
        }
        Started::Ended => {}
        Started::Running(mut child, relay) => {
            let program = dir.program()?;
            let started = Instant::now();
            let path = dir.path().to_owned();
            let waiting = std::thread::spawn(move || wait(&path, &mut child, relay));
            while !waiting.is_finished() {
                for event in events.read(dir, false)? {
                    if let Some(signal) = (control.signal_when)(&event) {
                        send(program.as_ref(), signal);
                    }
                }
                if started.elapsed() >= control.timeout && !timed_out {
                    timed_out = true;
                    send(program.as_ref(), Signal::KILL);
                }
                std::thread::sleep(TICK);
            }
            waiting.join().map_err(|_| SupervisorError::Malformed {
                path: dir.path().to_owned(),
                reason: "the waiting thread panicked".to_owned(),
            })??;
            if let Some(program) = &program {
                // Who cannot be killed is left to the system.
                let _ = kill_leftovers(program);
            }
        }
    }
    events.read(dir, true)?;
    let exit = dir.exit()?.ok_or_else(|| SupervisorError::Malformed {
        path: dir.file(names::EXIT),
        reason: "it is missing".to_owned(),
    })?;
    Ok(OfflineRun {
        exit,
        timed_out,
        events: events.found,
        stdout: output(dir, names::STDOUT)?,
        stderr: output(dir, names::STDERR)?,
    })
}

fn send(program: Option<&ProgramFile>, signal: Signal) {
    if let Some(program) = program {
        signal_group(&program.program, session_of(program), signal);
    }
}

fn output(dir: &RunDir, name: &str) -> Result<Vec<u8>> {
    let path = dir.file(name);
    let mut bytes = Vec::new();
    match fs::File::open(&path) {
        Ok(file) => {
            std::io::Read::read_to_end(
                &mut std::io::Read::take(file, OUTPUT_MAX_BYTES),
                &mut bytes,
            )
            .map_err(SupervisorError::io("read", &path))?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(SupervisorError::io("read", &path)(error)),
    }
    Ok(bytes)
}

/// Events read so far.
#[derive(Default)]
struct Events {
    offsets: BTreeMap<String, u64>,
    found: Vec<(String, EventLine)>,
}

impl Events {
    /// Reads what is new; returns it.
    fn read(&mut self, dir: &RunDir, at_end: bool) -> Result<Vec<EventLine>> {
        let mut sources = Vec::new();
        if dir.launch().stdout_events {
            sources.push(("stdout".to_owned(), dir.file(names::STDOUT)));
        }
        let folder = dir.file(names::EVENTS);
        let entries = fs::read_dir(&folder).map_err(SupervisorError::io("list", &folder))?;
        for entry in entries.flatten() {
            if let Some(name) = entry.file_name().to_str()
                && name.ends_with(".jsonl")
            {
                sources.push((name.to_owned(), entry.path()));
            }
        }
        sources.sort();
        let before = self.found.len();
        for (name, path) in sources {
            let parse = if name == "stdout" {
                parse_output_event
            } else {
                parse_event
            };
            let offset = self.offsets.entry(name.clone()).or_default();
            let found = &mut self.found;
            *offset = read_lines(&path, *offset, at_end, |line, _, _| {
                if let Line::Whole(bytes) = line
                    && let Some(event) = parse(bytes)
                {
                    found.push((name.clone(), event));
                }
                true
            })
            .map_err(SupervisorError::io("read", &path))?;
        }
        Ok(self.found[before..]
            .iter()
            .map(|(_, event)| event.clone())
            .collect())
    }
}
