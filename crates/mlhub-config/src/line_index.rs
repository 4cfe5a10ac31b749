//! Bytes of a text to lines and columns.
//!
//! Columns count characters. Asking in the order of the text is cheap even on
//! one line of a megabyte; asking backwards costs a line.

use std::cell::Cell;
use std::ops::Range;

use crate::document::Span;

/// A text and where its lines start.
pub(crate) struct LineIndex<'t> {
    text: &'t str,
    line_starts: Vec<usize>,
    /// The last place asked for: its byte, and the characters before it on its line.
    last: Cell<(usize, usize)>,
}

impl<'t> LineIndex<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            line_starts: std::iter::once(0).chain(starts).collect(),
            last: Cell::new((0, 0)),
        }
    }

    /// The place of a range of bytes; what goes past the first line is cut off.
    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        let start = range.start.min(self.text.len());
        // The first line starts at 0, so at least one line starts at or before any byte.
        let line = self
            .line_starts
            .partition_point(|&line_start| line_start <= start)
            .max(1);
        let line_start = self.line_starts[line - 1];
        let line_end = self
            .line_starts
            .get(line)
            .map_or(self.text.len(), |next| next - 1);
        let (known_at, known_chars) = self.last.get();
        let before = if (line_start..=start).contains(&known_at) {
            known_chars + self.chars(known_at..start)
        } else {
            self.chars(line_start..start)
        };
        self.last.set((start, before));
        let width = self.chars(start..range.end.min(line_end)).max(1);
        Span {
            line: narrow(line),
            column: narrow(before + 1),
            width: narrow(width),
        }
    }

    fn chars(&self, range: Range<usize>) -> usize {
        self.text.get(range).map_or(0, |part| part.chars().count())
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places_at_the_edges() {
        let index = LineIndex::new("é\n\nab");
        assert_eq!(
            index.span(0..2),
            Span {
                line: 1,
                column: 1,
                width: 1
            }
        );
        assert_eq!(
            index.span(3..4),
            Span {
                line: 2,
                column: 1,
                width: 1
            }
        );
        assert_eq!(
            index.span(5..6),
            Span {
                line: 3,
                column: 2,
                width: 1
            }
        );
        assert_eq!(
            index.span(9..99),
            Span {
                line: 3,
                column: 3,
                width: 1
            }
        );
    }

    proptest! {
        #[test]
        fn the_order_of_questions_does_not_matter(text in "[aé\n]{0,30}", order in prop::collection::vec(0..40usize, 1..20)) {
            let index = LineIndex::new(&text);
            for at in order.into_iter().filter(|at| text.is_char_boundary(*at)) {
                prop_assert_eq!(index.span(at..at), LineIndex::new(&text).span(at..at));
            }
        }
    }
}
