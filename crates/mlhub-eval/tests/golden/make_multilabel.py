"""Writes the stored golden cases `multilabel.json`.

Run, from the repository root, with the versions below and no others:

    python3 -m venv /tmp/golden
    /tmp/golden/bin/pip install scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
    /tmp/golden/bin/python crates/mlhub-eval/tests/golden/make_multilabel.py

The output is the same on every run; `git diff` after it must be empty. Inputs are
out-of-fold predictions of a real classifier of what is true of the handwritten digits that
ship inside scikit-learn (even, prime, has a loop, ...), and edge cases. Every expected value
comes from scikit-learn; its macro AUROC is taken label by label, as a label that no row has
(or all rows have) is left out here and makes the mean NaN there.
"""

import json
import math
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn import metrics as sk
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SKLEARN_VERSION = "1.9.1"
DIGITS = 4
# What is true of a digit.
PROPERTIES = {
    "even": {0, 2, 4, 6, 8},
    "prime": {2, 3, 5, 7},
    "loop": {0, 6, 8, 9},
    "above four": {5, 6, 7, 8, 9},
    "square": {0, 1, 4, 9},
}


def predicted_metrics(y_true, y_pred, weight):
    w = {"sample_weight": weight}
    values = {
        "subset_accuracy": sk.accuracy_score(y_true, y_pred, **w),
        "multilabel_hamming_loss": sk.hamming_loss(y_true, y_pred, **w),
    }
    scores = {
        "precision": sk.precision_score,
        "recall": sk.recall_score,
        "f1": sk.f1_score,
        "jaccard": sk.jaccard_score,
    }
    for name, score in scores.items():
        for average in ["macro", "micro", "weighted", "samples"]:
            ours = f"{name}_samples" if average == "samples" else f"multilabel_{name}_{average}"
            values[ours] = score(y_true, y_pred, average=average, zero_division=0, **w)
    return values


def score_metrics(y_true, scores, weight):
    w = {"sample_weight": weight}
    counted = np.ones(len(y_true), dtype=bool) if weight is None else weight > 0
    aurocs = [
        sk.roc_auc_score(truth, score, **w)
        for truth, score in zip(y_true.T, scores.T, strict=True)
        if 0 < truth[counted].sum() < counted.sum()
    ]
    cells = y_true[counted]
    both = 0 < cells.sum() < cells.size
    return {
        "label_ranking_average_precision": sk.label_ranking_average_precision_score(
            y_true, scores, **w
        ),
        "coverage_error": sk.coverage_error(y_true, scores, **w),
        "label_ranking_loss": sk.label_ranking_loss(y_true, scores, **w),
        "multilabel_auroc_macro": np.mean(aurocs) if aurocs else math.nan,
        "multilabel_auroc_micro": sk.roc_auc_score(y_true, scores, average="micro", **w)
        if both
        else math.nan,
        "multilabel_average_precision_macro": sk.average_precision_score(
            y_true, scores, average="macro", **w
        ),
        "multilabel_average_precision_micro": sk.average_precision_score(
            y_true, scores, average="micro", **w
        ),
    }


def per_class(y_true, y_pred, weight):
    precision, recall, f1, support = sk.precision_recall_fscore_support(
        y_true, y_pred, zero_division=0, sample_weight=weight
    )
    tables = sk.multilabel_confusion_matrix(y_true, y_pred, sample_weight=weight)
    negative = tables[:, 0].sum(axis=1)
    specificity = np.divide(
        tables[:, 0, 0], negative, out=np.zeros(len(negative)), where=negative > 0
    )
    found = {
        "support": support,
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "specificity": specificity,
    }
    return {name: np.asarray(values, dtype=float).tolist() for name, values in found.items()}


def wire(value):
    return "NaN" if math.isnan(value) else float(value)


