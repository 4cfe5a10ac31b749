"""Rows as the model takes them, batches of them, and which rows are set aside.

What is said of them is sizes and statistics of sizes, never a text, a token or a pixel.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlhub_adapter.entry import MAX_CLASS_COUNTS, rounded_number

if TYPE_CHECKING:
    from mlhub_adapter import Run

IGNORED = -100
"""The label of what has none; losses leave it out."""


@dataclass
class Examples:
    """The rows of a split."""

    features: Sequence[Mapping[str, Any]]
    """By row: ``input_ids`` (numbers) or ``pixel_values`` (a tensor), and ``labels``."""
    ids: list[str]
    references: list[Any]
    """By row: the true class, tags, or text."""
    prompts: list[list[int]] = field(default_factory=list)
    """By row: what a text is generated from."""
    truncated: int = 0
    """Rows whose end was cut off."""
    shape: list[int] | None = None
    """Of a row, where all rows have one."""

    def __len__(self) -> int:
        return len(self.features)

    def described(self, labels: list[str], classifies: bool) -> dict[str, Any]:
        """What the hub is told of them."""
        if self.shape is not None:
            said: dict[str, Any] = {"shape": [len(self), *self.shape], "dtype": "float32"}
        else:
            lengths = [len(feature["input_ids"]) for feature in self.features]
            said = {
                "shape": [len(self), max(lengths)],
                "dtype": "int64",
                "tokens": sum(lengths),
                "length_mean": rounded_number(sum(lengths) / len(lengths)),
                "length_min": min(lengths),
                "length_max": max(lengths),
                "truncated_rows": self.truncated,
            }
        if classifies:
            counts = [self.references.count(label) for label in labels]
            if len(counts) > MAX_CLASS_COUNTS:
                said.update(class_count_min=min(counts), class_count_max=max(counts))
            else:
                said["class_counts"] = counts
        return said


class Collator:
    """Makes tensors of rows, filled up to the longest."""

    def __init__(self, tokenizer: Any | None) -> None:
        self.tokenizer = tokenizer

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """A batch."""
        import torch

        labels = [row["labels"] for row in rows]
        if self.tokenizer is None:
            pixels = torch.stack([row["pixel_values"] for row in rows])
            return {"pixel_values": pixels, "labels": torch.tensor(labels)}
        inputs = [
            {name: row[name] for name in self.tokenizer.model_input_names if name in row}
            for row in rows
        ]
        batch = dict(self.tokenizer.pad(inputs, return_tensors="pt"))
        if isinstance(labels[0], int):
            return {**batch, "labels": torch.tensor(labels)}
        longest = max(map(len, labels))
        filled = [row + [IGNORED] * (longest - len(row)) for row in labels]
        return {**batch, "labels": torch.tensor(filled)}


def batches(examples: Examples, collator: Collator, size: int) -> Iterator[dict[str, Any]]:
    """Batches in the rows' order."""
    for start in range(0, len(examples), size):
        end = min(start + size, len(examples))
        yield collator([examples.features[at] for at in range(start, end)])


def set_aside(run: Run, rows: int) -> tuple[list[int], list[int]]:
    """Rows to train on and rows to validate on, drawn by the seed."""
    count = round(rows * run.params["validation_fraction"])
    if count == 0:
        return list(range(rows)), []
    if count == rows:
        run.refuse("params.validation_fraction", "leaves no row to train on; say a smaller one")
    chosen = set(random.Random(run.seed).sample(range(rows), count))
    kept = [at for at in range(rows) if at not in chosen]
    return kept, sorted(chosen)


def class_labels(run: Run, references: Sequence[str], field_name: str) -> list[str]:
    """The classes of the training rows, sorted; refuses fewer than two."""
    labels = sorted(set(references))
    if len(labels) < 2:
        run.refuse(field_name, "the training rows have one class; two are needed", code=65)
    return labels
