//! Ranking metrics: a value per query, averaged over queries.
//!
//! Rows of one query with equal scores have no order of their own. Each value is the mean over
//! all their orders (F. McSherry and M. Najork, Computing Information Retrieval Performance
//! Measures Efficiently in the Presence of Tied Scores, ECIR 2008), so it does not depend on the
//! order of rows in a file. Values do not depend on weights and are computed once; what is
//! weighted and drawn in a bootstrap is a whole query.

use std::collections::HashMap;

use rayon::prelude::*;

use super::QueryMetric;
use crate::predictions::{Predictions, Targets};
use crate::sum::{CompensatedSum, sum_rows};
use crate::weights::RowWeights;

/// Places that the metrics `..._at_10` look at.
const PLACES: usize = 10;
/// Places that the metrics `..._at_5` look at.
const FEW_PLACES: usize = 5;

/// One value per [`QueryMetric`], in its order.
type Values = [f64; QueryMetric::ALL.len()];

/// The values of each query; `None` for a query without a relevant row.
pub(crate) struct Queries {
    values: Vec<Option<Values>>,
}

impl Queries {
    /// Runs on the current thread pool. `None` unless the predictions are a ranking.
    pub(super) fn of(predictions: &Predictions) -> Option<Self> {
        let (Targets::Values(relevance), Some(scores), Some(group)) = (
            predictions.y_true(),
            predictions.y_score(),
            predictions.group(),
        ) else {
            return None;
        };
        let values = rows_of_queries(group)
            .par_iter()
            .map(|rows| {
                let query: Vec<(f64, f64)> = rows
                    .iter()
                    .map(|row| (scores[*row], relevance[*row]))
                    .collect();
                values(query)
            })
            .collect();
        Some(Self { values })
    }

    /// All queries.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// Queries that no metric counts, as nothing in them is relevant.
    pub(crate) fn without_relevant(&self) -> usize {
        self.values.iter().filter(|values| values.is_none()).count()
    }
}

/// Rows by query, queries in order of first appearance.
fn rows_of_queries(group: &[String]) -> Vec<Vec<usize>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut queries: Vec<Vec<usize>> = Vec::new();
    for (row, name) in group.iter().enumerate() {
        let place = *places.entry(name).or_insert_with(|| {
            queries.push(Vec::new());
            queries.len() - 1
        });
        queries[place].push(row);
    }
    queries
}

/// Mean over the queries that have a relevant row.
pub(super) fn value<W: RowWeights>(queries: &Queries, metric: QueryMetric, weights: &W) -> f64 {
    let values = &queries.values;
    let sum = |term: &dyn Fn(&Values) -> f64| {
        sum_rows(values.len(), |query| {
            values[query]
                .as_ref()
                .map_or(0.0, |of| weights.weight(query) * term(of))
        })
    };
    let total = sum(&|_| 1.0);
    if total == 0.0 {
        return f64::NAN;
    }
    sum(&|of| of[metric as usize]) / total
}

/// The value of each query; `None` for one without a relevant row.
pub(super) fn query_values(queries: &Queries, metric: QueryMetric) -> Vec<Option<f64>> {
    let values = queries.values.iter();
    values
        .map(|values| values.map(|values| values[metric as usize]))
        .collect()
}

/// Rows of equal score.
struct Tie {
    /// Rows of higher score.
    start: usize,
    rows: usize,
    relevant: usize,
    /// Mean gain of a row.
    gain: f64,
}

impl Tie {
    /// How many of its rows are among the first `places`.
    fn within(&self, places: usize) -> usize {
        self.rows.min(places.saturating_sub(self.start))
    }
}

