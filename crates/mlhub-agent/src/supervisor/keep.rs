//! Keeps files on the hub and tells the end: what follows the streams.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

use mlhub_client::transfer::{self, Patience, Upload};
use mlhub_client::{Client, ClientErrorKind};
use mlhub_protocol::event::FileEvent;
use mlhub_protocol::rest::{AttemptFinish, ExitView, PredictionsRef};

use super::classify::{End, classify, printed};
use super::files::now_ms;
use super::link::{LocalEnd, Stop, stop_of};
use super::ship::{Shipped, Shipper};
use super::translate::Requests;
use super::upload::{KEPT_FOLDERS, kind_of, open, walk};

/// Times a file is sent when the connection breaks under it while the hub lives.
const SENDS_MAX: u32 = 50;
/// Times a file is hashed afresh because it changed while it was sent.
const CHANGES_MAX: u32 = 3;

/// What is known of files sent.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    /// Files on the hub, with what they looked like when they were hashed.
    done: BTreeMap<String, (u64, Option<SystemTime>)>,
    /// Files that are left out, as told.
    refused: BTreeSet<String>,
    /// Broken sends by path.
    broken: BTreeMap<String, u32>,
}

impl Shipper {
    /// Keeps the files a batch names.
    pub(super) fn keep_named(&mut self, client: &Client, requests: &Requests) -> Result<(), Stop> {
        for file in &requests.files {
            self.keep(client, file)?;
        }
        for predictions in requests.predictions.values() {
            let file = FileEvent {
                path: predictions.path.clone(),
                kind: Some("predictions".to_owned()),
            };
            self.keep(client, &file)?;
        }
        Ok(())
    }

    /// Keeps everything that is to be kept when a run ends. Returns whether
    /// warnings were added.
    pub(super) fn keep_all(&mut self, client: &Client) -> Result<bool, Stop> {
        let before = self.uploads.refused.len();
        let requests = self.requests.clone();
        self.keep_named(client, &requests)?;
        for folder in KEPT_FOLDERS {
            let (files, passed) = walk(self.dir.path(), folder);
            for message in passed {
                self.leave_out(&message, "");
            }
            for path in files {
                self.keep(client, &FileEvent { path, kind: None })?;
            }
        }
        Ok(self.uploads.refused.len() > before)
    }

    /// Keeps a file, or every file of a folder.
    fn keep(&mut self, client: &Client, file: &FileEvent) -> Result<(), Stop> {
        let given = Path::new(&file.path);
        let folder = given.is_relative() && self.dir.path().join(given).is_dir();
        if !folder {
            return self.keep_file(client, &file.path, file.kind.as_deref());
        }
        if open(self.dir.path(), &file.path).is_err_and(|reason| !reason.contains("plain file")) {
            self.leave_out(&file.path, "it is not a folder inside the run directory");
            return Ok(());
        }
        let (files, passed) = walk(self.dir.path(), &file.path);
        for message in passed {
            self.leave_out(&message, "");
        }
        for path in files {
            self.keep_file(client, &path, file.kind.as_deref())?;
        }
        Ok(())
    }

    fn keep_file(&mut self, client: &Client, path: &str, kind: Option<&str>) -> Result<(), Stop> {
        if self.uploads.refused.contains(path) {
            return Ok(());
        }
        for _ in 0..CHANGES_MAX {
            let mut kept = match open(self.dir.path(), path) {
                Ok(kept) => kept,
                Err(reason) => {
                    self.leave_out(path, &reason);
                    return Ok(());
                }
            };
            let looks = (kept.size, kept.modified);
            if self.uploads.done.get(path) == Some(&looks) {
                return Ok(());
            }
            let hash = kept.hash().map_err(Stop::Local)?;
            if self.stored.artifacts.get(path) == Some(&hash) {
                self.kept(path, &hash, looks);
                return Ok(());
            }
            let (run, attempt) = self.who();
            let kind = kind.unwrap_or_else(|| kind_of(path));
            let what = Upload {
                run: &run,
                attempt,
                path: kept.path.as_str(),
                kind,
                hash: &hash,
                size_bytes: kept.size,
            };
            // The next round goes on where this one broke off, whoever minds it.
            let mut progressed = false;
            let told = &mut |_, _| progressed = true;
            let sent = transfer::upload(client, &what, &mut kept.file, Patience::NONE, told);
            let error = match sent {
                Ok(_) => {
                    self.kept(path, &hash, looks);
                    return Ok(());
                }
                Err(error) => error,
            };
            if transfer::is_busy(&error) {
                return Err(Stop::Away(error));
            }
            if let Some(stop) = stop_of(error.clone()) {
                let broken = self.uploads.broken.entry(path.to_owned()).or_default();
                let under_way = error.kind == ClientErrorKind::Connection && !progressed;
                *broken += u32::from(under_way);
                if *broken < SENDS_MAX {
                    return Err(stop);
                }
                self.leave_out(path, &error.to_string());
                return Ok(());
            }
            let changed =
                open(self.dir.path(), path).is_ok_and(|now| (now.size, now.modified) != looks);
            if !changed {
                self.leave_out(path, &error.to_string());
                return Ok(());
            }
        }
        self.leave_out(path, "it changes while it is sent");
        Ok(())
    }

