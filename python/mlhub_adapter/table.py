"""From columns to a learning problem: features, targets, classes, validation rows.

A feature is a number, or the number of a category. Nothing is scaled or filled in, and no
message holds a cell.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure
from mlhub_adapter.readers import Columns, read_columns, refused
from mlhub_adapter.run_file import Dataset, RunFile

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL"})
TASKS = ("binary", "multiclass", "regression")

FEW_VALUES = 20
"""A target of at most this many distinct whole numbers is taken for classes."""


@dataclass(frozen=True)
class Table:
    """One split: features by column, targets as text, row ids."""

    names: list[str]
    columns: list[array[float]]
    """One per feature, NaN where a cell is missing. Cells of a column in ``categories``
    are numbers of categories, NaN also for one that the training rows do not have."""
    categories: dict[str, list[str]]
    """Texts in the order of their numbers, by the names of categorical columns."""
    target: list[str]
    ids: list[str]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and features."""
        return len(self.ids), len(self.names)

    @property
    def categorical(self) -> list[int]:
        """Positions of the categorical columns."""
        return [at for at, name in enumerate(self.names) if name in self.categories]

    @cached_property
    def rows(self) -> list[tuple[float, ...]]:
        """The features row by row, for those without numpy."""
        return list(zip(*self.columns))

    @cached_property
    def features(self) -> npt.NDArray[np.float64]:
        """The features as a numpy array ``[rows, columns]``."""
        import numpy as np

        features = np.empty(self.shape)
        for at, column in enumerate(self.columns):
            features[:, at] = np.frombuffer(column, dtype=np.float64)
        return features

    def select(self, rows: Sequence[int]) -> Table:
        """Some of the rows."""
        return replace(
            self,
            columns=[array("d", (column[row] for row in rows)) for column in self.columns],
            target=[self.target[row] for row in rows],
            ids=[self.ids[row] for row in rows],
        )


@dataclass(frozen=True)
class Data:
    """Everything training needs of the dataset."""

    train: Table
    validation: Table | None
    predict: dict[str, Table]
    """By split, in the order they were asked for."""
    task: str
    classes: list[str]
    """Labels in the order of their numbers; none for regression."""

    def split(self, name: str) -> Table:
        """A split that was read."""
        if name == "train":
            return self.train
        if name == "validation" and self.validation is not None:
            return self.validation
        if name not in self.predict:
            raise KeyError(f"split {name} was not read")
        return self.predict[name]

    def numbers(self, split: str) -> list[int] | list[float]:
        """A split's targets: class numbers, or values for regression.

        Refuses labels that the training rows do not have.
        """
        target = self.split(split).target
        return self._classes(target, split) if self.classes else _values(target, split)

    def targets(self, split: str) -> npt.NDArray[Any]:
        """:meth:`numbers` as a numpy array."""
        import numpy as np

        return np.array(self.numbers(split), dtype=np.int64 if self.classes else np.float64)

    def _classes(self, target: list[str], split: str) -> list[int]:
        index = {label: number for number, label in enumerate(self.classes)}
        for row, label in enumerate(target):
            if label not in index:
                raise failure.dataset(
                    "dataset.target",
                    f"split {split} has in row {row} a label the training split does not have",
                )
        return [index[label] for label in target]


def load(
    run: RunFile,
    *,
    exclude: Collection[str] = (),
    categorical: Collection[str] | None = (),
    validation_fraction: float = 0.0,
    allows_missing: bool = False,
    classification: bool | None = None,
) -> Data:
    """Reads every file the run needs; see :meth:`mlhub_adapter.Run.tables`."""
    reader = _Reader(labelled(run), tuple(exclude), categorical)
    train = reader.read("train")
    validation = None
    if "validation" in reader.dataset.splits:
        validation = reader.read("validation")
    elif validation_fraction > 0:
        train, validation = _carve(train, run.seed, validation_fraction)
    predict = {split: reader.read(split) for split in run.predict_splits}
    if not allows_missing:
        named = {"train": train, **({"validation": validation} if validation else {}), **predict}
        for split, table in named.items():
            _refuse_missing(split, table)
    task = run.task
    if task is None and classification is None:
        classification = _looks_like_classes(train.target)
    if task not in (None, *TASKS):
        raise failure.config("task", f"{task} is not supported; {', '.join(TASKS)} are")
    if task == "regression" or (task is None and not classification):
        return Data(train, validation, predict, "regression", [])
    classes = class_order(train.target, task)
    task = task or ("binary" if len(classes) == 2 else "multiclass")
    return Data(train, validation, predict, task, classes)


def labelled(run: RunFile) -> Dataset:
    """The run's dataset; refuses one without a target."""
    if run.dataset is None:
        raise failure.config("dataset", "this adapter needs a dataset")
    if not run.dataset.target:
        raise failure.config("dataset.target", "name the column or array to predict")
    return run.dataset


def class_order(target: Iterable[str], task: str | None) -> list[str]:
    """Distinct labels: by number when all are numbers, by text otherwise."""
    labels = set(target)
    if len(labels) < 2 or (task == "binary" and len(labels) != 2):
        needs = "two" if task == "binary" else "at least two"
        raise failure.dataset(
            "dataset.target",
            f"the training split has {len(labels)} classes; the task needs {needs}",
        )
    numbers = {label: to_float(label) for label in labels}
    if all(value is not None for value in numbers.values()):
        return sorted(labels, key=lambda label: (numbers[label] or 0.0, label))
    return sorted(labels)


