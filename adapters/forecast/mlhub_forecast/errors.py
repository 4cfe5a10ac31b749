"""How far forecasts are from what came: sums over rows, and the metrics that are made of them.

Sums can be added up over series and kept in a checkpoint. The hub's own metrics of prediction
files are not computed here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlhub_forecast.forecast import Forecast, Values


METRICS = ("mae", "smape", "mase", "coverage")


@dataclass(frozen=True)
class Errors:
    """Sums over the rows of a forecast."""

    rows: int = 0
    absolute: float = 0.0
    symmetric: float = 0.0
    """Of 2 |y - f| / (|y| + |f|), 0 where both are 0."""
    scaled: float = 0.0
    """Of the absolute errors over the series' scale."""
    scaled_rows: int = 0
    """Rows of series with a scale: a constant one has none."""
    inside: int = 0
    bounded: int = 0
    """Rows between their bounds, and rows with bounds."""

    def said(self) -> dict[str, float]:
        """As a checkpoint keeps them."""
        return asdict(self)


def compare(actual: Values, forecast: Forecast, *, scale: float) -> Errors:
    """The errors of a forecast of ``actual``."""
    import numpy as np

    found = np.array(forecast.values)
    distance = np.abs(actual - found)
    size = np.abs(actual) + np.abs(found)
    symmetric = np.divide(2 * distance, size, out=np.zeros_like(distance), where=size > 0)
    inside = bounded = 0
    if forecast.lower is not None and forecast.upper is not None:
        within = (np.array(forecast.lower) <= actual) & (actual <= np.array(forecast.upper))
        inside, bounded = int(within.sum()), len(actual)
    return Errors(
        rows=len(actual),
        absolute=float(distance.sum()),
        symmetric=float(symmetric.sum()),
        scaled=float(distance.sum() / scale) if scale > 0 else 0.0,
        scaled_rows=len(actual) if scale > 0 else 0,
        inside=inside,
        bounded=bounded,
    )


def scale(values: Values, season: int) -> float:
    """Mean absolute error of the seasonal naive forecast one season ahead, within the series.

    R. J. Hyndman and A. B. Koehler, "Another look at measures of forecast accuracy", 2006.
    """
    import numpy as np

    return float(np.abs(values[season:] - values[:-season]).mean())


def metrics(
    prefix: str, parts: Iterable[Errors], names: Collection[str] = METRICS
) -> dict[str, float]:
    """Means over all rows of all parts; what has no rows is left out."""
    found = list(parts)
    sums = {
        "mae": (sum(part.absolute for part in found), sum(part.rows for part in found)),
        "smape": (sum(part.symmetric for part in found), sum(part.rows for part in found)),
        "mase": (sum(part.scaled for part in found), sum(part.scaled_rows for part in found)),
        "coverage": (sum(part.inside for part in found), sum(part.bounded for part in found)),
    }
    return {f"{prefix}/{name}": sums[name][0] / sums[name][1] for name in names if sums[name][1]}
