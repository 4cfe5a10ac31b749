"""Which Lightning it is: ``lightning.pytorch`` or ``pytorch_lightning``, the one that the
user's module is made of. The two do not take each other's modules.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import Any

from mlhub_adapter import failure
from mlhub_adapter.torch import mend_import

NAMES = ("lightning.pytorch", "pytorch_lightning")

DEBIAN = "1.13.0a"
"""What the version of Debian's torch begins with, which is the release 1.13.0."""


def prepare() -> None:
    """Lets user code import Lightning where it could not; call it before.

    Debian's torch says that it is older than 1.13.0, so Lightning would take it for 1.12.
    While Lightning is imported, that torch says the release that it is.
    """
    import torch

    mend_import()
    said = torch.__version__
    if not said.startswith(DEBIAN):
        return
    torch.__version__ = type(said)("1.13.0")
    try:
        for name in NAMES:
            with suppress(ImportError):
                import_module(name)
    finally:
        torch.__version__ = said


def installed() -> Any:
    """The first library there is; user code may be made of another."""
    for name in NAMES:
        with suppress(ImportError):
            return import_module(name)
    raise failure.config("environment", f"has none of {', '.join(NAMES)}")


def of_module(kind: Any) -> Any:
    """The library whose ``LightningModule`` a class is made of; refuses any other class."""
    for base in getattr(kind, "__mro__", ()):
        for name in NAMES:
            if base.__name__ == "LightningModule" and base.__module__.startswith(f"{name}."):
                return import_module(name)
    raise failure.config("params.model.class_path", "names no LightningModule")
