//! What may be said of results: pairs of runs tested row by row, leaderboards, gates, and
//! leakage that somebody accepted.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::evaluations::{EffectView, SeedStatistics};
use super::runs::IntervalView;
use crate::number::Number;

/// Two runs to test row by row, over the predictions both stored for the same split.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PairRequest {
    /// Id or unique prefix.
    pub a: String,
    /// Id or unique prefix.
    pub b: String,
    /// The split; all that both have when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// Metrics, as `name`, `name@version` or `split/name`; all that both have when empty.
    #[serde(default)]
    pub metrics: Vec<String>,
    /// `mcnemar`, `delong`, `permutation`, `wilcoxon` or `bootstrap`; chosen by metric when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Resamples and permutations; 9,999 when absent, fewer when there is much to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u32>,
    /// Seed of all of them.
    #[serde(default)]
    pub seed: u64,
}

/// What the tests of two runs say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PairView {
    /// The first run.
    pub a: RunReference,
    /// The second run.
    pub b: RunReference,
    /// By split and metric.
    pub tests: Vec<PairedTestView>,
    /// What a reader should know.
    pub warnings: Vec<String>,
}

/// A run, as far as results name it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunReference {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// One metric of two runs, tested over the rows of a split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PairedTestView {
    /// The split.
    pub split: String,
    /// The metric's name.
    pub metric: String,
    /// `name@version`.
    pub definition: String,
    /// Direction in which it gets better.
    pub direction: String,
    /// The first run's value.
    pub value_a: Option<Number>,
    /// The second run's value.
    pub value_b: Option<Number>,
    /// The first less the second.
    pub difference: Option<Number>,
    /// Interval of the difference, of this one test.
    pub interval: Option<IntervalView>,
    /// Two-sided probability.
    pub p_value: Option<Number>,
    /// The same, adjusted by Holm's method for all tests of the answer.
    pub p_adjusted: Option<Number>,
    /// Which test.
    pub method: Option<String>,
    /// How its probability was found.
    pub detail: Option<String>,
    /// Effect size, where the test has one.
    pub effect: Option<EffectView>,
    /// What is taken as independent: `rows`, `groups` or `queries`.
    pub unit: Option<String>,
    /// How many of these.
    pub units: Option<u64>,
    /// Resamples or permutations drawn.
    pub samples: Option<u32>,
    /// `a_better`, `b_better`, `no_difference`, `no_verdict`.
    pub verdict: String,
    /// Why there is no verdict.
    pub reason: Option<String>,
}

/// Verified results of one metric in order, best first, one board per dataset and split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Leaderboard {
    /// The metric's name.
    pub metric: String,
    /// The split.
    pub split: String,
    /// `name@version`; absent when no run has the metric.
    pub definition: Option<String>,
    /// Direction in which it gets better.
    pub direction: String,
    /// Newest first.
    pub boards: Vec<Board>,
    /// Runs that are on no board, at most a hundred.
    pub left_out: Vec<LeftOut>,
    /// How many those are.
    pub left_out_total: u64,
}

/// Results on the same examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Board {
    /// `name@version` of the dataset.
    pub dataset: String,
    /// Fingerprint of the split's file.
    pub split_fingerprint: String,
    /// Best first.
    pub entries: Vec<BoardEntry>,
    /// Entries in all; the answer may hold fewer.
    pub total: u64,
    /// Rows of the split that are trained on too, which somebody accepted.
    pub accepted_leakage: Option<LeakageAcceptance>,
}

/// A run, or runs that differ only in their seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BoardEntry {
    /// Place, from 1; equal means share one.
    pub rank: u32,
    /// The seed group.
    pub group: Option<String>,
    /// The experiment.
    pub experiment: String,
    /// The adapter.
    pub adapter: Option<String>,
    /// Its runs, newest first.
    pub runs: Vec<RunReference>,
    /// Over the runs.
    pub statistics: SeedStatistics,
    /// Interval of a single run's value over its rows.
    pub run_interval: Option<IntervalView>,
    /// Against the first of the board: `behind`, `no_difference`, `no_verdict`; absent of the first.
    pub against_first: Option<String>,
    /// Adjusted probability of that test.
    pub p_adjusted: Option<Number>,
    /// Why there is no verdict.
    pub reason: Option<String>,
    /// What the newest reproduction of one of its runs showed.
    pub reproduced: Option<String>,
}

/// A run that is on no board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LeftOut {
    /// The run.
    pub run: RunReference,
    /// Its value.
    pub value: Number,
    /// Why.
    pub reason: String,
}

/// Accepts that an evaluated split holds rows that are trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeakageAccept {
    /// Which of the splits.
    pub split: String,
    /// Why that is right.
    pub reason: String,
}

