"""Modules around the user's: what raw rows become before it, what its outputs become after.

All of them are traceable, so that the model that is left needs no code of this adapter.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh, "silu": nn.SiLU}


class TableInput(nn.Module):
    """Rows of numbers and category numbers to features: numbers are standardised and the
    mean stands for a missing one; a category is one of several columns, a missing or new
    one none of them."""

    def __init__(self, mean: Tensor, scale: Tensor, categories: dict[int, int]) -> None:
        super().__init__()
        numeric = [at for at in range(len(mean)) if at not in categories]
        self.register_buffer("mean", mean[numeric])
        self.register_buffer("scale", scale[numeric])
        self.register_buffer("numeric", torch.tensor(numeric, dtype=torch.long))
        places = [(at, value) for at, count in categories.items() for value in range(count)]
        self.register_buffer("columns", torch.tensor([at for at, _ in places], dtype=torch.long))
        self.register_buffer("values", torch.tensor([float(value) for _, value in places]))
        self.width = len(numeric) + len(places)

    def forward(self, rows: Tensor) -> Tensor:
        numbers = (rows[:, self.numeric] - self.mean) / self.scale
        numbers = torch.where(torch.isnan(numbers), torch.zeros_like(numbers), numbers)
        one_of = (rows[:, self.columns] == self.values).to(numbers.dtype)
        return torch.cat([numbers, one_of], dim=1)


class ChannelInput(nn.Module):
    """Subtracts the mean of each channel (of each feature of flat inputs) and divides by
    its spread."""

    def __init__(self, mean: Tensor, scale: Tensor, rank: int) -> None:
        super().__init__()
        shape = (1, -1) + (1,) * (rank - 1)
        self.register_buffer("mean", mean.reshape(shape))
        self.register_buffer("scale", scale.reshape(shape))

    def forward(self, inputs: Tensor) -> Tensor:
        return (inputs - self.mean) / self.scale


class Perceptron(nn.Module):
    """The built-in model: flattens, then layers of neurons."""

    def __init__(
        self,
        input_shape: Sequence[int],
        outputs: int,
        hidden: Sequence[int] = (64, 64),
        dropout: float = 0.0,
        activation: str = "relu",
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}")
        layers: list[nn.Module] = [nn.Flatten()]
        width = int(torch.tensor(list(input_shape)).prod())
        for size in hidden:
            layers += [nn.Linear(width, size), ACTIVATIONS[activation]()]
            layers += [nn.Dropout(dropout)] if dropout else []
            width = size
        self.layers = nn.Sequential(*layers, nn.Linear(width, outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.layers(inputs)
        return result


class Whole(nn.Module):
    """From what the dataset gives to what the loss takes."""

    def __init__(self, entry: nn.Module, core: nn.Module) -> None:
        super().__init__()
        self.entry = entry
        self.core = core

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.core(self.entry(inputs))
        return result


class Answer(nn.Module):
    """From what the dataset gives to scores per class, or values in their own unit."""

    def __init__(
        self, whole: nn.Module, *, classes: int, single: bool, shift: float, scale: float
    ) -> None:
        super().__init__()
        self.whole = whole
        self.classes = classes
        self.single = single
        self.register_buffer("shift", torch.tensor(shift))
        self.register_buffer("scale", torch.tensor(scale))

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = self.whole(inputs).float()
        if self.classes == 0:
            return outputs.reshape(-1) * self.scale + self.shift
        if self.single:
            positive = torch.sigmoid(outputs.reshape(-1))
            return torch.stack([1 - positive, positive], dim=1)
        return torch.softmax(outputs, dim=1)
