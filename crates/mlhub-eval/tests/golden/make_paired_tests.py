"""Golden values of tests of two sets of predictions.

`python3 make_paired_tests.py > paired_tests.json` with scikit-learn 1.9.1, SciPy 1.17.1, NumPy
2.4.6. Metrics are those of scikit-learn on the rows drawn; the draws are made by `draws.py`, so
ends of intervals and probabilities are compared exactly, not within a sampling error.
"""

import json
from collections.abc import Callable

import draws
import numpy as np
from scipy import stats
from sklearn import metrics

SAMPLES = 199
SEED = 5

METRICS: dict[str, Callable[..., float]] = {
    "accuracy@1": lambda t, p, s, w: metrics.accuracy_score(t, p, sample_weight=w),
    "f1@1": lambda t, p, s, w: metrics.f1_score(t, p, sample_weight=w, zero_division=0),
    "balanced_accuracy@1": lambda t, p, s, w: metrics.balanced_accuracy_score(t, p, sample_weight=w),
    "auroc@1": lambda t, p, s, w: metrics.roc_auc_score(t, s, sample_weight=w),
    "log_loss@1": lambda t, p, s, w: metrics.log_loss(t, s, sample_weight=w, labels=[0, 1]),
    "mae@1": lambda t, p, s, w: metrics.mean_absolute_error(t, p, sample_weight=w),
    "mse@1": lambda t, p, s, w: metrics.mean_squared_error(t, p, sample_weight=w),
    "rmse@1": lambda t, p, s, w: metrics.root_mean_squared_error(t, p, sample_weight=w),
    "spearman@1": lambda t, p, s, w: stats.spearmanr(t, p).statistic,
    "median_absolute_error@1": lambda t, p, s, w: metrics.median_absolute_error(t, p),
}

Side = dict[str, np.ndarray]


class Pair:
    """Both sides of a case, as arrays."""

    def __init__(self, case: dict) -> None:
        self.truth = np.array(case["y_true"])
        self.sides = [
            {"y_pred": np.array(case[side]["y_pred"]), "y_score": np.array(case[side]["y_score"] or [0] * len(self.truth))}
            for side in "ab"
        ]
        self.weight = None if case["weight"] is None else np.array(case["weight"])
        self.group = case["group"]

    def value(self, metric: str, side: Side, rows: list[int]) -> float:
        weight = None if self.weight is None else self.weight[rows]
        return METRICS[metric](self.truth[rows], side["y_pred"][rows], side["y_score"][rows], weight)

    def difference(self, metric: str, sides: list[Side], rows: list[int]) -> float:
        return self.value(metric, sides[0], rows) - self.value(metric, sides[1], rows)

    def resampled(self, metric: str) -> np.ndarray:
        differences = []
        for sample in range(SAMPLES):
            if self.group:
                rows = draws.rows_of_groups(SEED, sample, self.group)
            else:
                rows = draws.rows(SEED, sample, len(self.truth))
            differences.append(self.difference(metric, self.sides, rows))
        return np.array(differences)

    def swapped(self, metric: str) -> np.ndarray:
        units = self.group or [str(row) for row in range(len(self.truth))]
        names = list(dict.fromkeys(units))
        rows = list(range(len(self.truth)))
        differences = []
        for sample in range(SAMPLES):
            coin = dict(zip(names, draws.coins(SEED, sample, len(names))))
            swap = np.array([coin[unit] == 1 for unit in units])
            a, b = self.sides
            mixed = [{k: np.where(swap, y[k], x[k]) for k in x} for x, y in ((a, b), (b, a))]
            differences.append(self.difference(metric, mixed, rows))
        return np.array(differences)

    def flipped(self, metric: str) -> np.ndarray:
        """As swapped, but coins are thrown only for units whose sides differ."""
        single = {
            "mae@1": lambda p: abs(self.truth - p["y_pred"]),
            "mse@1": lambda p: (self.truth - p["y_pred"]) ** 2,
            "accuracy@1": lambda p: (self.truth == p["y_pred"]) * 1.0,
            "log_loss@1": lambda p: -np.log(np.where(self.truth == 1, p["y_score"], 1 - p["y_score"])),
        }[metric]
        weight = np.ones(len(self.truth)) if self.weight is None else self.weight
        difference = weight * (single(self.sides[0]) - single(self.sides[1])) / weight.sum()
        units = self.group or [str(row) for row in range(len(self.truth))]
        sums = np.array([difference[[u == name for u in units]].sum() for name in dict.fromkeys(units)])
        sums = sums[sums != 0]
        if len(sums) <= 16:
            patterns = ((np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums))) & 1) * -2 + 1
            return patterns @ sums
        coins = [draws.coins(SEED, sample, len(sums)) for sample in range(SAMPLES)]
        return np.array([np.where(np.array(coin) == 1, -sums, sums).sum() for coin in coins])


