"""Ranking: queries, their rows, the relevance of each row; read, set aside, predicted.

Rows with one value in the column of queries are one query, wherever they stand in the file.
Ranks nothing itself, and computes no metric.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure, table
from mlhub_adapter.files import whole_text
from mlhub_adapter.table import Data, Table

if TYPE_CHECKING:
    from mlhub_adapter.run import Run

TASK = "ranking"

GREATEST_RELEVANCE = 30
"""Gains are 2 to the power of the relevance; libraries take no greater one by default."""


@dataclass(frozen=True)
class RankingData(Data):
    """A ranking problem. Rows of ``train`` and ``validation`` stand query by query, in the
    order of the queries' first rows and else as in the file; rows to predict as in the file."""

    queries: dict[str, list[str]] = field(default_factory=dict)
    """The query of each row of ``train`` and ``validation``."""
    asked: dict[str, list[str]] = field(default_factory=dict)
    """The query of each row of the splits to predict."""

    def sizes(self, split: str) -> list[int]:
        """Rows of each query of ``train`` or ``validation``, in their order."""
        counts: dict[str, int] = {}
        for query in self.queries[split]:
            counts[query] = counts.get(query, 0) + 1
        return list(counts.values())

    def query_numbers(self, split: str) -> list[int]:
        """Numbers of the queries of each row, from 0."""
        return [at for at, size in enumerate(self.sizes(split)) for _ in range(size)]


def load(
    run: Run,
    *,
    group: str,
    exclude: Collection[str],
    categorical: Collection[str] | None,
    validation_fraction: float,
) -> RankingData:
    """Reads every split; ``group`` is the column of queries, which is no feature. Queries are
    set aside for validation whole, by the seed, where there is no such split."""
    if group == run.dataset.target:
        raise failure.config("params.group", "is the target; name the column of queries")
    queries = {"train": _queries(run, group, "train")}
    # Relevances are read as values; it is the task alone that differs.
    read = table.load(
        replace(run.file, task="regression"),
        exclude={*exclude, group},
        categorical=categorical,
        allows_missing=True,
    )
    asked = {split: _queries(run, group, split) for split in read.predict}
    tables = {"train": read.train}
    if read.validation is not None:
        tables["validation"] = read.validation
        queries["validation"] = _queries(run, group, "validation")
    _refuse_shared(queries["train"], {**queries, **asked})
    for split, rows in {**read.predict, **tables}.items():
        _check_relevance(rows, split)
    if read.validation is None and validation_fraction > 0:
        chosen = _chosen(queries["train"], run.seed, validation_fraction)
        tables["validation"], queries["validation"] = _taken(read.train, queries["train"], chosen)
        kept = set(queries["train"]) - chosen
        tables["train"], queries["train"] = _taken(read.train, queries["train"], kept)
    ordered = {split: _ordered(tables[split], queries[split]) for split in tables}
    return RankingData(
        train=ordered["train"][0],
        validation=ordered["validation"][0] if "validation" in ordered else None,
        predict=read.predict,
        task=TASK,
        classes=[],
        queries={split: names for split, (_, names) in ordered.items()},
        asked=asked,
    )


def write(run: Run, split: str, rows: Table, queries: Sequence[str], scores: Any) -> None:
    """Writes the prediction file of a split: a score per row, greater for what ranks higher."""
    path = f"predictions/{split}.csv"
    found = [float(score) for score in scores]
    if not all(map(math.isfinite, found)):
        raise ValueError("a score is not finite; the model has diverged")
    with whole_text(run.dir / path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "group", "y_true", "y_score"])
        for identifier, query, truth, score in zip(rows.ids, queries, rows.target, found):
            writer.writerow([identifier, query, truth, repr(score)])
    run.events.write(predictions={"split": split, "path": path, "task": TASK})


def _queries(run: Run, group: str, split: str) -> list[str]:
    columns = run.columns(split)
    where = f"dataset.splits.{split}"
    if group not in columns:
        near = failure.nearest(group, columns)
        message = f"split {split} has no column {group!r}, which is that of queries; {near}"
        raise failure.dataset(where, message)
    found = [table.label(cell) for cell in columns[group]]
    if "" in found:
        message = f"split {split} has in row {found.index('')} no query (column {group!r})"
        raise failure.dataset(where, message)
    return found


def _refuse_shared(train: Sequence[str], splits: dict[str, list[str]]) -> None:
    """What is learned of a query must not be asked of it."""
    for split, queries in splits.items():
        shared = set(train) & set(queries)
        if split != "train" and shared:
            raise failure.dataset(
                f"dataset.splits.{split}",
                f"split {split} shares {len(shared)} queries with the training split; split by "
                "queries: name their column as dataset.split.group",
            )


def _check_relevance(rows: Table, split: str) -> None:
    for row, text in enumerate(rows.target):
        value = table.to_float(text)
        if value is None or value not in range(GREATEST_RELEVANCE + 1):
            raise failure.dataset(
                "dataset.target",
                f"split {split} has in row {row} a relevance that is no whole number from 0 to "
                f"{GREATEST_RELEVANCE}",
            )


def _chosen(queries: Sequence[str], seed: int, fraction: float) -> set[str]:
    """Queries to set aside."""
    from random import Random

    names = list(dict.fromkeys(queries))
    count = round(len(names) * fraction)
    if not 0 < count < len(names):
        raise failure.config(
            "params.validation_fraction",
            f"leaves no queries on one side of {len(names)} training queries",
        )
    Random(f"validation {seed}").shuffle(names)
    return set(names[:count])


def _taken(rows: Table, queries: Sequence[str], chosen: set[str]) -> tuple[Table, list[str]]:
    places = [at for at, query in enumerate(queries) if query in chosen]
    return rows.select(places), [queries[at] for at in places]


def _ordered(rows: Table, queries: Sequence[str]) -> tuple[Table, list[str]]:
    """Rows query by query."""
    rank = {query: at for at, query in enumerate(dict.fromkeys(queries))}
    places = sorted(range(len(queries)), key=lambda at: rank[queries[at]])
    return rows.select(places), [queries[at] for at in places]
