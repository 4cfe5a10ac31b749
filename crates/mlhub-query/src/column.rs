//! Values of one key over rows: packed by row when many rows have it, sorted by
//! row when few do.
//!
//! A hub has a few keys that nearly every run has, and may have hundreds of
//! thousands that hardly any has; both must be cheap.

use crate::bits::{Bits, Ones, WORD_BITS};
use crate::intern::Symbol;

/// A sparse column below this many values stays sparse.
const DENSE_MIN_VALUES: usize = 256;
/// A column turns dense when one row in so many has a value.
const DENSE_FROM: usize = 4;
/// A column turns sparse when fewer than one row in so many has a value.
const SPARSE_FROM: usize = 16;

/// A param or tag: its text, and its number when it is one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LabelCell {
    symbol_and_flag: u32,
    number_bits: [u32; 2],
}

const IS_NUMBER: u32 = 1 << 31;

impl LabelCell {
    pub(crate) fn new(symbol: Symbol, number: Option<f64>) -> Self {
        let bits = number.unwrap_or(0.0).to_bits();
        Self {
            symbol_and_flag: symbol.0 | if number.is_some() { IS_NUMBER } else { 0 },
            // In halves, so that a cell takes 12 bytes and not 16.
            number_bits: [(bits >> 32) as u32, bits as u32],
        }
    }

    pub(crate) fn symbol(self) -> Symbol {
        Symbol(self.symbol_and_flag & !IS_NUMBER)
    }

    pub(crate) fn number(self) -> Option<f64> {
        let [high, low] = self.number_bits.map(u64::from);
        (self.symbol_and_flag & IS_NUMBER != 0).then(|| f64::from_bits(high << 32 | low))
    }
}

/// What is kept of a metric's history. `min` and `max` are NaN where no value was finite.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MetricCell {
    pub(crate) last: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) count: f64,
}

/// Values of type `T` by row.
#[derive(Debug)]
pub(crate) enum Column<T> {
    /// Rows ascending, and their values.
    Sparse(Vec<u32>, Vec<T>),
    /// Which rows have a value, the values by row, and how many there are.
    Dense(Bits, Vec<T>, usize),
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self::Sparse(Vec::new(), Vec::new())
    }
}

