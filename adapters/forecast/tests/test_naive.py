"""The rules, their bounds, and what every run writes; none of it needs statsmodels."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist, fmean
from typing import Any

import pytest
from mlhub_adapter.testing import RequestError, RunDirectory
from temperatures import ROWS, SPLITS, error, forecasting, two_series

VALUES = [float(row.split(",")[1]) for row in SPLITS["train"]]
QUANTILE = NormalDist().inv_cdf(0.9)


@pytest.fixture(scope="module")
def seasonal(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """Last year's values, with 80% bounds."""
    return forecasting(
        tmp_path_factory.mktemp("seasonal"), {"time": "month", "interval": 0.8}
    ).succeed()


def test_the_seasonal_rule_gives_last_year_and_bounds_that_widen_by_the_year(
    seasonal: RunDirectory,
) -> None:
    header, *rows = seasonal.predictions()
    assert header == ["id", "y_true", "y_pred", "y_lower", "y_upper"]
    assert [row[0] for row in rows] == [str(at) for at in range(24)]
    assert [float(row[1]) for row in rows] == [float(r.split(",")[1]) for r in SPLITS["test"]]
    assert [float(row[2]) for row in rows] == VALUES[-12:] * 2
    changes = [now - before for before, now in zip(VALUES, VALUES[12:], strict=False)]
    sigma = math.sqrt(fmean(change**2 for change in changes))
    for at, row in enumerate(rows):
        width = QUANTILE * sigma * math.sqrt(at // 12 + 1)
        assert float(row[2]) - float(row[3]) == pytest.approx(width, rel=1e-12)
        assert float(row[4]) - float(row[2]) == pytest.approx(width, rel=1e-12)


def test_the_backtest_is_that_of_the_rows_before_each_fold(seasonal: RunDirectory) -> None:
    told = seasonal.metrics()
    assert [step for step, _ in told] == [1, 2, 3, 4]
    for fold, (_, metrics) in enumerate(told[:3]):
        origin = len(VALUES) - (3 - fold) * 12
        known, actual = VALUES[:origin], VALUES[origin : origin + 12]
        pairs = list(zip(actual, known[-12:], strict=True))
        mae = fmean(abs(y - f) for y, f in pairs)
        scale = fmean(abs(now - then) for then, now in zip(known, known[12:], strict=False))
        symmetric = fmean(2 * abs(y - f) / (abs(y) + abs(f)) for y, f in pairs)
        assert metrics["backtest/mae"] == pytest.approx(mae, rel=1e-12)
        assert metrics["backtest/mase"] == pytest.approx(mae / scale, rel=1e-12)
        assert metrics["backtest/smape"] == pytest.approx(symmetric, rel=1e-12)
        assert metrics["backtest/coverage"] * 12 == pytest.approx(
            round(metrics["backtest/coverage"] * 12)
        )
    scale = fmean(abs(now - then) for then, now in zip(VALUES, VALUES[12:], strict=False))
    assert told[3][1]["test/mase"] == pytest.approx(error(seasonal.predictions()) / scale)
    assert "test/mae" not in told[3][1], "the hub computes it from the predictions"
    table = (seasonal.dir / "artifacts" / "backtest.csv").read_text(encoding="utf-8")
    assert table.splitlines()[0] == "fold,mae,smape,mase,coverage"
    assert len(table.splitlines()) == 4


@pytest.mark.parametrize("method", ["last", "drift", "mean"])
def test_the_other_rules(tmp_path: Path, method: str) -> None:
    run = forecasting(tmp_path, {"arguments": {"method": method}, "folds": 0}).succeed()
    rows, count = run.predictions()[1:], len(VALUES)
    slope = (VALUES[-1] - VALUES[0]) / (count - 1)
    changes = [now - before for before, now in pairwise(VALUES)]
    mean = fmean(VALUES)
    for step, row in enumerate(rows, 1):
        at, errors, lost, growth = {
            "last": (VALUES[-1], changes, 0, step),
            "drift": (
                VALUES[-1] + slope * step,
                [change - slope for change in changes],
                1,
                step * (1 + step / (count - 1)),
            ),
            "mean": (mean, [value - mean for value in VALUES], 1, 1 + 1 / count),
        }[method]
        sigma = math.sqrt(sum(each**2 for each in errors) / (len(errors) - lost))
        width = NormalDist().inv_cdf(0.975) * sigma * math.sqrt(growth)
        assert float(row[2]) == pytest.approx(at, rel=1e-12)
        assert float(row[4]) == pytest.approx(at + width, rel=1e-9)
    assert [name for _, metrics in run.metrics() for name in metrics] == [
        "test/smape", "test/mase", "test/coverage",
    ]  # fmt: skip


def test_entry_has_shapes_and_statistics(seasonal: RunDirectory) -> None:
    (entry,) = seasonal.told("entry")
    assert entry["splits"]["train"]["shape"] == [204]
    assert entry["splits"]["test"]["shape"] == [24]
    assert entry["splits"]["train"]["dtype"] == "float64"
    assert entry["splits"]["train"]["mean"] == pytest.approx(fmean(VALUES), rel=1e-3)
    assert (entry["series"], entry["season_length"], entry["device"]) == (1, 12, "cpu")


def test_a_served_model_gives_what_the_predictions_file_has(seasonal: RunDirectory) -> None:
    rows = [list(map(float, row[2:])) for row in seasonal.predictions()[1:13]]
    with seasonal.serve() as worker:
        (whole,) = worker.predict([{"horizon": 12}])
        near, again = worker.predict([{"horizon": 3}, {"horizon": 12.0}])
        for asked, field, part in (
            ({"horizon": 13}, "inputs.1.horizon", "from 1 to 12"),
            ({"horizon": 0}, "inputs.1.horizon", "from 1 to 12"),
            ({"horizon": 1.5}, "inputs.1.horizon", "whole number"),
            ({}, "inputs.1.horizon", "whole number"),
            ({"horizon": 2, "horizn": 2}, "inputs.1.horizn", "horizon"),
            (12, "inputs.1", "object"),
        ):
            with pytest.raises(RequestError) as refused:
                worker.predict([{"horizon": 1}, asked])
            assert (refused.value.code, refused.value.field) == ("invalid", field)
            assert part in refused.value.message
        with pytest.raises(RequestError, match=r"options\.level"):
            worker.predict([{"horizon": 1}], {"level": 0.5})
    assert list(map(list, zip(*whole.values(), strict=True))) == rows
    assert again == whole
    assert near == {name: values[:3] for name, values in whole.items()}


def test_several_series_are_each_forecast_by_itself(tmp_path: Path) -> None:
    params = {"series": "decade", "time": "month", "folds": 1}
    header = "month,celsius,decade"
    run = forecasting(tmp_path, params, splits=two_series(), header=header).succeed()
    assert run.predictions()[0][-1] == "group"
    names = ("nineties", "noughties")
    for name, first in zip(names, (0, 120), strict=True):
        rows = [row for row in run.predictions()[1:] if row[-1] == name]
        before = [float(row.split(",")[1]) for row in ROWS[first + 84 : first + 96]]
        assert [float(row[2]) for row in rows] == before * 2
    assert [row[0] for row in run.predictions()[1:]] == [str(at) for at in range(48)]
    assert [step for step, _ in run.metrics()] == [2, 4], "a step is a fit, a fold takes two"
    described = json.loads((run.dir / "artifacts" / "model.json").read_text(encoding="utf-8"))
    assert described["input"]["columns"][0]["values"] == list(names)
    with run.serve() as worker:
        asked = [{"series": name, "horizon": 12} for name in names]
        outputs = worker.predict(asked)
        with pytest.raises(RequestError) as refused:
            worker.predict([{"series": "tens", "horizon": 1}])
    assert refused.value.field == "inputs.0.series"
    assert "tens" not in refused.value.message
    for name, output in zip(names, outputs, strict=True):
        rows = [row for row in run.predictions()[1:] if row[-1] == name]
        assert output["values"] == [float(row[2]) for row in rows[:12]]


def test_a_split_behind_validation_lies_as_many_steps_further(tmp_path: Path) -> None:
    splits = {"train": ROWS[:204], "validation": ROWS[204:209], "test": ROWS[209:216]}
    arguments: dict[str, Any] = {"arguments": {"method": "drift"}}
    both = forecasting(tmp_path / "both", arguments, splits=splits)
    both.file["predict_splits"] = ["validation", "test"]
    both.succeed()
    alone = forecasting(
        tmp_path / "alone", arguments, splits={"train": ROWS[:204], "test": ROWS[204:216]}
    ).succeed()
    parts = [row for split in ("validation", "test") for row in both.predictions(split)[1:]]
    assert [row[1:] for row in parts] == [row[1:] for row in alone.predictions()[1:]]


def test_without_an_interval_there_are_no_bounds(tmp_path: Path) -> None:
    run = forecasting(tmp_path, {"interval": None}).succeed()
    assert run.predictions()[0] == ["id", "y_true", "y_pred"]
    assert all("backtest/coverage" not in metrics for _, metrics in run.metrics())
    with run.serve() as worker:
        assert worker.predict([{"horizon": 1}]) == [{"values": [float(run.predictions()[1][2])]}]


@pytest.mark.parametrize("format_name", ["jsonl", "npz"])
def test_every_readable_format_gives_the_same_predictions(
    tmp_path: Path, seasonal: RunDirectory, format_name: str
) -> None:
    import numpy as np

    params = {"interval": 0.8, "time": "month" if format_name == "jsonl" else None}
    run = forecasting(tmp_path, params)
    run.file["dataset"]["format"] = format_name
    for split, part in run.file["dataset"]["splits"].items():
        pairs = [row.split(",") for row in SPLITS[split]]
        part["path"] = str(tmp_path / f"{split}.{format_name}")
        if format_name == "npz":
            np.savez(part["path"], celsius=np.array([float(value) for _, value in pairs]))
        else:
            lines = [json.dumps({"month": at, "celsius": float(value)}) for at, value in pairs]
            Path(part["path"]).write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert run.succeed().predictions() == seasonal.predictions()
