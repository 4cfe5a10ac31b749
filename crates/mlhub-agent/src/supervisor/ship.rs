//! Ships what is on disk to the hub, once in effect.
//!
//! The hub's offsets are the truth: they are asked for at every connection, and
//! shipping goes on from there. While the hub is away everything waits on disk.
//! A refusal of one item is told by a warning and the item left out; a refusal
//! never stops the rest and is never repeated for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mlhub_client::{Client, ClientError};
use mlhub_core::limits;
use mlhub_protocol::batch::{self, ColumnBatch};
use mlhub_protocol::event_log::EVENT_LOG_EXTENSION;
use mlhub_protocol::rest::{AttemptStart, EventBatch, Offsets};
use mlhub_protocol::run_dir::names;

use super::creation::Creation;
use super::frames::header_problem;
use super::journal::{Journal, OwnEvents, Record};
use super::link::{HubLink, Shared, Stop, is, stop_of};
use super::log_metrics::LogMetrics;
use super::run_dir::RunDir;
use super::supervise::SuperviseOptions;
use super::tail::{read_piece, size_of};
use super::translate::{Kind, Requests, Writer};

/// Event file of the supervisor's own warnings.
pub(crate) const OWN_EVENTS: &str = "supervisor.jsonl";
/// Bytes of log in one call.
const LOG_PIECE_BYTES: usize = 1024 * 1024;
/// How far shipping may be behind the output before the middle is left out.
const LOG_BEHIND_MAX_BYTES: u64 = 2 * limits::LOG_TAIL_BYTES;
/// Pause between two looks at the files.
const TAIL_PAUSE: Duration = Duration::from_millis(100);
/// First pause after the hub was found away; doubled up to the option's bound.
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// Answers "not from there" in a row before it counts as the hub being away.
const MISALIGNED_MAX: u32 = 20;
/// Event files of one attempt that are read.
const WRITERS_MAX: usize = 4096;

/// What became of the shipping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shipped {
    /// Everything, with the end.
    All,
    /// The hub stayed away; another supervisor goes on later.
    Later,
    /// The hub does not want it: the run is deleted, or its end was refused.
    Never,
    /// Everything there is, while the program goes on.
    SoFar,
}

/// What is different where no supervisor ships.
#[derive(Default)]
pub(crate) struct ShipMode {
    /// Ends when everything there is has been shipped.
    pub(crate) once: bool,
    /// Ships for ranks of another machine: tells neither start nor end, and leaves
    /// the output to the machine of the first rank. The text is in the names of
    /// its own event files.
    pub(crate) worker: Option<String>,
    /// Makes the run on the hub at the first connection.
    pub(crate) creation: Option<Creation>,
    /// Serves the hub of this machine's data directory where nobody else does.
    pub(crate) local_hub: Option<Box<dyn LocalHub>>,
}

/// A hub that is served for want of another.
pub trait LocalHub: Send {
    /// Starts serving, unless another is about to.
    ///
    /// # Errors
    /// Why not, in words; it is tried again later.
    fn ensure(&mut self) -> Result<(), String>;

    /// Called again and again: makes way for another hub that asks for it.
    fn tend(&mut self);
}

/// One stream of raw output.
#[derive(Debug)]
struct LogStream {
    name: &'static str,
    file: &'static str,
    offset: u64,
    disabled: bool,
}

/// Ships one attempt.
pub(crate) struct Shipper {
    pub(super) dir: RunDir,
    pub(super) shared: Arc<Shared>,
    pub(super) record: Arc<Record>,
    pub(super) journal: Arc<Journal>,
    pub(super) own: OwnEvents,
    options: SuperviseOptions,
    link: HubLink,
    client: Option<Client>,
    pub(super) stored: Offsets,
    writers: BTreeMap<String, Writer>,
    disabled: BTreeSet<String>,
    logs: [LogStream; 2],
    misaligned: u32,
    /// Whether the hub takes batches in binary.
    binary: bool,
    pub(super) requests: Requests,
    pub(super) uploads: super::keep::Uploads,
    mode: ShipMode,
}

