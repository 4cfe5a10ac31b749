//! The first rows in an order, from a place on, without sorting the rest.

use std::cmp::Ordering;

use mlhub_core::Timestamp;

use crate::ast::Operand;
use crate::bits::Bits;
use crate::read::{Cell, Reader};
use crate::table::RunTable;

/// One key of an order. Rows without a value come last in both directions, NaN
/// just before them; numbers come before texts. After all keys, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OrderKey {
    /// What to order by.
    pub operand: Operand,
    /// Greatest, or last in the alphabet, first.
    pub descending: bool,
    /// Whether params and tags that are numbers are ordered as the texts they are.
    pub as_text: bool,
}

/// Where a page ended: the values of its last row by the keys of the order.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    /// A value per key.
    pub keys: Vec<CursorKey>,
    /// The row's place in the order of creation.
    pub seq: i64,
}

/// A value in a cursor.
#[derive(Debug, Clone)]
pub enum CursorKey {
    /// There was none.
    Missing,
    /// NaN.
    NotANumber,
    /// A number or a time.
    Number(f64),
    /// A text.
    Text(String),
}

impl PartialEq for CursorKey {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Missing, Self::Missing) | (Self::NotANumber, Self::NotANumber) => true,
            (Self::Number(a), Self::Number(b)) => a.to_bits() == b.to_bits(),
            (Self::Text(a), Self::Text(b)) => a == b,
            _ => false,
        }
    }
}

const RANK_NUMBER: u128 = 0;
const RANK_TEXT: u128 = 1;
const RANK_NAN: u128 = 2;
const RANK_MISSING: u128 = 3;
/// Bits below the rank.
const BODY_BITS: u32 = 126;
/// Bytes of a text that fit below the rank.
const TEXT_BYTES: usize = 15;

/// A value as a number that orders as it does; texts that are equal in their first
/// bytes are equal here.
fn encode(cell: Cell<'_>, descending: bool) -> u128 {
    let (rank, body) = match cell {
        Cell::Missing => (RANK_MISSING, 0),
        Cell::Number(number) | Cell::Label(number, _) if number.is_nan() => (RANK_NAN, 0),
        Cell::Number(number) | Cell::Label(number, _) => {
            // -0 and 0 are one number.
            let bits = (number + 0.0).to_bits();
            let ordered = if bits >> 63 == 1 {
                !bits
            } else {
                bits | 1 << 63
            };
            (RANK_NUMBER, u128::from(ordered))
        }
        Cell::Text(text) => {
            let mut bytes = [0; 16];
            let length = text.len().min(TEXT_BYTES);
            bytes[1..=length].copy_from_slice(&text.as_bytes()[..length]);
            (RANK_TEXT, u128::from_be_bytes(bytes))
        }
    };
    let inverted = descending && rank <= RANK_TEXT;
    let body = if inverted {
        !body & ((1 << BODY_BITS) - 1)
    } else {
        body
    };
    rank << BODY_BITS | body
}

/// What comes first among two values of one key.
pub(crate) fn compare_cells(a: Cell<'_>, b: Cell<'_>, descending: bool) -> Ordering {
    encode(a, descending)
        .cmp(&encode(b, descending))
        .then_with(|| match (a, b) {
            (Cell::Text(a), Cell::Text(b)) if descending => b.cmp(a),
            (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
            _ => Ordering::Equal,
        })
}

/// A value as a cursor keeps it.
pub(crate) fn cursor_key(cell: Cell<'_>) -> CursorKey {
    match cell {
        Cell::Missing => CursorKey::Missing,
        Cell::Number(number) | Cell::Label(number, _) if number.is_nan() => CursorKey::NotANumber,
        Cell::Number(number) | Cell::Label(number, _) => CursorKey::Number(number),
        Cell::Text(text) => CursorKey::Text(text.to_owned()),
    }
}

pub(crate) fn cursor_cell(key: &CursorKey) -> Cell<'_> {
    match key {
        CursorKey::Missing => Cell::Missing,
        CursorKey::NotANumber => Cell::Number(f64::NAN),
        CursorKey::Number(number) => Cell::Number(*number),
        CursorKey::Text(text) => Cell::Text(text),
    }
}

/// Candidates kept at least before the worst are dropped.
const KEPT_MIN: usize = 2048;

/// An order over a table.
pub(crate) struct Sorter<'t> {
    table: &'t RunTable,
    keys: Vec<SortKey<'t>>,
}

