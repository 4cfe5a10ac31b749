//! Two runs tested row by row, over the predictions that both stored for the same split.
//!
//! The mathematics is in `mlhub-eval`; here are the runs, the splits they share, and the
//! verdicts with Holm's adjustment over all tests of one answer. Nothing is stored.

use std::collections::BTreeMap;

use mlhub_core::evaluation::{EvaluationRecord, EvaluationState};
use mlhub_core::metric::Direction;
use mlhub_core::run::Run;
use mlhub_core::{Caller, Error, Permission, Result, limits};
use mlhub_eval::{
    DEFAULT_PAIRED_SAMPLES, NoPairedTest, PairedMethod, PairedOptions, PairedPredictions,
    PairedTest, Predictions, holm, paired_test,
};
use serde::Deserialize;

use crate::Hub;
use crate::compare::version_conflict;
use crate::custom_metrics::{CustomDefinitions, is_custom};
use crate::evaluation::THREADS;
use crate::significance::{LEVEL, Verdict};

/// Fewest resamples when the number is not asked for; below it a probability is too coarse.
const SAMPLES_MIN: u32 = 999;
/// Why a metric whose program is another's is not tested here.
const NOT_BY_ROWS: &str = "metrics of adapters are not tested row by row";

/// Which runs to test, and how.
#[derive(Debug, Clone, Default)]
pub struct PairRequest {
    /// The first run, by id or prefix.
    pub a: String,
    /// The second run.
    pub b: String,
    /// The split; all common ones when absent.
    pub split: Option<String>,
    /// `name`, `name@version` or `split/name`; all common ones when empty.
    pub metrics: Vec<String>,
    /// The test; chosen by metric when absent.
    pub method: Option<PairedMethod>,
    /// Resamples and permutations.
    pub samples: Option<u32>,
    /// Seed of all of them.
    pub seed: u64,
}

/// What the tests say.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The first run.
    pub a: Run,
    /// The second run.
    pub b: Run,
    /// By split and metric.
    pub tests: Vec<PairedMetric>,
    /// What a reader should know.
    pub warnings: Vec<String>,
}

/// One metric of both runs.
#[derive(Debug, Clone)]
pub struct PairedMetric {
    /// The split.
    pub split: String,
    /// The metric's name.
    pub metric: String,
    /// `name@version`.
    pub definition: String,
    /// Direction in which it gets better.
    pub direction: Direction,
    /// The test, where one could be made.
    pub test: Option<PairedTest>,
    /// Its probability, adjusted for all tests of the answer.
    pub p_adjusted: Option<f64>,
    /// What is said.
    pub verdict: Verdict,
    /// Why nothing is.
    pub reason: Option<String>,
}

/// The metrics of a stored result, as far as they name definitions.
#[derive(Deserialize)]
pub(crate) struct ResultHead {
    pub(crate) metrics: Vec<ResultMetric>,
}

/// A metric of a stored result.
#[derive(Clone, Deserialize)]
pub(crate) struct ResultMetric {
    pub(crate) name: String,
    pub(crate) definition: String,
    pub(crate) definition_hash: String,
}

/// A split of both runs and what is tested on it.
struct Shared {
    split: String,
    a: EvaluationRecord,
    b: EvaluationRecord,
    metrics: Vec<ResultMetric>,
}

impl Hub {
    /// Tests two runs over the rows of the splits they both predicted.
    ///
    /// # Errors
    /// `Invalid` for the same run twice, runs without a common split, metrics that are not
    /// there, and more work than [`limits::PAIR_CELLS_MAX`]; `Conflict` when a metric was
    /// computed by two versions.
    pub async fn run_pair(&self, caller: &Caller, request: &PairRequest) -> Result<Pair> {
        caller.require(Permission::Read)?;
        let a = self.run_resolve(caller, &request.a).await?;
        let b = self.run_resolve(caller, &request.b).await?;
        if a.id == b.id {
            return Err(Error::invalid(format!(
                "run `{}` is named twice; a test needs two runs",
                a.id
            )));
        }
        let shared = self.shared_splits(&a, &b, request).await?;
        let definitions = self.custom_definitions().await?;
        let _alone = self.pairing.lock().await;
        let mut tests = Vec::new();
        let mut warnings = Vec::new();
        for split in shared {
            let first = self.predictions_of(&split.a).await?;
            let second = self.predictions_of(&split.b).await?;
            let options = options(request, &split, first.rows(), &mut warnings)?;
            tests.extend(tested(split, first, second, options, definitions.clone()).await?);
        }
        Ok(Pair {
            tests: judged(tests),
            a,
            b,
            warnings,
        })
    }

