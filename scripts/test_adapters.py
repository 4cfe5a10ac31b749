"""Types and tests of the adapters in Python, some adapters at a time.

    scripts/test_adapters.py --mlhub BINARY --data-dir DIR [--own ENVIRONMENT] [--jobs N] [ADAPTER...]

mypy and pytest are those of the interpreter that runs this; the programs that the tests start
are the adapter's, in the environment that the hub makes of its lock file below DIR. Adapters
that run in people's own Python get ENVIRONMENT as that. What each prints appears once it has
ended, so that lines of two adapters do not mix. It installs nothing itself.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ADAPTERS = ROOT / "adapters"
CACHE = ROOT / "target" / "mypy-cache"
# Making an environment may have to download some hundred megabytes.
ADAPTER_SECONDS = 1800


@dataclass
class Outcome:
    """What the checks of one adapter printed, and whether they passed."""

    adapter: str
    passed: bool
    text: str
    seconds: float


def is_own_python(adapter: Path) -> bool:
    """Whether an adapter runs in the Python that people have."""
    manifest = tomllib.loads((adapter / "adapter.toml").read_text("utf-8"))
    return bool(manifest["environment"]["kind"] == "python")


def known() -> list[str]:
    """The adapters that have tests in Python."""
    return sorted(path.parents[1].name for path in ADAPTERS.glob("*/tests/conftest.py"))


def commands(adapter: Path, options: argparse.Namespace) -> list[list[str]]:
    """What is run in the adapter's folder."""
    types = [sys.executable, "-m", "mypy", "--config-file", "../pyproject.toml"]
    types += ["--python-executable", sys.executable, "--cache-dir", str(CACHE / adapter.name), "."]
    tests = [str(options.mlhub), "adapter", "exec", str(adapter), "--data-dir"]
    tests += [str(options.data_dir), "--", sys.executable, "-m", "pytest", "-q", "--durations=5"]
    return [types, tests]


def check(name: str, options: argparse.Namespace) -> Outcome:
    """Runs the checks of one adapter until one fails."""
    adapter = ADAPTERS / name
    environment = dict(os.environ, MYPYPATH="tests", PYTHONDONTWRITEBYTECODE="1")
    if is_own_python(adapter):
        environment["VIRTUAL_ENV"] = str(options.own)
    begun, text = time.monotonic(), ""
    for command in commands(adapter, options):
        try:
            done = subprocess.run(
                command,
                cwd=adapter,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=ADAPTER_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            printed = error.stdout or b""
            text += printed.decode("utf-8", "replace") if isinstance(printed, bytes) else printed
            text += f"ended after {ADAPTER_SECONDS} s\n"
            return Outcome(name, False, text, time.monotonic() - begun)
        text += done.stdout
        if done.returncode != 0:
            return Outcome(name, False, text, time.monotonic() - begun)
    return Outcome(name, True, text, time.monotonic() - begun)


def main() -> int:
    """Checks the adapters named, or all; ends with 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mlhub", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--own", type=Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("adapters", nargs="*", metavar="ADAPTER")
    options = parser.parse_args()
    options.mlhub, options.data_dir = options.mlhub.resolve(), options.data_dir.resolve()
    if options.own is not None:
        # Not resolved: the interpreter of an environment is a link out of it.
        options.own = options.own.absolute()
    names = options.adapters or known()
    if unknown := sorted(set(names) - set(known())):
        parser.error(f"no tests in Python: {', '.join(unknown)}; known: {', '.join(known())}")
    if options.own is None:
        left = [name for name in names if is_own_python(ADAPTERS / name)]
        names = [name for name in names if name not in left]
        if left:
            print(f"left out, for want of --own: {', '.join(left)}", flush=True)
    failed = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for done in as_completed(pool.submit(check, name, options) for name in names):
            outcome = done.result()
            print(f"# {outcome.adapter} ({outcome.seconds:.0f} s)\n{outcome.text}", flush=True)
            if not outcome.passed:
                failed.append(outcome.adapter)
    if failed:
        print(f"failed: {', '.join(sorted(failed))}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
