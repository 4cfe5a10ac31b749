"""A penguin classifier as people write it, for either Lightning. Knows no hub."""

from __future__ import annotations

import csv
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SIZES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
SPECIES = ["Adelie", "Chinstrap", "Gentoo"]


def classes_of(pl: Any) -> tuple[Any, Any]:
    """The module and the data module, made of a Lightning."""

    class Classifier(pl.LightningModule):  # type: ignore[misc]
        def __init__(self, width: int = 16, learning_rate: float = 0.02) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layers = nn.Sequential(
                nn.BatchNorm1d(4),
                nn.Linear(4, width),
                nn.ReLU(),
                nn.Dropout(0.2),
                nn.Linear(width, 3),
            )
            self.learning_rate = learning_rate

        def forward(self, inputs: Any) -> Any:
            return self.layers(inputs)

        def training_step(self, batch: Any, at: int) -> Any:
            loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
            self.log("train_loss", loss, on_step=False, on_epoch=True)
            return loss

        def validation_step(self, batch: Any, at: int) -> None:
            outputs = self(batch[0])
            self.log("val_loss", nn.functional.cross_entropy(outputs, batch[1]))
            self.log("val_accuracy", (outputs.argmax(dim=1) == batch[1]).float().mean())

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(self.parameters(), lr=self.learning_rate)
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 3, 0.7)]

    class Penguins(pl.LightningDataModule):  # type: ignore[misc]
        classes = SPECIES

        def __init__(self, train: str, test: str, batch_size: int = 16) -> None:
            super().__init__()
            self.files = {"train": train, "test": test}
            self.batch_size = batch_size

        def setup(self, stage: str) -> None:
            rows = self.read("train")
            parts = [len(rows) - len(rows) // 5, len(rows) // 5]
            self.train, self.validation = torch.utils.data.random_split(rows, parts)

        def read(self, split: str) -> Any:
            with open(self.files[split], newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            sizes = torch.tensor([[float(row[name]) for name in SIZES] for row in rows])
            return TensorDataset(sizes, torch.tensor([SPECIES.index(r["species"]) for r in rows]))

        def train_dataloader(self) -> Any:
            return DataLoader(self.train, batch_size=self.batch_size, shuffle=True)

        def val_dataloader(self) -> Any:
            return DataLoader(self.validation, batch_size=self.batch_size)

        def test_dataloader(self) -> Any:
            return DataLoader(self.read("test"), batch_size=self.batch_size)

    return Classifier, Penguins
