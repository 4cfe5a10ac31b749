"""Training on the Palmer penguins: it learns, resumes bit by bit, serves and refuses."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from mlhub_adapter.testing import RequestError, RunDirectory, interpreter

ADAPTER = Path(__file__).resolve().parent.parent
PENGUINS = (ADAPTER / "smoke.csv").read_text(encoding="utf-8")
LINEAR = """
import jax
import jax.numpy as jnp

def init(rng, input_shape, n_outputs, *, learning_rate=0.5):
    return {"w": jnp.zeros((input_shape[0], n_outputs)), "rate": jnp.float32(learning_rate)}

def predict(state, x):
    return x @ state["w"]

def train_step(state, batch, rng):
    def loss_of(w):
        shares = jax.nn.log_softmax(batch["x"] @ w)
        return -jnp.take_along_axis(shares, batch["y"][:, None], axis=1).mean()
    loss, gradient = jax.value_and_grad(loss_of)(state["w"])
    return {**state, "w": state["w"] - state["rate"] * gradient}, {"loss": loss}
"""
INTERRUPTED: dict[str, Any] = {
    "options": {"dropout": 0.2, "hidden": [16]},
    "checkpoint_every": 1,
    "epochs": 60,
    "batch_size": 128,
}


def penguins(
    folder: Path, *, target: str = "species", task: str = "multiclass", **params: Any
) -> RunDirectory:
    command = [interpreter(), str(ADAPTER / "train.py")]
    params = {"epochs": 20, **params}
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
    assert list(metrics) == list(range(1, 21))
    assert metrics[20]["train/loss"] < metrics[1]["train/loss"] / 4
    assert metrics[20]["validation/accuracy"] >= 0.9
    (entry,) = run.told("entry")
    assert entry["input"] == {"shape": [None, 9], "dtype": "float32"}
    assert entry["device"].lower().startswith(("cpu", "tfrtcpu"))
    assert entry["splits"]["train"]["shape"][1] == 6
    written = run.predictions()[1:]
    with run.serve() as conversation:
        answers = conversation.predict(rows_of(PENGUINS, "species"))
        for row, answer in zip(written, answers, strict=True):
            assert row[2] == answer["label"]
            assert list(map(float, row[3:])) == list(answer["scores"].values())
        with pytest.raises(RequestError) as wrong:
            conversation.predict([{"island": "Biscoe", "bill_length_mm": "long"}])
        assert wrong.value.field == "inputs.0.bill_length_mm"


def test_values_are_learned_and_served(tmp_path: Path) -> None:
    options = {"hidden": [16]}
    run = penguins(
        tmp_path, target="body_mass_g", task="regression", options=options, validation_fraction=0.1
    ).succeed()
    rows = [(float(row[1]), float(row[2])) for row in run.predictions()[1:]]
    error = (sum((truth - said) ** 2 for truth, said in rows) / len(rows)) ** 0.5
    assert error < 450, "grams; the spread of the weights is 800"
    with run.serve() as conversation:
        answers = conversation.predict(rows_of(PENGUINS, "body_mass_g"))
    assert [answer["value"] for answer in answers] == [said for _, said in rows]


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
    final = "artifacts/state.npz"
    assert _arrays(stopped.dir / final) == _arrays(alone.dir / final)


def _arrays(path: Path) -> dict[str, bytes]:
    import zipfile

    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_a_module_of_the_project_is_trained_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    (project / "models" / "linear.py").write_text(LINEAR, encoding="utf-8")
    monkeypatch.chdir(project)
    run = penguins(tmp_path / "run", module="models.linear").succeed()
    assert run.accuracy() >= 0.95
    assert (run.dir / "artifacts/code/models/linear.py").read_text(encoding="utf-8") == LINEAR
    monkeypatch.chdir(tmp_path)
    (project / "models" / "linear.py").unlink()
    with run.serve() as conversation:
        answers = conversation.predict(rows_of(PENGUINS, "species"))
    assert [answer["label"] for answer in answers] == [row[2] for row in run.predictions()[1:]]


@pytest.mark.parametrize(
    ("params", "field", "part"),
    [
        ({"module": "no_such_module"}, "params.module", "cannot be imported"),
        ({"module": "json"}, "params.module", "has no function init"),
        ({"options": {"hiden": [3]}}, "params.options", "hiden"),
        ({"input_shape": [2, 2]}, "params.input_shape", "9 numbers"),
        ({"epochs": 0}, "params.epochs", ""),
        ({"exclude": ["wings"]}, "params.exclude", "wings"),
    ],
)
def test_refusals_name_the_field(
    tmp_path: Path, params: dict[str, Any], field: str, part: str
) -> None:
    code, named, message = penguins(tmp_path, **params).refusal()
    assert (code, named) == (64, field)
    assert part in message
