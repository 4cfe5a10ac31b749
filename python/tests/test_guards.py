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
    assert capfd.readouterr().err.count("Callback.on_step: RuntimeError in test_guards.py") == 1
    strict = Callback(mlhub.init(dir=tmp_path, console="off", strict=True))
    with pytest.raises(mlhub.MlhubError, match="RuntimeError"):
        strict.on_step()


def test_words_of_others_are_not_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """An error of a library may show the value it could not take."""

    class Patient:
        def __iter__(self) -> Any:
            raise ValueError("could not convert 'born 1970'")

    run = mlhub.init(dir=tmp_path, console="off")
    run.log_histogram("age", Patient())
    run.log_image("scan", tmp_path / "missing.png")
    run.log_histogram("none")
    run.alert("x", level="loud")
    told = capfd.readouterr().err
    assert "born" not in told
    assert "log_histogram: ValueError in test_guards.py, line" in told
    assert "there is no file" in told
    assert "log_histogram: a histogram needs values" in told
    assert "alert: level must be one of" in told
