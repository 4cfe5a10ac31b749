"""From split files to series in time order, and how many steps each split lies ahead.

A row is a step, whatever the time says; nothing is filled in, resampled or sorted. Messages name
rows and columns, never a cell, so not the name of a series either.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure
from mlhub_adapter.table import label, to_float

if TYPE_CHECKING:
    from mlhub_adapter import Run

TRAIN, VALIDATION = "train", "validation"

MAX_SERIES = 10_000
"""Series of a dataset, at most: each is a model of its own."""

MONTH = re.compile(r"\d{4}-\d{2}")

Moment = float | datetime


@dataclass
class Part:
    """A series' rows of one split, in the file's order."""

    rows: list[int] = field(default_factory=list)
    """Positions in the split's file."""
    values: list[float] = field(default_factory=list)
    times: list[Moment] = field(default_factory=list)
    """None where no column is named."""


@dataclass(frozen=True)
class Series:
    """One series: what is learnt from, and what lies ahead of it."""

    name: str
    """Empty where the dataset is one series."""
    train: Part
    ahead: dict[str, Part]
    """Other splits by name, in time order."""

    def offset(self, split: str) -> int:
        """Steps from the last training row to the first of a split, less one."""
        before = list(self.ahead)[: list(self.ahead).index(split)]
        return sum(len(self.ahead[name].rows) for name in before)

    @property
    def steps(self) -> int:
        """Rows after the training rows."""
        return sum(len(part.rows) for part in self.ahead.values())


@dataclass(frozen=True)
class Data:
    """All series, in the order in which the training split names them."""

    series: list[Series]
    ids: dict[str, list[str]]
    """Ids of a split's rows."""

    def values(self, split: str) -> list[float]:
        """Values of a split in the file's order."""
        parts = [
            each.train if split == TRAIN else each.ahead[split]
            for each in self.series
            if split == TRAIN or split in each.ahead
        ]
        found = [0.0] * len(self.ids[split])
        for part in parts:
            for row, value in zip(part.rows, part.values, strict=True):
                found[row] = value
        return found


def read(run: Run) -> Data:
    """Reads every split, since each says how far the next one lies ahead."""
    dataset = run.dataset
    if not dataset.target:
        run.refuse("dataset.target", "name the column to forecast")
    if run.task not in (None, "regression"):
        run.refuse("task", f"{run.task} is not supported; regression is: values are forecast")
    if TRAIN in run.predict_splits:
        run.refuse("predict_splits", "train lies before every forecast; name a later split")
    dataset.split(TRAIN)
    reader = _Reader(run)
    names = [TRAIN, *(name for name in _later(run))]
    parts = {name: reader.read(name) for name in names}
    if len(parts[TRAIN]) > MAX_SERIES:
        message = f"split train has {len(parts[TRAIN])} series; up to {MAX_SERIES} are taken"
        run.refuse("params.series", message)
    for split in names[1:]:
        for name, part in parts[split].items():
            if name not in parts[TRAIN]:
                what = f"has from row {part.rows[0]} on a series that split train does not have"
                raise _refused(split, what)
    series = [
        Series(name, part, _in_order(part, {n: parts[n][name] for n in names if name in parts[n]}))
        for name, part in parts[TRAIN].items()
    ]
    return Data(series, reader.ids)


def _later(run: Run) -> list[str]:
    """Splits but train, as they follow where no time says it: validation first."""
    others = [name for name in sorted(run.dataset.splits) if name not in (TRAIN, VALIDATION)]
    if len(others) > 1 and run.params["time"] is None:
        message = f"name the time's column: which of {', '.join(others)} comes first is not known"
        run.refuse("params.time", message)
    return [*([VALIDATION] if VALIDATION in run.dataset.splits else []), *others]


class _Reader:
    """Cells of a split as parts of series."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.time: str | None = run.params["time"]
        self.by: str | None = run.params["series"]
        self.ids: dict[str, list[str]] = {}

    def read(self, split: str) -> dict[str, Part]:
        """Parts by the name of their series, in the order of their first rows."""
        cells = self.run.columns(split)
        for param, column in (("time", self.time), ("series", self.by)):
            if column is not None and column not in cells:
                raise failure.unknown(f"params.{param}", column, cells, "a column of the dataset")
        for column in filter(None, (self.run.dataset.target, self.run.dataset.id)):
            if column not in cells:
                raise _refused(split, f"has no column {column!r}")
        self.ids[split] = self.run.ids(cells)
        found: dict[str, Part] = {}
        for row, cell in enumerate(cells[str(self.run.dataset.target)]):
            name = self._name(split, row, cells[self.by][row]) if self.by else ""
            part = found.setdefault(name, Part())
            part.rows.append(row)
            part.values.append(self._value(split, row, cell))
            if self.time:
                part.times.append(self._time(split, row, cells[self.time][row], part.times))
        return found

    def _name(self, split: str, row: int, cell: Any) -> str:
        name = label(cell)
        if not name:
            raise _refused(split, f"names no series (column {self.by!r}) in row {row}")
        return name

    def _value(self, split: str, row: int, cell: Any) -> float:
        value = to_float(cell)
        if value is None or not math.isfinite(value):
            what = f"has no finite number in column {self.run.dataset.target!r}, row {row}"
            raise _refused(split, f"{what}; fill gaps in before, or leave the rows out")
        return value

    def _time(self, split: str, row: int, cell: Any, before: list[Moment]) -> Moment:
        found = moment(cell)
        if found is None:
            what = f"has in column {self.time!r}, row {row} neither a number nor an ISO 8601 date"
            raise _refused(split, what)
        if before and not _precedes(before[-1], found):
            advice = "sort the file by time" + (
                "" if self.by else ", or name the column of its series in params.series"
            )
            what = f"is not in the order of column {self.time!r} at row {row}"
            raise _refused(split, f"{what}, where times must rise; {advice}")
        return found


def moment(cell: Any) -> Moment | None:
    """A time as a number or a date, None where it is neither."""
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    number = to_float(cell)
    if number is not None:
        return number if math.isfinite(number) else None
    text = str(cell).strip()
    try:
        return datetime.fromisoformat(f"{text}-01" if MONTH.fullmatch(text) else text)
    except ValueError:
        return None


def _precedes(one: Moment, other: Moment) -> bool:
    """Whether ``one`` is earlier; what cannot be compared is not."""
    try:
        return one < other  # type: ignore[operator]
    except TypeError:
        return False


def _in_order(train: Part, parts: dict[str, Part]) -> dict[str, Part]:
    """Splits of a series after the training rows, the earliest first."""
    ahead = [name for name in parts if name != TRAIN]
    if not train.times:
        return {name: parts[name] for name in ahead}
    try:
        ahead.sort(key=lambda name: parts[name].times[0])
    except TypeError:
        raise _refused(ahead[0], "has times of another kind than other splits") from None
    for before, after in zip([TRAIN, *ahead], ahead, strict=False):
        last, first = parts[before], parts[after]
        if not _precedes(last.times[-1], first.times[0]):
            raise _refused(
                after,
                f"does not follow split {before}: its row {first.rows[0]} is not later than row "
                f"{last.rows[-1]} of the other; split in time order (dataset.split.order)",
            )
    return {name: parts[name] for name in ahead}


def _refused(split: str, message: str) -> failure.Refused:
    return failure.dataset(f"dataset.splits.{split}", f"split {split} {message}")
