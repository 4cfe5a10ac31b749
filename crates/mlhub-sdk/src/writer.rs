//! The writer a training sees: any number of threads, any number of forks, and
//! never an error that stops it.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mlhub_protocol::event_log::{
    self, BODY_MAX_BYTES, VALUES_MAX, event_body_bytes, frame_bytes, key_body_bytes,
    metrics_body_bytes,
};

use crate::fork::PerProcess;
use crate::log_file::{LogFile, beside};

/// Metric names in one file, at most.
pub const KEYS_MAX: u32 = 1 << 20;
/// Time between two tries to get room on a full disk.
const FULL_RETRY: Duration = Duration::from_secs(1);

/// Tells files apart for those who remember key ids.
static EPOCHS: AtomicU64 = AtomicU64::new(1);

/// Writes events of this process to a file of its own.
///
/// A call that returned left its record in the page cache, where it survives the
/// death of the process. A forked child gets a file beside its parent's at its
/// first record. When the disk is full records are dropped and counted, and room
/// is looked for again every second.
#[derive(Debug)]
pub struct EventWriter {
    base: PathBuf,
    state: PerProcess<State>,
    next_step: AtomicI64,
    dropped: AtomicU64,
    closed: AtomicBool,
}

#[derive(Debug)]
struct State {
    log: Option<LogFile>,
    /// The file of a forked child is made at its first record.
    path: PathBuf,
    epoch: u64,
    keys: HashMap<Box<str>, u32>,
    retry_at: Option<Instant>,
    /// Records dropped since the last that was written.
    dropped_untold: u64,
    told: Told,
    untold: Option<String>,
    last_warning: Option<String>,
}

/// What was warned of already.
#[derive(Debug, Default)]
struct Told {
    full: bool,
    key: bool,
    keys: bool,
    size: bool,
    closed: bool,
}

impl State {
    fn new(path: PathBuf, log: Option<LogFile>) -> Self {
        Self {
            log,
            path,
            epoch: EPOCHS.fetch_add(1, Ordering::Relaxed),
            keys: HashMap::new(),
            retry_at: None,
            dropped_untold: 0,
            told: Told::default(),
            untold: None,
            last_warning: None,
        }
    }

    fn warn(&mut self, text: String) {
        self.last_warning = Some(text.clone());
        self.untold = Some(match self.untold.take() {
            Some(earlier) => format!("{earlier}; {text}"),
            None => text,
        });
    }

    /// Makes room for frames of `bytes` in all; false when there is none now.
    fn room(&mut self, bytes: usize) -> bool {
        if self.log.as_ref().is_some_and(|log| log.has_room(bytes)) {
            return true;
        }
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return false;
        }
        let made = match &mut self.log {
            Some(log) => log.grow(bytes),
            None => LogFile::create(&self.path).and_then(|mut log| {
                let grown = if log.has_room(bytes) {
                    Ok(())
                } else {
                    log.grow(bytes)
                };
                self.path = log.path().to_owned();
                self.log = Some(log);
                grown
            }),
        };
        match made {
            Ok(()) => {
                self.retry_at = None;
                true
            }
            Err(error) => {
                self.retry_at = Some(Instant::now() + FULL_RETRY);
                if !self.told.full {
                    self.told.full = true;
                    self.warn(format!(
                        "events cannot be written to {}: {error}; they are dropped and counted, \
                         and writing is tried again every second",
                        self.path.display()
                    ));
                }
                false
            }
        }
    }

    /// Appends a frame, with the count of those dropped before it when there were
    /// some. False when there is no room for it.
    fn append(&mut self, length: usize, fill: impl FnOnce(&mut [u8])) -> bool {
        let note = (self.dropped_untold > 0).then(|| {
            let message = format!(
                "{} record(s) before this were dropped: there was no room for them on the disk",
                self.dropped_untold
            );
            serde_json::json!({"time_ms": now_ms(), "warning": message}).to_string()
        });
        let note_length = note
            .as_ref()
            .map_or(0, |note| event_body_bytes(note.as_bytes()));
        let note_bytes = note.as_ref().map_or(0, |_| frame_bytes(note_length));
        if !self.room(frame_bytes(length) + note_bytes) {
            return false;
        }
        let Some(log) = &mut self.log else {
            return false;
        };
        if let Some(note) = note {
            log.append(note_length, |body| {
                event_log::write_event(body, note.as_bytes())
            });
            self.dropped_untold = 0;
        }
        log.append(length, fill);
        true
    }
}

impl EventWriter {
    /// Makes the file `path`, or one beside it with a number when it exists.
    ///
    /// # Errors
    /// When the file cannot be made, for want of the folder, of rights or of room.
    pub fn create(path: &Path) -> io::Result<Self> {
        let log = LogFile::create(path)?;
        Ok(Self {
            base: path.to_owned(),
            state: PerProcess::new(State::new(log.path().to_owned(), Some(log))),
            next_step: AtomicI64::new(0),
            dropped: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        })
    }

    /// Takes the writer for a few records. Other threads wait; do not call into
    /// unknown code while holding it.
    pub fn session(&self) -> Session<'_> {
        Session {
            state: self.lock(),
            writer: self,
            no_room: false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock(|| {
            let name = format!("fork{}", std::process::id());
            State::new(beside(&self.base, &name), None)
        })
    }

    /// The file of this process.
    pub fn path(&self) -> PathBuf {
        self.lock().path.clone()
    }

