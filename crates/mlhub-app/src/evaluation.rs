//! Evaluations: requested when a run finishes, computed by one background
//! worker from the stored predictions, kept with what they stand on.
//!
//! A pending evaluation survives a restart; computing one twice stores it once.

use std::collections::BTreeMap;
use std::io::Write as _;

use mlhub_core::evaluation::{EvaluatedMetric, EvaluationRecord, EvaluationState};
use mlhub_core::{
    ArtifactPath, Caller, Error, ErrorKind, EvaluationId, Permission, Result, RunId, limits,
};
use mlhub_eval::{Bootstrap, EvaluateOptions, Evaluation};
use mlhub_protocol::rest::{EvaluationPlan, Snapshot};
use serde::{Deserialize, Serialize};

use crate::Hub;
use crate::attempts::PredictionsShipped;
use crate::predictions::{self, Wish};
use crate::receipt::{Receipt, receipt};

/// Evaluations taken from the queue at once.
const BATCH: usize = 16;
/// Resamples when the plan does not say.
const DEFAULT_SAMPLES: u32 = 1000;
/// In place of a hash when there are no predictions; stores refuse an empty one.
pub(crate) const NO_PREDICTIONS: &str = "none";
/// Threads of the evaluator; results do not depend on it.
const THREADS: usize = 2;

/// What an evaluation was asked for; stored with it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EvaluationWork {
    /// Version of this document, now 1.
    pub version: u32,
    /// The plan of the run.
    pub plan: EvaluationPlan,
    /// The task the program named.
    #[serde(default)]
    pub program_task: Option<String>,
    /// Why there is nothing to evaluate, when there is not.
    #[serde(default)]
    pub refusal: Option<String>,
}

impl Hub {
    /// Evaluations of a run with their receipts, without curves.
    pub async fn evaluation_list(
        &self,
        caller: &Caller,
        text: &str,
    ) -> Result<Vec<(EvaluationRecord, Receipt)>> {
        let run = self.run_resolve(caller, text).await?;
        let records = self
            .store
            .evaluation_list(std::slice::from_ref(&run.id))
            .await?;
        let mut answered = Vec::with_capacity(records.len());
        for record in records {
            let receipt = self.evaluation_receipt(&record).await?;
            answered.push((record, receipt));
        }
        Ok(answered)
    }

    /// One evaluation with its curves and receipt.
    pub async fn evaluation_get(
        &self,
        caller: &Caller,
        id: &EvaluationId,
    ) -> Result<(EvaluationRecord, Receipt)> {
        caller.require(Permission::Read)?;
        let record = self
            .store
            .evaluation_get(id)
            .await?
            .ok_or_else(|| Error::not_found("evaluation", id))?;
        let receipt = self.evaluation_receipt(&record).await?;
        Ok((record, receipt))
    }

    /// What an evaluation stands on.
    pub async fn evaluation_receipt(&self, record: &EvaluationRecord) -> Result<Receipt> {
        let run = self.run_exact(&record.run).await?;
        let snapshot = self.snapshot(&record.run).await?;
        let artifacts = self.store.artifact_list(&record.run).await?;
        Ok(receipt(
            record,
            &snapshot,
            &artifacts,
            run.dataset.as_deref(),
        ))
    }

    /// Queues the evaluation of a run's stored predictions again.
    pub async fn evaluation_repeat(
        &self,
        caller: &Caller,
        text: &str,
    ) -> Result<Vec<(EvaluationRecord, Receipt)>> {
        caller.require(Permission::Write)?;
        let run = self.run_resolve(caller, text).await?;
        let mut shipped = BTreeMap::new();
        for record in self
            .store
            .evaluation_list(std::slice::from_ref(&run.id))
            .await?
        {
            let work = read_work(&record)?;
            shipped.insert(
                record.split.clone(),
                PredictionsShipped {
                    path: record.predictions,
                    task: work.program_task,
                },
            );
        }
        if shipped.is_empty() {
            return Err(Error::conflict(format!(
                "run `{}` has no stored predictions to evaluate",
                run.id
            )));
        }
        self.evaluations_request(&run.id, run.attempt, &shipped)
            .await?;
        self.evaluation_wanted.notify_one();
        self.evaluation_list(caller, run.id.as_str()).await
    }

    /// Waits until an evaluation may be pending.
    pub async fn evaluation_wanted(&self) {
        self.evaluation_wanted.notified().await;
    }

