"""From rows, vectors, tensors and images to what a model's inputs take.

A :class:`Plan` is made once, of the model and the dataset's columns; it is kept beside the
model, so that serving feeds it as evaluation did. No message holds a cell.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure, serving
from mlhub_adapter.table import label, to_float

from onnx_session import Port, Session

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]

CHANNELS = {1: "L", 3: "RGB", 4: "RGBA"}
"""Modes of images by the number of their channels."""

MAX_PIXELS = 64_000_000
"""An image with more is refused before it is decoded."""

MODEL = "params.model"


class WrongCell(Exception):
    """A cell that its input cannot take."""

    def __init__(self, row: int, column: str, message: str) -> None:
        super().__init__(message)
        self.row, self.column, self.message = row, column, message


@dataclass(frozen=True)
class Plan:
    """How the inputs are fed."""

    kind: str
    """``matrix``: one tensor of all features; ``columns``: an input per column;
    ``image``: one tensor of pixels."""
    columns: list[str] = field(default_factory=list)
    shape: list[int] = field(default_factory=list)
    """A row's shape, without the rows' own axis; for images channels, height, width."""
    channels_last: bool = False
    pixel_scale: float = 1.0
    pixel_mean: list[float] = field(default_factory=list)
    pixel_std: list[float] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """To keep beside the model."""
        return asdict(self)

    def described(self, session: Session) -> dict[str, Any]:
        """The input as ``model.json`` says it."""
        first = session.inputs[0]
        if self.kind == "image":
            channels, height, width = self.shape
            sizes = {"channels": channels, "height": height, "width": width}
            return {"kind": "image", **sizes}
        if self.kind == "columns":
            return {"kind": "table", "columns": [_column(port) for port in session.inputs]}
        if len(self.shape) != 1:
            return {"kind": "tensor", "shape": self.shape, "dtype": first.dtype}
        if not self.columns:
            return {"kind": "vector", "length": self.shape[0]}
        optional = {"required": False} if first.is_float else {}
        columns = [{"name": name, "type": "number", **optional} for name in self.columns]
        return {"kind": "table", "columns": columns}

    def feed(self, session: Session, cells: Mapping[str, Sequence[Any]]) -> dict[str, Array]:
        """Columns of a table; raises :class:`WrongCell`."""
        import numpy as np

        if self.kind == "columns":
            return {port.name: _own_column(port, cells[port.name]) for port in session.inputs}
        port = session.inputs[0]
        features = [_numbers(port, name, cells[name]) for name in self.columns]
        rows = len(features[0])
        return {port.name: np.stack(features, axis=1).reshape(rows, *self.shape)}

    def feed_tensors(self, session: Session, inputs: Sequence[Any]) -> dict[str, Array]:
        """Single inputs that are vectors or tensors."""
        import numpy as np

        port = session.inputs[0]
        if len(self.shape) == 1:
            values = np.array(serving.vectors(inputs, self.shape[0]))
        else:
            values = np.stack([_tensor(item, self.shape, at) for at, item in enumerate(inputs)])
        return {port.name: values.astype(port.dtype)}

    def pixels(self, session: Session, content: bytes) -> Array:
        """An image file as one row of the input; raises ``ValueError``."""
        import numpy as np
        from PIL import Image

        channels, height, width = self.shape
        try:
            with Image.open(io.BytesIO(content)) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise ValueError(f"has more than {MAX_PIXELS} pixels")
                image.load()
                fitting = image.convert(CHANNELS[channels])
        except (OSError, SyntaxError, Image.DecompressionBombError):
            raise ValueError("is no image that can be read") from None
        if fitting.size != (width, height):
            fitting = fitting.resize((width, height), Image.Resampling.BILINEAR)
        values = np.asarray(fitting).reshape(height, width, channels)
        port = session.inputs[0]
        if port.is_float:
            values = values.astype(np.float64) * self.pixel_scale
            values = values - np.array(self.pixel_mean or 0.0)
            values = values / np.array(self.pixel_std or 1.0)
        ordered = values if self.channels_last else values.transpose(2, 0, 1)
        row: Array = ordered.astype(port.dtype)
        return row


def make(session: Session, params: Mapping[str, Any], columns: list[str], *, images: bool) -> Plan:
    """The plan for a model, with the dataset's feature columns where there are such."""
    for port in session.inputs:
        if not port.dtype:
            raise failure.unsupported(MODEL, f"input {port.name} is of {port.type}")
        if not port.shape:
            raise failure.unsupported(MODEL, f"input {port.name} has no axis for rows")
    if len(session.inputs) > 1:
        return _plan_columns(session, columns)
    port = session.inputs[0]
    if images or (not columns and _channel_axis(port) is not None):
        return _plan_image(port, params)
    if columns and port.name in columns and port.width in (None, 1) and len(columns) == 1:
        return Plan("columns", [port.name])
    if port.dtype in ("object", "bool"):
        raise failure.unsupported(MODEL, f"input {port.name} is one tensor of {port.type}")
    width = port.width if port.width is not None else len(columns)
    if columns and width != len(columns):
        raise failure.config(
            MODEL,
            f"input {port.name} takes {width} numbers a row; the dataset has {len(columns)} "
            "features; see params.columns and params.exclude",
        )
    if port.width is None and (len(port.shape) != 2 or not columns):
        raise failure.unsupported(MODEL, f"input {port.name} leaves the shape of a row open")
    shape = [size for size in port.shape[1:] if size is not None] or [width]
    return Plan("matrix", columns, shape)


