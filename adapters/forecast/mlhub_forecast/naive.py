"""Forecasts without a model: the yardstick that any other must beat.

Bounds are those of independent normal errors with the standard deviation of the one-step errors
within the series: R. J. Hyndman and G. Athanasopoulos, "Forecasting: Principles and Practice",
3rd edition, sections 5.2 and 5.5, <https://otexts.com/fpp3>. Nothing is fitted here.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from mlhub_forecast.forecast import Forecast

if TYPE_CHECKING:
    from mlhub_forecast.forecast import Values

METHODS = ("last", "seasonal", "drift", "mean")


def forecast(
    values: Values, steps: int, *, method: str, season: int, interval: float | None
) -> Forecast:
    """``steps`` values ahead by one of :data:`METHODS`."""
    import numpy as np

    ahead = np.arange(1, steps + 1)
    found, errors, spread, fitted = _RULES[method](values, ahead, season)
    sigma = float(np.sqrt(np.sum(errors**2) / (len(errors) - len(fitted))))
    parameters = {**fitted, "sigma": sigma}
    if interval is None:
        return Forecast(found.tolist(), parameters=parameters)
    width = NormalDist().inv_cdf(0.5 + interval / 2) * sigma * np.sqrt(spread)
    return Forecast(found.tolist(), (found - width).tolist(), (found + width).tolist(), parameters)


_Rule = tuple[Any, Any, Any, dict[str, float]]
"""Forecasts, one-step errors, growth of the variance with the steps, fitted parameters."""


def _last(values: Values, ahead: Any, _season: int) -> _Rule:
    return values[-1] + 0.0 * ahead, values[1:] - values[:-1], ahead, {}


def _seasonal(values: Values, ahead: Any, season: int) -> _Rule:
    found = values[len(values) - season + (ahead - 1) % season]
    return found, values[season:] - values[:-season], (ahead - 1) // season + 1, {}


def _drift(values: Values, ahead: Any, _season: int) -> _Rule:
    intervals = len(values) - 1
    slope = float((values[-1] - values[0]) / intervals)
    errors = values[1:] - values[:-1] - slope
    return values[-1] + slope * ahead, errors, ahead * (1 + ahead / intervals), {"slope": slope}


def _mean(values: Values, ahead: Any, _season: int) -> _Rule:
    mean = float(values.mean())
    return mean + 0.0 * ahead, values - mean, 1 + 1 / len(values) + 0.0 * ahead, {"mean": mean}


_RULES = {"last": _last, "seasonal": _seasonal, "drift": _drift, "mean": _mean}
