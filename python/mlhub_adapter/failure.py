"""Why a run is refused or stopped, and the exit codes of the adapter protocol."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

CONFIG = 64
DATASET = 65
UNSUPPORTED = 69
TERMINATED = 143

MAX_NAMED = 30
"""Known names listed in a refusal, at most."""


class Refused(Exception):
    """The run's input is refused.

    Messages name files, fields, columns and rows, never cells of the dataset.
    """

    def __init__(self, code: int, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message


class Stopped(Exception):
    """The program was told to stop, and did, before its work was done."""


def config(field: str, message: str) -> Refused:
    """A refused config."""
    return Refused(CONFIG, field, message)


def dataset(field: str, message: str) -> Refused:
    """A refused dataset."""
    return Refused(DATASET, field, message)


def unsupported(field: str, message: str) -> Refused:
    """Something this adapter cannot do."""
    return Refused(UNSUPPORTED, field, message)


def unknown(field: str, name: str, known: Iterable[str], what: str) -> Refused:
    """A refused name, with the nearest known one."""
    return config(field, f"{name} is not {what}; {nearest(name, known)}")


def nearest(name: str, known: Iterable[str]) -> str:
    """What to tell of a name that is not known."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    more = ", ..." if len(known) > MAX_NAMED else ""
    return f"known are: {', '.join(known[:MAX_NAMED]) or 'none'}{more}"
