"""Runs that are killed, told to stop, resumed and repeated."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from mlhub_adapter.testing import RunDirectory
from temperatures import forecasting

LONG = {"horizon_max": 1, "folds": 60}
"""Enough fits, with a checkpoint each, to be killed between two of them."""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run that nothing disturbed."""
    return forecasting(tmp_path_factory.mktemp("alone"), LONG).succeed()


def left(run: RunDirectory) -> dict[str, bytes]:
    """Predictions and artifacts, byte by byte."""
    paths = [path for part in ("predictions", "artifacts") for path in (run.dir / part).iterdir()]
    return {path.name: path.read_bytes() for path in paths}


@pytest.mark.parametrize(("how", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143)])
def test_an_interrupted_run_ends_as_if_it_had_not_been(
    tmp_path: Path, alone: RunDirectory, how: signal.Signals, code: int
) -> None:
    run = forecasting(tmp_path, LONG)
    assert run.stop_after_checkpoint(10, how) == code
    assert not run.told("predictions")
    step = run.resume()
    assert 10 <= step < 61
    run.succeed()
    assert left(run) == left(alone)
    assert run.metrics() == [told for told in alone.metrics() if told[0] > step]


def test_the_same_seed_gives_the_same_bits(tmp_path: Path, alone: RunDirectory) -> None:
    again = forecasting(tmp_path, LONG).succeed()
    assert left(again) == left(alone)
    assert again.metrics() == alone.metrics()


def test_a_checkpoint_of_another_training_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    run = forecasting(tmp_path, {"folds": 2}).succeed()
    run.resume(at=2)
    run.file["params"]["folds"] = 3
    code, field, message = run.refusal()
    assert (code, field) == (64, "resume")
    assert "params" in message
    (run.dir / "events" / "main.jsonl").unlink()
    run.file["params"]["folds"] = 2
    (Path(run.file["resume"]["checkpoint"]) / "state").write_text('{"errors": 3}')
    code, field, _ = run.refusal()
    assert (code, field) == (64, "resume.checkpoint")
