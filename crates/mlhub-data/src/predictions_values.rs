//! True and predicted values as they fill, cell by cell, and what they take in memory.

use crate::error::{DataError, Result};
use crate::limits::PREDICTION_HELD_BYTES_MAX;
use crate::number;
use crate::predictions::Values;
use crate::predictions_numbers::number_of;
use crate::rows::Cell;

/// What true and predicted cells hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Numbers or class labels.
    Values,
    /// Texts, kept as they are written.
    Texts,
    /// Lists of label names.
    LabelLists,
    /// Nested values, as JSON text.
    Json,
}

/// Values that are numbers until the first one that is not, or texts from the start.
pub(crate) struct ValuesBuilder(pub(crate) Values);

impl ValuesBuilder {
    pub(crate) fn new(form: Form) -> Self {
        Self(match form {
            Form::Values => Values::Number(Vec::new()),
            Form::Texts | Form::LabelLists | Form::Json => Values::Text(Vec::new()),
        })
    }

    /// Takes a cell; returns the bytes that the column takes more for it.
    pub(crate) fn push(&mut self, cell: &Cell<'_>, text: &str) -> u64 {
        match (&mut self.0, number_of(cell)) {
            (Values::Number(values), Some(number)) => {
                values.push(number);
                NUMBER_BYTES
            }
            (Values::Text(values), Some(number)) => {
                values.push(number::label(number));
                text_bytes(text)
            }
            (Values::Text(values), None) => {
                values.push(text.to_owned());
                text_bytes(text)
            }
            (Values::Number(values), None) => {
                let mut labels: Vec<String> =
                    values.iter().map(|value| number::label(*value)).collect();
                let bytes = labels.iter().map(|label| text_bytes(label)).sum::<u64>();
                labels.push(text.to_owned());
                self.0 = Values::Text(labels);
                bytes + text_bytes(text)
            }
        }
    }
}

/// What a number takes.
const NUMBER_BYTES: u64 = 8;

/// What a text takes besides its characters: its place in the column and its place in memory.
const TEXT_BYTES: u64 = 40;

pub(crate) fn text_bytes(text: &str) -> u64 {
    TEXT_BYTES + text.len() as u64
}

/// Bytes that ids, groups, true and predicted values of a table take as it fills.
#[derive(Default)]
pub(crate) struct Held {
    bytes: u64,
}

impl Held {
    /// Refuses more than may be held at once.
    pub(crate) fn add(&mut self, file: &str, bytes: u64) -> Result<()> {
        self.bytes += bytes;
        if self.bytes > PREDICTION_HELD_BYTES_MAX {
            return Err(DataError::limit(
                file,
                "bytes of ids, groups, true and predicted values that are held at once",
                PREDICTION_HELD_BYTES_MAX,
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_held_than_may_be() {
        let mut held = Held::default();
        held.add("p.csv", PREDICTION_HELD_BYTES_MAX).unwrap();
        let error = held.add("p.csv", 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "p.csv: too large: bytes of ids, groups, true and predicted values that are held at \
             once, the limit is 4294967296"
        );
    }

    #[test]
    fn what_a_column_takes_is_counted_as_it_turns_to_text() {
        let mut values = ValuesBuilder::new(Form::Values);
        let numbers = [1.0, 25.0].map(Cell::Float);
        let bytes: u64 = numbers.iter().map(|cell| values.push(cell, "")).sum();
        assert_eq!(bytes, 2 * NUMBER_BYTES);
        let bytes = values.push(&Cell::Text("cat"), "cat");
        assert_eq!(bytes, 3 * TEXT_BYTES + 1 + 2 + 3);
    }
}