def _plan_columns(session: Session, columns: list[str]) -> Plan:
    names = [port.name for port in session.inputs]
    for port in session.inputs:
        if port.width not in (None, 1) or len(port.shape) > 2:
            raise failure.unsupported(MODEL, f"input {port.name} is no single column")
        if columns and port.name not in columns:
            near = failure.nearest(port.name, columns)
            raise failure.config(MODEL, f"input {port.name} is no column of the dataset; {near}")
    return Plan("columns", names)


def _channel_axis(port: Port) -> int | None:
    if len(port.shape) != 4 or not (port.is_float or port.dtype == "uint8"):
        return None
    return next((axis for axis in (1, 3) if port.shape[axis] in CHANNELS), None)


def _plan_image(port: Port, params: Mapping[str, Any]) -> Plan:
    axis = _channel_axis(port)
    if axis is None:
        what = "no [rows, channels, height, width] or [rows, height, width, channels] of pixels"
        raise failure.config(MODEL, f"input {port.name} takes {what}")
    sizes = port.shape[2:4] if axis == 1 else port.shape[1:3]
    asked = params["image_size"]
    is_other = any(size not in (None, want) for size, want in zip(sizes, asked, strict=False))
    if len(asked) == 1 or is_other:
        raise failure.config("params.image_size", "must be height and width as the model has them")
    height, width = asked or sizes
    if height is None or width is None:
        raise failure.config("params.image_size", "the model leaves it open; say height and width")
    channels = port.shape[axis] or 0
    for name in ("pixel_mean", "pixel_std"):
        if len(params[name]) not in (0, channels):
            raise failure.config(f"params.{name}", f"needs one number for each of {channels}")
    return Plan(
        "image",
        shape=[channels, height, width],
        channels_last=axis == 3,
        pixel_scale=params["pixel_scale"],
        pixel_mean=params["pixel_mean"],
        pixel_std=params["pixel_std"],
    )


def _column(port: Port) -> dict[str, Any]:
    kind = "text" if port.dtype == "object" else "number"
    optional = {"required": False} if port.is_float or kind == "text" else {}
    return {"name": port.name, "type": kind, **optional}


def _own_column(port: Port, cells: Sequence[Any]) -> Array:
    import numpy as np

    if port.dtype == "object":
        values: Array = np.array([label(cell) for cell in cells], dtype=object)
    else:
        values = _numbers(port, port.name, cells)
    return values.reshape(-1, 1) if len(port.shape) == 2 else values


def _numbers(port: Port, column: str, cells: Sequence[Any]) -> Array:
    import numpy as np

    values = np.empty(len(cells))
    for row, cell in enumerate(cells):
        if isinstance(cell, str) and port.dtype == "bool" and cell in ("true", "false"):
            cell = cell == "true"
        found = to_float(cell)
        if found is None or math.isinf(found):
            raise WrongCell(row, column, "is no finite number")
        if math.isnan(found) and not port.is_float:
            raise WrongCell(row, column, "is missing, which the model's integers cannot say")
        if not port.is_float and not found.is_integer():
            raise WrongCell(row, column, "is no whole number")
        values[row] = found
    return values.astype(port.dtype)


def _tensor(value: Any, shape: list[int], at: int) -> npt.NDArray[np.float64]:
    import numpy as np

    try:
        found = np.array(value, dtype=np.float64)
    except (ValueError, TypeError):
        found = np.empty(0)
    if list(found.shape) != shape:
        raise serving.Invalid(f"inputs.{at}", f"must be nested lists of numbers, shape {shape}")
    if not np.isfinite(found).all():
        raise serving.Invalid(f"inputs.{at}", "holds a number that is not finite")
    return found
