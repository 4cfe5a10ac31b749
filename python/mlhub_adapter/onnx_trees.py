"""Ensembles of decision trees as ONNX graphs, and rows that reach their branches.

A library's adapter says what its model is as an :class:`Ensemble`; how the library keeps its
trees is for the adapter to know. Features are one tensor of floats: categories are not encoded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Union

INPUT = "features"
LABEL = "label"
PROBABILITIES = "probabilities"

OPSETS = {"": 15, "ai.onnx.ml": 3}
IR_VERSION = 8
"""As old as the opsets allow, so that older runtimes read the file."""

MISSING_SHARE = 0.05
"""Of generated cells, where the model takes missing ones."""

NODE_COLUMNS = (
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_featureids",
    "nodes_modes",
    "nodes_values",
    "nodes_truenodeids",
    "nodes_falsenodeids",
    "nodes_missing_value_tracks_true",
)
LEAF_COLUMNS = ("target_treeids", "target_nodeids", "target_ids", "target_weights")

LEAST_THRESHOLD, GREATEST_THRESHOLD = 1e-30, 1e30
"""Sizes between which thresholds are of data. Smaller ones stand beside 0, which is then
generated; greater ones say "never"."""

IDENTITY, LOGISTIC, SOFTMAX = "identity", "logistic", "softmax"
EXPONENTIAL, SIGNED_SQUARE = "exponential", "signed_square"
LESS, AT_MOST, GREATER = "BRANCH_LT", "BRANCH_LEQ", "BRANCH_GT"


@dataclass(frozen=True)
class Leaf:
    """Where a row ends."""

    adds: Sequence[tuple[int, float]]
    """Pairs of an output and what is added to it."""


@dataclass(frozen=True)
class Split:
    """A test of a feature against a threshold."""

    feature: int
    threshold: float
    """The graph has the nearest number of single precision: a cell that equals the threshold
    still does once it is rounded as well."""
    test: str
    """``LESS``, ``AT_MOST`` or ``GREATER``: what the feature must be to the threshold."""
    missing_meets: bool
    """Whether a missing cell goes where the test is met."""
    met: int
    unmet: int
    """Places in the tree of what comes next."""


Tree = Sequence[Union[Leaf, Split]]
"""The nodes of a tree, the root first."""


@dataclass(frozen=True)
class Ensemble:
    """A sum of trees, and the function that makes it predictions."""

    features: int
    trees: Sequence[Tree]
    base: Sequence[float]
    """What each output has before the trees."""
    link: str = IDENTITY
    scale: float = 1.0
    """What sums are multiplied with before a logistic link."""


def model(
    ensemble: Ensemble, *, names: Sequence[str], labels: Sequence[str] = (), output: str = "value"
) -> bytes:
    """The ONNX file. With ``labels`` its outputs are ``label`` and ``probabilities``
    ``[rows, classes]``; else ``output`` ``[rows, 1]``. ``names`` are the features in order."""
    from onnx import TensorProto, checker, helper

    scores = PROBABILITIES if labels else output
    nodes = [_trees_node(ensemble), *_link_nodes(ensemble, len(labels), scores)]
    floats = TensorProto.FLOAT
    outputs = [helper.make_tensor_value_info(scores, floats, [None, len(labels) or 1])]
    if labels:
        nodes += _label_nodes(labels)
        outputs.insert(0, helper.make_tensor_value_info(LABEL, TensorProto.STRING, [None]))
    inputs = [helper.make_tensor_value_info(INPUT, floats, [None, ensemble.features])]
    made = helper.make_model(
        helper.make_graph(nodes, "trees", inputs, outputs),
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in OPSETS.items()],
        ir_version=IR_VERSION,
        producer_name="mlhub",
    )
    told = {"features": list(names), **({"labels": list(labels)} if labels else {})}
    helper.set_model_props(made, {key: json.dumps(value) for key, value in told.items()})
    checker.check_model(made)
    content: bytes = made.SerializeToString()
    return content


def rows(ensemble: Ensemble, count: int, *, seed: int, missing: bool) -> Any:
    """Rows ``[count, features]`` of single precision: of each feature one half lies at the
    thresholds it is compared with, the other around them; some are ``missing``."""
    import numpy as np

    generator = np.random.default_rng(seed)
    found: list[set[float]] = [set() for _ in range(ensemble.features)]
    for tree in ensemble.trees:
        for node in tree:
            if isinstance(node, Split) and abs(node.threshold) < GREATEST_THRESHOLD:
                is_zero = abs(node.threshold) < LEAST_THRESHOLD
                found[node.feature].add(0.0 if is_zero else node.threshold)
    columns = []
    for thresholds in found:
        known = np.array(sorted(thresholds or {0.0}))
        chosen = generator.choice(known, count)
        single = chosen.astype(np.float32)
        # On a threshold, or the nearest number on either side. The original may compare in
        # double precision; it is asked on a threshold only where rounding does not move it.
        sides = generator.choice([-np.inf, 0.0, np.inf], count)
        sides[(sides == 0) & (single != chosen)] = np.inf
        near = np.where(sides == 0, single, np.nextafter(single, sides.astype(np.float32)))
        moved = single + generator.standard_normal(count) * (known.std() or 1.0)
        columns.append(np.where(generator.random(count) < 0.5, near, moved))
    made = np.stack(columns, axis=1).astype(np.float32)
    if missing:
        made[generator.random(made.shape) < MISSING_SHARE] = np.nan
    return made


def _trees_node(ensemble: Ensemble) -> Any:
    """The sums of all trees as ``sums`` ``[rows, outputs]``."""
    import numpy as np
    from onnx import helper

    nodes: list[tuple[Any, ...]] = []
    leaves: list[tuple[Any, ...]] = []
    for number, tree in enumerate(ensemble.trees):
        for place, node in enumerate(tree):
            if isinstance(node, Split):
                ways = (node.met, node.unmet, int(node.missing_meets))
                test = (node.feature, node.test, float(np.float32(node.threshold)))
                nodes.append((number, place, *test, *ways))
                continue
            nodes.append((number, place, 0, "LEAF", 0.0, 0, 0, 0))
            leaves += [(number, place, output, float(value)) for output, value in node.adds]
    columns = {
        **dict(zip(NODE_COLUMNS, map(list, zip(*nodes)))),
        **dict(zip(LEAF_COLUMNS, map(list, zip(*leaves)))),
    }
    return helper.make_node(
        "TreeEnsembleRegressor",
        [INPUT],
        ["sums"],
        domain="ai.onnx.ml",
        n_targets=len(ensemble.base),
        base_values=[float(value) for value in ensemble.base],
        **columns,
    )


def _link_nodes(ensemble: Ensemble, classes: int, output: str) -> list[Any]:
    """From ``sums`` to ``output``; a single score of two classes becomes one for each."""
    from onnx import TensorProto, helper

    def constant(name: str, value: float) -> Any:
        tensor = helper.make_tensor(name, TensorProto.FLOAT, [1], [value])
        return helper.make_node("Constant", [], [name], value=tensor)

    is_pair = classes == 2 and len(ensemble.base) == 1
    linked = "second" if is_pair else output
    if ensemble.link == LOGISTIC:
        nodes = [
            constant("scale", ensemble.scale),
            helper.make_node("Mul", ["sums", "scale"], ["scaled"]),
            helper.make_node("Sigmoid", ["scaled"], [linked]),
        ]
    elif ensemble.link == SIGNED_SQUARE:
        nodes = [
            helper.make_node("Abs", ["sums"], ["sizes"]),
            helper.make_node("Mul", ["sums", "sizes"], [linked]),
        ]
    elif ensemble.link == SOFTMAX:
        nodes = [helper.make_node("Softmax", ["sums"], [linked], axis=1)]
    else:
        kind = {IDENTITY: "Identity", EXPONENTIAL: "Exp"}[ensemble.link]
        nodes = [helper.make_node(kind, ["sums"], [linked])]
    if is_pair:
        nodes += [
            constant("one", 1.0),
            helper.make_node("Sub", ["one", linked], ["first"]),
            helper.make_node("Concat", ["first", linked], [output], axis=1),
        ]
    return nodes


def _label_nodes(labels: Sequence[str]) -> list[Any]:
    """The class of the greatest of ``probabilities`` as a text."""
    from onnx import helper

    return [
        helper.make_node("ArgMax", [PROBABILITIES], ["greatest"], axis=1, keepdims=0),
        *label_nodes("greatest", labels),
    ]


def label_nodes(numbers: str, labels: Sequence[str]) -> list[Any]:
    """Class numbers ``[rows]`` as the texts ``label``."""
    from onnx import TensorProto, helper

    texts = [label.encode() for label in labels]
    tensor = helper.make_tensor("labels", TensorProto.STRING, [len(texts)], texts)
    return [
        helper.make_node("Constant", [], ["labels"], value=tensor),
        helper.make_node("Gather", ["labels", numbers], [LABEL], axis=0),
    ]
