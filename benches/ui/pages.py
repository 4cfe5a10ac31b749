#!/usr/bin/env python3
"""Measures what people see: this hub's pages and its rivals' in Chromium, with the same data.

    python3 benches/ui/pages.py                     everything; writes docs/benchmarks-ui.{md,json}
    python3 benches/ui/pages.py --smoke             small sizes, this hub alone; writes nothing
    python3 benches/ui/pages.py --peers mlhub,aim   some trackers
    python3 benches/ui/pages.py --rounds 3          rounds of the browser; a figure is their median

Trackers are filled once each, then looked at in turns. Environments are those of benches/run.py.
What is measured and how is in browser.mjs, what it is measured on in fill.py.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))

import report
import run as trackers

PEERS = ("mlhub", "mlflow", "aim")
SIZE = {"runs": 200, "metrics": 12, "steps": 1000, "table": 100_000, "wide": 10_000}
SIZE_SMOKE = {"runs": 10, "metrics": 12, "steps": 100, "table": 1000, "wide": 500}
LIVE_SECONDS, LIVE_SECONDS_SMOKE = 600, 12
SCROLL_SECONDS = 5
FILL_SECONDS = 3600
BROWSER_SECONDS = 2400

# What the smoke run holds the hub's own pages to: not how fast, only that they work.
HEAP_GROWTH_MB_MAX = 40
FIGURES = {
    "first_chart_ms": ("200 runs x 12 charts x 1,000 points: first chart", "ms", True),
    "charts_ms": ("the charts on screen", "ms", True),
    "hover_fps": ("while the pointer moves over a chart", "frames/s", False),
    "zoom_fps": ("while dragging a zoom", "frames/s", False),
    "pan_fps": ("while panning", "frames/s", False),
    "wide_first_ms": ("10,000 metrics in one run: first chart", "ms", True),
    "wide_fps": ("while scrolling them", "frames/s", False),
    "table_first_ms": ("100,000 runs: first rows", "ms", True),
    "scroll_fps": ("while scrolling the table", "frames/s", False),
    "jump_ms": ("jump to the middle of the table", "ms", True),
    "live_early_mb": ("live updates: heap after a quarter of the time", "MB", True),
    "live_late_mb": ("heap at the end", "MB", True),
}


def fill(name: str, folder: Path, size: dict) -> dict:
    python = trackers.environment(name, trackers.PEERS[name])
    command = [str(python), str(HERE / "fill.py"), name, str(folder), json.dumps(size)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, timeout=FILL_SECONDS, check=True
    )
    return {**size, **json.loads(done.stdout.strip().splitlines()[-1])}


def look(name: str, given: dict) -> dict:
    command = ["node", str(HERE / "browser.mjs"), name, json.dumps(given)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, timeout=BROWSER_SECONDS, check=True
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--peers", default=None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--live-seconds", type=int, default=LIVE_SECONDS)
    options = parser.parse_args()
    names = (
        options.peers.split(",") if options.peers else ["mlhub"] if options.smoke else list(PEERS)
    )
    size = SIZE_SMOKE if options.smoke else SIZE
    times = {
        "live_seconds": LIVE_SECONDS_SMOKE if options.smoke else options.live_seconds,
        "scroll_seconds": 1 if options.smoke else SCROLL_SECONDS,
    }
    profile = os.environ.get("BENCH_PROFILE", "release")
    os.environ.setdefault("BENCH_MLHUB", str(ROOT / "target" / profile / "mlhub"))
    work = trackers.WORK / "ui"
    shutil.rmtree(work, ignore_errors=True)
    filled: dict[str, dict] = {}
    results: dict[str, list] = {name: [] for name in names}
    try:
        for name in names:
            folder = work / name
            folder.mkdir(parents=True)
            trackers.say(f"filling {name}")
            filled[name] = {**fill(name, folder, size), **times}
        for number in range(1 if options.smoke else options.rounds):
            for name in names:
                trackers.say(f"round {number + 1}: {name}")
                results[name].append(look(name, filled[name]))
                trackers.say(json.dumps(results[name][-1]))
    finally:
        for given in filled.values():
            os.killpg(given["pid"], signal.SIGTERM)
    if options.smoke:
        return judge(results["mlhub"][0])
    write(results, names, options.live_seconds)
    return 0


def judge(found: dict) -> int:
    """Of a smoke run: everything was there, and live updates keep no memory."""
    missing = [key for key in FIGURES if key not in found]
    failed = [f"{key}: {value}" for key, value in found.items() if key.endswith("_failed")]
    if missing or failed:
        print(f"not measured: {', '.join(missing)}; {'; '.join(failed)}", file=sys.stderr)
        return 1
    if found["live_late_mb"] > found["live_early_mb"] + HEAP_GROWTH_MB_MAX:
        print(f"live updates keep memory: {found}", file=sys.stderr)
        return 1
    return 0


def write(results: dict[str, list], names: list[str], live_seconds: int) -> None:
    docs = ROOT / "docs"
    versions = {
        name: trackers.version_of(
            trackers.environment(name, trackers.PEERS[name]), trackers.PEERS[name].distribution
        )
        for name in names
    }
    kept = {"versions": versions, "machine": report.machine(), "results": results}
    (docs / "benchmarks-ui.json").write_text(json.dumps(kept, indent=1) + "\n")
    titles = [trackers.PEERS[name].title for name in names]
    lines = [
        "# Benchmarks in the browser",
        "",
        f"Written by `python3 benches/ui/pages.py` on {report.machine()}, {datetime.date.today():%Y-%m-%d}:",
        "Chromium without a GPU, 1440 x 900, server and browser on the same cores. A figure is the median",
        f"of {max(len(found) for found in results.values())} rounds, in brackets the smallest and the greatest; the ratio is how",
        "much better mlhub is (below 1: worse). `-`: the tracker has no such page or did not get there.",
        f"Live updates: ten runs of twelve metrics, ten times a second, for {live_seconds} s.",
        "",
        "| | " + " | ".join(titles) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for key, (title, unit, less) in FIGURES.items():
        row = [f"{title}, {unit}"]
        ours = report.middle(results.get("mlhub", []), key)
        for name in names:
            here = report.middle(results[name], key)
            if here is None:
                row.append("-")
                continue
            text = f"{report.number(here[0])} ({report.number(here[1])} - {report.number(here[2])})"
            if name != "mlhub":
                text += f", {report.ratio(here[0], ours, less)}"
            row.append(text)
        lines.append("| " + " | ".join(row) + " |")
    note = docs / "benchmarks-ui-notes.md"
    if note.exists():
        lines += ["", note.read_text().strip()]
    (docs / "benchmarks-ui.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
