//! A mistake in a query, with the place of it.

use std::ops::Range;

/// What is wrong with a query and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to write instead, when that can be told.
    pub hint: Option<String>,
    /// Bytes of the text it is about; empty at the end of the text.
    pub span: Range<usize>,
    /// Whether nothing is wrong with it but that it took too long.
    pub late: bool,
}

/// Characters shown on each side of the place.
const CONTEXT_CHARS: usize = 60;

impl QueryError {
    pub(crate) fn new(message: impl Into<String>, span: Range<usize>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            span,
            late: false,
        }
    }

    pub(crate) fn late() -> Self {
        let message = "the search takes too long and was given up";
        Self {
            late: true,
            ..Self::new(message, 0..0).hint("ask for fewer tests, columns or statistics")
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The place in characters of `text`: the first one and how many, at least one.
    pub fn position(&self, text: &str) -> (usize, usize) {
        let start = text.floor_char_boundary(self.span.start);
        let end = text.ceil_char_boundary(self.span.end).max(start);
        let length = text[start..end].chars().count();
        (text[..start].chars().count(), length.max(1))
    }

    /// Two lines: the part of `text` around the place, and carets under it.
    pub fn pointer(&self, text: &str) -> String {
        let (at, length) = self.position(text);
        let first = at.saturating_sub(CONTEXT_CHARS);
        let shown: String = text
            .chars()
            .skip(first)
            .take(at - first + length.min(CONTEXT_CHARS) + CONTEXT_CHARS)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let carets = "^".repeat(length.min(CONTEXT_CHARS));
        format!("{shown}\n{}{carets}", " ".repeat(at - first))
    }
}
