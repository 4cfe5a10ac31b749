//! Trained models in another format: who may export, what is stored, and where.
//!
//! The data flow is one way: [`ModelServer::export`] runs the adapter's program
//! beside the adapter host; the files it leaves are stored as artifacts of the run
//! that trained the model, below `artifacts/exports/FORMAT/`, with the kind
//! `export`; whoever wants them fetches artifacts. So an export is found again, has
//! versions, goes into backups and is deleted with its run, and there is no second
//! way for bytes. Exporting again replaces what is stored, and a file of another
//! kind is never replaced.
//!
//! Like asking a model, exporting one starts a program on the hub's machine, and
//! needs [`Permission::Write`].

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use mlhub_core::run::Artifact;
use mlhub_core::{ArtifactPath, Caller, Error, ErrorKind, Permission, Result};
use mlhub_protocol::export::{EXPORT_KIND, ExportReport, is_format};
use tokio::io::AsyncReadExt as _;

use crate::models::{ModelServer, ServedModel};
use crate::{ArtifactPlace, Hub};

/// Where exports are among the artifacts of a run.
const EXPORTS_FOLDER: &str = "artifacts/exports";
/// The capability of adapters that export.
const EXPORT: &str = "export";
/// Bytes read at once.
const PIECE_BYTES: usize = 1024 * 1024;

/// What a program exported, still outside of the hub's contents.
pub struct ExportedModel {
    /// How it compares with the original.
    pub report: ExportReport,
    /// Its files, the report last.
    pub files: Vec<ExportedModelFile>,
    /// Keeps the files, and others from exporting the same model meanwhile, until it is
    /// dropped.
    pub held: Box<dyn Any + Send + Sync>,
}

/// A file of an exported model.
#[derive(Debug, Clone)]
pub struct ExportedModelFile {
    /// Its path below the program's artifacts.
    pub path: ArtifactPath,
    /// Where it is.
    pub place: PathBuf,
}

/// A stored export.
pub struct ModelExport {
    /// The model.
    pub model: ServedModel,
    /// How the exported model compares with it.
    pub report: ExportReport,
    /// The folder of its files among the artifacts of the run.
    pub folder: String,
    /// Its files, the report last.
    pub files: Vec<Artifact>,
}

impl Hub {
    /// Exports a model to a format and stores what comes of it with its run.
    ///
    /// # Errors
    /// `Unsupported` when the adapter cannot, or not to this format; `Conflict` when
    /// the same model is being exported, or a file of another kind is in the way;
    /// `ProgramFailed`, `ProgramTimedOut` or `Unavailable` of its program.
    pub async fn model_export(
        &self,
        caller: &Caller,
        text: &str,
        format: &str,
    ) -> Result<ModelExport> {
        caller.require(Permission::Write)?;
        if !is_format(format) {
            return Err(Error::invalid(
                "`format` must be a word of lower-case letters, digits, `_` and `-`, such as `onnx`",
            )
            .with_details(serde_json::json!({"field": "format"})));
        }
        let model = self.model_describe(caller, text).await?;
        if !model.capabilities.iter().any(|known| known == EXPORT) {
            return Err(self.cannot_export(&model).await?);
        }
        let server: Arc<dyn ModelServer> = Arc::clone(&self.models);
        let exported = server.export(&model, format).await?;
        let folder = format!("{EXPORTS_FOLDER}/{format}");
        let mut places = Vec::new();
        for file in &exported.files {
            let path: ArtifactPath = format!("{folder}/{}", file.path).parse()?;
            self.check_free(&model, &path).await?;
            places.push(path);
        }
        let mut files = Vec::new();
        // The report is the last: where it is, the export is whole.
        for (file, path) in exported.files.iter().zip(places) {
            files.push(self.export_store(caller, &model, file, path).await?);
        }
        Ok(ModelExport {
            report: exported.report,
            model,
            folder,
            files,
        })
    }

    /// An export takes the place of an earlier one only.
    async fn check_free(&self, model: &ServedModel, path: &ArtifactPath) -> Result<()> {
        match self.store.artifact_get(&model.run.id, path).await? {
            Some(there) if there.kind != EXPORT_KIND => Err(Error::conflict(format!(
                "run `{}` has an artifact `{path}` of the kind `{}`, which an export does not replace",
                model.run.id, there.kind
            ))),
            _ => Ok(()),
        }
    }

    async fn export_store(
        &self,
        caller: &Caller,
        model: &ServedModel,
        file: &ExportedModelFile,
        path: ArtifactPath,
    ) -> Result<Artifact> {
        let unread = |error| Error::internal("read an exported file", error);
        let place = ArtifactPlace {
            run: model.run.id.clone(),
            attempt: model.run.attempt,
            path,
            kind: EXPORT_KIND.to_owned(),
        };
        let mut upload = self
            .artifact_upload(
                caller,
                &place.run,
                place.attempt,
                place.path,
                &place.kind,
                None,
            )
            .await?;
        let mut open = tokio::fs::File::open(&file.place).await.map_err(unread)?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let count = open.read(&mut piece).await.map_err(unread)?;
            if count == 0 {
                break;
            }
            upload
                .write(Bytes::copy_from_slice(&piece[..count]))
                .await?;
        }
        upload.finish().await
    }

    /// Says which adapters of this machine could.
    async fn cannot_export(&self, model: &ServedModel) -> Result<Error> {
        let catalog = Arc::clone(&self.catalog);
        let here = tokio::task::spawn_blocking(move || catalog.describe())
            .await
            .map_err(|source| Error::internal("describe adapters", source))?;
        let mut others: Vec<String> = here
            .into_iter()
            .filter(|adapter| adapter.capabilities.iter().any(|known| known == EXPORT))
            .map(|adapter| adapter.name)
            .collect();
        others.sort();
        others.dedup();
        let who = match others.as_slice() {
            [] => "no adapter of the hub's machine can".to_owned(),
            some => format!("adapters that can: {}", some.join(", ")),
        };
        Ok(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the adapter `{}` of run `{}` cannot export; {who}",
                model.adapter, model.run.id
            ),
        ))
    }
}
