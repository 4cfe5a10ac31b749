"""One run: backtest within the training rows, fit every series, forecast what lies ahead.

A step is a fit: those of the first fold for each series, of the next one, and so on; then the
final ones. Every forecast begins after the last row it was fitted to; later rows are compared
with forecasts and never learnt from.
"""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

from mlhub_adapter import Adapter, Run, Served, failure
from mlhub_adapter.files import whole_text

from mlhub_forecast import models, served
from mlhub_forecast import series as reading
from mlhub_forecast.errors import Errors, compare, metrics, scale
from mlhub_forecast.forecast import Fit, Forecast

if TYPE_CHECKING:
    from mlhub_adapter import Model

    from mlhub_forecast.series import Data, Series

MIN_SEASONS = 2
MIN_ROWS = 4
"""A fit needs that many seasons and rows of a series."""


OF_SPLITS = ("smape", "mase", "coverage")
"""Metrics of predicted splits that the hub does not compute from their predictions."""


class Forecasting(Adapter):
    """Forecasts one series, or several with a model each."""

    def train(self, run: Run) -> None:
        """Backtests, fits, predicts; leaves forecasts as the model."""
        from importlib.metadata import version

        fit = models.choose(run)
        data = reading.read(run)
        _refuse_short(run, data)
        _tell_entry(run, data)
        training = Training(run, data, fit)
        saved = run.resume(
            may_change=["checkpoint_every"],
            statsmodels=version("statsmodels"),
            steps_ahead=max(training.ahead(one) for one in data.series),
        )
        if saved is not None:
            training.restore(saved.read())
        models.import_library(run.params["model"])
        for step in run.steps(training.steps, after=saved):
            training.advance(step)
            if run.checkpoint_due(every=run.params["checkpoint_every"]):
                run.checkpoint(training.state(), step=step)
        training.finish()

    def load(self, model: Model) -> Served:
        """The forecasts, to be asked for as many steps as they have."""
        return served.open_model(model)


