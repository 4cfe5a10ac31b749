"""Tables become a network's inputs and its outputs become answers; states survive as files."""

from __future__ import annotations

import json
import sys
from array import array
from pathlib import Path
from typing import Any

import pytest

from mlhub_adapter import Data, Model, Refused, Run, Table, network_inputs
from mlhub_adapter.events import EventWriter
from mlhub_adapter.network_inputs import PREDICT_ROWS, Preparation, TargetScale
from mlhub_adapter.run_file import Resources, RunFile

np = pytest.importorskip("numpy")

NAN = float("nan")


def table(size: list[float], colour: list[float], target: list[str]) -> Table:
    columns = [array("d", size), array("d", colour)]
    ids = [str(row) for row in range(len(size))]
    return Table(["size", "colour"], columns, {"colour": ["blue", "red"]}, target, ids)


def data(target: list[str], classes: list[str]) -> Data:
    train = table([1.0, 3.0, NAN], [0.0, 1.0, NAN], target)
    return Data(train, None, {}, "binary" if classes else "regression", classes)


def test_numbers_are_standardised_and_categories_get_columns() -> None:
    train = data(["a", "b", "a"], ["a", "b"])
    preparation = Preparation.fit(train.train, standardise=True)
    assert preparation.shape == [3]
    x, y = network_inputs.arrays(train, "train", preparation, TargetScale.fit(train))
    assert x.tolist() == [[-1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    assert (x.dtype, y.dtype, y.tolist()) == (np.float32, np.int32, [0, 1, 0])
    # Other rows by the training rows' numbers, not by their own.
    assert preparation.apply(table([5.0], [1.0], ["a"])).tolist() == [[3.0, 0.0, 1.0]]


def test_a_row_gets_the_shape_that_holds_it() -> None:
    train = table([1.0, 2.0], [0.0, 1.0], ["a", "b"])
    shaped = Preparation.fit(train, standardise=False, shape=[3, 1])
    assert shaped.apply(train).tolist() == [[[1.0], [1.0], [0.0]], [[2.0], [0.0], [1.0]]]
    with pytest.raises(Refused, match="3 numbers") as refused:
        Preparation.fit(train, standardise=False, shape=[2, 2])
    assert refused.value.field == "params.input_shape"


def test_values_are_scaled_and_scaled_back() -> None:
    values = data(["10", "20", "60"], [])
    scale = TargetScale.fit(values)
    _, y = network_inputs.arrays(
        values, "train", Preparation.fit(values.train, standardise=True), scale
    )
    assert y.mean() == pytest.approx(0.0, abs=1e-6)
    assert y.std() == pytest.approx(1.0, abs=1e-6)
    assert scale.undo(y[:, None]) == pytest.approx([10.0, 20.0, 60.0], rel=1e-6)
    assert TargetScale.fit(data(["5", "5", "5"], [])) == TargetScale(5.0, 1.0)


def test_an_order_is_of_seed_and_epoch() -> None:
    first = network_inputs.order_of_rows(50, seed=3, epoch=1)
    assert sorted(first) == list(range(50))
    assert first.tolist() == network_inputs.order_of_rows(50, seed=3, epoch=1).tolist()
    others = [
        network_inputs.order_of_rows(50, seed=seed, epoch=epoch) for seed, epoch in ((3, 2), (4, 1))
    ]
    assert all(first.tolist() != other.tolist() for other in others)


@pytest.mark.parametrize("rows", [1, PREDICT_ROWS, PREDICT_ROWS + 1])
def test_predicting_is_always_asked_for_as_many_rows(rows: int) -> None:
    asked = []

    def answer(x: Any) -> Any:
        asked.append(x.shape)
        return x.sum(axis=1, keepdims=True)

    inputs = np.arange(rows * 2, dtype=np.float32).reshape(rows, 2)
    assert network_inputs.predicted(answer, inputs).tolist() == inputs.sum(axis=1)[:, None].tolist()
    assert set(asked) == {(PREDICT_ROWS, 2)}


def test_shares_of_great_scores_are_finite() -> None:
    shares = network_inputs.softmax(np.array([[1000.0, 1000.0], [0.0, np.log(3.0)]]))
    assert shares == pytest.approx(np.array([[0.5, 0.5], [0.25, 0.75]]))


def test_states_come_back_as_they_were() -> None:
    state = [np.arange(6, dtype=np.float32).reshape(2, 3), np.int32(7), np.array([True, False])]
    content = network_inputs.pack(state)
    found = network_inputs.unpack(content, state, field="resume.checkpoint")
    assert [array.tolist() for array in found] == [array.tolist() for array in state]
    assert [array.dtype for array in found] == [array.dtype for array in state]


def test_states_of_types_that_numpy_has_not_come_back() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    state = [np.array([1.5, -2.0], dtype=ml_dtypes.bfloat16)]
    (found,) = network_inputs.unpack(network_inputs.pack(state), state, field="f")
    assert (str(found.dtype), found.tolist()) == ("bfloat16", [1.5, -2.0])


@pytest.mark.parametrize(
    "like",
    [[np.zeros(2)], [np.zeros(3), np.zeros(1)], [np.zeros(3, dtype=np.float32)]],
    ids=["shape", "number", "dtype"],
)
def test_states_of_another_model_are_refused(like: list[Any]) -> None:
    with pytest.raises(Refused, match="other arrays") as refused:
        network_inputs.unpack(network_inputs.pack([np.zeros(3)]), like, field="resume.checkpoint")
    assert (refused.value.code, refused.value.field) == (64, "resume.checkpoint")


@pytest.mark.parametrize("content", [b"", b"no archive", network_inputs.pack([np.zeros(3)])[:-40]])
def test_damaged_states_are_refused(content: bytes) -> None:
    with pytest.raises(Refused, match="damaged") as refused:
        network_inputs.unpack(content, [np.zeros(3)], field="model.path")
    assert refused.value.field == "model.path"


def model(folder: Path) -> Model:
    return Model(dir=folder, json={}, params={}, seed=1, task=None)


def test_settings_come_back_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    preparation, scale = Preparation([0.5], [2.0], [0], [1]), TargetScale(3.0, 4.0)
    text = network_inputs.settings_text(preparation, scale, epochs=3)
    (tmp_path / "net.json").write_text(text, encoding="utf-8")
    assert network_inputs.read_settings(model(tmp_path), "net.json") == (preparation, scale)
    assert json.loads(text)["epochs"] == 3
    for damaged in (text[:-5], "{}", '{"preparation": {"mean": []}, "target": {}}'):
        (tmp_path / "net.json").write_text(damaged, encoding="utf-8")
        with pytest.raises(Refused, match="net.json is damaged") as refused:
            network_inputs.read_settings(model(tmp_path), "net.json")
        assert refused.value.field == "model.path"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with modules, on the import path while the test runs, and forgotten after it."""
    folder = tmp_path / "project"
    (folder / "kept_models").mkdir(parents=True)
    (folder / "kept_models" / "linear.py").write_text("import kept_layers\nclass Net: pass\n")
    (folder / "kept_layers.py").write_text("SIZE = 3\n")
    (folder / "kept_unused.py").write_text("SIZE = 4\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in ("kept_models", "kept_models.linear", "kept_layers", "kept_adapter"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return folder


def test_import_paths_name_what_they_find(project: Path) -> None:
    for path in ("kept_models.linear:Net", "kept_models.linear.Net"):
        found = network_inputs.named(path, "params.model", folder=project)
        assert found.__name__ == "Net"
    for path, part in (
        ("kept_models.linear:Nett", "did you mean Net"),
        ("kept_models.missing:Net", "cannot be imported"),
        ("Net", "no import path"),
    ):
        with pytest.raises(Refused, match=part) as refused:
            network_inputs.named(path, "params.model", folder=project)
        assert refused.value.field == "params.model"


def test_the_code_that_was_imported_is_kept(project: Path, tmp_path: Path) -> None:
    (project / "adapters").mkdir()
    (project / "adapters" / "kept_adapter.py").write_text("")
    network_inputs.import_module("kept_models.linear", "params.model", folder=project)
    network_inputs.import_module("kept_adapter", "params.model", folder=project / "adapters")
    free = Resources(None, None, 0)
    file = RunFile("r", "n", 1, 7, False, {}, None, None, [], None, free)
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    run = Run(run_dir, file, params={}, events=EventWriter(run_dir))
    network_inputs.keep_code(run, project, adapter=project / "adapters")
    kept = sorted(path.name for path in run_dir.rglob("artifacts/code/**/*.py"))
    assert kept == ["kept_layers.py", "linear.py"]
