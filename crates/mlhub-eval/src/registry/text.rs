//! Definitions for texts.
//!
//! Text only; the arithmetic is in `metrics::text`.

use super::Row;
use crate::definition::{Direction, Task};
use crate::metrics::{Kind, TextMetric};

const TASKS: &[Task] = &[Task::Text];
const NO_WEIGHT: &str = "undefined: the rows have no weight";

/// A score from 0 to `highest`: larger is better.
fn score_row(
    metric: TextMetric,
    name: &'static str,
    highest: f64,
    formula: &'static str,
    source: &'static str,
) -> Row {
    Row {
        kind: Kind::Text(metric),
        name,
        tasks: TASKS,
        params: &[],
        direction: Direction::Maximize,
        range: (Some(0.0), Some(highest)),
        unit: None,
        formula,
        source,
        undefined: NO_WEIGHT,
    }
}

/// A share of errors: smaller is better, and it may be above 1.
fn error_row(
    metric: TextMetric,
    name: &'static str,
    formula: &'static str,
    source: &'static str,
    undefined: &'static str,
) -> Row {
    Row {
        direction: Direction::Minimize,
        range: (Some(0.0), None),
        undefined,
        ..score_row(metric, name, 1.0, formula, source)
    }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = word_rows();
    rows.extend(ngram_rows());
    rows.extend(error_rows());
    rows.extend(likelihood_rows());
    rows
}

fn likelihood_rows() -> Vec<Row> {
    let source = "Jelinek, Mercer, Bahl and Baker, Perplexity, 1977";
    vec![
        Row {
            range: (Some(1.0), None),
            ..error_row(
                TextMetric::Perplexity,
                "perplexity",
                "exp(-sum_i w_i l_i / sum_i w_i t_i), l = `log_likelihood` (natural logarithm of \
                 the probability of the row's text), t = `tokens`. Depends on the tokens: only \
                 models of the same tokens compare. NaN when there is no token.",
                source,
                "undefined: there is no token",
            )
        },
        Row {
            unit: Some("bits"),
            ..error_row(
                TextMetric::BitsPerToken,
                "bits_per_token",
                "-sum_i w_i l_i / sum_i w_i t_i / ln 2 = log2 of perplexity, l and t as there. NaN \
                 when there is no token.",
                source,
                "undefined: there is no token",
            )
        },
        Row {
            unit: Some("bits"),
            ..error_row(
                TextMetric::BitsPerByte,
                "bits_per_byte",
                "-sum_i w_i l_i / sum_i w_i b_i / ln 2, l = `log_likelihood` as in perplexity, b = \
                 `bytes` (length of the row's text, in UTF-8), which compares models of different \
                 tokens. NaN when there is no byte.",
                "Gao et al., The Pile, 2020, 3.1",
                "undefined: there is no byte",
            )
        },
    ]
}

fn word_rows() -> Vec<Row> {
    vec![
        score_row(
            TextMetric::ExactMatch,
            "exact_match",
            1.0,
            "sum_i w_i [y_pred_i = y_true_i] / sum_i w_i, after SQuAD's normalisation: lower case, \
             ASCII punctuation and the words a, an, the left out, white space as one space.",
            "Rajpurkar et al. 2016; the evaluation script of SQuAD",
        ),
        score_row(
            TextMetric::TokenF1,
            "token_f1",
            1.0,
            "sum_i w_i f_i / sum_i w_i, f = 2 s / (words of y_pred + words of y_true), s = words \
             in both, each as often as in the one that has it less, after SQuAD's normalisation \
             (see exact_match). When either has no word: 1 if both have none, else 0.",
            "Rajpurkar et al. 2018; the evaluation script of SQuAD 2.0",
        ),
        score_row(
            TextMetric::RougeL,
            "rouge_l",
            1.0,
            "sum_i w_i f_i / sum_i w_i, f = 2 l / (words of y_pred + words of y_true), l = length \
             of their longest common subsequence, 0 when l is 0. Words are runs of a-z and 0-9 in \
             lower case, not stemmed; so texts in other alphabets score 0.",
            "Lin 2004; rouge-score rougeL fmeasure, use_stemmer=False",
        ),
    ]
}

fn ngram_rows() -> Vec<Row> {
    vec![
        Row {
            params: &[("max_order", 4.0)],
            unit: Some("points"),
            ..score_row(
                TextMetric::Bleu,
                "bleu",
                100.0,
                "100 b (p_1 p_2 p_3 p_4)^(1/4) over all rows together, p_n = n-grams of y_pred \
                 that are in y_true, each counted at most as often as there / n-grams of y_pred, b \
                 = min(1, exp(1 - tokens of y_true / tokens of y_pred)). Tokens by mteval-v13a, in \
                 their case. The k-th p_n of 0 is 1 / (2^k n-grams of y_pred) instead. 0 when no \
                 token is shared or y_pred has no n-gram of some n. Not defined for weighted rows.",
                "Papineni et al. 2002; Post 2018, sacreBLEU \
                 nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp",
            )
        },
        Row {
            params: &[("beta", 2.0), ("max_order", 6.0)],
            unit: Some("points"),
            ..score_row(
                TextMetric::Chrf,
                "chrf",
                100.0,
                "100 (1 + beta^2) P R / (beta^2 P + R), beta = 2, P and R the means over n = 1 to 6 \
                 of precision and recall of n-grams of characters, white space left out, counted \
                 over all rows together. Orders that either side has no n-gram of are left out; a \
                 row's n-grams of y_pred count only where its y_true has n-grams of that order. 0 \
                 when nothing is shared. Not defined for weighted rows.",
                "Popovic 2015; sacreBLEU nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no",
            )
        },
    ]
}

fn error_rows() -> Vec<Row> {
    vec![
        error_row(
            TextMetric::Wer,
            "wer",
            "sum_i w_i e_i / sum_i w_i n_i, e = fewest words to insert, delete or replace to turn \
             y_pred into y_true, n = words of y_true. Words are what is between white space, in \
             their case. NaN when y_true has no word.",
            "Levenshtein 1966; jiwer wer",
            "undefined: y_true has no word",
        ),
        error_row(
            TextMetric::Cer,
            "cer",
            "sum_i w_i e_i / sum_i w_i n_i, e = fewest characters to insert, delete or replace to \
             turn y_pred into y_true, n = characters of y_true, white space at the ends left out. \
             Characters are Unicode scalar values. NaN when y_true has no character.",
            "Levenshtein 1966; jiwer cer",
            "undefined: y_true has no character",
        ),
    ]
}
