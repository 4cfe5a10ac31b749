//! The first rows of a table as plain values, for somebody who chose to show them.
//! This is the one place that returns samples; nothing here prints or logs them.

use std::path::Path;

use serde_json::Value;

use crate::error::{DataError, Result, display};
use crate::format::{Format, check_kind, check_magic};
use crate::rows::{Cell, ColumnHead, Row, RowSink, read};

/// How much a preview may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviewBounds {
    /// Rows at most.
    pub rows: usize,
    /// Columns at most; the first ones.
    pub columns: usize,
    /// Characters of a cell; longer texts end with `…`.
    pub cell_chars: usize,
}

/// The first rows of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preview {
    /// Names of the columns shown.
    pub columns: Vec<String>,
    /// Rows of numbers, texts, booleans and nulls. Lists are told as their length.
    pub rows: Vec<Vec<Value>>,
}

/// Reads the first rows of a table; the rest of the file is not read.
///
/// # Errors
/// Of the part that is read; for formats that are no table of rows.
pub fn preview(path: &Path, format: Format, bounds: PreviewBounds) -> Result<Preview> {
    let file = display(path);
    check_kind(path, &file, format)?;
    if !format.is_folder() {
        check_magic(path, &file, format)?;
    }
    let mut shown = Shown {
        bounds,
        preview: Preview::default(),
        full: false,
    };
    match read(path, &file, format, &mut shown) {
        Err(error) if !shown.full => Err(error),
        _ => Ok(shown.preview),
    }
}

struct Shown {
    bounds: PreviewBounds,
    preview: Preview,
    /// All rows wanted were seen: the reading was ended, not broken.
    full: bool,
}

impl RowSink for Shown {
    fn columns(&mut self, columns: &[ColumnHead]) -> Result<()> {
        let heads = columns.iter().take(self.bounds.columns);
        self.preview.columns = heads
            .map(|head| shortened(&head.name, self.bounds.cell_chars))
            .collect();
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<()> {
        if self.preview.rows.len() >= self.bounds.rows {
            self.full = true;
            return Err(DataError::refused("", "enough rows were read"));
        }
        let cells = row.cells.iter().take(self.bounds.columns);
        let chars = self.bounds.cell_chars;
        let values = cells.map(|cell| value(cell, chars)).collect();
        self.preview.rows.push(values);
        Ok(())
    }
}

fn value(cell: &Cell<'_>, chars: usize) -> Value {
    match *cell {
        Cell::Null => Value::Null,
        Cell::Bool(value) => value.into(),
        Cell::Int(value) => value.into(),
        Cell::UInt(value) => value.into(),
        // JSON has no NaN and no infinity; their names are texts, as on every face.
        Cell::Float(value) if value.is_nan() => "NaN".into(),
        Cell::Float(value) if value.is_infinite() && value > 0.0 => "Infinity".into(),
        Cell::Float(value) if value.is_infinite() => "-Infinity".into(),
        Cell::Float(value) => value.into(),
        Cell::Text(text) => shortened(text, chars).into(),
        Cell::List(numbers) => format!("[{} numbers]", numbers.len()).into(),
        Cell::Other(bytes) => format!("[{} bytes]", bytes.len()).into(),
    }
}

/// At most so many characters, without NUL.
fn shortened(text: &str, chars: usize) -> String {
    let clean = |character| {
        if character == '\0' {
            '\u{fffd}'
        } else {
            character
        }
    };
    if text.chars().count() <= chars {
        return text.chars().map(clean).collect();
    }
    let kept = text.chars().take(chars.saturating_sub(1)).map(clean);
    kept.chain(['\u{2026}']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bounds(rows: usize, columns: usize, cell_chars: usize) -> PreviewBounds {
        PreviewBounds {
            rows,
            columns,
            cell_chars,
        }
    }

    #[test]
    fn the_first_rows_are_shown_and_nothing_after_them_is_read() {
        let folder = tempfile::tempdir().expect("temp folder");
        let path = folder.path().join("data.csv");
        // The last line is broken: a reader that came so far would say so.
        std::fs::write(&path, "a,b\n1,x\n2,\"y\"\n3,z\n4,\"open\n").expect("write");
        let shown = preview(&path, Format::Csv, bounds(2, 9, 9)).expect("a preview");
        assert_eq!(shown.columns, ["a", "b"]);
        assert_eq!(
            shown.rows,
            [[json!("1"), json!("x")], [json!("2"), json!("y")]]
        );
        assert!(preview(&path, Format::Csv, bounds(9, 9, 9)).is_err());
    }

    #[test]
    fn columns_and_cells_are_cut_and_values_stay_plain() {
        let folder = tempfile::tempdir().expect("temp folder");
        let path = folder.path().join("data.jsonl");
        let line = r#"{"n": 1.5, "t": "abcdefgh", "z": 1, "l": [1, 2, 3], "more": null}"#;
        std::fs::write(&path, format!("{line}\n")).expect("write");
        let shown = preview(&path, Format::Jsonl, bounds(5, 4, 5)).expect("a preview");
        // Columns of JSON lines are in the order of their names.
        assert_eq!(shown.columns, ["l", "more", "n", "t"]);
        let row = [
            json!("[3 numbers]"),
            json!(null),
            json!(1.5),
            json!("abcd\u{2026}"),
        ];
        assert_eq!(shown.rows, [row]);
    }

    #[test]
    fn a_folder_has_no_rows_to_show() {
        let folder = tempfile::tempdir().expect("temp folder");
        let refused = preview(folder.path(), Format::Folder, bounds(1, 1, 1));
        assert!(refused.expect_err("no table").to_string().contains("csv"));
    }
}
