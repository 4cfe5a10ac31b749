"""Fills the run tables that MLflow and FastTrackML search, by SQL: logging a hundred thousand
runs through their clients would take hours and changes nothing of what is searched."""

from __future__ import annotations

import json
import sqlite3
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path

PARAMS = METRICS = 5
FILTER = "metrics.m0 > 0.5 and params.p0 = '3'"


class Sqlite:
    """The database of a server, for a moment."""

    def __init__(self, file: Path):
        self.base = sqlite3.connect(file)

    def columns(self, table: str) -> list[str]:
        return [row[1] for row in self.base.execute(f"PRAGMA table_info({table})")]

    def insert(self, table: str, columns: str, rows: Iterable[tuple]) -> None:
        marks = ", ".join("?" for _column in columns.split(","))
        self.base.executemany(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})", rows)

    def close(self) -> None:
        self.base.commit()
        self.base.close()


def fill(database, runs: int, *, fasttrackml: bool) -> str:
    """Adds runs with params and latest metrics to a database such as `Sqlite`; returns the
    experiment's id."""
    owner = ("namespace_id",) if "namespace_id" in database.columns("experiments") else ()
    columns = ("experiment_id", "name", "artifact_location", "lifecycle_stage", "creation_time",
               "last_update_time", *owner)  # fmt: skip
    row = (77, "table", "x", "active", 1, 1) + (1,) * len(owner)
    database.insert("experiments", ", ".join(columns), [row])
    if fasttrackml:
        database.insert("contexts", "id, json", [(1, "{}")])
    names = [f"{index:032x}" for index in range(runs)]
    number = ", row_num" if fasttrackml else ""
    database.insert(
        "runs",
        "run_uuid, name, source_type, user_id, status, start_time, end_time, lifecycle_stage, "
        f"artifact_uri, experiment_id{number}",
        (
            (key, f"run-{i}", "LOCAL", "u", "FINISHED", i, i + 1, "active", "x", 77)
            + ((i,) if fasttrackml else ())
            for i, key in enumerate(names)
        ),
    )
    database.insert(
        "params",
        f'"key", {"value_str" if fasttrackml else "value"}, run_uuid',
        ((f"p{j}", param(i, j), key) for i, key in enumerate(names) for j in range(PARAMS)),
    )
    context = (", last_iter, context_id", (1, 1)) if fasttrackml else ("", ())
    database.insert(
        "latest_metrics",
        f'"key", value, timestamp, step, is_nan, run_uuid{context[0]}',
        (
            (f"m{j}", metric(i, j), 1, 1, False, key, *context[1])
            for i, key in enumerate(names)
            for j in range(METRICS)
        ),
    )
    database.close()
    return "77"


def param(run: int, index: int) -> str:
    """Runs come in blocks of a hundred with the same params."""
    return str((run // 100 * 7 + index) % 10)


def metric(run: int, index: int) -> float:
    """Between 0 and 1, different for every run."""
    return ((run * 2654435761 + index * 40503) % 1_000_003) / 1_000_003


def search(url: str, experiment: str) -> float:
    """Milliseconds of one search: filter, sort, first hundred."""
    body = {
        "experiment_ids": [experiment], "filter": FILTER,
        "order_by": ["metrics.m0 DESC"], "max_results": 100,
    }  # fmt: skip
    request = urllib.request.Request(
        url + "/api/2.0/mlflow/runs/search", json.dumps(body).encode(),
        {"content-type": "application/json"},
    )  # fmt: skip
    begun = time.perf_counter()
    with urllib.request.urlopen(request) as answer:
        found = json.loads(answer.read())
    took = (time.perf_counter() - begun) * 1000
    if len(found.get("runs", [])) == 0:
        raise SystemExit("the search found nothing")
    return took
