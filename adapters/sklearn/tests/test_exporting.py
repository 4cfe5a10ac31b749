"""An exported estimator answers as the run's own predictions."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from iris import IRIS, iris, together
from mlhub_adapter.testing import RunDirectory

LOGISTIC = {"estimator": "sklearn.linear_model.LogisticRegression", "preprocess": "standardize"}
SVM = {"estimator": "sklearn.svm.LinearSVC"}
BOOSTING = {"estimator": "sklearn.ensemble.HistGradientBoostingClassifier", "stages": 2}
FOREST = {
    "estimator": "sklearn.ensemble.RandomForestClassifier",
    "arguments": {"n_estimators": 20},
    "stages": 2,
}
RIDGE = {"estimator": "sklearn.linear_model.Ridge", "exclude": ["species"], "preprocess": "minmax"}
KERNEL = {**RIDGE, "estimator": "sklearn.kernel_ridge.KernelRidge"}


@dataclass
class Exported:
    """A run, and the export of its model."""

    run: RunDirectory
    code: int
    folder: Path

    @property
    def report(self) -> dict[str, Any]:
        """What ``export.json`` says."""
        path = self.folder / "artifacts" / "export.json"
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return report

    def told(self, key: str) -> list[Any]:
        """Events of the export."""
        text = (self.folder / "events" / "main.jsonl").read_text(encoding="utf-8")
        return [event[key] for event in map(json.loads, text.splitlines()) if key in event]

    def outputs(self) -> dict[str, list[Any]]:
        """What the file gives for the test split."""
        text = (self.run.dir / "artifacts" / "model.json").read_text(encoding="utf-8")
        names = [column["name"] for column in json.loads(text)["input"]["columns"]]
        path = self.run.file["dataset"]["splits"]["test"]["path"]
        with open(path, newline="", encoding="utf-8") as file:
            rows = [
                [float(row[name]) if row[name] else None for name in names]
                for row in csv.DictReader(file)
            ]
        return self.run.onnx(self.folder / "artifacts" / "model.onnx", rows)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exported]:
    """Exports by name; the library is loaded once for all trainings and once for all exports."""
    folder = tmp_path_factory.mktemp("exported")
    lines = IRIS.splitlines()
    for at in (1, 2, 9):  # The first is of the test split.
        lines[at] = "," + lines[at].split(",", 1)[1]
    holed = "\n".join(lines) + "\n"
    values = {"target": "petal_width_cm", "task": "regression"}
    runs = {
        "logistic": iris(folder / "logistic", LOGISTIC),
        "svm": iris(folder / "svm", SVM),
        "boosting": iris(folder / "boosting", BOOSTING, text=holed),
        "forest": iris(folder / "forest", FOREST),
        "ridge": iris(folder / "ridge", RIDGE, **values),
        "kernel": iris(folder / "kernel", KERNEL, **values),
        "coreml": iris(folder / "coreml", RIDGE, **values),
    }
    trained = together(list(runs.values()), [[str(run.dir)] for run in runs.values()])
    assert trained == [0] * len(runs)
    folders = [
        run.export_directory("coreml" if name == "coreml" else "onnx") for name, run in runs.items()
    ]
    codes = together(list(runs.values()), [["export", str(folder)] for folder in folders])
    return {
        name: Exported(run, code, folder)
        for (name, run), code, folder in zip(runs.items(), codes, folders, strict=True)
    }


@pytest.mark.parametrize("name", ["logistic", "forest", "boosting"])
def test_scores_are_those_of_the_predictions_file(exported: dict[str, Exported], name: str) -> None:
    export = exported[name]
    assert export.code == 0
    report = export.report
    assert (report["version"], report["format"], report["compared_rows"]) == (1, "onnx", 256)
    assert 0 <= report["max_abs_difference"] <= report["tolerance"]
    outputs, expected = export.outputs(), export.run.predictions()[1:]
    assert list(outputs) == ["label", "probabilities"]
    assert outputs["label"] == [row[2] for row in expected]
    for row, found in zip(expected, outputs["probabilities"], strict=True):
        assert found == pytest.approx([float(cell) for cell in row[3:]], abs=1e-6)


def test_without_probabilities_the_scores_are_those_of_the_decision(
    exported: dict[str, Exported],
) -> None:
    outputs = exported["svm"].outputs()
    assert list(outputs) == ["label", "scores"]
    assert outputs["label"] == [row[2] for row in exported["svm"].run.predictions()[1:]]
    labels = ["setosa", "versicolor", "virginica"]
    for label, found in zip(outputs["label"], outputs["scores"], strict=True):
        assert labels[found.index(max(found))] == label


def test_values_are_those_of_the_predictions_file(exported: dict[str, Exported]) -> None:
    outputs = exported["ridge"].outputs()
    assert list(outputs) == ["value"]
    expected = [float(row[2]) for row in exported["ridge"].run.predictions()[1:]]
    found = [value for (value,) in outputs["value"]]
    assert found == pytest.approx(expected, abs=1e-5)


def test_where_missing_cells_go_another_way_it_is_said(exported: dict[str, Exported]) -> None:
    assert exported["boosting"].report["missing_cells"] is True
    assert not exported["boosting"].told("warning")
    # Of skl2onnx 1.20: its forests know no missing cells.
    assert exported["forest"].report["missing_cells"] is False
    (warning,) = exported["forest"].told("warning")
    assert "where a cell is missing" in warning
    assert "missing_cells" not in exported["ridge"].report


@pytest.mark.parametrize(
    ("name", "part"), [("kernel", "cannot convert KernelRidge"), ("coreml", "onnx is")]
)
def test_what_cannot_be_exported_is_refused_by_name(
    exported: dict[str, Exported], name: str, part: str
) -> None:
    assert exported[name].code == 69
    (error,) = exported[name].told("error")
    assert error["field"] == "export.format"
    assert part in error["message"]
    assert not (exported[name].folder / "artifacts").exists()
