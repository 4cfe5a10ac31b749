//! The checks of columns behind `Predictions::new` and `encode_labels`; those of ids are in `ids`.
//!
//! Each reports the first few offenders and the count of all.

use std::collections::HashMap;

use super::{
    MAX_BOX_CATEGORIES, MAX_LABELS, MAX_RELEVANCE, MAX_ROWS, MAX_TEXT_CHARS, MAX_TEXT_ROWS,
    MAX_TEXT_TOTAL_CHARS, NAMED_IN_ERRORS, PredictionsError, PredictionsInput, Targets, boxes, ids,
    label_sets, masks, numbers,
};
use crate::definition::Task;

/// Longest id shown in an error, in characters.
const MAX_SHOWN_ID: usize = 64;

/// How much of a set of predictions there is to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// All but the ids.
    Unnamed,
    /// Some of its rows, without their ids.
    Part,
}

/// Checks all columns; returns the number of score columns.
pub(super) fn check(input: &PredictionsInput, extent: Extent) -> Result<usize, PredictionsError> {
    let rows = match extent {
        Extent::Whole => input.ids.len(),
        Extent::Unnamed | Extent::Part => input.rows(),
    };
    if rows == 0 {
        return Err(PredictionsError::Empty);
    }
    let limit = match input.task {
        Task::Text => MAX_TEXT_ROWS,
        _ => MAX_ROWS,
    };
    if rows > limit {
        return Err(PredictionsError::TooManyRows { found: rows, limit });
    }
    check_labels(input)?;
    ids::check_unique(&input.ids)?;
    check_targets(input, "y_true", &input.y_true)?;
    if let Some(y_pred) = &input.y_pred {
        check_targets(input, "y_pred", y_pred)?;
    }
    let score_columns = check_scores(input)?;
    check_predicted(input)?;
    if let Some(weight) = &input.weight {
        check_weight(weight, rows, extent)?;
    }
    if let Some(group) = &input.group {
        check_length("group", group.len(), rows)?;
    }
    numbers::check(input)?;
    Ok(score_columns)
}

/// Whether there is what the task's metrics are about.
fn check_predicted(input: &PredictionsInput) -> Result<(), PredictionsError> {
    let missing = |column, meaning| Err(PredictionsError::NoRankingColumn { column, meaning });
    match input.task {
        Task::Binary | Task::Multiclass | Task::Multilabel
            if input.y_pred.is_none() && input.y_score.is_none() =>
        {
            Err(PredictionsError::NothingPredicted)
        }
        Task::Regression
        | Task::Text
        | Task::Clustering
        | Task::Forecasting
        | Task::Detection
        | Task::Segmentation
            if input.y_pred.is_none() =>
        {
            Err(PredictionsError::NoPredictedValues { task: input.task })
        }
        Task::Ranking if input.y_score.is_none() => {
            missing("y_score", "one score per row, the highest first")
        }
        Task::Ranking if input.group.is_none() => missing("group", "the query of each row"),
        Task::Survival if input.y_score.is_none() => Err(PredictionsError::NoColumn {
            task: input.task,
            column: "y_score",
            meaning: "one risk per row, larger for an earlier event",
        }),
        Task::Survival if !input.numbers.iter().any(|column| column.name == "event") => {
            Err(PredictionsError::NoColumn {
                task: input.task,
                column: "event",
                meaning: "1 where the event was seen at y_true, 0 where the row was censored then",
            })
        }
        Task::Anomaly if input.y_score.is_none() => Err(PredictionsError::NoColumn {
            task: input.task,
            column: "y_score",
            meaning: "one score per row, larger for what is more anomalous",
        }),
        _ => Ok(()),
    }
}

pub(super) fn check_length(
    column: &str,
    found: usize,
    expected: usize,
) -> Result<(), PredictionsError> {
    if found == expected {
        return Ok(());
    }
    Err(PredictionsError::Length {
        column: column.to_owned(),
        found,
        expected,
    })
}

fn check_labels(input: &PredictionsInput) -> Result<(), PredictionsError> {
    let found = input.labels.len();
    let (allowed, expected) = match input.task {
        Task::Binary | Task::Anomaly => (2..=2, "exactly 2".to_owned()),
        Task::Multiclass | Task::Multilabel => (2..=MAX_LABELS, format!("2 to {MAX_LABELS}")),
        Task::Clustering => (1..=MAX_LABELS, format!("1 to {MAX_LABELS}")),
        Task::Detection => (
            0..=MAX_BOX_CATEGORIES,
            format!("at most {MAX_BOX_CATEGORIES}"),
        ),
        Task::Segmentation => (0..=MAX_LABELS, format!("at most {MAX_LABELS}")),
        Task::Regression | Task::Ranking | Task::Text | Task::Forecasting | Task::Survival => {
            (0..=0, "no".to_owned())
        }
    };
    if !allowed.contains(&found) {
        return Err(PredictionsError::LabelCount {
            task: input.task,
            expected,
            found,
        });
    }
    let mut seen = HashMap::with_capacity(found);
    for (second, label) in input.labels.iter().enumerate() {
        if let Some(first) = seen.insert(label.as_str(), second) {
            return Err(PredictionsError::DuplicateLabel { first, second });
        }
    }
    Ok(())
}

