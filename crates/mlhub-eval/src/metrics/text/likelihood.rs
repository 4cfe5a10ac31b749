//! What a language model says of the texts themselves: perplexity and bits, from sums per row
//! that the prediction file gives.

use super::super::TextMetric;
use crate::predictions::Predictions;
use crate::sum::sum_rows;
use crate::weights::RowWeights;

/// Columns of a row: natural logarithm of its probability, and how long it is.
pub(super) struct Likelihoods {
    log_likelihood: Vec<f64>,
    tokens: Vec<f64>,
    bytes: Vec<f64>,
}

impl Likelihoods {
    /// Columns that are not given are empty; the metrics that need them do not apply.
    pub(super) fn of(predictions: &Predictions) -> Self {
        let column = |name| predictions.one_number(name).unwrap_or_default().to_vec();
        Self {
            log_likelihood: column("log_likelihood"),
            tokens: column("tokens"),
            bytes: column("bytes"),
        }
    }

    /// NaN where nothing was counted.
    pub(super) fn value<W: RowWeights>(&self, metric: TextMetric, weights: &W) -> f64 {
        let sum = |column: &[f64]| sum_rows(column.len(), |row| weights.weight(row) * column[row]);
        let nats_per = |lengths: &[f64]| {
            let length = sum(lengths);
            if length > 0.0 {
                -sum(&self.log_likelihood) / length
            } else {
                f64::NAN
            }
        };
        match metric {
            // The portable exponential: the platform's differs between machines.
            TextMetric::Perplexity => libm::exp(nats_per(&self.tokens)),
            TextMetric::BitsPerToken => nats_per(&self.tokens) / std::f64::consts::LN_2,
            TextMetric::BitsPerByte => nats_per(&self.bytes) / std::f64::consts::LN_2,
            _ => f64::NAN,
        }
    }
}
