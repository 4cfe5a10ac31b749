"""Checkpoints: folders of an adapter's own files with a note of what was being trained.

A checkpoint is read only from the path the hub puts into ``run.json``, which is a folder
that this adapter wrote; so an adapter may keep pickles in it.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlhub_adapter import failure
from mlhub_adapter.files import Content, whole_folder, write

VERSION = 1
"""The version of the folder; greater ones are refused."""

NOTE = "checkpoint.json"
"""The file that says what the others belong to."""

STATE = "state"
"""Name of the file when there is only one."""

FIELD = "resume.checkpoint"


@dataclass(frozen=True)
class Checkpoint:
    """Where to go on."""

    step: int
    """Steps done."""
    path: Path
    """The folder."""

    def file(self, name: str = STATE) -> Path:
        """One of its files; refuses a checkpoint that lacks it."""
        path = self.path / name
        if not path.exists():
            raise failure.config(FIELD, f"{self.path} has no {name}, so it is damaged")
        return path

    def read(self, name: str = STATE) -> bytes:
        """The content of one of its files."""
        try:
            return self.file(name).read_bytes()
        except OSError as error:
            raise failure.config(FIELD, f"{self.path}: {error.strerror}") from None

    def unpickle(self, name: str = STATE) -> Any:
        """The object that was pickled into one of its files."""
        content = self.read(name)
        try:
            return pickle.loads(content)
        except Exception as error:  # what a damaged pickle raises is anything
            raise self.damaged(error, name) from None

    def damaged(self, error: BaseException, name: str = STATE) -> failure.Refused:
        """The refusal when a file cannot be understood."""
        return failure.config(FIELD, f"{self.path / name} is damaged ({type(error).__name__})")


def save(
    path: Path, *, step: int, identity: Mapping[str, Any], files: Mapping[str, Content]
) -> None:
    """Writes a checkpoint that is there whole or not at all."""
    with whole_folder(path) as folder:
        for name, content in files.items():
            write(folder / name, content)
        note = {"version": VERSION, "step": step, "identity": identity}
        write(folder / NOTE, json.dumps(note, indent=1) + "\n")


def load(path: Path, *, identity: Mapping[str, Any]) -> Checkpoint:
    """Opens a checkpoint; refuses one of something else than what is being trained."""
    try:
        note = json.loads((path / NOTE).read_text(encoding="utf-8"))
        version, step, written = note["version"], note["step"], note["identity"]
    except OSError as error:
        raise failure.config(FIELD, f"{path} cannot be opened: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise failure.config(FIELD, f"{path} is damaged ({type(error).__name__})") from None
    if version > VERSION:
        raise failure.config(
            FIELD,
            f"has version {version}, written by a newer adapter; this one reads up to {VERSION}",
        )
    identity = json.loads(json.dumps(identity))
    differing = sorted(
        key for key in {*identity, *written} if identity.get(key) != written.get(key)
    )
    if differing:
        raise failure.config(
            "resume",
            f"the checkpoint was written with other {', '.join(differing)}; only how long to "
            "train and how often to save may change on resuming",
        )
    return Checkpoint(step, path)
