//! Gates: rules that a run must meet before it goes on, held against what the hub measured.
//!
//! A rule about what cannot be said fails: a missing metric, an interval that was not computed,
//! a difference that no test can judge. Only the last may be let pass, by the rule itself.

mod bounds;
mod fairness;
mod rules;

use std::collections::BTreeMap;

use mlhub_core::metric::Direction;
use mlhub_core::run::Run;
use mlhub_core::{Caller, Error, Permission, Result, limits};
use mlhub_protocol::rest::{
    Gate, GateCheck, GateFairness, GateNoVerdict, GateOutcome, GateRegression, GateReport,
    GateRequest, RunReference, Snapshot,
};

use crate::Hub;
use crate::compare::{MetricComparison, display_direction};
use crate::custom_metrics::CustomDefinitions;
use crate::paired::{PairRequest, PairedMetric};
use crate::receipt::receipt;
use crate::runs::RunRow;
use crate::significance::{LEVEL, MetricTest, Side, tests};
use bounds::{measured, number};
pub(crate) use rules::check_rules;

/// Artifacts that are the model.
const MODEL_KIND: &str = "model";

/// One side of a gate.
struct Party {
    rows: Vec<RunRow>,
    snapshots: Vec<Snapshot>,
}

impl Hub {
    /// Holds runs against the rules of a gate.
    ///
    /// # Errors
    /// `Invalid` for rules that say nothing, contradict themselves or need a baseline that is
    /// not named.
    pub async fn gate(&self, caller: &Caller, request: &GateRequest) -> Result<GateReport> {
        caller.require(Permission::Read)?;
        rules::check(request)?;
        let gate = &request.gate;
        let runs = self.party(caller, &request.runs).await?;
        let baseline = self.party(caller, &request.baseline).await?;
        let mut checks = Vec::new();
        let definitions = self.custom_definitions().await?;
        let splits = evaluated_splits(gate, &definitions);
        for split in &splits {
            if gate.verified != Some(false) {
                checks.push(self.verified(&runs, split).await?);
            }
            if gate.leakage != Some(false) {
                checks.push(self.unleaked(&runs, split).await?);
            }
        }
        checks.extend(
            gate.threshold
                .iter()
                .map(|rule| bounds::threshold(rule, &runs.rows)),
        );
        for rule in &gate.no_regression {
            checks.extend(self.no_regression(caller, rule, &runs, &baseline).await?);
        }
        for rule in &gate.fairness {
            checks.push(self.fairness(rule, &runs).await?);
        }
        if let Some(size) = &gate.size {
            checks.push(self.size(size.max_bytes, &runs).await?);
        }
        Ok(GateReport {
            passed: !checks.iter().any(|of| of.outcome == GateOutcome::Failed),
            runs: references(&runs),
            baseline: references(&baseline),
            checks,
        })
    }

    async fn party(&self, caller: &Caller, texts: &[String]) -> Result<Party> {
        if texts.len() > limits::GATE_RUNS_MAX {
            return Err(Error::invalid(format!(
                "{} runs are more than the {} on one side of a gate",
                texts.len(),
                limits::GATE_RUNS_MAX
            )));
        }
        let mut runs: Vec<Run> = Vec::new();
        let mut snapshots = Vec::new();
        for text in texts {
            let run = self.run_resolve(caller, text).await?;
            if runs.iter().any(|known| known.id == run.id) {
                return Err(Error::invalid(format!(
                    "run `{}` is named twice; it would count twice",
                    run.id
                )));
            }
            snapshots.push(self.snapshot(&run.id).await?);
            runs.push(run);
        }
        let rows = self.rows(runs).await?;
        Ok(Party { rows, snapshots })
    }

    async fn verified(&self, runs: &Party, split: &str) -> Result<GateCheck> {
        let mut missing = Vec::new();
        for (row, snapshot) in runs.rows.iter().zip(&runs.snapshots) {
            let done = self.done_evaluations(&row.run).await?;
            let Some((record, _)) = done.get(split) else {
                missing.push(format!("`{}` has no evaluation of it", row.run.name));
                continue;
            };
            let artifacts = self.store.artifact_list(&row.run.id).await?;
            let receipt = receipt(record, snapshot, &artifacts, row.run.dataset.as_deref());
            if !receipt.missing.is_empty() {
                missing.push(format!(
                    "`{}` has no {}",
                    row.run.name,
                    receipt.missing.join(", no ")
                ));
            }
        }
        Ok(outcome(
            "verified",
            split,
            missing.is_empty(),
            match missing.is_empty() {
                true => format!("the results on `{split}` stand on everything a receipt names"),
                false => format!("unverified results on `{split}`: {}", missing.join("; ")),
            },
        ))
    }

