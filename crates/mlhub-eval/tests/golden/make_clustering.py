"""Writes the stored golden cases `clustering.json`.

Run, from the repository root, with the versions below and no others:

    python3 -m venv /tmp/golden
    /tmp/golden/bin/pip install scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
    /tmp/golden/bin/python crates/mlhub-eval/tests/golden/make_clustering.py

The output is the same on every run; `git diff` after it must be empty. Inputs are clusters
of the data sets that ship inside scikit-learn (iris, wine, digits) and edge cases. Expected
values come from scikit-learn; purity, which it does not have, is written out over its
contingency matrix. Silhouettes are those of distances by SciPy: the distances of scikit-learn lose
digits where rows are near. Of mutual information adjusted for chance, the mean by chance is summed
from exact integers, as scikit-learn's loses digits in logarithms of factorials; both are compared.
"""

import json
import math
import pathlib
from fractions import Fraction

import numpy as np
import sklearn
from scipy.spatial.distance import cdist
from scipy.stats import entropy
from sklearn import metrics as sk
from sklearn.cluster import DBSCAN, AgglomerativeClustering
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.metrics.cluster import contingency_matrix
from sklearn.preprocessing import StandardScaler

SKLEARN_VERSION = "1.9.1"
SKLEARN_AMI_DIGITS = 1e-9


def information_by_chance(table):
    rows = int(table.sum())
    terms = []
    for one in map(int, table.sum(axis=1)):
        for other in map(int, table.sum(axis=0)):
            for both in range(max(1, one + other - rows), min(one, other) + 1):
                ways = math.comb(one, both) * math.comb(rows - one, other - both)
                share = float(Fraction(ways, math.comb(rows, other)))
                terms.append(share * both / rows * math.log(rows * both / (one * other)))
    return math.fsum(terms)


def adjusted_mutual_information(y_true, y_pred, table):
    theirs = sk.adjusted_mutual_info_score(y_true, y_pred)
    same = (table > 0).sum() == table.shape[0] == table.shape[1]
    if same or 1 in table.shape:
        assert abs(theirs - same) < SKLEARN_AMI_DIGITS
        return float(same)
    chance = information_by_chance(table)
    most = (entropy(table.sum(axis=1)) + entropy(table.sum(axis=0))) / 2
    value = (sk.mutual_info_score(y_true, y_pred) - chance) / (most - chance)
    assert abs(value - theirs) < SKLEARN_AMI_DIGITS, (value, theirs)
    return value


def silhouette(embedding, y_pred):
    if not 2 <= len(set(y_pred)) < len(y_pred):
        return None
    return sk.silhouette_score(cdist(embedding, embedding), y_pred, metric="precomputed")


def case(name, y_true, y_pred, embedding=None):
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
        "adjusted_mutual_information": adjusted_mutual_information(y_true, y_pred, table),
    }
    if embedding is not None:
        embedding = np.asarray(embedding, dtype=float)
        expected["silhouette"] = silhouette(embedding, y_pred)
    return {
        "name": name,
        "y_true": y_true.tolist(),
        "y_pred": y_pred.tolist(),
        "embedding": None if embedding is None else embedding.tolist(),
        "expected": {
            name: None if value is None else float(value) for name, value in expected.items()
        },
    }


def cases():
    iris, flower = load_iris(return_X_y=True)
    wine, maker = load_wine(return_X_y=True)
    digits, digit = load_digits(return_X_y=True)
    digits, digit = digits[::3], digit[::3]
    ward = AgglomerativeClustering
    density = DBSCAN(eps=0.6).fit_predict(StandardScaler().fit_transform(iris)) + 1
    rng = np.random.default_rng(23)
    near = [[1e8, 0.5], [1e8, 0.75], [1e8, 0.5], [1e8 + 1e-4, 0.5], [1e8, 1]]
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
        case("iris in space", flower, ward(3).fit_predict(iris), iris),
        case("iris in space, by density", flower, density, iris),
        case("wine in space", maker, ward(4).fit_predict(wine), wine[:, ::3]),
        case("near rows, far away", [0, 0, 1, 1, 1], [0, 0, 1, 1, 2], near),
        case("one cluster in space", [0, 1, 1], [0, 0, 0], [[1], [2], [4]]),
        case("each row a cluster in space", [0, 1, 1], [0, 1, 2], [[1], [2], [4]]),
        case("all at one place", [0, 1, 1, 0], [0, 1, 1, 0], [[1, 2]] * 4),
        case("a single row in space", [1], [0], [[1]]),
    ]


def main():
    assert sklearn.__version__ == SKLEARN_VERSION, f"needs scikit-learn {SKLEARN_VERSION}"
    document = {"scikit_learn": SKLEARN_VERSION, "cases": cases()}
    text = json.dumps(document, separators=(",", ":")).replace(',{"name"', ',\n{"name"')
    (pathlib.Path(__file__).parent / "clustering.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
