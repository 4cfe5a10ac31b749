"""Writes the stored golden cases `anomaly.json`.

Run, from the repository root, with the versions below and no others:

    python3 -m venv /tmp/golden
    /tmp/golden/bin/pip install scikit-learn==1.9.1 numpy==2.4.6
    /tmp/golden/bin/python crates/mlhub-eval/tests/golden/make_anomaly.py

The output is the same on every run; `git diff` after it must be empty. Scores are those of an
isolation forest and of distances, rounded, on the data set of breast cancer that ships inside
scikit-learn, and edge cases. Expected values come from scikit-learn; precision at the number of
anomalies, which it does not have, is worked out over all orders of rows of equal score where
these are few, and in shares otherwise.
"""

import itertools
import json
import math
import pathlib

import numpy as np
import sklearn
from sklearn import metrics as sk
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import IsolationForest
from sklearn.preprocessing import StandardScaler

SKLEARN_VERSION = "1.9.1"
ORDERS_MAX_ROWS = 7


def over_all_orders(y_true, y_score):
    wanted = int(y_true.sum())
    found = []
    for order in itertools.permutations(range(len(y_true))):
        if all(y_score[a] >= y_score[b] for a, b in itertools.pairwise(order)):
            found.append(sum(y_true[row] for row in order[:wanted]) / wanted)
    return math.fsum(found) / len(found)


def r_precision(y_true, y_score, weight):
    wanted = math.fsum(weight[y_true == 1])
    if wanted == 0:
        return None
    shares = []
    for row, score in enumerate(y_score):
        above = math.fsum(weight[y_score > score])
        equal = math.fsum(weight[y_score == score])
        if equal > 0:
            shares.append(np.clip((wanted - above) / equal, 0, 1) * weight[row] * y_true[row])
    value = math.fsum(shares) / wanted
    if len(y_true) <= ORDERS_MAX_ROWS and (weight == 1).all():
        assert abs(value - over_all_orders(y_true, y_score)) < 1e-12
    return value


def best_threshold(y_true, y_score, weight):
    if not (weight[y_true == 1] > 0).any():
        return None
    best = None
    for threshold in sorted(set(y_score.tolist())):
        f1 = sk.f1_score(y_true, y_score >= threshold, sample_weight=weight, zero_division=0)
        if best is None or f1 > best[0]:
            best = (f1, threshold)
    return best[1]


def case(name, y_true, y_score, threshold=None, y_pred=None, weight=None):
    y_true, y_score = np.asarray(y_true, dtype=int), np.asarray(y_score, dtype=float)
    weights = np.ones(len(y_true)) if weight is None else np.asarray(weight, dtype=float)
    both = len(set(y_true[weights > 0].tolist())) == 2
    anomalies = weights[y_true == 1].sum() > 0
    options = {"sample_weight": weights}
    expected = {
        "anomaly_auroc": sk.roc_auc_score(y_true, y_score, **options) if both else None,
        "anomaly_average_precision": (
            sk.average_precision_score(y_true, y_score, **options) if anomalies else 0.0
        ),
        "anomaly_r_precision": r_precision(y_true, y_score, weights),
    }
    flagged = y_pred if threshold is None else y_score >= threshold
    if flagged is not None:
        options["zero_division"] = 0
        flagged = np.asarray(flagged, dtype=int)
        others = weights[y_true == 0].sum() > 0
        rest = sk.recall_score(y_true, flagged, pos_label=0, **options)
        expected |= {
            "anomaly_f1": sk.f1_score(y_true, flagged, **options),
            "anomaly_precision": sk.precision_score(y_true, flagged, **options),
            "anomaly_recall": sk.recall_score(y_true, flagged, **options),
            "anomaly_false_positive_rate": 1 - rest if others else 0.0,
        }
    numbers = {key: None if value is None else float(value) for key, value in expected.items()}
    return {
        "name": name,
        "y_true": y_true.tolist(),
        "y_score": y_score.tolist(),
        "threshold": threshold,
        "y_pred": None if y_pred is None else np.asarray(y_pred, dtype=int).tolist(),
        "weight": None if weight is None else weights.tolist(),
        "best_threshold": best_threshold(y_true, y_score, weights),
        "expected": numbers,
    }


def cases():
    values, benign = load_breast_cancer(return_X_y=True)
    rng = np.random.default_rng(5)
    rare = rng.permutation(np.flatnonzero(benign == 0))[:40]
    rows = np.sort(np.concatenate([np.flatnonzero(benign == 1), rare]))
    values, truth = StandardScaler().fit_transform(values)[rows], 1 - benign[rows]
    forest = IsolationForest(random_state=0).fit(values)
    isolation = np.round(-forest.score_samples(values), 6)
    distance = np.round(np.abs(values).mean(axis=1), 1)
    weight = np.round(rng.uniform(0, 3, len(truth)), 2)
    flagged = distance > 1.2
    return [
        case("isolation forest, threshold", truth, isolation, threshold=0.5),
        case("isolation forest, no threshold", truth, isolation),
        case("distances with many ties", truth, distance, threshold=1.0),
        case("predicted rows", truth, distance, y_pred=flagged),
        case("a threshold beside predicted rows", truth, distance, 0.9, flagged),
        case("weights", truth, distance, threshold=1.0, weight=weight),
        case("weights without ties", truth, isolation, threshold=0.45, weight=weight),
        case("negative scores", truth, -1 / distance, threshold=-0.8),
        case("ties where the count is reached", [1, 0, 1, 0, 0, 1, 0], [9, 9, 5, 5, 5, 5, 1], 5.0),
        case("all scores equal", [0, 1, 0, 1, 1], [2, 2, 2, 2, 2], 2.0),
        case("no anomalies", [0, 0, 0], [1, 2, 3], 2.0),
        case("nothing but anomalies", [1, 1, 1], [1, 2, 2], 2.0),
        case("none is flagged", [0, 1, 1], [1, 2, 3], 4.0),
        case("perfect", [0, 1, 0, 1], [0.1, 0.9, 0.2, 0.8], 0.8),
        case("the wrong way round", [0, 1, 0, 1], [0.9, 0.1, 0.8, 0.2], 0.5),
        case("a single anomaly", [1], [3], 2.0),
        case("a single other row", [0], [3], 2.0),
    ]


def main():
    assert sklearn.__version__ == SKLEARN_VERSION, f"needs scikit-learn {SKLEARN_VERSION}"
    document = {"scikit_learn": SKLEARN_VERSION, "cases": cases()}
    text = json.dumps(document, separators=(",", ":")).replace(',{"name"', ',\n{"name"')
    (pathlib.Path(__file__).parent / "anomaly.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
