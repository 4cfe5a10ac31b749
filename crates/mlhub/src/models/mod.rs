//! Programs of trained models on the hub's machine: brings model files onto its
//! disk, finds the adapter, and hands questions to the pool of programs; `export` runs
//! those that write a model in another format.
//!
//! Who may ask, and which run is meant, was decided before.

mod cache;
mod export;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mlhub_agent::adapter::{
    Adapter, Bundle, DiscoveryRoots, LaunchContext, discover, launch_command, prepare_environment,
};
use mlhub_agent::export::ExportLimits;
use mlhub_agent::serving::{Answer, Pool, PoolLimits, ServeError, WorkerPlan};
use mlhub_app::{ExportedModel, ModelAnswer, ModelAnswered, ModelServer, ServedModel};
use mlhub_core::{Error, ErrorKind, Result};
use mlhub_protocol::adapter::Capability;
use mlhub_protocol::run_dir::{
    ExportInput, ModelInput, RUN_DIR_VERSION, Resources, RunFile, RunIdentity,
};
use mlhub_protocol::serving::{Ask, ProblemCode, RequestProblem};
use serde_json::json;

use self::cache::ModelCache;
use self::export::Exports;
use crate::exit::{DATA_DIR, USAGE, fail};
use crate::paths;

/// Digits of a model's hash in the names of folders.
const KEY_DIGITS: usize = 32;

/// Seconds a model's program nobody asks is kept.
const ENV_SERVE_IDLE: &str = "MLHUB_SERVE_IDLE_SECONDS";
/// Seconds a model's program may take to load it.
const ENV_SERVE_READY: &str = "MLHUB_SERVE_READY_SECONDS";
/// Seconds it may take to answer a request.
const ENV_SERVE_ANSWER: &str = "MLHUB_SERVE_ANSWER_SECONDS";
/// Seconds an export may take.
const ENV_EXPORT: &str = "MLHUB_EXPORT_SECONDS";

/// Answers for models with programs of this machine.
pub(crate) struct LocalModelServer {
    shared: Arc<Shared>,
    cache: ModelCache,
}

struct Shared {
    data_dir: PathBuf,
    /// Where worker directories are made; empty when the hub starts.
    scratch: PathBuf,
    pool: Pool,
    exports: Exports,
    export_limits: ExportLimits,
    /// Whether the hub is stopping.
    closed: AtomicBool,
    started: AtomicU64,
}

impl LocalModelServer {
    fn new(
        data_dir: &Path,
        scratch: &Path,
        limits: PoolLimits,
        export_limits: ExportLimits,
    ) -> std::io::Result<Self> {
        // Programs are given absolute paths.
        let data_dir = std::path::absolute(data_dir)?;
        Ok(Self {
            cache: ModelCache::open(&data_dir.join("models"))?,
            shared: Arc::new(Shared {
                scratch: std::path::absolute(scratch)?.join("serving"),
                data_dir,
                pool: Pool::new(limits)?,
                exports: Exports::default(),
                export_limits,
                closed: AtomicBool::new(false),
                started: AtomicU64::new(0),
            }),
        })
    }

    /// Ends all programs; blocks until they are gone.
    pub(crate) fn close(&self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        self.shared.pool.close();
    }
}

/// Programs of models end a while after the last question: how long that is, and
/// how long they may take, can be set for machines that need it otherwise.
pub(crate) fn open(data_dir: &Path, scratch: &Path) -> anyhow::Result<LocalModelServer> {
    let mut limits = PoolLimits::default();
    let mut export_limits = ExportLimits::default();
    for (name, limit) in [
        (ENV_SERVE_IDLE, &mut limits.idle),
        (ENV_SERVE_READY, &mut limits.worker.ready),
        (ENV_SERVE_ANSWER, &mut limits.worker.answer),
        (ENV_EXPORT, &mut export_limits.time),
    ] {
        let Ok(text) = std::env::var(name) else {
            continue;
        };
        let seconds: u32 = text.parse().map_err(|_| {
            fail(
                USAGE,
                format!("{name} is a whole number of seconds, not `{text}`"),
            )
        })?;
        *limit = Duration::from_secs(u64::from(seconds.max(1)));
    }
    LocalModelServer::new(data_dir, scratch, limits, export_limits).map_err(|error| {
        fail(
            DATA_DIR,
            format!(
                "the hub cannot keep models in `{}`: {error}",
                data_dir.display()
            ),
        )
    })
}

#[async_trait]
impl ModelServer for LocalModelServer {
    async fn ask(&self, model: &ServedModel, ask: Ask) -> Result<ModelAnswered> {
        let key = key_of(model);
        let folder = self.folder(model).await?;
        let shared = Arc::clone(&self.shared);
        let model = model.clone();
        let place = format!("{}-{key}-{}", model.run.id, name_of(ask.capability()));
        let answered = tokio::task::spawn_blocking(move || {
            let plan = || {
                let adapter = shared.adapter(&model)?;
                shared.plan(
                    &adapter,
                    &model,
                    ask.capability(),
                    run_file(&model, &folder),
                )
            };
            let answered = shared.pool.ask(&place, plan, &ask);
            answered.map_err(|error| {
                tell_last_lines(&model, error.last_lines());
                public(error)
            })
        })
        .await
        .map_err(|error| Error::internal("ask a model", error))??;
        Ok(ModelAnswered {
            answer: match answered.answer {
                Answer::Outputs(outputs) => ModelAnswer::Outputs(outputs),
                Answer::Hits(hits) => ModelAnswer::Hits(hits),
            },
            cold_start: answered.cold_start,
        })
    }

    async fn export(&self, model: &ServedModel, format: &str) -> Result<ExportedModel> {
        self.export_model(model, format).await
    }
}

