"""Training on the Palmer penguins: it learns, resumes bit by bit, serves and refuses.

``KERAS_BACKEND`` names another backend than JAX, in an environment that has it.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from mlhub_adapter.testing import RequestError, RunDirectory, interpreter

ADAPTER = Path(__file__).resolve().parent.parent
BACKEND = os.environ.get("KERAS_BACKEND", "jax")
PENGUINS = (ADAPTER / "smoke.csv").read_text(encoding="utf-8")
EQUAL_BATCHES = 71
"""A third of the training rows that validation leaves: with a smaller last batch, XLA
compiles twice."""

SEVERAL_SECONDS = 600.0
"""For the runs of one process together, however busy the machine is."""

OWN = """
import keras
from parts import Doubled

class Net(keras.Model):
    def __init__(self, input_shape, n_outputs, units=16):
        super().__init__()
        self.first = keras.layers.Dense(units, activation="tanh")
        self.second = Doubled()
        self.last = keras.layers.Dense(n_outputs)

    def call(self, x):
        return self.last(self.second(self.first(x)))

def functional(input_shape, n_outputs):
    first = keras.Input(input_shape)
    return keras.Model(first, keras.layers.Dense(n_outputs + 1)(first))

def nothing(input_shape, n_outputs):
    return None
"""
PARTS = """
import keras

class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x
"""
INTERRUPTED: dict[str, Any] = {
    "layers": [
        {"class": "Dense", "units": 16, "activation": "relu"},
        {"class": "BatchNormalization"},
        {"class": "Dropout", "rate": 0.3},
    ],
    "schedule": {"class": "CosineDecay", "decay_steps": 200},
    "batch_size": 133,
    "checkpoint_every": 1,
    "epochs": 30,
}
STOPPED_EARLY: dict[str, Any] = {
    "target": "body_mass_g",
    "task": "regression",
    "validation_fraction": 0.2,
    "early_stopping_epochs": 2,
    "checkpoint_every": 1,
    "epochs": 100,
    "loss": "Huber",
    "loss_args": {"delta": 2.0},
    "metrics": ["mae"],
}
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no module": ({"model": "no_such_module:make"}, "params.model", "cannot be imported"),
    "no function": ({"model": "mine:Nett"}, "params.model", "did you mean Net?"),
    "no model": ({"model": "mine:nothing"}, "params.model", "no keras.Model"),
    "outputs": ({"model": "mine:functional"}, "params.model", "[None, 4]"),
    "model's argument": (
        {"model": "mine:Net", "model_args": {"unit": 3}},
        "params.model_args",
        "unit",
    ),
    "layer": ({"layers": [{"class": "Dens", "units": 3}]}, "params.layers.0.class", "Dense"),
    "layer's argument": ({"layers": [{"class": "Dense", "unit": 3}]}, "params.layers.0", "unit"),
    "code": ({"layers": [{"class": "Lambda"}]}, "params.layers.0.class", "not a layer"),
    "optimizer": ({"optimizer": "adamm"}, "params.optimizer", "adamm"),
    "optimizer's argument": ({"optimizer_args": {"rate": 1}}, "params.optimizer_args", "rate"),
    "schedule": ({"schedule": {"class": "Cosine"}}, "params.schedule.class", "CosineDecay"),
    "schedule's argument": ({"schedule": {"class": "CosineDecay"}}, "params.schedule", "decay"),
    "loss": ({"loss": "hinged"}, "params.loss", "hinged"),
    "loss's argument": ({"loss": "huber", "loss_args": {"delta": 1}}, "params.loss", "Huber"),
    "metric": ({"metrics": ["nope"]}, "params.metrics.0", "nope"),
    "patience": ({"early_stopping_epochs": 2}, "params.early_stopping_epochs", "validation"),
    "shape": ({"input_shape": [2, 2]}, "params.input_shape", "9 numbers"),
}


def penguins(
    folder: Path, *, target: str = "species", task: str = "multiclass", **params: Any
) -> RunDirectory:
    command = [interpreter(), str(ADAPTER / "train.py")]
    params = {"epochs": 20, "batch_size": EQUAL_BATCHES, "backend": BACKEND, **params}
    return RunDirectory(folder, command, params=params, text=PENGUINS, target=target, task=task)


def in_one_process(runs: list[RunDirectory]) -> list[int]:
    """Exit codes of runs that one process did."""
    for run in runs:
        run.write()
    several = [interpreter(), str(ADAPTER / "tests" / "several.py")]
    program = runs[0].start(several, [str(run.dir) for run in runs])
    _, said = program.communicate(timeout=SEVERAL_SECONDS)
    assert program.returncode == 0, said
    return [int((run.dir / "exit-code").read_text(encoding="utf-8")) for run in runs]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with modules of a user."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "mine.py").write_text(OWN, encoding="utf-8")
    (folder / "parts.py").write_text(PARTS, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def runs(project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunDirectory]:
    """Runs by name, all done."""
    folder = tmp_path_factory.mktemp("runs")
    own: dict[str, Any] = {
        "model": "mine:Net",
        "model_args": {"units": 8},
        "from_logits": True,
        "batch_size": 133,
    }
    made = {
        "classes": penguins(folder / "classes", validation_fraction=0.2),
        "values": penguins(folder / "values", **STOPPED_EARLY),
        "alone": penguins(folder / "alone", **INTERRUPTED),
        "own": penguins(folder / "own", **own),
        **{name: penguins(folder / name, **params) for name, (params, _, _) in REFUSED.items()},
    }
    here = Path.cwd()
    os.chdir(project)
    try:
        codes = dict(zip(made, in_one_process(list(made.values())), strict=True))
    finally:
        os.chdir(here)
    assert codes == {name: 64 if name in REFUSED else 0 for name in made}
    return made


def rows_of(target: str) -> list[dict[str, str]]:
    """The test split's rows, as they are asked for."""
    header, *lines = PENGUINS.splitlines()
    rows = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines[::5]]
    return [{name: cell for name, cell in row.items() if name != target} for row in rows]


