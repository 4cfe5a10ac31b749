"""A trained estimator as an ONNX file, by skl2onnx: its scaler, its answers, its scores.

What skl2onnx cannot convert is refused by the name of its class.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure, onnx_export, onnx_trees

from mlhub_sklearn.scoring import probabilities

if TYPE_CHECKING:
    from mlhub_adapter import Run

ROWS = 256
TOLERANCE = 1e-5
"""Relative to the greatest score. scikit-learn adds up in double precision, graphs in single."""

MISSING_SHARE = 0.05
"""Of the cells of rows by which missing ones are tried."""

OPSETS = {"": 15, "ai.onnx.ml": 3}
IR_VERSION = 8
"""As old as the opsets allow, so that older runtimes read the file."""


@dataclass(frozen=True)
class Trained:
    """What a model's file holds."""

    estimator: Any
    scaler: Any
    features: list[str]
    classes: list[str]
    spread: tuple[list[float], list[float]] | None
    """Means and standard deviations of the features; older files have none."""

    def answers(self, rows: Any) -> Any:
        """Scores ``[rows, classes]``, or values ``[rows, 1]``."""
        import numpy as np

        features = rows.astype(np.float64)
        if self.scaler is not None:
            features = self.scaler.transform(features)
        if not self.classes:
            return self.estimator.predict(features).reshape(-1, 1)
        if hasattr(self.estimator, "predict_proba"):
            return probabilities(self.estimator, features, len(self.classes))
        found = self.estimator.decision_function(features)
        return np.stack([-found, found], axis=1) if found.ndim == 1 else found

    def rows(self, *, seed: int) -> Any:
        """Generated rows that lie where the training rows did."""
        import numpy as np

        rows = onnx_export.generated_rows(ROWS, [len(self.features)], seed=seed)
        if self.spread is None:
            return rows
        means, deviations = (np.nan_to_num(part) for part in np.asarray(self.spread))
        return (rows * deviations + means).astype(np.float32)


def export(run: Run, trained: Trained, *, allows_missing: bool) -> None:
    """Writes the model as ONNX and compares it, where cells may be missing by such rows too."""
    onnx_export.require("skl2onnx", "onnxruntime")
    name = type(trained.estimator).__name__
    if trained.classes and len(trained.estimator.classes_) != len(trained.classes):
        message = f"{name} did not see every class, so its scores are of fewer classes"
        raise failure.unsupported(onnx_export.FIELD, message)
    content = _converted(trained, name)
    rows = trained.rows(seed=run.small_seed)
    more: dict[str, Any] = {}
    if allows_missing:
        more["missing_cells"] = _takes_missing(content, trained, rows, seed=run.small_seed)
        if not more["missing_cells"]:
            run.warning(
                f"the exported {name} answers otherwise than the original where a cell is "
                "missing; fill such cells before they reach it"
            )
    onnx_export.export(
        run,
        lambda path: path.write_bytes(content),
        rows=rows,
        original=trained.answers,
        tolerance=TOLERANCE,
        is_relative=True,
        **more,
    )


def _converted(trained: Trained, name: str) -> bytes:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.pipeline import make_pipeline

    parts = [part for part in (trained.scaler, trained.estimator) if part is not None]
    inputs = [(onnx_trees.INPUT, FloatTensorType([None, len(trained.features)]))]
    for options in _options(trained):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = convert_sklearn(
                    make_pipeline(*parts),
                    name=name,
                    initial_types=inputs,
                    options={id(trained.estimator): options},
                    target_opset=OPSETS,
                )
        except NameError:  # so says skl2onnx that the class has no such option
            continue
        except Exception as error:  # what converters raise of what they cannot do is anything
            raise _refused(name, type(error).__name__) from None
        return _named(made, trained)
    raise _refused(name, "it gives no scores of it")


def _options(trained: Trained) -> list[dict[str, bool]]:
    """Options of the converter, the first to be tried first: scores in one tensor, and of
    classifiers without probabilities those of the decision function."""
    if not trained.classes:
        return [{}]
    scores = {} if hasattr(trained.estimator, "predict_proba") else {"raw_scores": True}
    return [{"zipmap": False, **scores}, scores]


def _refused(name: str, why: str) -> failure.Refused:
    message = f"skl2onnx cannot convert {name} ({why})"
    return failure.unsupported(onnx_export.FIELD, message)


def _named(made: Any, trained: Trained) -> bytes:
    """With the hub's names of outputs, classes as texts, and the names of the features."""
    from onnx import TensorProto, checker, helper

    graph, told = made.graph, {"features": trained.features}
    scores = onnx_trees.PROBABILITIES if hasattr(trained.estimator, "predict_proba") else "scores"
    inner = {output.name: f"inner_{at}" for at, output in enumerate(graph.output)}
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [inner.get(name, name) for name in names]
    floats = helper.make_tensor_value_info(
        scores if trained.classes else "value",
        TensorProto.FLOAT,
        [None, len(trained.classes) or 1],
    )
    outputs = [floats]
    if trained.classes:
        text = helper.make_tensor_value_info(onnx_trees.LABEL, TensorProto.STRING, [None])
        outputs.insert(0, text)
        graph.node.extend(onnx_trees.label_nodes("inner_0", trained.classes))
        told["labels"] = trained.classes
    graph.node.append(helper.make_node("Identity", [f"inner_{len(outputs) - 1}"], [floats.name]))
    del graph.output[:]
    graph.output.extend(outputs)
    helper.set_model_props(made, {key: json.dumps(value) for key, value in told.items()})
    made.ir_version = IR_VERSION
    checker.check_model(made)
    content: bytes = made.SerializeToString()
    return content


def _takes_missing(content: bytes, trained: Trained, rows: Any, *, seed: int) -> bool:
    """Whether the file answers rows with missing cells as the original does."""
    import numpy as np

    holed = rows.copy()
    holed[np.random.default_rng(seed).random(rows.shape) < MISSING_SHARE] = np.nan
    expected = trained.answers(holed)
    found = onnx_export.outputs(content, holed)
    limit = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    return found.shape == expected.shape and bool(np.abs(found - expected).max() <= limit)
