"""Reads splits into the views of their rows: texts, pixels, vectors, labels, ids.

Which columns make which view is settled by the params and the training split. Messages name
columns and rows, never cells.
"""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure
from mlhub_adapter.images import FORMAT as IMAGE_FOLDER
from mlhub_adapter.table import label, to_float

from mlhub_retrieval.views import KINDS

if TYPE_CHECKING:
    from mlhub_adapter import Run

MAX_PIXEL = 255
"""White in a decoded image."""


@dataclass(frozen=True)
class Rows:
    """One split."""

    ids: list[str]
    labels: list[str]
    relevance: list[str]
    """Rows with one value here are relevant to each other; empty: to none."""
    views: dict[str, Any]
    """By kind: a list of texts, or an array ``[rows, length]``; pixels from 0 to 1."""

    def by_id(self) -> Rows:
        """The rows in the order of their ids: as numbers when all are whole numbers."""
        import numpy as np

        whole = all(identifier.isdecimal() for identifier in self.ids)
        keys = [(int(name), name) if whole else (0, name) for name in self.ids]
        order = sorted(range(len(keys)), key=keys.__getitem__)
        views = {
            kind: view[np.array(order)] if hasattr(view, "shape") else [view[at] for at in order]
            for kind, view in self.views.items()
        }
        ids, labels, relevance = (
            [cells[at] for at in order] for cells in (self.ids, self.labels, self.relevance)
        )
        return Rows(ids, labels, relevance, views)


class Reader:
    """Reads every split into the views that the training split has."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.params = run.params
        self.columns: dict[str, list[str]] = {}
        if not run.dataset.target:
            run.refuse("dataset.target", "name the column whose equal values are relevant")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of images."""
        height, width = self.params["image_size"]
        return height, width, self.params["image_channels"]

    def read(self, split: str) -> Rows:
        """A split's rows."""
        if self.run.dataset.format == IMAGE_FOLDER:
            return self._folder(split)
        cells = self.run.columns(split)
        target = str(self.run.dataset.target)
        relevance = self.params["relevance_column"] or target
        if not self.columns:
            self.columns = self._choose(list(cells), cells)
        for name in (target, relevance, *(name for kind in self.columns.values() for name in kind)):
            if name not in cells:
                field = "params.relevance_column" if name == relevance else "dataset"
                self.run.refuse(
                    field, f"split {split} has no column {name!r}", code=failure.DATASET
                )
        views: dict[str, Any] = {}
        for kind, names in self.columns.items():
            picked = {name: cells[name] for name in names}
            views[kind] = _texts(picked) if kind == "text" else self._numbers(picked, split)
        if "image" in views:
            views["image"] = views["image"] / self.params["image_max"]
        labels = [label(cell) for cell in cells[target]]
        if "" in labels:
            message = f"split {split} has no target in row {labels.index('')}"
            self.run.refuse("dataset.target", message, code=failure.DATASET)
        groups = [label(cell) for cell in cells[relevance]]
        return Rows(self.run.ids(cells), labels, groups, views)

    def _choose(self, names: list[str], cells: Mapping[str, list[Any]]) -> dict[str, list[str]]:
        dataset = self.run.dataset
        apart = {dataset.target, dataset.id, self.params["relevance_column"]}
        free = [name for name in names if name not in apart]
        chosen = {}
        for kind in KINDS:
            patterns = self.params[f"{kind}_columns"]
            if patterns is not None:
                chosen[kind] = self._matching(free, patterns, f"params.{kind}_columns")
        if not chosen:
            numbers = [
                name for name in free if all(to_float(cell) is not None for cell in cells[name])
            ]
            if not numbers:
                message = "the dataset has no column of numbers; name columns of texts here"
                self.run.refuse("params.text_columns", message)
            chosen["vector"] = numbers
        if "image" in chosen and len(chosen["image"]) != math.prod(self.shape):
            self.run.refuse(
                "params.image_size",
                f"{self.shape} makes {math.prod(self.shape)} pixels where there are "
                f"{len(chosen['image'])} columns",
            )
        self._check_views(chosen)
        return chosen

    def _check_views(self, chosen: Mapping[str, list[str]]) -> None:
        joint = self.params["joint"]
        if len(chosen) > 2:
            self.run.refuse("params.vector_columns", "there can be two views, not three")
        if (len(chosen) == 2) != (joint != "none"):
            self.run.refuse(
                "params.joint",
                f"there are {len(chosen)} views ({', '.join(chosen)}): cca and ridge join two, "
                "none is for one",
            )

    def _matching(self, free: list[str], patterns: list[str], field: str) -> list[str]:
        chosen: list[str] = []
        for pattern in patterns:
            found = [name for name in free if fnmatch.fnmatchcase(name, pattern)]
            if not found:
                self.run.refuse(
                    field,
                    f"the dataset has no column {pattern!r}; {failure.nearest(pattern, free)}",
                )
            chosen += [name for name in found if name not in chosen]
        return chosen

    def _numbers(self, picked: Mapping[str, list[Any]], split: str) -> Any:
        import numpy as np

        columns = []
        for name, cells in picked.items():
            values = [to_float(cell) for cell in cells]
            for row, value in enumerate(values):
                if value is None or not math.isfinite(value):
                    self.run.refuse(
                        f"dataset.splits.{split}",
                        f"split {split} has no finite number in column {name!r}, row {row}",
                        code=failure.DATASET,
                    )
            columns.append(values)
        return np.array(columns, dtype=np.float64).T

    def _folder(self, split: str) -> Rows:
        import numpy as np

        self._check_views({"image": []})
        for kind in KINDS:
            if self.params[f"{kind}_columns"] is not None:
                self.run.refuse(f"params.{kind}_columns", "an image folder has no columns")
        images = self.run.images(split)
        pixels = [decode(image.path, self.shape) for image in images]
        for at, row in enumerate(pixels):
            if row is None:
                message = f"split {split} has in row {at} a file that is no image"
                self.run.refuse(f"dataset.splits.{split}", message, code=failure.DATASET)
        labels = [image.label for image in images]
        ids = [image.id for image in images]
        return Rows(ids, labels, labels, {"image": np.stack(pixels)})


def decode(source: Path | Any, shape: tuple[int, int, int]) -> Any:
    """Pixels of an image file, or of an open one, from 0 to 1, resized and in one row; None
    where it is no image."""
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    height, width, channels = shape
    try:
        with Image.open(source) as image:
            plain = image.convert("L" if channels == 1 else "RGB")
            sized = plain.resize((width, height), Image.Resampling.BILINEAR)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return None
    return np.asarray(sized, dtype=np.float64).reshape(-1) / MAX_PIXEL


def _texts(picked: Mapping[str, list[Any]]) -> list[str]:
    """The cells of some columns as one text per row."""
    return [
        " ".join(filter(None, ("" if cell is None else str(cell).strip() for cell in cells)))
        for cells in zip(*picked.values(), strict=True)
    ]
