//! Appends event lines to `events/main.jsonl`, each whole and at once.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use mlhub_protocol::event::{
    CheckpointEvent, ErrorEvent, EventLine, FileEvent, PredictionsEvent, ProgressEvent,
};
use mlhub_protocol::number::Number;
use mlhub_protocol::run_dir::names;

use crate::failure::Failure;

const EVENT_FILE: &str = "main.jsonl";

/// The one writer of this program's event file.
pub(crate) struct EventWriter {
    file: File,
}

impl EventWriter {
    /// Opens the event file of a run directory for appending.
    pub(crate) fn open(run_dir: &Path) -> std::io::Result<Self> {
        let folder = run_dir.join(names::EVENTS);
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(EVENT_FILE);
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file })
    }

    /// Appends one line in one write; what returned survives the process.
    pub(crate) fn write(&mut self, mut line: EventLine) -> std::io::Result<()> {
        line.time_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|elapsed| i64::try_from(elapsed.as_millis()).ok());
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        self.file.write_all(&text)
    }

    pub(crate) fn entry(&mut self, entry: serde_json::Value) -> std::io::Result<()> {
        self.write(EventLine {
            entry: Some(entry),
            ..EventLine::default()
        })
    }

    /// Metrics of a step, and how far training is.
    pub(crate) fn step(
        &mut self,
        step: u64,
        total: u64,
        metrics: BTreeMap<String, Number>,
    ) -> std::io::Result<()> {
        #[expect(clippy::cast_precision_loss, reason = "steps are far below 2^53")]
        let (done, total) = (step as f64, total as f64);
        self.write(EventLine {
            step: i64::try_from(step).ok(),
            metrics,
            progress: Some(ProgressEvent {
                done,
                total: Some(total),
                message: None,
            }),
            ..EventLine::default()
        })
    }

    pub(crate) fn checkpoint(&mut self, step: u64, path: &str) -> std::io::Result<()> {
        self.write(EventLine {
            checkpoint: Some(CheckpointEvent {
                step: i64::try_from(step).unwrap_or(i64::MAX),
                path: path.to_owned(),
            }),
            ..EventLine::default()
        })
    }

    pub(crate) fn predictions(
        &mut self,
        split: &str,
        path: &str,
        task: &str,
    ) -> std::io::Result<()> {
        self.write(EventLine {
            predictions: Some(PredictionsEvent {
                split: split.to_owned(),
                path: path.to_owned(),
                task: Some(task.to_owned()),
            }),
            ..EventLine::default()
        })
    }

    pub(crate) fn artifact(&mut self, path: &str, kind: &str) -> std::io::Result<()> {
        self.write(EventLine {
            artifact: Some(FileEvent {
                path: path.to_owned(),
                kind: Some(kind.to_owned()),
            }),
            ..EventLine::default()
        })
    }

    pub(crate) fn warning(&mut self, message: String) -> std::io::Result<()> {
        eprintln!("warning: {message}");
        self.write(EventLine {
            warning: Some(message),
            ..EventLine::default()
        })
    }

    pub(crate) fn error(&mut self, failure: &Failure) -> std::io::Result<()> {
        self.write(EventLine {
            error: Some(ErrorEvent {
                field: failure.field().map(str::to_owned),
                message: failure.to_string(),
            }),
            ..EventLine::default()
        })
    }
}
