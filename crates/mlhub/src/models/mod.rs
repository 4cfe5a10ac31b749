//! Programs of trained models on the hub's machine: brings model files onto its
//! disk, finds the adapter, and hands questions to the pool of programs.
//!
//! Who may ask, and which run is meant, was decided before.

mod cache;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mlhub_agent::adapter::{
    Adapter, Bundle, DiscoveryRoots, LaunchContext, discover, launch_command, prepare_environment,
};
use mlhub_agent::serving::{Answer, Pool, PoolLimits, ServeError, WorkerPlan};
use mlhub_app::{ModelAnswer, ModelAnswered, ModelServer, ServedModel};
use mlhub_core::{Error, ErrorKind, Result};
use mlhub_protocol::adapter::Capability;
use mlhub_protocol::run_dir::{ModelInput, RUN_DIR_VERSION, Resources, RunFile, RunIdentity};
use mlhub_protocol::serving::{Ask, ProblemCode, RequestProblem};
use serde_json::json;

use self::cache::ModelCache;
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
    started: AtomicU64,
}

impl LocalModelServer {
    fn new(data_dir: &Path, scratch: &Path, limits: PoolLimits) -> std::io::Result<Self> {
        // Programs are given absolute paths.
        let data_dir = std::path::absolute(data_dir)?;
        Ok(Self {
            cache: ModelCache::open(&data_dir.join("models"))?,
            shared: Arc::new(Shared {
                scratch: std::path::absolute(scratch)?.join("serving"),
                data_dir,
                pool: Pool::new(limits)?,
                started: AtomicU64::new(0),
            }),
        })
    }

    /// Ends all programs; blocks until they are gone.
    pub(crate) fn close(&self) {
        self.shared.pool.close();
    }
}

/// Programs of models end a while after the last question: how long that is, and
/// how long they may take, can be set for machines that need it otherwise.
pub(crate) fn open(data_dir: &Path, scratch: &Path) -> anyhow::Result<LocalModelServer> {
    let mut limits = PoolLimits::default();
    for (name, limit) in [
        (ENV_SERVE_IDLE, &mut limits.idle),
        (ENV_SERVE_READY, &mut limits.worker.ready),
        (ENV_SERVE_ANSWER, &mut limits.worker.answer),
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
    LocalModelServer::new(data_dir, scratch, limits).map_err(|error| {
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
        let key = &model.hash[..KEY_DIGITS.min(model.hash.len())];
        // What a warm program has loaded stays: it may read more of it later.
        let warm = self.shared.pool.keys();
        let in_use = |folder: &str| warm.iter().any(|key| key.contains(folder));
        let folder = self.cache.folder(key, model, &in_use).await?;
        let shared = Arc::clone(&self.shared);
        let model = model.clone();
        let place = format!("{}-{key}-{}", model.run.id, name_of(ask.capability()));
        let answered = tokio::task::spawn_blocking(move || {
            let plan = || shared.plan(&model, &folder, ask.capability());
            shared.pool.ask(&place, plan, &ask)
        })
        .await
        .map_err(|error| Error::internal("ask a model", error))?
        .map_err(public)?;
        Ok(ModelAnswered {
            answer: match answered.answer {
                Answer::Outputs(outputs) => ModelAnswer::Outputs(outputs),
                Answer::Hits(hits) => ModelAnswer::Hits(hits),
            },
            cold_start: answered.cold_start,
        })
    }
}

fn name_of(capability: Capability) -> String {
    crate::output::serde_name(&capability)
}

impl Shared {
    /// How the program of a model is started. Reads the disk, and makes the
    /// adapter's environment when it is not there.
    fn plan(
        &self,
        model: &ServedModel,
        folder: &Path,
        capability: Capability,
    ) -> Result<WorkerPlan, ServeError> {
        let adapter = self.adapter(model)?;
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
        let environment = prepare_environment(&adapter, &environments, &mut |_| ())
            .map_err(|error| unusable(error.to_string()))?;
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let dir = self.scratch.join(format!("{}-{number}", model.run.id));
        let run = run_file(model, folder);
        let binary = std::env::current_exe().map_err(|error| unusable(error.to_string()))?;
        let launch = launch_command(
            &adapter,
            &environment,
            capability,
            &LaunchContext {
                run_dir: &dir,
                run: &run,
                // The experiment's folder may be on another machine.
                project_dir: &dir,
                mlhub_binary: &binary,
                extra_env: std::collections::BTreeMap::new(),
                passthrough_names: &[],
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
        ServeError::Busy(_) | ServeError::Stopping => ErrorKind::Unavailable,
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
