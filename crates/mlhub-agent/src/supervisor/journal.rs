//! What the supervisor writes about itself: its log, its record, and events of
//! its own. Each survives a full disk: what cannot be written now is written
//! later or left out, and the program is not harmed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use mlhub_protocol::event::EventLine;
use mlhub_protocol::run_dir::SupervisorFile;

use super::files::{now_ms, open_append, write_json};

/// Bytes of a log before it is put aside; one older log is kept.
const LOG_MAX_BYTES: u64 = 1024 * 1024;
/// Time between two writings of the record when nothing urgent is in it.
const RECORD_INTERVAL: Duration = Duration::from_secs(1);

/// A log with a bound on its size.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    turn: Mutex<()>,
}

impl Journal {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            turn: Mutex::new(()),
        }
    }

    /// Appends a line. A log that cannot be written is no reason to stop.
    pub(crate) fn note(&self, text: &str) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.append(text);
    }

    fn append(&self, text: &str) -> std::io::Result<()> {
        if std::fs::metadata(&self.path).is_ok_and(|data| data.len() > LOG_MAX_BYTES) {
            std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
        }
        let mut file = open_append(&self.path).map_err(std::io::Error::other)?;
        writeln!(file, "{} {text}", now_ms())
    }
}

/// `supervisor.json`, kept in memory and written now and then.
#[derive(Debug)]
pub(crate) struct Record {
    path: PathBuf,
    inner: Mutex<RecordInner>,
}

#[derive(Debug)]
struct RecordInner {
    file: SupervisorFile,
    dirty: bool,
    saved_at: Option<Instant>,
}

impl Record {
    pub(crate) fn new(path: PathBuf, file: SupervisorFile) -> Self {
        Self {
            path,
            inner: Mutex::new(RecordInner {
                file,
                dirty: true,
                saved_at: None,
            }),
        }
    }

    /// Changes the record; it reaches the disk with [`Record::save`].
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut SupervisorFile) -> T) -> T {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.dirty = true;
        change(&mut inner.file)
    }

    pub(crate) fn stop_cause(&self) -> Option<String> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.file.stop_cause.clone()
    }

    /// What was measured when the program passed a limit.
    pub(crate) fn stop_measured(&self) -> Option<u64> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.file.stop_measured
    }

    /// The attempt a forwarder ships to, once it is known.
    pub(crate) fn attempt(&self) -> Option<u32> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.file.attempt
    }

    /// Writes what changed: at once when `urgent`, else when it is due. Returns
    /// whether the disk now has what memory has.
    pub(crate) fn save(&self, urgent: bool) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if !inner.dirty {
            return true;
        }
        let due = inner
            .saved_at
            .is_none_or(|at| at.elapsed() >= RECORD_INTERVAL);
        if !due && !urgent {
            return false;
        }
        inner.saved_at = Some(Instant::now());
        let saved = write_json(&self.path, &inner.file, 0o644).is_ok();
        inner.dirty = !saved;
        saved
    }
}

/// An event file of the supervisor's own.
#[derive(Debug)]
pub(crate) struct OwnEvents {
    path: PathBuf,
}

impl OwnEvents {
    pub(crate) fn new(events: &Path, name: &str) -> Self {
        Self {
            path: events.join(name),
        }
    }

    /// Appends an event; returns whether it is in the file. A line torn by a
    /// full disk or a kill is closed first, so that it spoils no other.
    pub(crate) fn write(&self, event: &EventLine) -> bool {
        self.append(event).is_ok()
    }

    fn append(&self, event: &EventLine) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        if !ends_with_newline(&self.path)? {
            line.insert(0, b'\n');
        }
        let mut file = open_append(&self.path).map_err(std::io::Error::other)?;
        file.write_all(&line)
    }

    /// Tells a person something, through the hub.
    pub(crate) fn warn(&self, message: String) -> bool {
        self.write(&EventLine {
            time_ms: Some(now_ms()),
            warning: Some(message),
            ..EventLine::default()
        })
    }
}

fn ends_with_newline(path: &Path) -> std::io::Result<bool> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_is_closed_before_the_next() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let events = OwnEvents::new(folder.path(), "system.jsonl");
        assert!(events.warn("one".to_owned()));
        let path = folder.path().join("system.jsonl");
        let mut file = open_append(&path).expect("open");
        file.write_all(b"{\"torn").expect("write");
        assert!(events.warn("two".to_owned()));
        let text = std::fs::read_to_string(&path).expect("read");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(super::super::lenient::parse_event(lines[2].as_bytes()).is_some());
    }

    #[test]
    fn the_log_is_put_aside_when_it_is_full() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let journal = Journal::new(folder.path().join("supervisor.log"));
        std::fs::write(&journal.path, vec![b'x'; 1024 * 1024 + 1]).expect("write");
        journal.note("fresh");
        let text = std::fs::read_to_string(&journal.path).expect("read");
        assert!(text.ends_with(" fresh\n") && text.len() < 100);
        assert!(folder.path().join("supervisor.log.1").exists());
    }
}
