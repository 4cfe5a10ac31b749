"""Checkpoints and the final model: pickles of what this adapter trained.

A pickle runs code when it is read. These are read only from the path the hub
puts into ``run.json``, which is a file this adapter wrote.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlhub_sklearn import failure
from mlhub_sklearn.files import whole

VERSION = 1
"""The version of the file; greater ones are refused."""

FOLDER_FILE = "model.pkl"
"""The file inside a checkpoint that is a folder."""

PICKLE_PROTOCOL = 5


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Everything needed to go on, or to predict."""

    step: int
    """Steps done."""
    identity: dict[str, Any]
    """What must not change on the way: seed, params, training split, versions."""
    features: list[str]
    classes: list[str]
    """Labels in the order of the estimator's class numbers."""
    preprocess: Any
    """The fitted scaler, or None."""
    estimator: Any

    def write(self, path: Path) -> None:
        """Writes it whole. A plain mapping: readable without this adapter."""
        with whole(path) as file:
            pickle.dump({"version": VERSION, **vars(self)}, file, PICKLE_PROTOCOL)  # type: ignore[arg-type]


def read(path: Path) -> Checkpoint:
    """Reads one back."""
    if path.is_dir():
        path = path / FOLDER_FILE
    field = "resume.checkpoint"
    try:
        with open(path, "rb") as file:
            saved = pickle.load(file)
    except OSError as error:
        raise failure.config(field, f"{path} cannot be opened: {error.strerror}") from None
    except Exception as error:  # what a damaged pickle raises is anything
        raise failure.config(field, f"{path} is damaged ({type(error).__name__})") from None
    if saved["version"] > VERSION:
        raise failure.config(
            field,
            f"has version {saved['version']}, written by a newer adapter; "
            f"this one reads up to {VERSION}",
        )
    del saved["version"]
    return Checkpoint(**saved)


def check(saved: Checkpoint, identity: dict[str, Any], features: list[str]) -> None:
    """Refuses to go on with something else than what was being trained."""
    differing = [key for key, value in identity.items() if saved.identity.get(key) != value]
    if saved.features != features:
        differing.append("features")
    if differing:
        raise failure.config(
            "resume",
            f"the checkpoint was written with other {', '.join(differing)}; only how long to "
            "train and how often to save may change on resuming",
        )
