//! The shim: the program's parent, and nothing else.
//!
//! It starts the program in a process group of its own, has its output scanned on the way
//! into the log files (or, where that is switched off, makes them its output), waits, and
//! writes how it ended. It holds no connection and no
//! lock, talks to nobody, and outlives every supervisor, so that the exit code
//! is never lost. A program is started at most once per directory, whatever
//! dies in between.
//!
//! It sets what the kernel enforces per process (open files, no core dumps) and, on
//! Linux, is the parent of every process the program orphans, which it ends when the
//! program has ended. It measures nothing: the supervisor does.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use mlhub_protocol::run_dir::{ExitFile, LaunchFile, ProgramFile, RUN_DIR_VERSION, names};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, getrlimit, kill_process, setrlimit,
};

use super::error::{Result, SupervisorError};
use super::files::{now_ms, open_append, write_json};
use super::identity::{child_identity, is_own_program, own_children, own_identity};
use super::limits::DEFAULT_OPEN_FILES;
use super::relay::Relay;
use super::run_dir::{RunDir, STARTING, StartingFile};

/// Exit code of a shim that did its work.
pub(crate) const SHIM_DONE: i32 = 0;
/// Exit code of a shim that found the program already started.
pub(crate) const SHIM_ALREADY: i32 = 3;
/// Exit code of a shim that could not do its work; its message is on its standard error.
const SHIM_FAILED: i32 = 1;
/// Time given to what the program left to be gone.
const ORPHANS_WAIT: Duration = Duration::from_secs(30);
/// Pause between two looks at it; an orphan's own children become ours when it ends.
const ORPHANS_PAUSE: Duration = Duration::from_millis(5);
/// Pause before writing again to a full disk.
const FULL_DISK_PAUSE: Duration = Duration::from_secs(1);

/// The `shim` subcommand: starts the program of `dir`, waits for it, writes
/// `exit.json`. Returns the process's exit code.
pub fn shim_main(dir: &Path) -> i32 {
    // It fails only for a process that leads a group already, which a shim
    // started by a supervisor does not.
    let _ = rustix::process::setsid();
    confine(dir);
    match start(dir) {
        Ok(Started::Already) => SHIM_ALREADY,
        Ok(Started::Ended) => SHIM_DONE,
        Ok(Started::Running(mut child, relay)) => match wait_for_all(dir, &mut child, relay) {
            Ok(()) => SHIM_DONE,
            Err(error) => failed(&error),
        },
        Err(error) => failed(&error),
    }
}

fn failed(error: &SupervisorError) -> i32 {
    let _ = writeln!(std::io::stderr(), "shim: {error}");
    SHIM_FAILED
}

/// What became of an attempt to start.
#[derive(Debug)]
pub(crate) enum Started {
    /// Somebody started it before.
    Already,
    /// It runs, with what relays its output.
    Running(Child, Option<Relay>),
    /// It could not be started; `exit.json` says why.
    Ended,
}

/// Starts the program of `dir` unless it was started before.
pub(crate) fn start(dir: &Path) -> Result<Started> {
    let dir = RunDir::open(dir)?;
    if !claim(&dir)? {
        return Ok(Started::Already);
    }
    let launch = dir.launch();
    let spawned = command(&dir).and_then(|(mut command, relay)| {
        let child = command
            .spawn()
            .map_err(|error| spawn_problem(launch, &error))?;
        Ok((child, relay))
    });
    let (mut child, relay) = match spawned {
        Ok(started) => started,
        Err(problem) => {
            let exit = ExitFile {
                version: RUN_DIR_VERSION,
                code: None,
                signal: None,
                spawn_error: Some(problem),
                ended_at_ms: now_ms(),
            };
            write_patiently(&dir.file(names::EXIT), &exit)?;
            return Ok(Started::Ended);
        }
    };
    let pid = i32::try_from(child.id()).unwrap_or(i32::MAX);
    let Some(program) = child_identity(pid) else {
        // No process table to read: the end is still told truly.
        wait(dir.path(), &mut child, relay)?;
        return Ok(Started::Ended);
    };
    let file = ProgramFile {
        version: RUN_DIR_VERSION,
        program,
        shim: own_identity(),
        started_at_ms: now_ms(),
    };
    write_patiently(&dir.file(names::PROGRAM), &file)?;
    Ok(Started::Running(child, relay))
}

/// Waits for the program and writes how it ended.
pub(crate) fn wait(dir: &Path, child: &mut Child, mut relay: Option<Relay>) -> Result<()> {
    let status = child
        .wait()
        .map_err(SupervisorError::io("wait for the program of", dir))?;
    drain(&mut relay);
    let told = write_patiently(&dir.join(names::EXIT), &exit_file(status));
    finish(dir, relay);
    told
}

/// All that the program wrote is in the log before its end is told.
fn drain(relay: &mut Option<Relay>) {
    if let Some(relay) = relay {
        relay.drain();
    }
}

fn finish(dir: &Path, relay: Option<Relay>) {
    if let Some(relay) = relay {
        relay.finish(dir);
    }
}

