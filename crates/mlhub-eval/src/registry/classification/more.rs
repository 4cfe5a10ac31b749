//! Further definitions for binary and multiclass classification: F-beta, Jaccard,
//! specificity by average, Hamming loss, AUROC weighted by rows, top-5 accuracy.
//!
//! Averages that would equal accuracy when every row has one class (micro F-beta)
//! are left out.

use super::super::Row;
use super::{BINARY, BOTH, MULTICLASS, UNIT_INTERVAL, label_row};
use crate::definition::Direction;
use crate::metrics::{Average, Beta, Kind, LabelMetric, ProbabilityMetric, RankMetric};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = f_beta_rows();
    rows.extend(jaccard_rows());
    rows.extend(negative_rows());
    rows.extend(score_rows());
    rows
}

fn f_beta_rows() -> Vec<Row> {
    const HALF: &[(&str, f64)] = &[("beta", 0.5)];
    const TWO: &[(&str, f64)] = &[("beta", 2.0)];
    const POSITIVE: &str = "(1 + beta^2) TP / ((1 + beta^2) TP + beta^2 FN + FP) of the positive \
                            class (the second label). 0 when the denominator is 0.";
    const MACRO: &str = "Mean of (1 + beta^2) TP_c / (beta^2 true_c + pred_c) over the classes c \
                         that occur in y_true or y_pred. A class with denominator 0 contributes 0.";
    const WEIGHTED: &str = "sum_c true_c ((1 + beta^2) TP_c / (beta^2 true_c + pred_c)) / sum_c \
                            true_c. A class with denominator 0 contributes 0.";
    let row = |beta, average, name, tasks, params, formula, source| Row {
        params,
        ..label_row(
            LabelMetric::FBeta(beta, average),
            name,
            tasks,
            formula,
            source,
        )
    };
    let binary = "scikit-learn fbeta_score, average=binary, zero_division=0";
    let plain = "scikit-learn fbeta_score, average=macro, zero_division=0";
    let weighted = "scikit-learn fbeta_score, average=weighted, zero_division=0";
    let (positive, all, by_rows) = (Average::Positive, Average::Macro, Average::Weighted);
    let (half, two) = (Beta::Half, Beta::Two);
    vec![
        row(half, positive, "f0_5", BINARY, HALF, POSITIVE, binary),
        row(two, positive, "f2", BINARY, TWO, POSITIVE, binary),
        row(half, all, "f0_5_macro", MULTICLASS, HALF, MACRO, plain),
        row(two, all, "f2_macro", MULTICLASS, TWO, MACRO, plain),
        row(
            half,
            by_rows,
            "f0_5_weighted",
            MULTICLASS,
            HALF,
            WEIGHTED,
            weighted,
        ),
        row(
            two,
            by_rows,
            "f2_weighted",
            MULTICLASS,
            TWO,
            WEIGHTED,
            weighted,
        ),
    ]
}

fn jaccard_rows() -> Vec<Row> {
    vec![
        label_row(
            LabelMetric::Jaccard(Average::Positive),
            "jaccard",
            BINARY,
            "TP / (TP + FP + FN) of the positive class (the second label). 0 when the denominator \
             is 0.",
            "scikit-learn jaccard_score, average=binary, zero_division=0",
        ),
        label_row(
            LabelMetric::Jaccard(Average::Macro),
            "jaccard_macro",
            MULTICLASS,
            "Mean of TP_c / (TP_c + FP_c + FN_c) over the classes c that occur in y_true or y_pred.",
            "scikit-learn jaccard_score, average=macro, zero_division=0",
        ),
        label_row(
            LabelMetric::Jaccard(Average::Micro),
            "jaccard_micro",
            MULTICLASS,
            "sum_c TP_c / sum_c (TP_c + FP_c + FN_c) over all classes.",
            "scikit-learn jaccard_score, average=micro, zero_division=0",
        ),
        label_row(
            LabelMetric::Jaccard(Average::Weighted),
            "jaccard_weighted",
            MULTICLASS,
            "sum_c true_c (TP_c / (TP_c + FP_c + FN_c)) / sum_c true_c.",
            "scikit-learn jaccard_score, average=weighted, zero_division=0",
        ),
    ]
}

fn negative_rows() -> Vec<Row> {
    let source = "from scikit-learn multilabel_confusion_matrix";
    vec![
        label_row(
            LabelMetric::NegativePredictiveValue,
            "negative_predictive_value",
            BINARY,
            "TN / (TN + FN): precision of the negative class (the first label). 0 when nothing is \
             predicted negative.",
            "scikit-learn precision_score of the negative class, zero_division=0",
        ),
        label_row(
            LabelMetric::SpecificityOf(Average::Macro),
            "specificity_macro",
            MULTICLASS,
            "Mean of TN_c / (TN_c + FP_c) over the classes c that occur in y_true or y_pred, class \
             c against the rest. A class without other rows contributes 0.",
            source,
        ),
        label_row(
            LabelMetric::SpecificityOf(Average::Micro),
            "specificity_micro",
            MULTICLASS,
            "sum_c TN_c / sum_c (TN_c + FP_c) over the classes c that occur in y_true or y_pred, \
             class c against the rest. 0 when the denominator is 0.",
            source,
        ),
        label_row(
            LabelMetric::SpecificityOf(Average::Weighted),
            "specificity_weighted",
            MULTICLASS,
            "sum_c true_c (TN_c / (TN_c + FP_c)) / sum_c true_c, class c against the rest. A class \
             without other rows contributes 0.",
            source,
        ),
        Row {
            direction: Direction::Minimize,
            ..label_row(
                LabelMetric::HammingLoss,
                "hamming_loss",
                BOTH,
                "sum_i w_i [y_pred_i != y_true_i] / sum_i w_i: the share of wrong rows, 1 - \
                 accuracy.",
                "scikit-learn hamming_loss",
            )
        },
    ]
}

fn score_rows() -> Vec<Row> {
    let row = |kind, name, formula, source, undefined| Row {
        kind,
        name,
        tasks: MULTICLASS,
        params: &[],
        direction: Direction::Maximize,
        range: UNIT_INTERVAL,
        unit: None,
        formula,
        source,
        undefined,
    };
    vec![
        row(
            Kind::Rank(RankMetric::AurocOvrWeighted),
            "auroc_ovr_weighted",
            "sum_c true_c AUROC_c / sum_c true_c over all declared classes, AUROC_c that of class \
             c against the rest. NaN when a declared class is absent from y_true. Scores need not \
             be probabilities.",
            "scikit-learn roc_auc_score, multi_class=ovr, average=weighted",
            "undefined: a declared class does not occur in y_true",
        ),
        row(
            Kind::Rank(RankMetric::AurocOvoWeighted),
            "auroc_ovo_weighted",
            "As auroc_ovo_macro, each pair {a, b} weighted by its rows: sum (n_a + n_b) (A(a|b) + \
             A(b|a)) / 2 / sum (n_a + n_b). NaN with fewer than two classes in y_true. Not \
             defined for weighted rows. Scores need not be probabilities.",
            "scikit-learn roc_auc_score, multi_class=ovo, average=weighted",
            "undefined: y_true holds one class only",
        ),
        Row {
            params: &[("k", 5.0)],
            ..row(
                Kind::Probability(ProbabilityMetric::TopAccuracy(5)),
                "top_5_accuracy",
                "sum_i w_i [true class among the k highest scores of row i] / sum_i w_i. Among \
                 equal scores the class with the higher index ranks first. Only for more than k \
                 classes.",
                "scikit-learn top_k_accuracy_score, k=5",
                "undefined: the rows have no weight",
            )
        },
    ]
}
