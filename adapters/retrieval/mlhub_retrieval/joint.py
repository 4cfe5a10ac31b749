"""Brings two views of the same rows into one space, so that one finds the other.

Both ways have closed forms: canonical correlations (H. Hotelling, "Relations between two
sets of variates", Biometrika 28, 1936) and ridge regression of one view on the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def fit(
    method: str, first: Any, second: Any, *, dimensions: int, regularisation: float
) -> dict[str, Any]:
    """Means and projections of both views, learned from rows ``[n, d1]`` and ``[n, d2]``.

    ``regularisation`` is relative to the mean variance of a view's directions.
    """
    means = {"mean_0": first.mean(axis=0), "mean_1": second.mean(axis=0)}
    x, y = first - means["mean_0"], second - means["mean_1"]
    projections = (
        _canonical(x, y, dimensions, regularisation)
        if method == "cca"
        else _ridge(x, y, regularisation)
    )
    return {**means, **projections}


def project(state: Mapping[str, Any], at: int, rows: Any) -> Any:
    """Rows of the view number ``at`` in the common space."""
    return (rows - state[f"mean_{at}"]) @ state[f"projection_{at}"]


def _canonical(x: Any, y: Any, dimensions: int, regularisation: float) -> dict[str, Any]:
    import numpy as np

    white_x, white_y = _whitening(x, regularisation), _whitening(y, regularisation)
    cross = white_x @ (x.T @ y / len(x)) @ white_y
    left, correlations, right = np.linalg.svd(cross, full_matrices=False)
    kept = min(dimensions, len(correlations))
    # Weighed by their correlations: directions that the views do not share tell little.
    weights = correlations[:kept]
    return {
        "projection_0": white_x @ left[:, :kept] * weights,
        "projection_1": white_y @ right.T[:, :kept] * weights,
        "correlations": weights,
    }


def _ridge(x: Any, y: Any, regularisation: float) -> dict[str, Any]:
    """The first view is mapped to the second, whose space is the common one."""
    import numpy as np

    return {
        "projection_0": np.linalg.solve(_covariance(x, regularisation), x.T @ y / len(x)),
        "projection_1": np.eye(y.shape[1]),
    }


def _covariance(rows: Any, regularisation: float) -> Any:
    import numpy as np

    covariance = rows.T @ rows / len(rows)
    mean = np.trace(covariance) / len(covariance)
    return covariance + np.eye(len(covariance)) * max(regularisation * mean, 1e-12)


def _whitening(rows: Any, regularisation: float) -> Any:
    import numpy as np

    values, vectors = np.linalg.eigh(_covariance(rows, regularisation))
    return vectors @ np.diag(values**-0.5) @ vectors.T