def case(name, y_true, *, y_pred=None, y_score=None, weight=None):
    """Without `y_pred`, scores above one half are taken as predicted."""
    y_true = np.asarray(y_true, dtype=int)
    scores = None if y_score is None else np.asarray(y_score, dtype=float)
    weight = None if weight is None else np.asarray(weight, dtype=float)
    predicted = None
    if y_pred is not None:
        predicted = np.asarray(y_pred, dtype=int)
    elif scores.min() >= 0 and scores.max() <= 1:
        predicted = (scores > 0.5).astype(int)
    expected = {}
    if predicted is not None:
        expected |= predicted_metrics(y_true, predicted, weight)
    if scores is not None:
        expected |= score_metrics(y_true, scores, weight)
    return {
        "name": name,
        "y_true": [np.flatnonzero(row).tolist() for row in y_true],
        "y_pred": None if y_pred is None else [np.flatnonzero(row).tolist() for row in predicted],
        "y_score": None if scores is None else scores.tolist(),
        "labels": y_true.shape[1],
        "weight": None if weight is None else weight.tolist(),
        "expected": {name: wire(value) for name, value in expected.items()},
        "per_class": None if predicted is None else per_class(y_true, predicted, weight),
    }


def cases():
    features, digit = load_digits(return_X_y=True)
    logistic = make_pipeline(StandardScaler(), LogisticRegression(C=0.003))
    truth = np.stack([np.isin(digit, list(true)) for true in PROPERTIES.values()], axis=1)
    # Every third image: the file stays small.
    truth, features = truth[::3].astype(int), features[::3]
    scores = [cross_val_predict(logistic, features, t, method="predict_proba")[:, 1] for t in truth.T]
    scores = np.round(np.stack(scores, axis=1), DIGITS)
    predicted = (scores > 0.5).astype(int)
    rng = np.random.default_rng(19)
    weight = rng.gamma(1.0, size=len(truth)).round(3)
    weight[::11] = 0.0
    coarse = np.round(scores, 1)
    some, few = slice(0, 120), slice(0, 40)
    rare = truth[some] * [1, 1, 1, 0, 1]
    always = np.maximum(truth[some], [0, 0, 1, 0, 0])
    return [
        case("digits", truth, y_pred=predicted, y_score=scores),
        case("digits, weighted", truth[some], y_pred=predicted[some], y_score=scores[some],
             weight=weight[some]),
        case("digits, labels from scores", truth[some], y_score=scores[some]),
        case("digits, ties", truth[some], y_score=coarse[some]),
        case("digits, ties, weighted", truth[some], y_score=coarse[some], weight=weight[some]),
        case("labels only", truth[some], y_pred=predicted[some]),
        case("labels only, weighted", truth[some], y_pred=predicted[some], weight=weight[some]),
        case("margins", truth[some], y_score=np.round(scores[some] * 8 - 4, 3)),
        case("a label that no row has", rare, y_pred=predicted[some], y_score=scores[some]),
        case("a label that all rows have", always, y_pred=predicted[some], y_score=scores[some]),
        case("a label without weight", [[1, 0], [0, 1], [1, 1]], y_pred=[[1, 0], [1, 1], [0, 1]],
             y_score=[[0.5, 0.25], [0.75, 0.5], [0.25, 0.5]], weight=[1, 0, 0.5]),
        case("perfect", truth[few], y_pred=truth[few], y_score=truth[few]),
        case("all wrong", truth[few], y_pred=1 - truth[few], y_score=1 - truth[few]),
        case("nothing predicted, equal scores", truth[few], y_pred=truth[few] * 0,
             y_score=np.full(truth[few].shape, 0.25)),
        case("no row has a label", np.zeros((4, 3), int), y_pred=np.eye(4, 3, dtype=int),
             y_score=rng.random((4, 3)).round(2)),
        case("all rows have all labels", np.ones((4, 3), int), y_pred=np.eye(4, 3, dtype=int),
             y_score=rng.random((4, 3)).round(2)),
        case("a single row", [[1, 0, 1]], y_pred=[[1, 1, 0]], y_score=[[0.75, 0.5, 0.25]]),
        case("two labels", truth[few, :2], y_pred=predicted[few, :2], y_score=scores[few, :2]),
    ]


def main():
    assert sklearn.__version__ == SKLEARN_VERSION, f"needs scikit-learn {SKLEARN_VERSION}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        document = {"scikit_learn": SKLEARN_VERSION, "cases": cases()}
    text = json.dumps(document, separators=(",", ":")).replace(',{"name"', ',\n{"name"')
    (pathlib.Path(__file__).parent / "multilabel.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
