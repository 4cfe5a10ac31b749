"""Forecasters of one's own, as a project would have them."""

from __future__ import annotations

from typing import Any


class Growth:
    """Goes on with the mean change of the last rows."""

    def __init__(self, rows: int = 24) -> None:
        if rows < 1:
            raise ValueError("rows must be positive")
        self.rows = rows

    def fit(self, y: Any) -> Growth:
        """Takes a series of pandas."""
        last = y.to_numpy()[-self.rows - 1 :]
        self.last, self.change = last[-1], (last[-1] - last[0]) / (len(last) - 1)
        return self

    def predict(self, fh: Any) -> Any:
        """Values for the steps ``fh``, counted from 1."""
        return self.last + self.change * fh


class Bounded(Growth):
    """Needs the steps already when it is fitted, and has bounds."""

    def fit(self, y: Any, X: Any = None, fh: Any = None) -> Bounded:  # noqa: N803
        """As sktime's forecasters are called."""
        self.steps = len(fh)
        super().fit(y)
        return self

    def predict_interval(self, fh: Any, coverage: float) -> Any:
        """Lower and upper bounds ``[steps, 2]``."""
        import numpy as np

        found = self.predict(fh)
        return np.column_stack([found - coverage * self.steps, found + coverage * self.steps])


class Noisy(Growth):
    """Draws from numpy's global generator."""

    def predict(self, fh: Any) -> Any:
        """The values with noise."""
        import numpy as np

        return super().predict(fh) + np.random.standard_normal(len(fh))


class Shy(Growth):
    """Gives fewer values than it is asked for."""

    def predict(self, fh: Any) -> Any:
        """All but the last."""
        return super().predict(fh)[:-1]
