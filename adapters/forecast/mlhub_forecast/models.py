"""Which model the params name, with all that is wrong with its arguments said before any data is
read. The models themselves are in :mod:`mlhub_forecast.naive`, statsmodels and the user's code.
"""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure

from mlhub_forecast import naive
from mlhub_forecast.forecast import Forecast

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mlhub_adapter import Run

    from mlhub_forecast.forecast import Fit, Values

ARGUMENTS = "params.arguments"

NAIVE = ("method",)
ETS = (
    "error trend damped_trend seasonal initialization_method initial_level initial_trend "
    "initial_seasonal maxiter"
).split()
ARIMA = (
    "order seasonal_order trend trend_offset measurement_error enforce_stationarity "
    "enforce_invertibility concentrate_scale method maxiter"
).split()
THETA = "deseasonalize use_test method difference use_mle theta".split()

ADVICE = {
    "seasonal_periods": "set params.season_length",
    "period": "set params.season_length",
    "alpha": "set params.interval",
    "random_state": "it is the run's seed; set seeds in the experiment instead",
}

AIRLINE = (0, 1, 1)
"""Orders of ``arima`` and of its season that are not said: the model that G. E. P. Box and
G. M. Jenkins found for airline passengers, 1970."""


LIBRARIES = {
    "naive": "numpy",
    "ets": "statsmodels.tsa.exponential_smoothing.ets",
    "arima": "statsmodels.tsa.statespace.sarimax",
    "theta": "statsmodels.tsa.forecasting.theta",
}


def import_library(name: str) -> None:
    """Imports what a model is fitted with. It takes seconds, so it is done when nothing more can
    be refused, and before SIGTERM waits for the end of a fit."""
    import_module(LIBRARIES.get(name, "pandas"))


def choose(run: Run) -> Fit:
    """The model that the params name, ready to fit any series."""
    name = run.params["model"]
    if name in _BUILT_IN:
        return _BUILT_IN[name](run)
    if "." not in name and ":" not in name:
        known = [*_BUILT_IN, "package.module:Class"]
        raise failure.unknown("params.model", name, known, "a model")
    return _own(run, name)


def _arguments(run: Run, known: Collection[str]) -> dict[str, Any]:
    """The arguments, each of which is known."""
    for name in run.params["arguments"]:
        field = f"{ARGUMENTS}.{name}"
        if name in known:
            continue
        if name in ADVICE:
            run.refuse(field, f"cannot be given: {ADVICE[name]}")
        raise failure.unknown(field, name, known, f"an argument of {run.params['model']}")
    return dict(run.params["arguments"])


@contextmanager
def _refusals() -> Iterator[None]:
    """What a library says of its arguments as a refusal."""
    import numpy as np

    try:
        yield
    except np.linalg.LinAlgError as error:
        raise failure.dataset("dataset", f"the model cannot be fitted to it: {error}") from None
    except (ValueError, TypeError, NotImplementedError) as error:
        raise failure.config(ARGUMENTS, str(error)) from None


# --- built in ----------------------------------------------------------------


def _naive(run: Run) -> Fit:
    season = run.params["season_length"]
    given = _arguments(run, NAIVE)
    method = given.get("method", "seasonal" if season > 1 else "last")
    if method not in naive.METHODS:
        raise failure.unknown(f"{ARGUMENTS}.method", str(method), naive.METHODS, "a method")
    return partial(naive.forecast, method=method, season=season, interval=run.params["interval"])


def _ets(run: Run) -> Fit:
    season, interval = run.params["season_length"], run.params["interval"]
    given = _arguments(run, ETS)
    fitting = {name: given.pop(name) for name in ("maxiter",) if name in given}
    given.setdefault("seasonal", "add" if season > 1 else None)
    if given["seasonal"] is not None:
        if season == 1:
            run.refuse(f"{ARGUMENTS}.seasonal", "a season needs params.season_length above 1")
        given["seasonal_periods"] = season
    seed = run.small_seed

    def fit(values: Values, steps: int) -> Forecast:
        import numpy as np
        import pandas as pd
        from statsmodels.tsa.exponential_smoothing.ets import ETSModel

        with _refusals():
            model = ETSModel(pd.Series(values), **given)
            result = model.fit(disp=False, **fitting)
            # Bounds of a multiplicative model are simulated; the argument changed its name.
            named = inspect.signature(result.simulate).parameters
            draws = {"rng" if "rng" in named else "random_state": np.random.RandomState(seed)}
            first = len(values)
            ahead = result.get_prediction(start=first, end=first + steps - 1, **draws)
            bounds = None if interval is None else ahead.pred_int(alpha=1 - interval)
        parameters = _named(model.param_names, result.params)
        return _forecast(ahead.predicted_mean, bounds, parameters, _measures(result))

    return fit


def _arima(run: Run) -> Fit:
    season, interval = run.params["season_length"], run.params["interval"]
    given = _arguments(run, ARIMA)
    fitting = {name: given.pop(name) for name in ("method", "maxiter") if name in given}
    for name in ("order", "seasonal_order"):
        given[name] = _order(name, given.get(name, AIRLINE))
    if season == 1:
        if "seasonal_order" in run.params["arguments"]:
            message = "a season needs params.season_length above 1"
            run.refuse(f"{ARGUMENTS}.seasonal_order", message)
        del given["seasonal_order"]
    else:
        given["seasonal_order"] = (*given["seasonal_order"], season)

    def fit(values: Values, steps: int) -> Forecast:
        from statsmodels.tsa.statespace.sarimax import SARIMAX

        with _refusals():
            model = SARIMAX(values, **given)
            result = model.fit(disp=False, **fitting)
            ahead = result.get_forecast(steps)
            bounds = None if interval is None else ahead.conf_int(alpha=1 - interval)
        parameters = _named(model.param_names, result.params)
        return _forecast(ahead.predicted_mean, bounds, parameters, _measures(result))

    return fit


