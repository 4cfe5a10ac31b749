//! Why predictions were refused, in words for the person who wrote the file.
//!
//! Messages hold column names, class names, ids, counts and row numbers; never a
//! value of the data. Ids are cut, since they come from outside.

use super::{MAX_NUMBER_COLUMNS, MAX_RELEVANCE, MAX_TEXT_CHARS};
use crate::definition::Task;

/// Refused predictions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PredictionsError {
    /// No rows.
    #[error("the predictions hold no rows; write one row per example of the evaluation split")]
    Empty,
    /// More rows than row numbers.
    #[error("the predictions hold {found} rows, more than the {limit} that can be evaluated")]
    TooManyRows {
        /// Rows found.
        found: usize,
        /// Most rows allowed.
        limit: usize,
    },
    /// A column of another length than the ids.
    #[error("column `{column}` has {found} values for {expected} rows")]
    Length {
        /// The column.
        column: String,
        /// Values in it.
        found: usize,
        /// Values it must have.
        expected: usize,
    },
    /// An id more than once.
    #[error(
        "column `id`: {count} ids occur more than once; first: {examples}. Each example must \
             be predicted exactly once"
    )]
    DuplicateIds {
        /// Number of different ids that are repeated.
        count: usize,
        /// The first of them with the rows they are in.
        examples: String,
    },
    /// NaN or infinity.
    #[error(
        "column `{column}`: {count} values are NaN or infinite; first rows (from 0): {rows}. \
             Metrics over them would mean nothing; write finite values or fix the model"
    )]
    NonFinite {
        /// The column; for scores with its class.
        column: String,
        /// Number of such values.
        count: usize,
        /// First rows.
        rows: String,
    },
    /// A class that is not declared.
    #[error(
        "column `{column}`: {count} rows hold a class that is not among the {labels} declared \
             ones; first rows (from 0): {rows}. Declare all classes, or fix the column"
    )]
    UnknownClass {
        /// The column.
        column: String,
        /// Number of such rows.
        count: usize,
        /// Number of declared classes.
        labels: usize,
        /// First rows.
        rows: String,
    },
    /// A number of classes that the task does not have.
    #[error("{task} predictions need {expected} labels, found {found}")]
    LabelCount {
        /// The task.
        task: Task,
        /// What it needs.
        expected: String,
        /// Labels found.
        found: usize,
    },
    /// A class name twice.
    #[error("label number {second} repeats label number {first} (from 0); class names must differ")]
    DuplicateLabel {
        /// Index of the first use.
        first: usize,
        /// Index of the second use.
        second: usize,
    },
    /// Classes for a regression or values for a classification.
    #[error("column `{column}` holds {found}, but {} task needs {expected}", task.with_article())]
    TargetKind {
        /// The column.
        column: String,
        /// What it holds.
        found: &'static str,
        /// What it must hold.
        expected: &'static str,
        /// The task.
        task: Task,
    },
    /// Scores that are not rows x classes.
    #[error("column `y_score` has {found} values for {rows} rows; expected {expected}")]
    ScoreShape {
        /// Values found.
        found: usize,
        /// Rows.
        rows: usize,
        /// The shapes that are right.
        expected: String,
    },
    /// Neither predicted values nor scores.
    #[error("there is neither a `y_pred` nor a `y_score` column; write at least one")]
    NothingPredicted,
    /// A regression without predicted values, or a text task without texts.
    #[error("a {task} task needs a `y_pred` column")]
    NoPredictedValues {
        /// The task.
        task: Task,
    },
    /// Texts beyond a limit.
    #[error(
        "column `{column}`: {count} texts have more than {MAX_TEXT_CHARS} characters; first rows \
             (from 0): {rows}. Cut them, or judge their parts as rows of their own"
    )]
    LongTexts {
        /// The column.
        column: String,
        /// Number of such rows.
        count: usize,
        /// First rows.
        rows: String,
    },
    /// More text than can be compared.
    #[error(
        "column `{column}`: its texts have {found} characters together, more than the {limit} \
             that can be evaluated"
    )]
    TooMuchText {
        /// The column.
        column: String,
        /// Characters found.
        found: usize,
        /// Most characters allowed.
        limit: usize,
    },
    /// A ranking without one of its columns.
    #[error("a ranking needs a `{column}` column: {meaning}")]
    NoRankingColumn {
        /// The column.
        column: &'static str,
        /// What it holds.
        meaning: &'static str,
    },
    /// A task without one of its columns.
    #[error("{} task needs the column `{column}`: {meaning}", task.with_article())]
    NoColumn {
        /// The task.
        task: Task,
        /// The column.
        column: &'static str,
        /// What it holds.
        meaning: &'static str,
    },
    /// Relevances that are none.
    #[error(
        "column `y_true`: {count} relevances are negative or above {MAX_RELEVANCE}; first rows \
             (from 0): {rows}. Write 0 for what is not relevant, and small numbers for what is"
    )]
    Relevance {
        /// Number of such rows.
        count: usize,
        /// First rows.
        rows: String,
    },
    /// Cells that hold no list of labels.
    #[error(
        "column `{column}`: {count} rows do not hold a list of label names, such as \
             [\"a\", \"b\"]; first rows (from 0): {rows}. Write [] for a row without labels"
    )]
    LabelList {
        /// The column.
        column: String,
        /// Number of such rows.
        count: usize,
        /// First rows.
        rows: String,
    },
    /// Sets of labels that are none.
    #[error(
        "column `{column}`: {count} rows hold a label twice or out of order; first rows (from 0): \
             {rows}"
    )]
    LabelOrder {
        /// The column.
        column: String,
        /// Number of such rows.
        count: usize,
        /// First rows.
        rows: String,
    },
    /// More rows times labels than can be evaluated.
    #[error(
        "column `y_score` has {found} scores (rows times labels), more than the {limit} that can \
             be evaluated"
    )]
    TooManyCells {
        /// Scores found.
        found: usize,
        /// Most scores allowed.
        limit: usize,
    },
    /// A column of numbers that the task does not have, or not so.
    #[error("column `{column}` {problem}")]
    NumberColumn {
        /// The column.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// More columns of numbers than are looked at.
    #[error("{found} columns of numbers are more than the {MAX_NUMBER_COLUMNS} that can be used")]
    NumberColumns {
        /// Columns found.
        found: usize,
    },
    /// Numbers that the column cannot hold.
    #[error(
        "column `{column}`: {count} rows hold numbers that are {wrong}; first rows (from 0): {rows}"
    )]
    NumberOutside {
        /// The column.
        column: String,
        /// What they are.
        wrong: &'static str,
        /// Number of such rows.
        count: usize,
        /// First rows.
        rows: String,
    },
    /// Images whose boxes or maps cannot be used.
    #[error("column `{column}`: {count} rows {problem}; first rows (from 0): {rows}")]
    Images {
        /// The column.
        column: String,
        /// Number of such rows.
        count: usize,
        /// What they do or do not.
        problem: &'static str,
        /// First rows.
        rows: String,
    },
    /// More in the images of a column than can be evaluated.
    #[error("column `{column}` has {found} {what}, more than the {limit} that can be evaluated")]
    ImageLimit {
        /// The column.
        column: String,
        /// How many were found when reading stopped.
        found: usize,
        /// Of what.
        what: &'static str,
        /// Most allowed.
        limit: usize,
    },
    /// Negative weights.
    #[error("column `weight`: {count} weights are negative; first rows (from 0): {rows}")]
    NegativeWeight {
        /// Number of such rows.
        count: usize,
        /// First rows.
        rows: String,
    },
    /// Weights that are all zero.
    #[error("column `weight`: all weights are zero; at least one row must count")]
    ZeroWeight,
    /// Ids that are not those of the evaluation split.
    #[error(
        "the predictions do not cover the evaluation split: {missing_count} ids are missing\
             {missing}, {unexpected_count} ids are unexpected{unexpected}; write exactly one prediction \
             with its id for each row of the split"
    )]
    Coverage {
        /// Ids without a prediction.
        missing_count: u64,
        /// The first of them, as ` (a, b, ...)`; empty when there are none.
        missing: String,
        /// Predictions of ids that are not in the split.
        unexpected_count: u64,
        /// The first of them, in the same form.
        unexpected: String,
    },
}
