#!/usr/bin/env python3
"""Measures metrics of binary predictions beside scikit-learn: same columns, machine and run.

    python3 benches/eval/compare.py            ten million rows; writes docs/benchmarks-eval.{md,json}
    python3 benches/eval/compare.py --smoke    small, nothing judged by time; writes nothing
    python3 benches/eval/compare.py --rows N   so many rows

Both sides take turns, each measurement in a process of its own that reads the same files, and what
is timed is the call of the metric alone: `evaluate` of crates/mlhub-eval by its example
`evaluate_columns`, and the function of scikit-learn by reference.py. The values of both must agree
within AGREEMENT. What can be evaluated in batches is measured so as well, of which reading and
checking are a part; its values must be those of the columns at once to the last bit. Resamples have no counterpart in scikit-learn and are timed by themselves.
MLHUB_TEST_PYTHON names an interpreter that has scikit-learn; without it one is made, as those of
benches/run.py. BENCH_PROFILE=debug measures that profile; CARGO_TARGET_DIR is where cargo builds.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))

import report
import run as trackers

ROWS, ROWS_SMOKE = 10_000_000, 5_000
ROWS_RESAMPLED, ROWS_RESAMPLED_SMOKE = 1_000_000, 1_000
ROUNDS = 3
SECONDS = 3600
# Relative; of counts nothing.
AGREEMENT = 1e-12
METRICS = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "f1": "F1",
    "confusion": "confusion matrix",
}
BATCHES = ("log_loss", "f1", "confusion")
REFERENCE = trackers.Peer("", "scikit-learn", ("scikit-learn",), "scikit-learn")

# Columns: 30 % positives, scores that overlap and hardly ever tie; 60 MB each at a time.
FILL = """
import sys
import numpy as np
folder, rows = sys.argv[1], int(sys.argv[2])
random = np.random.default_rng(20261128)
truth = (random.random(rows) < 0.3).astype(np.uint8)
score = (0.2 * truth + random.random(rows)) / 1.2
truth.tofile(folder + "/truth.u8")
score.astype("<f8").tofile(folder + "/score.f64")
(score > 0.5).astype(np.uint8).tofile(folder + "/predicted.u8")
"""


def program() -> Path:
    """The example that is measured, built."""
    profile = os.environ.get("BENCH_PROFILE", "release")
    trackers.say(f"building ({profile})")
    # In the other profile everything, as the gate has built it: nothing is compiled twice.
    example = ["--release", "-p", "mlhub-eval", "--example", "evaluate_columns"]
    everything = ["--workspace", "--bins", "--examples"]
    what = example if profile == "release" else everything
    subprocess.run(["cargo", "build", "--quiet", *what], check=True, cwd=ROOT)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / profile / "examples" / "evaluate_columns"


def interpreter() -> Path:
    if "MLHUB_TEST_PYTHON" in os.environ:
        return Path(os.environ["MLHUB_TEST_PYTHON"])
    return trackers.environment("sklearn", REFERENCE)


def measured(command: list[str]) -> dict:
    begun = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=SECONDS, check=True)
    whole = time.perf_counter() - begun
    found = json.loads(done.stdout.split("RESULT ")[-1])
    return {**found, "whole_s": whole, "metric_s": statistics.median(found["seconds"])}


def difference(ours: list[float], theirs: list[float]) -> float:
    if len(ours) != len(theirs):
        raise SystemExit(f"{len(ours)} values, and {len(theirs)} of scikit-learn")
    pairs = zip(ours, theirs)
    return max(abs(a - b) / max(abs(a), abs(b), sys.float_info.min) for a, b in pairs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    rows = ROWS_SMOKE if options.smoke else options.rows
    resampled = ROWS_RESAMPLED_SMOKE if options.smoke else ROWS_RESAMPLED
    rounds = 1 if options.smoke else options.rounds
    example, python = program(), interpreter()
    folders = {}
    for name, size in (("columns", rows), ("resampled", resampled)):
        folders[name] = trackers.WORK / "eval" / name
        folders[name].mkdir(parents=True, exist_ok=True)
        subprocess.run([python, "-c", FILL, str(folders[name]), str(size)], check=True)
    results: dict[str, dict[str, list[dict]]] = {}
    disagree = []
    for turn in range(rounds):
        for what, title in METRICS.items():
            given = [str(folders["columns"]), what, "1"]
            ours = measured([str(example), *given])
            theirs = measured([str(python), str(HERE / "reference.py"), *given])
            apart = difference(ours["values"], theirs["values"])
            if apart > (0.0 if what == "confusion" else AGREEMENT):
                disagree.append(f"{title}: {ours['values']} is not {theirs['values']}")
            ours["apart"] = apart
            kept = results.setdefault(what, {"mlhub": [], "scikit-learn": []})
            kept["mlhub"].append(ours)
            kept["scikit-learn"].append(theirs)
            trackers.say(
                f"[{turn + 1}/{rounds}] {title}: {ours['metric_s']:.3f} s, scikit-learn "
                f"{theirs['metric_s']:.3f} s, {apart:.1e} apart"
            )
            if what not in BATCHES:
                continue
            batches = measured([str(example), given[0], f"{what}_batches", "1"])
            if batches["values"] != ours["values"]:
                disagree.append(f"{title}: {batches['values']} in batches is not {ours['values']}")
            kept.setdefault("batches", []).append(batches)
            trackers.say(f"[{turn + 1}/{rounds}] {title} in batches: {batches['peak_mb']:.1f} MB")
        for what in ("bootstrap", "detection"):
            if options.smoke and what == "detection":
                continue
            found = measured([str(example), str(folders["resampled"]), what, "1"])
            results.setdefault(what, {"mlhub": []})["mlhub"].append(found)
            trackers.say(f"[{turn + 1}/{rounds}] {what}: {found['metric_s']:.3f} s")
    if disagree:
        raise SystemExit("\n".join(["The values do not agree:", *disagree]))
    if options.smoke:
        trackers.say(f"\n{len(results)} passed, 0 failed")
        return 0
    write(results, rows, resampled, trackers.version_of(python, "scikit-learn"))
    return 0


def write(results: dict, rows: int, resampled: int, version: str) -> None:
    docs = ROOT / "docs"
    kept = {"scikit-learn": version, "machine": report.machine(), "rows": rows, "results": results}
    (docs / "benchmarks-eval.json").write_text(json.dumps(kept, indent=1) + "\n")
    rounds = len(results["auroc"]["mlhub"])
    lines = [
        "# Benchmarks of evaluation",
        "",
        f"Written by `python3 benches/eval/compare.py` on {report.machine()},",
        f"{datetime.date.today():%Y-%m-%d}, beside scikit-learn {version}: {rows:,} binary predictions, the same",
        f"columns for both, taking turns in one run. A figure is the median of {rounds} rounds, in brackets the",
        "smallest and the greatest. Timed is the call of the metric alone; the whole process also reads the",
        "files and, here, checks the columns and makes an id per row, which scikit-learn has not.",
        "Memory is the most that the process held at once.",
        "",
        "| | mlhub, s | scikit-learn, s | ratio | difference | whole, s | theirs | memory, MB | theirs |",
        "|---" * 9 + "|",
    ]
    for what, title in METRICS.items():
        ours, theirs = results[what]["mlhub"], results[what]["scikit-learn"]
        here, there = report.middle(ours, "metric_s"), report.middle(theirs, "metric_s")
        cells = [title, spread(here), spread(there), report.ratio(there[0], here, True)]
        cells.append(f"{max(one['apart'] for one in ours):.1e}")
        for key in ("whole_s", "peak_mb"):
            cells += [report.number(report.middle(side, key)[0]) for side in (ours, theirs)]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "In batches of 8,192 rows, of which none is held: reading, checking and evaluating together, and the whole",
        "process of scikit-learn, which reads, evaluates and makes no id.",
        "",
        "| | batches, whole, s | scikit-learn, whole, s | memory, MB | theirs |",
        "|---" * 5 + "|",
    ]
    for what in BATCHES:
        ours, theirs = results[what]["batches"], results[what]["scikit-learn"]
        cells = [METRICS[what]]
        for key in ("whole_s", "peak_mb"):
            cells += [report.number(report.middle(side, key)[0]) for side in (ours, theirs)]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "1,000 resamples, which scikit-learn has not:",
        "",
        "| | s | memory, MB |",
        "|---|---|---|",
    ]
    titles = {
        "bootstrap": f"AUROC of {resampled:,} rows",
        "detection": "All metrics of detection: 5,000 images, 80 categories, 30 predicted boxes each",
    }
    for what, title in titles.items():
        found = results[what]["mlhub"]
        memory = report.number(report.middle(found, "peak_mb")[0])
        lines.append(f"| {title} | {spread(report.middle(found, 'metric_s'))} | {memory} |")
    note = docs / "benchmarks-eval-notes.md"
    if note.exists():
        lines += ["", note.read_text().strip()]
    (docs / "benchmarks-eval.md").write_text("\n".join(lines) + "\n")


def spread(of: tuple[float, float, float]) -> str:
    return f"{report.number(of[0])} ({report.number(of[1])} - {report.number(of[2])})"


if __name__ == "__main__":
    sys.exit(main())
