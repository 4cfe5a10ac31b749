"""Penguin models as people write them, for either Lightning. They know no hub."""

from __future__ import annotations

import csv
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SIZES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
SPECIES = ["Adelie", "Chinstrap", "Gentoo"]


def made_of(pl: Any) -> Any:
    """The modules, the data and a callback, made of a Lightning."""

    class Classifier(pl.LightningModule):
        """Much of its state changes as it trains: it is hard to go on with."""

        def __init__(
            self, width: int = 16, learning_rate: float = 0.03, loss: Any = None, outputs: int = 3
        ) -> None:
            super().__init__()
            self.save_hyperparameters(ignore=["loss"])
            self.layers = nn.Sequential(
                nn.BatchNorm1d(4),
                nn.Linear(4, width),
                nn.ReLU(),
                nn.Dropout(0.2),
                nn.Linear(width, outputs),
            )
            self.loss = loss or nn.CrossEntropyLoss()
            self.learning_rate = learning_rate
            self.register_buffer("noise", torch.tensor(0.5))

        def forward(self, inputs: Any) -> Any:
            return self.layers(inputs)

        def training_step(self, batch: Any, at: int) -> Any:
            noisy = batch[0] + self.noise * torch.randn_like(batch[0])
            loss = self.loss(self(noisy), batch[1])
            self.log("train_loss", loss, on_step=False, on_epoch=True)
            return loss

        def on_train_epoch_end(self) -> None:
            self.noise *= 0.8

        def validation_step(self, batch: Any, at: int) -> None:
            outputs = self(batch[0])
            self.log("val_loss", self.loss(outputs, batch[1]))
            self.log("val_accuracy", (outputs.argmax(dim=1) == batch[1]).float().mean())

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(self.parameters(), lr=self.learning_rate)
            # Waits at once whenever the loss of an epoch is not better.
            waits = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.9)
            return {
                "optimizer": optimizer,
                "lr_scheduler": {"scheduler": waits, "monitor": "val_loss"},
            }

    class Pair(Classifier):
        """One score for the second of two classes."""

        def __init__(self) -> None:
            super().__init__(outputs=1, loss=nn.BCEWithLogitsLoss())

        def forward(self, inputs: Any) -> Any:
            return self.layers(inputs).flatten()

        def training_step(self, batch: Any, at: int) -> Any:
            return self.loss(self(batch[0]), batch[1].float())

        def validation_step(self, batch: Any, at: int) -> None:
            self.log("val_loss", self.loss(self(batch[0]), batch[1].float()))

    class Mass(Classifier):
        """How much a penguin weighs; answers in kilograms, and in grams when asked."""

        def __init__(self) -> None:
            super().__init__(outputs=1, loss=nn.MSELoss())

        def training_step(self, batch: Any, at: int) -> Any:
            return self.loss(self(batch[0]).flatten(), batch[1] / 1000)

        def validation_step(self, batch: Any, at: int) -> None:
            self.log("val_loss", self.loss(self(batch[0]).flatten(), batch[1] / 1000))

        def predict_step(self, batch: Any, at: int) -> Any:
            return self(batch[0]) * 1000

    class Penguins(pl.LightningDataModule):
        """Reads what a stage needs when the stage is set up."""

        def __init__(
            self, train: str, test: str, target: str = "species", form: str = "pairs"
        ) -> None:
            super().__init__()
            self.files = {"train": train, "test": test}
            self.target = target
            self.form = form

        def setup(self, stage: str) -> None:
            if stage == "fit":
                rows = self.read("train")
                parts = [len(rows) - len(rows) // 5, len(rows) // 5]
                self.train, self.validation = torch.utils.data.random_split(rows, parts)
            if stage == "test":
                self.test = self.read("test")

        def read(self, split: str) -> Any:
            with open(self.files[split], newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            if split == "test" and self.form == "reversed":
                rows.reverse()
            sizes = torch.tensor([[float(row[name]) for name in SIZES] for row in rows])
            if self.target == "species":
                return TensorDataset(
                    sizes, torch.tensor([SPECIES.index(row["species"]) for row in rows])
                )
            if self.target == "sex":
                return TensorDataset(sizes, torch.tensor([row["sex"] == "male" for row in rows]))
            return TensorDataset(sizes, torch.tensor([float(row[self.target]) for row in rows]))

        def train_dataloader(self) -> Any:
            return DataLoader(self.train, batch_size=16, shuffle=True)

        def val_dataloader(self) -> Any:
            return DataLoader(self.validation, batch_size=16)

        def test_dataloader(self) -> Any:
            if self.form == "threes":
                return DataLoader(self.test, batch_size=16, collate_fn=lambda rows: (rows,) * 3)
            return DataLoader(self.test, batch_size=16, shuffle=True)

    class Counter(pl.Callback):
        """Counts batches over all attempts."""

        def __init__(self, by: int = 1) -> None:
            self.by = by
            self.count = 0

        def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
            self.count += self.by

        def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
            module.log("train_counted", float(self.count))

        def state_dict(self) -> dict[str, Any]:
            return {"count": self.count}

        def load_state_dict(self, state_dict: dict[str, Any]) -> None:
            self.count = state_dict["count"]

    return SimpleNamespace(
        Classifier=Classifier, Pair=Pair, Mass=Mass, Penguins=Penguins, Counter=Counter
    )
