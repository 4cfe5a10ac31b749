//! Sets of labels per row: from the cells of a file to indices, and their checks.

use std::collections::HashMap;

use super::check::Offenders;
use super::{MAX_LABEL_CELLS, PredictionsError};

/// One name of a list, as JSON writes it.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Whole(i64),
}

/// Label names per row from cells that hold JSON lists, such as `["a", "b"]`, `[0, 2]` or
/// `[]`.
///
/// # Errors
/// [`PredictionsError::LabelList`] names the column, the count and the first rows of
/// cells that hold anything else.
pub fn parse_label_lists(
    column: &str,
    cells: &[String],
) -> Result<Vec<Vec<String>>, PredictionsError> {
    let mut wrong = Offenders::default();
    let lists = cells
        .iter()
        .enumerate()
        .map(|(row, cell)| {
            let names = serde_json::from_str::<Vec<Name>>(cell);
            wrong.note(row, names.is_err());
            let names = names.unwrap_or_default().into_iter();
            names
                .map(|name| match name {
                    Name::Text(text) => text,
                    Name::Whole(number) => number.to_string(),
                })
                .collect()
        })
        .collect();
    wrong.into_result(|count, rows| PredictionsError::LabelList {
        column: column.to_owned(),
        count,
        rows,
    })?;
    Ok(lists)
}

/// Label indices per row, ascending, by the declared labels. A name twice in a row counts
/// once.
///
/// # Errors
/// [`PredictionsError::UnknownClass`] names the column, the count and the first rows with
/// a name that is not among the labels.
pub fn encode_label_sets(
    column: &str,
    rows: &[Vec<String>],
    labels: &[String],
) -> Result<Vec<Vec<u32>>, PredictionsError> {
    let index: HashMap<&str, u32> = labels.iter().map(String::as_str).zip(0..).collect();
    let mut unknown = Offenders::default();
    let sets = rows
        .iter()
        .enumerate()
        .map(|(row, names)| {
            let mut set: Vec<u32> = names
                .iter()
                .filter_map(|name| index.get(name.as_str()).copied())
                .collect();
            unknown.note(row, set.len() < names.len());
            set.sort_unstable();
            set.dedup();
            set
        })
        .collect();
    unknown.into_result(|count, rows| PredictionsError::UnknownClass {
        column: column.to_owned(),
        count,
        labels: labels.len(),
        rows,
    })?;
    Ok(sets)
}

/// Refuses unknown labels, and sets that are not ascending.
pub(super) fn check(
    column: &str,
    sets: &[Vec<u32>],
    labels: usize,
) -> Result<(), PredictionsError> {
    let mut unknown = Offenders::default();
    let mut unordered = Offenders::default();
    for (row, set) in sets.iter().enumerate() {
        unknown.note(row, set.iter().any(|label| *label as usize >= labels));
        unordered.note(row, !set.is_sorted_by(|a, b| a < b));
    }
    unknown.into_result(|count, rows| PredictionsError::UnknownClass {
        column: column.to_owned(),
        count,
        labels,
        rows,
    })?;
    unordered.into_result(|count, rows| PredictionsError::LabelOrder {
        column: column.to_owned(),
        count,
        rows,
    })
}

/// Refuses more scores than can be ranked.
pub(super) fn check_cells(found: usize) -> Result<(), PredictionsError> {
    if found > MAX_LABEL_CELLS {
        return Err(PredictionsError::TooManyCells {
            found,
            limit: MAX_LABEL_CELLS,
        });
    }
    Ok(())
}