    async fn unleaked(&self, runs: &Party, split: &str) -> Result<GateCheck> {
        let mut told = Vec::new();
        let mut passed = true;
        for snapshot in &runs.snapshots {
            let Some(leak) = self.leak(snapshot, split).await? else {
                continue;
            };
            let message = match &leak.accepted {
                Some(by) => format!("{}, accepted by {}: {}", leak.message, by.user, by.reason),
                None => format!("{}, and nobody accepted that", leak.message),
            };
            passed &= leak.accepted.is_some();
            if !told.contains(&message) {
                told.push(message);
            }
        }
        if told.is_empty() {
            told.push(format!(
                "no row of `{split}` is known to be in another split"
            ));
        }
        Ok(outcome("leakage", split, passed, told.join("; ")))
    }

    async fn no_regression(
        &self,
        caller: &Caller,
        rule: &GateRegression,
        runs: &Party,
        baseline: &Party,
    ) -> Result<Vec<GateCheck>> {
        let definitions = self.custom_definitions().await?;
        let mut checks = Vec::new();
        let mut told = Vec::new();
        for metric in &rule.metrics {
            match compared(metric, runs, baseline, &definitions) {
                Ok(found) => told.push(found),
                Err(message) => checks.push(outcome("no_regression", metric, false, message)),
            }
        }
        let alone = |party: &Party| party.rows.len() == 1;
        let judged: Vec<Judged> = match alone(runs) && alone(baseline) {
            true => self.judged_by_rows(caller, &told, runs, baseline).await?,
            false => judged_by_seeds(&told, runs, baseline),
        };
        checks.extend(
            told.iter()
                .zip(judged)
                .map(|(metric, judged)| regression(rule, metric, &judged)),
        );
        Ok(checks)
    }

    /// One run on each side: tested over the rows that both predicted.
    async fn judged_by_rows(
        &self,
        caller: &Caller,
        metrics: &[MetricComparison],
        runs: &Party,
        baseline: &Party,
    ) -> Result<Vec<Judged>> {
        let evaluated = metrics.iter().filter(|of| of.definition.is_some());
        let names: Vec<String> = evaluated.map(|of| of.name.clone()).collect();
        let mut found: BTreeMap<String, Judged> = BTreeMap::new();
        if !names.is_empty() {
            let request = PairRequest {
                a: runs.rows[0].run.id.to_string(),
                b: baseline.rows[0].run.id.to_string(),
                metrics: names,
                ..PairRequest::default()
            };
            let pair = self.run_pair(caller, &request).await?;
            let by_rows = |of: PairedMetric| (format!("{}/{}", of.split, of.metric), of.into());
            found = pair.tests.into_iter().map(by_rows).collect();
        }
        let logged = || {
            Judged {
            difference: None,
            p: None,
            why: Some(
                "a single logged value on each side cannot be told from chance; name several runs that differ in their seed".to_owned(),
            ),
            by: String::new(),
        }
        };
        let judged = metrics.iter();
        Ok(judged
            .map(|of| found.remove(&of.name).unwrap_or_else(logged))
            .collect())
    }

    async fn fairness(&self, rule: &GateFairness, runs: &Party) -> Result<GateCheck> {
        let subject = format!("{} by {}", rule.metric, rule.slice);
        let (split, _) = rule.metric.split_once('/').unwrap_or_default();
        let mut told = Vec::new();
        let mut passed = true;
        for row in &runs.rows {
            let slices = self.slices_of(&row.run, split).await?;
            let (near, message) = fairness::gap(rule, row.run.name.as_str(), &slices);
            passed &= near;
            told.push(message);
        }
        Ok(outcome("fairness", &subject, passed, told.join("; ")))
    }

