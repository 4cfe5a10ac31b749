//! Definitions for anomaly detection.
//!
//! Text only; the arithmetic is in `metrics::{rank, label, anomaly}`.

use super::Row;
use crate::definition::{Direction, Task};
use crate::metrics::{Average, Kind, LabelMetric, RankMetric};

/// From 0 to 1. What an anomaly is and when a row counts as one is part of each formula.
macro_rules! row {
    ($kind:expr, $name:expr, $formula:expr, $source:expr, $undefined:expr) => {
        Row {
            kind: $kind,
            name: $name,
            tasks: &[Task::Anomaly],
            params: &[],
            direction: Direction::Maximize,
            range: (Some(0.0), Some(1.0)),
            unit: None,
            formula: $formula,
            source: $source,
            undefined: $undefined,
        }
    };
}

/// The rule of the metrics over rows that count as anomalies.
macro_rules! at_threshold {
    ($formula:expr) => {
        concat!(
            $formula,
            " Anomalies are rows of the second label. A row counts as one when y_score >= \
             threshold, with the threshold that the caller gives (from another split); without \
             one, when y_pred says so."
        )
    };
}

const NO_WEIGHT: &str = "undefined: the rows have no weight";

pub(super) fn rows() -> Vec<Row> {
    let mut rows = score_rows();
    rows.extend(threshold_rows());
    rows
}

fn score_rows() -> Vec<Row> {
    vec![
        row!(
            Kind::Rank(RankMetric::Auroc),
            "anomaly_auroc",
            "Weighted share of (anomaly, other row) pairs in which the anomaly has the larger \
             y_score, ties counting one half = area under the ROC curve. Anomalies are rows of \
             the second label. NaN when there are no anomalies or nothing else.",
            "Hanley and McNeil, The meaning and use of the area under a ROC curve, 1982; \
             scikit-learn roc_auc_score",
            "undefined: y_true holds one class only"
        ),
        row!(
            Kind::Rank(RankMetric::AveragePrecision),
            "anomaly_average_precision",
            "sum_k (R_k - R_(k-1)) P_k over the thresholds k (distinct values of y_score, \
             falling), P and R precision and recall of the anomalies (rows of the second label) \
             among rows of y_score >= threshold. 0 when there are no anomalies.",
            "scikit-learn average_precision_score",
            NO_WEIGHT
        ),
        row!(
            Kind::Rank(RankMetric::RPrecision),
            "anomaly_r_precision",
            "Share of anomalies (rows of the second label) among the first R by falling y_score, \
             R = weight of all anomalies, which is the recall there too. Of the rows whose equal \
             y_score is where R is reached, each counts in the same share, so that R is reached \
             exactly: the mean over all their orders. NaN when there are no anomalies.",
            "Manning, Raghavan and Schuetze, Introduction to information retrieval, 2008, 8.4; \
             precision at n of Campos et al., On the evaluation of unsupervised outlier \
             detection, 2016",
            "undefined: there are no anomalies"
        ),
    ]
}

fn threshold_rows() -> Vec<Row> {
    vec![
        row!(
            Kind::Label(LabelMetric::F1(Average::Positive)),
            "anomaly_f1",
            at_threshold!("2 TP / (2 TP + FP + FN). 0 when the denominator is 0."),
            "scikit-learn f1_score, average=binary, zero_division=0",
            NO_WEIGHT
        ),
        row!(
            Kind::Label(LabelMetric::Precision(Average::Positive)),
            "anomaly_precision",
            at_threshold!("TP / (TP + FP). 0 when no row counts as an anomaly."),
            "scikit-learn precision_score, average=binary, zero_division=0",
            NO_WEIGHT
        ),
        row!(
            Kind::Label(LabelMetric::Recall(Average::Positive)),
            "anomaly_recall",
            at_threshold!("TP / (TP + FN). 0 when there are no anomalies."),
            "scikit-learn recall_score, average=binary, zero_division=0",
            NO_WEIGHT
        ),
        Row {
            direction: Direction::Minimize,
            ..row!(
                Kind::Label(LabelMetric::FalsePositiveRate),
                "anomaly_false_positive_rate",
                at_threshold!(
                    "FP / (FP + TN): share of other rows that count as anomalies. 0 when there \
                     are no other rows."
                ),
                "1 - scikit-learn recall_score of the first label",
                NO_WEIGHT
            )
        },
    ]
}
