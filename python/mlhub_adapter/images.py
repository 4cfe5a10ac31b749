"""Lists image folders: one folder per class, files in order of path. Decodes nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mlhub_adapter import failure
from mlhub_adapter.run_file import Dataset

FORMAT = "image_folder"
IGNORED = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class Image:
    """One image of a split."""

    path: Path
    label: str
    """The class: the folder below the split's own."""
    id: str
    """The position in the split, as prediction files name it."""


def listed(dataset: Dataset, split: str) -> list[Image]:
    """A split's images in the hub's order."""
    if dataset.format != FORMAT:
        raise failure.dataset(
            "dataset.format", f"this adapter reads {FORMAT} here, not {dataset.format}"
        )
    root = dataset.split(split).path
    found = sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.name not in IGNORED and path.is_file()
    )
    # Files beside the class folders, such as a licence, are no rows.
    rows = [name for name in found if "/" in name]
    if not rows:
        raise failure.dataset(
            f"dataset.splits.{split}", f"split {split} ({root}) has no class folder with an image"
        )
    return [
        Image(Path(os.path.join(root, name)), name.split("/", 1)[0], str(at))
        for at, name in enumerate(rows)
    ]
