//! The entry point: which metrics apply, their values, intervals and curves.
//!
//! The result is the same for any number of threads. Storing it, and comparing
//! it with another, is the caller's.

mod checks;
mod fold;

use serde::{Deserialize, Serialize};

pub(crate) use self::checks::check_bootstrap;
use self::checks::check_options;
pub use self::fold::EvaluationFold;
use crate::bootstrap::{Bootstrap, Interval, Resampled, Resamples, Resampling, resample};
use crate::curves::bands::{self, BandSamples};
use crate::curves::{self, Curves};
use crate::definition::{Direction, MetricDefinition, Task};
use crate::draws::{Drawing, Groups};
use crate::metrics::{Detections, Facts, Kind, Needs, Prepared, Scratch, compute};
use crate::predictions::Predictions;
use crate::registry;
use crate::weights::{Given, Unit};

/// Version of the serialised [`Evaluation`].
pub const EVALUATION_VERSION: u32 = 1;

/// Most threads that can be asked for.
pub const MAX_THREADS: usize = 1024;

/// Boxes, true and predicted, times resamples of a detection at most: some minutes on one core.
pub const MAX_DETECTION_DRAWS: u64 = 1 << 33;

/// Fewest rows (of a ranking: queries) for which an interval says anything.
const MIN_ROWS_FOR_INTERVAL: usize = 2;

/// What to compute.
#[derive(Clone, Debug)]
pub struct EvaluateOptions {
    /// Definition ids (`name@version`) in the order wanted; all of the task when `None`.
    pub definitions: Option<Vec<String>>,
    /// Intervals; none when `None`.
    pub bootstrap: Option<Bootstrap>,
    /// Whether to compute curves and tables.
    pub curves: bool,
    /// Threads; 0 takes one per core. The result does not depend on it.
    pub threads: usize,
    /// Of an anomaly task: rows whose score is at least this count as anomalies, whatever
    /// `y_pred` says. It should come from other rows than these, as that of
    /// [`crate::best_f1_threshold`] on another split.
    pub threshold: Option<f64>,
}

impl Default for EvaluateOptions {
    /// All metrics of the task, default intervals, curves, one thread per core, no threshold.
    fn default() -> Self {
        Self {
            definitions: None,
            bootstrap: Some(Bootstrap::default()),
            curves: true,
            threads: 0,
            threshold: None,
        }
    }
}

/// Options that cannot be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// A definition id that does not exist.
    #[error("there is no metric definition `{id}`; for {} task there are: {known}", task.with_article())]
    UnknownDefinition {
        /// The id asked for.
        id: String,
        /// The task at hand.
        task: Task,
        /// Ids of the task.
        known: String,
    },
    /// A bootstrap that makes no interval.
    #[error("bootstrap {field} is {found}; it must be {expected}")]
    Bootstrap {
        /// The field.
        field: &'static str,
        /// Its value.
        found: String,
        /// What is allowed.
        expected: String,
    },
    /// Too many threads.
    #[error("{found} threads asked for; at most {MAX_THREADS} are allowed")]
    Threads {
        /// Threads asked for.
        found: usize,
    },
    /// A threshold of something else than anomalies, or that no score can be compared with.
    #[error("a threshold was given; it {expected}")]
    Threshold {
        /// What is allowed.
        expected: &'static str,
    },
    /// The system gave no threads.
    #[error("could not start the evaluation threads")]
    ThreadPool(#[source] rayon::ThreadPoolBuildError),
}

/// One computed metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricValue {
    /// Definition id, `name@version`.
    pub definition: String,
    /// Hash of the definition, see [`MetricDefinition::hash`].
    pub definition_hash: String,
    /// Name without version.
    pub name: String,
    /// The value, in the definition's unit; NaN where undefined.
    #[serde(with = "crate::non_finite")]
    pub value: f64,
    /// Its interval, when asked for and defined.
    pub interval: Option<Interval>,
    /// Rows it was computed from.
    pub n: u64,
    /// What a reader should know about this value.
    pub note: Option<String>,
    /// Which way is better, of a metric that is not one of this crate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

/// A metric that was not computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedMetric {
    /// Definition id, `name@version`.
    pub definition: String,
    /// Why not.
    pub reason: String,
}