impl Shipper {
    pub(crate) fn new(
        dir: RunDir,
        shared: Arc<Shared>,
        record: Arc<Record>,
        journal: Arc<Journal>,
        options: SuperviseOptions,
    ) -> Self {
        let log = |name, file| LogStream {
            name,
            file,
            offset: 0,
            disabled: false,
        };
        Self {
            own: OwnEvents::new(&dir.file(names::EVENTS), OWN_EVENTS),
            link: HubLink::new(&dir.launch().hub),
            dir,
            shared,
            record,
            journal,
            options,
            client: None,
            stored: Offsets::default(),
            writers: BTreeMap::new(),
            disabled: BTreeSet::new(),
            logs: [log("stdout", names::STDOUT), log("stderr", names::STDERR)],
            misaligned: 0,
            binary: false,
            requests: Requests::default(),
            uploads: super::keep::Uploads::default(),
            mode: ShipMode::default(),
        }
    }

    /// The same, shipping otherwise than for a supervisor.
    pub(crate) fn with_mode(mut self, mode: ShipMode) -> Self {
        if let Some(worker) = &mode.worker {
            let name = format!("supervisor-{worker}.jsonl");
            self.own = OwnEvents::new(&self.dir.file(names::EVENTS), &name);
            for log in &mut self.logs {
                log.disabled = true;
            }
        }
        self.mode = mode;
        self
    }

    /// Ships until the end is on the hub, or there is no use in going on.
    pub(crate) fn run(mut self) -> Shipped {
        let mut pause = RETRY_FIRST;
        let mut away_since: Option<Instant> = None;
        loop {
            match self.round() {
                Ok(Round::Done(shipped)) => return shipped,
                Ok(Round::Progress) => away_since = None,
                Ok(Round::Idle) if self.mode.once => return Shipped::SoFar,
                Ok(Round::Idle) => {
                    away_since = None;
                    self.shared.wait(TAIL_PAUSE);
                }
                Err(Stop::Refused(reason)) => {
                    self.journal.note(&reason);
                    self.record.change(|file| file.refused = Some(reason));
                    return Shipped::Never;
                }
                Err(Stop::Gone) => {
                    self.journal
                        .note("the hub does not know this run any more; nothing is shipped");
                    self.shared.set(&self.shared.gone);
                    return Shipped::Never;
                }
                Err(stop) => {
                    if away_since.is_none() {
                        pause = RETRY_FIRST;
                        self.journal.note(&match &stop {
                            Stop::Away(error) => format!("waiting for the hub: {error}"),
                            Stop::Local(error) => format!("waiting for the disk: {error}"),
                            Stop::NoRun => {
                                "waiting for the machine of the first rank to make the run"
                                    .to_owned()
                            }
                            _ => "waiting for a hub".to_owned(),
                        });
                    }
                    self.client = None;
                    self.serve(&stop);
                    // Counted from the program's end at the earliest.
                    let ended = self.shared.end().is_some() || self.mode.once;
                    if !ended || away_since.is_none() {
                        away_since = Some(Instant::now());
                    }
                    if ended
                        && away_since
                            .is_some_and(|since| since.elapsed() >= self.options.hub_absence_exit)
                    {
                        return Shipped::Later;
                    }
                    self.shared.wait(pause);
                    pause = (pause * 2).min(self.options.retry_max);
                }
            }
            self.record.save(false);
            if let Some(hub) = &mut self.mode.local_hub {
                hub.tend();
            }
        }
    }

    /// Serves the hub from here when there is none.
    fn serve(&mut self, stop: &Stop) {
        let absent = match stop {
            Stop::NoHub => true,
            Stop::Away(error) => error.is_refused(),
            _ => false,
        };
        if let Some(hub) = self.mode.local_hub.as_mut().filter(|_| absent)
            && let Err(reason) = hub.ensure()
        {
            self.journal
                .note(&format!("no hub is served from here: {reason}"));
        }
    }

