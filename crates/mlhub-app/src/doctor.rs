//! The doctor: does what the hub stores agree with itself?
//!
//! Each thing that is wrong is named with its place, and one broken thing hides
//! no other. Mended is only what loses nothing: contents that nothing uses go,
//! directories nobody knows are set aside, deletions that broke off are ended.

use std::collections::BTreeSet;
use std::sync::Arc;

use mlhub_core::deletion::BlobUse;
use mlhub_core::{Caller, Error, ErrorKind, Permission, Result, RunId};

use crate::Hub;
use crate::deletion::blocking;

/// Findings that are listed; the counts are of all.
const FINDINGS_MAX: usize = 1000;
/// Contents looked at at once.
const BLOBS_PER_PAGE: usize = 500;
/// Bytes read at once of a content that is checked.
const BLOB_PIECE_BYTES: usize = 1024 * 1024;
/// How old a content without a user must be: a younger one may be about to be
/// recorded.
const ORPHAN_AGE_MS: i64 = 60 * 60 * 1000;

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoctorKind {
    /// The database says that it is damaged.
    Database,
    /// A deletion that did not come to its end.
    UnfinishedDeletion,
    /// An artifact whose content is not there.
    MissingBlob,
    /// A content that is not what its hash says.
    WrongBlob,
    /// A content that nothing uses.
    OrphanBlob,
    /// A series that cannot be read.
    UnreadableSeries,
    /// A run directory of no run.
    UnknownDirectory,
}

impl DoctorKind {
    /// The kind's name on every face.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::UnfinishedDeletion => "unfinished_deletion",
            Self::MissingBlob => "missing_blob",
            Self::WrongBlob => "wrong_blob",
            Self::OrphanBlob => "orphan_blob",
            Self::UnreadableSeries => "unreadable_series",
            Self::UnknownDirectory => "unknown_directory",
        }
    }
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorFinding {
    /// What kind of thing.
    pub kind: DoctorKind,
    /// Where.
    pub place: String,
    /// What is wrong and what to do.
    pub message: String,
    /// Whether it was mended.
    pub repaired: bool,
}

/// What the doctor found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DoctorReport {
    /// The first findings, in the order of the examination.
    pub findings: Vec<DoctorFinding>,
    /// Findings in all.
    pub total: u64,
    /// Those that were mended.
    pub repaired: u64,
    /// Artifacts looked at.
    pub artifacts: u64,
    /// Contents looked at.
    pub blobs: u64,
    /// Series read.
    pub series: u64,
    /// Run directories looked at.
    pub directories: u64,
}

impl DoctorReport {
    fn find(&mut self, kind: DoctorKind, place: String, message: String, repaired: bool) {
        self.total += 1;
        self.repaired += u64::from(repaired);
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(DoctorFinding {
                kind,
                place,
                message,
                repaired,
            });
        }
    }
}

impl Hub {
    /// Examines what is stored; with `deep`, every content and every point is
    /// read; with `repair`, what can be mended without a loss is.
    pub async fn doctor(&self, caller: &Caller, repair: bool, deep: bool) -> Result<DoctorReport> {
        caller.require(Permission::Admin)?;
        let mut report = DoctorReport::default();
        match self.store.integrity_check().await {
            Ok(problems) => {
                for problem in problems {
                    report.find(
                        DoctorKind::Database,
                        "the database".to_owned(),
                        format!(
                            "{problem}; keep a copy of the data directory and restore a backup"
                        ),
                        false,
                    );
                }
            }
            Err(error) => report.find(
                DoctorKind::Database,
                "the database".to_owned(),
                describe(&error),
                false,
            ),
        }
        // One part that cannot be examined must not hide the others.
        let parts = [
            self.doctor_deletions(&mut report, repair).await,
            self.doctor_artifacts(&mut report, deep).await,
            self.doctor_orphans(&mut report, repair).await,
            self.doctor_directories(&mut report, repair).await,
            match deep {
                true => self.doctor_series(&mut report).await,
                false => Ok(()),
            },
        ];
        for error in parts.into_iter().filter_map(Result::err) {
            report.find(
                DoctorKind::Database,
                "the store".to_owned(),
                format!("a part could not be examined: {}", describe(&error)),
                false,
            );
        }
        Ok(report)
    }

    /// Removes contents that nothing uses; returns how many.
    pub async fn orphans_sweep(&self, caller: &Caller) -> Result<u64> {
        caller.require(Permission::Admin)?;
        let mut report = DoctorReport::default();
        self.doctor_orphans(&mut report, true).await?;
        Ok(report.repaired)
    }

    async fn doctor_deletions(&self, report: &mut DoctorReport, repair: bool) -> Result<()> {
        let open = {
            // One that is just being carried out is not broken off.
            let _turn = self.deleting.lock().await;
            self.store.deletion_open().await?
        };
        if open.is_empty() {
            return Ok(());
        }
        let mended = match repair {
            true => self.deletion_resume().await,
            false => Ok(0),
        };
        for record in open {
            let message = match &mended {
                Err(error) => format!("it cannot be ended: {}", describe(error)),
                Ok(_) if repair => "it broke off and is ended now".to_owned(),
                Ok(_) => "it broke off; the hub ends it at its next start, or --repair".to_owned(),
            };
            let place = format!("{} of run {}", record.action.as_str(), record.run);
            let done = repair && mended.is_ok();
            report.find(DoctorKind::UnfinishedDeletion, place, message, done);
        }
        Ok(())
    }