impl<T: Copy + Default> Column<T> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Sparse(rows, _) => rows.len(),
            Self::Dense(_, _, count) => *count,
        }
    }

    /// How many of the rows have a value.
    pub(crate) fn count_in(&self, rows: &Bits) -> usize {
        match self {
            Self::Sparse(listed, _) => {
                let in_rows = listed.iter().filter(|row| rows.get(**row as usize));
                in_rows.count()
            }
            Self::Dense(present, ..) => {
                let words = present.words().iter().enumerate();
                words
                    .map(|(index, word)| (word & rows.word(index)).count_ones() as usize)
                    .sum()
            }
        }
    }

    pub(crate) fn get(&self, row: usize) -> Option<T> {
        match self {
            Self::Sparse(rows, values) => {
                let at = rows.binary_search(&(row as u32)).ok()?;
                Some(values[at])
            }
            Self::Dense(present, values, _) => present.get(row).then(|| values[row]),
        }
    }

    /// Sets a value; `row_count` rows are in the table. Returns the value it replaced.
    pub(crate) fn set(&mut self, row: usize, value: T, row_count: usize) -> Option<T> {
        let before = match self {
            Self::Sparse(rows, values) => match rows.binary_search(&(row as u32)) {
                Ok(at) => Some(std::mem::replace(&mut values[at], value)),
                Err(at) => {
                    rows.insert(at, row as u32);
                    values.insert(at, value);
                    None
                }
            },
            Self::Dense(present, values, count) => {
                if row >= values.len() {
                    values.resize(row + 1, T::default());
                }
                let before = std::mem::replace(&mut values[row], value);
                let new = present.insert(row);
                *count += usize::from(new);
                (!new).then_some(before)
            }
        };
        self.fit(row_count);
        before
    }

    /// Removes a value.
    pub(crate) fn clear(&mut self, row: usize, row_count: usize) -> Option<T> {
        let before = match self {
            Self::Sparse(rows, values) => {
                let at = rows.binary_search(&(row as u32)).ok()?;
                rows.remove(at);
                Some(values.remove(at))
            }
            Self::Dense(present, values, count) => present.remove(row).then(|| {
                *count -= 1;
                values[row]
            }),
        };
        self.fit(row_count);
        before
    }

    fn fit(&mut self, row_count: usize) {
        match self {
            Self::Sparse(rows, values)
                if rows.len() >= DENSE_MIN_VALUES && rows.len() * DENSE_FROM > row_count =>
            {
                let mut present = Bits::empty(row_count);
                let end = rows.last().map_or(0, |last| *last as usize + 1);
                let mut dense = vec![T::default(); end];
                for (row, value) in rows.iter().zip(values.iter()) {
                    present.insert(*row as usize);
                    dense[*row as usize] = *value;
                }
                let count = rows.len();
                *self = Self::Dense(present, dense, count);
            }
            Self::Dense(present, values, count)
                if *count * SPARSE_FROM < row_count || *count < DENSE_MIN_VALUES / 2 =>
            {
                let rows: Vec<u32> = present.iter().map(|row| row as u32).collect();
                let kept = rows.iter().map(|row| values[*row as usize]).collect();
                *self = Self::Sparse(rows, kept);
            }
            _ => {}
        }
    }

    /// Adds to `found` the rows whose value passes.
    pub(crate) fn select(&self, found: &mut Bits, mut passes: impl FnMut(T) -> bool) {
        match self {
            Self::Sparse(rows, values) => {
                for (row, value) in rows.iter().zip(values) {
                    if passes(*value) {
                        found.insert(*row as usize);
                    }
                }
            }
            Self::Dense(present, values, _) => {
                for (index, word) in present.words().iter().enumerate() {
                    let mut passed = 0;
                    for bit in Ones(*word) {
                        passed |= u64::from(passes(values[index * WORD_BITS + bit])) << bit;
                    }
                    if passed != 0 {
                        found.set_word(index, found.word(index) | passed);
                    }
                }
            }
        }
    }

    /// Rows and values, by row.
    #[cfg(test)]
    pub(crate) fn each(&self, mut visit: impl FnMut(usize, T)) {
        match self {
            Self::Sparse(rows, values) => {
                for (row, value) in rows.iter().zip(values) {
                    visit(*row as usize, *value);
                }
            }
            Self::Dense(present, values, _) => {
                for row in present.iter() {
                    visit(row, values[row]);
                }
            }
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Sparse(rows, values) => {
                rows.capacity() * size_of::<u32>() + values.capacity() * size_of::<T>()
            }
            Self::Dense(present, values, _) => present.bytes() + values.capacity() * size_of::<T>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn a_column_is_a_map_whatever_its_form(
            changes in prop::collection::vec((0usize..2000, prop::option::weighted(0.7, 0u32..9)), 0..3000),
            row_count in 1usize..4000,
        ) {
            let row_count = row_count.max(2000);
            let mut column = Column::default();
            let mut map = BTreeMap::new();
            for (row, value) in changes {
                let (before, expected) = match value {
                    Some(value) => (column.set(row, value, row_count), map.insert(row, value)),
                    None => (column.clear(row, row_count), map.remove(&row)),
                };
                prop_assert_eq!(before, expected);
            }
            let mut found = BTreeMap::new();
            column.each(|row, value| { found.insert(row, value); });
            prop_assert_eq!(&found, &map);
            prop_assert_eq!(column.len(), map.len());
            let mut bits = Bits::empty(row_count);
            column.select(&mut bits, |value| value > 4);
            let expected: Vec<usize> = map.iter().filter(|(_, value)| **value > 4).map(|(row, _)| *row).collect();
            prop_assert_eq!(bits.iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_label_keeps_text_and_number() {
        for number in [
            None,
            Some(0.0),
            Some(-0.0),
            Some(1e-300),
            Some(f64::INFINITY),
        ] {
            let cell = LabelCell::new(Symbol(77), number);
            assert_eq!(cell.symbol(), Symbol(77));
            assert_eq!(cell.number().map(f64::to_bits), number.map(f64::to_bits));
        }
        assert_eq!(size_of::<LabelCell>(), 12);
    }
}
