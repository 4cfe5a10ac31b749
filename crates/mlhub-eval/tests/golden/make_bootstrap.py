"""Golden ends of bootstrap intervals.

`python3 make_bootstrap.py > bootstrap.json` with SciPy 1.17.1, scikit-learn 1.9.1, NumPy 2.4.6.

The draws are those of `draws.py`; `scipy.stats.bootstrap` then takes the values of these resamples
as its bootstrap distribution, draws none of its own, and makes the percentile and the BCa interval
from them with its own jackknife. Rows within classes are several samples to SciPy; of groups it
knows nothing: they are handed to it as one sample of group numbers.
"""

import json
from collections.abc import Callable

import draws
import numpy as np
from scipy import stats
from sklearn import metrics

SAMPLES = 299
SEED = 11
CONFIDENCE = 0.9



def auroc(truth: np.ndarray, score: np.ndarray) -> float:
    """Pairs in the right order over all pairs. scikit-learn's trapezia round differently from one
    resample to the next, and the bias of BCa counts resamples that equal the value."""
    above, below = score[truth == 1][:, None], score[truth == 0][None, :]
    value = ((above > below) + 0.5 * (above == below)).sum() / (above.size * below.size)
    assert abs(value - metrics.roc_auc_score(truth, score)) < 1e-12
    return float(value)


METRICS: dict[str, Callable[..., float]] = {
    "accuracy@1": lambda t, p, s: metrics.accuracy_score(t, p),
    "f1@1": lambda t, p, s: metrics.f1_score(t, p, zero_division=0),
    "auroc@1": lambda t, p, s: auroc(t, s),
    "log_loss@1": lambda t, p, s: metrics.log_loss(t, s, labels=[0, 1]),
    "mae@1": lambda t, p, s: metrics.mean_absolute_error(t, p),
    "rmse@1": lambda t, p, s: metrics.root_mean_squared_error(t, p),
    "r2@1": lambda t, p, s: metrics.r2_score(t, p),
    "pearson@1": lambda t, p, s: stats.pearsonr(t, p).statistic,
}


def drawn_rows(case: dict, sample: int) -> list[int]:
    if case["resampling"] == "grouped":
        return draws.rows_of_groups(SEED, sample, case["group"])
    if case["resampling"] == "stratified":
        return draws.rows_within_classes(SEED, sample, case["y_true"])
    return draws.rows(SEED, sample, len(case["y_true"]))


def units(case: dict) -> list[list[list[int]]]:
    """The rows of each unit that is drawn, for each independent sample."""
    rows = range(len(case["y_true"]))
    if case["resampling"] == "grouped":
        names = list(dict.fromkeys(case["group"]))
        return [[[row for row in rows if case["group"][row] == name] for name in names]]
    if case["resampling"] == "stratified":
        return [[[row] for row in rows if case["y_true"][row] == label] for label in (0, 1)]
    return [[[row] for row in rows]]


def intervals(case: dict, metric: str) -> dict:
    truth, predicted = np.array(case["y_true"]), np.array(case["y_pred"])
    score = np.array(case["y_score"] or [0] * len(truth))

    def value(rows: list[int]) -> float:
        return METRICS[metric](truth[rows], predicted[rows], score[rows])

    resamples = np.array([value(drawn_rows(case, sample)) for sample in range(SAMPLES)])
    samples = units(case)

    def statistic(*chosen: np.ndarray) -> float:
        rows = [row for units, places in zip(samples, chosen) for place in places for row in units[int(place)]]
        return value(rows)

    class Drawn:
        bootstrap_distribution = resamples

    found = {}
    for method in ("percentile", "BCa"):
        interval = stats.bootstrap(
            tuple(np.arange(len(units)) for units in samples),
            statistic,
            n_resamples=0,
            bootstrap_result=Drawn(),
            vectorized=False,
            confidence_level=CONFIDENCE,
            method=method,
        ).confidence_interval
        found[method.lower()] = [float(interval.low), float(interval.high)]
    return {"definition": metric, "value": float(value(list(range(len(truth))))), **found}


def binary(seed: int, rows: int, resampling: str, groups: int) -> dict:
    random = np.random.default_rng(seed)
    truth = (random.random(rows) < 0.35).astype(int)
    score = np.round(np.clip(1 / (1 + np.exp(-2 * (truth - 0.4) - random.normal(size=rows))), 0.01, 0.99), 3)
    return {
        "task": "binary",
        "resampling": resampling,
        "y_true": truth.tolist(),
        "y_pred": (score > 0.5).astype(int).tolist(),
        "y_score": score.tolist(),
        "group": [f"g{x}" for x in random.integers(0, groups, rows)] if groups else None,
    }


def regression(seed: int, rows: int, resampling: str, groups: int) -> dict:
    random = np.random.default_rng(seed)
    truth = np.round(random.normal(size=rows), 4)
    noise = random.standard_t(3, size=rows)
    return {
        "task": "regression",
        "resampling": resampling,
        "y_true": truth.tolist(),
        "y_pred": np.round(truth + 0.4 * noise, 4).tolist(),
        "y_score": None,
        "group": [f"g{x}" for x in random.integers(0, groups, rows)] if groups else None,
    }


OF_CLASSES = ["accuracy@1", "f1@1", "auroc@1", "log_loss@1"]
OF_VALUES = ["mae@1", "rmse@1", "r2@1", "pearson@1"]

CASES = {
    "rows": (binary(1, 60, "rows", 0), OF_CLASSES),
    "within classes": (binary(2, 60, "stratified", 0), OF_CLASSES),
    "groups": (binary(3, 70, "grouped", 25), OF_CLASSES),
    "values": (regression(4, 40, "rows", 0), OF_VALUES),
    "groups of values": (regression(5, 60, "grouped", 20), OF_VALUES),
}


if __name__ == "__main__":
    golden = []
    for name, (case, wanted) in CASES.items():
        found = [intervals(case, metric) for metric in wanted]
        golden.append({"name": name, **case, "intervals": found})
    print(json.dumps(golden, separators=(",", ":")))