/// The result of [`evaluate`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// [`EVALUATION_VERSION`].
    pub version: u32,
    /// What was predicted.
    pub task: Task,
    /// Rows.
    pub n: u64,
    /// Computed metrics, in the order asked for.
    pub metrics: Vec<MetricValue>,
    /// Metrics that do not apply, with reasons.
    pub skipped: Vec<SkippedMetric>,
    /// Curves and tables for display.
    pub curves: Curves,
}

/// Metrics, intervals and curves of predictions.
///
/// A metric that the predictions do not allow is in `skipped`, with the reason.
///
/// # Errors
/// [`EvaluateError`] when an option cannot be followed.
pub fn evaluate(
    predictions: &Predictions,
    options: &EvaluateOptions,
) -> Result<Evaluation, EvaluateError> {
    check_options(predictions, options)?;
    let wanted = wanted(predictions.task(), options.definitions.as_deref())?;
    let pool = thread_pool(options)?;
    Ok(pool.install(|| run(predictions, &wanted, options)))
}

fn thread_pool(options: &EvaluateOptions) -> Result<rayon::ThreadPool, EvaluateError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build()
        .map_err(EvaluateError::ThreadPool)
}

/// What resamples are drawn from; the predictions were checked to have it.
fn drawing(
    prepared: &Prepared<'_>,
    predictions: &Predictions,
    bootstrap: Option<Bootstrap>,
) -> Drawing {
    let resampling = bootstrap.map_or(Resampling::Rows, |bootstrap| bootstrap.resampling);
    match (resampling, predictions.group()) {
        (Resampling::Stratified, _) => Drawing::within_classes(prepared),
        (Resampling::Grouped, Some(group)) => Drawing::Groups(Groups::of(group)),
        _ => Drawing::Units(prepared.units),
    }
}

fn wanted(
    task: Task,
    ids: Option<&[String]>,
) -> Result<Vec<&'static MetricDefinition>, EvaluateError> {
    let of_task = registry::definitions_for(task);
    let Some(ids) = ids else {
        return Ok(of_task);
    };
    ids.iter()
        .map(|id| {
            registry::definition(id).ok_or_else(|| EvaluateError::UnknownDefinition {
                id: id.clone(),
                task,
                known: of_task
                    .iter()
                    .map(|definition| definition.id())
                    .collect::<Vec<_>>()
                    .join(", "),
            })
        })
        .collect()
}

/// A metric that will be computed.
struct Planned {
    definition: &'static MetricDefinition,
    kind: Kind,
    undefined: &'static str,
}

impl Planned {
    /// Its value, without an interval.
    fn computed(&self, value: f64, rows: usize, note: Option<String>) -> MetricValue {
        MetricValue {
            definition: self.definition.id(),
            definition_hash: self.definition.hash(),
            name: self.definition.name.clone(),
            value,
            interval: None,
            n: rows as u64,
            note,
            direction: None,
        }
    }

    /// What is to be said of the value by itself.
    fn notes(&self, value: f64, predictions: &Predictions, threshold: Option<f64>) -> Vec<String> {
        let mut notes = Vec::new();
        if value.is_nan() {
            notes.push(self.undefined.to_owned());
        }
        if let Some(threshold) = threshold.filter(|_| self.kind.is_of_predicted()) {
            notes.push(format!(
                "rows of a y_score of at least {threshold} count as anomalies"
            ));
        } else if self.kind.is_of_predicted() && predictions.y_pred().is_none() {
            notes.push("classes taken from the scores, as there is no y_pred column".to_owned());
        }
        notes
    }
}

