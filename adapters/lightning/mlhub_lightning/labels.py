"""Ids of a split's rows and labels of its classes, from the split's own columns.

The user's loaders give numbers; what they stand for is read from the rows beside them,
which also shows whether loader and split have the same rows in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlhub_adapter import Run, failure
from mlhub_adapter.images import FORMAT as IMAGES
from mlhub_adapter.table import label

if TYPE_CHECKING:
    from torch import Tensor

TABLES = ("csv", "jsonl", "npz", "parquet")


def ids(run: Run, split: str, rows: int) -> list[str]:
    """How prediction files name the rows of a split."""
    if run.dataset.id and run.dataset.format in TABLES:
        return run.ids(run.columns(split))
    return [str(row) for row in range(rows)]


def cells(run: Run, split: str) -> list[str] | None:
    """The target column of a split of classes, as it is, where there is one."""
    dataset = run.dataset
    if run.task == "regression":
        return None
    if dataset.format == IMAGES:
        return [image.label for image in run.images(split)]
    if dataset.format not in TABLES or dataset.target is None:
        return None
    column = run.columns(split).get(dataset.target)
    return None if column is None else [label(cell) for cell in column]


def known(
    given: Sequence[Any] | None,
    columns: Mapping[str, list[str] | None],
    targets: Mapping[str, Tensor],
) -> dict[int, str] | None:
    """Labels by the number that the loaders give for them; None where nothing tells them.

    ``given`` are the labels that the user's code has. Refuses rows in another order than
    the split's, where equal cells have different numbers.
    """
    numbers: dict[str, int] = {}
    for split, column in columns.items():
        if column is None or not _are_classes(targets[split], len(column)):
            continue
        for row, value in enumerate(targets[split].flatten().tolist()):
            if numbers.setdefault(column[row], int(value)) != int(value):
                message = (
                    f"equal cells of the target have different targets in the loader of {split}: "
                    "its rows are not the split's, in their order"
                )
                raise failure.dataset(f"dataset.splits.{split}", message)
    if given:
        return {at: str(one) for at, one in enumerate(given)}
    found = {number: cell for cell, number in numbers.items()}
    return found if found and len(found) == len(numbers) else None


def _are_classes(targets: Tensor, rows: int) -> bool:
    """Whether they are a whole number for each row."""
    if targets.numel() != rows:
        return False
    return not targets.is_floating_point() or bool((targets == targets.round()).all())
