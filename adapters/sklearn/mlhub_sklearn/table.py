"""From columns to a learning problem: features, targets, classes, validation rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlhub_sklearn import failure
from mlhub_sklearn.readers import Columns, read_columns, refused
from mlhub_sklearn.run_file import Dataset, Run

Floats = npt.NDArray[np.float64]
MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL"})


@dataclass(frozen=True, kw_only=True)
class Table:
    """One split: features ``[rows, columns]``, targets as text, row ids."""

    names: list[str]
    features: Floats
    target: list[str]
    ids: list[str]

    def select(self, rows: npt.NDArray[np.intp]) -> Table:
        """Some of the rows."""
        return replace(
            self,
            features=self.features[rows],
            target=[self.target[row] for row in rows],
            ids=[self.ids[row] for row in rows],
        )


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Everything training needs of the dataset."""

    train: Table
    validation: Table | None
    predict: dict[str, Table]
    classes: list[str]

    def targets(self, table: Table, split: str) -> npt.NDArray[Any]:
        """Class numbers, or values for regression (no classes)."""
        if self.classes:
            index = {label: number for number, label in enumerate(self.classes)}
            for row, label in enumerate(table.target):
                if label not in index:
                    raise failure.dataset(
                        "dataset.target",
                        f"split {split} has in row {row} a label the training split does not have",
                    )
            return np.array([index[label] for label in table.target], dtype=np.int64)
        values = np.empty(len(table.target))
        for row, cell in enumerate(table.target):
            value = _float(cell)
            if value is None or not math.isfinite(value):
                raise failure.dataset(
                    "dataset.target",
                    f"split {split} has in row {row} no finite number, which regression needs",
                )
            values[row] = value
        return values


def load(run: Run, *, classification: bool, allows_missing: bool) -> Problem:
    """Reads every file the run needs."""
    data, params = run.dataset, run.params
    train = _read(data, "train", params.exclude, None)
    validation = None
    if "validation" in data.paths:
        validation = _read(data, "validation", params.exclude, train.names)
    elif params.validation_fraction > 0:
        train, validation = _carve(train, run.seed, params.validation_fraction)
    predict = {
        split: _read(data, split, params.exclude, train.names) for split in run.predict_splits
    }
    if not allows_missing:
        named = {"train": train, **({"validation": validation} if validation else {}), **predict}
        for split, table in named.items():
            _refuse_missing(split, table)
    classes = class_order(train.target, run.task) if classification else []
    return Problem(train=train, validation=validation, predict=predict, classes=classes)


def class_order(target: list[str], task: str | None) -> list[str]:
    """Distinct labels: by number when all are numbers, by text otherwise."""
    labels = set(target)
    if len(labels) < 2 or (task == "binary" and len(labels) != 2):
        needs = "two" if task == "binary" else "at least two"
        raise failure.dataset(
            "dataset.target",
            f"the training split has {len(labels)} classes; the task needs {needs}",
        )
    numbers = {label: _float(label) for label in labels}
    if all(value is not None for value in numbers.values()):
        return sorted(labels, key=lambda label: (numbers[label], label))
    return sorted(labels)


def _read(data: Dataset, split: str, exclude: tuple[str, ...], names: list[str] | None) -> Table:
    path = data.paths.get(split)
    if path is None:
        known = ", ".join(sorted(data.paths))
        raise failure.dataset(
            f"dataset.splits.{split}", f"there is no split {split}; there are: {known}"
        )
    columns = read_columns(path, data.format, split)
    for name in exclude:
        if name not in columns:
            raise failure.config("params.exclude", f"the dataset has no column {name!r}")
    needed = {data.target: "target", **({data.id: "id"} if data.id else {})}
    needed |= {name: "feature of the training split" for name in names or []}
    for name, what in needed.items():
        if name not in columns:
            raise refused(split, path, f"has no column {name!r}, which is the {what}")
    if names is None:
        apart = {data.target, data.id, *exclude}
        names = [name for name in columns if name not in apart]
    if not names:
        raise refused(split, path, "has no column left to learn from")
    return _table(columns, data, split, path, names)


def _table(columns: Columns, data: Dataset, split: str, path: Path, names: list[str]) -> Table:
    rows = len(columns[data.target])
    features = np.empty((rows, len(names)))
    for index, name in enumerate(names):
        for row, cell in enumerate(columns[name]):
            value = _float(cell)
            if value is None:
                raise refused(
                    split,
                    path,
                    f"holds in column {name!r}, row {row} what is no number; encode the "
                    "column as numbers or name it in params.exclude",
                )
            if math.isinf(value):
                raise refused(split, path, f"holds an infinite value in column {name!r}, row {row}")
            features[row, index] = value
    target = [_label(cell) for cell in columns[data.target]]
    if "" in target:
        row = target.index("")
        raise refused(split, path, f"has no target (column {data.target!r}) in row {row}")
    ids = [str(cell) for cell in columns[data.id]] if data.id else [str(r) for r in range(rows)]
    return Table(names=names, features=features, target=target, ids=ids)


def _float(cell: Any) -> float | None:
    """A cell as a float, NaN where it is missing, None where it is no number."""
    if cell is None:
        return math.nan
    if isinstance(cell, str):
        cell = cell.strip()
        if cell in MISSING:
            return math.nan
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


def _label(cell: Any) -> str:
    """A target cell as text; empty where it is missing."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = str(cell).strip()
    return "" if text in MISSING else text


def _carve(train: Table, seed: int, fraction: float) -> tuple[Table, Table]:
    """Sets a seeded fraction of the training rows aside."""
    rows = len(train.target)
    count = round(rows * fraction)
    if not 0 < count < rows:
        raise failure.config(
            "params.validation_fraction",
            f"leaves no rows on one side of {rows} training rows",
        )
    order = np.random.default_rng([abs(seed), int(seed < 0)]).permutation(rows)
    return train.select(np.sort(order[count:])), train.select(np.sort(order[:count]))


def _refuse_missing(split: str, table: Table) -> None:
    holes = np.argwhere(np.isnan(table.features))
    if len(holes):
        row, column = holes[0]
        raise failure.dataset(
            f"dataset.splits.{split}",
            f"split {split} has a missing value in column {table.names[column]!r}, row {row}, "
            "which this estimator cannot use; fill it, exclude the column, or take an "
            "estimator that can",
        )
