"""Writes the stored golden cases `ranking.json`.

Run, from the repository root, with the versions below and no others:

    python3 -m venv /tmp/golden
    /tmp/golden/bin/pip install scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 \
        pytrec-eval-terrier==0.5.11
    /tmp/golden/bin/python crates/mlhub-eval/tests/golden/make_ranking.py

The output is the same on every run; `git diff` after it must be empty. Inputs are
out-of-fold scores of real models on data sets that ship inside scikit-learn, their rows
dealt into queries, and edge cases. NDCG comes from scikit-learn's `ndcg_score`, which
averages over ties, with 2^y_true - 1 as its gains; mean average precision without ties
from `average_precision_score`. The other values are written out here for one order of
rows, checked against trec_eval where there are no ties, and with ties averaged over all
orders of each tie, one by one.
"""

import itertools
import json
import math
import pathlib

import numpy as np
import pytrec_eval
import sklearn
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import average_precision_score, ndcg_score
from sklearn.model_selection import cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SKLEARN_VERSION = "1.9.1"
DIGITS = 6
# Our names and those of trec_eval, which breaks ties by name and so is asked only without them.
TREC = {
    "map": "map",
    "mrr": "recip_rank",
    "r_precision": "Rprec",
    **{f"recall_at_{k}": f"recall_{k}" for k in (1, 5, 10)},
    **{f"precision_at_{k}": f"P_{k}" for k in (1, 5, 10)},
    **{f"hit_rate_at_{k}": f"success_{k}" for k in (5, 10)},
}


def plain(relevant):
    """The metrics of one order of rows that are relevant or not."""
    places = [place for place, hit in enumerate(relevant, 1) if hit]
    hits = {k: sum(place <= k for place in places) for k in (1, 5, 10, len(places))}
    return {
        "map": math.fsum(n / place for n, place in enumerate(places, 1)) / len(places),
        "mrr": 1 / places[0],
        "r_precision": hits[len(places)] / len(places),
        **{f"recall_at_{k}": hits[k] / len(places) for k in (1, 5, 10)},
        **{f"precision_at_{k}": hits[k] / k for k in (1, 5, 10)},
        **{f"hit_rate_at_{k}": float(hits[k] > 0) for k in (5, 10)},
    }


def orders(scores, relevant):
    """Every order in which rows of equal score may stand."""
    ties = [
        [hit for score, hit in zip(scores, relevant, strict=True) if score == level]
        for level in sorted(set(scores), reverse=True)
    ]
    for order in itertools.product(*(itertools.permutations(tie) for tie in ties)):
        yield list(itertools.chain.from_iterable(order))


def ndcg(y_true, y_score, k):
    if len(y_true) == 1:  # scikit-learn refuses a single row, whose order is the best there is
        return 1.0
    gains = np.exp2(y_true) - 1
    return ndcg_score([gains], [y_score], k=k)


def check_trec(relevant, scores, values):
    """trec_eval agrees, as far as its scores, single precision floats, tell rows apart."""
    ranks = {str(row): float(sorted(scores).index(score)) for row, score in enumerate(scores)}
    truth = {"q": {str(row): int(hit) for row, hit in enumerate(relevant)}}
    measures = {"map", "recip_rank", "Rprec", "recall.1,5,10", "P.1,5,10", "success.5,10"}
    theirs = pytrec_eval.RelevanceEvaluator(truth, measures).evaluate({"q": ranks})["q"]
    for ours, name in TREC.items():
        assert math.isclose(theirs[name], values[ours], rel_tol=1e-12), (name, theirs[name])


def query(y_true, y_score):
    relevant = (y_true > 0).tolist()
    if not any(relevant):
        return None
    all_orders = [plain(order) for order in orders(y_score.tolist(), relevant)]
    values = {
        name: math.fsum(one[name] for one in all_orders) / len(all_orders) for name in all_orders[0]
    }
    if len(all_orders) == 1:
        theirs = average_precision_score(relevant, y_score)
        assert math.isclose(theirs, values["map"], rel_tol=1e-13), (theirs, values["map"])
        check_trec(relevant, y_score.tolist(), values)
    return values | {f"ndcg_at_{k}": ndcg(y_true, y_score, k) for k in (5, 10)}


