"""Shared parts of the SDK's tests: run directories, real processes, a real hub.

The SDK under test is the installed one, native module included. Tests that talk to a
hub need MLHUB_TEST_BINARY, or target/debug/mlhub.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reader import Events, read_run

REPOSITORY = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 60.0
POLL_SECONDS = 0.02
# What keeps MLflow from talking to its makers, and its client from drawing.
MLFLOW_QUIET = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}
INIT = "import mlhub, os, sys\nrun = mlhub.init('p', name='n')\nrun.log({'a': 1.0}, step=0)\n"
VARIABLES_OF_OURS = ("MLHUB_", "RANK", "WORLD_SIZE", "LOCAL_", "TORCHELASTIC", "SLURM_", "MASTER_")


@pytest.fixture(autouse=True)
def isolated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[None]:
    """No setting of the caller reaches a test; no run outlives one."""
    for name in list(os.environ):
        if name.startswith(VARIABLES_OF_OURS) and name != "MLHUB_TEST_BINARY":
            monkeypatch.delenv(name)
    monkeypatch.setenv("MLHUB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MLHUB_MODE", "offline")
    import mlhub

    yield
    mlhub.finish()


@pytest.fixture
def binary() -> str:
    path = Path(os.environ.get("MLHUB_TEST_BINARY") or REPOSITORY / "target/debug/mlhub")
    assert path.is_file(), f"{path} is missing: cargo build -p mlhub, or set MLHUB_TEST_BINARY"
    return str(path)


class Hub:
    """A hub process on a data directory of its own."""

    def __init__(self, binary: str, data_dir: Path) -> None:
        self.binary = binary
        self.data_dir = data_dir
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [self.binary, "serve", "--data-dir", str(self.data_dir), "--port", "0"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        wait_until(lambda: self.url() is not None, "the hub listens")

    def url(self) -> str | None:
        assert self.process is not None
        assert self.process.poll() is None, "the hub ended while starting"
        try:
            file = json.loads((self.data_dir / "hub.json").read_text())
        except (OSError, ValueError):
            return None
        return str(file["url"]) if file["process"]["pid"] == self.process.pid else None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None


@pytest.fixture
def hub(binary: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that runs; what the SDK does is shipped to it."""
    monkeypatch.setenv("MLHUB_BINARY", binary)
    monkeypatch.setenv("MLHUB_MODE", "online")
    served = Hub(binary, tmp_path / "data")
    served.start()
    yield served
    served.stop()


def wait_until(condition: Any, what: str, seconds: float = WAIT_SECONDS) -> Any:
    """Wait for a condition; returns what it gave, fails by name."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(POLL_SECONDS)


class Program:
    """A training in a process of its own, its runs below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = folder / "runs"
        self.started = 0
        self.environment = {**os.environ, "MLHUB_DIR": str(self.runs)}

    def start(self, code: str, **variables: str) -> subprocess.Popen[str]:
        # A file of its own: an earlier program may still be reading its own.
        self.started += 1
        script = self.folder / f"train{self.started}.py"
        script.write_text(code)
        return subprocess.Popen(
            [sys.executable, str(script)],
            cwd=self.folder,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
        process = self.start(code, **variables)
        out, err = process.communicate(timeout=WAIT_SECONDS)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def directories(self) -> list[Path]:
        return sorted(self.runs.glob("*/*/sdk.json")) if self.runs.exists() else []

    def events(self) -> Events:
        """Of the only run there is."""
        found = self.directories()
        assert len(found) == 1, f"{len(found)} runs"
        return read_run(found[0].parent)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


# --- MLflow's own --------------------------------------------------------------


def interpreter_at(path: Path) -> str:
    """An interpreter that scripts/setup.sh makes; without it a test is left out, in CI it fails."""
    if not path.is_file():
        left_out = f"{path} is missing: scripts/setup.sh makes it, beside the integrations"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(left_out)
    return str(path)


@pytest.fixture(scope="session")
def mlflow_python() -> str:
    folder = Path(os.environ.get("MLHUB_TEST_MLFLOW") or REPOSITORY / "target/venv-mlflow")
    return interpreter_at(folder / "bin/python")


@pytest.fixture
def mlflow_server(mlflow_python: str, tmp_path: Path) -> Iterator[str]:
    """MLflow's own server, on SQLite."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [mlflow_python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--workers", "1"]
    command += ["--artifacts-destination", str(tmp_path / "artifacts")]
    log = (tmp_path / "server.log").open("wb")
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, **MLFLOW_QUIET},
        stdout=log,
        stderr=log,
        start_new_session=True,
    )

    def answers() -> bool:
        assert process.poll() is None, (tmp_path / "server.log").read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    try:
        wait_until(answers, "MLflow's server answers", 120)
        yield url
    finally:
        # It has workers of its own, all in its session.
        os.killpg(process.pid, 15)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
        log.close()
