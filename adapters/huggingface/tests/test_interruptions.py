"""A run that was killed or stopped, at any step, ends as one that was left alone."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from mlhub_adapter.testing import RunDirectory

import support

# Steps within an epoch, dropout, accumulation that does not divide the epoch (8
# batches by 3), and points of the curve that checkpoints fall between.
PARAMS: dict[str, Any] = {
    "batch_size": 16,
    "gradient_accumulation": 3,
    "checkpoint_every": 5,
    "log_every": 3,
    "validation_fraction": 0.2,
    "max_steps": 12,
}


def check(resumed: RunDirectory, alone: RunDirectory, step: int) -> None:
    """The same predictions, weights and curve."""
    assert resumed.predictions() == alone.predictions()
    assert resumed.metrics() == [told for told in alone.metrics() if told[0] > step]
    weights = "model/model.safetensors"
    assert (
        support.artifact(resumed, weights).read_bytes()
        == support.artifact(alone, weights).read_bytes()
    )


def test_killed_or_stopped_and_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    more = {
        "lora": {"rank": 4, "target_modules": ["q_lin", "v_lin"]},
        "early_stopping_patience": 50,
        "evaluate_every": 4,
        "learning_rate": 0.02,
    }
    alone = support.texts(tmp_path / "alone", **PARAMS)
    lora = support.texts(tmp_path / "lora", **PARAMS, **more)
    again = support.texts(tmp_path / "again", **PARAMS, **more)
    killed = support.texts(tmp_path / "killed", **PARAMS)
    assert killed.stop_after_checkpoint(5, signal.SIGKILL) == -signal.SIGKILL
    stopped = support.texts(tmp_path / "stopped", **PARAMS)
    assert stopped.stop_after_checkpoint(5, signal.SIGTERM) == 143
    steps = [killed.resume(), stopped.resume()]
    assert max(steps) < 12, "they were to end on their way"
    assert support.together([alone, lora, again, killed, stopped]) == [0] * 5
    later = again.resume(at=5)
    assert support.together([again]) == [0]
    check(killed, alone, steps[0])
    check(stopped, alone, steps[1])
    check(again, lora, later)


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    run = support.texts(tmp_path, max_steps=4, checkpoint_every=2)
    run.succeed()
    assert run.resume() == 4
    run.file["params"]["learning_rate"] = 0.01
    code, field, message = run.refusal()
    assert (code, field) == (64, "resume")
    assert "params" in message
