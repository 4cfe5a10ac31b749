//! Runs an export's program to its end, or to the first bound that it passes.
//!
//! What the program left is not looked at here, beyond how much it is.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use mlhub_protocol::run_dir::names;
use walkdir::WalkDir;

use super::{ExportError, ExportLimits};
use crate::serving::worker::write_directory;
use crate::serving::{WorkerPlan, group, memory};

/// Pause between two looks at the program.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// Bytes read of the end of standard error.
const TAIL_BYTES: u64 = 8 * 1024;
/// Lines kept for the hub's log.
const TOLD_LINES: usize = 3;
/// Characters kept of each.
const TOLD_CHARS: usize = 300;

/// A group that is killed when it is let go, if it was not waited for.
struct Group(Option<Child>);

impl Group {
    fn end(&mut self) -> Option<ExitStatus> {
        self.0.take().and_then(|mut child| group::kill(&mut child))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

/// How a program is kept within bounds.
pub(crate) struct Confinement<'a> {
    /// Subcommand of the hub's binary, with its arguments, that starts the program.
    pub(crate) subcommand: &'a [&'a OsStr],
    /// The folder in which all it writes counts.
    pub(crate) written: &'a Path,
}

/// Runs the program; returns how it ended. What it started ends with it.
pub(crate) fn run(
    plan: &WorkerPlan,
    exe: &Path,
    limits: ExportLimits,
    stopped: &dyn Fn() -> bool,
) -> Result<ExitStatus, ExportError> {
    let confinement = Confinement {
        subcommand: &[OsStr::new("confined")],
        written: &plan.dir.join(names::ARTIFACTS),
    };
    run_confined(plan, exe, &confinement, limits, stopped)
}

/// [`run`] with bounds of the caller's.
pub(crate) fn run_confined(
    plan: &WorkerPlan,
    exe: &Path,
    confinement: &Confinement<'_>,
    limits: ExportLimits,
    stopped: &dyn Fn() -> bool,
) -> Result<ExitStatus, ExportError> {
    let start = |error: std::io::Error| ExportError::Start(error.to_string());
    write_directory(plan).map_err(start)?;
    let mut child = Command::new(exe)
        .args(confinement.subcommand)
        .arg("--")
        .args(&plan.launch.argv)
        .current_dir(&plan.launch.cwd)
        .env_clear()
        .envs(&plan.launch.env)
        .stdin(Stdio::piped())
        .stdout(File::create(plan.dir.join(names::STDOUT)).map_err(start)?)
        .stderr(File::create(plan.dir.join(names::STDERR)).map_err(start)?)
        .process_group(0)
        .spawn()
        .map_err(start)?;
    // The program's parent ends with this end of the pipe.
    let _held = child.stdin.take();
    let leader = child.id().cast_signed();
    let mut group = Group(Some(child));
    let deadline = Instant::now() + limits.time;
    loop {
        if group.0.as_ref().is_none_or(group::has_exited) {
            let ended = group.end();
            return ended.ok_or_else(|| ExportError::Start("its end is unknown".to_owned()));
        }
        if stopped() {
            return Err(ExportError::Stopped);
        }
        too_much(plan, confinement, leader, limits)?;
        if Instant::now() >= deadline {
            group.end();
            return Err(ExportError::TimedOut {
                limit: limits.time,
                last_lines: last_lines(&plan.dir),
            });
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
}

/// The first bound that is passed.
fn too_much(
    plan: &WorkerPlan,
    confinement: &Confinement<'_>,
    leader: i32,
    limits: ExportLimits,
) -> Result<(), ExportError> {
    let size = |name: &str| fs::metadata(plan.dir.join(name)).map_or(0, |data| data.len());
    let files = WalkDir::new(confinement.written).into_iter();
    let written = files.flatten().filter_map(|entry| entry.metadata().ok());
    let now = [
        (
            "bytes of memory",
            memory::group_bytes(leader),
            limits.memory_bytes,
        ),
        (
            "bytes of output",
            size(names::STDOUT) + size(names::STDERR),
            limits.output_bytes,
        ),
        (
            "bytes of files",
            written.map(|data| data.len()).sum(),
            limits.files_bytes,
        ),
    ];
    match now.into_iter().find(|(_, used, limit)| used > limit) {
        Some((what, used, limit)) => Err(ExportError::TooMuch { what, used, limit }),
        None => Ok(()),
    }
}

/// The last lines of standard error that are not empty.
pub(crate) fn last_lines(dir: &Path) -> Vec<String> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(dir.join(names::STDERR)) {
        let length = file.metadata().map_or(0, |data| data.len());
        // What cannot be read is not told.
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)));
        let _ = file.take(TAIL_BYTES).read_to_end(&mut bytes);
    }
    let text = String::from_utf8_lossy(&bytes);
    let full = text.lines().rev().filter(|line| !line.trim().is_empty());
    let mut lines: Vec<String> = full
        .take(TOLD_LINES)
        .map(|line| line.chars().take(TOLD_CHARS).collect())
        .collect();
    lines.reverse();
    lines
}
