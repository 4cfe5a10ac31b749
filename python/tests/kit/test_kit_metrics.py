"""Functions as metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlhub_adapter import metrics


def cost(y_true: list[str], y_pred: list[str], weight: list[float], params: Any) -> float:
    wrong = (w for t, p, w in zip(y_true, y_pred, weight) if t != p)
    return float(params["per_error"] * sum(wrong) / sum(weight))


def undefined(y_true: list[str]) -> float:
    return float("nan")


def by_group(group: list[str]) -> float:
    return float(len(set(group)))


def misspelt(y_treu: list[str]) -> float:
    return 0.0


ALL = (cost, undefined, by_group, misspelt)


def asked(folder: Path, name: str, **columns: Any) -> tuple[int, Any]:
    run = folder / name
    (run / "events").mkdir(parents=True)
    predictions = {
        "version": 1,
        "task": "binary",
        "labels": ["no", "yes"],
        "id": ["0", "1", "2", "3"],
        "y_true": ["no", "yes", "no", "yes"],
        "y_pred": ["no", "no", "no", "no"],
        "y_score": None,
        "weight": None,
        "group": None,
        **columns,
    }
    (folder / "predictions.json").write_text(json.dumps(predictions))
    request = {
        "version": 1,
        "metric": {"name": name, "version": 1, "params": {"per_error": 4}},
        "predictions": {"path": str(folder / "predictions.json"), "rows": 4},
    }
    (run / "metric.json").write_text(json.dumps(request))
    code = metrics.execute(ALL, [str(run)])
    if code:
        events = (run / "events" / "main.jsonl").read_text().splitlines()
        return code, json.loads(events[-1])["error"]
    return code, json.loads((run / "value.json").read_text())


def test_a_function_gets_what_it_names(tmp_path: Path) -> None:
    assert asked(tmp_path, "cost") == (0, {"version": 1, "value": 2.0})


def test_weights_are_those_of_the_predictions(tmp_path: Path) -> None:
    assert asked(tmp_path, "cost", weight=[1, 3, 0, 0]) == (0, {"version": 1, "value": 3.0})


def test_nan_is_told_as_text(tmp_path: Path) -> None:
    assert asked(tmp_path, "undefined") == (0, {"version": 1, "value": "NaN"})


@pytest.mark.parametrize(
    ("name", "code", "field", "part"),
    [
        ("costs", 69, "metric.name", "did you mean cost?"),
        ("misspelt", 64, "metric.name", "did you mean y_true?"),
        ("by_group", 65, "group", "the predictions have none"),
    ],
)
def test_what_cannot_be_computed_is_refused_by_name(
    tmp_path: Path, name: str, code: int, field: str, part: str
) -> None:
    found, error = asked(tmp_path, name)
    assert (found, error["field"]) == (code, field)
    assert part in error["message"]


def test_a_later_version_is_refused(tmp_path: Path) -> None:
    found, error = asked(tmp_path, "cost", version=2)
    assert (found, error["field"]) == (69, "version")


def test_a_missing_folder_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert metrics.execute(ALL, ["/no/such/folder"]) == 64
    assert "RUN_DIRECTORY" in capsys.readouterr().err