class _Reader:
    """Reads splits to the columns and categories of the training split."""

    def __init__(
        self, dataset: Dataset, exclude: tuple[str, ...], categorical: Collection[str] | None
    ) -> None:
        self.dataset = dataset
        self.exclude = exclude
        self.categorical = categorical
        self.names: list[str] | None = None
        self.categories: dict[str, list[str]] = {}

    def read(self, split: str) -> Table:
        path = self.dataset.split(split).path
        columns = read_columns(path, self.dataset.format, split)
        self._check_columns(columns, split, path)
        if self.names is None:
            apart = {self.dataset.target, self.dataset.id, *self.exclude}
            self.names = [name for name in columns if name not in apart]
            if not self.names:
                raise refused(split, path, "has no column left to learn from")
            self.categories = self._find_categories(columns)
        features = [
            _encoded(columns[name], self.categories[name])
            if name in self.categories
            else self._floats(columns[name], name, split, path)
            for name in self.names
        ]
        target = [label(cell) for cell in columns[str(self.dataset.target)]]
        if "" in target:
            what = f"has no target (column {self.dataset.target!r}) in row {target.index('')}"
            raise refused(split, path, what)
        ids = (
            [str(cell) for cell in columns[self.dataset.id]]
            if self.dataset.id
            else [str(row) for row in range(len(target))]
        )
        return Table(self.names, features, self.categories, target, ids)

    def _check_columns(self, columns: Columns, split: str, path: Path) -> None:
        for field, names in (("exclude", self.exclude), ("categorical", self.categorical or ())):
            for name in names:
                if name not in columns:
                    raise failure.config(f"params.{field}", f"the dataset has no column {name!r}")
        needed = {str(self.dataset.target): "target"}
        needed |= {self.dataset.id: "id"} if self.dataset.id else {}
        needed |= {name: "feature of the training split" for name in self.names or []}
        for name, what in needed.items():
            if name not in columns:
                raise refused(split, path, f"has no column {name!r}, which is the {what}")

    def _find_categories(self, columns: Columns) -> dict[str, list[str]]:
        named = self.categorical
        if named is None:
            named = [
                name
                for name in self.names or []
                if any(to_float(cell) is None for cell in columns[name])
            ]
        return {
            name: sorted({label(cell) for cell in columns[name]} - {""})
            for name in self.names or []
            if name in named
        }

    def _floats(self, cells: list[Any], name: str, split: str, path: Path) -> array[float]:
        try:
            # Fast, for columns without a missing cell.
            column = array("d", map(float, cells))
        except (TypeError, ValueError):
            column = array("d")
            for row, cell in enumerate(cells):
                value = to_float(cell)
                if value is None:
                    raise refused(split, path, self._no_number(name, row)) from None
                column.append(value)
        for row, value in enumerate(column):
            if math.isinf(value):
                raise refused(split, path, f"holds an infinite value in column {name!r}, row {row}")
        return column

    def _no_number(self, name: str, row: int) -> str:
        advice = "encode the column as numbers or name it in params.exclude"
        if self.categorical is None or self.categorical:
            advice = "name the column in params.categorical or params.exclude"
        return f"holds in column {name!r}, row {row} what is no number; {advice}"


def _encoded(cells: list[Any], categories: list[str]) -> array[float]:
    index = {text: float(number) for number, text in enumerate(categories)}
    return array("d", (index.get(label(cell), math.nan) for cell in cells))


def to_float(cell: Any) -> float | None:
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


def label(cell: Any) -> str:
    """A cell as text; empty where it is missing."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = str(cell).strip()
    return "" if text in MISSING else text


def _values(target: list[str], split: str) -> list[float]:
    values = []
    for row, cell in enumerate(target):
        value = to_float(cell)
        if value is None or not math.isfinite(value):
            raise failure.dataset(
                "dataset.target",
                f"split {split} has in row {row} no finite number, which regression needs",
            )
        values.append(value)
    return values


def _looks_like_classes(target: list[str]) -> bool:
    distinct = set(target)
    if any(to_float(text) is None for text in distinct):
        return True
    return len(distinct) <= FEW_VALUES and all(float(text).is_integer() for text in distinct)


def _carve(train: Table, seed: int, fraction: float) -> tuple[Table, Table]:
    """Sets a seeded fraction of the training rows aside."""
    from random import Random

    count = round(len(train) * fraction)
    if not 0 < count < len(train):
        raise failure.config(
            "params.validation_fraction",
            f"leaves no rows on one side of {len(train)} training rows",
        )
    order = list(range(len(train)))
    Random(f"validation {seed}").shuffle(order)
    return train.select(sorted(order[count:])), train.select(sorted(order[:count]))


def _refuse_missing(split: str, table: Table) -> None:
    for name, column in zip(table.names, table.columns):
        for row, value in enumerate(column):
            # A category that the training rows do not have is no missing cell, but neither
            # can it be used by what cannot use a missing one.
            if math.isnan(value):
                raise failure.dataset(
                    f"dataset.splits.{split}",
                    f"split {split} has a missing value in column {name!r}, row {row}, "
                    "which this estimator cannot use; fill it, exclude the column, or take an "
                    "estimator that can",
                )
