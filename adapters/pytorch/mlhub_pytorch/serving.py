"""Answers of a model that was left as TorchScript, and its export as ONNX.

Needs torch alone: neither the user's code nor the loop.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mlhub_adapter import Run, failure
from mlhub_adapter import serving as kit
from mlhub_adapter.serving import Model, Served
from torch import Tensor

from mlhub_pytorch.adapter import MODEL_FILE

TOLERANCE = 1e-4
"""Greatest difference between the export's answers and the model's, relative to theirs."""

COMPARED_ROWS = 64
OPSET = 17


class ServedModule(Served):
    """A TorchScript module with the description of its inputs and outputs."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.module = torch.jit.load(str(model.file(MODEL_FILE)), map_location="cpu").eval()

    def predict(self, inputs: list[Any], options: Mapping[str, Any]) -> list[Any]:
        """Scores per class, or values."""
        kit.check_options(options)
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


def export(run: Run, model: Model) -> None:
    """Writes ``model.onnx``, once onnxruntime answered with it as torch does."""
    if run.export_format != "onnx":
        raise failure.unsupported("export.format", f"{run.export_format} is not offered; onnx is")
    try:
        import onnx  # noqa: F401
        import onnxruntime
    except ImportError as error:
        message = f"needs {error.name}: pip install onnx onnxruntime into this Python"
        raise failure.unsupported("export.format", message) from None
    module = torch.jit.load(str(model.file(MODEL_FILE)), map_location="cpu").eval()
    rows = _generated(model.input, run.small_seed)
    path = run.artifact("model.onnx", partial(_write_onnx, module, rows), kind="export")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (said,) = session.run(None, {"inputs": rows.numpy()})
    with torch.no_grad():
        expected = module(rows)
    found = torch.from_numpy(said)
    difference = float((found - expected).abs().max())
    bound = TOLERANCE * max(1.0, float(expected.abs().max()))
    report = {
        "version": 1,
        "format": "onnx",
        "compared_rows": len(rows),
        "max_abs_difference": difference,
        "tolerance": bound,
    }
    run.artifact("export.json", json.dumps(report, indent=1) + "\n", kind="export")
    if not difference <= bound:
        run.events.write(
            error={"field": "export", "message": f"answers differ by {difference:.3g}"}
        )
        raise ArithmeticError(f"the export's answers differ by {difference:.3g}")


def _write_onnx(module: Any, rows: Tensor, path: Path) -> None:
    import inspect

    options: dict[str, Any] = {}
    # Newer releases export by another way unless told; only this one takes TorchScript.
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False
    axes = {"inputs": {0: "rows"}, "outputs": {0: "rows"}}
    torch.onnx.export(
        module,
        (rows,),
        str(path),
        input_names=["inputs"],
        output_names=["outputs"],
        dynamic_axes=axes,
        opset_version=OPSET,
        **options,
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
