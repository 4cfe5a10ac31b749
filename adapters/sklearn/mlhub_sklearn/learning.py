"""The three ways an estimator learns: whole, by epochs, or by stages.

A learner is asked to reach one step after the other; between two steps the
caller may measure, save and stop. What it does at a step depends only on the
estimator's state, the seed and the step's number, so that going on from a
saved estimator equals never having stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from mlhub_adapter import failure

from mlhub_sklearn.estimator import parameters
from mlhub_sklearn.params import DEFAULT_EPOCHS, Params
from mlhub_sklearn.scoring import Floats

HIST_EARLY_STOPPING_ROWS = 10_000
"""Above this, histogram boosting's ``early_stopping="auto"`` means yes."""


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """What is learned from: features, targets, and how many classes (0: values)."""

    features: Floats
    targets: npt.NDArray[Any]
    classes: int
    seed: int


class Learner(Protocol):
    """One way of learning."""

    name: str
    steps: list[int]
    """The steps to reach, ascending; their unit is the learner's."""
    grows: str | None
    """The argument that only says how far to train, if there is one."""
    in_steps: bool
    """Whether it can be saved and stopped between steps."""

    def advance(self, estimator: Any, data: TrainingData, step: int) -> None:
        """Trains the estimator from the step before to ``step``."""


class Whole:
    """One call of ``fit``."""

    name = "whole"
    in_steps = False
    grows: str | None = None

    def __init__(self) -> None:
        self.steps = [1]

    def advance(self, estimator: Any, data: TrainingData, step: int) -> None:
        """Fits."""
        estimator.fit(data.features, data.targets)


class Epochs:
    """``partial_fit`` once per pass, over rows in a seeded order."""

    name = "epochs"
    in_steps = True
    grows: str | None = "max_iter"

    def __init__(self, epochs: int) -> None:
        self.steps = list(range(1, epochs + 1))

    def advance(self, estimator: Any, data: TrainingData, step: int) -> None:
        """One pass."""
        key = [abs(data.seed), int(data.seed < 0), step]
        order = np.random.default_rng(key).permutation(len(data.targets))
        known = {"classes": np.arange(data.classes)} if data.classes else {}
        estimator.partial_fit(data.features[order], data.targets[order], **known)


class Stages:
    """``warm_start`` with a growing number of trees or iterations."""

    name = "stages"
    in_steps = True

    def __init__(self, grows: str, total: int, stages: int) -> None:
        self.grows: str | None = grows
        sizes = {round(total * stage / stages) for stage in range(1, stages + 1)}
        self.steps = sorted(sizes - {0})

    def advance(self, estimator: Any, data: TrainingData, step: int) -> None:
        """Grows to ``step`` trees or iterations."""
        estimator.set_params(warm_start=True, **{str(self.grows): step})
        estimator.fit(data.features, data.targets)


def choose(estimator: Any, params: Params, rows: int) -> Learner:
    """The way the params ask for, or the finest the estimator supports."""
    name = type(estimator).__name__
    grows = _grown_argument(estimator, rows)
    if params.training == "stages" and grows is None:
        raise failure.config(
            "params.training",
            f"{name} with these arguments cannot be trained in stages: it needs warm_start, "
            "a number of estimators and no early stopping; use auto",
        )
    if params.training == "epochs" and not hasattr(estimator, "partial_fit"):
        raise failure.config(
            "params.training", f"{name} with these arguments has no partial_fit; use auto"
        )
    if params.training == "stages" or (params.training == "auto" and grows is not None):
        return Stages(str(grows), parameters(estimator)[str(grows)], params.stages)
    if params.training == "epochs" or (params.training == "auto" and _by_epochs(estimator)):
        given = params.arguments.get("max_iter")
        return Epochs(params.epochs or given or DEFAULT_EPOCHS)
    return Whole()


def _grown_argument(estimator: Any, rows: int) -> str | None:
    """The argument that warm starts grow, when growing equals fitting at once."""
    values = parameters(estimator)
    if "warm_start" not in values or values.get("oob_score"):
        return None
    early = values.get("early_stopping", False)
    if early == "auto":
        early = rows > HIST_EARLY_STOPPING_ROWS
    if early or (values.get("n_iter_no_change") is not None and "n_estimators" in values):
        return None
    if isinstance(values.get("n_estimators"), int):
        return "n_estimators"
    # Elsewhere a warm start restarts the solver, which is another algorithm.
    boosts = type(estimator).__module__.startswith("sklearn.ensemble.")
    if boosts and isinstance(values.get("max_iter"), int):
        return "max_iter"
    return None


def _by_epochs(estimator: Any) -> bool:
    """Whether passes of ``partial_fit`` are its own way of learning.

    Estimators that count (naive Bayes, for one) have ``partial_fit`` for data
    in parts; a second pass would count every row twice. They have no number of
    iterations.
    """
    values = parameters(estimator)
    return (
        hasattr(estimator, "partial_fit")
        and "max_iter" in values
        and not values.get("early_stopping")
        and values.get("class_weight") != "balanced"
    )
