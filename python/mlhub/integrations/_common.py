"""What the integrations share: which run they log into, and who ends it."""

from __future__ import annotations

from typing import Any

from .. import _ending
from .._init import current, init
from .._run import Run

__all__ = ["RunHolder"]


class RunHolder:
    """The run given, the current one, or one that is started on first use.

    Only a run that was started here is finished here.
    """

    def __init__(self, run: Run | None, options: dict[str, Any]) -> None:
        self._given = run
        self._options = options
        self._started = False

    def get(self) -> Run:
        """The run, started if there is none."""
        if self._given is None or (self._started and self._given.ended):
            found = current()
            if found is None:
                found = init(**self._options)
                self._started = True
            self._given = found
        return self._given

    def finish(self, *, failed: bool = False) -> None:
        """End the run if it was started here."""
        if self._started and self._given is not None and not self._given.ended:
            self._given.finish(1 if failed else _ending.code_of(None))

    def __getstate__(self) -> dict[str, Any]:
        # Copied into another process the run is joined there, not carried over.
        return {"_given": None, "_options": self._options, "_started": False}
