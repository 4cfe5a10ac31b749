"""How a module's outputs are read: as scores of classes, as class numbers, or as values.

Decided once, by all outputs that were predicted, so that a single input is read as the
prediction files were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from mlhub_adapter import failure
from torch import Tensor

WIDE = ("logits", "shares")
SINGLE = ("logit", "share")
"""Forms with a score per class, and with that of the second of two."""


@dataclass(frozen=True)
class Reading:
    """The form of the outputs, and what they are predictions of."""

    form: str
    """``logits``, ``shares``, ``logit``, ``share``, ``numbers`` or ``value``."""
    task: str
    labels: list[str] | None = None

    @property
    def has_scores(self) -> bool:
        """Whether there are scores, and not only class numbers."""
        return self.form in (*WIDE, *SINGLE)

    def values(self, outputs: Tensor) -> Tensor:
        """Scores ``[rows, classes]`` or ``[rows]``, class numbers or values ``[rows]``."""
        outputs = outputs.double()
        if self.form == "logits":
            return torch.softmax(outputs, dim=1)
        if self.form == "shares":
            return outputs
        flat = outputs.flatten()
        return torch.sigmoid(flat) if self.form == "logit" else flat


def reading(
    task: str | None, outputs: Tensor, targets: Tensor, known: Mapping[int, str] | None
) -> Reading:
    """How ``outputs`` for rows with ``targets`` are read."""
    rows = len(outputs)
    if task is None and targets.is_floating_point():
        task = "regression"
    wide = outputs.dim() == 2 and outputs.shape[1] > 1
    if targets.numel() != rows or not (wide or outputs.numel() == rows):
        shapes = f"outputs {list(outputs.shape)} for targets {list(targets.shape)}"
        raise failure.unsupported("params.model", f"rows have one answer each, not {shapes}")
    if task == "regression":
        if wide:
            message = f"gives {outputs.shape[1]} values a row; regression has one"
            raise failure.unsupported("params.model", message)
        return Reading("value", task)
    flat = outputs.flatten()
    form = _form(outputs if wide else flat)
    most = max(int(targets.max()), int(flat.max()) if form == "numbers" else 1)
    count = outputs.shape[1] if wide else most + 1
    if most >= count or int(targets.min()) < 0 or (form in SINGLE and most > 1):
        message = f"gives scores of {count} classes where targets go up to {most}"
        raise failure.config("params.model", message)
    labels = [(known or {}).get(number, str(number)) for number in range(count)]
    if len(set(labels)) < count:
        labels = [str(number) for number in range(count)]
    return Reading(form, task or ("binary" if count == 2 else "multiclass"), labels)


def _form(outputs: Tensor) -> str:
    is_share = bool(((outputs >= 0) & (outputs <= 1)).all())
    if outputs.dim() == 2:
        sums = outputs.sum(dim=1)
        return "shares" if is_share and _equal(sums, torch.ones_like(sums)) else "logits"
    if _equal(outputs, outputs.round()):
        return "numbers"
    return "share" if is_share else "logit"


def _equal(some: Any, others: Any) -> bool:
    return bool(torch.allclose(some, others))
