#!/usr/bin/env python3
"""Measures this hub and the trackers people use beside each other, in one run, on one machine.

    python3 benches/run.py                      everything; writes docs/benchmarks.{md,svg,json}
    python3 benches/run.py --smoke              seconds: that each scenario works; writes nothing
    python3 benches/run.py --peers mlhub,aim    some trackers
    python3 benches/run.py --scenarios log,idle some scenarios

Each tracker lives in a virtual environment of its own (target/bench/venv-*), made at the first
run, with its newest release. Trackers take turns within a scenario, and scenarios within a round,
so that a slow minute of the machine hits all of them; a figure is the median of the rounds, with its smallest and greatest.
BENCH_PYTHON names an interpreter that has the SDK already, BENCH_PROFILE=debug measures the
binaries of that profile. Nothing is timed but the trackers' own work; see worker.py for what each scenario measures.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WORK = ROOT / "target" / "bench"
SCENARIO_SECONDS = 900


@dataclass(frozen=True)
class Peer:
    """A tracker: its module in peers/, what to install, and how much of it is bearable."""

    module: str
    title: str
    packages: tuple[str, ...]
    distribution: str
    calls: int = 3000
    steps: int = 10_000
    runs: int = 100
    read: bool = True
    server: bool = False
    tables: tuple[int, ...] = ()
    searches: int = 21


PEERS = {
    "mlhub": Peer("mlhub_sdk", "mlhub", (), "mlhub", calls=20_000, server=True,
                  tables=(1_000, 10_000, 100_000)),
    "trackio": Peer("trackio_embedded", "Trackio", ("trackio",), "trackio"),
    "tensorboardx": Peer("tensorboardx", "tensorboardX", ("tensorboardX",), "tensorboardX"),
    "wandb": Peer("wandb_offline", "W&B offline", ("wandb",), "wandb", read=False),
    "aim": Peer("aim_embedded", "Aim", ("aim",), "aim", runs=20),
    "fasttrackml": Peer("fasttrackml", "FastTrackML", ("fasttrackml", "mlflow<3"), "FastTrackML",
                        calls=500, steps=2_000, runs=20, server=True, tables=(1_000, 10_000)),
    "mlflow": Peer("mlflow_sync", "MLflow", ("mlflow",), "mlflow",
                   calls=500, steps=1_000, runs=10),
    "mlflow-async": Peer("mlflow_async", "MLflow async", ("mlflow",), "mlflow", runs=20, read=False),
    "mlflow-server": Peer("mlflow_server", "MLflow server", ("mlflow",), "mlflow",
                          calls=100, steps=200, runs=2, read=False, server=True,
                          tables=(1_000, 10_000), searches=5),
}  # fmt: skip

# Scenario: title and, by figure, its title, unit and whether less is better.
SCENARIOS: dict[str, tuple[str, dict[str, tuple[str, str, bool]]]] = {
    "log": ("One `log()` of ten scalars, as the training loop sees it",
            {"p50_us": ("p50", "us", True), "p99_us": ("p99", "us", True)}),
    "killed": ("Points that survive SIGKILL right after the last call returned",
               {"survived_percent": ("survive", "%", False)}),
    "import": ("`import`, over bare Python", {"import_ms": ("import", "ms", True)}),
    "store": ("One run x 10 metrics, until stored",
              {"points_per_s": ("points/s", "", False),
               "bytes_per_point": ("disk per point", "B", True)}),
    "many": ("Many runs x 10 metrics x 100 steps, until stored",
             {"points_per_s": ("points/s", "", False)}),
    "read": ("One series of 100,000 points read back",
             {"history_ms": ("whole", "ms", True), "chart_ms": ("chart, 1,000 px", "ms", True)}),
    "requests": ("Requests of ten points from 64 connections",
                 {"requests_per_s": ("requests/s", "", False), "p99_ms": ("p99", "ms", True)}),
    "ingest": ("Requests of 1,000 points from 8 connections",
               {"points_per_s": ("points/s", "", False), "p99_ms": ("p99", "ms", True)}),
    "ingest-large": ("Requests of 10,000 points from 8 connections, more than MLflow takes",
                     {"points_per_s": ("points/s", "", False), "p99_ms": ("p99", "ms", True)}),
    "ingest-binary": ("The same in the binary form, which the SDK's forwarder sends",
                      {"points_per_s": ("points/s", "", False), "p99_ms": ("p99", "ms", True)}),
    "table-1000": ("Run table of 1,000 runs: filter, sort, first 100",
                   {"search_ms": ("median", "ms", True)}),
    "table-10000": ("Run table of 10,000 runs", {"search_ms": ("median", "ms", True)}),
    "table-100000": ("Run table of 100,000 runs", {"search_ms": ("median", "ms", True)}),
    "idle": ("The server, doing nothing",
             {"start_ms": ("start to first answer", "ms", True), "rss_mb": ("memory", "MB", True)}),
}  # fmt: skip


def say(text: str) -> None:
    print(text, flush=True)


def environment(name: str, peer: Peer) -> Path:
    """The interpreter of the tracker's own virtual environment, made if it is not there."""
    if name == "mlhub" and "BENCH_PYTHON" in os.environ:
        return Path(os.environ["BENCH_PYTHON"])
    venv = WORK / f"venv-{name.split('-')[0]}"
    python = venv / "bin" / "python"
    ready = venv / "ready"
    if not ready.exists():
        say(f"  installing {', '.join(peer.packages) or 'the SDK of this checkout'}")
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        packages = list(peer.packages) or [str(ROOT / "python")]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        ready.touch()
    return python


