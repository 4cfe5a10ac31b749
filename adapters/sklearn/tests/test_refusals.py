"""Bad input is refused with its field, and nothing of the dataset leaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from iris import IRIS, iris

LOGISTIC = "sklearn.linear_model.LogisticRegression"
CANARY = "7777.125"


@pytest.mark.parametrize(
    ("params", "field", "part"),
    [
        ({}, "params.estimator", "is missing"),
        ({"estimator": "LogisticRegression"}, "params.estimator", "Import path"),
        ({"estimator": "sklearn.linaer_model.Ridge"}, "params.estimator", "sklearn.linaer_model"),
        (
            {"estimator": "sklearn.linear_model.LogisticRegresion"},
            "params.estimator",
            "did you mean LogisticRegression?",
        ),
        ({"estimator": "sklearn.cluster.KMeans"}, "params.estimator", "neither"),
        ({"estimator": "sklearn.linear_model.Ridge"}, "params.estimator", "regresses"),
        ({"estimator": "collections.OrderedDict"}, "params.estimator", "no class with a fit"),
        ({"estimator": LOGISTIC, "argumnets": {}}, "params.argumnets", "did you mean arguments?"),
        (
            {"estimator": LOGISTIC, "arguments": {"max_itr": 5}},
            "params.arguments.max_itr",
            "did you mean max_iter?",
        ),
        ({"estimator": LOGISTIC, "arguments": {"C": -1}}, "params.arguments.C", "must be"),
        (
            {"estimator": LOGISTIC, "arguments": {"random_state": 1}},
            "params.arguments.random_state",
            "seeds",
        ),
        ({"estimator": LOGISTIC, "epochs": 0}, "params.epochs", "whole number"),
        ({"estimator": LOGISTIC, "training": "stages"}, "params.training", "stages"),
        ({"estimator": LOGISTIC, "training": "epochs"}, "params.training", "partial_fit"),
        ({"estimator": LOGISTIC, "exclude": ["colour"]}, "params.exclude", "colour"),
    ],
)
def test_a_bad_config_is_64_with_its_field(
    tmp_path: Path, params: dict[str, Any], field: str, part: str
) -> None:
    code, blamed, message = iris(tmp_path, params).refusal()
    assert (code, blamed) == (64, field)
    assert part in message


def _damage(text: str, row: int, cells: str) -> str:
    lines = text.splitlines()
    lines[row] = cells
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (_damage(IRIS, 2, "CANARY,1,1,1,setosa"), "column 'sepal_length_cm', row 0"),
        (_damage(IRIS, 2, "1,1,1,setosa"), "ragged at line 2"),
        (_damage(IRIS, 2, ",1,1,1,setosa"), "missing value"),
        (_damage(IRIS, 2, "inf,1,1,1,setosa"), "infinite"),
        (_damage(IRIS, 2, "1,1,1,1,"), "no target"),
        (_damage(IRIS, 0, "a,a,b,c,species"), "twice"),
        (_damage(IRIS, 0, "a,b,c,d,kind"), "no column 'species'"),
        (IRIS.splitlines()[0] + "\n", "no rows"),
    ],
)
def test_a_bad_dataset_is_65_without_its_cells(tmp_path: Path, text: str, part: str) -> None:
    code, field, message = iris(tmp_path, {"estimator": LOGISTIC}, text=text).refusal()
    assert (code, field) == (65, "dataset.splits.train")
    assert part in message
    assert "CANARY" not in message


def test_a_split_that_is_not_there_is_named(tmp_path: Path) -> None:
    run = iris(tmp_path, {"estimator": LOGISTIC})
    run.file["predict_splits"] = ["holdout"]
    assert run.refusal()[:2] == (65, "dataset.splits.holdout")


def test_no_cell_of_the_dataset_leaves_but_in_predictions(tmp_path: Path) -> None:
    lines = IRIS.replace("setosa", "canary-label").splitlines()
    text = "\n".join(
        f"{'id' if row == 0 else f'canary-id-{row}'},{line}" for row, line in enumerate(lines)
    )
    # The greatest value of all: even as a statistic it must not be told whole.
    text = text.replace(",5.1,", f",{CANARY},")
    run = iris(tmp_path, {"estimator": LOGISTIC, "arguments": {"max_iter": 3}}, text=text)
    run.file["dataset"]["id"] = "id"
    code, said = run.run()
    assert code == 0, said
    assert run.told("warning"), "three iterations are too few, and scikit-learn says so"
    events = (run.dir / "events" / "main.jsonl").read_text(encoding="utf-8")
    assert "canary" not in said + events
    assert CANARY not in said + events
    assert run.predictions()[1][:2] == ["canary-id-1", "canary-label"]
