//! Searching and grouping runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::runs::RunSummary;
use crate::number::Number;

/// What to search. All texts are in the query language (docs/query.md).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunSearch {
    /// The condition, such as `metrics.acc > 0.9 and tags.baseline`; empty for all runs.
    pub query: String,
    /// Only this project.
    pub project: Option<String>,
    /// Only this experiment.
    pub experiment: Option<String>,
    /// Only these states; empty for any.
    pub states: Vec<String>,
    /// Only this seed group.
    pub group: Option<String>,
    /// Only this adapter.
    pub adapter: Option<String>,
    /// Only runs whose id, name, experiment, adapter or a tag's value contains this.
    pub text: Option<String>,
    /// The order, such as `["metrics.acc desc", "created"]`; newest first when empty.
    /// With `group_by` at most one: `runs`, something grouped by, or something summarised.
    pub order: Vec<String>,
    /// What to group by, such as `["params.lr"]`. When given, groups are returned and not runs.
    pub group_by: Vec<String>,
    /// What to summarise in each group, such as `["metrics.acc"]`.
    pub summarise: Vec<String>,
    /// What to return of each run, such as `["params.lr", "max(metrics.acc)"]`; all of it
    /// when absent.
    pub columns: Option<Vec<String>>,
    /// Rows at most, 1 to 1000.
    pub limit: Option<usize>,
    /// `next_cursor` of the previous page.
    pub cursor: Option<String>,
    /// Runs to pass over, instead of `cursor`: any place of the ordered answer is
    /// reached at once, and moves when runs come and go. Not with `group_by`.
    pub offset: Option<usize>,
}

/// A name that runs have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldView {
    /// What a query calls it, such as `metrics.loss`, `eval.test.accuracy`, `params.lr` or
    /// `tags.baseline`.
    pub operand: String,
    /// `metric`, `param` or `tag`.
    pub kind: String,
    /// How many runs have it.
    pub runs: u64,
}

/// Names that runs have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldList {
    /// Most frequent first, then by name.
    pub fields: Vec<FieldView>,
    /// How many there are without the limit.
    pub total: u64,
}

/// A value of a run: a number, a text, or nothing. Times and lengths of time are
/// milliseconds; params and tags are texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
    /// Nothing.
    Missing,
}

/// A run found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunFound {
    /// The run; `params`, `tags`, `metrics` and `intervals` are empty when `columns` was given.
    #[serde(flatten)]
    pub run: RunSummary,
    /// The columns asked for, by the text that asked for them.
    pub values: BTreeMap<String, Scalar>,
}

/// Statistics of the values there are in a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatisticsView {
    /// Values, NaN included.
    pub count: u64,
    /// Their mean; absent without values.
    pub mean: Option<Number>,
    /// Their sample standard deviation; absent below two values.
    pub std: Option<Number>,
    /// The smallest, NaN left out.
    pub min: Option<Number>,
    /// The largest, NaN left out.
    pub max: Option<Number>,
}

/// A group of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunGroup {
    /// Its values of what is grouped by, by the text that asked for them.
    pub keys: BTreeMap<String, Scalar>,
    /// A query that finds its runs.
    pub query: String,
    /// How many runs it has.
    pub runs: u64,
    /// Statistics of what is summarised, by the text that asked for them.
    pub statistics: BTreeMap<String, StatisticsView>,
}

/// Something a query names that no run has. No mistake, but it finds nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchHint {
    /// What it says, for a person.
    pub message: String,
    /// The first character of the query it is about, from 0.
    pub position: usize,
    /// How many characters.
    pub length: usize,
    /// What could be meant.
    pub suggestions: Vec<String>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunSearchReply {
    /// Runs, when nothing is grouped by.
    pub runs: Vec<RunFound>,
    /// Groups otherwise.
    pub groups: Vec<RunGroup>,
    /// Runs, or groups, on all pages.
    pub total: u64,
    /// Give it as `cursor` for the next page.
    pub next_cursor: Option<String>,
    /// What the query names and no run has.
    pub hints: Vec<SearchHint>,
}

/// `details` of the problem that a mistake in a query makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueryProblem {
    /// Which field of the request: `query`, `order`, `group_by`, ...
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead, when that can be told.
    pub hint: Option<String>,
    /// The first character it is about, from 0.
    pub position: usize,
    /// How many characters, at least 1.
    pub length: usize,
    /// Two lines: the text around the place, and carets under it.
    pub pointer: String,
}