def _order(name: str, order: Any) -> tuple[int, ...]:
    good = isinstance(order, (list, tuple)) and len(order) == 3
    if not good or not all(type(part) is int and part >= 0 for part in order):
        message = "must be three whole numbers: autoregression, differences, moving average"
        raise failure.config(f"{ARGUMENTS}.{name}", message)
    return tuple(order)


def _theta(run: Run) -> Fit:
    season, interval = run.params["season_length"], run.params["interval"]
    given = _arguments(run, THETA)
    fitting = {name: given.pop(name) for name in ("use_mle",) if name in given}
    asked = {name: given.pop(name) for name in ("theta",) if name in given}
    if season == 1:
        if given.get("deseasonalize"):
            message = "a season needs params.season_length above 1"
            run.refuse(f"{ARGUMENTS}.deseasonalize", message)
        given["deseasonalize"] = False

    def fit(values: Values, steps: int) -> Forecast:
        import pandas as pd
        from statsmodels.tsa.forecasting.theta import ThetaModel

        with _refusals():
            # Its tests of the period need one, whether or not there is a season.
            result = ThetaModel(pd.Series(values), period=season, **given).fit(**fitting)
            ahead = result.forecast(steps, **asked)
            bounds = None
            if interval is not None:
                bounds = result.prediction_intervals(steps, alpha=1 - interval, **asked)
        parameters = _named(list(result.params.index), result.params)
        return _forecast(ahead, bounds, parameters, {})

    return fit


_BUILT_IN = {"naive": _naive, "ets": _ets, "arima": _arima, "theta": _theta}


def _measures(result: Any) -> dict[str, float]:
    names = {"aic": "aic", "aicc": "aicc", "bic": "bic", "llf": "log_likelihood"}
    return {name: float(getattr(result, theirs)) for theirs, name in names.items()}


def _named(names: list[str], values: Any) -> dict[str, float]:
    return dict(zip(names, (float(value) for value in values), strict=True))


def _forecast(
    values: Any, bounds: Any, parameters: dict[str, float], measures: dict[str, float]
) -> Forecast:
    """A forecast of arrays: ``values`` [steps], ``bounds`` [steps, 2] or None."""
    import numpy as np

    found = np.asarray(values, dtype=np.float64).ravel()
    if bounds is None:
        return Forecast(found.tolist(), None, None, parameters, measures)
    limits = np.asarray(bounds, dtype=np.float64).reshape(len(found), 2)
    return Forecast(
        found.tolist(), limits[:, 0].tolist(), limits[:, 1].tolist(), parameters, measures
    )


# --- the user's own ------------------------------------------------------------


def _own(run: Run, path: str) -> Fit:
    """A forecaster with sktime's interface: ``fit(y)`` or ``fit(y, fh=...)``, ``predict(fh)``, and
    ``predict_interval(fh, coverage=...)`` where it has one. ``fh`` are the steps from 1 on."""
    from mlhub_adapter.torch import named

    kind: Any = named(path, "params.model")
    methods = [callable(getattr(kind, name, None)) for name in ("fit", "predict")]
    if not inspect.isclass(kind) or not all(methods):
        run.refuse("params.model", f"{path} is no class with the methods fit and predict")
    parameters = inspect.signature(kind).parameters
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    known = {*parameters, *run.params["arguments"]} if takes_any else {*parameters}
    arguments = _arguments(run, known - {"random_state"})
    if "random_state" in parameters:
        arguments["random_state"] = run.small_seed
    interval = run.params["interval"]
    try:
        kind(**arguments)
    except (TypeError, ValueError) as error:
        raise failure.config(ARGUMENTS, str(error)) from None

    def fit(values: Values, steps: int) -> Forecast:
        import numpy as np
        import pandas as pd

        horizon = np.arange(1, steps + 1)
        # For one that draws from global generators: a resumed run must draw the same.
        run.seed_everything()
        forecaster: Any = kind(**arguments)
        needs = "fh" in inspect.signature(forecaster.fit).parameters
        forecaster.fit(pd.Series(values), **({"fh": horizon} if needs else {}))
        found = np.asarray(forecaster.predict(horizon), dtype=np.float64).ravel()
        if len(found) != steps:
            message = f"{path} forecast {len(found)} values where {steps} were asked for"
            raise failure.config("params.model", message)
        return _forecast(found, _own_bounds(forecaster, horizon, interval), {}, {})

    return fit


def _own_bounds(forecaster: Any, horizon: Any, interval: float | None) -> Any:
    """Bounds ``[steps, 2]`` where the forecaster has any."""
    if interval is None or not hasattr(forecaster, "predict_interval"):
        return None
    try:
        return forecaster.predict_interval(horizon, coverage=interval)
    except NotImplementedError:
        # Every forecaster of sktime has the method; many cannot.
        return None
