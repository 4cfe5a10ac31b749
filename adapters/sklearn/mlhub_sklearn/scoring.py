"""Measures a fitted estimator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LOSS_EPSILON = 1e-15
"""Probabilities are kept this far from 0 in the loss."""


def probabilities(estimator: Any, features: Floats, classes: int) -> Floats | None:
    """Probabilities ``[rows, classes]``, or None where the estimator has none."""
    if not hasattr(estimator, "predict_proba"):
        return None
    return _all_classes(estimator.predict_proba(features), estimator.classes_, classes)


def measure(
    estimator: Any, features: Floats, targets: npt.NDArray[Any], classes: int
) -> dict[str, float]:
    """Loss and accuracy of a classifier, or loss and rmse of a regressor."""
    predicted = estimator.predict(features)
    if not classes:
        return _regression(predicted, targets)
    metrics = {"accuracy": float(np.mean(predicted == targets))}
    table = probabilities(estimator, features, classes)
    if table is not None:
        metrics["loss"] = _log_loss(table, targets)
    return metrics


def curve_afterwards(
    estimator: Any, features: Floats, targets: npt.NDArray[Any], classes: int
) -> Iterator[tuple[int, dict[str, float]]]:
    """The training curve that an estimator fitted in one go remembers, if any."""
    if classes and hasattr(estimator, "staged_predict_proba"):
        for step, part in enumerate(estimator.staged_predict_proba(features), 1):
            table = _all_classes(part, estimator.classes_, classes)
            yield step, {"train/loss": _log_loss(table, targets)}
    elif not classes and hasattr(estimator, "staged_predict"):
        for step, part in enumerate(estimator.staged_predict(features), 1):
            yield step, {"train/loss": _regression(part, targets)["loss"]}
    elif hasattr(estimator, "loss_curve_"):
        # The estimator's own objective, penalties included: not the plain loss.
        for step, value in enumerate(estimator.loss_curve_, 1):
            yield step, {"train/objective": float(value)}


def _all_classes(part: Floats, known: npt.NDArray[Any], classes: int) -> Floats:
    """Columns for every class; 0 for those the training rows did not have."""
    table = np.zeros((len(part), classes))
    table[:, np.asarray(known, dtype=np.int64)] = part
    return table


def _log_loss(table: Floats, targets: npt.NDArray[Any]) -> float:
    own = table[np.arange(len(targets)), targets]
    return float(-np.mean(np.log(np.maximum(own, LOSS_EPSILON))))


def _regression(predicted: Floats, targets: npt.NDArray[Any]) -> dict[str, float]:
    loss = float(np.mean((np.asarray(predicted).ravel() - targets) ** 2))
    return {"loss": loss, "rmse": loss**0.5}
