"""What libraries take for arguments that an experiment leaves out, so that the hub can tell
when a release of theirs changes it.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Collection, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Callable

from mlhub_adapter import files

FILE = "defaults.json"

VALUES_MAX = 1000
"""Defaults told at most."""

TEXT_CHARS_MAX = 200
"""Characters of a default that is no plain value."""

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def of(
    subject: str, values: Mapping[str, Any], libraries: Collection[str], given: Collection[str] = ()
) -> dict[str, Any]:
    """The answer to the command ``defaults``.

    ``subject`` is what takes the arguments, such as the path of a class; defaults of two
    runs are compared only if it is the same. ``given`` are arguments that the experiment or
    the adapter sets: they are left out. ``libraries`` are names of installed distributions.
    """
    named = {name: plain(value) for name, value in values.items() if name not in given}
    kept = dict(sorted(named.items())[:VALUES_MAX])
    return {"subject": subject, "libraries": versions(libraries), "values": kept}


def of_signature(function: Callable[..., Any]) -> dict[str, Any]:
    """The defaults in the signature of a function or a class."""
    parameters = inspect.signature(function).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not one.empty}


def versions(libraries: Collection[str]) -> dict[str, str]:
    """The installed versions of distributions; those that are not installed are left out."""
    found = {}
    for name in sorted(libraries):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def plain(value: Any) -> Any:
    """A value as JSON, the same for equal defaults in any process."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        return _ADDRESS.sub("", repr(value))[:TEXT_CHARS_MAX]


def write(run_dir: Path, told: Mapping[str, Any]) -> None:
    """Leaves the answer in the run directory."""
    with files.whole_text(run_dir / FILE) as file:
        json.dump(told, file)
