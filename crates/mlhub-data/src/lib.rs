//! Datasets on disk: formats and their validation, content fingerprints, statistics, splits,
//! the leakage guard, and prediction files.
//!
//! This crate does file I/O on the paths it is handed and nothing else: it knows no hub, no
//! HTTP, no database and no other crate of this workspace. Nothing it returns, prints or puts
//! into an error text holds a data sample: shapes, dtypes, counts, row and line numbers, column
//! names and numeric statistics only. The one exception is [`preview`], for who asks to see rows.
//!
//! - [`inspect`] validates a dataset completely and fingerprints it in the same pass.
//! - [`verify`] compares what is on disk with an earlier inspection and names what changed.
//! - [`plan_split`], [`materialise`] and [`leakage`] make the files a run trains and is judged on.
//! - [`read_predictions`] reads what a run predicted.

mod column;
mod copy;
mod csv;
mod error;
mod files;
mod format;
mod histogram;
mod images;
mod inspect;
mod jsonl;
mod label_lists;
mod leakage;
pub mod limits;
mod materialise;
mod nested_json;
mod npy;
mod npz;
mod number;
mod parquet;
mod parquet_cells;
mod predictions;
mod predictions_build;
mod predictions_npz;
mod predictions_numbers;
mod predictions_values;
mod preview;
mod row_hashes;
mod rows;
mod slice_column;
mod split;
mod split_plan;
mod stats;
mod verify;

pub use column::row_ids;
pub use error::{DataError, Place, RaggedLine, Result};
pub use files::{FileEntry, Progress};
pub use format::Format;
pub use histogram::Histogram;
pub use inspect::{Facts, Inspection, describe, inspect};
pub use leakage::{LeakagePair, LeakageReport, content_hashes, leakage};
pub use materialise::{PartFile, materialise, smoke_subset};
pub use predictions::{
    NumberColumn, PredictionTable, Values, read_json_predictions, read_label_list_predictions,
    read_prediction_batches, read_predictions, read_predictions_with, read_text_predictions,
};
pub use predictions_values::Form as PredictionForm;
pub use preview::{Preview, PreviewBounds, preview};
pub use row_hashes::RowHashes;
pub use slice_column::{SliceColumn, slice_column};
pub use split::{SplitPlan, SplitSpec};
pub use split_plan::plan_split;
pub use stats::Column;
pub use verify::{Changed, Expected, RowChanges, VerifyError, verify};
