"""Fills the run tables that MLflow and FastTrackML search, by SQL: logging a hundred thousand
runs through their clients would take hours and changes nothing of what is searched."""

from __future__ import annotations

import json
import sqlite3
import time
import urllib.request
from pathlib import Path

PARAMS = METRICS = 5
FILTER = "metrics.m0 > 0.5 and params.p0 = '3'"


def fill(database: Path, runs: int, *, fasttrackml: bool) -> str:
    """Adds runs with params and latest metrics; returns the experiment's id."""
    base = sqlite3.connect(database)
    columns = [row[1] for row in base.execute("PRAGMA table_info(experiments)")]
    extra = ", namespace_id" if "namespace_id" in columns else ""
    value = ", 1" if extra else ""
    base.execute(
        "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, "
        f"creation_time, last_update_time{extra}) VALUES (77, 'table', 'x', 'active', 1, 1{value})"
    )
    if fasttrackml:
        base.execute("INSERT OR IGNORE INTO contexts (id, json) VALUES (1, '{}')")
    names = [f"{index:032x}" for index in range(runs)]
    row_num = ", row_num" if fasttrackml else ""
    base.executemany(
        "INSERT INTO runs (run_uuid, name, source_type, user_id, status, start_time, end_time, "
        f"lifecycle_stage, artifact_uri, experiment_id{row_num}) VALUES "
        f"(?, ?, 'LOCAL', 'u', 'FINISHED', ?, ?, 'active', 'x', 77{', ?' if row_num else ''})",
        (
            (key, f"run-{i}", i, i + 1) + ((i,) if fasttrackml else ())
            for i, key in enumerate(names)
        ),
    )
    param_value = "value_str" if fasttrackml else "value"
    base.executemany(
        f'INSERT INTO params ("key", {param_value}, run_uuid) VALUES (?, ?, ?)',
        ((f"p{j}", param(i, j), key) for i, key in enumerate(names) for j in range(PARAMS)),
    )
    context = (", last_iter, context_id", ", 1, 1") if fasttrackml else ("", "")
    base.executemany(
        f'INSERT INTO latest_metrics ("key", value, timestamp, step, is_nan, run_uuid{context[0]}) '
        f"VALUES (?, ?, 1, 1, 0, ?{context[1]})",
        ((f"m{j}", metric(i, j), key) for i, key in enumerate(names) for j in range(METRICS)),
    )
    base.commit()
    base.close()
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
