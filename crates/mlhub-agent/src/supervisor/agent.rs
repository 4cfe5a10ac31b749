//! The agent of this machine: starts supervisors for prepared attempts, at most
//! so many programs at a time, and again for attempts whose supervisor died.
//! It ends when nothing is left to do.
//!
//! It holds no state: what it does follows from the directories, so killing it
//! harms nothing, and another goes on.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mlhub_protocol::run_dir::HubAddress;

use super::error::{Result, SupervisorError};
use super::files::FileLock;
use super::identity::{discover_hub, is_alive};
use super::journal::Journal;
use super::run_dir::{ProgramStatus, RunDir, SUPERVISOR_LOG, active_attempts};
use super::supervise::{EXIT_DONE, EXIT_UNUSABLE};

/// Held by the living agent of a data directory.
const AGENT_LOCK: &str = "agent.lock";
/// The agent's log.
const AGENT_LOG: &str = "agent.log";
/// Pause between two looks.
const SCAN_PAUSE: Duration = Duration::from_millis(100);
/// Times the lock is tried, since a look at it by others holds it for a moment.
const LOCK_TRIES: u32 = 20;
/// Pause between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// Longest pause before a supervisor is started again that keeps dying.
const RESTART_PAUSE_MAX: Duration = Duration::from_secs(60);
/// First such pause.
const RESTART_PAUSE_FIRST: Duration = Duration::from_millis(200);
/// Time a supervisor has lived at which its death is the first again.
const RESTART_FORGIVEN: Duration = Duration::from_secs(60);

/// How an agent behaves.
#[derive(Debug, Clone, Default)]
pub struct AgentOptions {
    /// The program whose `supervise` subcommand minds an attempt; this very
    /// program when absent.
    pub exe: Option<PathBuf>,
    /// Arguments given to `supervise` after the directory.
    pub supervise_args: Vec<String>,
}

/// The `agent` subcommand: works on the attempts of `data_dir` until nothing is
/// left to do. Returns the process's exit code. A second agent of the same
/// directory returns 0 at once.
pub fn agent_main(data_dir: &Path, slots: usize, options: &AgentOptions) -> i32 {
    // Detaches from the terminal it was started from; one that leads its group
    // already (an agent run by hand) stays with it.
    let _ = rustix::process::setsid();
    match Agent::take(data_dir, slots, options) {
        Ok(Some(mut agent)) => {
            agent.run();
            EXIT_DONE
        }
        Ok(None) => EXIT_DONE,
        Err(error) => {
            eprintln!("agent: {error}");
            EXIT_UNUSABLE
        }
    }
}

/// Starts an agent of `data_dir` in the background (`exe agent --data-dir …`)
/// when there is work and no agent. Returns whether it started one.
///
/// # Errors
/// When the directory cannot be used or the program cannot be started.
pub fn ensure_agent(data_dir: &Path, exe: &Path) -> Result<bool> {
    ensure_agent_with(data_dir, exe, &[])
}

/// As [`ensure_agent`], with further arguments for the agent's command line.
///
/// # Errors
/// As [`ensure_agent`].
pub fn ensure_agent_with(data_dir: &Path, exe: &Path, arguments: &[String]) -> Result<bool> {
    if active_attempts(data_dir).is_empty() {
        return Ok(false);
    }
    if FileLock::try_take(&data_dir.join(AGENT_LOCK))?.is_none() {
        return Ok(false);
    }
    let log = |name: &str| {
        let path = data_dir.join(name);
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(SupervisorError::io("open", path))
    };
    let mut child = Command::new(exe)
        .arg("agent")
        .arg("--data-dir")
        .arg(data_dir)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(log(AGENT_LOG)?)
        .stderr(log(AGENT_LOG)?)
        .spawn()
        .map_err(SupervisorError::io("start the agent with", exe))?;
    // It outlives us or we outlive it; in the second case somebody must
    // collect it, and a thread costs less than a forgotten zombie.
    std::thread::spawn(move || child.wait());
    Ok(true)
}

struct Agent {
    data_dir: PathBuf,
    slots: usize,
    exe: PathBuf,
    supervise_args: Vec<String>,
    journal: Journal,
    children: BTreeMap<PathBuf, Child>,
    restarts: BTreeMap<PathBuf, Restart>,
    /// Directories opened before; what they are asked to do never changes.
    known: BTreeMap<PathBuf, RunDir>,
    _lock: FileLock,
}

/// When a supervisor was started last, and how long to wait before the next.
struct Restart {
    at: Instant,
    pause: Duration,
}

/// An attempt with work left.
struct Attempt {
    dir: RunDir,
    status: ProgramStatus,
    supervised: bool,
}

impl Agent {
    fn take(data_dir: &Path, slots: usize, options: &AgentOptions) -> Result<Option<Self>> {
        let data_dir =
            std::path::absolute(data_dir).map_err(SupervisorError::io("find", data_dir))?;
        let path = data_dir.join(AGENT_LOCK);
        let mut lock = FileLock::try_take(&path)?;
        for _ in 1..LOCK_TRIES {
            if lock.is_some() {
                break;
            }
            std::thread::sleep(LOCK_PAUSE);
            lock = FileLock::try_take(&path)?;
        }
        let Some(lock) = lock else {
            return Ok(None);
        };
        let exe = match &options.exe {
            Some(exe) => exe.clone(),
            None => std::env::current_exe()
                .map_err(SupervisorError::io("find the program of", &data_dir))?,
        };
        Ok(Some(Self {
            journal: Journal::new(data_dir.join(AGENT_LOG)),
            data_dir,
            slots: slots.max(1),
            exe,
            supervise_args: options.supervise_args.clone(),
            children: BTreeMap::new(),
            restarts: BTreeMap::new(),
            known: BTreeMap::new(),
            _lock: lock,
        }))
    }

