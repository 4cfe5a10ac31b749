//! The values of one row of a multilabel task, which depend on no weight.

use crate::sum::CompensatedSum;

/// From the true and the predicted labels of a row.
pub(super) struct OfPredicted {
    /// 1 when both are the same set, else 0.
    pub(super) equal: f64,
    pub(super) hamming_loss: f64,
    pub(super) jaccard: f64,
    pub(super) precision: f64,
    pub(super) recall: f64,
    pub(super) f1: f64,
}

impl OfPredicted {
    /// Both sets are ascending; ratios without a denominator are 0.
    pub(super) fn new(truth: &[u32], predicted: &[u32], labels: usize) -> Self {
        let both = shared(truth, predicted);
        let either = truth.len() + predicted.len() - both;
        let ratio = |numerator: usize, denominator: usize| {
            if denominator == 0 {
                0.0
            } else {
                numerator as f64 / denominator as f64
            }
        };
        Self {
            equal: f64::from(u8::from(either == both)),
            hamming_loss: ratio(either - both, labels),
            jaccard: ratio(both, either),
            precision: ratio(both, predicted.len()),
            recall: ratio(both, truth.len()),
            f1: ratio(2 * both, truth.len() + predicted.len()),
        }
    }
}

/// Labels in both of two ascending sets.
pub(crate) fn shared(left: &[u32], right: &[u32]) -> usize {
    let is_shared = |label: &&u32| right.binary_search(label).is_ok();
    left.iter().filter(is_shared).count()
}

/// From the true labels of a row and the order of its scores; equal scores count as the
/// worst of their orders, as in scikit-learn.
pub(super) struct OfScores {
    pub(super) average_precision: f64,
    pub(super) coverage: f64,
    pub(super) ranking_loss: f64,
}

impl OfScores {
    pub(super) fn new(scores: &[f64], truth: &[u32]) -> Self {
        let mut order: Vec<(f64, bool)> = scores
            .iter()
            .zip(0..)
            .map(|(score, label)| (score + 0.0, truth.binary_search(&label).is_ok()))
            .collect();
        order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let (mut seen, mut relevant, mut coverage) = (0_usize, 0_usize, 0_usize);
        // (relevant, not relevant) pairs in the wrong order; at most the square of MAX_LABELS.
        let mut wrong = 0_u64;
        let mut precisions = CompensatedSum::default();
        for tied in order.chunk_by(|a, b| a.0 == b.0) {
            let own = tied.iter().filter(|(_, is_relevant)| *is_relevant).count();
            seen += tied.len();
            relevant += own;
            if own > 0 {
                coverage = seen;
                precisions.add(own as f64 * (relevant as f64 / seen as f64));
                wrong += own as u64 * (seen - relevant) as u64;
            }
        }
        let pairs = relevant as u64 * (seen - relevant) as u64;
        let is_trivial = pairs == 0;
        Self {
            average_precision: if is_trivial {
                1.0
            } else {
                precisions.value() / relevant as f64
            },
            coverage: coverage as f64,
            ranking_loss: if is_trivial {
                0.0
            } else {
                wrong as f64 / pairs as f64
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_labels_have_values() {
        let none = OfPredicted::new(&[], &[], 3);
        assert_eq!((none.equal, none.jaccard, none.f1), (1.0, 0.0, 0.0));
        let none = OfScores::new(&[0.5, 0.1], &[]);
        assert_eq!((none.average_precision, none.ranking_loss), (1.0, 0.0));
        assert_eq!(none.coverage, 0.0);
        let all = OfScores::new(&[0.5, 0.1], &[0, 1]);
        assert_eq!((all.average_precision, all.coverage), (1.0, 2.0));
    }

    #[test]
    fn equal_scores_count_as_their_worst_order() {
        let tied = OfScores::new(&[0.0, -0.0, -1.0], &[0]);
        assert_eq!((tied.average_precision, tied.coverage), (0.5, 2.0));
        assert_eq!(tied.ranking_loss, 0.5);
    }
}
