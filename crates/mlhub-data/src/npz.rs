//! NPZ archives: opening and validating them, streaming the rows of an array, statistics and row
//! hashes, and writing. Nothing is ever unpickled, and no name in the archive becomes a path.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::error::{DataError, Place, Result};
use crate::files::BUFFER_BYTES;
use crate::limits::{COLUMNS_MAX, NPZ_FORTRAN_BYTES_MAX, NPZ_ROW_BYTES_MAX, ROWS_MAX};
use crate::npy::Header;
use crate::row_hashes::RowHashes;
use crate::rows::{Cell, RowHasher, check_names, encode};
use crate::stats::{Column, Distinct, Moments};

/// An array in the archive.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    pub(crate) name: String,
    index: usize,
    pub(crate) header: Header,
}

/// An open archive, arrays in order of name.
pub(crate) struct Npz {
    pub(crate) file: String,
    archive: ZipArchive<BufReader<File>>,
    pub(crate) arrays: Vec<Array>,
}

impl Npz {
    /// Opens an archive and reads all headers.
    pub(crate) fn open(path: &Path, file: &str) -> Result<Self> {
        let handle = File::open(path).map_err(|e| DataError::io(file, "open", e))?;
        let mut archive =
            ZipArchive::new(BufReader::with_capacity(BUFFER_BYTES, handle)).map_err(|e| {
                DataError::corrupt(file, format!("zip archive: {e}; the file may be cut short"))
            })?;
        if archive.len() > COLUMNS_MAX {
            return Err(DataError::limit(file, "arrays", COLUMNS_MAX));
        }
        let mut arrays = Vec::new();
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(|e| zip_error(file, e))?;
            let name = entry.name().map_err(|e| zip_error(file, e))?.into_owned();
            let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else {
                return Err(DataError::refused(
                    file,
                    format!("`{name}` in the archive is not an .npy array; remove it"),
                ));
            };
            let header = Header::read(&mut entry).map_err(|problem| {
                DataError::refused(file, format!("array `{name}`: {problem}"))
            })?;
            arrays.push(Array {
                name,
                index,
                header,
            });
        }
        arrays.sort_by(|a, b| a.name.cmp(&b.name));
        if arrays.is_empty() {
            return Err(DataError::Empty {
                file: file.to_owned(),
                problem: "the archive holds no arrays",
            });
        }
        check_names(file, arrays.iter().map(|array| array.name.as_str()))?;
        Ok(Self {
            file: file.to_owned(),
            archive,
            arrays,
        })
    }

    pub(crate) fn array(&self, name: &str) -> Result<Array> {
        self.arrays
            .iter()
            .find(|array| array.name == name)
            .cloned()
            .ok_or_else(|| {
                DataError::unknown_column(
                    &self.file,
                    name,
                    self.arrays.iter().map(|array| array.name.as_str()),
                )
            })
    }

    /// The number of rows that all arrays agree on.
    pub(crate) fn rows(&self) -> Result<u64> {
        let mut agreed: Option<(&str, u64)> = None;
        for array in &self.arrays {
            let Some(rows) = array.header.rows() else {
                let problem = format!(
                    "array `{}` is a single value without rows; leave it out or repeat it per row",
                    array.name
                );
                return Err(DataError::refused(&self.file, problem));
            };
            match agreed {
                None => agreed = Some((&array.name, rows)),
                Some((_, known)) if known == rows => {}
                Some((first, known)) => {
                    let problem = format!(
                        "first dimensions disagree: `{first}` has {known} rows, `{}` has {rows} (shape {:?}); every array needs one row per example",
                        array.name, array.header.shape
                    );
                    return Err(DataError::refused(&self.file, problem));
                }
            }
        }
        match agreed.map_or(0, |(_, rows)| rows) {
            0 => Err(DataError::Empty {
                file: self.file.clone(),
                problem: "the arrays have no rows",
            }),
            rows if rows > ROWS_MAX => Err(DataError::limit(&self.file, "rows", ROWS_MAX)),
            rows => Ok(rows),
        }
    }

    /// Calls `each` with every row of an array, elements in C order, and checks that the array is
    /// exactly as long as its header says.
    pub(crate) fn for_each_row(
        &mut self,
        array: &Array,
        each: &mut dyn FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let file = self.file.clone();
        let damaged =
            |problem: &str| DataError::corrupt(&file, format!("array `{}`: {problem}", array.name));
        let header = &array.header;
        let rows = header.rows().unwrap_or(1);
        let row_bytes = header
            .row_bytes()
            .filter(|bytes| *bytes <= NPZ_ROW_BYTES_MAX);
        let row_bytes = row_bytes.ok_or_else(|| {
            DataError::limit(&file, "bytes in one row of an array", NPZ_ROW_BYTES_MAX)
        })?;
        if rows > ROWS_MAX {
            return Err(DataError::limit(&file, "rows", ROWS_MAX));
        }
        let mut entry = self
            .archive
            .by_index(array.index)
            .map_err(|e| zip_error(&file, e))?;
        Header::read(&mut entry).map_err(|problem| damaged(&problem))?;
        let read_error = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                damaged("fewer bytes than its header says; the file may be cut short")
            }
            _ => damaged(&e.to_string()),
        };
        if header.is_fortran && header.shape.len() > 1 {
            let bytes = rows * row_bytes;
            if bytes > NPZ_FORTRAN_BYTES_MAX {
                return Err(DataError::limit(
                    &file,
                    "bytes of an array in Fortran order (save it in C order)",
                    NPZ_FORTRAN_BYTES_MAX,
                ));
            }
            let mut all = Vec::new();
            entry
                .by_ref()
                .take(bytes)
                .read_to_end(&mut all)
                .map_err(read_error)?;
            if all.len() as u64 != bytes {
                return Err(damaged(
                    "fewer bytes than its header says; the file may be cut short",
                ));
            }
            fortran_rows(header, &all, each)?;
        } else {
            let mut row = vec![0; row_bytes as usize];
            for index in 0..rows {
                entry.read_exact(&mut row).map_err(read_error)?;
                each(index, &row)?;
            }
        }
        match entry.read(&mut [0]).map_err(read_error)? {
            0 => Ok(()),
            _ => Err(damaged("more bytes than its header says")),
        }
    }

    /// Calls `each` with the place and the elements of every row of an array.
    pub(crate) fn for_each_cells(
        &mut self,
        array: &Array,
        each: &mut dyn FnMut(u64, usize, &Cell<'_>) -> Result<()>,
    ) -> Result<()> {
        let (file, dtype) = (self.file.clone(), array.header.dtype.clone());
        let mut text = String::new();
        self.for_each_row(array, &mut |row, bytes| {
            for (position, element) in elements(bytes, dtype.item_bytes).enumerate() {
                let cell = dtype.cell(element, &mut text).map_err(|problem| {
                    DataError::malformed(
                        &file,
                        Place::Row(row),
                        format!("array `{}`: {problem}", array.name),
                    )
                })?;
                each(row, position, &cell)?;
            }
            Ok(())
        })
    }
}

