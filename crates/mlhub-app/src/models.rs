//! Trained models that answer: which run is meant, what it left, who may ask.
//!
//! Programs are not started here; that is [`ModelServer`]'s, beside the adapter
//! host. Describing a model needs no more than reading. Asking one needs
//! [`Permission::Write`]: it starts a program on the hub's machine and takes its
//! memory and processors, which somebody who may only look must not.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use mlhub_core::artifact_version::{LATEST, VersionChoice};
use mlhub_core::run::{Artifact, Run};
use mlhub_core::{ArtifactPath, Caller, Error, ErrorKind, Name, Permission, Result, limits};
use mlhub_protocol::serving::Ask;
use serde_json::{Map, Value};

use crate::Hub;
use crate::blob_reader::{BlobReader, BlobSource};
use crate::model_export::ExportedModel;

/// The kind of artifacts that make up a model.
const MODEL_KIND: &str = "model";
/// Where programs put what is to be kept.
const ARTIFACTS_PREFIX: &str = "artifacts/";
/// What a model says of itself, below [`ARTIFACTS_PREFIX`].
const DESCRIPTION_FILE: &str = "model.json";
/// The version of that file this hub reads.
const DESCRIPTION_VERSION: u64 = 1;
/// What the recorded config has in place of a secret.
const REDACTED: &str = "[redacted]";
/// What an adapter can do with a trained model.
const MODEL_CAPABILITIES: [&str; 3] = ["predict", "search", "export"];

/// A trained model with all that starting its program takes.
#[derive(Clone)]
pub struct ServedModel {
    /// The run that trained it.
    pub run: Run,
    /// The adapter's name.
    pub adapter: String,
    /// The adapter's version, when the run recorded it.
    pub adapter_version: Option<String>,
    /// What its adapter can do with a trained model.
    pub capabilities: Vec<String>,
    /// What it says of itself.
    pub description: Value,
    /// Its files, by path.
    pub files: Vec<ModelFile>,
    /// Names all of them; hexadecimal.
    pub hash: String,
    /// The run's resolved config.
    pub config: Value,
    blobs: BlobSource,
}

/// A file of a model.
#[derive(Debug, Clone)]
pub struct ModelFile {
    /// Its path below the run's artifacts.
    pub path: ArtifactPath,
    /// The artifact.
    pub artifact: Artifact,
}

impl ServedModel {
    /// Reads one of its files.
    pub fn read(&self, file: &ModelFile) -> BlobReader {
        let artifact = &file.artifact;
        let what = format!("the artifact `{}` of run `{}`", artifact.path, artifact.run);
        self.blobs.whole(what, &artifact.hash, artifact.size_bytes)
    }

    /// Bytes of all its files.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.artifact.size_bytes).sum()
    }

    /// The task it was trained for, when it is known.
    pub fn task(&self) -> Option<String> {
        let told = [
            &self.config["evaluation"]["task"],
            &self.description["task"],
        ];
        told.into_iter()
            .find_map(|task| task.as_str().map(str::to_owned))
    }

    /// Variables that its experiment set, by name; none for a secret, whose value is not
    /// recorded.
    pub fn variables(&self) -> BTreeMap<String, Option<String>> {
        let set = self.config["environment"]["variables"].as_object();
        set.into_iter()
            .flatten()
            .map(|(name, value)| {
                let plain = value.as_str().filter(|value| *value != REDACTED);
                (name.clone(), plain.map(str::to_owned))
            })
            .collect()
    }

    /// Names of variables that its experiment passed on.
    pub fn passed(&self) -> Vec<String> {
        let names = self.config["environment"]["pass"].as_array();
        let names = names.into_iter().flatten().filter_map(Value::as_str);
        names.map(str::to_owned).collect()
    }

    /// The params it was trained with.
    pub fn params(&self) -> Map<String, Value> {
        match &self.config["params"] {
            Value::Object(params) => params.clone(),
            _ => Map::new(),
        }
    }
}

/// What a model answered.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelAnswer {
    /// An output for each input.
    Outputs(Vec<Value>),
    /// Hits for each query, best first.
    Hits(Vec<Vec<Value>>),
}

/// An answer and how it came.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelAnswered {
    /// The answer.
    pub answer: ModelAnswer,
    /// Whether a program was started for it.
    pub cold_start: bool,
}

