//! Turns lines of one writer into batches for the hub, byte range by byte range.
//!
//! A batch is a pure function of the bytes it covers and of counters over the
//! bytes before it, so that sending a range again says the same. What cannot
//! be read is counted and told as one warning with file and byte offset, never
//! with its content.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mlhub_core::limits;
use mlhub_protocol::event::{ErrorEvent, EventLine, FileEvent, PredictionsEvent};
use mlhub_protocol::event_log::{EVENT_LOG_EXTENSION, Record};
use mlhub_protocol::rest::{EventBatch, PointView, RecordInput};
use serde_json::{Value, json};

use super::aliases::{self, Aliases, alias_of};
use super::files::now_ms;
use super::frames::{Found, frames_end_at, read_frames};
use super::identity::is_taken;
use super::inputs::{self, Inputs, input_of};
use super::lenient::{parse_event, parse_output_event};
use super::log_metrics::LogMetrics;
use super::tail::{Line, read_lines, size_of};

/// Source bytes in one batch at most, beyond its first line.
const BATCH_SOURCE_BYTES: u64 = 1024 * 1024;
/// Points in one batch at most, beyond those of its last line.
const BATCH_POINTS: usize = 20_000;
/// Bytes of a batch's JSON at most, as estimated, beyond its last line.
const BATCH_JSON_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of JSON a point takes beside its name, at most.
const POINT_JSON_BYTES: usize = 110;

/// How lines of a writer are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Every line is an event.
    EventFile,
    /// A binary event log.
    EventLog,
    /// Some lines may be events, or hold metrics.
    Output {
        /// Whether JSON lines are events.
        json: bool,
    },
}

/// What the events of an attempt ask for beside being stored.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Requests {
    /// Files named complete, with their kind.
    pub(crate) files: Vec<FileEvent>,
    /// Prediction files, the last one of each split.
    pub(crate) predictions: BTreeMap<String, PredictionsEvent>,
    /// Artifacts of other runs that were used.
    pub(crate) inputs: Inputs,
    /// Aliases for artifacts of this run.
    pub(crate) aliases: Aliases,
    /// The last refusal of the program.
    pub(crate) error: Option<ErrorEvent>,
}

/// One writer: a file whose lines become batches.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    kind: Kind,
    metrics: LogMetrics,
    /// The byte the next batch starts at.
    pub(crate) offset: u64,
    /// Lines with metrics but without a step, so far.
    steps: i64,
    /// Names of an event log by their id, as far as it was read.
    keys: Arc<HashMap<u32, Arc<str>>>,
}

/// A batch with what it asks for, and how many lines it covers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Translated {
    pub(crate) batch: EventBatch,
    pub(crate) requests: Requests,
    pub(crate) lines: usize,
    bytes: usize,
    malformed: u64,
    malformed_at: u64,
    progress: Option<RecordInput>,
}

impl Writer {
    pub(crate) fn new(name: &str, path: PathBuf, kind: Kind, metrics: LogMetrics) -> Self {
        Self {
            name: name.to_owned(),
            path,
            kind,
            metrics,
            offset: 0,
            steps: 0,
            keys: Arc::default(),
        }
    }

    /// Whether this writer can give anything at all.
    pub(crate) fn is_useful(&self) -> bool {
        self.kind != Kind::Output { json: false } || !self.metrics.is_empty()
    }

    /// Goes to `offset`, reading what lies before it for counters and requests
    /// only. The requests found are returned: who did not see them yet needs them.
    pub(crate) fn seek(&mut self, offset: u64) -> std::io::Result<Requests> {
        self.steps = 0;
        self.metrics.reset();
        self.keys = Arc::default();
        self.offset = 0;
        let mut seen = Translated::default();
        let path = self.path.clone();
        if offset > 0 && self.kind == Kind::EventLog {
            read_frames(&path, 0, true, |found, start, end| {
                if end <= offset {
                    self.frame(&found, start, &mut seen);
                    seen.batch = EventBatch::default();
                }
                end < offset
            })?;
        } else if offset > 0 {
            read_lines(&path, 0, true, |line, start, end| {
                if end <= offset {
                    self.line(line, start, &mut seen);
                    // Only counters and requests are wanted here.
                    seen.batch = EventBatch::default();
                }
                end < offset
            })?;
        }
        self.offset = offset;
        Ok(seen.requests)
    }

