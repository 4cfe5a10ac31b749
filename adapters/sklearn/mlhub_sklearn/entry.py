"""What is said of the data at the pipeline's entry: shapes and rounded statistics
over all features together, never a cell of the file."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mlhub_sklearn.events import number
from mlhub_sklearn.table import Floats, Problem, Table

STATISTIC_DIGITS = 4
"""Significant digits of a statistic. An extreme of a small split is a cell of
it; rounded, it tells the range and no longer the cell."""

MAX_CLASS_COUNTS = 16
"""More classes than this are told by their least and greatest count: a longer
list of numbers would look like samples."""


def describe(problem: Problem, *, task: str, estimator: str, training: str) -> dict[str, Any]:
    """The ``entry`` event's value."""
    splits = {"train": _labelled(problem, problem.train, "train")}
    if problem.validation is not None:
        splits["validation"] = _labelled(problem, problem.validation, "validation")
    for name, table in problem.predict.items():
        splits.setdefault(name, _features(table))
    return {
        "task": task,
        "device": "cpu",
        "estimator": estimator,
        "training": training,
        "n_features": len(problem.train.names),
        "n_classes": len(problem.classes),
        "splits": splits,
    }


def _features(table: Table) -> dict[str, Any]:
    return {
        "shape": list(table.features.shape),
        "dtype": str(table.features.dtype),
        "features": _statistics(table.features),
    }


def _labelled(problem: Problem, table: Table, split: str) -> dict[str, Any]:
    targets: npt.NDArray[Any] = problem.targets(table, split)
    if problem.classes:
        # In class order, without the labels: those are the dataset's.
        counts = np.bincount(targets, minlength=len(problem.classes)).tolist()
        target: dict[str, Any] = {"dtype": "label"}
        if len(counts) > MAX_CLASS_COUNTS:
            target |= {"class_count_min": min(counts), "class_count_max": max(counts)}
        else:
            target["class_counts"] = counts
    else:
        target = {"dtype": str(targets.dtype), **_statistics(targets)}
    return {**_features(table), "target": target}


def _statistics(values: Floats) -> dict[str, Any]:
    present = values[~np.isnan(values)]
    missing = int(values.size - present.size)
    if not present.size:
        return {"missing": missing}
    return {
        "mean": _rounded(present.mean()),
        "std": _rounded(present.std()),
        "min": _rounded(present.min()),
        "max": _rounded(present.max()),
        "missing": missing,
    }


def _rounded(value: float) -> float | str:
    return number(float(f"{value:.{STATISTIC_DIGITS}g}"))
