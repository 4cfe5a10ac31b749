"""The ``xgboost`` adapter: gradient boosted trees by XGBoost's own API.

Every segment begins with a booster from the bytes of the last one and a seed made of the
run's seed and the rounds done, since XGBoost does not keep its generators in a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlhub_adapter import Run
from mlhub_adapter.boosting import NDCG_AT, Booster, BoostingAdapter, Tell
from mlhub_adapter.ranking import RankingData
from mlhub_adapter.seeding import small_seed

import xgboost_trees

if TYPE_CHECKING:
    import xgboost
    from mlhub_adapter import Data, Table, onnx_trees

ADVICE = {
    "eta": "set params.learning_rate",
    "nthread": "set params.threads",
    "n_jobs": "set params.threads",
    "n_estimators": "set params.rounds",
    "num_round": "set params.rounds",
    "num_class": "it follows from the data",
    "eval_metric": "it follows from the objective",
    "objective": "set params.objective",
    "seed": "it is the run's seed; set seeds in the experiment instead",
    "random_state": "it is the run's seed; set seeds in the experiment instead",
    "early_stopping_rounds": "set params.early_stopping_rounds",
}
ARGUMENTS = frozenset(
    "base_score booster colsample_bylevel colsample_bynode device grow_policy "
    "huber_slope interaction_constraints lambdarank_num_pair_per_sample lambdarank_pair_method "
    "max_cat_threshold max_cat_to_onehot max_delta_step "
    "max_leaves monotone_constraints normalize_type num_parallel_tree one_drop rate_drop "
    "sample_type sampling_method scale_pos_weight skip_drop tweedie_variance_power".split()
)
OWN = (
    "learning_rate max_depth min_child_weight subsample colsample_bytree reg_lambda reg_alpha "
    "gamma max_bin"
).split()
"""Params that have XGBoost's own names."""

NDCG = f"ndcg@{NDCG_AT}"
METRICS = {
    "binary:logistic": ("logloss", "error"),
    "multi:softprob": ("mlogloss", "merror"),
    "reg:squarederror": ("rmse",),
    "reg:absoluteerror": ("mae", "rmse"),
    "reg:squaredlogerror": ("rmsle", "rmse"),
    "reg:pseudohubererror": ("mphe", "rmse"),
    "reg:gamma": ("gamma-nloglik", "rmse"),
    "count:poisson": ("poisson-nloglik", "rmse"),
    "rank:ndcg": (NDCG,),
    "rank:pairwise": (NDCG,),
}
"""XGBoost's metrics of an objective: the loss first."""

IMPORTANCE = {"gain": "total_gain", "splits": "weight", "cover": "total_cover"}
SEED_STRIDE = 1_000_003
"""Rounds apart in seeds: neighbouring runs' seeds and rounds do not meet."""


class XGBoost(BoostingAdapter):
    """Classification, regression and ranking by histogram trees."""

    library = "xgboost"
    model_file = "model.ubj"
    objectives = {
        "binary": ["binary:logistic"],
        "multiclass": ["multi:softprob"],
        "regression": [name for name in METRICS if name.startswith(("reg:", "count:"))],
        "ranking": [name for name in METRICS if name.startswith("rank:")],
    }

    def __init__(self) -> None:
        self._matrices: dict[str, xgboost.DMatrix] = {}

    def errors(self) -> tuple[type[Exception], ...]:
        """What XGBoost raises."""
        return (_Refusal,)

    def start(self, run: Run, data: Data, saved: Path | None, *, done: int) -> Booster:
        """A booster for the next segment."""
        import xgboost

        objective = self.objective(run, data)
        params = {
            **{name: run.params[name] for name in OWN},
            **self.arguments(run, known=ARGUMENTS, reserved=ADVICE),
            "tree_method": "hist",
            "objective": objective,
            "eval_metric": list(METRICS[objective]),
            "nthread": run.params["threads"],
            "seed": small_seed(run.seed + done * SEED_STRIDE),
            "verbosity": 1,
        }
        if objective.startswith("multi:"):
            params["num_class"] = len(data.classes)
        if not self._matrices:
            self._matrices = {"train": _matrix(data.train, data.targets("train"))}
            if data.validation is not None:
                targets = data.targets("validation")
                self._matrices["validation"] = _matrix(data.validation, targets)
            if isinstance(data, RankingData):
                for split, matrix in self._matrices.items():
                    matrix.set_group(data.sizes(split))
        with _refusals():
            known = list(self._matrices.values())
            booster = xgboost.Booster(params, known, model_file=saved and str(saved))
        return _Booster(booster, self._matrices, objective, data.train.names)

    def open(self, path: Path, *, params: Mapping[str, Any], objective: str) -> Booster:
        """The final model."""
        import xgboost

        with _refusals():
            booster = xgboost.Booster({"nthread": params["threads"]}, model_file=str(path))
        return _Booster(booster, {}, objective, [])


