//! True and predicted values as they fill, cell by cell, and what they take in memory.

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
