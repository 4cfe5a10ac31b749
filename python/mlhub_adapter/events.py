"""Appends event lines to a file of ``events/``, each whole and at once."""

from __future__ import annotations

import json
import math
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any, TextIO

MAX_WARNINGS = 20
"""Warnings told in one run; what is beyond is counted by nobody."""


class EventWriter:
    """The one writer of this program's event file."""

    def __init__(self, run_dir: Path, *, name: str = "main") -> None:
        folder = run_dir / "events"
        folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._file = os.open(folder / f"{name}.jsonl", flags, 0o644)
        self._warned: set[str] = set()

    def write(self, **fields: Any) -> None:
        """Appends one line in one write; what returned survives the process."""
        line = {"time_ms": time.time_ns() // 1_000_000, **fields}
        data = (json.dumps(line, allow_nan=False) + "\n").encode()
        while data:
            data = data[os.write(self._file, data) :]

    def warning(self, message: str) -> None:
        """Something a person should know, once."""
        if message in self._warned or len(self._warned) >= MAX_WARNINGS:
            return
        self._warned.add(message)
        print(f"warning: {message}", file=sys.stderr)
        self.write(warning=message)

    def take_over_warnings(self) -> None:
        """Makes warnings of libraries events."""

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            self.warning(f"{category.__name__}: {message}")

        warnings.showwarning = show


def number(value: Any) -> float | str:
    """A number as the protocol writes it; anything that ``float`` takes."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return float(value)
