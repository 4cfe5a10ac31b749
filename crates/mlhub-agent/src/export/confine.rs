//! The parent of an export's program: asks the kernel for the bounds of one
//! process, starts the program, and ends with it.
//!
//! It leads the process group. Standard input is a pipe that the hub holds and
//! never writes to: when the hub is gone, however it ended, the pipe is closed and
//! the group is killed. It measures nothing; [`super::program`] does.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use mlhub_core::limits::MODEL_MAX_BYTES;
use rustix::process::{Resource, Signal, getpgrp, kill_process_group};

use crate::supervisor::{DEFAULT_OPEN_FILES, lower};

/// Exit code when there is no program to start, as shells have it.
const NO_PROGRAM: i32 = 127;
/// Added to the number of a signal that ended the program, as shells do.
pub(crate) const SIGNALLED: i32 = 128;

/// The `confined` subcommand: runs `argv` and returns its exit code, or the number of
/// the signal that ended it plus 128.
pub fn confined_main(argv: &[OsString]) -> i32 {
    // A dump of a process's memory would hold samples and secrets.
    lower(Resource::Core, 0);
    lower(Resource::Nofile, DEFAULT_OPEN_FILES);
    lower(Resource::Fsize, MODEL_MAX_BYTES);
    run_child(argv)
}

/// Starts `argv` and waits for it, as the leader of a group that ends with the hub;
/// returns its exit code, or the number of the signal that ended it plus 128.
pub(crate) fn run_child(argv: &[OsString]) -> i32 {
    let Some((program, arguments)) = argv.split_first() else {
        return NO_PROGRAM;
    };
    let started = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            let shown = program.to_string_lossy();
            // Nothing is left to do when even standard error is closed.
            let _ = writeln!(std::io::stderr(), "`{shown}` cannot be started: {error}");
            return NO_PROGRAM;
        }
    };
    std::thread::spawn(end_with_the_hub);
    match child.wait() {
        Ok(status) => status
            .code()
            .unwrap_or_else(|| SIGNALLED + status.signal().unwrap_or_default()),
        Err(_) => NO_PROGRAM,
    }
}

/// Waits for the end of standard input, then kills the whole group.
fn end_with_the_hub() {
    let mut nothing = [0];
    while matches!(std::io::stdin().read(&mut nothing), Ok(1..)) {}
    let _ = kill_process_group(getpgrp(), Signal::KILL);
}