    /// Records dropped by this process since it began (a forked child goes on
    /// counting from its parent's).
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The last warning, told or not.
    pub fn warning(&self) -> Option<String> {
        self.lock().last_warning.clone()
    }

    /// The step the next record without one gets.
    pub fn next_step(&self) -> i64 {
        self.next_step.load(Ordering::Relaxed)
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Waits until everything written so far is on the disk itself. Not needed
    /// against the death of the process, only against that of the machine.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn flush(&self) -> io::Result<()> {
        // The lock is not held while the disk works.
        let file = self.lock().log.as_ref().map(LogFile::file);
        file.map_or(Ok(()), |file| file.sync_data())
    }

    /// Cuts the file to its size. Records after this are dropped and counted.
    ///
    /// # Errors
    /// When the file cannot be cut; its content is whole all the same.
    pub fn close(&self) -> io::Result<()> {
        let log = {
            let mut state = self.lock();
            self.closed.store(true, Ordering::Relaxed);
            state.log.take()
        };
        log.map_or(Ok(()), LogFile::close)
    }

    fn step(&self, step: Option<i64>) -> i64 {
        let next = self.next_step.load(Ordering::Relaxed);
        let step = step.unwrap_or(next);
        // Sessions exclude each other, so nothing changes in between.
        self.next_step
            .store(next.max(step.saturating_add(1)), Ordering::Relaxed);
        step
    }
}

impl Drop for EventWriter {
    fn drop(&mut self) {
        // A file that was not cut is as good as one that was.
        drop(self.close());
    }
}

/// The writer, held for a few records.
#[derive(Debug)]
pub struct Session<'a> {
    state: MutexGuard<'a, State>,
    writer: &'a EventWriter,
    no_room: bool,
}

impl Session<'_> {
    /// Names the file: key ids are of one file only, and a fork changes it.
    pub fn epoch(&self) -> u64 {
        self.state.epoch
    }

    /// The id of a metric's name, defined in the file when it is new. `None` when
    /// it cannot be a name, or there is no room for it: then the next
    /// [`Session::metrics`] of this session drops its record.
    pub fn key(&mut self, name: &str) -> Option<u32> {
        if let Some(id) = self.state.keys.get(name) {
            return Some(*id);
        }
        if !event_log::key_is_usable(name) {
            if !self.state.told.key {
                self.state.told.key = true;
                self.state.warn(format!(
                    "a metric's name must have 1 to {} bytes and no NUL; values under other names are dropped",
                    event_log::KEY_MAX_BYTES
                ));
            }
            return None;
        }
        let id = u32::try_from(self.state.keys.len()).unwrap_or(u32::MAX);
        if id >= KEYS_MAX {
            if !self.state.told.keys {
                self.state.told.keys = true;
                self.state.warn(format!(
                    "this process has logged {KEYS_MAX} different metrics; further ones are dropped"
                ));
            }
            return None;
        }
        if self.writer.is_closed()
            || !self.state.append(key_body_bytes(name), |body| {
                event_log::write_key(body, id, name);
            })
        {
            self.no_room = true;
            return None;
        }
        self.state.keys.insert(name.into(), id);
        Some(id)
    }

    /// Writes values of one step, all or none, and returns the step: the one given,
    /// or one after the greatest so far. `time_ms` is now when absent.
    pub fn metrics(
        &mut self,
        step: Option<i64>,
        time_ms: Option<i64>,
        values: &[(u32, f64)],
    ) -> i64 {
        let step = self.writer.step(step);
        if self.writer.is_closed() {
            self.drop_closed();
            return step;
        }
        if values.is_empty() && !self.no_room {
            return step;
        }
        let time_ms = time_ms.unwrap_or_else(now_ms);
        // One record nearly always; each part of a larger one is whole by itself.
        let mut written = !self.no_room;
        for part in values.chunks(VALUES_MAX) {
            written = written
                && self.state.append(metrics_body_bytes(part.len()), |body| {
                    event_log::write_metrics(body, step, time_ms, part.iter().copied());
                });
        }
        self.no_room = false;
        if !written {
            self.count_dropped();
        }
        step
    }

    /// Writes an event line, JSON without its line end. Whether it is in the file.
    pub fn event(&mut self, json: &[u8]) -> bool {
        if self.writer.is_closed() {
            self.drop_closed();
            return false;
        }
        let length = event_body_bytes(json);
        if length > BODY_MAX_BYTES {
            if !self.state.told.size {
                self.state.told.size = true;
                self.state.warn(format!(
                    "an event has {} bytes and {BODY_MAX_BYTES} are allowed; such events are dropped",
                    json.len()
                ));
            }
            self.writer.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        let written = self
            .state
            .append(length, |body| event_log::write_event(body, json));
        if !written {
            self.count_dropped();
        }
        written
    }

    /// The warning that was not told yet, once per cause.
    pub fn take_warning(&mut self) -> Option<String> {
        self.state.untold.take()
    }

    fn count_dropped(&mut self) {
        self.state.dropped_untold += 1;
        self.writer.dropped.fetch_add(1, Ordering::Relaxed);
    }

    fn drop_closed(&mut self) {
        if !self.state.told.closed {
            self.state.told.closed = true;
            self.state
                .warn("the run has ended; what is logged after that is dropped".to_owned());
        }
        self.writer.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
}
