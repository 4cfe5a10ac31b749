//! The log of a model's program: its standard error in a file up to a bound,
//! and its last lines in memory.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Write as _};
use std::path::Path;
use std::process::ChildStderr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Bytes of the file; what comes later is only in the last lines.
const FILE_MAX_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes kept for the last lines.
const TAIL_BYTES: usize = 8 * 1024;
/// Lines told in an error.
const TOLD_LINES: usize = 3;
/// Characters of a line told in an error.
const TOLD_CHARS: usize = 300;
/// Bytes read at once.
const PIECE_BYTES: usize = 16 * 1024;
/// How long the last words of an ended program are waited for.
const LAST_WORDS_MAX: Duration = Duration::from_secs(2);
/// Pause between two looks at whether they came.
const POLL: Duration = Duration::from_millis(5);

/// A log being written.
#[derive(Debug)]
pub(super) struct Log {
    tail: Arc<Mutex<VecDeque<u8>>>,
    reader: JoinHandle<()>,
}

impl Log {
    /// Reads `stderr` to its end, beside the caller.
    pub(super) fn start(mut stderr: ChildStderr, file: &Path) -> std::io::Result<Self> {
        let mut file = File::create(file)?;
        let tail = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&tail);
        let reader = std::thread::Builder::new()
            .name("serving-log".to_owned())
            .spawn(move || {
                let mut piece = vec![0; PIECE_BYTES];
                let mut room = FILE_MAX_BYTES;
                while let Ok(count @ 1..) = stderr.read(&mut piece) {
                    let bytes = &piece[..count];
                    let written = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
                    // A full disk must not stop a program that answers.
                    if file.write_all(&bytes[..written]).is_err() {
                        room = 0;
                    } else {
                        room -= written as u64;
                    }
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.extend(bytes);
                    let over = kept.len().saturating_sub(TAIL_BYTES);
                    kept.drain(..over);
                }
            })?;
        Ok(Self { tail, reader })
    }

    /// Waits a little until the program's last words are read: a grandchild may
    /// hold the stream open for longer than the program lives.
    pub(super) fn settle(&self) {
        let deadline = Instant::now() + LAST_WORDS_MAX;
        while !self.reader.is_finished() && Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
    }

    /// The last lines that are not empty.
    pub(super) fn last_lines(&self) -> Vec<String> {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(tail.make_contiguous()).into_owned();
        drop(tail);
        let mut lines: Vec<String> = text
            .lines()
            .rev()
            .filter(|line| !line.trim().is_empty())
            .take(TOLD_LINES)
            .map(|line| line.chars().take(TOLD_CHARS).collect())
            .collect();
        lines.reverse();
        lines
    }
}
