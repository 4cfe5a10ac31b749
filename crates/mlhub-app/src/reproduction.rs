//! Whether a run that was started to reproduce another one did: a verdict per metric,
//! worked out from what both logged and from their evaluations whenever it is asked for.
//!
//! Which run reproduces which is in the snapshot of the later one, which nobody can
//! change; its tag of the same name only makes it findable.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mlhub_core::evaluation::{EvaluatedMetric, EvaluationState};
use mlhub_core::metric::{Point, SeriesWindow};
use mlhub_core::run::Run;
use mlhub_core::state::RunState;
use mlhub_core::{Caller, Error, Result, RunId};
use mlhub_protocol::rest::{Reproduces, ReproductionDifference, Snapshot};
use mlhub_series::{Agreement, Comparison};

use crate::Hub;
use crate::attribution::{Attribution, Evidence, attribute};
use crate::history::{History, HistoryRequest};
use crate::run_search::{RunFilter, RunSearchRequest};
use crate::runs::RunRow;

/// The tag of a run that names the run it reproduces.
pub const REPRODUCES_TAG: &str = "reproduces";
/// Newest reproductions of a run that are told of.
const REPRODUCTIONS_MAX: usize = 20;
/// Largest relative difference that counts as the same result unless asked otherwise.
pub const TOLERANCE_DEFAULT: f64 = 1e-6;
/// What these series measure is the machine, which is another one or does other work.
const MACHINE_PREFIXES: [&str; 2] = ["system/", "time/"];

/// What is said of a reproduction as a whole; the worst of its metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReproductionVerdict {
    /// It has not ended, or is still being evaluated.
    Running,
    /// It did not finish.
    Failed,
    /// Neither run has a metric.
    NothingToCompare,
    /// Every metric is the same, bit for bit.
    Identical,
    /// No metric differs by more than the tolerance.
    WithinTolerance,
    /// A metric differs by more.
    Diverged,
}

impl ReproductionVerdict {
    /// The name used in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Failed => "failed",
            Self::NothingToCompare => "nothing_to_compare",
            Self::Identical => "identical",
            Self::WithinTolerance => "within_tolerance",
            Self::Diverged => "diverged",
        }
    }
}

/// One metric of both runs.
#[derive(Debug, Clone, PartialEq)]
pub struct ReproducedMetric {
    /// The logged name, or `<split>/<name>`.
    pub name: String,
    /// `name@version` where it was evaluated; else it was logged.
    pub definition: Option<String>,
    /// How both agree; evaluated numbers diverge at step 0.
    pub agreement: Agreement,
    /// What else is to be said, such as that their definitions differ.
    pub message: Option<String>,
}

/// A run and the run it was started to reproduce.
#[derive(Debug, Clone)]
pub struct Reproduction {
    /// The earlier run.
    pub original: Run,
    /// The later one.
    pub run: Run,
    /// Over all metrics.
    pub verdict: ReproductionVerdict,
    /// The tolerance of the verdict, relative.
    pub tolerance: f64,
    /// What was known not to be as it was when it started.
    pub differences: Vec<ReproductionDifference>,
    /// Logged metrics by name, then evaluated ones.
    pub metrics: Vec<ReproducedMetric>,
    /// Metrics of the machine, which are not compared.
    pub left_out: Vec<String>,
    /// Whether the predictions of every split are the same, byte for byte; absent where there are none.
    pub same_predictions: Option<bool>,
    /// What made it come out as it did.
    pub attribution: Attribution,
}

/// What a run reproduces, and what reproduces it.
#[derive(Debug, Clone)]
pub struct Reproductions {
    /// The run it was started to reproduce.
    pub reproduces: Option<Reproduction>,
    /// Newest first, at most twenty.
    pub reproductions: Vec<Reproduction>,
}

impl Hub {
    /// What a run reproduces and what reproduces it, judged now.
    ///
    /// # Errors
    /// `Invalid` for a tolerance that is no number from 0 to 1.
    pub async fn reproduction_list(
        &self,
        caller: &Caller,
        text: &str,
        tolerance: Option<f64>,
    ) -> Result<Reproductions> {
        let tolerance = tolerance.unwrap_or(TOLERANCE_DEFAULT);
        if !(0.0..=1.0).contains(&tolerance) {
            return Err(Error::invalid(
                "`tolerance` is a relative difference, a number from 0 to 1",
            ));
        }
        let run = self.run_resolve(caller, text).await?;
        let snapshot = self.snapshot(&run.id).await?;
        let reproduces = match &snapshot.reproduces {
            None => None,
            Some(of) => match self.store.runs_get(&[of.run.parse()?]).await?.pop() {
                None => None,
                Some(original) => Some(
                    self.judged_beside_others(caller, original, &run, &snapshot, tolerance)
                        .await?,
                ),
            },
        };
        let mut reproductions = Vec::new();
        let mut evidence = Vec::new();
        for (later, of) in self.reproduced_by(caller, &run.id).await? {
            let one = self.judged(caller, &run, &later, &of, tolerance).await?;
            evidence.push(Evidence::new(&snapshot, &of, one.verdict));
            reproductions.push(one);
        }
        for (index, one) in reproductions.iter_mut().enumerate() {
            let mut others = evidence.clone();
            let own = others.remove(index);
            one.attribution = attribute(&own, &others);
        }
        Ok(Reproductions {
            reproduces,
            reproductions,
        })
    }

