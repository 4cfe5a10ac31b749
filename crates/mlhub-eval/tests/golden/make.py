"""Writes the stored golden cases `binary.json`, `multiclass.json`, `regression.json`.

Run, from the repository root, with the versions below and no others:

    python3 -m venv /tmp/golden
    /tmp/golden/bin/pip install scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
    /tmp/golden/bin/python crates/mlhub-eval/tests/golden/make.py

The output is the same on every run; `git diff` after it must be empty. Inputs are
out-of-fold predictions of real classifiers and regressors on the data sets that
ship inside scikit-learn (digits, breast cancer, diabetes), and edge cases. The
expected values come from `oracle.py`.
"""

import json
import pathlib

import numpy as np
import sklearn
from oracle import classes, evaluate_all
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

SKLEARN_VERSION = "1.9.1"
# Scores are rounded to this many digits to keep the files small; the expected
# values are computed from the rounded ones.
DIGITS = 6


def case(name, task, y_true, y_pred, *, labels=0, y_score=None, weight=None, probabilities=True):
    return {
        "name": name,
        "task": task,
        "labels": labels,
        "y_true": np.asarray(y_true).tolist(),
        "y_pred": np.asarray(y_pred).tolist(),
        "y_score": None if y_score is None else np.asarray(y_score, dtype=float).tolist(),
        "weight": None if weight is None else np.asarray(weight, dtype=float).tolist(),
        "probabilities": probabilities,
    }


def some_weights(rows):
    weights = np.random.default_rng(7).gamma(1.0, size=rows).round(3)
    weights[::11] = 0.0
    return weights


def normalised(scores):
    """Rounded scores whose rows still sum to one to the last bit or two."""
    scores = np.round(scores, DIGITS)
    top = scores.argmax(axis=1)
    rows = np.arange(len(scores))
    scores[rows, top] = np.round(scores[rows, top] + 1.0 - scores.sum(axis=1), DIGITS)
    return scores


def binary_cases():
    features, target = load_breast_cancer(return_X_y=True)
    logistic = make_pipeline(StandardScaler(), LogisticRegression())
    score = cross_val_predict(logistic, features, target, method="predict_proba")[:, 1]
    score = np.round(score, DIGITS)
    y_pred = (score > 0.5).astype(int)
    margin = np.round(cross_val_predict(logistic, features, target, method="decision_function"), 3)
    bayes = cross_val_predict(GaussianNB(), features, target, method="predict_proba")
    bayes = normalised(bayes)
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    tied = np.round(cross_val_predict(tree, features, target, method="predict_proba")[:, 1], 2)
    weight = some_weights(len(target))
    one = score[:, None]

    def binary(name, y_true, y_pred, y_score=None, **more):
        return case(name, "binary", y_true, y_pred, labels=2, y_score=y_score, **more)

    small = np.array([0, 1, 1, 0, 1, 0])
    return [
        binary("breast cancer, logistic regression", target, y_pred, one),
        binary("breast cancer, logistic regression, weighted", target, y_pred, one, weight=weight),
        binary("breast cancer, margins", target, (margin > 0).astype(int), margin[:, None],
               probabilities=False),
        binary("breast cancer, naive bayes, two columns, extreme scores", target,
               bayes.argmax(axis=1), bayes),
        binary("breast cancer, tree, many ties", target, (tied > 0.5).astype(int), tied[:, None]),
        binary("breast cancer, tree, many ties, weighted", target, (tied > 0.5).astype(int),
               tied[:, None], weight=weight),
        binary("labels only", small, [0, 1, 0, 0, 1, 1]),
        binary("perfect", small, small, small[:, None].astype(float)),
        binary("all wrong", small, 1 - small, 1.0 - small[:, None]),
        binary("constant prediction", small, np.zeros(6, int), np.full((6, 1), 0.25)),
        binary("no positive in y_true", np.zeros(4, int), [0, 1, 0, 0], [[0.1], [0.9], [0.2], [0.3]]),
        binary("no negative in y_true", np.ones(4, int), [0, 1, 1, 1], [[0.1], [0.9], [0.7], [0.6]]),
        binary("single row", [1], [1], [[0.75]]),
        binary("single row, wrong", [0], [1], [[0.75]]),
        binary("probabilities of exactly 0 and 1, wrong and right", [0, 1, 0, 1], [0, 1, 1, 0],
               [[0.0], [1.0], [1.0], [0.0]]),
        binary("tiny and near-one probabilities", [0, 1, 0, 1], [0, 0, 1, 1],
               [[1e-300], [1e-17], [1 - 1e-16], [1 - 2e-16]]),
        binary("scores at bin edges", [0, 1] * 8, [0, 1] * 8, [[i / 15] for i in range(16)]),
        binary("positive class without weight", small, small, small[:, None] * 0.5,
               weight=(1 - small) * 0.5),
    ]