/// The values of one query of (score, relevance).
fn values(mut rows: Vec<(f64, f64)>) -> Option<Values> {
    let relevant = rows
        .iter()
        .filter(|(_, relevance)| *relevance > 0.0)
        .count();
    if relevant == 0 {
        return None;
    }
    // Within a tie by relevance, so that sums do not depend on the order of rows.
    rows.sort_unstable_by(|a, b| {
        (b.0 + 0.0)
            .total_cmp(&(a.0 + 0.0))
            .then(b.1.total_cmp(&a.1))
    });
    let mut ties: Vec<Tie> = Vec::new();
    let mut start = 0;
    for tied in rows.chunk_by(|a, b| a.0 == b.0) {
        let mut gains = CompensatedSum::default();
        tied.iter()
            .for_each(|(_, relevance)| gains.add(gain(*relevance)));
        ties.push(Tie {
            start,
            rows: tied.len(),
            relevant: tied
                .iter()
                .filter(|(_, relevance)| *relevance > 0.0)
                .count(),
            gain: gains.value() / tied.len() as f64,
        });
        start += tied.len();
    }
    let mut ideal: Vec<f64> = rows.iter().map(|(_, relevance)| gain(*relevance)).collect();
    ideal.sort_unstable_by(|a, b| b.total_cmp(a));
    let ndcg = |places| dcg(&ties, places) / ideal_dcg(&ideal, places);
    let recall = |places| hits(&ties, places) / relevant as f64;
    let precision = |places| hits(&ties, places) / places as f64;
    Some(QueryMetric::ALL.map(|metric| match metric {
        QueryMetric::Ndcg10 => ndcg(PLACES),
        QueryMetric::Ndcg5 => ndcg(FEW_PLACES),
        QueryMetric::Map => average_precision(&ties, relevant),
        QueryMetric::Mrr => reciprocal_rank(&ties),
        QueryMetric::Recall10 => recall(PLACES),
        QueryMetric::Precision10 => precision(PLACES),
        QueryMetric::HitRate10 => hit_rate(&ties, PLACES),
        QueryMetric::RPrecision => recall(relevant),
        QueryMetric::Recall1 => recall(1),
        QueryMetric::Recall5 => recall(FEW_PLACES),
        QueryMetric::Precision1 => precision(1),
        QueryMetric::Precision5 => precision(FEW_PLACES),
        QueryMetric::HitRate5 => hit_rate(&ties, FEW_PLACES),
    }))
}

/// `2^relevance - 1`; exact for whole relevances, and above 0 for the smallest.
fn gain(relevance: f64) -> f64 {
    if relevance >= 1.0 {
        libm::exp2(relevance) - 1.0
    } else {
        libm::expm1(relevance * std::f64::consts::LN_2)
    }
}

/// Discount of a place, from 0.
fn discount(place: usize) -> f64 {
    1.0 / libm::log2((place + 2) as f64)
}

fn dcg(ties: &[Tie], places: usize) -> f64 {
    let mut sum = CompensatedSum::default();
    for tie in ties {
        for place in tie.start..tie.start + tie.within(places) {
            sum.add(tie.gain * discount(place));
        }
    }
    sum.value()
}

fn ideal_dcg(gains: &[f64], places: usize) -> f64 {
    let mut sum = CompensatedSum::default();
    for (place, gain) in gains.iter().take(places).enumerate() {
        sum.add(gain * discount(place));
    }
    sum.value()
}

/// Expected number of relevant rows among the first places.
fn hits(ties: &[Tie], places: usize) -> f64 {
    let mut sum = CompensatedSum::default();
    for tie in ties {
        sum.add((tie.within(places) * tie.relevant) as f64 / tie.rows as f64);
    }
    sum.value()
}

/// Probability that a relevant row is among the first places.
fn hit_rate(ties: &[Tie], places: usize) -> f64 {
    let mut missed = 1.0;
    for tie in ties {
        for drawn in 0..tie.within(places) {
            let irrelevant = (tie.rows - tie.relevant).saturating_sub(drawn);
            missed *= irrelevant as f64 / (tie.rows - drawn) as f64;
        }
    }
    1.0 - missed
}

/// Expected reciprocal of the place of the first relevant row.
fn reciprocal_rank(ties: &[Tie]) -> f64 {
    let Some(tie) = ties.iter().find(|tie| tie.relevant > 0) else {
        return f64::NAN;
    };
    let mut sum = CompensatedSum::default();
    // Probability that none of the rows before is relevant.
    let mut missed = 1.0;
    for drawn in 0..=tie.rows - tie.relevant {
        let left = (tie.rows - drawn) as f64;
        let found = tie.relevant as f64 / left;
        sum.add(missed * found / (tie.start + drawn + 1) as f64);
        missed *= (tie.rows - tie.relevant - drawn) as f64 / left;
    }
    sum.value()
}

