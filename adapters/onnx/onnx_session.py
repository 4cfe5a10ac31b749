"""An ONNX file opened on the CPU: checked, and run in batches.

Knows nothing of datasets and runs. What a model takes and gives is told by :class:`Port`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]

DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
    "tensor(string)": "object",
}
"""Element types that are taken, and numpy's names of them."""

MAX_SIZE_BYTES = 2 * 1024**3 - 1
"""What one protocol buffer holds at most."""


class Unusable(Exception):
    """A file that is no model, or none that runs here."""


@dataclass(frozen=True)
class Port:
    """An input or output."""

    name: str
    type: str
    """ONNX Runtime's name of the type, such as ``tensor(float)``."""
    shape: list[int | None]
    """None for axes that are free. The first one is the rows'."""

    @property
    def dtype(self) -> str:
        """Numpy's name of the element type; empty where there is none."""
        return DTYPES.get(self.type, "")

    @property
    def is_float(self) -> bool:
        """Whether its elements are floating point numbers."""
        return self.dtype.startswith("float")

    @property
    def width(self) -> int | None:
        """Numbers in a row, where no axis but the first is free."""
        sizes = [size for size in self.shape[1:] if size is not None]
        return math.prod(sizes) if len(sizes) == len(self.shape[1:]) else None

    def described(self) -> dict[str, Any]:
        """For the entry event."""
        return {"shape": self.shape, "dtype": self.type}


class Session:
    """A model that runs: one thread, CPU, kernels that give equal bits."""

    def __init__(self, content: bytes) -> None:
        import onnx
        import onnxruntime

        if len(content) > MAX_SIZE_BYTES:
            raise Unusable("is greater than a single ONNX file can be")
        try:
            proto = onnx.load_model_from_string(content)
            if any(tensor.external_data for tensor in proto.graph.initializer):
                raise Unusable("keeps tensors in other files; save it as one file")
            onnx.checker.check_model(proto)
        except Unusable:
            raise
        except Exception as error:  # protobuf and checker have errors of many kinds
            raise Unusable(f"is no valid ONNX model: {_first_line(error)}") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # what is raised lies in a private module
            raise Unusable(f"cannot be run by ONNX Runtime: {_first_line(error)}") from None
        self.inputs = [_port(found) for found in self._session.get_inputs()]
        self.outputs = [_port(found) for found in self._session.get_outputs()]
        self.opsets = {entry.domain or "ai.onnx": entry.version for entry in proto.opset_import}
        self.ir_version = int(proto.ir_version)
        self.nodes = len(proto.graph.node)
        self.metadata: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map
        self.classifier_labels = _classifier_labels(proto)

    @property
    def fixed_rows(self) -> int | None:
        """How many rows it takes at a time, if it takes just one number of them."""
        sizes = {port.shape[0] for port in self.inputs if port.shape} - {None}
        return max(size for size in sizes if size is not None) if sizes else None

    def run(self, feed: Mapping[str, Array], output: str, *, batch_size: int) -> Any:
        """The rows of one output: an array ``[rows, ...]``, or a list of maps by class."""
        import numpy as np

        rows = len(next(iter(feed.values())))
        size = self.fixed_rows or batch_size
        parts = []
        for first in range(0, rows, size):
            batch = {name: values[first : first + size] for name, values in feed.items()}
            count = len(next(iter(batch.values())))
            if self.fixed_rows and count < size:
                batch = {name: _padded(values, size) for name, values in batch.items()}
            try:
                (found,) = self._session.run([output], batch)
            except Exception as error:  # as above
                raise Unusable(f"fails on its input: {type(error).__name__}") from None
            parts.append(found[:count])
        if parts and isinstance(parts[0], list):
            return [row for part in parts for row in part]
        return np.concatenate(parts) if parts else np.empty((0,))


def _padded(values: Array, rows: int) -> Array:
    """Up to a model's fixed number of rows, by the last one again."""
    import numpy as np

    return np.concatenate([values, np.repeat(values[-1:], rows - len(values), axis=0)])


def _port(found: Any) -> Port:
    shape = [size if isinstance(size, int) and size > 0 else None for size in found.shape]
    return Port(found.name, found.type, shape)


def _classifier_labels(proto: Any) -> list[str]:
    """Classes that classifier nodes (of ``ai.onnx.ml``) carry; the last node's."""
    found: Sequence[str] = []
    for node in proto.graph.node:
        for attribute in node.attribute:
            if attribute.name in ("classlabels_strings", "cats_strings") and attribute.strings:
                if node.op_type != "LabelEncoder":
                    found = [text.decode("utf-8", "replace") for text in attribute.strings]
            elif attribute.name in ("classlabels_int64s", "classlabels_ints") and attribute.ints:
                found = [str(number) for number in attribute.ints]
    return list(found)


def softmax(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Of every row."""
    import numpy as np

    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    total: npt.NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return total


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if line), type(error).__name__)[:300]
