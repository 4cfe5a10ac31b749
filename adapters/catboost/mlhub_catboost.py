"""The ``catboost`` adapter: gradient boosted symmetric trees by CatBoost's own API.

CatBoost trains in a loop of its own and keeps all it depends on in a snapshot, generators
included; a checkpoint is that snapshot, and segments are calls that go on from it.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlhub_adapter import Run
from mlhub_adapter.boosting import NDCG_AT, Booster, BoostingAdapter, Tell
from mlhub_adapter.ranking import RankingData
from mlhub_adapter.seeding import small_seed

import catboost_trees

if TYPE_CHECKING:
    import catboost
    from mlhub_adapter import Data, Table, onnx_trees

OWN = (
    "learning_rate depth l2_leaf_reg random_strength subsample rsm border_count boosting_type"
).split()
"""Params that have CatBoost's own names."""

ADVICE = {
    "iterations": "set params.rounds",
    "n_estimators": "set params.rounds",
    "num_boost_round": "set params.rounds",
    "num_trees": "set params.rounds",
    "eta": "set params.learning_rate",
    "max_depth": "set params.depth",
    "reg_lambda": "set params.l2_leaf_reg",
    "max_bin": "set params.border_count",
    "colsample_bylevel": "set params.rsm",
    "thread_count": "set params.threads",
    "loss_function": "set params.objective",
    "objective": "set params.objective",
    "eval_metric": "it follows from the objective",
    "custom_metric": "it follows from the objective",
    "cat_features": "set params.categorical",
    "early_stopping_rounds": "set params.early_stopping_rounds",
    "od_wait": "set params.early_stopping_rounds",
    "random_seed": "it is the run's seed; set seeds in the experiment instead",
    "random_state": "it is the run's seed; set seeds in the experiment instead",
    "train_dir": "it is in the run directory",
    **{name: f"set params.{name}" for name in OWN},
}
ARGUMENTS = frozenset(
    "auto_class_weights class_weights feature_border_type fold_len_multiplier "
    "fold_permutation_block grow_policy has_time leaf_estimation_backtracking "
    "leaf_estimation_iterations leaf_estimation_method max_ctr_complexity max_leaves "
    "min_data_in_leaf model_shrink_mode model_shrink_rate model_size_reg monotone_constraints "
    "nan_mode one_hot_max_size penalties_coefficient scale_pos_weight score_function "
    "sampling_frequency".split()
)
RANKING = ["YetiRank", "QueryRMSE"]
KINDS = {
    "Poisson": "Exponent",
    **dict.fromkeys(["RMSE", "MAE", "MAPE", *RANKING], "RawFormulaVal"),
}
"""CatBoost's kind of prediction by objective; those of classes give probabilities."""

NDCG = f"NDCG:top={NDCG_AT};type=Exp"

SPLITS = {"learn": "train"}
"""Splits by CatBoost's names for them, where they are other ones."""

IMPORTANCE = "PredictionValuesChange"
SNAPSHOT = "snapshot"
WORK = "catboost"
"""The folder of the run directory that CatBoost writes in while it trains."""

MANY = 100_000
"""Iterations asked of CatBoost, always. It ends when told to; a snapshot of a run that was
to have another number may be refused."""

NEVER_SECONDS = 10**9
"""Between snapshots on CatBoost's own clock; the one at a segment's end is all we need."""


class CatBoost(BoostingAdapter):
    """Classification, regression and ranking by symmetric trees and ordered statistics."""

    library = "catboost"
    model_file = "model.cbm"
    objectives = {
        "binary": ["Logloss", "CrossEntropy"],
        "multiclass": ["MultiClass", "MultiClassOneVsAll"],
        "regression": ["RMSE", "MAE", "MAPE", "Poisson"],
        "ranking": RANKING,
    }
    may_change = ("rounds", "checkpoint_every")

    def __init__(self) -> None:
        self._pools: dict[str, catboost.Pool] = {}

    def train(self, run: Run) -> None:
        """Trains, and leaves nothing of CatBoost's own files behind."""
        try:
            super().train(run)
        finally:
            shutil.rmtree(run.dir / WORK, ignore_errors=True)

    def errors(self) -> tuple[type[Exception], ...]:
        """What CatBoost raises."""
        import catboost

        return (catboost.CatBoostError,)

    def start(self, run: Run, data: Data, saved: Path | None, *, done: int) -> Booster:
        """A booster for the next segment."""
        objective = self.objective(run, data)
        work = run.dir / WORK
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        if saved:
            shutil.copyfile(saved, work / SNAPSHOT)
        params = {
            **{name: run.params[name] for name in OWN},
            **self.arguments(run, known=ARGUMENTS, reserved=ADVICE),
            "bootstrap_type": "Bernoulli" if run.params["subsample"] < 1 else "No",
            "loss_function": objective,
            "custom_metric": [self._metric(data)],
            "thread_count": run.params["threads"],
            "random_seed": small_seed(run.seed),
            "use_best_model": False,
            "train_dir": str(work),
            "logging_level": "Silent",
        }
        if run.params["subsample"] >= 1:
            del params["subsample"]
        if not self._pools:
            self._pools = {"learn": _pool(data.train, data.targets("train"))}
            if data.validation is not None:
                self._pools["validation"] = _pool(data.validation, data.targets("validation"))
            if isinstance(data, RankingData):
                for part, pool in self._pools.items():
                    pool.set_group_id(data.query_numbers(SPLITS.get(part, part)))
        order = _order(data.train)
        return _Booster(params, self._pools, work, objective, done=done, order=order)

    def _metric(self, data: Data) -> str:
        if isinstance(data, RankingData):
            # CatBoost leaves it out of training rows where it is not told otherwise.
            return f"{NDCG};hints=skip_train~false"
        return "Accuracy" if data.classes else "RMSE"

    def open(self, path: Path, *, params: Mapping[str, Any], objective: str) -> Booster:
        """The final model."""
        import catboost

        booster = _Booster({}, {}, path.parent, objective, done=0, order=[])
        booster.model = catboost.CatBoost().load_model(str(path))
        return booster