fn check_targets(
    input: &PredictionsInput,
    column: &str,
    targets: &Targets,
) -> Result<(), PredictionsError> {
    check_length(column, targets.len(), input.rows())?;
    match (input.task, targets) {
        (Task::Regression | Task::Forecasting, Targets::Values(values)) => {
            check_finite(values.iter().copied(), || column.to_owned())
        }
        (
            Task::Binary | Task::Multiclass | Task::Clustering | Task::Anomaly,
            Targets::Classes(classes),
        ) => {
            let labels = input.labels.len();
            let mut unknown = Offenders::default();
            for (row, class) in classes.iter().enumerate() {
                unknown.note(row, *class as usize >= labels);
            }
            unknown.into_result(|count, rows| PredictionsError::UnknownClass {
                column: column.to_owned(),
                count,
                labels,
                rows,
            })
        }
        (Task::Survival, Targets::Values(values)) => {
            check_finite(values.iter().copied(), || column.to_owned())?;
            let mut wrong = Offenders::default();
            for (row, value) in values.iter().enumerate() {
                wrong.note(row, *value <= 0.0);
            }
            wrong.into_result(|count, rows| PredictionsError::NumberOutside {
                column: column.to_owned(),
                wrong: "not above 0, as times are",
                count,
                rows,
            })
        }
        (Task::Ranking, Targets::Values(values)) => {
            check_finite(values.iter().copied(), || column.to_owned())?;
            let mut wrong = Offenders::default();
            for (row, value) in values.iter().enumerate() {
                wrong.note(row, !(0.0..=MAX_RELEVANCE).contains(value));
            }
            wrong.into_result(|count, rows| PredictionsError::Relevance { count, rows })
        }
        (Task::Text, Targets::Texts(texts)) => check_texts(column, texts),
        (Task::Multilabel, Targets::LabelSets(sets)) => {
            label_sets::check(column, sets, input.labels.len())
        }
        (Task::Detection, Targets::Boxes(images)) => {
            boxes::check(column, images, input.labels.len())
        }
        (Task::Segmentation, Targets::Masks(maps)) => {
            masks::check(column, maps, &input.y_true, input.labels.len())
        }
        (task, found) => Err(PredictionsError::TargetKind {
            column: column.to_owned(),
            found: match found {
                Targets::Classes(_) => "classes",
                Targets::Values(_) => "numbers",
                Targets::Texts(_) => "texts",
                Targets::LabelSets(_) => "sets of labels",
                Targets::Boxes(_) => "boxes",
                Targets::Masks(_) => "maps of segments",
            },
            expected: match task {
                Task::Binary | Task::Multiclass | Task::Clustering | Task::Anomaly => "classes",
                Task::Regression | Task::Ranking | Task::Forecasting | Task::Survival => "numbers",
                Task::Text => "texts",
                Task::Multilabel => "sets of labels",
                Task::Detection => "boxes",
                Task::Segmentation => "maps of segments",
            },
            task,
        }),
    }
}

fn check_texts(column: &str, texts: &[String]) -> Result<(), PredictionsError> {
    let mut long = Offenders::default();
    let mut total = 0;
    for (row, text) in texts.iter().enumerate() {
        let characters = text.chars().count();
        long.note(row, characters > MAX_TEXT_CHARS);
        total += characters;
    }
    long.into_result(|count, rows| PredictionsError::LongTexts {
        column: column.to_owned(),
        count,
        rows,
    })?;
    if total > MAX_TEXT_TOTAL_CHARS {
        return Err(PredictionsError::TooMuchText {
            column: column.to_owned(),
            found: total,
            limit: MAX_TEXT_TOTAL_CHARS,
        });
    }
    Ok(())
}

