"""The trained model: the forecasts of every series, and what answers with them.

A forecast depends on nothing but the rows it follows, so all that may be asked for is computed at
the end of training. Answering needs no library, and no pickle is opened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlhub_adapter import Run, Served, failure, serving
from mlhub_adapter.serving import Invalid

if TYPE_CHECKING:
    from mlhub_adapter import Model

    from mlhub_forecast.forecast import Forecast
    from mlhub_forecast.series import Series

FILE = "forecasts.json"
VERSION = 1
"""Version of the model's file."""


def leave(run: Run, pairs: Sequence[tuple[Series, Forecast]], *, horizon: int) -> None:
    """Writes the model and its description. One series is asked for steps ahead; of several, the
    one is named in a column of a table."""
    kept = [
        {"name": one.name, "rows": len(one.train.rows), **found.part(0, horizon).said()}
        for one, found in pairs
    ]
    about = {"version": VERSION, "model": run.params["model"], "interval": run.params["interval"]}
    run.artifact(FILE, json.dumps({**about, "series": kept}, indent=1) + "\n", kind="model")
    asked: dict[str, Any] = {"kind": "history", "horizon_max": horizon}
    if run.params["series"] is not None:
        names = [one.name for one, _ in pairs]
        columns = [
            {"name": "series", "type": "category", "values": names},
            {"name": "horizon", "type": "number"},
        ]
        asked = {"kind": "table", "columns": columns}
    run.model(
        input=asked,
        output={"kind": "values", "names": [run.dataset.target]},
        task="regression",
        horizon_max=horizon,
    )


def open_model(model: Model) -> Served:
    """The forecasts that :func:`leave` wrote."""
    path = model.file(FILE)
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        version = saved["version"]
        forecasts = {one["name"]: one for one in saved["series"]}
        horizon = min(len(one["values"]) for one in forecasts.values())
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path} is damaged ({type(error).__name__})"
        raise failure.config("model.path", message) from None
    if version > VERSION:
        message = f"{path} has version {version}; this adapter reads up to {VERSION}"
        raise failure.unsupported("model.path", message)
    return ServedForecasts(forecasts, horizon, several=model.input["kind"] == "table")


class ServedForecasts(Served):
    """Answers with the first steps of a forecast."""

    def __init__(
        self, forecasts: Mapping[str, Mapping[str, Any]], horizon: int, *, several: bool
    ) -> None:
        self.forecasts, self.horizon, self.several = forecasts, horizon, several

    def predict(self, inputs: list[Any], options: Mapping[str, Any]) -> list[Any]:
        """A forecast for each input; no options."""
        serving.check_options(options)
        return [self._answer(asked, f"inputs.{at}") for at, asked in enumerate(inputs)]

    def _answer(self, asked: Any, field: str) -> dict[str, list[float]]:
        known = ("series", "horizon") if self.several else ("horizon",)
        if not isinstance(asked, Mapping):
            raise Invalid(field, f"must be an object with {' and '.join(known)}")
        for name in asked:
            if name not in known:
                raise Invalid(f"{field}.{name}", f"is not known; {failure.nearest(name, known)}")
        found = self.forecasts[self._name(asked, field)]
        steps = self._steps(asked.get("horizon"), f"{field}.horizon")
        names = ("values", "lower", "upper")
        return {name: found[name][:steps] for name in names if found[name] is not None}

    def _name(self, asked: Mapping[str, Any], field: str) -> str:
        if not self.several:
            return ""
        name = asked.get("series")
        if not isinstance(name, str) or name not in self.forecasts:
            known = list(self.forecasts)[: failure.MAX_NAMED]
            more = ", ..." if len(self.forecasts) > len(known) else ""
            raise Invalid(f"{field}.series", f"must be one of {', '.join(known)}{more}")
        return name

    def _steps(self, value: Any, field: str) -> int:
        # A form may send a whole number as 12.0.
        whole = isinstance(value, (int, float)) and not isinstance(value, bool) and value % 1 == 0
        if not whole or not 1 <= value <= self.horizon:
            raise Invalid(field, f"must be a whole number from 1 to {self.horizon}")
        return int(value)
