"""Runs the adapter in children of one process that has imported the libraries, which takes
longer than all these runs do. Each run is a process of its own, so that it can be killed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from mlhub_adapter.testing import POLL_SECONDS, TIME_LIMIT_SECONDS, RunDirectory

PROGRAM = """
import json, os, pathlib, sys
folder, kit = sys.argv[1:]
sys.path[:0] = [folder, kit]
from mlhub_adapter import Model, schema
from mlhub_adapter.adapter import execute
from mlhub_huggingface import HuggingFace, adapter

described = schema.read(pathlib.Path(folder) / "schema.json")
# Pins the threads and forbids the network, as each run does before it imports.
adapter._prepare({"threads": 1})
import peft
from transformers import Trainer

def train(run):
    return execute(HuggingFace(), ["train", run])

def answer(run):
    # Asked twice: equal requests have equal answers.
    run = pathlib.Path(run)
    asked = json.loads((run / "asked.json").read_text())
    said = json.loads((run / "run.json").read_text())
    about = json.loads((run / "artifacts" / "model.json").read_text())
    params = schema.complete(described, said["params"])
    model = Model(run / "artifacts", about, params, said["seed"], said["task"])
    served = HuggingFace().load(model)
    answers = [served.predict(asked["inputs"], asked["options"]) for _ in range(2)]
    (run / "answers.json").write_text(json.dumps(answers))
    return 0

for line in sys.stdin:
    task, run = json.loads(line)
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)
        code = 1
        try:
            code = {"train": train, "answer": answer}[task](run)
        finally:
            sys.stderr.flush()
            os._exit(code)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""For each line on standard input, tells a child's process id and then its exit code."""


class Nursery:
    """The process that the runs are children of."""

    def __init__(self, python: str, folder: Path, kit: Path, log: Path) -> None:
        self.log = log
        with open(log, "wb") as errors:
            self.program = subprocess.Popen(
                [python, "-c", PROGRAM, str(folder), str(kit)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "PYTHONPATH": str(kit), "PYTHONDONTWRITEBYTECODE": "1"},
            )

    def train(self, run: RunDirectory) -> int:
        """Trains to the end; returns the exit code."""
        run.write()
        self._start("train", run)
        return self._number()

    def answer(self, run: RunDirectory, inputs: list[Any], options: dict[str, Any]) -> list[Any]:
        """What the run's model answers in a process of its own; equal both times."""
        request = {"inputs": inputs, "options": options}
        (run.dir / "asked.json").write_text(json.dumps(request), encoding="utf-8")
        self._start("answer", run)
        assert self._number() == 0, self.log.read_text(encoding="utf-8")
        one, other = json.loads((run.dir / "answers.json").read_text(encoding="utf-8"))
        assert one == other
        found: list[Any] = one
        return found

    def stop_after_checkpoint(self, run: RunDirectory, step: int, how: signal.Signals) -> int:
        """Trains, and signals it once it told of a checkpoint at ``step`` or later; returns
        its exit code."""
        run.write()
        child = self._start("train", run)
        deadline = time.monotonic() + TIME_LIMIT_SECONDS
        while not any(saved["step"] >= step for saved in run.told("checkpoint")):
            assert time.monotonic() < deadline, self.log.read_text(encoding="utf-8")
            time.sleep(POLL_SECONDS)
        os.kill(child, how)
        return self._number()

    def close(self) -> None:
        """Ends it."""
        self.program.communicate(timeout=TIME_LIMIT_SECONDS)
        assert self.program.returncode == 0, self.log.read_text(encoding="utf-8")

    def _start(self, task: str, run: RunDirectory) -> int:
        assert self.program.stdin is not None
        self.program.stdin.write(json.dumps([task, str(run.dir)]) + "\n")
        self.program.stdin.flush()
        return self._number()

    def _number(self) -> int:
        """What it tells next; it is ended where it tells nothing."""
        assert self.program.stdout is not None
        watch = threading.Timer(TIME_LIMIT_SECONDS, self.program.kill)
        watch.start()
        line = self.program.stdout.readline()
        watch.cancel()
        assert line, self.log.read_text(encoding="utf-8")
        return int(line)