fn check_scores(input: &PredictionsInput) -> Result<usize, PredictionsError> {
    let Some(scores) = &input.y_score else {
        return Ok(0);
    };
    let rows = input.rows();
    let labels = input.labels.len();
    let shape_error = |expected: String| PredictionsError::ScoreShape {
        found: scores.len(),
        rows,
        expected,
    };
    let columns = match input.task {
        Task::Regression
        | Task::Text
        | Task::Clustering
        | Task::Forecasting
        | Task::Detection
        | Task::Segmentation => {
            return Err(shape_error(format!("none for a {} task", input.task)));
        }
        Task::Binary | Task::Ranking | Task::Anomaly | Task::Survival if scores.len() == rows => 1,
        Task::Ranking | Task::Anomaly | Task::Survival => {
            return Err(shape_error(format!("{rows} x 1")));
        }
        _ if Some(scores.len()) == rows.checked_mul(labels) => labels,
        Task::Binary => {
            return Err(shape_error(format!(
                "{rows} x 1 (the positive class) or {rows} x 2"
            )));
        }
        Task::Multiclass | Task::Multilabel => {
            return Err(shape_error(format!("{rows} x {labels}, one per label")));
        }
    };
    if input.task == Task::Multilabel {
        label_sets::check_cells(scores.len())?;
    }
    // One pass finds whether anything is wrong; only then is the column sought.
    if scores.iter().all(|score| score.is_finite()) {
        return Ok(columns);
    }
    if labels == 0 {
        check_finite(scores.iter().copied(), || "y_score".to_owned())?;
    }
    for column in 0..columns.min(labels) {
        let label = &input.labels[labels - columns + column];
        let values = scores.iter().skip(column).step_by(columns).copied();
        check_finite(values, || format!("y_score[{}]", shown_id(label)))?;
    }
    Ok(columns)
}

fn check_weight(weight: &[f64], rows: usize, extent: Extent) -> Result<(), PredictionsError> {
    check_length("weight", weight.len(), rows)?;
    check_finite(weight.iter().copied(), || "weight".to_owned())?;
    let mut negative = Offenders::default();
    for (row, value) in weight.iter().enumerate() {
        negative.note(row, *value < 0.0);
    }
    negative.into_result(|count, rows| PredictionsError::NegativeWeight { count, rows })?;
    if extent != Extent::Part && weight.iter().all(|value| *value == 0.0) {
        return Err(PredictionsError::ZeroWeight);
    }
    Ok(())
}

pub(super) fn check_finite(
    values: impl Iterator<Item = f64>,
    column: impl FnOnce() -> String,
) -> Result<(), PredictionsError> {
    let mut non_finite = Offenders::default();
    for (row, value) in values.enumerate() {
        non_finite.note(row, !value.is_finite());
    }
    non_finite.into_result(|count, rows| PredictionsError::NonFinite {
        column: column(),
        count,
        rows,
    })
}

/// Class index per value, by the declared labels.
///
/// # Errors
/// [`PredictionsError::UnknownClass`] names the column, the count and the first
/// rows of values that are not among the labels.
pub fn encode_labels<'a>(
    column: &str,
    values: impl IntoIterator<Item = &'a str>,
    labels: &[String],
) -> Result<Vec<u32>, PredictionsError> {
    let index: HashMap<&str, u32> = (0_u32..)
        .zip(labels)
        .map(|(class, label)| (label.as_str(), class))
        .collect();
    let mut unknown = Offenders::default();
    let classes = values
        .into_iter()
        .enumerate()
        .map(|(row, value)| {
            let class = index.get(value).copied();
            unknown.note(row, class.is_none());
            class.unwrap_or(u32::MAX)
        })
        .collect();
    unknown.into_result(|count, rows| PredictionsError::UnknownClass {
        column: column.to_owned(),
        count,
        labels: labels.len(),
        rows,
    })?;
    Ok(classes)
}

/// Rows that break a rule: how many, and the first few.
#[derive(Default)]
pub(super) struct Offenders {
    count: usize,
    rows: Vec<usize>,
}

impl Offenders {
    pub(super) fn note(&mut self, row: usize, offends: bool) {
        if offends {
            self.count += 1;
            if self.rows.len() < NAMED_IN_ERRORS {
                self.rows.push(row);
            }
        }
    }

    pub(super) fn into_result(
        self,
        error: impl FnOnce(usize, String) -> PredictionsError,
    ) -> Result<(), PredictionsError> {
        if self.count == 0 {
            return Ok(());
        }
        Err(error(self.count, join(&self.rows)))
    }
}

pub(super) fn join(rows: &[usize]) -> String {
    let rows: Vec<String> = rows.iter().map(usize::to_string).collect();
    rows.join(", ")
}

/// An id or label as an error shows it: cut, control characters escaped.
pub(super) fn shown_id(id: &str) -> String {
    let mut shown: String = id
        .chars()
        .take(MAX_SHOWN_ID)
        .flat_map(char::escape_debug)
        .collect();
    if id.chars().nth(MAX_SHOWN_ID).is_some() {
        shown.push('…');
    }
    shown
}
