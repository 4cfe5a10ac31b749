"""An XGBoost model as an ensemble of trees, read from its JSON. No categories, no linear
boosters."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure, onnx_trees

if TYPE_CHECKING:
    import xgboost

LINKS = {
    "binary:logistic": onnx_trees.LOGISTIC,
    "multi:softprob": onnx_trees.SOFTMAX,
    "reg:gamma": onnx_trees.EXPONENTIAL,
    "count:poisson": onnx_trees.EXPONENTIAL,
}
"""What makes an objective's sums predictions, where it is not the identity."""


def ensemble(booster: xgboost.Booster, objective: str) -> onnx_trees.Ensemble:
    """The model; refuses a booster that has no trees."""
    learner = json.loads(booster.save_raw("json"))["learner"]
    part = learner["gradient_booster"]
    if part["name"] == "gblinear":
        message = "onnx is written of trees, and a booster gblinear has none"
        raise failure.unsupported("export.format", message)
    # Of dart, each tree has a weight of its own.
    weights = part.get("weight_drop")
    model = part.get("gbtree", part)["model"]
    said = learner["learner_model_param"]
    outputs = max(1, int(said["num_class"]))
    link = LINKS.get(objective, onnx_trees.IDENTITY)
    base = [_sum(float(text), link) for text in said["base_score"].strip("[]").split(",")]
    return onnx_trees.Ensemble(
        features=int(said["num_feature"]),
        trees=[
            _tree(tree, model["tree_info"][at], weights[at] if weights else 1.0)
            for at, tree in enumerate(model["trees"])
        ],
        base=base * outputs if len(base) == 1 else base,
        link=link,
    )


def _sum(score: float, link: str) -> float:
    """The sum that the link makes ``score``."""
    if link == onnx_trees.LOGISTIC:
        return math.log(score / (1 - score))
    return math.log(score) if link == onnx_trees.EXPONENTIAL else score


def _tree(tree: dict[str, Any], output: int, weight: float) -> onnx_trees.Tree:
    import numpy as np

    nodes: list[onnx_trees.Leaf | onnx_trees.Split] = []
    for at, left in enumerate(tree["left_children"]):
        # Of a leaf, this is its value.
        value = float(np.float32(tree["split_conditions"][at]))
        if left < 0:
            nodes.append(onnx_trees.Leaf([(output, value * weight)]))
            continue
        nodes.append(
            onnx_trees.Split(
                feature=tree["split_indices"][at],
                threshold=value,
                test=onnx_trees.LESS,
                missing_meets=bool(tree["default_left"][at]),
                met=left,
                unmet=tree["right_children"][at],
            )
        )
    return nodes
