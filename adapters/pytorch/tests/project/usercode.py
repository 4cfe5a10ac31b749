"""What a user of the adapter has: a model, a loss of a batch, a dataset. Knows no hub."""

from __future__ import annotations

import csv
import os
import signal
from typing import Any

import torch
from torch import Tensor, nn


class Noisy(nn.Module):
    """Two layers with dropout, whose generator must go on exactly after a kill."""

    def __init__(self, input_shape: list[int], outputs: int, width: int = 16) -> None:
        super().__init__()
        self.first = nn.Linear(input_shape[0], width)
        self.norm = nn.BatchNorm1d(width)
        self.drop = nn.Dropout(0.3)
        self.last = nn.Linear(width, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.last(self.drop(torch.relu(self.norm(self.first(inputs)))))
        return result


class TooWide(nn.Module):
    """Gives more outputs than there are classes."""

    def __init__(self, input_shape: list[int]) -> None:
        super().__init__()
        self.layer = nn.Linear(input_shape[0], 99)

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.layer(inputs)
        return result


def smoothed(model: nn.Module, inputs: Tensor, targets: Tensor, loss: nn.Module) -> Tensor:
    """The loss, and a little of the weights' size."""
    size = sum(value.square().sum() for value in model.parameters())
    result: Tensor = loss(model(inputs), targets) + 1e-4 * size
    return result


class Mortal:
    """A batch's loss as it is, until this rank is killed in the midst of an epoch."""

    calls = 0

    def __call__(self, model: nn.Module, inputs: Tensor, targets: Tensor, loss: Any) -> Tensor:
        Mortal.calls += 1
        if f"{os.environ.get('RANK')}:{Mortal.calls}" == os.environ.get("KILL_RANK_AT_CALL"):
            os.kill(os.getpid(), signal.SIGKILL)
        result: Tensor = loss(model(inputs), targets)
        return result


mortal = Mortal()


class Sizes(torch.utils.data.Dataset[Any]):
    """Sizes of penguins read by the user's own code, with noise where it trains."""

    classes = ("Adelie", "Chinstrap", "Gentoo")

    def __init__(self, path: str, noise: float) -> None:
        with open(path, newline="", encoding="utf-8") as file:
            self.rows = list(csv.DictReader(file))
        self.noise = noise

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: int) -> tuple[Tensor, int]:
        row = self.rows[at]
        names = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm")
        sizes = torch.tensor([float(row[name]) for name in names])
        return sizes + self.noise * torch.randn(3), self.classes.index(row["species"])


def sizes(split: str, path: Any, noise: float = 0.0) -> Sizes:
    """The dataset of a split."""
    return Sizes(path, noise if split == "train" else 0.0)
