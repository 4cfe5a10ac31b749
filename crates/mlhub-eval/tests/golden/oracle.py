"""Reference values of the metrics from scikit-learn and SciPy.

Reads a JSON list of cases from standard input and writes a JSON list of
{metric name: value} to standard output. Used by `make.py` for the stored golden
cases and by the live test (`tests/sklearn.rs`) for random ones. It shares no code
with the Rust implementation; where scikit-learn has no such metric (ece), the
definition is written out in NumPy.

A case: {"task", "labels": k, "y_true", "y_pred", "y_score": rows x k (binary also
rows x 1) or null, "weight" or null, "probabilities": bool}. Non-finite results are
the strings "NaN", "Infinity", "-Infinity".

Needs scikit-learn >= 1.9 (`log_loss`, `brier_score_loss` signatures) and SciPy.
"""

import functools
import json
import math
import sys
import warnings

import numpy as np
from scipy import special, stats
from sklearn import metrics as sk

ECE_BINS = 15


def ece(confidence, happened, weight):
    bins = np.minimum(np.floor(confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    weight = np.ones(len(confidence)) if weight is None else weight
    gaps = [
        abs(math.fsum(weight[bins == b] * (happened[bins == b] - confidence[bins == b])))
        for b in range(ECE_BINS)
    ]
    return math.fsum(gaps) / math.fsum(weight)


def label_metrics(case, y_true, y_pred, weight):
    w = {"sample_weight": weight}
    values = {
        "accuracy": sk.accuracy_score(y_true, y_pred, **w),
        "balanced_accuracy": sk.balanced_accuracy_score(y_true, y_pred, **w),
        "mcc": sk.matthews_corrcoef(y_true, y_pred, **w),
        "cohen_kappa": sk.cohen_kappa_score(y_true, y_pred, **w),
    }
    values["hamming_loss"] = sk.hamming_loss(y_true, y_pred, **w)
    by_name = {
        "precision": sk.precision_score,
        "recall": sk.recall_score,
        "f1": sk.f1_score,
        "f0_5": functools.partial(sk.fbeta_score, beta=0.5),
        "f2": functools.partial(sk.fbeta_score, beta=2),
        "jaccard": sk.jaccard_score,
    }
    for name, score in by_name.items():
        if case["task"] == "binary":
            values[name] = score(y_true, y_pred, labels=[1], average="macro", zero_division=0, **w)
            continue
        for average in ["macro", "micro", "weighted"]:
            if name in ("f0_5", "f2") and average == "micro":
                continue
            values[f"{name}_{average}"] = score(
                y_true, y_pred, average=average, zero_division=0, **w
            )
    if case["task"] == "binary":
        values["specificity"] = sk.recall_score(
            y_true, y_pred, labels=[0], average="macro", zero_division=0, **w
        )
        values["negative_predictive_value"] = sk.precision_score(
            y_true, y_pred, labels=[0], average="macro", zero_division=0, **w
        )
    else:
        values |= specificities(y_true, y_pred, weight)
    return values


def specificities(y_true, y_pred, weight):
    tables = sk.multilabel_confusion_matrix(y_true, y_pred, sample_weight=weight)
    right, negative, true = tables[:, 0, 0], tables[:, 0].sum(axis=1), tables[:, 1].sum(axis=1)
    each = np.divide(right, negative, out=np.zeros(len(right)), where=negative > 0)
    return {
        "specificity_macro": np.mean(each),
        "specificity_micro": right.sum() / negative.sum() if negative.sum() > 0 else 0.0,
        "specificity_weighted": np.average(each, weights=true),
    }


def binary_score_metrics(case, y_true, score, weight):
    w = {"sample_weight": weight}
    values = {
        "auroc": sk.roc_auc_score(y_true, score, **w),
        "average_precision": sk.average_precision_score(y_true, score, pos_label=1, **w),
    }
    if case["probabilities"]:
        values["log_loss"] = sk.log_loss(y_true, score, labels=[0, 1], **w)
        values["brier"] = sk.brier_score_loss(y_true, score, pos_label=1, **w)
        values["ece"] = ece(score, (y_true == 1).astype(float), weight)
    return values


def one_vs_rest_auroc(truth, score, weight):
    return sk.roc_auc_score(truth, score, sample_weight=weight)


def multiclass_score_metrics(case, y_true, scores, weight):
    k = case["labels"]
    w = {"sample_weight": weight}
    labels = list(range(k))
    one_hot = np.stack([(y_true == c).astype(int) for c in labels], axis=1)
    columns = range(k)
    # Per class, because the multiclass form of roc_auc_score insists on probabilities.
    against_rest = [one_vs_rest_auroc(one_hot[:, c], scores[:, c], weight) for c in columns]
    values = {
        "auroc_ovr_macro": np.mean(against_rest),
        "auroc_ovr_weighted": np.average(
            against_rest,
            weights=one_hot.sum(axis=0) if weight is None else weight @ one_hot,
        ),
        "average_precision_macro": np.mean(
            [
                sk.average_precision_score(one_hot[:, c], scores[:, c], pos_label=1, **w)
                for c in columns
            ]
        ),
    }
    if weight is None:
        if len(np.unique(y_true)) > 1 and case["probabilities"] and k > 2:
            for average in ["macro", "weighted"]:
                values[f"auroc_ovo_{average}"] = sk.roc_auc_score(
                    y_true, scores, multi_class="ovo", average=average, labels=labels
                )
        else:
            values |= pairwise_aurocs(y_true, scores)
    for places in [3, 5]:
        if k > places:
            values[f"top_{places}_accuracy"] = sk.top_k_accuracy_score(
                y_true, scores, k=places, labels=labels, **w
            )
    if case["probabilities"]:
        values["log_loss"] = sk.log_loss(y_true, scores, labels=labels, **w)
        values["brier"] = sk.brier_score_loss(y_true, scores, labels=labels, **w)
        top = scores.argmax(axis=1)
        values["ece"] = ece(scores.max(axis=1), (top == y_true).astype(float), weight)
    return values


def pairwise_aurocs(y_true, scores):
    present = np.unique(y_true)
    pairs, sizes = [], []
    for place, a in enumerate(present):
        for b in present[place + 1 :]:
            rows = (y_true == a) | (y_true == b)
            forth = sk.roc_auc_score(y_true[rows] == a, scores[rows, a])
            back = sk.roc_auc_score(y_true[rows] == b, scores[rows, b])
            pairs.append((forth + back) / 2)
            sizes.append(rows.sum())
    return {
        "auroc_ovo_macro": np.mean(pairs) if pairs else math.nan,
        "auroc_ovo_weighted": np.average(pairs, weights=sizes) if pairs else math.nan,
    }


def regression_metrics(y_true, y_pred, weight):
    w = {"sample_weight": weight}
    values = {
        "mae": sk.mean_absolute_error(y_true, y_pred, **w),
        "mse": sk.mean_squared_error(y_true, y_pred, **w),
        "rmse": sk.root_mean_squared_error(y_true, y_pred, **w),
        "r2": sk.r2_score(y_true, y_pred, **w),
        "explained_variance": sk.explained_variance_score(y_true, y_pred, **w),
        "mape": sk.mean_absolute_percentage_error(y_true, y_pred, **w),
        "median_absolute_error": sk.median_absolute_error(y_true, y_pred, **w),
    }
    for name, alpha in [("0_1", 0.1), ("0_5", 0.5), ("0_9", 0.9)]:
        values[f"pinball_{name}"] = sk.mean_pinball_loss(y_true, y_pred, alpha=alpha, **w)
    values["huber"] = np.average(special.huber(1.0, y_true - y_pred), weights=weight)
    size = np.abs(y_true) + np.abs(y_pred)
    gap = np.abs(y_true - y_pred)
    smape = np.divide(2 * gap, size, out=np.zeros(len(gap)), where=size > 0)
    values["smape"] = np.average(smape, weights=weight)
    if min(y_true.min(), y_pred.min()) > -1:
        values["rmsle"] = sk.root_mean_squared_log_error(y_true, y_pred, **w)
    if weight is None:
        values["max_error"] = sk.max_error(y_true, y_pred)
        enough = len(y_true) >= 2
        values["pearson"] = stats.pearsonr(y_true, y_pred).statistic if enough else math.nan
        values["spearman"] = stats.spearmanr(y_true, y_pred).statistic if enough else math.nan
        values["kendall_tau_b"] = stats.kendalltau(y_true, y_pred).statistic if enough else math.nan
    return values


def evaluate(case):
    weight = None if case["weight"] is None else np.array(case["weight"], dtype=float)
    if case["task"] == "regression":
        y_true, y_pred = (np.array(case[name], dtype=float) for name in ["y_true", "y_pred"])
        return regression_metrics(y_true, y_pred, weight)
    y_true, y_pred = (np.array(case[name], dtype=int) for name in ["y_true", "y_pred"])
    values = label_metrics(case, y_true, y_pred, weight)
    if case["y_score"] is not None:
        scores = np.array(case["y_score"], dtype=float)
        if case["task"] == "binary":
            values |= binary_score_metrics(case, y_true, scores[:, -1], weight)
        else:
            values |= multiclass_score_metrics(case, y_true, scores, weight)
    return values


def classes(case):
    """What each class looks like against the rest, one entry per label."""
    weight = None if case["weight"] is None else np.array(case["weight"], dtype=float)
    y_true, y_pred = (np.array(case[name], dtype=int) for name in ["y_true", "y_pred"])
    labels = list(range(case["labels"]))
    w = {"sample_weight": weight, "labels": labels}
    precision, recall, f1, support = sk.precision_recall_fscore_support(
        y_true, y_pred, zero_division=0, **w
    )
    tables = sk.multilabel_confusion_matrix(y_true, y_pred, **w)
    scores = None if case["y_score"] is None else np.array(case["y_score"], dtype=float)
    found = []
    for c in labels:
        (right, wrong), (_, both) = tables[c].tolist()
        has_curve = scores is not None and (case["task"] == "multiclass" or c == 1)
        truth, counted = y_true == c, weight is None or weight > 0
        occurs = 0 < (truth & counted).sum() < np.sum(counted & np.ones(len(truth), dtype=bool))
        own = scores[:, -1 if case["task"] == "binary" else c] if has_curve else None
        found.append(
            {
                "support": float(support[c]),
                "predicted": float(wrong + both),
                "precision": float(precision[c]),
                "recall": float(recall[c]),
                "f1": float(f1[c]),
                "specificity": right / (right + wrong) if right + wrong > 0 else 0.0,
                "auroc": float(one_vs_rest_auroc(truth, own, weight))
                if has_curve and occurs
                else None,
            }
        )
    return found


def wire(value):
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def evaluate_all(cases):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [{name: wire(value) for name, value in evaluate(case).items()} for case in cases]


if __name__ == "__main__":
    json.dump(evaluate_all(json.load(sys.stdin)), sys.stdout)
