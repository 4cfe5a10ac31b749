//! What is asked of a pair, and which test answers it.

use super::paired::{NoPairedTest, PairedMethod};
use super::pairs::PairedPredictions;
use crate::definition::Task;
use crate::draws::Drawing;
use crate::evaluate::EvaluateError;
use crate::metrics::additive::{is_extreme, is_right_or_wrong, unit_values};
use crate::metrics::{Facts, Kind, Needs, Prepared, RankMetric, Scratch, compute};
use crate::predictions::{Predictions, Targets};
use crate::registry;
use crate::weights::{Given, Unit};

/// A pair and a metric, both sides computed.
pub(super) struct Question<'p> {
    pub(super) definition: String,
    pub(super) kind: Kind,
    pub(super) first: &'p Predictions,
    pub(super) second: &'p Predictions,
    pub(super) a: Prepared<'p>,
    pub(super) b: Prepared<'p>,
    pub(super) value_a: f64,
    pub(super) value_b: f64,
    pub(super) drawing: Drawing,
    /// What is drawn and taken as independent.
    pub(super) unit: &'static str,
}

impl<'p> Question<'p> {
    /// Runs on the current thread pool.
    pub(super) fn new(
        pair: &'p PairedPredictions<'_>,
        definition: &str,
    ) -> Result<Self, NoPairedTest> {
        let (first, second): (&Predictions, &Predictions) = (pair.a, &pair.b);
        let kind = kind_of(definition, first.task())?;
        let (a, value_a) = side(first, definition, kind)?;
        let (b, value_b) = side(second, definition, kind)?;
        for (value, place) in [
            (value_a, "in the first predictions"),
            (value_b, "in the second predictions"),
        ] {
            if !value.is_finite() {
                return Err(NoPairedTest::Undefined {
                    definition: definition.to_owned(),
                    place,
                });
            }
        }
        let (drawing, unit) = match &pair.groups {
            Some(groups) => (Drawing::Groups(groups.clone()), "groups"),
            None if first.task() == Task::Ranking => (Drawing::Units(a.units), "queries"),
            None => (Drawing::Units(a.units), "rows"),
        };
        Ok(Self {
            definition: definition.to_owned(),
            kind,
            first,
            second,
            a,
            b,
            value_a,
            value_b,
            drawing,
            unit,
        })
    }

    /// Whether each row counts once and by itself.
    fn is_plain(&self) -> bool {
        self.first.weight().is_none() && self.unit != "groups"
    }

    /// The test that the metric asks for.
    pub(super) fn method(&self) -> PairedMethod {
        if is_right_or_wrong(self.kind) && self.is_plain() {
            return PairedMethod::McNemar;
        }
        if self.kind == Kind::Rank(RankMetric::Auroc) && self.is_plain() {
            return PairedMethod::DeLong;
        }
        if unit_values(&self.a, self.kind).is_some() {
            return PairedMethod::Permutation;
        }
        PairedMethod::Bootstrap
    }

