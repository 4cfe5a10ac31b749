//! Prediction files: what a run predicted, in one documented form, from CSV, Parquet, JSONL or
//! NPZ.
//!
//! | column | meaning |
//! |---|---|
//! | `id` | the example (text or whole number); required |
//! | `y_true` | the true value, class, text or list of labels; required |
//! | `y_pred` | the predicted value, class, text or list of labels |
//! | `y_score` | score of the positive class, or a list with one score per class |
//! | `y_score_<label>` | score of one class |
//! | `group`, `weight` | group of the example, weight of the example |
//!
//! NPZ holds the same as arrays of `n` rows, `y_score` of shape `n` or `n x k`, and optionally
//! `labels` of shape `k`. `y_pred` or a score must be there. Other columns are listed, not read,
//! but for columns of numbers that the caller names, as the tasks of an evaluation have them: a
//! number per row, or a list of as many numbers in each (in CSV as JSON: `[0.5, 1]`).
//! NaN and infinities are numbers here; whether a metric accepts them is the evaluation's answer.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{DataError, Result};
use crate::files::{BUFFER_BYTES, stamp};
use crate::format::{Format, check_kind, check_magic};
use crate::limits::{PREDICTION_BATCH_CELLS, PREDICTION_BATCH_ROWS, PREDICTION_BYTES_MAX};
use crate::number;
use crate::predictions_build::Builder;
use crate::predictions_values::Form;
use crate::rows::{ColumnHead, Row, RowSink};

/// True or predicted values: all numbers, or class labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "values")]
pub enum Values {
    /// Class labels that are not all numbers.
    Text(Vec<String>),
    /// Numbers; in JSON the non-finite ones are strings.
    Number(#[serde(with = "floats")] Vec<f64>),
}

impl Values {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Number(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values as class labels; a whole number has no fraction (`1`, not `1.0`), as in the
    /// `y_score_<label>` columns.
    pub fn to_labels(&self) -> Vec<String> {
        match self {
            Self::Text(values) => values.clone(),
            Self::Number(values) => values.iter().map(|value| number::label(*value)).collect(),
        }
    }

    pub(crate) fn into_text(self) -> Self {
        match self {
            Self::Text(_) => self,
            Self::Number(_) => Self::Text(self.to_labels()),
        }
    }
}

/// The content of a prediction file, one entry per row everywhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct PredictionTable {
    /// Example ids.
    pub ids: Vec<String>,
    /// True values or classes.
    pub y_true: Values,
    /// Predicted values or classes, of the same kind as `y_true`.
    pub y_pred: Option<Values>,
    /// Class of each score column; empty when there is one score, that of the positive class.
    /// Classes without a name are `0`, `1`, ...
    pub score_labels: Vec<String>,
    /// Scores, row after row, [`Self::score_columns`] numbers each.
    #[serde(with = "optional_floats", default)]
    pub y_score: Option<Vec<f64>>,
    /// Weight of each example.
    #[serde(with = "optional_floats", default)]
    pub weight: Option<Vec<f64>>,
    /// Group of each example.
    pub group: Option<Vec<String>>,
    /// Columns of numbers that the reader was asked for, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<NumberColumn>,
    /// Columns that are not part of the form and were not read.
    pub ignored_columns: Vec<String>,
}

/// A column of numbers, or of lists of as many numbers in each row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberColumn {
    /// Its name in the file.
    pub name: String,
    /// Numbers per row.
    pub width: usize,
    /// The numbers, row after row.
    #[serde(with = "floats")]
    pub values: Vec<f64>,
}

impl PredictionTable {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.ids.len()
    }

    /// Scores per row; 0 without scores.
    pub fn score_columns(&self) -> usize {
        match &self.y_score {
            Some(_) => self.score_labels.len().max(1),
            None => 0,
        }
    }

    /// Rows (from 0) whose id an earlier row has, each with that row; at most `listed_max`.
    pub fn duplicate_ids(&self, listed_max: usize) -> Vec<(u64, u64)> {
        let mut first = std::collections::HashMap::new();
        let mut duplicates = Vec::new();
        for (row, id) in (0u64..).zip(&self.ids) {
            let earlier = *first.entry(id.as_str()).or_insert(row);
            if earlier != row {
                duplicates.push((row, earlier));
                if duplicates.len() >= listed_max {
                    break;
                }
            }
        }
        duplicates
    }
}

