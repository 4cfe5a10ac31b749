//! Deleting, restoring, removing for good; the ledger; retention rules; doctor.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Deletes runs: those named, or those a scope has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeletionRequest {
    /// `delete`, `restore`, `purge`, `drop_artifacts` or `drop_logs`.
    pub action: String,
    /// Ids or unique prefixes.
    #[serde(default)]
    pub runs: Vec<String>,
    /// All runs of this project; purged without a query, the project goes too.
    #[serde(default)]
    pub project: Option<String>,
    /// All runs that match, in the query language.
    #[serde(default)]
    pub query: Option<String>,
    /// All deleted runs.
    #[serde(default)]
    pub all_deleted: bool,
    /// Only say what would happen.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a deletion frees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeletionSize {
    /// Rows of the database.
    pub row_count: u64,
    /// Bytes of their contents, without indexes and page overhead.
    pub row_bytes: u64,
    /// Contents of artifacts that nothing else uses.
    pub blob_count: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Files of run directories.
    pub file_count: u64,
    /// Their bytes.
    pub file_bytes: u64,
}

impl DeletionSize {
    /// All bytes together.
    pub fn bytes(&self) -> u64 {
        self.row_bytes + self.blob_bytes + self.file_bytes
    }
}

/// One run of a deletion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeletionItem {
    /// The run.
    pub run: String,
    /// Its name.
    pub name: String,
    /// Its project.
    pub project: String,
    /// Its experiment.
    pub experiment: String,
    /// What its deletion frees.
    pub size: DeletionSize,
    /// Why a retention rule chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why nothing was done to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// What a deletion did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeletionReport {
    /// What was done.
    pub action: String,
    /// Whether nothing was done.
    pub dry_run: bool,
    /// Runs it was done to.
    pub done: u64,
    /// Runs that were refused.
    pub refused: u64,
    /// The first 1000 runs, refused ones included.
    pub runs: Vec<DeletionItem>,
    /// What it frees in all.
    pub total: DeletionSize,
}

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeletionLine {
    /// Its place, ascending.
    pub seq: i64,
    /// What was done.
    pub action: String,
    /// Why: `request`, or `retention NAME`.
    pub cause: String,
    /// Who asked for it.
    pub actor: String,
    /// The run.
    pub run: String,
    /// The run's name.
    pub name: String,
    /// The run's project.
    pub project: String,
    /// The run's experiment.
    pub experiment: String,
    /// Milliseconds since the epoch.
    pub started_at: i64,
    /// Milliseconds since the epoch; absent while it is under way.
    pub ended_at: Option<i64>,
    /// What it frees.
    pub size: DeletionSize,
}

/// A page of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeletionLedger {
    /// Newest first.
    pub deletions: Vec<DeletionLine>,
    /// Give it as `before` for the next page.
    pub next_before: Option<i64>,
}

/// Sets a retention rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionSet {
    /// Which runs, in the query language; empty for all.
    #[serde(default)]
    pub query: String,
    /// `delete`, `purge`, `drop_artifacts` or `drop_logs`.
    pub action: String,
    /// Only runs that ended, or were deleted, at least so long ago.
    #[serde(default)]
    pub after_ms: Option<i64>,
    /// The newest runs of each experiment that are left alone.
    #[serde(default)]
    pub keep_last: u32,
    /// The best runs of each experiment that are left alone too.
    #[serde(default)]
    pub keep_best: Option<KeepBest>,
}

/// The best runs of each experiment, by a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepBest {
    /// How many, 1 at least.
    pub count: u32,
    /// By what, as the query language names it: `metrics.acc`, `eval.test.accuracy`.
    pub by: String,
    /// `maximize` or `minimize`: what is better.
    pub direction: String,
}

/// A retention rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionRule {
    /// Its name.
    pub name: String,
    /// Which runs, in the query language; empty for all.
    pub query: String,
    /// What is done to them.
    pub action: String,
    /// Only runs that ended, or were deleted, at least so long ago.
    pub after_ms: Option<i64>,
    /// The newest runs of each experiment that are left alone.
    pub keep_last: u32,
    /// The best runs of each experiment that are left alone too.
    #[serde(default)]
    pub keep_best: Option<KeepBest>,
    /// Who set it.
    pub actor: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// When it was last applied.
    pub applied_at: Option<i64>,
}

/// Retention rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionList {
    /// By name.
    pub rules: Vec<RetentionRule>,
}

/// Applies retention rules now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionApply {
    /// Only this rule.
    #[serde(default)]
    pub name: Option<String>,
    /// Only say what would happen.
    #[serde(default)]
    pub dry_run: bool,
}

/// What one rule did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionOutcome {
    /// The rule.
    pub rule: RetentionRule,
    /// What it did.
    pub report: DeletionReport,
}

/// What the rules did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionReport {
    /// By name.
    pub rules: Vec<RetentionOutcome>,
}

/// Examines what the hub stores.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DoctorRequest {
    /// Mend what can be mended without losing anything.
    #[serde(default)]
    pub repair: bool,
    /// Also read every content and every point.
    #[serde(default)]
    pub deep: bool,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoctorFinding {
    /// `database`, `unfinished_deletion`, `missing_blob`, `wrong_blob`,
    /// `orphan_blob`, `unreadable_series` or `unknown_directory`.
    pub kind: String,
    /// Where.
    pub place: String,
    /// What is wrong and what to do.
    pub message: String,
    /// Whether it was mended.
    pub repaired: bool,
}

/// What the doctor found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoctorReport {
    /// In the order of the examination; the first 1000.
    pub findings: Vec<DoctorFinding>,
    /// Findings in all.
    pub total: u64,
    /// Those that were mended.
    pub repaired: u64,
    /// Artifacts looked at.
    pub artifacts: u64,
    /// Contents looked at.
    pub blobs: u64,
    /// Series read.
    pub series: u64,
    /// Run directories looked at.
    pub directories: u64,
}