    /// Every artifact has its content, of the right size; read when `deep`.
    async fn doctor_artifacts(&self, report: &mut DoctorReport, deep: bool) -> Result<()> {
        let mut after = None;
        let mut read = BTreeSet::new();
        loop {
            let page = self.store.blobs_used(after, BLOBS_PER_PAGE).await?;
            for used in &page {
                report.artifacts += 1;
                self.doctor_artifact(report, used).await;
                if deep && read.insert(used.hash.clone()) {
                    self.doctor_content(report, used).await;
                }
            }
            let Some(last) = page.last().filter(|_| page.len() == BLOBS_PER_PAGE) else {
                return Ok(());
            };
            after = Some((last.run_seq, last.path.clone()));
        }
    }

    async fn doctor_artifact(&self, report: &mut DoctorReport, used: &BlobUse) {
        let (kind, message) = match self.blobs.stat(&used.hash).await {
            Ok(Some(size)) if size == used.size_bytes => return,
            Ok(Some(size)) => (
                DoctorKind::WrongBlob,
                format!(
                    "its content has {size} bytes instead of {}; upload it again",
                    used.size_bytes
                ),
            ),
            Ok(None) => (
                DoctorKind::MissingBlob,
                "its content is not there; upload it again or restore a backup".to_owned(),
            ),
            Err(error) => (DoctorKind::MissingBlob, describe(&error)),
        };
        report.find(kind, place_of(used), message, false);
    }

    async fn doctor_content(&self, report: &mut DoctorReport, used: &BlobUse) {
        let mut hasher = blake3::Hasher::new();
        let mut offset = 0;
        loop {
            match self.blobs.read(&used.hash, offset, BLOB_PIECE_BYTES).await {
                Ok(bytes) if bytes.is_empty() => break,
                Ok(bytes) => {
                    offset += bytes.len() as u64;
                    hasher.update(&bytes);
                }
                // Told already when it was looked for.
                Err(error) if error.kind() == ErrorKind::NotFound => return,
                Err(error) => {
                    let message = describe(&error);
                    report.find(DoctorKind::WrongBlob, place_of(used), message, false);
                    return;
                }
            }
        }
        if hasher.finalize().to_hex().as_str() != used.hash {
            let message = "its content is not what was stored; upload it again or restore a backup"
                .to_owned();
            report.find(DoctorKind::WrongBlob, place_of(used), message, false);
        }
    }

    async fn doctor_orphans(&self, report: &mut DoctorReport, repair: bool) -> Result<()> {
        let mut after: Option<String> = None;
        let old = self.clock.now().0.saturating_sub(ORPHAN_AGE_MS);
        loop {
            let page = self.blobs.list(after.as_deref(), BLOBS_PER_PAGE).await?;
            report.blobs += page.len() as u64;
            let aged: Vec<String> = page
                .iter()
                .filter(|blob| blob.stored_at.0 <= old)
                .map(|blob| blob.hash.clone())
                .collect();
            let orphans = match repair {
                true => self.blobs_sweep(&aged).await?,
                false => self.store.blobs_unused(&aged).await?,
            };
            for hash in orphans {
                let message = match repair {
                    true => "nothing used this content; it is removed",
                    false => "nothing uses this content; --repair removes it",
                };
                let place = format!("blob {hash}");
                report.find(DoctorKind::OrphanBlob, place, message.to_owned(), repair);
            }
            match page.last().filter(|_| page.len() == BLOBS_PER_PAGE) {
                Some(last) => after = Some(last.hash.clone()),
                None => return Ok(()),
            }
        }
    }

    async fn doctor_directories(&self, report: &mut DoctorReport, repair: bool) -> Result<()> {
        let disk = Arc::clone(&self.disk);
        let names = blocking("list run directories", move || disk.run_names()).await?;
        for name in names {
            report.directories += 1;
            let known = match name.parse::<RunId>() {
                Ok(id) => self.store.run_get(&id).await?.is_some(),
                Err(_) => false,
            };
            if known {
                continue;
            }
            let place = format!("runs/{name}");
            if !repair {
                let message = "no run has this directory; --repair moves it to lost+found";
                report.find(
                    DoctorKind::UnknownDirectory,
                    place,
                    message.to_owned(),
                    false,
                );
                continue;
            }
            let disk = Arc::clone(&self.disk);
            let moved = blocking("set a directory aside", move || disk.run_set_aside(&name)).await;
            match moved {
                Ok(to) => {
                    let message = format!("no run has this directory; it is now `{to}`");
                    report.find(DoctorKind::UnknownDirectory, place, message, true);
                }
                Err(error) => {
                    report.find(DoctorKind::UnknownDirectory, place, describe(&error), false);
                }
            }
        }
        Ok(())
    }

    /// Every stored point is what was written.
    async fn doctor_series(&self, report: &mut DoctorReport) -> Result<()> {
        let mut after = None;
        loop {
            let checked = self.store.points_check(after).await?;
            report.series += checked.series;
            for damaged in checked.damaged {
                let kind = DoctorKind::UnreadableSeries;
                report.find(kind, damaged.place, damaged.message, false);
            }
            match checked.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }
}

fn place_of(used: &BlobUse) -> String {
    format!("artifact {} of run {}", used.path, used.run)
}

/// What happened, with its cause: the one who asks runs the hub.
fn describe(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{}: {cause}", error.public_message()),
        None => error.public_message().to_owned(),
    }
}
