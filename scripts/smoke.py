"""Smoke runs of the real program, as a person would start it.

Runs the demo twice into a fresh data directory and checks what it leaves behind
through the command line alone; runs the demo of frameworks into a data directory of
its own, which goes again, after one run of each framework was reproduced; then runs the conformance kit on every bundled adapter, some
at a time. Adapters that run in people's own Python find it as the gate's does, by
`VIRTUAL_ENV`. It looks into no file of the hub. The first data directory stays for others to look at.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Those of the demo.
ADAPTERS = ("native", "script", "sklearn")
# Those of the demo of frameworks, in its order.
FRAMEWORKS = ("native", "sklearn", "xgboost", "lightgbm", "catboost")
SEEDS_EACH = 3
SCORE = "test/accuracy"
# Better than guessing one of ten digits by far; a model that learned nothing fails.
SCORE_MIN = 0.8
LIST_LIMIT = 500
# Making an environment may have to download scikit-learn.
COMMAND_SECONDS = 900

Run = dict[str, Any]


@dataclass
class Program:
    """The program under test with its data directory."""

    binary: Path
    data_dir: Path

    def call(self, *arguments: str) -> str:
        """Runs a command that must succeed; returns its standard output."""
        shown = " ".join(("mlhub", *arguments))
        print(f"$ {shown}", flush=True)
        begun = time.monotonic()
        done = subprocess.run(
            [str(self.binary), *arguments, "--data-dir", str(self.data_dir)],
            # Away from the sources, whose adapters/ would come before the bundled ones.
            cwd=self.data_dir,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        print(f"  {time.monotonic() - begun:.1f} s, exit code {done.returncode}", flush=True)
        if done.returncode != 0:
            print(done.stdout, flush=True)
            raise AssertionError(f"`{shown}` exited with {done.returncode}")
        return done.stdout

    def runs(self) -> list[Run]:
        """All runs, as `mlhub runs --json` lists them."""
        listed = json.loads(self.call("runs", "--json", "--limit", str(LIST_LIMIT)))
        assert isinstance(listed, list), f"`runs --json` prints an array, not {type(listed)}"
        return listed


def check_runs(runs: list[Run], adapters: tuple[str, ...] = ADAPTERS) -> None:
    """Every adapter has its seeds, all finished and evaluated on the test split."""
    expected = len(adapters) * SEEDS_EACH
    assert len(runs) == expected, f"{len(runs)} runs instead of {expected}"
    seeds: dict[str, set[int]] = {}
    for run in runs:
        missing = {"id", "name", "project", "adapter", "state", "seed", "group", "metrics"} - set(
            run
        )
        assert not missing, f"a run lacks {sorted(missing)}"
        assert run["state"] == "finished", f"run {run['id']} is {run['state']}"
        score = run["metrics"].get(SCORE)
        assert isinstance(score, float) and math.isfinite(score), f"run {run['id']}: no {SCORE}"
        assert SCORE_MIN <= score <= 1.0, f"run {run['id']}: {SCORE} is {score}"
        seeds.setdefault(run["adapter"], set()).add(run["seed"])
    assert set(seeds) == set(adapters), f"adapters of the demo: {sorted(seeds)}"
    for adapter, drawn in seeds.items():
        assert len(drawn) == SEEDS_EACH, f"{adapter} has seeds {sorted(drawn)}"


def check_repeats(first: list[Run], second: list[Run]) -> None:
    """Equal adapter and seed gave equal evaluated metrics, to the bit."""
    by_key = {(run["adapter"], run["seed"]): run for run in first}
    for run in second:
        before = by_key[run["adapter"], run["seed"]]
        assert run["id"] != before["id"]
        for name, value in before["metrics"].items():
            if name.startswith("test/"):
                again = run["metrics"].get(name)
                assert again == value, (
                    f"{run['adapter']}, seed {run['seed']}: {name} is {value!r}, then {again!r}"
                )


def check_detail(program: Program, run: Run) -> None:
    """A run's page holds config, snapshot and evaluation with intervals."""
    detail = json.loads(program.call("show", run["id"], "--json"))
    text = json.dumps(detail)
    for word in ("config", "origins", "snapshot", "evaluations"):
        assert f'"{word}"' in text, f"`show --json` has no {word}"
    assert '"accuracy@' in text, "`show --json` names no versioned metric definition"


def demo(program: Program, state: dict[str, Any]) -> None:
    """The first demo leaves its runs."""
    program.call("demo", "--exit", "--port", "0")
    state["first"] = program.runs()
    check_runs(state["first"])