impl LocalModelServer {
    /// The folder with a model's files, brought here when they are not.
    async fn folder(&self, model: &ServedModel) -> Result<PathBuf> {
        // What a program works with stays: it may read more of it later.
        let mut busy = self.shared.pool.keys();
        busy.extend(self.shared.exports.keys());
        let in_use = |folder: &str| busy.iter().any(|key| key.contains(folder));
        self.cache.folder(key_of(model), model, &in_use).await
    }
}

/// Names a model's files in the names of folders.
fn key_of(model: &ServedModel) -> &str {
    &model.hash[..KEY_DIGITS.min(model.hash.len())]
}

/// Whoever may read the hub's log may see what a program said last.
fn tell_last_lines(model: &ServedModel, last_lines: &[String]) {
    if !last_lines.is_empty() {
        let (run, adapter) = (&model.run.id, &model.adapter);
        tracing::error!(%run, adapter, ?last_lines, "a model's program failed");
    }
}

fn name_of(capability: Capability) -> String {
    crate::output::serde_name(&capability)
}

impl Shared {
    /// How the program of a model is started. Makes the adapter's environment when it
    /// is not there.
    fn plan(
        &self,
        adapter: &Adapter,
        model: &ServedModel,
        capability: Capability,
        run: RunFile,
    ) -> Result<WorkerPlan, ServeError> {
        let unusable = |error: String| {
            ServeError::Prepare(Error::new(
                ErrorKind::ProgramFailed,
                format!(
                    "the program of adapter `{}` cannot be prepared on the hub's machine: {error}",
                    adapter.reference()
                ),
            ))
        };
        let environments = paths::environments(&self.data_dir);
        let environment = prepare_environment(adapter, &environments, &mut |_| ())
            .map_err(|error| unusable(error.to_string()))?;
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let dir = self.scratch.join(format!("{}-{number}", model.run.id));
        // As the run had them; a secret, which is not recorded, is the hub's own.
        let mut passed = model.passed();
        let mut set = BTreeMap::new();
        for (name, value) in model.variables() {
            match value {
                Some(value) => drop(set.insert(name, value)),
                None => passed.push(name),
            }
        }
        let binary = std::env::current_exe().map_err(|error| unusable(error.to_string()))?;
        let launch = launch_command(
            adapter,
            &environment,
            capability,
            &LaunchContext {
                run_dir: &dir,
                run: &run,
                // The experiment's folder may be on another machine.
                project_dir: &dir,
                mlhub_binary: &binary,
                extra_env: set,
                passthrough_names: &passed,
            },
        )
        .map_err(|error| unusable(error.to_string()))?;
        Ok(WorkerPlan { dir, run, launch })
    }

    fn adapter(&self, model: &ServedModel) -> Result<Adapter, ServeError> {
        let bundled = Bundle::unpack(&paths::bundled_adapters(&self.data_dir))
            .map_err(|error| ServeError::Prepare(Error::internal("unpack adapters", error)))?;
        let catalog = discover(&DiscoveryRoots {
            bundled: Some(bundled),
            data_dir: Some(self.data_dir.clone()),
            project: None,
            python: None,
        });
        let reference = match &model.adapter_version {
            Some(version) => format!("{}@{version}", model.adapter),
            None => model.adapter.clone(),
        };
        catalog.find(&reference).cloned().map_err(|error| {
            ServeError::Prepare(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the hub's machine has not the adapter of run `{}`: {error}; an adapter of a project is added with `mlhub adapter add`",
                    model.run.id
                ),
            ))
        })
    }
}

/// What a program that is to load a model is told.
fn run_file(model: &ServedModel, folder: &Path) -> RunFile {
    let run = &model.run;
    RunFile {
        version: RUN_DIR_VERSION,
        run: RunIdentity {
            id: run.id.to_string(),
            project: run.project.to_string(),
            experiment: run.experiment.to_string(),
            name: run.name.to_string(),
            group: run.group.as_ref().map(ToString::to_string),
        },
        attempt: run.attempt,
        seed: run.seed.unwrap_or_default(),
        smoke: false,
        params: model.params(),
        task: model.task(),
        dataset: None,
        predict_splits: Vec::new(),
        resume: None,
        resources: Resources::default(),
        model: Some(ModelInput {
            path: folder.to_string_lossy().into_owned(),
        }),
        export: None,
        config: model.config.clone(),
    }
}

/// What a client is told of a failure.
fn public(error: ServeError) -> Error {
    let kind = match error {
        ServeError::Prepare(error) => return error,
        ServeError::Request(problem) => return refused(problem),
        ServeError::TimedOut { .. } => ErrorKind::ProgramTimedOut,
        ServeError::TooLarge { .. } => ErrorKind::TooLarge,
        ServeError::Busy(_) | ServeError::Waited(_) | ServeError::Stopping => {
            ErrorKind::Unavailable
        }
        ServeError::Start(_)
        | ServeError::Refused { .. }
        | ServeError::Died { .. }
        | ServeError::Conversation { .. }
        | ServeError::Memory { .. } => ErrorKind::ProgramFailed,
    };
    Error::new(kind, error.to_string())
}

fn refused(problem: RequestProblem) -> Error {
    let kind = match problem.code {
        ProblemCode::Invalid => ErrorKind::Invalid,
        ProblemCode::Unsupported => ErrorKind::Unsupported,
        ProblemCode::Failed => ErrorKind::ProgramFailed,
    };
    let said = match &problem.field {
        Some(field) => format!("{field}: {}", problem.message),
        None => problem.message.clone(),
    };
    Error::new(kind, said).with_details(json!({"field": problem.field, "message": problem.message}))
}
