//! N-grams: BLEU and chrF from counts that add up over rows.

use std::collections::HashMap;
use std::hash::Hash;

use super::tokens::is_space;

/// Longest n-gram of tokens.
const BLEU_ORDERS: usize = 4;
/// Longest n-gram of characters.
const CHRF_ORDERS: usize = 6;
/// How much more recall counts than precision in chrF, squared.
const CHRF_BETA_SQUARED: f64 = 4.0;

fn counts<T: Eq + Hash>(items: &[T], order: usize) -> HashMap<&[T], usize> {
    let mut counts = HashMap::new();
    for ngram in items.windows(order) {
        *counts.entry(ngram).or_default() += 1;
    }
    counts
}

/// N-grams that both have, each as often as the one that has it less.
pub(super) fn shared<T: Eq + Hash>(a: &[T], b: &[T], order: usize) -> usize {
    let of_a = counts(a, order);
    counts(b, order)
        .into_iter()
        .map(|(ngram, count)| of_a.get(ngram).map_or(0, |other| count.min(*other)))
        .sum()
}

/// How many n-grams there are.
fn number(items: usize, order: usize) -> u64 {
    (items + 1).saturating_sub(order) as u64
}

/// Counts of BLEU, as sacreBLEU sums them over a corpus.
#[derive(Clone, Copy, Default)]
pub(super) struct BleuCounts {
    shared: [u64; BLEU_ORDERS],
    predicted: [u64; BLEU_ORDERS],
    predicted_length: u64,
    true_length: u64,
}

impl BleuCounts {
    pub(super) fn of(truth: &[String], predicted: &[String]) -> Self {
        let orders = std::array::from_fn(|index| index + 1);
        Self {
            shared: orders.map(|order| shared(truth, predicted, order) as u64),
            predicted: orders.map(|order| number(predicted.len(), order)),
            predicted_length: predicted.len() as u64,
            true_length: truth.len() as u64,
        }
    }

    pub(super) fn add(&mut self, row: &Self, times: u32) {
        let times = u64::from(times);
        for order in 0..BLEU_ORDERS {
            self.shared[order] += times * row.shared[order];
            self.predicted[order] += times * row.predicted[order];
        }
        self.predicted_length += times * row.predicted_length;
        self.true_length += times * row.true_length;
    }

    /// From 0 to 100.
    pub(super) fn score(&self) -> f64 {
        if self.shared.iter().all(|count| *count == 0) || self.predicted.contains(&0) {
            return 0.0;
        }
        let mut smoothing = 1.0;
        let mut logarithms = 0.0;
        for (shared, predicted) in self.shared.iter().zip(self.predicted) {
            let precision = if *shared == 0 {
                smoothing *= 2.0;
                100.0 / (smoothing * predicted as f64)
            } else {
                100.0 * *shared as f64 / predicted as f64
            };
            logarithms += libm::log(precision);
        }
        let (length, wanted) = (self.predicted_length as f64, self.true_length as f64);
        let brevity = if length < wanted {
            libm::exp(1.0 - wanted / length)
        } else {
            1.0
        };
        // The exponential may end a bit above the 100 of equal texts.
        (brevity * libm::exp(logarithms / BLEU_ORDERS as f64)).min(100.0)
    }
}

/// Counts of chrF, as sacreBLEU sums them over a corpus.
#[derive(Clone, Copy, Default)]
pub(super) struct ChrfCounts {
    shared: [u64; CHRF_ORDERS],
    predicted: [u64; CHRF_ORDERS],
    truth: [u64; CHRF_ORDERS],
}

impl ChrfCounts {
    pub(super) fn of(truth: &str, predicted: &str) -> Self {
        let characters =
            |text: &str| -> Vec<char> { text.chars().filter(|c| !is_space(*c)).collect() };
        let (truth, predicted) = (characters(truth), characters(predicted));
        let orders = std::array::from_fn(|index| index + 1);
        Self {
            shared: orders.map(|order| shared(&truth, &predicted, order) as u64),
            // A reference too short to have any does not speak against the prediction's.
            predicted: orders.map(|order| match number(truth.len(), order) {
                0 => 0,
                _ => number(predicted.len(), order),
            }),
            truth: orders.map(|order| number(truth.len(), order)),
        }
    }

    pub(super) fn add(&mut self, row: &Self, times: u32) {
        let times = u64::from(times);
        for order in 0..CHRF_ORDERS {
            self.shared[order] += times * row.shared[order];
            self.predicted[order] += times * row.predicted[order];
            self.truth[order] += times * row.truth[order];
        }
    }

    /// From 0 to 100.
    pub(super) fn score(&self) -> f64 {
        let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
        for order in 0..CHRF_ORDERS {
            let (predicted, truth) = (self.predicted[order], self.truth[order]);
            if predicted > 0 && truth > 0 {
                precision += self.shared[order] as f64 / predicted as f64;
                recall += self.shared[order] as f64 / truth as f64;
                orders += 1.0;
            }
        }
        if precision + recall == 0.0 {
            return 0.0;
        }
        let (precision, recall) = (precision / orders, recall / orders);
        100.0 * (1.0 + CHRF_BETA_SQUARED) * precision * recall
            / (CHRF_BETA_SQUARED * precision + recall)
    }
}
