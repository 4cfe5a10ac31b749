//! Predictions in columns: what metrics are computed from, checked on the way in.
//!
//! [`Predictions::new`] refuses what no metric could use (lengths that differ,
//! ids twice, NaN, unknown classes). What only some metrics need (probabilities,
//! weights, scores) is not an error here: those metrics are skipped with a reason.
//! Reading files is not done here.

mod boxes;
mod check;
mod error;
mod ids;
mod label_sets;
mod masks;
mod names;
mod numbers;
mod rows;

pub use boxes::{
    ImageBox, MAX_BOX_CATEGORIES, MAX_BOX_COORDINATE, MAX_BOXES, MAX_IMAGE_BOXES, parse_boxes,
};
pub use check::encode_labels;
pub use error::PredictionsError;
pub use ids::IdCheck;
pub use label_sets::{encode_label_sets, parse_label_lists};
pub use masks::{
    MAX_IMAGE_PIXELS, MAX_MASK_RUNS, MaskSegment, SegmentMap, VOID_SEGMENT, parse_masks,
};
pub use numbers::{MAX_NUMBER_COLUMNS, NumberColumn, number_columns};

use self::check::Extent;
use crate::definition::Task;

/// Most rows in one set of predictions: row numbers take 31 bits.
pub const MAX_ROWS: usize = (1 << 31) - 1;

/// Most classes.
pub const MAX_LABELS: usize = 65_536;

/// Largest relevance of a ranking's row; gains of `2^relevance - 1` stay exact.
pub const MAX_RELEVANCE: f64 = 50.0;

/// Longest text, in characters: comparing two takes time that grows with the product.
pub const MAX_TEXT_CHARS: usize = 1 << 14;

/// Characters of all texts of one column together; bounds the time of an evaluation.
pub const MAX_TEXT_TOTAL_CHARS: usize = 1 << 28;

/// Most rows of texts, each of which is kept as some 400 bytes of counts.
pub const MAX_TEXT_ROWS: usize = 1 << 20;

/// Most scores (rows times labels) of rows with any number of labels, which are kept in some
/// 30 bytes each.
pub const MAX_LABEL_CELLS: usize = 1 << 26;

/// How many ids, rows or classes an error names; it counts the rest.
pub const NAMED_IN_ERRORS: usize = 5;

/// A column of true or predicted values.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// Class per row, as an index into the labels.
    Classes(Vec<u32>),
    /// Value per row.
    Values(Vec<f64>),
    /// Text per row, which may be empty.
    Texts(Vec<String>),
    /// Labels of each row, as ascending indices into the labels; a row may have none.
    LabelSets(Vec<Vec<u32>>),
    /// Boxes of each image, which may have none.
    Boxes(Vec<Vec<ImageBox>>),
    /// Map of each image's segments.
    Masks(Vec<SegmentMap>),
}

/// Columns of images as they are read: what [`PredictionsInput`] takes.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageColumns {
    /// Category names, sorted; numbers by value.
    pub labels: Vec<String>,
    /// What is true, per image.
    pub y_true: Targets,
    /// What is predicted, per image.
    pub y_pred: Option<Targets>,
}

impl Targets {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Values(values) => values.len(),
            Self::Texts(texts) => texts.len(),
            Self::LabelSets(sets) => sets.len(),
            Self::Boxes(images) => images.len(),
            Self::Masks(images) => images.len(),
        }
    }

    /// True when there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Unchecked columns, as a reader of prediction files fills them.
#[derive(Clone, Debug)]
pub struct PredictionsInput {
    /// Row ids, unique.
    pub ids: Vec<String>,
    /// What was predicted.
    pub task: Task,
    /// Class names in the order of the class indices and score columns; exactly
    /// two for binary and anomaly (the second is the positive class), none for other tasks than
    /// classification (binary, anomaly, multiclass, multilabel); of a clustering, the names of classes and
    /// of clusters together; of images, the categories.
    pub labels: Vec<String>,
    /// True class, value, relevance, text or set of labels per row.
    pub y_true: Targets,
    /// Predicted class, value, text or set of labels per row. For classification it may be left
    /// out when scores are given, for a ranking it always may.
    pub y_pred: Option<Targets>,
    /// Scores, row-major, rows x classes; for binary also rows x 1 (score of the
    /// positive class), for a ranking, anomalies and survival rows x 1. Larger means more likely. None for regression
    /// and texts.
    pub y_score: Option<Vec<f64>>,
    /// Weight per row, finite and not negative.
    pub weight: Option<Vec<f64>>,
    /// Group per row: the query of a ranking, which needs it; else rows that belong together,
    /// which tests of pairs and grouped resampling keep together.
    pub group: Option<Vec<String>>,
    /// What only this task has beside these columns, see [`number_columns`]; in any order.
    pub numbers: Vec<NumberColumn>,
}

