//! Runs that were started to reproduce others, and whether they did.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ReproductionDifference;
use crate::Number;

/// What a run reproduces, and what reproduces it; judged when asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReproductionList {
    /// The run it was started to reproduce; absent when there is none, or it was purged.
    pub reproduces: Option<ReproductionView>,
    /// Newest first, at most twenty.
    pub reproductions: Vec<ReproductionView>,
}

/// A run and the run it was started to reproduce.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReproductionView {
    /// The earlier run.
    pub original: ReproducedRun,
    /// The later one.
    pub run: ReproducedRun,
    /// `running`, `failed`, `nothing_to_compare`, `identical`, `within_tolerance` or `diverged`: the worst of
    /// the metrics.
    pub verdict: String,
    /// The largest relative difference that counts as within tolerance.
    pub tolerance: Number,
    /// What was known not to be as it was when the later run started.
    pub differences: Vec<ReproductionDifference>,
    /// Logged metrics by name, then evaluated ones.
    pub metrics: Vec<ReproducedMetricView>,
    /// Metrics of the machine (`system/`, `time/`), which are not compared.
    pub left_out: Vec<String>,
    /// Whether the predictions of every split are the same, byte for byte; absent where there are none.
    pub same_predictions: Option<bool>,
}

/// One of the two runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReproducedRun {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
}

/// One metric of both runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReproducedMetricView {
    /// The logged name, or `<split>/<name>` of an evaluated one.
    pub name: String,
    /// `name@version` where it was evaluated.
    pub definition: Option<String>,
    /// `identical` (bit for bit), `within_tolerance` or `diverged`.
    pub agreement: String,
    /// The first step where both differ: beyond the tolerance when they diverged. Absent for evaluated numbers.
    pub step: Option<i64>,
    /// The earlier run's value where they diverged; absent where it has no such step.
    pub original: Option<Number>,
    /// The later run's value there.
    pub reproduced: Option<Number>,
    /// The largest relative difference, where all are within tolerance.
    pub largest_difference: Option<Number>,
    /// What else is to be said.
    pub message: Option<String>,
}
