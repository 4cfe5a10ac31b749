"""Runs of the adapter on iris."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlhub_adapter.testing import TIME_LIMIT_SECONDS, RunDirectory, interpreter

ADAPTER = Path(__file__).resolve().parent.parent
IRIS = (ADAPTER / "smoke.csv").read_text(encoding="utf-8")

TOGETHER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from mlhub_adapter.adapter import execute
from mlhub_sklearn.adapter import Sklearn
print(json.dumps([execute(Sklearn(), json.loads(arguments)) for arguments in sys.argv[2:]]))
"""


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


def together(runs: list[RunDirectory], commands: list[list[str]]) -> list[int]:
    """Commands of the adapter in one process, which loads the library once; returns their
    exit codes. The runs are those that are to be written first."""
    for run in runs:
        run.write()
    program = runs[0].start(
        [interpreter(), "-c", TOGETHER, str(ADAPTER)], [json.dumps(command) for command in commands]
    )
    said, problems = program.communicate(timeout=TIME_LIMIT_SECONDS)
    assert program.returncode == 0, problems
    codes: list[int] = json.loads(said.splitlines()[-1])
    return codes
