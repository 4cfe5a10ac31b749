//! Definitions for binary and multiclass classification.
//!
//! Text only; the arithmetic is in `metrics::{label, rank, probability}`.

mod more;

use super::Row;
use crate::definition::{Direction, Task};
use crate::metrics::{Average, Kind, LabelMetric, ProbabilityMetric, RankMetric};

const BINARY: &[Task] = &[Task::Binary];
const MULTICLASS: &[Task] = &[Task::Multiclass];
const BOTH: &[Task] = &[Task::Binary, Task::Multiclass];

/// Range of most metrics here.
const UNIT_INTERVAL: (Option<f64>, Option<f64>) = (Some(0.0), Some(1.0));

pub(super) fn rows() -> Vec<Row> {
    let mut rows = agreement_rows();
    rows.extend(binary_label_rows());
    rows.extend(averaged_label_rows());
    rows.extend(probability_rows());
    rows.extend(rank_rows());
    rows.extend(more::rows());
    rows
}

/// A metric over predicted classes, larger is better, within [0, 1].
fn label_row(
    metric: LabelMetric,
    name: &'static str,
    tasks: &'static [Task],
    formula: &'static str,
    source: &'static str,
) -> Row {
    Row {
        kind: Kind::Label(metric),
        name,
        tasks,
        params: &[],
        direction: Direction::Maximize,
        range: UNIT_INTERVAL,
        unit: None,
        formula,
        source,
        undefined: "undefined: the rows have no weight",
    }
}

fn agreement_rows() -> Vec<Row> {
    vec![
        label_row(
            LabelMetric::Accuracy,
            "accuracy",
            BOTH,
            "sum_i w_i [y_pred_i = y_true_i] / sum_i w_i.",
            "scikit-learn accuracy_score",
        ),
        label_row(
            LabelMetric::BalancedAccuracy,
            "balanced_accuracy",
            BOTH,
            "Mean over classes c with weight in y_true of recall_c = TP_c / true_c. Classes without \
             weight in y_true are left out.",
            "Brodersen et al., The balanced accuracy and its posterior distribution, ICPR 2010; \
             scikit-learn balanced_accuracy_score",
        ),
        Row {
            range: (Some(-1.0), Some(1.0)),
            ..label_row(
                LabelMetric::Mcc,
                "mcc",
                BOTH,
                "With s the total weight, c the correctly predicted weight, t_k and p_k the true and \
                 predicted weight of class k: (c s - sum_k t_k p_k) / sqrt((s^2 - sum_k p_k^2) \
                 (s^2 - sum_k t_k^2)). 0 when the denominator is 0.",
                "Gorodkin, Comparing two K-category assignments by a K-category correlation \
                 coefficient, 2004; scikit-learn matthews_corrcoef",
            )
        },
        Row {
            range: (Some(-1.0), Some(1.0)),
            undefined: "undefined: y_true and y_pred hold one and the same class only",
            ..label_row(
                LabelMetric::CohenKappa,
                "cohen_kappa",
                BOTH,
                "1 - (s - c) / (s - sum_k t_k p_k / s), s, c, t_k, p_k as in mcc; unweighted kappa \
                 between classes. NaN when the denominator is 0 (one class only in both y_true \
                 and y_pred).",
                "Cohen, A coefficient of agreement for nominal scales, 1960; scikit-learn \
                 cohen_kappa_score",
            )
        },
    ]
}

fn binary_label_rows() -> Vec<Row> {
    vec![
        label_row(
            LabelMetric::Precision(Average::Positive),
            "precision",
            BINARY,
            "TP / (TP + FP) of the positive class (the second label). 0 when nothing is predicted \
             positive.",
            "scikit-learn precision_score, average=binary, zero_division=0",
        ),
        label_row(
            LabelMetric::Recall(Average::Positive),
            "recall",
            BINARY,
            "TP / (TP + FN) of the positive class (the second label). 0 when no row is positive.",
            "scikit-learn recall_score, average=binary, zero_division=0",
        ),
        label_row(
            LabelMetric::F1(Average::Positive),
            "f1",
            BINARY,
            "2 TP / (2 TP + FP + FN) of the positive class (the second label). 0 when the \
             denominator is 0.",
            "scikit-learn f1_score, average=binary, zero_division=0",
        ),
        label_row(
            LabelMetric::Specificity,
            "specificity",
            BINARY,
            "TN / (TN + FP): recall of the negative class (the first label). 0 when no row is \
             negative.",
            "scikit-learn recall_score of the negative class, zero_division=0",
        ),
    ]
}