def multiclass_cases():
    features, target = load_digits(return_X_y=True)
    logistic = make_pipeline(StandardScaler(), LogisticRegression(C=0.01))
    scores = cross_val_predict(logistic, features, target, method="predict_proba")
    scores = normalised(np.round(scores, 4))[::2]
    tree = DecisionTreeClassifier(max_depth=5, random_state=0)
    tied = normalised(cross_val_predict(tree, features, target, method="predict_proba"))[::4]
    y_true, tied_true = target[::2], target[::4]
    weight = some_weights(len(y_true))
    no_class_9 = np.flatnonzero(y_true[:300] != 9)
    rng = np.random.default_rng(3)
    small_true = rng.integers(0, 4, 40)
    small_pred = np.where(rng.random(40) < 0.6, small_true, rng.integers(0, 4, 40))
    third = normalised(rng.dirichlet(np.ones(3), 30))

    def multiclass(name, y_true, y_pred, k, y_score=None, **more):
        return case(name, "multiclass", y_true, y_pred, labels=k, y_score=y_score, **more)

    return [
        multiclass("digits, logistic regression", y_true, scores.argmax(axis=1), 10, scores),
        multiclass("digits, logistic regression, weighted", y_true[:200], scores[:200].argmax(axis=1),
                   10, scores[:200], weight=weight[:200]),
        multiclass("digits, tree, ties", tied_true, tied.argmax(axis=1), 10, tied),
        multiclass("digits, class 9 missing in y_true", y_true[no_class_9],
                   scores[no_class_9].argmax(axis=1), 10, scores[no_class_9]),
        multiclass("digits, class 9 nowhere", y_true[no_class_9],
                   np.minimum(scores[no_class_9].argmax(axis=1), 8), 10, scores[no_class_9]),
        multiclass("labels only", small_true, small_pred, 4),
        multiclass("labels only, weighted", small_true, small_pred, 4, weight=some_weights(40)),
        multiclass("perfect", small_true, small_true, 4, np.eye(4)[small_true]),
        multiclass("constant prediction", small_true, np.full(40, 2), 4, np.full((40, 4), 0.25)),
        multiclass("one class only", np.full(5, 1), np.full(5, 1), 3, third[:5]),
        multiclass("single row", [2], [0], 3, [[0.5, 0.25, 0.25]]),
        multiclass("three classes", np.arange(30) % 3, third.argmax(axis=1), 3, third),
        multiclass("scores that are not probabilities", small_true, small_pred, 4,
                   rng.integers(-3, 4, (40, 4)).astype(float), probabilities=False),
        multiclass("two classes as multiclass", small_true % 2, small_pred % 2, 2,
                   normalised(rng.dirichlet(np.ones(2), 40))),
    ]


def regression_cases():
    features, target = load_diabetes(return_X_y=True)
    ridge = np.round(cross_val_predict(Ridge(), features, target), DIGITS)
    tree = DecisionTreeRegressor(max_depth=3, random_state=0)
    tied = np.round(cross_val_predict(tree, features, target), DIGITS)
    weight = some_weights(len(target))
    rng = np.random.default_rng(5)
    offset = 1e6 + rng.normal(size=50).round(3)

    def regression(name, y_true, y_pred, **more):
        return case(name, "regression", np.asarray(y_true, float), np.asarray(y_pred, float), **more)

    return [
        regression("diabetes, ridge", target, ridge),
        regression("diabetes, ridge, weighted", target, ridge, weight=weight),
        regression("diabetes, tree, ties", target, tied),
        regression("diabetes, tree, ties, whole weights", target, tied, weight=np.ceil(weight)),
        regression("perfect", [1, 2, 4, 8], [1, 2, 4, 8]),
        regression("constant prediction", [1, 2, 4, 8], [3, 3, 3, 3]),
        regression("constant target, wrong", [2, 2, 2], [1, 2, 3]),
        regression("constant target, right", [2, 2, 2], [2, 2, 2]),
        regression("constant target, constant offset", [2, 2, 2], [3, 3, 3]),
        regression("single row", [2], [2.5]),
        regression("two rows", [1, 2], [4, 3]),
        regression("zeros in the target", [0, 0, 1, -1], [0.5, 0, 1, 1]),
        regression("large offset, small spread", offset, offset + rng.normal(size=50).round(3)),
        regression("large and small magnitudes", [1e12, 1e-12, -3e5, 7], [1.1e12, 2e-12, -3.1e5, 6]),
        regression("weighted median at exactly half", [0, 0, 0, 0], [1, 2, 3, 4],
                   weight=[1, 1, 0, 2]),
        regression("weighted, zero weights at the ends", [1, 2, 3, 4, 5], [5, 1, 3, 3, 9],
                   weight=[0, 0.5, 1.5, 1, 0]),
    ]


def main():
    assert sklearn.__version__ == SKLEARN_VERSION, f"needs scikit-learn {SKLEARN_VERSION}"
    folder = pathlib.Path(__file__).parent
    groups = {
        "binary": binary_cases(),
        "multiclass": multiclass_cases(),
        "regression": regression_cases(),
    }
    for name, cases in groups.items():
        for one, expected in zip(cases, evaluate_all(cases), strict=True):
            one["expected"] = expected
            if one["task"] != "regression":
                one["classes"] = classes(one)
        document = {"scikit_learn": SKLEARN_VERSION, "cases": cases}
        text = json.dumps(document, separators=(",", ":")).replace(',{"name"', ',\n{"name"')
        (folder / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