/// Who accepted shared rows, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeakageAcceptance {
    /// Who.
    pub user: String,
    /// Why.
    pub reason: String,
    /// Milliseconds since the epoch.
    pub accepted_at: i64,
}

/// Asks for numbers of replaced metric definitions to be computed again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OutdatedRequest {
    /// Only tells what would be.
    pub dry_run: bool,
}

/// Numbers of metric definitions that a newer version has replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutdatedReport {
    /// By definition.
    pub metrics: Vec<OutdatedMetricView>,
    /// Runs whose evaluation was queued.
    pub queued: Vec<String>,
    /// Runs that cannot be evaluated again, which keep their numbers.
    pub refused: Vec<RefusedRun>,
    /// Whether there may be more runs than were looked at: ask again.
    pub more: bool,
}

/// Numbers of one replaced definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutdatedMetricView {
    /// `name@version`.
    pub definition: String,
    /// The version of this hub.
    pub newest: String,
    /// Runs to be evaluated again.
    pub runs: Vec<String>,
    /// Runs whose experiment asks for the old version: they keep it.
    pub pinned: Vec<String>,
}

/// A run that cannot be evaluated again, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedRun {
    /// The run.
    pub run: String,
    /// Why.
    pub reason: String,
}

/// Runs to hold against the rules of a gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GateRequest {
    /// The rules.
    pub gate: Gate,
    /// The candidate: one run, or several that differ only in their seed.
    pub runs: Vec<String>,
    /// What it must not fall behind: one run or several.
    #[serde(default)]
    pub baseline: Vec<String>,
}

/// The rules of a gate, as `gate.toml` holds them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Gate {
    /// Whether results must be verified; yes when absent.
    pub verified: Option<bool>,
    /// Whether rows shared with training that nobody accepted block; yes when absent.
    pub leakage: Option<bool>,
    /// Bounds of metrics.
    pub threshold: Vec<GateThreshold>,
    /// What must not be worse than the baseline.
    pub no_regression: Vec<GateRegression>,
    /// Gaps between slices.
    pub fairness: Vec<GateFairness>,
    /// Bound of the model's size.
    pub size: Option<GateSize>,
}

/// A bound of a metric.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GateThreshold {
    /// `split/name`, `split/name@version`, or the name of a logged metric.
    pub metric: String,
    /// The least it may be.
    pub min: Option<f64>,
    /// The most it may be.
    pub max: Option<f64>,
    /// `value`, or `interval`: the end of its 95 % interval that is nearer to the bound.
    pub bound: GateBound,
}

/// What is held against a bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateBound {
    /// The value, of several runs their mean.
    #[default]
    Value,
    /// The worse end of its interval.
    Interval,
}

/// Metrics in which the candidate must not be significantly worse than the baseline.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GateRegression {
    /// `split/name`, `split/name@version`, or names of logged metrics.
    pub metrics: Vec<String>,
    /// How much worse is no regression, in the metric's unit.
    pub tolerance: f64,
    /// Probability below which a difference counts; 0.05 when absent.
    pub level: Option<f64>,
    /// What a test that cannot be made means: `fail`, the default, or `warn`.
    pub no_verdict: GateNoVerdict,
}

/// What a test that cannot be made means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateNoVerdict {
    /// The gate does not pass.
    #[default]
    Fail,
    /// It is told.
    Warn,
}

/// How far apart the slices of a column may be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GateFairness {
    /// `split/name` or `split/name@version`.
    pub metric: String,
    /// The column, one of `evaluation.slices`.
    pub slice: String,
    /// The most by which the best slice may exceed the worst.
    pub max_gap: f64,
    /// Slices of fewer rows are left out; 30 when absent.
    pub min_rows: Option<u64>,
}

/// A bound of the model's size.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GateSize {
    /// Bytes of all files of the model.
    pub max_bytes: u64,
}

/// What a gate says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GateReport {
    /// Whether no check failed.
    pub passed: bool,
    /// The candidate's runs.
    pub runs: Vec<RunReference>,
    /// The baseline's runs.
    pub baseline: Vec<RunReference>,
    /// In the order of the rules.
    pub checks: Vec<GateCheck>,
}

/// One check of a gate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GateCheck {
    /// `verified`, `leakage`, `threshold`, `no_regression`, `fairness`, `size` or `latency`.
    pub rule: String,
    /// What is checked, such as `test/accuracy`.
    pub subject: String,
    /// `passed`, `failed` or `warning`.
    pub outcome: GateOutcome,
    /// One sentence with the numbers.
    pub message: String,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateOutcome {
    /// It holds.
    Passed,
    /// It does not.
    #[default]
    Failed,
    /// It cannot be said, and the rule lets that pass.
    Warning,
}
