"""What goes wrong in telling a run of a training undoes no training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mlhub


def test_what_goes_wrong_in_telling_undoes_no_fit(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """An estimator by duck type, without the methods of scikit-learn's base class."""

    class Plain:
        def fit(self, features: Any, labels: Any) -> Any:
            self.fitted = True
            return self

    run = mlhub.init(dir=tmp_path, console="off")
    model = mlhub.sklearn.track(Plain())
    assert model.fit([[1]], [1]).fitted
    assert capfd.readouterr().err.count("fit is not recorded") == 1
    run.finish()
    with pytest.raises(TypeError, match="nonsense"):
        mlhub.sklearn.track(Plain(), nonsense=1).fit([[1]], [1])


def test_a_hook_that_fails_stops_no_training(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from mlhub.integrations._common import RunHolder, guarded_hook

    class Callback:
        def __init__(self, run: mlhub.Run) -> None:
            self._holder = RunHolder(run, {})

        @guarded_hook
        def on_step(self) -> None:
            raise RuntimeError("a library that changed its ways")

    callback = Callback(mlhub.init(dir=tmp_path, console="off"))
    callback.on_step()
    callback.on_step()
    assert capfd.readouterr().err.count("Callback.on_step: a library that changed") == 1
    strict = Callback(mlhub.init(dir=tmp_path, console="off", strict=True))
    with pytest.raises(mlhub.MlhubError, match="changed its ways"):
        strict.on_step()
