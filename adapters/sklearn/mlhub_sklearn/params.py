"""The adapter's params as a type; what they may be is said by ``schema.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT_EPOCHS = 50
"""Epochs where neither the params nor the estimator say how many."""


@dataclass(frozen=True, kw_only=True)
class Params:
    """The params of one run."""

    estimator: str
    arguments: Mapping[str, Any]
    preprocess: str
    exclude: list[str]
    training: str
    epochs: int | None
    stages: int
    validation_fraction: float
    checkpoint_every: int

    def identity(self, *, grows: str | None) -> dict[str, Any]:
        """What must not change on resuming; ``grows`` may, it only says how far."""
        arguments = {name: value for name, value in self.arguments.items() if name != grows}
        return {
            "estimator": self.estimator,
            "arguments": arguments,
            "preprocess": self.preprocess,
            "exclude": self.exclude,
            "training": self.training,
            "validation_fraction": self.validation_fraction,
        }