def details(program: Program, state: dict[str, Any]) -> None:
    """One run of each adapter shows everything about itself."""
    for adapter in ADAPTERS:
        check_detail(program, next(run for run in state["first"] if run["adapter"] == adapter))


def again(program: Program, state: dict[str, Any]) -> None:
    """A second demo adds to what is there and measures the same."""
    program.call("demo", "--exit", "--port", "0")
    every = program.runs()
    known = {run["id"] for run in state["first"]}
    assert known <= {run["id"] for run in every}, "the second demo lost runs of the first"
    added = [run for run in every if run["id"] not in known]
    check_runs(added)
    check_repeats(state["first"], added)


def frameworks(program: Program, _state: dict[str, Any]) -> None:
    """The demo of frameworks compares five on one split by the same metrics."""
    environments = (program.data_dir / "environments").resolve(strict=True)
    with tempfile.TemporaryDirectory(prefix="mlhub-smoke-") as folder:
        # Making the environments costs downloads.
        (Path(folder) / "environments").symlink_to(environments)
        own = Program(program.binary, Path(folder))
        printed = own.call("demo", "frameworks", "--exit", "--port", "0")
        print(printed, flush=True)
        assert "/compare?runs=" in printed, "the demo tells no link"
        for name in FRAMEWORKS:
            assert f"{name} ({SEEDS_EACH} seeds)" in printed, f"no column of {name}"
        runs = own.runs()
        check_runs(runs, FRAMEWORKS)
        check_comparison(json.loads(own.call("compare", *(run["id"] for run in runs), "--json")))
        for name in FRAMEWORKS:
            check_reproduced(own, next(run for run in runs if run["adapter"] == name))


def check_reproduced(program: Program, run: Run) -> None:
    """Run again from its record, it gives the same numbers, bit for bit."""
    found = json.loads(program.call("reproduce", run["id"], "--json"))["reproduction"]
    assert found["verdict"] == "identical", f"{run['adapter']}: {found}"
    assert found["same_predictions"] is True, f"{run['adapter']}: other predictions"
    assert SCORE in [metric["name"] for metric in found["metrics"]], f"{SCORE} is not compared"


def check_comparison(comparison: dict[str, Any]) -> None:
    """Nothing is warned of, such as different splits; every group has every evaluated metric."""
    assert comparison["warnings"] == [], comparison["warnings"]
    evaluated = [row for row in comparison["metrics"] if row["definition"]]
    assert SCORE in [row["name"] for row in evaluated], "the score is not compared"
    groups = comparison["groups"]
    assert sorted(group["adapter"] for group in groups) == sorted(FRAMEWORKS)
    for group in groups:
        assert group["experiment"] == group["adapter"], "an experiment is named by its file"
        for row in evaluated:
            seeds = group["metrics"][row["name"]]["n"]
            assert seeds == SEEDS_EACH, f"{row['name']} of {group['adapter']}: {seeds} seeds"


def bundled(program: Program) -> list[str]:
    """The adapters in the binary."""
    listed = json.loads(program.call("adapter", "list", "--json"))
    names = [adapter["name"] for adapter in listed if adapter["source"] == "bundled"]
    assert set(ADAPTERS) <= set(names), f"the binary holds {names}"
    return names


def conformance(program: Program, names: list[str]) -> list[str]:
    """The conformance kit on bundled adapters, as many at a time as there are processors;
    returns those that failed."""

    def check(name: str) -> tuple[str, str]:
        try:
            return name, program.call("adapter", "check", name)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            return name, f"FAILED: {error}"

    failed = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in as_completed(pool.submit(check, name) for name in names):
            name, report = done.result()
            print(f"# The conformance kit on the {name} adapter.\n{report}", flush=True)
            if report.startswith("FAILED"):
                failed.append(name)
    return failed


def main() -> int:
    """Runs the checks in order; later ones need the earlier."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--leave-out", nargs="*", default=[], help="adapters not to check")
    options = parser.parse_args()
    program = Program(options.binary.resolve(), options.data_dir.resolve())
    state: dict[str, Any] = {}
    checks = [demo, details, again, frameworks]
    for number, check in enumerate(checks):
        print(f"# {check.__doc__}", flush=True)
        try:
            check(program, state)
        except (AssertionError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
            print(f"smoke: {error}", file=sys.stderr)
            print(f"{number} passed, 1 failed")
            return 1
    names = [name for name in bundled(program) if name not in options.leave_out]
    failed = conformance(program, names)
    passed = len(checks) + len(names) - len(failed)
    if failed:
        print(f"smoke: the conformance kit failed on {', '.join(failed)}", file=sys.stderr)
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
