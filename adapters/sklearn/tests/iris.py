"""Runs of the adapter on iris."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlhub_adapter.testing import RunDirectory, interpreter

ADAPTER = Path(__file__).resolve().parent.parent
IRIS = (ADAPTER / "smoke.csv").read_text(encoding="utf-8")


def iris(
    folder: Path,
    params: dict[str, Any],
    *,
    text: str = IRIS,
    target: str = "species",
    task: str | None = "multiclass",
) -> RunDirectory:
    """A run on iris, unless told otherwise; every fifth row is the test split."""
    command = [interpreter(), str(ADAPTER / "train.py")]
    return RunDirectory(folder, command, params=params, text=text, target=target, task=task)
