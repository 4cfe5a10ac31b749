"""For tests of adapters: run directories made by hand, and the program run on them.

    run = RunDirectory(tmp_path, [interpreter(), "train.py"], params={...},
                       text=smoke_csv, target="label")
    run.succeed()
    assert run.metrics()[-1][1]["train/loss"] < 0.5

The adapter is a process of its own, as in the hub, so that it can be killed.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlhub_adapter.files import write

TIME_LIMIT_SECONDS = 120.0
POLL_SECONDS = 0.002

ONNX = """
import json, sys
import numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
(port,) = session.get_inputs()
rows = numpy.array(json.load(sys.stdin), dtype=numpy.float32)
names = [port.name for port in session.get_outputs()]
outputs = session.run(names, {port.name: rows})
print(json.dumps({name: value.tolist() for name, value in zip(names, outputs)}))
"""

KIT = Path(__file__).resolve().parent.parent
"""The folder of this package, for PYTHONPATH of the program."""


def interpreter() -> str:
    """The Python of the adapter's environment: of the virtual one that is active, as it is
    under ``mlhub adapter exec``, else the one that runs the tests."""
    active = os.environ.get("VIRTUAL_ENV")
    return str(Path(active) / "bin" / "python") if active else sys.executable


class RunDirectory:
    """A run directory whose data are lines of CSV; every fifth row is the test split."""

    def __init__(
        self,
        folder: Path,
        command: Sequence[str],
        *,
        params: Mapping[str, Any],
        text: str = "",
        target: str | None = None,
        task: str | None = None,
        seed: int = 3,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.command = list(command)
        self.environment = dict(environment or {})
        self.dir = folder / "run"
        self.dir.mkdir(parents=True)
        self.file: dict[str, Any] = {
            "version": 1,
            "run": {"id": "r1", "project": "p", "experiment": "e", "name": "n"},
            "attempt": 1,
            "seed": seed,
            "task": task,
            "params": dict(params),
            "dataset": None,
            "predict_splits": ["test"],
            "resume": None,
            "config": {},
        }
        if text:
            self._write_splits(text, target)

    def _write_splits(self, text: str, target: str | None) -> None:
        header, *rows = text.splitlines()
        parts = {"train": [row for at, row in enumerate(rows) if at % 5], "test": rows[::5]}
        splits = {}
        for name, lines in parts.items():
            path = self.folder / f"{name}.csv"
            path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
            splits[name] = {"path": str(path), "rows": len(lines), "fingerprint": f"{name}-1"}
        self.file["dataset"] = {
            "name": "data",
            "version": 1,
            "fingerprint": "f",
            "format": "csv",
            "target": target,
            "splits": splits,
        }

    # --- running ------------------------------------------------------------

    def write(self) -> None:
        """Writes ``run.json``."""
        (self.dir / "run.json").write_text(json.dumps(self.file), encoding="utf-8")

    def start(
        self, command: Sequence[str] | None = None, directories: Sequence[str] | None = None
    ) -> subprocess.Popen[str]:
        """Starts the adapter; or another command, on other run directories."""
        self.write()
        return subprocess.Popen(
            [*(command or self.command), *(directories or [str(self.dir)])],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment(),
        )

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join(filter(None, [str(KIT), os.environ.get("PYTHONPATH")]))
        own = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        return {**os.environ, **own, **self.environment}

    def run(self) -> tuple[int, str]:
        """Exit code, and everything it printed."""
        program = self.start()
        stdout, stderr = program.communicate(timeout=TIME_LIMIT_SECONDS)
        return program.returncode, stdout + stderr

    def succeed(self) -> RunDirectory:
        """Runs to a good end."""
        code, said = self.run()
        assert code == 0, said
        return self

    def refusal(self) -> tuple[int, str, str]:
        """Exit code, blamed field and message of a run that must be refused."""
        code, said = self.run()
        errors = [event["error"] for event in self.events() if "error" in event]
        assert len(errors) == 1, said
        assert errors[0]["message"] in said
        return code, errors[0]["field"], errors[0]["message"]

    def stop_after_checkpoint(self, step: int, how: signal.Signals) -> int:
        """Starts it, signals it once it told of a checkpoint at ``step`` or later; returns
        its exit code."""
        program = self.start()
        try:
            deadline = time.monotonic() + TIME_LIMIT_SECONDS
            while not any(saved["step"] >= step for saved in self.told("checkpoint")):
                assert program.poll() is None, (
                    f"it ended before the checkpoint: {program.communicate()}"
                )
                assert time.monotonic() < deadline, f"no checkpoint in {TIME_LIMIT_SECONDS} s"
                time.sleep(POLL_SECONDS)
            program.send_signal(how)
            program.communicate(timeout=TIME_LIMIT_SECONDS)
            return program.returncode
        finally:
            # It has ended already unless something went wrong.
            program.kill()
            program.communicate()

    def resume(self, *, at: int | None = None) -> int:
        """Makes the next run go on from the last checkpoint, or the one ``at`` a step, in a
        new directory as the hub does; returns its step."""
        saved = self.told("checkpoint")
        chosen = next((told for told in saved if told["step"] == at), saved[-1])
        before = self.folder / f"attempt-{self.file['attempt']}"
        shutil.move(str(self.dir), before)
        self.dir.mkdir()
        self.file["attempt"] += 1
        self.file["resume"] = {"step": chosen["step"], "checkpoint": str(before / chosen["path"])}
        step: int = chosen["step"]
        return step

    def defaults(self) -> dict[str, Any]:
        """What the command ``defaults`` tells of the params."""
        command = [*self.command, "defaults"]
        program = self.start(command)
        stdout, stderr = program.communicate(timeout=TIME_LIMIT_SECONDS)
        assert program.returncode == 0, stdout + stderr
        told: dict[str, Any] = json.loads((self.dir / "defaults.json").read_text(encoding="utf-8"))
        return told

    # --- using the model ----------------------------------------------------

    @contextmanager
    def serve(self, command: str = "predict") -> Iterator[Conversation]:
        """The conversation with a worker that serves the model of the run that succeeded.

        Raises :class:`NotServed` where the worker ends before it is ready. Leaving ends the
        conversation, and the worker must then end well.
        """
        worker = self._of_the_model(command)
        with (
            open(worker / "stderr.log", "wb") as log,
            subprocess.Popen(
                [*self.command, command, str(worker)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=worker,
                env=self._environment(),
            ) as program,
        ):
            # A worker that hangs ends, and so does what waits for its answer.
            watch = threading.Timer(TIME_LIMIT_SECONDS, program.kill)
            watch.start()
            try:
                yield Conversation(worker, program)
                program.communicate()
                assert program.returncode == 0, (worker / "stderr.log").read_text(encoding="utf-8")
            finally:
                watch.cancel()
                program.kill()

    def export(self, format: str, command: str = "export") -> Path:
        """Exports the model of the run that succeeded; returns the folder of what was
        written. Raises :class:`NotServed` where it is refused or fails."""
        folder = self.export_directory(format, command)
        done = subprocess.run(
            [*self.command, command, str(folder)],
            check=False,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_SECONDS,
            cwd=folder,
            env=self._environment(),
        )
        if done.returncode != 0:
            raise NotServed(done.returncode, _events(folder), done.stdout + done.stderr)
        return folder / "artifacts"

    def export_directory(self, format: str, command: str = "export") -> Path:
        """A new directory for the command ``export``, which is not run."""
        return self._of_the_model(command, export={"format": format})

    def onnx(self, path: Path, rows: Sequence[Sequence[float | None]]) -> dict[str, list[Any]]:
        """What an ONNX file with one input gives for rows of single precision, None for a
        missing cell: lists by the outputs' names. Opened in the adapter's environment."""
        program = subprocess.run(
            [interpreter(), "-c", ONNX, str(path)],
            check=True,
            input=json.dumps(rows),
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_SECONDS,
        )
        outputs: dict[str, list[Any]] = json.loads(program.stdout)
        return outputs

    def _of_the_model(self, command: str, **more: Any) -> Path:
        """A new directory for a program that uses the model, with a copy of its files."""
        place = Path(tempfile.mkdtemp(prefix=f"{command}-", dir=self.folder))
        for told in self.told("artifact"):
            if told["kind"] == "model":
                name = Path(told["path"]).relative_to("artifacts")
                write(place / "model" / name, self.dir / told["path"])
        nothing: dict[str, Any] = {"dataset": None, "predict_splits": [], "resume": None}
        model = {"path": str(place / "model")}
        file = {**self.file, **nothing, "model": model, **more}
        folder = place / "worker"
        folder.mkdir()
        (folder / "run.json").write_text(json.dumps(file), encoding="utf-8")
        return folder

    # --- looking ------------------------------------------------------------

    def events(self) -> list[dict[str, Any]]:
        """Whole event lines so far."""
        return _events(self.dir)

    def told(self, key: str) -> list[Any]:
        """Values of one kind of event, in order."""
        return [event[key] for event in self.events() if key in event]

    def metrics(self) -> list[tuple[int, dict[str, float]]]:
        """Metrics by step."""
        return [(event["step"], event["metrics"]) for event in self.events() if "metrics" in event]

    def predictions(self, split: str = "test") -> list[list[str]]:
        """Rows of a split's predictions, the header first."""
        with open(self.dir / "predictions" / f"{split}.csv", newline="", encoding="utf-8") as file:
            return list(csv.reader(file))

    def accuracy(self) -> float:
        """Of the test split's predictions."""
        rows = self.predictions()[1:]
        return sum(row[1] == row[2] for row in rows) / len(rows)


