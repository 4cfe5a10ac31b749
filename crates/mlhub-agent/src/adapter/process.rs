//! Short helper programs (interpreters, pip, git): started by argument vector,
//! with lines as they come, a time limit and a bound on what is kept.
//!
//! Not for runs: those are the supervisor's.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Longest line kept, in bytes; the rest of a longer line is dropped.
const MAX_LINE_BYTES: u64 = 16 * 1024;
/// Most lines kept of a program's output: the last ones.
const MAX_LINES: usize = 2_000;
/// Longest pause between two looks at whether the program has ended.
const POLL: Duration = Duration::from_millis(50);

/// How a helper program ended.
#[derive(Debug)]
pub(super) struct Finished {
    /// How it ended; none when it was stopped at its time limit.
    pub(super) status: Option<ExitStatus>,
    /// Its last lines on both streams, in order of arrival.
    pub(super) lines: VecDeque<String>,
}

impl Finished {
    pub(super) fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// The last `count` lines that are not empty.
    pub(super) fn tail(&self, count: usize) -> Vec<String> {
        let mut lines: Vec<String> = self
            .lines
            .iter()
            .rev()
            .filter(|line| !line.trim().is_empty())
            .take(count)
            .cloned()
            .collect();
        lines.reverse();
        lines
    }
}

/// Runs `command` to its end or for `limit`, giving every line to `on_line`.
///
/// # Errors
/// When the program cannot be started.
pub(super) fn run(
    command: &mut Command,
    limit: Duration,
    on_line: &mut dyn FnMut(&str),
) -> io::Result<Finished> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let receiver = readers(&mut child);
    let deadline = Instant::now() + limit;
    let mut lines = VecDeque::new();
    let mut status = None;
    loop {
        match receiver.recv_timeout(POLL) {
            Ok(line) => {
                on_line(&line);
                if lines.len() == MAX_LINES {
                    lines.pop_front();
                }
                lines.push_back(line);
            }
            // Both streams are closed: the program has ended or is about to.
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                // A grandchild may hold the streams open after the end; lines
                // that came before the end get one more look.
                if status.is_some() {
                    break;
                }
                status = child.try_wait()?;
            }
        }
        if Instant::now() >= deadline {
            if status.is_some() {
                break;
            }
            child.kill()?;
            child.wait()?;
            return Ok(Finished {
                status: None,
                lines,
            });
        }
    }
    let status = match status {
        Some(status) => Some(status),
        None => wait_until(&mut child, deadline)?,
    };
    Ok(Finished { status, lines })
}

/// `std` has no wait with a time limit, so the end is looked for.
fn wait_until(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn readers(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(stdout) = child.stdout.take() {
        read_lines(stdout, sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        read_lines(stderr, sender);
    }
    receiver
}

fn read_lines(stream: impl Read + Send + 'static, sender: Sender<String>) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        loop {
            line.clear();
            match reader
                .by_ref()
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut line)
            {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let text = String::from_utf8_lossy(&line);
            if sender
                .send(text.trim_end_matches(['\n', '\r']).to_owned())
                .is_err()
            {
                return;
            }
        }
    });
}

/// The file that `command` starts when looked up on `path` (as in `PATH`).
pub(super) fn find_command(command: &str, path: &std::ffi::OsStr) -> Option<PathBuf> {
    if command.contains('/') {
        return is_executable(Path::new(command)).then(|| PathBuf::from(command));
    }
    std::env::split_paths(path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(command))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

/// The process's own `PATH`.
pub(super) fn search_path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_arrive_and_the_limit_ends_a_program() {
        let mut seen = Vec::new();
        let done = run(
            Command::new("sh").args(["-c", "echo a; echo b >&2; exit 3"]),
            Duration::from_secs(20),
            &mut |line| seen.push(line.to_owned()),
        )
        .unwrap();
        seen.sort();
        assert_eq!(seen, ["a", "b"]);
        assert_eq!(done.status.and_then(|status| status.code()), Some(3));
        let stopped = run(
            Command::new("sleep").arg("600"),
            Duration::from_millis(80),
            &mut |_| (),
        )
        .unwrap();
        assert!(stopped.status.is_none());
    }
}
