"""What every model gives: the steps ahead, with bounds where it has them. Knows no library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Values = npt.NDArray[np.float64]

Fit = Callable[["Values", int], "Forecast"]
"""Fits a series and forecasts that many steps after its end."""


@dataclass(frozen=True)
class Forecast:
    """Steps after the end of a series; the first is the next row."""

    values: list[float]
    lower: list[float] | None = None
    upper: list[float] | None = None
    parameters: dict[str, float] = field(default_factory=dict)
    """What was estimated, by the library's names."""
    measures: dict[str, float] = field(default_factory=dict)
    """How well the model fits, such as ``aic``."""

    def part(self, first: int, count: int) -> Forecast:
        """Some of the steps, counted from 0."""
        steps = slice(first, first + count)
        lower = None if self.lower is None else self.lower[steps]
        upper = None if self.upper is None else self.upper[steps]
        return Forecast(self.values[steps], lower, upper, self.parameters, self.measures)

    def said(self) -> dict[str, Any]:
        """As it is written into checkpoints and the model's file."""
        return asdict(self)