    async fn size(&self, max_bytes: u64, runs: &Party) -> Result<GateCheck> {
        let mut told = Vec::new();
        let mut passed = true;
        for row in &runs.rows {
            let artifacts = self.store.artifact_list(&row.run.id).await?;
            let models = artifacts.iter().filter(|of| of.kind == MODEL_KIND);
            let newest = models.clone().map(|of| of.attempt).max();
            let files = models.filter(|of| Some(of.attempt) == newest);
            let bytes: u64 = files.map(|of| of.size_bytes).sum();
            passed &= newest.is_some() && bytes <= max_bytes;
            told.push(match newest {
                Some(_) => format!("{bytes} bytes with at most {max_bytes} allowed"),
                None => format!("`{}` stored no model", row.run.name),
            });
        }
        Ok(outcome("size", "model", passed, told.join("; ")))
    }
}

/// What a test says of candidate and baseline, whatever made it.
struct Judged {
    /// Candidate less baseline.
    difference: Option<f64>,
    /// Adjusted probability.
    p: Option<f64>,
    /// Why there is no test.
    why: Option<String>,
    /// The test's name.
    by: String,
}

impl From<PairedMetric> for Judged {
    fn from(of: PairedMetric) -> Self {
        let identical = of.test.is_none() && of.verdict == crate::Verdict::NoDifference;
        Self {
            difference: match identical {
                true => Some(0.0),
                false => of.test.as_ref().map(|test| test.difference),
            },
            p: match identical {
                true => Some(1.0),
                false => of.p_adjusted,
            },
            why: of.reason.filter(|_| !identical),
            by: of
                .test
                .map_or_else(String::new, |test| test.method.as_str().to_owned()),
        }
    }
}

impl From<MetricTest> for Judged {
    fn from(of: MetricTest) -> Self {
        Self {
            difference: Some(of.difference),
            p: of.p_adjusted,
            why: of.reason,
            by: "Welch's t test over seeds".to_owned(),
        }
    }
}

/// Several runs on a side: tested over their seeds.
fn judged_by_seeds(metrics: &[MetricComparison], runs: &Party, baseline: &Party) -> Vec<Judged> {
    let sides = [
        runs.side("candidate", metrics),
        baseline.side("baseline", metrics),
    ];
    let (found, _) = tests(&sides, metrics);
    let mut found: BTreeMap<String, Judged> = found
        .into_iter()
        .map(|of| (of.metric.clone(), of.into()))
        .collect();
    let none = || Judged {
        difference: None,
        p: None,
        why: Some("a side has no finite value of it".to_owned()),
        by: String::new(),
    };
    metrics
        .iter()
        .map(|of| found.remove(&of.name).unwrap_or_else(none))
        .collect()
}

impl Party {
    fn each(&self) -> impl Iterator<Item = (&RunRow, &Snapshot)> {
        self.rows.iter().zip(&self.snapshots)
    }

    fn side<'a>(&'a self, label: &'a str, metrics: &[MetricComparison]) -> Side<'a> {
        let of = |metric: &MetricComparison| {
            let found = self
                .rows
                .iter()
                .filter_map(|row| measured(row, &metric.name));
            (metric.name.clone(), found.map(|of| of.value).collect())
        };
        let members: Vec<_> = self.each().collect();
        Side::new(label, &members, metrics.iter().map(of).collect())
    }
}

/// A metric of both sides, ready to be tested; what is wrong with it otherwise.
fn compared(
    metric: &str,
    runs: &Party,
    baseline: &Party,
    known: &CustomDefinitions,
) -> std::result::Result<MetricComparison, String> {
    let mut definitions = Vec::new();
    let mut values = Vec::new();
    let mut name = metric.to_owned();
    for row in runs.rows.iter().chain(&baseline.rows) {
        let Some(found) = measured(row, metric) else {
            return Err(format!("`{}` has no `{metric}`", row.run.name));
        };
        if found.definition.is_some()
            && let Some((bare, _)) = metric.split_once('@')
        {
            bare.clone_into(&mut name);
        }
        definitions.push(found.definition);
        values.push(Some(found.value));
    }
    definitions.dedup();
    let [definition] = definitions.as_slice() else {
        let named: Vec<&str> = definitions
            .iter()
            .map(|of| of.as_deref().unwrap_or("logged"))
            .collect();
        return Err(format!(
            "the runs have different definitions of `{metric}`: {}; evaluate them again",
            named.join(", ")
        ));
    };
    let direction = match definition.as_deref() {
        Some(definition) => known.direction(definition),
        None => runs.snapshots.first().map_or(Direction::None, |snapshot| {
            display_direction(snapshot, metric)
        }),
    };
    Ok(MetricComparison {
        name,
        definition: definition.clone(),
        direction,
        intervals: vec![None; values.len()],
        values,
        best: None,
    })
}