/// Limits that this process and all it starts inherit. What the system does not
/// take is left as it is: a limit less is no reason not to train.
fn confine(dir: &Path) {
    let Ok(dir) = RunDir::open(dir) else {
        return; // Starting it says why.
    };
    // A dump of a process's memory would hold samples and secrets.
    lower(Resource::Core, 0);
    let open_files = dir.launch().limits.open_files;
    lower(Resource::Nofile, open_files.unwrap_or(DEFAULT_OPEN_FILES));
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// Lowers a limit to `most`, never raises it.
pub(crate) fn lower(resource: Resource, most: u64) {
    let now = getrlimit(resource);
    let least = |limit: Option<u64>| Some(limit.map_or(most, |limit| limit.min(most)));
    let new = Rlimit {
        current: least(now.current),
        maximum: least(now.maximum),
    };
    let _ = setrlimit(resource, new);
}

/// Waits for the program, collecting the orphans it leaves meanwhile, writes how it
/// ended, and ends what it left.
fn wait_for_all(dir: &Path, child: &mut Child, mut relay: Option<Relay>) -> Result<()> {
    let program = i32::try_from(child.id()).unwrap_or(i32::MAX);
    let status = loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get() == program => break status,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            // Nothing to wait for: what is known of the child is told by its handle.
            Err(_) => return wait(dir, child, relay),
        }
    };
    let exit = exit_of(status.exit_status(), status.terminating_signal());
    drain(&mut relay);
    let told = write_patiently(&dir.join(names::EXIT), &exit);
    end_orphans();
    finish(dir, relay);
    told
}

/// Ends every process that has become this one's child: those the program left.
/// Their numbers cannot be given to others before they are collected here.
fn end_orphans() {
    let since = Instant::now();
    while since.elapsed() < ORPHANS_WAIT {
        let mut left = false;
        for row in own_children() {
            if row.zombie || is_own_program(row.pid) {
                continue;
            }
            left = true;
            if let Some(pid) = Pid::from_raw(row.pid) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        while matches!(rustix::process::wait(WaitOptions::NOHANG), Ok(Some(_))) {}
        if !left {
            return;
        }
        std::thread::sleep(ORPHANS_PAUSE);
    }
}

fn exit_file(status: ExitStatus) -> ExitFile {
    exit_of(status.code(), status.signal())
}

fn exit_of(code: Option<i32>, signal: Option<i32>) -> ExitFile {
    ExitFile {
        version: RUN_DIR_VERSION,
        code,
        signal,
        spawn_error: None,
        ended_at_ms: now_ms(),
    }
}

/// Takes the one right to start the program.
fn claim(dir: &RunDir) -> Result<bool> {
    if dir.program()?.is_some() || dir.exit()?.is_some() {
        return Ok(false);
    }
    let path = dir.file(STARTING);
    let starting = StartingFile {
        version: RUN_DIR_VERSION,
        shim: own_identity(),
    };
    // A hard link of a finished file appears whole, and only for the first.
    let temporary = dir.file(&format!("{STARTING}.{}", starting.shim.pid));
    write_json(&temporary, &starting, 0o644)?;
    let linked = std::fs::hard_link(&temporary, &path);
    let _ = std::fs::remove_file(&temporary);
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(SupervisorError::io("write", path)(error)),
    }
}

/// The program's command, with what relays its output when that is scanned.
fn command(dir: &RunDir) -> Result<(Command, Option<Relay>), String> {
    let launch = dir.launch();
    let (program, arguments) = launch
        .argv
        .split_first()
        .ok_or("launch.json has an empty `argv`: there is no command to start")?;
    if !Path::new(&launch.cwd).is_dir() {
        return Err(format!(
            "the working directory `{}` does not exist",
            launch.cwd
        ));
    }
    let log = |name: &str| {
        let log = open_append(&dir.file(name)).map_err(|error| error.to_string())?;
        Ok::<_, String>(OwnedFd::from(log))
    };
    let (relay, [stdout, stderr]) = if launch.log_scan {
        let (relay, outputs) = Relay::start(dir)
            .map_err(|error| format!("the output of the program cannot be read: {error}"))?;
        (Some(relay), outputs)
    } else {
        (None, [log(names::STDOUT)?, log(names::STDERR)?])
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(&launch.cwd)
        .env_clear()
        .envs(&launch.env)
        .env(names::ENV_RUN_DIR, dir.path())
        .env(names::ENV_RUN_ID, &dir.run().run.id)
        .env(names::ENV_SEED, dir.run().seed.to_string())
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .process_group(0);
    Ok((command, relay))
}

fn spawn_problem(launch: &LaunchFile, error: &std::io::Error) -> String {
    let program = launch.argv.first().map_or("", String::as_str);
    match error.kind() {
        std::io::ErrorKind::NotFound => format!(
            "command not found: `{program}` is neither a file nor in the PATH given to the program; install it, or correct the command in the experiment file"
        ),
        std::io::ErrorKind::PermissionDenied => {
            format!("command not executable: `{program}` may not be executed ({error})")
        }
        _ => format!("cannot start `{program}`: {error}"),
    }
}

/// Writes a file the truth depends on: waits while the disk is full.
fn write_patiently(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    loop {
        match write_json(path, value, 0o644) {
            Err(error) if error.is_storage_full() => std::thread::sleep(FULL_DISK_PAUSE),
            other => return other,
        }
    }
}

/// Starts the shim of `dir` as a process of its own: `exe shim <dir>`.
pub(crate) fn spawn_shim(exe: &Path, dir: &Path) -> Result<Child> {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(dir.join(super::run_dir::SUPERVISOR_LOG))
        .map_err(SupervisorError::io("open the log of", dir))?;
    Command::new(exe)
        .arg("shim")
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::from(log))
        .spawn()
        .map_err(SupervisorError::io("start the shim with", exe))
}
