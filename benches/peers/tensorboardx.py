"""tensorboardX: event files as TensorBoard reads them."""

from __future__ import annotations

from pathlib import Path

from tensorboardX import SummaryWriter

MODULE = "tensorboardX"
FRAME_BYTES = 12


def open(folder: Path, name: str):
    return SummaryWriter(str(folder / name))


def log(run, metrics: dict[str, float], step: int) -> None:
    for key, value in metrics.items():
        run.add_scalar(key, value, step)


def close(run) -> None:
    run.close()


def _values(folder: Path, name: str):
    import struct

    from tensorboardX.proto import event_pb2

    for path in sorted((folder / name).glob("*tfevents*")):
        data, at = path.read_bytes(), 0
        while at + FRAME_BYTES <= len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            body = data[at + FRAME_BYTES : at + FRAME_BYTES + length]
            if len(body) < length:
                return
            at += FRAME_BYTES + length + 4
            event = event_pb2.Event()
            event.ParseFromString(body)
            yield from event.summary.value


def count(folder: Path, name: str) -> int:
    return sum(1 for _value in _values(folder, name))


def history(folder: Path, name: str, metric: str) -> list[float]:
    return [value.simple_value for value in _values(folder, name) if value.tag == metric]