/// Splits a row into elements; elements of no bytes (empty strings) count as one per row.
fn elements(bytes: &[u8], item_bytes: usize) -> Box<dyn Iterator<Item = &[u8]> + '_> {
    if item_bytes == 0 {
        Box::new(std::iter::once(bytes))
    } else {
        Box::new(bytes.chunks_exact(item_bytes))
    }
}

/// Gathers the rows of an array in Fortran order, where the first index runs fastest.
fn fortran_rows(
    header: &Header,
    all: &[u8],
    each: &mut dyn FnMut(u64, &[u8]) -> Result<()>,
) -> Result<()> {
    let item = header.dtype.item_bytes;
    let shape: Vec<usize> = header.shape.iter().map(|n| *n as usize).collect();
    let rows = shape[0];
    let per_row: usize = shape[1..].iter().product();
    // For each element of a row in C order: its offset in units of `rows` items.
    let offsets: Vec<usize> = (0..per_row)
        .map(|position| {
            let (mut rest, mut offset) = (position, 0);
            for axis in (1..shape.len()).rev() {
                let stride: usize = shape[1..axis].iter().product();
                offset += (rest % shape[axis]) * stride;
                rest /= shape[axis];
            }
            offset
        })
        .collect();
    let mut row_buffer = Vec::with_capacity(per_row * item);
    for row in 0..rows {
        row_buffer.clear();
        for offset in &offsets {
            let start = (offset * rows + row) * item;
            row_buffer.extend_from_slice(&all[start..start + item]);
        }
        each(row as u64, &row_buffer)?;
    }
    Ok(())
}

