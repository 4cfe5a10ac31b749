"""What frameworks, MLflow's commands and its R client log, on the hub and on MLflow's own server.

The clients: the newest mlflow-skinny and the last mlflow 2.x, each in an environment of its
own beside the frameworks (scripts/setup.sh makes them), and MLflow's own for the commands.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from conftest import MLFLOW_QUIET, REPOSITORY, Hub, interpreter_at

SCRIPTS = Path(__file__).parent / "mlflow_client"
SCRIPT_SECONDS = 600
CLIENTS = ("venv-mlflow-skinny", "venv-mlflow-2")


def dumps(interpreter: str, script: str, folder: Path, *urls: str) -> list[Any]:
    """What a script tells of each server."""
    done = subprocess.run(
        [interpreter, str(SCRIPTS / script), *urls],
        cwd=folder,
        env={**os.environ, **MLFLOW_QUIET},
        capture_output=True,
        text=True,
        timeout=SCRIPT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    lines = [line for line in done.stdout.splitlines() if line.startswith("DUMP ")]
    return [json.loads(line.removeprefix("DUMP ")) for line in lines]


@pytest.mark.parametrize("client", CLIENTS)
def test_frameworks_log_the_same(client: str, mlflow_server: str, hub: Hub, tmp_path: Path) -> None:
    interpreter = interpreter_at(REPOSITORY / "target" / client / "bin/python")
    url = hub.url()
    assert url is not None
    (tmp_path / "work").mkdir()
    here, there = dumps(interpreter, "frameworks.py", tmp_path / "work", url, mlflow_server)
    assert [experiment["name"] for experiment in here] == ["Default", "frameworks"]
    for mine, other in zip(here, there, strict=True):
        of = [run["name"] for run in mine["runs"]]
        assert of == [run["name"] for run in other["runs"]]
        for my_run, other_run in zip(mine["runs"], other["runs"], strict=True):
            for part, value in my_run.items():
                assert value == other_run[part], (my_run["name"], part)
    logged = {run["name"]: run for run in here[1]["runs"]}
    assert {"search", "booster", "leaves", "dense", "bert", "evaluated"} < set(logged)
    assert ("lightning" in logged) == (client == "venv-mlflow-2")
    assert all(run["metrics"] for run in logged.values()), "every framework has told metrics"


def test_the_commands_print_the_same(
    mlflow_python: str, mlflow_server: str, hub: Hub, tmp_path: Path
) -> None:
    url = hub.url()
    assert url is not None
    here, there = dumps(mlflow_python, "command_line.py", tmp_path, url, mlflow_server)
    assert len(here) > 10
    assert here == there


# --- The R client -------------------------------------------------------------


class Calls:
    """Calls as the R client makes them: every value is text, absent fields are left out."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.names: dict[str, str] = {}
        self.seen: list[Any] = []

    def call(self, method: str, path: str, /, **fields: Any) -> Any:
        """Sends a call; keeps and gives the answer."""
        where = f"{self.url}/api/2.0/mlflow/{path}"
        body = None
        if method == "GET":
            where += "?" + urllib.parse.urlencode(fields)
        else:
            body = json.dumps(fields).encode()
        request = urllib.request.Request(where, body, method=method)
        request.add_header("Content-Type", "application/json")
        request.add_header("User-Agent", "mlflow-r-client/3.17.2")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, said = answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            status, said = error.code, {"error_code": json.load(error)["error_code"]}
        self.seen.append([method, path, status, self.settled(said)])
        return said

    def named(self, value: str, name: str) -> str:
        self.names[value] = name
        return value

    def settled(self, value: Any) -> Any:
        """Without what differs between two servers: ids, and times they set."""
        if isinstance(value, dict):
            times = {"creation_time", "last_update_time", "creation_timestamp"}
            times |= {"last_updated_timestamp", "version_updated"}
            return {
                key: self.settled(of)
                for key, of in sorted(value.items())
                if key not in times and key != "next_page_token"
            }
        if isinstance(value, list):
            return [self.settled(of) for of in value]
        if isinstance(value, str):
            for found, name in self.names.items():
                value = re.sub(rf"(?<![0-9a-z]){found}(?![0-9a-z])", name, value)
        return value


