"""What is wrong is refused by its name, before anything is trained or fetched."""

from __future__ import annotations

import json
from pathlib import Path

import catalogue
import support
from nursery import Nursery


def test_wrong_params_are_refused_by_name(nursery: Nursery, tmp_path: Path) -> None:
    for at, (params, field, part) in enumerate(catalogue.WRONG):
        run = support.texts(tmp_path / str(at), max_steps=1, **params)
        code = nursery.train(run)
        (error,) = run.told("error") or [{"field": None, "message": "nothing was refused"}]
        assert (code, error["field"]) == (64, field), error
        assert part in error["message"]
        assert len(error["message"].splitlines()) == 1


def test_wrong_datasets_and_pickled_models_are_refused(nursery: Nursery, tmp_path: Path) -> None:
    runs = catalogue.unreadable(tmp_path)
    codes = {name: nursery.train(run) for name, run in runs.items()}
    errors = {name: run.told("error")[0] for name, run in runs.items()}
    assert {name: (codes[name], error["field"]) for name, error in errors.items()} == {
        "ragged": (65, "dataset.splits.train"),
        "alone": (65, "dataset.target"),
        "images": (65, "dataset.format"),
        "pickled": (64, "params.model"),
        "compared": (64, "dataset.target"),
    }
    assert "row 1" in errors["ragged"]["message"]
    assert "secret" not in json.dumps(runs["ragged"].events())
