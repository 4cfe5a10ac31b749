"""A callback for LightGBM: evaluation metrics of each boosting round."""

from __future__ import annotations

from typing import Any

from .._run import Run
from ._common import RunHolder

__all__ = ["mlhub_callback"]


class MlhubCallback:
    """What `mlhub_callback` gives; LightGBM calls it after each round."""

    order = 20
    """After those that evaluate, before early stopping ends the training."""
    before_iteration = False

    def __init__(self, run: Run | None, options: dict[str, Any]) -> None:
        self._holder = RunHolder(run, options)
        self._begun = False

    def __call__(self, env: Any) -> None:
        run = self._holder.get()
        if not self._begun:
            self._begun = True
            run.log_params({"lightgbm": dict(env.params)})
        numbers: dict[str, float] = {}
        for entry in env.evaluation_result_list or []:
            data, metric, value = entry[0], entry[1], entry[2]
            numbers[f"{data}/{metric}"] = value
            if len(entry) > 4:  # cross-validation: standard deviation over folds
                numbers[f"{data}/{metric}_std"] = entry[4]
        if numbers:
            run.log(numbers, step=env.iteration)
        if env.iteration + 1 >= env.end_iteration:
            self._holder.finish()


def mlhub_callback(*, run: Run | None = None, **options: Any) -> MlhubCallback:
    """`lightgbm.train(..., callbacks=[mlhub_callback()])`, or the estimators' `callbacks`.

    Rounds are steps, from 0; names are `<data>/<metric>`. `run` is the run to log into,
    else the current one, else one that is started with `options`; that one is finished
    after the last round, and at the process's end where early stopping came first.
    """
    return MlhubCallback(run, options)