fn zip_error(file: &str, error: zip::result::ZipError) -> DataError {
    DataError::corrupt(file, format!("zip archive: {error}"))
}

/// Validates an archive to its last byte: statistics and row hashes.
pub(crate) fn scan(
    path: &Path,
    file: &str,
    progress: &mut dyn FnMut(u64),
) -> Result<(Vec<Column>, RowHashes)> {
    let mut npz = Npz::open(path, file)?;
    let rows = npz.rows()?;
    let arrays = npz.arrays.clone();
    // One chained hash per row, extended array by array in order of name.
    let mut chain: Vec<[u8; 8]> = Vec::new();
    let hasher = RowHasher::new();
    let mut columns = Vec::new();
    for array in &arrays {
        columns.push(scan_array(
            &mut npz,
            array,
            arrays.len(),
            &mut chain,
            &hasher,
        )?);
        progress(array.header.row_bytes().unwrap_or(0).saturating_mul(rows));
    }
    let mut hashes = RowHashes::default();
    chain.into_iter().for_each(|hash| hashes.push(hash));
    Ok((columns, hashes))
}

fn scan_array(
    npz: &mut Npz,
    array: &Array,
    arrays_total: usize,
    chain: &mut Vec<[u8; 8]>,
    hasher: &RowHasher,
) -> Result<Column> {
    let (file, dtype) = (npz.file.clone(), array.header.dtype.clone());
    let mut distinct = Distinct::new(arrays_total);
    let mut moments = Moments::new(arrays_total);
    let mut text = String::new();
    let mut canonical = Vec::new();
    npz.for_each_row(array, &mut |row, bytes| {
        canonical.clear();
        let row_index = usize::try_from(row).unwrap_or(usize::MAX);
        match chain.get(row_index) {
            Some(previous) => canonical.extend_from_slice(previous),
            None => chain.push([0; 8]),
        }
        for element in elements(bytes, dtype.item_bytes) {
            let cell = dtype.cell(element, &mut text).map_err(|problem| {
                DataError::malformed(
                    &file,
                    Place::Row(row),
                    format!("array `{}`: {problem}", array.name),
                )
            })?;
            match cell {
                Cell::Int(value) => moments.add(value as f64),
                Cell::UInt(value) => moments.add(value as f64),
                Cell::Float(value) => moments.add(value),
                _ => {}
            }
            distinct.add(&cell);
            encode(&cell, &mut canonical);
        }
        chain[row_index] = hasher.bytes(&canonical);
        Ok(())
    })?;
    let shape = array.header.shape[1..].to_vec();
    Ok(moments.into_column(array.name.clone(), dtype.name(), shape, 0, &distinct))
}

/// Writes archives: arrays are stored uncompressed and without times, so that the bytes depend on
/// the content alone.
pub(crate) struct NpzWriter {
    file: String,
    zip: ZipWriter<BufWriter<File>>,
}

impl NpzWriter {
    pub(crate) fn create(path: &Path, file: &str) -> Result<Self> {
        let handle = File::create(path).map_err(|e| DataError::io(file, "create", e))?;
        let zip = ZipWriter::new(BufWriter::with_capacity(BUFFER_BYTES, handle));
        Ok(Self {
            file: file.to_owned(),
            zip,
        })
    }

    /// Starts an array; its rows follow by [`Self::row`].
    pub(crate) fn start(&mut self, name: &str, header: &Header) -> Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default())
            .large_file(true);
        self.zip
            .start_file(format!("{name}.npy"), options)
            .map_err(|e| self.error(std::io::Error::other(e)))?;
        self.row(&header.to_bytes())
    }

    pub(crate) fn row(&mut self, bytes: &[u8]) -> Result<()> {
        self.zip.write_all(bytes).map_err(|e| self.error(e))
    }

    pub(crate) fn finish(self) -> Result<()> {
        let file = self.file;
        let mut inner = self
            .zip
            .finish()
            .map_err(|e| DataError::io(&file, "write", std::io::Error::other(e)))?;
        inner.flush().map_err(|e| DataError::io(&file, "write", e))
    }

    fn error(&self, source: std::io::Error) -> DataError {
        DataError::io(&self.file, "write", source)
    }
}
