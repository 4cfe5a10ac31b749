"""`@mlhub.track`: every call of a function is a run."""

from __future__ import annotations

import functools
import inspect
from typing import Any, Callable

from ._config import plain
from ._init import init

__all__ = ["decorate"]


def decorate(inner: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any]:
    """The function as one whose calls are runs; the run before is current again after."""
    signature = inspect.signature(inner)

    @functools.wraps(inner)
    def call(*arguments: Any, **keywords: Any) -> Any:
        bound = signature.bind(*arguments, **keywords)
        bound.apply_defaults()
        given = plain(options["config"]) if options.get("config") is not None else {}
        asked = {"name": inner.__name__, "reinit": "create_new", **options}
        asked["config"] = {**given, **bound.arguments}
        with init(**asked):
            return inner(*arguments, **keywords)

    return call
