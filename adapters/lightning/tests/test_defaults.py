"""What the adapter tells of the Trainer's defaults."""

from __future__ import annotations

from pathlib import Path

from test_lightning import run_of


def test_defaults_are_those_of_the_trainer_without_what_is_given(tmp_path: Path) -> None:
    told = run_of(tmp_path, trainer={"accelerator": "cpu"}).defaults()
    assert told["subject"] == "Trainer"
    assert "torch" in told["libraries"]
    assert len(told["libraries"]) >= 2
    assert "accumulate_grad_batches" in told["values"]
    assert not {"accelerator", "max_epochs", "logger", "self"} & set(told["values"])
