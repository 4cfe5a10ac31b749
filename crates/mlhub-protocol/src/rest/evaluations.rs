//! Evaluations, receipts and comparisons.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::runs::{IntervalView, RunSummary};
use crate::number::Number;

/// One evaluated metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvaluatedMetricView {
    /// Its name.
    pub name: String,
    /// `name@version`.
    pub definition: String,
    /// Hash of the definition.
    pub definition_hash: String,
    /// Direction in which it gets better.
    pub direction: String,
    /// The value.
    pub value: Number,
    /// Its interval.
    pub interval: Option<MetricIntervalView>,
    /// Examples it was computed from.
    pub n: u64,
    /// What a reader should know.
    pub note: Option<String>,
}

/// An interval and how it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricIntervalView {
    /// Lower end.
    pub low: Number,
    /// Upper end.
    pub high: Number,
    /// Such as 0.95.
    pub confidence: f64,
    /// Such as `percentile bootstrap`.
    pub method: String,
    /// Resamples.
    pub samples: u32,
    /// Seed of the resampling.
    pub seed: u64,
}

/// A metric that could not be computed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SkippedMetricView {
    /// `name@version`.
    pub definition: String,
    /// Why.
    pub reason: String,
}

/// An evaluation without curves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvaluationView {
    /// Its identifier.
    pub id: String,
    /// The run.
    pub run: String,
    /// The split.
    pub split: String,
    /// `pending`, `done`, `failed`.
    pub state: String,
    /// Why it failed.
    pub message: Option<String>,
    /// The task.
    pub task: Option<String>,
    /// Examples.
    pub n: Option<u64>,
    /// The numbers.
    pub metrics: Vec<EvaluatedMetricView>,
    /// What could not be computed.
    pub skipped: Vec<SkippedMetricView>,
    /// What the numbers stand on.
    pub receipt: Receipt,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub ended_at: Option<i64>,
}

/// What an evaluation stands on. `verified` is true only when nothing is missing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// Whether every part below is known.
    pub verified: bool,
    /// Parts that are missing.
    pub missing: Vec<String>,
    /// Hash of the predictions.
    pub predictions_hash: String,
    /// Path of the predictions.
    pub predictions_path: String,
    /// Hash of the model artifact.
    pub model_hash: Option<String>,
    /// `name@version` of the dataset.
    pub dataset: Option<String>,
    /// The split file's fingerprint.
    pub split_fingerprint: Option<String>,
    /// Git commit, with `+changes` when there are uncommitted ones.
    pub code: Option<String>,
    /// Fingerprint of the environment.
    pub environment: Option<String>,
}

/// Evaluations of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvaluationList {
    /// By split.
    pub evaluations: Vec<EvaluationView>,
}

/// An evaluation with its curves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvaluationDetail {
    /// The numbers.
    #[serde(flatten)]
    pub evaluation: EvaluationView,
    /// Confusion matrix, ROC, precision-recall, calibration, residuals
    /// (`mlhub_eval::Curves`).
    #[schema(value_type = Object)]
    pub curves: Option<Value>,
}

/// Runs to compare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareRequest {
    /// Two or more run ids (or unique prefixes).
    pub runs: Vec<String>,
}

/// A comparison. Columns of every row are in the order of `runs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// The runs.
    pub runs: Vec<RunSummary>,
    /// Config values that differ.
    pub config: Vec<ConfigRow>,
    /// Metrics.
    pub metrics: Vec<MetricRow>,
    /// Groups of runs that differ only in seed.
    pub groups: Vec<GroupSummary>,
    /// Every metric of every pair of groups, tested.
    #[serde(default)]
    pub tests: Vec<MetricTestView>,
    /// What a reader should know, such as different splits.
    pub warnings: Vec<String>,
}

/// A config value that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConfigRow {
    /// Dotted path.
    pub path: String,
    /// The values; null where absent.
    #[schema(value_type = Vec<Object>)]
    pub values: Vec<Value>,
}

/// A metric over runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricRow {
    /// `<split>/<name>` for evaluated metrics, else the logged name.
    pub name: String,
    /// `name@version` for evaluated metrics.
    pub definition: Option<String>,
    /// Direction in which it gets better.
    pub direction: String,
    /// The values.
    pub values: Vec<Option<Number>>,
    /// Their intervals.
    pub intervals: Vec<Option<IntervalView>>,
    /// Index of the best value, when there is one best.
    pub best: Option<u32>,
}

/// A seed group in a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GroupSummary {
    /// The group's id, or the run's own where it has none.
    pub group: String,
    /// The experiment.
    pub experiment: String,
    /// The adapter.
    pub adapter: Option<String>,
    /// Its runs.
    pub runs: Vec<String>,
    /// Metrics over its seeds.
    pub metrics: BTreeMap<String, SeedStatistics>,
}

/// A metric over seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeedStatistics {
    /// Runs with a value.
    pub n: u32,
    /// Mean.
    pub mean: Number,
    /// Sample standard deviation (n - 1); absent for one run.
    pub std: Option<Number>,
    /// Smallest.
    pub min: Number,
    /// Largest.
    pub max: Number,
    /// 95 % Student interval of the mean; absent for one run.
    pub interval: Option<IntervalView>,
}

/// How great a difference is, beside the spread of the seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EffectView {
    /// `hedges_g`.
    pub name: String,
    /// The first less the second, in pooled standard deviations.
    pub value: Number,
}

/// Upper bounds of violation ratios (Dror et al. 2019): below 0.5 the one is almost
/// stochastically better than the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StochasticOrderView {
    /// Of the first being better than the second.
    pub a_over_b: Number,
    /// Of the second being better than the first.
    pub b_over_a: Number,
}

/// A metric of two seed groups: whether they differ by more than their seeds do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricTestView {
    /// The metric's name, as in `metrics`.
    pub metric: String,
    /// `name@version` for evaluated metrics.
    pub definition: Option<String>,
    /// The first group.
    pub a: String,
    /// The second group.
    pub b: String,
    /// Seeds of the first with a finite value.
    pub n_a: u32,
    /// Seeds of the second with a finite value.
    pub n_b: u32,
    /// Mean of the first less mean of the second.
    pub difference: Number,
    /// 95 % interval of the difference, not adjusted; null when it cannot be told.
    pub interval: Option<IntervalView>,
    /// The size of the difference; null when it cannot be told.
    pub effect: Option<EffectView>,
    /// Two-sided probability of such a difference when there is none.
    pub p_value: Option<Number>,
    /// The same, adjusted by Holm's method for all tests of this comparison that seek a
    /// verdict.
    pub p_adjusted: Option<Number>,
    /// Almost stochastic order of both groups, from five seeds on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<StochasticOrderView>,
    /// `welch_t`.
    pub method: String,
    /// `a_better`, `b_better`, `no_difference` (none was shown) or `no_verdict`.
    pub verdict: String,
    /// Why there is no verdict.
    pub reason: Option<String>,
}
