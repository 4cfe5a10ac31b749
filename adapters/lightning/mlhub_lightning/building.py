"""Objects by ``class_path`` and ``init_args``, as the configs of LightningCLI name them.

Arguments may hold further such objects, and texts with placeholders for paths. What cannot
be made is refused by the place in the params; the user's classes are not changed.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from typing import Any

from mlhub_adapter import Run, failure
from mlhub_adapter.torch import named

PATH, ARGS = "class_path", "init_args"


class Builder:
    """Makes the objects that params name."""

    def __init__(self, run: Run, project: str | None) -> None:
        splits = run.file.dataset.splits if run.file.dataset else {}
        self.places = {f"{{splits.{name}}}": str(split.path) for name, split in splits.items()}
        self.places.update({"{project}": project or ".", "{run}": str(run.dir)})

    def made(self, said: Mapping[str, Any], field: str, *, tells: bool = True) -> Any:
        """The object; ``tells`` is whether a refusal has the text of the class's own error,
        which may hold cells where the class reads the dataset."""
        kind = named(said[PATH], f"{field}.{PATH}")
        if not callable(kind):
            raise failure.config(f"{field}.{PATH}", f"{said[PATH]} is no class")
        args = self.filled(said.get(ARGS) or {}, f"{field}.{ARGS}")
        _check_names(kind, args, f"{field}.{ARGS}")
        try:
            return kind(**args)
        except (TypeError, ValueError) as error:
            what = f"{kind.__name__} refuses them: {error if tells else type(error).__name__}"
            raise failure.config(f"{field}.{ARGS}", what) from error

    def filled(self, value: Any, field: str) -> Any:
        """A value with the objects that it names made, and placeholders replaced."""
        if isinstance(value, str):
            for name, path in self.places.items():
                value = value.replace(name, path)
            return value
        if isinstance(value, Mapping):
            if PATH in value and set(value) <= {PATH, ARGS}:
                return self.made(value, field)
            return {name: self.filled(inner, f"{field}.{name}") for name, inner in value.items()}
        if isinstance(value, list):
            return [self.filled(inner, f"{field}[{at}]") for at, inner in enumerate(value)]
        return value


def _check_names(kind: Any, args: Collection[str], field: str) -> None:
    """Refuses arguments that a class does not have, by their names."""
    try:
        known = inspect.signature(kind).parameters
    except (TypeError, ValueError):  # Classes in C need not have one.
        return
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in known.values()):
        return
    for name in args:
        if name not in known:
            what = f"an argument of {kind.__name__}"
            raise failure.unknown(f"{field}.{name}", name, known, what)
    empty, by_name = inspect.Parameter.empty, inspect.Parameter.VAR_POSITIONAL
    for name, one in known.items():
        if one.default is empty and one.kind is not by_name and name not in args:
            raise failure.config(f"{field}.{name}", f"is missing, and {kind.__name__} needs it")