    fn kept(&mut self, path: &str, hash: &str, looks: (u64, Option<SystemTime>)) {
        self.uploads.done.insert(path.to_owned(), looks);
        self.uploads.broken.remove(path);
        self.stored
            .artifacts
            .insert(path.to_owned(), hash.to_owned());
        self.record.change(|file| {
            file.files.insert(path.to_owned(), hash.to_owned());
        });
    }

    /// Leaves a file out, visibly and once.
    fn leave_out(&mut self, what: &str, reason: &str) {
        if !self.uploads.refused.insert(what.to_owned()) {
            return;
        }
        let message = if reason.is_empty() {
            what.to_owned()
        } else {
            format!("the file `{what}` is not kept: {reason}")
        };
        self.journal.note(&message);
        self.own.warn(message);
    }

    /// Tells the end. Everything before it is on the hub.
    pub(super) fn finish(&mut self, client: &Client, end: &LocalEnd) -> Result<Shipped, Stop> {
        let (run, attempt) = self.who();
        let mut finish = self.finish_body(end);
        let answer = client
            .attempt_finish(&run, attempt, &finish)
            .or_else(|error| {
                if stop_of(error.clone()).is_some() || error.status == Some(409) {
                    return Err(error);
                }
                self.journal.note(&format!(
                    "the end was refused, trying without details: {error}"
                ));
                finish.predictions.clear();
                if let Some(failure) = &mut finish.failure {
                    failure.evidence.clear();
                }
                client.attempt_finish(&run, attempt, &finish)
            });
        match answer {
            Ok(_) => {
                self.journal.note(&format!("ended as {}", finish.state));
                Ok(Shipped::All)
            }
            Err(error) => match stop_of(error.clone()) {
                Some(stop) => Err(stop),
                None if error.status == Some(409) => {
                    // It ended on the hub already: by this very call, whose
                    // answer was lost, or by somebody who knew better.
                    self.journal
                        .note(&format!("the end was told already: {error}"));
                    Ok(Shipped::All)
                }
                None => {
                    self.journal
                        .note(&format!("the hub refuses the end: {error}"));
                    Ok(Shipped::Never)
                }
            },
        }
    }

    fn finish_body(&self, end: &LocalEnd) -> AttemptFinish {
        let launch = self.dir.launch();
        let program = launch.argv.first().map_or("", String::as_str);
        let stop_cause = self.record.stop_cause();
        let (state, failure) = classify(&End {
            exit: end.exit.as_ref(),
            stop_cause: stop_cause.as_deref(),
            stop_measured: self.record.stop_measured(),
            limits: launch.limits,
            error: self.requests.error.as_ref(),
            printed: printed(self.dir.path()),
            oom: end.oom.clone(),
            program: program.rsplit('/').next().unwrap_or(program),
            timeout_seconds: launch.timeout_seconds.unwrap_or(0),
        });
        AttemptFinish {
            state: state.to_owned(),
            ended_at: end
                .exit
                .as_ref()
                .map_or_else(now_ms, |exit| exit.ended_at_ms),
            exit: end
                .exit
                .as_ref()
                .filter(|exit| exit.code.is_some() || exit.signal.is_some())
                .map(|exit| ExitView {
                    code: exit.code,
                    signal: exit.signal,
                }),
            failure,
            predictions: self.predictions(),
        }
    }

    /// Prediction files on the hub by split: those named by events, and those
    /// that bear the name of a split that was asked for.
    fn predictions(&self) -> BTreeMap<String, PredictionsRef> {
        let mut found = BTreeMap::new();
        for path in self.uploads.done.keys() {
            let stem = path
                .strip_prefix("predictions/")
                .and_then(|name| name.split('.').next());
            if let Some(split) = stem
                && self
                    .dir
                    .run()
                    .predict_splits
                    .iter()
                    .any(|asked| asked == split)
            {
                let reference = PredictionsRef {
                    path: path.clone(),
                    task: None,
                };
                found.insert(split.to_owned(), reference);
            }
        }
        for (split, event) in &self.requests.predictions {
            if self.uploads.done.contains_key(&event.path) {
                let reference = PredictionsRef {
                    path: event.path.clone(),
                    task: event.task.clone(),
                };
                found.insert(split.clone(), reference);
            }
        }
        found
    }
}
