"""Trackio with its embedded store (SQLite behind a background thread)."""

from __future__ import annotations

import os
from pathlib import Path

MODULE = "trackio"


def _at(folder: Path):
    os.environ["TRACKIO_DIR"] = str(folder)
    import trackio

    return trackio


def open(folder: Path, name: str):
    return _at(folder).init(
        project="bench", name=name, embed=False, auto_log_gpu=False, auto_log_cpu=False
    )


def log(run, metrics: dict[str, float], step: int) -> None:
    run.log(metrics, step=step)


def close(run) -> None:
    run.finish()


def count(folder: Path, name: str) -> int:
    import json
    import sqlite3

    _at(folder)
    total = 0
    for path in folder.glob("**/*.db"):
        base = sqlite3.connect(path)
        tables = {row[0] for row in base.execute("SELECT name FROM sqlite_master")}
        if "metrics" in tables:
            sql = "SELECT metrics FROM metrics WHERE run_name = ?"
            for (text,) in base.execute(sql, (name,)):
                total += len(json.loads(text))
    return total


def history(folder: Path, name: str, metric: str) -> list[float]:
    storage = _at(folder).SQLiteStorage
    return [row[metric] for row in storage.get_logs("bench", name) if metric in row]
