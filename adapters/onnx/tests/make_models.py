"""Writes the models of the tests: ``python make_models.py FOLDER SMOKE_CSV``.

Runs in the adapter's environment, which has onnx. The weights are least squares on iris.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, STRING = TensorProto.FLOAT, TensorProto.STRING
SPECIES = ["setosa", "versicolor", "virginica"]


def save(path: Path, nodes: list[Any], ins: list[Any], outs: list[Any], **weights: Any) -> None:
    """A checked model with its weights."""
    kept = [
        numpy_helper.from_array(np.asarray(value, dtype=np.float32), name)
        for name, value in weights.items()
    ]
    graph = helper.make_graph(nodes, "graph", ins, outs, kept)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def main(folder: Path, smoke: Path) -> None:
    """Writes them all."""
    with open(smoke, newline="", encoding="utf-8") as file:
        rows = [row for at, row in enumerate(list(csv.reader(file))[1:]) if at % 5]
    cells = np.array([row[:4] for row in rows], dtype=float)
    extended = np.hstack([cells, np.ones((len(cells), 1))])
    info = helper.make_tensor_value_info
    gemm = helper.make_node("Gemm", ["x", "w", "b"], ["y"])

    targets = np.array([[row[4] == name for name in SPECIES] for row in rows], dtype=float)
    weights = np.linalg.lstsq(extended, targets * 8, rcond=None)[0]
    ports = [info("x", FLOAT, [4, 4])], [info("y", FLOAT, [4, 3])]
    save(folder / "logits-of-four-rows.onnx", [gemm], *ports, w=weights[:4], b=weights[4])

    width = np.linalg.lstsq(np.delete(extended, 3, 1), cells[:, 3:], rcond=None)[0]
    ports = [info("x", FLOAT, ["n", 3])], [info("y", FLOAT, ["n", 1])]
    save(folder / "petal-width.onnx", [gemm], *ports, w=width[:3], b=width[3])

    columns(folder / "columns.onnx")

    pool = helper.make_node("GlobalAveragePool", ["x"], ["means"])
    flat = helper.make_node("Flatten", ["means"], ["y"])
    ports = [info("x", FLOAT, ["n", 3, None, None])], [info("y", FLOAT, ["n", 3])]
    save(folder / "mean-colour.onnx", [pool, flat], *ports)


def columns(path: Path) -> None:
    """An input per column, one of them text: islands first, then the weight."""
    info = helper.make_tensor_value_info
    islands = helper.make_node(
        "OneHotEncoder",
        ["island"],
        ["hot"],
        domain="ai.onnx.ml",
        cats_strings=["Biscoe", "Dream", "Torgersen"],
        zeros=1,
    )
    flat = helper.make_node("Flatten", ["hot"], ["islands"])
    joined = helper.make_node("Concat", ["islands", "body_mass_g"], ["all"], axis=1)
    # Gentoo live on Biscoe and are the heavy ones.
    classifier = helper.make_node(
        "LinearClassifier",
        ["all"],
        ["label", "raw"],
        domain="ai.onnx.ml",
        classlabels_strings=["Gentoo", "other"],
        coefficients=[4.0, -9.0, -9.0, 0.01, -4.0, 9.0, 9.0, -0.01],
        intercepts=[-46.0, 46.0],
        post_transform="SOFTMAX",
    )
    zip_map = helper.make_node(
        "ZipMap",
        ["raw"],
        ["probability"],
        domain="ai.onnx.ml",
        classlabels_strings=["Gentoo", "other"],
    )
    ins = [info("island", STRING, ["n", 1]), info("body_mass_g", FLOAT, ["n", 1])]
    kind = helper.make_sequence_type_proto(
        helper.make_map_type_proto(STRING, helper.make_tensor_type_proto(FLOAT, []))
    )
    outs = [info("label", STRING, ["n"]), helper.make_value_info("probability", kind)]
    save(path, [islands, flat, joined, classifier, zip_map], ins, outs)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