    async fn shared_splits(&self, a: &Run, b: &Run, request: &PairRequest) -> Result<Vec<Shared>> {
        let of_a = self.done_evaluations(a).await?;
        let of_b = self.done_evaluations(b).await?;
        let wanted = |split: &String| request.split.as_ref().is_none_or(|only| only == split);
        let mut shared = Vec::new();
        for (split, (record_a, metrics_a)) in of_a.into_iter().filter(|(split, _)| wanted(split)) {
            let Some((record_b, metrics_b)) = of_b.get(&split) else {
                continue;
            };
            let metrics = common(&split, &metrics_a, metrics_b)?;
            shared.push(Shared {
                split,
                a: record_a,
                b: record_b.clone(),
                metrics,
            });
        }
        if shared.is_empty() {
            let what = match &request.split {
                Some(split) => format!("both have evaluated predictions of the split `{split}`"),
                None => "have evaluated predictions of a common split".to_owned(),
            };
            return Err(Error::invalid(format!(
                "`{}` and `{}` cannot be tested row by row: it takes two runs that {what}",
                a.id, b.id
            )));
        }
        narrowed(shared, &request.metrics)
    }

    /// Evaluations that are done, by split, with what they computed.
    pub(crate) async fn done_evaluations(
        &self,
        run: &Run,
    ) -> Result<BTreeMap<String, (EvaluationRecord, Vec<ResultMetric>)>> {
        let records = self
            .store
            .evaluation_list(std::slice::from_ref(&run.id))
            .await?;
        let mut done = BTreeMap::new();
        for record in records {
            if record.state != EvaluationState::Done {
                continue;
            }
            let head: ResultHead =
                serde_json::from_value(record.result.clone().unwrap_or_default())
                    .map_err(|source| Error::internal("read an evaluation", source))?;
            done.insert(record.split.clone(), (record, head.metrics));
        }
        Ok(done)
    }
}

/// Metrics of both, refused when one is of two definitions.
fn common(split: &str, a: &[ResultMetric], b: &[ResultMetric]) -> Result<Vec<ResultMetric>> {
    let mut found = Vec::new();
    for metric in a {
        let Some(other) = b.iter().find(|other| other.name == metric.name) else {
            continue;
        };
        same_definition(&format!("{split}/{}", metric.name), metric, other)?;
        found.push(metric.clone());
    }
    Ok(found)
}

/// Refuses two results of a metric that are of two definitions.
pub(crate) fn same_definition(name: &str, a: &ResultMetric, b: &ResultMetric) -> Result<()> {
    if (&a.definition, &a.definition_hash) == (&b.definition, &b.definition_hash) {
        return Ok(());
    }
    Err(version_conflict(name, &a.definition, &b.definition))
}

/// Only the metrics asked for.
fn narrowed(mut shared: Vec<Shared>, wanted: &[String]) -> Result<Vec<Shared>> {
    let names = |text: &str, split: &str, metric: &ResultMetric| {
        let text = match text.split_once('/') {
            Some((of, rest)) if of == split => rest,
            Some(_) => return false,
            None => text,
        };
        text == metric.name || text == metric.definition
    };
    for text in wanted {
        let known = |part: &Shared| {
            part.metrics
                .iter()
                .any(|metric| names(text, &part.split, metric))
        };
        if !shared.iter().any(known) {
            let all: Vec<String> = shared
                .iter()
                .flat_map(|part| {
                    let of = |metric: &ResultMetric| format!("{}/{}", part.split, metric.name);
                    part.metrics.iter().map(of)
                })
                .collect();
            return Err(Error::invalid(format!(
                "`{text}` is no metric that both runs were evaluated by; there are {}",
                all.join(", ")
            )));
        }
    }
    if !wanted.is_empty() {
        for part in &mut shared {
            let split = part.split.clone();
            part.metrics
                .retain(|metric| wanted.iter().any(|text| names(text, &split, metric)));
        }
        shared.retain(|part| !part.metrics.is_empty());
    }
    Ok(shared)
}

