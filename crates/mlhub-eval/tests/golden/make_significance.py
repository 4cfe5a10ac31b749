"""Golden values of Welch's test and Hedges' g.

`python3 make_significance.py > significance.json` with SciPy 1.17.1. The test is
`scipy.stats.ttest_ind(equal_var=False)` with its `confidence_interval(0.95)`. SciPy has no
Hedges' g: it is written out here, with the exact small-sample factor.
"""

import json

import numpy as np
from scipy import special, stats


def draw(seed: int, mean: float, spread: float, count: int) -> list[float]:
    return [float(x) for x in np.round(np.random.default_rng(seed).normal(mean, spread, count), 6)]


CASES = {
    "even": ([0.90, 0.92, 0.94], [0.80, 0.83, 0.81]),
    "uneven": ([0.912, 0.907, 0.921, 0.899, 0.915], [0.905, 0.911, 0.900]),
    "close": ([1.0, 2.0, 3.0, 4.0], [1.5, 2.5, 3.5, 4.5]),
    "flat": ([0.5, 0.5, 0.5], [0.4, 0.45, 0.42, 0.43]),
    "far": ([10.001, 10.002, 10.003, 10.002], [1.0, 1.001, 0.999, 1.0005]),
    "many": (draw(7, 0.7, 0.03, 30), draw(8, 0.68, 0.02, 25)),
}


def case(name: str, a: list[float], b: list[float]) -> dict:
    test = stats.ttest_ind(a, b, equal_var=False)
    interval = test.confidence_interval(0.95)
    degrees = len(a) + len(b) - 2
    squares = (len(a) - 1) * np.var(a, ddof=1) + (len(b) - 1) * np.var(b, ddof=1)
    factor = np.exp(special.gammaln(degrees / 2) - special.gammaln((degrees - 1) / 2))
    factor /= np.sqrt(degrees / 2)
    difference = np.mean(a) - np.mean(b)
    return {
        "name": name,
        "a": a,
        "b": b,
        "difference": float(difference),
        "t": float(test.statistic),
        "df": float(test.df),
        "p": float(test.pvalue),
        "low": float(interval.low),
        "high": float(interval.high),
        "g": float(factor * difference / np.sqrt(squares / degrees)),
    }


if __name__ == "__main__":
    print(json.dumps([case(name, a, b) for name, (a, b) in CASES.items()], indent=1))
