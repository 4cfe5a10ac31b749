"""Datasets of the hub, or of the user's function, as datasets of torch.

Decodes and encodes; the order of rows and all statistics of training are the loop's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from mlhub_adapter import Run, failure
from mlhub_adapter.images import FORMAT as IMAGE_FOLDER
from mlhub_adapter.torch import named
from torch import Tensor
from torch.utils.data import Dataset, TensorDataset

from mlhub_pytorch.modules import ChannelInput, TableInput

if TYPE_CHECKING:
    from mlhub_adapter import Data
    from mlhub_adapter.images import Image

STATISTIC_BATCH = 256
"""Rows read at once for the statistics of inputs that are no table."""


@dataclass
class Split:
    """Rows of a split: ``rows[i]`` is inputs and target, a class number or a value."""

    rows: Any
    ids: list[str]
    truth: list[str]
    """The targets as prediction files name them; empty where nobody asked for predictions."""

    def __len__(self) -> int:
        return len(self.rows)


@dataclass
class Problem:
    """What is to be learned."""

    task: str
    classes: list[str]
    train: Split
    validation: Split | None
    predict: dict[str, Split]
    entry: torch.nn.Module
    input_shape: list[int]
    """Of one row behind ``entry``: what the model takes."""
    example: Tensor
    """Two rows before ``entry``."""
    table: Data | None = None

    @property
    def model_input(self) -> dict[str, Any]:
        """The description of inputs in ``model.json``, but of tables."""
        shape = list(self.example.shape[1:])
        return {"kind": "tensor", "shape": shape, "dtype": str(self.example.dtype)[6:]}


def load(run: Run) -> Problem:
    """Reads the dataset as the params say."""
    if run.params["dataset_function"]:
        return _of_function(run)
    if run.dataset.format == IMAGE_FOLDER:
        return _of_images(run)
    return _of_table(run)


def _of_table(run: Run) -> Problem:
    data = run.tables(
        exclude=run.params["exclude"],
        categorical=run.params["categorical"],
        validation_fraction=run.params["validation_fraction"],
        allows_missing=True,
    )
    features = torch.from_numpy(data.train.features)
    known = ~torch.isnan(features)
    count = known.sum(dim=0).clamp(min=1)
    zero = torch.zeros((), dtype=features.dtype)
    mean = torch.where(known, features, zero).sum(dim=0) / count
    spread = (torch.where(known, features - mean, zero).square().sum(dim=0) / count).sqrt()
    if not run.params["standardise"]:
        mean, spread = torch.zeros_like(mean), torch.ones_like(spread)
    sizes = {
        at: len(data.train.categories[name])
        for at, name in enumerate(data.train.names)
        if name in data.train.categories
    }
    entry = TableInput(mean.float(), _usable(spread).float(), sizes)

    def split(name: str) -> Split:
        table = data.split(name)
        kind = torch.int64 if data.classes else torch.float32
        targets = torch.as_tensor(data.targets(name)).to(kind)
        inputs = torch.from_numpy(table.features).float()
        return Split(TensorDataset(inputs, targets), table.ids, table.target)

    return Problem(
        task=data.task,
        classes=data.classes,
        train=split("train"),
        validation=split("validation") if data.validation is not None else None,
        predict={name: split(name) for name in data.predict},
        entry=entry,
        input_shape=[entry.width],
        example=torch.from_numpy(data.train.features[:2]).float(),
        table=data,
    )


def _of_images(run: Run) -> Problem:
    listed = {name: run.images(name) for name in run.dataset.splits}
    classes = sorted({image.label for image in listed["train"]})
    number = {label: at for at, label in enumerate(classes)}

    def split(name: str) -> Split:
        if not {image.label for image in listed[name]} <= set(classes):
            run.refuse(f"dataset.splits.{name}", "has a class the training split lacks", code=65)
        rows = Images(listed[name], number, run.params["image_size"])
        images = listed[name]
        return Split(rows, [image.id for image in images], [image.label for image in images])

    return _of_splits(run, split, classes)


class Images(Dataset[Any]):
    """Decodes images when they are asked for: ``[3, size, size]`` from 0 to 1."""

    def __init__(self, images: list[Image], number: dict[str, int], size: int) -> None:
        self.images, self.number, self.size = images, number, size

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, at: int) -> tuple[Tensor, int]:
        with open(self.images[at].path, "rb") as file:
            return decoded(file, self.size), self.number[self.images[at].label]


def decoded(file: Any, size: int) -> Tensor:
    """An image file's pixels ``[3, size, size]`` from 0 to 1."""
    try:
        from PIL import Image as Pillow
    except ImportError:
        message = "image folders need Pillow; install it in this Python"
        raise failure.unsupported("dataset.format", message) from None
    import numpy as np

    pixels = np.array(Pillow.open(file).convert("RGB").resize((size, size)), dtype=np.float32)
    return torch.from_numpy(pixels).permute(2, 0, 1) / 255


