//! Experiments that the hub starts: each by a command of its own, `mlhub launch`,
//! which does what `mlhub run` does, so that there is one road from an experiment to
//! its runs. `guard` says what such an experiment may reach, `record` keeps what is
//! told of launches, `child` minds the command.
//!
//! Each launch has a folder, `<data dir>/launches/<id>/`, with the experiment file
//! and its record. It is the experiment's folder unless another one is named.

mod child;
mod guard;
mod record;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use mlhub_app::{ExperimentLauncher, LaunchReview};
use mlhub_config::{ConfigErrors, Syntax};
use mlhub_core::{Clock as _, Error, ErrorKind, Result, RunId, limits};
use mlhub_protocol::adapter::Capability;
use mlhub_protocol::rest::{
    ConfigMistake, LaunchMode, LaunchPlan, LaunchRequest, LaunchState, LaunchSyntax, LaunchView,
};
use serde::{Deserialize, Serialize};

pub(crate) use self::guard::takes_command;
use self::record::{Records, unwritable};
use crate::exit::{DATA_DIR, USAGE, fail};
use crate::launch::adapter;
use crate::launch::experiment::{self, Experiment, Refusal, Source};
use crate::ports::{SystemClock, SystemEntropy};
use crate::provenance;

/// What `mlhub launch` says of itself, one JSON object a line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(crate) enum Progress {
    /// The adapter's environment is prepared.
    Environment,
    /// The dataset is checked, then the runs are made.
    Dataset,
    /// The runs are queued.
    Started { runs: Vec<String> },
}

/// Starts experiments on this machine.
pub(crate) struct LocalLauncher {
    data_dir: PathBuf,
    /// Real paths of the folders that experiments may use.
    roots: Vec<PathBuf>,
    allowed: bool,
    slots: usize,
    records: Arc<Records>,
}

/// Opens the launches of a data directory; those that an earlier hub was preparing
/// are told lost.
pub(crate) fn open(
    data_dir: &Path,
    roots: &[PathBuf],
    allowed: bool,
    slots: usize,
) -> anyhow::Result<LocalLauncher> {
    let mut real = Vec::new();
    for root in roots {
        let unusable = |error: String| {
            let root = root.display();
            fail(
                USAGE,
                format!("the launch root `{root}` cannot be used: {error}"),
            )
        };
        let path = root
            .canonicalize()
            .map_err(|error| unusable(error.to_string()))?;
        if !path.is_dir() {
            return Err(unusable("it is no folder".to_owned()));
        }
        real.push(path);
    }
    let data_dir = std::path::absolute(data_dir)?;
    let records = Records::open(&data_dir.join("launches"), SystemClock.now().0)
        .map_err(|error| fail(DATA_DIR, format!("the records of launches: {error}")))?;
    Ok(LocalLauncher {
        allowed: allowed || !real.is_empty(),
        roots: real,
        data_dir,
        slots,
        records: Arc::new(records),
    })
}

impl LocalLauncher {
    /// Ends all preparations.
    pub(crate) fn close(&self) {
        self.records.stop_all("the hub was stopped");
    }

    /// The folder that a request names, or none for one of the launch's own.
    fn folder(&self, request: &LaunchRequest) -> Result<Option<PathBuf>, ConfigMistake> {
        let named = request.folder.as_deref().filter(|named| !named.is_empty());
        let Some(named) = named else {
            return Ok(None);
        };
        guard::folder_below(named, &self.roots)
            .map(Some)
            .map_err(|message| mistake("refused", "folder", message))
    }

    /// The root that a real folder is below.
    fn root(&self, folder: &Path) -> Option<&Path> {
        let mut roots = self.roots.iter().map(PathBuf::as_path);
        roots.find(|root| folder.starts_with(root))
    }

