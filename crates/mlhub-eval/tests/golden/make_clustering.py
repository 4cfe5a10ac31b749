"""Writes the stored golden cases `clustering.json`.

Run, from the repository root, with the versions below and no others:

    python3 -m venv /tmp/golden
    /tmp/golden/bin/pip install scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
    /tmp/golden/bin/python crates/mlhub-eval/tests/golden/make_clustering.py

The output is the same on every run; `git diff` after it must be empty. Inputs are clusters
of the data sets that ship inside scikit-learn (iris, wine, digits) and edge cases. Expected
values come from scikit-learn; purity, which it does not have, is written out over its
contingency matrix.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn import metrics as sk
from sklearn.cluster import DBSCAN, AgglomerativeClustering
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.metrics.cluster import contingency_matrix
from sklearn.preprocessing import StandardScaler

SKLEARN_VERSION = "1.9.1"


def case(name, y_true, y_pred):
    y_true, y_pred = np.asarray(y_true, dtype=int), np.asarray(y_pred, dtype=int)
    table = contingency_matrix(y_true, y_pred)
    expected = {
        "adjusted_rand_index": sk.adjusted_rand_score(y_true, y_pred),
        "rand_index": sk.rand_score(y_true, y_pred),
        "fowlkes_mallows": sk.fowlkes_mallows_score(y_true, y_pred),
        "mutual_information": sk.mutual_info_score(y_true, y_pred),
        "homogeneity": sk.homogeneity_score(y_true, y_pred),
        "completeness": sk.completeness_score(y_true, y_pred),
        "v_measure": sk.v_measure_score(y_true, y_pred),
        "purity": table.max(axis=0).sum() / table.sum(),
    }
    return {
        "name": name,
        "y_true": y_true.tolist(),
        "y_pred": y_pred.tolist(),
        "expected": {name: float(value) for name, value in expected.items()},
    }


def cases():
    iris, flower = load_iris(return_X_y=True)
    wine, maker = load_wine(return_X_y=True)
    digits, digit = load_digits(return_X_y=True)
    digits, digit = digits[::3], digit[::3]
    ward = AgglomerativeClustering
    density = DBSCAN(eps=0.6).fit_predict(StandardScaler().fit_transform(iris)) + 1
    rng = np.random.default_rng(23)
    return [
        case("iris, three clusters", flower, ward(3).fit_predict(iris)),
        case("iris, eight clusters", flower, ward(8).fit_predict(iris)),
        case("iris, by density", flower, density),
        case("wine", maker, ward(3).fit_predict(StandardScaler().fit_transform(wine))),
        case("digits, ten clusters", digit, ward(10).fit_predict(digits)),
        case("digits, two clusters", digit, ward(2).fit_predict(digits)),
        case("nothing to do with each other", rng.integers(0, 4, 200), rng.integers(0, 6, 200)),
        case("the same", flower, flower),
        case("the same by other names", flower, 2 - flower),
        case("one cluster", flower, flower * 0),
        case("one class", flower * 0, flower),
        case("one of both", [0, 0, 0], [1, 1, 1]),
        case("each row a cluster of its own", [0, 0, 1, 1], [0, 1, 2, 3]),
        case("each row a class and a cluster of its own", [0, 1, 2, 3], [3, 2, 1, 0]),
        case("worse than chance", [0, 0, 1, 1], [0, 1, 0, 1]),
        case("a single row", [1], [0]),
    ]


def main():
    assert sklearn.__version__ == SKLEARN_VERSION, f"needs scikit-learn {SKLEARN_VERSION}"
    document = {"scikit_learn": SKLEARN_VERSION, "cases": cases()}
    text = json.dumps(document, separators=(",", ":")).replace(',{"name"', ',\n{"name"')
    (pathlib.Path(__file__).parent / "clustering.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
