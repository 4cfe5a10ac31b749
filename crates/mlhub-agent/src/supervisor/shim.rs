//! The shim: the program's parent, and nothing else.
//!
//! It starts the program in a process group of its own with the log files as
//! its output, waits, and writes how it ended. It holds no connection and no
//! lock, talks to nobody, and outlives every supervisor, so that the exit code
//! is never lost. A program is started at most once per directory, whatever
//! dies in between.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use mlhub_protocol::run_dir::{ExitFile, LaunchFile, ProgramFile, RUN_DIR_VERSION, names};

use super::error::{Result, SupervisorError};
use super::files::{now_ms, open_append, write_json};
use super::identity::{child_identity, own_identity};
use super::run_dir::{RunDir, STARTING, StartingFile};

/// Exit code of a shim that did its work.
pub(crate) const SHIM_DONE: i32 = 0;
/// Exit code of a shim that found the program already started.
pub(crate) const SHIM_ALREADY: i32 = 3;
/// Exit code of a shim that could not do its work; its message is on its standard error.
const SHIM_FAILED: i32 = 1;
/// Pause before writing again to a full disk.
const FULL_DISK_PAUSE: Duration = Duration::from_secs(1);

/// The `shim` subcommand: starts the program of `dir`, waits for it, writes
/// `exit.json`. Returns the process's exit code.
pub fn shim_main(dir: &Path) -> i32 {
    // It fails only for a process that leads a group already, which a shim
    // started by a supervisor does not.
    let _ = rustix::process::setsid();
    match start(dir) {
        Ok(Started::Already) => SHIM_ALREADY,
        Ok(Started::Ended) => SHIM_DONE,
        Ok(Started::Running(mut child)) => match wait(dir, &mut child) {
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
    /// It runs.
    Running(Child),
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
    let mut child = match command(&dir).and_then(|mut command| {
        command
            .spawn()
            .map_err(|error| spawn_problem(launch, &error))
    }) {
        Ok(child) => child,
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
        wait(dir.path(), &mut child)?;
        return Ok(Started::Ended);
    };
    let file = ProgramFile {
        version: RUN_DIR_VERSION,
        program,
        shim: own_identity(),
        started_at_ms: now_ms(),
    };
    write_patiently(&dir.file(names::PROGRAM), &file)?;
    Ok(Started::Running(child))
}

/// Waits for the program and writes how it ended.
pub(crate) fn wait(dir: &Path, child: &mut Child) -> Result<()> {
    let status = child
        .wait()
        .map_err(SupervisorError::io("wait for the program of", dir))?;
    write_patiently(&dir.join(names::EXIT), &exit_file(status))
}

fn exit_file(status: ExitStatus) -> ExitFile {
    ExitFile {
        version: RUN_DIR_VERSION,
        code: status.code(),
        signal: status.signal(),
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

fn command(dir: &RunDir) -> Result<Command, String> {
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
    let output = |name: &str| {
        let path = dir.file(name);
        open_append(&path)
            .map(Stdio::from)
            .map_err(|error| error.to_string())
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
        .stdout(output(names::STDOUT)?)
        .stderr(output(names::STDERR)?)
        .process_group(0);
    Ok(command)
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
