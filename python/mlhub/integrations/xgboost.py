"""A callback for XGBoost: evaluation metrics of each boosting round.

Keeps feature importances as a summary table when asked; keeps no data.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .._problems import WrongValue
from .._run import Run
from ._common import RunHolder, guarded_hook

if TYPE_CHECKING:
    Base = object
else:
    from xgboost.callback import TrainingCallback as Base

__all__ = ["MlhubCallback"]

IMPORTANCE_KINDS = ("weight", "gain", "cover", "total_gain", "total_cover")


class MlhubCallback(Base):
    """`xgboost.train(..., callbacks=[MlhubCallback()])`, or the estimators' `callbacks`.

    Rounds are steps, from 0; names are `<data>/<metric>`. `importance` keeps a table of
    feature importances of that kind (`weight`, `gain`, ...). `run` is the run to log into,
    else the current one, else one that is started with `options` and finished afterwards.
    """

    def __init__(
        self, *, run: Run | None = None, importance: str | None = None, **options: Any
    ) -> None:
        super().__init__()
        if importance is not None and importance not in IMPORTANCE_KINDS:
            raise WrongValue(f"importance must be one of {', '.join(IMPORTANCE_KINDS)}")
        self._holder = RunHolder(run, options)
        self._importance = importance

    def before_training(self, model: Any) -> Any:
        """The booster's settings become params."""
        self._tell_settings(model)
        return model

    @guarded_hook
    def _tell_settings(self, model: Any) -> None:
        if hasattr(model, "save_config"):
            learner = json.loads(model.save_config()).get("learner", {})
            objective = learner.get("objective", {}).get("name")
            trained = learner.get("gradient_booster", {})
            facts = {
                "objective": objective,
                "booster": trained.get("name"),
                **plain_params(trained),
            }
            self._holder.get().log_params({"xgboost": facts})

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """One round's metrics; cross-validation gives mean and std over folds."""
        self._log_round(epoch, evals_log)
        return False

    @guarded_hook
    def _log_round(self, epoch: int, evals_log: Any) -> None:
        numbers: dict[str, float] = {}
        for data, metrics in evals_log.items():
            for name, history in metrics.items():
                last = history[-1]
                if isinstance(last, tuple):
                    numbers[f"{data}/{name}"], numbers[f"{data}/{name}_std"] = last
                else:
                    numbers[f"{data}/{name}"] = last
        if numbers:
            self._holder.get().log(numbers, step=epoch)

    def after_training(self, model: Any) -> Any:
        """Best round and score, importances when asked; ends a run started here."""
        self._tell_results(model)
        self._holder.finish()
        return model

    @guarded_hook
    def _tell_results(self, model: Any) -> None:
        run = self._holder.get()
        for name in ("best_score", "best_iteration"):
            try:
                run.summary[name] = getattr(model, name)
            except (AttributeError, TypeError):
                continue  # without early stopping there is none
        if self._importance is not None and hasattr(model, "get_score"):
            scores = model.get_score(importance_type=self._importance)
            rows = sorted(scores.items(), key=lambda item: -item[1])
            run.log_table("importance", columns=["feature", self._importance], rows=rows)


def plain_params(booster: dict[str, Any]) -> dict[str, Any]:
    """The tree's settings, where the booster tells them."""
    for key in ("tree_train_param", "updater"):
        found = booster.get(key)
        if isinstance(found, dict) and all(isinstance(item, str) for item in found.values()):
            return dict(found)
    return {}