fn averaged_label_rows() -> Vec<Row> {
    let precision = LabelMetric::Precision;
    let recall = LabelMetric::Recall;
    let f1 = LabelMetric::F1;
    vec![
        label_row(
            precision(Average::Macro),
            "precision_macro",
            MULTICLASS,
            "Mean of TP_c / pred_c over the classes c that occur in y_true or y_pred. A class never \
             predicted contributes 0.",
            "scikit-learn precision_score, average=macro, zero_division=0",
        ),
        label_row(
            precision(Average::Micro),
            "precision_micro",
            MULTICLASS,
            "sum_c TP_c / sum_c pred_c over all classes; equals accuracy when every row has one \
             class.",
            "scikit-learn precision_score, average=micro, zero_division=0",
        ),
        label_row(
            precision(Average::Weighted),
            "precision_weighted",
            MULTICLASS,
            "sum_c true_c TP_c / pred_c / sum_c true_c. A class never predicted contributes 0.",
            "scikit-learn precision_score, average=weighted, zero_division=0",
        ),
        label_row(
            recall(Average::Macro),
            "recall_macro",
            MULTICLASS,
            "Mean of TP_c / true_c over the classes c that occur in y_true or y_pred. A class \
             absent from y_true contributes 0 (balanced_accuracy leaves it out).",
            "scikit-learn recall_score, average=macro, zero_division=0",
        ),
        label_row(
            recall(Average::Micro),
            "recall_micro",
            MULTICLASS,
            "sum_c TP_c / sum_c true_c over all classes; equals accuracy when every row has one \
             class.",
            "scikit-learn recall_score, average=micro, zero_division=0",
        ),
        label_row(
            recall(Average::Weighted),
            "recall_weighted",
            MULTICLASS,
            "sum_c true_c (TP_c / true_c) / sum_c true_c; equals accuracy when every row has one \
             class.",
            "scikit-learn recall_score, average=weighted, zero_division=0",
        ),
        label_row(
            f1(Average::Macro),
            "f1_macro",
            MULTICLASS,
            "Mean of 2 TP_c / (true_c + pred_c) over the classes c that occur in y_true or y_pred. \
             A class with denominator 0 contributes 0.",
            "scikit-learn f1_score, average=macro, zero_division=0",
        ),
        label_row(
            f1(Average::Micro),
            "f1_micro",
            MULTICLASS,
            "2 sum_c TP_c / (sum_c true_c + sum_c pred_c) over all classes; equals accuracy when \
             every row has one class.",
            "scikit-learn f1_score, average=micro, zero_division=0",
        ),
        label_row(
            f1(Average::Weighted),
            "f1_weighted",
            MULTICLASS,
            "sum_c true_c (2 TP_c / (true_c + pred_c)) / sum_c true_c. A class with denominator 0 \
             contributes 0.",
            "scikit-learn f1_score, average=weighted, zero_division=0",
        ),
    ]
}

