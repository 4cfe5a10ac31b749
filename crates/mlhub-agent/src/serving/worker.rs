//! One program that answers for one model: started in its own process group,
//! asked one question at a time, killed with all it started when it breaks a
//! bound or a rule.
//!
//! When the hub dies, the program's input closes, and it ends by itself.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::{Duration, Instant};

use mlhub_protocol::adapter::{ADAPTER_PROTOCOL, Capability, exit_code};
use mlhub_protocol::event::EventLine;
use mlhub_protocol::run_dir::{RunFile, names};
use mlhub_protocol::serving::{Ask, FRAME_MAX_BYTES, RequestFrame, WorkerFrame};
use serde_json::Value;

use super::error::ServeError;
use super::group;
use super::log::Log;
use super::memory;
use super::pipes::{self, Line};
use crate::adapter::LaunchPlan;

/// Pause between two looks at memory, time and whether the hub stops.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Pause between two looks at whether a program has ended.
const END_POLL: Duration = Duration::from_millis(5);
/// How long a program that closed its output may take to end.
const END_WAIT: Duration = Duration::from_secs(2);
/// How long a program may take to end once its input is closed.
const STOP_GRACE: Duration = Duration::from_secs(3);
/// The log's name in a worker directory.
const LOG_FILE: &str = "worker.log";
/// Bytes read of an event file for the reason of a refusal.
const EVENTS_MAX_BYTES: u64 = 1024 * 1024;

/// Bounds of one program.
#[derive(Debug, Clone, Copy)]
pub struct WorkerLimits {
    /// Time to load the model.
    pub ready: Duration,
    /// Time to answer a request.
    pub answer: Duration,
    /// Resident bytes of its process group.
    pub memory_bytes: u64,
}

impl Default for WorkerLimits {
    fn default() -> Self {
        Self {
            ready: Duration::from_secs(120),
            answer: Duration::from_secs(30),
            memory_bytes: 16 * 1024 * 1024 * 1024,
        }
    }
}

/// How to start a program.
#[derive(Debug)]
pub struct WorkerPlan {
    /// Its directory, absolute; made by the start, removed at the end.
    pub dir: PathBuf,
    /// What it is asked to do.
    pub run: RunFile,
    /// How the adapter's command is started.
    pub launch: LaunchPlan,
}

/// What a program answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// An output for each input.
    Outputs(Vec<Value>),
    /// Hits for each query.
    Hits(Vec<Vec<Value>>),
}

/// A program that has loaded its model.
#[derive(Debug)]
pub(super) struct Worker {
    dir: PathBuf,
    child: Child,
    /// How it ended, once it was waited for.
    ended: Option<ExitStatus>,
    frames: Option<Sender<Vec<u8>>>,
    lines: Receiver<Line>,
    log: Log,
    limits: WorkerLimits,
    next_id: u64,
}

impl Worker {
    /// Starts a program and waits until it is ready for `capability`.
    pub(super) fn start(
        plan: &WorkerPlan,
        capability: Capability,
        limits: WorkerLimits,
        stopping: &AtomicBool,
    ) -> Result<Self, ServeError> {
        let mut worker = Self::spawn(plan, limits).map_err(|(dir, error)| {
            // What was made of the directory goes with the attempt.
            drop(fs::remove_dir_all(dir));
            ServeError::Start(error)
        })?;
        let line = worker.line("load the model", limits.ready, stopping)?;
        let frame = worker.frame(&line)?;
        let Some(ready) = frame.ready else {
            return Err(worker.broke("the first frame must be `ready`"));
        };
        if ready.protocol != ADAPTER_PROTOCOL {
            return Err(worker.broke(&format!(
                "it speaks protocol {}, not {ADAPTER_PROTOCOL}",
                ready.protocol
            )));
        }
        if !ready.capabilities.contains(&capability) {
            return Err(worker.broke("it is ready for something else than what it was started for"));
        }
        Ok(worker)
    }

