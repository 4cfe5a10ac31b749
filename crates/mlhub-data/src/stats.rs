//! Column statistics: type, missing values, bounded distinct count, and for numbers minimum,
//! maximum, mean, standard deviation and a histogram. Never a sample: text columns get counts only.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher};

use serde::{Deserialize, Serialize};

use crate::histogram::{Binning, Histogram};
use crate::limits::{DISTINCT_COUNT_MAX, DISTINCT_TOTAL_MAX, HISTOGRAM_COLUMNS_MAX};
use crate::number::{self, Number};
use crate::rows::{Cell, ColumnHead, encode};

/// What is known about a column (or an NPZ array). `min`, `max`, `mean` and `std` are over finite
/// values and present for numeric columns only; `std` divides by the count (as `numpy.std`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Column {
    /// Name in the header, key, or array name.
    pub name: String,
    /// `int`, `float`, `bool`, `string`, `null` (no values), `mixed`, `list`, `object`, a Parquet
    /// type name such as `timestamp`, or for NPZ the NumPy dtype such as `float32`.
    pub dtype: String,
    /// Shape of one row's value; empty for a scalar.
    pub shape: Vec<u64>,
    /// Missing values: empty CSV fields, JSON and Parquet nulls.
    pub nulls: u64,
    /// Distinct values; a lower bound when `distinct_capped`.
    pub distinct: u64,
    /// Whether counting stopped at the limit.
    pub distinct_capped: bool,
    /// NaN and infinite values.
    pub non_finite: u64,
    /// Smallest finite value.
    pub min: Option<f64>,
    /// Largest finite value.
    pub max: Option<f64>,
    /// Mean of the finite values.
    pub mean: Option<f64>,
    /// Population standard deviation of the finite values.
    pub std: Option<f64>,
    /// Distribution of the finite values, for numeric columns of a table of at most
    /// [`HISTOGRAM_COLUMNS_MAX`] columns. Inspections of older releases have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
}

/// Gathers the statistics of one column, value by value.
pub(crate) struct Accumulator {
    head: ColumnHead,
    /// CSV: text that may stand for numbers, empty means missing.
    is_textual: bool,
    seen: Seen,
    shape: Option<Vec<u64>>,
    nulls: u64,
    distinct: Distinct,
    numbers: Moments,
}

#[derive(Default)]
struct Seen {
    bool: bool,
    int: bool,
    float: bool,
    text: bool,
    list: bool,
    ragged_list: bool,
    other: bool,
}

impl Accumulator {
    /// `columns_total` shares the memory for distinct values fairly.
    pub(crate) fn new(head: ColumnHead, is_textual: bool, columns_total: usize) -> Self {
        Self {
            head,
            is_textual,
            seen: Seen::default(),
            shape: None,
            nulls: 0,
            distinct: Distinct::new(columns_total),
            numbers: Moments::new(columns_total),
        }
    }

    pub(crate) fn add(&mut self, cell: &Cell<'_>) {
        match *cell {
            Cell::Null => {
                self.nulls += 1;
                return;
            }
            Cell::Text("") if self.is_textual => {
                self.nulls += 1;
                return;
            }
            Cell::Text(text) if self.is_textual => self.add_textual(text),
            Cell::Text(_) => self.seen.text = true,
            Cell::Bool(_) => self.seen.bool = true,
            Cell::Int(value) => self.add_int(value as f64),
            Cell::UInt(value) => self.add_int(value as f64),
            Cell::Float(value) => self.add_float(value),
            Cell::List(values) => self.add_list(values),
            Cell::Other(_) => self.seen.other = true,
        }
        self.distinct.add(cell);
    }