class _Booster(Booster):
    stops_anywhere = True

    def __init__(
        self,
        params: Mapping[str, Any],
        pools: Mapping[str, catboost.Pool],
        work: Path,
        objective: str,
        *,
        done: int,
        order: list[int],
    ) -> None:
        self.params = params
        self.pools = pools
        self.work = work
        self.objective = objective
        self.done = done
        self.order = order
        self.model: catboost.CatBoost | None = None

    def advance(self, first: int, last: int, tell: Tell) -> int:
        self.model = self._fit(last, tell)
        done: int = self.model.tree_count_
        return done

    def _fit(self, rounds: int, tell: Tell) -> catboost.CatBoost:
        import catboost

        model = catboost.CatBoost({**self.params, "iterations": MANY})
        model.fit(
            self.pools["learn"],
            eval_set=self.pools.get("validation"),
            callbacks=[_Told(self.objective, rounds, tell)],
            save_snapshot=True,
            snapshot_file=SNAPSHOT,
            snapshot_interval=NEVER_SECONDS,
        )
        return model

    def _fitted(self) -> catboost.CatBoost:
        if self.model is None:
            # Resumed with no round left: the snapshot gives the model back.
            self.model = self._fit(self.done, lambda _step, _metrics: True)
        return self.model

    def _final(self, rounds: int) -> catboost.CatBoost:
        """The first rounds. CatBoost cuts symmetric trees only."""
        model = self._fitted()
        if rounds < model.tree_count_:
            model = model.copy()
            model.shrink(ntree_end=rounds)
        return model

    def save(self, path: Path) -> None:
        shutil.copyfile(self.work / SNAPSHOT, path)

    def predict(self, table: Table, *, rounds: int) -> Any:
        kind = KINDS.get(self.objective, "Probability")
        return self._fitted().predict(_pool(table, None), prediction_type=kind, ntree_end=rounds)

    def importance(self, *, rounds: int) -> dict[str, list[float]]:
        # Said because CatBoost would measure rankings by another one, on data.
        measured = self._final(rounds).get_feature_importance(type=IMPORTANCE).tolist()
        found = dict(zip(self.order, measured, strict=True))
        return {"prediction change": [found[at] for at in sorted(found)]}

    def export(self, path: Path, *, rounds: int) -> None:
        self._final(rounds).save_model(str(path))

    def trees(self, *, rounds: int) -> onnx_trees.Ensemble:
        return catboost_trees.ensemble(self._final(rounds), self.objective)


class _Told:
    """Tells of CatBoost's rounds, under the hub's names."""

    def __init__(self, objective: str, last: int, tell: Tell) -> None:
        self.objective = objective
        self.last = last
        self.tell = tell

    def after_iteration(self, info: Any) -> bool:
        """Called by CatBoost; says whether to go on."""
        metrics = {}
        for part, values in info.metrics.items():
            split = SPLITS.get(part, part)
            if NDCG in values:
                metrics[f"{split}/ndcg"] = values[NDCG][-1]
                metrics[f"{split}/loss"] = 1.0 - values[NDCG][-1]
                continue
            loss = values[self.objective][-1]
            metrics[f"{split}/loss"] = loss**2 if self.objective == "RMSE" else loss
            if "Accuracy" in values:
                metrics[f"{split}/accuracy"] = values["Accuracy"][-1]
            if "RMSE" in values:
                metrics[f"{split}/rmse"] = values["RMSE"][-1]
        return self.tell(info.iteration, metrics) and info.iteration < self.last


def _order(table: Table) -> list[int]:
    """Positions of the features as CatBoost counts them: those of categories last."""
    places = table.categorical
    return [at for at in range(len(table.names)) if at not in places] + places


def _pool(table: Table, targets: Any) -> catboost.Pool:
    """Numbers as they are; numbers of categories as texts, the missing one among them."""
    import catboost
    import numpy as np

    places = table.categorical
    if not places:
        return catboost.Pool(table.features, targets)
    plain = _order(table)[: -len(places)]
    codes = np.nan_to_num(table.features[:, places], nan=-1).astype(np.int64)
    features = catboost.FeaturesData(
        num_feature_data=table.features[:, plain].astype(np.float32) if plain else None,
        cat_feature_data=codes.astype(bytes).astype(object),
    )
    return catboost.Pool(features, targets)