/// Runs the programs of models; implemented beside the adapter host.
#[async_trait]
pub trait ModelServer: Send + Sync {
    /// Asks a model, whose adapter can do it as far as the run recorded.
    async fn ask(&self, model: &ServedModel, ask: Ask) -> Result<ModelAnswered>;

    /// Exports a model, whose adapter can do it as far as the run recorded. Dropping
    /// the future gives the export up.
    async fn export(&self, model: &ServedModel, format: &str) -> Result<ExportedModel>;
}

/// A hub that answers for no models.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoModelServer;

#[async_trait]
impl ModelServer for NoModelServer {
    async fn ask(&self, _model: &ServedModel, _ask: Ask) -> Result<ModelAnswered> {
        Err(Error::new(
            ErrorKind::Unsupported,
            "this hub starts no programs of models",
        ))
    }

    async fn export(&self, _model: &ServedModel, _format: &str) -> Result<ExportedModel> {
        Err(Error::new(
            ErrorKind::Unsupported,
            "this hub starts no programs of models",
        ))
    }
}

impl Hub {
    /// A model and what it can do.
    ///
    /// # Errors
    /// `NotFound` when there is no such run or version, or the run left no model.
    pub async fn model_describe(&self, caller: &Caller, text: &str) -> Result<ServedModel> {
        caller.require(Permission::Read)?;
        let (run, version_hash) = self.model_run(caller, text).await?;
        let artifacts = self.store.artifact_list(&run.id).await?;
        let files = model_files(&run, artifacts)?;
        if let Some(hash) = version_hash
            && !files.iter().any(|file| file.artifact.hash == hash)
        {
            return Err(Error::conflict(format!(
                "`{text}` is no file of the model that run `{}` has now: it is of another kind, or a later attempt replaced it; name the run to use its model",
                run.id
            )));
        }
        let snapshot = self.snapshot(&run.id).await?;
        let adapter = run.adapter.clone().ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                format!(
                    "run `{}` was made without an adapter; only an adapter's program can load its model",
                    run.id
                ),
            )
        })?;
        let mut model = ServedModel {
            adapter,
            adapter_version: run.adapter_version.clone(),
            capabilities: capabilities(&snapshot.adapter),
            description: Value::Null,
            hash: model_hash(&files),
            files,
            config: snapshot.config,
            blobs: self.blob_source(),
            run,
        };
        if model.size_bytes() > limits::MODEL_MAX_BYTES {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "the model has {} bytes; a hub serves models of {} at most",
                    model.size_bytes(),
                    limits::MODEL_MAX_BYTES
                ),
            ));
        }
        model.description = read_description(&model).await?;
        Ok(model)
    }

    /// Predictions of a model, one for each input.
    ///
    /// # Errors
    /// `Invalid` with the `field` in its details for an input the model refuses;
    /// `Unsupported`; `ProgramFailed`, `ProgramTimedOut` or `Unavailable` of its program.
    pub async fn model_predict(
        &self,
        caller: &Caller,
        text: &str,
        inputs: Vec<Value>,
        options: Map<String, Value>,
    ) -> Result<(ServedModel, ModelAnswered)> {
        caller.require(Permission::Write)?;
        check_count("inputs", inputs.len())?;
        let ask = Ask::Predict { inputs, options };
        self.model_ask(caller, text, "predict", ask).await
    }

    /// What a model finds for each query.
    ///
    /// # Errors
    /// As [`Hub::model_predict`].
    pub async fn model_search(
        &self,
        caller: &Caller,
        text: &str,
        queries: Vec<Value>,
        k: u32,
        options: Map<String, Value>,
    ) -> Result<(ServedModel, ModelAnswered)> {
        caller.require(Permission::Write)?;
        check_count("queries", queries.len())?;
        if k == 0 || k > limits::SERVING_HITS_MAX {
            return Err(
                Error::invalid(format!("`k` must be 1 to {}", limits::SERVING_HITS_MAX))
                    .with_details(serde_json::json!({"field": "k"})),
            );
        }
        let ask = Ask::Search {
            queries,
            k,
            options,
        };
        self.model_ask(caller, text, "search", ask).await
    }

    async fn model_ask(
        &self,
        caller: &Caller,
        text: &str,
        capability: &str,
        ask: Ask,
    ) -> Result<(ServedModel, ModelAnswered)> {
        let model = self.model_describe(caller, text).await?;
        if !model.capabilities.iter().any(|known| known == capability) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the adapter `{}` of run `{}` cannot {capability}; with a trained model it can: {}",
                    model.adapter,
                    model.run.id,
                    match model.capabilities.as_slice() {
                        [] => "nothing".to_owned(),
                        some => some.join(", "),
                    }
                ),
            ));
        }
        let answered = Arc::clone(&self.models).ask(&model, ask).await?;
        Ok((model, answered))
    }

    /// The run that is meant, and the content when a version was named.
    async fn model_run(&self, caller: &Caller, text: &str) -> Result<(Run, Option<String>)> {
        let Some((project, named)) = text.split_once('/') else {
            return Ok((self.run_resolve(caller, text).await?, None));
        };
        let (name, version) = named.rsplit_once(':').unwrap_or((named, LATEST));
        let project: Name = project.parse()?;
        let name: ArtifactPath = name.parse()?;
        let choice: VersionChoice = version.parse()?;
        let version = self
            .version_readable(caller, &project, &name, &choice)
            .await?;
        let run = self.run_exact(&version.run).await?;
        Ok((run, Some(version.hash)))
    }
}

