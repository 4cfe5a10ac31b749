"""Writes prediction files: one row per row of the split."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mlhub_adapter.files import whole_text


def write(
    path: Path,
    *,
    ids: Sequence[str],
    y_true: Sequence[Any],
    y_pred: Iterable[Any] | None = None,
    y_score: Any = None,
    labels: Sequence[str] | None = None,
) -> None:
    """Writes ``id, y_true, y_pred`` and a score per class.

    With ``labels`` there are classes: ``y_pred`` are class numbers (the greatest score
    where it is not given) and ``y_score`` is ``[rows, classes]``, or ``[rows]`` with the
    score of the second of two. Without, values are written as they are.
    """
    scores = None if y_score is None else _per_class(y_score, labels)
    answers = _answers(y_pred, scores, labels)
    for what, column in (("y_true", y_true), ("y_pred", answers), ("y_score", scores)):
        if column is not None and len(column) != len(ids):
            raise ValueError(f"{what} has {len(column)} rows where there are {len(ids)} ids")
    header = ["id", "y_true"]
    header += ["y_pred"] if answers is not None else []
    header += [f"y_score_{label}" for label in labels or []] if scores is not None else []
    with whole_text(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row, identifier in enumerate(ids):
            answer = [] if answers is None else [answers[row]]
            numbers = [] if scores is None else [repr(score) for score in scores[row]]
            writer.writerow([identifier, _cell(y_true[row]), *answer, *numbers])


def classes(
    y_score: Any, labels: Sequence[str], y_pred: Iterable[Any] | None = None
) -> tuple[list[list[float]] | None, list[str]]:
    """Scores per class, where there are any, and the answers: what :func:`write` writes."""
    scores = None if y_score is None else _per_class(y_score, labels)
    return scores, _answers(y_pred, scores, labels) or []


def _per_class(y_score: Any, labels: Sequence[str] | None) -> list[list[float]]:
    if labels is None:
        raise ValueError("y_score needs labels: the classes its columns belong to")
    # Arrays and tensors have tolist, which is many times faster than item by item.
    rows = y_score.tolist() if hasattr(y_score, "tolist") else list(y_score)
    if rows and not isinstance(rows[0], (list, tuple)):
        if len(labels) != 2:
            raise ValueError(f"y_score has one column where there are {len(labels)} classes")
        rows = [[1.0 - score, score] for score in rows]
    scores = [[float(score) for score in row] for row in rows]
    for row in scores:
        if len(row) != len(labels):
            raise ValueError(
                f"y_score has {len(row)} columns, not one for each of {len(labels)} classes"
            )
        if not all(map(math.isfinite, row)):
            raise ValueError("a score is not finite; the model has diverged")
    return scores


def _answers(
    y_pred: Iterable[Any] | None, scores: list[list[float]] | None, labels: Sequence[str] | None
) -> list[str] | None:
    if y_pred is None:
        if scores is None or labels is None:
            raise ValueError("neither y_pred nor y_score was given")
        return [labels[row.index(max(row))] for row in scores]
    answers = y_pred.tolist() if hasattr(y_pred, "tolist") else list(y_pred)
    if labels is not None:
        return [labels[int(answer)] for answer in answers]
    return [_cell(answer) for answer in answers]


def _cell(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(value)