/// One key of an order over a table.
struct SortKey<'t> {
    reader: Reader<'t>,
    descending: bool,
    as_text: bool,
}

impl<'t> SortKey<'t> {
    fn cell(&self, table: &'t RunTable, row: usize) -> Cell<'t> {
        match self.reader.cell(table, row) {
            Cell::Label(_, text) if self.as_text => Cell::Text(text),
            cell => cell,
        }
    }
}

impl<'t> Sorter<'t> {
    pub(crate) fn new(
        table: &'t RunTable,
        order: &[OrderKey],
        now: Timestamp,
        seen: &Bits,
    ) -> Self {
        let keys = order
            .iter()
            .map(|key| SortKey {
                reader: table.reader(&key.operand, now, seen),
                descending: key.descending,
                as_text: key.as_text,
            })
            .collect();
        Self { table, keys }
    }

    fn primary(&self, row: usize) -> u128 {
        match self.keys.first() {
            Some(key) => encode(key.cell(self.table, row), key.descending),
            None => 0,
        }
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        for key in &self.keys {
            let (a, b) = (key.cell(self.table, a), key.cell(self.table, b));
            let order = compare_cells(a, b, key.descending);
            if order.is_ne() {
                return order;
            }
        }
        self.table.rows.seq[b].cmp(&self.table.rows.seq[a])
    }

    /// Whether a row comes after the place.
    fn is_after(&self, row: usize, cursor: &Cursor) -> bool {
        for (key, place) in self.keys.iter().zip(&cursor.keys) {
            let cell = key.cell(self.table, row);
            match compare_cells(cell, cursor_cell(place), key.descending) {
                Ordering::Greater => return true,
                Ordering::Less => return false,
                Ordering::Equal => {}
            }
        }
        self.table.rows.seq[row] < cursor.seq
    }

    /// The first `limit` of the rows after the place, in order.
    pub(crate) fn first(&self, rows: &Bits, after: Option<&Cursor>, limit: usize) -> Vec<usize> {
        let from = after.map_or(0, |cursor| {
            let first = self.keys.first().zip(cursor.keys.first());
            first.map_or(0, |(key, place)| encode(cursor_cell(place), key.descending))
        });
        let mut kept: Vec<(u128, usize)> = Vec::new();
        let mut worst = u128::MAX;
        let room = limit.saturating_mul(2).max(KEPT_MIN);
        let order = |a: &(u128, usize), b: &(u128, usize)| {
            a.0.cmp(&b.0).then_with(|| self.compare(a.1, b.1))
        };
        for row in rows.iter() {
            let primary = self.primary(row);
            if primary > worst || primary < from {
                continue;
            }
            if after.is_some_and(|cursor| !self.is_after(row, cursor)) {
                continue;
            }
            kept.push((primary, row));
            if kept.len() >= room && limit > 0 {
                kept.select_nth_unstable_by(limit - 1, order);
                kept.truncate(limit);
                worst = kept[limit - 1].0;
            }
        }
        kept.sort_unstable_by(order);
        kept.truncate(limit);
        kept.into_iter().map(|(_, row)| row).collect()
    }

    /// `limit` of the rows from the place `offset` on, in order. What comes before
    /// and after them is parted off, not sorted.
    pub(crate) fn from(&self, rows: &Bits, offset: usize, limit: usize) -> Vec<usize> {
        let order = |a: &(u128, usize), b: &(u128, usize)| {
            a.0.cmp(&b.0).then_with(|| self.compare(a.1, b.1))
        };
        let mut all: Vec<(u128, usize)> = rows.iter().map(|row| (self.primary(row), row)).collect();
        if offset >= all.len() {
            return Vec::new();
        }
        all.select_nth_unstable_by(offset, order);
        let page = &mut all[offset..];
        let limit = limit.min(page.len());
        if limit > 0 && limit < page.len() {
            page.select_nth_unstable_by(limit - 1, order);
        }
        let page = &mut page[..limit];
        page.sort_unstable_by(order);
        page.iter().map(|(_, row)| *row).collect()
    }

    /// The place of a row.
    pub(crate) fn cursor(&self, row: usize) -> Cursor {
        let keys = self
            .keys
            .iter()
            .map(|key| cursor_key(key.cell(self.table, row)));
        Cursor {
            keys: keys.collect(),
            seq: self.table.rows.seq[row],
        }
    }
}
