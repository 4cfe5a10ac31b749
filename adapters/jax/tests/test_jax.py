"""Training on the Palmer penguins: it learns, resumes bit by bit, serves and refuses."""

from __future__ import annotations

import json
import os
import signal
import zipfile
from pathlib import Path
from typing import Any

import pytest
from mlhub_adapter.testing import NotServed, RequestError, RunDirectory, interpreter

ADAPTER = Path(__file__).resolve().parent.parent
PENGUINS = (ADAPTER / "smoke.csv").read_text(encoding="utf-8")
SEVERAL_SECONDS = 600.0
"""For the runs of one process together, however busy the machine is."""

LINEAR = """
import jax
import jax.numpy as jnp
import sizes

def init(rng, input_shape, n_outputs, *, learning_rate=0.5):
    weights = jnp.zeros((input_shape[0], n_outputs), dtype=sizes.DTYPE)
    return {"w": weights, "rate": learning_rate}

def predict(state, x):
    return x @ state["w"].astype(jnp.float32)

def train_step(state, batch, rng):
    def loss_of(w):
        return ((batch["x"] @ w.astype(jnp.float32))[:, 0] - batch["y"]) @ (
            (batch["x"] @ w.astype(jnp.float32))[:, 0] - batch["y"]) / len(batch["y"])
    loss, gradient = jax.value_and_grad(loss_of)(state["w"])
    moved = state["w"] - (state["rate"] * gradient).astype(state["w"].dtype)
    return {**state, "w": moved}, {"loss": loss}
"""
SIZES = "DTYPE = 'bfloat16'\n"
BROKEN = """
def init(rng, input_shape, n_outputs, *, outputs=1, key=False):
    return {"w": [0.0], "key": rng} if key else {"w": [0.0]}

def predict(state, x):
    return x[:, :1]

def train_step(state, batch, rng):
    return {"v": state["w"]}, {"loss": 0.0}
"""
INTERRUPTED: dict[str, Any] = {
    "module_args": {"dropout": 0.2, "hidden": [16]},
    "checkpoint_every": 1,
    "epochs": 60,
    "batch_size": 128,
}
WEIGHTS: dict[str, Any] = {"target": "body_mass_g", "task": "regression"}
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no module": ({"module": "no_such_module"}, "params.module", "cannot be imported"),
    "no function": ({"module": "json"}, "params.module", "has no function init"),
    "argument": ({"module_args": {"hiden": [3]}}, "params.module_args", "hiden"),
    "other state": ({"module": "broken"}, "params.module", "another form"),
    "state of keys": (
        {"module": "broken", "module_args": {"key": True}},
        "params.module",
        "no array of numbers",
    ),
    "shape": ({"input_shape": [2, 2]}, "params.input_shape", "9 numbers"),
    "epochs": ({"epochs": 0}, "params.epochs", ""),
    "column": ({"exclude": ["wings"]}, "params.exclude", "wings"),
}


def penguins(
    folder: Path, *, target: str = "species", task: str = "multiclass", seed: int = 3, **params: Any
) -> RunDirectory:
    command = [interpreter(), str(ADAPTER / "train.py")]
    params = {"epochs": 20, **params}
    return RunDirectory(
        folder, command, params=params, text=PENGUINS, target=target, task=task, seed=seed
    )


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
    (folder / "models").mkdir()
    (folder / "models" / "linear.py").write_text(LINEAR, encoding="utf-8")
    (folder / "sizes.py").write_text(SIZES, encoding="utf-8")
    (folder / "broken.py").write_text(BROKEN, encoding="utf-8")
    # The built-in model is not the project's module of the same name.
    (folder / "mlhub_jax_mlp.py").write_text("raise ImportError('not mine')\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def runs(project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunDirectory]:
    """Runs by name, all done."""
    folder = tmp_path_factory.mktemp("runs")
    made = {
        "classes": penguins(folder / "classes", validation_fraction=0.2),
        "other seed": penguins(folder / "seed", seed=4, validation_fraction=0.2),
        "values": penguins(folder / "values", module_args={"hidden": [16]}, **WEIGHTS),
        "alone": penguins(folder / "alone", **INTERRUPTED),
        "own": penguins(
            folder / "own", module="models.linear", module_args={"learning_rate": 0.05}, **WEIGHTS
        ),
        **{name: penguins(folder / name, **params) for name, (params, _, _) in REFUSED.items()},
    }
    here = Path.cwd()
    os.chdir(project)
    try:
        codes = dict(zip(made, in_one_process(list(made.values())), strict=True))
    finally:
        os.chdir(here)
    wanted = {name: 64 if name in REFUSED else 0 for name in made}
    assert codes == wanted
    return made


def rows_of(target: str) -> list[dict[str, str]]:
    """The test split's rows, as they are asked for."""
    header, *lines = PENGUINS.splitlines()
    rows = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines[::5]]
    return [{name: cell for name, cell in row.items() if name != target} for row in rows]


