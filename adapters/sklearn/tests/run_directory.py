"""Run directories made by hand, and the adapter run on them as a process."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ADAPTER = Path(__file__).resolve().parent.parent
IRIS = (ADAPTER / "smoke.csv").read_text(encoding="utf-8")
TIME_LIMIT_SECONDS = 120.0


@dataclass
class RunDirectory:
    """A run on iris, unless told otherwise; every fifth row is the test split."""

    folder: Path
    params: dict[str, Any]
    text: str = IRIS
    target: str = "species"
    task: str | None = "multiclass"
    file: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dir = self.folder / "run"
        self.dir.mkdir(parents=True)
        header, *rows = self.text.splitlines()
        parts = {
            "train": [row for index, row in enumerate(rows) if index % 5],
            "test": rows[::5],
        }
        splits = {}
        for name, lines in parts.items():
            path = self.folder / f"{name}.csv"
            path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
            splits[name] = {"path": str(path), "rows": len(lines), "fingerprint": f"{name}-1"}
        dataset = {
            "name": "iris",
            "version": 1,
            "fingerprint": "f",
            "format": "csv",
            "target": self.target,
            "splits": splits,
        }
        self.file = {
            "version": 1,
            "run": {"id": "r1", "project": "p", "experiment": "e", "name": "n"},
            "attempt": 1,
            "seed": 3,
            "task": self.task,
            "params": self.params,
            "dataset": dataset,
            "predict_splits": ["test"],
            "config": {},
        }

    def start(self) -> subprocess.Popen[str]:
        """Starts the adapter."""
        (self.dir / "run.json").write_text(json.dumps(self.file), encoding="utf-8")
        return subprocess.Popen(
            [sys.executable, str(ADAPTER / "train.py"), str(self.dir)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self) -> tuple[int, str]:
        """Exit code, and everything it printed."""
        program = self.start()
        stdout, stderr = program.communicate(timeout=TIME_LIMIT_SECONDS)
        return program.returncode, stdout + stderr

    def succeed(self) -> None:
        """Runs to a good end."""
        code, said = self.run()
        assert code == 0, said

    def refusal(self) -> tuple[int, str, str]:
        """Exit code, blamed field and message of a run that must be refused."""
        code, said = self.run()
        errors = [event["error"] for event in self.events() if "error" in event]
        assert len(errors) == 1, said
        assert errors[0]["message"] in said
        return code, errors[0]["field"], errors[0]["message"]

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

    def predictions(self) -> list[list[str]]:
        """Rows of the test split's predictions, the header first."""
        with open(self.dir / "predictions" / "test.csv", newline="", encoding="utf-8") as file:
            return list(csv.reader(file))

    def accuracy(self) -> float:
        """Of the test split's predictions."""
        rows = self.predictions()[1:]
        return sum(row[1] == row[2] for row in rows) / len(rows)

    def stop_after_checkpoint(self, step: int, how: signal.Signals) -> int:
        """Starts it, signals it once it told of a checkpoint at ``step`` or later."""
        program = self.start()
        deadline = time.monotonic() + TIME_LIMIT_SECONDS
        while not any(saved["step"] >= step for saved in self.told("checkpoint")):
            assert program.poll() is None, "it ended before the checkpoint"
            assert time.monotonic() < deadline
        program.send_signal(how)
        program.communicate(timeout=TIME_LIMIT_SECONDS)
        return program.returncode

    def resume(self) -> int:
        """Makes the next run go on from the last checkpoint; returns its step."""
        last = self.told("checkpoint")[-1]
        self.file["resume"] = {"step": last["step"], "checkpoint": str(self.dir / last["path"])}
        (self.dir / "events" / "main.jsonl").unlink()
        step: int = last["step"]
        return step