    /// Why a test does not fit this metric; `None` when it does.
    pub(super) fn obstacle(&self, method: PairedMethod) -> Option<&'static str> {
        let only_plain = "it takes rows that count alike and belong to no group";
        match method {
            PairedMethod::McNemar if !is_right_or_wrong(self.kind) => {
                Some("it takes a metric whose rows are right or wrong")
            }
            PairedMethod::DeLong if self.kind != Kind::Rank(RankMetric::Auroc) => {
                Some("it takes the AUROC of a binary task")
            }
            PairedMethod::Wilcoxon if unit_values(&self.a, self.kind).is_none() => {
                Some("it takes a metric that is a mean over rows or queries")
            }
            PairedMethod::McNemar | PairedMethod::DeLong | PairedMethod::Wilcoxon
                if !self.is_plain() =>
            {
                Some(only_plain)
            }
            _ => None,
        }
    }

    /// The numbers of each row or query whose mean is the metric, of both sides, without
    /// those that the metric leaves out.
    pub(super) fn unit_pairs(&self) -> Option<Vec<(f64, f64)>> {
        let (a, b) = (
            unit_values(&self.a, self.kind)?,
            unit_values(&self.b, self.kind)?,
        );
        Some(a.into_iter().zip(b).filter_map(|(a, b)| a.zip(b)).collect())
    }

    /// What each row, group or query adds to the difference of the sums, weighted.
    pub(super) fn differences(&self) -> Option<Vec<f64>> {
        let pairs = self.unit_pairs()?;
        let weight = |row: usize| self.first.weight().map_or(1.0, |weights| weights[row]);
        // Only a ranking leaves queries out, and that is neither weighted nor grouped.
        let of_rows = pairs
            .iter()
            .enumerate()
            .map(|(row, (a, b))| weight(row) * (a - b));
        let Drawing::Groups(groups) = &self.drawing else {
            return Some(of_rows.collect());
        };
        let mut sums = vec![crate::sum::CompensatedSum::default(); groups.count];
        for (difference, group) in of_rows.zip(&groups.of_row) {
            sums[*group as usize].add(difference);
        }
        Some(sums.into_iter().map(|sum| sum.value()).collect())
    }

    /// Both sides in one table, the first above, with what the metric needs.
    pub(super) fn table(&self) -> Result<Predictions, NoPairedTest> {
        let classes = (!self.a.y_pred.is_empty() && !self.b.y_pred.is_empty())
            .then(|| Targets::Classes([&self.a.y_pred[..], &self.b.y_pred].concat()));
        self.first
            .beside(self.second, classes)
            .map_err(|error| not_applicable(&self.definition, error.to_string()))
    }
}

/// The columns as the metric needs them.
pub(super) fn prepared<'p>(
    predictions: &'p Predictions,
    definition: &str,
    kind: Kind,
) -> Result<Prepared<'p>, NoPairedTest> {
    let facts = Facts::of(predictions);
    if let Some(reason) = facts.obstacle(kind) {
        return Err(not_applicable(definition, reason));
    }
    let needs = Needs::of(&[kind], predictions.labels().len());
    Ok(Prepared::new(predictions, &facts, needs))
}

fn not_applicable(definition: &str, reason: String) -> NoPairedTest {
    NoPairedTest::NotApplicable {
        definition: definition.to_owned(),
        reason,
    }
}

fn side<'p>(
    predictions: &'p Predictions,
    definition: &str,
    kind: Kind,
) -> Result<(Prepared<'p>, f64), NoPairedTest> {
    let prepared = prepared(predictions, definition, kind)?;
    let mut scratch = Scratch::default();
    let values = match predictions.weight() {
        None => compute(&prepared, &[kind], &Unit, &mut scratch),
        Some(weights) => compute(&prepared, &[kind], &Given(weights), &mut scratch),
    };
    Ok((prepared, values[0]))
}

fn kind_of(definition: &str, task: Task) -> Result<Kind, NoPairedTest> {
    let found = registry::definition(definition).zip(registry::entry(definition));
    let Some((found, entry)) = found else {
        let of_task = registry::definitions_for(task);
        let known: Vec<String> = of_task.iter().map(|definition| definition.id()).collect();
        return Err(NoPairedTest::Options(EvaluateError::UnknownDefinition {
            id: definition.to_owned(),
            task,
            known: known.join(", "),
        }));
    };
    if !found.tasks.contains(&task) {
        let reason = format!("not defined for {} task", task.with_article());
        return Err(not_applicable(definition, reason));
    }
    if let Some(reason) = entry.kind.no_interval() {
        return Err(not_applicable(definition, reason.to_owned()));
    }
    if is_extreme(entry.kind) {
        return Err(NoPairedTest::Extreme {
            definition: definition.to_owned(),
        });
    }
    Ok(entry.kind)
}
