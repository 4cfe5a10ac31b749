"""Datasets become features, categories and targets; what cannot is named without a cell."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from mlhub_adapter import Data, Refused, table
from mlhub_adapter.run_file import Dataset, Resources, RunFile, Split

TRAIN = "id,size,colour,label\n1,1.5,red,a\n2,,blue,b\n3,2,red,a\n4,0.5,green,b\n"
TEST = "id,size,colour,label\n5,7,purple,a\n6,1,,b\n"


def run_file(folder: Path, **texts: str) -> RunFile:
    splits = {}
    for name, text in texts.items():
        path = folder / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        splits[name] = Split(path, None, name)
    dataset = Dataset("d", "f", "csv", "label", "id", splits)
    asked = [name for name in texts if name == "test"]
    free = Resources(None, None, 0)
    return RunFile("r", "n", 1, 7, False, {}, None, dataset, asked, None, free)


def load(folder: Path, **options: Any) -> Data:
    return table.load(run_file(folder, train=TRAIN, test=TEST), allows_missing=True, **options)


def test_columns_of_text_become_categories_of_the_training_rows(tmp_path: Path) -> None:
    data = load(tmp_path, categorical=None)
    assert data.train.names == ["size", "colour"]
    assert data.train.categories == {"colour": ["blue", "green", "red"]}
    assert data.train.categorical == [1]
    assert list(data.train.columns[1]) == [2.0, 0.0, 2.0, 1.0]
    assert data.predict["test"].ids == ["5", "6"]
    # A category that was never seen is as good as missing.
    assert all(map(math.isnan, data.predict["test"].columns[1]))
    assert (data.task, data.classes, data.numbers("train")) == ("binary", ["a", "b"], [0, 1, 0, 1])


def test_text_is_refused_where_categories_are_not_asked_for(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        load(tmp_path)
    assert (refused.value.code, refused.value.field) == (65, "dataset.splits.train")
    assert "column 'colour', row 0" in refused.value.message
    assert "red" not in refused.value.message


def test_missing_cells_are_refused_where_they_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="missing value in column 'size', row 1"):
        table.load(run_file(tmp_path, train=TRAIN), exclude=["colour"])


def test_validation_rows_are_the_split_or_carved_by_the_seed(tmp_path: Path) -> None:
    carved = load(tmp_path, exclude=["colour"], validation_fraction=0.5)
    assert carved.validation is not None
    assert sorted(carved.train.ids + carved.validation.ids) == ["1", "2", "3", "4"]
    again = load(tmp_path, exclude=["colour"], validation_fraction=0.5)
    assert again.train.ids == carved.train.ids
    run = run_file(tmp_path, train=TRAIN, validation=TEST)
    given = table.load(run, exclude=["colour"], allows_missing=True, validation_fraction=0.5)
    assert given.validation is not None
    assert given.validation.ids == ["5", "6"]
    assert len(given.train) == 4


def test_numbers_are_a_regression_and_few_whole_ones_are_classes(tmp_path: Path) -> None:
    def task(values: list[Any]) -> str:
        lines = [f"{row},{value}" for row, value in enumerate(values)]
        text = "\n".join(["x,label", *lines]) + "\n"
        run = run_file(tmp_path, train=text)
        dataset = run.dataset
        assert dataset is not None
        plain = Dataset("d", "f", "csv", "label", None, dataset.splits)
        return table.load(RunFile(**{**vars(run), "dataset": plain})).task

    assert task([0, 1, 0]) == "binary"
    assert task([0, 1, 2]) == "multiclass"
    assert task([0.5, 1, 2]) == "regression"
    assert task(list(range(30))) == "regression"


def test_rows_and_arrays_hold_the_same(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    data = load(tmp_path, categorical=["colour"])
    assert data.train.features.shape == (4, 2)
    assert np.array_equal(data.train.features, np.array(data.train.rows), equal_nan=True)


def test_npz_and_jsonl_read_as_csv(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    rows = [{"x": 1.5, "label": "a"}, {"x": 2.5, "label": "b"}]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    np.savez(tmp_path / "train.npz", x=np.array([[1.5], [2.5]]), label=np.array(["a", "b"]))
    for name in ("jsonl", "npz"):
        dataset = Dataset(
            "d", "f", name, "label", None, {"train": Split(tmp_path / f"train.{name}", 2, "")}
        )
        run = RunFile(**{**vars(run_file(tmp_path, train=TRAIN)), "dataset": dataset})
        data = table.load(run)
        assert [list(column) for column in data.train.columns] == [[1.5, 2.5]]
        assert data.train.target == ["a", "b"]