    fn review_now(&self, request: &LaunchRequest) -> Result<LaunchReview> {
        let folder = match self.folder(request) {
            Ok(folder) => folder,
            Err(mistake) => return Ok(mistaken(vec![mistake], 0)),
        };
        let catalog = adapter::unpacked_catalog(&self.data_dir, folder.as_deref())
            .map_err(|error| unwritable("unpack the bundled adapters", error))?;
        let source = Source {
            name: file_name(request.syntax),
            text: &request.text,
            syntax: syntax(request.syntax),
        };
        let smoke = request.mode == LaunchMode::Smoke;
        let project_dir = folder
            .clone()
            .unwrap_or_else(|| self.records.folder().to_owned());
        let resolved = experiment::resolve(&source, &catalog, &request.set, smoke, project_dir);
        let experiment = match resolved {
            Ok(experiment) => experiment,
            Err(Refusal::Config(errors)) => {
                return Ok(mistaken(mistakes(&errors), errors.more() as u64));
            }
            Err(Refusal::Rule { path, message, .. }) => {
                return Ok(mistaken(vec![mistake("adapter", path, message)], 0));
            }
        };
        let root = folder.as_deref().and_then(|folder| self.root(folder));
        let refused = guard::refused(&experiment, root);
        if !refused.is_empty() {
            return Ok(mistaken(refused, 0));
        }
        Ok(LaunchReview {
            plan: Some(LaunchPlan {
                // An experiment in a folder of its own has no code beside it.
                warnings: folder.as_deref().map(code_warnings).unwrap_or_default(),
                ..plan(&experiment)?
            }),
            mistakes: Vec::new(),
            more_mistakes: 0,
        })
    }

    fn start_now(
        &self,
        request: &LaunchRequest,
        plan: &LaunchPlan,
        owner: &str,
    ) -> Result<LaunchView> {
        let folder = self
            .folder(request)
            .map_err(|mistake| Error::invalid(mistake.message))?;
        let id: String = RunId::generate(&SystemEntropy).into();
        let own = self.records.folder().join(&id);
        let text = |key: &str| plan.config[key].as_str().unwrap_or_default().to_owned();
        let now = SystemClock.now().0;
        let view = LaunchView {
            state: LaunchState::Starting,
            mode: request.mode,
            owner: owner.to_owned(),
            project: text("project"),
            experiment: text("name"),
            adapter: plan.adapter.clone(),
            folder: folder
                .as_deref()
                .unwrap_or(&own)
                .to_string_lossy()
                .into_owned(),
            created_at: now,
            updated_at: now,
            message: None,
            output: Vec::new(),
            output_dropped: 0,
            runs: Vec::new(),
            id,
        };
        self.records
            .add(&view, file_name(request.syntax), &request.text)?;
        let command = child::Command {
            data_dir: &self.data_dir,
            own: &own,
            file: file_name(request.syntax),
            folder: folder.as_deref(),
            set: &request.set,
            smoke: request.mode == LaunchMode::Smoke,
            accept_defaults: request.accept_defaults,
            slots: self.slots,
        };
        if let Err(error) = child::start(&command, &view.id, &self.records) {
            self.records.end(
                &view.id,
                LaunchState::Failed,
                Some(format!("`mlhub launch` cannot be started: {error}")),
            );
        }
        self.records
            .get(&view.id)
            .ok_or_else(|| Error::not_found("launch", &view.id))
    }
}

#[async_trait]
impl ExperimentLauncher for LocalLauncher {
    fn refusal(&self) -> Option<String> {
        (!self.allowed).then(|| {
            "this hub starts no experiments: its operator has not allowed it with `mlhub serve --launches`; use `mlhub run` on the hub's machine".to_owned()
        })
    }

    fn roots(&self) -> Vec<String> {
        let roots = self.roots.iter();
        roots
            .map(|root| root.to_string_lossy().into_owned())
            .collect()
    }

    async fn review(&self, request: &LaunchRequest) -> Result<LaunchReview> {
        let (launcher, request) = (self.share(), request.clone());
        tokio::task::spawn_blocking(move || launcher.review_now(&request))
            .await
            .map_err(|error| Error::internal("review an experiment", error))?
    }

