//! Parquet: opening, streaming rows, and the writer settings of files made here. Which cell an
//! Arrow value becomes is [`crate::parquet_cells`]'s business.
//!
//! The decoder is third-party code fed with files from anywhere, so a panic in it is turned into
//! an error of this crate instead of taking the caller down.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::WriterProperties;

use crate::error::{DataError, Place, Result};
use crate::limits::{
    PARQUET_BATCH_ROWS, PARQUET_ROW_GROUP_BYTES_MAX, PARQUET_ROW_GROUP_ROWS, ROWS_MAX,
};
use crate::parquet_cells::{ColumnReader, RowScratch, dtype};
use crate::rows::{ColumnHead, Row, RowSink, check_names};

/// A Parquet file opened for one pass over its batches.
pub(crate) struct Batches {
    file: String,
    schema: SchemaRef,
    reader: ParquetRecordBatchReader,
}

impl Batches {
    pub(crate) fn open(path: &Path, file: &str) -> Result<Self> {
        let handle = File::open(path).map_err(|e| DataError::io(file, "open", e))?;
        guarded(file, || {
            let builder = ParquetRecordBatchReaderBuilder::try_new(handle)
                .map_err(|e| DataError::corrupt(file, format!("Parquet footer: {e}")))?;
            let metadata = builder.metadata();
            let rows = u64::try_from(metadata.file_metadata().num_rows()).map_err(|_| {
                DataError::corrupt(file, "Parquet footer: a negative number of rows")
            })?;
            if rows > ROWS_MAX {
                return Err(DataError::limit(file, "rows", ROWS_MAX));
            }
            for group in metadata.row_groups() {
                if u64::try_from(group.total_byte_size())
                    .map_or(true, |bytes| bytes > PARQUET_ROW_GROUP_BYTES_MAX)
                {
                    return Err(DataError::limit(
                        file,
                        "bytes in a row group",
                        PARQUET_ROW_GROUP_BYTES_MAX,
                    ));
                }
            }
            check_compression(builder.metadata(), file)?;
            let schema = builder.schema().clone();
            let reader = builder
                .with_batch_size(PARQUET_BATCH_ROWS)
                .build()
                .map_err(|e| DataError::corrupt(file, format!("Parquet: {e}")))?;
            Ok(Self {
                file: file.to_owned(),
                schema,
                reader,
            })
        })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next batch of rows, or `None` at the end.
    pub(crate) fn advance(&mut self) -> Result<Option<RecordBatch>> {
        let (file, reader) = (&self.file, &mut self.reader);
        guarded(file, || {
            reader
                .next()
                .transpose()
                .map_err(|e| DataError::corrupt(file, format!("Parquet data: {e}")))
        })
    }
}

/// Refuses codecs that this build cannot decode before the decoder calls the file damaged.
fn check_compression(metadata: &ParquetMetaData, file: &str) -> Result<()> {
    let chunks = metadata
        .row_groups()
        .iter()
        .flat_map(|group| group.columns());
    for chunk in chunks {
        if !is_supported(chunk.compression()) {
            let problem = format!(
                "column `{}` is compressed with {}; write it with snappy, zstd, gzip or none",
                chunk.column_path().string(),
                chunk.compression()
            );
            return Err(DataError::refused(file, problem));
        }
    }
    Ok(())
}

fn is_supported(compression: Compression) -> bool {
    matches!(
        compression,
        Compression::UNCOMPRESSED
            | Compression::SNAPPY
            | Compression::GZIP(_)
            | Compression::ZSTD(_)
    )
}

/// Runs decoder code; a panic in it becomes [`DataError::Corrupt`].
fn guarded<T>(file: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        Err(DataError::corrupt(
            file,
            "the Parquet decoder gave up on it",
        ))
    })
}

/// Validates a Parquet file to its end and hands its rows to `sink`.
pub(crate) fn read(path: &Path, file: &str, sink: &mut dyn RowSink) -> Result<()> {
    let mut batches = Batches::open(path, file)?;
    let schema = batches.schema().clone();
    check_names(
        file,
        schema.fields().iter().map(|field| field.name().as_str()),
    )?;
    let mut heads = Vec::new();
    for field in schema.fields() {
        let dtype = dtype(field.data_type()).ok_or_else(|| {
            let problem = format!(
                "column `{}` has type {}, which is not supported; store it as numbers, text, dates, lists or structs",
                field.name(),
                field.data_type()
            );
            DataError::refused(file, problem)
        })?;
        heads.push(ColumnHead {
            name: field.name().clone(),
            dtype: Some(dtype),
        });
    }
    sink.columns(&heads)?;
    let mut index = 0;
    while let Some(batch) = batches.advance()? {
        let columns: Vec<ColumnReader> = batch
            .columns()
            .iter()
            .map(ColumnReader::new)
            .collect::<Result<_, _>>()
            .map_err(|e| DataError::corrupt(file, format!("Parquet data: {e}")))?;
        let mut scratch = RowScratch::default();
        for row in 0..batch.num_rows() {
            scratch.load(&columns, row);
            let cells = scratch.cells(&columns, row);
            sink.row(&Row {
                index,
                place: Place::Row(index),
                cells: &cells,
            })?;
            index += 1;
        }
    }
    if index == 0 {
        return Err(DataError::Empty {
            file: file.to_owned(),
            problem: "a schema but no rows",
        });
    }
    Ok(())
}

/// A writer whose output depends on the rows alone.
pub(crate) fn writer(path: &Path, file: &str, schema: SchemaRef) -> Result<ArrowWriter<File>> {
    let handle = File::create(path).map_err(|e| DataError::io(file, "create", e))?;
    let properties = WriterProperties::builder()
        .set_created_by("mlhub-data".to_owned())
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(PARQUET_ROW_GROUP_ROWS))
        .build();
    ArrowWriter::try_new(handle, schema, Some(properties)).map_err(|e| write_error(file, e))
}

pub(crate) fn write_error(file: &str, error: parquet::errors::ParquetError) -> DataError {
    DataError::io(file, "write", std::io::Error::other(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array};

    fn written_with(compression: Compression) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let column: ArrayRef = Arc::new(Int64Array::from(vec![1; 100]));
        let batch = RecordBatch::try_from_iter([("a", column)]).unwrap();
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .build();
        let mut writer =
            ArrowWriter::try_new(file.reopen().unwrap(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        file
    }

    #[test]
    fn every_supported_codec_is_decoded() {
        let codecs = [
            Compression::UNCOMPRESSED,
            Compression::SNAPPY,
            Compression::GZIP(Default::default()),
            Compression::ZSTD(Default::default()),
        ];
        for codec in codecs {
            assert!(is_supported(codec));
            let file = written_with(codec);
            let mut batches = Batches::open(file.path(), "t.parquet").unwrap();
            assert_eq!(
                batches.advance().unwrap().unwrap().num_rows(),
                100,
                "{codec}"
            );
        }
        assert!(!is_supported(Compression::BROTLI(Default::default())));
        assert!(!is_supported(Compression::LZ4_RAW));
    }

    #[test]
    fn a_panic_of_the_decoder_is_an_error() {
        let result: Result<()> = guarded("t.parquet", || panic!("as a decoder bug would"));
        assert!(
            result
                .unwrap_err()
                .to_string()
                .contains("the Parquet decoder gave up on it")
        );
    }
}
