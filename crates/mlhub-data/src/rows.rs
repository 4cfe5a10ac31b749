//! What every tabular format is read as: a stream of rows of cells, and the canonical form of a
//! row that its hash is taken of. Which bytes a cell came from is the format modules' business.

use std::path::Path;

use crate::error::{DataError, Place, Result};
use crate::format::Format;
use crate::limits::{COLUMN_NAME_BYTES_MAX, COLUMNS_MAX};

/// One value of one row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell<'a> {
    /// Absent.
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number above `i64::MAX`.
    UInt(u64),
    Float(f64),
    Text(&'a str),
    /// A list of numbers.
    List(&'a [f64]),
    /// Anything else, in a canonical byte form.
    Other(&'a [u8]),
}

/// One row.
pub(crate) struct Row<'a> {
    /// Position among the rows, from 0.
    pub(crate) index: u64,
    pub(crate) place: Place,
    pub(crate) cells: &'a [Cell<'a>],
}

/// What a table says about a column before its rows are read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ColumnHead {
    pub(crate) name: String,
    /// dtype that the file declares; `None` where it follows from the values.
    pub(crate) dtype: Option<String>,
}

/// Takes the rows of a table, in order.
pub(crate) trait RowSink {
    /// Called once, before any row.
    fn columns(&mut self, columns: &[ColumnHead]) -> Result<()>;
    /// Called for each row.
    fn row(&mut self, row: &Row<'_>) -> Result<()>;
}

/// Streams a table file into `sink`.
pub(crate) fn read(path: &Path, file: &str, format: Format, sink: &mut dyn RowSink) -> Result<()> {
    match format {
        Format::Csv => crate::csv::read(crate::files::open_buffered(path, file)?, file, sink),
        Format::Jsonl => crate::jsonl::read(crate::files::open_buffered(path, file)?, file, sink),
        Format::Parquet => crate::parquet::read(path, file, sink),
        Format::Npz | Format::ImageFolder | Format::Folder => Err(DataError::refused(
            file,
            format!("format {format} is not a table of rows; use csv, parquet or jsonl"),
        )),
    }
}

/// Refuses names that are empty, repeated or too long, and too many of them.
pub(crate) fn check_names<'a>(
    file: &str,
    names: impl ExactSizeIterator<Item = &'a str>,
) -> Result<()> {
    if names.len() > COLUMNS_MAX {
        return Err(DataError::limit(file, "columns", COLUMNS_MAX));
    }
    let header = |problem: String| DataError::Header {
        file: file.to_owned(),
        problem,
    };
    let mut seen = std::collections::HashMap::new();
    for (position, name) in names.enumerate() {
        let position = position + 1;
        if name.trim().is_empty() {
            return Err(header(format!(
                "column {position} has no name; give every column a name"
            )));
        }
        if name.len() > COLUMN_NAME_BYTES_MAX {
            return Err(header(format!(
                "the name of column {position} is longer than {COLUMN_NAME_BYTES_MAX} bytes"
            )));
        }
        if let Some(first) = seen.insert(name, position) {
            return Err(header(format!(
                "columns {first} and {position} are both named `{name}`; rename one"
            )));
        }
    }
    Ok(())
}

/// Computes row hashes: the first 8 bytes of a domain-separated BLAKE3 over the canonical form of
/// a row's cells (see [`encode`]), the same for the same values in any file.
pub(crate) struct RowHasher {
    template: blake3::Hasher,
    buffer: Vec<u8>,
}

/// Frozen: changing the canonical form means a new version here.
const ROW_CONTEXT: &str = "mlhub-data row v1";

impl RowHasher {
    pub(crate) fn new() -> Self {
        Self {
            template: blake3::Hasher::new_derive_key(ROW_CONTEXT),
            buffer: Vec::new(),
        }
    }

    /// The hash of a row given as cells.
    pub(crate) fn cells(&mut self, cells: &[Cell<'_>]) -> [u8; 8] {
        self.buffer.clear();
        for cell in cells {
            encode(cell, &mut self.buffer);
        }
        hash8(&self.template, &self.buffer)
    }

    /// The hash of a row given in canonical form.
    pub(crate) fn bytes(&self, canonical: &[u8]) -> [u8; 8] {
        hash8(&self.template, canonical)
    }
}

fn hash8(template: &blake3::Hasher, bytes: &[u8]) -> [u8; 8] {
    let mut hasher = template.clone();
    hasher.update(bytes);
    let mut out = [0; 8];
    hasher.finalize_xof().fill(&mut out);
    out
}

/// Appends the canonical form: a tag byte, then the value, little-endian, with a length before
/// anything of variable size. All NaNs are one value.
pub(crate) fn encode(cell: &Cell<'_>, out: &mut Vec<u8>) {
    match *cell {
        Cell::Null => out.push(0),
        Cell::Bool(value) => out.extend([1, u8::from(value)]),
        Cell::Int(value) => tagged(out, 2, value.to_le_bytes()),
        Cell::UInt(value) => match i64::try_from(value) {
            Ok(value) => tagged(out, 2, value.to_le_bytes()),
            Err(_) => tagged(out, 3, value.to_le_bytes()),
        },
        Cell::Float(value) => tagged(out, 4, float_bytes(value)),
        Cell::Text(text) => {
            tagged(out, 5, (text.len() as u64).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        Cell::Other(bytes) => {
            tagged(out, 6, (bytes.len() as u64).to_le_bytes());
            out.extend_from_slice(bytes);
        }
        Cell::List(values) => {
            tagged(out, 7, (values.len() as u64).to_le_bytes());
            for value in values {
                out.extend(float_bytes(*value));
            }
        }
    }
}

fn tagged(out: &mut Vec<u8>, tag: u8, bytes: [u8; 8]) {
    out.push(tag);
    out.extend(bytes);
}

fn float_bytes(value: f64) -> [u8; 8] {
    let value = if value.is_nan() { f64::NAN } else { value };
    value.to_bits().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_cells_cannot_be_confused() {
        let mut hasher = RowHasher::new();
        let rows: [&[Cell<'_>]; 9] = [
            &[Cell::Text("ab"), Cell::Text("c")],
            &[Cell::Text("a"), Cell::Text("bc")],
            &[Cell::Text("abc")],
            &[Cell::Null],
            &[Cell::Text("")],
            &[Cell::Int(1)],
            &[Cell::Float(1.0)],
            &[Cell::Bool(true)],
            &[Cell::List(&[1.0])],
        ];
        let hashes: std::collections::HashSet<_> =
            rows.iter().map(|row| hasher.cells(row)).collect();
        assert_eq!(hashes.len(), rows.len());
    }

    #[test]
    fn row_hash_is_frozen() {
        let mut hasher = RowHasher::new();
        let row = [
            Cell::Null,
            Cell::Int(-1),
            Cell::Float(f64::NAN),
            Cell::Text("å"),
            Cell::UInt(u64::MAX),
        ];
        assert_eq!(
            u64::from_le_bytes(hasher.cells(&row)),
            13_582_991_520_051_188_936
        );
    }
}
