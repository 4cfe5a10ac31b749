#!/usr/bin/env python3
"""Runs MLflow's own tests of its server against this hub.

    python3 benches/mlflow/conformance.py SOURCES [--binary mlhub] [--tests WORDS]

SOURCES is a checkout of MLflow, or a bare repository of it; only its folder `tests` is read. The
interpreter that runs this needs mlflow, pytest, pytest-asyncio and pytest-timeout; whichever
release of mlflow it has is the client. Each test gets a hub with an empty data directory (conformance_plugin.py). What
fails is run again against MLflow's own server of that release: what fails there, too, says nothing
about the hub. The rest needs a reason in conformance_known.py, or this ends with 1.

Writes docs/compat-mlflow-conformance.{json,md}; with --tests, an expression of pytest's -k,
it prints alone.
"""

from __future__ import annotations

import argparse
import collections
import importlib.metadata
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conformance_known import KNOWN

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = ROOT / "docs" / "compat-mlflow-conformance"
MODULES = (
    "test_rest_tracking.py",
    "test_model_registry.py",
    "test_mlflow_artifacts.py",
    "test_tracking.py",
    "test_log_image.py",
    "test_log_figure.py",
)
TEST_SECONDS = 120
JOBS = 3


def say(text: str) -> None:
    print(text, flush=True)


def git(sources: Path, *arguments: str) -> bytes:
    return subprocess.run(
        ["git", "-C", str(sources), *arguments], check=True, stdout=subprocess.PIPE
    ).stdout


def unpack(sources: Path, into: Path) -> str:
    """Takes the tests out of the sources, and says which they are."""
    archive = git(sources, "archive", "HEAD:tests")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tests:
        tests.extractall(into / "tests", filter="data")
    version = git(sources, "show", "HEAD:mlflow/version.py").decode()
    named = next(line for line in version.splitlines() if line.startswith("VERSION ="))
    commit = git(sources, "rev-parse", "--short=12", "HEAD").decode().strip()
    return f"{named.split(chr(34))[1]} ({commit})"


def pytest(tree: Path, binary: str, name: str, chosen: list[str]) -> list[dict[str, str]]:
    """Runs tests; what became of each, in the order they ran."""
    results = tree / f"{name}.jsonl"
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {
        "MLHUB_CONFORMANCE_BINARY": binary,
        "MLHUB_CONFORMANCE_RESULTS": str(results),
        "PYTHONPATH": f"{HERE}{os.pathsep}{tree}",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # Tests look for a trace as soon as they have made it.
        "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false",
        "GIT_PYTHON_REFRESH": "quiet",
    }
    options = ["-q", "--tb=short", "-c", os.devnull, f"--rootdir={tree}", "-p", "no:cacheprovider"]
    options += ["-p", "conformance_plugin", f"--timeout={TEST_SECONDS}"]
    command = [sys.executable, "-m", "pytest", *options, *chosen]
    log = tree / f"{name}.log"
    with log.open("wb") as out:
        subprocess.run(command, check=False, cwd=tree, env=environment, stdout=out, stderr=out)
    if not results.exists():
        say(f"{name}: no test was run:\n{log.read_text()[-2000:]}")
        return []
    lines = (json.loads(line) for line in results.read_text().splitlines())
    return list({line["test"]: line for line in lines}.values())


def reason(test: str) -> tuple[str, str] | None:
    """Kind and reason of a test that is known not to pass."""
    test = test.removeprefix("tests/tracking/")
    for start, (kind, why) in KNOWN.items():
        if test.startswith(start):
            return kind, why
    return None


