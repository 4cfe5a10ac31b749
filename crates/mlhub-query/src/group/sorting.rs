//! The order of groups, and the place where a page of them ends.

use std::cmp::Ordering;

use super::{Found, GroupBy, GroupOrder};
use crate::ast::Operand;
use crate::order::{Cursor, compare_cells, cursor_cell, cursor_key};
use crate::read::{Cell, Reader};
use crate::table::RunTable;

/// What groups are ordered by, found among the keys and the summarised.
enum Chosen<'r> {
    Runs,
    Key(usize),
    Mean(&'r Operand),
}

/// The order of groups: as asked for, then by their keys, in which no two are equal.
/// Numbers, then texts, then NaN, then nothing; only the first two turn around.
pub(super) struct Sorting<'r, 't> {
    table: &'t RunTable,
    by: &'r [Reader<'t>],
    chosen: Chosen<'r>,
    descending: bool,
}

impl<'r, 't> Sorting<'r, 't> {
    pub(super) fn new(table: &'t RunTable, request: &'r GroupBy, by: &'r [Reader<'t>]) -> Self {
        let (chosen, descending) = match &request.order {
            None => (Chosen::Runs, true),
            Some((GroupOrder::Runs, descending)) => (Chosen::Runs, *descending),
            Some((GroupOrder::Operand(operand), descending)) => {
                let key = request.by.iter().position(|by| by == operand);
                let chosen = key.map_or(Chosen::Mean(operand), Chosen::Key);
                (chosen, *descending)
            }
        };
        Self {
            table,
            by,
            chosen,
            descending,
        }
    }

    /// The summarised operand whose mean decides.
    pub(super) fn summarised(&self) -> Option<&'r Operand> {
        match self.chosen {
            Chosen::Mean(operand) => Some(operand),
            Chosen::Runs | Chosen::Key(_) => None,
        }
    }

    /// What the order is about.
    fn chosen(&self, group: &Found) -> Cell<'t> {
        match self.chosen {
            Chosen::Runs => Cell::Number(group.runs as f64),
            Chosen::Key(at) => self.by[at].cell(self.table, group.first_row),
            Chosen::Mean(_) => {
                let mean = group.ordering.done().mean;
                mean.map_or(Cell::Missing, Cell::Number)
            }
        }
    }

    /// What decides among those that are alike in it.
    fn keys(&self, group: &Found) -> impl Iterator<Item = Cell<'t>> {
        let row = group.first_row;
        self.by
            .iter()
            .map(move |reader| reader.cell(self.table, row))
    }

    pub(super) fn compare(&self, a: &Found, b: &Found) -> Ordering {
        let chosen = compare_cells(self.chosen(a), self.chosen(b), self.descending);
        chosen.then_with(|| {
            self.keys(a)
                .zip(self.keys(b))
                .map(|(a, b)| compare_cells(a, b, false))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        })
    }

    pub(super) fn place(&self, group: &Found) -> Cursor {
        let cells = std::iter::once(self.chosen(group)).chain(self.keys(group));
        Cursor {
            keys: cells.map(cursor_key).collect(),
            seq: 0,
        }
    }

    pub(super) fn is_after(&self, group: &Found, place: &Cursor) -> bool {
        let cells = std::iter::once(self.chosen(group)).chain(self.keys(group));
        let descending = std::iter::once(self.descending).chain(std::iter::repeat(false));
        cells
            .zip(&place.keys)
            .zip(descending)
            .map(|((cell, key), descending)| compare_cells(cell, cursor_cell(key), descending))
            .find(|order| order.is_ne())
            .is_some_and(Ordering::is_gt)
    }
}