    fn round(&mut self) -> Result<Round, Stop> {
        let client = match &self.client {
            Some(client) => client.clone(),
            None => self.connect()?,
        };
        // Read before the files: what is there afterwards is all there will be.
        let end = self.shared.end();
        self.start(&client)?;
        self.find_writers();
        let mut progress = false;
        let names: Vec<String> = self.writers.keys().cloned().collect();
        for name in names {
            progress |= self.ship_events(&client, &name, end.is_some())?;
        }
        for index in 0..self.logs.len() {
            progress |= self.ship_log(&client, index)?;
        }
        self.measure();
        if progress {
            return Ok(Round::Progress);
        }
        let Some(end) = end else {
            return Ok(Round::Idle);
        };
        // Keeping files may add warnings, which are shipped by another round.
        if self.keep_all(&client)? {
            return Ok(Round::Progress);
        }
        if self.mode.worker.is_some() {
            return Ok(Round::Done(Shipped::All));
        }
        self.finish(&client, &end).map(Round::Done)
    }

    fn connect(&mut self) -> Result<Client, Stop> {
        let client = self.link.client().ok_or(Stop::NoHub)?;
        if let Some(creation) = &mut self.mode.creation {
            let attempt = creation.ensure(&client, &self.record)?;
            self.dir = self.dir.clone().with_attempt(attempt);
            self.mode.creation = None;
        }
        let (run, attempt) = self.who();
        let stored = match client.attempt_offsets(&run, attempt) {
            Ok(stored) => stored,
            Err(error) if error.is_not_found() && self.mode.worker.is_some() => {
                return Err(Stop::NoRun);
            }
            Err(error) => return Err(stop_of(error).unwrap_or(Stop::NoHub)),
        };
        for log in &mut self.logs {
            log.offset = stored.logs.get(log.name).copied().unwrap_or(0);
        }
        for (name, writer) in &mut self.writers {
            let offset = stored.events.get(name).copied().unwrap_or(0);
            if writer.offset != offset {
                writer.seek(offset).map_err(Stop::Local)?;
            }
        }
        self.stored = stored;
        // A hub that does not say takes JSON.
        self.binary = client.info().is_ok_and(|info| {
            info.event_formats
                .iter()
                .any(|format| format == batch::CONTENT_TYPE)
        });
        self.shared.set(&self.shared.tell_start);
        self.journal
            .note(&format!("connected to {}", client.base_url()));
        self.client = Some(client.clone());
        Ok(client)
    }

    pub(super) fn who(&self) -> (String, u32) {
        (self.dir.run().run.id.clone(), self.dir.run().attempt)
    }

    /// Tells that the program started, when the hub may not know.
    fn start(&mut self, client: &Client) -> Result<(), Stop> {
        if !is(&self.shared.tell_start) {
            return Ok(());
        }
        if self.mode.worker.is_some() {
            self.shared.tell_start.store(false, Ordering::Release);
            return Ok(());
        }
        let Ok(Some(program)) = self.dir.program() else {
            return Ok(());
        };
        let (run, attempt) = self.who();
        let start = AttemptStart {
            started_at: program.started_at_ms,
        };
        match client.attempt_start(&run, attempt, &start) {
            Ok(reply) => {
                if reply.stop_requested {
                    self.shared.set(&self.shared.stop_requested);
                }
            }
            Err(error) => match stop_of(error.clone()) {
                Some(stop) => return Err(stop),
                // It ended there already: a finish whose answer was lost.
                None => self.journal.note(&format!("start refused: {error}")),
            },
        }
        self.shared.tell_start.store(false, Ordering::Release);
        self.shared.set(&self.shared.start_told);
        Ok(())
    }