    /// Reads the next batch of at most `max_lines` lines without moving on:
    /// returns the writer as it is after the batch, beside it.
    pub(crate) fn next(
        &self,
        at_end: bool,
        max_lines: usize,
    ) -> std::io::Result<Option<(Self, Translated)>> {
        // Most files have nothing new most of the time.
        if self.kind == Kind::EventLog && frames_end_at(&self.path, self.offset) {
            return Ok(None);
        }
        let mut after = self.clone();
        let mut out = Translated::default();
        let go_on = |out: &mut Translated, end: u64| {
            out.lines += 1;
            out.lines < max_lines
                && end - self.offset < BATCH_SOURCE_BYTES
                && out.batch.points.len() < BATCH_POINTS
                && out.bytes < BATCH_JSON_BYTES
        };
        let reached = if self.kind == Kind::EventLog {
            read_frames(&self.path, self.offset, at_end, |found, start, end| {
                after.frame(&found, start, &mut out);
                go_on(&mut out, end)
            })?
        } else {
            read_lines(&self.path, self.offset, at_end, |line, start, end| {
                after.line(line, start, &mut out);
                go_on(&mut out, end)
            })?
        };
        if reached == self.offset {
            return Ok(None);
        }
        after.offset = reached;
        out.batch.writer.clone_from(&self.name);
        out.batch.start = self.offset;
        out.batch.end = reached;
        out.batch.records.extend(out.progress.take());
        if out.malformed > 0 {
            let message = format!(
                "{}: {} line(s) or record(s) could not be read as events, the first at byte {}",
                self.name, out.malformed, out.malformed_at
            );
            out.batch.records.push(warning(message, now_ms()));
        }
        Ok(Some((after, out)))
    }

    /// Takes one record of an event log.
    fn frame(&mut self, found: &Found<'_>, start: u64, out: &mut Translated) {
        match found {
            Found::Record(Record::Key { id, name }) => {
                Arc::make_mut(&mut self.keys).insert(*id, Arc::from(*name));
            }
            Found::Record(Record::Metrics {
                step,
                time_ms,
                values,
            }) => {
                let keys = Arc::clone(&self.keys);
                for (id, value) in values.iter() {
                    match keys.get(&id) {
                        Some(name) => {
                            out.point(name.to_string(), *step, *time_ms, value.into(), start);
                        }
                        None => out.malformed(start),
                    }
                }
            }
            Found::Record(Record::Event(json)) => match parse_event(json) {
                Some(event) => self.event(event, start, out),
                None => out.malformed(start),
            },
            // Of a later version: what it says is not for this one.
            Found::Record(Record::Other { known: false }) | Found::Header => {}
            Found::Record(Record::Other { known: true }) | Found::Torn => out.malformed(start),
        }
    }

    /// Whether it is read to its end, as far as that is known.
    pub(crate) fn is_read(&self) -> bool {
        is_read_to(&self.path, self.kind, self.offset)
    }

    /// Whether its file is a forked process's that is gone, as far as is seen from here.
    pub(crate) fn is_orphaned(&self) -> bool {
        self.kind == Kind::EventLog && fork_of(&self.name).is_some_and(|pid| !is_taken(pid))
    }

    /// Bytes that wait to be shipped.
    pub(crate) fn backlog_bytes(&self) -> u64 {
        if self.kind == Kind::EventLog && frames_end_at(&self.path, self.offset) {
            return 0;
        }
        size_of(&self.path).saturating_sub(self.offset)
    }

    fn line(&mut self, line: Line<'_>, start: u64, out: &mut Translated) {
        let bytes = match line {
            Line::Whole(bytes) => bytes,
            // A long line of output is ordinary output.
            Line::TooLong if self.kind == Kind::EventFile => return out.malformed(start),
            Line::TooLong => return,
        };
        match self.kind {
            // Its records are no lines.
            Kind::EventLog => {}
            Kind::EventFile if bytes.trim_ascii().is_empty() => {}
            Kind::EventFile => match parse_event(bytes) {
                Some(event) => self.event(event, start, out),
                None => out.malformed(start),
            },
            Kind::Output { json } => {
                if let Some(event) = json.then(|| parse_output_event(bytes)).flatten() {
                    return self.event(event, start, out);
                }
                let time_ms = now_ms();
                for found in self.metrics.read(bytes) {
                    out.point(found.name, found.step, time_ms, found.value, start);
                }
            }
        }
    }

