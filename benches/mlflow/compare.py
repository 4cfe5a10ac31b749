#!/usr/bin/env python3
"""Measures the MLflow API of this hub beside MLflow's own server: same requests, machine and run.

    python3 benches/mlflow/compare.py            writes docs/benchmarks-mlflow.{md,json}
    python3 benches/mlflow/compare.py --smoke    tiny, of this hub alone; judges and writes nothing

Both sides take turns within a round. Requests are sent by benches/load, made ahead, and counted when
they are answered; what is searched is filled over the API of the hub and by SQL into the database of
MLflow, which lasts too long otherwise. MLflow's server runs as it does by itself, with SQLite.
MLHUB_TEST_MLFLOW names a virtual environment that has MLflow (target/venv-mlflow otherwise);
BENCH_PROFILE=debug measures that profile, and CARGO_TARGET_DIR is where cargo builds.
"""

from __future__ import annotations

import argparse
import datetime
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))

import report
from peers import mlflow_tables, serving
from ui.hub import Hub

WORK = ROOT / "target" / "bench" / "mlflow"
API = "/api/2.0/mlflow"
CONNECTIONS, METRIC_CONNECTIONS = 8, 16
BATCH_POINTS = 1000
ROUNDS, SEARCHES = 3, 15
SECONDS = 5
RUNS, RUNS_ALONE = 10_000, 100_000
FILLERS = 8
PROJECT = "table"
# What a server answers in the time at most, so that requests need not run out.
AHEAD = {"hub": (1500, 20_000), "mlflow": (200, 4000)}


EVERYTHING = ["--workspace", "--bins", "--examples"]


def say(text: str) -> None:
    print(text, flush=True)


def binary(name: str) -> Path:
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / os.environ.get("BENCH_PROFILE", "release") / name


def build() -> None:
    # In the other profile everything, as the gate has built it: nothing is compiled twice.
    release = os.environ.get("BENCH_PROFILE", "release") == "release"
    what = ["--release", "-p", "mlhub", "-p", "mlhub-load"] if release else EVERYTHING
    subprocess.run(["cargo", "build", "--quiet", *what], check=True, cwd=ROOT)


def mlflow_python() -> Path:
    folder = Path(os.environ.get("MLHUB_TEST_MLFLOW") or ROOT / "target/venv-mlflow")
    return folder / "bin" / "python"


