"""A LightGBM model as an ensemble of trees, read from its dump. No categories, no linear
leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure, onnx_trees

if TYPE_CHECKING:
    import lightgbm

GREATEST = 3e38
LINKS = {
    "binary": onnx_trees.LOGISTIC,
    "multiclass": onnx_trees.SOFTMAX,
    "poisson": onnx_trees.EXPONENTIAL,
    "gamma": onnx_trees.EXPONENTIAL,
    "tweedie": onnx_trees.EXPONENTIAL,
}
"""What makes an objective's sums predictions, where it is not the identity."""


def ensemble(booster: lightgbm.Booster, *, rounds: int) -> onnx_trees.Ensemble:
    """The model; refuses leaves and tests that ONNX does not know."""
    model = booster.dump_model(num_iteration=rounds)
    # Such as "binary sigmoid:1" or "regression sqrt".
    objective, *settings = model["objective"].split()
    link = LINKS.get(objective, onnx_trees.IDENTITY)
    if "sqrt" in settings:
        link = onnx_trees.SIGNED_SQUARE
    named = dict(setting.split(":", 1) for setting in settings if ":" in setting)
    outputs = model["num_tree_per_iteration"]
    return onnx_trees.Ensemble(
        features=model["max_feature_idx"] + 1,
        trees=[
            _tree(tree["tree_structure"], output=at % outputs)
            for at, tree in enumerate(model["tree_info"])
        ],
        base=[0.0] * outputs,
        link=link,
        scale=float(named.get("sigmoid", 1)),
    )


def _tree(root: dict[str, Any], output: int) -> onnx_trees.Tree:
    nodes: list[onnx_trees.Leaf | onnx_trees.Split] = []
    waiting = [root]
    # Numbered in the order of finding them, so that what a node points to is known before.
    for node in waiting:
        if "leaf_value" not in node:
            nodes.append(_split(node, len(waiting)))
            waiting += [node["left_child"], node["right_child"]]
            continue
        if node.get("leaf_coeff"):
            raise failure.unsupported("export.format", "onnx has no trees with linear leaves")
        nodes.append(onnx_trees.Leaf([(output, node["leaf_value"])]))
    return nodes


def _split(node: dict[str, Any], following: int) -> onnx_trees.Split:
    # Beyond single precision stand thresholds that say "never".
    threshold = max(-GREATEST, min(GREATEST, node["threshold"]))
    missing = {
        "NaN": node["default_left"],
        # Then a missing cell counts as 0.
        "None": threshold >= 0,
    }
    if node["missing_type"] not in missing:
        message = "onnx cannot say that 0 is a missing cell, as arguments.zero_as_missing does"
        raise failure.unsupported("export.format", message)
    return onnx_trees.Split(
        feature=node["split_feature"],
        threshold=threshold,
        test=onnx_trees.AT_MOST,
        missing_meets=missing[node["missing_type"]],
        met=following,
        unmet=following + 1,
    )
