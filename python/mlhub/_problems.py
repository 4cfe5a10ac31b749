"""How the SDK complains: once per cause, counted, and never into the training.

Raises nothing by itself; `Problems.report` raises only when the run is strict.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref

__all__ = ["MlhubError", "MlhubWarning", "Problems", "WrongType", "WrongValue"]

CAUSES_MAX = 1000
"""Causes told apart; later ones are counted together."""


class MlhubError(Exception):
    """Something the caller asked for cannot be done: what, where, and what to do."""


class WrongValue(ValueError):
    """A value that cannot be taken, in words of ours: they hold nothing that was logged."""


class WrongType(TypeError):
    """A type that cannot be taken, in words of ours: they hold nothing that was logged."""


class MlhubWarning(UserWarning):
    """The category of the SDK's warnings, for those who filter them."""


class Problems:
    """Problems of one run: each cause is told once on standard error and counted."""

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.counts: dict[str, int] = {}
        self._lock = threading.RLock()
        with_locks.add(self)

    def report(
        self, cause: str, message: str, *, error: BaseException | None = None, times: int = 1
    ) -> None:
        """Tell `message` unless `cause` was told already; raise when strict.

        Raises MlhubError (from `error`) when the run is strict.
        """
        with self._lock:
            if cause not in self.counts and len(self.counts) >= CAUSES_MAX:
                cause = "more"
                message = "there are more kinds of problems than can be told apart"
            first = cause not in self.counts
            self.counts[cause] = self.counts.get(cause, 0) + times
        if self.strict:
            raise MlhubError(message) from error
        if first:
            say(f"warning: {message}")

    def total(self) -> int:
        """How many problems there were, those not told included."""
        return sum(self.counts.values())


with_locks: weakref.WeakSet[Problems] = weakref.WeakSet()


def after_fork() -> None:
    """In a forked child no lock is held, whatever threads its parent had."""
    for problems in list(with_locks):
        problems._lock = threading.RLock()


os.register_at_fork(after_in_child=after_fork)


def say(message: str) -> None:
    """Print one line of ours on standard error; a closed one is no reason to fail."""
    try:
        stream = sys.__stderr__ or sys.stderr
        if stream is not None:
            stream.write(f"mlhub: {message}\n")
            stream.flush()
    except (OSError, ValueError, RuntimeError):
        pass  # RuntimeError: a signal came while the program itself was writing
