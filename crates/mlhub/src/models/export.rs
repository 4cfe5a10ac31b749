//! Exports on the hub's machine: one program that runs once in a directory of its
//! own, which goes when its files are stored.
//!
//! What is stored, and where, is decided by who asked.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mlhub_agent::adapter::Adapter;
use mlhub_agent::export::{ExportError, Exported, export};
use mlhub_app::{ExportedModel, ExportedModelFile, ServedModel};
use mlhub_core::{Error, ErrorKind, Result};
use mlhub_protocol::adapter::Capability;
use mlhub_protocol::export::EXPORT_FORMAT_FIELD;
use serde_json::json;

use super::{ExportInput, LocalModelServer, Shared, key_of, public, run_file, tell_last_lines};

/// Exports that run at once.
const EXPORTS_AT_ONCE: usize = 2;

/// The exports under way, by model.
#[derive(Debug, Default)]
pub(super) struct Exports(Mutex<BTreeSet<String>>);

impl Exports {
    fn running(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The models that are being exported.
    pub(super) fn keys(&self) -> Vec<String> {
        self.running().iter().cloned().collect()
    }
}

/// Takes part in the exports until it is dropped.
struct UnderWay {
    shared: Arc<Shared>,
    key: String,
}

impl UnderWay {
    fn begin(shared: &Arc<Shared>, model: &ServedModel) -> Result<Self> {
        let key = format!("{}-{}", model.run.id, key_of(model));
        let mut running = shared.exports.running();
        if running.contains(&key) {
            return Err(Error::conflict(format!(
                "the model of run `{}` is being exported just now; try again later",
                model.run.id
            )));
        }
        if running.len() >= EXPORTS_AT_ONCE {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "as many models as may be at once are being exported; try again later",
            ));
        }
        running.insert(key.clone());
        Ok(Self {
            shared: Arc::clone(shared),
            key,
        })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.shared.exports.running().remove(&self.key);
    }
}

/// A program's directory, removed when it is dropped.
struct Place(PathBuf);

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "the directory of an export stays behind");
        }
    }
}

/// Says that nobody waits any more, when it is dropped.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl LocalModelServer {
    /// Runs the program that exports a model. When the future is dropped, the program
    /// is ended.
    pub(super) async fn export_model(
        &self,
        model: &ServedModel,
        format: &str,
    ) -> Result<ExportedModel> {
        let under_way = UnderWay::begin(&self.shared, model)?;
        let folder = self.folder(model).await?;
        let given_up = Arc::new(AtomicBool::new(false));
        let _waiting = Waiting(Arc::clone(&given_up));
        let shared = Arc::clone(&self.shared);
        let (model, format) = (model.clone(), format.to_owned());
        let work = move || {
            // The directory goes first, then another export may begin.
            let (exported, place) = shared.export(&model, &folder, &format, &given_up)?;
            Ok(exported_model(exported, (place, under_way)))
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Error::internal("export a model", error))?
    }
}

impl Shared {
    fn export(
        &self,
        model: &ServedModel,
        folder: &Path,
        format: &str,
        given_up: &AtomicBool,
    ) -> Result<(Exported, Place)> {
        let adapter = self.adapter(model).map_err(public)?;
        check_format(&adapter, format)?;
        let mut run = run_file(model, folder);
        run.export = Some(ExportInput {
            format: format.to_owned(),
        });
        let plan = self
            .plan(&adapter, model, Capability::Export, run)
            .map_err(public)?;
        let place = Place(plan.dir.clone());
        let binary = std::env::current_exe()
            .map_err(|error| Error::internal("find the hub's own program", error))?;
        let stopped = || given_up.load(Ordering::Relaxed) || self.closed.load(Ordering::Relaxed);
        let exported = export(&plan, &binary, self.export_limits, &stopped);
        match exported {
            Ok(exported) => Ok((exported, place)),
            Err(error) => {
                tell_last_lines(model, error.last_lines());
                Err(refused(&error))
            }
        }
    }
}

/// The adapter of this machine may be newer than the run, or older.
fn check_format(adapter: &Adapter, format: &str) -> Result<()> {
    let known = &adapter.manifest.export.formats;
    if known.iter().any(|known| known == format) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!(
            "the adapter `{}` does not export to `{format}`; it exports to: {}",
            adapter.reference(),
            known.join(", ")
        ),
    )
    .with_details(json!({"field": EXPORT_FORMAT_FIELD})))
}

fn exported_model(exported: Exported, held: (Place, UnderWay)) -> ExportedModel {
    let files = exported.files.into_iter();
    ExportedModel {
        report: exported.report,
        files: files
            .map(|file| ExportedModelFile {
                path: file.path,
                place: file.place,
            })
            .collect(),
        held: Box::new(held),
    }
}

/// What a client is told of a failure.
fn refused(error: &ExportError) -> Error {
    let kind = match error {
        ExportError::Unsupported { .. } => ErrorKind::Unsupported,
        ExportError::TimedOut { .. } => ErrorKind::ProgramTimedOut,
        ExportError::Stopped => ErrorKind::Unavailable,
        ExportError::Start(_)
        | ExportError::Refused { .. }
        | ExportError::Failed { .. }
        | ExportError::TooMuch { .. }
        | ExportError::Broken(_) => ErrorKind::ProgramFailed,
    };
    Error::new(kind, error.to_string())
}
