"""Why a run is refused, and the exit codes of the adapter protocol."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

CONFIG = 64
DATASET = 65
UNSUPPORTED = 69
TERMINATED = 143


class Refused(Exception):
    """The run's input is refused.

    Messages name files, fields, columns and rows, never cells of the dataset.
    """

    def __init__(self, code: int, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message


def config(field: str, message: str) -> Refused:
    """A refused config."""
    return Refused(CONFIG, field, message)


def dataset(field: str, message: str) -> Refused:
    """A refused dataset."""
    return Refused(DATASET, field, message)


def unknown(field: str, name: str, known: Iterable[str], what: str) -> Refused:
    """A refused name, with the nearest known one."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    advice = f"did you mean {near[0]}?" if near else f"known are: {', '.join(known)}"
    return config(field, f"{name} is not {what}; {advice}")
