//! Losses on raw scores: squared error, binary and softmax cross-entropy.
//!
//! Scores are row-major `[rows, width]`; targets are values, or class numbers
//! as floats. `exp` and `log` are `libm`'s: the same bits on every machine.

use serde::{Deserialize, Serialize};

/// Probabilities are kept this far from 0 and 1 in the loss.
const LOSS_EPSILON: f64 = 1e-15;
/// The least second derivative a row gives, so that no leaf divides by zero.
const HESSIAN_FLOOR: f64 = 1e-16;

/// What is being minimised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Objective {
    /// Mean of `(score - y)^2`; gradients are of half of it.
    Squared,
    /// Binary cross-entropy of the sigmoid of one score.
    Logistic,
    /// Cross-entropy of the softmax over this many scores.
    Softmax(usize),
}

impl Objective {
    /// Scores per row.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::Squared | Self::Logistic => 1,
            Self::Softmax(classes) => classes,
        }
    }

    pub(crate) fn is_classification(self) -> bool {
        self != Self::Squared
    }

    /// Turns a row of scores into probabilities of each class (two for binary).
    /// A regression row is its own prediction.
    pub(crate) fn probabilities(self, scores: &[f64], out: &mut Vec<f64>) {
        out.clear();
        match self {
            Self::Squared => out.push(scores[0]),
            Self::Logistic => {
                let positive = sigmoid(scores[0]);
                out.extend([1.0 - positive, positive]);
            }
            Self::Softmax(_) => {
                let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                out.extend(scores.iter().map(|score| libm::exp(score - top)));
                let sum: f64 = out.iter().sum();
                out.iter_mut().for_each(|value| *value /= sum);
            }
        }
    }

    /// First and second derivatives by score of one row, from its probabilities.
    pub(crate) fn derivatives(self, probabilities: &[f64], y: f64, score: usize) -> (f64, f64) {
        match self {
            Self::Squared => (probabilities[0] - y, 1.0),
            Self::Logistic => curved(probabilities[1], y),
            Self::Softmax(_) => {
                let (gradient, hessian) =
                    curved(probabilities[score], f64::from(u8::from(class(y) == score)));
                // Friedman's factor 2 for the coupling between classes, as in XGBoost.
                (gradient, 2.0 * hessian)
            }
        }
    }

    /// Mean loss, and accuracy for classification or root mean squared error.
    pub(crate) fn measure(self, scores: &[f64], y: &[f64]) -> (f64, f64) {
        let mut row = Vec::with_capacity(self.width().max(2));
        let (mut loss, mut correct) = (0.0, 0.0);
        for (scores, &target) in scores.chunks_exact(self.width()).zip(y) {
            self.probabilities(scores, &mut row);
            if self.is_classification() {
                let probability = row[class(target)].clamp(LOSS_EPSILON, 1.0);
                loss -= libm::log(probability);
                correct += f64::from(u8::from(top_class(&row) == class(target)));
            } else {
                loss += (row[0] - target) * (row[0] - target);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "row counts are below 2^53")]
        let count = y.len() as f64;
        let loss = loss / count;
        if self.is_classification() {
            (loss, correct / count)
        } else {
            (loss, loss.sqrt())
        }
    }

    /// Scores that fit the targets best when no feature is looked at.
    pub(crate) fn base_scores(self, y: &[f64]) -> Vec<f64> {
        #[expect(clippy::cast_precision_loss, reason = "row counts are below 2^53")]
        let count = y.len() as f64;
        match self {
            Self::Squared => vec![y.iter().sum::<f64>() / count],
            Self::Logistic => {
                let positive = (y.iter().sum::<f64>() / count).clamp(1e-6, 1.0 - 1e-6);
                vec![libm::log(positive / (1.0 - positive))]
            }
            Self::Softmax(classes) => {
                let mut counts = vec![0.0_f64; classes];
                y.iter().for_each(|&target| counts[class(target)] += 1.0);
                counts
                    .iter()
                    .map(|rows| libm::log(rows.max(1.0) / count))
                    .collect()
            }
        }
    }
}

/// The first class with the greatest probability.
pub(crate) fn top_class(probabilities: &[f64]) -> usize {
    let mut top = 0;
    for (class, probability) in probabilities.iter().enumerate() {
        if *probability > probabilities[top] {
            top = class;
        }
    }
    top
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "class numbers are small and not negative"
)]
fn class(target: f64) -> usize {
    target as usize
}

fn curved(probability: f64, y: f64) -> (f64, f64) {
    let hessian = (probability * (1.0 - probability)).max(HESSIAN_FLOOR);
    (probability - y, hessian)
}

fn sigmoid(score: f64) -> f64 {
    if score >= 0.0 {
        1.0 / (1.0 + libm::exp(-score))
    } else {
        let odds = libm::exp(score);
        odds / (1.0 + odds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let cases: [(Objective, Vec<f64>, f64); 3] = [
            (Objective::Squared, vec![1.3], 0.4),
            (Objective::Logistic, vec![-0.7], 1.0),
            (Objective::Softmax(3), vec![0.2, -1.0, 0.5], 2.0),
        ];
        for (objective, scores, y) in cases {
            let factor = if objective == Objective::Squared {
                0.5
            } else {
                1.0
            };
            let mut row = Vec::new();
            objective.probabilities(&scores, &mut row);
            for index in 0..objective.width() {
                let step = 1e-6;
                let (mut up, mut down) = (scores.clone(), scores.clone());
                up[index] += step;
                down[index] -= step;
                let slope = factor
                    * (objective.measure(&up, &[y]).0 - objective.measure(&down, &[y]).0)
                    / (2.0 * step);
                let (gradient, hessian) = objective.derivatives(&row, y, index);
                assert!((slope - gradient).abs() < 1e-6, "{objective:?} {index}");
                assert!(hessian > 0.0);
            }
        }
    }

    #[test]
    fn extreme_scores_stay_finite() {
        for scores in [[800.0, -800.0], [-800.0, 800.0]] {
            let (loss, _) = Objective::Softmax(2).measure(&scores, &[0.0]);
            assert!(loss.is_finite());
        }
        let (loss, accuracy) = Objective::Logistic.measure(&[-1000.0], &[1.0]);
        assert!(loss.is_finite() && loss > 30.0);
        assert_eq!(accuracy, 0.0);
    }

    #[test]
    fn base_scores_are_priors() {
        assert_eq!(Objective::Squared.base_scores(&[1.0, 3.0]), vec![2.0]);
        assert_eq!(Objective::Logistic.base_scores(&[1.0, 0.0]), vec![0.0]);
        let mut row = Vec::new();
        let scores = Objective::Softmax(3).base_scores(&[0.0, 0.0, 1.0, 2.0]);
        Objective::Softmax(3).probabilities(&scores, &mut row);
        assert!((row[0] - 0.5).abs() < 1e-12);
    }
}
