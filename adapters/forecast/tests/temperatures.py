"""Run directories on the smoke data: sea surface temperatures by month, split in their order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlhub_adapter.testing import TIME_LIMIT_SECONDS, RunDirectory, interpreter

ADAPTER = Path(__file__).resolve().parent.parent
TRAIN = str(ADAPTER / "train.py")
TESTS = str(ADAPTER / "tests")
LINES = (ADAPTER / "smoke.csv").read_text(encoding="utf-8").splitlines()
HEADER, ROWS = LINES[0], LINES[1:]

SPLITS = {"train": ROWS[:204], "test": ROWS[204:228]}
"""Seventeen years to learn from, two to forecast."""


def two_series() -> dict[str, list[str]]:
    """The years from 1991 and those from 2001 as series of one table, sorted by time."""
    rows = [
        row
        for at in range(120)
        for row in (f"{ROWS[at]},nineties", f"{at},{ROWS[120 + at].split(',')[1]},noughties")
    ]
    # Times of a series are compared with its own only, so numbers and dates may meet.
    return {"train": rows[:192], "test": rows[192:]}


def forecasting(
    folder: Path,
    params: Mapping[str, Any],
    *,
    splits: Mapping[str, list[str]] = SPLITS,
    header: str = HEADER,
    project: str = TESTS,
) -> RunDirectory:
    """A run of these splits; the test split is predicted."""
    given = {"model": "naive", "season_length": 12, **params}
    command = [interpreter(), TRAIN, "--project", project]
    run = RunDirectory(folder, command, params=given, task="regression")
    parts = {}
    for name, rows in splits.items():
        path = folder / f"{name}.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        parts[name] = {"path": str(path), "rows": len(rows), "fingerprint": f"{name}-1"}
    run.file["dataset"] = {
        "name": "temperatures",
        "version": 1,
        "fingerprint": "f",
        "format": "csv",
        "target": "celsius",
        "splits": parts,
    }
    return run


def together(runs: Sequence[RunDirectory]) -> list[int]:
    """Exit codes of the adapter on all of them, in one process: libraries are imported once."""
    for run in runs:
        run.write()
    command = [interpreter(), str(ADAPTER / "tests" / "every.py")]
    program = runs[0].start(command, [str(run.dir) for run in runs])
    said, errors = program.communicate(timeout=TIME_LIMIT_SECONDS)
    assert program.returncode == 0, errors
    codes: list[int] = json.loads(said.splitlines()[-1])
    return codes


def blame(run: RunDirectory) -> tuple[str, str]:
    """Field and message of the one error it told of."""
    (told,) = run.told("error")
    return told["field"], told["message"]


def error(rows: list[list[str]]) -> float:
    """Mean absolute error of a prediction file, the header first."""
    return sum(abs(float(row[1]) - float(row[2])) for row in rows[1:]) / (len(rows) - 1)
