//! Definitions for rows that have any number of labels.
//!
//! Text only; the arithmetic is in `metrics::multilabel`.

use super::Row;
use crate::definition::{Direction, Task};
use crate::metrics::{Average, Kind, MultilabelMetric};

const NO_WEIGHT: &str = "undefined: the rows have no weight";

/// Larger is better, from 0 to 1.
fn row(
    metric: MultilabelMetric,
    name: &'static str,
    formula: &'static str,
    source: &'static str,
) -> Row {
    Row {
        kind: Kind::Multilabel(metric),
        name,
        tasks: &[Task::Multilabel],
        params: &[],
        direction: Direction::Maximize,
        range: (Some(0.0), Some(1.0)),
        unit: None,
        formula,
        source,
        undefined: NO_WEIGHT,
    }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = sample_rows();
    rows.extend(averaged_rows());
    rows.extend(label_ranking_rows());
    rows.extend(score_rows());
    rows
}

/// T and P are the true and the predicted labels of a row.
fn sample_rows() -> Vec<Row> {
    use MultilabelMetric as M;
    vec![
        row(
            M::SubsetAccuracy,
            "subset_accuracy",
            "sum_i w_i [P_i = T_i] / sum_i w_i, T and P the sets of true and predicted labels of a \
             row.",
            "scikit-learn accuracy_score of an indicator matrix",
        ),
        Row {
            direction: Direction::Minimize,
            ..row(
                M::HammingLoss,
                "multilabel_hamming_loss",
                "sum_i w_i (labels in one of T_i and P_i only / all declared labels) / sum_i w_i.",
                "scikit-learn hamming_loss of an indicator matrix",
            )
        },
        row(
            M::JaccardSamples,
            "jaccard_samples",
            "sum_i w_i |T_i and P_i| / |T_i or P_i| / sum_i w_i; a row without any label \
             contributes 0.",
            "scikit-learn jaccard_score, average=samples, zero_division=0",
        ),
        row(
            M::PrecisionSamples,
            "precision_samples",
            "sum_i w_i |T_i and P_i| / |P_i| / sum_i w_i; a row without predicted labels \
             contributes 0.",
            "scikit-learn precision_score, average=samples, zero_division=0",
        ),
        row(
            M::RecallSamples,
            "recall_samples",
            "sum_i w_i |T_i and P_i| / |T_i| / sum_i w_i; a row without true labels contributes 0.",
            "scikit-learn recall_score, average=samples, zero_division=0",
        ),
        row(
            M::F1Samples,
            "f1_samples",
            "sum_i w_i 2 |T_i and P_i| / (|T_i| + |P_i|) / sum_i w_i; a row without any label \
             contributes 0.",
            "scikit-learn f1_score, average=samples, zero_division=0",
        ),
    ]
}

/// A metric by macro, micro and weighted average; the formulas share their words.
macro_rules! averages {
    ($metric:path, $name:literal, $ratio:literal, $added:literal, $score:literal) => {
        [
            row(
                $metric(Average::Macro),
                concat!("multilabel_", $name, "_macro"),
                concat!(
                    "Mean over all declared labels of ",
                    $ratio,
                    "; 0 for a label whose denominator is 0."
                ),
                concat!("scikit-learn ", $score, ", average=macro, zero_division=0"),
            ),
            row(
                $metric(Average::Micro),
                concat!("multilabel_", $name, "_micro"),
                concat!(
                    $added,
                    ", sums over all labels; 0 when the denominator is 0."
                ),
                concat!("scikit-learn ", $score, ", average=micro, zero_division=0"),
            ),
            row(
                $metric(Average::Weighted),
                concat!("multilabel_", $name, "_weighted"),
                concat!(
                    "Mean over labels, weighted by true_c, of ",
                    $ratio,
                    "; 0 for a label whose denominator is 0, and when no row has a label."
                ),
                concat!(
                    "scikit-learn ",
                    $score,
                    ", average=weighted, zero_division=0"
                ),
            ),
        ]
    };
}

fn averaged_rows() -> Vec<Row> {
    use MultilabelMetric as M;
    let mut rows = Vec::new();
    rows.extend(averages!(
        M::Precision,
        "precision",
        "TP_c / pred_c",
        "sum_c TP_c / sum_c pred_c",
        "precision_score"
    ));
    rows.extend(averages!(
        M::Recall,
        "recall",
        "TP_c / true_c",
        "sum_c TP_c / sum_c true_c",
        "recall_score"
    ));
    rows.extend(averages!(
        M::F1,
        "f1",
        "2 TP_c / (true_c + pred_c)",
        "2 sum_c TP_c / (sum_c true_c + sum_c pred_c)",
        "f1_score"
    ));
    rows.extend(averages!(
        M::Jaccard,
        "jaccard",
        "TP_c / (TP_c + FP_c + FN_c)",
        "sum_c TP_c / sum_c (TP_c + FP_c + FN_c)",
        "jaccard_score"
    ));
    rows
}

fn label_ranking_rows() -> Vec<Row> {
    use MultilabelMetric as M;
    vec![
        row(
            M::RankingAveragePrecision,
            "label_ranking_average_precision",
            "sum_i w_i a_i / sum_i w_i, a_i the mean over the true labels j of row i of (true \
             labels scored at least as high as j) / (labels scored at least as high as j); 1 for \
             a row with no label or with all.",
            "Tsoumakas et al., Mining multi-label data, 2010; scikit-learn \
             label_ranking_average_precision_score",
        ),
        Row {
            direction: Direction::Minimize,
            range: (Some(0.0), None),
            ..row(
                M::CoverageError,
                "coverage_error",
                "sum_i w_i c_i / sum_i w_i, c_i the number of labels scored at least as high as \
                 the lowest true label of row i; 0 for a row with no label.",
                "Tsoumakas et al., Mining multi-label data, 2010; scikit-learn coverage_error",
            )
        },
        Row {
            direction: Direction::Minimize,
            ..row(
                M::RankingLoss,
                "label_ranking_loss",
                "sum_i w_i l_i / sum_i w_i, l_i the share of pairs of a true and another label of \
                 row i in which the other is scored at least as high; 0 for a row with no label \
                 or with all.",
                "Tsoumakas et al., Mining multi-label data, 2010; scikit-learn label_ranking_loss",
            )
        },
    ]
}

fn score_rows() -> Vec<Row> {
    use MultilabelMetric as M;
    vec![
        Row {
            undefined: "undefined: no label has rows with it and rows without it",
            ..row(
                M::AurocMacro,
                "multilabel_auroc_macro",
                "Mean over labels of the auroc of rows with the label against the others. Labels \
                 that no row has, or all rows, are left out; NaN when none is left.",
                "scikit-learn roc_auc_score per label, which makes the mean NaN where a label is \
                 undefined",
            )
        },
        Row {
            undefined: "undefined: no cell of the matrix is true, or all are",
            ..row(
                M::AurocMicro,
                "multilabel_auroc_micro",
                "The auroc of all (row, label) cells together. NaN when none of them is true, or \
                 all are.",
                "scikit-learn roc_auc_score, average=micro",
            )
        },
        row(
            M::AveragePrecisionMacro,
            "multilabel_average_precision_macro",
            "Mean average precision (mAP): mean over all declared labels of the average_precision \
             of rows with the label against the others. A label that no row has contributes 0.",
            "scikit-learn average_precision_score, average=macro",
        ),
        row(
            M::AveragePrecisionMicro,
            "multilabel_average_precision_micro",
            "The average_precision of all (row, label) cells together; 0 when none is true.",
            "scikit-learn average_precision_score, average=micro",
        ),
    ]
}
