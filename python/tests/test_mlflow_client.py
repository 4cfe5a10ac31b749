"""MLflow's own client on the hub, beside the same script on MLflow's own server.

Both must have the same afterwards, value for value. MLflow is in an environment of its
own (MLHUB_TEST_MLFLOW; scripts/setup.sh makes target/venv-mlflow).
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from conftest import MLFLOW_QUIET, Hub

SCRIPTS = Path(__file__).parent / "mlflow_client"
SCRIPT_SECONDS = 900


def run_script(interpreter: str, url: str, folder: Path, script: str = "script.py") -> Any:
    environment = {**os.environ, **MLFLOW_QUIET}
    done = subprocess.run(
        [interpreter, str(SCRIPTS / script), url],
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


def test_the_hub_has_what_mlflow_has(
    mlflow_python: str, mlflow_server: str, hub: Hub, tmp_path: Path
) -> None:
    url = hub.url()
    assert url is not None
    (tmp_path / "here").mkdir()
    here = run_script(mlflow_python, url, tmp_path / "here")
    there = run_script(mlflow_python, mlflow_server, tmp_path / "here")
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


def test_the_hub_has_the_traces_that_mlflow_has(
    mlflow_python: str, mlflow_server: str, hub: Hub, tmp_path: Path
) -> None:
    url = hub.url()
    assert url is not None
    here = run_script(mlflow_python, url, tmp_path, "traces.py")
    there = run_script(mlflow_python, mlflow_server, tmp_path, "traces.py")
    assert len(here["traces"]) == len(there["traces"]) == 4
    for mine, other in zip(here["traces"], there["traces"], strict=True):
        for part, value in mine.items():
            assert value == other[part], (other["tags"]["mlflow.traceName"], part)
    for part, value in here.items():
        assert value == there[part], part