    /// Computes all pending evaluations; returns how many ended. To be called by
    /// one worker, at start and whenever [`Hub::evaluation_wanted`] returns.
    ///
    /// # Errors
    /// Of the store or the disk: those evaluations stay pending, and the others
    /// taken from the queue with them are still computed.
    pub async fn evaluate_pending(&self) -> Result<usize> {
        let mut ended = 0;
        loop {
            let pending = self.store.evaluation_pending(BATCH).await?;
            if pending.is_empty() {
                return Ok(ended);
            }
            let mut problem = None;
            for record in pending {
                match self.evaluate_one(record).await {
                    Ok(()) => ended += 1,
                    Err(error) => problem = problem.or(Some(error)),
                }
            }
            if let Some(error) = problem {
                return Err(error);
            }
        }
    }

    /// Queues evaluations for the splits of the plan and those shipped.
    pub(crate) async fn evaluations_request(
        &self,
        run: &RunId,
        attempt: u32,
        shipped: &BTreeMap<String, PredictionsShipped>,
    ) -> Result<()> {
        let snapshot = self.snapshot(run).await?;
        let plan = snapshot.evaluation.clone().unwrap_or(EvaluationPlan {
            bootstrap_samples: DEFAULT_SAMPLES,
            ..EvaluationPlan::default()
        });
        let splits: std::collections::BTreeSet<&String> =
            plan.splits.keys().chain(shipped.keys()).collect();
        for split in splits {
            let record = self
                .pending_record(run, attempt, split, shipped.get(split), &plan)
                .await?;
            // An earlier evaluation of the split goes, and its numbers with it.
            let replacing = self.store.evaluation_put(&record);
            self.changing(vec![run.clone()], replacing).await?;
        }
        Ok(())
    }

    async fn pending_record(
        &self,
        run: &RunId,
        attempt: u32,
        split: &str,
        shipped: Option<&PredictionsShipped>,
        plan: &EvaluationPlan,
    ) -> Result<EvaluationRecord> {
        let mut work = EvaluationWork {
            version: 1,
            plan: plan.clone(),
            ..EvaluationWork::default()
        };
        let path = match shipped {
            Some(shipped) => {
                work.program_task.clone_from(&shipped.task);
                shipped.path.clone()
            }
            None => {
                work.refusal = Some(format!(
                    "the run wrote no predictions for the split `{split}`; the program must write `predictions/{split}.csv` (or .parquet, .jsonl, .npz) before it ends, or the split must leave `evaluation.splits`"
                ));
                format!("predictions/{split}").parse()?
            }
        };
        let hash = match self.store.artifact_get(run, &path).await? {
            Some(artifact) => artifact.hash,
            None => {
                work.refusal.get_or_insert_with(|| {
                    format!("the predictions `{path}` of attempt {attempt} are not stored")
                });
                NO_PREDICTIONS.to_owned()
            }
        };
        Ok(EvaluationRecord {
            id: EvaluationId::generate(&*self.entropy),
            run: run.clone(),
            split: split.to_owned(),
            predictions: path,
            predictions_hash: hash,
            request: serde_json::to_value(&work)
                .map_err(|source| Error::internal("write an evaluation request", source))?,
            state: EvaluationState::Pending,
            message: None,
            result: None,
            curves: None,
            created_at: self.clock.now(),
            ended_at: None,
        })
    }

    async fn evaluate_one(&self, mut record: EvaluationRecord) -> Result<()> {
        let outcome = self.compute(&record).await;
        record.ended_at = Some(self.clock.now());
        let mut metrics = Vec::new();
        match outcome {
            Ok(mut evaluation) => {
                metrics = evaluated(&record, &evaluation);
                let curves = serde_json::to_value(&evaluation.curves)
                    .map_err(|source| Error::internal("write curves", source))?;
                evaluation.curves = mlhub_eval::Curves::default();
                record.state = EvaluationState::Done;
                record.curves = Some(curves);
                record.result = Some(
                    serde_json::to_value(&evaluation)
                        .map_err(|source| Error::internal("write an evaluation", source))?,
                );
            }
            Err(error) if error.kind() == ErrorKind::Invalid => {
                record.state = EvaluationState::Failed;
                record.message = Some(error.public_message().to_owned());
            }
            // The disk or the database: the evaluation stays pending.
            Err(error) => return Err(error),
        }
        let ending = self.store.evaluation_end(&record, &metrics);
        if self.changing(vec![record.run.clone()], ending).await? {
            let run = self.run_exact(&record.run).await?;
            self.live
                .publish(&run.id, &run.project, run.state, &["evaluation"]);
        }
        Ok(())
    }

