"""A CatBoost model as an ensemble of trees, read from its JSON. No categories.

CatBoost's own ONNX files are not taken: they give sums in place of the values of ``Poisson``,
a softmax for ``MultiClassOneVsAll``, and classes as numbers.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlhub_adapter import onnx_trees

if TYPE_CHECKING:
    import catboost

LINKS = {
    "Logloss": onnx_trees.LOGISTIC,
    "CrossEntropy": onnx_trees.LOGISTIC,
    "MultiClass": onnx_trees.SOFTMAX,
    "MultiClassOneVsAll": onnx_trees.LOGISTIC,
    "Poisson": onnx_trees.EXPONENTIAL,
}
"""What makes an objective's sums predictions, where it is not the identity."""


def ensemble(model: catboost.CatBoost, objective: str) -> onnx_trees.Ensemble:
    """The model."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        said = json.loads(path.read_text(encoding="utf-8"))
    scale, bias = said["scale_and_bias"]
    reading = _Reading(said["features_info"]["float_features"], scale, len(bias))
    symmetric = said.get("oblivious_trees")
    return onnx_trees.Ensemble(
        features=max(feature["flat_feature_index"] for feature in reading.features) + 1,
        trees=(
            [reading.symmetric(tree) for tree in symmetric]
            if symmetric is not None
            else [reading.nested(tree) for tree in said["trees"]]
        ),
        base=bias,
        link=LINKS.get(objective, onnx_trees.IDENTITY),
    )


class _Reading:
    def __init__(self, features: list[dict[str, Any]], scale: float, outputs: int) -> None:
        self.features = features
        self.scale = scale
        self.outputs = outputs

    def symmetric(self, tree: dict[str, Any]) -> onnx_trees.Tree:
        """A tree whose splits are one per level; the first one is the leaves' lowest bit."""
        splits, values = tree["splits"], tree["leaf_values"]
        nodes: list[onnx_trees.Leaf | onnx_trees.Split] = []
        # The nodes of a level follow each other, as in a heap, the greatest bit first.
        for level, split in enumerate(reversed(splits or [])):
            for at in range(2**level):
                place = 2**level - 1 + at
                nodes.append(self._split(split, met=2 * place + 2, unmet=2 * place + 1))
        for at in range(0, len(values), self.outputs):
            nodes.append(self._leaf(values[at : at + self.outputs]))
        return nodes

    def nested(self, tree: dict[str, Any]) -> onnx_trees.Tree:
        """A tree of nodes in nodes."""
        nodes: list[onnx_trees.Leaf | onnx_trees.Split] = []
        waiting = [tree]
        # Numbered in the order of finding them, so that what a node points to is known before.
        for node in waiting:
            if "split" not in node:
                value = node["value"]
                nodes.append(self._leaf(value if isinstance(value, list) else [value]))
                continue
            following = len(waiting)
            nodes.append(self._split(node["split"], met=following + 1, unmet=following))
            waiting += [node["left"], node["right"]]
        return nodes

    def _leaf(self, values: list[float]) -> onnx_trees.Leaf:
        return onnx_trees.Leaf([(at, value * self.scale) for at, value in enumerate(values)])

    def _split(self, split: dict[str, Any], *, met: int, unmet: int) -> onnx_trees.Split:
        feature = self.features[split["float_feature_index"]]
        return onnx_trees.Split(
            feature=feature["flat_feature_index"],
            threshold=split["border"],
            test=onnx_trees.GREATER,
            missing_meets=feature["nan_value_treatment"] == "AsTrue",
            met=met,
            unmet=unmet,
        )