/// Reads a prediction file. `display_name` is what errors call it (the file itself may be a blob
/// without a name).
///
/// # Errors
/// A required column that is missing (with the nearest name), missing values and scores that are
/// not numbers (with line or row), rows with different numbers of scores, damage of any kind, and
/// more bytes, rows or columns than [`crate::limits`] allows.
pub fn read_predictions(
    path: &Path,
    display_name: &str,
    format: Format,
) -> Result<PredictionTable> {
    read(path, display_name, format, (Form::Values, &[]))
}

/// As [`read_predictions`], with `y_true` and `y_pred` as texts: `007` and `1.50` stay what they
/// are, and a text may be empty.
///
/// # Errors
/// As those of [`read_predictions`].
pub fn read_text_predictions(
    path: &Path,
    display_name: &str,
    format: Format,
) -> Result<PredictionTable> {
    read(path, display_name, format, (Form::Texts, &[]))
}

/// As [`read_predictions`], with `y_true` and `y_pred` as lists of label names, each given as
/// a JSON list of texts: `["a","b"]`, or `[]` for a row without labels. In CSV, Parquet and NPZ
/// a cell is such a text; in JSONL and Parquet it may be a list of texts or whole numbers.
///
/// # Errors
/// As those of [`read_predictions`]; a cell that holds no such list is named by column and row.
pub fn read_label_list_predictions(
    path: &Path,
    display_name: &str,
    format: Format,
) -> Result<PredictionTable> {
    read(path, display_name, format, (Form::LabelLists, &[]))
}

/// As [`read_predictions`], with `y_true` and `y_pred` as JSON text of a list or an object, such
/// as the boxes of an image. In CSV, Parquet and NPZ a cell is such a text; in JSONL it may be
/// the value itself. Whether a text is JSON, and what it holds, is the evaluation's answer.
///
/// # Errors
/// As those of [`read_predictions`]; a cell that holds a number or truth value is named by column
/// and row.
pub fn read_json_predictions(
    path: &Path,
    display_name: &str,
    format: Format,
) -> Result<PredictionTable> {
    read(path, display_name, format, (Form::Json, &[]))
}

/// As [`read_predictions`], with cells of `y_true` and `y_pred` as `form` says, and with the
/// columns of numbers that `numbers` names: each a column's name, or with `*` at its end the
/// start of the names of several.
///
/// # Errors
/// As those of [`read_predictions`]; rows of such a column with different numbers of numbers, too.
pub fn read_predictions_with(
    path: &Path,
    display_name: &str,
    format: Format,
    form: Form,
    numbers: &[&str],
) -> Result<PredictionTable> {
    read(path, display_name, format, (form, numbers))
}

/// As [`read_predictions_with`], some rows at a time: `each` is handed tables of at most
/// [`PREDICTION_BATCH_ROWS`] rows or about [`PREDICTION_BATCH_CELLS`] scores, in the order of the
/// file. An NPZ file holds its columns one after another and is one table.
///
/// Whether values are numbers is told of each table by itself: a column is one of numbers when all
/// tables have numbers. When a required value is missing no more tables come, and at the end the
/// error.
///
/// [`PREDICTION_BATCH_ROWS`]: crate::limits::PREDICTION_BATCH_ROWS
/// [`PREDICTION_BATCH_CELLS`]: crate::limits::PREDICTION_BATCH_CELLS
///
/// # Errors
/// As those of [`read_predictions_with`], after the tables before.
pub fn read_prediction_batches(
    path: &Path,
    display_name: &str,
    format: Format,
    form: Form,
    numbers: &[&str],
    each: &mut dyn FnMut(PredictionTable),
) -> Result<()> {
    if format == Format::Npz {
        each(read(path, display_name, format, (form, numbers))?);
        return Ok(());
    }
    let mut batches = Batches {
        builder: Builder::new(display_name, form, numbers),
        each,
    };
    stream(path, display_name, format, &mut batches)?;
    let last = batches.builder.finish()?;
    if last.rows() > 0 {
        (batches.each)(last);
    }
    Ok(())
}

