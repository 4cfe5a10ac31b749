"""Measures of rankings, and the vote of neighbours. Formulas stand in the README.

Pure: takes which ranks are relevant, gives numbers; reads and writes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def measures(
    relevant: Sequence[Sequence[bool]], totals: Sequence[int], cutoffs: Sequence[int]
) -> dict[str, float]:
    """Means over the queries that have something to find.

    ``relevant``: for each query whether the row at each rank is relevant. ``totals``: how
    many rows of the gallery are.
    """
    queries = [(list(row), total) for row, total in zip(relevant, totals, strict=True) if total]
    if not queries:
        return {}
    found: dict[str, float] = {}
    for k in cutoffs:
        rows = [(row[:k], total) for row, total in queries]
        for name, measure in (
            ("map", average_precision),
            ("ndcg", gain),
            ("precision", lambda row, total, k: sum(row) / k),
            ("recall", lambda row, total, k: sum(row) / total),
            ("hit_rate", lambda row, total, k: float(any(row))),
            ("mrr", lambda row, total, k: 1.0 / (row.index(True) + 1) if any(row) else 0.0),
        ):
            values = (measure(row, total, k) for row, total in rows)
            found[f"{name}_at_{k}"] = math.fsum(values) / len(rows)
    return found


def average_precision(row: Sequence[bool], total: int, k: int) -> float:
    """Mean of the precisions at the relevant ranks, out of as many as there could be."""
    hits, summed = 0, 0.0
    for rank, hit in enumerate(row, 1):
        if hit:
            hits += 1
            summed += hits / rank
    return summed / min(total, k)


def gain(row: Sequence[bool], total: int, k: int) -> float:
    """Discounted gain, out of that of the best ranking."""
    best = math.fsum(1.0 / math.log2(rank + 1) for rank in range(1, min(total, k) + 1))
    return math.fsum(1.0 / math.log2(rank + 1) for rank, hit in enumerate(row, 1) if hit) / best


def vote(labels: Sequence[int], classes: int) -> list[float]:
    """Shares of the classes among neighbours; one at rank r weighs 1/r."""
    shares = [0.0] * classes
    for rank, label in enumerate(labels, 1):
        shares[label] += 1.0 / rank
    total = math.fsum(shares) or 1.0
    return [share / total for share in shares]