class Server:
    """One of both, with an experiment of its own to log to."""

    def __init__(self, name: str, folder: Path):
        self.name, self.folder = name, folder
        folder.mkdir(parents=True)
        port = serving.free_port()
        if name == "hub":
            command = [str(binary("mlhub")), "serve", "--data-dir", str(folder / "hub")]
            command += ["--port", str(port)]
        else:
            command = [str(mlflow_python()), "-m", "mlflow", "server", "--host", "127.0.0.1"]
            command += ["--port", str(port), "--backend-store-uri", self.database()]
        self.process = serving.serve(command, f"http://127.0.0.1:{port}", "/health", folder)
        self.url = self.process["url"]
        self.experiment = self.post("experiments/create", {"name": "load"})["experiment_id"]

    def database(self) -> str:
        return f"sqlite:///{self.folder}/mlflow.db"

    def stop(self) -> None:
        os.killpg(self.process["pid"], 15)

    def post(self, path: str, body: dict) -> dict:
        return self.timed(path, body)[0]

    def timed(self, path: str, body: dict) -> tuple[dict, float]:
        """The answer, and milliseconds until it was read."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=600)
        text = json.dumps(body)
        connection.connect()
        begun = time.perf_counter()
        connection.request("POST", f"{API}/{path}", text, {"content-type": "application/json"})
        answer = connection.getresponse()
        data = answer.read()
        took = (time.perf_counter() - begun) * 1000
        connection.close()
        if answer.status != 200:
            raise SystemExit(f"{self.name}: {path}: {answer.status} {data[:500]!r}")
        return json.loads(data), took

    def runs(self, count: int) -> list[str]:
        made = [
            self.post("runs/create", {"experiment_id": self.experiment}) for _run in range(count)
        ]
        return [one["run"]["info"]["run_id"] for one in made]

    def load(self, shape: str, connections: int, points: int, seconds: int, ahead: int) -> dict:
        """Requests of many connections at once, each to a run of its own."""
        done = subprocess.run(
            [
                str(binary("mlhub-load")), "--address", self.url.removeprefix("http://"),
                "--shape", shape, "--runs", ",".join(self.runs(connections)),
                "--connections", str(connections), "--points", str(points),
                "--seconds", str(seconds), "--requests", str(ahead),
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise SystemExit(f"the load generator failed: {done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def fill(self, first: int, runs: int) -> str:
        """Runs with five params and five metrics each; returns their experiment."""
        if self.name == "mlflow":
            return mlflow_tables.fill(self.folder / "mlflow.db", runs, fasttrackml=False)
        hub = Hub(self.url)
        with ThreadPoolExecutor(FILLERS) as pool:
            list(pool.map(lambda at: hub.rows(PROJECT, at, runs), range(first, runs, 100)))
        found = self.post("experiments/search", {"filter": f"name = '{PROJECT}/{PROJECT}'"})
        return found["experiments"][0]["experiment_id"]

    def search(self, experiment: str, body: dict, times: int, wanted: int) -> dict:
        took = []
        for _search in range(times):
            answer, ms = self.timed("runs/search", {"experiment_ids": [experiment], **body})
            if len(answer.get("runs", [])) < wanted:
                raise SystemExit(f"{self.name}: {len(answer.get('runs', []))} runs, not {wanted}")
            took.append(ms)
        return {"ms": statistics.median(took), "ms_least": min(took), "ms_most": max(took)}


SEARCH = {
    "filter": mlflow_tables.FILTER,
    "order_by": ["metrics.m0 DESC"],
    "max_results": 100,
}
PAGE = {"max_results": 1000}


def searches(server: Server, experiment: str, times: int, runs: int) -> dict[str, dict]:
    # The first page of all, which is what a page of a browser and `search_runs` ask for.
    return {
        "filter": server.search(experiment, SEARCH, times, min(100, runs // 100)),
        "page": server.search(experiment, PAGE, max(1, times // 3), min(1000, runs)),
    }


def measure(smoke: bool, rounds: int) -> dict:
    names = ["hub"] if smoke else ["hub", "mlflow"]
    runs, times, seconds = (1000, 2, 1) if smoke else (RUNS, SEARCHES, SECONDS)
    shutil.rmtree(WORK, ignore_errors=True)
    results: dict[str, dict[str, list[dict]]] = {}
    servers = []

    def keep(what: str, name: str, found: dict) -> None:
        results.setdefault(what, {}).setdefault(name, []).append(found)
        say(f"{what}, {name}: " + ", ".join(f"{key} {value:.4g}" for key, value in found.items()))

    try:
        servers = [Server(name, WORK / name) for name in names]
        tables = {server.name: server.fill(0, runs) for server in servers}
        for _turn in range(rounds):
            for server in servers:
                batches, calls = (20, 100) if smoke else AHEAD[server.name]
                keep(
                    "log-batch",
                    server.name,
                    server.load("mlflow", CONNECTIONS, BATCH_POINTS, seconds, batches),
                )
                keep(
                    "log-metric",
                    server.name,
                    server.load("mlflow-metric", METRIC_CONNECTIONS, 1, seconds, calls),
                )
                for what, found in searches(server, tables[server.name], times, runs).items():
                    keep(f"search-{what}", server.name, found)
        if not smoke:
            hub = servers[0]
            hub.fill(runs, RUNS_ALONE)
            for what, found in searches(hub, tables["hub"], times, RUNS_ALONE).items():
                keep(f"search-{what}-alone", "hub", found)
    finally:
        for server in servers:
            server.stop()
    return results


FIGURES = {
    "log-batch": ("`log-batch`, 1,000 points, 8 connections: points/s", "points_per_s", False),
    "log-metric": ("`log-metric`, 16 connections: calls/s", "requests_per_s", False),
    "search-filter": (f"`runs/search` of {RUNS:,} runs, filter, order, first 100: ms", "ms", True),
    "search-page": (f"`runs/search` of {RUNS:,} runs, first 1,000: ms", "ms", True),
}


def write(results: dict, rounds: int) -> None:
    docs = ROOT / "docs"
    code = "import mlflow; print(mlflow.__version__)"
    version = subprocess.run(
        [mlflow_python(), "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    kept = {"mlflow": version, "machine": report.machine(), "load": load, "results": results}
    (docs / "benchmarks-mlflow.json").write_text(json.dumps(kept, indent=1) + "\n")
    lines = [
        "# Benchmarks of the MLflow API",
        "",
        f"Written by `python3 benches/mlflow/compare.py` on {report.machine()},",
        f"{datetime.date.today():%Y-%m-%d}: this hub beside MLflow's own server, {version} with SQLite, taking turns in",
        f"one run, load of the machine at its end {load}. A figure is the median of {rounds} rounds, in brackets the",
        "smallest and the greatest. Both answer a batch when it is in their database; this hub after it is on",
        "the disk, too.",
        "",
        "| | mlhub | MLflow | ratio |",
        "|---|---|---|---|",
    ]
    for what, (title, key, less) in FIGURES.items():
        here = report.middle(results[what]["hub"], key)
        there = report.middle(results[what]["mlflow"], key)
        ratio = there[0] / here[0] if less else here[0] / there[0]
        lines.append(f"| {title} | {spread(here)} | {spread(there)} | {report.number(ratio)}x |")
    lines += ["", f"This hub alone, with {RUNS_ALONE:,} runs in the experiment:", ""]
    lines += ["| `runs/search` | ms, median | least | most |", "|---|---|---|---|"]
    for what, title in (("filter", "filter, order, first 100"), ("page", "first 1,000")):
        found = results[f"search-{what}-alone"]["hub"][0]
        cells = [report.number(found[key]) for key in ("ms", "ms_least", "ms_most")]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    note = docs / "benchmarks-mlflow-notes.md"
    if note.exists():
        lines += ["", note.read_text().strip()]
    (docs / "benchmarks-mlflow.md").write_text("\n".join(lines) + "\n")


def spread(found: tuple[float, float, float]) -> str:
    middle, least, most = (report.number(one) for one in found)
    return f"{middle} ({least} - {most})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, writes no document")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    build()
    rounds = 1 if options.smoke else options.rounds
    results = measure(options.smoke, rounds)
    if options.smoke:
        say(f"\n{len(results)} passed, 0 failed")
        return
    write(results, rounds)
    say("\nwrote docs/benchmarks-mlflow.md and docs/benchmarks-mlflow.json")


if __name__ == "__main__":
    main()