fn regression(rule: &GateRegression, metric: &MetricComparison, judged: &Judged) -> GateCheck {
    let (Some(difference), Some(p)) = (judged.difference, judged.p) else {
        let why = judged.why.as_deref().unwrap_or("there is no test");
        return GateCheck {
            rule: "no_regression".to_owned(),
            subject: metric.name.clone(),
            outcome: match rule.no_verdict {
                GateNoVerdict::Fail => GateOutcome::Failed,
                GateNoVerdict::Warn => GateOutcome::Warning,
            },
            message: format!("no verdict: {why}"),
        };
    };
    let worse = match metric.direction {
        Direction::Minimize => difference,
        _ => -difference,
    };
    let passed = worse <= rule.tolerance || p >= rule.level.unwrap_or(LEVEL);
    let by = match judged.by.as_str() {
        "" => String::new(),
        by => format!(", {by}"),
    };
    let message = format!(
        "{} by {} (adjusted p = {}{by}); {} is no regression",
        if worse > 0.0 {
            "worse"
        } else {
            "not worse, differs"
        },
        number(difference.abs()),
        number(p),
        match rule.tolerance {
            0.0 => "a difference that is not significant".to_owned(),
            tolerance => format!(
                "up to {}, or one that is not significant,",
                number(tolerance)
            ),
        }
    );
    outcome("no_regression", &metric.name, passed, message)
}

/// Splits that rules about evaluated metrics name.
fn evaluated_splits(gate: &Gate, definitions: &CustomDefinitions) -> Vec<String> {
    let thresholds = gate.threshold.iter().map(|rule| &rule.metric);
    let regressions = gate.no_regression.iter().flat_map(|rule| &rule.metrics);
    let fairness = gate.fairness.iter().map(|rule| &rule.metric);
    let mut splits: Vec<String> = Vec::new();
    for metric in thresholds.chain(regressions).chain(fairness) {
        let Some((split, name)) = metric.split_once('/') else {
            continue;
        };
        let bare = name.split_once('@').map_or(name, |(bare, _)| bare);
        if definitions.knows(bare) && !splits.iter().any(|of| of == split) {
            splits.push(split.to_owned());
        }
    }
    splits
}

fn references(party: &Party) -> Vec<RunReference> {
    let of = |row: &RunRow| RunReference {
        id: row.run.id.to_string(),
        name: row.run.name.to_string(),
    };
    party.rows.iter().map(of).collect()
}

fn outcome(rule: &str, subject: &str, passed: bool, message: String) -> GateCheck {
    GateCheck {
        rule: rule.to_owned(),
        subject: subject.to_owned(),
        outcome: match passed {
            true => GateOutcome::Passed,
            false => GateOutcome::Failed,
        },
        message,
    }
}

#[cfg(test)]
mod tests_of_verdicts {
    use super::*;

    #[test]
    fn a_worse_value_is_no_regression_until_it_is_significant() {
        let metric = MetricComparison {
            name: "test/log_loss".to_owned(),
            definition: Some("log_loss@1".to_owned()),
            direction: Direction::Minimize,
            values: vec![],
            intervals: vec![],
            best: None,
        };
        let judged = |difference, p| Judged {
            difference: Some(difference),
            p: Some(p),
            why: None,
            by: "a test".to_owned(),
        };
        let rule = GateRegression::default();
        let of = |judged: &Judged| regression(&rule, &metric, judged).outcome;
        assert_eq!(of(&judged(0.1, 0.2)), GateOutcome::Passed);
        assert_eq!(of(&judged(0.1, 0.01)), GateOutcome::Failed);
        assert_eq!(of(&judged(-0.1, 0.01)), GateOutcome::Passed);
        let tolerant = GateRegression {
            tolerance: 0.2,
            ..GateRegression::default()
        };
        let within = regression(&tolerant, &metric, &judged(0.1, 0.01));
        assert_eq!(within.outcome, GateOutcome::Passed);
        let none = Judged {
            difference: None,
            p: None,
            why: Some("one seed each".to_owned()),
            by: String::new(),
        };
        assert_eq!(of(&none), GateOutcome::Failed);
        let lenient = GateRegression {
            no_verdict: GateNoVerdict::Warn,
            ..GateRegression::default()
        };
        let told = regression(&lenient, &metric, &none);
        assert_eq!(told.outcome, GateOutcome::Warning);
        assert!(told.message.contains("one seed each"));
    }
}
