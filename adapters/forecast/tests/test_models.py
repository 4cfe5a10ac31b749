"""What is fitted: the models of statsmodels, and a forecaster of one's own."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from mlhub_adapter.testing import RunDirectory
from temperatures import ROWS, blame, error, forecasting, together

ETS = {"model": "ets", "arguments": {"initialization_method": "heuristic"}, "time": "month"}
MULTIPLICATIVE = {"error": "mul", "seasonal": "mul", "initialization_method": "heuristic"}
YEAR = {"train": ROWS[:180], "test": ROWS[180:192]}
NEGATIVE = {"train": [f"{at},{at - 20}" for at in range(60)], "test": ["60,40"]}

ONCE: dict[str, dict[str, Any]] = {
    "ets": {**ETS, "folds": 3},
    "arima": {"model": "arima", "arguments": {"order": [1, 0, 0], "seasonal_order": [0, 1, 1]}},
    "theta": {"model": "theta"},
    "last": {"model": "naive", "arguments": {"method": "last"}},
    "simulated": {"model": "ets", "arguments": MULTIPLICATIVE},
    "simulated again": {"model": "ets", "arguments": MULTIPLICATIVE},
    "simulated otherwise": {"model": "ets", "arguments": MULTIPLICATIVE},
    "noisy": {"model": "growth:Noisy"},
    "noisy again": {"model": "growth:Noisy", "folds": 1},
    "noisy otherwise": {"model": "growth:Noisy"},
    "own": {"model": "growth:Growth", "arguments": {"rows": 1}, "folds": 1},
    "bounded": {"model": "growth:Bounded", "arguments": {"rows": 1}, "interval": 0.5},
}
"""Params of runs that are made together."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunDirectory]:
    """All of them finished, and one whose data statsmodels refuses."""
    folder = tmp_path_factory.mktemp("models")
    made = {
        name: forecasting(folder / name, {"folds": 0, **params}, splits=YEAR)
        for name, params in ONCE.items()
    }
    for name in ("simulated", "noisy"):
        made[f"{name} otherwise"].file["seed"] = 4
    params = {"model": "ets", "arguments": {"error": "mul"}}
    made["refused"] = forecasting(folder / "refused", params, splits=NEGATIVE)
    assert together(list(made.values())) == [0] * len(ONCE) + [64]
    return made


def parameters(run: RunDirectory) -> dict[str, float]:
    """What was estimated, by its name."""
    with open(run.dir / "artifacts" / "parameters.csv", newline="", encoding="utf-8") as file:
        return {row["parameter"]: float(row["value"]) for row in csv.DictReader(file)}


@pytest.mark.parametrize("name", ["ets", "arima", "theta"])
def test_a_model_learns_the_season(runs: dict[str, RunDirectory], name: str) -> None:
    found = runs[name].predictions()
    assert error(found) < error(runs["last"].predictions()), "the rule knows no season"
    for _, _, value, lower, upper in found[1:]:
        assert float(lower) < float(value) < float(upper)


def test_what_was_estimated_is_told(runs: dict[str, RunDirectory]) -> None:
    assert 0 < parameters(runs["ets"])["smoothing_level"] < 1
    assert 0 < parameters(runs["arima"])["ar.L1"] < 1
    assert "alpha" in parameters(runs["theta"])
    for name in ("ets", "arima"):
        last = runs[name].metrics()[-1][1]
        assert last["train/aic"] < last["train/aicc"] < last["train/bic"]
        assert last["train/log_likelihood"] < 0


def test_a_resumed_one_ends_in_the_same_bits(runs: dict[str, RunDirectory], tmp_path: Path) -> None:
    alone = runs["ets"]
    run = forecasting(tmp_path, ONCE["ets"], splits=YEAR)
    saved = alone.dir / alone.told("checkpoint")[1]["path"]
    run.file["resume"] = {"step": 2, "checkpoint": str(saved)}
    run.succeed()
    assert run.metrics() == alone.metrics()[2:]
    for left in ("predictions/test.csv", "artifacts/forecasts.json"):
        assert (run.dir / left).read_bytes() == (alone.dir / left).read_bytes()


@pytest.mark.parametrize("name", ["simulated", "noisy"])
def test_what_is_drawn_follows_the_seed(runs: dict[str, RunDirectory], name: str) -> None:
    made = (name, f"{name} again", f"{name} otherwise")
    one, again, other = (runs[each].predictions() for each in made)
    assert one == again
    assert one != other
    if name == "simulated":
        assert [row[:3] for row in one] == [row[:3] for row in other], "bounds alone are drawn"


def test_a_forecaster_of_the_project(runs: dict[str, RunDirectory]) -> None:
    header, *rows = runs["own"].predictions()
    assert header == ["id", "y_true", "y_pred"]
    before, last = (float(row.split(",")[1]) for row in YEAR["train"][-2:])
    for step, row in enumerate(rows, 1):
        assert float(row[2]) == pytest.approx(last + step * (last - before))
    bounded = runs["bounded"].predictions()[1:]
    assert [row[2] for row in bounded] == [row[2] for row in rows]
    assert {round(float(row[4]) - float(row[3]), 9) for row in bounded} == {12.0}


def test_what_statsmodels_refuses_is_refused(runs: dict[str, RunDirectory]) -> None:
    field, message = blame(runs["refused"])
    assert field == "params.arguments"
    assert "positive" in message