def version_of(python: Path, distribution: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({distribution!r}))"
    return subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=False
    ).stdout.strip()


def plan(name: str, peer: Peer, scenario: str, smoke: bool) -> list[str] | None:
    """The worker's arguments, or None where the tracker has no such thing."""
    steps, runs, calls = (200, 3, 200) if smoke else (peer.steps, peer.runs, peer.calls)
    if scenario.startswith("table-"):
        rows = int(scenario.removeprefix("table-"))
        if rows not in peer.tables or (smoke and rows > 1000):
            return None
        return ["table", str(rows), "3" if smoke else str(peer.searches)]
    if scenario in ("requests", "ingest", "idle") and not peer.server:
        return None
    if scenario in ("ingest-large", "ingest-binary") and name != "mlhub":
        return None
    # Requests of a connection, made ahead: more than any of them answers in the time.
    ahead, ahead_large = ("5000", "5000") if name == "mlhub" else ("2000", "400")
    if smoke:
        ahead, ahead_large = "200", "20"
    seconds = "1" if smoke else "5"
    return {
        "log": ["log", str(calls)],
        "killed": ["killed", str(min(calls, 1000))],
        "import": [],
        "store": ["store", "1", "10", str(steps)],
        "many": ["store", str(runs), "10", "100"],
        "read": ["read", "2000" if smoke else "100000"] if peer.read else None,
        "requests": ["load", "64", "10", seconds, ahead],
        "ingest": ["load", "8", "1000", seconds, ahead_large],
        "ingest-large": ["load", "8", "10000", seconds, ahead_large],
        "ingest-binary": ["load", "8", "10000", seconds, ahead_large, "hub-binary"],
        "idle": ["idle"],
    }[scenario]


def import_cost(python: Path, module: str) -> dict[str, float]:
    """Milliseconds of `import`, over an interpreter that imports nothing."""

    def best(code: str) -> float:
        took = []
        for _round in range(5):
            begun = time.perf_counter()
            subprocess.run([python, "-c", code], check=True, capture_output=True)
            took.append((time.perf_counter() - begun) * 1000)
        return min(took)

    return {"import_ms": max(0.0, best(f"import {module}") - best("pass"))}