impl PredictionsInput {
    /// Rows; ids may have been left out.
    fn rows(&self) -> usize {
        if self.ids.is_empty() {
            self.y_true.len()
        } else {
            self.ids.len()
        }
    }
}

/// Checked predictions.
#[derive(Clone, Debug)]
pub struct Predictions {
    columns: PredictionsInput,
    rows: usize,
    score_columns: usize,
}

/// The ids a set of predictions must hold, each exactly once.
#[derive(Clone, Copy, Debug)]
pub enum ExpectedIds<'a> {
    /// The row numbers `0` to `n - 1`, written as decimal integers.
    RowCount(u64),
    /// These ids, in any order.
    Ids(&'a [String]),
}

impl Predictions {
    /// Checks the columns and takes them.
    ///
    /// # Errors
    /// [`PredictionsError`] names the column, the number of offending rows and the
    /// first of them (counted from 0); never a value of the data.
    pub fn new(input: PredictionsInput) -> Result<Self, PredictionsError> {
        Self::of(input, Extent::Whole)
    }

    /// As [`Self::new`], of rows whose ids were checked elsewhere ([`IdCheck`]) and are not kept.
    ///
    /// # Errors
    /// As those of [`Self::new`], but for ids.
    pub fn unnamed(mut input: PredictionsInput) -> Result<Self, PredictionsError> {
        input.ids = Vec::new();
        Self::of(input, Extent::Unnamed)
    }

    /// As [`Self::unnamed`], of some of the rows, all of whose weights may be 0. Errors count rows
    /// from the first of the part.
    ///
    /// # Errors
    /// As those of [`Self::unnamed`].
    pub fn part(mut input: PredictionsInput) -> Result<Self, PredictionsError> {
        input.ids = Vec::new();
        Self::of(input, Extent::Part)
    }

    fn of(input: PredictionsInput, extent: Extent) -> Result<Self, PredictionsError> {
        let score_columns = check::check(&input, extent)?;
        Ok(Self {
            rows: input.rows(),
            columns: input,
            score_columns,
        })
    }

    /// Checks that exactly the expected ids are there.
    ///
    /// # Errors
    /// [`PredictionsError::Coverage`] names the first missing and unexpected ids
    /// and counts them.
    pub fn check_ids_cover(&self, expected: ExpectedIds<'_>) -> Result<(), PredictionsError> {
        ids::check_cover(&self.columns.ids, expected)
    }

    /// Number of rows, at least 1.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What was predicted.
    #[must_use]
    pub fn task(&self) -> Task {
        self.columns.task
    }

    /// Row ids; none of rows that are [unnamed](Self::unnamed).
    #[must_use]
    pub fn ids(&self) -> &[String] {
        &self.columns.ids
    }

    /// Class names (of a clustering: of clusters, too); empty for other tasks.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.columns.labels
    }

    /// True class or value per row.
    #[must_use]
    pub fn y_true(&self) -> &Targets {
        &self.columns.y_true
    }

    /// Predicted class or value per row, when given.
    #[must_use]
    pub fn y_pred(&self) -> Option<&Targets> {
        self.columns.y_pred.as_ref()
    }

    /// Scores, row-major, when given.
    #[must_use]
    pub fn y_score(&self) -> Option<&[f64]> {
        self.columns.y_score.as_deref()
    }

    /// Columns of the scores: 1, the number of labels, or 0 without scores.
    #[must_use]
    pub fn score_columns(&self) -> usize {
        self.score_columns
    }

    /// Weight per row, when given.
    #[must_use]
    pub fn weight(&self) -> Option<&[f64]> {
        self.columns.weight.as_deref()
    }

    /// Group per row, when given.
    #[must_use]
    pub fn group(&self) -> Option<&[String]> {
        self.columns.group.as_deref()
    }
}

#[cfg(test)]
mod tests;