    fn event(&mut self, event: EventLine, start: u64, out: &mut Translated) {
        let time_ms = event.time_ms.unwrap_or_else(now_ms);
        if !event.metrics.is_empty() {
            let step = event.step.unwrap_or_else(|| {
                let step = self.steps;
                self.steps += 1;
                step
            });
            for (name, value) in event.metrics {
                out.point(name, step, time_ms, value, start);
            }
        }
        for (name, value) in event.params {
            let value = match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            if out.fits(&name, &value, start) {
                out.batch.params.entry(name).or_insert(value);
            }
        }
        for (name, value) in event.tags {
            if out.fits(&name, &value, start) {
                out.batch.tags.insert(name, value);
            }
        }
        if let Some(checkpoint) = event.checkpoint {
            let body = json!({"step": checkpoint.step, "path": checkpoint.path});
            out.record("checkpoint", time_ms, body, start);
        }
        if let Some(entry) = event.entry {
            out.record("entry", time_ms, entry, start);
        }
        match event.record {
            Some(record) if record.kind_is_free() => {
                match record.kind.as_str() {
                    inputs::USED => out.requests.inputs.extend(input_of(&record.body)),
                    aliases::ALIAS => out.requests.aliases.extend(alias_of(&record.body)),
                    _ => {}
                }
                out.record(&record.kind, time_ms, record.body, start);
            }
            Some(_) => out.malformed(start),
            None => {}
        }
        if let Some(message) = event.warning {
            out.record("warning", time_ms, json!({ "message": message }), start);
        }
        if let Some(error) = event.error {
            let body = json!({"field": error.field, "message": error.message});
            out.record("error", time_ms, body, start);
            out.requests.error = Some(error);
        }
        // Of many steps of progress in one batch only the last says anything.
        if let Some(progress) = event.progress {
            let body = json!({"done": progress.done, "total": progress.total, "message": progress.message});
            out.progress = Some(RecordInput {
                kind: "progress".to_owned(),
                time_ms,
                body,
            });
        }
        out.requests.files.extend(event.artifact);
        if let Some(predictions) = event.predictions {
            out.requests
                .predictions
                .insert(predictions.split.clone(), predictions);
        }
    }
}

/// Whether nothing is in a file beyond `offset`. Output has no end of its own.
pub(crate) fn is_read_to(path: &Path, kind: Kind, offset: u64) -> bool {
    match kind {
        Kind::EventLog => frames_end_at(path, offset),
        Kind::EventFile => size_of(path) <= offset,
        Kind::Output { .. } => false,
    }
}

/// The process in the name of a forked process's file: `main-fork123.mlog`, or
/// `main-fork123-2.mlog` where there was one of that name.
fn fork_of(name: &str) -> Option<i32> {
    let stem = name.strip_suffix(EVENT_LOG_EXTENSION)?;
    let (_, fork) = stem.strip_suffix('.')?.rsplit_once("-fork")?;
    fork.split('-').next()?.parse().ok()
}

impl Translated {
    fn malformed(&mut self, start: u64) {
        if self.malformed == 0 {
            self.malformed_at = start;
        }
        self.malformed += 1;
    }

    fn point(
        &mut self,
        name: String,
        step: i64,
        time_ms: i64,
        value: mlhub_protocol::Number,
        start: u64,
    ) {
        if !self.fits(&name, "", start) {
            return;
        }
        self.bytes += POINT_JSON_BYTES;
        self.batch.points.push(PointView {
            name,
            step,
            time_ms,
            value,
        });
    }

    /// Whether the hub takes such a name and value; if not, it is counted.
    fn fits(&mut self, name: &str, value: &str, start: u64) -> bool {
        let fits = (1..=limits::KEY_MAX_BYTES).contains(&name.len())
            && value.len() <= limits::VALUE_MAX_BYTES
            && !name.contains('\0')
            && !value.contains('\0');
        if fits {
            self.bytes += name.len() + value.len();
        } else {
            self.malformed(start);
        }
        fits
    }

    fn record(&mut self, kind: &str, time_ms: i64, body: Value, start: u64) {
        let size = body.to_string().len();
        if size > limits::RECORD_MAX_BYTES {
            return self.malformed(start);
        }
        self.bytes += size;
        self.batch.records.push(RecordInput {
            kind: kind.to_owned(),
            time_ms,
            body,
        });
    }

    /// The same range of bytes with nothing in it but a warning: what is sent
    /// in place of a batch the hub refuses.
    pub(crate) fn refused(&self, reason: &str) -> EventBatch {
        let message = format!(
            "{}: the hub refused bytes {} to {}: {reason}",
            self.batch.writer, self.batch.start, self.batch.end
        );
        EventBatch {
            writer: self.batch.writer.clone(),
            start: self.batch.start,
            end: self.batch.end,
            records: vec![warning(message, now_ms())],
            ..EventBatch::default()
        }
    }
}

fn warning(message: String, time_ms: i64) -> RecordInput {
    RecordInput {
        kind: "warning".to_owned(),
        time_ms,
        body: json!({ "message": message }),
    }
}
