"""The ``lightgbm`` adapter: gradient boosted trees by LightGBM's own API.

Every segment continues the last one's model with a seed made of the run's seed and the
rounds done, since LightGBM does not keep its generators in a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlhub_adapter import Run
from mlhub_adapter.boosting import NDCG_AT, Booster, BoostingAdapter, Tell
from mlhub_adapter.ranking import RankingData

import lightgbm_trees

if TYPE_CHECKING:
    import lightgbm
    from mlhub_adapter import Data, Table, onnx_trees

OWN = (
    "learning_rate num_leaves max_depth min_data_in_leaf bagging_fraction feature_fraction "
    "lambda_l1 lambda_l2 min_gain_to_split max_bin"
).split()
"""Params that have LightGBM's own names."""

PLACES = {
    "num_threads": "set params.threads",
    "num_iterations": "set params.rounds",
    "early_stopping_round": "set params.early_stopping_rounds",
    "objective": "set params.objective",
    "metric": "it follows from the objective",
    "num_class": "it follows from the data",
    "eval_at": "it follows from the objective",
    "seed": "it is the run's seed; set seeds in the experiment instead",
    "boosting": "gbdt is the one that can be resumed",
    "data_sample_strategy": "bagging is the one that can be resumed",
    "categorical_feature": "set params.categorical",
    "bagging_freq": "rows are drawn for each round when params.bagging_fraction is below 1",
    "device_type": "this adapter trains on the CPU",
    "verbosity": "the adapter tells what is to be told",
    **{name: f"set params.{name}" for name in OWN},
}
"""What stands for a parameter, by its first name; it is the same for its other names."""

ARGUMENTS = frozenset(
    "bin_construct_sample_cnt boost_from_average cat_l2 cat_smooth enable_bundle extra_trees "
    "fair_c alpha feature_fraction_bynode feature_pre_filter interaction_constraints is_unbalance "
    "lambdarank_norm lambdarank_truncation_level "
    "linear_lambda linear_tree max_bin_by_feature max_cat_threshold max_cat_to_onehot "
    "max_delta_step min_data_in_bin min_data_per_group min_sum_hessian_in_leaf "
    "monotone_constraints monotone_constraints_method monotone_penalty neg_bagging_fraction "
    "path_smooth poisson_max_delta_step pos_bagging_fraction reg_sqrt scale_pos_weight sigmoid "
    "tweedie_variance_power use_missing zero_as_missing".split()
)
METRICS = {
    "binary": "binary_logloss",
    "multiclass": "multi_logloss",
    "regression": "l2",
    "regression_l1": "l1",
    "lambdarank": "ndcg",
    "rank_xendcg": "ndcg",
}
"""LightGBM's name of an objective's loss, where it is not the objective's own."""

ERRORS = ("binary_error", "multi_error")
SEEDS = 2**31
SEED_STRIDE = 1_000_003
"""Rounds apart in seeds: neighbouring runs' seeds and rounds do not meet."""


class LightGBM(BoostingAdapter):
    """Classification, regression and ranking by leaf-wise trees."""

    library = "lightgbm"
    model_file = "model.txt"
    objectives = {
        "binary": ["binary"],
        "multiclass": ["multiclass"],
        "regression": (
            "regression regression_l1 huber fair poisson quantile mape gamma tweedie".split()
        ),
        "ranking": ["lambdarank", "rank_xendcg"],
    }

    def __init__(self) -> None:
        self._datasets: dict[str, lightgbm.Dataset] = {}

    def errors(self) -> tuple[type[Exception], ...]:
        """What LightGBM raises."""
        import lightgbm

        return (lightgbm.basic.LightGBMError,)

    def start(self, run: Run, data: Data, saved: Path | None, *, done: int) -> Booster:
        """A booster for the next segment."""
        import lightgbm

        lightgbm.register_logger(_Silence())
        objective = self.objective(run, data)
        params = {
            **{name: run.params[name] for name in OWN},
            **self._arguments(run),
            "bagging_freq": int(run.params["bagging_fraction"] < 1),
            "objective": objective,
            "metric": self._metrics(objective),
            "eval_at": [NDCG_AT],
            "num_threads": run.params["threads"],
            "seed": (run.seed + done * SEED_STRIDE) % SEEDS,
            "deterministic": True,
            "force_row_wise": True,
        }
        if objective == "multiclass":
            params["num_class"] = len(data.classes)
        if not self._datasets:
            self._datasets = _datasets(data, params)
        return _Booster(params, self._datasets, METRICS.get(objective, objective), saved)

    def open(self, path: Path, *, params: Mapping[str, Any], objective: str) -> Booster:
        """The final model."""
        import lightgbm

        lightgbm.register_logger(_Silence())
        return _Booster({}, {}, METRICS.get(objective, objective), path)

    def _metrics(self, objective: str) -> list[str]:
        loss = METRICS.get(objective, objective)
        if loss == "ndcg":
            return [loss]
        more = {"binary": ["binary_error"], "multiclass": ["multi_error"]}
        return [loss, *more.get(objective, ["rmse"])]

    def _arguments(self, run: Run) -> dict[str, Any]:
        import lightgbm

        aliases = lightgbm.basic._ConfigAliases.get
        reserved = {
            name: said for first, said in PLACES.items() for name in {first, *aliases(first)}
        }
        known = {name for first in ARGUMENTS for name in {first, *aliases(first)}}
        return self.arguments(run, known=known, reserved=reserved)