fn probability_rows() -> Vec<Row> {
    let row = |metric, name, tasks, direction, range, formula, source| Row {
        kind: Kind::Probability(metric),
        name,
        tasks,
        params: &[],
        direction,
        range,
        unit: None,
        formula,
        source,
        undefined: "undefined: the rows have no weight",
    };
    vec![
        Row {
            params: &[("clip", f64::EPSILON)],
            unit: Some("nat"),
            ..row(
                ProbabilityMetric::LogLoss,
                "log_loss",
                BOTH,
                Direction::Minimize,
                (Some(0.0), None),
                "sum_i w_i (-ln p_i) / sum_i w_i, p_i the probability given to the true class, \
                 clipped to [clip, 1 - clip] with clip = 2^-52. Probabilities are not renormalised.",
                "scikit-learn log_loss",
            )
        },
        row(
            ProbabilityMetric::Brier,
            "brier",
            BOTH,
            Direction::Minimize,
            (Some(0.0), Some(2.0)),
            "Two classes: sum_i w_i (p_i - [y_i positive])^2 / sum_i w_i, p_i the probability of \
             the positive class; at most 1. More classes: sum_i w_i sum_c (p_ic - [y_i = c])^2 / \
             sum_i w_i; at most 2.",
            "Brier, Verification of forecasts expressed in terms of probability, 1950; \
             scikit-learn brier_score_loss, scale_by_half=auto",
        ),
        Row {
            params: &[("bins", 15.0)],
            ..row(
                ProbabilityMetric::Ece,
                "ece",
                BOTH,
                Direction::Minimize,
                UNIT_INTERVAL,
                "sum_b |sum_{i in b} w_i (h_i - q_i)| / sum_i w_i over equal-width bins of q, bin b = \
                 min(floor(bins q), bins - 1). Binary task: q is the probability of the positive \
                 class, h = [y positive]. Multiclass task: q is the largest probability of the \
                 row, h = [its class is the true class] (the first such class on ties). Empty \
                 bins contribute 0.",
                "Naeini et al., Obtaining well calibrated probabilities using Bayesian binning, \
                 AAAI 2015; Guo et al., On calibration of modern neural networks, ICML 2017",
            )
        },
        Row {
            params: &[("k", 3.0)],
            ..row(
                ProbabilityMetric::TopAccuracy(3),
                "top_3_accuracy",
                MULTICLASS,
                Direction::Maximize,
                UNIT_INTERVAL,
                "sum_i w_i [true class among the k highest scores of row i] / sum_i w_i. Among equal \
                 scores the class with the higher index ranks first. Only for more than k classes.",
                "scikit-learn top_k_accuracy_score, k=3",
            )
        },
    ]
}

fn rank_rows() -> Vec<Row> {
    let row = |metric, name, tasks, formula, source, undefined| Row {
        kind: Kind::Rank(metric),
        name,
        tasks,
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
            RankMetric::Auroc,
            "auroc",
            BINARY,
            "Area under the ROC curve of the positive class (the second label) = weighted share of \
             (positive, negative) pairs ranked rightly by score, ties counting one half. NaN \
             when y_true holds one class only.",
            "Hanley and McNeil, The meaning and use of the area under a ROC curve, 1982; \
             scikit-learn roc_auc_score",
            "undefined: y_true holds one class only",
        ),
        row(
            RankMetric::AurocOvrMacro,
            "auroc_ovr_macro",
            MULTICLASS,
            "Mean over all declared classes of the auroc of the class against the rest. NaN when a \
             declared class is absent from y_true. Scores need not be probabilities.",
            "scikit-learn roc_auc_score, multi_class=ovr, average=macro",
            "undefined: a declared class does not occur in y_true",
        ),
        row(
            RankMetric::AurocOvoMacro,
            "auroc_ovo_macro",
            MULTICLASS,
            "Mean over unordered pairs {a, b} of classes present in y_true of (A(a|b) + A(b|a)) / \
             2, A(a|b) the auroc of score column a on the rows of a (positive) and b. NaN with \
             fewer than two classes in y_true. Not defined for weighted rows. Scores need not be \
             probabilities.",
            "Hand and Till, A simple generalisation of the area under the ROC curve for multiple \
             class classification problems, 2001; scikit-learn roc_auc_score, multi_class=ovo, \
             average=macro",
            "undefined: y_true holds one class only",
        ),
        row(
            RankMetric::AveragePrecision,
            "average_precision",
            BINARY,
            "sum_n (R_n - R_{n-1}) P_n over the distinct scores in descending order, P_n and R_n \
             precision and recall of the positive class at that threshold. No interpolation. 0 \
             when no row is positive.",
            "scikit-learn average_precision_score",
            "undefined: the rows have no weight",
        ),
        row(
            RankMetric::AveragePrecisionMacro,
            "average_precision_macro",
            MULTICLASS,
            "Mean over all declared classes of the average_precision of the class against the \
             rest. A class absent from y_true contributes 0.",
            "scikit-learn average_precision_score over one-hot y_true, average=macro",
            "undefined: the rows have no weight",
        ),
    ]
}
