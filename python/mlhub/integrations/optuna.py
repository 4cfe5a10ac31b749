"""A callback for Optuna: trials in one run, or a run of its own for each."""

from __future__ import annotations

import datetime
from typing import Any

from .._init import init
from .._problems import WrongValue
from .._run import Run
from ._common import RunHolder, guarded_hook

__all__ = ["MlhubCallback"]

STATE_EXIT = {"COMPLETE": 0, "PRUNED": 0, "FAIL": 1}


class MlhubCallback:
    """`study.optimize(objective, callbacks=[MlhubCallback()])`.

    In one run (the default) the trial's number is the step; its params are logged as
    `params/<name>` where they are numbers, its values as `metric_names` (or `value`,
    or `value_0`, ...), and the best so far as `best/<name>`. With `run_per_trial` each
    trial becomes a run in the group of the study's name, with its intermediate values.
    `run` is the run to log into, else the current one, else one started with `options`.
    """

    def __init__(
        self,
        *,
        run: Run | None = None,
        metric_names: list[str] | None = None,
        run_per_trial: bool = False,
        **options: Any,
    ) -> None:
        self._holder = RunHolder(run, options)
        self._names = metric_names
        self._per_trial = run_per_trial
        self._options = options

    def __call__(self, study: Any, trial: Any) -> None:
        values = self._values(trial)
        if self._per_trial:
            self._own_run(study, trial, values)
        else:
            self._log_trial(study, trial, values)

    @guarded_hook
    def _log_trial(self, study: Any, trial: Any, values: dict[str, float]) -> None:
        run = self._holder.get()
        numbers: dict[str, Any] = dict(values)
        told: dict[str, str] = {}
        for name, value in trial.params.items():
            if isinstance(value, (bool, int, float)):
                numbers[f"params/{name}"] = value
            else:
                told[f"params/{name}"] = str(value)
        seconds = duration(trial)
        if seconds is not None:
            numbers["trial_seconds"] = seconds
        run.log(numbers, step=trial.number)
        for name, text in told.items():
            run.log_text(name, text, step=trial.number)
        self._best(run, study, trial)

    def _values(self, trial: Any) -> dict[str, float]:
        values = list(trial.values or [])
        default = ["value"] if len(values) == 1 else [f"value_{at}" for at in range(len(values))]
        names = self._names or default
        if values and len(names) != len(values):
            raise WrongValue(f"{len(names)} metric_names for {len(values)} values of a trial")
        return dict(zip(names, values))

    def _best(self, run: Run, study: Any, trial: Any) -> None:
        if len(study.directions) != 1:
            return  # there is no one best of several objectives
        try:
            best = study.best_trial
        except ValueError:
            return  # no trial is complete yet
        name = (self._names or ["value"])[0]
        run.log({f"best/{name}": best.value}, step=trial.number)
        if best.number == trial.number:
            run.summary[name] = best.value
            run.summary["best_trial"] = best.number
            for key, value in best.params.items():
                run.summary[f"best_params/{key}"] = value

    def _own_run(self, study: Any, trial: Any, values: dict[str, float]) -> None:
        """Makes the run after the fact: its points bear the trial's own times."""
        options = {"group": study.study_name, "console": "off", **self._options}
        config = {**(options.pop("config", None) or {}), **trial.params}
        tags = {"optuna/trial": str(trial.number), "optuna/state": trial.state.name}
        own = init(
            name=f"{study.study_name}-{trial.number}",
            config=config,
            tags=tags,
            reinit="create_new",
            capture=False,
            **options,
        )
        ended = milliseconds(trial.datetime_complete)
        for step, value in sorted(trial.intermediate_values.items()):
            own.log({"intermediate": value}, step=step)
        if values:
            last = max(trial.intermediate_values, default=0)
            own.log(values, step=last, time_ms=ended)
        own.finish(STATE_EXIT.get(trial.state.name, 0))

    def finish(self) -> None:
        """Ends the run if it was started here; else it ends with the process."""
        self._holder.finish()


def duration(trial: Any) -> float | None:
    """Seconds a trial took."""
    took = trial.duration
    return took.total_seconds() if isinstance(took, datetime.timedelta) else None


def milliseconds(moment: Any) -> int | None:
    """Milliseconds since the epoch of Optuna's local times."""
    return int(moment.timestamp() * 1000) if isinstance(moment, datetime.datetime) else None
