"""Models as ONNX: written, then compared with the original on generated rows.

What is not equal within the tolerance is no export: it fails. Converters are imported here
and nowhere else; a missing one is refused by the name to install.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from mlhub_adapter import failure

if TYPE_CHECKING:
    from mlhub_adapter.run import Run
    from mlhub_adapter.serving import Model

REPORT_VERSION = 1
REPORT = "export.json"
MODEL = "model.onnx"
FIELD = "export.format"


class Differs(Exception):
    """The exported model answers otherwise than the original."""


def require(*modules: str) -> None:
    """Refuses the export where a module is not in the adapter's environment."""
    missing = [name for name in modules if util.find_spec(name) is None]
    if missing:
        raise failure.unsupported(
            FIELD,
            f"onnx needs {', '.join(missing)}, which the adapter's environment does not have; "
            f"install: {' '.join(missing)}",
        )


def only_onnx(run: Run) -> None:
    """Refuses every other format."""
    if run.export_format != "onnx":
        raise failure.unsupported(FIELD, f"{run.export_format} is not known; onnx is")


def only_numbers(model: Model) -> None:
    """Refuses a model with columns of categories, which a graph of numbers cannot take."""
    for column in model.input["columns"]:
        if column["type"] != "number":
            raise failure.unsupported(
                FIELD,
                f"column {column['name']!r} is of type {column['type']}, and onnx is written for "
                "numbers; encode the column as numbers, or leave it out, and train again",
            )


def generated_rows(count: int, shape: Sequence[int], *, seed: int) -> Any:
    """Rows to compare on: standard normal numbers of single precision ``[count, *shape]``."""
    import numpy as np

    drawn = np.random.default_rng(seed).standard_normal((count, *shape))
    return drawn.astype(np.float32)


def export(
    run: Run,
    write: Callable[[Path], object],
    *,
    rows: Any,
    original: Callable[[Any], Any],
    tolerance: float,
    is_relative: bool = False,
    name: str = MODEL,
    **more: Any,
) -> None:
    """Leaves what ``write`` writes as an artifact, once its first floating output for
    ``rows`` is that of ``original`` within a tolerance: an absolute one, or one relative to
    the greatest of the original's outputs where that is above 1. ``more`` are further fields
    of the report."""
    import tempfile

    import numpy as np

    require("onnxruntime")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        found = outputs(path.read_bytes(), rows)
        expected = np.asarray(original(rows), dtype=np.float64).reshape(len(rows), -1)
        if found.shape != expected.shape:
            raise _failed(run, "the exported model's output has another shape than the original's")
        if is_relative:
            tolerance *= max(1.0, float(np.abs(expected).max()))
        difference = float(np.abs(found - expected).max())
        if not difference <= tolerance:  # NaN is no agreement either
            message = f"the exported model differs by {difference:.3g}, more than {tolerance:.3g}"
            raise _failed(run, message)
        run.artifact(name, path, kind="export")
    report = {
        "version": REPORT_VERSION,
        "format": "onnx",
        "compared_rows": len(rows),
        "max_abs_difference": difference,
        "tolerance": tolerance,
        **more,
    }
    run.artifact(REPORT, json.dumps(report, indent=1) + "\n", kind="export")


def outputs(content: bytes, rows: Any) -> Any:
    """The first floating output of a model with one input, ``[rows, outputs]``."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [port.name for port in session.get_outputs() if port.type == "tensor(float)"]
    if len(session.get_inputs()) != 1 or not names:
        raise Differs("the exported model has not one input and an output of floats")
    (found,) = session.run(names[:1], {session.get_inputs()[0].name: rows})
    return np.asarray(found, dtype=np.float64).reshape(len(rows), -1)


def _failed(run: Run, message: str) -> Differs:
    """Told as an event; raising it ends the program with 1."""
    run.events.write(error={"field": "export", "message": message})
    return Differs(message)
