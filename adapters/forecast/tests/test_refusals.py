"""Wrong params and data are refused by name, and no message holds a cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlhub_adapter.testing import NotServed
from temperatures import ROWS, SPLITS, blame, forecasting, together, two_series

PARAMS: list[tuple[dict[str, Any], str, str]] = [
    ({"model": "etz"}, "params.model", "did you mean ets?"),
    ({"model": "no.such:Model"}, "params.model", "cannot be imported"),
    ({"model": "growth:Growht"}, "params.model", "did you mean Growth?"),
    ({"model": "growth:Any"}, "params.model", "no class with the methods"),
    ({"model": "growth:Growth", "arguments": {"row": 3}}, "params.arguments.row", "rows"),
    ({"model": "growth:Growth", "arguments": {"rows": 0}}, "params.arguments", "positive"),
    ({"model": "growth:Shy", "folds": 0}, "params.model", "23 values where 24"),
    ({"arguments": {"methd": "last"}}, "params.arguments.methd", "did you mean method?"),
    ({"arguments": {"method": "lst"}}, "params.arguments.method", "did you mean last?"),
    ({"model": "ets", "arguments": {"seasonal_periods": 4}},
     "params.arguments.seasonal_periods", "params.season_length"),
    ({"model": "ets", "season_length": 1, "arguments": {"seasonal": "add"}},
     "params.arguments.seasonal", "season_length"),
    ({"model": "arima", "arguments": {"order": [1, 1]}}, "params.arguments.order", "three"),
    ({"model": "arima", "season_length": 1, "arguments": {"seasonal_order": [0, 1, 1]}},
     "params.arguments.seasonal_order", "season_length"),
    ({"model": "theta", "arguments": {"alpha": 0.1}}, "params.arguments.alpha", "interval"),
    ({"time": "mont"}, "params.time", "did you mean month?"),
    ({"series": "decade"}, "params.series", "known are"),
    ({"folds": 16}, "params.folds", "folds * horizon_max = 192"),
    ({"interval": 1}, "params.interval", "1"),
    ({"horizon_max": 0}, "params.horizon_max", "1"),
]  # fmt: skip
"""Params, the field that is refused, and a part of the message."""


def test_wrong_params(tmp_path: Path) -> None:
    runs = [forecasting(tmp_path / str(at), params) for at, (params, _, _) in enumerate(PARAMS)]
    for run, code, (params, field, part) in zip(runs, together(runs), PARAMS, strict=True):
        blamed, message = blame(run)
        assert (code, blamed) == (64, field), params
        assert part in message


def spoiled(split: str, row: int, text: str) -> dict[str, list[str]]:
    """The splits with one line in place of another."""
    return {
        name: [*rows[:row], text, *rows[row + 1 :]] if name == split else rows
        for name, rows in SPLITS.items()
    }


DATA: list[tuple[dict[str, list[str]], dict[str, Any], str, str]] = [
    (spoiled("train", 7, "1991-08,"), {}, "train", "column 'celsius', row 7"),
    (spoiled("test", 3, "2008-04,warm"), {}, "test", "column 'celsius', row 3"),
    (spoiled("train", 9, "1991-09,20"), {"time": "month"}, "train", "at row 9"),
    (spoiled("test", 2, "March,20"), {"time": "month"}, "test", "row 2 neither a number"),
    ({"train": ROWS[24:], "test": ROWS[:24]}, {"time": "month"}, "test", "split.order"),
    ({"train": ROWS[::2], "test": ROWS[1::2]}, {"time": "month"}, "test", "does not follow"),
    ({"train": ROWS[:20], "test": ROWS[20:]}, {"folds": 0}, "train", "24 are needed"),
]
"""Splits, params, the split that is refused, and a part of the message."""


def test_wrong_data(tmp_path: Path) -> None:
    runs = [
        forecasting(tmp_path / str(at), params, splits=splits)
        for at, (splits, params, _, _) in enumerate(DATA)
    ]
    for run, code, (_, _, split, part) in zip(runs, together(runs), DATA, strict=True):
        blamed, message = blame(run)
        assert (code, blamed) == (65, f"dataset.splits.{split}")
        assert part in message
        for cell in ("warm", "March", "2008", "1991"):
            assert cell not in message


def test_several_series_are_not_mixed_up(tmp_path: Path) -> None:
    header, splits = "month,celsius,decade", two_series()
    mixed = forecasting(tmp_path / "mixed", {"time": "month"}, splits=splits, header=header)
    code, field, message = mixed.refusal()
    assert (code, field) == (65, "dataset.splits.train")
    assert "params.series" in message
    new = {**splits, "test": [*splits["test"], "99,20.0,tens"]}
    unknown = forecasting(tmp_path / "new", {"series": "decade"}, splits=new, header=header)
    code, field, message = unknown.refusal()
    assert (code, field) == (65, "dataset.splits.test")
    assert "from row 48 on a series" in message
    assert "tens" not in message


def test_splits_without_an_order(tmp_path: Path) -> None:
    splits = {"train": ROWS[:204], "other": ROWS[204:210], "test": ROWS[210:216]}
    code, field, message = forecasting(tmp_path / "unknown", {}, splits=splits).refusal()
    assert (code, field) == (64, "params.time")
    assert "other, test" in message
    forecasting(tmp_path / "known", {"time": "month"}, splits=splits).succeed()


def test_the_training_rows_cannot_be_forecast(tmp_path: Path) -> None:
    run = forecasting(tmp_path, {})
    run.file["predict_splits"] = ["train"]
    assert run.refusal()[:2] == (64, "predict_splits")


def test_another_task_is_refused(tmp_path: Path) -> None:
    run = forecasting(tmp_path, {})
    run.file["task"] = "binary"
    assert run.refusal()[:2] == (64, "task")


def test_a_damaged_model_is_not_served(tmp_path: Path) -> None:
    run = forecasting(tmp_path, {"folds": 0}).succeed()
    path = run.dir / "artifacts" / "forecasts.json"
    path.write_text('{"version": 1, "series": []}', encoding="utf-8")
    with pytest.raises(NotServed) as refused, run.serve():
        pass
    assert (refused.value.code, refused.value.field) == (64, "model.path")
