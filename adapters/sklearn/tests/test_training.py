"""What the adapter learns and writes."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from iris import ADAPTER, IRIS, iris

SGD = {
    "estimator": "sklearn.linear_model.SGDClassifier",
    "arguments": {"loss": "log_loss"},
    "preprocess": "standardize",
    "epochs": 12,
}


def test_predictions_have_the_documented_form(tmp_path: Path) -> None:
    run = iris(tmp_path, {"estimator": "sklearn.linear_model.LogisticRegression"})
    run.succeed()
    header, *rows = run.predictions()
    labels = ["setosa", "versicolor", "virginica"]
    assert header == ["id", "y_true", "y_pred", *(f"y_score_{label}" for label in labels)]
    assert [row[0] for row in rows] == [str(index) for index in range(30)]
    for row in rows:
        scores = [float(cell) for cell in row[3:]]
        assert sum(scores) == pytest.approx(1.0, abs=1e-12)
        assert row[2] == labels[scores.index(max(scores))]
    assert run.accuracy() >= 0.9
    told = {"split": "test", "path": "predictions/test.csv", "task": "multiclass"}
    assert run.told("predictions") == [told]
    assert run.told("artifact") == [
        {"path": f"artifacts/{name}", "kind": "model"} for name in ("model.pkl", "model.json")
    ]
    with open(run.dir / "artifacts/model.pkl", "rb") as file:
        assert pickle.load(file)["classes"] == labels


def test_entry_has_shapes_and_statistics(tmp_path: Path) -> None:
    run = iris(tmp_path, SGD)
    run.succeed()
    (entry,) = run.told("entry")
    assert entry["splits"]["train"]["shape"] == [120, 4]
    assert entry["splits"]["test"]["shape"] == [30, 4]
    assert entry["splits"]["train"]["target"]["class_counts"] == [40, 40, 40]
    assert (entry["device"], entry["n_classes"], entry["training"]) == ("cpu", 3, "epochs")


@pytest.mark.parametrize(
    ("estimator", "arguments", "training", "steps"),
    [
        ("sklearn.linear_model.SGDClassifier", {"loss": "log_loss"}, "epochs", 12),
        ("sklearn.neural_network.MLPClassifier", {"hidden_layer_sizes": [8]}, "epochs", 12),
        ("sklearn.ensemble.GradientBoostingClassifier", {"n_estimators": 20}, "stages", 10),
        ("sklearn.ensemble.RandomForestClassifier", {"n_estimators": 20}, "stages", 10),
        ("sklearn.ensemble.HistGradientBoostingClassifier", {"max_iter": 20}, "stages", 10),
        ("sklearn.ensemble.AdaBoostClassifier", {"n_estimators": 10}, "whole", 11),
        ("sklearn.naive_bayes.GaussianNB", {}, "whole", 1),
        ("sklearn.svm.LinearSVC", {}, "whole", 1),
    ],
)
def test_classifiers_learn_and_give_the_curve_they_have(
    tmp_path: Path, estimator: str, arguments: dict[str, Any], training: str, steps: int
) -> None:
    params = {"estimator": estimator, "arguments": arguments, "epochs": 12, "stages": 10}
    run = iris(tmp_path, {**params, "preprocess": "standardize"})
    run.succeed()
    assert run.told("entry")[0]["training"] == training
    metrics = run.metrics()
    assert len(metrics) == steps
    assert metrics[-1][1]["train/accuracy"] >= 0.7
    assert run.accuracy() >= 0.7


@pytest.mark.parametrize(
    "estimator",
    ["sklearn.linear_model.Ridge", "sklearn.ensemble.GradientBoostingRegressor"],
)
def test_regressors_learn(tmp_path: Path, estimator: str) -> None:
    params = {"estimator": estimator, "exclude": ["species"], "preprocess": "minmax"}
    run = iris(tmp_path, params, target="petal_width_cm", task="regression")
    run.succeed()
    assert run.predictions()[0] == ["id", "y_true", "y_pred"]
    assert run.metrics()[-1][1]["train/rmse"] < 0.3


def test_one_fit_and_many_stages_give_the_same_forest(tmp_path: Path) -> None:
    params = {
        "estimator": "sklearn.ensemble.RandomForestClassifier",
        "arguments": {"n_estimators": 15},
    }
    whole = iris(tmp_path / "whole", {**params, "training": "whole"})
    staged = iris(tmp_path / "staged", {**params, "stages": 7})
    whole.succeed()
    staged.succeed()
    assert whole.predictions() == staged.predictions()


def test_the_same_seed_gives_the_same_bits_and_another_does_not(tmp_path: Path) -> None:
    runs = [iris(tmp_path / name, SGD) for name in ("one", "two", "other")]
    runs[2].file["seed"] = -4
    for run in runs:
        run.succeed()
    assert runs[0].metrics() == runs[1].metrics()
    assert runs[0].predictions() == runs[1].predictions()
    assert runs[0].predictions() != runs[2].predictions()


def test_validation_rows_give_a_second_curve(tmp_path: Path) -> None:
    run = iris(tmp_path, {**SGD, "validation_fraction": 0.25})
    run.succeed()
    shapes = {name: split["shape"][0] for name, split in run.told("entry")[0]["splits"].items()}
    assert shapes == {"train": 90, "validation": 30, "test": 30}
    assert all("validation/loss" in metrics for _, metrics in run.metrics())


def test_binary_task_and_missing_probabilities(tmp_path: Path) -> None:
    lines = [line for line in IRIS.splitlines() if not line.endswith("setosa")]
    params = {"estimator": "sklearn.linear_model.Perceptron", "preprocess": "standardize"}
    run = iris(tmp_path, params, text="\n".join(lines), task="binary")
    run.succeed()
    assert run.predictions()[0] == ["id", "y_true", "y_pred"]
    assert any("no probabilities" in message for message in run.told("warning"))


def test_every_readable_format_gives_the_same_predictions(tmp_path: Path) -> None:
    params = {"estimator": "sklearn.linear_model.LogisticRegression"}
    expected = iris(tmp_path / "csv", params)
    expected.succeed()
    for name in ("jsonl", "npz"):
        run = iris(tmp_path / name, params)
        run.file["dataset"]["format"] = name
        for split in run.file["dataset"]["splits"].values():
            split["path"] = str(_converted(Path(split["path"]), name))
        run.succeed()
        assert run.predictions() == expected.predictions()


def _converted(path: Path, name: str) -> Path:
    header, *rows = (line.split(",") for line in path.read_text(encoding="utf-8").splitlines())
    converted = path.with_suffix(f".{name}")
    if name == "jsonl":
        records = [dict(zip(header, [*map(float, row[:-1]), row[-1]], strict=True)) for row in rows]
        converted.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    else:
        features = np.array([[float(cell) for cell in row[:-1]] for row in rows])
        np.savez(converted, x=features, species=np.array([row[-1] for row in rows]))
    return converted


def test_the_schema_has_the_params_and_a_default_for_each_but_the_estimator() -> None:
    from mlhub_sklearn.params import Params

    properties = json.loads((ADAPTER / "schema.json").read_text(encoding="utf-8"))["properties"]
    assert properties.keys() == Params.__annotations__.keys()
    assert [name for name, part in properties.items() if "default" not in part] == ["estimator"]