fn check_count(field: &str, count: usize) -> Result<()> {
    if count == 0 || count > limits::SERVING_INPUTS_MAX {
        return Err(Error::invalid(format!(
            "`{field}` must have 1 to {} elements",
            limits::SERVING_INPUTS_MAX
        ))
        .with_details(serde_json::json!({"field": field})));
    }
    Ok(())
}

/// The files of a run's model, by path.
fn model_files(run: &Run, artifacts: Vec<Artifact>) -> Result<Vec<ModelFile>> {
    let mut files = Vec::new();
    for artifact in artifacts {
        if artifact.kind != MODEL_KIND {
            continue;
        }
        // What lies elsewhere is no part of the folder its program wrote.
        if let Some(path) = artifact.path.as_str().strip_prefix(ARTIFACTS_PREFIX) {
            let path = path.parse()?;
            files.push(ModelFile { path, artifact });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    if files
        .iter()
        .any(|file| file.path.as_str() == DESCRIPTION_FILE)
    {
        return Ok(files);
    }
    Err(Error::new(
        ErrorKind::NotFound,
        format!(
            "run `{}` left no model that can be asked: it has no artifact `{ARTIFACTS_PREFIX}{DESCRIPTION_FILE}` of kind `{MODEL_KIND}`, which its adapter writes at the end of training",
            run.id
        ),
    ))
}

/// Names paths and contents: a changed, added or removed file changes it.
fn model_hash(files: &[ModelFile]) -> String {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        // Neither a path nor a hash holds a NUL.
        for text in [file.path.as_str(), &file.artifact.hash] {
            hasher.update(text.as_bytes());
            hasher.update(&[0]);
        }
    }
    hasher.finalize().to_hex().to_string()
}

fn capabilities(adapter: &Value) -> Vec<String> {
    let told = adapter["capabilities"].as_array();
    told.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|known| MODEL_CAPABILITIES.contains(known))
        .map(str::to_owned)
        .collect()
}

async fn read_description(model: &ServedModel) -> Result<Value> {
    let refuse = |why: &str| {
        Error::new(
            ErrorKind::Unsupported,
            format!(
                "the `{DESCRIPTION_FILE}` of run `{}` cannot be used: {why}",
                model.run.id
            ),
        )
    };
    let file = model
        .files
        .iter()
        .find(|file| file.path.as_str() == DESCRIPTION_FILE)
        .ok_or_else(|| refuse("it is gone"))?;
    if file.artifact.size_bytes > limits::MODEL_DESCRIPTION_MAX_BYTES {
        return Err(refuse("it is larger than 4 MiB"));
    }
    let mut bytes = Vec::new();
    let mut reader = model.read(file);
    while let Some(piece) = reader.next().await? {
        bytes.extend_from_slice(&piece);
    }
    let description: Value =
        serde_json::from_slice(&bytes).map_err(|_| refuse("it is not JSON"))?;
    match description["version"].as_u64() {
        Some(DESCRIPTION_VERSION) => Ok(description),
        Some(_) => Err(refuse("it has a version this hub does not know")),
        None => Err(refuse("it has no version")),
    }
}
