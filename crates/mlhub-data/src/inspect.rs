//! Inspection: one pass that validates a dataset completely and yields its fingerprint, row
//! hashes and statistics. Splitting and comparing are elsewhere.

use std::fmt;
use std::io::BufReader;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Result, display};
use crate::files::{
    BUFFER_BYTES, FileEntry, HashingReader, Meter, Progress, check_stamp, file_name, fingerprint,
    hash_file, stamp, walk,
};
use crate::format::{Format, check_kind, check_magic};
use crate::row_hashes::RowHashes;
use crate::rows::{ColumnHead, Row, RowHasher, RowSink};
use crate::stats::{Accumulator, Column};

/// All that is known about a dataset's content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Inspection {
    /// How it is stored.
    pub format: Format,
    /// Rows (images for an image folder); `None` for a plain folder.
    pub rows: Option<u64>,
    /// Size of all files.
    pub size_bytes: u64,
    /// Columns with their statistics.
    pub columns: Vec<Column>,
    /// Files, in order of path.
    pub files: Vec<FileEntry>,
    /// Content fingerprint, `v1:` and 64 hexadecimal digits. Does not depend on times, nor on the
    /// name of a single-file dataset.
    pub fingerprint: String,
    /// One hash per row; empty for a plain folder.
    #[serde(default, skip_serializing_if = "RowHashes::is_empty")]
    pub row_hashes: RowHashes,
}

/// What a log may say about a dataset: shapes, dtypes and statistics, never a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Facts {
    /// How it is stored.
    pub format: Format,
    /// Rows; `None` for a plain folder.
    pub rows: Option<u64>,
    /// Number of files.
    pub files: u64,
    /// Size of all files.
    pub size_bytes: u64,
    /// Content fingerprint.
    pub fingerprint: String,
    /// Columns with their statistics.
    pub columns: Vec<Column>,
}

impl From<&Inspection> for Facts {
    fn from(inspection: &Inspection) -> Self {
        Self {
            format: inspection.format,
            rows: inspection.rows,
            files: inspection.files.len() as u64,
            size_bytes: inspection.size_bytes,
            fingerprint: inspection.fingerprint.clone(),
            columns: inspection.columns.clone(),
        }
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.format)?;
        if let Some(rows) = self.rows {
            write!(f, "{rows} rows, {} columns, ", self.columns.len())?;
        }
        write!(
            f,
            "{} files, {} bytes, {}",
            self.files, self.size_bytes, self.fingerprint
        )?;
        for column in &self.columns {
            write!(
                f,
                "\n  {} {}{:?} nulls={} distinct{}{}",
                column.name,
                column.dtype,
                column.shape,
                column.nulls,
                if column.distinct_capped { ">=" } else { "=" },
                column.distinct
            )?;
            if let (Some(min), Some(max), Some(mean), Some(std)) =
                (column.min, column.max, column.mean, column.std)
            {
                write!(f, " min={min} max={max} mean={mean} std={std}")?;
            }
        }
        Ok(())
    }
}

/// Validates a dataset to its last byte and describes its content. `format: None` detects it.
/// `progress` is told the start, the end, and every 8 MiB between.
///
/// # Errors
/// Everything that makes the dataset unusable, named with file, line or row, and remedy; see
/// [`crate::DataError`].
pub fn inspect(
    path: &Path,
    format: Option<Format>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Inspection> {
    let file = display(path);
    let format = match format {
        Some(format) => {
            check_kind(path, &file, format)?;
            if !format.is_folder() {
                check_magic(path, &file, format)?;
            }
            format
        }
        None => Format::detect(path)?,
    };
    match format {
        Format::Csv | Format::Jsonl => inspect_text(path, &file, format, progress),
        Format::Parquet | Format::Npz => inspect_binary(path, &file, format, progress),
        Format::ImageFolder | Format::Folder => inspect_folder(path, format, progress),
    }
}

/// Inspects a dataset for what a log may say about it.
///
/// # Errors
/// As [`inspect`].
pub fn describe(path: &Path, format: Option<Format>) -> Result<Facts> {
    Ok(Facts::from(&inspect(path, format, &mut |_| {})?))
}

/// Statistics and hashes of the rows that pass.
#[derive(Default)]
struct Survey {
    is_textual: bool,
    columns: Vec<Accumulator>,
    hasher: Option<RowHasher>,
    hashes: RowHashes,
}

impl RowSink for Survey {
    fn columns(&mut self, columns: &[ColumnHead]) -> Result<()> {
        let total = columns.len();
        self.columns = columns
            .iter()
            .map(|head| Accumulator::new(head.clone(), self.is_textual, total))
            .collect();
        self.hasher = Some(RowHasher::new());
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(row.cells) {
            column.add(cell);
        }
        if let Some(hasher) = &mut self.hasher {
            self.hashes.push(hasher.cells(row.cells));
        }
        Ok(())
    }
}

impl Survey {
    fn finish(self, format: Format, entry: FileEntry) -> Inspection {
        let columns = self.columns.into_iter().map(Accumulator::finish).collect();
        table(format, entry, columns, self.hashes)
    }
}

fn table(
    format: Format,
    entry: FileEntry,
    columns: Vec<Column>,
    row_hashes: RowHashes,
) -> Inspection {
    let files = vec![entry];
    Inspection {
        format,
        rows: Some(row_hashes.len() as u64),
        size_bytes: files[0].size_bytes,
        columns,
        fingerprint: fingerprint(&files, true),
        files,
        row_hashes,
    }
}

/// Hashes the bytes and reads the rows in one pass.
fn inspect_text(
    path: &Path,
    file: &str,
    format: Format,
    progress: &mut dyn FnMut(Progress),
) -> Result<Inspection> {
    let before = stamp(path, file)?;
    let mut meter = Meter::new(before.len(), progress);
    let hashing = HashingReader::open(path, file, &mut meter)?;
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, hashing);
    let mut survey = Survey {
        is_textual: format == Format::Csv,
        ..Survey::default()
    };
    if format == Format::Csv {
        crate::csv::read(&mut reader, file, &mut survey)?;
    } else {
        crate::jsonl::read(&mut reader, file, &mut survey)?;
    }
    let (size_bytes, hash) = reader.into_inner().finish();
    check_stamp(path, file, &before)?;
    meter.finish();
    Ok(survey.finish(
        format,
        FileEntry {
            path: file_name(path),
            size_bytes,
            hash,
        },
    ))
}