def judged(tests: list[dict[str, str]], there: dict[str, str]) -> list[dict[str, str]]:
    """Each test with how it counts."""
    found = []
    for test in tests:
        name = test["test"].removeprefix("tests/tracking/")
        kind, why = "passed", ""
        if test["outcome"] == "never":
            kind, why = "never", test["why"]
        elif test["outcome"] == "skipped":
            kind, why = "skipped", test["why"].removeprefix("Skipped: ") or "xfail of theirs"
        elif test["outcome"] != "passed":
            known = reason(name)
            if known:
                kind, why = known
            elif there.get(test["test"]) == "failed":
                kind, why = "fails there, too", test["why"].splitlines()[0] if test["why"] else ""
            else:
                kind, why = "failed", test["why"]
        found.append({"test": name, "result": kind, "why": why[:300]})
    return found


def page(tests: list[dict[str, str]], about: dict[str, str]) -> str:
    modules: dict[str, collections.Counter[str]] = {}
    for test in tests:
        modules.setdefault(test["test"].split("::")[0], collections.Counter())[test["result"]] += 1
    kinds = ["passed", "failed", "differs", "not yet", "never", "fails there, too", "skipped"]
    rows = [f"| module | {' | '.join(kinds)} |", f"|---|{'---:|' * len(kinds)}"]
    for module, counts in modules.items():
        rows.append(f"| `{module}` | {' | '.join(str(counts[kind]) for kind in kinds)} |")
    reasons: dict[tuple[str, str], list[str]] = {}
    for test in tests:
        if test["result"] in ("failed", "differs", "not yet", "never"):
            name = test["test"].split("::")[1].split("[")[0]
            names = reasons.setdefault((test["result"], test["why"].replace("|", "\\|")), [])
            if f"`{name}`" not in names:
                names.append(f"`{name}`")
    listed = [
        f"| {kind} | {why} | {', '.join(names)} |" for (kind, why), names in sorted(reasons.items())
    ]
    return "\n".join([
        "# MLflow's own tests against the hub",
        "",
        f"Tests of MLflow {about['tests']}, client mlflow {about['client']}, every test with a hub",
        "that has an empty data directory. Made by",
        "[benches/mlflow/conformance.py](../benches/mlflow/conformance.py); every test by name is in",
        "[compat-mlflow-conformance.json](compat-mlflow-conformance.json).",
        "",
        "*differs*: the hub does otherwise, for the reason below. *fails there, too*: MLflow's own server",
        "of the client's release does not pass it either; the tests are of another release.",
        "",
        *rows,
        "",
        "## Why a test does not pass",
        "",
        "| result | reason | tests |",
        "|---|---|---|",
        *listed,
        "",
    ])  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", type=Path)
    parser.add_argument("--binary", default=shutil.which("mlhub") or "mlhub")
    parser.add_argument("--tests", help="only tests that this expression of pytest's -k chooses")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mlhub-conformance-") as folder:
        tree = Path(folder)
        about = {
            "tests": unpack(given.sources, tree),
            "client": importlib.metadata.version("mlflow"),
        }
        words = ["-k", given.tests] if given.tests else []
        binary = str(Path(given.binary).resolve())
        with ThreadPoolExecutor(JOBS) as jobs:
            modules = [
                jobs.submit(pytest, tree, binary, name, [f"tests/tracking/{name}", *words])
                for name in MODULES
            ]
            tests = [test for module in modules for test in module.result()]
        if not tests:
            return 1
        failed = [test["test"] for test in tests if test["outcome"] == "failed"]
        doubtful = [test for test in failed if not reason(test)]
        there = {}
        if doubtful:
            say(
                f"{len(doubtful)} of {len(tests)} without a reason, now against MLflow's own server"
            )
            again = pytest(tree, "", "there", doubtful)
            there = {test["test"]: test["outcome"] for test in again}
    tests = judged(tests, there)
    counts = collections.Counter(test["result"] for test in tests)
    say(", ".join(f"{count} {kind}" for kind, count in counts.most_common()))
    for test in tests:
        if test["result"] == "failed":
            say(f"FAILED {test['test']}: {test['why']}")
    if not given.tests:
        whole = {**about, "counts": dict(counts), "tests_run": tests}
        OUT.with_suffix(".json").write_text(json.dumps(whole, indent=1) + "\n")
        OUT.with_suffix(".md").write_text(page(tests, about))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