    fn run(&mut self) {
        loop {
            self.reap();
            let attempts = self.attempts();
            let left = self.work(attempts);
            if left == 0 && self.children.is_empty() {
                return;
            }
            std::thread::sleep(SCAN_PAUSE);
        }
    }

    fn reap(&mut self) {
        self.children
            .retain(|_, child| matches!(child.try_wait(), Ok(None)));
    }

    /// The attempts with work left, in the order of the queue.
    fn attempts(&mut self) -> Vec<Attempt> {
        let mut found = Vec::new();
        let active = active_attempts(&self.data_dir);
        self.known
            .retain(|path, _| active.binary_search(path).is_ok());
        for path in active {
            let opened = match self.known.get(&path) {
                Some(dir) => Ok(dir.clone()),
                None => RunDir::open(&path),
            };
            let attempt = opened.and_then(|dir| {
                self.known
                    .entry(path.clone())
                    .or_insert_with(|| dir.clone());
                let record = dir.supervisor()?;
                if record.as_ref().is_some_and(|record| record.shipped) {
                    dir.marker_remove();
                    return Ok(None);
                }
                let living = record.is_some_and(|record| is_alive(&record.supervisor));
                Ok(Some(Attempt {
                    status: dir.program_status()?,
                    supervised: living || self.children.contains_key(&path),
                    dir,
                }))
            });
            match attempt {
                Ok(Some(attempt)) => found.push(attempt),
                Ok(None) => {}
                Err(error) => self.tell_unusable(&path, &error),
            }
        }
        found.sort_by(|a, b| {
            (a.dir.launch().queue_position, a.dir.path())
                .cmp(&(b.dir.launch().queue_position, b.dir.path()))
        });
        found
    }

    /// Tells once of a directory that cannot be read.
    fn tell_unusable(&mut self, path: &Path, error: &SupervisorError) {
        let known = self.restarts.contains_key(path);
        if !known {
            self.journal.note(&format!("passing over: {error}"));
            let restart = Restart {
                at: Instant::now(),
                pause: RESTART_PAUSE_MAX,
            };
            self.restarts.insert(path.to_owned(), restart);
        }
    }

    /// Starts what is due; returns how many attempts are left to wait for.
    fn work(&mut self, attempts: Vec<Attempt>) -> usize {
        let mut running = attempts.iter().filter(|attempt| attempt.occupies()).count();
        let mut left = 0;
        for attempt in attempts {
            if attempt.supervised {
                left += 1;
                continue;
            }
            match attempt.status {
                ProgramStatus::Prepared if running >= self.slots => left += 1,
                ProgramStatus::Prepared => {
                    left += 1;
                    running += usize::from(self.start(&attempt));
                }
                ProgramStatus::Ended(..) | ProgramStatus::Vanished(_) => {
                    // With nobody to ship to there is nothing to do: the hub
                    // starts an agent when it is back.
                    if hub_may_be_there(&attempt.dir.launch().hub) {
                        left += 1;
                        self.start(&attempt);
                    }
                }
                _ => {
                    left += 1;
                    self.start(&attempt);
                }
            }
        }
        left
    }

    /// Starts a supervisor unless one was just started; returns whether it did.
    fn start(&mut self, attempt: &Attempt) -> bool {
        let path = attempt.dir.path();
        let pause = match self.restarts.get(path) {
            Some(earlier) if earlier.at.elapsed() < earlier.pause => return false,
            Some(earlier) if earlier.at.elapsed() < RESTART_FORGIVEN => {
                (earlier.pause * 2).min(RESTART_PAUSE_MAX)
            }
            _ => RESTART_PAUSE_FIRST,
        };
        let restart = Restart {
            at: Instant::now(),
            pause,
        };
        self.restarts.insert(path.to_owned(), restart);
        match self.spawn(path) {
            Ok(child) => {
                self.children.insert(path.to_owned(), child);
                true
            }
            Err(error) => {
                self.journal.note(&error.to_string());
                false
            }
        }
    }

    fn spawn(&self, path: &Path) -> Result<Child> {
        let log = || super::files::open_append(&path.join(SUPERVISOR_LOG)).map(Stdio::from);
        Command::new(&self.exe)
            .arg("supervise")
            .arg(path)
            .args(&self.supervise_args)
            .stdin(Stdio::null())
            .stdout(log()?)
            .stderr(log()?)
            .spawn()
            .map_err(SupervisorError::io("start a supervisor with", &self.exe))
    }
}

impl Attempt {
    /// Whether it takes a slot: its program runs, or is about to.
    fn occupies(&self) -> bool {
        match self.status {
            ProgramStatus::Starting | ProgramStatus::Running(_) | ProgramStatus::Ending(_) => true,
            ProgramStatus::Prepared => self.supervised,
            ProgramStatus::Ended(..) | ProgramStatus::Vanished(_) => false,
        }
    }
}

/// Whether it is worth trying to ship.
fn hub_may_be_there(address: &HubAddress) -> bool {
    match address {
        HubAddress::DataDir(folder) => discover_hub(Path::new(folder)).is_some(),
        HubAddress::Url(url) => {
            mlhub_client::Client::new(url, None).is_ok_and(|client| client.health().is_ok())
        }
    }
}