def case(name, y_true, y_score, group):
    y_true = np.asarray(y_true, dtype=float)
    y_score = np.asarray(y_score, dtype=float)
    group = [str(one) for one in group]
    rows = {one: [row for row, own in enumerate(group) if own == one] for one in group}
    found = [query(y_true[at], y_score[at]) for at in rows.values()]
    counted = [one for one in found if one is not None]
    names = ["ndcg_at_10", "ndcg_at_5", *plain([True])]
    expected = {
        name: math.fsum(one[name] for one in counted) / len(counted) if counted else "NaN"
        for name in names
    }
    return {
        "name": name,
        "y_true": y_true.tolist(),
        "y_score": y_score.tolist(),
        "group": group,
        "expected": expected,
        "left_out": len(found) - len(counted),
    }


def dealt(rows, size):
    """Queries of `size` rows each, their rows not beside each other."""
    return np.arange(rows) % math.ceil(rows / size)


def cases():
    features, target = load_breast_cancer(return_X_y=True)
    logistic = make_pipeline(StandardScaler(), LogisticRegression())
    cancer = cross_val_predict(logistic, features, target, method="decision_function")
    features, disease = load_diabetes(return_X_y=True)
    ridge = np.round(cross_val_predict(Ridge(), features, disease), DIGITS)
    grades = np.digitize(disease, np.quantile(disease, [0.5, 0.7, 0.85, 0.95]))
    features, digit = load_digits(return_X_y=True)
    bayes = cross_val_predict(GaussianNB(), features, digit, method="predict_log_proba")[:, 3]
    threes = (digit == 3).astype(int)
    rng = np.random.default_rng(11)
    tied_true = rng.integers(0, 3, 60) * rng.integers(0, 2, 60)
    tied_score = rng.integers(0, 3, 60)
    half = len(target) // 2
    return [
        case("breast cancer, margins", target, np.round(cancer, DIGITS), dealt(len(target), 25)),
        case("diabetes, ridge, grades", grades, ridge, dealt(len(grades), 15)),
        case(
            "diabetes, ridge, real relevances",
            np.round(disease / 100, 3),
            ridge,
            dealt(len(grades), 15),
        ),
        case(
            "digits, one of ten, long queries",
            threes,
            np.round(bayes, 3) + np.arange(len(bayes)) * 1e-9,
            dealt(len(threes), 90),
        ),
        case("one query", target[:half], np.round(cancer[:half], DIGITS), np.zeros(half)),
        case("ties", tied_true, tied_score, dealt(60, 6)),
        case("all scores equal", tied_true[:40], np.zeros(40), dealt(40, 5)),
        case(
            "ties across the tenth place",
            [0, 1] * 8,
            [2.0] * 7 + [1.0] * 6 + [0.5, 0.25, 0.125],
            [0] * 16,
        ),
        case("perfect", [3, 2, 1, 0, 1, 0], [4, 3, 2, 1, 9, 8], [0, 0, 0, 0, 1, 1]),
        case("worst", [0, 0, 1, 0, 2], [3, 2, 1, 2, 1], [0, 0, 0, 1, 1]),
        case(
            "queries without a relevant row",
            [0, 0, 1, 0, 0, 0],
            [1, 2, 3, 4, 5, 6],
            [0, 0, 1, 1, 2, 2],
        ),
        case("nothing relevant", [0, 0, 0], [1, 2, 3], [0, 0, 1]),
        case("a single row", [2], [0.5], ["only"]),
        case("relevant after the tenth place", [0] * 11 + [1], list(range(12, 0, -1)), [0] * 12),
        case("largest relevance", [50, 1, 0], [1, 2, 3], [0] * 3),
    ]


def main():
    assert sklearn.__version__ == SKLEARN_VERSION, f"needs scikit-learn {SKLEARN_VERSION}"
    document = {"scikit_learn": SKLEARN_VERSION, "cases": cases()}
    text = json.dumps(document, separators=(",", ":")).replace(',{"name"', ',\n{"name"')
    (pathlib.Path(__file__).parent / "ranking.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