class RequestError(Exception):
    """What a worker answered in place of outputs or hits."""

    def __init__(self, code: str, field: str | None, message: str) -> None:
        super().__init__(f"{code}: {field}: {message}")
        self.code, self.field, self.message = code, field, message


class NotServed(Exception):
    """A program that uses a model ended badly: its exit code, and the error it told of."""

    def __init__(self, code: int, events: Sequence[Mapping[str, Any]], said: str) -> None:
        super().__init__(f"exit code {code}: {said}")
        (error,) = [event["error"] for event in events if "error" in event] or [{}]
        self.code, self.said = code, said
        self.field, self.message = error.get("field"), error.get("message")


class Conversation:
    """The hub's side of the conversation with a worker."""

    def __init__(self, worker: Path, program: subprocess.Popen[bytes]) -> None:
        self.dir = worker
        """The worker's directory, with its ``stderr.log``."""
        self.program = program
        self._requests = 0
        frame = self.receive()
        self.ready: dict[str, Any] = frame["ready"]
        """What the worker said of itself."""

    def predict(self, inputs: Sequence[Any], options: Mapping[str, Any] | None = None) -> list[Any]:
        """Outputs for inputs; raises :class:`RequestError`."""
        asked = {"inputs": list(inputs), "options": dict(options or {})}
        outputs: list[Any] = self.ask({"predict": asked})["outputs"]
        return outputs

    def search(
        self,
        queries: Sequence[Mapping[str, Any]],
        k: int = 10,
        options: Mapping[str, Any] | None = None,
    ) -> list[list[dict[str, Any]]]:
        """Hits for queries; raises :class:`RequestError`."""
        asked = {"queries": list(queries), "k": k, "options": dict(options or {})}
        hits: list[list[dict[str, Any]]] = self.ask({"search": asked})["hits"]
        return hits

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request of any form."""
        self._requests += 1
        self.send(json.dumps({"id": self._requests, **request}).encode() + b"\n")
        answer = self.receive()
        assert answer["id"] == self._requests
        if "error" in answer:
            error = answer["error"]
            raise RequestError(error["code"], error["field"], error["message"])
        return answer

    def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        assert self.program.stdin is not None
        self.program.stdin.write(data)
        self.program.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """The next frame; raises :class:`NotServed` where the worker ended instead."""
        assert self.program.stdout is not None
        line = self.program.stdout.readline()
        if not line:
            code = self.program.wait(TIME_LIMIT_SECONDS)
            said = (self.dir / "stderr.log").read_text(encoding="utf-8")
            raise NotServed(code, _events(self.dir), said)
        frame: dict[str, Any] = json.loads(line)
        return frame


def _events(run_dir: Path) -> list[dict[str, Any]]:
    """Whole event lines so far."""
    path = run_dir / "events" / "main.jsonl"
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines]