def _of_function(run: Run) -> Problem:
    field = "params.dataset_function"
    make = named(run.params["dataset_function"], field)
    if run.task not in ("binary", "multiclass", "regression"):
        run.refuse("task", f"a {field[7:]} needs a task: binary, multiclass or regression")
    made: dict[str, Any] = {}
    for name, part in run.dataset.splits.items():
        try:
            made[name] = make(split=name, path=part.path, **run.params["dataset_args"])
        except TypeError as error:
            run.refuse("params.dataset_args", str(error))
        if not hasattr(made[name], "__getitem__") or not hasattr(made[name], "__len__"):
            run.refuse(field, f"gave a {type(made[name]).__name__}, not a dataset with a length")
    classes: list[str] = []
    if run.task != "regression":
        given = getattr(made["train"], "classes", None)
        count = 1 + max(int(made["train"][at][1]) for at in range(len(made["train"])))
        classes = [str(label) for label in given or range(count)]

    def split(name: str) -> Split:
        rows = made[name]
        targets = [rows[at][1] for at in range(len(rows))] if name in run.predict_splits else []
        truth = [classes[int(value)] if classes else repr(float(value)) for value in targets]
        return Split(rows, [str(at) for at in range(len(rows))], truth)

    return _of_splits(run, split, classes)


def _of_splits(run: Run, split: Any, classes: list[str]) -> Problem:
    train = split("train")
    validation = split("validation") if "validation" in run.dataset.splits else None
    if validation is None and run.params["validation_fraction"]:
        run.refuse(
            "params.validation_fraction",
            "is for tables; give this dataset a split named validation",
        )
    first = torch.as_tensor(train.rows[0][0])
    second = torch.as_tensor(train.rows[len(train) - 1][0])
    task = run.task or ("binary" if len(classes) == 2 else "multiclass")
    return Problem(
        task=task,
        classes=classes,
        train=train,
        validation=validation,
        predict={name: split(name) for name in run.predict_splits},
        entry=_standardised(run, train, first),
        input_shape=list(first.shape),
        example=torch.stack([first, second]),
    )


def _standardised(run: Run, train: Split, first: Tensor) -> torch.nn.Module:
    """Statistics of each channel, read once in the order of the rows."""
    if not (run.params["standardise"] and first.is_floating_point() and first.dim() in (1, 3)):
        return torch.nn.Identity()
    total = torch.zeros(first.shape[0], dtype=torch.float64)
    square, count = total.clone(), 0
    for start in range(0, len(train), STATISTIC_BATCH):
        ends = min(start + STATISTIC_BATCH, len(train))
        part = torch.stack([torch.as_tensor(train.rows[at][0]) for at in range(start, ends)])
        flat = part.double().transpose(0, 1).reshape(first.shape[0], -1)
        total, square = total + flat.sum(dim=1), square + flat.square().sum(dim=1)
        count += flat.shape[1]
    mean = total / count
    spread = (square / count - mean.square()).clamp(min=0).sqrt()
    return ChannelInput(mean.float(), _usable(spread).float(), first.dim())


def _usable(spread: Tensor) -> Tensor:
    """1 where nothing varies."""
    return torch.where(spread > 1e-7, spread, torch.ones_like(spread))
