//! Which seed groups of a comparison differ by more than their seeds do, and where
//! nothing honest can be said, why.
//!
//! The mathematics is in `mlhub-eval`. A verdict needs groups that were measured on
//! the same examples, a spread, and a direction in which the metric gets better.

use std::collections::{BTreeMap, BTreeSet};

use mlhub_core::metric::Direction;
use mlhub_core::{RunState, limits};
use mlhub_eval::{NoTest, WelchTest, almost_stochastic_order, hedges_g, holm, welch_test};
use mlhub_protocol::rest::Snapshot;

use crate::compare::{CONFIDENCE, MetricComparison};
use crate::evaluation::plan_of;
use crate::runs::RunRow;

/// The level below which an adjusted probability speaks of a difference.
pub(crate) const LEVEL: f64 = 1.0 - CONFIDENCE;

/// Resamples for the bound of a violation ratio.
const ORDER_SAMPLES: u32 = 500;
/// Seeds on a side above which the order is not bounded.
const ORDER_SEEDS_MAX: usize = 100;

/// What is said of two groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The first is better.
    ABetter,
    /// The second is better.
    BBetter,
    /// No difference was shown; there may be one.
    NoDifference,
    /// Nothing can be said; the reason is told.
    NoVerdict,
}

impl Verdict {
    /// What a test says: nothing was shown, or the side that is better in this direction.
    pub(crate) fn of(shown: bool, direction: Direction, difference: f64) -> Self {
        let greater = difference > 0.0;
        match (shown, direction) {
            (false, _) => Self::NoDifference,
            (true, Direction::Minimize) if greater => Self::BBetter,
            (true, Direction::Minimize) => Self::ABetter,
            (true, _) if greater => Self::ABetter,
            (true, _) => Self::BBetter,
        }
    }

    /// Its name on every face.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ABetter => "a_better",
            Self::BBetter => "b_better",
            Self::NoDifference => "no_difference",
            Self::NoVerdict => "no_verdict",
        }
    }
}

/// A metric of two seed groups.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricTest {
    /// The metric's name in the comparison.
    pub metric: String,
    /// `name@version` for evaluated metrics.
    pub definition: Option<String>,
    /// The first group.
    pub a: String,
    /// The second group.
    pub b: String,
    /// Seeds of the first with a finite value.
    pub n_a: u32,
    /// Seeds of the second with a finite value.
    pub n_b: u32,
    /// Mean of the first less mean of the second.
    pub difference: f64,
    /// Interval of the difference.
    pub interval: Option<(f64, f64)>,
    /// Hedges' g.
    pub effect: Option<f64>,
    /// Two-sided probability.
    pub p_value: Option<f64>,
    /// The same, adjusted for all tests of the comparison that seek a verdict.
    pub p_adjusted: Option<f64>,
    /// Bounds of the violation ratios of the first being better, and of the second.
    pub order: Option<(f64, f64)>,
    /// What is said.
    pub verdict: Verdict,
    /// Why nothing is.
    pub reason: Option<String>,
}

/// A seed group with what a test of it stands on.
pub(crate) struct Side<'a> {
    pub(crate) group: &'a str,
    pub(crate) values: BTreeMap<String, Vec<f64>>,
    datasets: BTreeSet<&'a str>,
    /// Fingerprints by split.
    splits: BTreeMap<&'a str, BTreeSet<&'a str>>,
    unfinished: usize,
}

