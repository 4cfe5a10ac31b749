"""`mlhub import mlflow` and `mlhub export mlflow`, beside MLflow's own clients.

What MLflow wrote is imported, and MLflow's client tells of the hub what it tells of the source,
value for value; of an exported folder it tells the same again.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import MLFLOW_QUIET, REPOSITORY, Hub, interpreter_at, wait_until

SCRIPT = Path(__file__).parent / "mlflow_client" / "migrating.py"
SCRIPT_SECONDS = 900
IMPORT_SECONDS = 300
# MLflow's file store is opened by its newest releases only when they are told to.
ENVIRONMENT = {**MLFLOW_QUIET, "MLFLOW_ALLOW_FILE_STORE": "true"}


class Script:
    """The script in a process of its own."""

    def __init__(self, interpreter: str, folder: Path, *arguments: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.out = folder / f"{arguments[0]}.out"
        self.log = folder / f"{arguments[0]}.log"
        with self.out.open("wb") as out, self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [interpreter, str(SCRIPT), *arguments],
                cwd=folder,
                env={**os.environ, **ENVIRONMENT},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
            )

    def told(self) -> list[Any]:
        code = self.process.wait(SCRIPT_SECONDS)
        assert code == 0, self.log.read_text()[-4000:]
        lines = self.out.read_text().splitlines()
        return [json.loads(line[5:]) for line in lines if line.startswith("TOLD ")]


@pytest.fixture
def hubs(binary: str, tmp_path: Path) -> Iterator[dict[str, Hub]]:
    """A hub for every kind of source."""
    names = ("files", "database", "server", "old")
    served = {name: Hub(binary, tmp_path / f"hub-{name}") for name in names}
    for one in served.values():
        one.start()
    yield served
    for one in served.values():
        one.stop()


def url_of(hub: Hub) -> str:
    url = hub.url()
    assert url is not None
    return url


def command(hub: Hub, *arguments: str) -> list[str]:
    return [hub.binary, *arguments, "--server", url_of(hub), "--json"]


def answer(hub: Hub, *arguments: str) -> dict[str, Any]:
    """What a command says that has to end well."""
    done = subprocess.run(
        command(hub, *arguments),
        capture_output=True,
        text=True,
        timeout=IMPORT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def import_whole(hub: Hub, source: str, *options: str) -> dict[str, Any]:
    said = answer(hub, "import", "mlflow", source, *options)
    assert said["whole"], said["problems"]
    assert said["source"] == said["there"]
    return said


def assert_same(mine: dict[str, Any], other: dict[str, Any]) -> None:
    """Two tales are equal; what is not is named by its place."""
    assert mine["registry"] == other["registry"]
    assert mine.get("predictions") == other.get("predictions")
    assert sorted(mine["experiments"]) == sorted(other["experiments"])
    for name, experiment in mine["experiments"].items():
        there = other["experiments"][name]
        for part in ("stage", "tags", "models"):
            assert experiment[part] == there[part], (name, part)
        assert sorted(experiment["runs"]) == sorted(there["runs"]), name
        for run, values in experiment["runs"].items():
            for part, value in values.items():
                assert value == there["runs"][run][part], (name, values["name"], part)


def grow(store: Path) -> None:
    """What a program does that goes on: a run in the file store gets more."""
    named = next(
        path for path in store.glob("*/*/tags/mlflow.runName") if path.read_text() == "running"
    )
    run = named.parent.parent
    with (run / "metrics" / "m").open("a") as metric:
        metric.write("1700000400002 nan 1\n1700000400003 2.5 2\n")
    (run / "tags" / "grown").write_text("yes")
    (run / "artifacts").mkdir(exist_ok=True)
    (run / "artifacts" / "more.txt").write_text("more")


def test_what_mlflow_has_moves_in_and_out(
    mlflow_python: str, mlflow_server: str, hubs: dict[str, Hub], tmp_path: Path
) -> None:
    old_python = interpreter_at(REPOSITORY / "target" / "venv-mlflow-2" / "bin/python")
    files, database = tmp_path / "new" / "mlruns", tmp_path / "mlflow.db"
    old_database = tmp_path / "old" / "mlflow.db"
    writers = [
        Script(mlflow_python, tmp_path / "new", "write", f"file://{files}"),
        Script(mlflow_python, tmp_path / "served", "write", mlflow_server),
        Script(old_python, tmp_path / "old", "write", f"sqlite:///{old_database}"),
    ]
    for writer in writers:
        writer.told()

    # An import that is killed goes on, and then one more changes nothing.
    source = ["import", "mlflow", mlflow_server]
    with subprocess.Popen(command(hubs["server"], *source), stdout=subprocess.DEVNULL) as cut:
        runs = command(hubs["server"], "runs")
        wait_until(
            lambda: json.loads(subprocess.check_output(runs)) or cut.poll() is not None,
            "a run is there",
        )
        cut.kill()
    import_whole(hubs["server"], mlflow_server)
    before = answer(hubs["server"], "project", "hash", "default")
    again = import_whole(hubs["server"], mlflow_server)
    assert again["runs_new"] == again["runs_changed"] == 0
    assert again["runs_unchanged"] == again["source"]["runs"] == 7
    assert answer(hubs["server"], "project", "hash", "default") == before

    # Artifacts of the server are in a folder that its database does not name.
    import_whole(hubs["database"], str(database), "--artifacts-root", str(tmp_path / "artifacts"))
    import_whole(hubs["old"], f"sqlite:///{old_database}")
    looked = answer(hubs["files"], "import", "mlflow", str(files), "--dry-run")
    imported = import_whole(hubs["files"], str(files))
    assert looked["source"] == imported["source"]
    grow(files)
    grown = import_whole(hubs["files"], str(files))
    assert (grown["runs_new"], grown["runs_changed"], grown["runs_unchanged"]) == (0, 1, 6)
    assert grown["source"]["points"] == imported["source"]["points"] + 2

    out, old_out = tmp_path / "moved" / "out", tmp_path / "moved" / "old out"
    for name, folder in (("server", out), ("old", old_out)):
        exported = answer(hubs[name], "export", "mlflow", str(folder))
        assert exported["whole"], exported["problems"]
        refused = subprocess.run(
            command(hubs[name], "export", "mlflow", str(folder)), capture_output=True, check=False
        )
        assert refused.returncode == 8, refused.stderr

    new = ("files", "server", "database")
    urls = [url_of(hubs[name]) for name in new]
    newer = Script(
        mlflow_python,
        tmp_path / "tell",
        "tell",
        f"file://{files}",
        mlflow_server,
        *urls,
        f"file://{out}",
    )
    old_url = url_of(hubs["old"])
    older = Script(
        old_python,
        tmp_path / "tell-old",
        "tell",
        f"sqlite:///{old_database}",
        old_url,
        f"file://{old_out}",
    )
    in_files, in_server, *of_hubs, exported_tale = newer.told()
    for mine, theirs in zip(of_hubs, (in_files, in_server, in_server), strict=True):
        assert_same(mine, theirs)
    assert_same(exported_tale, in_server)
    in_old, of_hub, old_exported = older.told()
    assert_same(of_hub, in_old)
    assert_same(old_exported, in_old)
    told = in_server["experiments"]["caf\u00e9 & co"]["runs"].values()
    assert {run["stage"] for run in told} == {"active", "deleted"}
    assert max(len(run["histories"].get("loss/val", [])) for run in told) == 2500
    assert all(len(tale["predictions"]) == 2 for tale in (in_server, in_old))
