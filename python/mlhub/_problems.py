"""How the SDK complains: once per cause, counted, and never into the training.

Raises nothing by itself; `Problems.report` raises only when the run is strict.
"""

from __future__ import annotations

import sys
import threading

__all__ = ["MlhubError", "MlhubWarning", "Problems"]

CAUSES_MAX = 1000
"""Causes told apart; later ones are counted together."""


class MlhubError(Exception):
    """Something the caller asked for cannot be done: what, where, and what to do."""


class MlhubWarning(UserWarning):
    """The category of the SDK's warnings, for those who filter them."""


class Problems:
    """Problems of one run: each cause is told once on standard error and counted."""

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.counts: dict[str, int] = {}
        self._lock = threading.RLock()

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

    def after_fork(self) -> None:
        """Makes the lock usable in a child that was forked while it was held."""
        self._lock = threading.RLock()


def say(message: str) -> None:
    """Print one line of ours on standard error; a closed one is no reason to fail."""
    try:
        stream = sys.__stderr__ or sys.stderr
        if stream is not None:
            stream.write(f"mlhub: {message}\n")
            stream.flush()
    except (OSError, ValueError):
        pass
