//! Metrics of times until an event, some of which were not seen: how well risks order them, and
//! how near probabilities to be free of the event come to what happened.
//!
//! Rows that were lost before their event are made up for by weights: the inverse of the
//! probability to have been followed so far, which is the Kaplan-Meier estimate of the censoring
//! in the evaluated rows themselves. All is worked out in one walk from the latest time to the
//! earliest.

use super::{Kind, SurvivalMetric};
use crate::predictions::{Predictions, Targets};
use crate::ranking::{Order, Ranking};
use crate::sum::{CompensatedSum, sum_rows};
use crate::weights::RowWeights;

use super::kendall::levels;
use super::rank::Running;

/// Most rows for the concordances, whose every resample costs what sorting does.
pub(super) const MAX_CONCORDANCE_ROWS: usize = 1 << 19;

/// Start of the names of columns that hold the probability to be free of the event past the time
/// that the name ends in.
pub(super) const SURVIVAL: &str = "y_survival_";

/// The column that holds 1 where the event was seen and 0 where the row was censored.
const EVENT: &str = "event";

/// The rows of a survival task.
pub(crate) struct Survival<'a> {
    time: &'a [f64],
    happened: Vec<bool>,
    /// From the latest time to the earliest.
    by_time: Ranking,
    /// Level of each row's risk, from the lowest; empty when not asked for.
    risk_levels: Vec<u32>,
    /// Probabilities past each time, times ascending.
    past: Vec<(f64, &'a [f64])>,
}

impl<'a> Survival<'a> {
    /// `None` unless the predictions are times with risks; `ranked` also sorts the risks.
    pub(super) fn of(predictions: &'a Predictions, ranked: bool) -> Option<Self> {
        let (Targets::Values(time), Some(risk), Some(event)) = (
            predictions.y_true(),
            predictions.y_score(),
            predictions.one_number(EVENT),
        ) else {
            return None;
        };
        let rows = time.len();
        let risk_levels = if ranked {
            let by_risk = Ranking::new(rows, Order::Ascending, |row| risk[row]);
            levels(&by_risk, rows)
        } else {
            vec![]
        };
        Some(Self {
            time,
            happened: event.iter().map(|event| *event == 1.0).collect(),
            by_time: Ranking::new(rows, Order::Descending, |row| time[row]),
            risk_levels,
            past: predictions.numbered(SURVIVAL),
        })
    }

    /// The place of the time in the middle; of an even number, the earlier of the two.
    fn middle(&self) -> usize {
        (self.past.len().max(1) - 1) / 2
    }

    /// What a reader should know of the value: the time that it is of.
    pub(crate) fn note(&self, kind: Kind) -> Option<String> {
        let (time, _) = self.past.get(self.middle())?;
        (kind == Kind::Survival(SurvivalMetric::BrierMiddle)).then(|| format!("at time {time}"))
    }

    /// The probability of each row to have been followed past its own time: product over times s
    /// up to it of (followed past s) / (followed past s or censored at s), in weights.
    fn followed<W: RowWeights>(&self, weights: &W) -> Vec<f64> {
        let mut factors = Vec::new();
        let mut group_of_row = vec![0_usize; self.time.len()];
        let (mut later, mut here, mut censored) = (
            Running::<W>::default(),
            Running::<W>::default(),
            Running::<W>::default(),
        );
        for (row, ends_group) in self.by_time.iter() {
            group_of_row[row] = factors.len();
            let weight = weights.weight(row);
            here.add(weight);
            if !self.happened[row] {
                censored.add(weight);
            }
            if ends_group {
                let (past, lost) = (later.value(), censored.value());
                factors.push(if lost > 0.0 {
                    past / (past + lost)
                } else {
                    1.0
                });
                later.add(here.value());
                (here, censored) = Default::default();
            }
        }
        // From the earliest time on.
        let mut product = 1.0;
        for factor in factors.iter_mut().rev() {
            product *= *factor;
            *factor = product;
        }
        group_of_row
            .into_iter()
            .map(|group| factors[group])
            .collect()
    }
}

/// What several metrics share, for one set of weights.
pub(super) struct Collected {
    harrell: f64,
    uno: f64,
    /// Brier score past each time.
    brier: Vec<f64>,
}

impl Collected {
    pub(super) fn new<W: RowWeights>(
        rows: &Survival<'_>,
        kinds: &[Kind],
        weights: &W,
        total: f64,
    ) -> Self {
        let has = |metric| kinds.contains(&Kind::Survival(metric));
        let has_uno = has(SurvivalMetric::ConcordanceIpcw);
        let has_brier = has(SurvivalMetric::BrierMiddle) || has(SurvivalMetric::IntegratedBrier);
        let followed = if has_uno || has_brier {
            rows.followed(weights)
        } else {
            vec![]
        };
        let concordance = |of_event: &dyn Fn(usize) -> f64| concordance(rows, weights, of_event);
        Self {
            harrell: if has(SurvivalMetric::Concordance) {
                concordance(&|_| 1.0)
            } else {
                f64::NAN
            },
            uno: if has_uno {
                concordance(&|row| inverse(followed[row] * followed[row]))
            } else {
                f64::NAN
            },
            brier: if has_brier {
                let times = rows.past.iter();
                times
                    .map(|(time, past)| brier(rows, (*time, past), &followed, weights) / total)
                    .collect()
            } else {
                vec![]
            },
        }
    }

