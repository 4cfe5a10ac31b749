"""What the integrations share: which run they log into, and who ends it."""

from __future__ import annotations

import functools
from typing import Any, Callable, TypeVar

from .. import _ending
from .._init import current, init
from .._keeping import describe_error
from .._problems import MlhubError, Problems
from .._run import Run

__all__ = ["RunHolder", "guarded_hook"]

Hook = TypeVar("Hook", bound=Callable[..., Any])


def guarded_hook(hook: Hook) -> Hook:
    """A hook of an object with a `_holder`, that a training is not stopped by.

    What goes wrong in it is told once, as everything the SDK meets; only a strict run
    raises it. Wrong arguments of the run that it starts are raised as ever.
    """

    @functools.wraps(hook)
    def call(self: Any, *arguments: Any, **options: Any) -> Any:
        self._holder.get()
        try:
            return hook(self, *arguments, **options)
        except MlhubError:
            raise  # strict, told already
        except Exception as error:
            self._holder.report(f"{type(self).__name__}.{hook.__name__}", error)
            return None

    return call  # type: ignore[return-value]


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

    def report(self, where: str, error: Exception) -> None:
        """Tell a problem as the run does."""
        problems = self._given._problems if self._given is not None else Problems()
        cause = f"{where}:{type(error).__name__}"
        problems.report(cause, f"{where}: {describe_error(error)}", error=error)

    def finish(self, *, failed: bool = False) -> None:
        """End the run if it was started here."""
        if self._started and self._given is not None and not self._given.ended:
            self._given.finish(1 if failed else _ending.code_of(None))

    def __getstate__(self) -> dict[str, Any]:
        # Copied into another process the run is joined there, not carried over.
        return {"_given": None, "_options": self._options, "_started": False}