    fn add_textual(&mut self, text: &str) {
        match number::parse(text) {
            Some(Number::Int(value)) => self.add_int(value as f64),
            Some(Number::Float(value)) => self.add_float(value),
            None if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") => {
                self.seen.bool = true
            }
            None => self.seen.text = true,
        }
    }

    fn add_int(&mut self, value: f64) {
        self.seen.int = true;
        self.numbers.add(value);
    }

    fn add_float(&mut self, value: f64) {
        self.seen.float = true;
        self.numbers.add(value);
    }

    fn add_list(&mut self, values: &[f64]) {
        let shape = [values.len() as u64];
        self.seen.list = true;
        match &self.shape {
            None => self.shape = Some(shape.to_vec()),
            Some(known) if known[..] != shape => self.seen.ragged_list = true,
            Some(_) => {}
        }
        for value in values {
            self.numbers.add(*value);
        }
    }

    pub(crate) fn finish(self) -> Column {
        let kind = self.seen.dtype(self.is_textual);
        let is_numeric = matches!(kind, "int" | "float" | "list");
        let numbers = if is_numeric {
            self.numbers
        } else {
            Moments::default()
        };
        let shape = if self.seen.list && kind == "float" {
            self.shape.unwrap_or_default()
        } else {
            Vec::new()
        };
        let dtype = match self.head.dtype {
            Some(declared) if shape.is_empty() => declared,
            _ => kind.to_owned(),
        };
        numbers.into_column(self.head.name, dtype, shape, self.nulls, &self.distinct)
    }
}

impl Seen {
    fn dtype(&self, is_textual: bool) -> &'static str {
        let is_number = self.int || self.float;
        let kinds = [is_number, self.bool, self.text, self.list, self.other];
        match kinds.iter().filter(|seen| **seen).count() {
            0 => "null",
            1 if self.float => "float",
            1 if self.int => "int",
            1 if self.bool => "bool",
            1 if self.text => "string",
            1 if self.ragged_list => "list",
            1 if self.list => "float",
            1 => "object",
            _ if is_textual => "string",
            _ => "mixed",
        }
    }
}

/// A set of value hashes that stops growing at its bound.
pub(crate) struct Distinct {
    hashes: HashSet<u64>,
    cap: usize,
    is_capped: bool,
    buffer: Vec<u8>,
}

impl Distinct {
    pub(crate) fn new(columns_total: usize) -> Self {
        let cap = DISTINCT_COUNT_MAX.min(DISTINCT_TOTAL_MAX / columns_total.max(1));
        Self {
            hashes: HashSet::new(),
            cap,
            is_capped: false,
            buffer: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, cell: &Cell<'_>) {
        if self.is_capped {
            return;
        }
        self.buffer.clear();
        encode(cell, &mut self.buffer);
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.buffer);
        let hash = hasher.finish();
        if self.hashes.len() < self.cap {
            self.hashes.insert(hash);
        } else if !self.hashes.contains(&hash) {
            self.is_capped = true;
        }
    }
}

/// Count, extremes, moments (Welford) and bins of the finite values.
#[derive(Default)]
pub(crate) struct Moments {
    count: u64,
    non_finite: u64,
    min: f64,
    max: f64,
    mean: f64,
    squares: f64,
    binning: Option<Binning>,
}

