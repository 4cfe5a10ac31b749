"""The adapter keeps its promises with modules that know no hub."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlhub_adapter.testing import (
    KIT,
    POLL_SECONDS,
    TIME_LIMIT_SECONDS,
    RequestError,
    RunDirectory,
    interpreter,
)

FOLDER = Path(__file__).resolve().parent.parent
PROJECT = Path(__file__).resolve().parent / "project"
EACH = Path(__file__).resolve().parent / "each.py"
PROBE = """
import importlib.metadata as m, json
print(json.dumps([d.metadata["Name"].lower().replace("_", "-") for d in m.distributions()]))
"""
TEXT = (FOLDER / "smoke.csv").read_text(encoding="utf-8")
STEPS = 14
"""Batches of an epoch: 266 rows, of which the data module sets a fifth aside, by 16."""

ROWS = 67
"""Of the split that is predicted."""

EPOCHS = 12


def distributions() -> list[str]:
    """What the adapter's Python has installed."""
    done = subprocess.run([interpreter(), "-c", PROBE], capture_output=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


PACKAGES = distributions()
LIBRARIES = {"lightning": "lightning.pytorch", "pytorch-lightning": "pytorch_lightning"}
CODES = {"lightning": "lit_new", "pytorch-lightning": "lit_old"}
USABLE = [CODES[name] for name in CODES if name in PACKAGES]
CODE = USABLE[0]
LIBRARY = next(LIBRARIES[name] for name in CODES if CODES[name] == CODE)
HARD: dict[str, Any] = {
    "model": {
        "class_path": f"{CODE}.Classifier",
        "init_args": {
            "width": 24,
            "loss": {
                "class_path": "torch.nn.CrossEntropyLoss",
                "init_args": {"label_smoothing": 0.05},
            },
        },
    },
    "callbacks": [{"class_path": f"{CODE}.Counter", "init_args": {"by": 2}}],
    "trainer": {"accelerator": "cpu", "gradient_clip_val": 1.0},
    "epochs": EPOCHS,
}
"""All that a resumed run must take up again: dropout, noise that a hook makes smaller, batch
norm, moments, a schedule that waits for a metric, a callback's count."""


def run_of(
    folder: Path,
    code: str = CODE,
    *,
    model: Any = "Classifier",
    target: str = "species",
    task: str | None = "multiclass",
    seed: int = 3,
    form: str = "pairs",
    **params: Any,
) -> RunDirectory:
    command = [interpreter(), str(FOLDER / "train.py"), "--project", str(PROJECT)]
    data = {
        "train": "{splits.train}",
        "test": "{splits.test}",
        "target": target,
        "form": form,
    }
    given: dict[str, Any] = {
        "model": {"class_path": f"{code}.{model}"} if isinstance(model, str) else model,
        "data": {"class_path": f"{code}.Penguins", "init_args": data},
        "trainer": {"accelerator": "cpu"},
        "epochs": 2,
        **params,
    }
    return RunDirectory(
        folder, command, params=given, text=TEXT, target=target, task=task, seed=seed
    )


class Forks:
    """Starts runs in processes forked from one that has loaded Lightning; see ``each.py``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.codes: dict[RunDirectory, int] = {}
        path = os.pathsep.join(filter(None, [str(KIT), os.environ.get("PYTHONPATH")]))
        with open(folder / "stderr.log", "wb") as log:
            self.program = subprocess.Popen(
                [interpreter(), str(EACH), str(PROJECT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "PYTHONPATH": path},
            )

    def run(
        self, run: RunDirectory, how: signal.Signals | None = None, *, after: int = 0
    ) -> RunDirectory:
        """Runs it to its end, or signals it once it told of a checkpoint ``after`` a step."""
        assert self.program.stdin is not None
        run.write()
        self.program.stdin.write(f"{run.dir}\n")
        self.program.stdin.flush()
        child = self.read()
        watch = threading.Timer(TIME_LIMIT_SECONDS, os.kill, (child, signal.SIGKILL))
        watch.start()
        if how is not None:
            while not any(saved["step"] >= after for saved in run.told("checkpoint")):
                assert watch.is_alive(), f"no checkpoint in {TIME_LIMIT_SECONDS} s"
                time.sleep(POLL_SECONDS)
            os.kill(child, how)
        self.codes[run] = self.read()
        watch.cancel()
        return run

    def read(self) -> int:
        """The next number that is told."""
        assert self.program.stdout is not None
        line = self.program.stdout.readline()
        assert line, (self.folder / "stderr.log").read_text(encoding="utf-8")
        return int(line)

    def done(self, run: RunDirectory) -> RunDirectory:
        """The run, which must have come to a good end."""
        assert self.codes[run] == 0, output(run)
        return run


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    made = Forks(tmp_path_factory.mktemp("forks"))
    with made.program:
        yield made
        made.program.communicate()
    assert made.program.returncode == 0


def output(run: RunDirectory) -> str:
    return (run.dir / "output.log").read_text(encoding="utf-8")


def losses(run: RunDirectory) -> list[float]:
    return [told["train/loss"] for _, told in run.metrics() if "train/loss" in told]


def callback(name: str, **args: Any) -> dict[str, Any]:
    return {"class_path": f"{LIBRARY}.callbacks.{name}", "init_args": args}


# Nothing is better by 100: it ends after the second epoch.
STOPPING = callback("EarlyStopping", monitor="val_loss", patience=1, min_delta=100.0)
TRAINED: dict[str, dict[str, Any]] = {
    "alone": HARD,
    "again": {"epochs": 8},
    "other seed": {"epochs": 8, "seed": 4},
    "early": {"callbacks": [STOPPING], "epochs": 8},
    "best": {"callbacks": [callback("ModelCheckpoint", monitor="val_loss")], "epochs": 3},
    "pair": {"model": "Pair", "target": "sex", "task": "binary", "epochs": 12},
    "mass": {"model": "Mass", "target": "body_mass_g", "task": "regression", "epochs": 12},
    "double": {"trainer": {"accelerator": "cpu", "precision": 64, "accumulate_grad_batches": 2}},
    "untold": {"task": None},
}
"""Runs that come to a good end."""

REFUSED: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "no module": (
        {"model": {"class_path": "lit_common.SIZES"}},
        64,
        "params.model.class_path",
        "LightningModule",
    ),
    "no code": (
        {"model": {"class_path": "lit_no.Net"}},
        64,
        "params.model.class_path",
        "cannot be imported",
    ),
    "a typo in an argument": (
        {"model": {"class_path": f"{CODE}.Classifier", "init_args": {"wdith": 3}}},
        64,
        "params.model.init_args.wdith",
        "did you mean width?",
    ),
    "an argument in an argument": (
        {
            "model": {
                "class_path": f"{CODE}.Classifier",
                "init_args": {"loss": {"class_path": "torch.nn.MSELos"}},
            }
        },
        64,
        "params.model.init_args.loss.class_path",
        "MSELoss",
    ),
    "no data": (
        {"data": {"class_path": f"{CODE}.Counter"}},
        64,
        "params.data.class_path",
        "LightningDataModule",
    ),
    "no file": (
        {"data": {"class_path": f"{CODE}.Penguins", "init_args": {"train": "{splits.train}"}}},
        64,
        "params.data.init_args.test",
        "needs it",
    ),
    "a typo in the trainer": (
        {"trainer": {"acelerator": "cpu"}},
        64,
        "params.trainer.acelerator",
        "did you mean accelerator?",
    ),
    "the hub's argument": (
        {"trainer": {"max_epochs": 3}},
        64,
        "params.trainer.max_epochs",
        "params.epochs",
    ),
    "no accelerator": (
        {"trainer": {"accelerator": "abacus"}},
        64,
        "params.trainer",
        "the Trainer refuses them",
    ),
    "no callback": (
        {"callbacks": [{"class_path": "torch.nn.ReLU"}]},
        64,
        "params.callbacks[0].class_path",
        "Callback",
    ),
    "no epochs": ({"epochs": 0}, 64, "params.epochs", "whole number from 1"),
    "other rows": ({"form": "reversed"}, 65, "dataset.splits.test", "in their order"),
    "three in a batch": ({"form": "threes"}, 69, "params.data", "(inputs, targets)"),
    "two values": (
        {"task": "regression"},
        69,
        "params.model",
        "gives 3 values a row",
    ),
}
"""Runs that are refused: params, exit code, field, and a part of the message."""


@pytest.fixture(scope="module")
def runs(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunDirectory]:
    """Those of ``TRAINED``, one of each Lightning, and one of a dataset with ids."""
    folder = tmp_path_factory.mktemp("runs")
    made = {name: run_of(folder / name, **said) for name, said in TRAINED.items()}
    made.update({code: run_of(folder / code, code, epochs=8) for code in USABLE})
    made["named"] = run_of(folder / "named")
    made["named"].file["dataset"]["id"] = "bill_length_mm"
    return {name: forks.done(forks.run(run)) for name, run in made.items()}


@pytest.mark.parametrize("code", USABLE)
def test_a_module_trains_unchanged(runs: dict[str, RunDirectory], code: str) -> None:
    run = runs[code]
    assert run.accuracy() >= 0.9
    assert len(losses(run)) == 8
    assert losses(run)[-1] < losses(run)[0] / 2
    assert any("validation/accuracy" in told for _, told in run.metrics())
    assert not any("epoch" in told for _, told in run.metrics())
    assert [told["done"] for told in run.told("progress")] == list(range(1, 9))
    assert [told["step"] for told in run.told("checkpoint")] == list(range(STEPS, 9 * STEPS, STEPS))
    paths = ["artifacts/model.ckpt", "artifacts/model.pt", "artifacts/model.json"]
    assert [told["path"] for told in run.told("artifact")] == paths


def test_what_goes_in_is_told_without_values(runs: dict[str, RunDirectory]) -> None:
    (entry,) = runs[CODE].told("entry")
    assert entry["device"] == "cpu"
    inputs, targets = (entry["splits"]["train"][part] for part in "01")
    assert (inputs["shape"], inputs["dtype"], inputs["device"]) == ([16, 4], "float32", "cpu")
    assert inputs["missing"] == 0
    assert inputs["max"] > inputs["mean"] > inputs["min"] > 0 < inputs["std"]
    assert (targets["shape"], targets["dtype"]) == ([16], "int64")
    assert entry["splits"]["validation"]["0"]["shape"] == [16, 4]


def test_the_same_seed_gives_the_same_bits(runs: dict[str, RunDirectory]) -> None:
    alone, again, other = (runs[name] for name in (CODE, "again", "other seed"))
    assert again.metrics() == alone.metrics()
    assert again.predictions() == alone.predictions()
    assert other.predictions() != alone.predictions()


def test_killed_and_resumed_equals_uninterrupted(
    forks: Forks, runs: dict[str, RunDirectory], tmp_path: Path
) -> None:
    alone, step = runs["alone"], 3 * STEPS
    # It would not end by itself, so that it is killed on its way on any machine.
    killed = run_of(tmp_path, **{**HARD, "epochs": 100_000})
    forks.run(killed, signal.SIGKILL, after=step)
    assert forks.codes[killed] == -signal.SIGKILL
    assert killed.resume(at=step) == step
    killed.file["params"]["epochs"] = EPOCHS
    forks.done(forks.run(killed))
    assert killed.predictions() == alone.predictions()
    assert killed.metrics() == [told for told in alone.metrics() if told[0] >= step]
    counts = [told["train/counted"] for _, told in killed.metrics() if "train/counted" in told]
    assert counts == [float(2 * at) for at in range(step, EPOCHS * STEPS, STEPS)]


def test_told_to_stop_it_ends_after_the_epoch(forks: Forks, tmp_path: Path) -> None:
    run = run_of(tmp_path, epochs=100_000, checkpoint_every=10)
    forks.run(run, signal.SIGTERM, after=10 * STEPS)
    assert forks.codes[run] == 143
    epochs = run.told("progress")[-1]["done"]
    assert run.resume() == epochs * STEPS, "the epoch that was finished is in a checkpoint"
    run.file["params"]["epochs"] = epochs + 1
    assert len(losses(forks.done(forks.run(run)))) == 1
    assert len(run.predictions()) == ROWS + 1


def test_resumed_at_its_end_it_predicts_the_same(forks: Forks, tmp_path: Path) -> None:
    run = forks.done(forks.run(run_of(tmp_path, epochs=3)))
    before = run.predictions()
    assert run.resume() == 3 * STEPS
    assert forks.done(forks.run(run)).metrics() == []
    assert run.predictions() == before
    (entry,) = run.told("entry")
    assert entry["splits"]["test"]["0"]["shape"] == [16, 4]


def test_an_ended_run_goes_on_for_more_epochs(
    forks: Forks, runs: dict[str, RunDirectory], tmp_path: Path
) -> None:
    run = forks.done(forks.run(run_of(tmp_path, epochs=3)))
    run.resume()
    run.file["params"]["epochs"] = 8
    assert len(losses(forks.done(forks.run(run)))) == 5
    assert run.predictions() == runs[CODE].predictions()


def test_callbacks_of_lightning_are_taken(runs: dict[str, RunDirectory]) -> None:
    early = runs["early"]
    assert early.told("progress")[-1] == {"done": 2, "total": 8}
    assert early.told("checkpoint")[-1]["step"] == 2 * STEPS
    best = runs["best"]
    assert list((best.dir / "lightning").rglob("*.ckpt")), "a callback keeps its own files"


def test_labels_are_read_from_the_split(runs: dict[str, RunDirectory]) -> None:
    pair = runs["pair"]
    rows = pair.predictions()
    assert rows[0] == ["id", "y_true", "y_pred", "y_score_female", "y_score_male"]
    texts = [line.split(",")[5] for line in TEXT.splitlines()[1:][::5]]
    assert [row[1] for row in rows[1:]] == texts
    assert pair.accuracy() >= 0.7
    untold = runs["untold"]
    assert untold.predictions()[0][3:] == [
        f"y_score_{name}" for name in ("Adelie", "Chinstrap", "Gentoo")
    ]
    assert untold.told("predictions")[0]["task"] == "multiclass"


def test_predict_step_and_other_precisions_are_used(runs: dict[str, RunDirectory]) -> None:
    rows = runs["mass"].predictions()[1:]
    errors = [abs(float(row[1]) - float(row[2])) for row in rows]
    assert sum(errors) / len(errors) < 1000, "it answers in grams"
    assert len(runs["double"].predictions()) == ROWS + 1


def test_ids_are_those_of_the_dataset(runs: dict[str, RunDirectory]) -> None:
    texts = [line.split(",")[1] for line in TEXT.splitlines()[1:][::5]]
    assert [row[0] for row in runs["named"].predictions()[1:]] == texts


@pytest.mark.parametrize(
    ("name", "read"),
    [("alone", lambda row: [float(cell) for cell in row[3:]]), ("mass", lambda row: float(row[2]))],
)
def test_a_single_input_is_answered_as_in_the_prediction_file(
    runs: dict[str, RunDirectory], name: str, read: Callable[[list[str]], Any]
) -> None:
    run = runs[name]
    lines = TEXT.splitlines()[1:][::5]
    inputs = [[float(cell) for cell in line.split(",")[1:5]] for line in lines]
    with run.serve() as conversation:
        outputs = conversation.predict(inputs)
        (alone,) = conversation.predict(inputs[:1])
        for wrong, field in ((inputs[0][:3], "inputs.0"), ([1.0, 2.0, "x", 4.0], "inputs.0.2")):
            with pytest.raises(RequestError) as refused:
                conversation.predict([wrong])
            assert (refused.value.code, refused.value.field) == ("invalid", field)
    expected = [read(row) for row in run.predictions()[1:]]
    if name == "mass":
        assert [said["value"] for said in outputs] == pytest.approx(expected, rel=1e-4)
        assert alone["value"] == pytest.approx(expected[0], rel=1e-4)
        return
    for said, row, scores in zip(outputs, run.predictions()[1:], expected, strict=True):
        assert said["label"] == row[2]
        assert list(said["scores"].values()) == pytest.approx(scores, abs=1e-5)
    assert alone["label"] == outputs[0]["label"]


def test_a_strategy_of_two_processes_trains(tmp_path: Path) -> None:
    trainer = {"accelerator": "cpu", "devices": 2, "strategy": "ddp"}
    run = run_of(tmp_path, epochs=6, trainer=trainer).succeed()
    half = STEPS // 2
    assert [told["step"] for told in run.told("checkpoint")] == [half * at for at in range(1, 7)]
    assert len(run.told("entry")) == 1
    assert run.accuracy() >= 0.7
    assert len(run.predictions()) == ROWS + 1
    assert len(run.told("artifact")) == 3


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_refused_by_name(forks: Forks, tmp_path: Path, name: str) -> None:
    said, code, field, part = REFUSED[name]
    run = forks.run(run_of(tmp_path, **said))
    assert forks.codes[run] == code, output(run)
    (error,) = run.told("error")
    assert error["field"] == field
    assert part in error["message"]
    assert error["message"] in output(run)


def test_rows_that_are_not_the_splits_are_refused(forks: Forks, tmp_path: Path) -> None:
    run = run_of(tmp_path)
    run.file["dataset"]["splits"]["test"]["rows"] = 3
    forks.run(run)
    assert forks.codes[run] == 65
    (error,) = run.told("error")
    assert error["field"] == "dataset.splits.test"
    assert "67 rows where the split has 3" in error["message"]
