"""Answers of a model that was left as TorchScript, and its export as ONNX.

Needs torch alone: neither the user's code nor the loop.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from mlhub_adapter import Run, failure, onnx_export
from mlhub_adapter import serving as kit
from mlhub_adapter.serving import Model, Served
from mlhub_adapter.torch import load_torchscript, require_onnx, save_onnx
from torch import Tensor

from mlhub_pytorch.adapter import MODEL_FILE

TOLERANCE = 1e-4
"""Greatest difference between the export's answers and the model's, relative to theirs."""

COMPARED_ROWS = 64


class ServedModule(Served):
    """A TorchScript module with the description of its inputs and outputs."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.module = _opened(model)

    def predict(self, inputs: list[Any], options: Mapping[str, Any]) -> list[Any]:
        """Scores per class, or values."""
        kit.check_options(options)
        if not inputs:
            return []
        with torch.no_grad():
            found = self.module(self._tensor(inputs)).double()
        if self.model.output["kind"] == "classes":
            return list(kit.class_outputs(found, self.model.output["labels"]))
        return list(kit.value_outputs(found))

    def _tensor(self, inputs: list[Any]) -> Tensor:
        known = self.model.input
        if known["kind"] == "table":
            return torch.from_numpy(kit.table(known, inputs).features).float()
        if known["kind"] == "image":
            return torch.stack([self._image(value, at) for at, value in enumerate(inputs)])
        return torch.stack([self._plain(value, at) for at, value in enumerate(inputs)])

    def _image(self, value: Any, at: int) -> Tensor:
        from mlhub_pytorch.data import decoded

        content = kit.image_bytes(value, f"inputs.{at}")
        try:
            return decoded(io.BytesIO(content), self.model.input["height"])
        except OSError:
            raise kit.Invalid(f"inputs.{at}", "is no image that can be decoded") from None

    def _plain(self, value: Any, at: int) -> Tensor:
        shape = list(self.model.input["shape"])
        kind = getattr(torch, self.model.input["dtype"])
        try:
            made = torch.tensor(value, dtype=kind)
        except (TypeError, ValueError, RuntimeError):
            raise kit.Invalid(f"inputs.{at}", f"must be numbers of shape {shape}") from None
        if list(made.shape) != shape:
            message = f"has the shape {list(made.shape)}, not {shape}"
            raise kit.Invalid(f"inputs.{at}", message)
        return made


def _opened(model: Model) -> Any:
    """The module that training left; refuses a damaged file."""
    path = model.file(MODEL_FILE)
    try:
        return load_torchscript(path)
    except RuntimeError:
        raise failure.config("model.path", f"the model's file {path.name} is damaged") from None


def export(run: Run, model: Model) -> None:
    """Writes ``model.onnx``, once onnxruntime answered with it as torch does."""
    onnx_export.only_onnx(run)
    require_onnx()
    module = _opened(model)
    rows = _generated(model.input, run.small_seed)

    def original(given: Any) -> Any:
        with torch.no_grad():
            return module(torch.from_numpy(given)).numpy()

    onnx_export.export(
        run,
        partial(save_onnx, module, rows),
        rows=rows.numpy(),
        original=original,
        tolerance=TOLERANCE,
        is_relative=True,
    )


def _generated(known: Mapping[str, Any], seed: int) -> Tensor:
    """Rows that a model of this input takes, none of them of a dataset."""
    source = torch.Generator().manual_seed(seed)
    if known["kind"] == "image":
        shape = [known["channels"], known["height"], known["width"]]
        return torch.rand([COMPARED_ROWS, *shape], generator=source)
    if known["kind"] == "table":
        columns = []
        for column in known["columns"]:
            count = len(column.get("values", []))
            drawn = torch.randn(COMPARED_ROWS, generator=source) * 10
            if column["type"] == "category":
                drawn = torch.randint(max(count, 1), (COMPARED_ROWS,), generator=source).float()
            columns.append(drawn)
        return torch.stack(columns, dim=1)
    kind = getattr(torch, known["dtype"])
    drawn = torch.randn([COMPARED_ROWS, *known["shape"]], generator=source)
    return drawn.abs().floor().to(kind) if not kind.is_floating_point else drawn.to(kind)