class _Booster(Booster):
    def __init__(
        self,
        params: Mapping[str, Any],
        datasets: Mapping[str, lightgbm.Dataset],
        loss: str,
        saved: Path | None,
    ) -> None:
        import lightgbm

        self.params = params
        self.datasets = datasets
        self.loss = loss
        self.saved = saved and str(saved)
        # With no round left to go on with, the model is what was saved.
        self._booster = lightgbm.Booster(model_file=self.saved) if saved else None

    @property
    def booster(self) -> lightgbm.Booster:
        """The model as far as it is."""
        if self._booster is None:
            raise RuntimeError("no round was trained yet")
        return self._booster

    def advance(self, first: int, last: int, tell: Tell) -> int:
        import lightgbm

        done = first - 1

        def told(state: Any) -> None:
            nonlocal done
            done += 1
            if not tell(done, self._measured(state.evaluation_result_list)):
                raise lightgbm.callback.EarlyStopException(
                    state.iteration, state.evaluation_result_list
                )

        self._booster = lightgbm.train(
            dict(self.params),
            self.datasets["train"],
            num_boost_round=last - first + 1,
            valid_sets=list(self.datasets.values()),
            valid_names=list(self.datasets),
            init_model=self.saved,
            callbacks=[told],
        )
        return done

    def save(self, path: Path) -> None:
        # All trees: LightGBM would leave out those after what it takes for the best.
        self.booster.save_model(path, num_iteration=-1)

    def predict(self, table: Table, *, rounds: int) -> Any:
        return self.booster.predict(table.features, num_iteration=rounds)

    def importance(self, *, rounds: int) -> dict[str, list[float]]:
        return {
            name: self.booster.feature_importance(kind, iteration=rounds).tolist()
            for name, kind in (("gain", "gain"), ("splits", "split"))
        }

    def export(self, path: Path, *, rounds: int) -> None:
        self.booster.save_model(path, num_iteration=rounds)

    def trees(self, *, rounds: int) -> onnx_trees.Ensemble:
        return lightgbm_trees.ensemble(self.booster, rounds=rounds)

    def _measured(self, results: list[Any]) -> Mapping[str, float]:
        """LightGBM's metrics under the hub's names."""
        metrics = {}
        for split, name, value, *_ in results:
            if name in ERRORS:
                metrics[f"{split}/accuracy"] = 1.0 - value
                continue
            if name == f"ndcg@{NDCG_AT}":
                metrics[f"{split}/ndcg"] = value
                metrics[f"{split}/loss"] = 1.0 - value
                continue
            if name == "rmse":
                metrics[f"{split}/rmse"] = value
            if name == self.loss:
                metrics[f"{split}/loss"] = value
        return metrics


class _Silence:
    """LightGBM's own lines hold names and numbers of the data; what matters is raised."""

    def info(self, _message: str) -> None:
        pass

    def warning(self, _message: str) -> None:
        pass


def _datasets(data: Data, params: Mapping[str, Any]) -> dict[str, lightgbm.Dataset]:
    import lightgbm

    sizes = {}
    if isinstance(data, RankingData):
        sizes = {split: data.sizes(split) for split in data.queries}
    train = lightgbm.Dataset(
        data.train.features,
        data.targets("train"),
        group=sizes.get("train"),
        categorical_feature=data.train.categorical,
        params=dict(params),
        free_raw_data=False,
    )
    if data.validation is None:
        return {"train": train}
    validation = train.create_valid(
        data.validation.features, data.targets("validation"), group=sizes.get("validation")
    )
    return {"train": train, "validation": validation}
