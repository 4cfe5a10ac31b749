//! Rows of a table as a program prints them, a line each: counts, no values.
//!
//! Losses per epoch, classification reports and progress come as rows of numbers too. They
//! are told by the words above them, and by having few columns.

use super::block::is_number;

/// Rows of a data frame in a row, with their index from 0 on, that are data.
pub(crate) const TABLE_ROWS_MIN: u32 = 5;
/// Columns of one, with the index.
const TABLE_FIELDS_MIN: u32 = 4;
/// Rows of nothing but numbers in a row that are data.
pub(crate) const DUMP_ROWS_MIN: u32 = 20;
/// Numbers in each of them.
const DUMP_FIELDS_MIN: u32 = 8;
/// Numbers in one row that are data by themselves.
pub(crate) const ROW_NUMBERS_MIN: u32 = 128;
/// Digits of an index that are looked at.
const INDEX_DIGITS_MAX: usize = 18;
/// Fields of a line that are looked at.
const FIELDS_MAX: u32 = 4096;
/// Bytes of a line above rows that are looked at.
const HEADING_MAX_BYTES: usize = 512;

/// Words above rows that are results, and no data.
const RESULTS: [&str; 22] = [
    "epoch",
    "iter",
    "loss",
    "acc",
    "precision",
    "recall",
    "f1",
    "auc",
    "rmse",
    "mae",
    "mse",
    "score",
    "metric",
    "support",
    "predicted",
    "actual",
    "grad",
    "error",
    "gpu",
    "memory",
    "swpd",
    "params",
];

/// What rows turn out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A table with an index.
    Table,
    /// Rows of numbers.
    Numbers,
}

/// Rows being read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    heading: Vec<u8>,
    count: u32,
    fields: u32,
    /// The next index, where rows have one that began with 0.
    index: Option<u64>,
    all_numbers: bool,
    /// The line of the first.
    first_line: u64,
}

/// One line in fields.
struct Line {
    fields: u32,
    numbers: u32,
    first: Option<u64>,
}

impl Rows {
    /// Reads a line that begins with a number, or seems to. Returns what the rows are once
    /// that is known, and the line of the first.
    pub(crate) fn read(&mut self, line: &[u8], number: u64) -> Option<(Kind, u64)> {
        let Some(found) = fields_of(line) else {
            self.heading(line);
            return None;
        };
        let numbers = found.numbers == found.fields;
        let goes_on = self.count > 0 && found.fields == self.fields;
        if !goes_on {
            self.count = 0;
            self.fields = found.fields;
            self.index = (found.first == Some(0)).then_some(0);
            self.all_numbers = true;
            self.first_line = number;
        }
        self.count += 1;
        self.all_numbers &= numbers;
        // All but the index may be text; a table of data has some numbers.
        self.index = self
            .index
            .filter(|next| found.first == Some(*next) && found.numbers > TABLE_FIELDS_MIN - 1)
            .map(|next| next + 1);
        if numbers && found.fields >= ROW_NUMBERS_MIN {
            return Some((Kind::Numbers, self.first_line));
        }
        let enough = self.count >= TABLE_ROWS_MIN && self.fields >= TABLE_FIELDS_MIN;
        if enough && self.index.is_some() && !self.heading.is_empty() && !self.are_results() {
            return Some((Kind::Table, self.first_line));
        }
        let many = self.count >= DUMP_ROWS_MIN && self.fields >= DUMP_FIELDS_MIN;
        (many && self.all_numbers && !self.are_results())
            .then_some((Kind::Numbers, self.first_line))
    }

    /// Whether reading a line is worth it: rows have an index that goes up from 0, or many
    /// fields.
    pub(crate) fn may_be_row(&self, line: &[u8]) -> bool {
        let blank = line.iter().take_while(|byte| **byte == b' ').count();
        let index = line[blank..]
            .iter()
            .take(INDEX_DIGITS_MAX)
            .take_while(|byte| byte.is_ascii_digit())
            .fold(None, |sum: Option<u64>, byte| {
                Some(sum.unwrap_or(0) * 10 + u64::from(byte - b'0'))
            });
        let next = if self.count > 0 { self.index } else { None };
        if index.is_some() && (index == Some(0) || index == next) {
            return true;
        }
        let separators = line.iter().filter(|byte| separates(byte)).count();
        separators + 1 >= DUMP_FIELDS_MIN as usize
    }

    /// A line that is no row: what follows may be rows below it. A blank one changes nothing
    /// of what stands above.
    pub(crate) fn heading(&mut self, line: &[u8]) {
        self.count = 0;
        if !line.trim_ascii().is_empty() {
            self.heading.clear();
            let most = line.len().min(HEADING_MAX_BYTES);
            self.heading.extend_from_slice(&line[..most]);
        }
    }

    fn are_results(&self) -> bool {
        let lower = self.heading.to_ascii_lowercase();
        RESULTS
            .iter()
            .any(|word| memchr::memmem::find(&lower, word.as_bytes()).is_some())
    }
}

fn separates(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b',' | b';' | b'|' | b'\r')
}

/// A line in fields; `None` when its first is no number.
fn fields_of(line: &[u8]) -> Option<Line> {
    let mut found = Line {
        fields: 0,
        numbers: 0,
        first: None,
    };
    for word in line.split(separates).filter(|word| !word.is_empty()) {
        let is_number = is_number(word);
        if found.fields == 0 {
            if !is_number {
                return None;
            }
            found.first = std::str::from_utf8(word)
                .ok()
                .and_then(|word| word.parse().ok());
        }
        found.fields += 1;
        found.numbers += u32::from(is_number);
        if found.fields >= FIELDS_MAX {
            break;
        }
    }
    (found.fields > 0).then_some(found)
}
