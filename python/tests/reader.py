"""Reads a run directory as the hub's side does, from the format's description alone.

An independent reading of `events/*.mlog` (docs/run-directory.md), so that the tests do
not trust the writer's own code.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAGIC = b"mlhubevl"


@dataclass
class Events:
    """What the event files of one run say."""

    path: Path
    points: list[tuple[str, int, float]] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    """Of each point, in milliseconds since the epoch."""
    lines: list[dict[str, Any]] = field(default_factory=list)
    writers: list[str] = field(default_factory=list)

    def series(self, name: str) -> list[tuple[int, float]]:
        return [(step, value) for key, step, value in self.points if key == name]

    def records(self, kind: str) -> list[dict[str, Any]]:
        return [
            line["record"]["body"]
            for line in self.lines
            if line.get("record", {}).get("kind") == kind
        ]

    def joined(self, what: str) -> dict[str, Any]:
        """All params or tags."""
        found: dict[str, Any] = {}
        for line in self.lines:
            found.update(line.get(what, {}))
        return found

    def file(self, name: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.path / name).read_text())
        return value


def read_run(path: Path) -> Events:
    events = Events(path)
    for file in sorted((path / "events").glob("*.mlog")):
        events.writers.append(file.stem)
        read_log(file.read_bytes(), events)
    return events


def read_log(data: bytes, events: Events) -> None:
    assert data[:8] == MAGIC
    version, at = struct.unpack_from("<II", data, 8)
    assert version == 1
    names: dict[int, str] = {}
    while at + 8 <= len(data):
        length, crc = struct.unpack_from("<II", data, at)
        body = data[at + 8 : at + 8 + length]
        if length == 0 or len(body) < length or zlib.crc32(body) != crc:
            return
        kind, payload = body[0], body[1:]
        if kind == 1:
            names[struct.unpack_from("<I", payload)[0]] = payload[4:].decode()
        elif kind == 2:
            step, time_ms = struct.unpack_from("<qq", payload)
            for key, value in struct.iter_unpack("<Id", payload[16:]):
                events.points.append((names[key], step, value))
                events.times.append(time_ms)
        elif kind == 3:
            events.lines.append(json.loads(payload))
        at += 8 + (length + 7) // 8 * 8