class _Booster(Booster):
    def __init__(
        self,
        booster: xgboost.Booster,
        matrices: Mapping[str, xgboost.DMatrix],
        objective: str,
        names: list[str],
    ) -> None:
        self.booster = booster
        self.matrices = matrices
        self.objective = objective
        self.names = names

    def advance(self, first: int, last: int, tell: Tell) -> int:
        for step in range(first, last + 1):
            with _refusals():
                self.booster.update(self.matrices["train"], step - 1)
                named = [(matrix, name) for name, matrix in self.matrices.items()]
                said = self.booster.eval_set(named, step - 1)
            if not tell(step, self._metrics(said)):
                return step
        return last

    def save(self, path: Path) -> None:
        self.booster.save_model(path)

    def predict(self, table: Table, *, rounds: int) -> Any:
        return self.booster.predict(_matrix(table, None), iteration_range=(0, rounds))

    def importance(self, *, rounds: int) -> dict[str, list[float]]:
        booster = self.booster[:rounds]
        measures = {}
        for name, kind in IMPORTANCE.items():
            found = booster.get_score(importance_type=kind)
            # Features are told apart by position: names may hold what XGBoost refuses.
            values = [found.get(f"f{at}", 0.0) for at in range(len(self.names))]
            measures[name] = [float(value) for value in values]
        return measures

    def export(self, path: Path, *, rounds: int) -> None:
        self.booster[:rounds].save_model(path)

    def trees(self, *, rounds: int) -> onnx_trees.Ensemble:
        return xgboost_trees.ensemble(self.booster[:rounds], self.objective)

    def _metrics(self, said: str) -> dict[str, float]:
        """XGBoost's metrics under the hub's names."""
        loss = METRICS[self.objective][0]
        metrics = {}
        for split, name, value in _parsed(said):
            if name in ("error", "merror"):
                metrics[f"{split}/accuracy"] = 1.0 - value
                continue
            if name == NDCG:
                metrics[f"{split}/ndcg"] = value
                metrics[f"{split}/loss"] = 1.0 - value
                continue
            if name == "rmse":
                metrics[f"{split}/rmse"] = value
            if name == loss:
                metrics[f"{split}/loss"] = value**2 if name == "rmse" else value
        return metrics


def _parsed(said: str) -> list[tuple[str, str, float]]:
    """Split, metric and value of each part of ``[3]\\ttrain-rmse:0.5\\t...``."""
    parts = (part.rsplit(":", 1) for part in said.split("\t")[1:])
    return [(*name.split("-", 1), float(value)) for name, value in parts]  # type: ignore[misc]


def _matrix(table: Table, targets: Any) -> xgboost.DMatrix:
    import xgboost

    kinds = ["c" if name in table.categories else "q" for name in table.names]
    return xgboost.DMatrix(
        table.features, targets, feature_types=kinds, enable_categorical=bool(table.categories)
    )


class _Refusal(Exception):
    """What XGBoost says of arguments, without its call stack."""


@contextmanager
def _refusals() -> Iterator[None]:
    import xgboost

    try:
        yield
    except xgboost.core.XGBoostError as error:
        text = str(error).split("Stack trace")[0]
        # Before the sentence stand the time and a place in XGBoost's sources.
        raise _Refusal(re.sub(r"^\[[\d:]+\]\s+\S+:\d+:\s*", "", text).strip()) from None
