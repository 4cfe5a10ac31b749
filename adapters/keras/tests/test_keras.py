"""Training on the Palmer penguins: it learns, resumes bit by bit, serves and refuses."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from mlhub_adapter.testing import NotServed, RequestError, RunDirectory, interpreter

ADAPTER = Path(__file__).resolve().parent.parent
PENGUINS = (ADAPTER / "smoke.csv").read_text(encoding="utf-8")
OWN = """
import keras

@keras.saving.register_keras_serializable()
class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x

def make(input_shape, n_outputs, units=16):
    first = keras.Input(input_shape)
    hidden = Doubled()(keras.layers.Dense(units, activation="tanh")(first))
    return keras.Model(first, keras.layers.Dense(n_outputs)(hidden))
"""
INTERRUPTED: dict[str, Any] = {
    "layers": [
        {"class": "Dense", "units": 16, "activation": "relu"},
        {"class": "Dropout", "rate": 0.3},
    ],
    "checkpoint_every": 1,
    "epochs": 40,
}


def penguins(
    folder: Path, *, target: str = "species", task: str = "multiclass", **params: Any
) -> RunDirectory:
    command = [interpreter(), str(ADAPTER / "train.py")]
    params = {"epochs": 10, **params}
    return RunDirectory(folder, command, params=params, text=PENGUINS, target=target, task=task)


def rows_of(text: str, target: str) -> list[dict[str, str]]:
    header, *lines = text.splitlines()
    names = header.split(",")
    rows = [dict(zip(names, line.split(","), strict=True)) for line in lines[::5]]
    return [{name: cell for name, cell in row.items() if name != target} for row in rows]


def test_classes_are_learned_and_served(tmp_path: Path) -> None:
    run = penguins(tmp_path, validation_fraction=0.2).succeed()
    assert run.accuracy() >= 0.95
    metrics = dict(run.metrics())
    assert list(metrics) == list(range(1, 11))
    assert metrics[10]["train/loss"] < metrics[1]["train/loss"] / 4
    assert metrics[10]["validation/accuracy"] >= 0.9
    (entry,) = run.told("entry")
    assert entry["input"] == {"shape": [None, 9], "dtype": "float32"}
    assert entry["backend"] == "jax"
    written = run.predictions()[1:]
    with run.serve() as conversation:
        answers = conversation.predict(rows_of(PENGUINS, "species"))
        for row, answer in zip(written, answers, strict=True):
            assert row[2] == answer["label"]
            assert list(map(float, row[3:])) == list(answer["scores"].values())
        with pytest.raises(RequestError) as wrong:
            conversation.predict([{"island": "Biscoe", "bill_length_mm": "long"}])
        assert wrong.value.field == "inputs.0.bill_length_mm"


def test_an_export_is_refused_by_name_of_what_lacks(tmp_path: Path) -> None:
    run = penguins(tmp_path, epochs=1).succeed()
    with pytest.raises(NotServed) as refused:
        run.export("onnx")
    # The adapter's own environment has none of what Keras needs to write ONNX.
    assert (refused.value.code, refused.value.field) == (69, "export.format")
    assert "install" in str(refused.value.message)


def test_values_are_learned_and_end_early(tmp_path: Path) -> None:
    run = penguins(
        tmp_path,
        target="body_mass_g",
        task="regression",
        validation_fraction=0.2,
        early_stopping_patience=2,
        epochs=200,
    ).succeed()
    losses = [metrics["validation/loss"] for _, metrics in run.metrics()]
    assert len(losses) == losses.index(min(losses)) + 1 + 2 < 200
    rows = [(float(row[1]), float(row[2])) for row in run.predictions()[1:]]
    error = (sum((truth - said) ** 2 for truth, said in rows) / len(rows)) ** 0.5
    assert error < 450, "grams; the spread of the weights is 800"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return penguins(tmp_path_factory.mktemp("alone"), **INTERRUPTED).succeed()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_stopped_and_resumed_equals_uninterrupted(
    tmp_path: Path, alone: RunDirectory, how: signal.Signals
) -> None:
    stopped = penguins(tmp_path, **INTERRUPTED)
    code = stopped.stop_after_checkpoint(3, how)
    assert code == (143 if how == signal.SIGTERM else -how)
    assert 3 <= stopped.resume() < INTERRUPTED["epochs"]
    assert stopped.succeed().predictions() == alone.predictions()
    assert stopped.metrics()[-1] == alone.metrics()[-1]


def test_a_model_of_the_project_is_trained_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "mine.py").write_text(OWN, encoding="utf-8")
    monkeypatch.chdir(project)
    run = penguins(
        tmp_path / "run", model="mine.make", model_arguments={"units": 8}, from_logits=True
    ).succeed()
    assert run.accuracy() >= 0.9
    monkeypatch.chdir(tmp_path)
    (project / "mine.py").unlink()
    with run.serve() as conversation:
        answers = conversation.predict(rows_of(PENGUINS, "species"))
    assert [answer["label"] for answer in answers] == [row[2] for row in run.predictions()[1:]]


@pytest.mark.parametrize(
    ("params", "field", "part"),
    [
        ({"model": "no_such_module.make"}, "params.model", "cannot be imported"),
        ({"layers": [{"class": "Dens", "units": 3}]}, "params.layers.0.class", "Dense"),
        ({"layers": [{"class": "Dense", "unit": 3}]}, "params.layers.0", "unit"),
        ({"optimizer": "adamm"}, "params.optimizer", "adamm"),
        ({"optimizer_arguments": {"rate": 1}}, "params.optimizer_arguments", "rate"),
        ({"early_stopping_patience": 2}, "params.early_stopping_patience", "validation"),
    ],
)
def test_refusals_name_the_field(
    tmp_path: Path, params: dict[str, Any], field: str, part: str
) -> None:
    code, named, message = penguins(tmp_path, **params).refusal()
    assert (code, named) == (64, field)
    assert part in message