class Training:
    """A run under way: what its fits gave so far."""

    def __init__(self, run: Run, data: Data, fit: Fit) -> None:
        self.run, self.data, self.fit = run, data, fit
        self.horizon: int = run.params["horizon_max"]
        self.season: int = run.params["season_length"]
        self.folds: int = run.params["folds"]
        self.errors: list[Errors] = []
        """Of each fit of the backtest."""
        self.forecasts: list[Forecast] = []
        """The final one of each series."""

    @property
    def steps(self) -> int:
        """Fits in all."""
        return (self.folds + 1) * len(self.data.series)

    def advance(self, step: int) -> None:
        """Takes the fit of a step; tells the metrics of what it completes."""
        fold, at = divmod(step - 1, len(self.data.series))
        one, is_last = self.data.series[at], at == len(self.data.series) - 1
        if fold < self.folds:
            self.errors.append(self._backtest(one, fold))
            if is_last:
                done = self.errors[-len(self.data.series) :]
                self.run.log(metrics("backtest", done), step=step)
            return
        self.forecasts.append(self._final(one))
        if is_last:
            self.run.log(self._measures(), step=step)

    def _backtest(self, one: Series, fold: int) -> Errors:
        """The errors of a fold: forecasts of ``horizon_max`` rows from the rows before them."""
        import numpy as np

        values = np.array(one.train.values)
        origin = len(values) - (self.folds - fold) * self.horizon
        known, actual = values[:origin], values[origin : origin + self.horizon]
        found = self._checked(self.fit(known, self.horizon), fold + 1)
        return compare(actual, found, scale=scale(known, self.season))

    def _final(self, one: Series) -> Forecast:
        import numpy as np

        values = np.array(one.train.values)
        return self._checked(self.fit(values, self.ahead(one)), None)

    def ahead(self, one: Series) -> int:
        """Steps that its final model forecasts: all later rows, and what may be asked for."""
        return max(self.horizon, one.steps)

    def _checked(self, found: Forecast, fold: int | None) -> Forecast:
        import numpy as np

        columns = [found.values, found.lower or [], found.upper or []]
        if all(np.isfinite(column).all() for column in columns):
            return found
        where = "the last fit" if fold is None else f"fold {fold} of the backtest"
        message = f"the model gives forecasts that are not finite in {where}; take another"
        self.run.refuse("dataset", message, code=failure.DATASET)

    def _measures(self) -> dict[str, float]:
        """How well the final models fit, and how far later splits are from the forecasts.

        Likelihoods and information criteria of series that are fitted apart add up.
        """
        import numpy as np

        names = self.forecasts[0].measures
        told = {
            f"train/{name}": sum(found.measures[name] for found in self.forecasts) for name in names
        }
        for split in self.run.predict_splits:
            parts = [
                compare(
                    np.array(one.ahead[split].values),
                    found.part(one.offset(split), len(one.ahead[split].rows)),
                    scale=scale(np.array(one.train.values), self.season),
                )
                for one, found in zip(self.data.series, self.forecasts, strict=True)
                if split in one.ahead
            ]
            told |= metrics(split, parts, OF_SPLITS)
        return told

    # --- checkpoints ----------------------------------------------------------

    def state(self) -> str:
        """Everything that later steps and the end need."""
        return json.dumps(
            {
                "errors": [part.said() for part in self.errors],
                "forecasts": [found.said() for found in self.forecasts],
            }
        )

    def restore(self, content: bytes) -> None:
        """Goes on from :meth:`state`."""
        try:
            state = json.loads(content)
            self.errors = [Errors(**part) for part in state["errors"]]
            self.forecasts = [Forecast(**found) for found in state["forecasts"]]
        except (ValueError, KeyError, TypeError) as error:
            message = f"the checkpoint is damaged ({type(error).__name__})"
            raise failure.config("resume.checkpoint", message) from None

    # --- the end --------------------------------------------------------------

    def finish(self) -> None:
        """Predictions, tables and a plot, and the model."""
        for split in self.run.predict_splits:
            self._predict(split)
        size = len(self.data.series)
        folds = [self.errors[at : at + size] for at in range(0, len(self.errors), size)]
        if folds:
            found = [metrics("backtest", parts) for parts in folds]
            names = list(found[0])
            rows = [[at, *(row.get(name) for name in names)] for at, row in enumerate(found, 1)]
            header = ["fold", *(name.removeprefix("backtest/") for name in names)]
            self.run.table("backtest", header, rows)
        pairs = list(zip(self.data.series, self.forecasts, strict=True))
        parameters = [
            [one.name, name, repr(value)]
            for one, found in pairs
            for name, value in found.parameters.items()
        ]
        if parameters:
            self.run.table("parameters", ["series", "parameter", "value"], parameters)
        self._draw(self.forecasts[0])
        served.leave(self.run, pairs, horizon=self.horizon)

    def _predict(self, split: str) -> None:
        """A split's forecasts, with the bounds and the series of its rows where there are any.

        Written here since the author's kit knows neither column.
        """
        rows: list[list[Any]] = [[] for _ in self.data.ids[split]]
        several = self.run.params["series"] is not None
        bounded = all(found.lower is not None for found in self.forecasts)
        for one, found in zip(self.data.series, self.forecasts, strict=True):
            if split not in one.ahead:
                continue
            part = one.ahead[split]
            ahead = found.part(one.offset(split), len(part.rows))
            columns = [part.rows, part.values, ahead.values]
            if bounded:
                columns += [ahead.lower or [], ahead.upper or []]
            for row, *numbers in zip(*columns, strict=True):
                name = [one.name] if several else []
                rows[row] = [self.data.ids[split][row], *map(repr, numbers), *name]
        header = ["id", "y_true", "y_pred", *(["y_lower", "y_upper"] if bounded else [])]
        path = f"predictions/{split}.csv"
        with whole_text(self.run.dir / path) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*header, *(["group"] if several else [])])
            writer.writerows(rows)
        told = {"split": split, "path": path, "task": "regression"}
        self.run.events.write(predictions=told)

    def _draw(self, found: Forecast) -> None:
        """The first series' forecast as a plot."""
        columns = {"forecast": found.values, "lower": found.lower, "upper": found.upper}
        curves = {
            name: [(float(step), value) for step, value in enumerate(values, 1)]
            for name, values in columns.items()
            if values is not None
        }
        self.run.line_plot("forecast", curves, title="Steps ahead")


def _refuse_short(run: Run, data: Data) -> None:
    """Refuses series that are too short to fit, or to set the folds aside."""
    needed = max(MIN_SEASONS * run.params["season_length"], MIN_ROWS)
    backtest = run.params["folds"] * run.params["horizon_max"]
    for one in data.series:
        rows = len(one.train.rows)
        which = f"the series of row {one.train.rows[0]} has {rows} rows in split train"
        if rows < needed:
            message = f"{which}; {needed} are needed: {MIN_SEASONS} seasons, and {MIN_ROWS} rows"
            raise failure.dataset("dataset.splits.train", message)
        if rows < needed + backtest:
            message = (
                f"{which}; folds * horizon_max = {backtest} of them leave {rows - backtest}, and "
                f"the first fold needs {needed}; take fewer folds or a nearer horizon"
            )
            raise failure.config("params.folds", message)


def _tell_entry(run: Run, data: Data) -> None:
    import numpy as np

    splits = {split: np.array(data.values(split)) for split in [reading.TRAIN, *run.predict_splits]}
    lengths = [len(one.train.rows) for one in data.series]
    run.entry(
        splits,
        task="regression",
        series=len(data.series),
        series_rows_min=min(lengths),
        series_rows_max=max(lengths),
        season_length=run.params["season_length"],
        horizon_max=run.params["horizon_max"],
    )
