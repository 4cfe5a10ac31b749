//! Definitions for ranking.
//!
//! Text only; the arithmetic is in `metrics::query`.

use super::Row;
use crate::definition::{Direction, Task};
use crate::metrics::{Kind, QueryMetric};

const NOTHING_RELEVANT: &str = "undefined: no query has a relevant row";

/// A mean over queries, from 0 to 1. The rules all of them share are part of each formula.
macro_rules! row {
    ($metric:expr, $name:expr, $params:expr, $formula:expr, $source:expr) => {
        Row {
            kind: Kind::Query($metric),
            name: $name,
            tasks: &[Task::Ranking],
            params: $params,
            direction: Direction::Maximize,
            range: (Some(0.0), Some(1.0)),
            unit: None,
            formula: concat!(
                $formula,
                " Mean over queries (`group`); rows are ordered by falling y_score, and rows of \
                 equal score count as the mean over all their orders. Queries without a row of \
                 y_true > 0 are left out. Resamples draw whole queries. Not defined for weighted \
                 rows."
            ),
            source: $source,
            undefined: NOTHING_RELEVANT,
        }
    };
}

const NDCG: &str = "Jarvelin and Kekalainen 2002, with the gains of Burges et al. 2005; \
                    scikit-learn ndcg_score over 2^y_true - 1, which however counts queries \
                    without a relevant row as 0";
const TREC: &str = "TREC, trec_eval; ties by McSherry and Najork 2008";

pub(super) fn rows() -> Vec<Row> {
    vec![
        row!(
            QueryMetric::Ndcg10,
            "ndcg_at_10",
            &[("k", 10.0)],
            "DCG / (DCG of the best order), DCG = sum over places i = 1 to min(k, rows) of \
             (2^y_true_i - 1) / log2(i + 1), k = 10.",
            NDCG
        ),
        row!(
            QueryMetric::Ndcg5,
            "ndcg_at_5",
            &[("k", 5.0)],
            "DCG / (DCG of the best order), DCG = sum over places i = 1 to min(k, rows) of \
             (2^y_true_i - 1) / log2(i + 1), k = 5.",
            NDCG
        ),
        row!(
            QueryMetric::Map,
            "map",
            &[],
            "Mean average precision: per query, the mean over relevant rows (y_true > 0) of the \
             share of relevant rows from the first place to theirs.",
            TREC
        ),
        row!(
            QueryMetric::Mrr,
            "mrr",
            &[],
            "Mean reciprocal rank: per query, 1 / place of the first relevant row (y_true > 0).",
            TREC
        ),
        row!(
            QueryMetric::Recall10,
            "recall_at_10",
            &[("k", 10.0)],
            "Per query, relevant rows (y_true > 0) among the first k / all relevant rows, k = 10.",
            TREC
        ),
        row!(
            QueryMetric::Precision10,
            "precision_at_10",
            &[("k", 10.0)],
            "Per query, relevant rows (y_true > 0) among the first k / k, k = 10, also where a \
             query has fewer rows.",
            TREC
        ),
        row!(
            QueryMetric::HitRate10,
            "hit_rate_at_10",
            &[("k", 10.0)],
            "Per query, 1 when a relevant row (y_true > 0) is among the first k, else 0, k = 10.",
            TREC
        ),
        row!(
            QueryMetric::RPrecision,
            "r_precision",
            &[],
            "Per query with R relevant rows (y_true > 0), the share of relevant ones among the \
             first R.",
            TREC
        ),
        row!(
            QueryMetric::Recall1,
            "recall_at_1",
            &[("k", 1.0)],
            "Per query, relevant rows (y_true > 0) among the first k / all relevant rows, k = 1.",
            TREC
        ),
        row!(
            QueryMetric::Recall5,
            "recall_at_5",
            &[("k", 5.0)],
            "Per query, relevant rows (y_true > 0) among the first k / all relevant rows, k = 5.",
            TREC
        ),
        row!(
            QueryMetric::Precision1,
            "precision_at_1",
            &[("k", 1.0)],
            "Per query, 1 when the first row is relevant (y_true > 0), else 0, which is the hit \
             rate at 1 too.",
            TREC
        ),
        row!(
            QueryMetric::Precision5,
            "precision_at_5",
            &[("k", 5.0)],
            "Per query, relevant rows (y_true > 0) among the first k / k, k = 5, also where a \
             query has fewer rows.",
            TREC
        ),
        row!(
            QueryMetric::HitRate5,
            "hit_rate_at_5",
            &[("k", 5.0)],
            "Per query, 1 when a relevant row (y_true > 0) is among the first k, else 0, k = 5.",
            TREC
        ),
    ]
}