impl<'a> Side<'a> {
    pub(crate) fn new(
        group: &'a str,
        runs: &[(&'a RunRow, &'a Snapshot)],
        values: BTreeMap<String, Vec<f64>>,
    ) -> Self {
        let mut splits: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let plans = runs.iter().filter_map(|(_, snapshot)| plan_of(snapshot));
        for (name, split) in plans.flat_map(|plan| &plan.splits) {
            if let Some(fingerprint) = &split.fingerprint {
                splits.entry(name).or_default().insert(fingerprint);
            }
        }
        let dataset = |(row, _): &(&'a RunRow, _)| row.run.dataset.as_deref().unwrap_or("none");
        let unfinished = |(row, _): &&(&RunRow, _)| row.run.state != RunState::Finished;
        Self {
            group,
            values,
            datasets: runs.iter().map(dataset).collect(),
            splits,
            unfinished: runs.iter().filter(unfinished).count(),
        }
    }
}

/// Tests every metric of every pair of groups. What is left out because it is too
/// much is told in a warning.
pub(crate) fn tests(
    sides: &[Side<'_>],
    metrics: &[MetricComparison],
) -> (Vec<MetricTest>, Option<String>) {
    let pairs = sides.len() * sides.len().saturating_sub(1) / 2;
    let evaluated = metrics.iter().filter(|metric| metric.definition.is_some());
    let (all, some) = (pairs * metrics.len(), pairs * evaluated.count());
    let most = limits::COMPARE_TESTS_MAX;
    let warning = (all > most).then(|| {
        let kept = match some <= most {
            true => "only evaluated metrics are tested",
            false => "none is made",
        };
        format!(
            "{all} tests between seed groups are more than the {most} of a comparison, so {kept}; compare fewer groups to see all"
        )
    });
    let tested =
        |metric: &&MetricComparison| all <= most || (some <= most && metric.definition.is_some());
    let mut found = Vec::new();
    for metric in metrics.iter().filter(tested) {
        for (place, a) in sides.iter().enumerate() {
            for b in &sides[place + 1..] {
                found.extend(test(metric, a, b).map(|test| (test, metric.direction)));
            }
        }
    }
    (judged(found), warning)
}

/// One test without its adjustment; none when a group has no value of the metric.
fn test(metric: &MetricComparison, a: &Side<'_>, b: &Side<'_>) -> Option<MetricTest> {
    let finite = |side: &Side<'_>| -> Vec<f64> {
        let values = side.values.get(&metric.name).into_iter().flatten();
        values.copied().filter(|value| value.is_finite()).collect()
    };
    let (values_a, values_b) = (finite(a), finite(b));
    if values_a.is_empty() || values_b.is_empty() {
        return None;
    }
    let unfair = unfair(metric, a, b);
    let welch = match &unfair {
        Some(_) => None,
        None => Some(welch_test(&values_a, &values_b, CONFIDENCE)),
    };
    let told: Option<WelchTest> = welch.and_then(Result::ok);
    let reason = unfair.clone().or_else(|| match welch {
        Some(Err(no_test)) => Some(why_not(no_test, a, values_a.len(), b, values_b.len())),
        _ if metric.direction == Direction::None => {
            Some("it is not known in which direction the metric gets better".to_owned())
        }
        _ => None,
    });
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    Some(MetricTest {
        metric: metric.name.clone(),
        definition: metric.definition.clone(),
        a: a.group.to_owned(),
        b: b.group.to_owned(),
        n_a: values_a.len() as u32,
        n_b: values_b.len() as u32,
        difference: told.map_or_else(|| mean(&values_a) - mean(&values_b), |test| test.difference),
        interval: told.map(|test| (test.low, test.high)),
        effect: told.and_then(|_| hedges_g(&values_a, &values_b).ok()),
        p_value: told.map(|test| test.p_value),
        p_adjusted: None,
        order: match unfair {
            Some(_) => None,
            None => order(&values_a, &values_b, metric.direction),
        },
        verdict: Verdict::NoVerdict,
        reason,
    })
}

/// Almost stochastic order both ways, greater being better; none of few seeds or without a direction.
fn order(a: &[f64], b: &[f64], direction: Direction) -> Option<(f64, f64)> {
    if direction == Direction::None || a.len().max(b.len()) > ORDER_SEEDS_MAX {
        return None;
    }
    let turned = |values: &[f64]| -> Vec<f64> {
        let minimized = direction == Direction::Minimize;
        let sign = if minimized { -1.0 } else { 1.0 };
        values.iter().map(|value| sign * value).collect()
    };
    let (a, b) = (turned(a), turned(b));
    let bound = |a: &[f64], b: &[f64]| {
        almost_stochastic_order(a, b, CONFIDENCE, (ORDER_SAMPLES, 0))
            .ok()
            .map(|of| of.min_epsilon)
    };
    Some((bound(&a, &b)?, bound(&b, &a)?))
}

/// What makes the two groups incomparable in a metric, whatever its numbers.
fn unfair(metric: &MetricComparison, a: &Side<'_>, b: &Side<'_>) -> Option<String> {
    let datasets: BTreeSet<&str> = a.datasets.union(&b.datasets).copied().collect();
    if datasets.len() > 1 {
        let named: Vec<&str> = datasets.into_iter().collect();
        return Some(format!(
            "not the same dataset version: {}",
            named.join(", ")
        ));
    }
    // An evaluated metric is of one split; a logged one may be of any.
    let own = metric.definition.as_ref().and(metric.name.split_once('/'));
    let differs = |split: &&&str| {
        let of = [a, b]
            .into_iter()
            .filter_map(|side| side.splits.get(**split));
        of.flatten().collect::<BTreeSet<_>>().len() > 1
    };
    let names: BTreeSet<&str> = a.splits.keys().chain(b.splits.keys()).copied().collect();
    let mut concerned = names
        .iter()
        .filter(|name| own.is_none_or(|(own, _)| own == **name));
    if let Some(split) = concerned.find(differs) {
        return Some(format!(
            "not the same split: the examples of `{split}` differ"
        ));
    }
    let unfinished = a.unfinished + b.unfinished;
    if metric.definition.is_none() && unfinished > 0 {
        return Some(format!(
            "{unfinished} of the runs did not finish, so their last values are of different moments"
        ));
    }
    let lost = |side: &Side<'_>| {
        let values = side.values.get(&metric.name).into_iter().flatten();
        values.filter(|value| !value.is_finite()).count()
    };
    let lost = lost(a) + lost(b);
    (lost > 0).then(|| format!("{lost} of the seeds have no finite value, which a mean would hide"))
}

fn why_not(why: NoTest, a: &Side<'_>, n_a: usize, b: &Side<'_>, n_b: usize) -> String {
    match why {
        NoTest::TooFew if n_a < 2 && n_b < 2 => {
            "one seed each: a difference of two single runs cannot be told from chance; run more seeds"
                .to_owned()
        }
        NoTest::TooFew => {
            let single = if n_a < 2 { a.group } else { b.group };
            format!("`{single}` has one seed, so its spread is not known; run more seeds")
        }
        NoTest::NoSpread => {
            "no spread: all seeds of each group have the same value, so chance cannot be measured"
                .to_owned()
        }
        NoTest::NotFinite => "the values are too great to be compared".to_owned(),
    }
}

/// The tests with adjusted probabilities and verdicts.
fn judged(tests: Vec<(MetricTest, Direction)>) -> Vec<MetricTest> {
    let sought = |test: &MetricTest| test.p_value.filter(|_| test.reason.is_none());
    let p_values: Vec<f64> = tests.iter().filter_map(|(test, _)| sought(test)).collect();
    let mut adjusted = holm(&p_values).into_iter();
    let judge = |(mut test, direction): (MetricTest, Direction)| {
        if sought(&test).is_some() {
            test.p_adjusted = adjusted.next();
            let shown = test.p_adjusted.is_some_and(|p| p < LEVEL);
            test.verdict = Verdict::of(shown, direction, test.difference);
        }
        test
    };
    tests.into_iter().map(judge).collect()
}
