"""The estimator of the ``cluster`` adapter: made by its import path, fitted, applied, measured.

Knows scikit-learn's interface and no file.
"""

from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure

if TYPE_CHECKING:
    from mlhub_adapter import Run

ESTIMATOR = "params.estimator"
BLAMED = re.compile(r"The '(\w+)' parameter of")
NOISE = -1
"""The group of rows that scikit-learn leaves in none."""


@dataclass(frozen=True)
class Found:
    """What a model says of rows: groups, or scores from 0 to 1 and whether they are outliers."""

    groups: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    flags: list[bool] = field(default_factory=list)

    @property
    def columns(self) -> tuple[list[Any], ...]:
        """What there is of them."""
        return (self.groups,) if self.groups else (self.scores, self.flags)


class Fitted:
    """A fitted estimator and the scaling of its inputs."""

    def __init__(self, scaler: Any, estimator: Any, rows: Any, *, detects: bool) -> None:
        self.scaler = scaler
        self.estimator = estimator
        self.detects = detects
        self.training_groups: list[int] = []
        self.spread = 1.0
        """Standard deviation of the training rows' decisions: makes scores comparable."""
        self._near: Any = None
        if detects:
            self.spread = float(estimator.decision_function(rows).std()) or 1.0
            return
        groups = getattr(estimator, "labels_", None)
        groups = estimator.predict(rows) if groups is None else groups
        self.training_groups = [int(group) for group in groups]
        if not hasattr(estimator, "predict"):
            from sklearn.neighbors import KNeighborsClassifier

            self._near = KNeighborsClassifier(1).fit(rows, groups)

    def apply(self, features: Any, *, training: bool = False) -> Found:
        """Groups or scores of rows. The training rows keep the groups they were given."""
        import numpy as np

        if training and not self.detects:
            return Found(groups=self.training_groups)
        rows = self._scaled(features)
        if self.detects:
            decision = self.estimator.decision_function(rows) / self.spread
            scores = 1.0 / (1.0 + np.exp(np.clip(decision, -500, 500)))
            flags = (self.estimator.predict(rows) == -1).tolist()
            return Found(scores=scores.tolist(), flags=flags)
        found = (self._near or self.estimator).predict(rows)
        return Found(groups=[int(group) for group in found])

    def told(self) -> dict[str, float]:
        """What the fit itself says."""
        told = {}
        for name, key in (("inertia_", "inertia"), ("n_iter_", "iterations")):
            value = getattr(self.estimator, name, None)
            if isinstance(value, (int, float)):
                told[f"train/{key}"] = float(value)
        if not self.detects:
            told["train/clusters"] = float(len(set(self.training_groups) - {NOISE}))
        return told

    def measures(
        self, features: Any, found: Found, known: list[str] | None, *, rows: int, seed: int
    ) -> dict[str, float]:
        """How well the groups are apart, and agree with labels where there are some."""
        import numpy as np
        from sklearn import metrics

        if self.detects:
            return {"anomaly_fraction": sum(found.flags) / len(found.flags)}
        groups = np.array(found.groups)
        told = {"noise_fraction": float(np.mean(groups == NOISE))}
        kept = groups != NOISE
        inside, apart = self._scaled(features)[kept], groups[kept]
        if 2 <= len(set(apart.tolist())) < len(apart):
            sample = min(rows, len(apart))
            # The sample has one group only where groups are tiny: then there is no value.
            chosen = np.random.default_rng(seed).permutation(len(apart))[:sample]
            if 2 <= len(set(apart[chosen].tolist())) < sample:
                told["silhouette"] = metrics.silhouette_score(inside[chosen], apart[chosen])
            told["davies_bouldin"] = metrics.davies_bouldin_score(inside, apart)
            told["calinski_harabasz"] = metrics.calinski_harabasz_score(inside, apart)
        if known is not None:
            told["adjusted_rand"] = metrics.adjusted_rand_score(known, groups)
            told["normalised_mutual_information"] = metrics.normalized_mutual_info_score(
                known, groups
            )
            told["v_measure"] = metrics.v_measure_score(known, groups)
        return {name: float(value) for name, value in told.items()}

    def _scaled(self, features: Any) -> Any:
        return features if self.scaler is None else self.scaler.transform(features)


def fit(run: Run, features: Any) -> Fitted:
    """Fits what the params name; what scikit-learn refuses is refused by its argument."""
    scaler = _scaler(run.params["scale"])
    rows = features if scaler is None else scaler.fit_transform(features)
    estimator, detects = _build(run)
    try:
        estimator.fit(rows)
    except ValueError as error:
        raise _blamed(error) from None
    return Fitted(scaler, estimator, rows, detects=detects)


def _scaler(name: str) -> Any:
    from sklearn import preprocessing

    kinds = {"standard": "StandardScaler", "robust": "RobustScaler", "minmax": "MinMaxScaler"}
    return getattr(preprocessing, kinds[name])() if name in kinds else None


def _build(run: Run) -> tuple[Any, bool]:
    """The estimator, seeded, and whether it detects outliers."""
    from sklearn.base import is_clusterer, is_outlier_detector

    kind = _load(run.params["estimator"])
    known = set(inspect.signature(kind).parameters)
    arguments = dict(run.params["arguments"])
    for name in arguments:
        if name not in known:
            where = f"params.arguments.{name}"
            raise failure.unknown(where, name, known, f"an argument of {kind.__name__}")
    if "random_state" in arguments:
        run.refuse("params.arguments.random_state", "is the run's seed; set seeds instead")
    if "random_state" in known:
        arguments["random_state"] = run.small_seed
    if "novelty" in known:
        # Without it, LocalOutlierFactor can say nothing of new rows.
        arguments["novelty"] = True
    try:
        estimator = kind(**arguments)
    except (TypeError, ValueError) as error:
        raise _blamed(error) from None
    if is_outlier_detector(estimator):
        return estimator, True
    # Mixtures are no clusterers by their tag, and group all the same.
    if is_clusterer(estimator) or kind.__name__.endswith("GaussianMixture"):
        return estimator, False
    raise failure.config(ESTIMATOR, f"{kind.__name__} neither clusters nor detects outliers")


def _load(path: str) -> Any:
    module_name, _, name = path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ImportError:
        raise failure.config(
            ESTIMATOR, f"{module_name} cannot be imported in the adapter's environment"
        ) from None
    classes = {key for key, value in vars(module).items() if inspect.isclass(value)}
    if name not in classes:
        raise failure.unknown(ESTIMATOR, name, classes, f"a class of {module_name}")
    found = getattr(module, name)
    if not callable(getattr(found, "fit", None)):
        raise failure.config(ESTIMATOR, f"{path} is no class with a fit method")
    return found


def _blamed(error: Exception) -> failure.Refused:
    match = BLAMED.search(str(error))
    where = f"params.arguments.{match.group(1)}" if match else "params.arguments"
    return failure.config(where, str(error).splitlines()[0])
