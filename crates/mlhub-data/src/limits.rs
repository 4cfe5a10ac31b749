//! Every bound of this crate, by name. Past a bound the answer is [`crate::DataError::Limit`],
//! which names the constant's purpose and value; nothing is ever silently cut off.

/// Rows in one dataset or part file. Row hashes keep 8 bytes per row, so this bounds them to 1.6 GB.
pub const ROWS_MAX: u64 = 200_000_000;

/// Columns of a table, arrays of an NPZ archive.
pub const COLUMNS_MAX: usize = 100_000;

/// Bytes of one text record (a CSV record with its embedded line breaks, a JSON line).
pub const RECORD_BYTES_MAX: u64 = 64 << 20;

/// Bytes of one column name.
pub const COLUMN_NAME_BYTES_MAX: usize = 4096;

/// Bytes of one NPZ row (the product of all dimensions but the first, times the item size).
pub const NPZ_ROW_BYTES_MAX: u64 = 256 << 20;

/// Bytes of one NPZ array that has to be held in memory at once (Fortran order only).
pub const NPZ_FORTRAN_BYTES_MAX: u64 = 4 << 30;

/// Bytes of one NPY header.
pub const NPY_HEADER_BYTES_MAX: u32 = 1 << 20;

/// Files in a folder dataset.
pub const FILES_MAX: usize = 5_000_000;

/// Folder nesting below the root of a folder dataset.
pub const FOLDER_DEPTH_MAX: usize = 64;

/// Distinct values counted exactly per column; above it the count is a lower bound.
pub const DISTINCT_COUNT_MAX: usize = 10_000;

/// Distinct values remembered over all columns of a dataset, 8 bytes each.
pub const DISTINCT_TOTAL_MAX: usize = 20_000_000;

/// Columns of a table whose numeric columns get histograms; a wider table has none. A hub takes
/// descriptions of 3 MiB, and a histogram has up to 350 bytes.
pub const HISTOGRAM_COLUMNS_MAX: usize = 2_000;

/// Classes a stratified split accepts; more means the column is not a class label.
pub const STRATIFY_CLASSES_MAX: usize = 10_000;

/// Parts of a split.
pub const PARTS_MAX: usize = 64;

/// Lines, rows or files an error or a report spells out before it only counts.
pub const EXAMPLES_MAX: usize = 5;

/// Shared rows that a leakage pair lists.
pub const LEAKED_ROWS_LISTED_MAX: usize = 10;

/// Changed rows that a verification lists.
pub const CHANGED_ROWS_LISTED_MAX: usize = 20;

/// Bytes of a prediction file.
pub const PREDICTION_BYTES_MAX: u64 = 4 << 30;

/// Rows of a prediction file.
pub const PREDICTION_ROWS_MAX: u64 = 50_000_000;

/// Score columns (classes) of a prediction file.
pub const PREDICTION_SCORES_MAX: usize = 10_000;

/// Numbers in the score matrix of a prediction file (rows times classes), 8 bytes each.
pub const PREDICTION_CELLS_MAX: u64 = 500_000_000;

/// Bytes that ids, groups, true and predicted values of a prediction file may take when it is read
/// whole: 8 for a number, 40 and its characters for a text. Scores are bounded by
/// [`PREDICTION_CELLS_MAX`].
pub const PREDICTION_HELD_BYTES_MAX: u64 = 4 << 30;

/// Rows of a batch of predictions.
pub const PREDICTION_BATCH_ROWS: usize = 8192;

/// Scores of a batch of predictions after which it ends, if it has fewer rows.
pub const PREDICTION_BATCH_CELLS: usize = 1 << 20;

/// Bytes between two progress reports.
pub const PROGRESS_EVERY_BYTES: u64 = 8 << 20;

/// Rows decoded at a time from a Parquet file.
pub const PARQUET_BATCH_ROWS: usize = 4096;

/// Rows of a Parquet row group that this crate writes; bounds the writer's memory.
pub const PARQUET_ROW_GROUP_ROWS: usize = 65_536;

/// Bytes that the decoded pages of a Parquet row group may declare.
pub const PARQUET_ROW_GROUP_BYTES_MAX: u64 = 16 << 30;
