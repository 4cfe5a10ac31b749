"""MLflow's own client on the hub, beside the same script on MLflow's own server.

Both must have the same afterwards, value for value. MLflow is in an environment of its
own (MLHUB_TEST_MLFLOW; scripts/setup.sh makes target/venv-mlflow).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, Hub, wait_until

SCRIPT = Path(__file__).parent / "mlflow_client" / "script.py"
SCRIPT_SECONDS = 900
QUIET = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


@pytest.fixture(scope="module")
def interpreter() -> str:
    folder = Path(os.environ.get("MLHUB_TEST_MLFLOW") or REPOSITORY / "target/venv-mlflow")
    path = folder / "bin/python"
    if not path.is_file():
        pytest.skip(f"{path} is missing: scripts/setup.sh makes it")
    return str(path)


def run_script(interpreter: str, url: str, folder: Path) -> Any:
    environment = {**os.environ, **QUIET}
    done = subprocess.run(
        [interpreter, str(SCRIPT), url],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SCRIPT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("DUMP "))
    return json.loads(line.removeprefix("DUMP "))


@pytest.fixture
def original(interpreter: str, tmp_path: Path) -> Iterator[str]:
    """MLflow's own server, on SQLite."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [interpreter, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--workers", "1"]
    command += ["--artifacts-destination", str(tmp_path / "artifacts")]
    log = (tmp_path / "server.log").open("wb")
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, **QUIET},
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


def test_the_hub_has_what_mlflow_has(
    interpreter: str, original: str, hub: Hub, tmp_path: Path
) -> None:
    url = hub.url()
    assert url is not None
    (tmp_path / "here").mkdir()
    here = run_script(interpreter, url, tmp_path / "here")
    there = run_script(interpreter, original, tmp_path / "here")
    for part in ("lives", "searches"):
        assert here[part] == there[part], part
    trained = here["models"]["trained"]
    for way in ("alias", "number", "latest", "logged", "run", "twin"):
        assert trained[way] == trained["own"], way
    for part, value in here["models"].items():
        assert value == there["models"][part], part
    names = [experiment["name"] for experiment in here["dump"]]
    assert names == [experiment["name"] for experiment in there["dump"]]
    for mine, other in zip(here["dump"], there["dump"], strict=True):
        of = [run["name"] for run in mine["runs"]]
        assert of == [run["name"] for run in other["runs"]]
        for my_run, other_run in zip(mine["runs"], other["runs"], strict=True):
            for part, value in my_run.items():
                assert value == other_run[part], (mine["name"], my_run["name"], part)
        assert {**mine, "runs": []} == {**other, "runs": []}