    async fn start(
        &self,
        request: &LaunchRequest,
        plan: &LaunchPlan,
        owner: &str,
    ) -> Result<LaunchView> {
        let (launcher, request) = (self.share(), request.clone());
        let (plan, owner) = (plan.clone(), owner.to_owned());
        tokio::task::spawn_blocking(move || launcher.start_now(&request, &plan, &owner))
            .await
            .map_err(|error| Error::internal("start an experiment", error))?
    }

    fn list(&self) -> Vec<LaunchView> {
        self.records.list()
    }

    fn get(&self, id: &str) -> Option<LaunchView> {
        self.records.get(id)
    }

    async fn stop(&self, id: &str) -> Result<()> {
        let (records, id) = (Arc::clone(&self.records), id.to_owned());
        tokio::task::spawn_blocking(move || records.stop(&id, "it was stopped"))
            .await
            .map_err(|error| Error::internal("stop a launch", error))
    }
}

impl LocalLauncher {
    fn share(&self) -> Self {
        Self {
            data_dir: self.data_dir.clone(),
            roots: self.roots.clone(),
            allowed: self.allowed,
            slots: self.slots,
            records: Arc::clone(&self.records),
        }
    }
}

/// What the experiment file of a launch is called.
fn file_name(syntax: LaunchSyntax) -> &'static str {
    match syntax {
        LaunchSyntax::Yaml => "experiment.yaml",
        LaunchSyntax::Toml => "experiment.toml",
        LaunchSyntax::Json => "experiment.json",
    }
}

fn syntax(syntax: LaunchSyntax) -> Syntax {
    match syntax {
        LaunchSyntax::Yaml => Syntax::Yaml,
        LaunchSyntax::Toml => Syntax::Toml,
        LaunchSyntax::Json => Syntax::Json,
    }
}

fn plan(experiment: &Experiment) -> Result<LaunchPlan> {
    let json = |value: serde_json::Result<serde_json::Value>| {
        value.map_err(|error| Error::internal("write a plan", error))
    };
    let resolved = &experiment.resolved;
    let adapter = &experiment.adapter;
    let command = adapter.command(Capability::Train).unwrap_or_default();
    Ok(LaunchPlan {
        config: resolved.document.clone(),
        origins: json(serde_json::to_value(&resolved.origins))?,
        changes_from_defaults: json(serde_json::to_value(&resolved.diff_from_defaults))?,
        hash: resolved.hash.clone(),
        adapter: adapter.reference().to_string(),
        adapter_source: adapter.source.to_string(),
        seeds: resolved.experiment.seeds.clone(),
        command: command.to_vec(),
        warnings: Vec::new(),
    })
}

/// What `mlhub run` would say of the code in a folder.
fn code_warnings(folder: &Path) -> Vec<String> {
    provenance::code_warnings(&provenance::code(folder))
}

fn mistaken(mistakes: Vec<ConfigMistake>, more_mistakes: u64) -> LaunchReview {
    LaunchReview {
        plan: None,
        mistakes,
        more_mistakes,
    }
}

fn mistake(kind: &str, path: &str, message: String) -> ConfigMistake {
    ConfigMistake {
        kind: kind.to_owned(),
        path: path.to_owned(),
        line: None,
        column: None,
        message,
        help: None,
    }
}

fn mistakes(errors: &ConfigErrors) -> Vec<ConfigMistake> {
    let told = errors.errors().iter().map(|error| ConfigMistake {
        kind: crate::output::serde_name(&error.kind()),
        path: error.path().to_owned(),
        line: error.line(),
        column: error.column(),
        message: error.message().to_owned(),
        help: error.help().map(str::to_owned),
    });
    told.collect()
}

/// Too many are under way.
fn busy() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!(
            "{} experiments are being prepared already; try again when one of them has started",
            limits::LAUNCHES_AT_ONCE_MAX
        ),
    )
}