    pub(super) fn value(&self, rows: &Survival<'_>, metric: SurvivalMetric) -> f64 {
        match metric {
            SurvivalMetric::Concordance => self.harrell,
            SurvivalMetric::ConcordanceIpcw => self.uno,
            SurvivalMetric::BrierMiddle => {
                self.brier.get(rows.middle()).copied().unwrap_or(f64::NAN)
            }
            SurvivalMetric::IntegratedBrier => integrated(&rows.past, &self.brier),
        }
    }
}

/// 0 where the divisor is 0: rows that no one was followed long enough to stand for.
fn inverse(value: f64) -> f64 {
    if value > 0.0 { 1.0 / value } else { 0.0 }
}

/// Share of comparable pairs whose earlier event has the larger risk, ties one half; each pair
/// counts by the weights of both rows and by `of_event` of the row of the earlier event. NaN when
/// no pair is comparable.
fn concordance<W: RowWeights>(
    rows: &Survival<'_>,
    weights: &W,
    of_event: &dyn Fn(usize) -> f64,
) -> f64 {
    let mut later = Levels::new(rows.risk_levels.len());
    let (mut right, mut pairs) = (CompensatedSum::default(), CompensatedSum::default());
    let mut events: Vec<(usize, f64)> = Vec::new();
    for (row, ends_group) in rows.by_time.iter() {
        let weight = weights.weight(row);
        if weight > 0.0 {
            if rows.happened[row] {
                events.push((row, weight));
            } else {
                // Who was lost at the time of an event is taken as free of it then.
                later.add(rows.risk_levels[row] as usize, weight);
            }
        }
        if ends_group {
            for (row, weight) in &events {
                let level = rows.risk_levels[*row] as usize;
                let (below, equal) = (later.below(level), later.at[level]);
                let weight = weight * of_event(*row);
                right.add(weight * (below + 0.5 * equal));
                pairs.add(weight * later.all);
            }
            for (row, weight) in events.drain(..) {
                later.add(rows.risk_levels[row] as usize, weight);
            }
        }
    }
    // 0 / 0 is the NaN of no pairs.
    right.value() / pairs.value()
}

/// Weights by level of risk, in a Fenwick tree.
struct Levels {
    tree: Vec<f64>,
    at: Vec<f64>,
    all: f64,
}

impl Levels {
    fn new(levels: usize) -> Self {
        Self {
            tree: vec![0.0; levels + 1],
            at: vec![0.0; levels],
            all: 0.0,
        }
    }

    fn add(&mut self, level: usize, weight: f64) {
        self.all += weight;
        self.at[level] += weight;
        let mut node = level + 1;
        while let Some(sum) = self.tree.get_mut(node) {
            *sum += weight;
            node += node & node.wrapping_neg();
        }
    }

    fn below(&self, level: usize) -> f64 {
        let mut sum = 0.0;
        let mut node = level;
        while node > 0 {
            sum += self.tree[node];
            node &= node - 1;
        }
        sum
    }
}

/// Sum over rows of the squared distance between the probability past a time and what happened,
/// rows with an event by then and rows followed past it weighted for those that were lost.
fn brier<W: RowWeights>(
    rows: &Survival<'_>,
    (time, past): (f64, &[f64]),
    followed: &[f64],
    weights: &W,
) -> f64 {
    // That of the latest row up to the time: the first one of the walk.
    let up_to = |row: &usize| rows.time[*row] <= time && weights.weight(*row) > 0.0;
    let latest = rows.by_time.iter().map(|(row, _)| row).find(up_to);
    let at_time = inverse(latest.map_or(1.0, |row| followed[row]));
    sum_rows(rows.time.len(), |row| {
        let square = |distance: f64| distance * distance;
        let of_row = if rows.time[row] > time {
            square(1.0 - past[row]) * at_time
        } else if rows.happened[row] {
            square(past[row]) * inverse(followed[row])
        } else {
            0.0
        };
        weights.weight(row) * of_row
    })
}

/// Area under the scores by the trapezoidal rule, per time between the first and the last.
fn integrated(past: &[(f64, &[f64])], brier: &[f64]) -> f64 {
    let (Some(first), Some(last)) = (past.first(), past.last()) else {
        return f64::NAN;
    };
    let mut area = CompensatedSum::default();
    for (times, scores) in past.windows(2).zip(brier.windows(2)) {
        area.add((times[1].0 - times[0].0) * f64::midpoint(scores[0], scores[1]));
    }
    // 0 / 0 is the NaN of a single time.
    area.value() / (last.0 - first.0)
}
