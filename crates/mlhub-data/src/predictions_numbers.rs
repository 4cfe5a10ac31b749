//! Columns of numbers that a prediction file has for its task alone, as they fill: a number in
//! each row, or a list of as many in each. Which columns these are, the caller says.

use crate::error::{DataError, Place, Result};
use crate::limits::PREDICTION_SCORES_MAX;
use crate::number;
use crate::predictions::NumberColumn;
use crate::rows::Cell;

/// One column; errors name it by file and column.
#[derive(Default)]
pub(crate) struct Numbers {
    /// Numbers per row, once the first row is read.
    width: Option<usize>,
    values: Vec<f64>,
}

impl Numbers {
    /// Numbers per row; 0 before the first one.
    pub(crate) fn width(&self) -> usize {
        self.width.unwrap_or_default()
    }

    /// Takes a row: one number, or a list of them, in text a JSON list. False when it is missing.
    pub(crate) fn push(
        &mut self,
        column: (&str, &str),
        place: Place,
        cell: &Cell<'_>,
    ) -> Result<bool> {
        let (one, list): ([f64; 1], Vec<f64>);
        let values = match *cell {
            Cell::Null | Cell::Text("") => return Ok(false),
            Cell::List(values) => values,
            Cell::Text(text) if text.trim_start().starts_with('[') => {
                let parsed = serde_json::from_str(text);
                list = parsed.map_err(|_| not_a_number(column, place))?;
                &list
            }
            _ => {
                one = [number_of(cell).ok_or_else(|| not_a_number(column, place))?];
                &one
            }
        };
        self.set_width(column, place, values.len())?;
        self.values.extend_from_slice(values);
        Ok(true)
    }

    /// Takes one number of NPZ, whose shape is known before the values.
    pub(crate) fn push_element(
        &mut self,
        column: (&str, &str),
        place: Place,
        cell: &Cell<'_>,
    ) -> Result<()> {
        let number = number_of(cell).ok_or_else(|| not_a_number(column, place))?;
        self.values.push(number);
        Ok(())
    }

    /// Every row must have as many numbers as the first one.
    pub(crate) fn set_width(
        &mut self,
        (file, column): (&str, &str),
        place: Place,
        found: usize,
    ) -> Result<()> {
        if found > PREDICTION_SCORES_MAX {
            let purpose = "numbers per row of a column";
            return Err(DataError::limit(file, purpose, PREDICTION_SCORES_MAX));
        }
        let expected = *self.width.get_or_insert(found);
        if found == expected && found > 0 {
            return Ok(());
        }
        let problem = format!(
            "column `{column}` has {found} number(s), the first row has {expected}; every row needs as many, at least 1"
        );
        Err(DataError::malformed(file, place, problem))
    }

    /// The rows since the last time, and an empty column to fill.
    pub(crate) fn take(&mut self, name: String) -> NumberColumn {
        NumberColumn {
            name,
            width: self.width.unwrap_or(1),
            values: std::mem::take(&mut self.values),
        }
    }
}

fn not_a_number((file, column): (&str, &str), place: Place) -> DataError {
    DataError::NotANumber {
        file: file.to_owned(),
        place,
        column: column.to_owned(),
    }
}

/// The number that a cell holds or, as text, writes.
pub(crate) fn number_of(cell: &Cell<'_>) -> Option<f64> {
    match *cell {
        Cell::Int(value) => Some(value as f64),
        Cell::UInt(value) => Some(value as f64),
        Cell::Float(value) => Some(value),
        Cell::Text(text) => number::parse(text).map(number::Number::as_f64),
        _ => None,
    }
}
