"""The model as it is left for serving, and its answers to single inputs.

What is left is TorchScript from an input to its scores or values, so that it is loaded
without the user's code and without Lightning. Modules that take anything but one tensor,
or that cannot be traced, are not served.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from mlhub_adapter import Run
from mlhub_adapter import serving as kit
from mlhub_adapter.serving import Model, Served
from mlhub_adapter.torch import save_torchscript
from torch import Tensor, nn

from mlhub_lightning.outputs import Reading

SCRIPT_FILE = "model.pt"
"""TorchScript from inputs to scores or values."""

RELATIVE, ABSOLUTE = 1e-4, 1e-6
"""Tolerance between the answers to inputs alone and those to whole batches."""


def asked(module: Any, batch: Any, at: int) -> Any:
    """What a module says of a batch ``(inputs, targets)``."""
    base: Any = next(kind for kind in type(module).__mro__ if kind.__name__ == "LightningModule")
    if type(module).predict_step is not base.predict_step:
        return module.predict_step(batch, at)
    return module(batch[0])


class Answer(nn.Module):
    """The user's module from inputs to what is written into prediction files."""

    def __init__(self, module: Any, read: Reading, targets: Tensor) -> None:
        super().__init__()
        self.module = module
        self.read = read
        self.blank = targets[:1] * 0

    def forward(self, inputs: Tensor) -> Tensor:
        """Scores, class numbers or values; targets are unknown, and so they are 0."""
        blank = self.blank.expand([inputs.shape[0], *self.blank.shape[1:]])
        return self.read.values(asked(self.module, (inputs, blank), 0))


def leave(run: Run, module: Any, read: Reading, example: Any, outputs: Tensor) -> None:
    """Leaves the model with its description, or a warning that says why there is none."""
    inputs, targets = example
    if not isinstance(inputs, Tensor) or not isinstance(targets, Tensor):
        run.warning("the model cannot be served: it takes something else than one tensor")
        return
    answer = Answer(module, read, targets).eval()
    with torch.no_grad():
        found = answer(inputs).cpu()
    if not torch.allclose(found, read.values(outputs[: len(inputs)]), RELATIVE, ABSOLUTE):
        run.warning("the model cannot be served: predict_step reads more than the inputs")
        return
    try:
        run.artifact(SCRIPT_FILE, partial(save_torchscript, answer, inputs), kind="model")
    except RuntimeError as error:
        run.warning(f"the model cannot be served: {error}")
        return
    output: dict[str, Any] = {"kind": "value", "name": run.dataset.target or "value"}
    if read.labels is not None:
        output = {"kind": "classes", "labels": read.labels}
    known = _described(inputs)
    run.model(input=known, output=output, task=read.task, has_scores=read.has_scores)


def _described(inputs: Tensor) -> dict[str, Any]:
    shape, kind = list(inputs.shape[1:]), str(inputs.dtype).replace("torch.", "")
    if len(shape) == 1 and inputs.dtype == torch.float32:
        return {"kind": "vector", "length": shape[0]}
    return {"kind": "tensor", "shape": shape, "dtype": kind}


class ServedModule(Served):
    """A module that was left as TorchScript."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.module = torch.jit.load(str(model.file(SCRIPT_FILE)), map_location="cpu").eval()

    def predict(self, inputs: list[Any], options: Mapping[str, Any]) -> list[Any]:
        """Classes with scores where there are such, or values."""
        kit.check_options(options)
        rows = self._tensor(inputs)
        with torch.no_grad():
            found = self.module(rows)
        if self.model.output["kind"] == "value":
            return list(kit.value_outputs(found))
        labels = self.model.output["labels"]
        if self.model.json["has_scores"]:
            return list(kit.class_outputs(found, labels))
        return list(kit.class_outputs(None, labels, found))

    def _tensor(self, inputs: list[Any]) -> Tensor:
        known = self.model.input
        if known["kind"] == "vector":
            return torch.tensor(kit.vectors(inputs, known["length"]), dtype=torch.float32)
        shape, kind = list(known["shape"]), getattr(torch, known["dtype"])
        return torch.stack([_one(value, shape, kind, at) for at, value in enumerate(inputs)])


def _one(value: Any, shape: list[int], kind: torch.dtype, at: int) -> Tensor:
    try:
        made = torch.tensor(value, dtype=kind)
    except (TypeError, ValueError, RuntimeError):
        raise kit.Invalid(f"inputs.{at}", f"must be numbers of shape {shape}") from None
    if list(made.shape) != shape:
        raise kit.Invalid(f"inputs.{at}", f"has the shape {list(made.shape)}, not {shape}")
    return made
