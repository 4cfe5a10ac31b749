"""A run that was killed or stopped, at any step, ends as one that was left alone."""

from __future__ import annotations

import signal
from pathlib import Path

from mlhub_adapter.testing import RunDirectory

import support
from catalogue import INTERRUPTED, LORA
from nursery import Nursery

LAST_STEP = 24
WEIGHTS = "model/model.safetensors"


def check(resumed: RunDirectory, alone: RunDirectory, step: int) -> None:
    """The same predictions, weights and curve."""
    assert resumed.predictions() == alone.predictions()
    assert resumed.metrics() == [told for told in alone.metrics() if told[0] > step]
    assert (
        support.artifact(resumed, WEIGHTS).read_bytes()
        == support.artifact(alone, WEIGHTS).read_bytes()
    )


def test_the_same_seed_gives_the_same_bits(trained: dict[str, RunDirectory]) -> None:
    assert trained["lora"].metrics()
    check(trained["again"], trained["lora"], 0)


def test_killed_or_stopped_and_resumed_equals_uninterrupted(
    trained: dict[str, RunDirectory], nursery: Nursery, tmp_path: Path
) -> None:
    killed = support.texts(tmp_path / "killed", **INTERRUPTED)
    assert nursery.stop_after_checkpoint(killed, 5, signal.SIGKILL) == -signal.SIGKILL
    stopped = support.texts(tmp_path / "stopped", **INTERRUPTED)
    assert nursery.stop_after_checkpoint(stopped, 5, signal.SIGTERM) == 143
    steps = [killed.resume(), stopped.resume()]
    assert max(steps) < LAST_STEP, "they were to end on their way"
    # From the middle of a run that ended: what follows is trained once more.
    again = support.go_on(support.texts(tmp_path / "again", **LORA), trained["lora"], 5)
    assert [nursery.train(run) for run in (killed, stopped, again)] == [0, 0, 0]
    check(killed, trained["texts"], steps[0])
    check(stopped, trained["texts"], steps[1])
    check(again, trained["lora"], 5)
    assert trained["texts"].metrics()[-1][0] == LAST_STEP


def test_a_checkpoint_of_something_else_is_refused(
    trained: dict[str, RunDirectory], nursery: Nursery, tmp_path: Path
) -> None:
    slower = {**INTERRUPTED, "learning_rate": 0.01}
    run = support.go_on(support.texts(tmp_path, **slower), trained["texts"], 5)
    assert nursery.train(run) == 64
    (error,) = run.told("error")
    assert error["field"] == "resume"
    assert "params" in error["message"]
