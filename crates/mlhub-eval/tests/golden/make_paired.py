"""Golden values of the tests of pairs and of ranks.

`python3 make_paired.py > paired.json` with NumPy 2.4.6, SciPy 1.17.1, statsmodels 0.15.0.

- McNemar: `statsmodels.stats.contingency_tables.mcnemar`, exact and with continuity
  correction. It has no interval of the difference: Bonett and Price's is written out here.
- Wilcoxon and Mann-Whitney: SciPy; small samples with ties by its exhaustive permutation test.
- DeLong: the definition with all pairs of rows, not by ranks.
"""

import json

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar


def mcnemar_case(only_a: int, only_b: int, rows: int) -> dict:
    exact = only_a + only_b <= 1000
    both = (rows - only_a - only_b) // 2
    table = [[both, only_a], [only_b, rows - only_a - only_b - both]]
    test = mcnemar(table, exact=exact, correction=True)
    p_a, p_b = (only_a + 1) / (rows + 2), (only_b + 1) / (rows + 2)
    centre = p_a - p_b
    half = stats.norm.ppf(0.975) * np.sqrt((p_a + p_b - centre**2) / (rows + 2))
    return {
        "only_a": only_a,
        "only_b": only_b,
        "rows": rows,
        "chi_square": None if exact else float(test.statistic),
        "p": float(test.pvalue),
        "low": float(centre - half),
        "high": float(centre + half),
    }


def wilcoxon_case(name: str, differences: list[float]) -> dict:
    kept = np.array([x for x in differences if x != 0])
    exact = len(kept) <= 50 and len(set(abs(kept))) == len(kept)
    method = "exact" if exact else "asymptotic"
    test = stats.wilcoxon(kept, correction=True, method=method)
    ranks = stats.rankdata(abs(kept))
    return {
        "name": name,
        "differences": differences,
        "positive": float(ranks[kept > 0].sum()),
        "negative": float(ranks[kept < 0].sum()),
        "z": None if exact else float(test.zstatistic),
        "p": float(test.pvalue),
    }


def mann_whitney_case(name: str, a: list[float], b: list[float]) -> dict:
    values = a + b
    tied = len(set(values)) < len(values)
    if len(values) > 64:
        method = "asymptotic"
    elif not tied:
        method = "exact"
    else:
        method = stats.PermutationMethod(n_resamples=10**9)
        assert len(values) <= 16
    test = stats.mannwhitneyu(a, b, method=method, use_continuity=True)
    return {"name": name, "a": a, "b": b, "u": float(test.statistic), "p": float(test.pvalue)}


def delong_case(name: str, positive: list[bool], a: list[float], b: list[float]) -> dict:
    """Every pair of a positive and a negative row, as the definition has it."""
    is_positive = np.array(positive)

    def placements(scores: list[float]) -> tuple[np.ndarray, np.ndarray]:
        scores = np.array(scores)
        x, y = scores[is_positive][:, None], scores[~is_positive][None, :]
        right = (x > y) + 0.5 * (x == y)
        return right.mean(axis=1), right.mean(axis=0)

    (a_of_positives, a_of_negatives), (b_of_positives, b_of_negatives) = placements(a), placements(b)
    over_positives = np.cov(a_of_positives, b_of_positives)
    over_negatives = np.cov(a_of_negatives, b_of_negatives)
    covariance = over_positives / is_positive.sum() + over_negatives / (~is_positive).sum()
    contrast = np.array([1.0, -1.0])
    variance = contrast @ covariance @ contrast
    difference = a_of_positives.mean() - b_of_positives.mean()
    half = stats.norm.ppf(0.975) * np.sqrt(variance)
    return {
        "name": name,
        "positive": [bool(x) for x in positive],
        "a": list(a),
        "b": list(b),
        "auroc_a": float(a_of_positives.mean()),
        "auroc_b": float(b_of_positives.mean()),
        "variance": float(variance),
        "z": float(difference / np.sqrt(variance)),
        "p": float(2 * stats.norm.sf(abs(difference) / np.sqrt(variance))),
        "low": float(difference - half),
        "high": float(difference + half),
    }


def scores(seed: int, rows: int, digits: int) -> tuple[list[bool], list[float], list[float]]:
    random = np.random.default_rng(seed)
    positive = random.random(rows) < 0.4
    shared = random.normal(size=rows)
    a = np.round(positive + shared + random.normal(size=rows), digits)
    b = np.round(0.6 * positive + shared + random.normal(size=rows), digits)
    return positive.tolist(), a.tolist(), b.tolist()


def draws(seed: int, mean: float, count: int, digits: int) -> list[float]:
    return np.round(np.random.default_rng(seed).normal(mean, 1.0, count), digits).tolist()


def main() -> None:
    mcnemars = [(0, 0, 10), (1, 0, 5), (0, 6, 40), (5, 5, 30), (59, 6, 200), (121, 59, 1600)]
    mcnemars += [(480, 520, 4000), (501, 500, 4000), (560, 470, 5000), (6000, 5500, 100_000)]
    golden = {
        "mcnemar": [mcnemar_case(*case) for case in mcnemars],
        "wilcoxon": [
            # Hollander and Wolfe's depression scale, the example of R's wilcox.test.
            wilcoxon_case("depression", [0.952, -0.147, 1.022, 0.43, 0.62, 0.59, 0.49, -0.08, 0.01]),
            wilcoxon_case("two", [1.0, -2.0]),
            wilcoxon_case("one side", [0.5, 1.5, 2.5, 3.5, 4.5]),
            wilcoxon_case("zeros", [0.0, 1.0, 0.0, -2.0, 3.5, 4.0, 0.0, 5.0]),
            wilcoxon_case("ties", [1.0, -1.0, 2.0, 2.0, 3.0, -3.0, 3.0, 0.0, 4.0, 4.0]),
            wilcoxon_case("fifty", draws(1, 0.4, 50, 9)),
            wilcoxon_case("fifty-one", draws(2, 0.4, 51, 9)),
            wilcoxon_case("many tied", draws(3, 0.1, 400, 1)),
        ],
        "mann_whitney": [
            mann_whitney_case("two", [1.0, 2.0], [3.0, 4.0]),
            mann_whitney_case("even", [0.91, 0.92, 0.94], [0.80, 0.83, 0.93]),
            mann_whitney_case("ties", [1.0, 2.0, 2.0, 5.0, 5.0], [2.0, 3.0, 5.0, 6.0, 6.0, 6.0]),
            mann_whitney_case("same", [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),
            mann_whitney_case("uneven", draws(4, 0.5, 3, 6), draws(5, 0.0, 20, 6)),
            mann_whitney_case("most exact", draws(6, 0.3, 32, 6), draws(7, 0.0, 32, 6)),
            mann_whitney_case("many", draws(8, 0.3, 60, 1), draws(9, 0.0, 45, 1)),
        ],
        "delong": [
            delong_case("small", [False, True, False, True, True], [0.1, 0.4, 0.35, 0.8, 0.3],
                        [0.2, 0.3, 0.6, 0.7, 0.5]),
            delong_case("plain", *scores(11, 80, 6)),
            delong_case("ties", *scores(12, 120, 0)),
            delong_case("larger", *scores(13, 300, 3)),
        ],
    }
    print(json.dumps(golden, indent=None, separators=(",", ":")))


if __name__ == "__main__":
    main()
