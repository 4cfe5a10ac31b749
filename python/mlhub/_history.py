"""Histories of many runs as one table: whole, or a sample with every spike.

Whole histories come as a stream: as Arrow where the form asked for is made of it, else
as JSON lines. Nothing else of the hub is asked here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ._frames import frame, number
from ._http import Hub
from ._problems import MlhubError

__all__ = ["COLUMNS", "sampled", "whole"]

COLUMNS = ("run", "metric", "step", "time_ms", "value")
RUNS_MAX = 1000
"""Runs of one request."""
SERIES_MAX = 1000
"""Series of one request."""
SAMPLES_MAX = 100_000
"""Points of one series in one answer."""
POINTS_MAX = 4_000_000
"""Points of all series in one answer."""
ARROW = "application/vnd.apache.arrow.stream"


def whole(
    hub: Hub, runs: list[str], metrics: list[str] | None, window: dict[str, Any], format: str
) -> Any:
    """Every point. Raises MlhubError, or ImportError when the library is missing."""
    bodies = [
        {"runs": runs[first : first + RUNS_MAX], **chosen(metrics), **given(window)}
        for first in range(0, len(runs), RUNS_MAX)
        if metrics is None or metrics
    ]
    if format == "list":
        return [row for body in bodies for row in lines(hub, body)]
    if format == "polars":
        return polars_frame(hub, bodies)
    if format == "pandas" and not has_arrow():
        columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        for body in bodies:
            for row in lines(hub, body):
                for name in COLUMNS:
                    columns[name].append(row[name])
        return frame(columns, format)
    table = arrow_table(hub, bodies)
    return table.to_pandas() if format == "pandas" else table


def chosen(metrics: list[str] | None) -> dict[str, Any]:
    """Which metrics: those named, and those of a pattern; all where nobody says."""
    if metrics is None:
        return {}
    patterns = [name for name in metrics if "*" in name or "?" in name]
    return {"metrics": [name for name in metrics if name not in patterns], "patterns": patterns}


def given(window: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in window.items() if value is not None}


def lines(hub: Hub, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows, one by one as they come."""
    asked = {**body, "format": "json"}
    with hub.open("POST", "/api/v1/series/history", body=asked, accept="*/*") as answer:
        for line in answer:
            facts = json.loads(line)
            row = {name: facts[name] for name in COLUMNS}
            row["value"] = number(row["value"])
            yield row


def has_arrow() -> bool:
    from importlib.util import find_spec

    return find_spec("pyarrow") is not None


def arrow_table(hub: Hub, bodies: list[dict[str, Any]]) -> Any:
    """The stream as an Arrow table with our columns."""
    import pyarrow
    import pyarrow.ipc

    kinds = (
        pyarrow.string(),
        pyarrow.string(),
        pyarrow.int64(),
        pyarrow.int64(),
        pyarrow.float64(),
    )
    schema = pyarrow.schema(list(zip(COLUMNS, kinds)))
    tables = [schema.empty_table()]
    for body in bodies:
        with stream(hub, body) as answer:
            table = pyarrow.ipc.open_stream(answer).read_all()
        table = table.select(["run", "metric", "step", "time", "value"])
        tables.append(table.rename_columns(list(COLUMNS)).cast(schema))
    return pyarrow.concat_tables(tables).combine_chunks()


def polars_frame(hub: Hub, bodies: list[dict[str, Any]]) -> Any:
    """The stream as a frame of polars, which reads it by itself."""
    import io

    import polars

    kinds = (polars.String, polars.String, polars.Int64, polars.Int64, polars.Float64)
    frames = [polars.DataFrame(schema=dict(zip(COLUMNS, kinds)))]
    for body in bodies:
        with stream(hub, body) as answer:
            found = polars.read_ipc_stream(io.BytesIO(answer.read()))
        found = found.select(
            polars.col("run").cast(polars.String),
            polars.col("metric").cast(polars.String),
            polars.col("step").cast(polars.Int64),
            polars.col("time").dt.epoch("ms").alias("time_ms"),
            polars.col("value").cast(polars.Float64),
        )
        frames.append(found)
    return polars.concat(frames)


def stream(hub: Hub, body: dict[str, Any]) -> Any:
    asked = {**body, "format": "arrow"}
    return hub.open("POST", "/api/v1/series/history", body=asked, accept=ARROW)


def sampled(
    hub: Hub,
    runs: list[str],
    metrics: list[str] | None,
    window: dict[str, Any],
    samples: int,
    format: str,
) -> Any:
    """About `samples` points of each series, every spike among them."""
    if not 2 <= samples <= SAMPLES_MAX:
        raise ValueError(f"samples must be 2 to {SAMPLES_MAX}")
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    if metrics is None or metrics:
        for series in series_of(hub, runs, chosen(metrics), window, samples):
            size = len(series["steps"])
            columns["run"] += [series["run"]] * size
            columns["metric"] += [series["metric"]] * size
            columns["step"] += series["steps"]
            columns["time_ms"] += series["times_ms"]
            columns["value"] += [number(value) for value in series["values"]]
    return frame(columns, format)


def series_of(
    hub: Hub, runs: list[str], which: dict[str, Any], window: dict[str, Any], samples: int
) -> Iterator[dict[str, Any]]:
    """The series, asked for in pieces that one answer may hold."""
    if not which:
        which = {"patterns": ["*"]}
    together = min(SERIES_MAX, POINTS_MAX // samples)
    names = which.get("metrics") or []
    for run in runs if which.get("patterns") else []:
        # How many a pattern finds is known only to the hub: one run at a time.
        body = {"runs": [run], "patterns": which["patterns"], "max_points": samples}
        yield from asked_series(hub, {**body, **given(window)})
    for first in range(0, len(names), together):
        part = names[first : first + together]
        at_once = max(1, together // len(part))
        for start in range(0, len(runs), at_once):
            body = {"runs": runs[start : start + at_once], "metrics": part, "max_points": samples}
            yield from asked_series(hub, {**body, **given(window)})


def asked_series(hub: Hub, body: dict[str, Any]) -> list[dict[str, Any]]:
    answer = hub.json("POST", "/api/v1/series/query", body=body)
    found = answer.get("series") if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise MlhubError(f"{hub.url} does not answer with series; is it a hub?")
    return found
