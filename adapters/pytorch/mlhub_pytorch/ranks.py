"""This process's place among those that train one model, joined by gloo or NCCL.

Without ``processes`` there is one rank, and nothing is joined. Starts no process.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mlhub_pytorch import launch

STORE_FILE = "store"


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
        return nullcontext() if self.count == 1 else model.no_sync()

    def share(self, order: Sequence[int]) -> list[int]:
        """Every ``count``-th row, as many for each rank; some are seen twice for that."""
        most = len(order) + -len(order) % self.count
        return [order[at % len(order)] for at in range(self.rank, most, self.count)]

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
    place = os.environ.get(launch.MEETING)
    torch.distributed.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        init_method=f"file://{place}/{STORE_FILE}" if place else "env://",
        rank=int(os.environ["RANK"]),
        world_size=count,
    )
    return Ranks(torch.distributed.get_rank(), count)
