"""Killed, stopped and resumed runs end as if nothing had happened."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from iris import iris

EPOCHS = {
    "estimator": "sklearn.neural_network.MLPClassifier",
    "arguments": {"hidden_layer_sizes": [16]},
    "preprocess": "standardize",
    "epochs": 120,
    "checkpoint_every": 1,
}
STAGES = {
    "estimator": "sklearn.ensemble.GradientBoostingClassifier",
    "arguments": {"n_estimators": 120, "subsample": 0.6},
    "stages": 60,
    "checkpoint_every": 1,
}


@pytest.mark.parametrize("params", [EPOCHS, STAGES], ids=["epochs", "stages"])
def test_killed_and_resumed_equals_uninterrupted(tmp_path: Path, params: dict[str, Any]) -> None:
    alone = iris(tmp_path / "alone", params)
    alone.succeed()
    killed = iris(tmp_path / "killed", params)
    assert killed.stop_after_checkpoint(4, signal.SIGKILL) == -signal.SIGKILL
    step = killed.resume()
    killed.succeed()
    assert killed.predictions() == alone.predictions()
    assert killed.metrics() == [told for told in alone.metrics() if told[0] > step]


def test_sigterm_saves_and_exits_with_143(tmp_path: Path) -> None:
    run = iris(tmp_path, {**EPOCHS, "epochs": 100_000})
    assert run.stop_after_checkpoint(1, signal.SIGTERM) == 143
    assert run.told("checkpoint")[-1]["step"] == run.metrics()[-1][0]
    assert not (run.dir / "predictions").exists()


def test_resuming_with_something_else_is_refused(tmp_path: Path) -> None:
    run = iris(tmp_path, {**EPOCHS, "epochs": 3})
    run.succeed()
    run.resume()
    run.file["params"] = {**EPOCHS, "epochs": 3, "preprocess": "minmax"}
    code, field, message = run.refusal()
    assert (code, field) == (64, "resume")
    assert "other params" in message


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    run = iris(tmp_path, {**EPOCHS, "epochs": 2})
    run.succeed()
    run.resume()
    (Path(run.file["resume"]["checkpoint"]) / "state").write_bytes(b"\x80\x05torn")
    code, field, _ = run.refusal()
    assert (code, field) == (64, "resume.checkpoint")
