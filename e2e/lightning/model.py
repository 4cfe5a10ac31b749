"""The model and the data of the LightningCLI."""

import lightning as L
import torch


class Classifier(L.LightningModule):
    """A linear classifier."""

    def __init__(self, width: int = 32):
        super().__init__()
        self.layer = torch.nn.Linear(width, 2)


class Digits(L.LightningDataModule):
    """Nothing yet."""