    /// One reproduction; where it diverged, the others of the same run tell why.
    async fn judged_beside_others(
        &self,
        caller: &Caller,
        original: Run,
        run: &Run,
        snapshot: &Snapshot,
        tolerance: f64,
    ) -> Result<Reproduction> {
        let recorded = self.snapshot(&original.id).await?;
        let mut one = self
            .judged(caller, &original, run, snapshot, tolerance)
            .await?;
        let mut others = Vec::new();
        if one.verdict == ReproductionVerdict::Diverged {
            for (later, of) in self.reproduced_by(caller, &original.id).await? {
                if later.id != run.id {
                    let other = self
                        .judged(caller, &original, &later, &of, tolerance)
                        .await?;
                    others.push(Evidence::new(&recorded, &of, other.verdict));
                }
            }
        }
        one.attribution = attribute(&Evidence::new(&recorded, snapshot, one.verdict), &others);
        Ok(one)
    }

    /// Runs whose snapshot says that they reproduce a run, newest first.
    async fn reproduced_by(&self, caller: &Caller, run: &RunId) -> Result<Vec<(Run, Snapshot)>> {
        let request = RunSearchRequest {
            filter: RunFilter::default(),
            query: format!("tags.{REPRODUCES_TAG} = '{run}'"),
            columns: Some(Vec::new()),
            limit: Some(REPRODUCTIONS_MAX),
            ..RunSearchRequest::default()
        };
        let found = self.run_search(caller, request).await?;
        let mut later = Vec::new();
        for found in found.runs {
            let snapshot = self.snapshot(&found.row.run.id).await?;
            // Anybody can set a tag.
            let is_meant = |of: &Reproduces| of.run == run.as_str();
            if snapshot.reproduces.as_ref().is_some_and(is_meant) {
                later.push((found.row.run, snapshot));
            }
        }
        Ok(later)
    }

    async fn judged(
        &self,
        caller: &Caller,
        original: &Run,
        run: &Run,
        snapshot: &Snapshot,
        tolerance: f64,
    ) -> Result<Reproduction> {
        let rows = [self.row(&original.id).await?, self.row(&run.id).await?];
        let mut metrics = self.logged(caller, &rows, tolerance).await?;
        metrics.extend(evaluated(&rows, tolerance));
        let is_judged =
            !self.is_being_judged(&original.id).await? && !self.is_being_judged(&run.id).await?;
        let verdict = match run.state {
            RunState::Finished if is_judged => overall(&metrics),
            RunState::Finished => ReproductionVerdict::Running,
            state if state.is_terminal() => ReproductionVerdict::Failed,
            _ => ReproductionVerdict::Running,
        };
        Ok(Reproduction {
            same_predictions: self.same_predictions(&original.id, &run.id).await?,
            left_out: self.machine_metrics(&original.id).await?,
            differences: snapshot
                .reproduces
                .as_ref()
                .map(|of| of.differences.clone())
                .unwrap_or_default(),
            attribution: Attribution::default(),
            verdict,
            tolerance,
            metrics,
            original: original.clone(),
            run: run.clone(),
        })
    }

