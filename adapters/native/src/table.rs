//! Reads a CSV split file into numbers, and says exactly where it cannot.

use std::collections::HashMap;
use std::path::Path;

use crate::failure::Failure;

/// Spellings of a missing value, beside the empty cell.
const MISSING: [&str; 6] = ["NA", "N/A", "NaN", "nan", "null", "NULL"];
/// More rows than this are refused rather than read into memory.
const MAX_ROWS: usize = 100_000_000;

/// Which columns of a split are what.
#[derive(Debug, Clone)]
pub(crate) struct Columns<'a> {
    pub(crate) target: &'a str,
    pub(crate) id: Option<&'a str>,
    pub(crate) exclude: &'a [String],
}

/// One split in memory.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    /// Names of the feature columns, in the order of the training file.
    pub(crate) features: Vec<String>,
    /// Feature values, column-major `[features, rows]`; NaN is missing.
    pub(crate) values: Vec<f64>,
    /// Rows.
    pub(crate) rows: usize,
    /// Identifiers of the rows.
    pub(crate) ids: Vec<String>,
    /// Target cells as written.
    pub(crate) target: Vec<String>,
}

impl Table {
    /// Reads a file. With `features` given, those columns are read, wherever
    /// they stand; without, all columns that are neither target, id nor excluded.
    ///
    /// # Errors
    /// [`Failure::Dataset`] with file, row and column; never with a cell.
    pub(crate) fn read(
        path: &Path,
        split: &str,
        columns: &Columns<'_>,
        features: Option<&[String]>,
    ) -> Result<Self, Failure> {
        let at = Place { path, split };
        let mut reader = csv::ReaderBuilder::new()
            .from_path(path)
            .map_err(|error| at.csv(&error))?;
        let header = reader.headers().map_err(|error| at.csv(&error))?.clone();
        let layout = Layout::new(&header, columns, features, &at)?;
        let mut by_row = Vec::new();
        let (mut ids, mut target) = (Vec::new(), Vec::new());
        let mut record = csv::StringRecord::new();
        while reader
            .read_record(&mut record)
            .map_err(|error| at.csv(&error))?
        {
            let row = target.len();
            if row == MAX_ROWS {
                return Err(at.refuse(format!("has more than {MAX_ROWS} rows")));
            }
            for (name, index) in layout.names.iter().zip(&layout.features) {
                by_row.push(cell(&record[*index], name, row, &at)?);
            }
            ids.push(
                layout
                    .id
                    .map_or_else(|| row.to_string(), |id| record[id].to_owned()),
            );
            target.push(target_cell(
                &record[layout.target],
                columns.target,
                row,
                &at,
            )?);
        }
        if target.is_empty() {
            return Err(at.refuse("has no rows"));
        }
        let rows = target.len();
        Ok(Self {
            values: transposed(&by_row, rows, layout.names.len()),
            features: layout.names,
            rows,
            ids,
            target,
        })
    }

    /// The rows at `rows`, in that order.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let values = self
            .values
            .chunks_exact(self.rows)
            .flat_map(|column| rows.iter().map(|row| column[*row]))
            .collect();
        let pick = |cells: &[String]| rows.iter().map(|row| cells[*row].clone()).collect();
        Self {
            features: self.features.clone(),
            values,
            rows: rows.len(),
            ids: pick(&self.ids),
            target: pick(&self.target),
        }
    }

    /// The first missing value: column name and zero-based row.
    pub(crate) fn first_missing(&self) -> Option<(&str, usize)> {
        let index = self.values.iter().position(|value| value.is_nan())?;
        Some((&self.features[index / self.rows], index % self.rows))
    }
}

/// Where the columns stand in a file.
struct Layout {
    names: Vec<String>,
    features: Vec<usize>,
    target: usize,
    id: Option<usize>,
}

impl Layout {
    fn new(
        header: &csv::StringRecord,
        columns: &Columns<'_>,
        features: Option<&[String]>,
        at: &Place<'_>,
    ) -> Result<Self, Failure> {
        let mut places = HashMap::new();
        for (index, name) in header.iter().enumerate() {
            if places.insert(name, index).is_some() {
                return Err(at.refuse(format!("names the column {name:?} twice")));
            }
        }
        let find = |name: &str, what: &str| {
            places
                .get(name)
                .copied()
                .ok_or_else(|| at.refuse(format!("has no column {name:?}, which is the {what}")))
        };
        if let Some(name) = columns
            .exclude
            .iter()
            .find(|name| !places.contains_key(name.as_str()))
        {
            return Err(Failure::config(
                "params.exclude",
                format!("the dataset has no column {name:?}"),
            ));
        }
        let target = find(columns.target, "target")?;
        let id = columns.id.map(|id| find(id, "id column")).transpose()?;
        let names: Vec<String> = match features {
            Some(features) => features.to_vec(),
            None => header
                .iter()
                .filter(|name| *name != columns.target && Some(*name) != columns.id)
                .filter(|name| !columns.exclude.iter().any(|excluded| excluded == name))
                .map(str::to_owned)
                .collect(),
        };
        if names.is_empty() {
            return Err(at.refuse("has no column left to learn from"));
        }
        let features = names
            .iter()
            .map(|name| find(name, "feature of the training split"))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            names,
            features,
            target,
            id,
        })
    }
}