fn run(
    predictions: &Predictions,
    wanted: &[&'static MetricDefinition],
    options: &EvaluateOptions,
) -> Evaluation {
    let facts = Facts::with_threshold(predictions, options.threshold);
    let (planned, skipped) = plan(predictions.task(), wanted, &facts);
    let kinds: Vec<Kind> = planned.iter().map(|planned| planned.kind).collect();
    let mut needs = Needs::of(&kinds, predictions.labels().len());
    if options.curves {
        curves::add_needs(&mut needs, predictions);
    }
    let prepared = Prepared::new(predictions, &facts, needs);
    let mut scratch = Scratch::default();
    let values = match predictions.weight() {
        None => compute(&prepared, &kinds, &Unit, &mut scratch),
        Some(weights) => compute(&prepared, &kinds, &Given(weights), &mut scratch),
    };
    let drawing = drawing(&prepared, predictions, options.bootstrap);
    let (resampled, bands) =
        resampled(&prepared, &kinds, &values, &drawing, (predictions, options));
    let too_few_rows = options.bootstrap.is_some() && drawing.units() < MIN_ROWS_FOR_INTERVAL;
    let mut resampled = resampled.into_iter();
    let metrics = planned
        .into_iter()
        .zip(values)
        .map(|(planned, value)| {
            let resampled = resampled.next();
            let note = note(
                &planned,
                value,
                resampled.as_ref(),
                too_few_rows,
                (predictions, options.threshold),
                &prepared,
            );
            MetricValue {
                interval: resampled.and_then(|resampled| resampled.interval),
                ..planned.computed(value, prepared.rows, note)
            }
        })
        .collect();
    let curves = if options.curves {
        curves::curves(&prepared, &facts, predictions, &bands)
    } else {
        Curves::default()
    };
    Evaluation {
        version: EVALUATION_VERSION,
        task: predictions.task(),
        n: prepared.rows as u64,
        metrics,
        skipped,
        curves,
    }
}

/// Intervals of the metrics, and what bands of the curves are made of.
fn resampled(
    prepared: &Prepared<'_>,
    kinds: &[Kind],
    values: &[f64],
    drawing: &Drawing,
    (predictions, options): (&Predictions, &EvaluateOptions),
) -> (Vec<Resampled>, BandSamples) {
    let none = |why: &str| (vec![], BandSamples::None(why.to_owned()));
    let Some(bootstrap) = options.bootstrap else {
        return none("no intervals were asked for");
    };
    if drawing.units() < MIN_ROWS_FOR_INTERVAL {
        return none("too few rows for an interval");
    }
    let obstacle = bands::obstacle(prepared.rows, prepared.rankings.len());
    let banded = options.curves && !prepared.rankings.is_empty() && obstacle.is_none();
    let resamples = Resamples {
        prepared,
        kinds,
        weights: predictions.weight(),
        drawing,
        options: bootstrap,
    };
    let (intervals, readings) = resample(&resamples, values, banded);
    let bands = match obstacle {
        Some(why) => BandSamples::None(why),
        None => BandSamples::Read {
            readings,
            options: bootstrap,
        },
    };
    (intervals, bands)
}

fn plan(
    task: Task,
    wanted: &[&'static MetricDefinition],
    facts: &Facts,
) -> (Vec<Planned>, Vec<SkippedMetric>) {
    let mut planned = Vec::new();
    let mut skipped = Vec::new();
    for definition in wanted {
        let id = definition.id();
        let entry = registry::entry(&id).expect("every definition has an entry");
        let reason = if definition.tasks.contains(&task) {
            facts.obstacle(entry.kind)
        } else {
            Some(format!("not defined for {} task", task.with_article()))
        };
        match reason {
            Some(reason) => skipped.push(SkippedMetric {
                definition: id,
                reason,
            }),
            None => planned.push(Planned {
                definition,
                kind: entry.kind,
                undefined: entry.undefined,
            }),
        }
    }
    (planned, skipped)
}

fn note(
    planned: &Planned,
    value: f64,
    resampled: Option<&Resampled>,
    too_few_rows: bool,
    (predictions, threshold): (&Predictions, Option<f64>),
    prepared: &Prepared<'_>,
) -> Option<String> {
    let queries = prepared.queries.as_ref();
    let mut notes = planned.notes(value, predictions, threshold);
    if let Some(queries) = queries.filter(|queries| queries.without_relevant() > 0) {
        notes.push(format!(
            "{} of {} queries have no relevant row and are left out",
            queries.without_relevant(),
            queries.len()
        ));
    }
    if let Some(forecast) = &prepared.forecast {
        notes.extend(forecast.left_out(planned.kind));
    }
    if let Some(survival) = &prepared.survival {
        notes.extend(survival.note(planned.kind));
    }
    notes.extend(prepared.detections.as_ref().and_then(Detections::note));
    if too_few_rows {
        let unit = if queries.is_some() { "queries" } else { "rows" };
        notes.push(format!(
            "no interval from fewer than {MIN_ROWS_FOR_INTERVAL} {unit}"
        ));
    }
    if let Some(resampled) = resampled.filter(|resampled| resampled.undefined > 0) {
        let effect = if resampled.interval.is_some() {
            "left out of the interval"
        } else {
            "so there is no interval"
        };
        notes.push(format!(
            "undefined in {} resamples, {effect}",
            resampled.undefined
        ));
    }
    if let Some(obstacle) = resampled.and_then(|resampled| resampled.obstacle) {
        notes.push(format!("no interval: {obstacle}"));
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}