def measure(name: str, peer: Peer, scenario: str, arguments: list[str]) -> dict | str:
    """One measurement, or one line of why there is none."""
    python = environment(name, peer)
    if scenario == "import":
        return import_cost(python, peer.distribution.replace("FastTrackML", "mlflow"))
    folder = WORK / "data" / f"{name}-{scenario}"
    shutil.rmtree(folder, ignore_errors=True)
    command = [str(python), str(HERE / "worker.py"), peer.module]
    command += [arguments[0], str(folder), *arguments[1:]]
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=SCENARIO_SECONDS,
            env=child_environment(),
        )
    except subprocess.TimeoutExpired:
        return f"not done after {SCENARIO_SECONDS} s"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if "RESULT " not in done.stdout:
        lines = (done.stderr or done.stdout).strip().splitlines()
        return lines[-1] if lines else f"ended with {done.returncode}"
    return json.loads(done.stdout.split("RESULT ")[-1].splitlines()[0])


def child_environment() -> dict[str, str]:
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("MLHUB_", "MLFLOW_", "WANDB_"))
    }
    kept["BENCH_LOAD"] = str(binary("mlhub-load"))
    kept["BENCH_MLHUB"] = str(binary("mlhub"))
    kept["WANDB_SILENT"] = "true"
    kept["GIT_PYTHON_REFRESH"] = "quiet"
    return kept


def binary(name: str) -> Path:
    return ROOT / "target" / os.environ.get("BENCH_PROFILE", "release") / name


def build() -> None:
    profile = os.environ.get("BENCH_PROFILE", "release")
    say(f"building ({profile})")
    # In the other profile everything, as the gate has built it: nothing is compiled twice.
    everything = ["--workspace", "--bins", "--examples"]
    what = ["--release", "-p", "mlhub", "-p", "mlhub-load"] if profile == "release" else everything
    subprocess.run(["cargo", "build", "--quiet", *what], check=True, cwd=ROOT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, writes no document")
    parser.add_argument("--rounds", type=int, default=3, help="of each scenario (3)")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--scenarios", default=",".join(SCENARIOS))
    options = parser.parse_args()
    peers = {name: PEERS[name] for name in options.peers.split(",")}
    scenarios = options.scenarios.split(",")
    rounds = 1 if options.smoke else options.rounds
    build()
    versions = {name: version_of(environment(name, peer), peer.distribution)
                for name, peer in peers.items()}  # fmt: skip
    results: dict[str, dict[str, list]] = {}
    failed = []
    for turn in range(rounds):
        for scenario in scenarios:
            say(f"\n[{turn + 1}/{rounds}] {SCENARIOS[scenario][0]}")
            for name, peer in peers.items():
                arguments = plan(name, peer, scenario, options.smoke)
                if arguments is None:
                    continue
                found = measure(name, peer, scenario, arguments)
                results.setdefault(scenario, {}).setdefault(name, []).append(found)
                shown = found if isinstance(found, str) else figures(scenario, found)
                if isinstance(found, str):
                    failed.append(f"{scenario}, {peer.title}: {found}")
                say(f"  {peer.title:<14} {shown}")
            if not options.smoke:
                # After each, so that a run that is ended early leaves what it measured.
                import report

                report.write(ROOT / "docs", PEERS, SCENARIOS, results, versions)
    if options.smoke:
        if failed:
            raise SystemExit("\n".join(["These did not work:", *failed]))
        say(f"\n{sum(len(found) for found in results.values())} passed, 0 failed")
        return
    say("\nwrote docs/benchmarks.md, docs/benchmarks.svg and docs/benchmarks.json")


def figures(scenario: str, found: dict) -> str:
    parts = []
    for key, (title, unit, _less) in SCENARIOS[scenario][1].items():
        if key in found:
            parts.append(f"{title} {found[key]:,.4g} {unit}".strip())
    return ", ".join(parts)


if __name__ == "__main__":
    main()