    fn spawn(plan: &WorkerPlan, limits: WorkerLimits) -> Result<Self, (PathBuf, String)> {
        let in_dir = |error: String| (plan.dir.clone(), error);
        write_directory(plan).map_err(|error| in_dir(error.to_string()))?;
        let (program, arguments) = plan
            .launch
            .argv
            .split_first()
            .ok_or_else(|| in_dir("its command is empty".to_owned()))?;
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(&plan.launch.cwd)
            .env_clear()
            .envs(&plan.launch.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| in_dir(format!("`{program}`: {error}")))?;
        let connected = connect(&mut child, &plan.dir.join(LOG_FILE));
        match connected {
            Ok((frames, lines, log)) => Ok(Self {
                dir: plan.dir.clone(),
                child,
                ended: None,
                frames: Some(frames),
                lines,
                log,
                limits,
                next_id: 1,
            }),
            Err(error) => {
                group::kill(&mut child);
                Err(in_dir(error.to_string()))
            }
        }
    }

    /// Whether it lives and has said nothing unasked.
    pub(super) fn is_fit(&mut self) -> bool {
        matches!(self.lines.try_recv(), Err(TryRecvError::Empty)) && !self.has_exited()
    }

    /// Asks one question and waits for the answer.
    pub(super) fn ask(&mut self, ask: &Ask, stopping: &AtomicBool) -> Result<Answer, ServeError> {
        let id = self.next_id;
        self.next_id += 1;
        let request = RequestFrame {
            id,
            ask: ask.clone(),
        };
        let mut bytes = serde_json::to_vec(&request).map_err(|error| {
            ServeError::Start(format!("the request cannot be written: {error}"))
        })?;
        bytes.push(b'\n');
        if bytes.len() > FRAME_MAX_BYTES {
            return Err(ServeError::TooLarge {
                bytes: bytes.len(),
                limit: FRAME_MAX_BYTES,
            });
        }
        // A writer that is gone is a program that is gone: the next line says so.
        if let Some(frames) = &self.frames {
            drop(frames.send(bytes));
        }
        let line = self.line("answer", self.limits.answer, stopping)?;
        let frame = self.frame(&line)?;
        self.answer(id, ask, frame)
    }

    fn answer(&mut self, id: u64, ask: &Ask, frame: WorkerFrame) -> Result<Answer, ServeError> {
        if frame.id != Some(id) {
            return Err(self.broke("the answer is to another request"));
        }
        if let Some(problem) = frame.error {
            return Err(ServeError::Request(problem));
        }
        let (answer, count) = match (ask, frame.outputs, frame.hits) {
            (Ask::Predict { .. }, Some(outputs), None) => {
                let count = outputs.len();
                (Answer::Outputs(outputs), count)
            }
            (Ask::Search { k, .. }, None, Some(hits)) => {
                if hits.iter().any(|hits| hits.len() > *k as usize) {
                    return Err(self.broke("the answer has more hits than were asked for"));
                }
                let count = hits.len();
                (Answer::Hits(hits), count)
            }
            _ => return Err(self.broke("the answer is of another kind than the question")),
        };
        if count != ask.count() {
            return Err(self.broke(&format!("{} were asked and {count} answered", ask.count())));
        }
        Ok(answer)
    }

