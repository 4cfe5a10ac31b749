"""Golden values across seeds: almost stochastic order, and intervals of a mean.

`python3 make_seeds.py > seeds.json` with NumPy 2.4.6, SciPy 1.17.1, deepsig 1.2.8.

- Almost stochastic order: exact integrals over fractions on the draws of `draws.py`; and the
  `min_epsilon` of the package `deepsig` with its own draws, as the mean of several seeds with
  their spread, since it cannot be handed draws.
- Student's t interval: `scipy.stats.t.interval`. Bootstrap: NumPy on the draws of `draws.py`.
"""

import json
from fractions import Fraction

import draws
import numpy as np
from deepsig import aso
from scipy import stats

SAMPLES = 500
SEED = 3
DEEPSIG_SEEDS = 3
DEEPSIG_SAMPLES = 150


def violation_ratio(a: list[float], b: list[float]) -> float:
    a, b = sorted(map(Fraction, a)), sorted(map(Fraction, b))
    ends = sorted({Fraction(i, len(a)) for i in range(1, len(a) + 1)} | {Fraction(j, len(b)) for j in range(1, len(b) + 1)})
    violated = whole = start = Fraction(0)
    for end in ends:
        middle = (start + end) / 2
        apart = b[int(middle * len(b))] - a[int(middle * len(a))]
        whole += apart**2 * (end - start)
        violated += max(apart, Fraction(0)) ** 2 * (end - start)
        start = end
    return 0.5 if whole == 0 else float(violated / whole)


def dominance_case(name: str, a: list[float], b: list[float]) -> dict:
    # Draws pick from the values in ascending order.
    first, second = sorted(a), sorted(b)
    ratios = []
    for sample in range(SAMPLES):
        generator = draws.Generator(draws.DOMINANCE, SEED, sample)
        drawn_a = [first[generator.below(len(a))] for _ in a]
        drawn_b = [second[generator.below(len(b))] for _ in b]
        ratios.append(violation_ratio(drawn_a, drawn_b))
    ratio = violation_ratio(a, b)
    bound = np.clip(ratio + stats.norm.ppf(0.95) * np.std(ratios), 0, 1)
    package = [
        aso(a, b, confidence_level=0.95, num_bootstrap_iterations=DEEPSIG_SAMPLES, dt=0.005, show_progress=False, seed=1000 * seed)
        for seed in range(DEEPSIG_SEEDS)
    ]
    return {
        "name": name,
        "a": a,
        "b": b,
        "violation_ratio": ratio,
        "deviation": float(np.std(ratios)),
        "min_epsilon": float(bound),
        "deepsig": float(np.mean(package)),
        "deepsig_deviation": float(np.std(package, ddof=1)),
    }


def mean_case(name: str, values: list[float]) -> dict:
    found = {"name": name, "values": values, "mean": float(np.mean(values)), "deviation": float(np.std(values, ddof=1))}
    found["student"] = [float(x) for x in stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))]
    ascending = sorted(values)
    means = [np.mean([ascending[row] for row in draws.rows(SEED, sample, len(values))]) for sample in range(SAMPLES)]
    found["bootstrap"] = [float(x) for x in np.percentile(means, [2.5, 97.5])]
    return found


def draw(seed: int, mean: float, spread: float, count: int) -> list[float]:
    return np.round(np.random.default_rng(seed).normal(mean, spread, count), 4).tolist()


if __name__ == "__main__":
    golden = {
        "dominance": [
            dominance_case("better", draw(1, 0.80, 0.02, 10), draw(2, 0.77, 0.02, 10)),
            dominance_case("worse", draw(3, 0.70, 0.02, 8), draw(4, 0.78, 0.05, 8)),
            dominance_case("alike", draw(1, 0.72, 0.05, 12), draw(2, 0.70, 0.05, 9)),
            dominance_case("crossed", [0.70, 0.71, 0.72, 0.73, 0.75], [0.60, 0.63, 0.66, 0.72, 0.73, 0.76, 0.77]),
            dominance_case("ties", [0.5, 0.5, 0.75, 0.75, 1.0], [0.5, 0.5, 0.5, 0.75, 0.75, 1.0]),
        ],
        "means": [
            mean_case("eight", draw(9, 0.9, 0.01, 8)),
            mean_case("twenty", draw(10, 120.0, 30.0, 20)),
        ],
    }
    print(json.dumps(golden, indent=1))
