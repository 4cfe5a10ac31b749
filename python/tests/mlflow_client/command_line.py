"""MLflow's own commands against servers, and what they print.

Run by MLflow's own interpreter: `command_line.py TRACKING_URI...`. Does the same on each
server in turn and prints one JSON document for each, with ids and times replaced.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import mlflow
from click.testing import CliRunner
from mlflow.cli import cli
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

IDS = re.compile(r"\b[0-9a-f]{32}\b")
NUMBERS = re.compile(r"\b[0-9]{13}\b")
# Names that come back as they are; what clients cut or decode by themselves comes after.
ODD = (
    "a b.txt",
    "a+b.txt",
    "\u00fc \u65e5.txt",
    "100%.txt",
    "a&b=c;d.txt",
    "it's.txt",
    "[1]{2}.txt",
)
CHANGED = ("%41.txt", "a%2Fb.txt")


def command(*words: str) -> str:
    """What a command prints; ends the script where it fails."""
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == 0, (words, done.output, done.exception)
    return str(done.stdout)


def settled(text: str, ids: dict[str, str]) -> Any:
    for value, name in ids.items():
        text = re.sub(rf"\b{value}\b", name, text)
    text = NUMBERS.sub("TIME", IDS.sub("ID", text))
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def odd_names(run: str) -> list[Any]:
    """Files of odd names, there and back: each with what the commands say of it."""
    seen: list[Any] = []
    for name in ODD + CHANGED:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, name)
            file.write_text(name)
            where = f"sub +dir/{len(seen)}"
            logged = CliRunner().invoke(
                cli, ["artifacts", "log-artifact", "-l", str(file), "-r", run, "-a", where]
            )
            listed = command("artifacts", "list", "-r", run, "-a", where)
            target = Path(folder, "back")
            target.mkdir()
            words = ["artifacts", "download", "-r", run, "-a", f"{where}/{name}", "-d", str(target)]
            fetched = CliRunner().invoke(cli, words)
            back = [path for path in target.rglob("*") if path.is_file()]
            if name in ODD:
                assert [path.name for path in back] == [name], (name, fetched.output)
                assert back[0].read_text() == name
            seen.append([name, logged.exit_code, json.loads(listed), fetched.exit_code])
    return seen


def large_and_deleted(run: str) -> list[Any]:
    """A file that a client would send in parts, and deletes; what is left each time."""
    seen: list[Any] = []
    client = mlflow.MlflowClient()
    settings = {
        "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
        "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "true",
        "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": "1000",
    }
    os.environ.update(settings)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "large.bin")
        file.write_bytes(bytes(range(256)) * 1000)
        client.log_artifact(run, str(file), "parts")
        back = client.download_artifacts(run, "parts/large.bin", folder)
        seen.append(Path(back).read_bytes() == file.read_bytes())
    for name in settings:
        del os.environ[name]
    for name in ("x/1", "x/y/2", "z"):
        client.log_text(run, name, f"gone/{name}")
    files = get_artifact_repository(client.get_run(run).info.artifact_uri)
    for path in ("gone/x/1", "gone/nothing", "gone/x", "gone"):
        files.delete_artifacts(path)
        seen.append([path, [one.path for one in client.list_artifacts(run, "gone")]])
    files.delete_artifacts()
    seen.append([one.path for one in client.list_artifacts(run)])
    return seen


def everything() -> list[Any]:
    seen: list[Any] = []
    ids: dict[str, str] = {}

    def note(*words: str) -> str:
        printed = command(*words)
        seen.append([settled(" ".join(words), ids), settled(printed, ids)])
        return printed

    created = command("experiments", "create", "--experiment-name", "by command")
    experiment = created.split()[-1]
    ids[experiment] = "EXPERIMENT"
    seen.append(settled(created, ids))
    made = command("runs", "create", "--experiment-id", experiment, "--run-name", "one")
    # Before it come lines for people, with the server's address.
    run = json.loads(made[made.index("{") :])
    ids[run["run_id"]] = "RUN"
    seen.append({key: settled(str(value), ids) for key, value in run.items()})
    client = mlflow.MlflowClient()
    client.log_param(run["run_id"], "depth", "deep")
    client.log_metric(run["run_id"], "m", 0.25, timestamp=1, step=3)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "note.txt")
        file.write_text("kept\n")
        command("artifacts", "log-artifact", "-l", str(file), "-r", run["run_id"], "-a", "notes")
        command("artifacts", "log-artifacts", "-l", folder, "-r", run["run_id"])
        note("artifacts", "list", "-r", run["run_id"])
        note("artifacts", "list", "-r", run["run_id"], "-a", "notes")
        target = Path(folder, "back")
        target.mkdir()
        command("artifacts", "download", "-r", run["run_id"], "-a", "notes", "-d", str(target))
        seen.append(sorted(str(path.relative_to(target)) for path in target.rglob("*")))
    seen.append(odd_names(run["run_id"]))
    seen.append(large_and_deleted(run["run_id"]))
    table = command("experiments", "csv", "--experiment-id", experiment)
    for row in csv.DictReader(io.StringIO(table)):
        times = {"start_time", "end_time"}
        seen.append({key: settled(value, ids) for key, value in row.items() if key not in times})
    # The first column is a time.
    listed = command("runs", "list", "--experiment-id", experiment).splitlines()
    seen.append([settled(line, ids)[0].split()[-2:] for line in listed if run["run_id"] in line])
    described = json.loads(command("runs", "describe", "--run-id", run["run_id"]))
    seen.append(described["data"]["metrics"])
    note("runs", "delete", "--run-id", run["run_id"])
    note("runs", "restore", "--run-id", run["run_id"])
    note("experiments", "rename", "--experiment-id", experiment, "--new-name", "renamed")
    note("experiments", "delete", "--experiment-id", experiment)
    note("experiments", "restore", "--experiment-id", experiment)
    names = command("experiments", "search", "--view", "all")
    seen.append(sorted(name for name in ("Default", "renamed", "by command") if name in names))
    return seen


def main() -> None:
    """Do everything on each server and say what the commands printed."""
    for uri in sys.argv[1:]:
        mlflow.set_tracking_uri(uri)
        print("\nDUMP " + json.dumps(everything(), sort_keys=True))


if __name__ == "__main__":
    main()
