"""Several processes that train one model, joined by gloo or NCCL.

The program that the hub started starts one per rank, with the environment that torchrun
gives them, and hands on how they ended; without ``processes`` there is one rank, and
nothing is started or joined. Started under torchrun, the program is a rank as well.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mlhub_adapter import Run, failure
from torch import Tensor, nn

MEETING = "MLHUB_PYTORCH_MEETING"
"""Names, for the ranks, the folder where they meet and the first one says what it refused."""

REFUSAL_FILE, STORE_FILE = "refusal.json", "store"
POLL_SECONDS = 0.1
LEAVE_SECONDS = 20.0
"""How long ranks may take to end when another one failed."""


@dataclass(frozen=True)
class Ranks:
    """This process's place among those that train."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this one writes metrics, checkpoints and predictions."""
        return self.rank == 0

    def wrap(self, model: nn.Module, device: torch.device) -> nn.Module:
        """The model whose gradients are averaged over the ranks."""
        if self.count == 1:
            return model
        ids = [device] if device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(model, device_ids=ids)

    def unsynced(self, model: nn.Module) -> Any:
        """Keeps gradients to themselves while they are only gathered."""
        return nullcontext() if self.count == 1 else model.no_sync()  # type: ignore[operator]

    def share(self, order: Sequence[int]) -> list[int]:
        """Every ``count``-th row, as many for each rank; the last ones are seen twice."""
        short = -len(order) % self.count
        whole = [*order, *order[:short]]
        return whole[self.rank :: self.count]

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all ranks."""
        if self.count > 1:
            on_gpu = torch.distributed.get_backend() == "nccl"
            moved = values.to(torch.device("cuda") if on_gpu else "cpu")
            torch.distributed.all_reduce(moved)
            values = moved.cpu()
        return values

    def any(self, flag: bool) -> bool:
        """Whether it holds on one rank at least."""
        return bool(self.sum(torch.tensor([float(flag)])).item())

    def wait(self) -> None:
        """Until all ranks came here; then they part."""
        if self.count > 1:
            torch.distributed.barrier()
            torch.distributed.destroy_process_group()


def join(device: torch.device) -> Ranks:
    """This process's rank, as torchrun said it."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Ranks()
    if device.type == "cuda":
        torch.cuda.set_device(device)
    # A file needs no free port; under torchrun its own address is used.
    place = os.environ.get(MEETING)
    torch.distributed.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        init_method=f"file://{place}/{STORE_FILE}" if place else "env://",
        rank=int(os.environ["RANK"]),
        world_size=count,
    )
    return Ranks(torch.distributed.get_rank(), count)


def is_rank() -> bool:
    """Whether this process is one of several, or the only one of torchrun."""
    return "RANK" in os.environ


def is_started_here() -> bool:
    """Whether :func:`launch` started this process."""
    return MEETING in os.environ


def note(refusal: failure.Refused) -> None:
    """Tells the program that started the ranks what the first one refused."""
    if os.environ["RANK"] == "0":
        said = [refusal.code, refusal.field, refusal.message]
        path = Path(os.environ[MEETING], REFUSAL_FILE)
        path.write_text(json.dumps(said), encoding="utf-8")


def launch(run: Run, program: Path, project: str | None) -> None:
    """Trains on this machine in ``params.processes`` processes; returns when all are done."""
    count = run.params["processes"]
    command = [sys.executable, str(program)]
    command += ["--project", project] if project else []
    with tempfile.TemporaryDirectory() as folder, run.interruptible():
        children = []
        for rank in range(count):
            place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, MEETING: folder}
            environment = {**os.environ, **{name: str(value) for name, value in place.items()}}
            # All are of this process's group: who stops it, stops them.
            child = subprocess.Popen([*command, "train", str(run.dir)], env=environment)
            children.append(child)
        try:
            codes = _wait(run, children)
        finally:
            _end(children)
        said = Path(folder, REFUSAL_FILE)
        if said.exists():
            raise failure.Refused(*json.loads(said.read_text(encoding="utf-8")))
    if run.stop_requested:
        run.stop()
    if any(codes):
        raise RuntimeError(f"ranks ended with {codes}; what they said stands above")


def _wait(run: Run, children: list[subprocess.Popen[bytes]]) -> list[int | None]:
    """Until all ended well, or one did not; the codes of those that ended."""
    passed_on = False
    while True:
        codes = [child.poll() for child in children]
        if all(code is not None for code in codes):
            return codes
        if any(code not in (None, 0) for code in codes) and not run.stop_requested:
            return codes
        # A signal to this process alone reaches nobody else by itself.
        if run.stop_requested and not passed_on:
            passed_on = True
            for child in children:
                child.send_signal(signal.SIGTERM)
        time.sleep(POLL_SECONDS)


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    """Ends ranks that wait for one that is gone."""
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + LEAVE_SECONDS
    for child in children:
        try:
            child.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
