"""The module and the data of the smoke run: a small classifier of the Palmer penguins."""

from __future__ import annotations

import csv
from importlib import import_module
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from mlhub_lightning.library import NAMES, prepare


def _library() -> Any:
    """The first Lightning that can be imported."""
    prepare()
    for name in NAMES[:-1]:
        try:
            return import_module(name)
        except ImportError:
            continue
    return import_module(NAMES[-1])


pl: Any = _library()
SIZES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm")
SPECIES = ("Adelie", "Chinstrap", "Gentoo")


class Classifier(pl.LightningModule):
    """A normalised layer of neurons."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm1d(3), nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 3)
        )

    def forward(self, inputs: Any) -> Any:
        """Scores of the species."""
        return self.layers(inputs)

    def training_step(self, batch: Any, at: int) -> Any:
        """The loss of a batch."""
        loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self) -> Any:
        """Adam."""
        return torch.optim.Adam(self.parameters(), lr=0.03)


class Penguins(pl.LightningDataModule):
    """Sizes and species from two CSV files."""

    classes = SPECIES

    def __init__(self, train: str, test: str) -> None:
        super().__init__()
        self.files = {"train": train, "test": test}

    def train_dataloader(self) -> Any:
        """Shuffled batches."""
        return DataLoader(self._read("train"), batch_size=16, shuffle=True)

    def test_dataloader(self) -> Any:
        """Batches in order."""
        return DataLoader(self._read("test"), batch_size=16)

    def _read(self, split: str) -> Any:
        with open(self.files[split], newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        sizes = torch.tensor([[float(row[name]) for name in SIZES] for row in rows])
        return TensorDataset(sizes, torch.tensor([SPECIES.index(row["species"]) for row in rows]))
