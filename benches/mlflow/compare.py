#!/usr/bin/env python3
"""Measures the MLflow API of this hub beside MLflow's own server (SQLite, PostgreSQL) and
FastTrackML: same requests, machine and run.

    python3 benches/mlflow/compare.py            writes docs/benchmarks-mlflow.{md,json}
    python3 benches/mlflow/compare.py --smoke    tiny, of this hub alone; judges and writes nothing

All take turns within a round. Requests are sent by benches/load, made ahead, and counted when
they are answered; what is searched is filled over the API of the hub and by SQL into the databases
of the others, which lasts too long otherwise. The others run as they do by themselves.
MLHUB_TEST_MLFLOW names a virtual environment that has MLflow (target/venv-mlflow otherwise);
BENCH_PROFILE=debug measures that profile, and CARGO_TARGET_DIR is where cargo builds.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))

import report
from peers import mlflow_tables
from servers import FastTrackMl, Mlflow, MlflowPostgres, MlHub, Server

WORK = ROOT / "target" / "bench" / "mlflow"
CONNECTIONS, METRIC_CONNECTIONS = 8, 16
BATCH_POINTS = 1000
ROUNDS, SEARCHES = 3, 15
SECONDS = 5
RUNS, RUNS_ALONE = 10_000, 100_000
KINDS: list[type[Server]] = [MlHub, Mlflow, MlflowPostgres, FastTrackMl]


EVERYTHING = ["--workspace", "--bins", "--examples"]


def say(text: str) -> None:
    print(text, flush=True)


def build() -> None:
    # In the other profile everything, as the gate has built it: nothing is compiled twice.
    release = os.environ.get("BENCH_PROFILE", "release") == "release"
    what = ["--release", "-p", "mlhub", "-p", "mlhub-load"] if release else EVERYTHING
    subprocess.run(["cargo", "build", "--quiet", *what], check=True, cwd=ROOT)


def search(server: Server, experiment: str, body: dict, times: int, wanted: int) -> dict:
    took = []
    for _search in range(times):
        answer, ms = server.timed("runs/search", {"experiment_ids": [experiment], **body})
        if len(answer.get("runs", [])) < wanted:
            raise SystemExit(f"{server.name}: {len(answer.get('runs', []))} runs, not {wanted}")
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
        "filter": search(server, experiment, SEARCH, times, min(100, runs // 100)),
        "page": search(server, experiment, PAGE, max(1, times // 3), min(1000, runs)),
    }


def measure(smoke: bool, rounds: int) -> tuple[dict, dict[str, str]]:
    kinds = KINDS[:1] if smoke else KINDS
    runs, times, seconds = (1000, 2, 1) if smoke else (RUNS, SEARCHES, SECONDS)
    shutil.rmtree(WORK, ignore_errors=True)
    results: dict[str, dict[str, list[dict]]] = {}
    servers: list[Server] = []

    def keep(what: str, name: str, found: dict) -> None:
        results.setdefault(what, {}).setdefault(name, []).append(found)
        say(f"{what}, {name}: " + ", ".join(f"{key} {value:.4g}" for key, value in found.items()))

    try:
        for kind in kinds:
            servers.append(kind(WORK / kind.name))
            keep("start", kind.name, {"ms": servers[-1].process["start_ms"]})
        tables = {server.name: server.fill(0, runs) for server in servers}
        for _turn in range(rounds):
            for server in servers:
                batches, calls = (20, 100) if smoke else server.ahead
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
    return results, {server.name: server.version() for server in servers}


FIGURES = {
    "start": ("start with empty data to the first answer: ms", "ms", True),
    "log-batch": ("`log-batch`, 1,000 points, 8 connections: points/s", "points_per_s", False),
    "log-metric": ("`log-metric`, 16 connections: calls/s", "requests_per_s", False),
    "search-filter": (f"`runs/search` of {RUNS:,} runs, filter, order, first 100: ms", "ms", True),
    "search-page": (f"`runs/search` of {RUNS:,} runs, first 1,000: ms", "ms", True),
}


def write(results: dict, versions: dict[str, str], rounds: int) -> None:
    docs = ROOT / "docs"
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    kept = {"versions": versions, "machine": report.machine(), "load": load, "results": results}
    (docs / "benchmarks-mlflow.json").write_text(json.dumps(kept, indent=1) + "\n")
    rivals = KINDS[1:]
    lines = [
        "# Benchmarks of the MLflow API",
        "",
        f"Written by `python3 benches/mlflow/compare.py` on {report.machine()},",
        f"{datetime.date.today():%Y-%m-%d}: this hub beside MLflow's own server {versions['mlflow']} with SQLite and",
        f"with PostgreSQL, and beside FastTrackML {versions['fasttrackml']}, taking turns in one run, load of the machine at",
        f"its end {load}. A figure is the median of {rounds} rounds, in brackets the smallest and the greatest; behind",
        "it stands how many times better this hub is. All answer a batch when it is in their database; this",
        "hub after it is on the disk, too.",
        "",
        "| | mlhub | " + " | ".join(one.title for one in rivals) + " |",
        "|---" * (len(rivals) + 2) + "|",
    ]
    for what, (title, key, less) in FIGURES.items():
        here = report.middle(results[what]["hub"], key)
        cells = [spread(here)]
        for rival in rivals:
            there = report.middle(results[what][rival.name], key)
            ratio = there[0] / here[0] if less else here[0] / there[0]
            cells.append(f"{spread(there)}: {report.number(ratio)}x")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
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
    if found[1] == found[2]:
        return report.number(found[0])
    middle, least, most = (report.number(one) for one in found)
    return f"{middle} ({least} - {most})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, writes no document")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    build()
    rounds = 1 if options.smoke else options.rounds
    results, versions = measure(options.smoke, rounds)
    if options.smoke:
        say(f"\n{len(results)} passed, 0 failed")
        return
    write(results, versions, rounds)
    say("\nwrote docs/benchmarks-mlflow.md and docs/benchmarks-mlflow.json")


if __name__ == "__main__":
    main()
