//! Runs and their attempts, as lists and pages show them, and what makes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::evaluations::EvaluationView;
use super::snapshot::Snapshot;
use crate::number::Number;

/// Makes runs that differ only in their seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunsCreate {
    /// The project; made when it does not exist.
    pub project: String,
    /// The experiment; made when it does not exist.
    pub experiment: String,
    /// The adapter's name.
    #[serde(default)]
    pub adapter: Option<String>,
    /// The adapter's version.
    #[serde(default)]
    pub adapter_version: Option<String>,
    /// `name@version` of the dataset.
    #[serde(default)]
    pub dataset: Option<String>,
    /// Free text, Markdown.
    #[serde(default)]
    pub notes: String,
    /// Flat params with dotted keys.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// All that reproduces the runs; each run gets its own seed beside it.
    pub snapshot: Snapshot,
    /// The machine that will run them.
    #[serde(default)]
    pub host: Option<String>,
    /// The seed group; made by the hub when absent and there are several runs.
    #[serde(default)]
    pub group: Option<String>,
    /// The runs.
    pub runs: Vec<RunSeed>,
}

/// One run to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunSeed {
    /// Its id, when the client chooses it; repeating the call is then harmless.
    #[serde(default)]
    pub id: Option<String>,
    /// Its name; made from experiment and seed when absent.
    #[serde(default)]
    pub name: Option<String>,
    /// Its seed.
    #[serde(default)]
    pub seed: Option<i64>,
}

/// The runs made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunsCreated {
    /// The seed group, when there are several.
    pub group: Option<String>,
    /// The runs, in the order asked for.
    pub runs: Vec<RunSummary>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExitView {
    /// The exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

/// Why a run did not finish.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FailureView {
    /// The class, such as `command_not_found` (see `mlhub_core::run::FailureClass`).
    pub class: String,
    /// One paragraph.
    pub message: String,
    /// The lines that show it.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// What to do about it; told by the hub, not by who reports the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// A run, as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunSummary {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its project.
    pub project: String,
    /// Its experiment.
    pub experiment: String,
    /// `queued`, `running`, `finished`, `failed`, `stopped`, `lost`.
    pub state: String,
    /// Its adapter.
    pub adapter: Option<String>,
    /// Its adapter's version.
    pub adapter_version: Option<String>,
    /// Its seed.
    pub seed: Option<i64>,
    /// Its seed group.
    pub group: Option<String>,
    /// `name@version` of its dataset.
    pub dataset: Option<String>,
    /// Who made it.
    pub owner: String,
    /// The number of its newest attempt.
    pub attempt: u32,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub started_at: Option<i64>,
    /// Milliseconds since the epoch.
    pub ended_at: Option<i64>,
    /// Whether it was asked to stop.
    pub stop_requested: bool,
    /// When it was deleted, milliseconds since the epoch; absent unless it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<i64>,
    /// How it ended.
    pub exit: Option<ExitView>,
    /// Why it did not finish.
    pub failure: Option<FailureView>,
    /// Flat params.
    pub params: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Last value of each logged metric, and each evaluated metric as
    /// `<split>/<name>`; metrics of the machine (`system/…`) are left out.
    pub metrics: BTreeMap<String, Number>,
    /// Intervals of evaluated metrics, by the same key.
    pub intervals: BTreeMap<String, IntervalView>,
}

/// An interval of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IntervalView {
    /// Lower end.
    pub low: Number,
    /// Upper end.
    pub high: Number,
}

/// A page of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunPage {
    /// The rows.
    pub runs: Vec<RunSummary>,
    /// Give it as `cursor` for the next page.
    pub next_cursor: Option<String>,
    /// Rows that match in all.
    pub total: u64,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    /// Its number, from 1.
    pub number: u32,
    /// Its state.
    pub state: String,
    /// The machine.
    pub host: Option<String>,
    /// The step it resumed from.
    pub resumed_from_step: Option<i64>,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub started_at: Option<i64>,
    /// Milliseconds since the epoch.
    pub ended_at: Option<i64>,
    /// Milliseconds since the epoch.
    pub heartbeat_at: Option<i64>,
    /// How it ended.
    pub exit: Option<ExitView>,
    /// Why it did not finish.
    pub failure: Option<FailureView>,
}

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunDetail {
    /// What lists show.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// Free text, Markdown.
    pub notes: String,
    /// All that reproduces it.
    pub snapshot: Snapshot,
    /// Its attempts, oldest first.
    pub attempts: Vec<AttemptView>,
    /// Its evaluations, without curves.
    pub evaluations: Vec<EvaluationView>,
}

/// Changes to a run; absent fields stay.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunPatch {
    /// A new name.
    pub name: Option<String>,
    /// New notes.
    pub notes: Option<String>,
    /// Tags to set (text) or remove (null).
    pub tags: BTreeMap<String, Option<String>>,
}