/// Expected average precision: the mean, over relevant rows, of the precision at their place.
fn average_precision(ties: &[Tie], relevant: usize) -> f64 {
    let mut sum = CompensatedSum::default();
    let mut before = 0;
    for tie in ties.iter().filter(|tie| tie.relevant > 0) {
        let is_relevant = tie.relevant as f64 / tie.rows as f64;
        // Given a relevant row at one place of the tie, the share of relevant ones at another.
        let others = (tie.relevant - 1) as f64 / (tie.rows - 1).max(1) as f64;
        for place in 0..tie.rows {
            let above = (before + 1) as f64 + place as f64 * others;
            sum.add(is_relevant * above / (tie.start + place + 1) as f64);
        }
        before += tie.relevant;
    }
    sum.value() / relevant as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The values without ties, written out from the definitions.
    fn plain(relevances: &[f64]) -> Values {
        let relevant = relevances.iter().filter(|value| **value > 0.0).count() as f64;
        let is_relevant = |place: &usize| relevances[*place] > 0.0;
        let places: Vec<usize> = (0..relevances.len()).filter(is_relevant).collect();
        let dcg = |values: &[f64], most: usize| -> f64 {
            let places = values.iter().take(most).enumerate();
            places
                .map(|(place, value)| (value.exp2() - 1.0) / ((place + 2) as f64).log2())
                .sum()
        };
        let mut ideal = relevances.to_vec();
        ideal.sort_by(|a, b| b.total_cmp(a));
        let hits = |most: usize| places.iter().filter(|place| **place < most).count() as f64;
        QueryMetric::ALL.map(|metric| match metric {
            QueryMetric::Ndcg10 => dcg(relevances, 10) / dcg(&ideal, 10),
            QueryMetric::Ndcg5 => dcg(relevances, 5) / dcg(&ideal, 5),
            QueryMetric::Map => {
                let sum: f64 = places
                    .iter()
                    .enumerate()
                    .map(|(found, place)| (found + 1) as f64 / (place + 1) as f64)
                    .sum();
                sum / relevant
            }
            QueryMetric::Mrr => 1.0 / (places[0] + 1) as f64,
            QueryMetric::Recall10 => hits(10) / relevant,
            QueryMetric::Precision10 => hits(10) / 10.0,
            QueryMetric::HitRate10 => f64::from(u8::from(places[0] < 10)),
            QueryMetric::RPrecision => hits(places.len()) / relevant,
            QueryMetric::Recall1 => hits(1) / relevant,
            QueryMetric::Recall5 => hits(5) / relevant,
            QueryMetric::Precision1 => hits(1),
            QueryMetric::Precision5 => hits(5) / 5.0,
            QueryMetric::HitRate5 => f64::from(u8::from(places[0] < 5)),
        })
    }

    /// Every order of the items, by Heap's algorithm.
    fn orders(items: &mut [(f64, f64)], size: usize, each: &mut impl FnMut(&[(f64, f64)])) {
        if size <= 1 {
            return each(items);
        }
        for index in 0..size {
            orders(items, size - 1, each);
            items.swap([index, 0][size % 2], size - 1);
        }
    }

    fn assert_near(found: Values, expected: Values) {
        for ((metric, found), expected) in QueryMetric::ALL.iter().zip(found).zip(expected) {
            assert!(
                (found - expected).abs() <= 1e-12,
                "{metric:?}: {found} is not {expected}"
            );
        }
    }

    proptest! {
        #[test]
        fn without_ties_values_are_the_definitions(
            relevances in proptest::collection::vec(prop_oneof![Just(0.0), Just(1.0), Just(3.0), 0.0..4.0_f64], 1..30)
        ) {
            prop_assume!(relevances.iter().any(|value| *value > 0.0));
            let rows = relevances.iter().enumerate().map(|(place, value)| (-(place as f64), *value));
            assert_near(values(rows.collect()).unwrap(), plain(&relevances));
        }

        #[test]
        fn ties_are_the_mean_over_all_orders(
            mut rows in proptest::collection::vec((0_u8..3, 0_u8..3), 1..7),
            above in 0_usize..10,
        ) {
            prop_assume!(rows.iter().any(|row| row.1 > 0));
            rows.sort();
            let rows: Vec<(f64, f64)> = rows.iter().map(|row| (f64::from(row.0), f64::from(row.1))).collect();
            // Irrelevant rows above move the rest across the last place.
            let head = vec![(9.0, 0.0); above];
            let found = values([head.clone(), rows.clone()].concat()).unwrap();
            let mut sums = [0.0; QueryMetric::ALL.len()];
            let mut count = 0.0;
            let size = rows.len();
            orders(&mut rows.clone(), size, &mut |order| {
                let mut order = order.to_vec();
                order.sort_by(|a, b| b.0.total_cmp(&a.0));
                let relevances: Vec<f64> = head.iter().chain(&order).map(|row| row.1).collect();
                for (sum, value) in sums.iter_mut().zip(plain(&relevances)) {
                    *sum += value;
                }
                count += 1.0;
            });
            assert_near(found, sums.map(|sum| sum / count));
        }
    }

    #[test]
    fn gains_are_exact_for_whole_relevances() {
        for relevance in 0..=50_u32 {
            assert_eq!(
                gain(f64::from(relevance)),
                (1_u64 << relevance) as f64 - 1.0
            );
        }
        assert!(gain(f64::MIN_POSITIVE) > 0.0);
    }

    #[test]
    fn a_query_without_a_relevant_row_has_no_value() {
        assert!(values(vec![(1.0, 0.0), (2.0, 0.0)]).is_none());
    }
}
