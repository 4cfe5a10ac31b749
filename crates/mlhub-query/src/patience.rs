//! Giving up a question that takes too long. Whoever asks says when that is: this
//! crate reads no clock.

use std::cell::Cell;

use crate::error::QueryError;

/// How long a question may take.
pub(crate) struct Patience<'a> {
    late: &'a dyn Fn() -> bool,
    over: Cell<bool>,
}

impl<'a> Patience<'a> {
    pub(crate) fn new(late: &'a dyn Fn() -> bool) -> Self {
        Self {
            late,
            over: Cell::new(false),
        }
    }

    /// Whether the question is given up; what is worked out from then on is worth
    /// nothing, and [`Patience::check`] says so.
    pub(crate) fn is_over(&self) -> bool {
        if !self.over.get() && (self.late)() {
            self.over.set(true);
        }
        self.over.get()
    }

    /// Refuses once it is over.
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        if self.is_over() {
            return Err(QueryError::late());
        }
        Ok(())
    }
}