    /// Takes up event files that appeared, and the output where events may be in it.
    fn find_writers(&mut self) {
        let launch = self.dir.launch().clone();
        for (name, file) in [("stdout", names::STDOUT), ("stderr", names::STDERR)] {
            if self.writers.contains_key(name) || self.disabled.contains(name) {
                continue;
            }
            // Expressions that do not compile were told at the start.
            let metrics = LogMetrics::compile(&launch.log_metrics, name).unwrap_or_default();
            let json = launch.stdout_events && name == "stdout";
            let writer = Writer::new(name, self.dir.file(file), Kind::Output { json }, metrics);
            if writer.is_useful() {
                self.take_up(writer);
            } else {
                self.disabled.insert(name.to_owned());
            }
        }
        let events = self.dir.file(names::EVENTS);
        let Ok(entries) = std::fs::read_dir(&events) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some((name, kind)) = name.to_str().and_then(|name| Some((name, kind_of(name)?)))
            else {
                continue;
            };
            let known = self.writers.contains_key(name) || self.disabled.contains(name);
            if known || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
                continue;
            }
            if self.writers.len() >= WRITERS_MAX {
                self.give_up(
                    name,
                    &format!("there are more than {WRITERS_MAX} event files"),
                );
                continue;
            }
            if kind == Kind::EventLog
                && let Some(problem) = header_problem(&entry.path())
            {
                self.give_up(name, &problem.to_string());
                continue;
            }
            self.take_up(Writer::new(name, entry.path(), kind, LogMetrics::default()));
        }
    }

    fn take_up(&mut self, mut writer: Writer) {
        let offset = self.stored.events.get(&writer.name).copied().unwrap_or(0);
        // What an earlier supervisor shipped is read again for its requests.
        match writer.seek(offset) {
            Ok(requests) => {
                self.ask(requests);
                self.writers.insert(writer.name.clone(), writer);
            }
            Err(error) => self
                .journal
                .note(&format!("{} cannot be read yet: {error}", writer.name)),
        }
    }

    fn ask(&mut self, requests: Requests) {
        self.requests.files.extend(requests.files);
        self.requests.predictions.extend(requests.predictions);
        if requests.error.is_some() {
            self.requests.error = requests.error;
        }
    }

    /// Ships one batch of a writer; returns whether there was one.
    fn ship_events(&mut self, client: &Client, name: &str, at_end: bool) -> Result<bool, Stop> {
        let mut max_lines = usize::MAX;
        loop {
            let Some(writer) = self.writers.get(name) else {
                return Ok(false);
            };
            let Some((after, translated)) = writer.next(at_end, max_lines).map_err(Stop::Local)?
            else {
                return Ok(false);
            };
            // Named files first: once the batch is stored, nothing names them again.
            self.keep_named(client, &translated.requests)?;
            match self.send_batch(client, &translated.batch)? {
                Sent::Stored => {
                    self.ask(translated.requests);
                    self.advance(name, after);
                    return Ok(true);
                }
                Sent::Moved => return Ok(true),
                Sent::Refused(_) if translated.lines > 1 => max_lines = translated.lines / 2,
                Sent::Refused(reason) => {
                    self.journal.note(&format!("{name}: {reason}"));
                    match self.send_batch(client, &translated.refused(&reason))? {
                        Sent::Stored => self.advance(name, after),
                        Sent::Moved => {}
                        Sent::Refused(reason) => self.give_up(name, &reason),
                    }
                    return Ok(true);
                }
            }
        }
    }

    fn advance(&mut self, name: &str, after: Writer) {
        self.misaligned = 0;
        let bytes = after
            .offset
            .saturating_sub(after_start(&self.writers, name));
        self.shared.shipped_bytes.fetch_add(bytes, Ordering::AcqRel);
        let key = format!("{}/{name}", names::EVENTS);
        self.record.change(|file| {
            file.offsets.insert(key, after.offset);
        });
        self.writers.insert(name.to_owned(), after);
    }

    fn send_batch(&mut self, client: &Client, batch: &EventBatch) -> Result<Sent, Stop> {
        let (run, attempt) = self.who();
        let answer = if self.binary {
            client.attempt_events_binary(&run, attempt, &ColumnBatch::from(batch.clone()))
        } else {
            client.attempt_events(&run, attempt, batch)
        };
        let error = match answer {
            Ok(reply) => {
                if !reply.params_kept.is_empty() {
                    self.journal.note(&format!(
                        "{}: {} param(s) kept an earlier value",
                        batch.writer,
                        reply.params_kept.len()
                    ));
                }
                return Ok(Sent::Stored);
            }
            Err(error) => error,
        };
        if let Some(expected) = error.misaligned() {
            self.count_misaligned(error)?;
            if let Some(writer) = self.writers.get_mut(&batch.writer) {
                writer.seek(expected).map_err(Stop::Local)?;
            }
            return Ok(Sent::Moved);
        }
        match stop_of(error.clone()) {
            Some(stop) => Err(stop),
            None => Ok(Sent::Refused(error.to_string())),
        }
    }

    fn count_misaligned(&mut self, error: ClientError) -> Result<(), Stop> {
        self.misaligned += 1;
        if self.misaligned > MISALIGNED_MAX {
            self.misaligned = 0;
            return Err(Stop::Away(error));
        }
        Ok(())
    }

    /// Stops reading a writer, visibly.
    fn give_up(&mut self, name: &str, reason: &str) {
        self.writers.remove(name);
        self.disabled.insert(name.to_owned());
        let message = format!("{name} is not read any further: {reason}");
        self.journal.note(&message);
        if name != OWN_EVENTS {
            self.own.warn(message);
        }
    }

    /// Ships one piece of a log; returns whether there was one.
    fn ship_log(&mut self, client: &Client, index: usize) -> Result<bool, Stop> {
        let (run, attempt) = self.who();
        let log = &mut self.logs[index];
        if log.disabled {
            return Ok(false);
        }
        let path = self.dir.file(log.file);
        // Of a flood only the first and the last part are of use to anybody.
        let end = size_of(&path);
        if log.offset >= limits::LOG_HEAD_BYTES && end - log.offset.min(end) > LOG_BEHIND_MAX_BYTES
        {
            let to = end - limits::LOG_TAIL_BYTES;
            match client.attempt_log_skip(&run, attempt, log.name, to) {
                Ok(reply) => {
                    log.offset = reply.size.max(log.offset);
                    return Ok(true);
                }
                // A hub that cannot do it gets everything.
                Err(error) => {
                    if let Some(stop) = stop_of(error) {
                        return Err(stop);
                    }
                }
            }
        }
        let bytes = read_piece(&path, log.offset, LOG_PIECE_BYTES).map_err(Stop::Local)?;
        if bytes.is_empty() {
            return Ok(false);
        }
        match client.attempt_log(&run, attempt, log.name, log.offset, &bytes) {
            Ok(reply) => {
                // An answer that does not move on would be sent for ever.
                log.offset = reply.size.max(log.offset + bytes.len() as u64);
                self.shared
                    .shipped_bytes
                    .fetch_add(bytes.len() as u64, Ordering::AcqRel);
                self.misaligned = 0;
                let (name, offset) = (log.name.to_owned(), log.offset);
                self.record.change(|file| {
                    file.offsets.insert(name, offset);
                });
                Ok(true)
            }
            Err(error) => {
                if let Some(expected) = error.misaligned() {
                    log.offset = expected;
                    self.count_misaligned(error)?;
                    return Ok(true);
                }
                if let Some(stop) = stop_of(error.clone()) {
                    return Err(stop);
                }
                log.disabled = true;
                let message = format!("{} is not shipped any further: {error}", log.name);
                self.journal.note(&message);
                self.own.warn(message);
                Ok(true)
            }
        }
    }

    /// Says how much is on disk and not on the hub.
    fn measure(&self) {
        let events: u64 = self.writers.values().map(Writer::backlog_bytes).sum();
        let logs: u64 = self
            .logs
            .iter()
            .filter(|log| !log.disabled)
            .map(|log| size_of(&self.dir.file(log.file)).saturating_sub(log.offset))
            .sum();
        self.shared
            .backlog_bytes
            .store(events + logs, Ordering::Release);
    }
}

/// What a round led to.
enum Round {
    Progress,
    Idle,
    Done(Shipped),
}

/// What became of a batch.
enum Sent {
    Stored,
    Moved,
    Refused(String),
}

/// The kind of an event file, by its name.
fn kind_of(name: &str) -> Option<Kind> {
    if name.ends_with(".jsonl") {
        return Some(Kind::EventFile);
    }
    name.strip_suffix(EVENT_LOG_EXTENSION)
        .is_some_and(|stem| stem.ends_with('.'))
        .then_some(Kind::EventLog)
}

/// Where the batch just stored began.
fn after_start(writers: &BTreeMap<String, Writer>, name: &str) -> u64 {
    writers.get(name).map_or(0, |writer| writer.offset)
}
