//! The predictions that an evaluation stands on: out of the blob store, read and checked.

use std::io::Write as _;

use mlhub_core::evaluation::EvaluationRecord;
use mlhub_core::{ArtifactPath, Error, Result, limits};
use mlhub_eval::{Evaluation, Predictions};

use super::{EvaluationWork, batches, evaluator_stopped, invalid_file};
use crate::Hub;
use crate::predictions::{self, Wish};

impl EvaluationWork {
    /// What is known of the predictions of a split before they are read.
    fn wish(&self, split: &str) -> Wish<'_> {
        Wish {
            task: self.plan.task.as_deref().or(self.program_task.as_deref()),
            positive_label: self.plan.positive_label.as_deref(),
            expected: self.plan.splits.get(split),
        }
    }
}

impl Hub {
    /// All predictions of a file, and their ids.
    pub(super) async fn checked_predictions(
        &self,
        record: &EvaluationRecord,
        work: &EvaluationWork,
        file: tempfile::NamedTempFile,
    ) -> Result<Predictions> {
        let place = record.predictions.clone();
        let (record, work) = (record.clone(), work.clone());
        tokio::task::spawn_blocking(move || {
            let wish = work.wish(&record.split);
            let table = predictions::read(
                file.path(),
                record.predictions.as_str(),
                format_of(&record.predictions)?,
                wish.task,
            )
            .map_err(|error| invalid_file(&record, &error.to_string()))?;
            predictions::check(table, &wish).map_err(|message| invalid_file(&record, &message))
        })
        .await
        .map_err(|source| evaluator_stopped(&place, source))?
    }

    /// The evaluation of a file that is never held whole; `None` when it must be, also to say what
    /// is wrong with it.
    pub(super) async fn evaluated_in_batches(
        &self,
        record: &EvaluationRecord,
        work: &EvaluationWork,
        file: &tempfile::NamedTempFile,
    ) -> Result<Option<Evaluation>> {
        let place = record.predictions.clone();
        let format = format_of(&record.predictions)?;
        let path = file.path().to_owned();
        let (record, work) = (record.clone(), work.clone());
        tokio::task::spawn_blocking(move || {
            let source = batches::Source {
                path: &path,
                name: record.predictions.as_str(),
                format,
                wish: work.wish(&record.split),
            };
            batches::evaluated(&source, &work.plan)
        })
        .await
        .map_err(|source| evaluator_stopped(&place, source))
    }

    /// Copies the predictions out of the blob store; the file goes when dropped.
    pub(super) async fn fetch_predictions(
        &self,
        record: &EvaluationRecord,
    ) -> Result<tempfile::NamedTempFile> {
        let io = |source: std::io::Error| {
            Error::internal("copy predictions to a temporary file", source)
        };
        let Some(size) = self.blobs.stat(&record.predictions_hash).await? else {
            return Err(Error::invalid(format!(
                "the content of the predictions `{}` is not in the blob store any more; run the program again",
                record.predictions
            )));
        };
        if size > limits::PREDICTIONS_MAX_BYTES {
            return Err(Error::invalid(format!(
                "the predictions `{}` have {size} bytes, and {} can be evaluated",
                record.predictions,
                limits::PREDICTIONS_MAX_BYTES
            )));
        }
        let extension = record.predictions.extension().unwrap_or("bin");
        let mut file = tempfile::Builder::new()
            .prefix("mlhub-predictions-")
            .suffix(&format!(".{extension}"))
            .tempfile()
            .map_err(io)?;
        let what = format!("the predictions `{}`", record.predictions);
        let hash = &record.predictions_hash;
        let mut reader = self.blob_source().whole(what, hash, size);
        loop {
            match reader.next().await {
                Ok(Some(bytes)) => file.write_all(&bytes).map_err(io)?,
                Ok(None) => break,
                // A damaged content stays so; the others must not wait for it.
                Err(error) if reader.is_damaged() => {
                    return Err(Error::invalid(error.public_message()));
                }
                Err(error) => return Err(error),
            }
        }
        file.flush().map_err(io)?;
        Ok(file)
    }
}

fn format_of(path: &ArtifactPath) -> Result<mlhub_data::Format> {
    match path.extension() {
        Some("csv") => Ok(mlhub_data::Format::Csv),
        Some("parquet") => Ok(mlhub_data::Format::Parquet),
        Some("jsonl") => Ok(mlhub_data::Format::Jsonl),
        Some("npz") => Ok(mlhub_data::Format::Npz),
        _ => Err(Error::invalid(format!(
            "the predictions `{path}` are in no known format; write .csv, .parquet, .jsonl or .npz"
        ))),
    }
}
