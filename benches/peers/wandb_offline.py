"""Weights & Biases, offline: its core process writes a transaction log on disk."""

from __future__ import annotations

import os
import struct
from pathlib import Path

os.environ.setdefault("WANDB_SILENT", "true")
os.environ.setdefault("WANDB_CONSOLE", "off")
import wandb

MODULE = "wandb"
BLOCK = 32768
FILE_HEADER = 7


def open(folder: Path, name: str):
    return wandb.init(
        project="bench", name=name, mode="offline", dir=str(folder),
        settings=wandb.Settings(console="off", x_disable_stats=True),
    )  # fmt: skip


def log(run, metrics: dict[str, float], step: int) -> None:
    run.log(metrics, step=step)


def close(run) -> None:
    run.finish()


def _records(path: Path):
    """The records of a W&B transaction log (LevelDB log framing after a 7-byte header)."""
    data = path.read_bytes()
    at, parts = FILE_HEADER, []
    while at + 7 <= len(data):
        left = BLOCK - at % BLOCK
        if left < 7:
            at += left
            continue
        _crc, length, kind = struct.unpack_from("<IHB", data, at)
        if kind == 0:
            at += left
            continue
        parts.append(data[at + 7 : at + 7 + length])
        at += 7 + length
        if kind in (1, 4):
            yield b"".join(parts)
            parts = []


def count(folder: Path, name: str) -> int:
    from wandb.proto import wandb_internal_pb2 as pb

    total = 0
    for path in folder.glob("wandb/offline-run-*/*.wandb"):
        found, mine = 0, False
        for raw in _records(path):
            record = pb.Record()
            record.ParseFromString(raw)
            kind = record.WhichOneof("record_type")
            if kind == "run":
                mine = record.run.display_name == name
            elif kind == "history":
                keys = (i.key or ".".join(i.nested_key) for i in record.history.item)
                found += sum(1 for key in keys if not key.startswith("_"))
        total += found if mine else 0
    return total
