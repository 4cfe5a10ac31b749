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
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TIME_LIMIT_SECONDS = 120.0
POLL_SECONDS = 0.002

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
        path = os.pathsep.join(filter(None, [str(KIT), os.environ.get("PYTHONPATH")]))
        return subprocess.Popen(
            [*(command or self.command), *(directories or [str(self.dir)])],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": path,
                "PYTHONDONTWRITEBYTECODE": "1",
                **self.environment,
            },
        )

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

    # --- looking ------------------------------------------------------------

    def events(self) -> list[dict[str, Any]]:
        """Whole event lines so far."""
        path = self.dir / "events" / "main.jsonl"
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines]

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
