//! Event files on their way to the hub: found, taken up where the hub stands,
//! sent batch by batch, retired when they are read and their process is gone.

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
use super::translate::{Kind, Requests, Writer, is_read_to};

/// Event files of one attempt that are read at a time; more of them wait.
const WRITERS_MAX: usize = 4096;

/// What became of a batch.
enum Sent {
    Stored,
    Moved,
    Refused(String),
}

impl Shipper {
    /// Takes up event files that appeared, and the output where events may be in it.
    /// When the end has come, files that were retired are looked at once more: seen from
    /// another container, a process that lives may seem gone.
    pub(super) fn find_writers(&mut self, at_end: bool) {
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
        if at_end {
            self.retired.retain(|name, offset| {
                kind_of(name).is_some_and(|kind| is_read_to(&events.join(name), kind, *offset))
            });
        }
        let was_crowded = std::mem::take(&mut self.crowded);
        let Ok(entries) = std::fs::read_dir(&events) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some((name, kind)) = name.to_str().and_then(|name| Some((name, kind_of(name)?)))
            else {
                continue;
            };
            let known = self.writers.contains_key(name)
                || self.disabled.contains(name)
                || self.retired.contains_key(name);
            if known || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
                continue;
            }
            if self.writers.len() >= WRITERS_MAX {
                self.crowded = true;
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
        if self.crowded && !was_crowded {
            self.journal.note(&format!(
                "there are more than {WRITERS_MAX} event files; the others wait"
            ));
        }
    }

    /// Reads no more in files that are read to their end and have nobody who writes to
    /// them. Returns whether that made room for files that wait.
    pub(super) fn retire(&mut self, at_end: bool) -> bool {
        let all = at_end && self.crowded;
        let over: Vec<String> = self
            .writers
            .values()
            // Its end is looked at last: until then its process may have written.
            .filter(|writer| (all || writer.is_orphaned()) && writer.is_read())
            .map(|writer| writer.name.clone())
            .collect();
        for name in &over {
            if let Some(writer) = self.writers.remove(name) {
                self.retired.insert(writer.name, writer.offset);
            }
        }
        self.crowded && !over.is_empty()
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use mlhub_protocol::event_log::{self, event_body_bytes, frame, write_event};
    use mlhub_protocol::run_dir::{HubAddress, SdkFile};

    use super::super::identity::own_identity;
    use super::super::journal::{Journal, Record};
    use super::super::link::Shared;
    use super::super::sdk_dir::run_dir;
    use super::super::supervise::{SuperviseOptions, empty_record};
    use super::*;

    /// No process has this number: it is beyond what the kernel gives.
    const NOBODY: i32 = 2_000_000_000;

    fn event() -> Vec<u8> {
        let json = br#"{"metrics":{"a":1}}"#;
        frame(event_body_bytes(json), |body| write_event(body, json))
    }

    /// Makes an event log with one event; returns its length.
    fn log(folder: &Path, name: &str) -> u64 {
        let bytes = [event_log::header().as_slice(), &event()].concat();
        std::fs::write(folder.join(names::EVENTS).join(name), &bytes).expect("write");
        bytes.len() as u64
    }

    fn shipper(folder: &Path) -> Shipper {
        std::fs::create_dir(folder.join(names::EVENTS)).expect("folder");
        let file: SdkFile = serde_json::from_value(serde_json::json!({
            "version": 1, "run": {"id": "run-1", "project": "p"}, "process": own_identity(),
            "started_at_ms": 1, "host": "here",
        }))
        .expect("a file of the SDK");
        let hub = HubAddress::Url("http://127.0.0.1:1".to_owned());
        Shipper::new(
            run_dir(folder, &file, hub),
            Arc::new(Shared::default()),
            Arc::new(Record::new(folder.join("record"), empty_record())),
            Arc::new(Journal::new(folder.join("journal"))),
            SuperviseOptions::default(),
        )
    }

    #[test]
    fn files_of_gone_processes_are_read_to_their_end_and_then_no_more() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut shipper = shipper(folder.path());
        let gone = format!("main-fork{NOBODY}.mlog");
        let here = format!("main-fork{}.mlog", std::process::id());
        let length = log(folder.path(), &gone);
        for name in ["main.mlog", &here] {
            shipper
                .stored
                .events
                .insert(name.to_owned(), log(folder.path(), name));
        }
        shipper.find_writers(false);
        shipper.retire(false);
        assert!(shipper.retired.is_empty(), "there is more to read");
        shipper.stored.events.insert(gone.clone(), length);
        shipper.writers.clear();
        shipper.find_writers(false);
        shipper.retire(false);
        assert_eq!(shipper.retired, BTreeMap::from([(gone.clone(), length)]));
        let left: Vec<&str> = shipper.writers.keys().map(String::as_str).collect();
        assert_eq!(left, [here.as_str(), "main.mlog"]);
        shipper.find_writers(true);
        assert_eq!(shipper.writers.len(), 2, "nothing new in it");
        // Its process lived all the same, in a container.
        let path = folder.path().join(names::EVENTS).join(&gone);
        let longer = [std::fs::read(&path).expect("read"), event()].concat();
        std::fs::write(&path, longer).expect("write");
        shipper.find_writers(true);
        assert_eq!(shipper.writers[&gone].offset, length);
        assert!(shipper.retired.is_empty());
    }

    #[test]
    fn more_files_than_are_read_at_a_time_wait_for_room() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut shipper = shipper(folder.path());
        let count = WRITERS_MAX + 5;
        for number in 0..count {
            let name = format!(
                "main-fork{}.mlog",
                NOBODY + i32::try_from(number).expect("small")
            );
            let length = log(folder.path(), &name);
            shipper.stored.events.insert(name, length);
        }
        shipper.find_writers(false);
        assert_eq!(shipper.writers.len(), WRITERS_MAX);
        assert!(shipper.retire(false), "there is room for the others");
        shipper.find_writers(false);
        assert!(!shipper.retire(false), "nothing waits any more");
        assert_eq!(shipper.retired.len(), count);
        assert!(shipper.disabled.iter().all(|name| !name.contains("fork")));
    }
}
