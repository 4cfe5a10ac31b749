"""The adapter author's kit under the SDK's name; see :mod:`mlhub_adapter`."""

from __future__ import annotations

from mlhub_adapter import (
    Adapter,
    Checkpoint,
    Data,
    Invalid,
    Model,
    Refused,
    Run,
    Served,
    Stopped,
    Table,
    main,
    pin_threads,
    seed_everything,
)

__all__ = [
    "Adapter",
    "Checkpoint",
    "Data",
    "Invalid",
    "Model",
    "Refused",
    "Run",
    "Served",
    "Stopped",
    "Table",
    "main",
    "pin_threads",
    "seed_everything",
]
