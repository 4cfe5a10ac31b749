"""A served model answers as the run's own predictions."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from iris import IRIS, iris
from mlhub_adapter.testing import NotServed, RequestError, RunDirectory

LOGISTIC = {"estimator": "sklearn.linear_model.LogisticRegression", "preprocess": "standardize"}
SVM = {"estimator": "sklearn.svm.LinearSVC"}
FOREST = {
    "estimator": "sklearn.ensemble.RandomForestClassifier",
    "arguments": {"n_estimators": 20},
    "stages": 4,
}
RIDGE = {
    "estimator": "sklearn.linear_model.Ridge",
    "exclude": ["species"],
    "preprocess": "minmax",
}


def inputs(run: RunDirectory) -> list[dict[str, float | None]]:
    """Rows of the test split as the model's single inputs."""
    text = (run.dir / "artifacts" / "model.json").read_text(encoding="utf-8")
    names = [column["name"] for column in json.loads(text)["input"]["columns"]]
    path = run.file["dataset"]["splits"]["test"]["path"]
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [{name: float(row[name]) if row[name] else None for name in names} for row in rows]


@pytest.mark.parametrize("params", [LOGISTIC, FOREST, SVM], ids=["logistic", "forest", "svm"])
def test_classes_are_those_of_the_predictions_file(tmp_path: Path, params: dict[str, Any]) -> None:
    run = iris(tmp_path, params).succeed()
    header, *rows = run.predictions()
    labels = [name.removeprefix("y_score_") for name in header[3:]]
    assert bool(labels) == (params is not SVM)
    asked = inputs(run)
    with run.serve() as worker:
        outputs = worker.predict(asked)
        (alone,) = worker.predict(asked[3:4])
    # One row by itself may take another way through BLAS, which shows in the last bits.
    assert alone["label"] == outputs[3]["label"]
    assert alone.get("scores") == pytest.approx(outputs[3].get("scores"), rel=1e-12)
    assert len(outputs) == len(rows) == 30
    for row, output in zip(rows, outputs, strict=True):
        expected: dict[str, Any] = {"label": row[2]}
        if labels:
            expected["scores"] = dict(zip(labels, map(float, row[3:]), strict=True))
        assert output == expected


def test_values_are_those_of_the_predictions_file(tmp_path: Path) -> None:
    run = iris(tmp_path, RIDGE, target="petal_width_cm", task="regression").succeed()
    with run.serve() as worker:
        outputs = worker.predict(inputs(run))
    assert outputs == [{"value": float(row[2])} for row in run.predictions()[1:]]


def test_missing_cells_are_taken_where_the_estimator_takes_them(tmp_path: Path) -> None:
    lines = IRIS.splitlines()
    lines[1] = "," + lines[1].split(",", 1)[1]  # Of the test split.
    text = "\n".join(lines) + "\n"
    boosting = {"estimator": "sklearn.ensemble.HistGradientBoostingClassifier", "stages": 2}
    run = iris(tmp_path, boosting, text=text).succeed()
    asked = inputs(run)
    assert asked[0]["sepal_length_cm"] is None
    with run.serve() as worker:
        labels = [output["label"] for output in worker.predict(asked)]
    assert labels == [row[2] for row in run.predictions()[1:]]


def test_wrong_inputs_are_refused_by_field(tmp_path: Path) -> None:
    run = iris(tmp_path, LOGISTIC).succeed()
    good = inputs(run)[0]
    with run.serve() as worker:
        for wrong, field, part in (
            ({"sepal_length_cm": None}, "inputs.1.sepal_length_cm", "is missing"),
            ({"sepal_length_cm": "long"}, "inputs.1.sepal_length_cm", "a finite number"),
            ({"sepal_lenth_cm": 1}, "inputs.1.sepal_lenth_cm", "did you mean sepal_length_cm?"),
        ):
            with pytest.raises(RequestError) as refused:
                worker.predict([good, {**good, **wrong}])
            assert (refused.value.code, refused.value.field) == ("invalid", field)
            assert part in refused.value.message
        assert len(worker.predict([good])) == 1


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    run = iris(tmp_path, LOGISTIC).succeed()
    (run.dir / "artifacts" / "model.pkl").write_bytes(b"\x80\x05torn")
    with pytest.raises(NotServed) as refused, run.serve():
        pass
    assert (refused.value.code, refused.value.field) == (64, "model.path")