/// Hands rows on as soon as they are a batch.
struct Batches<'f, 'e> {
    builder: Builder<'f>,
    each: &'e mut dyn FnMut(PredictionTable),
}

impl RowSink for Batches<'_, '_> {
    fn columns(&mut self, columns: &[ColumnHead]) -> Result<()> {
        self.builder.columns(columns)
    }

    fn row(&mut self, row: &Row<'_>) -> Result<()> {
        self.builder.row(row)?;
        let (rows, cells) = self.builder.held();
        if rows >= PREDICTION_BATCH_ROWS || cells >= PREDICTION_BATCH_CELLS {
            self.builder.take().into_iter().for_each(&mut self.each);
        }
        Ok(())
    }
}

fn read(
    path: &Path,
    display_name: &str,
    format: Format,
    (form, numbers): (Form, &[&str]),
) -> Result<PredictionTable> {
    if format == Format::Npz {
        check_file(path, display_name, format)?;
        return crate::predictions_npz::read(path, display_name, (form, numbers));
    }
    let mut builder = Builder::new(display_name, form, numbers);
    stream(path, display_name, format, &mut builder)?;
    builder.finish()
}

/// Hands the rows of a file that is no NPZ to `sink`.
fn stream(path: &Path, display_name: &str, format: Format, sink: &mut dyn RowSink) -> Result<()> {
    check_file(path, display_name, format)?;
    let open = || {
        let file = File::open(path).map_err(|e| DataError::io(display_name, "open", e))?;
        Ok::<_, DataError>(BufReader::with_capacity(BUFFER_BYTES, file))
    };
    match format {
        Format::Csv => crate::csv::read(open()?, display_name, sink),
        Format::Jsonl => crate::jsonl::read(open()?, display_name, sink),
        _ => crate::parquet::read(path, display_name, sink),
    }
}

fn check_file(path: &Path, display_name: &str, format: Format) -> Result<()> {
    check_kind(path, display_name, format)?;
    if stamp(path, display_name)?.len() > PREDICTION_BYTES_MAX {
        return Err(DataError::limit(
            display_name,
            "bytes",
            PREDICTION_BYTES_MAX,
        ));
    }
    if format.is_folder() {
        return Err(DataError::refused(
            display_name,
            "predictions are one file: csv, parquet, jsonl or npz",
        ));
    }
    check_magic(path, display_name, format)
}

/// A float in JSON, which has no NaN and no infinities: these are strings.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum JsonFloat {
    Finite(f64),
    Named(String),
}

impl From<f64> for JsonFloat {
    fn from(value: f64) -> Self {
        if value.is_finite() {
            Self::Finite(value)
        } else {
            Self::Named(number::label(value))
        }
    }
}

impl JsonFloat {
    fn value<E: serde::de::Error>(self) -> Result<f64, E> {
        match self {
            Self::Finite(value) => Ok(value),
            Self::Named(name) => number::parse(&name)
                .map(number::Number::as_f64)
                .filter(|value| !value.is_finite())
                .ok_or_else(|| E::custom("a number, \"NaN\", \"inf\" or \"-inf\" is needed")),
        }
    }
}

mod floats {
    //! Serde for lists of floats that may not be finite.
    use super::JsonFloat;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        values: &[f64],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|value| JsonFloat::from(*value)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<f64>, D::Error> {
        Vec::<JsonFloat>::deserialize(deserializer)?
            .into_iter()
            .map(JsonFloat::value)
            .collect()
    }
}

mod optional_floats {
    //! As `floats`, for lists that may be absent.
    use super::JsonFloat;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        values: &Option<Vec<f64>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let values = values.as_ref().map(|v| {
            v.iter()
                .map(|value| JsonFloat::from(*value))
                .collect::<Vec<_>>()
        });
        values.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<f64>>, D::Error> {
        Option::<Vec<JsonFloat>>::deserialize(deserializer)?
            .map(|values| values.into_iter().map(JsonFloat::value).collect())
            .transpose()
    }
}