/// The file an error is about.
struct Place<'a> {
    path: &'a Path,
    split: &'a str,
}

impl Place<'_> {
    fn refuse(&self, message: impl AsRef<str>) -> Failure {
        Failure::dataset(
            format!("dataset.splits.{}", self.split),
            format!(
                "split {} ({}) {}",
                self.split,
                self.path.display(),
                message.as_ref()
            ),
        )
    }

    /// What a CSV error says, without quoting the file.
    fn csv(&self, error: &csv::Error) -> Failure {
        let line = error
            .position()
            .map_or_else(String::new, |at| format!(" at line {}", at.line()));
        match error.kind() {
            csv::ErrorKind::Io(cause) => self.refuse(format!("cannot be read: {cause}")),
            csv::ErrorKind::Utf8 { .. } => self.refuse(format!("is not UTF-8{line}")),
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => self.refuse(format!(
                "is ragged{line}: {len} cells where the header has {expected_len}"
            )),
            _ => self.refuse(format!("is not readable CSV{line}")),
        }
    }
}

fn cell(text: &str, column: &str, row: usize, at: &Place<'_>) -> Result<f64, Failure> {
    let text = text.trim();
    if text.is_empty() || MISSING.contains(&text) {
        return Ok(f64::NAN);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(at.refuse(format!(
            "holds an infinite value in column {column:?}, row {row}"
        ))),
        Err(_) => Err(at.refuse(format!(
            "holds text in column {column:?}, row {row}, where a number is needed; \
             encode the column as numbers or name it in params.exclude"
        ))),
    }
}

fn target_cell(text: &str, column: &str, row: usize, at: &Place<'_>) -> Result<String, Failure> {
    let text = text.trim();
    if text.is_empty() || MISSING.contains(&text) {
        return Err(at.refuse(format!("has no target (column {column:?}) in row {row}")));
    }
    Ok(text.to_owned())
}

fn transposed(by_row: &[f64], rows: usize, width: usize) -> Vec<f64> {
    let mut values = Vec::with_capacity(by_row.len());
    for column in 0..width {
        values.extend((0..rows).map(|row| by_row[row * width + column]));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(text: &str, exclude: &[String]) -> Result<Table, Failure> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let columns = Columns {
            target: "y",
            id: None,
            exclude,
        };
        Table::read(file.path(), "train", &columns, None)
    }

    #[test]
    fn values_are_column_major_and_blanks_are_missing() {
        let table = read("a,y,b\n1,x,2\n,z,4\n", &[]).unwrap();
        assert_eq!(table.features, ["a", "b"]);
        assert_eq!(table.values[0], 1.0);
        assert!(table.values[1].is_nan());
        assert_eq!(table.values[2..], [2.0, 4.0]);
        assert_eq!(table.ids, ["0", "1"]);
        assert_eq!(table.first_missing(), Some(("a", 1)));
        assert_eq!(table.select(&[1]).target, ["z"]);
    }

    #[test]
    fn refusals_name_the_place_and_never_the_cell() {
        for (text, needle) in [
            ("a,y\n1,x\nCANARY,x\n", "\"a\", row 1"),
            ("a,y\n1,x,CANARY\n", "ragged at line 2"),
            ("a,a,y\n1,2,x\n", "twice"),
            ("a,b\n1,CANARY\n", "no column \"y\""),
            ("a,y\n", "no rows"),
            ("a,y\nCANARY,\n", "row 0"),
            ("y\nCANARY\n", "no column left"),
            ("a,y\ninf,CANARY\n", "infinite"),
        ] {
            let failure = read(text, &[]).unwrap_err();
            let message = failure.to_string();
            assert!(message.contains(needle), "{message}");
            assert!(!message.contains("CANARY"), "{message}");
            assert_eq!(failure.exit_code(), 65);
        }
    }

    #[test]
    fn an_excluded_column_must_exist() {
        let failure = read("a,y\n1,x\n", &["z".to_owned()]).unwrap_err();
        assert_eq!(failure.field(), Some("params.exclude"));
        assert_eq!(failure.exit_code(), 64);
    }
}
