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
    /// What made it come out as it did.
    #[serde(default)]
    pub attribution: AttributionView,
}

/// What is known of why a reproduction came out as it did, told from both records and from the other
/// reproductions of the same run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttributionView {
    /// `code`, `adapter`, `config`, `environment`, `dataset`, `hardware`, `not_deterministic` or `undecided`; absent
    /// where the numbers agree, or nothing can be said yet.
    pub cause: Option<String>,
    /// Whether another reproduction that came out the same rules out chance and all other parts.
    pub confirmed: bool,
    /// Parts that may be the cause.
    pub suspects: Vec<String>,
    /// All that differs between both records.
    pub differences: Vec<PartDifferenceView>,
    /// It in words; empty where there is nothing to say.
    pub message: String,
}

/// One thing that is not the same in the records of two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartDifferenceView {
    /// `code`, `adapter`, `config`, `environment`, `dataset` or `machine`.
    pub part: String,
    /// What it is: a package, a file, a param, `kernel`.
    pub name: String,
    /// In the earlier run; absent where it was not there.
    pub was: Option<String>,
    /// In the later one.
    pub is: Option<String>,
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