    async fn compute(&self, record: &EvaluationRecord) -> Result<Evaluation> {
        let work = read_work(record)?;
        if let Some(refusal) = &work.refusal {
            return Err(Error::invalid(refusal.clone()));
        }
        let file = self.fetch_predictions(record).await?;
        let place = record.predictions.clone();
        let record = record.clone();
        tokio::task::spawn_blocking(move || {
            let table = mlhub_data::read_predictions(
                file.path(),
                record.predictions.as_str(),
                format_of(&record.predictions)?,
            )
            .map_err(|error| invalid_file(&record, &error.to_string()))?;
            let wish = Wish {
                task: work.plan.task.as_deref().or(work.program_task.as_deref()),
                positive_label: work.plan.positive_label.as_deref(),
                expected: work.plan.splits.get(&record.split),
            };
            let checked = predictions::check(table, &wish)
                .map_err(|message| invalid_file(&record, &message))?;
            mlhub_eval::evaluate(&checked, &options(&work.plan))
                .map_err(|error| invalid_file(&record, &error.to_string()))
        })
        .await
        .map_err(|source| evaluator_stopped(&place, source))?
    }

    /// Copies the predictions out of the blob store; the file goes when dropped.
    async fn fetch_predictions(
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

/// A defect met by one file must not keep the others waiting for ever.
fn evaluator_stopped(place: &ArtifactPath, source: tokio::task::JoinError) -> Error {
    if source.is_panic() {
        tracing::error!(%place, %source, "the evaluator panicked");
        Error::invalid(format!(
            "the evaluator met a defect of its own on the predictions `{place}`; the hub's log has the details"
        ))
    } else {
        Error::internal("evaluate predictions", source)
    }
}

fn read_work(record: &EvaluationRecord) -> Result<EvaluationWork> {
    serde_json::from_value(record.request.clone())
        .map_err(|source| Error::internal("read an evaluation request", source))
}

fn options(plan: &EvaluationPlan) -> EvaluateOptions {
    EvaluateOptions {
        definitions: (!plan.metrics.is_empty()).then(|| {
            plan.metrics
                .iter()
                .map(|name| definition_id(name))
                .collect()
        }),
        bootstrap: (plan.bootstrap_samples > 0).then(|| Bootstrap {
            samples: plan.bootstrap_samples,
            seed: plan.bootstrap_seed,
            ..Bootstrap::default()
        }),
        threads: THREADS,
        curves: true,
    }
}

/// A metric named without a version means its newest version.
fn definition_id(name: &str) -> String {
    if name.contains('@') {
        return name.to_owned();
    }
    mlhub_eval::definitions()
        .iter()
        .filter(|definition| definition.name == name)
        .max_by_key(|definition| definition.version)
        .map_or_else(|| name.to_owned(), mlhub_eval::MetricDefinition::id)
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

fn invalid_file(record: &EvaluationRecord, message: &str) -> Error {
    Error::invalid(format!(
        "the predictions `{}` for the split `{}` cannot be evaluated: {message}",
        record.predictions, record.split
    ))
}

fn evaluated(record: &EvaluationRecord, evaluation: &Evaluation) -> Vec<EvaluatedMetric> {
    evaluation
        .metrics
        .iter()
        .map(|metric| EvaluatedMetric {
            run: record.run.clone(),
            split: record.split.clone(),
            name: metric.name.clone(),
            definition: metric.definition.clone(),
            value: metric.value,
            low: metric.interval.as_ref().map(|interval| interval.low),
            high: metric.interval.as_ref().map(|interval| interval.high),
        })
        .collect()
}

/// Direction in which a metric gets better: `maximize`, `minimize` or `none`.
pub fn direction_of(definition: &str) -> &'static str {
    match mlhub_eval::definition(definition).map(|definition| definition.direction) {
        Some(mlhub_eval::Direction::Maximize) => "maximize",
        Some(mlhub_eval::Direction::Minimize) => "minimize",
        _ => "none",
    }
}

/// The evaluation plan a snapshot holds, if any.
pub(crate) fn plan_of(snapshot: &Snapshot) -> Option<&EvaluationPlan> {
    snapshot.evaluation.as_ref()
}
