"""Which Lightning it is: ``lightning.pytorch`` or ``pytorch_lightning``, the one that the
user's module is made of. The two do not take each other's modules.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mlhub_adapter import failure

NAMES = ("lightning.pytorch", "pytorch_lightning")


def of_module(kind: Any) -> Any:
    """The library whose ``LightningModule`` a class is made of; refuses any other class."""
    for base in getattr(kind, "__mro__", ()):
        for name in NAMES:
            if base.__name__ == "LightningModule" and base.__module__.startswith(f"{name}."):
                return import_module(name)
    raise failure.config("params.model.class_path", "names no LightningModule")