def r_session(url: str) -> list[Any]:
    """mlflow_set_experiment, mlflow_start_run, what is logged, mlflow_end_run, and a look."""
    r = Calls(url)
    r.call("GET", "experiments/get-by-name", experiment_name="from R")
    made = r.call("POST", "experiments/create", name="from R")
    # The id of an experiment is short: it is told apart by where it stands.
    experiment = made["experiment_id"]
    r.seen.clear()
    run = r.call(
        "POST",
        "runs/create",
        experiment_id=experiment,
        user_id="ada",
        start_time="1700000000000",
        tags=[
            {"key": "mlflow.user", "value": "ada"},
            {"key": "mlflow.source.name", "value": "fit.R"},
            {"key": "mlflow.source.type", "value": "LOCAL"},
            {"key": "mlflow.runName", "value": "from R"},
        ],
    )["run"]["info"]
    assert run["experiment_id"] == experiment
    r.seen.clear()
    r.named(run["run_id"], "RUN")
    ids = {"run_uuid": run["run_uuid"], "run_id": run["run_id"]}

    def get_run() -> None:
        said = r.call("GET", "runs/get", **ids)["run"]
        assert said["info"].pop("experiment_id") == experiment
        said["info"]["artifact_uri"] = said["info"]["artifact_uri"].replace(
            f":/{experiment}/", ":/EXPERIMENT/"
        )
        for part in ("metrics", "params", "tags"):
            said["data"].get(part, []).sort(key=lambda one: one["key"])
        r.seen[-1][-1] = r.settled(said)

    get_run()
    r.call("POST", "runs/log-parameter", **ids, key="alpha", value="0.5")
    r.call("POST", "runs/log-parameter", **ids, key="alpha", value="0.6")
    for step, value in enumerate(("0.25", "NaN", "0.125")):
        point = {"value": value, "timestamp": f"{1_700_000_000_100 + step}", "step": f"{step}"}
        r.call("POST", "runs/log-metric", **ids, key="rmse", **point)
    r.call(
        "POST",
        "runs/log-batch",
        run_id=run["run_id"],
        metrics=[
            {"key": "mae", "value": "1e-05", "step": "1", "timestamp": "1700000000200"},
            {"key": "mae", "value": "2", "step": "2", "timestamp": "1700000000201"},
        ],
        params=[{"key": "family", "value": "gaussian"}],
        tags=[{"key": "stage", "value": "dev"}],
    )
    r.call("POST", "runs/set-tag", **ids, key="team", value="blue")
    r.call("POST", "runs/delete-tag", run_id=run["run_id"], key="team")
    r.call("GET", "metrics/get-history", **ids, metric_key="rmse")
    r.call("GET", "metrics/get-history", **ids, metric_key="none")
    listed = r.call("GET", "artifacts/list", **ids)
    r.seen.pop()
    assert not listed.get("files")
    ended = {"status": "FINISHED", "end_time": "1700000001000"}
    r.call("POST", "runs/update", **ids, **ended)
    r.seen.pop()
    get_run()
    search = {"experiment_ids": [experiment], "run_view_type": "ACTIVE_ONLY"}
    found = r.call("POST", "runs/search", **search, filter="params.alpha = '0.5'", order_by=[])
    r.seen.pop()
    assert [one["info"]["run_id"] for one in found["runs"]] == [run["run_id"]]
    r.call("POST", "runs/search", **search, filter="alpha ! 3")
    r.call("POST", "runs/delete", run_id=run["run_id"])
    get_run()
    r.call("POST", "runs/restore", run_id=run["run_id"])
    r.call("POST", "experiments/update", experiment_id=experiment, new_name="renamed in R")
    r.call("POST", "experiments/delete", experiment_id=experiment)
    r.call("POST", "experiments/restore", experiment_id=experiment)
    return r.seen


def test_the_calls_of_the_r_client_are_answered_the_same(mlflow_server: str, hub: Hub) -> None:
    url = hub.url()
    assert url is not None
    here, there = r_session(url), r_session(mlflow_server)
    assert len(here) == len(there)
    for mine, other in zip(here, there, strict=True):
        assert mine == other
