"""This hub: the SDK with a forwarder that ships to `mlhub serve`."""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mlhub

from peers import mlflow_tables, serving

MODULE = "mlhub"
SHIP_SECONDS = 600
RUNS_PER_CREATION = 100
FILLERS = 16
HEADERS = {"content-type": "application/json"}


def start(folder: Path) -> dict:
    port = serving.free_port()
    command = [
        os.environ["BENCH_MLHUB"], "serve", "--data-dir", str(folder / "hub"), "--port", str(port),
    ]  # fmt: skip
    return serving.serve(command, f"http://127.0.0.1:{port}", "/health", folder)


def kept(folder: Path) -> Path:
    return folder / "hub"


def open(folder: Path, name: str):
    os.environ["MLHUB_URL"] = os.environ["BENCH_URL"]
    return mlhub.init(project="bench", name=name, dir=folder / "runs", console="off")


def log(run, metrics: dict[str, float], step: int) -> None:
    run.log(metrics, step=step)


_ended: list = []


def close(run) -> None:
    run.finish()
    _ended.append(run)


def close_all() -> None:
    """Waits until everything is on the hub: forwarders of several runs work side by side."""
    for run in _ended:
        if not run.wait(timeout_seconds=SHIP_SECONDS):
            raise SystemExit("not everything reached the hub in time")


def settle(folder: Path) -> None:
    """Waits until the forwarder of a killed training has shipped what there was."""
    deadline = time.monotonic() + SHIP_SECONDS
    records = list((folder / "runs").rglob("sdk.json"))
    if not records:
        raise SystemExit(f"there is no run in {folder / 'runs'}")
    for record in records:
        while not _shipped(record.parent / "supervisor.json"):
            if time.monotonic() > deadline:
                raise SystemExit("the forwarder did not end")
            time.sleep(0.05)


def _shipped(path: Path) -> bool:
    try:
        return json.loads(path.read_text()).get("shipped") is True
    except (FileNotFoundError, json.JSONDecodeError):
        return False


def _api():
    return mlhub.Api(os.environ["BENCH_URL"])


def _run(name: str):
    return next(run for run in _api().runs(project="bench") if run.name == name)


def count(folder: Path, name: str) -> int:
    connection = http.client.HTTPConnection(os.environ["BENCH_URL"].removeprefix("http://"))
    found = _ask(connection, "GET", f"/api/v1/runs/{_run(name).id}/metrics")["metrics"]
    return sum(m["count"] for m in found if not m["name"].startswith("system/"))


def history(folder: Path, name: str, metric: str) -> list[float]:
    return _series(name, metric, {"reduction": "none"})


def chart(folder: Path, name: str, metric: str) -> list[float]:
    return _series(name, metric, {"max_points": 1000})


_ids: dict[str, str] = {}


def _series(name: str, metric: str, how: dict) -> list[float]:
    run = _ids.get(name) or _ids.setdefault(name, _run(name).id)
    connection = http.client.HTTPConnection(os.environ["BENCH_URL"].removeprefix("http://"))
    body = {"runs": [run], "metrics": [metric], **how}
    return _ask(connection, "POST", "/api/v1/series/query", body)["series"][0]["values"]


def _ask(connection: http.client.HTTPConnection, method: str, path: str, body=None) -> dict:
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, HEADERS if text else {})
    answer = connection.getresponse()
    data = answer.read()
    if answer.status >= 300:
        raise SystemExit(f"{method} {path}: {answer.status} {data[:500]!r}")
    return json.loads(data)


def _create(connection, project: str, count: int, params: dict[str, str]) -> list[str]:
    body = {
        "project": project, "experiment": project, "params": params, "snapshot": {},
        "runs": [{} for _run in range(count)],
    }  # fmt: skip
    return [run["id"] for run in _ask(connection, "POST", "/api/v1/runs", body)["runs"]]


def load_target(url: str, runs: int) -> dict:
    """Runs for the load generator."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    return {"shape": "hub-json", "runs": _create(connection, "load", runs, {})}


def _fill(url: str, first: int, runs: int) -> None:
    """Makes the runs from `first` on that are created together, and their metrics."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    params = {f"p{j}": mlflow_tables.param(first, j) for j in range(mlflow_tables.PARAMS)}
    count = min(RUNS_PER_CREATION, runs - first)
    for offset, key in enumerate(_create(connection, "table", count, params)):
        points = [
            {
                "name": f"m{j}",
                "step": 1,
                "time_ms": 1,
                "value": mlflow_tables.metric(first + offset, j),
            }
            for j in range(mlflow_tables.METRICS)
        ]
        batch = {"writer": "w", "start": 0, "end": 1, "points": points}
        _ask(connection, "POST", f"/api/v1/runs/{key}/attempts/1/events", batch)
    connection.close()


def table(folder: Path, url: str, runs: int):
    """Fills the run table through the API; returns what searches it once."""
    with ThreadPoolExecutor(FILLERS) as pool:
        chunks = range(0, runs, RUNS_PER_CREATION)
        for _done in pool.map(lambda first: _fill(url, first, runs), chunks):
            pass
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    asked = {
        "project": "table", "query": mlflow_tables.FILTER, "order": "metrics.m0:desc", "limit": "100",
    }  # fmt: skip
    path = "/api/v1/runs?" + urllib.parse.urlencode(asked)

    def search() -> float:
        begun = time.perf_counter()
        found = _ask(connection, "GET", path)
        took = (time.perf_counter() - begun) * 1000
        if not found["runs"]:
            raise SystemExit("the search found nothing")
        return took

    return search