impl Moments {
    /// With bins, unless the table has so many columns that they would not fit a description.
    pub(crate) fn new(columns_total: usize) -> Self {
        Self {
            binning: (columns_total <= HISTOGRAM_COLUMNS_MAX).then(Binning::default),
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, value: f64) {
        if !value.is_finite() {
            self.non_finite += 1;
            return;
        }
        if self.count == 0 {
            (self.min, self.max) = (value, value);
        }
        self.count += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        let delta = value - self.mean;
        self.mean += delta / self.count as f64;
        self.squares += delta * (value - self.mean);
        if let Some(binning) = &mut self.binning {
            binning.add(value);
        }
    }

    pub(crate) fn into_column(
        self,
        name: String,
        dtype: String,
        shape: Vec<u64>,
        nulls: u64,
        distinct: &Distinct,
    ) -> Column {
        let has_values = self.count > 0;
        // The spread of huge values can overflow; a statistic that is not finite is left out.
        let present = |value: f64| (has_values && value.is_finite()).then_some(value);
        Column {
            name,
            dtype,
            shape,
            nulls,
            distinct: distinct.hashes.len() as u64,
            distinct_capped: distinct.is_capped,
            non_finite: self.non_finite,
            min: present(self.min),
            max: present(self.max),
            mean: present(self.mean),
            std: present((self.squares / self.count.max(1) as f64).sqrt()),
            histogram: self.binning.and_then(Binning::finish),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(cells: &[Cell<'_>], is_textual: bool) -> Column {
        let head = ColumnHead {
            name: "x".into(),
            dtype: None,
        };
        let mut accumulator = Accumulator::new(head, is_textual, 1);
        cells.iter().for_each(|cell| accumulator.add(cell));
        accumulator.finish()
    }

    #[test]
    fn csv_numbers_get_statistics() {
        let cells = ["1", "2", "", "3", "nan", "2"].map(Cell::Text);
        let column = column(&cells, true);
        assert_eq!(
            (
                column.dtype.as_str(),
                column.nulls,
                column.distinct,
                column.non_finite
            ),
            ("float", 1, 4, 1)
        );
        assert_eq!(
            (column.min, column.max, column.mean),
            (Some(1.0), Some(3.0), Some(2.0))
        );
        assert!((column.std.unwrap() - 0.5f64.sqrt()).abs() < 1e-12);
        let histogram = column.histogram.unwrap();
        assert_eq!((histogram.start, histogram.width), (1.0, 1.0));
        assert_eq!(histogram.counts, [1, 2, 1]);
    }

    #[test]
    fn text_never_gets_extremes() {
        let column = column(&["1", "2", "secret"].map(Cell::Text), true);
        assert_eq!(
            (column.dtype.as_str(), column.min, column.max, column.mean),
            ("string", None, None, None)
        );
        assert_eq!(column.histogram, None);
        assert!(!format!("{column:?}").contains("secret"));
    }

    #[test]
    fn types_follow_from_values() {
        assert_eq!(
            column(&["true", "False"].map(Cell::Text), true).dtype,
            "bool"
        );
        assert_eq!(
            column(&["007", "008"].map(Cell::Text), true).dtype,
            "string"
        );
        assert_eq!(
            column(&[Cell::Int(1), Cell::Text("a")], false).dtype,
            "mixed"
        );
        assert_eq!(column(&[Cell::Null], false).dtype, "null");
        let list = column(&[Cell::List(&[1.0, 2.0]), Cell::List(&[3.0, 4.0])], false);
        assert_eq!(
            (list.dtype.as_str(), list.shape, list.max),
            ("float", vec![2], Some(4.0))
        );
        assert_eq!(
            column(&[Cell::List(&[1.0]), Cell::List(&[])], false).dtype,
            "list"
        );
    }

    #[test]
    fn very_wide_tables_have_no_histograms() {
        for (columns_total, expected) in [
            (HISTOGRAM_COLUMNS_MAX, true),
            (HISTOGRAM_COLUMNS_MAX + 1, false),
        ] {
            let head = ColumnHead {
                name: "x".into(),
                dtype: None,
            };
            let mut accumulator = Accumulator::new(head, false, columns_total);
            accumulator.add(&Cell::Float(0.5));
            assert_eq!(accumulator.finish().histogram.is_some(), expected);
        }
    }

    #[test]
    fn distinct_count_is_bounded() {
        let cells: Vec<Cell<'_>> = (0..DISTINCT_COUNT_MAX as i64 + 5).map(Cell::Int).collect();
        let column = column(&cells, false);
        assert_eq!(
            (column.distinct, column.distinct_capped),
            (DISTINCT_COUNT_MAX as u64, true)
        );
    }
}