def tested(pair: Pair, metric: str, method: str) -> dict:
    rows = list(range(len(pair.truth)))
    values = [pair.value(metric, side, rows) for side in pair.sides]
    difference = values[0] - values[1]
    resampled = pair.resampled(metric)
    if method == "bootstrap":
        drawn, centre = resampled, difference
    else:
        drawn = pair.swapped(metric) if method == "swaps" else pair.flipped(metric)
        centre = 0.0
    beyond = int((abs(drawn - centre) >= abs(difference) - 1e-12).sum())
    exhaustive = len(drawn) != SAMPLES
    low, high = np.percentile(resampled, [2.5, 97.5])
    return {
        "definition": metric,
        "method": "permutation" if method in ("swaps", "flips") else method,
        "value_a": float(values[0]),
        "value_b": float(values[1]),
        "p": beyond / len(drawn) if exhaustive else (1 + beyond) / (1 + SAMPLES),
        "low": float(low),
        "high": float(high),
    }


def binary(seed: int, rows: int, weighted: bool, groups: int) -> dict:
    random = np.random.default_rng(seed)
    truth = (random.random(rows) < 0.4).astype(int)
    shared = random.normal(size=rows)

    def side(skill: float) -> dict:
        logit = skill * (truth - 0.4) + 0.7 * shared + 0.7 * random.normal(size=rows)
        score = np.round(np.clip(1 / (1 + np.exp(-logit)), 0.01, 0.99), 3)
        return {"y_pred": (score > 0.5).astype(int).tolist(), "y_score": score.tolist()}

    return {
        "task": "binary",
        "y_true": truth.tolist(),
        "a": side(2.2),
        "b": side(1.0),
        "weight": np.round(random.uniform(0.5, 2.0, rows), 2).tolist() if weighted else None,
        "group": [f"g{x}" for x in random.integers(0, groups, rows)] if groups else None,
    }


def regression(seed: int, rows: int, weighted: bool, groups: int) -> dict:
    random = np.random.default_rng(seed)
    truth = np.round(random.normal(size=rows), 4)

    def side(noise: float) -> dict:
        return {"y_pred": np.round(truth + noise * random.normal(size=rows), 4).tolist(), "y_score": None}

    return {
        "task": "regression",
        "y_true": truth.tolist(),
        "a": side(0.5),
        "b": side(0.8),
        "weight": np.round(random.uniform(0.5, 2.0, rows), 2).tolist() if weighted else None,
        "group": [f"g{x}" for x in random.integers(0, groups, rows)] if groups else None,
    }


CASES = {
    "binary": (binary(1, 60, False, 0), [
        ("f1@1", "bootstrap"), ("auroc@1", "bootstrap"), ("log_loss@1", "flips"),
        ("accuracy@1", "flips"), ("f1@1", "swaps"), ("auroc@1", "swaps"),
    ]),
    "weighted": (binary(2, 50, True, 0), [
        ("accuracy@1", "flips"), ("auroc@1", "bootstrap"), ("balanced_accuracy@1", "swaps"),
    ]),
    "grouped": (binary(3, 80, False, 20), [
        ("accuracy@1", "flips"), ("auroc@1", "bootstrap"), ("f1@1", "swaps"),
    ]),
    "regression": (regression(4, 40, False, 0), [
        ("mae@1", "flips"), ("rmse@1", "bootstrap"), ("spearman@1", "bootstrap"),
        ("median_absolute_error@1", "bootstrap"), ("rmse@1", "swaps"),
        ("median_absolute_error@1", "swaps"), ("spearman@1", "swaps"),
    ]),
    "few": (regression(5, 12, False, 0), [("mae@1", "flips"), ("mse@1", "bootstrap")]),
    "grouped and weighted": (regression(6, 60, True, 12), [
        ("mse@1", "flips"), ("rmse@1", "bootstrap"), ("rmse@1", "swaps"),
    ]),
}


if __name__ == "__main__":
    golden = []
    for name, (case, tests) in CASES.items():
        pair = Pair(case)
        expected = [tested(pair, metric, method) for metric, method in tests]
        golden.append({"name": name, **case, "tests": expected})
    print(json.dumps(golden, separators=(",", ":")))
