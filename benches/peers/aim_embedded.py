"""Aim with its embedded store (RocksDB)."""

from __future__ import annotations

from pathlib import Path

import aim

MODULE = "aim"


def open(folder: Path, name: str):
    run = aim.Run(
        repo=str(folder), experiment="bench", system_tracking_interval=None,
        capture_terminal_logs=False, log_system_params=False,
    )  # fmt: skip
    run["bench_name"] = name
    return run


def log(run, metrics: dict[str, float], step: int) -> None:
    run.track(metrics, step=step)


def close(run) -> None:
    run.close()


def _runs(folder: Path, name: str):
    repo = aim.Repo(str(folder))
    # Not read-only: a run that Aim has not indexed yet is empty that way.
    quiet = {"system_tracking_interval": None, "capture_terminal_logs": False}
    runs = (aim.Run(key, repo=repo, **quiet) for key in repo.list_all_runs())
    return [run for run in runs if run.get("bench_name") == name]


def count(folder: Path, name: str) -> int:
    return sum(
        len(metric.values.sparse_list()[0])
        for run in _runs(folder, name)
        for metric in run.metrics()
    )


def history(folder: Path, name: str, metric: str) -> list[float]:
    series = _runs(folder, name)[0].get_metric(metric, _context())
    return list(series.values.sparse_list()[1])


def _context():
    from aim.storage.context import Context

    return Context({})