def test_classes_are_learned(runs: dict[str, RunDirectory]) -> None:
    run = runs["classes"]
    assert run.accuracy() >= 0.95
    metrics = dict(run.metrics())
    assert list(metrics) == list(range(1, 21))
    assert metrics[20]["train/loss"] < metrics[1]["train/loss"] / 4
    assert metrics[20]["validation/accuracy"] >= 0.9


def test_the_entry_says_what_goes_in(runs: dict[str, RunDirectory]) -> None:
    (entry,) = runs["classes"].told("entry")
    assert entry["input"] == {"shape": [None, 9], "dtype": "float32"}
    assert (entry["backend"], entry["device"]) == (BACKEND, "cpu")
    # Weights and biases of 9 inputs, twice 32 units and 3 classes.
    assert entry["parameters"] == 10 * 32 + 33 * 32 + 33 * 3
    train = entry["splits"]["train"]
    assert train["shape"] == [213, 6]
    assert train["features"]["missing"] == 0
    assert sum(train["target"]["class_counts"]) == 213


def test_served_answers_are_those_of_the_prediction_file(runs: dict[str, RunDirectory]) -> None:
    written = runs["classes"].predictions()[1:]
    asked = rows_of("species")
    with runs["classes"].serve() as conversation:
        answers = conversation.predict(asked)
        for row, answer in zip(written, answers, strict=True):
            assert row[2] == answer["label"]
            assert list(map(float, row[3:])) == list(answer["scores"].values())
        # Whatever else is asked beside them.
        assert conversation.predict(asked[::-1]) == answers[::-1]
        assert [conversation.predict([row])[0] for row in asked[:3]] == answers[:3]
        assert conversation.predict([]) == []
        with pytest.raises(RequestError) as wrong:
            conversation.predict([{"island": "Biscoe", "bill_length_mm": "long"}])
        assert wrong.value.field == "inputs.0.bill_length_mm"


def test_values_are_learned_and_end_early(runs: dict[str, RunDirectory]) -> None:
    run = runs["values"]
    metrics = [metrics for _, metrics in run.metrics()]
    losses = [of_epoch["validation/loss"] for of_epoch in metrics]
    assert len(losses) == losses.index(min(losses)) + 1 + 2 < STOPPED_EARLY["epochs"]
    assert metrics[-1]["train/mean_absolute_error"] < metrics[0]["train/mean_absolute_error"]
    rows = [(float(row[1]), float(row[2])) for row in run.predictions()[1:]]
    error = (sum((truth - said) ** 2 for truth, said in rows) / len(rows)) ** 0.5
    assert error < 450, "grams; the spread of the weights is 800"


def test_a_model_of_the_project_is_trained_and_served(
    runs: dict[str, RunDirectory], project: Path
) -> None:
    run = runs["own"]
    assert run.accuracy() >= 0.9
    # The code is kept, so the project may change. None of its classes is registered.
    code = run.dir / "artifacts" / "code"
    assert {path.name for path in code.rglob("*.py")} == {"mine.py", "parts.py"}
    (project / "parts.py").unlink()
    with run.serve() as conversation:
        answers = conversation.predict(rows_of("species"))
    for row, answer in zip(run.predictions()[1:], answers, strict=True):
        assert (row[2], list(map(float, row[3:]))) == (
            answer["label"],
            list(answer["scores"].values()),
        )


@pytest.fixture(scope="module")
def resumed(
    runs: dict[str, RunDirectory], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, RunDirectory]:
    """Runs that went on: two that were stopped, and one that had ended early."""
    folder = tmp_path_factory.mktemp("resumed")
    made = {}
    for how, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 143)):
        run = made[how.name] = penguins(folder / how.name, **INTERRUPTED)
        assert run.stop_after_checkpoint(3, how) == code
        assert 3 <= run.resume() < INTERRUPTED["epochs"]
    ended = made["ended"] = penguins(folder / "ended", **STOPPED_EARLY)
    last = runs["values"].told("checkpoint")[-1]
    path = str(runs["values"].dir / last["path"])
    ended.file["resume"] = {"step": last["step"], "checkpoint": path}
    assert in_one_process(list(made.values())) == [0, 0, 0]
    return made


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
def test_stopped_and_resumed_equals_uninterrupted(
    runs: dict[str, RunDirectory], resumed: dict[str, RunDirectory], how: str
) -> None:
    assert resumed[how].predictions() == runs["alone"].predictions()
    assert resumed[how].metrics()[-1] == runs["alone"].metrics()[-1]


def test_a_run_that_ended_early_is_not_trained_on(
    runs: dict[str, RunDirectory], resumed: dict[str, RunDirectory]
) -> None:
    assert resumed["ended"].metrics() == []
    assert resumed["ended"].predictions() == runs["values"].predictions()


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_field(runs: dict[str, RunDirectory], name: str) -> None:
    _, field, part = REFUSED[name]
    (error,) = runs[name].told("error")
    assert error["field"] == field
    assert part in error["message"]
    assert not runs[name].told("metrics"), "nothing was trained"