    /// The next line, or why there is none. Time, memory and the hub's end are
    /// looked at meanwhile.
    fn line(
        &mut self,
        doing: &'static str,
        limit: Duration,
        stopping: &AtomicBool,
    ) -> Result<Vec<u8>, ServeError> {
        let deadline = Instant::now() + limit;
        loop {
            match self.lines.recv_timeout(LOOK_INTERVAL) {
                Ok(Line::Whole(line)) => return Ok(line),
                Ok(Line::TooLong) => {
                    let reason = format!("a frame is longer than {FRAME_MAX_BYTES} bytes");
                    return Err(self.broke(&reason));
                }
                Ok(Line::Cut) | Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.died(doing));
                }
                Err(RecvTimeoutError::Timeout) if self.has_exited() => {
                    // Something it started holds its output open.
                    match self.lines.try_recv() {
                        Ok(Line::Whole(line)) => return Ok(line),
                        _ => return Err(self.died(doing)),
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if stopping.load(Ordering::Relaxed) {
                return Err(ServeError::Stopping);
            }
            let used_bytes = memory::group_bytes(self.child.id().cast_signed());
            if used_bytes > self.limits.memory_bytes {
                return Err(ServeError::Memory {
                    used_bytes,
                    limit_bytes: self.limits.memory_bytes,
                });
            }
            if Instant::now() >= deadline {
                self.kill();
                self.log.settle();
                return Err(ServeError::TimedOut {
                    doing,
                    limit,
                    last_lines: self.log.last_lines(),
                });
            }
        }
    }

    fn frame(&mut self, line: &[u8]) -> Result<WorkerFrame, ServeError> {
        serde_json::from_slice(line).map_err(|_| {
            // The line itself may hold anything and is not repeated.
            self.broke("a line on its standard output is no frame (a program's own prints belong on standard error)")
        })
    }

    fn broke(&mut self, reason: &str) -> ServeError {
        self.kill();
        self.log.settle();
        ServeError::Conversation {
            reason: reason.to_owned(),
            last_lines: self.log.last_lines(),
        }
    }

    /// Says how a program ended that closed its output.
    fn died(&mut self, doing: &'static str) -> ServeError {
        let ended = self.wait_exit(END_WAIT);
        self.kill();
        self.log.settle();
        let how = match self.ended {
            _ if !ended => "it closed its output and went on".to_owned(),
            Some(status) => status.to_string(),
            None => "in an unknown way".to_owned(),
        };
        let loading = doing == "load the model";
        let code = self.ended.and_then(|status| status.code());
        let refusals = [
            exit_code::CONFIG,
            exit_code::DATASET,
            exit_code::UNSUPPORTED,
        ];
        if loading
            && code.is_some_and(|code| refusals.contains(&code))
            && let Some((field, message)) = refusal(&self.dir)
        {
            return ServeError::Refused { field, message };
        }
        ServeError::Died {
            doing: if loading {
                "while it loaded the model"
            } else {
                "while it answered"
            },
            how,
            last_lines: self.log.last_lines(),
        }
    }

    /// Whether it has ended; it is waited for by [`Self::kill`] only.
    fn has_exited(&self) -> bool {
        self.ended.is_some() || group::has_exited(&self.child)
    }

    fn wait_exit(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while !self.has_exited() {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(END_POLL);
        }
        true
    }

    /// Closes its input, waits a little for its end, then ends what is left.
    pub(super) fn stop(mut self) {
        self.frames = None;
        self.wait_exit(STOP_GRACE);
        self.kill();
    }

    fn kill(&mut self) {
        self.frames = None;
        if self.ended.is_none() {
            self.ended = group::kill(&mut self.child);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
        if let Err(error) = fs::remove_dir_all(&self.dir) {
            tracing::debug!(%error, "a worker directory stays behind");
        }
    }
}

type Connected = (Sender<Vec<u8>>, Receiver<Line>, Log);

fn connect(child: &mut Child, log: &Path) -> std::io::Result<Connected> {
    let taken = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = taken else {
        return Err(std::io::Error::other("its streams are not there"));
    };
    Ok((
        pipes::write_frames(stdin)?,
        pipes::read_lines(stdout)?,
        Log::start(stderr, log)?,
    ))
}

/// Writes what a program of a model is told.
pub(crate) fn write_directory(plan: &WorkerPlan) -> std::io::Result<()> {
    for folder in [names::EVENTS, names::ARTIFACTS] {
        fs::create_dir_all(plan.dir.join(folder))?;
    }
    let run = serde_json::to_vec_pretty(&plan.run)?;
    fs::write(plan.dir.join(names::RUN), run)?;
    if let Some((path, content)) = &plan.launch.config_file {
        fs::write(path, content)?;
    }
    Ok(())
}

/// The first `error` event of a program that refused.
fn refusal(dir: &Path) -> Option<(Option<String>, String)> {
    let error = events(dir).into_iter().find_map(|event| event.error)?;
    Some((error.field, error.message))
}

/// The events in a directory's files, the first of each file up to a bound.
pub(crate) fn events(dir: &Path) -> Vec<EventLine> {
    let entries = fs::read_dir(dir.join(names::EVENTS)).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .collect();
    files.sort();
    files.iter().flat_map(|file| events_of(file)).collect()
}

/// The events among the lines of a file; a link leads nowhere.
pub(crate) fn events_of(file: &Path) -> Vec<EventLine> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let plain = fs::symlink_metadata(file).is_ok_and(|data| data.is_file());
    if let Some(open) = fs::File::open(file).ok().filter(|_| plain) {
        // What was read before an error counts as well.
        let _ = open.take(EVENTS_MAX_BYTES).read_to_end(&mut bytes);
    }
    bytes
        .split(|&byte| byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}