/// How to test a split: fewer resamples where there is much to do, unless a number was asked for.
fn options(
    request: &PairRequest,
    split: &Shared,
    rows: usize,
    warnings: &mut Vec<String>,
) -> Result<PairedOptions> {
    let cells = (rows as u64)
        .saturating_mul(split.metrics.len() as u64)
        .max(1);
    let affordable = u32::try_from(limits::PAIR_CELLS_MAX / cells).unwrap_or(u32::MAX);
    let samples = match request.samples {
        Some(asked) if asked <= affordable => asked,
        None if affordable >= SAMPLES_MIN => affordable.min(DEFAULT_PAIRED_SAMPLES),
        _ => {
            return Err(Error::invalid(format!(
                "{} metrics of {rows} rows are too many for so many resamples; name fewer metrics{}",
                split.metrics.len(),
                match request.samples {
                    Some(_) => format!(", or at most {affordable} `samples`"),
                    None => String::new(),
                }
            )));
        }
    };
    if request.samples.is_none() && samples < DEFAULT_PAIRED_SAMPLES {
        warnings.push(format!(
            "{samples} resamples instead of {DEFAULT_PAIRED_SAMPLES} for the {rows} rows of `{}`: the least probability is {:.1e}; name fewer metrics for more",
            split.split,
            1.0 / f64::from(samples + 1)
        ));
    }
    Ok(PairedOptions {
        method: request.method,
        samples,
        seed: request.seed,
        threads: THREADS,
        ..PairedOptions::default()
    })
}

async fn tested(
    split: Shared,
    first: Predictions,
    second: Predictions,
    options: PairedOptions,
    definitions: CustomDefinitions,
) -> Result<Vec<PairedMetric>> {
    tokio::task::spawn_blocking(move || {
        let pair = PairedPredictions::new(&first, &second);
        let of = |metric: &ResultMetric| {
            let answer = match &pair {
                _ if is_custom(&metric.definition) => Err((false, NOT_BY_ROWS.to_owned())),
                Ok(pair) => paired_test(pair, &metric.definition, &options)
                    .map_err(|why| (matches!(why, NoPairedTest::Identical), why.to_string())),
                Err(why) => Err((false, why.to_string())),
            };
            metric_of(
                &split.split,
                (metric, definitions.direction(&metric.definition)),
                answer,
            )
        };
        split.metrics.iter().map(of).collect()
    })
    .await
    .map_err(|source| Error::internal("test two runs", source))
}

/// A metric without its adjustment; `answer` is the test, or whether no row differs and why
/// there is none.
fn metric_of(
    split: &str,
    (metric, direction): (&ResultMetric, Direction),
    answer: std::result::Result<PairedTest, (bool, String)>,
) -> PairedMetric {
    let (test, verdict, reason) = match answer {
        Ok(test) if direction == Direction::None => (
            Some(test),
            Verdict::NoVerdict,
            Some("it is not known in which direction the metric gets better".to_owned()),
        ),
        // The adjustment decides.
        Ok(test) => (Some(test), Verdict::NoDifference, None),
        Err((true, why)) => (None, Verdict::NoDifference, Some(why)),
        Err((false, why)) => (None, Verdict::NoVerdict, Some(why)),
    };
    PairedMetric {
        split: split.to_owned(),
        metric: metric.name.clone(),
        definition: metric.definition.clone(),
        direction,
        test,
        p_adjusted: None,
        verdict,
        reason,
    }
}

/// The tests with adjusted probabilities and verdicts.
fn judged(mut tests: Vec<PairedMetric>) -> Vec<PairedMetric> {
    let sought = |of: &PairedMetric| of.test.as_ref().filter(|_| of.reason.is_none()).cloned();
    let p_values: Vec<f64> = tests
        .iter()
        .filter_map(|of| Some(sought(of)?.p_value))
        .collect();
    let mut adjusted = holm(&p_values).into_iter();
    for of in &mut tests {
        let Some(test) = sought(of) else { continue };
        of.p_adjusted = adjusted.next();
        let shown = of.p_adjusted.is_some_and(|p| p < LEVEL);
        of.verdict = Verdict::of(shown, of.direction, test.difference);
    }
    tests
}
