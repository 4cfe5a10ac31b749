//! Evaluations: requested when a run finishes, computed by one background
//! worker from the stored predictions, kept with what they stand on.
//!
//! A pending evaluation survives a restart; computing one twice stores it once.

mod batches;
mod custom;
mod input;
mod options;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mlhub_core::evaluation::{EvaluatedMetric, EvaluationRecord, EvaluationState};
use mlhub_core::{ArtifactPath, Caller, Error, ErrorKind, EvaluationId, Permission, Result, RunId};
use mlhub_eval::{Evaluation, Predictions, Task, best_f1_threshold};
use mlhub_protocol::rest::{EvaluationPlan, Snapshot};
use serde::{Deserialize, Serialize};

use crate::Hub;
use crate::attempts::PredictionsShipped;
use crate::receipt::{Receipt, receipt};
use crate::slices::{SLICES_KEY, StoredSlice, sliced};

/// Evaluations taken from the queue at once.
const BATCH: usize = 16;
/// Evaluations that wait for the store or the disk before a round ends with them.
const WAITING_MAX: usize = 64;
/// Resamples when the plan does not say.
const DEFAULT_SAMPLES: u32 = 1000;
/// In place of a hash when there are no predictions; stores refuse an empty one.
pub(crate) const NO_PREDICTIONS: &str = "none";
/// Threads of the evaluator; results do not depend on it.
pub(crate) const THREADS: usize = 2;

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
            // A request that cannot be read does not name the task; the plan may.
            let task = read_work(&record).ok().and_then(|work| work.program_task);
            shipped.insert(
                record.split.clone(),
                PredictionsShipped {
                    path: record.predictions,
                    task,
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
    /// are still computed, those behind them in the queue too.
    pub async fn evaluate_pending(&self) -> Result<usize> {
        let mut ended = 0;
        let mut waiting: BTreeSet<EvaluationId> = BTreeSet::new();
        let mut problem = None;
        loop {
            let limit = BATCH + waiting.len();
            let mut pending = self.store.evaluation_pending(limit).await?;
            pending.retain(|record| !waiting.contains(&record.id));
            if pending.is_empty() || waiting.len() >= WAITING_MAX {
                return problem.map_or(Ok(ended), Err);
            }
            for record in pending {
                let id = record.id.clone();
                match self.evaluate_one(record).await {
                    Ok(()) => ended += 1,
                    Err(error) => {
                        waiting.insert(id);
                        problem = problem.or(Some(error));
                    }
                }
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
        let _told = self.telling(run, &["evaluation"]);
        let splits: BTreeSet<&String> = plan.splits.keys().chain(shipped.keys()).collect();
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
        match outcome.and_then(|(whole, slices)| written(&record, whole, &slices)) {
            Ok(done) => {
                record.state = EvaluationState::Done;
                (record.result, record.curves) = (Some(done.result), Some(done.curves));
                metrics = done.metrics;
            }
            // The disk or the database: the evaluation stays pending.
            Err(error) if is_passing(&error) => return Err(error),
            Err(error) => fail(&mut record, error.public_message().to_owned()),
        }
        let _told = self.telling(&record.run, &["evaluation"]);
        match self.evaluation_end(&record, &metrics).await {
            // What the store does not take it will not take later either, and the
            // evaluation would be computed for ever.
            Err(error) if !is_passing(&error) => {
                let reason = error.public_message();
                fail(
                    &mut record,
                    format!("the outcome of the evaluation cannot be stored: {reason}"),
                );
                self.evaluation_end(&record, &[]).await
            }
            ended => ended,
        }
    }

    async fn evaluation_end(
        &self,
        record: &EvaluationRecord,
        metrics: &[EvaluatedMetric],
    ) -> Result<()> {
        let ending = self.store.evaluation_end(record, metrics);
        // False when it was asked for anew meanwhile: that one is pending.
        let _ended: bool = self.changing(vec![record.run.clone()], ending).await?;
        Ok(())
    }

    async fn compute(&self, record: &EvaluationRecord) -> Result<(Evaluation, Vec<StoredSlice>)> {
        let work = read_work(record).map_err(|error| {
            tracing::error!(id = %record.id, %error, "an evaluation request cannot be read");
            Error::invalid(
                "what was asked of this evaluation cannot be read; evaluate the run again",
            )
        })?;
        if let Some(refusal) = &work.refusal {
            return Err(Error::invalid(refusal.clone()));
        }
        let file = self.fetch_predictions(record).await?;
        let in_batches = self.evaluated_in_batches(record, &work, &file).await?;
        if let Some(whole) = in_batches {
            return Ok((whole, Vec::new()));
        }
        let checked = self.checked_predictions(record, &work, file).await?;
        let checked = Arc::new(checked);
        let threshold = self.threshold(record, &work, checked.task()).await?;
        let place = record.predictions.clone();
        let record = record.clone();
        let named = work.plan.metrics.clone();
        let predictions = Arc::clone(&checked);
        let computed = tokio::task::spawn_blocking(move || {
            let options = options::of(&work.plan, &checked, threshold)?;
            let whole = mlhub_eval::evaluate(&checked, &options)
                .map_err(|error| invalid_file(&record, &error.to_string()))?;
            let slices = match work.plan.splits.get(&record.split) {
                Some(expected) => sliced(&checked, expected, &options)
                    .map_err(|message| invalid_file(&record, &message))?,
                None => Vec::new(),
            };
            Ok::<_, Error>((whole, slices))
        });
        let (mut whole, slices) = computed
            .await
            .map_err(|source| evaluator_stopped(&place, source))??;
        let custom = self.custom(&named, &predictions).await?;
        whole.metrics.extend(custom.metrics);
        whole.skipped.extend(custom.skipped);
        Ok((whole, slices))
    }

    /// The threshold of anomaly scores that is best on another split of the run, where the
    /// plan names one.
    ///
    /// # Errors
    /// `Invalid` when that split has no predictions, or none that a threshold could be chosen on.
    async fn threshold(
        &self,
        record: &EvaluationRecord,
        work: &EvaluationWork,
        task: Task,
    ) -> Result<Option<f64>> {
        let Some(split) = &work.plan.threshold_split else {
            return Ok(None);
        };
        if task != Task::Anomaly || *split == record.split {
            return Ok(None);
        }
        let unusable = |why: &str| {
            Error::invalid(format!(
                "`evaluation.threshold_split` is `{split}`, {why}, so no threshold can be chosen for `{}`",
                record.split
            ))
        };
        let records = self
            .store
            .evaluation_list(std::slice::from_ref(&record.run))
            .await?;
        let other = records.iter().find(|other| other.split == *split);
        let other = other
            .filter(|other| other.predictions_hash != NO_PREDICTIONS)
            .ok_or_else(|| unusable("which has no stored predictions"))?;
        let predictions = self.predictions_of(other).await?;
        let chosen = tokio::task::spawn_blocking(move || best_f1_threshold(&predictions))
            .await
            .map_err(|source| Error::internal("choose a threshold", source))?;
        chosen
            .map(Some)
            .ok_or_else(|| unusable("whose predictions have no anomaly or no scores"))
    }

    /// The predictions that an evaluation stands on, read and checked again.
    ///
    /// # Errors
    /// `Invalid` when they are not stored any more or cannot be read.
    pub(crate) async fn predictions_of(&self, record: &EvaluationRecord) -> Result<Predictions> {
        let work = read_work(record)
            .map_err(|source| Error::internal("read an evaluation request", source))?;
        let file = self.fetch_predictions(record).await?;
        self.checked_predictions(record, &work, file).await
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

/// What is kept of an evaluation that succeeded.
struct Written {
    result: serde_json::Value,
    curves: serde_json::Value,
    metrics: Vec<EvaluatedMetric>,
}

fn written(
    record: &EvaluationRecord,
    mut evaluation: Evaluation,
    slices: &[StoredSlice],
) -> Result<Written> {
    let unwritable = |source: serde_json::Error| {
        tracing::error!(id = %record.id, %source, "an evaluation cannot be written");
        Error::invalid("the outcome of the evaluation cannot be written; the hub's log says why")
    };
    let metrics = evaluated(record, &evaluation);
    let mut curves = serde_json::to_value(&evaluation.curves).map_err(unwritable)?;
    if !slices.is_empty() {
        curves[SLICES_KEY] = serde_json::to_value(slices).map_err(unwritable)?;
    }
    evaluation.curves = mlhub_eval::Curves::default();
    Ok(Written {
        result: serde_json::to_value(&evaluation).map_err(unwritable)?,
        curves,
        metrics,
    })
}

fn fail(record: &mut EvaluationRecord, message: String) {
    record.state = EvaluationState::Failed;
    record.message = Some(message);
    (record.result, record.curves) = (None, None);
}

/// Whether the same may succeed later.
fn is_passing(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unavailable | ErrorKind::StorageFull | ErrorKind::ReadOnly | ErrorKind::Internal
    )
}

fn read_work(record: &EvaluationRecord) -> serde_json::Result<EvaluationWork> {
    serde_json::from_value(record.request.clone())
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
