//! Experiments that the hub starts on its own machine.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The syntax of an experiment's text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LaunchSyntax {
    /// YAML 1.2.
    #[default]
    Yaml,
    /// TOML.
    Toml,
    /// JSON.
    Json,
}

/// What is done with an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LaunchMode {
    /// It is resolved and checked; nothing starts.
    DryRun,
    /// A tiny run that ends in seconds.
    Smoke,
    /// All its runs.
    Full,
}

/// Asks for an experiment to be checked or started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LaunchRequest {
    /// The experiment file's text, at most 256 KiB.
    pub text: String,
    /// Its syntax.
    #[serde(default)]
    pub syntax: LaunchSyntax,
    /// What is done with it.
    pub mode: LaunchMode,
    /// The folder its paths start at, below one of the hub's launch roots; none for a
    /// fresh folder of the hub, in which no path leads out.
    #[serde(default)]
    pub folder: Option<String>,
    /// Overrides, `key=value`, as of `mlhub run --set`.
    #[serde(default)]
    pub set: Vec<String>,
    /// Whether defaults that changed since the experiment last ran, and that it uses, are
    /// accepted. The launch fails otherwise and names them, before anything runs.
    #[serde(default)]
    pub accept_defaults: bool,
}

/// A mistake in an experiment and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigMistake {
    /// `syntax`, `unknown_key`, `wrong_type`, `adapter`, `refused`, ...
    pub kind: String,
    /// The dotted path of the value; empty for the text as a whole.
    pub path: String,
    /// Its line, from 1.
    pub line: Option<u32>,
    /// Its column in characters, from 1.
    pub column: Option<u32>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// What an experiment without mistakes would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LaunchPlan {
    /// The resolved config, secrets redacted.
    #[schema(value_type = Object)]
    pub config: Value,
    /// Where each value comes from, by dotted path.
    #[schema(value_type = Object)]
    pub origins: Value,
    /// Params that are not at their defaults: path, default, value, origin.
    #[schema(value_type = Vec<Object>)]
    pub changes_from_defaults: Value,
    /// BLAKE3 of the config; hexadecimal.
    pub hash: String,
    /// `name@version` of the adapter.
    pub adapter: String,
    /// Where the adapter comes from.
    pub adapter_source: String,
    /// One run is made for each.
    pub seeds: Vec<u64>,
    /// The program and its arguments, placeholders not filled in.
    pub command: Vec<String>,
    /// What may go wrong or not be reproducible: code that is not committed, a dataset that is not
    /// registered. None of it keeps the experiment from being started.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// Whether an experiment can run, and what was started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LaunchReply {
    /// What it would do; none when there are mistakes.
    pub plan: Option<LaunchPlan>,
    /// All mistakes; nothing was started when there are some.
    pub mistakes: Vec<ConfigMistake>,
    /// Mistakes beyond those.
    pub more_mistakes: u64,
    /// What was started.
    pub launch: Option<LaunchView>,
}

/// How far a launch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LaunchState {
    /// Its command is starting.
    Starting,
    /// The adapter's environment is prepared, which may take minutes.
    Environment,
    /// The dataset is checked and split, then the runs are made.
    Dataset,
    /// Its runs are queued.
    Started,
    /// It could not be started.
    Failed,
    /// Somebody stopped it before its runs were made.
    Stopped,
    /// The hub ended while it was prepared.
    Lost,
}

impl LaunchState {
    /// Whether nothing more will happen to it.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Starting | Self::Environment | Self::Dataset)
    }
}

/// An experiment that the hub starts or started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LaunchView {
    /// Its id.
    pub id: String,
    /// How far it is.
    pub state: LaunchState,
    /// `smoke` or `full`.
    pub mode: LaunchMode,
    /// Who asked.
    pub owner: String,
    /// The project of its runs.
    pub project: String,
    /// The experiment's name.
    pub experiment: String,
    /// `name@version` of the adapter.
    pub adapter: String,
    /// The folder its paths start at.
    pub folder: String,
    /// When it was asked for, in milliseconds.
    pub created_at: i64,
    /// When its state last changed, in milliseconds.
    pub updated_at: i64,
    /// Why it failed, was stopped or lost.
    pub message: Option<String>,
    /// The last lines of what its preparation said.
    pub output: Vec<String>,
    /// Lines before those, which are not kept.
    pub output_dropped: u64,
    /// Ids of its runs, once they are made.
    pub runs: Vec<String>,
}

/// The newest launches, and what may be launched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LaunchList {
    /// Newest first.
    pub launches: Vec<LaunchView>,
    /// Why nothing can be started here, when nothing can; dry runs always can.
    pub refusal: Option<String>,
    /// Folders that `folder` may be below.
    pub roots: Vec<String>,
}

/// What an adapter needs of a dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdapterDataset {
    /// Whether an experiment must name one.
    pub required: bool,
    /// Formats it reads; empty means any.
    pub formats: Vec<String>,
    /// Whether a target must be named.
    pub target_required: bool,
    /// Whether the order of the rows has a meaning, so that they are not shuffled.
    pub ordered: bool,
}
