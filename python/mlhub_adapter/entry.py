"""What is said of the data at the pipeline's entry: shapes, dtypes and rounded statistics
over all features together, never a cell of the file."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Iterable, Mapping
from typing import Any

from mlhub_adapter.events import number
from mlhub_adapter.table import Data, Table

STATISTIC_DIGITS = 4
"""Significant digits of a statistic. An extreme of a small split is a cell of it; rounded,
it tells the range and no longer the cell."""

MAX_CLASS_COUNTS = 16
"""More classes than this are told by their least and greatest count: a longer list of
numbers would look like samples."""


def describe_data(data: Data) -> dict[str, Any]:
    """Splits, task and sizes of a table problem."""
    splits = {"train": _labelled(data, "train")}
    if data.validation is not None:
        splits["validation"] = _labelled(data, "validation")
    for name, table in data.predict.items():
        splits.setdefault(name, _features(table))
    return {
        "task": data.task,
        "n_features": len(data.train.names),
        "n_categorical": len(data.train.categories),
        "n_classes": len(data.classes),
        "splits": splits,
    }


def describe_splits(splits: Mapping[str, Any]) -> dict[str, Any]:
    """Splits whose values are arrays or tensors, or mappings of such, or said already."""
    return {"splits": {name: _described(value) for name, value in splits.items()}}


def _described(value: Any) -> Any:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return describe_array(value)
    if isinstance(value, Table):
        return _features(value)
    if isinstance(value, Mapping):
        return {name: _described(inner) for name, inner in value.items()}
    return value


def describe_array(values: Any) -> dict[str, Any]:
    """Shape, dtype, device and statistics of a numpy array or a tensor."""
    said: dict[str, Any] = {"shape": list(values.shape), "dtype": str(values.dtype)}
    if hasattr(values, "device") and hasattr(values, "detach"):
        said["device"] = str(values.device)
        if "complex" in said["dtype"]:
            return said
        values = values.detach().double().cpu().numpy()
    if getattr(values.dtype, "kind", "") in "fiub" and values.size:
        said.update(_array_statistics(values))
    return said


def _features(table: Table) -> dict[str, Any]:
    plain = [
        column for name, column in zip(table.names, table.columns) if name not in table.categories
    ]
    said = {
        "shape": list(table.shape),
        "dtype": "float64",
        "features": _statistics(plain) if plain else {},
    }
    if table.categories:
        cells = (
            cell for name in table.categories for cell in table.columns[table.names.index(name)]
        )
        said["categorical"] = {
            "columns": len(table.categories),
            "missing_or_new": sum(map(math.isnan, cells)),
        }
    return said


def _labelled(data: Data, split: str) -> dict[str, Any]:
    targets = data.numbers(split)
    if data.classes:
        # In class order, without the labels: those are the dataset's.
        counts = [0] * len(data.classes)
        for target in targets:
            counts[int(target)] += 1
        said: dict[str, Any] = {"dtype": "label"}
        if len(counts) > MAX_CLASS_COUNTS:
            said.update(class_count_min=min(counts), class_count_max=max(counts))
        else:
            said["class_counts"] = counts
    else:
        said = {"dtype": "float64", **_statistics([array("d", targets)])}
    return {**_features(data.split(split)), "target": said}


def _statistics(columns: list[array[float]]) -> dict[str, Any]:
    if "numpy" in sys.modules:
        import numpy as np

        parts = [np.frombuffer(column, dtype=np.float64) for column in columns]
        return _array_statistics(np.concatenate(parts))
    present = [value for column in columns for value in column if not math.isnan(value)]
    missing = sum(map(len, columns)) - len(present)
    if not present:
        return {"missing": missing}
    mean = math.fsum(present) / len(present)
    square = math.fsum((value - mean) ** 2 for value in present) / len(present)
    return _said(mean, math.sqrt(square), min(present), max(present), missing)


def _array_statistics(values: Any) -> dict[str, Any]:
    import numpy as np

    values = values.astype(np.float64, copy=False)
    present = values[~np.isnan(values)]
    missing = int(values.size - present.size)
    if not present.size:
        return {"missing": missing}
    return _said(present.mean(), present.std(), present.min(), present.max(), missing)


def _said(mean: float, std: float, least: float, most: float, missing: int) -> dict[str, Any]:
    names = ("mean", "std", "min", "max")
    rounded: Iterable[Any] = (rounded_number(value) for value in (mean, std, least, most))
    return {**dict(zip(names, rounded)), "missing": missing}


def rounded_number(value: float) -> float | str:
    """A statistic with as many digits as may be told."""
    return number(float(f"{value:.{STATISTIC_DIGITS}g}"))