    /// Every logged metric that either run has, those of the machine left out.
    async fn logged(
        &self,
        caller: &Caller,
        rows: &[RunRow; 2],
        tolerance: f64,
    ) -> Result<Vec<ReproducedMetric>> {
        let names: BTreeSet<&String> = rows
            .iter()
            .flat_map(|row| &row.metrics)
            .map(|metric| &metric.name)
            .filter(|name| !is_of_machine(name))
            .collect();
        let mut first = self.points(caller, &rows[0].run.id, &names).await?;
        let mut second = self.points(caller, &rows[1].run.id, &names).await?;
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            let mut comparison = Comparison::new(tolerance);
            let agreement = loop {
                let (a, b) = (first.next(name).await?, second.next(name).await?);
                if let Some(agreement) = comparison.next(a, b) {
                    break agreement;
                }
            };
            first.leave(name).await?;
            second.leave(name).await?;
            found.push(ReproducedMetric {
                name: name.clone(),
                definition: None,
                agreement,
                message: None,
            });
        }
        Ok(found)
    }

    /// The visible points of some metrics of a run, in the order of their names.
    async fn points(
        &self,
        caller: &Caller,
        run: &RunId,
        names: &BTreeSet<&String>,
    ) -> Result<Points> {
        let request = HistoryRequest {
            runs: vec![run.to_string()],
            metrics: names.iter().map(|name| (*name).clone()).collect(),
            patterns: Vec::new(),
            window: SeriesWindow::default(),
            superseded: false,
        };
        Ok(Points {
            // Without names a history is of all metrics.
            history: match names.is_empty() {
                true => None,
                false => Some(self.history_open(caller, request).await?),
            },
            metric: String::new(),
            held: VecDeque::new(),
        })
    }

    /// Whether results are still to come: what is missing then says nothing.
    async fn is_being_judged(&self, run: &RunId) -> Result<bool> {
        let records = self
            .store
            .evaluation_list(std::slice::from_ref(run))
            .await?;
        Ok(records
            .iter()
            .any(|record| record.state == EvaluationState::Pending))
    }

    async fn machine_metrics(&self, run: &RunId) -> Result<Vec<String>> {
        let summaries = self
            .store
            .summaries(std::slice::from_ref(run), None)
            .await?;
        let mut names: Vec<String> = summaries
            .into_iter()
            .map(|summary| summary.name)
            .filter(|name| is_of_machine(name))
            .collect();
        names.sort();
        Ok(names)
    }

    /// Whether both runs predicted the same bytes for every split that either predicted.
    async fn same_predictions(&self, first: &RunId, second: &RunId) -> Result<Option<bool>> {
        let first = self.prediction_hashes(first).await?;
        let second = self.prediction_hashes(second).await?;
        if first.is_empty() && second.is_empty() {
            return Ok(None);
        }
        Ok(Some(first == second))
    }

    async fn prediction_hashes(&self, run: &RunId) -> Result<BTreeMap<String, String>> {
        let records = self
            .store
            .evaluation_list(std::slice::from_ref(run))
            .await?;
        Ok(records
            .into_iter()
            .map(|record| (record.split, record.predictions_hash))
            .collect())
    }
}

/// The visible points of several series, one after the other, batch by batch.
struct Points {
    history: Option<History>,
    /// The metric of the points held.
    metric: String,
    held: VecDeque<Point>,
}

impl Points {
    /// Holds points of the next metric that has any, when none are left.
    async fn fill(&mut self) -> Result<()> {
        if self.held.is_empty()
            && let Some(history) = &mut self.history
            && let Some(batch) = history.next().await?
        {
            self.metric = batch.metric;
            self.held = batch.points.into();
        }
        Ok(())
    }

    /// The next point of a metric; `None` at its end. Metrics are asked for in their order.
    async fn next(&mut self, metric: &str) -> Result<Option<(i64, f64)>> {
        self.fill().await?;
        if self.metric != metric {
            return Ok(None);
        }
        Ok(self.held.pop_front().map(|point| (point.step, point.value)))
    }

    /// Passes over what is left of a metric.
    async fn leave(&mut self, metric: &str) -> Result<()> {
        self.fill().await?;
        while self.metric == metric && !self.held.is_empty() {
            self.held.clear();
            self.fill().await?;
        }
        Ok(())
    }
}

fn is_of_machine(name: &str) -> bool {
    MACHINE_PREFIXES
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Evaluated numbers that either run has.
fn evaluated(rows: &[RunRow; 2], tolerance: f64) -> Vec<ReproducedMetric> {
    let [first, second] = rows.each_ref().map(|row| {
        row.evaluated
            .iter()
            .map(|metric| (format!("{}/{}", metric.split, metric.name), metric))
            .collect::<BTreeMap<_, _>>()
    });
    let names: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
    names
        .into_iter()
        .map(|name| {
            let (a, b) = (first.get(name), second.get(name));
            let definition = a.or(b).map(|metric| metric.definition.clone());
            let value = |of: Option<&&EvaluatedMetric>| of.map(|metric| metric.value);
            let other_definition = a
                .zip(b)
                .filter(|(a, b)| a.definition != b.definition)
                .map(|(a, b)| format!("{} and {} are not comparable", a.definition, b.definition));
            let mut comparison = Comparison::new(tolerance);
            let point = |of| value(of).map(|value| (0, value));
            let agreement = comparison
                .next(point(a), point(b))
                .or_else(|| comparison.next(None, None))
                .filter(|_| other_definition.is_none())
                .unwrap_or(Agreement::Diverged {
                    step: 0,
                    first: value(a),
                    second: value(b),
                });
            ReproducedMetric {
                name: name.clone(),
                definition,
                agreement,
                message: other_definition,
            }
        })
        .collect()
}

/// The worst of all.
fn overall(metrics: &[ReproducedMetric]) -> ReproductionVerdict {
    let any = |test: fn(&Agreement) -> bool| metrics.iter().any(|metric| test(&metric.agreement));
    if metrics.is_empty() {
        ReproductionVerdict::NothingToCompare
    } else if any(|agreement| matches!(agreement, Agreement::Diverged { .. })) {
        ReproductionVerdict::Diverged
    } else if any(|agreement| matches!(agreement, Agreement::Within { .. })) {
        ReproductionVerdict::WithinTolerance
    } else {
        ReproductionVerdict::Identical
    }
}
