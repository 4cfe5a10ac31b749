//! Event files on their way to the hub: found, taken up where the hub stands,
//! sent batch by batch.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use mlhub_client::Client;
use mlhub_protocol::batch::ColumnBatch;
use mlhub_protocol::event_log::EVENT_LOG_EXTENSION;
use mlhub_protocol::rest::EventBatch;
use mlhub_protocol::run_dir::names;

use super::frames::header_problem;
use super::link::{Stop, stop_of};
use super::log_metrics::LogMetrics;
use super::ship::{OWN_EVENTS, Shipper};
use super::translate::{Kind, Requests, Writer};

/// Event files of one attempt that are read.
const WRITERS_MAX: usize = 4096;

/// What became of a batch.
enum Sent {
    Stored,
    Moved,
    Refused(String),
}

impl Shipper {
    /// Takes up event files that appeared, and the output where events may be in it.
    pub(super) fn find_writers(&mut self) {
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
    pub(super) fn ship_events(
        &mut self,
        client: &Client,
        name: &str,
        at_end: bool,
    ) -> Result<bool, Stop> {
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
            self.note_inputs(client, &translated.requests.inputs)?;
            self.give_aliases(client, &translated.requests.aliases)?;
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
