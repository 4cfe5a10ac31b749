"""The whole model: encoders of the views, their common space, and binary codes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlhub_retrieval import hashing, joint, views

MIN_NORM = 1e-12
"""Shorter embeddings have no direction and stay zero."""


class Encoder:
    """What turns rows of any of its views into embeddings and codes."""

    def __init__(self, params: Mapping[str, Any], kinds: list[str]) -> None:
        self.params = params
        self.kinds = kinds
        self.views = {kind: views.make(kind, params) for kind in kinds}
        self.joint: dict[str, Any] = {}
        self.hashing: dict[str, Any] = {}

    @property
    def searched(self) -> dict[str, str]:
        """Which view of the gallery a query of a view looks into: the other, if there are two."""
        return dict(zip(self.kinds, reversed(self.kinds), strict=True))

    def fit(self, rows: Mapping[str, Any], seed: int) -> dict[str, float]:
        """Learns from the training rows of each view; returns what can be told of it."""
        import numpy as np

        encoded = {}
        for kind, view in self.views.items():
            view.fit(rows[kind], seed)
            encoded[kind] = view.encode(rows[kind])
        told: dict[str, float] = {}
        if len(self.kinds) == 2:
            first, second = (encoded[kind] for kind in self.kinds)
            self.joint = joint.fit(
                self.params["joint"],
                first,
                second,
                dimensions=self.params["dimensions"],
                regularisation=self.params["regularisation"],
            )
            if "correlations" in self.joint:
                told["train/first_correlation"] = float(self.joint["correlations"][0])
        embedded = np.concatenate([self.embed(kind, rows[kind]) for kind in self.kinds])
        told["train/dimensions"] = embedded.shape[1]
        if self.params["hashing"] != "none":
            self.hashing = hashing.fit(
                self.params["hashing"], embedded, bits=self.params["bits"], seed=seed
            )
            told["train/quantisation_loss"] = hashing.loss(self.hashing, embedded)
        return told

    def embed(self, kind: str, rows: Any) -> Any:
        """Embeddings ``[rows, dimensions]`` as float64, of length 1 where angles are compared."""
        import numpy as np

        found = self.views[kind].encode(rows)
        if self.joint:
            found = joint.project(self.joint, self.kinds.index(kind), found)
        if self.params["metric"] == "cosine":
            length = np.linalg.norm(found, axis=1, keepdims=True)
            found = found / np.where(length > MIN_NORM, length, 1.0)
        return found

    def codes(self, embedded: Any) -> Any:
        """Binary codes of embeddings; none if the model makes none."""
        return hashing.codes(self.hashing, embedded) if self.hashing else None

    def save(self, path: Path) -> None:
        """Writes all that was learned as arrays."""
        import numpy as np

        parts: dict[str, Mapping[str, Any]] = {
            kind: view.state() for kind, view in self.views.items()
        }
        parts |= {"joint": self.joint, "hashing": self.hashing}
        arrays = {
            f"{part}.{name}": array for part, of in parts.items() for name, array in of.items()
        }
        with open(path, "wb") as file:
            np.savez(file, **arrays)

    def load(self, path: Path) -> Encoder:
        """Takes what :meth:`save` wrote."""
        import numpy as np

        with np.load(path, allow_pickle=False) as file:
            parts: dict[str, dict[str, Any]] = {}
            for name in file.files:
                part, _, array = name.partition(".")
                parts.setdefault(part, {})[array] = file[name]
        for kind, view in self.views.items():
            view.restore(parts[kind])
        self.joint = parts.get("joint", {})
        self.hashing = parts.get("hashing", {})
        return self
