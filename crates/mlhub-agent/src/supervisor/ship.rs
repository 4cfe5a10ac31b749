//! Ships what is on disk to the hub, once in effect.
//!
//! The hub's offsets are the truth: they are asked for at every connection, and
//! shipping goes on from there. While the hub is away everything waits on disk.
//! A refusal of one item is told by a warning and the item left out; a refusal
//! never stops the rest and is never repeated for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mlhub_client::{Client, ClientError};
use mlhub_protocol::batch::{self, ColumnBatch};
use mlhub_protocol::rest::{AttemptStart, EventBatch, Offsets};
use mlhub_protocol::run_dir::names;

use super::journal::{Journal, OwnEvents, Record};
use super::link::{HubLink, Shared, Stop, is, stop_of};
use super::log_metrics::LogMetrics;
use super::run_dir::RunDir;
use super::supervise::SuperviseOptions;
use super::tail::size_of;
use super::translate::{Kind, Requests, Writer};

/// Event file of the supervisor's own warnings.
pub(crate) const OWN_EVENTS: &str = "supervisor.jsonl";
/// Bytes of log in one call.
const LOG_PIECE_BYTES: usize = 1024 * 1024;
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
        }
    }

    /// Ships until the end is on the hub, or there is no use in going on.
    pub(crate) fn run(mut self) -> Shipped {
        let mut pause = RETRY_FIRST;
        let mut away_since: Option<Instant> = None;
        loop {
            match self.round() {
                Ok(Round::Done(shipped)) => return shipped,
                Ok(Round::Progress) => away_since = None,
                Ok(Round::Idle) => {
                    away_since = None;
                    self.shared.wait(TAIL_PAUSE);
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
                            Stop::NoHub | Stop::Gone => "waiting for a hub".to_owned(),
                        });
                    }
                    self.client = None;
                    // Counted from the program's end at the earliest.
                    let ended = self.shared.end().is_some();
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
        self.finish(&client, &end).map(Round::Done)
    }

    fn connect(&mut self) -> Result<Client, Stop> {
        let client = self.link.client().ok_or(Stop::NoHub)?;
        let (run, attempt) = self.who();
        let stored = client
            .attempt_offsets(&run, attempt)
            .map_err(|error| stop_of(error).unwrap_or(Stop::NoHub))?;
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
            let formats = info.event_formats.iter();
            formats
                .into_iter()
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
            let Some(name) = name.to_str().filter(|name| name.ends_with(".jsonl")) else {
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
            self.take_up(Writer::new(
                name,
                entry.path(),
                Kind::EventFile,
                LogMetrics::default(),
            ));
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
        let bytes = read_piece(&self.dir.file(log.file), log.offset).map_err(Stop::Local)?;
        if bytes.is_empty() {
            return Ok(false);
        }
        match client.attempt_log(&run, attempt, log.name, log.offset, &bytes) {
            Ok(reply) => {
                // An answer that does not move on would be sent for ever.
                log.offset = reply.size.max(log.offset + bytes.len() as u64);
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
        let events: u64 = self
            .writers
            .values()
            .map(|writer| size_of(&writer.path).saturating_sub(writer.offset))
            .sum();
        let logs: u64 = self
            .logs
            .iter()
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

fn read_piece(path: &std::path::Path, offset: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(mut file) => {
            file.seek(SeekFrom::Start(offset))?;
            file.take(LOG_PIECE_BYTES as u64).read_to_end(&mut bytes)?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(bytes)
}
