//! Reading one column of a dataset: class labels and groups for splits, row ids. The values stay
//! inside the program; only class labels are ever named in an error.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use crate::error::{DataError, Place, Result, display};
use crate::format::Format;
use crate::images::CLASS_COLUMN;
use crate::limits::EXAMPLES_MAX;
use crate::npz::Npz;
use crate::number;
use crate::rows::{Cell, ColumnHead, Row, RowSink};

/// A column as codes into its distinct labels, which are in order of first appearance.
pub(crate) struct Coded {
    pub(crate) codes: Vec<u32>,
    pub(crate) labels: Vec<String>,
}

/// The ids of a part file's rows: the values of `id_column`, or each row's position from 0 (the
/// relative path for an image folder).
///
/// # Errors
/// The file cannot be read, the column does not exist or has missing values, or the format has no
/// rows.
pub fn row_ids(path: &Path, format: Format, id_column: Option<&str>) -> Result<Vec<String>> {
    if let Some(column) = id_column {
        let mut ids = Vec::new();
        for_each_value(path, format, column, &mut |value| {
            ids.push(value.to_owned());
            Ok(())
        })?;
        return Ok(ids);
    }
    if format == Format::ImageFolder {
        return Ok(crate::images::list(path)?
            .into_iter()
            .map(|file| file.relative)
            .collect());
    }
    Ok((0..count_rows(path, format)?)
        .map(|row| row.to_string())
        .collect())
}

/// Reads a column as labels; more than `labels_max` distinct ones are refused.
pub(crate) fn coded(path: &Path, format: Format, column: &str, labels_max: usize) -> Result<Coded> {
    let mut coded = Coded {
        codes: Vec::new(),
        labels: Vec::new(),
    };
    let mut known: HashMap<String, u32> = HashMap::new();
    for_each_value(path, format, column, &mut |value| {
        let code = match known.get(value) {
            Some(code) => *code,
            None => {
                let code = u32::try_from(coded.labels.len()).unwrap_or(u32::MAX);
                if coded.labels.len() >= labels_max {
                    let problem = format!(
                        "column `{column}` has more than {labels_max} distinct values; is it a class label?"
                    );
                    return Err(DataError::split(problem));
                }
                known.insert(value.to_owned(), code);
                coded.labels.push(value.to_owned());
                code
            }
        };
        coded.codes.push(code);
        Ok(())
    })?;
    Ok(coded)
}

/// Counts rows; text formats are validated on the way.
pub(crate) fn count_rows(path: &Path, format: Format) -> Result<u64> {
    struct Count(u64);
    impl RowSink for Count {
        fn columns(&mut self, _: &[ColumnHead]) -> Result<()> {
            Ok(())
        }
        fn row(&mut self, _: &Row<'_>) -> Result<()> {
            self.0 += 1;
            Ok(())
        }
    }
    let file = display(path);
    match format {
        Format::Npz => Npz::open(path, &file)?.rows(),
        Format::ImageFolder => Ok(crate::images::list(path)?.len() as u64),
        _ => {
            let mut count = Count(0);
            crate::rows::read(path, &file, format, &mut count)?;
            Ok(count.0)
        }
    }
}

/// The label that a cell stands for; `None` when missing.
pub(crate) fn label<'a>(cell: &Cell<'a>) -> Result<Option<Cow<'a, str>>, &'static str> {
    Ok(match *cell {
        Cell::Null | Cell::Text("") => None,
        Cell::Text(text) => Some(Cow::Borrowed(text)),
        Cell::Bool(value) => Some(Cow::Borrowed(if value { "true" } else { "false" })),
        Cell::Int(value) => Some(Cow::Owned(value.to_string())),
        Cell::UInt(value) => Some(Cow::Owned(value.to_string())),
        Cell::Float(value) => Some(Cow::Owned(number::label(value))),
        Cell::List(_) | Cell::Other(_) => {
            return Err("a list or nested value where one value is needed");
        }
    })
}

/// Missing values of a column: all counted, the first placed.
#[derive(Default)]
pub(crate) struct Missing {
    pub(crate) count: u64,
    first: Vec<Place>,
}

impl Missing {
    pub(crate) fn add(&mut self, place: Place) {
        self.count += 1;
        if self.first.len() < EXAMPLES_MAX {
            self.first.push(place);
        }
    }

    /// An error when anything is missing.
    pub(crate) fn check(self, file: &str, column: &str) -> Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        Err(DataError::MissingValues {
            file: file.to_owned(),
            column: column.to_owned(),
            count: self.count,
            first: self.first,
        })
    }
}

struct OneColumn<'a> {
    file: &'a str,
    name: &'a str,
    position: usize,
    missing: Missing,
    /// What stands for a missing value; they are refused when absent.
    missing_as: Option<&'static str>,
    each: &'a mut dyn FnMut(&str) -> Result<()>,
}

impl OneColumn<'_> {
    fn take(&mut self, place: Place, cell: &Cell<'_>) -> Result<()> {
        let problem = |problem| {
            DataError::malformed(
                self.file,
                place,
                format!("column `{}`: {problem}", self.name),
            )
        };
        match label(cell)
            .map_err(problem)?
            .or_else(|| self.missing_as.map(std::borrow::Cow::Borrowed))
        {
            Some(value) => (self.each)(&value),
            None => {
                self.missing.add(place);
                Ok(())
            }
        }
    }
}

impl RowSink for OneColumn<'_> {
    fn columns(&mut self, columns: &[ColumnHead]) -> Result<()> {
        self.position = columns
            .iter()
            .position(|column| column.name == self.name)
            .ok_or_else(|| {
                DataError::unknown_column(
                    self.file,
                    self.name,
                    columns.iter().map(|column| column.name.as_str()),
                )
            })?;
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<()> {
        self.take(row.place, &row.cells[self.position])
    }
}

fn for_each_value(
    path: &Path,
    format: Format,
    name: &str,
    each: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    for_each_value_or(path, format, name, None, each)
}

/// As [`for_each_value`], with something else for missing values, which are refused otherwise.
pub(crate) fn for_each_value_or(
    path: &Path,
    format: Format,
    name: &str,
    missing_as: Option<&'static str>,
    each: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    let file = display(path);
    let mut column = OneColumn {
        file: &file,
        name,
        position: 0,
        missing: Missing::default(),
        missing_as,
        each,
    };
    match format {
        Format::Npz => {
            let mut npz = Npz::open(path, &file)?;
            npz.rows()?;
            let array = npz.array(name)?;
            if array.header.shape.len() != 1 {
                return Err(DataError::refused(
                    &file,
                    format!(
                        "array `{name}` has shape {:?}; one value per row is needed",
                        array.header.shape
                    ),
                ));
            }
            npz.for_each_cells(&array, &mut |row, _, cell| {
                column.take(Place::Row(row), cell)
            })?;
        }
        Format::ImageFolder => {
            if name != CLASS_COLUMN {
                return Err(DataError::unknown_column(
                    &file,
                    name,
                    [CLASS_COLUMN].into_iter(),
                ));
            }
            for image in crate::images::list(path)? {
                (column.each)(crate::images::class(&image.relative).unwrap_or_default())?;
            }
        }
        _ => crate::rows::read(path, &file, format, &mut column)?,
    }
    column.missing.check(&file, name)
}