/// Hashes the bytes first, then reads the rows: these formats are not read front to back.
fn inspect_binary(
    path: &Path,
    file: &str,
    format: Format,
    progress: &mut dyn FnMut(Progress),
) -> Result<Inspection> {
    let before = stamp(path, file)?;
    let mut meter = Meter::new(before.len().saturating_mul(2), progress);
    let entry = hash_file(path, file_name(path), &mut meter)?;
    let inspection = if format == Format::Parquet {
        let mut survey = Survey::default();
        crate::parquet::read(path, file, &mut survey)?;
        survey.finish(format, entry)
    } else {
        let (columns, hashes) = crate::npz::scan(path, file, &mut |bytes| meter.add(bytes))?;
        table(format, entry, columns, hashes)
    };
    check_stamp(path, file, &before)?;
    meter.finish();
    Ok(inspection)
}

fn inspect_folder(
    path: &Path,
    format: Format,
    progress: &mut dyn FnMut(Progress),
) -> Result<Inspection> {
    let found = walk(path)?;
    let size_bytes = found.iter().map(|file| file.size_bytes).sum();
    let mut meter = Meter::new(size_bytes, progress);
    let (files, columns, row_hashes) = if format == Format::ImageFolder {
        let (files, column, hashes) = crate::images::scan(path, &found, &mut meter)?;
        (files, vec![column], hashes)
    } else {
        let files = found
            .iter()
            .map(|file| hash_file(&file.path, file.relative.clone(), &mut meter))
            .collect::<Result<_>>()?;
        (files, Vec::new(), RowHashes::default())
    };
    meter.finish();
    Ok(Inspection {
        format,
        rows: (format == Format::ImageFolder).then_some(row_hashes.len() as u64),
        size_bytes,
        columns,
        fingerprint: fingerprint(&files, false),
        files,
        row_hashes,
    })
}

/// Hashes the files of a dataset without reading their rows: enough for its fingerprint.
pub(crate) fn list_files(path: &Path, format: Format) -> Result<Vec<FileEntry>> {
    check_kind(path, &display(path), format)?;
    let mut ignore = |_| {};
    if !format.is_folder() {
        let mut meter = Meter::new(0, &mut ignore);
        return Ok(vec![hash_file(path, file_name(path), &mut meter)?]);
    }
    let mut meter = Meter::new(0, &mut ignore);
    walk(path)?
        .iter()
        .map(|file| hash_file(&file.path, file.relative.clone(), &mut meter))
        .collect()
}

/// The fingerprint and the size of a dataset.
pub(crate) fn quick_fingerprint(path: &Path, format: Format) -> Result<(String, u64)> {
    let files = list_files(path, format)?;
    Ok((
        fingerprint(&files, !format.is_folder()),
        files.iter().map(|file| file.size_bytes).sum(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::DataError;

    #[test]
    fn a_missing_file_is_named() {
        let error = inspect(Path::new("no/such.csv"), None, &mut |_| {}).unwrap_err();
        assert!(
            matches!(&error, DataError::Io { file, .. } if file == "no/such.csv"),
            "{error}"
        );
    }
}