def error_of(run: RunDirectory) -> float:
    """The root mean squared error of the test split's predictions."""
    rows = [(float(row[1]), float(row[2])) for row in run.predictions()[1:]]
    error: float = (sum((truth - said) ** 2 for truth, said in rows) / len(rows)) ** 0.5
    return error


def test_classes_are_learned(runs: dict[str, RunDirectory]) -> None:
    run = runs["classes"]
    assert run.accuracy() >= 0.95
    metrics = dict(run.metrics())
    assert list(metrics) == list(range(1, 21))
    assert metrics[20]["train/loss"] < metrics[1]["train/loss"] / 4
    assert metrics[20]["validation/accuracy"] >= 0.9
    assert runs["other seed"].predictions() != run.predictions()


def test_the_entry_says_what_goes_in(runs: dict[str, RunDirectory]) -> None:
    (entry,) = runs["classes"].told("entry")
    assert entry["input"] == {"shape": [None, 9], "dtype": "float32"}
    assert entry["device"] == "cpu"
    assert entry["state"]["dtypes"] == ["float32", "int32"]
    train = entry["splits"]["train"]
    assert train["shape"] == [213, 6]
    assert train["features"]["missing"] == 0
    assert sum(train["target"]["class_counts"]) == 213
    assert entry["splits"]["test"]["shape"] == [67, 6]


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


def test_values_are_learned(runs: dict[str, RunDirectory]) -> None:
    assert error_of(runs["values"]) < 450, "grams; the spread of the weights is 800"


def test_a_module_of_the_project_is_trained_and_served(
    runs: dict[str, RunDirectory], project: Path
) -> None:
    run = runs["own"]
    assert error_of(run) < 450, "grams; the spread of the weights is 800"
    (entry,) = run.told("entry")
    assert entry["state"]["dtypes"] == ["bfloat16", "float32"]
    # The code is kept, so the project may change.
    code = run.dir / "artifacts" / "code"
    kept = {str(path.relative_to(code)) for path in code.rglob("*.py")}
    assert kept == {"models/linear.py", "sizes.py"}
    (project / "sizes.py").unlink()
    with run.serve() as conversation:
        answers = conversation.predict(rows_of("body_mass_g"))
    assert [answer["value"] for answer in answers] == [
        float(row[2]) for row in run.predictions()[1:]
    ]


def test_stopped_and_resumed_equals_uninterrupted(
    runs: dict[str, RunDirectory], tmp_path: Path
) -> None:
    stopped = {}
    for how, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 143)):
        run = stopped[how] = penguins(tmp_path / how.name, **INTERRUPTED)
        assert run.stop_after_checkpoint(3, how) == code
        assert 3 <= run.resume() < INTERRUPTED["epochs"]
    assert in_one_process(list(stopped.values())) == [0, 0]
    alone = runs["alone"]
    for run in stopped.values():
        assert run.predictions() == alone.predictions()
        assert run.metrics()[-1] == alone.metrics()[-1]
        assert state_of(run) == state_of(alone)


def state_of(run: RunDirectory) -> dict[str, bytes]:
    with zipfile.ZipFile(run.dir / "artifacts" / "state.npz") as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_field(runs: dict[str, RunDirectory], name: str) -> None:
    _, field, part = REFUSED[name]
    (error,) = runs[name].told("error")
    assert error["field"] == field
    assert part in error["message"]
    assert not runs[name].told("metrics"), "nothing was trained"


def test_a_damaged_model_is_not_served(runs: dict[str, RunDirectory]) -> None:
    run = runs["values"]
    state = run.dir / "artifacts" / "state.npz"
    state.write_bytes(state.read_bytes()[:200])
    with pytest.raises(NotServed) as refused, run.serve():
        pass
    assert (refused.value.code, refused.value.field) == (64, "model.path")
    assert "damaged" in json.dumps(refused.value.message)
