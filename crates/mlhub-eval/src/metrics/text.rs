//! Metrics over texts: what each row adds is worked out once, so that every resample only sums.
//!
//! Tokenisers are in `tokens`, edit distances in `distance`, n-grams in `ngrams`. No text leaves
//! this module: rows are kept as counts.

mod distance;
mod likelihood;
mod ngrams;
mod tokens;

use rayon::prelude::*;

use self::likelihood::Likelihoods;
use self::ngrams::{BleuCounts, ChrfCounts};
use super::TextMetric;
use crate::predictions::{Predictions, Targets};
use crate::sum::sum_rows;
use crate::weights::RowWeights;

/// Edits that turn a prediction into its reference, and the reference's length.
#[derive(Clone, Copy)]
struct Edits {
    edits: usize,
    length: usize,
}

impl Edits {
    fn between<T: Eq + std::hash::Hash>(truth: &[T], predicted: &[T]) -> Self {
        Self {
            edits: distance::levenshtein(truth, predicted),
            length: truth.len(),
        }
    }
}

/// What one row adds.
struct Row {
    exact: bool,
    token_f1: f64,
    rouge_l: f64,
    words: Edits,
    characters: Edits,
    bleu: BleuCounts,
    chrf: ChrfCounts,
}

impl Row {
    fn of(truth: &str, predicted: &str) -> Self {
        let (true_words, words) = (tokens::words(truth), tokens::words(predicted));
        let characters =
            |text: &str| -> Vec<char> { text.trim_matches(tokens::is_space).chars().collect() };
        let (true_normal, normal) = (tokens::squad(truth), tokens::squad(predicted));
        let (true_rouge, rouge) = (tokens::rouge(truth), tokens::rouge(predicted));
        Self {
            exact: true_normal == normal,
            token_f1: token_f1(&true_normal, &normal),
            rouge_l: f1(
                distance::common_subsequence(&true_rouge, &rouge),
                true_rouge.len(),
                rouge.len(),
            ),
            words: Edits::between(&true_words, &words),
            characters: Edits::between(&characters(truth), &characters(predicted)),
            bleu: BleuCounts::of(&tokens::mteval_13a(truth), &tokens::mteval_13a(predicted)),
            chrf: ChrfCounts::of(truth, predicted),
        }
    }
}

/// F1 of words as bags; 1 when both are empty.
fn token_f1(truth: &[String], predicted: &[String]) -> f64 {
    if truth.is_empty() || predicted.is_empty() {
        return f64::from(u8::from(truth.len() == predicted.len()));
    }
    let same = ngrams::shared(truth, predicted, 1);
    f1(same, truth.len(), predicted.len())
}

/// F1 of `same` among `truth` and `predicted`; 0 when nothing is the same.
fn f1(same: usize, truth: usize, predicted: usize) -> f64 {
    if same == 0 {
        return 0.0;
    }
    2.0 * same as f64 / (truth + predicted) as f64
}

/// The rows of a text task.
pub(crate) struct Texts {
    rows: Vec<Row>,
    likelihoods: Likelihoods,
}

impl Texts {
    /// Runs on the current thread pool. `None` unless the predictions are texts.
    pub(super) fn of(predictions: &Predictions) -> Option<Self> {
        let (Targets::Texts(y_true), Some(Targets::Texts(y_pred))) =
            (predictions.y_true(), predictions.y_pred())
        else {
            return None;
        };
        let rows = y_true
            .par_iter()
            .zip(y_pred)
            .map(|(truth, predicted)| Row::of(truth, predicted))
            .collect();
        Some(Self {
            rows,
            likelihoods: Likelihoods::of(predictions),
        })
    }
}

/// Errors per item of the references; NaN when they have none.
fn rate(edits: f64, length: f64) -> f64 {
    if length == 0.0 {
        f64::NAN
    } else {
        edits / length
    }
}

pub(super) fn value<W: RowWeights>(
    texts: &Texts,
    metric: TextMetric,
    weights: &W,
    total: f64,
) -> f64 {
    let rows = &texts.rows;
    let sum = |term: &dyn Fn(&Row) -> f64| {
        sum_rows(rows.len(), |row| weights.weight(row) * term(&rows[row]))
    };
    match metric {
        TextMetric::ExactMatch => sum(&|row| f64::from(u8::from(row.exact))) / total,
        TextMetric::TokenF1 => sum(&|row| row.token_f1) / total,
        TextMetric::RougeL => sum(&|row| row.rouge_l) / total,
        TextMetric::Wer => rate(
            sum(&|row| row.words.edits as f64),
            sum(&|row| row.words.length as f64),
        ),
        TextMetric::Cer => rate(
            sum(&|row| row.characters.edits as f64),
            sum(&|row| row.characters.length as f64),
        ),
        TextMetric::Perplexity | TextMetric::BitsPerToken | TextMetric::BitsPerByte => {
            texts.likelihoods.value(metric, weights)
        }
        TextMetric::Bleu => {
            let mut all = BleuCounts::default();
            for (row, counts) in rows.iter().enumerate() {
                all.add(&counts.bleu, weights.count(row));
            }
            all.score()
        }
        TextMetric::Chrf => {
            let mut all = ChrfCounts::default();
            for (row, counts) in rows.iter().enumerate() {
                all.add(&counts.chrf, weights.count(row));
            }
            all.score()
        }
    }
}

/// The numbers that the metric is the mean of; `None` when it is none.
pub(super) fn row_values(texts: &Texts, metric: TextMetric) -> Option<Vec<f64>> {
    let of_rows = |term: &dyn Fn(&Row) -> f64| Some(texts.rows.iter().map(term).collect());
    match metric {
        TextMetric::ExactMatch => of_rows(&|row| f64::from(u8::from(row.exact))),
        TextMetric::TokenF1 => of_rows(&|row| row.token_f1),
        TextMetric::RougeL => of_rows(&|row| row.rouge_l),
        _ => None,
    }
}
