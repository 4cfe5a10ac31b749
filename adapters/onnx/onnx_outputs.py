"""From a model's outputs to scores of classes or values.

A :class:`Reading` is made once and kept beside the model, so that serving reads the outputs
as evaluation did.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from mlhub_adapter import failure

from onnx_session import Port, Session, softmax

METADATA_LABELS = ("labels", "classes", "class_names", "names")
PROBABILITIES = ("probabilities", "output_probability", "probs", "scores")
"""Names of outputs that exporters give to scores."""

SUM_TOLERANCE = 1e-3
MODEL = "params.model"


@dataclass(frozen=True)
class Reading:
    """Which output is read, and what for."""

    output: str
    labels: list[str]
    """Classes in the order of the scores; none for values and tensors."""
    is_map: bool = False
    """Whether it is a list of maps from class to score, as ZipMap makes."""
    scores: str = "auto"
    task: str | None = None
    """Task of predictions; None for a tensor."""

    def to_json(self) -> dict[str, Any]:
        """To keep beside the model."""
        return asdict(self)

    def settled(self, found: Any) -> Reading:
        """Says what ``auto`` is, from all rows that were evaluated."""
        if not self.labels or self.scores != "auto":
            return self
        return replace(self, scores="probabilities" if self._looks_so(found) else "logits")

    def _looks_so(self, found: Any) -> bool:
        import numpy as np

        rows = self._rows(found)
        is_share = bool(((rows >= 0) & (rows <= 1)).all())
        if rows.shape[1] == 1:
            return is_share
        return is_share and bool(np.allclose(rows.sum(axis=1), 1, atol=SUM_TOLERANCE))

    def class_scores(self, found: Any) -> Any:
        """Scores ``[rows, classes]`` that sum to one."""
        import numpy as np

        rows = self._rows(found)
        if rows.shape[1] == 1:
            second = rows[:, 0] if self.scores == "probabilities" else 1 / (1 + np.exp(-rows[:, 0]))
            return np.stack([1 - second, second], axis=1)
        return rows if self.scores == "probabilities" else softmax(rows)

    def values(self, found: Any) -> Any:
        """Values ``[rows]``."""
        import numpy as np

        return np.asarray(found, dtype=np.float64).reshape(len(found), -1)[:, 0]

    def _rows(self, found: Any) -> Any:
        import numpy as np

        if self.is_map:
            by_text = [{str(name): value for name, value in row.items()} for row in found]
            return np.array([[row[name] for name in self.labels] for row in by_text], dtype=float)
        rows = np.asarray(found, dtype=np.float64).reshape(len(found), -1)
        if rows.shape[1] != len(self.labels) and (rows.shape[1], len(self.labels)) != (1, 2):
            raise failure.config(
                "params.labels",
                f"output {self.output} has {rows.shape[1]} scores a row for "
                f"{len(self.labels)} classes",
            )
        return rows


def make(session: Session, params: Mapping[str, Any], task: str | None) -> Reading:
    """What is read for a task; without one, classes where the model names some."""
    labels = list(params["labels"]) or model_labels(session)
    if len(set(labels)) != len(labels):
        raise failure.config("params.labels", "a label stands there twice")
    if task == "regression" or (task is None and not labels):
        return _values(session, params, task)
    if len(labels) < 2:
        raise failure.config("params.labels", "the model names no classes; say them in order")
    if task == "binary" and len(labels) != 2:
        raise failure.config("task", f"binary has two classes; the model has {len(labels)}")
    port = _chosen(session, params) or _score_port(session, len(labels))
    is_map = port.type.startswith("seq(map(")
    if not (is_map or port.is_float):
        raise failure.config("params.output", f"output {port.name} of {port.type} is no scores")
    scores = "probabilities" if is_map and params["scores"] == "auto" else params["scores"]
    task = task or ("binary" if len(labels) == 2 else "multiclass")
    return Reading(port.name, labels, is_map, scores, task)


def model_labels(session: Session) -> list[str]:
    """Classes that the model itself names, by its metadata or its classifier nodes."""
    for key in METADATA_LABELS:
        text = session.metadata.get(key)
        if text:
            return _listed(text)
    return session.classifier_labels


def _listed(text: str) -> list[str]:
    """Labels of a JSON list, of a mapping from number to name, or between commas."""
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(text)
        except (ValueError, SyntaxError):
            continue
        if isinstance(found, dict):
            found = [found[key] for key in sorted(found, key=lambda key: int(key))]
        if isinstance(found, (list, tuple)):
            return [str(item) for item in found]
    return [part.strip() for part in text.split(",") if part.strip()]


def _chosen(session: Session, params: Mapping[str, Any]) -> Port | None:
    name = params["output"]
    if name is None:
        return None
    for port in session.outputs:
        if port.name == name:
            return port
    known = [port.name for port in session.outputs]
    raise failure.unknown("params.output", name, known, "an output of the model")


def _score_port(session: Session, classes: int) -> Port:
    maps = [port for port in session.outputs if port.type.startswith("seq(map(")]
    floats = [port for port in session.outputs if port.is_float and len(port.shape) <= 2]
    named = [port for port in floats if port.name.lower() in PROBABILITIES]
    fitting = [port for port in floats if port.width in (None, classes)]
    single = [port for port in floats if port.width == 1] if classes == 2 else []
    for found in (maps, named, fitting, single, floats):
        if len(found) == 1:
            return found[0]
    raise failure.config(
        "params.output",
        f"say which output is the scores of {classes} classes: "
        + ", ".join(port.name for port in session.outputs),
    )


def _values(session: Session, params: Mapping[str, Any], task: str | None) -> Reading:
    port = _chosen(session, params)
    if port is None:
        floats = [port for port in session.outputs if port.is_float]
        if len(floats) != 1:
            known = ", ".join(port.name for port in session.outputs)
            raise failure.config("params.output", f"say which output is read: {known}")
        (port,) = floats
    if not port.dtype or port.dtype == "object":
        raise failure.unsupported("params.output", f"output {port.name} is of {port.type}")
    is_value = port.width == 1
    if task == "regression" and not is_value:
        raise failure.config("params.output", f"output {port.name} is no single value a row")
    return Reading(port.name, [], task="regression" if is_value else None)
